"""The encoder fine-tuned on labels: what it learns from is known before what stops it, and it learns."""

from __future__ import annotations

import numpy as np
import pytest

from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.evaluation.encoder import encoder_input
from beha2vec_core.evaluation.floors.counts import fit_rfm
from beha2vec_core.evaluation.splits import DAY
from tests.benchmarks.rivals import fine_tuned
from tests.benchmarks.rivals.fine_tuned import fine_tune, labelled
from tests.evaluation.methods_world import START, log

SMALL, QUICK = EncoderConfig(dim=16, layers=1, heads=2, max_length=16), TrainConfig(epochs=1, device="cpu")


def weekly(user: str, page: str, weeks: int) -> list[tuple[str, int, str]]:
    """A view every seventh day."""
    return [(user, 7 * 1440 * week + len(user), page) for week in range(weeks)]


def test_labels_by_hand() -> None:
    events = log(*weekly("a", "shop.example/a", 6), ("b", 21 * 1440, "shop.example/b", "purchase"))
    start, end = int(events["event_timestamp"].min()), int(events["event_timestamp"].max()) + 1
    assert start >= START
    found = labelled(events)
    assert [(end - date) // DAY for date, *_ in found] == [7, 14, 21, 28]
    nan = np.nan
    # a is back each week; b buys 14 days before the end and is not seen again
    by_date = [dict(zip(sorted(set(before["user_key"])), labels.tolist(), strict=True)) for _, before, labels in found]
    assert [sorted(users) for users in by_date] == [["a", "b"], ["a", "b"], ["a"], ["a"]]
    np.testing.assert_array_equal(by_date[0]["a"], [1, nan, nan, 0, nan, nan])
    np.testing.assert_array_equal(by_date[0]["b"], [0, nan, nan, 0, nan, nan])
    np.testing.assert_array_equal(by_date[2]["a"], [1, 1, nan, 0, 0, nan])


def test_what_a_page_says_about_coming_back_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """One group comes back each week; users of the other one see another page twice within a minute, and leave."""
    monkeypatch.setattr(fine_tuned, "STEPS", 60)
    rows: list[tuple[str, int, str]] = []
    for user in range(16):
        rows += weekly(f"stays {user:02d}", "shop.example/club", 6)
        rows += [(f"leaves {user:02d} {week}", 7 * 1440 * week + minute, "shop.example/sale")
                 for week in range(6) for minute in (0, 1)]  # fmt: skip
    events = log(*rows)
    encoder = BehaviorEncoder.fit(encoder_input(events), SMALL, QUICK)
    tuned = fine_tune(encoder, fit_rfm(events, 0), events, 0)
    leaves, stays = tuned.encode(log(("stays", 0, "shop.example/club"), ("leaves", 0, "shop.example/sale")))[:, 0]
    assert stays > leaves + 1, "log odds of a return in 7 days"
