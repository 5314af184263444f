"""A small project materialized once; tests look at what it left."""

from collections.abc import Iterator

import dagster as dg
import pytest

from beha2vec_core.demo_shop import write_demo_export
from tests.dagster.project import DAYS, Project, make_project


@pytest.fixture(scope="session")
def materialized(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The whole graph on six days of 500 demo users. Tests that change it take a copy."""
    project = make_project(
        tmp_path_factory.mktemp("project") / "p", start_date=DAYS[0], end_date=DAYS[-1], property_id="northfold"
    )
    write_demo_export(project.folder / project.settings["BEHA2VEC_SOURCE"], users=500, days=6, seed=3, progress=False)
    (project.folder / "audiences.yml").write_text("- {name: active, rule: sessions >= 2}")
    project.output = project.materialize("*", recorded=True).stdout
    return project


@pytest.fixture(scope="session")
def instance(materialized: Project) -> Iterator[dg.DagsterInstance]:
    """Dagster's own records of it."""
    with dg.DagsterInstance.from_config(str(materialized.folder / "dagster_home")) as instance:
        yield instance
