"""Nights of the simulation (`make simulate-nights` has 120): three troubles in the fast tests, all in the slow ones."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulation import nights


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is where it was, with its environment, after it has been a project's."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def live(folder: Path, *options: str) -> dict[str, Any]:
    """The figures of a simulation, which must end as a clean build."""
    summary = folder / "summary.json"
    assert nights.main([*options, "--folder", str(folder / "nights"), "--summary", str(summary)]) == 0
    figures: dict[str, Any] = json.loads(summary.read_text())
    assert figures["wrong"] == []
    assert 0 < figures["users embedded"] < figures["users active in the days of a run"]
    return figures


@pytest.mark.xdist_group("graph")  # which shares the dbt that runs
def test_four_nights_end_as_a_clean_build(tmp_path: Path) -> None:
    figures = live(tmp_path, "--script", "--history", "3", "--users", "200")
    assert figures["runs that failed"] == 1, "a broken file"
    for trouble in ("late", "missing", "broken"):
        assert figures[f"days that came: {trouble}, mended"] == 1
    assert figures["encoders promoted"] == figures["encoders trained"] == 1, "on a Sunday"


@pytest.mark.slow
@pytest.mark.xdist_group("nights")  # beside the graph's tests, not after them
def test_nine_nights_end_as_a_clean_build(tmp_path: Path) -> None:
    figures = live(tmp_path, "--nights", "9", "--history", "6", "--users", "250")
    assert figures["runs that failed"] == 2, "a broken file, and encoders that could not be read"
    for trouble in ("late", "missing", "corrected", "duplicated", "broken"):
        assert figures[f"days that came: {trouble}, mended"] > 0
    assert figures["encoders promoted"] == figures["encoders trained"] == 2, "on two Sundays"
