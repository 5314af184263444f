"""The report to mail: one small file, the explorer's figures, nothing that runs but ours, nobody named."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app
from beha2vec_core.explorer.data import predictions
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.report import write_report
from tests.explorer.explorer_world import make_serving

BERLIN = ZoneInfo("Europe/Berlin")


class Reader(HTMLParser):
    """Elements, scripts and text as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.text = ""
        self._script: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs).get("type"), ""))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and self.scripts[-1][1] == "":
            self.scripts[-1] = (self.scripts[-1][0], data)
        else:
            self.text += data


@pytest.fixture(scope="module")
def report(serving: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "out" / "report.html"
    size = write_report(Published(serving), path, BERLIN)
    assert size == path.stat().st_size < 5_000_000
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(report: str) -> Reader:
    reader = Reader()
    reader.feed(report)
    return reader


def test_it_shows_what_the_explorer_shows(read: Reader) -> None:
    for shown in ("Your users at a glance", "Article readers", "Users with events a day (n =", "Map of your users"):
        assert shown in read.text
    assert "Users by similarity of behavior (n = 280 users)" in read.text
    assert "What stands out, compared with all users (n = 120 users)" in read.text
    figures = [attrs["data-figure"] for _, attrs in read.tags if "data-figure" in attrs]
    data = [attrs["id"] for tag, attrs in read.tags if tag == "script" and attrs.get("type") == "application/json"]
    assert figures == data and len(figures) >= 10
    assert "scattergl" not in "".join(text for kind, text in read.scripts if kind == "application/json")


def test_predictions_are_those_of_the_explorer(read: Reader, serving: Path) -> None:
    found = Published(serving).ask(predictions.totals, "purchase", 28)
    assert f"Of {found['users']:,.0f} users seen lately, {found['expected']:,.0f} are expected to buy" in read.text
    columns, note = Published(serving).ask(predictions.expected_purchases)
    assert len(list(columns["Cluster"])) > 1 and note in read.text
    for text in (*columns, *columns["Cluster"], *columns["95% interval"]):
        assert text in read.text


def test_texts_of_others_are_text(read: Reader) -> None:
    assert "<script>document.title='HACKED'</script>" in read.text, "as text"
    assert not {tag for tag, _ in read.tags} & {"img", "iframe", "object", "embed", "link", "a", "base", "form", "svg"}
    assert not [name for _, attrs in read.tags for name in attrs if name.startswith("on")]
    assert [kind for kind, _ in read.scripts if kind is None] == [None], "one script runs: ours"


def test_only_our_scripts_may_run_and_nothing_be_loaded(report: str, read: Reader) -> None:
    policy = next(attrs["content"] for _, attrs in read.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy and "unsafe-inline" not in policy.split("style-src")[0]
    ours = next(text for kind, text in read.scripts if kind is None)
    assert base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode() in policy
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", report.split('id="plotly"')[0])


def test_no_user_is_named(report: str, serving: Path) -> None:
    keys = Published(serving).query("select user_key from ga4.dim_ga4__users")["user_key"]
    visible = report.split('id="plotly"')[0]
    assert not [key for key in keys if re.search(rf"\b{re.escape(key)}\b", visible)]


def test_the_same_data_gives_the_same_file(report: str, serving: Path, tmp_path: Path) -> None:
    write_report(Published(serving), tmp_path / "again.html", BERLIN)
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == report


def test_what_has_not_been_made_is_reported(tmp_path: Path) -> None:
    missing = ("beha2vec.cluster_insights", "beha2vec.cluster_profiles", "beha2vec.cluster_flows")
    bare = make_serving(tmp_path / "serving.duckdb", without=missing)
    write_report(Published(bare), tmp_path / "report.html", BERLIN)
    told = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Materialize cluster_profiles, then serving_database" in told


def test_the_command(serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(serving.parent))
    done = CliRunner().invoke(app, ["report", "--out", "mail/report.html"])
    assert done.exit_code == 0 and "mail/report.html: 2." in done.output
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path / "none"))
    done = CliRunner().invoke(app, ["report"])
    assert done.exit_code == 1 and "materialize serving_database" in done.output
