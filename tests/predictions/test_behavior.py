"""Behavior vectors: what they add, and that nothing after a date is in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.predictions import behavior, store
from beha2vec_core.predictions.backtest import NO_VECTORS, backtest
from beha2vec_core.predictions.behavior import PredictionEncoder, Start
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.fit import fit_predictions
from beha2vec_core.predictions.gate import MODEL
from beha2vec_core.predictions.model import PredictionModel
from beha2vec_core.store.tables import create_tables
from tests.predictions.world import FIRST, end, events, world

pytestmark = pytest.mark.xdist_group("behavior")  # so that shared fits run once

CONFIG = FitConfig(targets=("purchase",), trees=False)
TRAINING = TrainConfig(epochs=4, max_updates=200, device="cpu", progress=False)


def _warehouse(seen: pd.DataFrame, features: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_tables(connection)
    connection.execute("create schema ga4")
    connection.register("seen", seen)
    connection.register("features", features.assign(exported_until=end() - timedelta(days=1)))
    connection.execute("create table ga4.int_ga4__sequence_events as select * from seen")
    connection.execute("create table ga4.ml_ga4__user_features as select * from features")
    connection.execute(
        """create view ga4.int_ga4__identities_as_of as
        select as_of, user_key as client_key, user_key from ga4.ml_ga4__user_features"""
    )
    return connection


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with _warehouse(events(), world()) as found:
        yield found


@pytest.fixture(scope="module")
def start(connection: duckdb.DuckDBPyConnection) -> Start:
    return behavior.start_of_examples(connection, store.origins(connection))


@pytest.fixture(scope="module")
def encoder(connection: duckdb.DuckDBPyConnection, start: Start) -> PredictionEncoder:
    assert start.date
    return behavior.fit_encoder(behavior.events_before(connection, start.date), start.date, TRAINING)


@pytest.fixture(scope="module")
def frame(connection: duckdb.DuckDBPyConnection, start: Start, encoder: PredictionEncoder) -> pd.DataFrame:
    dates = [day for day in store.origins(connection) if start.date and day >= start.date]
    for day in dates:
        behavior.write_vectors(connection, encoder, day)
    found = store.read_features(connection, dates, encoder.version)
    return found.assign(first_channel="Direct", last_channel="Direct")  # it shows how readily they buy, too


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> PredictionModel:
    return fit_predictions(frame, end(), CONFIG)


@pytest.mark.slow
def test_what_users_view_makes_purchases_more_certain(frame: pd.DataFrame, model: PredictionModel) -> None:
    gains = {gain.block: gain for gain in model.targets["purchase"].gains["buyers"]}
    assert gains["behavior"].used and gains["behavior"].low > 0
    found = backtest(frame, end(), CONFIG, folds=1)
    loss = found.rows[(found.rows["horizon"] == 28) & (found.rows["metric"] == "log_loss")].set_index("method")["value"]
    assert loss[MODEL] < loss[NO_VECTORS]
    users = model.population(frame[frame["as_of"] == frame["as_of"].max()])
    reasons = model.targets["purchase"].reasons(users)
    assert any("behavior vector" in text for texts in reasons for text in texts)


@pytest.mark.slow
def test_a_saved_model_reads_vectors_as_before(frame: pd.DataFrame, model: PredictionModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    newest = frame[frame["as_of"] == frame["as_of"].max()]
    pd.testing.assert_frame_equal(PredictionModel.load(tmp_path).predict(newest), model.predict(newest))
    without = model.predict(newest.assign(behavior=None))
    assert len(without) == len(model.predict(newest)), "a user without a vector is scored too"


@pytest.mark.slow
def test_nothing_exported_later_is_in_a_vector(
    connection: duckdb.DuckDBPyConnection, encoder: PredictionEncoder, frame: pd.DataFrame, start: Start
) -> None:
    assert start.date
    cut = start.date + timedelta(days=28)
    noise = events(seed=9)
    mixed = pd.concat([events()[events()["event_date"] < cut], noise[noise["event_date"] >= cut]])
    with _warehouse(mixed, world()) as other:
        assert behavior.start_of_examples(other, store.origins(other)) == start
        again = behavior.fit_encoder(behavior.events_before(other, start.date), start.date, TRAINING)
        assert again.version == encoder.version
        for day in (start.date, cut):
            behavior.write_vectors(other, again, day)
            mine, theirs = (store.read_features(one, [day], encoder.version) for one in (connection, other))
            assert np.array_equal(np.stack(mine["behavior"]), np.stack(theirs["behavior"]))


@pytest.mark.slow
def test_vectors_of_a_date_are_written_again_only_if_some_are_missing_or_may_change(
    connection: duckdb.DuckDBPyConnection, encoder: PredictionEncoder
) -> None:
    rows = "select * from beha2vec.prediction_vectors where as_of = ? order by user_key"
    *_, settled, newest = store.origins(connection)
    for day in (settled, newest):
        behavior.write_vectors(connection, encoder, day)
        before = connection.execute(rows, [day]).fetchall()
        assert behavior.write_vectors(connection, encoder, day) == (0 if day == settled else len(before))
        connection.execute("delete from beha2vec.prediction_vectors where as_of = ? and user_key = 'user00000'", [day])
        assert behavior.write_vectors(connection, encoder, day) == len(before)
        assert connection.execute(rows, [day]).fetchall() == before


@pytest.mark.slow
def test_vectors_of_a_sample_leave_those_of_others_as_they_are(
    connection: duckdb.DuckDBPyConnection, encoder: PredictionEncoder
) -> None:
    *_, newest = store.origins(connection)
    rows = f"select user_key, behavior from beha2vec.prediction_vectors where as_of = '{newest}' order by user_key"
    everyone = behavior.write_vectors(connection, encoder, newest)
    before = dict(connection.execute(rows).fetchall())
    connection.execute("delete from beha2vec.prediction_vectors where user_key = 'user00000'")
    drawn = "(select user_key from ga4.ml_ga4__user_features where user_key < 'user00100')"
    assert 0 < behavior.write_vectors(connection, encoder, newest, only=drawn) <= 100 < everyone
    after = dict(connection.execute(rows).fetchall())
    assert after.keys() == before.keys()
    assert all(np.allclose(after[user], before[user], atol=1e-4) for user in before)


@pytest.mark.slow
def test_longer_histories_never_lose_their_vectors(connection: duckdb.DuckDBPyConnection) -> None:
    """From the first length that allows vectors on, whatever the weekday."""
    whole, dates = events(), store.origins(connection)
    found = []
    for days in range(104, 150, 3):
        with _warehouse(whole[whole["event_date"] < FIRST + timedelta(days=days)], world()) as other:
            found.append(
                behavior.start_of_examples(other, [d for d in dates if d <= FIRST + timedelta(days=days)]).date
            )
    assert found[0] is None and found[-1] is not None
    assert all(found[found.index(next(filter(None, found))) :])


@pytest.mark.slow
def test_rows_to_learn_from_may_lack_the_vectors_that_others_have(frame: pd.DataFrame) -> None:
    cut = end() - timedelta(days=60)
    later = frame.assign(behavior=frame["behavior"].where(pd.to_datetime(frame["as_of"]) >= pd.Timestamp(cut)))
    assert fit_predictions(later, end(), CONFIG).targets["purchase"].horizons == (7, 14, 28)


@pytest.mark.slow
def test_an_encoder_is_read_as_it_was_written(
    connection: duckdb.DuckDBPyConnection, encoder: PredictionEncoder, tmp_path: Path
) -> None:
    encoder.save(tmp_path)
    loaded = PredictionEncoder.load(tmp_path, "cpu")
    assert loaded.version == encoder.version and np.array_equal(loaded.components, encoder.components)


@pytest.mark.slow
def test_a_short_history_has_no_vectors_and_says_so(connection: duckdb.DuckDBPyConnection) -> None:
    dates = store.origins(connection)
    short = events()[events()["event_date"] < FIRST + timedelta(days=90)]
    with _warehouse(short, world()) as other:
        found = behavior.start_of_examples(other, dates)
    assert found.date is None and "113 days of exports, and there are 90" in found.reason
    with _warehouse(events().iloc[:300], world()) as other:
        assert behavior.start_of_examples(other, dates).date is None
    with _warehouse(events().iloc[:0], world()) as other:
        assert behavior.start_of_examples(other, dates) == Start(None, "there are no events")
