"""How right the predictions of a target were, in sentences for people who do not know the metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from beha2vec_core.predictions.wording import did
from beha2vec_core.words import between, number

Metrics = Mapping[str, Mapping[Any, Any]]  # rows of beha2vec.prediction_evaluation, by metric


def sentences(found: Metrics, target: str) -> list[str]:
    """What the main metrics of the model say."""
    said = []
    if one := found.get("auroc"):
        said.append(
            f"Of a user who {did(target)} and one who did not, the model gives the first one the higher probability in "
            f"{with_interval(one, share=True)} of all pairs. Chance is 50%."
        )
    if one := found.get("lift_10pct"):
        said.append(
            f"In the most likely tenth, {one['value']:.1f} times as many users {did(target)} as in a random tenth."
        )
    if one := found.get("calibration_error"):
        said.append(f"Predicted and observed shares differ by {points(one)} on average over the tenths.")
    if one := found.get("observed_over_expected"):
        said.append(f"For 100 users who were expected, {100 * one['value']:,.0f} {did(target)}.")
    if (one := found.get("revenue_in_top_decile")) and (best := found.get("revenue_in_best_decile")):
        said.append(
            f"The most likely tenth had {number(one['value'], 'share')} of the revenue. The best possible tenth had "
            f"{number(best['value'], 'share')}."
        )
    if one := found.get("auroc_less_rfm"):
        said.append(
            f"Compared with recency, frequency and money alone, {_verdict(one)}: {one['value']:+.3f} AUROC "
            f"({one['low']:+.3f} to {one['high']:+.3f})."
        )
    return said


def with_interval(one: Mapping[Any, Any], *, share: bool = False) -> str:
    """A value, and its interval where it has one."""

    def written(value: float) -> str:
        return number(value, "share") if share else f"{value:.3f}"

    ends = _ends(one)
    return written(one["value"]) + (f" ({between(*map(written, ends))})" if ends else "")


def points(one: Mapping[Any, Any]) -> str:
    """A difference of shares in percentage points."""
    ends = [f"{100 * max(end, 0):.1f}" for end in _ends(one)]
    return f"{100 * one['value']:.1f} percentage points" + (f" ({between(*ends)})" if ends else "")


def _ends(one: Mapping[Any, Any]) -> list[float]:
    ends = [one["low"], one["high"]]
    return [] if any(end is None or math.isnan(end) for end in ends) else ends


def _verdict(one: Mapping[Any, Any]) -> str:
    if one["low"] > 0:
        return "it is better"
    return "it is worse" if one["high"] < 0 else "there is no clear difference"
