"""``beha2vec audiences``: who is in an audience, and what would change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.audiences.file import Audience
from beha2vec_core.audiences.members import write_members
from beha2vec_core.cli import app
from tests.audiences.audience_world import make_world

RUN = CliRunner()
FILE = """
- name: buyers
  description: who bought
  rule: purchases > 0
  purpose: ads
  exclude: purchases = 4
- name: quiet
  rule: days_since_last_seen > 50
"""


@pytest.fixture(autouse=True)
def published(serving: duckdb.DuckDBPyConnection) -> None:
    make_world(serving)
    write_members(serving, [Audience(name="buyers", rule="purchases > 1")], date(2026, 3, 29), b"k" * 32)
    serving.close()
    Path("audiences.yml").write_text(FILE)


def _output(*arguments: str, code: int = 0) -> str:
    done = RUN.invoke(app, ["audiences", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_the_list_has_members_descriptions_and_rules() -> None:
    text = _output("list")
    assert "buyers  (ads, 600 members)\n    who bought\n    purchases > 0" in text
    assert "quiet  (analytics, 0 members)" in text


def test_the_list_names_a_rule_that_cannot_be_used_and_counts_no_members_of_it() -> None:
    Path("audiences.yml").write_text(FILE + "- {name: wrong, rule: purchase > 0}\n- {name: none, rule: purchases > 99}")
    text = _output("list")
    assert "wrong  (analytics, members not known)" in text and "none  (analytics, 0 members)" in text
    assert "purchase is not known; did you mean purchases" in text


def test_names_have_descriptions() -> None:
    lines = _output("names").splitlines()
    assert any(line.startswith("country ") and line.endswith("Country of the user.") for line in lines)
    assert any(line.startswith("probability(target, horizon) ") for line in lines)
    assert any(line.startswith("in_audience(audience) ") for line in lines)


def test_a_preview_counts_each_step() -> None:
    text = _output("preview", "buyers")
    assert [line.split()[-2:] for line in text.splitlines()[1:5]] == [
        ["left", "out"],
        ["rule", "800"],
        ["400", "400"],
        ["300", "100"],
    ]
    assert "Largest clusters among the members:" in text


def test_a_diff_says_who_would_enter_and_leave() -> None:
    text = _output("diff", "buyers")
    assert "compared with 2026-03-29" in text
    assert [line.strip() for line in text.splitlines()[1:]] == [
        "200 users would enter", "600 users would stay", "0 users would leave",
    ]  # fmt: skip


def test_a_diff_of_an_audience_that_is_new_or_empty() -> None:
    assert "users would enter" in _output("diff", "quiet") and "0 users would leave" in _output("diff", "quiet")
    Path("audiences.yml").write_text("- {name: none, rule: purchases > 400}")
    assert "0 users would enter" in _output("diff", "none")


def test_a_preview_makes_no_key() -> None:
    _output("preview", "buyers")
    assert not Path("data/privacy.key").exists()


def test_a_copy_of_an_earlier_release_is_published_again() -> None:
    with duckdb.connect("data/serving.duckdb") as connection:
        connection.execute("drop view beha2vec.audience_members_current").fetchall()
        connection.execute("drop table beha2vec.audience_members").fetchall()
    for command in (["list"], ["diff", "buyers"]):
        assert "Materialize serving_database again" in _output(*command, code=2)


def test_mistakes_are_named() -> None:
    assert "did you mean buyers?" in _output("preview", "buyer", code=2)
    Path("audiences.yml").write_text("- {name: a, rule: purchase > 0}")
    assert "did you mean purchases" in _output("diff", "a", code=2)
    Path("audiences.yml").unlink()
    assert "audiences.yml has no audiences" in _output("list", code=1)
    assert "\npurchases\n" in _output("names"), "names need no file"
