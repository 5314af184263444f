"""A sample of the users gives what all of them give, within its error; without one, the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from beha2vec_core.evaluation.statistics import auroc
from beha2vec_core.predictions import store
from beha2vec_core.predictions.backtest import BASE_RATE, Backtest, backtest
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.examples import WEIGHT, Group, draw
from beha2vec_core.predictions.features import MEANS
from beha2vec_core.predictions.fit import fit_predictions
from beha2vec_core.predictions.model import PredictionModel
from beha2vec_core.predictions.score import score
from beha2vec_core.store.sample import in_sample
from beha2vec_core.store.tables import create_tables
from beha2vec_core.store.warehouse import replace_partition
from tests.predictions.world import end, world

pytestmark = pytest.mark.xdist_group("examples")  # so that shared fits run once

CONFIG = FitConfig(targets=("purchase", "return"), trees=False)
USERS = 6_000
TESTED = end() - timedelta(days=35)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of a larger world."""
    with duckdb.connect() as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        connection.register("features", world(USERS).assign(exported_until=end() - timedelta(days=1)))
        connection.execute("create table ga4.ml_ga4__user_features as select * from features")
        yield connection


def _examples(connection: duckdb.DuckDBPyConnection, most: int) -> tuple[pd.DataFrame, list[Group]]:
    users, groups = draw(connection, store.origins(connection), CONFIG.targets, most)
    replace_partition(connection, "beha2vec.prediction_examples", users, "true")
    return store.read_examples(connection)[0], groups


@pytest.fixture(scope="module")
def everyone(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    return _examples(connection, 10**6)[0]


@pytest.fixture(scope="module")
def sample(connection: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, list[Group]]:
    return _examples(connection, 50_000)


def _probabilities(model: PredictionModel, on: date = TESTED) -> pd.DataFrame:
    rows = world(USERS)[world(USERS)["as_of"] == on]
    return model.predict(rows).merge(rows, on="user_key")


@pytest.mark.slow
def test_rare_outcomes_have_a_larger_share_and_weights_count_everyone(
    everyone: pd.DataFrame, sample: tuple[pd.DataFrame, list[Group]]
) -> None:
    frame, groups = sample
    assert 24_000 < len(frame) < 52_000 and len(everyone) > 90_000
    assert {group.did for group in groups} == {"", "purchase", "return", "purchase, return"}
    assert len({group.one_in for group in groups}) > 1
    assert groups[0].one_in == 1, "those who bought and never came back are few: all of them are there"
    assert frame[WEIGHT].sum() == pytest.approx(len(everyone), rel=0.01)
    for label in ("will_purchase_28d", "will_return_28d"):
        did = (frame[WEIGHT] * frame[label].fillna(False).astype(float)).sum()
        assert did == pytest.approx(everyone[label].fillna(False).astype(bool).sum(), rel=0.05)


@pytest.mark.slow
def test_a_sample_of_features_is_counted_by_its_weights(
    connection: duckdb.DuckDBPyConnection, everyone: pd.DataFrame
) -> None:
    """Past dates are of all who bought and of one in 4 of the others, as dbt draws them."""
    with duckdb.connect() as other:
        create_tables(other)
        other.register("features", connection.sql("from ga4.ml_ga4__user_features").to_arrow_table())
        other.execute(f"""create schema ga4; create table ga4.ml_ga4__user_features as
            select * replace (if(as_of = '{end()}' or bought, 1, 4) as sampling_weight)
            from features join (select user_key, bool_or(purchases_ever > 0) as bought from features group by all)
            using (user_key) where as_of = '{end()}' or bought or {in_sample("user_key", 4)}""")
        assert store.whole_dates(other) == {end()}
        whole, part = (store.read_features(one, [TESTED]) for one in (connection, other))
        assert part[WEIGHT].sum() == pytest.approx(len(whole), rel=0.05) and len(part) < 0.8 * len(whole)
        for mean in MEANS.values():
            assert part[mean].iloc[0] == pytest.approx(whole[mean].iloc[0], rel=0.05)
        parts = [store.read_features(other, [TESTED], part=store.Part(number, 2)) for number in range(2)]
        assert [len(one) for one in parts] == pytest.approx([len(part) / 2] * 2, rel=0.1), "of a sample too"

        drawn, groups = _examples(other, 20_000)
        assert {group.stands_for for group in groups} == {1, 4} and 10_000 < len(drawn) < 21_000
        known = everyone[everyone["will_return_7d"].notna()]
        assert drawn["as_of"].nunique() == known["as_of"].nunique(), "the newest date, which has all users, is left out"
        assert drawn[WEIGHT].sum() == pytest.approx(len(known), rel=0.03)
        for label in ("will_purchase_28d", "will_return_28d"):
            did = (drawn[WEIGHT] * drawn[label].fillna(False).astype(float)).sum()
            assert did == pytest.approx(known[label].fillna(False).astype(bool).sum(), rel=0.05)


@pytest.mark.slow
def test_below_the_limit_nothing_changes(everyone: pd.DataFrame) -> None:
    assert (everyone[WEIGHT] == 1).all()
    young = everyone[everyone["user_key"] < "user01000"]
    alone = young.drop(columns=WEIGHT)
    assert fit_predictions(young, TESTED, CONFIG).version == fit_predictions(alone, TESTED, CONFIG).version


@pytest.mark.slow
def test_a_model_of_a_sample_says_what_that_of_all_says(
    everyone: pd.DataFrame, sample: tuple[pd.DataFrame, list[Group]]
) -> None:
    whole, part = (_probabilities(fit_predictions(frame, TESTED, CONFIG)) for frame in (everyone, sample[0]))
    for target in CONFIG.targets:
        mine, theirs = (one[(one["target"] == target) & (one["horizon"] == 28)] for one in (whole, part))
        happened = mine[f"will_{target}_28d"].to_numpy(dtype=bool)
        # three standard errors of the number of outcomes, half of whose users were drawn
        assert abs(theirs["probability"].sum() - mine["probability"].sum()) < 3 * np.sqrt(2 * happened.sum())
        assert np.corrcoef(mine["probability"], theirs["probability"])[0, 1] > 0.93
        assert auroc(theirs["probability"], happened) > auroc(mine["probability"], happened) - 0.02
        truth = mine[f"true_{target}_28"]
        inside = ((theirs["low"] <= truth) & (truth <= theirs["high"])).mean()
        assert 0.8 <= inside <= 0.98
    purchases = replace(CONFIG, targets=("purchase",))
    unweighted = fit_predictions(sample[0].drop(columns=WEIGHT), TESTED, purchases)
    bought = _probabilities(unweighted).query("target == 'purchase' and horizon == 28")
    real = whole.query("target == 'purchase' and horizon == 28")
    assert abs(bought["probability"].sum() / real["probability"].sum() - 1) > 0.1, "weights are needed"


@pytest.mark.slow
def test_metrics_of_a_sample_are_those_of_all_within_their_intervals(
    everyone: pd.DataFrame, sample: tuple[pd.DataFrame, list[Group]]
) -> None:
    config = replace(CONFIG, targets=("purchase",))
    whole, part = (_rules(backtest(frame, end(), config, folds=1)) for frame in (everyone, sample[0]))
    both = whole.join(part, lsuffix="_of_all")
    known = both[both["low"].notna()]
    inside = (known["low"] <= known["value_of_all"]) & (known["value_of_all"] <= known["high"])
    assert len(known) > 30 and inside.mean() > 0.85
    wider = (known["high"] - known["low"]) / (known["high_of_all"] - known["low_of_all"])
    assert 1.2 < wider.median() < 2.5, "the sample's error is in the interval"
    for metric, error in {"prevalence": 0.1, "brier": 0.1, "log_loss": 0.1, "lift_10pct": 0.15, "auprc": 0.2}.items():
        rows = both.xs(metric, level="metric").drop(BASE_RATE, level="method")  # which ranks nobody
        assert (rows["value"] / rows["value_of_all"] - 1).abs().max() < error, metric


def _rules(found: Backtest) -> pd.DataFrame:
    return found.rows.set_index(["target", "horizon", "method", "metric"])


@pytest.mark.slow
def test_users_scored_in_parts_have_the_scores_of_all(
    connection: duckdb.DuckDBPyConnection, everyone: pd.DataFrame, tmp_path: Path
) -> None:
    model = fit_predictions(everyone[everyone["user_key"] < "user01000"], end(), CONFIG)
    scored = []
    for most in (10**6, 2_100):
        folder = tmp_path / str(most)
        folder.mkdir()
        users = store.seen_lately(end(), 28)
        parts = store.parts(connection, users, most)
        for part in parts:
            frame = store.read_features(connection, [end()], part=part, seen_within=28)
            assert len(frame) < 1.2 * most
            store.stage(score(model, frame, is_part=part.of > 1), folder / f"{part.number}.parquet")
        store.write_predictions(connection, store.scored_day(end()), model, store.staged(folder))
        scored.append(connection.execute("from beha2vec.user_predictions order by target, horizon, user_key").df())
    at_once, in_parts = scored
    assert len(parts) > 1
    exact = ["user_key", "target", "horizon", "decile", "method", "value"]
    pd.testing.assert_frame_equal(at_once[exact], in_parts[exact])
    assert np.allclose(at_once["probability"], in_parts["probability"], atol=1e-9)
    assert np.allclose(at_once[["low", "high"]], in_parts[["low", "high"]], atol=0.01)
    first = at_once["decile"] == 1
    assert at_once["reasons"].notna().equals(first) and in_parts["reasons"].notna().equals(first)
    assert all(map(np.array_equal, at_once.loc[first, "reasons"], in_parts.loc[first, "reasons"]))


def test_a_date_without_users_has_no_scores(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    model = PredictionModel(end(), CONFIG, {})
    assert store.write_predictions(connection, end(), model, store.staged(tmp_path)) == 0
