"""A warehouse or serving database as evaluation data: the events the production encoder is trained on."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import duckdb

from beha2vec_core.evaluation.data import from_connection
from tests.benchmarks.data_sets.base import DataNotFoundError, EvaluationData, comes_back


def from_warehouse(path: Path, *, below: Collection[str] = ()) -> EvaluationData:
    """The events of ``ga4.ml_ga4__sequence_events``, see `from_connection`.

    Args:
        path: ``warehouse.duckdb`` or ``serving.duckdb``; opened for reading only.
        below: first levels of paths that only wrap the real sections (see `section`).

    Raises:
        DataNotFoundError: no such file, or the tables are not in it.
        duckdb.IOException: another process writes to it (read the serving database instead).
        NoEventsError: no event is left.
    """
    if not path.is_file():
        raise DataNotFoundError(f"no database at {path}: name a warehouse.duckdb or serving.duckdb, or run the graph")
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            log = from_connection(connection, below=below)
    except duckdb.CatalogException as error:
        raise DataNotFoundError(
            f"the database lacks the events or their pages; run ml_ga4__sequence_events and enriched_pages ({error})"
        ) from error
    about = f"The events of this property's sequences. {log.left_out}"
    return EvaluationData("own", about, log.events, temporal=comes_back(log.events))
