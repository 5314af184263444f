"""A long range is built by several dbt calls: the same rows as one call, and a stopped build goes on where it was."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import duckdb
import pytest

from tests.dagster.project import DAYS, Project

pytestmark = pytest.mark.xdist_group("graph")

MODELS = "group:dbt_ga4"
FULL_REFRESH = json.dumps({"ops": {"dbt_incremental_models": {"config": {"full_refresh": True}}}})
TWO_DAYS = {"BEHA2VEC_DBT_CHUNK_DAYS": "2"}
RECORDS = "select (select count(*) from cache.dbt_chunks), (select count(*) from cache.pending_full_refresh)"


def rows(project: Project) -> dict[str, list[tuple]]:
    """All rows of dbt's tables; sums of fractions up to the order in which they were added."""
    with duckdb.connect(str(project.warehouse), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'ga4' order by all"
        ).fetchall()
        found = {}
        for (name,) in names:
            types = connection.execute(f"select column_name, column_type from (describe ga4.{name})").fetchall()
            rounded = ", ".join(f"round({column}, 6) as {column}" for column, kind in types if kind == "DOUBLE")
            select = f"select * {f'replace ({rounded})' if rounded else ''} from ga4.{name} order by all"
            found[name] = connection.execute(select).fetchall()
        return found


def assert_same(project: Project, expected: dict[str, list[tuple]]) -> None:
    found = rows(project)
    assert list(found) == list(expected)
    for name, of in expected.items():
        assert found[name] == of, name


def calls(output: str) -> list[str]:
    return re.findall(r"(\S+ to \S+) \(\d+/\d+ dbt calls\)", output)


def test_chunks_give_the_rows_of_one_call(materialized: Project, tmp_path: Path) -> None:
    expected = rows(materialized)
    project = materialized.copy(tmp_path / "p")
    done = project.materialize(MODELS, "--config", FULL_REFRESH, "--start", DAYS[-1], "--end", DAYS[-1], **TWO_DAYS)
    assert calls(done.stdout) == [f"{DAYS[0]} to {DAYS[1]}", f"{DAYS[2]} to {DAYS[3]}"], "the last call ends the step"
    assert_same(project, expected)
    assert project.query(RECORDS) == [(0, 0)]
