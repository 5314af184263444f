"""Values of channel, source, medium and campaign: one group that all of them limit, or a group for each."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from tests.benchmarks.chat_questions import given
from tests.semantic.semantic_world import make_world

EMAIL, SOCIAL = "source=newsletter", "channel=Organic Social;Paid Social"
ASKED = {
    "orders from newsletter and organic search": "orders | source=newsletter && orders | channel=Organic Search",
    "newsletter vs facebook vs paid search revenue": " && ".join(
        f"revenue | {one}" for one in (EMAIL, "source=facebook", "channel=Paid Search")
    ),
    "why do newsletter visitors convert so much better than social": (
        f"conversion_rate | {EMAIL} && conversion_rate | {SOCIAL}"
    ),
    "how do sessions from newsletter compare with those from organic search": (
        f"sessions | {EMAIL} && sessions | channel=Organic Search"
    ),
    "which sells more, facebook or email": "revenue | source=facebook && revenue | channel=Email",
    "share of revenue from newsletter vs paid search": (
        f"revenue | {EMAIL} | share && revenue | channel=Paid Search | share"
    ),
    "newsletter or facebook: which had more orders": "orders | by source | source=facebook;newsletter",
    "orders from germany on mobile and france on desktop": (
        "orders | country=Germany | device=mobile && orders | country=France | device=desktop"
    ),
    "compare paid google and paid facebook orders": (
        "orders | channel=Paid Search | source=google && orders | channel=Paid Social | source=facebook"
    ),
    "sessions from germany with mobile": "sessions | country=Germany | device=mobile",
    "organic vs paid facebook sessions": "sessions | by channel | channel=Organic Social;Paid Social | source=facebook",
    "orders from facebook ads": "orders | source_medium=facebook / paid_social",
    "google ads vs facebook ads revenue": (
        "revenue | by source_medium | source_medium=facebook / paid_social;google / cpc"
    ),
    "revenue of adwords": "revenue | source_medium=google / cpc",
    "which of the two paid channels, google or facebook, sold more": (
        "revenue | by source | channel=Paid Search;Paid Social | source=facebook;google"
    ),
    "which of the newsletters, black_friday_2025 or spring_sale, sold more": "no",  # one is of another source
    "sessions of the newsletter by device for organic search": "no",
    # brackets name those that are meant of a larger group
    "share of sessions of paid traffic (search and social together)": (
        "sessions | channel=Paid Search;Paid Social | share"
    ),
    "traffic from social (organic and paid)": "sessions | channel=Organic Social;Paid Social",
    "sessions on mobile (germany)": "sessions | country=Germany | device=mobile",
    # of two measures there is no more or less
    "more orders from email than sessions from direct?": "no",
    "more orders than sessions on mobile?": "orders | device=mobile && sessions | device=mobile",
    "more orders from email than from direct?": "orders | by channel | channel=Direct;Email",
    # each of two that may have changed
    "did revenue rise on mobile and desktop last month?": (
        "revenue | by device | device=desktop;mobile | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31"
    ),
    "which country buys the most shoes": "items_sold | by country | item_category=Shoes",
    "what do users from germany look at": "page_views | by page | country=Germany",
    "percent of visitors who viewed at least one product": "users | user=viewed a product | share",
}  # fmt: skip


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(("question", "expected"), ASKED.items(), ids=list(ASKED))
def test_values_that_are_joined_are_groups_and_those_beside_each_other_one(
    lookup: Lookup, question: str, expected: str
) -> None:
    assert given(lookup, question)[0] == expected


def test_words_that_only_rewrites_write_are_not_shown(lookup: Lookup) -> None:
    assert (
        "“first order” and “mobile” are different kinds"
        in lookup.ask("average order value first orders vs mobile").text
    )


def test_clusters_whose_names_could_be_other_people_stand_beside_others(tmp_path: Path) -> None:
    path = make_world(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("update beha2vec.cluster_insights set name = 'Article readers' where cluster_key = 3")
    lookup = Lookup(Published(path), Aliases(path))
    asked = {
        "who buys more often, article readers or category browsers?": "conversion_rate | by cluster | cluster=0;3",
        "are apparel buyers worth more than article readers?": "revenue_per_user | by cluster | cluster=1;3",
        "orders of category browsers versus cluster 3": "orders | by cluster | cluster=0;3",
        "conversion rate of article readers in cluster 0": (
            "conversion_rate | cluster=0 | user=viewed article pages"  # of the cluster, those who read articles
        ),
        "which cluster has the most article readers?": "users | by cluster | user=viewed article pages",
    }
    assert {question: given(lookup, question)[0] for question in asked} == asked


def test_who_buys_more_compares_a_group_with_all_others(lookup: Lookup) -> None:
    asked = {
        "who buys more, mobile users or all others?": "conversion_rate | by device | device=mobile | rest",
        "who converts better, newsletter visitors or everyone else?": (
            "conversion_rate | by source | source=newsletter | rest"
        ),
        "who buys more often, people who used the search or all others?": "no",
    }
    assert {question: given(lookup, question)[0] for question in asked} == asked


def test_those_without_are_asked_for_after_those_with(lookup: Lookup) -> None:
    without = "conversion_rate | session=did not view theme shoes"
    asked = {
        "conversion rate of sessions that viewed shoes >> and without?": without,
        "conversion rate of sessions that viewed shoes >> and those that did not? >> and without?": without,
        "revenue in march >> and without a coupon?": (
            "revenue | one_order=did not use a coupon | 2026-03-01..2026-03-31"
        ),
        "sessions with a product view >> and without a product view?": "no",
        "how many users used a coupon? >> and how many did not?": "users | user=did not use a coupon",
        "orders with a coupon in march >> and without a coupon?": (
            "orders | one_order=did not use a coupon | 2026-03-01..2026-03-31"
        ),
        "sessions on mobile >> and without?": "no",
    }
    assert {question: given(lookup, question)[0] for question in asked} == asked


def test_more_is_asked_of_all_that_a_short_ranking_shows(lookup: Lookup) -> None:
    first = lookup.ask("top 3 channels by orders")
    answer = lookup.ask("how much revenue was that?")
    assert first.table and answer.table
    assert {row[0] for row in answer.table.rows} == {row[0] for row in first.table.rows}
    assert answer.text.startswith("Revenue: highest for ")


def test_none_at_all_has_a_yes_or_no(lookup: Lookup) -> None:
    assert lookup.ask("were there no orders in april?").text.startswith("No. Orders from 1 Apr")
