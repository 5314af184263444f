"""What the open database has: a published copy or a new warehouse may lack tables and columns."""

from typing import Any

import duckdb


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> frozenset[str]:
    """The columns of a table or view, named as schema.table; none where there is no such table."""
    found = connection.execute(
        """select column_name from duckdb_columns()
        where database_name = current_database() and schema_name = ? and table_name = ?""",
        table.split("."),
    ).fetchall()
    return frozenset(name for (name,) in found)


def has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether there is a table or view, named as schema.table."""
    return bool(columns_of(connection, table))


def current_database(connection: duckdb.DuckDBPyConnection) -> str:
    """The name of the database that names without one are looked up in."""
    ((name,),) = connection.execute("select current_database()").fetchall()
    return str(name)


def named_rows(answer: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of an executed query, by the names of its columns."""
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
