"""Users of whom too little is known: cluster_model, user_clusters and cluster_members on a warehouse made by hand."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.events.user_sequences import sequence_file
from beha2vec_core.store.tables import create_tables
from beha2vec_core.store.vectors import as_matrix
from beha2vec_dagster.defs.clusters import assets as clusters
from beha2vec_dagster.defs.clusters import models as cluster_models
from beha2vec_dagster.lib.partitions import range_tags
from beha2vec_dagster.lib.resources import ComputeResource
from tests.dagster.project import export_settings, metadata_of

DAYS = [date(2026, 1, 5), date(2026, 1, 6)]
USERS, LOW = 300, 60


class Shop:
    """A warehouse with vectors of an accepted encoder; the first LOW users are little known on the first day."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "warehouse.duckdb"
        self.path.parent.mkdir()
        self.cluster_models = self.path.parent / "cluster_models"
        built = clusters.build_assets(export_settings(data_dir=self.path.parent))
        self.assets = {asset.key.to_user_string(): asset for asset in built}
        rng = np.random.default_rng(5)
        self.group = rng.integers(0, 4, USERS)
        self.vectors = (np.eye(8)[self.group] + 0.05 * rng.normal(size=(USERS, 8))).astype(np.float32)
        with duckdb.connect(str(self.path)) as connection:
            create_tables(connection)
            connection.execute(
                """insert into beha2vec.encoders (model_version, trained_at, accepted_at) values ('e', now(), now());
                create schema ga4;
                create table ga4.dim_ga4__users (user_key varchar, purchases bigint, sessions bigint)"""
            )
        self.come(DAYS[0], range(USERS), low=range(LOW))

    def come(self, day: date, users: range, low: range) -> None:
        rows = pa.table(  # noqa: F841
            {
                "user_key": [f"u{user:03d}" for user in users],
                "low_evidence": [user in low for user in users],
                "behavior": [self.vectors[user].tolist() for user in users],
            }
        )
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(
                f"""insert into beha2vec.user_embeddings by name select date '{day}' as event_date,
                'e' as model_version, now() as as_of, 1 as n_events, behavior as identity, * from rows"""
            )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def materialize(self, *assets: str, last: date = DAYS[0], **config: Any) -> dict[str, Any]:
        """Metadata of the first asset."""
        return metadata_of(
            assets[0],
            [self.assets[name] for name in assets],
            self.path,
            {"compute": ComputeResource()},
            tags=range_tags(DAYS[0], last),
            run_config={"ops": {"cluster_model": {"config": config}}} if config else None,
        )

    def flows(self) -> set[tuple[int | None, int, int]]:
        return {(before, after, n) for _, before, after, n in self.query("from beha2vec.cluster_flows")}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


ALL = ("cluster_model", "user_clusters", "cluster_members")


@pytest.mark.slow
def test_they_are_counted_but_take_no_part(shop: Shop) -> None:
    metadata = shop.materialize(*ALL, smallest_k=3, largest_k=5, explore_hdbscan=True)
    assert metadata["users"] == USERS - LOW and metadata["users_with_too_little_evidence"] == LOW
    assert metadata["k"] == metadata["dense_groups"] == 4 and metadata["dense_groups_ari_with_clusters"] == 1.0
    assert metadata["why"].startswith("k = 4: ") and metadata["outcome"] == "none"
    told = shop.query("select users, k, curve from beha2vec.cluster_models")
    assert told[0][:2] == (USERS - LOW, 4)
    assert {row["outcome_epsilon2"] for row in json.loads(told[0][2])} == {None}
    rows = shop.query("select user_key < 'u060', cluster_key, distance, margin from beha2vec.user_clusters_current")
    assert len(rows) == USERS
    for low, key, distance, margin in rows:
        assert (key == -1, distance is None, margin is None) == (low, low, low)
    assert sorted(key for (key,) in shop.query("select cluster_key from beha2vec.cluster_lineage")) == [0, 1, 2, 3]
    members = shop.query("select count(*), min(cluster_key), min(user_key) >= 'u060' from beha2vec.cluster_members")
    assert members == [(40, 0, True)]


def journeys(users: int, views: range) -> pd.DataFrame:
    """Users of four groups, each with pages of its own."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            (f"u{user:03d}", 1_767_600_000_000_000 + view * 60_000_000, "page_view", f"a/{user % 4}/{rng.integers(3)}")
            for user in range(users)
            for view in range(int(rng.integers(views.start, views.stop)) if user >= LOW else 1 + user % 2)
        ],
        columns=["user_key", "event_timestamp", "event_name", "page"],
    )


@pytest.mark.slow
def test_they_have_a_likely_cluster_learned_from_the_first_events_of_others(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    storage = export_settings(data_dir=shop.path.parent).storage
    events = journeys(USERS, range(4, 8))
    encoder = BehaviorEncoder.fit(events, EncoderConfig(dim=8, heads=2), TrainConfig(epochs=6, device="cpu"))
    encoder.save(storage.encoders_path / "e")
    file = sequence_file(storage.sequences_path, DAYS[0])
    file.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pandas(events.groupby("user_key", as_index=False).agg(list)), file)
    encoded = encoder.encode(events)
    assert encoded["low_evidence"].to_pylist() == [user < LOW for user in range(USERS)]
    shop.vectors = as_matrix(encoded["behavior"])
    shop.query("delete from beha2vec.user_embeddings returning 1")
    shop.come(DAYS[0], range(USERS), low=range(LOW))

    metadata = shop.materialize(*ALL, k=4)
    assert 0 < metadata["likely_clusters_threshold"] < 1 and metadata["likely_clusters_parts"] == 2 * (USERS - LOW)
    assert 0 <= metadata["likely_clusters_calibration_error"] < 0.2
    assert "reliability" in metadata["likely_clusters_reliability"]
    rows = shop.query(
        """select user_key[2:]::int, cluster_key, likely_cluster, probability
        from beha2vec.user_clusters_current order by 1"""
    )
    of_group = {user % 4: key for user, key, *_ in rows if user >= LOW}
    assert sorted(of_group.values()) == [0, 1, 2, 3]
    assert all((likely, p) == (None, None) for user, _, likely, p in rows if user >= LOW)
    little = [row for row in rows if row[0] < LOW]
    assert all(key == -1 and 0.25 <= p <= 1 for _, key, _, p in little)
    assert all((likely == -1) == (p < metadata["likely_clusters_threshold"]) for *_, likely, p in little)
    named = [likely == of_group[user % 4] for user, _, likely, _ in little if likely >= 0]
    assert len(named) > LOW / 2 and np.mean(named) > 0.9


@pytest.mark.slow
def test_the_way_from_events_to_clusters_is_in_the_metadata(shop: Shop) -> None:
    shop.materialize(*ALL, k=4)
    metadata = shop.materialize("user_clusters")
    assert metadata["users_in_clusters"] == USERS - LOW and metadata["clusters"] == 4, "-1 is no cluster"
    table = metadata["from_events_to_clusters"]
    assert f"| Users in clusters | {USERS - LOW} | {LOW} | users | too little evidence" in table


@pytest.mark.slow
def test_a_user_of_whom_enough_is_known_now_moves_into_his_cluster(shop: Shop) -> None:
    shop.materialize(*ALL, k=4)
    first = dict(shop.query("select user_key, cluster_key from beha2vec.user_clusters_current"))
    # of ten more enough is known; ten who were known come back after all they did was long ago
    shop.come(DAYS[1], range(10), low=range(0))
    shop.come(DAYS[1], range(290, 300), low=range(290, 300))
    shop.materialize("user_clusters", "cluster_members", last=DAYS[1])
    now = dict(shop.query("select user_key, cluster_key from beha2vec.user_clusters_current"))
    of_group = {shop.group[int(user[1:])]: key for user, key in first.items() if key >= 0}
    assert len({*of_group.values()}) == 4
    for user, key in now.items():
        number = int(user[1:])
        is_low = 10 <= number < LOW or number >= 290
        assert key == (-1 if is_low else of_group[shop.group[number]]), user
    moves = {(before, after): n for before, after, n in shop.flows() if before is not None}
    assert sum(n for (before, after), n in moves.items() if before == -1 < after) == 10
    assert sum(n for (before, after), n in moves.items() if after == -1 < before) == 10
    assert not shop.query("select user_key from beha2vec.cluster_members where user_key >= 'u290'"), "seen as of now"

    # found again on them all: whoever had no cluster matches none, and all go on
    shop.materialize(*ALL, last=DAYS[1], k=4)
    assert {
        change
        for (change,) in shop.query("select change from beha2vec.cluster_lineage where before_version is not null")
    } == {"kept"}
    again = dict(shop.query("select user_key, cluster_key from beha2vec.user_clusters_current"))
    assert again == now
    with duckdb.connect(str(shop.path)) as connection:
        assert sorted(cluster_models.used_keys(connection)) == [0, 1, 2, 3]


@pytest.mark.slow
def test_few_users_are_in_one_cluster_and_the_graph_goes_on(shop: Shop) -> None:
    shop.query("update beha2vec.user_embeddings set low_evidence = true where user_key >= 'u190'")
    metadata = shop.materialize(*ALL)
    assert (metadata["users"], metadata["k"]) == (130, 1)
    assert metadata["why"].startswith("k = 1: 130 users with enough events are fewer than the 200")
    sizes = "select cluster_key, count(*) from beha2vec.user_clusters_current group by all order by all"
    assert shop.query(sizes) == [(-1, 170), (0, 130)]
    assert shop.query("select distinct role from beha2vec.cluster_members") == [("typical",)]
    shop.query("update beha2vec.user_embeddings set low_evidence = false")  # more is seen of them: they are divided
    assert shop.materialize(*ALL, smallest_k=3, largest_k=5)["k"] == 4


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ("select user_key, (user_key < 'u100')::int, 1", "purchase"),
        ("select user_key, 0, 1 + (user_key < 'u100')::int", "return"),
        ("select user_key, 0, 1", "none"),
        ("select user_key, null, 2 where user_key < 'u099'", "return"),  # one the marts do not know
    ],
)
def test_the_outcome_is_a_purchase_where_there_are_any_else_a_return(shop: Shop, rows: str, outcome: str) -> None:
    with duckdb.connect(str(shop.path)) as connection:
        users = pa.chunked_array([[f"u{user:03d}" for user in range(80, 120)]])
        connection.register("asked", pa.table({"user_key": users}))
        select, _, where = rows.partition(" where ")
        connection.execute(f"insert into ga4.dim_ga4__users {select} from asked" + (f" where {where}" if where else ""))
        found = cluster_models.outcome_of(connection, users)
    assert found.name == outcome and (found.values is None) == (outcome == "none")
    if found.values is not None:
        assert found.values.tolist() == [user < (99 if "null" in rows else 100) for user in range(80, 120)]


def test_where_they_are_everybody_the_remedy_is_reported(shop: Shop) -> None:
    shop.query("update beha2vec.user_embeddings set low_evidence = true")
    with pytest.raises(dg.Failure, match="Materialize more days, or train an encoder with a smaller min_events"):
        shop.materialize("cluster_model", smallest_k=3)
    with pytest.raises(dg.Failure, match="readers see no clusters yet"):
        shop.materialize("cluster_members")
