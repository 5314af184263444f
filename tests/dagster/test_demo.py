"""The demo from a wheel: clusters find the planted personas better than bags of pages do, and facts name them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.dagster.project import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tests" / "benchmarks"))
from tests.benchmarks.demo_clusters import measure
from tests.benchmarks.profile_facts import measure as recovered

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project made by ``init``, with the results of ``demo``. Not from the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    source, site = folder / "source", folder / "site"
    for name in ("beha2vec_core", "beha2vec_dagster", "dbt_ga4"):
        shutil.copytree(
            REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("target", "storage", "__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
    subprocess.run([*pip, "--target", str(site), str(source)], check=True)
    shutil.rmtree(source)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BEHA2VEC_", "DAGSTER_"))}

    def run(where: Path, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=where, env=environment | {"PYTHONPATH": str(site)}, capture_output=True, text=True, timeout=1800,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    run(folder, "beha2vec_core", "init", "x")
    assert str(site) in run(folder / "x", "inspect", "--details", "beha2vec_dagster")
    assert "users in" in run(folder / "x", "beha2vec_core", "demo")
    return folder / "x"


def test_clusters_agree_with_personas_and_not_with_page_views(demo: Path) -> None:
    data = demo / "data"
    rows = {(row.method, row.k): row for row in measure(data, data / "demo_export_truth.parquet")}
    ours = next(row for (method, _), row in rows.items() if method.startswith("user_clusters"))
    assert ours.ari > rows["K-Means over bags of pages", ours.k].ari + 0.2
    assert rows["K-Means over behavior vectors", 8].ari > rows["K-Means over bags of pages", 8].ari + 0.2
    assert ours.eta_squared < 0.5
    clustered = next(row for row in rows.values() if row.method.startswith("user_clusters (as") and row.users < 2_000)
    assert clustered.k == 8 and clustered.ari > 0.8
    assert ours.largest_share <= 0.5
    personas = recovered(data, data / "demo_export_truth.parquet")
    # a channel of 7 % of 200 users beside 3 % of all may be chance
    assert sum(not all(row.channel.values()) for row in personas) <= 1
    for row in personas:
        assert all(row.pages.values()), row
        planted, found = row.conversion
        # near a p-value of 5% one user more or less decides
        assert {planted, found} != {"less", "more"}, row


def test_twelve_weeks_are_enough_for_predictions(demo: Path) -> None:
    with duckdb.connect(str(demo / "data" / "serving.duckdb"), read_only=True) as connection:
        models = connection.execute(
            """select target, horizon, count(*) from beha2vec.user_predictions_current
            where method not like 'base rate%' group by all order by all"""
        ).fetchall()
    users = {count for target, _, count in models if target in ("purchase", "return")}
    horizons = {(target, horizon) for target, horizon, _ in models}
    assert {("purchase", 28), ("return", 7), ("return", 14), ("return", 28)} <= horizons
    assert min(users) > 500
