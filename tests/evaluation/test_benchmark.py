"""What `make bench-encoder` prints, on a few users."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.judgements import Judgement, read_judgements
from tests.benchmarks.rivals import METHODS

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "encoders.py"

pytestmark = pytest.mark.slow


def judged(folder: Path, *options: str) -> tuple[str, list[Judgement]]:
    """What the benchmark printed, and what it judged."""
    command = [sys.executable, str(BENCHMARK), "--folder", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, [one for file in sorted(folder.glob("*.parquet")) for one in read_judgements(file)]


def figures(judgements: list[Judgement], data: str, task: str, metric: str) -> dict[str, float]:
    """The figure of each method."""
    return {
        one.method: one.outcome.value
        for one in judgements
        if (one.data, one.outcome.task, one.outcome.metric) == (data, task, metric)
    }


def test_every_method_is_judged_and_what_was_planted_is_found(tmp_path: Path) -> None:
    tasks = ("--tasks", "intent", "next page", "content")  # of one fit; the others are judged below
    printed, judgements = judged(tmp_path, "--fast", "--data", "demo_intent", *tasks)
    assert "the ceiling of content: eta2 of length" in printed
    speed = printed.partition("**Speed**")[2]
    for name in METHODS:
        assert f"\n| {name} |" in speed or f"Left out: {name}: CoLES" in printed, name
    intent = figures(judgements, "demo_intent", "intent", "auroc")
    assert abs(intent["rich counts"] - 0.5) < 0.15, "counts cannot see the order that was planted"
    following = figures(judgements, "demo_intent", "next page", "mrr@10")
    assert following["ours"] > following["popular"] + 0.1


def test_halves_of_a_persona_find_each_other(tmp_path: Path) -> None:
    asked = ("--data", "demo_personas", "--methods", "length", "ours", "--tasks", "retrieval")
    halves = figures(judged(tmp_path, "--fast", *asked)[1], "demo_personas", "retrieval", "mrr")
    assert halves["ours"] > halves["length"] + 0.1


def test_the_same_figures_again(tmp_path: Path) -> None:
    options = ("--fast", "--users", "100", "--data", "demo_intent", "--methods", "rich counts", "Markov mix", "ours")
    first, second = (judged(tmp_path / name, *options)[1] for name in ("first", "second"))
    assert [told(one) for one in first] == [told(one) for one in second]
    assert len(first) > 20


def told(one: Judgement) -> tuple[str, str, str, float]:
    """What must not change; speed is the machine's."""
    outcome = one.outcome
    return one.method, outcome.task, outcome.metric, 0.0 if outcome.task == "speed" else outcome.value
