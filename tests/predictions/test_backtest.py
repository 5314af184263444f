"""A backtest judges what was fitted before its dates, beside simple rules and the model in use; a gate reads it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from beha2vec_core.predictions.backtest import BASE_RATE, BG_NBD, GA4, NO_FUNNEL, RFM, Backtest, backtest
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.fit import fit_predictions
from beha2vec_core.predictions.gate import CHAMPION, MODEL, reasons_to_refuse, worse_than
from tests.predictions.world import end, world

pytestmark = pytest.mark.xdist_group("backtest")  # so that shared fits run once

CONFIG = FitConfig(targets=("purchase",), trees=False)


@pytest.fixture(scope="module")
def one() -> Backtest:
    """One date, without the models that it is compared with."""
    return backtest(world(), end(), CONFIG, folds=1, rivals=False)


@pytest.fixture(scope="module")
def found() -> Backtest:
    """Two dates, with a model that was in use before them, and one that is too new to be compared."""
    champions = [fit_predictions(world(), end() - timedelta(days=days), CONFIG) for days in (49, 7)]
    return backtest(world(), end(), CONFIG, folds=2, champions=champions)


def _value(found: Backtest, method: str, metric: str, horizon: int = 28) -> float:
    rows = found.rows
    (value,) = rows.loc[(rows["method"] == method) & (rows["metric"] == metric) & (rows["horizon"] == horizon), "value"]
    return float(value)


@pytest.mark.slow
def test_dates_are_the_newest_whose_outcome_is_known(found: Backtest) -> None:
    assert found.origins == [end() - timedelta(days=42), end() - timedelta(days=35)]


@pytest.mark.slow
def test_every_method_is_judged_on_the_same_users(found: Backtest) -> None:
    of_horizon = found.rows[found.rows["horizon"] == 28]
    assert {MODEL, CHAMPION, NO_FUNNEL, RFM, BG_NBD, BASE_RATE} <= set(of_horizon["method"])
    assert of_horizon["n"].nunique() == 1


@pytest.mark.slow
def test_metrics_are_what_they_are_called(one: Backtest) -> None:
    """Against scikit-learn and by hand, on the rows of one date."""
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

    (day,) = one.origins
    rows = world()[(world()["as_of"] == day) & (world()["days_since_last_session"] <= 28)].reset_index(drop=True)
    scored = fit_predictions(world(), day, CONFIG).predict(rows)
    scored = scored[scored["horizon"] == 28].merge(rows, on="user_key")
    happened, probability = scored["will_purchase_28d"].to_numpy(dtype=bool), scored["probability"]
    assert _value(one, MODEL, "auroc") == pytest.approx(roc_auc_score(happened, probability))
    assert _value(one, MODEL, "auprc") == pytest.approx(average_precision_score(happened, probability))
    assert _value(one, MODEL, "brier") == pytest.approx(brier_score_loss(happened, probability))
    assert _value(one, MODEL, "log_loss") == pytest.approx(log_loss(happened, probability))
    top = scored.nlargest(round(len(scored) / 10), "probability")["will_purchase_28d"].mean()
    assert _value(one, MODEL, "lift_10pct") == pytest.approx(top / happened.mean())
    assert one.curves.loc[one.curves["horizon"] == 28, "users"].sum() == len(scored)
    assert one.curves.loc[one.curves["horizon"] == 28, "gain"].max() == pytest.approx(1.0)


@pytest.mark.slow
def test_a_model_beats_the_base_rate_and_intervals_hold_the_value(found: Backtest) -> None:
    assert _value(found, MODEL, "auroc") > _value(found, BASE_RATE, "auroc") + 0.1
    assert _value(found, MODEL, "log_loss") < _value(found, BASE_RATE, "log_loss")
    with_interval = found.rows[found.rows["low"].notna()]
    assert (with_interval["low"] <= with_interval["high"]).all()
    assert 0 < _value(found, MODEL, "revenue_in_top_decile") <= _value(found, MODEL, "revenue_in_best_decile")


@pytest.mark.slow
def test_the_gate_refuses_what_is_certainly_worse(found: Backtest) -> None:
    rows = found.rows.to_dict("records")
    assert reasons_to_refuse(rows, 0.01) == []
    broken = [
        row | {"value": 0.2, "low": 0.1, "high": 0.3} if row["metric"] == "log_loss_less_champion" else row
        for row in rows
    ]
    (reason,) = reasons_to_refuse([row for row in broken if row["horizon"] == 28], 0.01)
    assert "purchase within 28 days is worse than that of the model in use: +0.2000 [+0.1000, +0.3000]" in reason
    assert reasons_to_refuse([], 0.01) == [] and worse_than([], "rfm", "it", 0.0) == []


def test_too_short_a_history_is_said_and_not_raised() -> None:
    early = min(world()["as_of"]) + timedelta(days=20)
    nothing = backtest(world()[world()["as_of"] < early], early, CONFIG)
    assert nothing.origins == [] and nothing.rows.empty
    assert isinstance(nothing.curves, pd.DataFrame)


@pytest.mark.slow
def test_users_are_drawn_again_not_rows(one: Backtest) -> None:
    """The same users on two dates give an interval about as wide as on one, not narrower by the square root of two."""
    two = backtest(world(), end(), CONFIG, folds=2, rivals=False)
    widths = [
        float(
            np.diff(found.rows.loc[(found.rows["metric"] == "auroc") & (found.rows["horizon"] == 28), ["low", "high"]])[
                0, 0
            ]
        )
        for found in (one, two)
    ]
    assert widths[1] > 0.75 * widths[0]


@pytest.mark.slow
def test_ga4s_own_scores_are_judged_on_the_users_who_have_one() -> None:
    """Its scores here are the truth, of every other user and of the newest date only."""
    alone = backtest(world(), end(), CONFIG, folds=2)
    rows = world()[world()["as_of"] == alone.origins[-1]].iloc[::2]
    truth = {"purchase": rows["true_purchase_7"], "return": rows["true_return_7"]}
    scores = pd.concat([rows.assign(target=name, probability=chance) for name, chance in truth.items()])
    columns = ["property_id", "user_key", "target", "probability"]
    found = backtest(
        world(), end(), CONFIG, folds=2, ga4_scores=lambda day: scores.loc[scores["as_of"] == day, columns]
    )
    judged = found.rows[found.rows["method"] == GA4]
    population = rows[rows["days_since_last_session"] <= 28]
    assert set(judged["target"]) == {"purchase"} and set(judged["horizon"]) == {7}
    assert set(judged["n"]) == {len(population)}
    from sklearn.metrics import roc_auc_score

    own = roc_auc_score(population["will_purchase_7d"].astype(bool), population["true_purchase_7"])
    assert _value(found, GA4, "auroc", 7) == pytest.approx(own)
    lost = found.rows[(found.rows["method"] == MODEL) & (found.rows["metric"] == "log_loss_less_ga4")]
    assert set(lost["horizon"]) == {7} and 0 < lost["value"].item() < 0.05, "nothing beats the truth"
    compared = found.rows[found.rows["metric"].str.endswith("_less_ga4") | (found.rows["method"] == GA4)]
    assert set(compared["n"]) == {len(population)} and "auroc_less_rfm" in set(compared["metric"])
    others = found.rows[(found.rows["method"] != GA4) & ~found.rows["metric"].str.endswith("_less_ga4")]
    pd.testing.assert_frame_equal(others.reset_index(drop=True), alone.rows)
