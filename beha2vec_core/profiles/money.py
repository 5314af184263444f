"""The currency of what users spent, as the unit of the facts about it."""

from typing import NamedTuple

import duckdb

from beha2vec_core.profiles.settings import ProfileSources
from beha2vec_core.words import CURRENCY_CODE, UNKNOWN_CURRENCY


class Currency(NamedTuple):
    """The unit of amounts, None where they cannot be compared; and why, in a sentence."""

    unit: str | None
    why: str


def currency_of(connection: duckdb.DuckDBPyConnection, sources: ProfileSources | None = None) -> Currency:
    """The one currency that the users' revenue is in; where there are several, there are no facts about money.

    Users of whom it is not known what they spent in it are left out of these facts, and counted in the reason.

    Args:
        sources: ``properties``, ``users`` and ``users_in_clusters`` are read.
    """
    sources = sources or ProfileSources()
    codes, without, unknown, buyers = connection.execute(f"""
        select coalesce(list(distinct code) filter (code is not null and revenue <> 0), []),
            count(*) filter (code is null and revenue <> 0), count(*) filter (revenue is null and purchases > 0),
            count(*) filter (revenue <> 0 or purchases > 0)
        from (
            select revenue, purchases,
                case when regexp_full_match(currency, '{CURRENCY_CODE.pattern}') then currency end as code
            from {sources.users} semi join {sources.users_in_clusters} using (user_key))
    """).fetchall()[0]
    if len(codes) > 1:
        return Currency(
            None,
            f"revenue is in several currencies ({', '.join(sorted(codes))}), which do not add up: facts about money "
            "are left out. With another reporting_currency, a variable of dbt, all of it is expressed in one",
        )
    reporting = connection.execute(
        f"""select distinct reporting_currency from {sources.properties}
        where regexp_full_match(reporting_currency, '{CURRENCY_CODE.pattern}')"""
    ).fetchall()
    if not codes and not without and len(reporting) == 1:
        codes = [reporting[0][0]]
    unit = codes[0] if codes else UNKNOWN_CURRENCY
    left_out = unknown + (without if codes else 0)
    note = f"revenue is in {unit}" if codes else "the currency of revenue is not known"
    if left_out:
        note += f"; {left_out:,} of {buyers:,} buyers are left out of facts about money, as what they spent is unknown"
    return Currency(unit, note)


def revenue_sql(unit: str | None) -> str:
    """SQL: what a row of ``users`` spent in this currency; null where that is not known."""
    is_other = "false" if unit in (None, UNKNOWN_CURRENCY) else f"users.currency is distinct from '{unit}'"
    return f"""case when users.revenue is null and users.purchases > 0 then null
        when users.revenue <> 0 and {is_other} then null
        else round(coalesce(users.revenue, 0), 4)::double end"""
