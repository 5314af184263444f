"""The semantic layer: each metric equals its mart, computed here in another way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path

import duckdb
import pytest
import sqlglot
import yaml
from sqlglot import exp

from beha2vec_core.semantic.compiler import ENOUGH, compile_query, dimensions_of
from beha2vec_core.semantic.definitions import (
    DIMENSIONS,
    JOINS,
    METRICS,
    OF_CARTS,
    OF_STEPS,
    RETENTION_DAYS,
    STEPS,
    TABLES,
)
from beha2vec_core.semantic.layer import contents, run_query
from beha2vec_core.semantic.query import Did, Filter, Period, Query
from beha2vec_core.semantic.rows import NotAnswerable
from beha2vec_core.store.tables import create_tables
from tests.helpers.cases import few_fast
from tests.semantic.semantic_world import FIRST, LAST, make_world

JUNE = Period(date(2025, 6, 1), date(2025, 6, 30))  # the first month: most users are new
APRIL = Period(date(2026, 4, 1), date(2026, 4, 30))
PROJECT = Path(__file__).resolve().parents[2] / "dbt_ga4"
# what each metric is in April, from the marts; computed without the layer's definitions
SESSIONS = "from ga4.fct_ga4__sessions where session_date between '2026-04-01' and '2026-04-30'"
ORDERS = "from ga4.fct_ga4__purchases where occurred_on between '2026-04-01' and '2026-04-30'"
ITEMS = "from ga4.fct_ga4__purchase_items where occurred_on between '2026-04-01' and '2026-04-30'"
DAYS = "from ga4.fct_ga4__user_days where user_date between '2026-04-01' and '2026-04-30'"
FUNNELS = "from ga4.fct_ga4__funnel_sessions where session_date between '2026-04-01' and '2026-04-30'"
_FIRST_ORDERS = """from (select user_key, min(occurred_on) as first_order
    from ga4.fct_ga4__purchases where not is_refund_without_purchase group by 1) join (select user_key,
    min(session_date) as first_day from ga4.fct_ga4__sessions group by 1) using (user_key)
    where first_order between '2026-04-01' and '2026-04-30'"""
_VISITS_TO_ORDER = """from (select user_key, count(*) as visits, min(first_order) as first_order
    from ga4.fct_ga4__sessions join (select user_key, min(occurred_on) as first_order,
        make_timestamp(min(event_timestamp)) as ordered_at from ga4.fct_ga4__purchases
        where not is_refund_without_purchase group by 1) using (user_key)
    where session_started_at <= ordered_at group by 1)
    where first_order between '2026-04-01' and '2026-04-30'"""
_VIEWS_TO_ORDER = """from (select p.user_key, min(occurred_on) as first_order, (select count(*)
        from ga4.fct_ga4__page_views as v where v.user_key = p.user_key and v.event_timestamp < min(p.event_timestamp)
    ) as views from ga4.fct_ga4__purchases as p where not is_refund_without_purchase and user_key is not null
    group by 1)
    where first_order between '2026-04-01' and '2026-04-30'"""
EXPECTED = {
    "users": f"select count(distinct user_key) {SESSIONS}",
    "new_users": """select count(*) from (select min(session_date) as first_day from ga4.fct_ga4__sessions
        group by user_key) where first_day <= '2025-06-30'""",
    "returning_users": f"select count(distinct user_key) {DAYS} and is_returning",
    "active_users": f"select count(distinct user_key) {DAYS} and is_active",
    "sessions": f"select count(distinct session_key) {SESSIONS}",
    "engaged_rate": f"select avg(is_engaged::int) {SESSIONS}",
    "bounce_rate": f"select 1 - avg(is_engaged::int) {SESSIONS}",
    "single_page_rate": f"select avg((page_views = 1)::int) {SESSIONS}",
    "single_page_sessions": f"select count(*) {SESSIONS} and page_views = 1",
    "page_views": f"select sum(page_views)::bigint {SESSIONS}",
    "pages_per_session": f"select avg(page_views) {SESSIONS}",
    "engagement_time": f"select avg(engagement_time_msec) / 1000 {SESSIONS}",
    "time_on_page": """select avg(coalesce(engagement_time_msec, 0)) / 1000 from ga4.fct_ga4__page_views
        where occurred_on between '2026-04-01' and '2026-04-30'""",
    "key_events": """select count(*) from ga4.fct_ga4__conversions
        where occurred_on between '2026-04-01' and '2026-04-30'""",
    "conversion_rate": f"select avg((purchases > 0)::int) {SESSIONS}",
    "buyers": f"select count(distinct user_key) {ORDERS} and not is_refund_without_purchase",
    "buyer_share": f"""select avg(bought::int) from (select bool_or(purchases > 0) as bought {SESSIONS}
        group by user_key)""",
    "orders": f"select sum((not is_refund_without_purchase)::int)::bigint {ORDERS}",
    "revenue": f"select sum(revenue) {ORDERS}",
    "net_revenue": f"select sum(net_revenue) {ORDERS}",
    "tax": f"select sum(tax) {ORDERS}",
    "shipping": f"select 4.9 * count(shipping) {ORDERS}",
    "aov": f"select avg(revenue) {ORDERS} and not is_refund_without_purchase",
    "median_order_value": f"select median(revenue) {ORDERS} and not is_refund_without_purchase",
    "revenue_per_user": f"select avg(spent) from (select sum(revenue) as spent {SESSIONS} group by user_key)",
    "revenue_per_session": f"select avg(revenue) {SESSIONS}",
    "items_sold": f"select sum(quantity)::bigint {ITEMS}",
    "item_revenue": f"select sum(price * quantity) {ITEMS}",
    "retention": f"""select avg(came_back::int) from (
        select user_key, list_sort(list(user_date)) as days,
            len(list_filter(days, lambda d: d > days[1] and d <= days[1] + {RETENTION_DAYS})) > 0 as came_back
        from ga4.fct_ga4__user_days group by 1) where days[1] <= '2025-06-30'""",
    "cart_rate": f"""select (select count(step_2_at) {FUNNELS})::double / (select count(*) {SESSIONS})""",
    "checkout_rate": f"""select (select count(step_3_at) {FUNNELS})::double / (select count(*) {SESSIONS})""",
    "cart_abandonment": f"select 1 - avg((step_6_at is not null)::int) {FUNNELS} and step_2_at is not null",
    "checkout_abandonment": f"select 1 - avg((step_6_at is not null)::int) {FUNNELS} and step_3_at is not null",
    "cart_to_order": f"select avg((step_6_at is not null)::int) {FUNNELS} and step_2_at is not null",
    "checkout_completion": f"select avg((step_6_at is not null)::int) {FUNNELS} and step_3_at is not null",
    "refund_rate": f"select avg((refund_events > 0)::int) {ORDERS} and not is_refund_without_purchase",
    "refund_amount": f"select sum(refund) {ORDERS}",
    **{
        name: f"""select count(*) from ga4.stg_ga4__event_items
            where event_name = '{event}' and event_date between '2026-04-01' and '2026-04-30'"""
        for name, event in (
            ("cart_additions", "add_to_cart"),
            ("cart_removals", "remove_from_cart"),
            ("item_views", "view_item"),
            ("wishlist_additions", "add_to_wishlist"),
        )
    },
    "cart_sessions": f"select count(step_2_at) {FUNNELS}",
    "checkout_sessions": f"select count(step_3_at) {FUNNELS}",
    "engaged_sessions": f"select sum(is_engaged::int)::bigint {SESSIONS}",
    "unfinished_carts": f"select count(*) {FUNNELS} and step_2_at is not null and step_6_at is null",
    "unfinished_checkouts": f"select count(*) {FUNNELS} and step_3_at is not null and step_6_at is null",
    "cart_users": f"select count(distinct user_key) {FUNNELS} and step_2_at is not null",
    "product_view_sessions": f"select count(step_1_at) {FUNNELS}",
    "product_view_rate": f"select (select count(step_1_at) {FUNNELS})::double / (select count(*) {SESSIONS})",
    "funnel": f"select count(*) {FUNNELS}",
    **dict.fromkeys(("entrances", "exits"), f"select count(*) {SESSIONS}"),
    "exit_rate": f"select count(*) / sum(page_views) {SESSIONS}",
    "sessions_per_user": f"select avg(n) from (select count(*) as n {SESSIONS} group by user_key)",
    "items_per_order": f"select avg(n) from (select sum(quantity) as n {ITEMS} group by purchase_key)",
    "orders_per_buyer": f"""select avg(n) from (select sum((not is_refund_without_purchase)::int) as n {ORDERS}
        and user_key is not null group by user_key) where n > 0""",
    "refunded_orders": f"select sum((refund_events > 0)::int)::bigint {ORDERS} and not is_refund_without_purchase",
    "bounces": f"select sum((not is_engaged)::int)::bigint {SESSIONS}",
    "revenue_per_buyer": f"""select avg(spent) from (select sum(revenue) as spent,
        sum((not is_refund_without_purchase)::int) as n {ORDERS} and user_key is not null group by user_key)
        where n > 0""",
    "days_to_order": f"select avg(first_order - first_day) {_FIRST_ORDERS}",
    "median_days_to_order": f"select median(first_order - first_day) {_FIRST_ORDERS}",
    "visits_to_order": f"select avg(visits) {_VISITS_TO_ORDER}",
    "median_visits_to_order": f"select median(visits) {_VISITS_TO_ORDER}",
    "pages_to_order": f"select avg(views) {_VIEWS_TO_ORDER}",
    "median_pages_to_order": f"select median(views) {_VIEWS_TO_ORDER}",
    **{
        name: f"""with orders as (select *, (select count(*) from ga4.fct_ga4__purchases as n
                where n.user_key = p.user_key and n.event_timestamp < p.event_timestamp) as place
            from ga4.fct_ga4__purchases as p where user_key is not null and not is_refund_without_purchase)
            select {mean}(later.occurred_on - earlier.occurred_on) from orders as later join orders as earlier
            on earlier.user_key = later.user_key and earlier.place = later.place - 1
            where later.occurred_on between '2026-04-01' and '2026-04-30' and later.place <= {last}"""
        for name, mean, last in (
            ("days_between_orders", "avg", 999),
            ("median_days_between_orders", "median", 999),
            ("days_to_second_order", "avg", 1),
            ("median_days_to_second_order", "median", 1),
        )
    },
    "expected_buyers": """select sum(probability) from beha2vec.user_predictions_current
        where target = 'purchase' and horizon = 28""",
}
for (first, (name, _)), (last, (later, _)) in combinations(STEPS.items(), 2):
    reached = f"{FUNNELS} and furthest_step >= {first}"
    EXPECTED.setdefault(f"{name}_to_{later}", f"select avg((furthest_step >= {last})::int) {reached}")
    ended = f"{name}_{'drop' if (first, last) in OF_CARTS else 'without'}_{later}"
    EXPECTED[ended] = f"select avg((furthest_step < {last})::int) {reached}"
    taken = f"step_{last}_at - step_{first}_at"
    EXPECTED[f"{name}_to_{later}_time"] = f"select median(epoch({taken})) {FUNNELS} and {taken} >= interval 0 second"
    EXPECTED[f"{ended}_sessions"] = f"select count(*) {reached} and furthest_step < {last}"

# the rates between two steps are alike: a few of them stand for all
SOME = [name for name in METRICS if name not in OF_STEPS and not re.search("_sessions|_to_.*_time", name)]
SOME += ["view_to_cart", "shipping_to_payment", "cart_drop_order", "cart_sessions", "engaged_sessions"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = make_world(tmp_path_factory.mktemp("semantic") / "serving.duckdb")
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_equals_its_mart(world: duckdb.DuckDBPyConnection, metric: str) -> None:
    ((expected,),) = world.execute(EXPECTED[metric]).fetchall()
    period = {"expected_buyers": None, "new_users": JUNE, "retention": JUNE}.get(metric, APRIL)
    query = Query(metric, period=period)
    (row,) = run_query(world, query).rows
    assert row["value"] == pytest.approx(expected)
    assert row["value"] or metric.startswith("payment_without") or metric.endswith("_time")  # all who pay have an order
    if METRICS[metric].unit == "share":
        assert row["k"] / row["n"] == pytest.approx(row["value"])
    if METRICS[metric].unit == "money":
        assert row["currency"] == "EUR"


@pytest.mark.parametrize("metric", few_fast(SOME, every=3))
def test_every_dimension_of_a_metric_runs_and_its_parts_are_the_whole(
    world: duckdb.DuckDBPyConnection, metric: str
) -> None:
    found = dimensions_of(metric)
    assert len(found) >= 2
    ((whole,),) = [list(row.values())[:1] for row in run_query(world, Query(metric)).rows]
    for name in found:
        rows = run_query(world, Query(metric, (name,))).rows
        few = metric.endswith("second_order")  # here; and groups of a few are not ranked
        assert rows or few or DIMENSIONS[name].kind == "user", name
        counted_once = metric in ("sessions", "orders", "revenue", "net_revenue", "items_sold", "item_revenue")
        if counted_once and not name.startswith(
            ("page", "next", "previous", "theme", "item", "session", "coupon", "user")
        ):  # no more rows than 1,000, and none of no user or coupon
            assert sum(row["value"] or 0 for row in rows) == pytest.approx(whole), name


def test_what_is_read_is_published_and_described() -> None:
    """Every column that a definition names is one of dbt's described columns, or of our tables."""
    columns = {
        f"ga4.{model['name']}": {column["name"] for column in model.get("columns", [])}
        for file in PROJECT.glob("models/**/*.yml")
        for model in (yaml.load(file.read_text(), yaml.CSafeLoader) or {}).get("models", [])
        if "columns" in model
    }
    with duckdb.connect() as empty:
        create_tables(empty)
        for table, names in empty.execute(
            "select table_name, list(column_name) from duckdb_columns() where schema_name = 'beha2vec' group by 1"
        ).fetchall():
            columns[f"beha2vec.{table}"] = set(names)
    read: set[tuple[str, str]] = set()
    # dimensions join a table in the same way for all its metrics
    of_tables = {next(iter(METRICS[metric].sql)): metric for metric in SOME}
    for metric in SOME:
        dimensions = dimensions_of(metric) if metric in of_tables.values() else []
        for query in [Query(metric), *(Query(metric, (name,)) for name in dimensions)]:
            for select in sqlglot.parse_one(compile_query(query), dialect="duckdb").find_all(exp.Select):
                tables = {t.alias: f"{t.db}.{t.name}" for t in select.find_all(exp.Table) if t.db}
                read |= {
                    (tables[c.table], c.name) for c in select.find_all(exp.Column) if c.table and c.table in tables
                }
    assert len({table for table, _ in read}) > 8
    assert not [pair for pair in read if pair[1] not in columns[pair[0]]]


def test_definitions_name_what_is_there() -> None:
    assert all(alias in JOINS for table in TABLES.values() for alias in table.joins)
    assert all(table in TABLES for metric in METRICS.values() for table in metric.sql)
    phrases = [phrase for metric in METRICS.values() for phrase in metric.words]
    phrases += [phrase for dimension in DIMENSIONS.values() for phrase in dimension.words]
    assert len(phrases) == len(set(phrases)), "a phrase stands for one thing"


def test_filters_periods_and_order(world: duckdb.DuckDBPyConnection) -> None:
    rows = run_query(
        world, Query("sessions", ("channel",), (Filter("device", ("mobile", "tablet")),), APRIL, top=2)
    ).rows
    expected = world.execute(
        f"""select default_channel_group, count(*) {SESSIONS} and device_category <> 'desktop'
        group by 1 order by 2 desc, 1 limit 2"""
    ).fetchall()
    assert [(row["channel"], row["value"]) for row in rows] == expected
    least = run_query(world, Query("orders", ("country",), ascending=True)).rows
    assert [row["value"] for row in least] == sorted(row["value"] for row in least)
    months = run_query(world, Query("revenue", ("month",))).rows
    assert [row["month"] for row in months] == sorted(row["month"] for row in months) and len(months) == 12


def test_a_comparison_keeps_what_is_gone_and_what_is_new(world: duckdb.DuckDBPyConnection) -> None:
    first, last = Period(FIRST, FIRST), Period(LAST, LAST)
    rows = run_query(world, Query("sessions", ("landing_page",), period=last, versus=first)).rows
    for column, day in (("value", LAST), ("value_before", FIRST)):
        expected = dict(
            world.execute(
                "select landing_page_key, count(*) from ga4.fct_ga4__sessions where session_date = ? group by 1", [day]
            ).fetchall()
        )
        assert {row["landing_page"]: row[column] for row in rows if row[column]} == expected


def test_shares_of_a_total(world: duckdb.DuckDBPyConnection) -> None:
    (row,) = run_query(world, Query("users", filters=(Filter("device", ("mobile",)),), is_share=True)).rows
    expected = world.execute(
        """select count(distinct user_key) filter (device_category = 'mobile'), count(distinct user_key)
        from ga4.fct_ga4__sessions"""
    ).fetchall()[0]
    assert (row["value"], row["total"]) == expected
    mobile, bought = Filter("device", ("mobile",)), Filter("user", did=(Did("purchases"),))
    (row,) = run_query(world, Query("users", filters=(mobile, bought), is_share=True)).rows
    buyers = "select user_key from ga4.fct_ga4__purchases where not is_refund_without_purchase"
    of_buyers = world.execute(
        f"""select count(distinct user_key) filter (device_category = 'mobile'), count(distinct user_key)
        from ga4.fct_ga4__sessions where user_key in ({buyers})"""
    ).fetchall()[0]
    assert (row["value"], row["total"]) == of_buyers, "of all buyers, not of those who bought on mobile"
    chosen = Query("users", ("device",), (Filter("device", ("mobile", "tablet")),), is_share=True)
    assert {row["total"] for row in run_query(world, chosen).rows} == {expected[1]}, "of all devices"
    rows = run_query(world, Query("revenue", ("channel",), period=APRIL, is_share=True)).rows
    assert sum(row["value"] for row in rows) == pytest.approx(rows[0]["total"])


@pytest.mark.parametrize("metric", ["sessions", "users"])
def test_shares_within_each_group(world: duckdb.DuckDBPyConnection, metric: str) -> None:
    """Of the part that stands first, among the rows of the group that pass the other filters."""
    mobile, google = Filter("device", ("mobile",)), Filter("source", ("google",))
    rows = run_query(world, Query(metric, ("country",), (mobile, google), is_share=True, of_each=True)).rows
    what = "*" if metric == "sessions" else "distinct user_key"
    expected = world.execute(
        f"""select country, count({what}) filter (device_category = 'mobile'), count({what})
        from ga4.fct_ga4__sessions where source = 'google' group by 1 having count({what}) >= {ENOUGH}"""
    ).fetchall()
    assert len(expected) > 2 and {(row["country"], row["value"], row["total"]) for row in rows} == {*expected}
    assert all(1 <= row["n_effective"] <= row["total"] for row in rows)
    with pytest.raises(ValueError, match="breakdown, and a filter"):
        Query(metric, ("country",), is_share=True, of_each=True)


def test_the_rest_what_is_left_out_and_numbers_of_groups(world: duckdb.DuckDBPyConnection) -> None:
    google = Filter("source", ("google",))
    part, rest = world.execute(
        """select count(*) filter (source = 'google'), count(*) filter (source is distinct from 'google')
        from ga4.fct_ga4__sessions"""
    ).fetchall()[0]
    rows = run_query(world, Query("sessions", ("source",), (google,), against_rest=True)).rows
    assert {row["source"]: row["value"] for row in rows} == {"google": part, "all others": rest}
    (row,) = run_query(world, Query("sessions", filters=(Filter("source", ("google",), is_excluded=True),))).rows
    assert row["value"] == rest
    (row,) = run_query(world, Query("orders", ("user",), over=1, counts_groups=True)).rows
    assert row["value"] == world.execute(
        """select count(*) from (select user_key from ga4.fct_ga4__purchases where user_key is not null
        group by 1 having count(*) > 1)"""
    ).fetchall()[0][0]  # fmt: skip


def test_an_order_without_a_user_is_no_customer(world: duckdb.DuckDBPyConnection) -> None:
    users = {row["user"] for row in run_query(world, Query("orders", ("user",))).rows}
    (buyers,) = run_query(world, Query("buyers")).rows
    assert None not in users and len(users) == buyers["value"]


def test_shares_over_time_are_of_the_same_month(world: duckdb.DuckDBPyConnection) -> None:
    mobile = Query("sessions", ("month",), (Filter("device", ("mobile",)),), is_share=True)
    expected = world.execute(
        """select date_trunc('month', session_date)::date, count(*) filter (device_category = 'mobile'), count(*)
        from ga4.fct_ga4__sessions group by 1 order by 1"""
    ).fetchall()
    assert [(row["month"], row["value"], row["total"]) for row in run_query(world, mobile).rows] == expected


@pytest.mark.parametrize("ascending", [False, True])
def test_shares_of_groups_are_ranked_as_shares(world: duckdb.DuckDBPyConnection, ascending: bool) -> None:
    """Not by how many they are: the largest channel has the most users who ordered twice."""
    twice = Filter("user", did=(Did("purchases", at_least=2),))
    ranked = [
        Query("buyers", ("channel",), (twice,), is_share=True, ascending=ascending),
        Query("sessions", ("week",), (Filter("device", ("mobile",)),), is_share=True, ascending=ascending),
    ]
    for query in ranked:
        rows = run_query(world, query).rows
        shares = [row["value"] / row["total"] for row in rows]
        assert shares == sorted(shares, reverse=not ascending)
        assert [row["value"] for row in rows] != sorted((row["value"] for row in rows), reverse=not ascending)
        assert query.by == ("week",) or all(row["total"] >= ENOUGH for row in rows)


def test_rates_of_few_are_not_ranked(world: duckdb.DuckDBPyConnection) -> None:
    week = Period(date(2026, 5, 4), date(2026, 5, 10))
    rows = run_query(world, Query("conversion_rate", ("source",), period=week)).rows
    everything = world.execute(
        "select source, count(*) from ga4.fct_ga4__sessions where session_date between ? and ? group by 1",
        [week.first, week.last],
    ).fetchall()
    assert {row["source"] for row in rows} == {source for source, n in everything if n >= ENOUGH}
    assert len(rows) < len(everything)
    small = next(source for source, n in everything if n < ENOUGH)
    chosen = Query("conversion_rate", ("source",), (Filter("source", (small,)),), week)
    assert len(run_query(world, chosen).rows) == 1, "one that is asked for is answered, with its interval"


def test_values_are_literals(world: duckdb.DuckDBPyConnection) -> None:
    hostile = "x') or 1=1; drop table ga4.fct_ga4__sessions; --"
    result = run_query(world, Query("sessions", filters=(Filter("source", (hostile,)),)))
    assert result.rows[0]["value"] == 0 and "''" not in hostile and hostile.replace("'", "''") in result.statement
    with pytest.raises(ValueError, match="invalid literal"):
        compile_query(Query("sessions", filters=(Filter("cluster", ("1 or 1=1",)),)))


def test_money_of_several_currencies_is_no_sum(tmp_path: Path) -> None:
    path = make_world(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("update ga4.fct_ga4__purchases set currency = 'GBP' where purchase_key = 'order-x'")
        assert run_query(connection, Query("revenue", period=APRIL)).rows[0]["value"] is None
        march = run_query(connection, Query("revenue", period=APRIL.before())).rows[0]
        assert march["value"] and march["currency"] == "EUR"
        connection.execute(
            "update ga4.fct_ga4__purchases set currency = 'EUR', revenue = null where purchase_key = 'order-x'"
        )
        assert run_query(connection, Query("revenue", period=APRIL)).rows[0]["value"] is None, "one is not known"


def test_what_cannot_be_answered_is_said() -> None:
    with pytest.raises(NotAnswerable, match=r"conversion rate cannot be shown by item"):
        compile_query(Query("conversion_rate", ("item",)))
    with pytest.raises(NotAnswerable):
        compile_query(Query("expected_buyers", period=APRIL))
    assert "item_name" in compile_query(Query("revenue", ("item",))), "items have a revenue of their own"
    for wrong in (
        {"metric": "profit"},
        {"metric": "sessions", "by": ("city",)},
        {"metric": "conversion_rate", "is_share": True, "by": ("channel",)},
        {"metric": "sessions", "is_share": True},
        {"metric": "sessions", "versus": APRIL},
        {"metric": "sessions", "by": ("week",), "period": APRIL, "versus": APRIL.before()},
        {"metric": "sessions", "by": ("channel",), "top": 0},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            Query(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("period", "before"),
    [
        ("2026-04-01..2026-04-30", "2026-03-01..2026-03-31"),
        ("2026-01-01..2026-03-31", "2025-10-01..2025-12-31"),
        ("2025-01-01..2025-12-31", "2024-01-01..2024-12-31"),
        ("2026-05-01..2026-05-13", "2026-04-01..2026-04-13"),
        ("2026-01-01..2026-05-13", "2025-01-01..2025-05-13"),
        ("2026-05-04..2026-05-10", "2026-04-27..2026-05-03"),
        ("2026-05-11..2026-05-13", "2026-05-04..2026-05-06"),
        ("2026-05-07..2026-05-13", "2026-04-30..2026-05-06"),
        ("2026-05-12..2026-05-12", "2026-05-11..2026-05-11"),
        ("2026-03-01..2026-03-30", "2026-02-01..2026-02-28"),
    ],
)
def test_the_period_before(period: str, before: str) -> None:
    first, last = map(date.fromisoformat, period.split(".."))
    assert str(Period(first, last).before()) == before


def test_what_is_in_the_data(world: duckdb.DuckDBPyConnection) -> None:
    found = contents(world)
    assert found is not None and found.days == Period(FIRST, LAST)
    assert found.values["device"] == ["desktop", "mobile", "tablet"], "the most frequent first"
    assert "Wool Hat" in found.values["item"] and "shop.example.com/sale" in found.values["landing_page"]
    with duckdb.connect() as empty:
        assert contents(empty) is None


def test_returning_users_are_the_same_as_a_metric_and_as_a_part(world: duckdb.DuckDBPyConnection) -> None:
    """GA4's definition: from session 2 on; a user with two sessions on their first day is new, and returning."""
    (row,) = run_query(world, Query("returning_users", period=JUNE)).rows
    parts = {
        one["new_or_returning"]: one["value"]
        for one in run_query(world, Query("users", ("new_or_returning",), period=JUNE)).rows
    }
    assert row["value"] == parts["returning"] > 0
    (new,) = run_query(world, Query("new_users", period=JUNE)).rows
    assert parts["new"] == new["value"]
    both = world.execute(
        """select count(*) from ga4.fct_ga4__user_days where is_new and is_returning and user_date <= '2025-06-30'"""
    ).fetchall()[0][0]
    assert both > 0
