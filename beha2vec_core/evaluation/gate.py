"""Whether a newly trained encoder may take the place of the one in use: not worse, not collapsed."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from beha2vec_core.evaluation.production import CHAMPION, ENCODER
from beha2vec_core.evaluation.tasks import COMPARED

# vectors that nearly all point one way, are in a plane, or make one cluster of nearly all users are useless: the
# smallest and largest figure of vectors that have not collapsed
SOUND = {
    ("geometry", "mean cosine"): (-1.0, 0.9),
    ("geometry", "effective dimension"): (2.0, float("inf")),
    ("content", "largest cluster"): (0.0, 0.95),
}


class Comparison(NamedTuple):
    """One figure of a candidate next to the encoder in use; ``low`` and ``high`` bound the difference (95%)."""

    figure: str
    method: str
    value: float
    champion: float | None
    low: float | None
    high: float | None


def comparisons(rows: Iterable[Mapping[str, Any]]) -> list[Comparison]:
    """The figures by which a candidate is compared; without an encoder in use only the candidate's value is known.

    Args:
        rows: of ``beha2vec.encoder_evaluation``, those of the candidate.
    """
    figures = {(row["method"], row["task"], row["metric"]): row for row in rows}
    found = []
    for column in COMPARED:
        for method in (ENCODER, f"{ENCODER}, identity"):
            if row := figures.get((method, column.task, column.metric)):
                rival = figures.get((method.replace(ENCODER, CHAMPION), column.task, column.metric))
                champion = rival["value"] if rival else None
                bounds = row["champion_low"], row["champion_high"]
                found.append(Comparison(column.title, method, row["value"], champion, *bounds))
    return found


def reasons_to_refuse(rows: Iterable[Mapping[str, Any]], tolerance: float) -> list[str]:
    """Why a candidate should be refused, a sentence a reason; none if it may be promoted.

    Args:
        rows: as in `comparisons`.
        tolerance: a figure is worse where its whole 95% interval is further below the champion's than this.
    """
    rows = list(rows)
    reasons = [
        f"{one.figure} of {one.method} is {one.value:.3f}, the encoder in use has {one.champion:.3f}; "
        f"95% interval of the difference: [{one.low:+.3f}, {one.high:+.3f}]"
        for one in comparisons(rows)
        if one.high is not None and one.high < -tolerance
    ]
    figures = {(row["task"], row["metric"]): row["value"] for row in rows if row["method"] == ENCODER}
    for (task, metric), (least, most) in SOUND.items():
        value = figures.get((task, metric))
        if value is not None and not least <= value <= most:
            reasons.append(f"its vectors have collapsed: {metric} is {value:.3f}")
    return reasons
