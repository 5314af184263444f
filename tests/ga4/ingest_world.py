"""Exports in the making and partitions read back, for the ingest tests."""

import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from beha2vec_core.ga4.ingest import ingest_days, partition_file
from beha2vec_core.ga4.report import IngestReport
from beha2vec_core.ga4.sources import find_source_files

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real data (../shared/data) is not on this machine")

DAY = date(2024, 3, 1)
NEXT = date(2024, 3, 2)
NOON = 1_709_290_800_000_000  # microseconds UTC, on DAY


def event(n: int = 0, day: date = DAY, **fields: Any) -> dict[str, Any]:
    """A page view as a BigQuery JSON extract writes it; ``fields`` replace, None drops."""
    row = {
        "event_date": f"{day:%Y%m%d}",
        "event_timestamp": str(NOON + (day - DAY).days * 86_400_000_000 + n * 1_000_000),
        "event_name": "page_view",
        "event_params": [
            {"key": "page_location", "value": {"string_value": f"https://shop.example.com/p/{n}"}},
            {"key": "ga_session_id", "value": {"int_value": "1709290800"}},
        ],
        "user_pseudo_id": f"{n % 3}.{n % 3}",
        "device": {"category": "mobile", "web_info": {"browser": "Safari"}},
        "items": [],
    } | fields
    return {name: value for name, value in row.items() if value is not None}


def ndjson(rows: Iterable[dict[str, Any] | str]) -> bytes:
    """Lines of JSON; a text is a line as it is."""
    return b"".join((row if isinstance(row, str) else json.dumps(row)).encode() + b"\n" for row in rows)


def write(path: Path, content: bytes | Iterable[dict[str, Any] | str]) -> Path:
    """Write a file of an export, gzipped where its name says so."""
    content = content if isinstance(content, bytes) else ndjson(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


class World:
    """An export and its partitions in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.export = folder / "export"
        self.raw = folder / "data" / "raw_ga4_events"

    def write(self, name: str, content: bytes | Iterable[dict[str, Any] | str]) -> Path:
        return write(self.export / name, content)

    def ingest(self, days: Sequence[date] = (DAY,), source: Path | None = None, **options: Any) -> IngestReport:
        """Ingest, and check what holds always."""
        report = ingest_days(find_source_files(str(source or self.export), "p1"), days, self.raw, **options)
        for day in report.days:
            assert day.rows_in == day.accepted + day.quarantined
            stored = self.count(day.event_date, day.property_id)
            assert day.accepted == (stored if day.status == "ingested" else 0)
        assert report.rows_in == report.accepted + report.quarantined
        listed = sum(row[3] is not None for row in report.quarantine)
        assert listed == report.quarantined - sum(day.withheld for day in report.days)
        assert not list(self.raw.glob(".ingest-*"))
        return report

    def has(self, day: date = DAY, property_id: str = "p1") -> bool:
        return partition_file(self.raw, property_id, day).exists()

    def count(self, day: date = DAY, property_id: str = "p1") -> int:
        """How many rows the partition has; none without one."""
        path = partition_file(self.raw, property_id, day)
        return pq.read_metadata(path).num_rows if path.exists() else 0

    def rows(self, day: date = DAY, property_id: str = "p1", columns: str = "*") -> list[dict[str, Any]]:
        """The partition's rows in the file's order."""
        path = partition_file(self.raw, property_id, day)
        found = duckdb.execute(f"select {columns} from read_parquet('{path}', hive_partitioning = false)")
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def values(self, column: str, day: date = DAY, property_id: str = "p1") -> list[Any]:
        return [row["v"] for row in self.rows(day, property_id, f"{column} as v")]


def param(row: dict[str, Any], key: str) -> dict[str, Any] | None:
    """The set members of an event parameter's value."""
    for entry in row["event_params"]:
        if entry["key"] == key:
            return {name: value for name, value in entry["value"].items() if value is not None}
    return None


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
