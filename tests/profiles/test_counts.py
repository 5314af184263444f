"""Counts that people read: the same number everywhere, and a reason for each user who is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.explorer.published import Published
from beha2vec_core.profiles.counts import clustered_words, funnel, totals
from beha2vec_core.store.publish import publish
from beha2vec_core.store.tables import create_tables


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two days, of which one has vectors; each user is lost at another step, and three are in two clusters."""
    with duckdb.connect() as connection:
        create_tables(connection)
        connection.execute(
            """create schema ga4;
            create table ga4.ga4_quality__daily as from (values
                (date '2026-01-01', 30, 25, 3, 4, 8), (date '2026-01-02', 10, 10, 0, 1, 5),
                (date '2026-01-03', 2, 0, 0, 0, 0))
                t(event_date, raw_events, events, duplicates_dropped, events_without_user, page_views);
            create table ga4.dim_ga4__users as
                select unnest(['not read', 'no view', 'other day', 'late', 'little', 'new', 'a', 'b', 'c']) as user_key,
                    1 as sessions, case when user_key = 'a' then 2 else 0 end as purchases;
            create table ga4.fct_ga4__page_views as select unnest(['/x', '/y', null]) as page_key, null as user_key;
            create table ga4.ml_ga4__sequence_events as
                select unnest(['late', 'little', 'new', 'a', 'b', 'c']) as user_key, date '2026-01-01' as event_date,
                    true as is_page_view
                union all from (values ('no view', date '2026-01-01', false), ('a', date '2026-01-01', false),
                    ('other day', date '2026-01-02', true));
            insert into beha2vec.encoders (model_version, config, trained_at)
                values ('m1', '{"min_events": 3}', timestamp '2026-01-02');
            insert into beha2vec.cluster_models (cluster_model_version, model_version, k, promoted_at)
                values ('c1', 'm1', 3, timestamp '2026-01-03');
            insert into beha2vec.user_embeddings (event_date, model_version, user_key, low_evidence)
                select date '2026-01-01', 'm1', unnest(['little', 'new', 'a', 'b', 'c']), false;
            insert into beha2vec.user_embeddings (event_date, model_version, user_key, low_evidence)
                values (date '2026-01-02', 'm0', 'other day', false);
            insert into beha2vec.user_clusters (event_date, cluster_model_version, model_version, user_key, cluster_key)
                from (values (date '2026-01-01', 'c1', 'm1', 'little', -1), (date '2026-01-01', 'c1', 'm1', 'a', 0),
                (date '2026-01-01', 'c1', 'm1', 'b', 0), (date '2026-01-01', 'c1', 'm1', 'c', 4))"""
        )
        yield connection


STEPS = [
    ("Events", 35, [(3, "exact duplicates"), (4, "replaced tables")]),
    ("Users", 9, [(5, "no device id")]),
    ("Users with page views", 7, [(1, "only events without a page or not read"), (1, "no page or screen view")]),
    ("Users with a vector", 5, [(1, "days without vectors (vectors: 1 Jan 2026)"), (1, "check BEHA2VEC_TIMEZONE")]),
    ("Users in clusters", 3, [(1, "too little evidence, fewer than 3 events"), (1, "not assigned")]),
]


def test_each_user_who_is_lost_has_a_reason(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = funnel(warehouse)
    assert [(step.name, step.count) for step in found] == [(name, count) for name, count, _ in STEPS]
    for step, (_, _, losses) in zip(found, STEPS, strict=True):
        assert [loss.count for loss in step.losses] == [count for count, _ in losses]
        for loss, (_, words) in zip(step.losses, losses, strict=True):
            assert words in loss.why
    for before, after in pairwise(found[1:]):
        assert before.count - sum(loss.count for loss in after.losses) == after.count, "users add up"
    publish(warehouse, tmp_path / "serving.duckdb", secret=b"secret")
    with duckdb.connect(str(tmp_path / "serving.duckdb"), read_only=True) as published:
        assert funnel(published) == found and totals(published) == totals(warehouse)
    with Published(tmp_path / "serving.duckdb").cursor() as cursor:
        assert funnel(cursor) == found and totals(cursor) == totals(warehouse), "also attached, as the explorer has it"


def test_totals_count_everybody_and_only_clusters(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = totals(warehouse)
    assert (found.users, found.clustered_users, found.with_too_few_events) == (9, 3, 1)
    assert found.clusters == 2, "-1 is no cluster"
    assert (found.sessions, found.page_views, found.buyers) == (9, 3, 1)
    assert (found.first_day, found.last_day, found.days) == (date(2026, 1, 1), date(2026, 1, 2), 2)
    assert clustered_words(3, 2, 1) == "3 users in 2 clusters, and 1 with too few events"
    assert clustered_words(1, 1, 0) == "1 user in 1 cluster"


def test_a_step_whose_table_is_not_there_is_left_out(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("drop table ga4.ml_ga4__sequence_events")
    steps = {step.name: step for step in funnel(warehouse)}
    assert list(steps) == ["Events", "Users", "Users with a vector", "Users in clusters"]
    assert steps["Users with a vector"].why == "4 users: no vector"
    warehouse.execute("drop schema ga4 cascade")
    assert [step.name for step in funnel(warehouse)] == ["Users with a vector", "Users in clusters"]
    found = totals(warehouse)
    assert (found.users, found.sessions, found.page_views) == (4, None, None)
    with duckdb.connect() as empty:
        assert funnel(empty) == () and totals(empty).users == 0
