"""``beha2vec query``: what it prints for people and for programs."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app

RUN = CliRunner()


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    with duckdb.connect(str(tmp_path / "data" / "serving.duckdb")) as connection:
        connection.execute("create table numbers as select n, n / 3 as third, [n, n] as both from range(150) as t(n)")
        connection.execute("create table texts as select 'a' || chr(27) || '[31m' || chr(8238) || 'b' as title")
        columns = ", ".join(f"{n} as a_rather_long_name_{n}" for n in range(40))
        connection.execute(f"create table wide as select {columns}")


def query(*arguments: str) -> str:
    done = RUN.invoke(app, ["query", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_table_hides_no_column_and_says_where_it_ends() -> None:
    assert all(f"a_rather_long_name_{n}" in query("from wide") for n in range(40))
    lines = query("from numbers order by n").splitlines()
    assert len(lines) == 103 and "first 100 rows" in lines[-1]
    assert "33.333333333333336" in query("from numbers where n = 100")


@pytest.mark.parametrize("sql", ["select title from texts", "select title || repeat('x', 100) as title from texts"])
def test_text_in_a_table_does_nothing_to_the_terminal(sql: str) -> None:
    shown = query(sql)
    assert "ab" in shown and "\x1b" not in shown and "\u202e" not in shown


def test_programs_get_all_rows() -> None:
    rows = list(csv.DictReader(io.StringIO(query("--format", "csv", "from numbers order by n"))))
    assert len(rows) == 150 and rows[100] == {"n": "100", "third": "33.333333333333336", "both": "[100, 100]"}
    lines = query("--format", "json", "select *, date '2026-01-05' as day from numbers order by n").splitlines()
    assert len(lines) == 150
    assert json.loads(lines[3]) == {"n": 3, "third": 1.0, "both": [3, 3], "day": "2026-01-05"}


@pytest.mark.parametrize(
    ("sql", "message"),
    [("select nothing from numbers", "nothing"), ("", "one SELECT"), ("select 1; select 2", "one SELECT")],
)
def test_an_error_is_one_message(sql: str, message: str) -> None:
    done = RUN.invoke(app, ["query", sql])
    assert done.exit_code == 1 and message in done.output and "Traceback" not in done.output


def test_nothing_is_written() -> None:
    done = RUN.invoke(app, ["query", "create table more as select 1"])
    assert done.exit_code == 1 and "read-only" in done.output
