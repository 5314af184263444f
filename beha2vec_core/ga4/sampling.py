"""When a file's events happened, from a sample: a quick look for `beha2vec doctor`, not for ingest."""

import csv
import json
import random
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from beha2vec_core.ga4 import ndjson
from beha2vec_core.ga4.parquet import escape_glob
from beha2vec_core.ga4.readers import FIRST_TIME, LAST_TIME
from beha2vec_core.ga4.reading import UnreadableFileError, open_file
from beha2vec_core.ga4.source_files import SourceFile, on_this_machine
from beha2vec_core.store import limits
from beha2vec_core.store.sql import quote

_LINES_LOOKED_AT = 100_000
_SAMPLED = 2_000


def sample_times(file: SourceFile) -> list[tuple[date, int]]:
    """``event_date`` and ``event_timestamp`` (microseconds UTC) of some events, the same ones each time.

    Taken from the first hundred thousand lines; what cannot be read is passed by (ingest is the one to complain).
    """
    rows: list[tuple[Any, Any]] = []
    with (
        suppress(OSError, duckdb.Error, RuntimeError, UnicodeError, UnreadableFileError),
        on_this_machine(file, rows=_SAMPLED) as here,
    ):
        rows += {"ndjson": _from_ndjson, "csv": _from_csv, "parquet": _from_parquet}[here.format](here.path)
    pairs = []
    for day, time in rows:
        with suppress(ValueError, TypeError, OverflowError):
            text = str(day or (file.day or "")).replace("-", "")[:8]
            pairs.append((datetime.strptime(text, "%Y%m%d").date(), int(float(time))))
    return [(day, time) for day, time in pairs if FIRST_TIME <= time <= LAST_TIME]


def _some(items: Iterable[Any]) -> list[Any]:
    """Some items of the beginning, each as likely as the others; of a file that breaks off, of what is there."""
    kept: list[Any] = []
    dice = random.Random(0)
    with suppress(OSError, UnreadableFileError):
        for seen, item in enumerate(islice(items, _LINES_LOOKED_AT)):
            if seen < _SAMPLED:
                kept.append(item)
            elif (place := dice.randrange(seen + 1)) < _SAMPLED:
                kept[place] = item
    return kept


def _from_ndjson(path: Path) -> Iterator[tuple[Any, Any]]:
    with open_file(path) as stream:
        rows = _some(ndjson.rows(stream, path.name))
    for _, text in rows:
        with suppress(ValueError, RecursionError):
            row = json.loads(text)
            if isinstance(row, dict):
                yield row.get("event_date"), row.get("event_timestamp")


def _from_csv(path: Path) -> Iterator[tuple[Any, Any]]:
    with open_file(path) as stream:
        rows = csv.DictReader(line.decode("utf-8-sig", errors="replace") for line in stream)
        with suppress(csv.Error):
            for row in _some(rows):
                yield row.get("event_date"), row.get("event_timestamp")


def _from_parquet(path: Path) -> Iterator[tuple[Any, Any]]:
    with limits.connect() as connection:
        source = f"read_parquet({quote(escape_glob(path))}, hive_partitioning = false)"
        types = {c[0]: str(c[1]) for c in connection.execute(f"from {source} limit 0").description or []}
        day = "event_date::varchar" if "event_date" in types else "null"
        stamped = types.get("event_timestamp", "").startswith("TIMESTAMP")
        time = "epoch_us(event_timestamp)" if stamped else "try_cast(event_timestamp as bigint)"
        yield from connection.execute(
            f"select {day}, {time} from (from {source} limit {_LINES_LOOKED_AT})"
            f" using sample reservoir({_SAMPLED} rows) repeatable (0)"
        ).fetchall()
