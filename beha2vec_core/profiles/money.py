"""The currency of what users spent, as the unit of the facts about it."""

import re
from typing import NamedTuple

import duckdb

from beha2vec_core.profiles.settings import ProfileSources

MONEY = "currency"  # the unit of an amount whose currency is not known
_CODE = re.compile(r"[A-Z]{3}")


class Currency(NamedTuple):
    """The unit of amounts, None where they cannot be compared; and why, in a sentence."""

    unit: str | None
    why: str


def is_money(unit: str) -> bool:
    """Whether a unit is a currency code (ISO 4217), or `MONEY`."""
    return unit == MONEY or _CODE.fullmatch(unit) is not None


def currency_of(connection: duckdb.DuckDBPyConnection, sources: ProfileSources | None = None) -> Currency:
    """The one currency that the users' revenue is in; where there are several, there are no facts about money.

    Args:
        connection: an open DuckDB connection.
        sources: ``properties``, ``users`` and ``users_in_clusters`` are read.
    """
    sources = sources or ProfileSources()
    reporting, several, lost, purchases = connection.execute(f"""
        select coalesce(list(distinct reporting_currency) filter (reporting_currency is not null), []),
            coalesce(bool_or(reporting_currency is null and len(currencies) > 1), false),
            coalesce(sum(purchases_not_expressed), 0)::bigint, coalesce(sum(purchases), 0)::bigint
        from {sources.properties}
    """).fetchall()[0]
    found = connection.execute(f"""
        select distinct currency from {sources.users} semi join {sources.users_in_clusters} using (user_key)
        where revenue <> 0 and currency is not null order by 1
    """).fetchall()
    codes = sorted({code for (code,) in found}.union(reporting))
    if several or len(codes) > 1:
        told = f" ({', '.join(codes)})" if codes else ""
        return Currency(
            None,
            f"revenue is in several currencies{told}, which do not add up: facts about money are left out. Set the dbt "
            "variable reporting_currency to express all of it in one",
        )
    missing = f"; {lost:,} of {purchases:,} purchases cannot be expressed in it and count as nothing" if lost else ""
    if not codes:
        return Currency(MONEY, f"the currency of revenue is not known{missing}")
    return Currency(codes[0], f"revenue is in {codes[0]}{missing}")
