"""What the open database has: a published copy or a new warehouse may lack tables and columns."""

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
