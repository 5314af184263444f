"""Questions that continue an answer of several parts, a ranking, a page or a prediction."""

from __future__ import annotations

from pathlib import Path

import pytest

from beha2vec_core.chat.answers.answer import Prediction
from beha2vec_core.chat.clusters.predicted_follow_ups import as_prediction
from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.days.weekdays import as_habits
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.chat.reading.of_those_before import OF_ALL
from beha2vec_core.semantic.query import Query
from tests.benchmarks.chat_questions import canonical, given

APRIL, MARCH = "2026-04-01..2026-04-30", "2026-03-01..2026-03-31"
ASKED = {
    "sessions, orders and revenue in april >> and the month before?": " && ".join(
        f"{metric} | {MARCH}" for metric in ("sessions", "orders", "revenue")
    ),
    "sessions and orders in april >> by device": " && ".join(
        f"{metric} | by device | {APRIL}" for metric in ("sessions", "orders")
    ),
    "newsletter vs paid search revenue >> and orders?": "orders | source=newsletter && orders | channel=Paid Search",
    "users and orders in april >> how many of them are new?": "no",
    "how many orders in april >> did it go up": f"orders | {APRIL} | vs {MARCH}",
    # the measure stays, also where orders are named
    "average order value in april >> only orders from germany": f"aov | country=Germany | {APRIL}",
    "average order value >> just the orders on mobile": "aov | device=mobile",
    "conversion rate >> only orders on mobile": "no",
    # what part of them
    "users who used a coupon >> are they on mobile?": "users | device=mobile | user=used a coupon | share",
    "buyers in april >> did they come from email?": f"buyers | channel=Email | {APRIL} | share",
    "buyers from germany >> how many of them came on mobile": (
        "buyers | country=Germany | device=mobile | share"
    ),
    "how many customers spent more than 100 >> did they come from email?": "no",
    # those who did something in one period, and not after it
    "how many bought in march but never since": (
        "users | user=ordered from 1 Mar to 31 Mar 2026 and did not order from 1 Apr to 13 May 2026"
    ),
    "how many visited in april and have not come back since": (
        "users | user=visited from 1 Apr to 30 Apr 2026 and did not visit from 1 May to 13 May 2026"
    ),
    "how many people came in march and never returned": (
        "users | user=visited from 1 Mar to 31 Mar 2026 and did not visit from 1 Apr to 13 May 2026"
    ),
    "top 2 landing pages by sessions >> which of those sells best on mobile?": (
        "revenue | by landing_page | device=mobile | "
        "landing_page=shop.example.com/hats;shop.example.com/shoes/trail-running"
    ),
    "orders by weekday >> and at what hour do they order?": "orders | by hour",
    "landing pages by sessions >> which of those sells best?": "revenue | by landing_page",
    "revenue in april vs march >> which channel is behind it?": f"revenue | by channel | {APRIL} | vs {MARCH} | change",
    # of those who were counted, and never of all
    "buyers in april >> which countries are they from": f"buyers | by country | {APRIL}",
    "who are our best customers >> which countries are they from": "no",
    "who are our best customers >> how many of them are on mobile": "no",
    "items sold of hats by month >> and shoes?": "items_sold | by month | item_category=Shoes",
    "items sold of hats >> and beanies?": "items_sold | item_subcategory=Beanies",
    "which channel lost most sessions in april vs march >> and which one gained": (
        f"sessions | by channel | {APRIL} | vs {MARCH} | change"
    ),
    # the answer before in another way
    "revenue by country >> only the top 3": "revenue | by country | top 3",
    "revenue by country >> and the other way round": "revenue | by country | asc",
    "orders by device in april >> the best one": f"orders | by device | {APRIL} | top 1",
    "orders on mobile >> as a percentage": "orders | device=mobile | share",
    "revenue >> as a percentage": "no",
    "orders by device >> the first one?": "orders | device=desktop",
    "orders by device >> the ninth one?": "no",
    "orders in april vs march >> vice versa": f"orders | {MARCH} | vs {APRIL}",
    "revenue from tiktok >> and from email?": "revenue | channel=Email",
    "revenue from tiktok >> and in march?": "no",
    "what is our margin >> by country": "no",
    "top 2 countries by orders >> their average order value": (
        "aov | by country | country=Germany;United States"
    ),
    # each of them, not all together
    "do people from email spend more than people from paid search": (
        "revenue_per_user | by channel | channel=Email;Paid Search"
    ),
    "returning customers' share of revenue": "revenue | new_or_returning=returning | share",
    "compare conversion rate of email with paid": (
        "conversion_rate | by channel | channel=Email;Paid Search;Paid Social"
    ),
    # a part of a question without a verb, nor an "and"
    "bounce rate >> for email visitors": "bounce_rate | channel=Email",
    "revenue in april >> for mobile users only": f"revenue | device=mobile | {APRIL}",
    "revenue in april >> for users who viewed the cart page": f"revenue | user=viewed cart pages | {APRIL}",
    "orders in april >> more than in march?": f"orders | {APRIL} | vs {MARCH}",
    "revenue by country in april >> by orders": f"orders | by country | {APRIL}",
    "hats vs shoes revenue >> in units": "items_sold | by item_category | item_category=Hats;Shoes",
    "revenue of germany >> in april orders by device": f"orders | by device | {APRIL}",
    "orders of mobile vs desktop >> add tablet to that": "orders | by device | device=desktop;mobile;tablet",
    "orders last weekend >> compared to the weekend before": (
        "orders | 2026-05-09..2026-05-10 | vs 2026-05-02..2026-05-03"
    ),
    "orders in april >> and the weekend before": "no",
    "orders from germany in april >> how much did they bring in": f"revenue | country=Germany | {APRIL}",
    "how many sessions with a cart in april >> how many of those ordered": f"cart_to_order | {APRIL}",
    "which cluster buys most >> whats their order value": "no",
    "unfinished carts in april >> how many of those finished?": "no",
    "orders in april >> how many of those bought?": "no",
    "unfinished carts in april >> how many of those were on mobile?": (
        f"unfinished_carts | device=mobile | {APRIL} | share"
    ),
    # a share stays one
    "share of mobile users >> among users who ordered": "users | device=mobile | user=ordered | share",
    "share of mobile users >> for german users": "users | country=Germany | device=mobile | share",
    "share of mobile users >> how many users are from germany?": "users | country=Germany",
    "repeat purchase rate by channel >> for email": "buyers | channel=Email | user=ordered at least 2 times | share",
    "share of buyers on mobile >> is it the same in germany?": "buyers | country=Germany | device=mobile | share",
    "what percentage of orders used a coupon >> and in germany": (
        "orders | country=Germany | one_order=used a coupon | share"
    ),
    "buyers >> are most of them on mobile": "buyers | device=mobile | share",
    # the funnel of both sides
    "funnel >> is it worse on mobile?": (
        "funnel | by step | device=mobile && funnel | by step | device!=mobile"
    ),
    "cart abandonment >> is it worse in germany? >> and on mobile?": (
        "cart_abandonment | by device | device=mobile | rest"
    ),
    "cart abandonment >> is it worse on mobile? >> and in april?": (
        f"cart_abandonment | by device | device=mobile | {APRIL} | rest"
    ),
    "cart abandonment on mobile >> is it better on desktop?": (
        "cart_abandonment | by device | device=desktop;mobile"
    ),
    "funnel in april >> does it differ by device?": f"funnel | by step,device | {APRIL}",
    "orders on 10 april >> how does it compare to the same day the week before?": (
        "orders | 2026-04-10..2026-04-10 | vs 2026-04-03..2026-04-03"
    ),
    "orders on 10 april >> and the same day last month?": "orders | 2026-03-10..2026-03-10",
    "sessions in april >> and the same month last year": "no",  # before the data
    "orders on 10 april >> and the month before?": "no",  # of one day?
    "orders in april >> and the week before": "no",
    "sessions on the weekend of 11 april >> and the week before": "sessions | 2026-04-04..2026-04-05",
    "orders over the last weeks": "orders | 2026-04-16..2026-05-13",
    "last weeks orders": "no",  # of last week?
    "top 2 channels by sessions in april >> which of them grew most?": (
        f"sessions | by channel | channel=Direct;Organic Search | {APRIL} | vs {MARCH} | change"
    ),
    "daily sessions in april >> which of them grew most?": "no",
    "users who viewed the cart page >> and the product page?": "users | user=viewed product pages",
    "users who viewed the cart page >> which pages do they come from": "no",
    "page views of the cart page >> which pages do they come from": "page_views | by previous_page | page_type=cart",
    "what pages lead to 404 errors": "no",
    "what do visitors do after reading the cart page": (
        "page_views | by next_page | page_type=cart && page_views | by next_page_type | page_type=cart | share"
    ),
    "revenue in april >> and compared to march?": f"revenue | {APRIL} | vs {MARCH}",
    "revenue in april >> compared with march?": f"revenue | {APRIL} | vs {MARCH}",
    "compared with march, what was revenue in april": f"revenue | {APRIL} | vs {MARCH}",
    "revenue in april vs march >> which channels drove that growth?": (
        f"revenue | by channel | {APRIL} | vs {MARCH} | change"
    ),
    "weekly organic search sessions >> show that as revenue please": "revenue | by week | channel=Organic Search",
    "revenue from germany >> what was the average order value with it?": "aov | country=Germany",
    "sessions from germany >> by country": "sessions | by country",
    "sessions from germany and france >> by country": "sessions | by country | country=France;Germany",
    "sessions from germany >> for france instead": "sessions | country=France",
    "sessions by channel >> as a share": "sessions | by channel | share",
    "conversion rate by device >> is that true for germany too?": "conversion_rate | by device | country=Germany",
    "cart abandonment on mobile >> has it got better over time?": "cart_abandonment | by month | device=mobile",
    "average time on the cart pages": "time_on_page | page_type=cart",
    "how long do people stay on the cart page": "time_on_page | page_type=cart",
    "which pages are read the longest": "time_on_page | by page",
    "how long do people stay on the site": "engagement_time",
    "sessions from chatgpt": "sessions | channel=AI Assistant",
    "revenue from organic shopping": "revenue | channel=Organic Shopping",
    "is email more often used by returning users": " && ".join(
        f"sessions | channel=Email | new_or_returning={kind} | share" for kind in ("new", "returning")
    ),
    "do germans use mobile more often than french people": " && ".join(
        f"sessions | country={country} | device=mobile | share" for country in ("Germany", "France")
    ),
    # each of two that are compared, the buyers of what was sold, and those who were counted
    "compare germany and austria revenue >> split that by category": (
        "item_revenue | by country,item_category | country=Austria;Germany"
    ),
    "returning vs new customers: average order value >> and by device": "aov | by new_or_returning,device",
    "how many hats have we sold >> is it new customers buying it?": (
        "buyers | by new_or_returning | item_category=Hats"
    ),
    "how many hats have we sold >> which channels did those people come from originally?": (
        "buyers | by first_channel | item_category=Hats"
    ),
    "what do people buy first, by category >> and what do they buy the second time": (
        "items_sold | by item_category | order_number=later"
    ),
    "how much does a returning customer spend compared to a first-time buyer?": (
        "revenue_per_buyer | by order_number | order_number=first;later"
    ),
    "what percentage of first-time visitors come back within 7 days": "retention",
    "retention by week of first visit": "retention | by week",
    "did new customers buy more in march?": "no",
    "are mobile orders bigger than desktop ones?": "aov | by device | device=desktop;mobile",
    "top selling hat >> who bought it, new or returning?": "no",
    "how many people viewed the cart? >> what did they look at": "page_views | by page | user=viewed cart pages",
    # of what was asked before, though they could stand alone
    "funnel on mobile in april >> where do we lose the most people": f"funnel | by step | device=mobile | {APRIL}",
    "funnel on mobile in april >> split that by new and returning users": (
        f"funnel | by step,new_or_returning | device=mobile | {APRIL}"
    ),
    "funnel on mobile in april >> show me the funnel": "funnel | by step",
    "orders from email in april >> how many of the buyers were new customers": (
        f"buyers | channel=Email | order_number=first | {APRIL} | share"
    ),
    "mobile vs desktop orders >> how many of the buyers were new": (
        "buyers | by device | device=desktop;mobile | new_or_returning=new | share within each"
    ),
    "orders from email in april >> how many sessions": f"sessions | channel=Email | {APRIL}",
    "orders from email in april >> how many sessions do we have": "sessions",
    "orders from germany in april >> how many of the buyers used a coupon?": (
        f"buyers | country=Germany | user=used a coupon | {APRIL}"
    ),
    "orders in april >> how many of the buyers who used a coupon came from email": (
        "buyers | user=visited (Email) | user=used a coupon | share"
    ),
    "orders in april >> how many bought twice": f"users | user=ordered exactly 2 times | {APRIL}",
    "orders from germany in april >> how many came back?": (
        f"users | country=Germany | user=visited at least 2 times | {APRIL}"
    ),
    "share of revenue on mobile in april >> how many orders?": "orders",
    "share of revenue on mobile in april >> how many buyers were there?": "buyers",
    "share of revenue on mobile in april >> how many of the orders were from email?": "no",
    "users who viewed the cart page in april >> how many bought": f"buyers | user=viewed cart pages | {APRIL}",
    "orders from email in april >> how many of the users from germany bought": "buyers | country=Germany",
    # another measure, other groups, and one of them
    "page views of the cart page in april >> and how many different people was that": (
        f"users | page_type=cart | {APRIL}"
    ),
    "orders from email in april >> how many people is that": f"buyers | channel=Email | {APRIL}",
    "revenue in april >> how many visitors was that?": "no",  # those who bought, or all
    "share of users on mobile in april >> how many people was that?": f"users | device=mobile | {APRIL}",
    "share of buyers who were new >> how many different people was that": "buyers | new_or_returning=new",
    "unfinished carts in april >> how many people is that": "no",
    "which landing page has the best conversion rate in april >> show it by device": (
        f"conversion_rate | by device | {APRIL}"
    ),
    "top 2 channels by orders >> show them by device": "no",
    "average order value by channel >> and first orders against later orders": (
        "aov | by order_number | order_number=first;later"
    ),
    "revenue by device >> and mobile users? >> and desktop users?": "revenue | device=desktop",
    "which landing page has the best conversion rate in april >> plot that by week": "no",
    "revenue by device >> and users on mobile?": "no",  # their number, or their revenue
    "at what hour do people order most >> and on sunday": "orders | by hour | weekday=Sunday",
    "orders by hour >> and on the previous sunday": "orders | by hour | 2026-05-10..2026-05-10",
    "orders by hour >> and on monday, april 20?": "orders | by hour | 2026-04-20..2026-04-20",
    "orders on mondays by hour >> and last sunday?": "orders | by hour | 2026-05-10..2026-05-10",
    "which month had the most revenue >> is it growing?": "revenue | by month",
    "orders on 20 april >> is it growing?": "orders | by month",
    "which landing page has most sessions in april >> how many orders did it bring": (
        f"orders | landing_page=shop.example.com/hats | {APRIL}"
    ),
    "which channel has most revenue in april >> is it growing month by month": (
        "revenue | by month | channel=Organic Social"
    ),
    "which day in april had most orders >> how much revenue was that": "no",  # of two
    "top 2 channels by revenue in april >> how many orders is that": (
        f"orders | by channel | channel=Organic Search;Organic Social | {APRIL}"
    ),
    "conversion rate from germany in april >> where did the visitors come from": (
        f"users | by channel | country=Germany | {APRIL}"
    ),
    "conversion rate from germany in april >> how many": "no",
    # the usual numbers of a group, also where the question before has no answer
    "give me the numbers for germany and france in april": " && ".join(
        f"{metric} | by country | country=France;Germany | {APRIL}"
        for metric in ("sessions", "conversion_rate", "revenue")
    ),
    "how do hats and shoes compare, views and conversion >> what about jackets": (
        "item_views | item_category=Jackets && orders | item_category=Jackets | per item_views"
    ),
    "profit from germany >> what about france": "no",
    "orders in april >> and on sunday": "orders | 2026-05-10..2026-05-10",
}  # fmt: skip
PREDICTED = {
    "and how much money is that worth": "how much revenue can we expect in the next 7 days?",
    "in the next 28 days?": "how many users will buy in the next 28 days?",
    "which cluster is that mostly?": "how many users will buy in the next 7 days?",
    "and in cluster 4?": "how many users of cluster 4 will buy in the next 7 days?",
    "and add to carts?": "how many users will add to their cart in the next 7 days?",
    "in which countries": "how many users will buy in the next 7 days by country?",
    "what countries are they from": "how many users will buy in the next 7 days by country?",
    "and where are they from?": "how many users will buy in the next 7 days by country?",
    "which devices do they use": "how many users will buy in the next 7 days by device?",
    "which channels do they come from": "how many users will buy in the next 7 days by channel?",  # which is refused
    "what are they worth in euros": "how much revenue can we expect in the next 7 days?",
    "how many are there": "how many users will buy in the next 7 days?",
    "who are they?": "which users will buy in the next 7 days?",
    "and the predicted number of add to carts for the next four weeks?": (
        "how many users will add to their cart in the next 28 days?"
    ),
    "and on mobile?": None,
    "and last week?": None,
    "revenue": None,
    "and churn?": None,
    "who will come back within 14 days?": None,  # whole questions
    "how many users will come back in the next 14 days?": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(("question", "expected"), ASKED.items(), ids=list(ASKED))
def test_what_is_continued_or_near(lookup: Lookup, question: str, expected: str) -> None:
    assert given(lookup, question)[0] == expected


def test_of_both_groups_compared_the_days_are_the_same(lookup: Lookup) -> None:
    lookup.forget()
    answer = lookup.ask("how are mobile users different from desktop users in april")
    contrast = answer.reading and answer.reading.contrast
    assert contrast and str(contrast.group.period) == str(contrast.other.period) == APRIL
    assert "counted together" not in lookup.ask("give me the numbers for germany and france in april").text


def test_a_question_of_its_own_says_that_it_keeps_nothing_of_the_one_before(lookup: Lookup) -> None:
    lookup.forget()
    assert OF_ALL not in lookup.ask("orders from email in april").text
    for question, is_said in (
        ("how many sessions do we have", True),
        ("and in april?", False),
        ("orders in may", False),
        ("how many of the visitors from germany on mobile looked at a product page", True),
    ):
        assert (OF_ALL in lookup.ask(question).text) is is_said


@pytest.mark.parametrize(
    "text", ["on /deals/black-friday-2023", "/c/sunday-best", "on Black Friday", "on Monday, 23 March"]
)
def test_only_a_weekday_alone_is_all_of_them(text: str) -> None:
    assert as_habits(text) == text
    assert as_habits("and on Monday?") == "and on Mondays?"


def test_of_days_that_are_too_few_the_trend_is_of_all_and_says_so(lookup: Lookup) -> None:
    lookup.forget()
    lookup.ask("orders in april")
    answer = lookup.ask("is it growing by month?")
    assert answer.reading and answer.reading.query == Query("orders", ("month",))
    assert "All days are shown: 1 Apr to 30 Apr 2026 is too short for a trend by month." in answer.text


def test_a_follow_up_names_the_question_that_was_not_answered(lookup: Lookup) -> None:
    lookup.forget()
    lookup.ask("revenue from wholesale")
    text = lookup.ask("and by device?").text
    assert "no answer to build on: “revenue from wholesale” was not answered" in text


def test_the_last_two_answers_are_compared_or_added_up(lookup: Lookup) -> None:
    lookup.forget()
    for question in ("sessions from email", "and paid search?"):
        lookup.ask(question)
    answer = lookup.ask("both together")
    assert answer.reading and answer.reading.query
    assert canonical(answer.reading.query) == "sessions | channel=Email;Paid Search"


def test_a_day_is_compared_with_the_mean_of_all_days(lookup: Lookup) -> None:
    text = lookup.ask("were orders on 20 april above average?").text
    orders, days = lookup.ask("how many orders").text, 347
    mean = int(orders.split(": ")[1].split(".")[0].replace(",", "")) / days
    assert text.startswith(("Yes, ", "No, ")) and f" against {mean:.2g} a day on average." in text


def test_what_fell_is_said_beside_what_rose_and_the_rate_too(lookup: Lookup) -> None:
    text = lookup.ask("what changed between march and april").text
    assert "most in" in text and ("fell most in" in text or "none fell" in text) and "- conversion rate: " in text


def test_of_two_breakdowns_no_row_is_missing(lookup: Lookup) -> None:
    table = lookup.ask("sessions by channel and device").table
    assert table is not None and not table.truncated and len(table.rows) > 12


def test_what_was_said_of_a_measure_is_said_again(lookup: Lookup) -> None:
    said = "Sessions with something added to the cart are counted, not how often."
    assert said in lookup.ask("how often was something put in the basket in april").text
    assert said in lookup.ask("and the month before?").text
    assert said not in lookup.ask("and revenue?").text


def test_which_of_them_is_one_of_the_clusters_that_were_listed(lookup: Lookup) -> None:
    assert lookup.ask("which cluster buys the most?").text == (
        lookup.ask("what kinds of visitors do we have") and lookup.ask("which of them buys the most?").text
    )
    lookup.ask("orders in april")
    assert not lookup.ask("which of them buys the most?").text.startswith("All users")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("are most of our visitors on mobile", "Yes, more than half."),
        ("do most of our buyers use a tablet", "No, less than half."),
        ("how many iphone users bought", "“iphone” was read as iOS, which iPads have too."),
    ],
)
def test_what_was_read_as_something_else_or_more_than_half_is_said(lookup: Lookup, question: str, said: str) -> None:
    assert said in lookup.ask(question).text.split("\n")


def test_channels_without_a_visit_are_said(lookup: Lookup) -> None:
    assert "No session in the data has the channel Display or SMS." in lookup.ask("display or sms sessions").text


@pytest.mark.parametrize("words", ["missing data", "days without data", "no data days", "bought and not", "or the"])
def test_no_pattern_takes_exponential_time(lookup: Lookup, words: str) -> None:
    assert not lookup.ask(f"{words} " * 40 + "zebra").understood


@pytest.mark.parametrize(("question", "whole"), PREDICTED.items(), ids=list(PREDICTED))
def test_predictions_are_continued(question: str, whole: str | None) -> None:
    before = Prediction("purchase", 7)
    assert as_prediction(question, before, lambda: ("purchase", "return", "add_to_cart")) == whole


def test_predictions_of_clusters_stay_of_these() -> None:
    one, two = (Prediction("purchase", 7, keys) for keys in ((5,), (5, 4)))
    for question, before, whole in (
        ("compared to cluster 4", one, "how many users of cluster 5 and cluster 4 will buy in the next 7 days?"),
        ("and users of cluster 4?", one, "how many users of cluster 4 will buy in the next 7 days?"),
        ("what are they worth in euros", two, "how many users of cluster 5 and cluster 4 will buy in the next 7 days?"),
        ("and in the next 28 days", two, "how many users of cluster 5 and cluster 4 will buy in the next 28 days?"),
        ("who are they", two, None),
        ("vs cluster 1", Prediction("purchase", 7), None),  # all are not compared with one
    ):
        assert as_prediction(question, before, lambda: ("purchase",)) == whole


def test_days_without_data_and_breaks_are_named(lookup: Lookup) -> None:
    text = lookup.ask("Did all tracking work properly, any gaps or broken days?").text
    assert text.startswith("All 347 days have events from 1 Jun 2025 to 13 May 2026.")
    assert "Tracking broke on 1 day: 7 Apr 2026, no purchases (100 events, usually 100)." in text
    assert "Tracking broke on no day" in lookup.ask("any missing days in march?").text
    assert not lookup.ask("any gaps in tracking on mobile?").understood


def test_shares_are_not_compared_with_each_other_and_means_have_no_share(lookup: Lookup) -> None:
    for chain in (
        ["share of revenue from email", "and from google", "difference"],
        ["revenue per user by channel", "as a percentage"],
    ):
        lookup.forget()
        *before, last = [lookup.ask(question) for question in chain]
        assert all(answer.understood for answer in before) and not last.understood


def test_a_lower_bounce_rate_is_better_than_average(lookup: Lookup) -> None:
    lookup.forget()
    better, worse = (
        lookup.ask(f"was the bounce rate in april {word} than average").text for word in ("better", "worse")
    )
    assert better.startswith("Yes, ") != worse.startswith("Yes, ")
    assert better.startswith("Yes, ") == (" -" in better.split(" against ")[0])
    assert not lookup.ask("revenue per user on 14 april compared to average").understood
