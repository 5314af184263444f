"""Only users whose sequence is new or has changed are embedded; the rest of the day stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.encoder.user_embeddings import (
    DayChangedError,
    EmbeddedDay,
    encode_changed,
    known_sequences,
    replace_changed,
)
from beha2vec_core.store.tables import create_tables
from tests.encoder.training_world import make_events

DAY = date(2026, 3, 1)
USERS = 40


@pytest.fixture(scope="module")
def encoder() -> BehaviorEncoder:
    train = TrainConfig(epochs=1, device="cpu", progress=False, objectives={"content": 1.0}, patience=0)
    return BehaviorEncoder.fit(make_events(USERS), EncoderConfig(dim=16, layers=1, heads=2, max_length=16), train)


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        create_tables(connection)
        yield connection


def write(path: Path, users: int = USERS, longer: tuple[str, ...] = ()) -> Path:
    """The day's sequences; users of ``longer`` have their first event a second time."""
    events = make_events(USERS)
    events = events[events["user_key"].isin(sorted(set(events["user_key"]))[:users])]
    lists = events.groupby("user_key", as_index=False).agg(list)
    for row in lists.index[lists["user_key"].isin(longer)]:
        for column in lists.columns.drop("user_key"):
            lists.at[row, column] = [lists.at[row, column][0], *lists.at[row, column]]
    pq.write_table(pa.Table.from_pandas(lists, preserve_index=False), path)
    return path


def embed(
    warehouse: duckdb.DuckDBPyConnection, encoder: BehaviorEncoder, sequences: Path, day: date = DAY
) -> EmbeddedDay:
    known = known_sequences(warehouse, encoder.model_version, day)
    target = sequences.with_name("encoded.parquet")
    users = encode_changed(encoder, sequences, known, target)
    return replace_changed(warehouse, encoder.model_version, day, users, target)


def rows(warehouse: duckdb.DuckDBPyConnection) -> dict[str, np.ndarray]:
    found = warehouse.execute("select user_key, behavior, event_date from beha2vec.user_embeddings").fetchall()
    assert {row[2] for row in found} <= {DAY} and len({row[0] for row in found}) == len(found)
    return {user: np.array(vector) for user, vector, _ in found}


def test_who_changed_is_embedded_and_who_left_is_gone(warehouse, encoder: BehaviorEncoder, tmp_path: Path) -> None:
    assert embed(warehouse, encoder, write(tmp_path / "a.parquet")) == (USERS, USERS)
    first = rows(warehouse)
    assert embed(warehouse, encoder, write(tmp_path / "a.parquet")) == (USERS, 0), "nothing is new"
    user = sorted(first)[3]
    assert embed(warehouse, encoder, write(tmp_path / "b.parquet", users=30, longer=(user,))) == (30, 1)
    second = rows(warehouse)
    assert second.keys() == set(sorted(first)[:30])
    assert [key for key in second if not np.array_equal(second[key], first[key])] == [user]

    # as if it had been the first time
    with duckdb.connect() as clean:
        create_tables(clean)
        embed(clean, encoder, tmp_path / "b.parquet")
        for key, vector in rows(clean).items():
            np.testing.assert_allclose(second[key], vector, rtol=0, atol=1e-5)
    assert embed(warehouse, encoder, write(tmp_path / "none.parquet", users=0)) == (0, 0)
    assert rows(warehouse) == {}


def test_rows_of_an_earlier_release_are_embedded_again(warehouse, encoder: BehaviorEncoder, tmp_path: Path) -> None:
    sequences = write(tmp_path / "a.parquet")
    embed(warehouse, encoder, sequences)
    warehouse.execute("update beha2vec.user_embeddings set sequence_hash = null where user_key < 'user-00010'")
    lacking = warehouse.execute("select count(*) from beha2vec.user_embeddings where sequence_hash is null").fetchall()
    assert embed(warehouse, encoder, sequences) == (USERS, lacking[0][0]) and lacking[0][0] > 0


def test_another_run_that_wrote_the_day_meanwhile_is_reported(
    warehouse, encoder: BehaviorEncoder, tmp_path: Path
) -> None:
    sequences, target = write(tmp_path / "a.parquet"), tmp_path / "encoded.parquet"
    embed(warehouse, encoder, sequences)
    users = encode_changed(encoder, sequences, known_sequences(warehouse, encoder.model_version, DAY), target)
    warehouse.execute("delete from beha2vec.user_embeddings where user_key < 'user-00010'")
    before = rows(warehouse)
    assert len(before) < USERS
    with pytest.raises(DayChangedError, match="run it again"):
        replace_changed(warehouse, encoder.model_version, DAY, users, target)
    assert rows(warehouse).keys() == before.keys(), "nothing was written"


def test_embeddings_and_clusters_of_a_past_day_are_to_be_had(warehouse) -> None:
    warehouse.execute(
        """insert into beha2vec.cluster_models (cluster_model_version, model_version, promoted_at)
        values ('c', 'm', now())"""
    )
    for age, cluster in ((0, 2), (5, 1)):
        for version in ("m", "old"):
            warehouse.execute(
                """insert into beha2vec.user_embeddings (event_date, model_version, user_key, n_events)
                values (?, ?, 'u', ?)""",
                [DAY - timedelta(age), version, 10 - age],
            )
        warehouse.execute(
            """insert into beha2vec.user_clusters (event_date, cluster_model_version, user_key, cluster_key)
            values (?, 'c', 'u', ?)""",
            [DAY - timedelta(age), cluster],
        )
    for day, cluster, n_events in ((DAY, 2, 10), (DAY - timedelta(1), 1, 5), (DAY - timedelta(6), None, None)):
        clusters = warehouse.execute(f"select cluster_key from beha2vec.user_clusters_as_of('{day}')").fetchall()
        vectors = warehouse.execute(f"select n_events from beha2vec.user_embeddings_as_of('{day}')").fetchall()
        assert (clusters, vectors) == (([(cluster,)], [(n_events,)]) if cluster else ([], []))
