"""``beha2vec query``: what it prints for people and for programs."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app

RUN = CliRunner()


@pytest.fixture(autouse=True)
def published(serving: duckdb.DuckDBPyConnection) -> None:
    serving.execute("create table numbers as select n, n / 3 as third, [n, n] as both from range(150) as t(n)")
    serving.execute("create table texts as select 'a' || chr(27) || '[31m' || chr(8238) || 'b' as title")
    columns = ", ".join(f"{n} as a_rather_long_name_{n}" for n in range(40))
    serving.execute(f"create table wide as select {columns}")
    serving.close()


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


def test_json_has_every_value_in_its_own_types() -> None:
    values = "1 as a, 2 as a, 'nan'::double as b, 0.5::decimal(3, 1) as c, map{date '2026-01-05': {'d': [1.5]}} as m"
    assert json.loads(query("--format", "json", f"select {values}")) == {
        "a": 1, "a_2": 2, "b": None, "c": 0.5, "m": {"2026-01-05": {"d": [1.5]}},
    }  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(query("--format", "csv", "select map{date '2026-01-05': 1} as m")))
    assert row == {"m": '{"2026-01-05": 1}'}


@pytest.mark.parametrize(
    ("command", "shown"),
    [("query --format csv 'from range(1000000)'", "range\n0\n"), ("query 'from numbers'", None), ("init x", None)],
)
def test_a_reader_may_stop_early(tmp_path: Path, command: str, shown: str | None) -> None:
    """One that reads two lines, and one that has gone before anything is written."""
    pipe = f"{sys.executable} -m beha2vec_core {command} | {'head -n 2' if shown else 'true'}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", pipe], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, shown or "", "")


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


def test_a_table_of_the_warehouse_names_the_option() -> None:
    done = RUN.invoke(app, ["query", "from raw.ga4_quarantine"])
    assert done.exit_code == 1 and "add --warehouse" in done.stderr
