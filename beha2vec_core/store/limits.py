"""What this process takes of the machine at most: memory of DuckDB, and threads.

Commands and the graph call `hold_to` once, when they have read the settings; everything opens databases with `connect`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import duckdb

from beha2vec_core.files import scratch_prefix

if TYPE_CHECKING:
    from beha2vec_core.settings.groups import Storage

# kind of the folders that databases in memory spill to, in the data folder
SPILL = "spill"
_config: dict[str, str | int] = {}
_data_dir: list[Path] = []


def hold_to(storage: Storage) -> None:
    """Limit DuckDB, Arrow and the libraries that use OpenMP (torch, scikit-learn) from now on, as the settings say."""
    _config.clear()
    _config.update(duckdb_config(storage))
    _data_dir[:] = [storage.data_dir]
    if storage.threads:
        _hold_threads(storage.threads)


def hold_to_one_thread() -> None:
    """Limit this process to one thread: others like it use the other cores."""
    _config["threads"] = 1
    _hold_threads(1)


def _hold_threads(threads: int) -> None:
    import pyarrow as pa

    pa.set_cpu_count(threads)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # torch reads it when a step imports it


def duckdb_config(storage: Storage) -> dict[str, str | int]:
    """The settings as DuckDB's."""
    threads: dict[str, str | int] = {"threads": storage.threads} if storage.threads else {}
    return {"memory_limit": storage.memory_limit} | threads


def connect(
    database: Path | str = ":memory:", *, read_only: bool = False, config: Mapping[str, str | int | bool] | None = None
) -> duckdb.DuckDBPyConnection:
    """A DuckDB of this process, within its limits. The warehouse has a door of its own: `store.warehouse`.

    Args:
        database: the file; by default an empty database in memory.
        read_only: nothing is changed, and others may read the file too.
        config: other settings of DuckDB.
    """
    own = dict(_config)
    if _data_dir and str(database) == ":memory:":
        # by default `.tmp` where the process was started: rows that a killed one leaves there would be found by nothing
        own["temp_directory"] = str(_data_dir[0] / f"{scratch_prefix(SPILL)}{uuid4().hex}")
    return duckdb.connect(str(database), read_only=read_only, config={**own, **(config or {})})
