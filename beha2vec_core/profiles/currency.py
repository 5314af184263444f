"""The currency that money of the GA4 models is in, as ``ga4.dim_ga4__properties`` says it."""

import duckdb

from beha2vec_core.store.catalog import columns_of

# columns of money in the reporting currency; a row's own is in its column `currency`
MONEY_COLUMNS = ("revenue", "net_revenue", "tax", "shipping", "refund", "price", "item_revenue", "average_order_value")


def reporting_currencies(connection: duckdb.DuckDBPyConnection) -> tuple[str | None, ...] | None:
    """The reporting currencies of the properties, each once, sorted; None among them where one is not known.

    None where the table is not there: published by an earlier release, which knew no currencies.
    """
    if "reporting_currency" not in columns_of(connection, "ga4.dim_ga4__properties"):
        return None
    rows = connection.execute(
        "select distinct reporting_currency from ga4.dim_ga4__properties order by 1 nulls last"
    ).fetchall()
    return tuple(currency for (currency,) in rows)


def currency_note(currencies: tuple[str | None, ...] | None) -> str:
    """What the currency of sums over several users is, in a sentence; empty where nothing is known of currencies."""
    if not currencies:
        return ""
    if len(currencies) == 1 and currencies[0]:
        return f"Money is in {currencies[0]}."
    return "Money is of several currencies, or of one that is not known: see the column currency of each row."
