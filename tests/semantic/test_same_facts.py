"""Facts of clusters and metrics are one definition where both have the same number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from beha2vec_core.profiles.settings import WAREHOUSE
from tests.semantic.same_facts import assert_facts_equal_metrics
from tests.semantic.semantic_world import make_world


def test_facts_of_clusters_equal_the_metrics_by_cluster(tmp_path: Path) -> None:
    with duckdb.connect(str(make_world(tmp_path / "serving.duckdb"))) as connection:
        # the users of these sessions, in place of those of the clusters' world
        connection.execute(
            """create or replace table ga4.dim_ga4__users as
            select u.* exclude (page_views, sessions, purchases, revenue, engagement_time_msec, currency), s.*,
                'EUR' as currency
            from ga4.dim_ga4__users u join (
                select user_key, sum(page_views)::bigint as page_views, count(*) as sessions,
                    sum(purchases)::bigint as purchases, sum(revenue) as revenue,
                    sum(engagement_time_msec)::bigint as engagement_time_msec
                from ga4.fct_ga4__sessions group by 1) s using (user_key);
            delete from beha2vec.user_clusters_current where user_key not in (from ga4.dim_ga4__users select user_key);
            create table identities as select user_key as client_key, user_key from ga4.dim_ga4__users;
            create table event_items as
            select null::varchar as client_key, null::varchar as event_name, null::varchar as item_name,
                null::varchar as item_id, null::varchar as item_category where false;
            -- one in three was here before
            create or replace temp view seen_before as from ga4.dim_ga4__users where hash(user_key) % 3 = 0;
            update ga4.fct_ga4__sessions set ga_session_number = ga_session_number + 2
            where user_key in (select user_key from seen_before);
            update ga4.fct_ga4__user_days set is_new = false, is_returning = true
            where user_key in (select user_key from seen_before)"""
        )
        sources = replace(WAREHOUSE, identities="identities", event_items="event_items")
        assert_facts_equal_metrics(connection, sources)
