"""What users, sessions and orders did, as conditions of a question."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup

VIEWED = "select user_key from ga4.fct_ga4__page_views join beha2vec.enriched_pages using (page_key) where theme = "
ORDERS = "from ga4.fct_ga4__purchases where not is_refund_without_purchase"
BOUGHT = f"select user_key {ORDERS} and user_key is not null"
COUPON = "purchase_key in (select purchase_key from ga4.fct_ga4__purchase_items where coupon is not null)"
FIRST = f"select min_by(purchase_key, event_timestamp) {ORDERS} and user_key is not null group by user_key"
STEPS = "from ga4.fct_ga4__funnel_sessions where furthest_step >="
HATS = "select user_key from ga4.fct_ga4__purchase_items where item_name = 'Wool Hat'"
ON_MOBILE = (
    f"{ORDERS} and session_key in (select session_key from ga4.fct_ga4__sessions where device_category = 'mobile')"
)
COUNTED = {  # a number in the answer, and the SQL of it
    "how many users looked at both shoes and hats pages?": (
        f"select count(*) from ({VIEWED}'shoes' intersect {VIEWED}'hats')"
    ),
    "how many visitors viewed shoes but never bought": f"select count(*) from ({VIEWED}'shoes' except {BOUGHT})",
    "revenue from orders with a coupon": f"select sum(revenue) {ORDERS} and {COUPON}",
    "how many orders are first orders": f"select count(*) from ({FIRST})",
    "sessions in the morning": (
        "select count(*) from ga4.fct_ga4__sessions where hour(timezone((select timezone from "
        "ga4.dim_ga4__properties), timezone('UTC', session_started_at))) between 6 and 11"
    ),
    "how many people do we have who started the checkout but never ordered": (
        f"select count(*) from (select user_key {STEPS} 3 except {BOUGHT})"
    ),
    "how many people started checkout but never ordered": (
        f"select count(*) from (select user_key {STEPS} 3 except {BOUGHT})"
    ),
    "users who visited at least 12 times and did not order": f"""select count(*) from (select user_key from
        ga4.fct_ga4__sessions group by 1 having count(*) >= 12 except {BOUGHT})""",
    "revenue of users who bought the Wool Hat": f"select sum(revenue) {ORDERS} and user_key in ({HATS})",
    "how many sessions do people who bought hats have": (
        f"select count(*) from ga4.fct_ga4__sessions where user_key in ({HATS})"
    ),
    "orders from shoppers who purchased hats": f"select count(*) {ORDERS} and user_key in ({HATS})",
    "users with 2 orders": f"select count(*) from ({BOUGHT} group by 1 having count(*) = 2)",
    "users with a cart and an order": f"select count(*) from (select user_key {STEPS} 2 intersect {BOUGHT})",
    "users who reached the checkout and not the order": (
        f"select count(*) from (select user_key {STEPS} 3 except {BOUGHT})"
    ),
    "sessions that reached the payment but not the order": f"select count(*) {STEPS} 5 and furthest_step < 6",
    "sessions that reached the cart but not the checkout": (f"select count(*) {STEPS} 2 and furthest_step < 3"),
    "users who ordered on mobile": f"select count(distinct user_key) {ON_MOBILE}",
    "who purchased on mobile": f"select count(distinct user_key) {ON_MOBILE}",
    "visits in which an order was placed": (f"select count(distinct session_key) {ORDERS} and session_key is not null"),
    "orders where no coupon was used": f"select count(*) {ORDERS} and not {COUPON}",
    "orders where a hat was bought": (
        f"select count(*) {ORDERS} and purchase_key in (select purchase_key from ga4.fct_ga4__purchase_items where "
        "item_name = 'Wool Hat')"
    ),
    "how many folks redeemed the WELCOME10 code": (
        "select count(distinct user_key) from ga4.fct_ga4__purchase_items where coupon = 'WELCOME10'"
    ),
    "how many sessions end on a product page": (
        "select count(*) from ga4.fct_ga4__page_views join beha2vec.enriched_pages using (page_key) "
        "where is_exit and page_type = 'product'"
    ),
    "users who ordered >> and on mobile?": f"select count(distinct user_key) {ON_MOBILE}",
}


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize("question", COUNTED)
def test_a_clause_is_a_condition(lookup: Lookup, data: duckdb.DuckDBPyConnection, question: str) -> None:
    ((expected,),) = data.execute(COUNTED[question]).fetchall()
    lookup.forget()
    *_, answer = [lookup.ask(one) for one in question.split(" >> ")]
    assert f": {expected:,}" in answer.text.splitlines()[0]


def test_of_those_who_did_something_the_part_who_did_more(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    ((part,),) = data.execute(f"select count(*) from ({VIEWED}'shoes' intersect {BOUGHT})").fetchall()
    ((whole,),) = data.execute(f"select count(distinct user_key) from ({VIEWED}'shoes')").fetchall()
    for question in ("of the users who viewed shoes, how many bought?", "what share of users who viewed shoes bought"):
        assert f"{part:,} of {whole:,} users" in lookup.ask(question).text


def test_sessions_that_end_without_an_order(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    ((whole, ordered),) = data.execute(f"select count(*), count(*) filter (furthest_step >= 6) {STEPS} 2").fetchall()
    for question in (
        "what share of sessions that put something in the cart end without an order?",
        "how many sessions with a cart ended without a purchase",
    ):
        assert f"{whole - ordered:,} of {whole:,} sessions" in lookup.ask(question).text


def test_two_groups_are_compared_and_groups_have_limits(lookup: Lookup) -> None:
    both = lookup.ask("aov of orders with a coupon vs orders without a coupon").text
    assert "orders that used a coupon" in both and "orders that did not use a coupon" in both
    assert both.startswith("Average order value: higher for orders that ")
    assert not lookup.ask("do customers who used a coupon buy more often than others?").understood
    few = lookup.ask("which countries have at least 2000 sessions but less than one order")
    assert not few.understood
    assert "There are no months with no orders." in lookup.ask("which months had no orders").text


@pytest.mark.parametrize(
    "question",
    ["orders from repeat buyers with a coupon",
     "users who viewed shoes or bought", "orders without a discount",
     "how many people made an order over 100", "how often do people buy", "users who searched for shoes",
     "average time from order to refund"],
)  # fmt: skip
def test_what_no_condition_says_is_refused(lookup: Lookup, question: str) -> None:
    answer = lookup.ask(question)
    assert not answer.understood and not answer.statements


def test_a_why_has_the_steps_before_an_order_and_what_a_sum_is_made_of(lookup: Lookup) -> None:
    steps = lookup.ask("why is conversion on mobile so low?").text
    assert "- share of sessions with something added to the cart: all others " in steps and "; mobile " in steps
    assert "mobile, " in lookup.ask("why are mobile users not buying").text.splitlines()[0]
    assert lookup.ask("why do people not buy").text.startswith("Funnel: ")
    assert (
        "orders that used a coupon" in lookup.ask("why did revenue from orders with a coupon drop in april 2026?").text
    )
    assert "- average order value: " in lookup.ask("why did revenue drop in april 2026?").text


def test_orders_without_a_coupon_are_no_coupon(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    ((orders,),) = data.execute(f"select count(*) {ORDERS} and {COUPON}").fetchall()
    assert lookup.ask("which coupon is used most").text.startswith(f"Orders: WELCOME10, {orders}.")
    lookup.ask("revenue by coupon")
    answer = lookup.ask("top coupons")
    assert answer.reading and answer.reading.query and answer.reading.query.ascending is False
    assert "(unknown)" not in answer.text


def test_what_else_is_bought(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    others = data.execute(f"""
        select item_name, count(distinct user_key) from ga4.fct_ga4__purchase_items
        where user_key in ({HATS}) and item_name <> 'Wool Hat' group by 1 order by 2 desc, 1""").fetchall()
    for question in (
        "What else do people who bought the wool hat buy?", "which items did buyers of hats also buy",
        "customers who purchased the Wool Hat also bought what?", "what other products do buyers of Wool Hat buy",
    ):  # fmt: skip
        lookup.forget()
        answer = lookup.ask(question)
        assert answer.table is not None
        assert [tuple(row[:2]) for row in answer.table.rows] == others
    ((number,),) = data.execute(f"select count(distinct user_key) from ({HATS})").fetchall()
    assert f"{number} users bought Hats" in lookup.ask("what else do buyers of hats buy?").text


@pytest.mark.parametrize(
    "question",
    [
        "what is bought together with the wool hat?",
        "which products are most often ordered with hats",
        "what else is in orders with hats",
    ],
)
def test_orders_have_nothing_else_in_them(lookup: Lookup, question: str) -> None:
    lookup.forget()
    answer = lookup.ask(question)
    assert answer.understood and answer.table is None
    assert "in 106 orders" in answer.text


@pytest.mark.parametrize(
    "question",
    [
        "what is bought together?",
        "what do people buy with a credit card",
        "what else do people on mobile with hats buy",
    ],
)
def test_what_is_no_item_is_not_looked_up(lookup: Lookup, question: str) -> None:
    lookup.forget()
    assert not lookup.ask(question).understood


def test_new_users_of_one_period_come_back_in_another(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    came = "select distinct user_key from ga4.fct_ga4__sessions where month(session_date)"
    new = f"{came} = 6 and ga_session_number = 1"
    ((whole,),) = data.execute(f"select count(*) from ({new})").fetchall()
    ((part,),) = data.execute(f"select count(*) from ({new} intersect {came} = 7)").fetchall()
    assert part
    for question in (
        "Of the users we saw for the first time in June, how many came back in July?",
        "new users in June who visited in July", "of the new visitors in june, what share returned in july",
    ):  # fmt: skip
        lookup.forget()
        text = lookup.ask(question).text
        assert f"{part:,} of {whole:,} users" in text and "first visit ever" in text


@pytest.mark.parametrize(
    "question",
    [
        "how many people who came on 10 April came back and bought?", "how many new buyers on 10 April came back",
        "how many mobile users who came on 10 April came back on desktop?",
        "revenue of people who came on 10 April and came back", "what is bought together with shoes and hats?",
        "what else did people who bought hats look at?", "which products with a lot of views sold the least?",
    ],
)  # fmt: skip
def test_what_would_be_another_question_is_not_answered(lookup: Lookup, question: str) -> None:
    lookup.forget()
    assert not lookup.ask(question).understood


def test_the_first_campaign_is_no_channel(lookup: Lookup) -> None:
    for question in ("which campaign did buyers first come from?", "first-touch attribution of revenue by campaign"):
        lookup.forget()
        answer = lookup.ask(question)
        assert answer.reading is not None and answer.reading.query is not None
        assert answer.reading.query.by == ("first_campaign",)
