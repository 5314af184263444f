"""What dbt's queries of the export will read, asked before the first one runs: dry runs are free."""

from collections.abc import Mapping
from dataclasses import replace

from beha2vec_core.ga4.bigquery import TIB, DataSet, TooManyBytesError
from beha2vec_core.words import counted

# US dollars for a TiB that queries read on demand, in the US, as of 2025; the first TiB of a month is free.
# https://cloud.google.com/bigquery/pricing
QUERY_PRICE_PER_TIB = 6.25


def bytes_of_queries(data_set: DataSet, compiled: Mapping[str, str]) -> dict[str, int]:
    """The bytes that each query would read.

    Before the first run, tables of other models that a query reads are not there. Then only its reading of the
    export counts: every column of it that the model knows, once.

    Args:
        compiled: the SQL of the models that read the export, by name.

    Raises:
        SourceNotReachedError: BigQuery does not say.
    """
    unlimited = replace(data_set, maximum_bytes=None)  # to say by how much it is too little

    def asked(sql: str) -> int:
        return int(unlimited.query(sql, dry_run=True).total_bytes_processed or 0)

    found = {}
    with data_set.asked():
        from google.api_core.exceptions import NotFound

        for model, sql in compiled.items():
            try:
                found[model] = asked(sql)
            except NotFound:
                found[model] = sum(asked(part) for part in _selects_of_export(sql))
    return found


def _selects_of_export(sql: str) -> list[str]:
    """The selects from day tables within a query."""
    from sqlglot import exp, parse_one

    tables = [table for table in parse_one(sql, dialect="bigquery").find_all(exp.Table) if table.name.endswith("*")]
    selects = [table.find_ancestor(exp.Select) for table in tables]
    return [select.sql("bigquery") for select in selects if select]


def query_price(read: int) -> str:
    """What reading so many bytes costs, in words."""
    return (
        f"{read / 1e9:,.2f} GB, {read / TIB * QUERY_PRICE_PER_TIB:,.2f} US dollars at list price "
        f"({QUERY_PRICE_PER_TIB:.2f} a TiB in the US as of 2025; 1 TiB of a month is free)"
    )


def require_allowed(read: Mapping[str, int], maximum_bytes: int) -> None:
    """Refuse to start where BigQuery would refuse a query that reads more than one query may.

    Raises:
        TooManyBytesError: with the remedy.
    """
    too_many = {model: read_ for model, read_ in read.items() if read_ > maximum_bytes}
    if too_many:
        model = max(too_many, key=lambda one: too_many[one])
        raise TooManyBytesError(
            f"{counted(len(too_many), 'query', 'queries')} of dbt would read more than the {maximum_bytes / 1e9:,.2f} "
            f"GB that one may read, and nothing was run: {model} {query_price(too_many[model])}. Ask for fewer days, "
            f"or raise BEHA2VEC_BIGQUERY_MAXIMUM_BYTES to at least {too_many[model]}"
        )
