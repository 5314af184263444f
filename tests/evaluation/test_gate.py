"""When a new encoder is refused: surely worse than the one in use, or collapsed."""

import pytest

from beha2vec_core.evaluation.gate import reasons_to_refuse


def row(method: str, task: str, metric: str, value: float, low: float | None = None, high: float | None = None) -> dict:
    return {
        "method": method, "task": task, "metric": metric, "value": value,
        "champion_low": low, "champion_high": high,
    }  # fmt: skip


SOUND = [
    row("encoder", "geometry", "mean cosine", 0.1),
    row("encoder", "geometry", "effective dimension", 12.0),
    row("encoder", "content", "largest cluster", 0.3),
]


def test_the_first_encoder_has_nobody_beside_it() -> None:
    assert reasons_to_refuse([*SOUND, row("encoder", "next page", "mrr@10", 0.01)], 0.01) == []
    assert reasons_to_refuse([], 0.01) == [], "nobody could be judged"


@pytest.mark.parametrize(
    ("high", "refused"), [(0.05, False), (-0.005, False), (-0.01, False), (-0.011, True), (None, False)]
)
def test_only_what_is_surely_worse_beyond_the_tolerance_is_refused(high: float | None, refused: bool) -> None:
    rows = [
        *SOUND,
        row("encoder, identity", "retrieval", "mrr", 0.2, -0.2, high),
        row("champion, identity", "retrieval", "mrr", 0.3),
        row("tf-idf of pages", "retrieval", "mrr", 0.9),
    ]
    found = reasons_to_refuse(rows, 0.01)
    assert bool(found) == refused
    if refused:
        assert "encoder, identity is 0.200, the encoder in use has 0.300; 95%" in found[0]
        assert "interval of the difference: [-0.200, -0.011]" in found[0]


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (0, 0.95, "mean cosine is 0.950"),
        (1, 1.2, "effective dimension is 1.200"),
        (2, 0.99, "largest cluster is 0.990"),
    ],
)
def test_collapsed_vectors_are_refused(place: int, value: float, told: str) -> None:
    rows = [one | {"value": value} if number == place else one for number, one in enumerate(SOUND)]
    (reason,) = reasons_to_refuse(rows, 1.0)
    assert "collapsed" in reason and told in reason
