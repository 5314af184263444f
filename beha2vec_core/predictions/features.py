"""The features of a user as of a date, in blocks, as a numeric matrix.

One entry of `FEATURES` adds a feature: its name is a column of ``ga4.ml_ga4__user_features`` or of `derived`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from beha2vec_core.predictions.arrays import FloatArray, IntArray, SavedArray, weighted_mean
from beha2vec_core.predictions.examples import weights_of

Block = Literal["recency_frequency", "windows", "engagement", "funnel", "profile", "behavior"]

# each in the order in which it is tried; the first one is always used
BLOCKS: dict[Block, str] = {
    "recency_frequency": "recency, frequency and money",
    "windows": "activity in the last 1 to 28 days",
    "engagement": "engagement",
    "funnel": "funnel progress",
    "profile": "channel, device and country",
    "behavior": "the behavior vector",
}
BEHAVIOR: Final = "behavior"
WINDOWS = (1, 3, 7, 14, 28)
# a text's values that become columns of their own: so many at most, each of at least this share of the rows
_MOST_VALUES, _LEAST_SHARE = 10, 0.01
_AT_THE_MEAN = 10.0  # of a relative feature: log(1 + x) then tells users below the mean apart as well as those above


class Feature(NamedTuple):
    """A column that models read.

    Attributes:
        block: it is used or left out with the others of its block.
        label: what it is, in a reason.
        kind: ``count`` is read as log(1 + x), ``share`` as it is, ``text`` as one column per frequent value, ``vector``
            as one column per component.
        grows: in a young export its values grow from week to week, for everyone: the longer the export, the more is
            known of the same user.
    """

    name: str
    block: Block
    label: str
    kind: Literal["count", "share", "text", "vector"] = "count"
    grows: bool = False


def _in_windows(column: str, block: Block, label: str) -> list[Feature]:
    spans = ((days, f"{days} days" if days > 1 else "day") for days in WINDOWS)
    return [Feature(f"{column}_{days}d", block, f"{label} in the last {span}") for days, span in spans]


FEATURES = (
    Feature("days_since_last_session", "recency_frequency", "days since the last visit"),
    Feature("tenure_days", "recency_frequency", "days since the first visit"),
    Feature("sessions", "recency_frequency", "sessions", grows=True),
    Feature("active_days", "recency_frequency", "days with a visit", grows=True),
    Feature("visit_cycle", "recency_frequency", "time since the last visit, in the user's usual pauses"),
    Feature("purchases_ever", "recency_frequency", "purchases so far", grows=True),
    Feature("purchase_days_ever", "recency_frequency", "days with a purchase so far", grows=True),
    Feature("revenue_ever", "recency_frequency", "revenue so far", grows=True),
    Feature("average_order_value", "recency_frequency", "average order value"),
    Feature("days_since_last_purchase", "recency_frequency", "days since the last purchase"),
    Feature("days_since_first_purchase", "recency_frequency", "days since the first purchase"),
    Feature("purchase_cycle", "recency_frequency", "time since the last purchase, in the user's usual pauses"),
    *_in_windows("active_days", "windows", "days with a visit"),
    *_in_windows("page_views", "windows", "page views"),
    *_in_windows("purchases", "windows", "purchases"),
    Feature("events", "engagement", "events"),
    Feature("page_views", "engagement", "page views"),
    Feature("engagement_time_msec", "engagement", "engagement time in milliseconds"),
    Feature("page_views_per_session", "engagement", "page views per session"),
    Feature("engaged_session_share", "engagement", "share of engaged sessions", "share"),
    Feature("error_page_views", "engagement", "views of error pages"),
    Feature("weekend_day_share", "engagement", "share of visits at weekends", "share"),
    Feature("deepest_funnel_step", "funnel", "deepest funnel step"),
    *_in_windows("funnel_step", "funnel", "funnel step"),
    Feature("cart_sessions", "funnel", "sessions with a cart"),
    Feature("checkout_sessions", "funnel", "sessions with a checkout"),
    Feature("abandoned_cart_sessions", "funnel", "sessions with an abandoned cart"),
    Feature("devices", "profile", "devices"),
    Feature("first_channel", "profile", "first channel", "text"),
    Feature("last_channel", "profile", "last channel", "text"),
    Feature("device_category", "profile", "device", "text"),
    Feature("browser", "profile", "browser", "text"),
    Feature("country", "profile", "country", "text"),
    Feature(BEHAVIOR, "behavior", "what they viewed and did (behavior vector)", "vector"),
)
# the mean of each growing feature, over the users of the date seen lately
MEANS = {one.name: f"mean_{one.name}" for one in FEATURES if one.grows}
# the columns of the table that they need
COLUMNS = tuple(one.name for one in FEATURES if one.name not in ("visit_cycle", "purchase_cycle", BEHAVIOR))


def with_means(table: str) -> str:
    """SQL of a table of user features, with their `MEANS`."""
    lately = f"filter (where days_since_last_session <= {WINDOWS[-1]})"
    means = ", ".join(
        f"sum({name} * sampling_weight) {lately} / sum(if({name} is null, null, sampling_weight)) {lately} as {mean}"
        for name, mean in MEANS.items()
    )
    return f"""(from {table} inner join (
        select property_id, as_of, {means} from {table} group by property_id, as_of
    ) using (property_id, as_of))"""


def has_means(frame: pd.DataFrame) -> bool:
    """Whether the frame has the columns of `MEANS`."""
    return all(mean in frame for mean in MEANS.values())


def derived(frame: pd.DataFrame) -> dict[str, FloatArray]:
    """Features computed from others: how late a user is, measured in their own usual pause (0: unknown)."""
    numbers = {name: _number(frame, name) for name in ("tenure_days", "days_since_last_session", "active_days")}
    visits = _cycle(numbers["tenure_days"], numbers["days_since_last_session"], numbers["active_days"])
    first, last, days = (
        _number(frame, name) for name in ("days_since_first_purchase", "days_since_last_purchase", "purchase_days_ever")
    )
    return {"visit_cycle": visits, "purchase_cycle": _cycle(first, last, days)}


def _cycle(first: FloatArray, last: FloatArray, days: FloatArray) -> FloatArray:
    """Days since the last of several days, over the mean pause between them."""
    with np.errstate(invalid="ignore", divide="ignore"):
        cycle = last * (days - 1) / (first - last)
    return np.where(days > 1, np.nan_to_num(cycle, posinf=0.0), 0.0)


def _number(frame: pd.DataFrame, name: str) -> FloatArray:
    column = frame[name]
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":  # which pandas takes long to find out
        return column.to_numpy(dtype=np.float64)
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


@dataclass(frozen=True)
class Encoding:
    """How rows become a matrix: learned from training rows, the same for all later ones."""

    features: tuple[Feature, ...]  # used, in the order of their columns
    categories: dict[str, list[str]]  # the values of each text feature that have a column; all others are zeros in them
    components: int  # how many a vector has; a user without one has zeros
    centre: SavedArray  # of each column [m], subtracted
    scale: SavedArray  # of each column [m], divided by
    relative: bool = False  # growing features are divided by the mean of their date

    @classmethod
    def learn(
        cls, frame: pd.DataFrame, rows: IntArray, features: tuple[Feature, ...], relative: bool = False
    ) -> tuple[Encoding, FloatArray]:
        """The encoding of some training rows: frequent values, centres and scales; and the `matrix` of all rows."""
        learned = frame.iloc[rows]
        weight = weights_of(learned)
        categories = {f.name: _frequent(learned[f.name], weight) for f in features if f.kind == "text"}
        reads_vectors = any(f.kind == "vector" for f in features) and has_vectors(learned)
        components = len(learned[BEHAVIOR].dropna().iloc[0]) if reads_vectors else 0
        matrix = cls(features, categories, components, np.zeros(1), np.ones(1), relative).raw(frame)
        raw = matrix[rows]
        centre = weighted_mean(raw, weight)
        raw -= centre
        scale = np.sqrt(weighted_mean(np.square(raw, out=raw), weight))
        found = cls(features, categories, components, centre, np.where(scale > 1e-9, scale, 1.0), relative)
        return found, found._scaled(matrix)

    def matrix(self, frame: pd.DataFrame) -> FloatArray:
        """Centred and scaled columns [n, m]."""
        return self._scaled(self.raw(frame))

    def _scaled(self, raw: FloatArray) -> FloatArray:
        raw -= self.centre
        raw /= self.scale
        return raw

    def raw(self, frame: pd.DataFrame) -> FloatArray:
        """The columns as they are [n, m]."""
        extra = derived(frame)
        columns: list[FloatArray] = []
        for feature in self.features:
            if feature.kind == "text":
                values = frame[feature.name].astype(object).to_numpy()
                columns += [(values == value).astype(np.float64) for value in self.categories[feature.name]]
                continue
            if feature.kind == "vector":
                columns += list(_vectors(frame, self.components).T)
                continue
            number = extra[feature.name] if feature.name in extra else _number(frame, feature.name)
            if self.relative and feature.grows:
                with np.errstate(invalid="ignore", divide="ignore"):
                    number = _AT_THE_MEAN * number / _number(frame, MEANS[feature.name])
            number = np.nan_to_num(number, nan=0.0, posinf=0.0, neginf=0.0)
            columns.append(np.log1p(np.maximum(number, 0.0)) if feature.kind == "count" else number)
        return np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))

    def owners(self) -> FloatArray:
        """Which feature each column is of, as a matrix of ones and zeros [m, f]."""
        of_kind = {"vector": self.components, "count": 1, "share": 1}
        columns = [of_kind.get(f.kind) or len(self.categories.get(f.name, [])) for f in self.features]
        return np.repeat(np.eye(len(self.features)), columns, axis=0)


def of_blocks(blocks: tuple[Block, ...]) -> tuple[Feature, ...]:
    """The features of some blocks."""
    return tuple(feature for feature in FEATURES if feature.block in blocks)


def has_vectors(frame: pd.DataFrame) -> bool:
    """Whether any row has a behavior vector."""
    return BEHAVIOR in frame and bool(frame[BEHAVIOR].notna().any())


def _vectors(frame: pd.DataFrame, components: int) -> FloatArray:
    """The behavior vectors [n, components]; zeros, the mean of all users, where there is none."""
    vectors = np.zeros((len(frame), components))
    if components and has_vectors(frame):
        known = frame[BEHAVIOR].notna().to_numpy()
        vectors[known] = np.stack(frame.loc[known, BEHAVIOR].to_list())
    return vectors


def _frequent(values: pd.Series, weight: FloatArray) -> list[str]:
    known = values.notna().to_numpy()
    counts = pd.Series(weight[known]).groupby(values[known].astype(str).to_numpy(dtype=object)).sum()
    shares = counts / max(weight.sum(), 1.0)
    kept = sorted(shares.items(), key=lambda item: (-item[1], str(item[0])))[:_MOST_VALUES]
    return [str(value) for value, share in kept if share >= _LEAST_SHARE]
