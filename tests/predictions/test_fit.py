"""Models are calibrated, know only the past, and say when there is too little to learn from."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from beha2vec_core.evaluation.statistics import auroc
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.features import MEANS, with_means
from beha2vec_core.predictions.fit import fit_predictions
from beha2vec_core.predictions.history import NotEnoughHistoryError, PersonIntervals
from beha2vec_core.predictions.model import TOO_FEW, PredictionModel, PredictionModelError
from beha2vec_core.predictions.score import needed_shifts, score
from tests.predictions.world import end, world

BOTH = FitConfig(targets=("purchase", "return"))
TESTED = end() - timedelta(days=35)


@pytest.fixture(scope="module")
def model() -> PredictionModel:
    """Fitted as of a Monday five weeks before the end."""
    return fit_predictions(world(), TESTED, BOTH)


def _test_rows(frame: pd.DataFrame, on: date = TESTED) -> pd.DataFrame:
    return frame[(frame["as_of"] == on) & (frame["days_since_last_session"] <= 28)].reset_index(drop=True)


def _joined(model: PredictionModel, target: str, horizon: int) -> pd.DataFrame:
    rows = _test_rows(world())
    scored = model.predict(rows)
    scored = scored[(scored["target"] == target) & (scored["horizon"] == horizon)]
    return scored.merge(rows, on=["property_id", "user_key"])


@pytest.mark.parametrize(("target", "horizon"), [("purchase", 28), ("return", 7), ("return", 28)])
def test_probabilities_rank_users_and_come_true(model: PredictionModel, target: str, horizon: int) -> None:
    found = _joined(model, target, horizon)
    happened = found[f"will_{target}_{horizon}d"].to_numpy(dtype=bool)
    truth, probability = found[f"true_{target}_{horizon}"], found["probability"]
    assert auroc(probability, happened) > 0.7
    assert ((probability - happened) ** 2).mean() < ((truth - happened) ** 2).mean() + 0.03
    spread = np.sqrt((probability * (1 - probability)).sum())
    assert abs(happened.sum() - probability.sum()) < 4 * spread


def test_longer_horizons_are_never_less_likely(model: PredictionModel) -> None:
    scored = model.predict(_test_rows(world()))
    wide = scored.pivot(index=["target", "user_key"], columns="horizon", values="probability")
    assert (wide[7] <= wide[14]).all() and (wide[14] <= wide[28]).all()
    assert ((scored["low"] <= scored["probability"]) & (scored["probability"] <= scored["high"])).all()


@pytest.mark.parametrize("target", ["purchase", "return"])
def test_nine_of_ten_intervals_hold_the_own_probability(model: PredictionModel, target: str) -> None:
    found = _joined(model, target, 28)
    truth = found[f"true_{target}_28"]
    inside = ((found["low"] <= truth) & (truth <= found["high"])).mean()
    assert 0.8 <= inside <= 0.97


def test_counts_that_grow_for_everyone_are_not_taken_for_interest() -> None:
    """As in a young export: each week more is known of everyone, and nobody does more."""
    grown = world(weeks=9).copy()
    as_of = pd.to_datetime(grown["as_of"])
    weeks = (as_of - as_of.min()).dt.days / 7
    grown[list(MEANS)] = grown[list(MEANS)].mul(1.5**weeks, axis=0)
    with duckdb.connect() as connection:
        connection.register("grown", grown)
        known = connection.execute(f"from {with_means('grown')} order by as_of, user_key").df()
    standing = end(9) - timedelta(days=14)
    rows = known[(known["as_of"] == pd.Timestamp(standing)) & (known["days_since_last_session"] <= 28)]
    wrong = {}
    for name, frame in (("raw", known.drop(columns=list(MEANS.values()))), ("relative", known)):
        model = fit_predictions(frame, standing, FitConfig(targets=("return",), horizons=(7,), intervals=False))
        wrong[name] = model.predict(rows)["probability"].sum() / rows["true_return_7"].sum() - 1
    assert abs(wrong["relative"]) < 0.1 < 0.2 < wrong["raw"]


def test_what_happens_later_changes_nothing(model: PredictionModel) -> None:
    """Rows of later dates, and labels that had not matured, are not used: noise in them gives the same model."""
    noisy = world().copy()
    as_of = pd.to_datetime(noisy["as_of"])
    for horizon in (7, 14, 28):
        late = as_of > pd.Timestamp(TESTED - timedelta(days=horizon + 3))
        for label in (f"will_return_{horizon}d", f"will_purchase_{horizon}d"):
            noisy.loc[late, label] = ~noisy.loc[late, label].fillna(False)
        noisy.loc[late, f"revenue_{horizon}d"] = 99.0
    future = as_of >= pd.Timestamp(TESTED)
    noisy.loc[future, "page_views"] = 10_000
    assert fit_predictions(noisy, TESTED, BOTH).version == model.version


def test_running_again_gives_the_same_model_and_a_saved_one_the_same_scores(
    model: PredictionModel, tmp_path: Path
) -> None:
    shuffled = world().sample(frac=1.0, random_state=1)
    assert fit_predictions(shuffled, TESTED, BOTH).version == model.version
    model.save(tmp_path / "m")
    loaded = PredictionModel.load(tmp_path / "m")
    rows = _test_rows(world())
    assert loaded.version == model.version
    pd.testing.assert_frame_equal(loaded.predict(rows), model.predict(rows))
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["model.json"]
    saved = json.loads((tmp_path / "m" / "model.json").read_text())["model"]
    assert set(saved["targets"]["return"]) == {"target", "horizons", "segments", "value", "notes", "gains"}, "as before"


def test_a_model_of_another_release_is_refused(model: PredictionModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    text = (tmp_path / "model.json").read_text()
    (tmp_path / "model.json").write_text(text.replace('{"format_version": 2', '{"format_version": 99'))
    with pytest.raises(PredictionModelError, match="train_predictions"):
        PredictionModel.load(tmp_path)
    (tmp_path / "model.json").write_text(text.replace('"horizons"', '"other"'))
    with pytest.raises(PredictionModelError, match="train_predictions"):
        PredictionModel.load(tmp_path)
    with pytest.raises(PredictionModelError, match="train_predictions"):
        PredictionModel.load(tmp_path / "nowhere")


def test_too_few_positives_give_base_rates() -> None:
    rare = world().copy()
    keep = rare["user_key"].isin([f"user{i:05d}" for i in range(40)])
    for horizon in (7, 14, 28):
        label = rare[f"will_purchase_{horizon}d"]
        rare[f"will_purchase_{horizon}d"] = label & keep.where(label.notna(), other=True)
    model = fit_predictions(rare, TESTED, FitConfig(targets=("purchase",)))
    scored = model.predict(_test_rows(rare))
    assert set(scored["method"]) == {TOO_FEW}
    assert scored["probability"].between(0, 0.2).all() and (scored["high"] > scored["low"]).all()
    assert "too few to model" in model.targets["purchase"].notes[0]


def test_some_hundred_positives_give_a_regression_alone() -> None:
    few = world()[world()["user_key"] < "user00500"]
    model = fit_predictions(few, TESTED, FitConfig(targets=("purchase",)))
    methods = {part.method for part in model.targets["purchase"].kinds.values()}
    assert methods == {"ridge logistic"}


def test_a_target_nobody_fires_is_left_out_and_said_so() -> None:
    model = fit_predictions(world(), TESTED, FitConfig(targets=("return", "sign_up")))
    assert list(model.targets) == ["return"]
    assert any(note.startswith("sign_up is not predicted") for note in model.notes)
    with pytest.raises(
        NotEnoughHistoryError,
        match=r"^Not predicted yet, because no user did it within the horizon after an earlier visit: sign_up\.$",
    ):
        fit_predictions(world(), TESTED, FitConfig(targets=("sign_up",)))


def test_a_short_history_has_shorter_horizons_or_a_clear_error() -> None:
    first = min(world()["as_of"])
    short = fit_predictions(world(), first + timedelta(days=30), FitConfig(targets=("return",)))
    assert short.targets["return"].horizons == (7,)
    assert any("too short for 14 and 28 days" in note for note in short.notes)
    with pytest.raises(NotEnoughHistoryError, match="Export more days"):
        fit_predictions(world(), first + timedelta(days=15), FitConfig(targets=("return",)))
    with pytest.raises(NotEnoughHistoryError, match="Export more days"):
        fit_predictions(world().iloc[:0], TESTED, FitConfig(targets=("return",)))


@pytest.mark.slow
def test_a_changed_world_is_noticed_and_followed() -> None:
    """People come a quarter as often from some day on: nights correct the scores once the first labels show it."""
    weeks = 22
    dropped = world(weeks=weeks, drop_after=weeks * 7 - 42)
    fitted_on = end(weeks) - timedelta(days=42)
    model = fit_predictions(dropped, fitted_on, FitConfig(targets=("return",), horizons=(7,)))
    tonight = end(weeks) - timedelta(days=14)
    matured = dropped[dropped["as_of"] == tonight - timedelta(days=14)]
    rows = _test_rows(dropped, tonight)
    happened = rows["will_return_7d"].to_numpy(dtype=bool).sum()
    shifts = needed_shifts(model, [matured[:100], matured[100:]])
    assert shifts["return"] < -0.5 and shifts == needed_shifts(model, [matured]) and needed_shifts(model, []) == {}
    stale, followed = score(model, rows, reasons=False), score(model, rows, shifts, reasons=False)
    assert stale["probability"].sum() > 1.8 * happened
    assert abs(followed["probability"].sum() / happened - 1) < 0.35
    again = fit_predictions(dropped, tonight, FitConfig(targets=("return",)))
    assert any("less frequent" in note for note in again.targets["return"].notes)


def test_reasons_are_given_to_the_first_decile_only(model: PredictionModel) -> None:
    rows = score(model, _test_rows(world()))
    first = rows[rows["decile"] == 1]
    assert first["reasons"].map(len).max() == 3
    assert first["reasons"].map(lambda found: all("(+" in reason for reason in found)).all()
    assert rows.loc[rows["decile"] > 1, "reasons"].isna().all()


def test_a_reason_names_the_users_own_value(model: PredictionModel) -> None:
    rows = _test_rows(world())
    named = [
        (reason, channel)
        for reasons, channel in zip(model.targets["return"].reasons(rows, most=9), rows["first_channel"], strict=True)
        for reason in reasons
        if reason.startswith("first channel")
    ]
    assert named and all(reason.startswith(f"first channel: {channel} (+") for reason, channel in named)


def test_a_sample_of_many_rows_keeps_all_for_whom_it_happened() -> None:
    happened = np.zeros(300_000, dtype=bool)
    happened[[3, 70_000, 299_999]] = True
    rows = PersonIntervals(np.arange(300_000), np.zeros(300_000, dtype=np.int64), happened)
    part, weight = rows.at_most(60_000, np.ones(300_000))
    assert part.happened.sum() == 3 and len(part.row) == 60_003
    assert weight.sum() == pytest.approx(300_000)
    many = PersonIntervals(rows.row, rows.interval, ~happened)
    assert len(many.at_most(1_000, np.ones(300_000))[0].row) == 1_003, "a frequent outcome is sampled too"


def test_contributions_add_up_to_the_log_odds(model: PredictionModel) -> None:
    """Most of what differs between users in the log odds is in the contributions; the interval's own part is not."""
    rows = _test_rows(world())
    part = model.targets["return"].kinds.get("others") or model.targets["return"].kinds["all"]
    rest = part.log_odds(rows)[:, 0] - part.contributions(rows).sum(axis=1)
    assert rest.std() < 0.3 * part.log_odds(rows)[:, 0].std()


def test_values_are_revenue_when_added_up(model: PredictionModel) -> None:
    found = _joined(model, "purchase", 28)
    paid = found["revenue_28d"].sum()
    assert 0.6 < found["value"].sum() / paid < 1.6
    assert found["value"].corr(found["revenue_28d"], method="spearman") > 0.2


def test_a_user_whose_channel_is_not_known_has_reasons_too(model: PredictionModel) -> None:
    rows = model.population(world()[world()["as_of"] == end()]).assign(first_channel=None, last_channel=np.nan)
    assert all(
        "channel" not in reason or "channel: not known" in reason
        for target in model.targets.values()
        for reasons in target.reasons(rows.head(50), most=9)
        for reason in reasons
    )
