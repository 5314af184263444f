"""Calibration curves, shifts and spreads do what statistics says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.predictions.calibration import (
    Curve,
    cumulative,
    expit,
    fit_isotonic,
    fit_sigmoid,
    fit_spread,
    logit,
    needed_shift,
)


def test_a_sigmoid_undoes_a_linear_distortion_of_the_log_odds() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(-1.5, 1.0, 40_000)
    happened = rng.random(len(truth)) < expit(truth)
    curve = fit_sigmoid(2.0 * truth + 1.0, happened, np.ones(len(truth)))
    assert (curve.intercept, curve.slope) == pytest.approx((-0.5, 0.5), abs=0.05)


def test_isotonic_keeps_order_and_finite_losses() -> None:
    rng = np.random.default_rng(1)
    odds = rng.normal(0, 1, 5_000)
    curve = fit_isotonic(odds, rng.random(len(odds)) < expit(odds**3), np.ones(len(odds)))
    at = np.linspace(-10, 10, 101)
    assert (np.diff(curve(at)) >= -1e-12).all() and curve(at).min() > 0 and curve(at).max() < 1


def test_one_class_leaves_the_model_as_it_is() -> None:
    assert fit_sigmoid(np.zeros(10), np.zeros(10, dtype=bool), np.ones(10)) == Curve()
    assert fit_sigmoid(np.zeros(0), np.zeros(0, dtype=bool), np.ones(0)) == Curve()


def test_a_shift_is_made_only_if_chance_does_not_explain_it() -> None:
    rng = np.random.default_rng(2)
    hazards = rng.uniform(0.1, 0.5, 5_000)
    as_said = rng.random(len(hazards)) < hazards
    halved = rng.random(len(hazards)) < hazards / 2
    once = np.ones(len(hazards))
    assert needed_shift(hazards, as_said, once) == 0.0
    shift = needed_shift(hazards, halved, once)
    assert shift < -0.5
    assert expit(logit(hazards) + shift).sum() == pytest.approx(halved.sum(), rel=1e-3)
    # of a sample that has all to whom it happened, and one in 8 of the others
    for happened in (as_said, halved):
        drawn = happened | (np.arange(len(hazards)) % 8 == 0)
        weight = np.where(happened, 1.0, 8.0)[drawn]
        found = needed_shift(hazards[drawn], happened[drawn], weight)
        assert found == pytest.approx(needed_shift(hazards, happened, once), abs=0.15)


@pytest.mark.parametrize("shape", [1.0, 4.0])
def test_the_spread_of_own_probabilities_is_found_from_two_spans(shape: float) -> None:
    """Users with one prediction differ in secret; 90% of their own probabilities lie in the interval."""
    rng = np.random.default_rng(3)
    said = rng.choice([0.1, 0.3, 0.5], 60_000)
    own = rng.beta(shape * said, shape * (1 - said))
    first, again = (rng.random(len(own)) < own for _ in range(2))
    spread = fit_spread(said + rng.normal(0, 1e-4, len(said)), first, again, 0.01, len(said), np.ones(len(said)))
    low, high = spread.interval(said, said)
    assert 0.87 <= ((low <= own) & (own <= high)).mean() <= 0.93


def test_users_who_do_not_differ_have_narrow_intervals() -> None:
    rng = np.random.default_rng(4)
    said = rng.uniform(0.1, 0.6, 40_000)
    first, again = (rng.random(len(said)) < said for _ in range(2))
    low, high = fit_spread(said, first, again, 0.02, len(said), np.ones(len(said))).interval(said, said)
    assert (high - low).mean() < 0.12


def test_few_users_have_the_spread_that_is_usual() -> None:
    rng = np.random.default_rng(5)
    said = np.full(300, 0.2)
    first, again = (rng.random(len(said)) < said for _ in range(2))
    assert fit_spread(said[:10], first[:10], again[:10], 0.1, 10, np.ones(10)).rho == (0.05,)
    (rho,) = fit_spread(said, first, again, 0.1, 30, np.ones(300)).rho
    assert rho == pytest.approx(0.05, abs=0.02)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_probabilities_never_fall_with_the_horizon(hazards: list[float]) -> None:
    found = cumulative(np.array([hazards]))[0]
    assert (np.diff(found) >= 0).all() and found[0] >= 0 and found[-1] <= 1
