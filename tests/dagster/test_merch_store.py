"""A quarter of real visits, 93 daily partitions in one single-run backfill."""

import pytest

from tests.dagster.project import REPOSITORY, Project, make_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("merch")]

DATA = REPOSITORY / ".." / "shared" / "data" / "merch_store_2016_2017"


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Project:
    if not DATA.exists():
        pytest.skip("the merch store's export is not on this machine")
    project = make_project(
        tmp_path_factory.mktemp("quarter") / "p", source=str(DATA.resolve() / "export"), start_date="2017-05-01",
        end_date="2017-08-01", timezone="America/Los_Angeles", property_id="merch_store",
    )  # fmt: skip
    project.output = project.materialize("*").stdout
    return project


def test_every_event_is_accounted_for(quarter: Project) -> None:
    days, rows_in, accepted, quarantined = quarter.query(
        "select count(*), sum(rows_in), sum(accepted), sum(quarantined) from raw.ga4_ingest_log"
    )[0]
    assert (days, rows_in, accepted, quarantined) == (93, 6_509, 6_509, 0)
    staged, dropped = quarter.query(
        """select (select count(*) from ga4.stg_ga4__events),
        (select sum(duplicates_dropped) from ga4.ga4_quality__daily)"""
    )[0]
    assert staged + dropped == 6_509 and dropped == 0


def test_every_user_with_a_page_view_has_an_embedding(quarter: Project) -> None:
    assert quarter.query("select count(*) from ga4.dim_ga4__users") == [(686,)]
    viewers = "select distinct user_key from ga4.fct_ga4__page_views where user_key is not null"
    assert quarter.query(f"select count(*) from ({viewers})") == [(685,)]
    embedded = "select distinct user_key from beha2vec.user_embeddings"
    assert quarter.query(f"select count(*) from ({embedded})") == [(685,)]
    assert quarter.query(f"({viewers}) except ({embedded})") == []


def test_clusters_are_no_page_view_buckets(quarter: Project) -> None:
    import numpy as np

    from beha2vec_core.clusters import eta_squared

    rows = quarter.query(
        """select cluster_key, ln(greatest(page_views, 1)) from beha2vec.user_clusters_current
        join ga4.dim_ga4__users using (user_key) where cluster_key >= 0"""  # the others are who viewed too little
    )
    assert len(rows) > 200
    labels, log_views = (np.asarray(column) for column in zip(*rows, strict=True))
    assert eta_squared(labels, log_views) < 0.5
    assert np.bincount(labels).max() <= 0.5 * len(labels)
