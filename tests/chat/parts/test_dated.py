"""Clauses with days of their own, what was done for the first time, and what was the only thing done."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup

FEBRUARY, MARCH = "between '2026-02-01' and '2026-02-28'", "between '2026-03-01' and '2026-03-31'"
LAST = ">= '2026-04-14'"  # the last 30 days of the data, which end on 13 May
ORDERS = "from ga4.fct_ga4__purchases where not is_refund_without_purchase and user_key is not null"
BOUGHT, VISITED = f"select user_key {ORDERS} and occurred_on", "select user_key from ga4.fct_ga4__sessions where"
FROM_EMAIL = f"{VISITED} default_channel_group = 'Email' and session_date {FEBRUARY}"
FIRST = f"select user_key {ORDERS} group by 1 having min(occurred_on)"
VIEWS = "from ga4.fct_ga4__page_views join beha2vec.enriched_pages using (page_key)"
ONLY_HATS = f"select session_key as user_key {VIEWS} group by 1 having bool_and(coalesce(theme = 'hats', false))"
ITEMS = "(select user_key, item_name, event_timestamp as at from ga4.fct_ga4__purchase_items)"
HATS_THEN_SHOES = f"""select a.user_key from {ITEMS} as a join {ITEMS} as b using (user_key)
    where a.item_name = 'Wool Hat' and b.item_name = 'Trail Running Shoes' and b.at > a.at"""
COUNTED = {  # a number in the answer, and the users whose number it is
    "how many people who came from email in february bought in march": f"{FROM_EMAIL} intersect {BOUGHT} {MARCH}",
    "of the people who came from email in february, how many bought in march": (
        f"{FROM_EMAIL} intersect {BOUGHT} {MARCH}"
    ),
    "how many february buyers came back in march": f"{BOUGHT} {FEBRUARY} intersect {VISITED} session_date {MARCH}",
    "people who bought in february and bought again in march": f"{BOUGHT} {FEBRUARY} intersect {BOUGHT} {MARCH}",
    "share of february buyers who bought again in march": f"{BOUGHT} {FEBRUARY} intersect {BOUGHT} {MARCH}",
    "how many visitors in february bought in march": f"{VISITED} session_date {FEBRUARY} intersect {BOUGHT} {MARCH}",
    "people who bought in march after visiting in february": (
        f"{VISITED} session_date {FEBRUARY} intersect {BOUGHT} {MARCH}"
    ),
    "customers who ordered before but haven't been back in 30 days": (
        f"select user_key {ORDERS} except {VISITED} session_date {LAST}"
    ),
    "how many customers have not bought in the last 30 days": (
        f"{BOUGHT} < '2026-04-14' except {BOUGHT} {LAST}"
    ),
    "how many users have not visited in the last 30 days": (
        f"select user_key from ga4.fct_ga4__sessions except {VISITED} session_date {LAST}"
    ),
    "how many people visited in february but never bought since": (
        f"{VISITED} session_date {FEBRUARY} except {BOUGHT} >= '2026-03-01'"
    ),
    "people who bought in february but have not returned since": (
        f"{BOUGHT} {FEBRUARY} except {VISITED} session_date >= '2026-03-01'"
    ),
    "how many february buyers did not come back in march": f"{BOUGHT} {FEBRUARY} except {VISITED} session_date {MARCH}",
    "how many customers haven't ordered again": f"select user_key {ORDERS} group by 1 having count(*) = 1",
    "how many people visited for the first time in june 2025": (
        f"{VISITED} ga_session_number = 1 and session_date between '2025-06-01' and '2025-06-30'"
    ),
    "how many customers bought for the first time in march": f"{FIRST} {MARCH}",
    "how many people placed their first order in march": f"{FIRST} {MARCH}",
    "how many people became customers in march": f"{FIRST} {MARCH}",
    "how many people bought hats and later shoes": HATS_THEN_SHOES,
    "how many people bought hats before shoes": HATS_THEN_SHOES,
    "how many sessions only viewed hats pages": ONLY_HATS,
    "sessions that looked at hats pages and nothing else": ONLY_HATS,
    "how many people bought nothing but hats": (
        f"select user_key from {ITEMS} group by 1 having bool_and(item_name = 'Wool Hat')"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize("question", COUNTED)
def test_each_clause_keeps_its_days(lookup: Lookup, data: duckdb.DuckDBPyConnection, question: str) -> None:
    ((expected,),) = data.execute(
        f"select count(*) from (select distinct user_key from ({COUNTED[question]}))"
    ).fetchall()
    lookup.forget()
    first = lookup.ask(question).text.splitlines()[0]
    assert expected and (first.endswith(f": {expected:,}.") or f"; {expected:,} of " in first), first


def test_a_sum_has_its_days_and_those_of_the_people(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    ((expected,),) = data.execute(
        f"select sum(revenue) {ORDERS} and occurred_on {MARCH} and user_key in ({FROM_EMAIL})"
    ).fetchall()
    assert f": {expected:,.2f} " in lookup.ask("revenue in march from people who came from email in february").text


@pytest.mark.parametrize("question", ["orders in february and march", "orders in february, march"])
def test_days_of_one_clause_are_counted_together(lookup: Lookup, question: str) -> None:
    assert "are counted together" in lookup.ask(question).text


@pytest.mark.parametrize(
    "question", ["people who bought hats for the first time", "loyal february buyers who came back in march"]
)
def test_what_is_not_clear_is_refused(lookup: Lookup, question: str) -> None:
    assert not lookup.ask(question).understood
