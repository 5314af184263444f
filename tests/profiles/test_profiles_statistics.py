"""The statistics of profiles against worked examples, SciPy and plain loops."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from beha2vec_core.profiles import statistics


@pytest.mark.parametrize(("count", "total"), [(0, 10), (10, 10), (1, 29), (81, 263), (15, 148), (500, 1000)])
def test_wilson_interval_is_scipys(count: int, total: int) -> None:
    low, high = statistics.wilson_interval(count, total)
    expected = stats.binomtest(count, total).proportion_ci(0.95, method="wilson")
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_interval_worked_example() -> None:
    # Newcombe 1998, table I: 81 of 263 and 1 of 29, method 3
    assert statistics.wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert statistics.wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share_inside_0_and_1(counted: tuple[int, int]) -> None:
    count, total = counted
    low, high = statistics.wilson_interval(count, total)
    assert 0 <= low <= count / total + 1e-12 and count / total - 1e-12 <= high <= 1


def test_log_odds_z_worked_by_hand() -> None:
    # 30 of 100 against 20 of 300, prior 40 users at the population's 50 / 400: 5 with, 35 without
    delta = np.log(35 / 105) - np.log(25 / 315)
    error = np.sqrt(1 / 35 + 1 / 105 + 1 / 25 + 1 / 315)
    assert float(statistics.log_odds_z(30, 100, 20, 300, prior_users=40)) == pytest.approx(delta / error)


def test_log_odds_z_is_monroes_on_a_vocabulary() -> None:
    """Monroe et al. 2008, equations 16, 19 and 22, written out word by word."""
    group, other = np.array([40, 7, 3, 50]), np.array([80, 60, 10, 50])
    prior = 100 * (group + other) / (group + other).sum()
    expected = []
    for word in range(4):
        a, b, p = group[word], other[word], prior[word]
        omega = (a + p) / (group.sum() + prior.sum() - a - p)
        omega_other = (b + p) / (other.sum() + prior.sum() - b - p)
        variance = 1 / (a + p) + 1 / (group.sum() + prior.sum() - a - p)
        variance += 1 / (b + p) + 1 / (other.sum() + prior.sum() - b - p)
        expected.append((np.log(omega) - np.log(omega_other)) / np.sqrt(variance))
    assert statistics.log_odds_z(group, group.sum(), other, other.sum(), prior_users=100) == pytest.approx(expected)


shares = st.integers(0, 500).flatmap(lambda y: st.tuples(st.just(y), st.integers(max(y, 1), 1000)))


@given(shares, shares)
def test_log_odds_z_turns_its_sign_with_the_groups_and_points_the_way_of_the_shares(one, other) -> None:
    z = float(statistics.log_odds_z(*one, *other))
    assert z == pytest.approx(-float(statistics.log_odds_z(*other, *one)), abs=1e-9)
    difference = one[0] / one[1] - other[0] / other[1]
    assert z * difference >= -1e-9


def test_a_prior_keeps_rare_features_from_scoring_high() -> None:
    rare = statistics.log_odds_z(2, 100, 0, 900, prior_users=50)
    common = statistics.log_odds_z(40, 100, 90, 900, prior_users=50)
    assert 0 < rare < 2.5 < common
    assert rare < statistics.log_odds_z(2, 100, 0, 900, prior_users=1e-6) or rare < 2


samples = st.lists(st.integers(0, 1000), min_size=2, max_size=40)


@given(samples)
def test_mean_and_error_are_numpys(values: list[int]) -> None:
    sample = np.array(values, dtype=float)
    mean, error = statistics.mean_and_error(sample.sum(), (sample**2).sum(), len(sample))
    assert float(mean) == pytest.approx(sample.mean())
    if sample.std() > 0:
        assert float(error) == pytest.approx(stats.sem(sample), rel=1e-6)
    else:
        assert np.isnan(error)


@given(samples, samples)
def test_mean_difference_z_is_the_smaller_of_welch_and_student(first: list[int], second: list[int]) -> None:
    a, b = np.array(first, dtype=float), np.array(second, dtype=float)
    z = float(statistics.mean_difference_z(a.sum(), (a**2).sum(), len(a), b.sum(), (b**2).sum(), len(b)))
    if a.std() == 0 and b.std() == 0:
        assert np.isnan(z)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy's, about a sample without spread
        both = [stats.ttest_ind(a, b, equal_var=equal).statistic for equal in (True, False)]
    assert z == pytest.approx(min(both, key=abs), rel=1e-6, abs=1e-9)


def test_a_group_without_spread_is_not_called_certain() -> None:
    """Three users with no purchase at all do not differ significantly from a population where few buy."""
    nobody = np.zeros(3)
    rest = np.r_[np.zeros(90), np.ones(10)]
    z = statistics.mean_difference_z(0, 0, 3, rest.sum(), (rest**2).sum(), len(rest))
    assert abs(float(z)) < 1
    assert np.isnan(statistics.mean_and_error(nobody.sum(), 0, 3)[1])


def test_ratio_error_is_close_to_the_bootstraps() -> None:
    rng = np.random.default_rng(0)
    x = 1 + rng.poisson(4, 400)
    y = rng.binomial(x, rng.beta(0.5, 5, 400))  # users differ, so page views of a user go together
    ratio, error = statistics.ratio_and_error(y.sum(), x.sum(), (y**2).sum(), (x * y).sum(), (x**2).sum(), 400)
    draws = rng.integers(0, 400, (3000, 400))
    bootstrap = (y[draws].sum(axis=1) / x[draws].sum(axis=1)).std()
    assert float(ratio) == pytest.approx(y.sum() / x.sum())
    assert float(error) == pytest.approx(bootstrap, rel=0.05)
    assert float(error) > 1.2 * np.sqrt(ratio * (1 - ratio) / x.sum())  # page views as coin tosses: too sure


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60))
def test_weighted_median_is_numpys(values: list[int]) -> None:
    distinct, counts = np.unique(values, return_counts=True)
    assert statistics.weighted_median(distinct, counts) == np.median(values)
    median, low, high = statistics.median_and_interval(distinct, counts)
    assert min(values) <= low <= median <= high <= max(values)


def test_median_interval_covers_the_median_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        distinct, counts = np.unique(rng.geometric(0.2, 300), return_counts=True)
        _, low, high = statistics.median_and_interval(distinct, counts)
        hits += low <= 4 <= high  # the median of this geometric distribution
    assert hits / 400 > 0.93


# --- effect sizes -------------------------------------------------------------------------------------------------


def test_cohens_h_worked_example() -> None:
    # Cohen 1988, table 6.2.2: phi is 1.875 at 0.65 and 1.571 at 0.50
    assert float(statistics.cohens_h(0.65, 0.50)) == pytest.approx(1.875 - 1.571, abs=1e-3)
    assert float(statistics.cohens_h(1, 0)) == pytest.approx(np.pi)
    assert statistics.cohens_h(0.05, 0.01) > statistics.cohens_h(0.45, 0.41) > 0


numbers = st.lists(st.integers(0, 6), min_size=1, max_size=25)


@given(numbers, numbers)
def test_cliffs_delta_is_that_of_all_pairs_and_turns_its_sign(first: list[int], second: list[int]) -> None:
    def counted(values: list[int], group: int) -> list[tuple[int, int, int]]:
        return [(value, values.count(value), group) for value in sorted(set(values))]

    values, counts, groups = zip(*counted(first, 3), *counted(second, 8), strict=True)
    one, other = statistics.cliffs_deltas(values, counts, groups)
    by_pairs = np.mean([np.sign(a - b) for a in first for b in second])
    assert one == pytest.approx(by_pairs, abs=1e-12)
    assert other == pytest.approx(-one, abs=1e-12)


def test_cliffs_delta_of_three_groups_is_scipys_u_against_all_others() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.poisson(3, 300), rng.integers(0, 3, 300)
    deltas = statistics.cliffs_deltas(values, np.ones(300), groups)
    for group in range(3):
        own, others = values[groups == group], values[groups != group]
        u = stats.mannwhitneyu(own, others).statistic
        assert deltas[group] == pytest.approx(2 * u / (len(own) * len(others)) - 1)
    assert np.isnan(statistics.cliffs_deltas([1, 2], [3, 4], [0, 0])).all()  # nobody to compare with


# --- chance -------------------------------------------------------------------------------------------------------


def test_p_is_scipys() -> None:
    z = np.array([-4.0, -1.0, 0.0, 2.5])
    assert statistics.two_sided_p(z) == pytest.approx(2 * stats.norm.sf(np.abs(z)))
    assert statistics.two_sided_p(z, [3, 10, 5, 40]) == pytest.approx(2 * stats.t.sf(np.abs(z), [3, 10, 5, 40]))


@pytest.mark.parametrize(("y", "n", "k", "total"), [(3, 20, 10, 1000), (0, 50, 30, 400), (12, 40, 60, 500)])
def test_hypergeometric_p_is_fishers_with_the_smaller_tail_doubled(y: int, n: int, k: int, total: int) -> None:
    table = [[y, n - y], [k - y, total - n - (k - y)]]
    tails = [stats.fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]
    assert float(statistics.hypergeometric_p(y, n, k, total)) == pytest.approx(min(1, 2 * min(tails)))


def test_a_prior_makes_p_of_z_careful() -> None:
    """Groups dealt by chance: z varies by n / (n + prior users), so p below 0.05 comes less often than it says."""
    rng = np.random.default_rng(0)
    y = rng.hypergeometric(800, 1200, 100, size=20_000)
    z = statistics.log_odds_z(y, 100, 800 - y, 1900, prior_users=50)
    groups = 100 / 150 * 1900 / 2000 + 1900 / 1950 * 100 / 2000  # each by its part in the difference
    assert z.var() == pytest.approx(groups, rel=0.07)
    assert (statistics.two_sided_p(z) <= 0.05).mean() < 0.03


def test_q_values_worked_example() -> None:
    # Benjamini and Hochberg 1995, section 4.1: 15 hypotheses, the first four are rejected at 0.05
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1,
    ]
    q = statistics.q_values(p)
    assert (q <= 0.05).tolist() == [True] * 4 + [False] * 11
    assert q[3] == pytest.approx(0.0095 * 15 / 4)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=40))
def test_q_values_keep_order_and_leave_out_what_was_not_tested(p: list[float | None]) -> None:
    given_p = np.array([np.nan if one is None else one for one in p])
    q = statistics.q_values(given_p)
    known = ~np.isnan(given_p)
    assert (np.isnan(q) == ~known).all()
    assert (q[known] >= given_p[known] - 1e-12).all() and (q[known] <= 1).all()
    assert (np.diff(q[known][np.argsort(given_p[known], kind="stable")]) >= -1e-12).all()
    np.testing.assert_array_equal(q[known], statistics.q_values(given_p[known]))
