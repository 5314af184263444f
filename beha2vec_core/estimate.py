"""What a run will take, before it starts: time, memory, and scratch space on the disk.

All of it follows from the size of the raw partitions with a few measured constants. Each names the command that
measured it; docs/scale.md has the tables.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb

from beha2vec_core.settings import Settings
from beha2vec_core.store.chunks import RawDay

# Bytes that the largest dbt model works on, in memory or on the disk, for each byte of raw partitions.
WORK_PER_RAW_BYTE = 40
# Calls of fewer days mostly repeat the days around them, which sessions need.
_LEAST_DAYS = 7
_UNITS = {"K": 1, "M": 2, "G": 3, "T": 4}


def memory_bytes(limit: str) -> int:
    """What DuckDB makes of a memory limit such as 4GB or 80%, in bytes; it knows the limits of a container."""
    with duckdb.connect(config={"memory_limit": limit}) as connection:
        ((shown,),) = connection.execute("select current_setting('memory_limit')").fetchall()
    amount, unit = re.fullmatch(r"([\d.]+) (\w+)", str(shown)).groups()  # type: ignore[union-attr]
    return int(float(amount) * 1024 ** _UNITS.get(unit[0].upper(), 0))


def free_bytes(folder: Path) -> int:
    """Free space on the disk of a folder, which need not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def chunk_bytes(settings: Settings, days: Sequence[date], raw: Mapping[date, RawDay]) -> float:
    """Raw bytes that one dbt call should build.

    As many as fit into the memory limit; but at least a week of these days, if half of the free disk can hold what
    does not fit.
    """
    memory = memory_bytes(settings.storage.memory_limit)
    sizes = [raw[day].bytes for day in days if day in raw]
    week = _LEAST_DAYS * sum(sizes) / len(sizes) if sizes else 0
    disk = (memory + free_bytes(settings.storage.data_dir) / 2) / WORK_PER_RAW_BYTE
    return max(memory / WORK_PER_RAW_BYTE, min(week, disk))
