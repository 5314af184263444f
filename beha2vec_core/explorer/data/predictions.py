"""What users are expected to do: the model in use, how it did on dates it had not seen, and the last scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from beha2vec_core.explorer import tables
from beha2vec_core.explorer.data import clusters
from beha2vec_core.explorer.published import NothingYet, Published
from beha2vec_core.explorer.text import shown
from beha2vec_core.predictions.horizons import Horizons, read_horizons
from beha2vec_core.predictions.targets import PURCHASE
from beha2vec_core.predictions.wording import NONE_YET, why_not
from beha2vec_core.profiles.currency import reporting_currencies
from beha2vec_core.words import UNKNOWN_CURRENCY, between, money

if TYPE_CHECKING:
    from beha2vec_core.predictions.model import PredictionModel

_SCORES = "beha2vec.user_predictions_current"
_DECILES = "beha2vec.decile_predictions"  # of all users, also where a sample is published
_FEATURES = "ga4.ml_ga4__user_features"
_METRICS = 1_000
FIRST = 100  # users of the first decile that are listed
_BINS = 8  # of the distribution, for each factor of ten
_Z = 1.96  # of a 95% interval


class NoPredictionsYet(NothingYet):
    """There is no prediction model in use."""

    def __init__(self) -> None:
        LookupError.__init__(self, f"{NONE_YET[:1].upper()}{NONE_YET[1:]}.")


class NotPredicted(NothingYet):
    """The model in use does not predict a target."""

    def __init__(self, target: str, notes: Sequence[str]) -> None:
        LookupError.__init__(
            self, f"{shown(why_not(target, notes), 300)} Others are: see the page Predictions of the explorer."
        )


def model(published: Published) -> dict[str, Any]:
    """The model in use: prediction_version, fitted_as_of, methods (by target and kind of users), notes, as_of, users.

    ``as_of`` and ``users`` are those of the last scores; None and 0 where there are none.
    """
    found = published.query(
        f"""select prediction_version, fitted_as_of, methods::varchar as methods, notes,
            (select max(as_of) from {_SCORES}) as as_of,
            (select coalesce(max(users), 0)::bigint
             from (select sum(users) as users from {_DECILES} group by target, horizon)) as users
        from beha2vec.prediction_model_current limit 1"""
    ).to_dict("records")
    if not found:
        raise NoPredictionsYet
    row: dict[str, Any] = {str(name): value for name, value in found[0].items()}
    return row | {
        "methods": json.loads(row["methods"]) if isinstance(row["methods"], str) else {},
        "notes": [str(note) for note in row["notes"]] if hasattr(row["notes"], "__len__") else [],
        "as_of": None if pd.isna(row["as_of"]) else row["as_of"],
    }


def choices(published: Published) -> dict[str, Horizons]:
    """The horizons of each target that has scores."""
    published.ask(model)
    with published.cursor() as cursor:
        found = read_horizons(cursor)
    if not found:
        raise NothingYet("predictions", "user_predictions")
    return found


def currency(published: Published) -> str | None:
    """The currency of expected revenue; None where properties have several, so that sums say nothing."""
    with published.cursor() as cursor:
        found = reporting_currencies(cursor)
    if not found:
        return UNKNOWN_CURRENCY
    return (found[0] or UNKNOWN_CURRENCY) if len(found) == 1 else None


def totals(published: Published, target: str, horizon: int) -> dict[str, float]:
    """All scored users: users, expected (how many do it), low and high (95% interval), value (NaN: not known)."""
    found = _summed(published, target, horizon, by="'all'").drop(columns="decile").iloc[0]
    return {str(name): float(value) for name, value in found.items()}


def deciles(published: Published, target: str, horizon: int) -> pd.DataFrame:
    """A row a tenth of the users, the highest probability first: decile, and as of `totals`."""
    return _summed(published, target, horizon, by="decile")


def by_cluster(published: Published, target: str, horizon: int) -> pd.DataFrame:
    """A row a cluster: cluster_key, users, expected, low, high, value, value_low, value_high (95% intervals).

    The interval of the revenue takes users as independent: a user with probability p and expected spend m pays with
    variance p m^2 (1 - p + c^2), where c is the coefficient of variation of revenue per buyer so far. The variance of a
    published sample stands for that of all users of the cluster.
    """
    published.ask(model)
    return published.query(
        f"""with spread as (
            select coalesce(stddev_pop(revenue) / nullif(avg(revenue), 0), 0) as c from ga4.dim_ga4__users
            where purchases > 0 and revenue > 0),
        money as (
            select cluster_key,
                sum(value * value / probability * (1 - probability + c * c)) filter (probability > 0) as variance,
                {_Z} * sqrt(variance / count(*)) as half
            from {_SCORES} cross join spread
            join (select user_key, cluster_key from beha2vec.user_clusters_current) using (user_key)
            where target = $target and horizon = $horizon group by cluster_key)
        select cluster_key, users, expected, low, high, value, greatest(value - half * sqrt(users), 0) as value_low,
            value + half * sqrt(users) as value_high
        from beha2vec.cluster_predictions left join money using (cluster_key)
        where target = $target and horizon = $horizon
        order by cluster_key < 0, expected desc, cluster_key limit 1000""",
        {"target": target, "horizon": horizon},
    )


def expected_purchases(published: Published) -> tuple[tables.Columns, str]:
    """What each cluster is expected to buy within the horizon shown: a table, and a note."""
    targets = published.ask(choices)
    if PURCHASE not in targets:
        raise NotPredicted(PURCHASE, published.ask(model)["notes"])
    days = targets[PURCHASE].shown
    found, names = published.ask(by_cluster, PURCHASE, days), clusters.names(published)
    of = published.ask(currency)
    columns = {
        "Cluster": [shown(names.get(int(key), f"Cluster {key}"), 60) for key in found["cluster_key"]],
        "n (users with a score)": tables.numbers(found["users"]),
        f"Expected to buy in {days} days": tables.numbers(found["expected"], "{:,.0f}"),
        "95% interval": tables.intervals(found["low"], found["high"], "users"),
    }
    if of is not None and found["value"].notna().any():
        ends = zip(found["value_low"], found["value_high"], strict=True)
        columns |= {
            "Expected revenue": tables.Numbers(money(one, of) for one in found["value"]),
            f"95% interval ({of})": tables.Numbers(between(f"{low:,.0f}", f"{high:,.0f}") for low, high in ends),
        }
    notes = targets[PURCHASE].note(days), "Intervals are of chance alone: they take the probabilities as right."
    return columns, " ".join(filter(None, notes))


def _summed(published: Published, target: str, horizon: int, *, by: str) -> pd.DataFrame:
    published.ask(choices)
    return published.query(
        f"""select {by} as decile, sum(users)::bigint as users, sum(expected) as expected,
            greatest(sum(expected) - {_Z} * sqrt(sum(variance)), 0) as low,
            least(sum(expected) + {_Z} * sqrt(sum(variance)), sum(users)) as high, sum(value) as value
        from {_DECILES} where target = $target and horizon = $horizon group by 1 order by 1 limit 10""",
        {"target": target, "horizon": horizon},
    )


def distribution(published: Published, target: str, horizon: int) -> pd.DataFrame:
    """How many users have which probability: low and high ends of a bin (each 10 to the power of 1/8 wide), users."""
    published.ask(choices)
    return published.query(
        f"""with bins as (
            select floor({_BINS} * log10(greatest(probability, 1e-5))) as bin, count(*) as users
            from {_SCORES} where target = $target and horizon = $horizon group by 1)
        select pow(10, bin / {_BINS}) as low, least(pow(10, (bin + 1) / {_BINS}), 1) as high, users
        from bins order by bin limit 100""",
        {"target": target, "horizon": horizon},
    )


def first_decile(published: Published, target: str, horizon: int) -> pd.DataFrame:
    """Users of the first decile, the highest probability first, at most `FIRST`.

    Columns: user_key, cluster_key (may be null), probability, low, high (90% interval of the user's own probability),
    value, method, reasons (list of texts).
    """
    published.ask(choices)
    return published.query(
        f"""select user_key, cluster_key, probability, low, high, value, method, reasons from {_SCORES}
        left join (select user_key, cluster_key from beha2vec.user_clusters_current) using (user_key)
        where target = $target and horizon = $horizon and decile = 1
        order by probability desc, user_key limit {FIRST}""",
        {"target": target, "horizon": horizon},
    )


def curves(published: Published, target: str, horizon: int) -> pd.DataFrame:
    """Tenths of the users on the test dates, as in beha2vec.prediction_curves, the highest probability first.

    Empty where nothing could be tested.
    """
    return _of_model(published, "prediction_curves", target, horizon, "decile")


def evaluation(published: Published, target: str, horizon: int) -> pd.DataFrame:
    """Metrics on the test dates: method, metric, value, low, high (95% interval), n, tested_from, tested_until.

    Empty where nothing could be tested.
    """
    return _of_model(published, "prediction_evaluation", target, horizon, "method, metric")


def _of_model(published: Published, table: str, target: str, horizon: int, order: str) -> pd.DataFrame:
    published.ask(model)
    return published.query(
        f"""from beha2vec.{table} semi join beha2vec.prediction_model_current using (prediction_version)
        where target = $target and horizon = $horizon order by {order} limit {_METRICS}""",
        {"target": target, "horizon": horizon},
    )


def of_user(published: Published, user_key: str) -> pd.DataFrame:
    """A user's scores: target, horizon, probability, low, high, decile, value, method, reasons, as_of.

    Empty for a user who is not scored: they were not seen lately.
    """
    published.ask(choices)
    return published.query(
        f"""select target, horizon, probability, low, high, decile, value, method, reasons, as_of from {_SCORES}
        where user_key = $user order by target <> 'purchase', target <> 'return', target, horizon limit 500""",
        {"user": user_key},
    )


def reasons(published: Published, user_key: str, models_path: Path) -> dict[str, list[str]]:
    """What raises the score of a user most, for each target; targets without reasons are left out.

    Stored reasons are of the first decile only, so they are computed from the user's features and the model's file.

    Raises:
        NothingYet: the model's file is not on this machine, or the features are not published.
    """
    from beha2vec_core.predictions.features import with_means
    from beha2vec_core.predictions.model import PredictionModelError

    version = str(published.ask(model)["prediction_version"])
    features = published.query(
        f"""from {with_means(_FEATURES)}
        left join (select as_of, user_key, behavior from beha2vec.prediction_vectors) using (as_of, user_key)
        semi join {_SCORES} using (user_key, as_of)
        where user_key = $user limit 1""",
        {"user": user_key},
    )
    try:
        loaded = _model(models_path / version)
    except PredictionModelError as error:
        raise NothingYet("files of the prediction model on this machine", "prediction_candidate here") from error
    if features.empty:
        return {}
    found = {name: target.reasons(features)[0] for name, target in loaded.targets.items()}
    return {name: texts for name, texts in found.items() if texts}


@lru_cache(maxsize=1)
def _model(folder: Path) -> PredictionModel:
    from beha2vec_core.predictions.model import PredictionModel

    return PredictionModel.load(folder)


def probability(published: Published, target: str, horizon: int, users: pd.DataFrame) -> pd.Series:
    """The probability of each user of a frame with user_key, in its order; NaN for users who are not scored."""
    published.ask(choices)
    with published.cursor() as cursor:
        cursor.register("drawn", users[["user_key"]])
        found = cursor.execute(
            f"""select user_key, any_value(probability) as probability from {_SCORES} semi join drawn using (user_key)
            where target = $target and horizon = $horizon group by user_key""",
            {"target": target, "horizon": horizon},
        ).df()
    return users["user_key"].map(found.set_index("user_key")["probability"]).astype("float32")
