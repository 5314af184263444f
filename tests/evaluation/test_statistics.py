"""Statistics: worked intervals, weights that count like copies, users who are drawn whole."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from beha2vec_core.evaluation.statistics import (
    Interval,
    Outcome,
    auroc,
    paired_bootstrap,
    weighted_aurocs,
)
from beha2vec_core.evaluation.tasks.base import user_auroc, user_mean


def is_better(interval: Interval) -> bool:
    """Whether the whole interval lies above zero."""
    return interval.low > 0


def test_auroc_worked() -> None:
    # positives .9 and .4, negatives .4 and .1: .9 beats both, .4 ties one and beats one: (2 + 1.5) / 4
    assert auroc([0.9, 0.4, 0.4, 0.1], [1, 1, 0, 0]) == 0.875
    assert auroc([1, 1, 1], [1, 0, 0]) == 0.5
    assert math.isnan(auroc([1, 2], [1, 1])) and math.isnan(auroc([], []))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 3)), min_size=2, max_size=30))
def test_weighted_auroc_is_that_of_copies(units: list[tuple[int, bool, int]]) -> None:
    score, label, weight = (np.array(column, dtype=float) for column in zip(*units, strict=True))
    copies = np.repeat(np.arange(len(units)), weight.astype(int))
    found = weighted_aurocs(score, label, weight[None])[0]
    if len(set(label[copies])) == 2:
        assert found == pytest.approx(roc_auc_score(label[copies], score[copies]))
    else:
        assert math.isnan(found)


def test_paired_bootstrap_sees_a_small_difference_that_all_users_share() -> None:
    users = [f"u{number}" for number in range(100)]
    base = np.random.default_rng(0).normal(size=100)
    a, b = user_mean("t", "m", users, base + 0.01), user_mean("t", "m", users, base)
    assert paired_bootstrap([a], [b]) == pytest.approx((0.01, 0.01, 0.01))  # users vary a hundredfold: pairing
    assert is_better(paired_bootstrap([a], [b])) and not is_better(paired_bootstrap([b], [a]))
    assert paired_bootstrap([a], [a]) == (0, 0, 0)


def test_paired_bootstrap_has_the_width_of_theory() -> None:
    users = [f"u{number}" for number in range(400)]
    noise = np.random.default_rng(0).normal(size=400)
    interval = paired_bootstrap([user_mean("t", "m", users, noise)], [user_mean("t", "m", users, np.zeros(400))])
    half = 1.96 * noise.std() / math.sqrt(400)
    assert interval.difference == pytest.approx(noise.mean())
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.1)
    assert interval == paired_bootstrap(
        [user_mean("t", "m", users, noise)], [user_mean("t", "m", users, np.zeros(400))]
    )


def test_the_same_users_in_twenty_repeats_do_not_pass_for_twenty_times_as_many() -> None:
    users = [f"u{number}" for number in range(100)]
    noise = np.random.default_rng(0).normal(size=100)
    one, none = user_mean("t", "m", users, noise), user_mean("t", "m", users, np.zeros(100))
    single, many = paired_bootstrap([one], [none]), paired_bootstrap([one] * 20, [none] * 20)
    assert many == pytest.approx(single)
    # nor does a user pass for ten by owning ten units
    owned = [user for user in users for _ in range(10)]
    wide = paired_bootstrap(
        [user_mean("t", "m", owned, np.repeat(noise, 10))], [user_mean("t", "m", owned, np.zeros(1000))]
    )
    assert wide == pytest.approx(single)


def test_paired_bootstrap_of_aurocs() -> None:
    rng = np.random.default_rng(0)
    users = [f"u{number}" for number in range(300)]
    label = rng.random(300) < 0.3
    good, poor = label + rng.normal(size=300), rng.normal(size=300)
    a, b = user_auroc("t", "m", users, good, label), user_auroc("t", "m", users, poor, label)
    interval = paired_bootstrap([a], [b])
    assert interval.difference == pytest.approx(a.value - b.value)
    assert interval.low < interval.difference < interval.high
    assert is_better(interval)
    assert not is_better(paired_bootstrap([b], [user_auroc("t", "m", users, rng.normal(size=300), label)]))


def test_a_thousand_resamples_of_twenty_repeats_take_seconds() -> None:
    rng = np.random.default_rng(0)
    label = rng.random(600) < 0.3
    users = np.array([f"u{number:03d}" for number in range(600)])
    repeats = [user_auroc("t", "m", users, rng.normal(size=600), label) for _ in range(20)]
    started = time.process_time()
    paired_bootstrap(repeats, repeats[::-1])
    assert time.process_time() - started < 15


def test_whole_figures_are_compared_over_repeats() -> None:
    def whole(values: list[float]) -> list[Outcome]:
        return [Outcome("t", "m", value, 9) for value in values]

    # differences 1, 2, 3: mean 2, deviation 1; corrected by sqrt(1/3 + .3/.7) = .8729; t(.975, 2) = 4.3027
    interval = paired_bootstrap(whole([1, 2, 3]), whole([0, 0, 0]))
    assert interval == pytest.approx((2, 2 - 3.7557, 2 + 3.7557), abs=1e-3)
    assert not is_better(interval)
    assert not is_better(paired_bootstrap(whole([9]), whole([0])))  # one repeat tells nothing
    assert is_better(paired_bootstrap(whole([9.0, 9.1, 9.0]), whole([1, 1, 1])))


def test_what_cannot_be_paired_is_refused() -> None:
    a, b = user_mean("t", "m", ["a", "b"], [0, 1]), user_mean("t", "m", ["a", "c"], [0, 1])
    with pytest.raises(ValueError, match="same users"):
        paired_bootstrap([a], [b])
    with pytest.raises(ValueError, match="2 and 1 repeats"):
        paired_bootstrap([a, a], [b])
