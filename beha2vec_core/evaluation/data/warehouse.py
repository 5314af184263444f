"""A warehouse or serving database as evaluation data: the events the production encoder is trained on."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import duckdb

from beha2vec_core.evaluation.data.base import INPUT_COLUMNS, EvaluationData
from beha2vec_core.evaluation.data.ga4_log import CONVERSIONS, PURCHASES, as_log, comes_back
from beha2vec_core.evaluation.data.missing import DataNotFoundError
from beha2vec_core.events.query import ENCODER_INPUT, OLDEST_FIRST
from beha2vec_core.events.sequences import OPTIONAL_INPUTS

_COLUMNS = ", ".join([*INPUT_COLUMNS, *OPTIONAL_INPUTS, "page_title", "session_key as session"])
_OF_USERS = "where user_key in (select unnest(?::varchar[]))"

# what the property's own taxonomy adds: 2 is a cart, 6 a purchase
_FUNNEL = "select event_name, funnel_step from ga4.ga4_event_taxonomy where funnel_step >= 2"
_HAS_TAXONOMY = """
    select 1 from information_schema.tables where table_schema = 'ga4' and table_name = 'ga4_event_taxonomy'
"""


def from_warehouse(path: Path, *, name: str = "own", below: Collection[str] = ()) -> EvaluationData:
    """The events of ``ga4.ml_ga4__sequence_events`` with the labels of ``beha2vec.enriched_pages``.

    Conversions and purchases go by event name (see `ga4_log`), with what ``ga4.ga4_event_taxonomy`` adds, where there
    is one.

    Args:
        path: ``warehouse.duckdb`` or ``serving.duckdb``; opened for reading only.
        name: what the table calls it.
        below: first levels of paths that only wrap the real sections (see `addresses.section`).

    Raises:
        DataNotFoundError: no such file, or the tables are not in it.
        duckdb.IOException: another process writes to it (read the serving database instead).
        NoEventsError: no event is left.
    """
    if not path.is_file():
        raise DataNotFoundError(f"no database at {path}: name a warehouse.duckdb or serving.duckdb, or run the graph")
    with duckdb.connect(str(path), read_only=True) as connection:
        return from_connection(connection, name=name, below=below)


def from_connection(
    connection: duckdb.DuckDBPyConnection,
    *,
    name: str = "own",
    below: Collection[str] = (),
    users: Collection[str] | None = None,
) -> EvaluationData:
    """The same from an open connection, for whoever holds the warehouse (see `from_warehouse`); of ``users`` only."""
    try:
        where, parameters = ("", []) if users is None else (_OF_USERS, [list(users)])
        query = f"select {_COLUMNS} from ({ENCODER_INPUT}) {where} order by user_key, {OLDEST_FIRST}"
        rows = connection.execute(query, parameters).df()
        has_taxonomy = connection.execute(_HAS_TAXONOMY).fetchall()
    except duckdb.CatalogException as error:
        raise DataNotFoundError(
            f"the database lacks the events or their pages; run ml_ga4__sequence_events and enriched_pages ({error})"
        ) from error
    funnel = dict(connection.execute(_FUNNEL).fetchall()) if has_taxonomy else {}
    purchases = {*PURCHASES, *(name for name, step in funnel.items() if step == 6)}
    log = as_log(rows, below=below, conversions={*CONVERSIONS, *funnel}, purchases=purchases)
    about = f"The events of this property's sequences. {log.left_out}"
    return EvaluationData(name, about, log.events, temporal=comes_back(log.events))
