"""Nights of the simulation (`make simulate-nights` has 120): three troubles in the fast tests, all in the slow ones."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dagster.project import REPOSITORY

# beside the graph's tests, not after them
pytestmark = pytest.mark.xdist_group("nights")


def live(folder: Path, *options: str) -> dict[str, Any]:
    """The figures of a simulation, which must end as a clean build."""
    command = [sys.executable, str(REPOSITORY / "tests" / "simulation" / "nights.py"), *options]
    summary = folder / "summary.json"
    done = subprocess.run(
        [*command, "--folder", str(folder / "nights"), "--summary", str(summary)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    figures: dict[str, Any] = json.loads(summary.read_text())
    assert figures["wrong"] == []
    assert 0 < figures["users embedded"] < figures["users active in the days of a run"]
    return figures


def test_four_nights_end_as_a_clean_build(tmp_path: Path) -> None:
    figures = live(tmp_path, "--script", "--history", "6", "--users", "200")
    assert figures["runs that failed"] == 1, "a broken file"
    for trouble in ("late", "missing", "broken"):
        assert figures[f"days that came: {trouble}, mended"] == 1
    assert figures["encoders promoted"] == figures["encoders trained"] == 1, "on a Sunday"


@pytest.mark.slow
def test_nine_nights_end_as_a_clean_build(tmp_path: Path) -> None:
    figures = live(tmp_path, "--nights", "9", "--history", "6", "--users", "250")
    assert figures["runs that failed"] == 2, "a broken file, and encoders that could not be read"
    for trouble in ("late", "missing", "corrected", "duplicated", "broken"):
        assert figures[f"days that came: {trouble}, mended"] > 0
    assert figures["encoders promoted"] == figures["encoders trained"] == 2, "on two Sundays"
