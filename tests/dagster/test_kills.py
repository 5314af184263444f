"""Kills (`make bench-kills` has 56): each partition is old or new at once, and running again mends all."""

from subprocess import CompletedProcess

import pytest

from tests.dagster.project import Project
from tests.simulation.kills import Kill, World, attempt, command

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("graph")]


@pytest.fixture(scope="module")
def world(materialized: Project, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("kills"), materialized)


def _run(project: Project, work: str) -> CompletedProcess[str]:
    """In this process, which has everything imported: only what is killed needs one of its own."""
    _, _, _, *arguments = command(work)
    return project.materialize(*arguments, check=False, recorded=True)


def test_a_killed_dbt_leaves_whole_partitions_and_running_again_gives_the_rows_of_an_undisturbed_run(
    world: World,
) -> None:
    kill = Kill("dbt_incremental_models", 0.6, whole_group=False)
    assert attempt(world, "models", [kill], "models", _run) == ([], 1)


def test_kills_within_the_later_steps_too(world: World) -> None:
    steps = (("user_sequences", 0.5), ("user_embeddings", 0.8), ("user_clusters", 0.3), ("serving_database", 0.5))
    kills = [Kill(step, share, whole_group=step != "user_clusters") for step, share in steps]
    assert attempt(world, "results", kills, "results", _run) == ([], 4)
