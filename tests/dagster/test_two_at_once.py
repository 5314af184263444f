"""A night and a person's backfill at once, with the UI and a reader open: both come to their end, nothing is lost."""

import json
import urllib.request
from pathlib import Path

import duckdb
import pytest

from tests.dagster.project import DAYS, Project, webserver
from tests.simulation.graph import differences

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("graph")]

NIGHT = (
    "raw_ga4_events,group:dbt_ga4,enriched_pages,user_sequences,user_embeddings,user_clusters,cluster_profiles,"
    "cluster_insights,serving_database"
)
RUNS = '{"query": "{ runsOrError { ... on Runs { results { status tags { key value } } } } }"}'
USERS = "select count(*) from beha2vec.user_clusters_current"


def test_two_runs_a_reader_and_the_ui_at_once(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    served = project.folder / "data" / "serving.duckdb"
    with webserver(project) as address, duckdb.connect(str(served), read_only=True) as reader:
        users = reader.execute(USERS).fetchall()
        days = [("--start", DAYS[3], "--end", DAYS[5]), ("--start", DAYS[0], "--end", DAYS[2])]
        runs = [project.start("beha2vec", "materialize", "--select", NIGHT, *of) for of in days]
        output = [run.communicate(timeout=600)[0] for run in runs]
        assert [run.returncode for run in runs] == [0, 0], "\n".join(printed[-3000:] for printed in output)
        assert "waits for warehouse.duckdb, held by process" in "".join(output)
        assert reader.execute(USERS).fetchall() == users, "who has the old file open keeps it"
        request = urllib.request.Request(
            f"{address}/graphql", RUNS.encode(), headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            shown = json.load(answer)["data"]["runsOrError"]["results"]
        assert [run["status"] for run in shown[:2]] == ["SUCCESS", "SUCCESS"]
    assert differences(project.folder / "data", materialized.folder / "data") == []
    assert not list((project.folder / "data").glob(".*")), "nothing half-written is left"
