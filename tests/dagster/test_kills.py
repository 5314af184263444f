"""Kills (`make bench-kills` has 56): each partition is old or new at once, and running again mends all."""

from pathlib import Path

import pytest
from project import Project

from tests.simulation.kills import Kill, World, attempt

pytestmark = pytest.mark.xdist_group("graph")


def test_a_killed_dbt_leaves_whole_partitions_and_running_again_gives_the_rows_of_an_undisturbed_run(
    materialized: Project, tmp_path: Path
) -> None:
    kill = Kill("dbt_incremental_models", 0.6, whole_group=False)
    assert attempt(World(tmp_path, materialized), "models", [kill], "models") == ([], 1)


@pytest.mark.slow
def test_kills_within_the_later_steps_too(materialized: Project, tmp_path: Path) -> None:
    steps = (("user_sequences", 0.5), ("user_embeddings", 0.8), ("user_clusters", 0.3), ("serving_database", 0.5))
    kills = [Kill(step, share, whole_group=step != "user_clusters") for step, share in steps]
    assert attempt(World(tmp_path, materialized), "results", kills, "results") == ([], 4)
