"""What of the published copy is the same a night later: ``python tests/benchmarks/published.py BEFORE AFTER``.

Two copies of serving.duckdb, of the nights before and after. Prints how many tables and rows are the same, and the
seconds to compare all tables by a hash, to write the changed ones and the same ones, and to make the tables for models.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.store.anonymous import SCHEMA, create_anonymous_tables
from beha2vec_core.store.sql import quote


def main() -> None:
    """Compare the copies, write the later one again, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    asked = parser.parse_args()
    tables, rows = {True: 0, False: 0}, {True: 0, False: 0}
    seconds = dict.fromkeys(("compared", "the same, written", "changed, written"), 0.0)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(Path(folder) / "written.duckdb")) as connection:
        for name in ("before", "after"):
            connection.execute(f"attach {quote(getattr(asked, name))} as {name} (read_only)")
        found = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'after' and schema_name <> ?",
            [SCHEMA],
        ).fetchall()
        for schema, table in found:
            connection.execute(f"create schema if not exists {schema}")
            begun = time.perf_counter()
            number, now = _fingerprint(connection, f"after.{schema}.{table}")
            compared = time.perf_counter()
            connection.execute(f"create table {schema}.{table} as from after.{schema}.{table}")
            written = time.perf_counter()
            try:
                is_same = (number, now) == _fingerprint(connection, f"before.{schema}.{table}")
            except duckdb.CatalogException:
                is_same = False
            tables[is_same] += 1
            rows[is_same] += number
            seconds["compared"] += compared - begun
            seconds["the same, written" if is_same else "changed, written"] += written - compared
        begun = time.perf_counter()
        create_anonymous_tables(connection, secret=b"secret")
        seconds["tables for models"] = time.perf_counter() - begun
        begun = time.perf_counter()
        shutil.copyfile(asked.after, Path(folder) / "copy")
        seconds["file copied"] = time.perf_counter() - begun
    print(f"the same: {tables[True]} of {len(found)} tables, {rows[True]:,} of {sum(rows.values()):,} rows")
    for what, took in seconds.items():
        print(f"{what}: {took:.2f} s")


def _fingerprint(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[int, int]:
    ((rows, hashed),) = connection.execute(f"select count(*), bit_xor(hash(t)) from {table} as t").fetchall()
    return rows, hashed


if __name__ == "__main__":
    main()
