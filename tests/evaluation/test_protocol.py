"""The protocol as a whole: who is judged how often, what is kept, and when a figure may be bold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from beha2vec_core.evaluation.data import INPUT_COLUMNS
from beha2vec_core.evaluation.methods import Group
from beha2vec_core.evaluation.statistics import Outcome, paired_bootstrap
from beha2vec_core.evaluation.tasks.base import user_mean
from tests.benchmarks.data_sets.base import EvaluationData
from tests.benchmarks.judgements import read_judgements, write_judgements
from tests.benchmarks.methods import TimedMethod
from tests.benchmarks.protocol import Judgement, judge
from tests.benchmarks.results_page import markdown
from tests.benchmarks.splits import is_locked
from tests.benchmarks.tasks import TASKS
from tests.evaluation.task_world import Encoder, Ranker, constant, log, page_counts, section_counts, shop, views


def small_shop(users: int = 240) -> EvaluationData:
    events, personas = shop(users)
    return EvaluationData("shop", "", events, personas=personas)


class Counting:
    """A method that remembers what it was fitted on."""

    def __init__(self, fitted: Any, *, costly: bool = False) -> None:
        self.fits: list[tuple[frozenset[str], int]] = []
        self.fitted = fitted
        self.method = TimedMethod("counting", "floor", self.fit, costly, epochs=3)

    def fit(self, events: pd.DataFrame, seed: int) -> Any:
        assert tuple(events.columns) == INPUT_COLUMNS, "labels are not for methods"
        self.fits.append((frozenset(events["user_key"]), seed))
        return self.fitted


def run(method: TimedMethod, data: EvaluationData | None = None, **options: Any) -> list[Judgement]:
    return judge(data or small_shop(), method, progress=False, **options)


@pytest.mark.slow
def test_a_costly_method_gets_the_first_repeats_the_others_all() -> None:
    for costly, repeats in ((False, 4), (True, 2)):
        found = run(Counting(section_counts(["hats"]), costly=costly).method, repeats=4, costly_repeats=2)
        assert {one.repeat for one in found} == set(range(repeats))
    refitting = {(one.outcome.task, one.repeat) for one in found if one.outcome.task in ("stability", "determinism")}
    assert refitting == {("stability", 0), ("determinism", 0)}, "what fits again does so once"


def test_a_method_is_given_the_tasks_it_can_do() -> None:
    vectors = {one.outcome.task for one in run(Counting(page_counts()).method, repeats=1)}
    rankings = {one.outcome.task for one in run(Counting(Ranker("hats/1", "mugs/2")).method, repeats=1)}
    assert {"intent", "retrieval", "personas", "content", "geometry"} <= vectors
    assert rankings == {"next page", "next event", "speed"}


def test_tuning_never_sees_the_locked_fifth_and_the_final_table_only_that() -> None:
    data = small_shop()
    locked = set(data.events.loc[is_locked(data.events["user_key"]), "user_key"])
    for asked in (False, True):
        seen = Counting(page_counts())
        found = run(seen.method, data, repeats=2, locked=asked)
        judged = {user for one in found if one.outcome.users is not None for user in one.outcome.users}
        assert judged and (judged <= locked if asked else not judged & locked)
        assert all(not users & locked for users, _ in seen.fits)
        assert {one.split for one in found} == {"locked" if asked else "tuning"}


def test_in_time_a_method_is_fitted_on_the_past_alone() -> None:
    day = 86_400
    journeys = {
        f"u{number}": views(["hats/1", "mugs/2"], start=number % 30 * day)
        + views(["bags/3"], start=(40 + number % 40) * day)
        for number in range(120)
    }
    data = EvaluationData("world", "", log(journeys), temporal=True)
    latest: list[int] = []

    def fit(events: pd.DataFrame, seed: int) -> Encoder:
        latest.append(int(events["event_timestamp"].max()))
        return page_counts()

    found = run(TimedMethod("m", "floor", fit), data, repeats=1)
    in_time = [one for one in found if one.split == "temporal"]
    assert {one.outcome.task for one in in_time} == {"horizon"}
    cut = data.events["event_timestamp"].max() + 1 - 28 * day * 1_000_000
    assert latest[-1] < cut < latest[0]


def test_speed_counts_users_by_epochs_where_a_method_trains() -> None:
    seen = Counting(page_counts())
    [trained] = [one for one in run(seen.method, repeats=1, tasks=()) if one.outcome.metric == "trained sequences/s"]
    assert trained.outcome.value > 0
    untimed = (
        replace(seen.method, epochs=0),
        replace(seen.method, shares_fit_with="another"),
        replace(seen.method, has_fit=lambda events, seed: True),
    )
    for method in untimed:
        metrics = {one.outcome.metric for one in run(method, repeats=1, tasks=())}
        assert metrics == {"encode users/s", "events a user", "peak MB"}


def test_vectors_that_are_no_numbers_are_an_error() -> None:
    with pytest.raises(ValueError, match="not finite"):
        run(Counting(Encoder(lambda user, journey: [float("nan")])).method, repeats=1)


def test_a_sample_is_the_same_users_every_time_with_all_they_did() -> None:
    data = small_shop()
    few, again = data.sample(50), data.sample(50)
    assert few.events.equals(again.events) and few.events["user_key"].nunique() == 50
    assert set(few.events["user_key"]) < set(data.sample(80).events["user_key"])
    whole = data.events[data.events["user_key"].isin(few.events["user_key"])].reset_index(drop=True)
    assert few.events.equals(whole)
    assert data.sample(10_000).events.equals(data.events)


def test_a_sample_too_short_for_a_split_in_time_has_none() -> None:
    journeys = {f"u{day}": views(["hats/1"], start=day * 86_400) for day in range(60)}
    data = EvaluationData("world", "", log(journeys), temporal=True)
    assert data.sample(60).temporal and not data.sample(1).temporal


def test_judgements_come_back_from_the_file_as_they_were(tmp_path: Path) -> None:
    written = run(Counting(page_counts()).method, repeats=2)
    write_judgements(written, tmp_path / "shop.parquet")
    read = read_judgements(tmp_path / "shop.parquet")
    assert len(read) == len(written) > len(TASKS)
    for one, other in zip(read, written, strict=True):
        assert replace(one, outcome=other.outcome) == other
        for name, value in vars(other.outcome).items():
            found = getattr(one.outcome, name)
            assert np.array_equal(found, value) if isinstance(value, np.ndarray) else found == value


# -- the table


def told(method: str, scores: np.ndarray, repeat: int = 0) -> Judgement:
    users = [f"u{number}" for number in range(len(scores))]
    return Judgement("shop", method, "tuning", repeat, user_mean("retrieval", "mrr", users, scores))


def lines(judgements: list[Judgement], **groups: Group) -> dict[str, str]:
    """The row of each method in the first table."""
    rows = markdown(judgements, groups).split("\n\n")[1].splitlines()[2:]
    return {row.split(" | ")[0].strip("| "): row for row in rows}


def test_bold_needs_an_interval_without_zero_to_the_best_floor_and_the_best_peer() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(300)
    floor, peer = told("floor", base), told("peer", base + 0.2)
    far, near = told("ours", base + 0.4), told("ours", base + 0.2 + rng.normal(0.01, 1, 300))
    groups: dict[str, Group] = {"floor": "floor", "peer": "peer", "ours": "ours"}
    assert "**" in lines([floor, peer, far], **groups)["ours"]
    assert near.outcome.value > peer.outcome.value, "higher, but not for certain"
    assert not any("**" in row for row in lines([floor, peer, near], **groups).values())
    assert "**" in lines([floor, peer], **groups)["peer"], "a peer may win as well"


def test_a_lone_method_and_a_tie_win_nothing() -> None:
    scores = np.linspace(0, 1, 50)
    assert "**" not in lines([told("ours", scores)], ours="ours")["ours"]
    both = lines([told("floor", scores), told("ours", scores)], floor="floor", ours="ours")
    assert not any("**" in row for row in both.values())


def test_whole_figures_need_repeats_to_be_bold() -> None:
    def agreement(method: str, value: float, repeat: int) -> Judgement:
        return Judgement("shop", method, "tuning", repeat, Outcome("personas", "ari", value, 100))

    groups: dict[str, Group] = {"floor": "floor", "ours": "ours"}
    once = [agreement("floor", 0.2, 0), agreement("ours", 0.9, 0)]
    assert "**" not in lines(once, **groups)["ours"]
    often = [agreement(m, v + 0.01 * r, r) for m, v in (("floor", 0.2), ("ours", 0.9)) for r in range(5)]
    assert "**" in lines(often, **groups)["ours"]


def test_what_ours_gains_is_reported_with_rival_and_interval() -> None:
    base = np.random.default_rng(1).random(200)
    judgements = [told("low", base), told("high", base + 0.1), told("ours", base + 0.3)]
    text = markdown(judgements, {"low": "floor", "high": "floor", "ours": "ours"})
    gain = paired_bootstrap([judgements[2].outcome], [judgements[1].outcome])
    assert gain.difference == pytest.approx(0.2)
    assert f"| ours | +0.200 [{gain.low:+.3f}, {gain.high:+.3f}] high; - |" in text


@pytest.mark.slow
def test_constant_vectors_of_a_whole_run_are_never_bold() -> None:
    """From the vectors to the table: the trick methods win no column."""
    data = small_shop()
    methods = {
        "counts": TimedMethod("counts", "floor", lambda events, seed: page_counts()),
        "constant": TimedMethod("constant", "ours", lambda events, seed: constant()),
    }
    found = [one for method in methods.values() for one in run(method, data, repeats=3)]
    text = markdown(found, {name: method.group for name, method in methods.items()})
    cells = [row for row in text.splitlines() if row.startswith("| constant ")]
    assert cells and not any("**" in row for row in cells)
