"""Broad questions, and what is asked after an answer: how business is, why the lowest is so low, which of the two."""

from __future__ import annotations

from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from tests.benchmarks.chat_questions import given

ASKED = {
    "revenue in april vs march >> is that because of more sessions or a better conversion rate?": (
        "sessions | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31"
    ),
    "revenue in april vs march >> is this from more visits or bigger baskets?": (
        "sessions | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31"
    ),
    "compare germany and austria revenue >> which of the two has the better conversion rate?": (
        "conversion_rate | by country | country=Austria;Germany"
    ),
    "mobile vs desktop sessions >> which of them sells more items?": "items_sold | by device | device=desktop;mobile",
    "percent of visitors who viewed a product >> only people on mobile": (
        "users | device=mobile | user=viewed a product | share"
    ),
    "germany vs austria revenue >> is that because of more sessions or a better conversion rate?": (
        "sessions | by country | country=Austria;Germany"
    ),
    "conversion rate by channel >> why is the lowest one so low?": (
        "conversion_rate | by channel | channel=Paid Social | rest"
    ),
    "bounce rate by device >> why is the worst one so bad?": "bounce_rate | by device | device=tablet | rest",
    "revenue by month >> why is the lowest one so low?": "no",
    "top 3 channels by revenue >> why is the last one so low?": "no",
    "revenue compared to last month": "revenue | 2026-05-01..2026-05-13 | vs 2026-04-01..2026-04-13",
    "how is business compared to last month": "revenue | 2026-05-01..2026-05-13 | vs 2026-04-01..2026-04-13",
    "is traffic up and revenue down?": "sessions | by month && revenue | by month",
    "biggest winners and losers among channels, april against march": (
        "revenue | by channel | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31 | change"
    ),
    "email, sessions and revenue. worth it?": (
        "sessions | by channel | channel=Email | rest && revenue | by channel | channel=Email | rest"
    ),
    "are hats dying off now its spring": "items_sold | by month | item_category=Hats",
    "did germany grow and austria fall?": "no",
    "top hat buyers": "item_revenue | by user | item_category=Hats",
    "most expensive product sold in april": "no",
    "share of users with a customer login (user id)": "no",
    "how many products do we have and is that going up": "items_sold | by item | count",
    "i'd like users and orders by month": "users | by month && orders | by month",
}


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(("question", "expected"), ASKED.items(), ids=list(ASKED))
def test_what_is_looked_up_or_refused(lookup: Lookup, question: str, expected: str) -> None:
    assert given(lookup, question)[0] == expected


def test_each_of_two_trends_has_its_own_yes_or_no(lookup: Lookup) -> None:
    text = lookup.ask("is traffic up and revenue down?").text
    assert text.startswith("Sessions up: ") and " Revenue down: " in text


def test_the_steps_are_shown_where_a_why_is_asked_of_another_group(lookup: Lookup) -> None:
    lookup.forget()
    for question in ("why is facebook converting so badly?", "and email?", "which channel converts worst, and why?"):
        assert "share of sessions with a product view" in lookup.ask(question).text


def test_all_parts_of_a_change_of_revenue_are_shown(lookup: Lookup) -> None:
    lookup.forget()
    lookup.ask("revenue in april vs march")
    text = lookup.ask("is that because of more sessions or a better conversion rate?").text
    assert "- conversion rate: " in text and "- average order value: " in text
