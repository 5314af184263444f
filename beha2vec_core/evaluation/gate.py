"""Whether a newly trained encoder may take the place of the one in use: not worse, not collapsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from beha2vec_core.evaluation.production import CHAMPION, ENCODER
from beha2vec_core.evaluation.tasks import COMPARED

# vectors that nearly all point one way, lie in a plane, or make one cluster of nearly all users are useless: the
# smallest and largest figure of vectors that have not collapsed
SOUND = {
    ("geometry", "mean cosine"): (-1.0, 0.9),
    ("geometry", "effective dimension"): (2.0, float("inf")),
    ("content", "largest cluster"): (0.0, 0.95),
}


def reasons_to_refuse(rows: Iterable[Mapping[str, Any]], tolerance: float) -> list[str]:
    """Why a candidate should be refused, a sentence a reason; none if it may be promoted.

    Args:
        rows: of ``beha2vec.encoder_evaluation``, those of the candidate (see `production.SCHEMA`).
        tolerance: a figure is worse where its whole 95 % interval lies further below the champion's than this.
    """
    figures = {(row["method"], row["task"], row["metric"]): row for row in rows}
    reasons = []
    for column in COMPARED:
        for method in (ENCODER, f"{ENCODER}, identity"):
            row = figures.get((method, column.task, column.metric))
            if row and row["champion_high"] is not None and row["champion_high"] < -tolerance:
                rival = figures[method.replace(ENCODER, CHAMPION), column.task, column.metric]
                reasons.append(
                    f"{column.title} of {method} is {row['value']:.3f}, the encoder in use has {rival['value']:.3f}; "
                    f"95 % interval of the difference: [{row['champion_low']:+.3f}, {row['champion_high']:+.3f}]"
                )
    for (task, metric), (least, most) in SOUND.items():
        row = figures.get((ENCODER, task, metric))
        if row and not least <= row["value"] <= most:
            reasons.append(f"its vectors have collapsed: {metric} is {row['value']:.3f}")
    return reasons
