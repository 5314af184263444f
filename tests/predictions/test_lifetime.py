"""BG/NBD and Gamma-Gamma: the published CDNOW estimates, recovered parameters, predictions that come true."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.stats import gamma

from beha2vec_core.predictions.lifetime import (
    BgNbd,
    GammaGamma,
    TooFewPurchasesError,
    fit_bg_nbd,
    fit_gamma_gamma,
)
from tests.benchmarks.data_sets import DataNotFoundError, cache_folder
from tests.benchmarks.data_sets.cdnow import cdnow_summary

TRUTH = BgNbd(r=0.8, alpha=25.0, a=0.9, b=3.0)
PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    try:
        return cdnow_summary(cache_folder())
    except DataNotFoundError as error:
        pytest.skip(str(error))


def test_bg_nbd_gives_the_published_estimates(cdnow: pd.DataFrame) -> None:
    model = fit_bg_nbd(cdnow["frequency"], cdnow["recency"], cdnow["age"])
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=0.001)


def test_gamma_gamma_gives_the_published_estimates(cdnow: pd.DataFrame) -> None:
    model = fit_gamma_gamma(cdnow["frequency"], cdnow["mean_value"])
    assert (model.p, model.q, model.v) == pytest.approx((6.25, 3.74, 15.44), abs=0.01)
    assert model.population_mean == pytest.approx(35.17, abs=0.01)
    assert model.expected_value(0, 0.0) == model.population_mean
    # one purchase of 4.95 is shrunk upwards, nine of 47.51 hardly at all
    assert model.expected_value([1, 9], [4.95, 47.51]) == pytest.approx([14.17, 46.94], abs=0.01)


def test_the_unit_of_time_and_money_does_not_matter(cdnow: pd.DataFrame) -> None:
    weeks = fit_bg_nbd(cdnow["frequency"], cdnow["recency"], cdnow["age"])
    days = fit_bg_nbd(cdnow["frequency"], cdnow["recency"] * 7, cdnow["age"] * 7)
    assert (days.r, days.alpha / 7, days.a, days.b) == pytest.approx((weeks.r, weeks.alpha, weeks.a, weeks.b), rel=1e-4)
    dollars = fit_gamma_gamma(cdnow["frequency"], cdnow["mean_value"])
    cents = fit_gamma_gamma(cdnow["frequency"], cdnow["mean_value"] * 100)
    assert (cents.p, cents.q, cents.v / 100) == pytest.approx((dollars.p, dollars.q, dollars.v), rel=1e-4)


def test_a_longer_time_makes_a_purchase_more_probable() -> None:
    history = ([0, 1, 5, 40], [0, 3.0, 20.0, 30.0], [20.0, 20.0, 25.0, 30.0])
    soon, month = (PUBLISHED.probability_of_purchase(*history, ahead) for ahead in (1e-4, 4))
    assert (month > soon).all() and (soon > 0).all()
    assert PUBLISHED.probability_of_purchase(*history, 0) == pytest.approx(0)
    assert PUBLISHED.probability_alive(0, 0, 38.86) == 1


def test_many_purchases_stay_finite() -> None:
    assert PUBLISHED.probability_of_purchase(3000, 364.9, 365, 28) == pytest.approx(1, abs=0.01)
    assert PUBLISHED.probability_alive(3000, 100, 365) == 0


@pytest.fixture(scope="module")
def simulated() -> tuple[Floats, Floats, Floats, Floats]:
    """Frequency, recency and age after 182 days, and purchases in the 28 days after, of 20,000 customers."""
    generator = np.random.default_rng(5)
    count, most = 20_000, 100
    rate = generator.gamma(TRUTH.r, 1 / TRUTH.alpha, count)
    dropout = generator.beta(TRUTH.a, TRUTH.b, count)
    age = generator.uniform(60, 182, count)
    moments = np.cumsum(generator.exponential(1 / rate[:, None], (count, most)), axis=1)
    left = np.cumsum(generator.random((count, most)) < dropout[:, None], axis=1) > 0
    happened = np.c_[np.ones(count, bool), ~left[:, :-1]]
    seen = happened & (moments <= age[:, None])
    later = happened & ~seen & (moments <= age[:, None] + 28)
    recency = np.where(seen, moments, 0.0).max(axis=1)
    return seen.sum(axis=1).astype(np.float64), recency, age, later.sum(axis=1).astype(np.float64)


def test_parameters_of_simulated_customers_are_recovered(simulated: tuple[Floats, Floats, Floats, Floats]) -> None:
    model = fit_bg_nbd(*simulated[:3])
    assert (model.r, model.alpha) == pytest.approx((0.8, 25.0), rel=0.05)
    assert model.a / (model.a + model.b) == pytest.approx(0.9 / 3.9, rel=0.05)


def test_predictions_for_simulated_customers_come_true(simulated: tuple[Floats, Floats, Floats, Floats]) -> None:
    frequency, recency, age, later = simulated
    chance = TRUTH.probability_of_purchase(frequency, recency, age, 28)
    for tenth in np.array_split(np.argsort(chance), 10):
        error = np.sqrt((chance[tenth] * (1 - chance[tenth])).sum())
        assert abs((later[tenth] > 0).sum() - chance[tenth].sum()) < 4 * error


def test_gamma_gamma_of_simulated_orders_is_recovered() -> None:
    generator = np.random.default_rng(6)
    truth = GammaGamma(p=4.0, q=3.5, v=40.0)
    frequency = 1 + generator.poisson(2.0, 20_000)
    scale = generator.gamma(truth.q, 1 / truth.v, 20_000)
    mean = generator.gamma(truth.p * frequency, 1 / (scale * frequency))
    model = fit_gamma_gamma(frequency, mean)
    assert (model.p, model.q, model.v) == pytest.approx((4.0, 3.5, 40.0), rel=0.1)
    expected = truth.expected_value(frequency, mean)
    assert expected.mean() == pytest.approx((truth.p / scale).mean(), rel=0.02)
    assert ((expected - truth.p / scale) ** 2).mean() < 0.8 * ((mean - truth.p / scale) ** 2).mean()


def test_without_dropout_it_is_the_gamma_mixed_poisson() -> None:
    model = BgNbd(r=2.0, alpha=30.0, a=1e-9, b=5.0)
    rates = gamma.ppf((np.arange(20_000) + 0.5) / 20_000, 2.0 + 3, scale=1 / (30.0 + 60.0))
    assert model.probability_of_purchase(3, 40, 60, 14) == pytest.approx((1 - np.exp(-rates * 14)).mean(), rel=1e-3)


def test_too_few_or_constant_purchases_are_refused() -> None:
    nine = np.array([1.0] * 9 + [0.0] * 100)
    with pytest.raises(TooFewPurchasesError, match="10 customers with a repeat purchase, there are 9"):
        fit_bg_nbd(nine, nine * 3, np.full(109, 10.0))
    with pytest.raises(TooFewPurchasesError, match="there are 9"):
        fit_gamma_gamma(nine, nine * 20)
    with pytest.raises(TooFewPurchasesError, match="same number of repeat purchases"):
        fit_bg_nbd(np.full(50, 2.0), np.full(50, 3.0), np.full(50, 10.0))
    with pytest.raises(TooFewPurchasesError, match="same mean value"):
        fit_gamma_gamma(np.full(50, 2.0), np.full(50, 20.0))


@pytest.mark.parametrize(
    ("history", "problem"),
    [
        (([1], [11], [10]), "recency at most age"),
        (([-1], [0], [10]), "at least 0"),
        (([0], [3], [10]), "recency must be 0"),
        (([1], [np.nan], [10]), "finite"),
    ],
)
def test_impossible_histories_are_refused(history: tuple[list[float], ...], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        PUBLISHED.probability_alive(*history)


def test_impossible_values_and_horizons_are_refused() -> None:
    with pytest.raises(ValueError, match="horizon"):
        PUBLISHED.probability_of_purchase(1, 5, 10, -1)
    with pytest.raises(ValueError, match="mean_value must be positive"):
        fit_gamma_gamma([1] * 20, [0.0] * 20)
    with pytest.raises(ValueError, match="frequency"):
        GammaGamma(6.0, 4.0, 15.0).expected_value(-1, 5.0)
