"""Words that change what a question means are understood or named, whatever is asked beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given as of_any
from hypothesis import settings
from hypothesis import strategies as st

from beha2vec_core.chat.conversation import Conversation
from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.events import Answer
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.chat.queries.nearest import as_question
from tests.benchmarks.chat_questions import given

ASKED = {
    # items by words of their names, viewed and sold
    "which product was viewed most on mobile": "item_views | by item | device=mobile",
    "how many wool hats did we sell in april": "items_sold | item=Wool Hat | 2026-04-01..2026-04-30",
    "how many trail hats did we sell": "no",
    "of those who viewed hats, how many bought one": "users | user=bought Hats | user=viewed theme hats | share",
    "view to cart rate of shoes": "cart_additions | item_category=Shoes | per item_views",
    "which items are removed from the cart most often": "cart_removals | by item",
    # so many of a list, a number sign, days of one month
    "which 2 channels brought the most revenue": "revenue | by channel | top 2",
    "which three countries had the lowest revenue": "revenue | by country | top 3 | asc",
    "which 2 landing pages had the most sessions": "sessions | by landing_page | top 2",
    "which 24 oz hat sold the most": "no",
    "# of mobile sessions in april": "sessions | device=mobile | 2026-04-01..2026-04-30",
    "orders apr 9-12": "orders | 2026-04-09..2026-04-12",
    "orders from the 9th to 12th of april": "orders | 2026-04-09..2026-04-12",
    # single orders, and what a second part only repeats
    "what was our biggest order in april, and when?": ("revenue | by day,one_order | 2026-04-01..2026-04-30 | top 1"),
    "who is our biggest customer, and how much did he spend?": "revenue | by user",
    "what part of visits is mobile, and what part desktop": (
        "sessions | device=mobile | share && sessions | device=desktop | share"
    ),
    "when a visitor adds to the cart and does not buy, on which page does he leave the site?": (
        "exits | by page | user=reached the cart and did not order"
    ),
    # a cause without a direction, and of two months
    "what is driving revenue in april": ("revenue | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31 | why"),
    "revenue fell in march and april. Why?": ("revenue | 2026-03-01..2026-04-30 | vs 2026-01-01..2026-02-28 | why"),
    "why did orders fall in april >> was it less traffic or a worse conversion?": (
        "sessions | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31"
    ),
    "why are there so few orders from outside germany": "orders | by country | country=Germany | rest",
    # all that is named after "except" is left out
    "sessions by device except mobile and tablet": "sessions | by device | device!=mobile;tablet",
    "revenue per country excluding germany, austria and france": (
        "revenue | by country | country!=Austria;France;Germany"
    ),
    "revenue by channel excluding direct and email": "revenue | by channel | channel!=Direct;Email",
    "buyers except those from germany or france": "buyers | country!=France;Germany",
    "revenue without direct on mobile": "revenue | channel!=Direct | device=mobile",
    "sessions from paid channels except paid social": "sessions | channel=Paid Search",
    "sessions from germany except germany": "no",
    # two periods that follow one another are one beside a third
    "is revenue in march and april higher than in february?": (
        "revenue | 2026-03-01..2026-04-30 | vs 2026-02-01..2026-02-28"
    ),
    "were sessions in march and in april lower than in february?": (
        "sessions | 2026-03-01..2026-04-30 | vs 2026-02-01..2026-02-28"
    ),
    "were sessions in february, march and april higher than in may?": "no",
    "were sessions in february and april higher than in march?": "no",
    "did revenue go up in february vs march vs april?": "revenue | by month | 2026-02-01..2026-04-30",
    "hats bought without shoes": "no",
    "users on mobile but not on desktop": "no",
    "which products sell well on mobile but not on desktop": "no",
    "sessions by channel from europe without germany": "sessions | by channel | country=Austria;France;United Kingdom",
    "sessions on mobile but not on desktop": "sessions | device=mobile",
    # search on the site, and channels with the word
    "how many users used search": "no",
    "sessions with a search": "no",
    "how many users paid": "users | user=ordered",
    "users from search": "users | channel=Organic Search;Paid Search",
    "search traffic": "sessions | channel=Organic Search;Paid Search",
    # both at once are not those of one or the other
    "users visited both mobile and desktop": "no",
    "orders with both shoes and hats": "orders | one_order=have Shoes and have Hats",
    "which products are bought together": "no",
    "which product is bought most with shoes": "orders | by item | item_category!=Shoes | one_order=have Shoes",
    "people who use tablet instead of desktop": "no",
    # what never came is no change
    "lost sales last week": "no",
    "revenue lost from abandoned carts": "no",
    "how many customers did we lose in april": "no",
    "lost customers by channel": "no",
    "did we lose revenue last week": "revenue | 2026-05-04..2026-05-10 | vs 2026-04-27..2026-05-03",
    # each part has an answer, or none has
    "how many users came from google, and how much revenue did they make?": (
        "users | source=google && revenue | source=google"
    ),
    "how many orders did we get in april, and which channel brought most?": (
        "orders | 2026-04-01..2026-04-30 && orders | by channel | 2026-04-01..2026-04-30"
    ),
    "bounce rate overall and on mobile": "bounce_rate && bounce_rate | device=mobile",
    "which countries bring most users, and where do they come from": "no",
    "how many orders last week, and how many hoodies?": "orders | 2026-05-04..2026-05-10",  # and says what is left
    "revenue by channel (what people spent), which one is best?": "revenue | by channel",
    "users and sessions by quarter": "users | by quarter && sessions | by quarter",
    "what percentage of mobile sessions add something to the cart, and on desktop?": (
        "cart_rate | by device | device=desktop;mobile"
    ),
    "revenue by country, only countries with at least 20 orders": "revenue | by country | with at least 20 orders",
    "items sold, orders and revenue by category, with the share": (
        "items_sold | by item_category && orders | by item_category && item_revenue | by item_category && "
        "item_revenue | by item_category | share"
    ),
    "how long does it take from the cart to the order?": "cart_to_order_time",
    "median order value by channel": "median_order_value | by channel",
    # no breakdown, no list of people, and no first of each
    "sessions from a campaign": "no",
    "who are the most engaged users, with their country": "no",
    "best selling product per category": "items_sold | by item_category,item | first 1 of each",
    "how many viewed a hat and then bought one": "users | user=bought Hats after they viewed theme hats",
    # what people did, beside what is asked
    "most viewed page of buyers": "no",
    "sessions up and revenue down in april": " && ".join(
        f"{name} | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31" for name in ("sessions", "revenue")
    ),
    "revenue by channel and buyers": "no",
    "conversion rate of buyers": "no",
    "sessions of buyers": "no",
    "sessions of new users": "sessions | new_or_returning=new",
    "revenue of users who viewed shoes": "revenue | user=viewed theme shoes",
    "conversions of people who saw the hats page": "key_events | user=viewed theme hats",
    "how many people bought only shoes": "users | user=bought Shoes and bought nothing else",
    "how many customers bought again": "buyers | user=ordered at least 2 times",
    "mobile only users": "no",
    "revenue the day after black friday": "no",
    "users new in cluster 1": "no",
    "sessions only on mobile": "sessions | device=mobile",
    "how do users find us": "users | by channel",
    "how did people find the sale page": "no",
    # look-ups know every word too
    "revenue from people in cluster 0 who moved to cluster 1": "no",
    "which cluster do buyers of shoes move to": "no",
    "what do people in cluster 1 buy after shoes": "no",
    "which cluster has the most users who left cluster 0": "no",
    "which cluster loses most users": "no",
    "how many users moved from cluster 0 to cluster 1": "lookup:moves",
    "compare conversion rate of cluster 0 and cluster 1": "conversion_rate | by cluster | cluster=0;1",
    "users in cluster 0 or cluster 1": "users | cluster=0;1",
    "users in both cluster 0 and cluster 1": "no",
    "share of sessions that are both direct and from germany": "sessions | session=visited (Direct, Germany) | share",
    # two sides of a comparison that are no values of one dimension
    "is google from paid search better than google with medium organic": "no",
    "is google on mobile better than google on desktop": (
        "conversion_rate | by device | device=desktop;mobile | source=google"
    ),
    "what is the favourite page of cluster 1": "lookup:facts",
}
WORDS = (  # of every kind that the vocabulary has
    "revenue", "sessions", "buyers", "conversion rate", "aov", "cart abandonment", "items sold", "retention", "funnel",
    "users", "new users", "by channel", "by device", "by country", "by week", "by product", "per user", "mobile",
    "tablet", "germany", "austria", "google", "direct", "paid", "hats", "shoes", "/sale", "cluster 1", "new",
    "returning", "except", "without", "not", "and", "or", "vs", "than", "all others", "share of", "how many", "which",
    "who", "why", "did", "drop", "trend", "most", "lowest", "top 3", "best", "more", "more than 2", "over 50 euros",
    "last week", "in april", "the week before", "from cart to", "order", "both", "only", "bought", "before", "lost",
    "will buy", "moved", "leaks", "similar", "compare", "average", "same for", "and on", "weekend", "?", ",",
)  # fmt: skip


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(("question", "expected"), ASKED.items(), ids=list(ASKED))
def test_no_word_that_changes_the_meaning_is_skipped(lookup: Lookup, question: str, expected: str) -> None:
    assert given(lookup, question)[0] == expected


@of_any(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=9))
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
def test_any_words_have_an_answer_or_a_refusal(lookup: Lookup, words: list[str]) -> None:
    """The questions are of one conversation, so that some continue the one before."""
    answer = lookup.ask(" ".join(words))
    assert answer.text
    for near in answer.reading.nearest if answer.reading and not answer.understood else ():
        assert as_question(near)


def test_an_error_of_ours_does_not_end_the_conversation(
    shop: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Lookup, "ask", lambda *_: 1 / 0)
        (answer,) = Conversation(None, shop).ask("revenue")
    assert isinstance(answer, Answer) and "An error prevented an answer" in answer.text
    assert "ZeroDivisionError" in caplog.text
