"""Features end where the future begins, on a whole export; of a large site, past Mondays are of a sample of persons."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files
from beha2vec_core.store.sample import in_sample
from tests.dbt.conftest import Warehouse

FEATURES = """
    select columns(
        lambda name: not regexp_matches(name, '^(will|next|revenue)_.*_?(7|14|28)d$|^exported_until$'))
    from ga4.ml_ga4__user_features order by all"""
LABELS = """
    select user_key, will_return_7d, will_purchase_7d, revenue_7d, next_actions_7d
    from ga4.ml_ga4__user_features order by all"""
# as many events as before, of the same days: whose they are and what they say is drawn from all of them
NOISE = """
    with numbered as (select *, row_number() over () as n, count(*) over () as events from before)
    select numbered.* exclude (n, events) replace (
        other.user_pseudo_id as user_pseudo_id, other.event_name as event_name,
        other.event_timestamp as event_timestamp,
        another.ecommerce as ecommerce, another.device as device, another.traffic_source as traffic_source
    )
    from numbered
    join numbered as other on other.n = (numbered.n * 7919 + 13) % numbered.events + 1
    join numbered as another on another.n = (numbered.n * 104729 + 31) % numbered.events + 1"""


@pytest.mark.slow
def test_noise_after_the_date_changes_no_feature(warehouse: Warehouse, tmp_path: Path) -> None:
    """Replacing all that is exported from as_of on by noise changes labels, and no feature by a bit."""
    export, raw = tmp_path / "export", warehouse.data_dir / "raw_ga4_events"
    days = [date(2026, 1, 5) + timedelta(days=n) for n in range(24)]
    # the shop's evening is midnight in UTC
    shop = {"timezone": "America/Los_Angeles", "start_date": days[0]}
    write_demo_export(export, users=500, days=len(days), seed=9, progress=False, **shop)
    ingest_days(find_source_files(str(export), "demo"), days, raw)
    warehouse.dbt("run", "--select", "+int_ga4__sessions")
    # a date that sessions lie on both sides of
    ((as_of,),) = warehouse.query("""
        select min(session_ended_at::date)::varchar from ga4.int_ga4__sessions
        where session_ended_at::date > session_started_at::date and session_started_at >= date '2026-01-08'""")
    assert as_of <= "2026-01-18"

    def build() -> None:
        warehouse.dbt("run", "--full-refresh", "--select", "+ml_ga4__user_features", feature_as_of_dates=[as_of])

    build()
    known = warehouse.query(FEATURES)
    assert len(known) > 100 and sum(bool(returns) for _, returns, *_ in warehouse.query(LABELS)) > 5

    labels = warehouse.query(LABELS)
    later = [file for file in raw.rglob("*.parquet") if file.parent.name >= f"event_date={as_of}"]
    assert len(later) > 5
    for file in later:
        before = duckdb.sql(f"from read_parquet('{file}', hive_partitioning = false)").to_arrow_table()
        noise = duckdb.sql(NOISE).to_arrow_table()
        assert noise.num_rows == before.num_rows
        duckdb.execute(f"copy noise to '{file}'")
    build()
    assert warehouse.query(FEATURES) == known
    assert warehouse.query(LABELS) != labels


# 3,000 devices come once, 750 twice; 125 of these fill a cart and 75 buy; the first 200 are of 100 persons who log in
DEVICES = """
    create table ga4.int_ga4__events_sessionized as
    with visits as (
        select i, n, date '2025-12-28' + (i * 7 % 60 + 20 * n)::int as day
        from range(3750) as devices(i), range(2) as visits(n) where n = 0 or i < 750)
    select 'p' as property_id, md5('d' || i) as client_key, md5(i || '-' || n) as session_key, day as session_date,
        day as occurred_on, day as event_date, epoch_us(day::timestamp) + step as event_timestamp, step as event_index,
        case when step = 1 and i % 6 = 0 then 'add_to_cart' when step = 2 and i % 10 = 0 then 'purchase'
            else 'page_view' end as event_name,
        event_name = 'page_view' as is_page_view, 'a page' as page_title, 1 as session_engaged,
        10 as engagement_time_msec, 'desktop' as device_category, 'Firefox' as browser, 'Austria' as country,
        case when i < 200 then 'u' || i // 2 end as user_id
    from visits, range(3) as steps(step) where step = 0 or i < 750;
    create table ga4.int_ga4__purchases as
    select property_id, client_key, event_date, occurred_on, 10.0::double as revenue, 10.0::double as event_revenue,
        10.0::double as revenue_in_usd, 'USD' as currency, false as is_refund_without_purchase
    from ga4.int_ga4__events_sessionized where event_name = 'purchase';
    create table ga4.int_ga4__session_traffic_sources as
    select distinct session_key, 'Direct' as default_channel_group from ga4.int_ga4__events_sessionized;
    create table ga4.int_ga4__identity_map as
    select property_id, client_key, min(session_date) as first_seen,
        case when {stitches} and any_value(user_id) is not null then md5('p|user_id|' || any_value(user_id))
            else client_key end as user_key
    from ga4.int_ga4__events_sessionized group by property_id, client_key"""


@pytest.mark.slow
@pytest.mark.parametrize("stitching", ["client_id", "user_id"])
def test_past_mondays_of_a_large_site_have_a_sample(warehouse: Warehouse, stitching: str) -> None:
    query = warehouse.query
    query(DEVICES.format(stitches=stitching == "user_id"))
    for table, users in (("all_persons", 5_000), ("some", 1_000)):
        variables = {"feature_users": users, "identity_stitching": stitching, "lookback_days": 60}
        warehouse.dbt("run", "--select", "ml_ga4__user_features", **variables)
        query(f"create or replace table ga4.{table} as from ga4.ml_ga4__user_features")
    assert query("select distinct sampling_weight from ga4.all_persons") == [(1,)]

    # the newest days are whole, and every other row is as without a sample
    newest = "as_of > (select max(exported_until) - 2 from ga4.all_persons)"
    assert query(f"select count(distinct as_of), count(*) > 7000 from ga4.some where {newest}") == [(3, True)]
    assert query(f"from ga4.all_persons where {newest} except from ga4.some") == []
    weightless = "select * exclude (sampling_weight) from ga4"
    assert query(f"({weightless}.some) except ({weightless}.all_persons)") == []

    # a night of one day has only the date after it: of the two before, one is left out, and the Monday has a sample
    night, monday = "2026-03-17", "as_of = date '2026-03-16'"
    assert query("select distinct exported_until::varchar from ga4.some") == [(night,)]
    warehouse.dbt("run", "--select", "ml_ga4__user_features", **variables, min_date=night, max_date=night)
    kept, made = (
        f"from ga4.{table} where as_of > date '{night}' or as_of < date '2026-03-16'"
        for table in ("some", "ml_ga4__user_features")
    )
    assert query(f"({kept}) except all ({made})") == query(f"({made}) except all ({kept})") == []
    assert query(f"select count(*) from ga4.ml_ga4__user_features where as_of = date '{night}'") == [(0,)]
    sampled = f"select * exclude (sampling_weight) from ga4.ml_ga4__user_features where {monday}"
    assert query(f"({sampled}) except ({weightless}.some where {monday})") == []
    users = f"select count(*), sum(sampling_weight) from ga4.{{}} where {monday}"
    (((drawn, stand_for),), ((everyone, _),)) = (
        query(users.format(table)) for table in ("ml_ga4__user_features", "some")
    )
    assert 0 < drawn < everyone / 2 and stand_for == pytest.approx(everyone, rel=0.15)

    # who is in it depends on a hash, as in Python, and on what they did: all buyers are, and all who did something rare
    once = "user_key in (select md5('d' || i) from range(750, 3750) as devices(i))"
    query(f"""create or replace table ga4.persons as
        select user_key, bool_or(purchases_ever > 0) as bought, {once} as once, max(weight) as weight
        from (from ga4.all_persons where not ({newest})) as whole
        left join (select user_key, as_of, sampling_weight as weight from ga4.some) as drawn using (user_key, as_of)
        group by user_key""")
    counts = "count(*), count(weight), count(*) filter (bought), count(*) filter (bought and weight = 1)"
    ((persons, drawn, buyers, buyers_drawn),) = query(f"select {counts} from ga4.persons")
    assert persons > 3_500 and 500 < drawn <= 1_000 and buyers == buyers_drawn > 50
    ((weight,),) = query("select distinct weight from ga4.persons where once and weight is not null")
    assert weight in (4, 8, 16)
    wrong = f"(weight is not null) <> ({in_sample('user_key', weight)})"
    assert query(f"select count(*) from ga4.persons where once and {wrong}") == [(0,)]

    # and by their weights they stand for all
    totals = """select as_of, sum(sampling_weight), sum(sampling_weight * purchases), sum(sampling_weight * sessions)
        from ga4.{} group by as_of order by as_of"""
    for some, everyone in zip(*(query(totals.format(table)) for table in ("some", "all_persons")), strict=True):
        assert some[1:] == pytest.approx(everyone[1:], rel=0.15, abs=50)
