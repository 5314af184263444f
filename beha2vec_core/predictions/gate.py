"""May a new prediction model replace the one in use? By their log losses on the same users and dates."""

from collections.abc import Mapping, Sequence
from typing import Any

# methods of `backtest`: the model as it is fitted now, and the one in use
MODEL, CHAMPION = "model", "model in use"


def reasons_to_refuse(rows: Sequence[Mapping[str, Any]], tolerance: float) -> list[str]:
    """Why a model is refused: its log loss is certainly worse, by more than ``tolerance`` times it.

    Args:
        rows: of ``beha2vec.prediction_evaluation``; none where nothing could be tested: then nothing is refused.
        tolerance: share of the model's log loss.
    """
    return worse_than(rows, "champion", "the model in use", tolerance)


def worse_than(rows: Sequence[Mapping[str, Any]], rival: str, name: str, tolerance: float) -> list[str]:
    """Where the model is certainly worse than a rival: a sentence per target and horizon.

    Args:
        rival: ``champion`` or ``rfm``.
        tolerance: share of the model's log loss.
    """
    found = {(row["target"], row["horizon"], row["metric"]): row for row in rows if row["method"] == MODEL}
    reasons = []
    for (target, days, metric), row in found.items():
        loss = found.get((target, days, "log_loss"))
        if metric != f"log_loss_less_{rival}" or not loss or row["low"] <= tolerance * loss["value"]:
            continue
        reasons.append(
            f"its log loss for {target} within {days} days is worse than that of {name}: {row['value']:+.4f} "
            f"[{row['low']:+.4f}, {row['high']:+.4f}]"
        )
    return reasons
