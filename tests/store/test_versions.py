"""Going back to an earlier version, and which are kept for that."""

from collections.abc import Iterator
from datetime import datetime

import duckdb
import pytest

from beha2vec_core.store.tables import create_tables
from beha2vec_core.store.versions import RollbackError, forget_old_versions, roll_back


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Four encoders, a week apart, each with its clusters and one user; the third was clustered twice."""
    with duckdb.connect() as connection:
        create_tables(connection)
        for week, version in enumerate(("a", "b", "c", "d"), start=1):
            add_version(connection, version, f"{version}1", datetime(2026, 1, week))
        add_version(connection, "c", "c2", datetime(2026, 1, 3, 12))
        yield connection


def add_version(connection: duckdb.DuckDBPyConnection, version: str, clusters: str, seen: datetime) -> None:
    connection.execute(
        "insert or ignore into beha2vec.encoders (model_version, trained_at) values (?, ?)", [version, seen]
    )
    connection.execute(
        "insert into beha2vec.cluster_models (cluster_model_version, model_version, promoted_at) values (?, ?, ?)",
        [clusters, version, seen],
    )
    for table, column in (("user_embeddings", ""), ("user_clusters", f", '{clusters}' as cluster_model_version")):
        connection.execute(
            f"""insert into beha2vec.{table} by name
            select date '2026-01-01' as event_date, '{version}' as model_version, 'u' as user_key {column}"""
        )


def current(connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    return connection.execute(
        "select model_version, cluster_model_version from beha2vec.cluster_model_current"
    ).fetchall()[0]


def test_it_goes_back_to_the_one_before_with_its_last_clusters(warehouse) -> None:
    warehouse.execute(
        """insert into beha2vec.user_embeddings by name
        select date '2026-01-02' as event_date, 'd' as model_version, 'u' as user_key"""
    )
    found = roll_back(warehouse)
    assert current(warehouse) == ("c", "c2") == found[:2]
    assert [str(day) for day in found.lacking] == ["2026-01-02"]
    assert warehouse.execute("select refused from beha2vec.encoders where model_version = 'd'").fetchall() == [
        ("rolled back to c",)
    ]
    assert roll_back(warehouse).model_version == "d", "and forth"


def test_it_goes_back_to_any_that_is_kept(warehouse) -> None:
    assert roll_back(warehouse, "a").model_version == "a" == current(warehouse)[0]
    with pytest.raises(RollbackError, match="choose from: d, c, b"):
        roll_back(warehouse, "a")


def test_old_versions_are_forgotten_and_not_gone_back_to(warehouse) -> None:
    warehouse.execute("insert into beha2vec.user_embeddings by name select 'candidate' as model_version")
    assert forget_old_versions(warehouse, 2) == ["b", "a"]
    left = "select distinct model_version from beha2vec.{} order by 1"
    assert warehouse.execute(left.format("user_embeddings")).fetchall() == [("c",), ("candidate",), ("d",)]
    assert warehouse.execute(left.format("user_clusters")).fetchall() == [("c",), ("d",)]
    assert forget_old_versions(warehouse, 2) == [], "they are forgotten"
    with pytest.raises(RollbackError, match=r"choose from: c$"):
        roll_back(warehouse, "b")


def test_the_first_has_none_before_it() -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        add_version(connection, "a", "a1", datetime(2026, 1, 1))
        with pytest.raises(RollbackError, match="no earlier encoder"):
            roll_back(connection)
