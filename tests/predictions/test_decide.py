"""Break-even and experiments: published sample sizes, the exact power of the test, a simulated campaign."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from beha2vec_core.predictions.decide import break_even_uplift, users_per_group, users_within


def test_the_sample_size_of_power_prop_test() -> None:
    # examples of R's help page: n = 76.7 for p1 = .50, p2 = .75, power = .90; p2 = .8026 for n = 50
    assert users_per_group(0.5, 0.25, power=0.9) == math.ceil(76.65)
    assert users_per_group(0.5, 0.8027 - 0.5, power=0.9) == 50
    assert users_per_group(0.05, 0.05) == 435  # Fleiss, Levin and Paik, without correction for continuity


def _exact_power(n: int, base: float, contacted: float) -> float:
    """P(the pooled z test rejects), over all results of two groups."""
    counts = np.arange(n + 1)
    first, second = counts[:, None] / n, counts[None, :] / n
    pooled = (first + second) / 2
    error = np.sqrt(2 * pooled * (1 - pooled) / n)
    with np.errstate(invalid="ignore"):
        rejected = np.abs(second - first) > 1.959964 * error
    chance = binom.pmf(counts, n, base)[:, None] * binom.pmf(counts, n, contacted)[None, :]
    return float(chance[rejected].sum())


@pytest.mark.parametrize(("base", "uplift"), [(0.1, 0.05), (0.3, 0.1), (0.5, 0.2)])
def test_an_experiment_of_that_size_has_the_power(base: float, uplift: float) -> None:
    n = users_per_group(base, uplift)
    assert n is not None
    assert _exact_power(n, base, base + uplift) == pytest.approx(0.8, abs=0.015)
    assert _exact_power(n // 2, base, base + uplift) < 0.6
    assert _exact_power(n, base, base) == pytest.approx(0.05, abs=0.015)


def test_at_the_break_even_uplift_a_campaign_neither_costs_nor_brings_money() -> None:
    cost, margin, spend, base = 0.4, 0.25, 80.0, 0.03
    uplift = break_even_uplift(cost, margin, spend)
    assert uplift == pytest.approx(0.02)
    rng, users = np.random.default_rng(0), 4_000_000
    added = int(rng.binomial(users, base + uplift)) - int(rng.binomial(users, base))
    assert added * margin * spend / users - cost == pytest.approx(0, abs=0.02)


def test_what_no_contact_can_reach() -> None:
    assert break_even_uplift(30.0, 0.25, 80.0) == 1.5
    assert users_per_group(0.03, 1.5) is None
    assert users_per_group(0.0, 1.0) is not None
    assert break_even_uplift(0.0, 0.25, 80.0) == 0


def test_a_budget() -> None:
    assert users_within(100.0, 0.4, 10_000) == 250
    assert users_within(100.0, 0.4, 200) == 200
    assert users_within(1.0, 0.1, 200) == 10 and users_within(0.3, 0.1, 200) == 3
    assert users_within(0.0, 0.4, 200) == 0
    assert users_within(5.0, 0.0, 200) == 200


@pytest.mark.parametrize(
    "call",
    [
        lambda: break_even_uplift(-1.0, 0.5, 10.0),
        lambda: break_even_uplift(1.0, 0.0, 10.0),
        lambda: break_even_uplift(1.0, 1.1, 10.0),
        lambda: break_even_uplift(1.0, 0.5, 0.0),
        lambda: break_even_uplift(1.0, 0.5, float("nan")),
        lambda: users_within(-1.0, 1.0, 10),
        lambda: users_within(1.0, -1.0, 10),
        lambda: users_per_group(1.2, 0.1),
        lambda: users_per_group(0.2, 0.0),
        lambda: users_per_group(0.2, 0.1, power=1.0),
    ],
)
def test_what_makes_no_sense_is_refused(call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match="must be"):
        call()
