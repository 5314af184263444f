"""The order of two things done, the next page, the first of each group, days without, ratios: each as SQL gives it."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.words import number

SESSIONS = "ga4.fct_ga4__sessions"
ORDERS = "(from ga4.fct_ga4__purchases where not is_refund_without_purchase and user_key is not null)"
VIEWS = "(from ga4.fct_ga4__page_views join beha2vec.enriched_pages using (page_key))"
FIRST = f"(select user_key, min(session_started_at) as begun from {SESSIONS} where ga_session_number = 1 group by 1)"
AT = "make_timestamp(event_timestamp)"
USERS = "select count(distinct user_key) from"
SHOES = f"(select user_key, min({AT}) as begun from {VIEWS} where theme = 'shoes' group by 1)"
MONTH = f"(from {SESSIONS} where date_trunc('month', session_date) ="
AFTER_SHOES = f"{USERS} {ORDERS} join {SHOES} using (user_key) where {AT} > begun"
APRIL = (
    "ga4.fct_ga4__purchases where not is_refund_without_purchase and date_trunc('month', occurred_on) = '2026-04-01'"
)
COUNTED = {  # a number in the answer, and the SQL of it
    "how many users viewed shoes before they ordered?": AFTER_SHOES,
    "how many people ordered after viewing shoes": AFTER_SHOES,
    "how many users viewed shoes and then ordered": AFTER_SHOES,
    "how many visitors bought within 7 days of their first visit": (
        f"""{USERS} {ORDERS} join {FIRST} using (user_key)
        where {AT} >= begun and occurred_on - begun::date between 0 and 7"""
    ),
    "how many visitors did not buy within 7 days of their first visit": (
        f"""{USERS} {SESSIONS} where user_key not in (select user_key from {ORDERS} join {FIRST} using (user_key)
        where {AT} >= begun and occurred_on - begun::date between 0 and 7)"""
    ),
    "how many new visitors came back within 30 days": (
        f"{USERS} {SESSIONS} join {FIRST} using (user_key) where session_date - begun::date between 1 and 30"
    ),
    "how many customers ordered again within 30 days": (
        f"""{USERS} {ORDERS} as l join (select user_key, min({AT}) as begun from {ORDERS} group by 1) using (user_key)
        where {AT} > begun and occurred_on - begun::date between 0 and 30"""
    ),
    "how many users visited in both march and april": (
        f"select count(*) from (select user_key from {MONTH} '2026-03-01') intersect select user_key from "
        f"{MONTH} '2026-04-01'))"
    ),
    "users who visited in march but not in april": (
        f"select count(*) from (select user_key from {MONTH} '2026-03-01') except select user_key from "
        f"{MONTH} '2026-04-01'))"
    ),
    "on how many days did we sell nothing in april?": f"select 30 - count(distinct occurred_on) from {APRIL}",
    "how many days in april had fewer than 3 orders": (
        f"select 30 - count(*) from (select occurred_on from {APRIL} group by 1 having count(*) >= 3)"
    ),
    "how many users put the wool hat in their cart": (
        "select count(distinct client_key) from ga4.stg_ga4__event_items where item_name = 'Wool Hat'"
    ),
    "how many users looked at shoes pages three times or more": (
        f"select count(*) from (select user_key from {VIEWS} where theme = 'shoes' group by 1 having count(*) >= 3)"
    ),
}


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize("question", COUNTED)
def test_what_is_counted_is_what_sql_counts(lookup: Lookup, data: duckdb.DuckDBPyConnection, question: str) -> None:
    ((expected,),) = data.execute(COUNTED[question]).fetchall()
    assert expected
    assert f": {expected:,}" in lookup.ask(question).text.splitlines()[0]


def test_the_page_after_another_one(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    rows = data.execute(
        f"""select case when is_exit then '(left the site)' else next_page_key end, count(*) from {VIEWS}
        where page_key like '%/hats' group by 1 order by 2 desc, 1"""
    ).fetchall()
    for question in ("what do people look at right after the hats page?", "where do visitors go from /hats"):
        answer = lookup.ask(question)
        assert answer.table is not None
        assert [tuple(row) for row in answer.table.rows] == rows[:12]


def test_the_first_of_each_group(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    best = dict(
        data.execute(
            f"""select default_channel_group, max(n) from (select default_channel_group, device_category, count(*) as n
            from {SESSIONS} group by 1, 2) group by 1"""
        ).fetchall()
    )
    for question in ("top device for each channel by sessions", "for each channel, which device has most sessions?"):
        answer = lookup.ask(question)
        assert answer.table is not None
        assert {row[0]: row[2] for row in answer.table.rows} == best


def test_any_sum_is_known_per_user_session_and_order(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    ((orders, users, views),) = data.execute(
        f"""select (select count(*) from ga4.fct_ga4__purchases where not is_refund_without_purchase),
            count(distinct user_key), sum(page_views) from {SESSIONS}"""
    ).fetchall()
    assert f": {number(orders / users, 'mean')} (n = {users:,} users)" in lookup.ask("orders per user").text
    assert f": {number(views / orders, 'mean')} (n = {orders:,} orders)" in lookup.ask("page views per order").text


def test_a_group_is_compared_with_all_others_in_all_respects(lookup: Lookup) -> None:
    for question in ("how do buyers differ from non-buyers?", "what is different about users who ordered"):
        answer = lookup.ask(question)
        assert "page views per session" in answer.text and "compared with" in answer.text
        assert answer.table is not None and {"device", "channel"} & {row[0] for row in answer.table.rows}
        assert not re.search(r"[a-z]\.[a-z]+/", answer.text)  # pages are named by their paths
    assert "likely" not in lookup.ask("are people who viewed shoes more likely to buy").text
    assert lookup.ask("are people who viewed shoes more likely to buy").text.count("Conversion rate") == 2
    assert lookup.ask("do people who viewed shoes buy more?").text.count("Share of users who ordered, of those ") == 2
    assert "not" not in lookup.ask("do mobile users buy more?").text
    of_goods = lookup.ask("how do people who bought shoes differ from people who bought hats")
    assert "who bought Shoes: " in of_goods.text and of_goods.table is not None
    assert not lookup.ask("how do new buyers differ from returning buyers").understood


@pytest.mark.parametrize(
    "question",
    ["what did people buy after viewing hats", "what did users do after they bought", "orders after buying hats"],
)
def test_what_is_not_known_of_the_order_of_things_is_not_answered(lookup: Lookup, question: str) -> None:
    assert not lookup.ask(question).understood


def test_a_why_that_supposes_what_is_not_there_is_answered_so(lookup: Lookup) -> None:
    assert "there are none" in lookup.ask("why do we have so many refunds on desktop in may?").text
