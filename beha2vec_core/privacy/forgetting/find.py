"""Where people are stored: reads every column of every file and table, also inside compressed pages.

It does not depend on the registry of tables, so it also finds what the removal missed.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import duckdb

from beha2vec_core.privacy.forgetting.archives import read_contents
from beha2vec_core.privacy.forgetting.places import Kind, files_of, kind_of, read_lines
from beha2vec_core.privacy.people import People, by_column, has_any, load
from beha2vec_core.settings import Settings
from beha2vec_core.store import limits
from beha2vec_core.store.sql import identifier, quote


class Found(NamedTuple):
    """A column of a table or file that names one of the people, and in how many rows (lines of a text, else 1).

    ``problem`` says why a file could not be read; its content is then unknown.
    """

    file: Path
    table: str
    column: str
    rows: int
    problem: str | None = None

    def __str__(self) -> str:
        """In words."""
        where = " ".join(part for part in (str(self.file), self.table, self.column) if part)
        return f"{where}: cannot be read ({self.problem})" if self.problem else f"{where}: {self.rows:,}"


def find_person(
    settings: Settings,
    people: People,
    dagster_home: Path | None = None,
    more: Iterable[Path] = (),
    lock: AbstractContextManager[None] | None = None,
) -> list[Found]:
    """Every place in the data folder, Dagster's home and where results were written that has one of the people.

    The export itself is not read.

    Args:
        people: from `identities.resolve`.
        more: other files and folders to look at.
        lock: the warehouse's, held while its file is read; None: the caller holds it.
    """
    found: list[Found] = []
    with limits.connect() as connection:
        load(connection, people)
        for path in files_of(settings, dagster_home, more):
            is_warehouse = path.resolve() == settings.storage.warehouse_path.resolve()
            with lock if lock and is_warehouse else nullcontext():
                found += _in_file(connection, path, people)
    return found


def _in_file(connection: duckdb.DuckDBPyConnection, path: Path, people: People) -> Iterator[Found]:
    """Every table and column of one file that has one of the people."""
    try:
        kind = kind_of(path)
        if kind in (Kind.DUCKDB, Kind.PARQUET):
            with relations_of(connection, path, kind) as relations:
                for table, relation in relations.items():
                    yield from _in_table(connection, path, table, relation, people)
        elif kind is Kind.SQLITE:
            yield from _in_sqlite(path, people)
        elif kind is Kind.OTHER:
            if any(people.named_in_bytes(content) for content in read_contents(path)):
                yield Found(path, "", "", 1)
        elif lines := sum(people.named_in(line) for line in read_lines(path, kind)):
            yield Found(path, "", "", lines)
    except FileNotFoundError:
        return  # a temporary file of a run under way
    except (duckdb.Error, sqlite3.Error, OSError, EOFError, zlib.error) as error:
        if not path.exists():
            return
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        yield Found(path, "", "", 0, problem)


@contextmanager
def relations_of(
    connection: duckdb.DuckDBPyConnection, path: Path, kind: Kind, mode: str = "(read_only)"
) -> Iterator[dict[str, str]]:
    """SQL of each table with rows of a DuckDB file, which is attached meanwhile, by name; or of a parquet file."""
    if kind is Kind.PARQUET:
        yield {"": f"read_parquet({quote(path)}, hive_partitioning = false)"}
        return
    connection.execute(f"attach {quote(path)} as found_in {mode}")
    try:
        tables = tables_with_rows(connection, "found_in")
        yield {f"{schema}.{table}": f"found_in.{identifier(schema)}.{identifier(table)}" for schema, table in tables}
    finally:
        connection.execute("detach found_in")


def tables_of(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    """Schema and name of each table of an attached database."""
    return connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ? order by all", [database]
    ).fetchall()


def tables_with_rows(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    """Those of `tables_of` that have rows."""
    tables = tables_of(connection, database)
    tests = ["true", *(f"exists (from {identifier(database)}.{identifier(s)}.{identifier(t)})" for s, t in tables)]
    ((_, *has_rows),) = connection.execute(f"select {', '.join(tests)}").fetchall()
    return [table for table, found in zip(tables, has_rows, strict=True) if found]


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """The columns of a table or scan, with their types."""
    described = connection.execute(f"describe select * from {relation}").fetchall()
    return {str(name): str(kind) for name, kind, *_ in described}


def _in_table(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, relation: str, people: People
) -> Iterator[Found]:
    columns = columns_of(connection, relation)
    if not connection.execute(f"select 1 from {relation} where {has_any(columns, people)} limit 1").fetchall():
        return
    rows = dict(connection.execute(by_column(relation, columns, people, with_ids=True)).fetchall())
    for column in columns:
        if column in rows:
            yield Found(path, table, column, rows[column])


def _in_sqlite(path: Path, people: People) -> Iterator[Found]:
    with closing(open_sqlite(path)) as connection:
        connection.create_function("has_person", 1, lambda value: value_names(value, people))
        for table, columns in sqlite_columns(connection).items():
            if not columns:
                continue
            counted = ", ".join(f"sum(has_person({identifier(column)}))" for column in columns)
            (rows,) = connection.execute(f"select {counted} from {identifier(table)}").fetchall()
            for column, number in zip(columns, rows, strict=True):
                if number:
                    yield Found(path, table, column, int(number))


def open_sqlite(path: Path) -> sqlite3.Connection:
    """A connection that waits for Dagster's processes."""
    return sqlite3.connect(path, timeout=60, isolation_level=None)


def sqlite_columns(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The columns of each table."""
    names = connection.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
    return {
        table: [str(row[1]) for row in connection.execute(f"pragma table_info({identifier(table)})")]
        for (table,) in names.fetchall()
    }


def value_names(value: object, people: People) -> bool:
    """Whether a value of Dagster's records names one of the people."""
    if isinstance(value, str):
        return people.named_in(value)
    if isinstance(value, bytes):
        if people.named_in_bytes(value):
            return True
        try:  # Dagster keeps the plans of jobs compressed
            return people.named_in_bytes(zlib.decompress(value))
        except zlib.error:
            return False
    return value is not None and people.named_in(str(value))
