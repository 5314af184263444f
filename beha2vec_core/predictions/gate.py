"""May a new prediction model replace the one in use? By its backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from beha2vec_core.predictions.backtest import MODEL

# a model is compared with these
_RIVALS = {"rfm": "recency, frequency and money alone", "champion": "the model in use"}


def reasons_to_refuse(rows: Sequence[Mapping[str, Any]], tolerance: float) -> list[str]:
    """Why a model is refused: its log loss is certainly worse than a rival's, by more than ``tolerance`` times it.

    Args:
        rows: of ``beha2vec.prediction_evaluation``; none where nothing could be tested: then nothing is refused.
        tolerance: share of the model's log loss.
    """
    found = {(row["target"], row["horizon"], row["metric"]): row for row in rows if row["method"] == MODEL}
    reasons = []
    for (target, days, metric), row in found.items():
        rival = _RIVALS.get(metric.removeprefix("log_loss_less_"))
        loss = found.get((target, days, "log_loss"))
        if not rival or not loss or row["low"] is None or row["low"] <= tolerance * loss["value"]:
            continue
        reasons.append(
            f"its log loss for {target} within {days} days is worse than with {rival}: {row['value']:+.4f} "
            f"[{row['low']:+.4f}, {row['high']:+.4f}]"
        )
    return reasons
