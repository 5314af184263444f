"""The documentation site builds, and none of its links is broken."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert "ml_ga4__sequence_events" in (tmp_path / "tables" / "index.html").read_text()
    assert "beha2vec materialize" in (tmp_path / "cli" / "index.html").read_text()
    assert "build_profiles" in (tmp_path / "api" / "index.html").read_text()
