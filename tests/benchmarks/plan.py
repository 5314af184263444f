"""What 1 million to 1 billion events a day would take, from measured rates: this file with a project's data folder.

The bytes of an event, and its users, are measured on the folder. Rates are those of docs/scale.md,
docs/encoder_speed.md, docs/predictions.md and docs/clusters.md on two cores, and are assumed to stay the same;
docs/scale.md says where they will not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.settings import Settings

EVENTS_A_DAY = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
CORES = 2
# a night reads and builds again the days that GA4 corrects; dbt's features read 20 weeks and the 90 days before them
DAYS_A_NIGHT, DAYS_OF_FEATURES, DAYS_A_YEAR = 3, 230, 365
# US dollars, list prices of BigQuery in the US (2025): a TiB that queries read, a GiB stored for a month
DOLLARS_A_TIB, DOLLARS_A_GIB_MONTH = 6.25, 0.02
TIB, GIB = 2**40, 2**30


class Rate(NamedTuple):
    """Seconds on two cores for a million of what a step works on, and where that was measured."""

    seconds: float
    of_users: bool
    source: str
    days: int = DAYS_A_NIGHT  # that a night works on


# Seconds for 20,325,920 events (8 GB, so two processes of ingest) less those for 1,016,296 (512 MB, so one), of
# docs/scale.md: what a step costs once is left out.
RATES = {
    "raw_ga4_events": Rate((425 - 54) / 19.309624, False, "scale.py"),
    "dbt, incremental models": Rate((437 - 77) / 19.309624, False, "scale.py"),
    "dbt, tables": Rate((134 - 13) / 19.309624, False, "scale.py", DAYS_OF_FEATURES),
    "user_sequences": Rate((197 - 15) / 19.309624, False, "scale.py"),
    "user_embeddings": Rate(30.3, True, "encoder_speed.py"),
    # each date's users of 28 days, who are at most 28 times those of a day; 200,000 take 15 s on one core
    "user_predictions": Rate(15 / 0.2 / CORES, True, "predictions.py", 28 * DAYS_A_NIGHT),
    # the users of a year, who are at most 365 times those of a day
    "cluster_model, when it is fitted": Rate(6.4 / CORES, True, "minibatches.py", DAYS_A_YEAR),
}


class Bytes(NamedTuple):
    """Bytes that a step reads and writes for each event of the days that a night works on."""

    read: float
    written: float
    days: int = DAYS_A_NIGHT


# Of `scale.py --events 30000 100000`: MB at 98,229 events less those at 29,238, so that what a step reads and writes
# once is left out; what is less than 15 bytes an event is not seen.
BYTES = {
    name: Bytes(max(read, 0) / 0.068991, max(written, 0) / 0.068991, days)
    for name, read, written, days in (
        ("`raw_ga4_events`", 68 - 59, 45 - 39, DAYS_A_NIGHT),
        ("dbt, incremental models", 767 - 702, 474 - 404, DAYS_A_NIGHT),
        ("dbt, tables", 126 - 111, 43 - 44, DAYS_OF_FEATURES),
        ("`user_sequences`", 333 - 216, 27 - 26, DAYS_A_NIGHT),
        ("`user_embeddings`", 298 - 268, 203 - 169, DAYS_A_NIGHT),
        ("`user_predictions`", 41 - 41, 27 - 24, DAYS_A_NIGHT),
        ("`user_clusters`", 250 - 212, 122 - 120, DAYS_A_NIGHT),
        ("`cluster_model`, when it is fitted", 59 - 54, 5 - 3, DAYS_A_YEAR),
        ("`cluster_profiles`", 73 - 70, 3 - 3, DAYS_A_YEAR),
        ("`audience_members`", 33 - 34, 20 - 20, DAYS_A_NIGHT),
        ("`serving_database`", 56 - 43, 118 - 78, DAYS_A_YEAR),
    )
}


class Widths(NamedTuple):
    """Bytes an event, and users a day for each event."""

    logical: float
    raw: float
    sequences: float
    warehouse: float
    serving: float
    users: float


def main() -> None:
    """Print the widths of a data folder, and a table for each quantity."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data folder of a project that has run")
    widths = measure(parser.parse_args().data)
    print(
        f"an event: {widths.logical:,.0f} bytes as BigQuery counts them, {widths.raw:,.0f} in raw partitions, "
        f"{widths.sequences:,.0f} in sequences, {widths.warehouse:,.0f} in the warehouse, {widths.serving:,.0f} "
        f"published; {widths.users:.3f} users a day\n"
    )
    print(f"| | {' | '.join(f'{events:,} events a day' for events in EVENTS_A_DAY)} |")
    print(f"|---|{'---:|' * len(EVENTS_A_DAY)}")
    for name, rate in RATES.items():
        _row(f"{name}, hours of {CORES} cores a night", [rate_hours(rate, events, widths) for events in EVENTS_A_DAY])
    hours = [sum(rate_hours(rate, events, widths) for rate in RATES.values()) for events in EVENTS_A_DAY]
    _row(f"all of these, hours of {CORES} cores", hours)
    _row("the same as CPU hours, at most", [hours_ * CORES for hours_ in hours])
    _row("workers of 16 cores for a night of 4 hours", [hours_ * CORES / 16 / 4 for hours_ in hours])
    for name, width in (
        ("raw partitions written a night", widths.raw * DAYS_A_NIGHT),
        ("sequences written a night", widths.sequences * DAYS_A_NIGHT),
        ("warehouse after a year", widths.warehouse * 365),
        ("raw partitions after a year", widths.raw * 365),
        ("published copy after a year, written each night", widths.serving * 365),
    ):
        _row(f"{name}, GB", [width * events / 1e9 for events in EVENTS_A_DAY])
    read = [widths.logical * events * DAYS_A_NIGHT for events in EVENTS_A_DAY]
    _row("BigQuery: the export's days read once, GB a night", [bytes_ / 1e9 for bytes_ in read])
    _row("BigQuery: that for a month, US dollars", [bytes_ * 30 / TIB * DOLLARS_A_TIB for bytes_ in read])
    stored = [widths.logical * events * 365 / GIB * DOLLARS_A_GIB_MONTH for events in EVENTS_A_DAY]
    _row("BigQuery: a year of the export stored, US dollars a month", stored)
    print_bytes()


def print_bytes() -> None:
    """Print a table of what each step reads and writes a night."""
    print(f"\n| GB read, GB written a night | {' | '.join(f'{events:,} events a day' for events in EVENTS_A_DAY)} |")
    print(f"|---|{'---:|' * len(EVENTS_A_DAY)}")
    for name, of_event in BYTES.items():
        cells = []
        for events in EVENTS_A_DAY:
            sizes = (one * events * of_event.days / 1e9 for one in (of_event.read, of_event.written))
            cells.append(", ".join(_short(size) if size else "-" for size in sizes))
        print(f"| {name} | {' | '.join(cells)} |")


def rate_hours(rate: Rate, events: int, widths: Widths) -> float:
    """Hours of a step for a night of so many events a day."""
    return rate.seconds * events * rate.days * (widths.users if rate.of_users else 1) / 1e6 / 3600


def measure(data: Path) -> Widths:
    """The widths of what a project stores."""
    storage = Settings(data_dir=data).storage
    with duckdb.connect(str(storage.warehouse_path), read_only=True) as warehouse:
        ((events, users),) = warehouse.execute(
            "select sum(accepted)::bigint, sum(users)::bigint from raw.ga4_ingest_log"
        ).fetchall()
    stored = [_size(path) / events for path in (storage.raw_path, storage.sequences_path, storage.warehouse_path)]
    rows = ds.dataset(storage.raw_path, format="parquet").head(200_000)
    logical = sum(_logical(column) for column in rows.columns) / len(rows)
    return Widths(logical, *stored, _size(storage.serving_path) / events, users / events)


def _logical(column: pa.ChunkedArray | pa.Array) -> float:
    """Bytes of a column as BigQuery counts them: 2 and the text's of a string, 8 of a number, 1 of a boolean."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    kind = array.type
    if pa.types.is_struct(kind):
        return sum(_logical(field) for field in array.flatten())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _logical(array.flatten())
    present = len(array) - array.null_count
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return 2 * present + float(pc.sum(pc.binary_length(array)).as_py() or 0)
    return present * (1 if pa.types.is_boolean(kind) else 8)


def _size(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*.parquet")
    return sum(file.stat().st_size for file in files)


def _row(name: str, values: list[float]) -> None:
    print(f"| {name} | {' | '.join(map(_short, values))} |")


def _short(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
