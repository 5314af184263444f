"""Ten nights of the simulation (`make simulate-nights` has 120), in which each trouble comes once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from project import REPOSITORY

# beside the graph's tests, not after them
pytestmark = pytest.mark.xdist_group("nights")


def test_ten_nights_end_as_a_clean_build(tmp_path: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "tests" / "simulation" / "nights.py")]
    size = ["--nights", "10", "--history", "6", "--users", "250", "--folder", str(tmp_path / "nights")]
    summary = tmp_path / "summary.json"
    done = subprocess.run(
        [*command, *size, "--summary", str(summary)], cwd=REPOSITORY, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    figures = json.loads(summary.read_text())
    assert figures["wrong"] == []
    for trouble in ("late", "missing", "corrected", "duplicated", "broken"):
        assert figures[f"days that came: {trouble}, mended"] > 0
    assert figures["runs that failed"] == 2, "a broken file, and encoders that could not be read"
    assert figures["encoders promoted"] == figures["encoders trained"] == 2, "on two Sundays"
    assert 0 < figures["users embedded"] < figures["users active in the days of a run"]
