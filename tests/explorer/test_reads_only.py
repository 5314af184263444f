"""The explorer runs where it can write neither the data nor the code that it reads, as deploy/ starts it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.explorer.browsing import drawn, free_port
from tests.explorer.explorer_world import REPOSITORY, serve
from tests.explorer.test_browser import pytestmark  # noqa: F401

# root may write what its rights forbid, unless it gives that up
UNDER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all")


def _all(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield folder
        yield from folder.rglob("*")


def _state(*folders: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in _all(*folders)}


@pytest.fixture
def project(more_serving: Path, tmp_path: Path) -> Iterator[Path]:
    """A project of which the explorer may write the folder of corrections, and nothing else."""
    (tmp_path / "data").mkdir()
    shutil.copy(more_serving, tmp_path / "data" / "serving.duckdb")
    shutil.copytree(REPOSITORY / "beha2vec_core", tmp_path / "code" / "beha2vec_core")
    (tmp_path / "corrections").mkdir()
    (tmp_path / "server.log").touch()
    (tmp_path / "corrections" / "audiences.yml").write_text("[]\n")
    locked = [tmp_path, *_all(tmp_path / "data", tmp_path / "code")]
    for path in locked:
        path.chmod(path.stat().st_mode & ~0o222)
    yield tmp_path
    for path in locked:
        path.chmod(path.stat().st_mode | 0o200)


@pytest.mark.slow
def test_all_views_are_shown_and_only_audiences_are_written(project: Path, context: BrowserContext) -> None:
    under = UNDER if os.geteuid() == 0 else ()
    assert subprocess.run([*under, "touch", project / "data" / "new"], capture_output=True).returncode != 0
    before = _state(project / "data", project / "code")
    page = context.new_page()
    settings = {
        "BEHA2VEC_AUDIENCES_FILE": str(project / "corrections" / "audiences.yml"),
        "BEHA2VEC_PAGE_OVERRIDES_FILE": str(project / "corrections" / "overrides.csv"),
        "HOME": str(project),
    }
    with serve(project, free_port(), *under, code=project / "code", **settings) as address:
        page.goto(address)
        drawn(page)
        links = page.locator("[data-testid=stSidebarNavLink]")
        for number in range(links.count()):
            links.nth(number).click()
            drawn(page)
            assert page.get_by_test_id("stException").count() == 0, page.url
            assert page.get_by_text(re.compile("Permission denied|cannot be written|read-only")).count() == 0, page.url
        page.goto(f"{address}/clusters?cluster=2")
        drawn(page)
        page.get_by_role("button", name="Make it an audience").first.click()
        page.get_by_label("Name", exact=True).fill("readers")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Save to audiences.yml").click()
        expect(page.get_by_text(re.compile("^Saved."))).to_be_visible()
    assert "name: readers" in (project / "corrections" / "audiences.yml").read_text()
    assert _state(project / "data", project / "code") == before
    assert "Permission denied" not in (project / "server.log").read_text()
