"""The warehouse's tables: made where they lack, and not written again where nothing lacks."""

from pathlib import Path

import duckdb
import pytest

from beha2vec_core.store.tables import create_tables


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A warehouse as this release makes it."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
    return path


def test_a_complete_file_is_not_written(file: Path) -> None:
    before = file.read_bytes()
    with duckdb.connect(str(file)) as connection:
        create_tables(connection)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        "drop view beha2vec.user_clusters_current",
        "drop table beha2vec.audience_members",
        "alter table beha2vec.encoders drop column refused",
        "create or replace view beha2vec.user_clusters_current as select 1 as other",
    ],
)
def test_what_is_missing_or_changed_is_made_again(file: Path, damage: str) -> None:
    with duckdb.connect(str(file)) as connection:
        whole = _catalog(connection)
        connection.execute(damage)
        assert _catalog(connection) != whole
        create_tables(connection)
        assert _catalog(connection).keys() == whole.keys()
        assert {n: sql for n, sql in _catalog(connection).items() if sql.startswith("CREATE VIEW")} == {
            n: sql for n, sql in whole.items() if sql.startswith("CREATE VIEW")
        }
        connection.execute("select refused from beha2vec.encoders").fetchall()


def _catalog(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(
        connection.execute(
            """select schema_name || '.' || table_name, sql from duckdb_tables()
            union all select schema_name || '.' || view_name, sql from duckdb_views() where not internal"""
        ).fetchall()
    )
