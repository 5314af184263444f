"""Probabilities of one user never contradict each other, and what is known of the outcomes is only better for it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.fit import fit_predictions
from beha2vec_core.predictions.order import in_order, ordered_pairs
from beha2vec_core.predictions.targets import passed
from tests.predictions.world import end, world

_DAYS = (7, 14, 28)
_HORIZONS = dict.fromkeys(("purchase", "return", "add_to_cart", "begin_checkout"), _DAYS)
_CELLS = [(name, days) for name in _HORIZONS for days in _DAYS]
_PAIRS = ordered_pairs(_HORIZONS, [("purchase", "begin_checkout")])
_PLACES = [(_CELLS.index(low), _CELLS.index(high)) for low, high in _PAIRS]


def test_the_nearest_numbers_in_order_are_found_and_fit_any_outcome_at_least_as_well() -> None:
    random = np.random.default_rng(0)
    said = random.uniform(size=(len(_CELLS), 300))
    found = in_order(said, _PLACES)
    # outcomes in that order: what a user reaches by which day
    happened = in_order((random.uniform(size=said.shape) < said).astype(float), _PLACES) > 0.5
    assert all((found[low] <= found[high]).all() for low, high in _PLACES)
    for outcomes in (happened, np.zeros_like(happened), np.ones_like(happened)):
        before, after = ((one - outcomes) ** 2 for one in (said, found))
        assert (after.sum(axis=0) <= before.sum(axis=0) + 1e-6).all(), "the Brier score of each user"
        before, after = (-np.log(np.where(outcomes, one, 1 - one)) for one in (said, found))
        assert (after.sum(axis=0) <= before.sum(axis=0) + 1e-6).all(), "the log loss of each user"
    np.testing.assert_array_equal(in_order(found, _PLACES), found)
    np.testing.assert_allclose(found.sum(axis=0), said.sum(axis=0), atol=1e-4)


def test_users_never_buy_more_likely_than_they_come_back() -> None:
    """The model of purchases is made to say far too much: the scores of both targets meet in between."""
    model = fit_predictions(world(), end() - timedelta(days=35), FitConfig(targets=("purchase", "return")))
    model.targets["purchase"] = model.targets["purchase"].shifted([2.0, 0.0, 0.0])
    users = model.population(world()[world()["as_of"] == end() - timedelta(days=35)])
    apart = {name: target.score(users) for name, target in model.targets.items()}
    together = model.scores(users)
    wrong = apart["purchase"].probability > apart["return"].probability
    assert wrong.any()
    for side in ("probability", "low", "high"):
        assert (getattr(together["purchase"], side) <= getattr(together["return"], side)).all()
    for one in together.values():
        assert (one.low <= one.probability).all() and (one.probability <= one.high).all()
        assert (np.diff(one.probability) >= 0).all() and (np.diff(one.low) >= 0).all()
    right = ~wrong.any(axis=1)
    np.testing.assert_array_equal(together["return"].probability[right], apart["return"].probability[right])
    rows = model.predict(users).pivot(index=["user_key", "horizon"], columns="target", values="probability")
    assert (rows["purchase"] <= rows["return"]).all()


def test_buying_takes_a_checkout_only_where_the_export_says_so() -> None:
    frame = pd.DataFrame(
        {
            "as_of": [date(2026, 1, 5)] * 3,
            "will_purchase_7d": [True, False, None],
            "next_actions_7d": ["add_to_cart,begin_checkout", "begin_checkout", None],
        }
    )
    horizons, standing, once = (7,), date(2026, 3, 1), np.ones(3)
    targets, nobody = ["purchase", "begin_checkout"], frame.assign(will_purchase_7d=[False, False, None])
    assert passed(frame, targets, horizons, standing, once) == (("purchase", "begin_checkout"),)
    assert passed(frame, ["purchase"], horizons, standing, once) == ()
    assert passed(nobody, targets, horizons, standing, once) == (), "nobody bought"
    apart = frame.assign(next_actions_7d=["add_to_cart", "begin_checkout", None])
    assert passed(apart, targets, horizons, standing, once) == ()
