"""Sections, articles and error pages as people name them; values that a question is split into."""

from __future__ import annotations

from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.chat.rewrites.page_words import in_pages, sections
from tests.benchmarks.chat_questions import given

ARTICLE = "shop.example.com/blog/how-to-wash-wool"
APRIL = "2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31"
ASKED = {
    "most read articles": "page_views | by page | page_type=article",
    "which articles do people read most on mobile": "page_views | by page | device=mobile | page_type=article",
    "most viewed article pages": "page_views | by page | page_type=article",
    "top 3 article pages in april": "page_views | by page | page_type=article | 2026-04-01..2026-04-30 | top 3",
    "how many articles were read in april": "page_views | page_type=article | 2026-04-01..2026-04-30",
    "best selling articles": "items_sold | by item",
    "which article gets the most views": "page_views | by page | page_type=article",
    "do readers of the blog ever buy": "users | user=ordered | user=viewed article pages | share",
    "share of visitors who read articles": "users | user=viewed article pages | share",
    'how many readers of "How to Wash Wool" bought a hat': (
        f"users | user=bought Hats | user=viewed page {ARTICLE} | share"
    ),
    "readers of How to Wash Wool by channel": f"users | by channel | user=viewed page {ARTICLE}",
    "how often was the article How to Wash Wool read": f"page_views | page={ARTICLE}",
    "where do readers go after the article How to Wash Wool": (
        f"page_views | by next_page | page={ARTICLE} | page_type=article && page_views | by next_page_type | "
        f"page={ARTICLE} | page_type=article | share"
    ),
    # those that lost readers, not those with the most
    "which articles lost most readers in april": f"users | by page | page_type=article | {APRIL} | change | asc",
    "which article pages lost most users in april": f"users | by page | page_type=article | {APRIL} | change | asc",
    "which articles gained views in april": f"page_views | by page | page_type=article | {APRIL} | change",
    "which hats lost sales in april": f"item_revenue | by item | item_category=Hats | {APRIL} | change | asc",
    "average time on page for article vs product pages": "time_on_page | by page_type | page_type=article;product",
    "users who viewed the sale page and viewed the sale page": "users | user=viewed page shop.example.com/sale",
    # values that are compared
    "sessions from google, split organic and cpc": "sessions | by medium | medium=cpc;organic | source=google",
    "orders from germany, split into mobile and desktop": (
        "orders | by device | country=Germany | device=desktop;mobile"
    ),
    "split german visits into mobile and desktop": "sessions | by device | country=Germany | device=desktop;mobile",
    "sessions from google by organic and cpc": "sessions | by medium | medium=cpc;organic | source=google",
    "what is the split between mobile and desktop in orders": "orders | by device | device=desktop;mobile | share",
    "orders placed by mobile and desktop users": "orders | device=desktop;mobile",
    "sessions from facebook, paid vs organic": (
        "sessions | by channel | channel=Organic Social;Paid Social | source=facebook"
    ),
    "sessions from facebook, paid and unpaid, in april": (
        "sessions | by channel | channel=Organic Social;Paid Social | source=facebook | 2026-04-01..2026-04-30"
    ),
    "sessions from mobile, desktop and tablet": "sessions | device=desktop;mobile;tablet",
    "how many orders are unpaid": "no",
    "how many orders were not paid": "no",
    "how many sessions from facebook were paid and how many organic": (
        "sessions | channel=Paid Social | source=facebook && "
        "sessions | channel=Organic Search;Organic Social | source=facebook"
    ),
}
VALUES = {
    "page": ["x.example/journal", "x.example/journal/a-b", "x.example/journal/how-to-pack", "x.example/sale"],
    "page_type": ["article", "error", "cart"],
}
SAID = {
    "most read journal articles": "most page views by page for article pages /journal/*",
    "which journal pages do people read most": "most page views by page for /journal/* pages",
    "time on page: the journal": "time on page: /journal/* pages",
    "page views: journal vs cart pages": "page views: /journal/* pages vs cart pages",
    "journal pages: readers, views, time spent": "/journal/* pages: users, views, time on page",
    "visitors of the journal": "users who read /journal/* pages",
    "journal page views in march": "page views of /journal/* pages in march",
    "how many page not found errors did visitors get": "how many page views of error pages",
    "how many 404s did people see": "how many page views of error pages",
    "how many error pages were seen in march": "how many page views of error pages in march",
    "number of not found errors": "page views of error pages",
    "how many unique readers did the journal have": "how many users who read /journal/* pages",
    "which urls return a 404": "error page views by page",
    "which articles do readers buy": "which articles do users who read article pages buy",
    "revenue of the sale": "revenue of the sale",
}


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(("question", "expected"), ASKED.items(), ids=list(ASKED))
def test_pages_and_splits_are_read(lookup: Lookup, question: str, expected: str) -> None:
    assert given(lookup, question)[0] == expected


@pytest.mark.parametrize(("question", "expected"), SAID.items(), ids=list(SAID))
def test_pages_are_said_in_known_words(question: str, expected: str) -> None:
    names, clear = sections(VALUES, {}, {"cart"})
    assert [*names] == [*clear] == ["journal"]
    assert in_pages(in_plain_words(question), names, clear, VALUES) == expected


def test_a_section_with_a_name_of_something_else_has_to_be_called_so() -> None:
    names, clear = sections(VALUES, {"journal": {"campaign"}}, set())
    assert (*names, *clear) == ("journal",)
    assert in_pages("visitors of the journal section", names, clear, VALUES) == "users who read /journal/* pages"
    assert in_pages("revenue of the journal", names, clear, VALUES) == "revenue of the journal"
    assert not sections(VALUES, {"journal": {"theme"}}, set())[0]
