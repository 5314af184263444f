"""From counts and sums to facts: value, population value, lift, z, interval, support, effect size, with a stable id.

The functions that make facts give a `p` too, where chance can be asked about. `combine` turns it into the q_value over
all facts that were tested, before it drops the least significant ones: what is shown does not decide what was tested.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from beha2vec_core.profiles import statistics
from beha2vec_core.profiles.metrics import METRICS
from beha2vec_core.profiles.text import fact_slug

PROFILE_COLUMNS = (
    "cluster_key",
    "fact_id",  # c<cluster>.<metric or dimension>[.<feature>]
    "metric",
    "feature",  # the page, theme, browser ... the metric is about; null for plain numbers
    "value",
    "population_value",  # the same measured on all clustered users, this cluster's included
    "lift",  # value over population value; null where that is 0
    "z",  # standard errors between the cluster and all other users; null where none is known
    "interval_low",  # of value, 95% unless set
    "interval_high",
    "support",  # users behind the value: those who have the feature, or for a mean those it was recorded for
    "unit",  # users, share (0 to 1), page views, sessions, seconds, days, steps; of money the currency code
    "effect_size",  # against all other users: Cohen's h of a share, Cliff's delta of a number; null where not known
    "q_value",  # Benjamini-Hochberg over all facts tested at once, outcomes by themselves; null where not tested
    "significant",  # q_value is at most the false discovery rate; null where not tested
    "base",  # users that the value is measured on: of a share those who could, of a mean those with a number
    "contributors",  # those of them whose part of the value is not 0, by the weight of their parts: `effective_number`
)
# where chance alone lets one expect fewer users than this, the normal distribution is no guide
_FEW = 30.0
# where a difference was not tested, this many standard errors make it one beyond chance
CLEAR_Z = 3.0


@dataclass(frozen=True)
class Part:
    """Facts of one kind; with ``top``, only the most telling features are kept."""

    facts: pd.DataFrame
    top: int | None = None


def is_beyond_chance(significant: bool | None, z: float | None) -> bool | None:
    """Whether a cluster differs from other users beyond chance: by the test, else by z; None where neither is known.

    This is the one rule for all who show facts or write about them.
    """
    return significant if significant is not None else None if z is None else abs(z) >= CLEAR_Z


def count_facts(
    metric: str, part: str, counts: pd.DataFrame, sizes: "pd.Series[int]", *, prior_users: float, confidence: float
) -> pd.DataFrame:
    """Share of users who have each feature, for every cluster and feature (0 where no user has it).

    Args:
        part: the metric's or dimension's part of the fact id.
        counts: cluster_key, users, and feature unless the metric has none.
        sizes: users by cluster_key.
        prior_users: see `statistics.log_odds_z`.
    """
    table = _complete(counts, sizes, ["users"])
    n, y = table["cluster_key"].map(sizes).to_numpy(dtype=np.float64), table["users"].to_numpy(dtype=np.float64)
    population = table.groupby("feature", dropna=False)["users"].transform("sum").to_numpy(dtype=np.float64)
    total = float(sizes.sum())
    low, high = statistics.wilson_interval(y, n, confidence=confidence)
    z = statistics.log_odds_z(y, n, population - y, total - n, prior_users=prior_users)
    share = _divide(y, n)
    return _frame(
        table,
        metric,
        part,
        "share",
        value=share,
        population_value=_divide(population, total),
        z=z,
        interval_low=low,
        interval_high=high,
        support=y,
        base=n,
        contributors=y,
        effect_size=statistics.cohens_h(share, _divide(population - y, total - n)),
        p=np.where(total > n, _careful_p(statistics.two_sided_p(z), y, n, population, total), np.nan),
    )


def mean_facts(
    metric: str, part: str, sums: pd.DataFrame, measured: "pd.Series[int]", *, unit: str, confidence: float
) -> pd.DataFrame:
    """Mean over the users a number was recorded for, for every cluster (and feature, where ``sums`` has one).

    Args:
        part: the metric's or dimension's part of the fact id.
        sums: cluster_key, sum, squares, users: those whose number is not 0; with feature their number is the support.
        measured: users the number was recorded for, by cluster_key.
        unit: unit of the mean; the effect size of a share is Cohen's h, of other units it is left open.
    """
    table = _complete(sums, measured, ["sum", "squares", "users"])
    n = table["cluster_key"].map(measured).to_numpy(dtype=np.float64)
    own = table[["sum", "squares", "users"]].to_numpy(dtype=np.float64).T
    groups = table.groupby("feature", dropna=False)
    population = np.stack([groups[column].transform("sum").to_numpy(dtype=np.float64) for column in _SUMS])
    total = float(measured.sum())
    rest = population - own
    mean, error = statistics.mean_and_error(own[0], own[1], n)
    half = statistics.quantile_of_confidence(confidence) * error
    z = statistics.mean_difference_z(own[0], own[1], n, rest[0], rest[1], total - n)
    return _frame(
        table,
        metric,
        part,
        unit,
        value=mean,
        population_value=_divide(population[0], total),
        z=z,
        interval_low=np.maximum(mean - half, 0.0),  # nothing measured here can be negative
        interval_high=np.minimum(mean + half, 1.0) if unit == "share" else mean + half,
        support=own[2] if "feature" in sums else n,
        base=n,
        contributors=statistics.effective_number(own[0], own[1]),
        effect_size=statistics.cohens_h(mean, _divide(rest[0], total - n)) if unit == "share" else None,
        p=_careful_p(
            statistics.two_sided_p(z, np.minimum(n, total - n) - 1), own[2], n, population[2], total, of_mean=True
        ),
    )


def number_facts(name: str, counts: pd.DataFrame, *, unit: str, confidence: float) -> pd.DataFrame:
    """Mean and median of a number of which ``counts`` says how many users of a cluster have which value.

    Both have Cliff's delta of the number as their effect size. The mean is tested, the median is not: one number, one
    question.

    Args:
        name: of the number; the metrics are ``<name>_mean`` and ``<name>_median``.
        counts: cluster_key, value, users; in one order from run to run, as sums of fractions depend on it.
    """
    value, users = counts["value"].to_numpy(dtype=np.float64), counts["users"].to_numpy(dtype=np.float64)
    keys, code = np.unique(counts["cluster_key"].to_numpy(), return_inverse=True)
    deltas = statistics.cliffs_deltas(value, users, code)
    weighted = {"sum": users * value, "squares": users * value**2, "users": users * (value != 0)}
    sums = pd.DataFrame(
        {"cluster_key": keys, **{column: np.bincount(code, weights=weights) for column, weights in weighted.items()}}
    )
    measured: pd.Series[int] = pd.Series(np.bincount(code, weights=users), index=keys).astype("int64")
    metric = f"{name}_mean"
    means = mean_facts(metric, metric, sums, measured, unit=unit, confidence=confidence).assign(effect_size=deltas)
    medians = [
        statistics.median_and_interval(value[code == place], users[code == place], confidence=confidence)
        for place in range(len(keys))
    ]
    median, low, high = np.array(medians, dtype=np.float64).T
    metric = f"{name}_median"
    return pd.concat(
        [
            means,
            _frame(
                sums.assign(feature=None),
                metric,
                metric,
                unit,
                value=median,
                population_value=np.full(len(keys), statistics.weighted_median(value, users)),
                interval_low=low,
                interval_high=high,
                support=measured.to_numpy(),
                base=measured.to_numpy(),
                contributors=sums["users"].to_numpy(),
                effect_size=deltas,
            ),
        ]
    )


def ratio_facts(metric: str, sums: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Share of page views (sum of y over sum of x), the user being the unit of the interval.

    Args:
        sums: cluster_key, n, users (whose y is not 0), y, x, yy, xy, xx.
    """
    names = ["y", "x", "yy", "xy", "xx", "n"]
    own = sums[names].to_numpy(dtype=np.float64).T
    population = own.sum(axis=1, keepdims=True)
    n, total = own[-1], population[-1]
    ratio, error = statistics.ratio_and_error(*own)
    other, other_error = statistics.ratio_and_error(*(population - own))
    half = statistics.quantile_of_confidence(confidence) * error
    overall, _ = statistics.ratio_and_error(*population)
    z = statistics.difference_z(ratio, error, other, other_error)
    users = sums["users"].to_numpy(dtype=np.float64)
    p = statistics.two_sided_p(z, np.minimum(n, total - n) - 1)
    return _frame(
        sums.assign(feature=None),
        metric,
        metric,
        "share",
        value=ratio,
        population_value=np.repeat(overall, len(sums)),
        z=z,
        interval_low=np.clip(ratio - half, 0.0, 1.0),
        interval_high=np.clip(ratio + half, 0.0, 1.0),
        support=n,
        base=n,
        contributors=np.minimum(
            statistics.effective_number(own[0], own[2]), statistics.effective_number(own[1], own[4])
        ),
        effect_size=statistics.cohens_h(ratio, other),
        p=_careful_p(p, users, n, np.full(len(n), users.sum()), float(total[0]), of_mean=True),
    )


def size_facts(sizes: "pd.Series[int]", *, confidence: float) -> pd.DataFrame:
    """Users of each cluster, and their share of all."""
    n, total = sizes.to_numpy(dtype=np.float64), np.full(len(sizes), float(sizes.sum()))
    low, high = statistics.wilson_interval(n, total, confidence=confidence)
    share = _frame(
        pd.DataFrame({"cluster_key": sizes.index, "feature": None}),
        "user_share",
        "user_share",
        "share",
        value=n / total,
        population_value=np.ones(len(sizes)),
        interval_low=low,
        interval_high=high,
        support=n,
        base=total,
        contributors=n,
    ).assign(lift=np.nan)  # a part beside its whole is no lift
    return pd.concat([total_facts("users", sizes), share])


def total_facts(metric: str, users: "pd.Series[int]") -> pd.DataFrame:
    """A number of users of each cluster (its index), beside the sum over all clusters."""
    n = users.to_numpy(dtype=np.float64)
    table = pd.DataFrame({"cluster_key": users.index, "feature": None})
    everywhere = np.full(len(n), n.sum())
    return _frame(
        table, metric, metric, "users", value=n, population_value=everywhere, support=n, base=n, contributors=n
    ).assign(lift=np.nan)  # fmt: skip


def expected_facts(metric: str, counts: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """A number of users who are expected to do something, of each cluster, beside the sum over all clusters.

    The interval is of chance alone: users are independent, and the probabilities are right.

    Args:
        counts: cluster_key, feature (in how long), users (with a probability: the support), expected, variance.
    """
    expected, users = counts["expected"].to_numpy(dtype=np.float64), counts["users"].to_numpy(dtype=np.float64)
    variance = counts["variance"].to_numpy(dtype=np.float64)
    half = statistics.quantile_of_confidence(confidence) * np.sqrt(variance)
    return _frame(
        counts,
        metric,
        metric,
        "users",
        value=expected,
        population_value=np.full(len(counts), expected.sum()),
        interval_low=np.maximum(expected - half, 0.0),
        interval_high=np.minimum(expected + half, users),
        support=users,
        base=users,
        contributors=statistics.effective_number(expected, expected - variance),
    ).assign(lift=np.nan)  # a part beside its whole is no lift


def most_telling(facts: pd.DataFrame, top: int) -> pd.DataFrame:
    """The facts of those features that are, in any cluster, among the ``top`` by share, by z, or from below by z.

    A kept feature is kept for all clusters, so that they can be compared. Of equals the first of ``facts`` go first.
    """
    kept: set[str] = set()
    for _, cluster in facts.groupby("cluster_key"):
        features, z = cluster["feature"].to_numpy(), cluster["z"].to_numpy()
        for ranked_by in (-cluster["value"].to_numpy(), -z, z):
            kept.update(features[np.argsort(ranked_by, kind="stable")[:top]])
    return facts[facts["feature"].isin(kept)]


def combine(parts: Iterable[Part], *, false_discovery_rate: float) -> pd.DataFrame:
    """All facts in one table, ordered by cluster, with the types and columns of the contract."""
    filled = [part for part in parts if not part.facts.empty]
    p = np.concatenate([part.facts["p"] for part in filled])
    # a family of their own, or hundreds of pages would drown them
    outcomes = [metric.name for metric in METRICS.values() if metric.is_outcome]
    is_outcome = np.concatenate([part.facts["metric"].isin(outcomes) for part in filled])
    q = np.where(
        is_outcome,
        statistics.q_values(np.where(is_outcome, p, np.nan)),
        statistics.q_values(np.where(is_outcome, np.nan, p)),
    )
    ends = np.cumsum([len(part.facts) for part in filled])[:-1]
    tested = [(part.facts.assign(q_value=own), part.top) for part, own in zip(filled, np.split(q, ends), strict=True)]
    kept: list[pd.DataFrame] = [most_telling(facts, top) if top else facts for facts, top in tested]
    facts = pd.concat(kept, ignore_index=True).sort_values("cluster_key", kind="stable", ignore_index=True)
    facts["fact_id"] = _fact_ids(facts)
    facts["cluster_key"] = facts["cluster_key"].astype(np.int32)
    counts = ["support", "base", "contributors"]
    facts[counts] = facts[counts].astype(np.int64)
    facts["significant"] = (facts["q_value"] <= false_discovery_rate).where(facts["q_value"].notna()).astype("boolean")
    return facts[list(PROFILE_COLUMNS)]


def _careful_p(
    p: statistics.Floats,
    users: ArrayLike,
    size: ArrayLike,
    overall: statistics.Floats,
    total: float,
    *,
    of_mean: bool = False,
) -> statistics.Floats:
    """The p of z; where few users are expected, the exact one of how many they are.

    The normal distribution makes too much of a single user with a rare feature: where 10 of a million users saw a page
    and one of them is in a cluster of a thousand, z is 4.4, and yet one such cluster in a hundred has one by chance.
    And the prior of z makes too little of a cluster without buyers. Of a mean, where users are those whose
    number is not 0, p is the larger of both; where most users have one, their number says nothing of it, and p stays.
    """
    count, n = np.asarray(users, dtype=np.float64), np.asarray(size, dtype=np.float64)
    expected = n * _divide(overall, total)
    cells = (expected, overall - expected, n - expected, (total - n) - (overall - expected))
    few = (np.min(np.broadcast_arrays(*cells), axis=0) < _FEW) & (total > n)
    if of_mean:
        few &= overall < 0.5 * total
    careful = np.array(p, dtype=np.float64)
    if few.any():
        exact = statistics.hypergeometric_p(count[few], n[few], overall[few], int(total))
        careful[few] = np.maximum(careful[few], exact) if of_mean else exact  # NaN, not known, stays
    return careful


_SUMS = ["sum", "squares", "users"]


def _complete(counts: pd.DataFrame, sizes: "pd.Series[int]", columns: list[str]) -> pd.DataFrame:
    """One row a cluster and feature, zeros where nothing was counted."""
    if "feature" not in counts:
        return counts.assign(feature=None)
    wanted = pd.MultiIndex.from_product(
        [sizes.index, sorted(counts["feature"].unique())], names=["cluster_key", "feature"]
    )
    return counts.set_index(["cluster_key", "feature"])[columns].reindex(wanted, fill_value=0).reset_index()


def _fact_ids(facts: pd.DataFrame) -> list[str]:
    slugs = {feature: f".{fact_slug(feature)}" for feature in facts["feature"].dropna().unique()}
    named = zip(facts["cluster_key"], facts["part"], facts["feature"], strict=True)
    return [f"c{key}.{part}{slugs.get(feature, '')}" for key, part, feature in named]


def _frame(table: pd.DataFrame, metric: str, part: str, unit: str, **columns: ArrayLike | None) -> pd.DataFrame:
    """Facts of a metric, a row for each of ``table``; a number that is not given is not known."""
    names = (
        "value", "population_value", "z", "interval_low", "interval_high", "support", "effect_size", "p", "base",
        "contributors",
    )  # fmt: skip
    numbers = {
        name: np.full(len(table), np.nan) if columns.get(name) is None else np.asarray(columns[name], dtype=np.float64)
        for name in names
    }
    return pd.DataFrame(
        {
            "cluster_key": table["cluster_key"].to_numpy(),
            "metric": metric,
            "part": part,
            "feature": table["feature"].astype(object).to_numpy(),
            "lift": _divide(numbers["value"], numbers["population_value"]),
            "unit": unit,
            **numbers,
        }
    )


def _divide(value: ArrayLike, by: ArrayLike) -> statistics.Floats:
    numerator, denominator = np.asarray(value, dtype=np.float64), np.asarray(by, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)
