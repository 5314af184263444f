"""From counts and sums to facts: value, population value, lift, z, interval and support, with a stable id."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from beha2vec_core.profiles import statistics
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
    "interval_low",  # of value, 95 % unless set
    "interval_high",
    "support",  # users behind the value: those who have the feature, or for a mean those it was recorded for
    "unit",  # users, share (0 to 1), page views, sessions, seconds, currency
)


def count_facts(
    metric: str,
    part: str,
    counts: pd.DataFrame,
    sizes: "pd.Series[int]",
    *,
    prior_users: float,
    confidence: float,
) -> pd.DataFrame:
    """Share of users who have each feature, for every cluster and feature (0 where no user has it).

    Args:
        metric: name of the metric.
        part: the metric's or dimension's part of the fact id.
        counts: cluster_key, users, and feature unless the metric has none.
        sizes: users by cluster_key.
        prior_users: see `statistics.log_odds_z`.
        confidence: of the intervals.
    """
    table = _complete(counts, sizes, ["users"])
    n, y = table["cluster_key"].map(sizes).to_numpy(dtype=np.float64), table["users"].to_numpy(dtype=np.float64)
    population = table.groupby("feature", dropna=False)["users"].transform("sum").to_numpy(dtype=np.float64)
    total = float(sizes.sum())
    low, high = statistics.wilson_interval(y, n, confidence=confidence)
    z = statistics.log_odds_z(y, n, population - y, total - n, prior_users=prior_users)
    return _frame(table, metric, part, _divide(y, n), _divide(population, total), z, low, high, y, "share")


def mean_facts(
    metric: str, part: str, sums: pd.DataFrame, measured: "pd.Series[int]", *, unit: str, confidence: float
) -> pd.DataFrame:
    """Mean over the users a number was recorded for, for every cluster (and feature, where ``sums`` has one).

    Args:
        metric: name of the metric.
        part: the metric's or dimension's part of the fact id.
        sums: cluster_key, sum, squares; with feature also users, then the support is the users with the feature.
        measured: users the number was recorded for, by cluster_key.
        unit: unit of the mean.
        confidence: of the intervals.
    """
    has_feature = "feature" in sums
    table = _complete(sums, measured, ["sum", "squares", *(["users"] if has_feature else [])])
    n = table["cluster_key"].map(measured).to_numpy(dtype=np.float64)
    own = table[["sum", "squares"]].to_numpy(dtype=np.float64).T
    groups = table.groupby("feature", dropna=False)
    population = np.stack([groups[column].transform("sum").to_numpy(dtype=np.float64) for column in ("sum", "squares")])
    total = float(measured.sum())
    rest = population - own
    mean, error = statistics.mean_and_error(own[0], own[1], n)
    half = statistics.quantile_of_confidence(confidence) * error
    support = table["users"].to_numpy(dtype=np.float64) if has_feature else n
    return _frame(
        table,
        metric,
        part,
        mean,
        _divide(population[0], total),
        statistics.mean_difference_z(own[0], own[1], n, rest[0], rest[1], total - n),
        np.maximum(mean - half, 0.0),  # nothing measured here can be negative
        np.minimum(mean + half, 1.0) if unit == "share" else mean + half,
        support,
        unit,
    )


def ratio_facts(metric: str, sums: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Share of page views (sum of y over sum of x), the user being the unit of the interval.

    Args:
        metric: name of the metric.
        sums: cluster_key, n, y, x, yy, xy, xx.
        confidence: of the intervals.
    """
    names = ["y", "x", "yy", "xy", "xx", "n"]
    own = sums[names].to_numpy(dtype=np.float64).T
    population = own.sum(axis=1, keepdims=True)
    ratio, error = statistics.ratio_and_error(*own)
    other, other_error = statistics.ratio_and_error(*(population - own))
    half = statistics.quantile_of_confidence(confidence) * error
    overall, _ = statistics.ratio_and_error(*population)
    return _frame(
        sums.assign(feature=None),
        metric,
        metric,
        ratio,
        np.repeat(overall, len(sums)),
        statistics.difference_z(ratio, error, other, other_error),
        np.clip(ratio - half, 0.0, 1.0),
        np.clip(ratio + half, 0.0, 1.0),
        own[-1],
        "share",
    )


def median_facts(metric: str, counts: pd.DataFrame, *, unit: str, confidence: float) -> pd.DataFrame:
    """Median of a number of which ``counts`` says how many users of a cluster have which value.

    Args:
        metric: name of the metric.
        counts: cluster_key, value, users.
        unit: unit of the number.
        confidence: of the intervals.
    """
    overall = statistics.weighted_median(counts["value"], counts["users"])
    rows = [
        (
            key,
            *statistics.median_and_interval(group["value"], group["users"], confidence=confidence),
            group["users"].sum(),
        )
        for key, group in counts.groupby("cluster_key", sort=True)
    ]
    table = pd.DataFrame(rows, columns=["cluster_key", "median", "low", "high", "n"]).assign(feature=None)
    nowhere = np.full(len(table), np.nan)
    return _frame(
        table, metric, metric, table["median"], np.full(len(table), overall), nowhere, table["low"], table["high"],
        table["n"], unit,
    )  # fmt: skip


def size_facts(sizes: "pd.Series[int]", *, confidence: float) -> pd.DataFrame:
    """Users of each cluster, and their share of all."""
    table = pd.DataFrame({"cluster_key": sizes.index, "feature": None})
    n, total = sizes.to_numpy(dtype=np.float64), np.full(len(sizes), float(sizes.sum()))
    nowhere = np.full(len(sizes), np.nan)
    low, high = statistics.wilson_interval(n, total, confidence=confidence)
    users = _frame(table, "users", "users", n, total, nowhere, nowhere, nowhere, n, "users")
    share = _frame(table, "user_share", "user_share", n / total, np.ones(len(sizes)), nowhere, low, high, n, "share")
    return pd.concat([users, share]).assign(lift=np.nan)  # a part beside its whole is no lift


def most_telling(facts: pd.DataFrame, top: int) -> pd.DataFrame:
    """The facts of those features that are, in any cluster, among the ``top`` by share, by z, or from below by z.

    A kept feature is kept for all clusters, so that they can be compared.
    """
    kept: set[str] = set()
    for _, cluster in facts.groupby("cluster_key"):
        for column, ascending in (("value", False), ("z", False), ("z", True)):
            ranked = cluster.sort_values([column, "feature"], ascending=[ascending, True])
            kept.update(ranked["feature"].head(top))
    return facts[facts["feature"].isin(kept)]


def combine(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All facts in one table, ordered by cluster, with the types and columns of the contract."""
    filled = [part for part in parts if not part.empty]
    facts = pd.concat(filled, ignore_index=True).sort_values("cluster_key", kind="stable", ignore_index=True)
    facts["cluster_key"] = facts["cluster_key"].astype(np.int32)
    facts["support"] = facts["support"].astype(np.int64)
    return facts[list(PROFILE_COLUMNS)]


def _complete(counts: pd.DataFrame, sizes: "pd.Series[int]", columns: list[str]) -> pd.DataFrame:
    """One row a cluster and feature, zeros where nothing was counted."""
    if "feature" not in counts:
        return counts.assign(feature=None)
    wanted = pd.MultiIndex.from_product(
        [sizes.index, sorted(counts["feature"].unique())], names=["cluster_key", "feature"]
    )
    return counts.set_index(["cluster_key", "feature"])[columns].reindex(wanted, fill_value=0).reset_index()


def _frame(
    table: pd.DataFrame,
    metric: str,
    part: str,
    value: ArrayLike,
    population_value: ArrayLike,
    z: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    support: ArrayLike,
    unit: str,
) -> pd.DataFrame:
    slugs = {feature: f".{fact_slug(feature)}" for feature in table["feature"].dropna().unique()}
    keys = zip(table["cluster_key"], table["feature"], strict=True)
    return pd.DataFrame(
        {
            "cluster_key": table["cluster_key"].to_numpy(),
            "fact_id": [f"c{key}.{part}{slugs.get(feature, '')}" for key, feature in keys],
            "metric": metric,
            "feature": table["feature"].astype(object).to_numpy(),
            "value": np.asarray(value, dtype=np.float64),
            "population_value": np.asarray(population_value, dtype=np.float64),
            "lift": _divide(value, population_value),
            "z": np.asarray(z, dtype=np.float64),
            "interval_low": np.asarray(low, dtype=np.float64),
            "interval_high": np.asarray(high, dtype=np.float64),
            "support": np.asarray(support, dtype=np.float64),
            "unit": unit,
        }
    )


def _divide(value: ArrayLike, by: ArrayLike) -> statistics.Floats:
    numerator, denominator = np.asarray(value, dtype=np.float64), np.asarray(by, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)
