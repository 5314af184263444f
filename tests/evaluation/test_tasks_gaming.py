"""No figure can be had by a trick: constant vectors, length, shuffled users, copied users, dates, names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from beha2vec_core.evaluation.statistics import paired_bootstrap
from beha2vec_core.evaluation.tasks import content, geometry, intent, retrieval
from tests.benchmarks.tasks import personas, refits
from tests.evaluation.task_world import (
    SECTIONS,
    Encoder,
    Shuffled,
    constant,
    figures,
    length,
    outcomes,
    page_counts,
    section_counts,
    shop,
    trial,
)

SHOP, PERSONA = shop()
FITTED, _ = shop(salt="fitted ")
HALVED = int((SHOP.groupby("user_key")["is_page_view"].sum() >= 6).sum())
CHANCE = float((1 / np.arange(1, HALVED + 1)).mean())


def judged(fitted: object):
    return trial(SHOP, fitted, fit=FITTED, personas=PERSONA)


def test_an_honest_method_earns_its_figures() -> None:
    """The others are measured against this: the same world, a method that sees what users look at."""
    honest = judged(section_counts(SECTIONS))
    assert figures(intent.TASK, honest)["auroc"] == 1.0
    assert figures(personas.TASK, honest)["ari"] == 1.0
    assert figures(retrieval.TASK, judged(page_counts()))["mrr"] > 3 * CHANCE
    assert figures(content.TASK, honest)["eta2 of content"] == pytest.approx(1.0)


@pytest.mark.parametrize("vector", [[0.3, 0.4, 0.5], pytest.param([0.0, 0.0], marks=pytest.mark.slow)])
def test_constant_vectors(vector: list[float]) -> None:
    alike = judged(Encoder(lambda user, journey: vector))
    assert figures(intent.TASK, alike)["auroc"] == 0.5
    # everybody ties with everybody: the mean rank is the middle, which is worth less than chance
    assert figures(retrieval.TASK, alike) == pytest.approx({"mrr": 2 / (HALVED + 1), "recall@10": 0.0})
    assert 2 / (HALVED + 1) < CHANCE
    agreed = figures(personas.TASK, alike)
    assert agreed["ari"] == 0.0 and agreed["nmi"] == pytest.approx(0.0)
    lump = figures(content.TASK, alike)
    for rule in ("", ", standardised"):
        assert lump[f"largest cluster{rule}"] == 1.0
        assert lump[f"eta2 of length{rule}"] == pytest.approx(0.0) == lump[f"eta2 of content{rule}"]
    shape = figures(geometry.TASK, alike)
    assert shape["effective dimension"] == shape["effective share of dimensions"] == 0.0
    assert shape["uniformity"] == pytest.approx(0.0, abs=1e-9)
    assert shape["alignment"] == pytest.approx(0.0, abs=1e-9)
    assert shape["mean cosine"] == pytest.approx(float(any(vector)))
    assert set(figures(refits.STABILITY, alike).values()) == {0.0}  # a lump agrees with itself and tells nothing


def test_length_vectors() -> None:
    long = judged(length())
    # five page views are known of everybody, so length is one number for all
    assert figures(intent.TASK, long)["auroc"] == 0.5
    told = figures(content.TASK, long)
    assert told["eta2 of length"] > 0.9 and told["eta2 of length, standardised"] > 0.9
    assert told["eta2 of content"] < 0.1
    assert figures(personas.TASK, long)["ari"] < 0.05
    assert figures(refits.STABILITY, long)["ari across seeds"] > 0.5  # stable for all that: content tells it apart
    # the floor of retrieval: halves are alike in length; a single number would be cut to one length and say nothing
    assert figures(retrieval.TASK, long)["mrr"] > 2 * CHANCE
    bare = Encoder(lambda user, journey: [len(journey)])
    assert figures(retrieval.TASK, judged(bare))["mrr"] == pytest.approx(2 / (HALVED + 1))


def test_shuffled_users() -> None:
    dealt = judged(Shuffled(page_counts()))
    assert abs(figures(intent.TASK, dealt)["auroc"] - 0.5) < 0.15
    assert abs(figures(personas.TASK, dealt)["ari"]) < 0.05
    assert figures(retrieval.TASK, dealt)["mrr"] < 2 * CHANCE
    told = figures(content.TASK, dealt)
    assert told["eta2 of content"] < 0.1 and told["eta2 of length"] < 0.1
    assert abs(figures(refits.STABILITY, dealt)["ari across cold retrains"]) < 0.1


def copies(events: pd.DataFrame, times: int) -> pd.DataFrame:
    """Every journey so many times, under new keys."""
    all_of_them = [events.assign(user_key=events["user_key"] + f" copy {number}") for number in range(times)]
    return pd.concat(all_of_them).sort_values(["user_key", "event_timestamp"], kind="stable", ignore_index=True)


def test_copied_users_do_not_find_themselves() -> None:
    own_page = Encoder(lambda user, journey: np.eye(40)[hash_of(journey) % 40])
    few = SHOP[SHOP["user_key"].isin(SHOP["user_key"].unique()[:60])]
    once = figures(retrieval.TASK, trial(few, own_page))["mrr"]
    thrice = figures(retrieval.TASK, trial(copies(few, 3), own_page))["mrr"]
    assert thrice < once


def hash_of(journey: pd.DataFrame) -> int:
    return sum(journey["page"].map(lambda page: sum(map(ord, page))))


def test_copied_users_do_not_change_what_clusters_say() -> None:
    for task, metric in ((personas.TASK, "ari"), (content.TASK, "eta2 of content")):
        persona = pd.Series({f"{user} copy {n}": name for user, name in PERSONA.items() for n in range(3)})
        once = figures(task, judged(section_counts(SECTIONS)))[metric]
        thrice = figures(task, trial(copies(SHOP, 3), section_counts(SECTIONS), personas=persona))[metric]
        assert thrice == pytest.approx(once, abs=0.02)


def test_the_date_of_a_visit_does_not_bring_halves_together() -> None:
    """Users of this shop come one an hour: who reads the clock would find each second half at once."""
    clock = Encoder(lambda user, journey: circle(journey["event_timestamp"].min() / 1e6 / 3_600 / 240))
    assert figures(retrieval.TASK, judged(clock))["mrr"] == pytest.approx(2 / (HALVED + 1))


def circle(angle: float) -> list[float]:
    return [float(np.cos(angle)), float(np.sin(angle))]


def test_a_tie_of_two_methods_is_not_called_a_win() -> None:
    one = [outcomes(intent.TASK, judged(Shuffled(section_counts(SECTIONS))))["auroc"]]
    other = [outcomes(intent.TASK, judged(constant()))["auroc"]]
    interval = paired_bootstrap(one, other)
    assert interval.low < 0 < interval.high
