"""Questions about numbers: how they are read, what is answered, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.answers.changes import parts_of
from beha2vec_core.chat.answers.refused import not_answered
from beha2vec_core.chat.conversation import Conversation
from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.data.sql import run_sql
from beha2vec_core.chat.events import Answer, SqlRows, TextDelta
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.queries.nearest import as_question
from beha2vec_core.chat.reading.question import Reading, read_question
from beha2vec_core.chat.terminal import answer_once
from beha2vec_core.semantic.compiler import dimensions_of, is_ranked, place
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.layer import run_query
from beha2vec_core.semantic.parts import run_parts
from beha2vec_core.semantic.query import Filter, Period, Query
from tests.benchmarks.chat_questions import canonical, cases
from tests.helpers.publications import published_anew
from tests.semantic.semantic_world import FIRST, LAST, make_world

DATA = Period(FIRST, LAST)


@pytest.fixture(scope="module")
def published(shop: Path) -> Published:
    """It keeps what is read once per publication."""
    return Published(shop)


@pytest.fixture
def lookup(published: Published) -> Lookup:
    return Lookup(published, Aliases(published.path))


def read(vocabulary: Vocabulary, question: str, previous: Query | None = None) -> str:
    reading = read_question(question, vocabulary, previous)
    return canonical(reading.query) if reading.query else f"no: {reading.problem}"


def test_revenue_of_last_week_names_its_days(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    answer = lookup.ask("Revenue last week?")
    revenue, orders = data.execute(
        """select sum(revenue), count(*) from ga4.fct_ga4__purchases
        where occurred_on between '2026-05-04' and '2026-05-10'"""
    ).fetchall()[0]
    assert answer.text.startswith(f"Revenue from 4 May to 10 May 2026: {revenue:,.2f} EUR (n = {orders} orders).")
    assert "Looked up: revenue, 4 May to 10 May 2026." in answer.text and answer.understood


def test_the_channel_with_most_buyers_is_one(lookup: Lookup, shop: Path, data: duckdb.DuckDBPyConnection) -> None:
    answer = lookup.ask("Channel with most buyers?")
    channel, buyers = data.execute(
        """select default_channel_group, count(distinct p.user_key) from ga4.fct_ga4__purchases p
        left join ga4.fct_ga4__sessions using (session_key) where not is_refund_without_purchase
        group by 1 order by 2 desc limit 1"""
    ).fetchall()[0]
    assert f"highest for {channel}, {buyers}; then " in answer.text and "cluster" not in answer.text
    assert answer.table is not None and answer.table.columns == ["channel", "buyers"]
    assert answer.table.rows[0] == [channel, buyers]
    (statement,) = answer.statements
    assert run_sql(shop, statement).rows[0][:2] == [channel, buyers], "the source can be run as it is shown"


def test_mobile_and_desktop_are_compared_by_what_is_named(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    answer = lookup.ask("Is mobile worse than desktop?")
    ((bought, sessions),) = data.execute(
        """select count(*) filter (purchases > 0), count(*) from ga4.fct_ga4__sessions
        where device_category = 'desktop'"""
    ).fetchall()
    assert f"{bought} of {sessions:,} sessions" in answer.text and "95% interval" in answer.text
    assert answer.text.startswith("Yes. Conversion rate: mobile, ") or answer.text.startswith("No")
    assert "“worse” was read as a question about the conversion rate, as no measure is named." in answer.text


# each was once read as another question, or could be
REFUSED = [
    ("orders without a discount", "“discount”"),
    ("sessions excluding", "“excluding”"),
    ("which channel brings the best customers", "not both"),
    ("why do customers like wool hats", "“like”"),
    ("did the ads cause the drop in orders last week", "not why"),
    ("what did users buy after viewing hats", "“after”"),
    ("funnel of the newsletter open and click", "newsletter open"),
    ("how many people searched for shoes", "search for on the site is not measured"),
    ("what do people search for on the site", "search for on the site is not measured"),
    ("who should I contact this week? I can only email 500 people", "who buys because of a message"),
    ("who came back last week after being away for more than 30 days", "how long each user was away"),
    ("what share of users are in cluster 2 and bought", "share of all users, or of this group"),
    ("sessions with more than 5 minutes", "“minutes”"),
    ("channels with more than 5", "no measure"),
    ("conversion rate of customers over 50", "More than that of what"),
    ("revenue from tiktok last week", "“tiktok”"),
    ("days between order and refund", "“between”"),
    ("time between visits", "“between”"),
    ("how long until users come back", "“until”"),
    ("what did users do yesterday", "“do”"),
    ("did the spring_sale campaign increase revenue", "not why"),
    ("revenue in 2019", "The data cover 1 Jun 2025 to 13 May 2026"),
    ("bounce rate by product", "Bounce rate cannot be shown by item."),
    ("bounce rate compared to march", "Which period should I compare"),
    ("conversion rate by campaign or landing page", "one or the other"),
    ("highest revenue", "of what"),
    ("revenue last month vs", "two values"),
    ("list all orders", "no lists"),
    ("users who won the match", "“won”"),
    ("new users and orders by device", "together"),
    ("revenue by customer", "cannot give this per customer"),
    ("revenue per email", "cannot give this per email"),
    ("unique page views", "“unique”"),
    ("sessions -direct", "“-”"),
    ("sessions country != germany", "“=”"),
    ("how many users did we acquire", "“acquire”"),
    ("google ads spend last month", "What you spend is not measured"),
    ("sessions by country from email, in order of google", "No visit has both"),
    ("countries with more revenue than germany", "more or less than one of them"),
    ("mobile vs desktop conversion rate germany vs austria", "one dimension at a time"),
    ("median revenue per user", "“median”"),
    ("orders with shipping", "not who paid them"),
    ("share of customers who paid tax", "not who paid them"),
    ("page views about shipping", "not who paid them"),
    ("sales incl. vat in march", "depends on what the site sends"),
    ("how much vat did we pay", "What you spend is not measured"),
    ("shipping costs by country", "no costs that you pay for shipping"),
    ("how much did we pay for shipping costs", "What you spend is not measured."),
    ("tax of hats", "cannot be shown by item"),
    ("sessions from australia", "“Australia”"),
    ("revenue december 9999", "“9999”"),
    ("last 99999999 weeks revenue", "“99999999”"),
    ("predicted revenue by channel", "not by channel"),
    ("which cluster comes back most on mobile?", "not some of them|all their users|did not understand"),
    ("orders on 5 and 9 march", "two periods"),
    ("which visiters abandon there carts", "list users by"),
    ("which visitors bounce", "list users by"),
    ("in which cluster do carts leak", "“leak”"),
    ("what about mobile?", "no answer to build on"),
    ("and orders?", "no answer to build on"),
    ("how many orders will we get from germany next week", "not of one country"),
    ("how many orders will we get on each day next week", "not what the site will sell"),
    ("how many buyers will we have next month", "not what the site will sell"),
    ("what is likely to increase our revenue next month", "not what the site will sell"),
    ("what will users buy next week", "not what the site will sell"),
    ("when will customers buy again", "not what the site will sell"),
    ("which users are likely to buy on sundays", "Predictions are available by cluster"),
    ("which users are likely to buy 2 things", "“2”"),
    ("which users are likely to buy more than 2 hats", "not of one theme"),
    ("which vistors bounce", "list users by"),
    ("which customers will spend the most next month", "not how much"),
    ("share of revenue likely to come from buyers", "not shares"),
]


@pytest.mark.parametrize(("question", "why"), REFUSED)
def test_no_answer_to_another_question(lookup: Lookup, question: str, why: str) -> None:
    answer = lookup.ask(question)
    assert not answer.understood and not answer.facts and not answer.statements and answer.table is None
    assert "I cannot answer this." in answer.text and any(part in answer.text for part in why.split("|"))
    near = [line.removeprefix("  - ") for line in answer.text.splitlines() if line.startswith("  - ")]
    for one in near:
        lookup.forget()
        assert lookup.ask(one).understood, one


def test_words_of_the_data_are_known_as_people_call_them(vocabulary: Vocabulary) -> None:
    for question, expected in {
        "partner site conversion": "conversion_rate | source=partner-site.example",
        "phone sessions": "sessions | device=mobile",
        "orders in the us": "orders | country=United States",
        "paid traffic": "sessions | channel=Paid Search;Paid Social",
        "views of /sale": "page_views | page=shop.example.com/sale",
        "bounce rate of /sale": "bounce_rate | landing_page=shop.example.com/sale",
        "sessions landing on /shoes": "sessions | landing_page=shop.example.com/shoes",
        "revenue from shoes": "item_revenue | item_category=Shoes",
        "page views about shoes": "page_views | theme=shoes",
        "campaign spring_sale revenue": "revenue | campaign=spring_sale",
    }.items():
        assert read(vocabulary, question) == expected


def test_questions_in_the_words_of_others(vocabulary: Vocabulary) -> None:
    last = "2026-04-14..2026-05-13"
    for question, expected in {
        "What percentage of sessions in the last 30 days are mobile vs desktop?": (
            f"sessions | by device | device=desktop;mobile | {last} | share"
        ),
        "How many sessions came from Android devices?": "sessions | os=Android",
        "How many sessions originated from email campaigns?": "sessions | channel=Email",
        "Highest spending customers": "revenue | by user",
        "How many sessions are from new users versus returning users?": (
            "sessions | by new_or_returning | new_or_returning=new;returning"
        ),
        "Compare sales between this month and last month": (
            "revenue | 2026-05-01..2026-05-13 | vs 2026-04-01..2026-04-13"
        ),
        "top 5 best-selling products by revenue": "item_revenue | by item | top 5",
        "Which campaigns drove the most revenue last month?": "revenue | by campaign | 2026-04-01..2026-04-30",
    }.items():
        assert read(vocabulary, question) == expected


# each needs one of: steps of buying in a sentence, the rest, what is left out, a share of a part, numbers of groups,
# several measures, where a change lies
ANSWERED = {
    "orders not from google": "orders | source!=google",
    "sessions from everything but google": "sessions | source!=google",
    "share of revenue from returning customers": "revenue | new_or_returning=returning | share",
    "what share of mobile sessions is from google": "sessions | device=mobile | source=google | share",
    # a source with its medium, as GA4 writes them, is one value: no share of all organic visits
    "what share of the sessions is google organic": "sessions | source_medium=google / organic | share",
    "google / organic vs google / cpc conversion rate": (
        "conversion_rate | by source_medium | source_medium=google / cpc;google / organic"
    ),
    "bing referral sessions": "sessions | medium=referral | source=bing",
    "orders from (direct) / (none)": "orders | source_medium=(direct) / (none)",
    "top 3 source / mediums by revenue": "revenue | by source_medium | top 3",
    "sessions april 3rd - 9th": "sessions | 2026-04-03..2026-04-09",
    "conversion rate by landing page type": "conversion_rate | by landing_page_type",
    "bounce rate of sessions landing on a category page": "bounce_rate | landing_page_type=category",
    # of two words that are written as one, or the other way round
    "bouncerate on mobile": "bounce_rate | device=mobile",
    "orders on desk top": "orders | device=desktop",
    # within a period, and where nothing is known of the time before it, a change is the period's trend; not of days
    "did orders go down during april": "orders | 2026-04-16..2026-04-30 | vs 2026-04-01..2026-04-15",
    "has aov gone down in 2025": "aov | by month | 2025-01-01..2025-12-31",
    "which channel grew most in 2025": (
        "revenue | by channel | 2025-09-16..2025-12-31 | vs 2025-06-01..2025-09-15 | change"
    ),
    "mobile share of sessions over time": "sessions | by month | device=mobile | share",
    "how many people added to cart last week": "cart_users | 2026-05-04..2026-05-10",
    "out of everybody who saw a product, how many put it in the cart?": (
        "users | user=reached the cart | user=viewed a product | share"
    ),
    "what share of carts turn into orders": "cart_to_order",
    "what's the drop-off between begin checkout and purchase?": "checkout_drop_order",
    "funnel on mobile last week": "funnel | by step | device=mobile | 2026-05-04..2026-05-10",
    "which step loses the most mobile users": "funnel | by step | device=mobile",
    "how many countries do we sell to": "revenue | by country | count",
    "how many customers ordered at least twice": "buyers | user=ordered at least 2 times",
    "bounce rate for chrome compared to other browsers": "bounce_rate | by browser | browser=Chrome | rest",
    "is bounce rate worse for chrome than for all other browsers?": "bounce_rate | by browser | browser=Chrome | rest",
    "biggest drop in sessions by channel last week vs the week before": (
        "sessions | by channel | 2026-05-04..2026-05-10 | vs 2026-04-27..2026-05-03 | change | asc"
    ),
    "why did ppl visit less last week": "users | 2026-05-04..2026-05-10 | vs 2026-04-27..2026-05-03 | why",
    "aov in the second half of april": "aov | 2026-04-16..2026-04-30",
    "orders in the first week of march": "orders | 2026-03-01..2026-03-07",
    "why did orders rise in the first week of march": (
        "orders | 2026-03-01..2026-03-07 | vs 2026-02-22..2026-02-28 | why"
    ),
}


def test_questions_that_need_more_than_a_number(vocabulary: Vocabulary) -> None:
    for question, expected in ANSWERED.items():
        assert read(vocabulary, question).startswith(expected), question


def test_several_measures_have_an_answer_each(lookup: Lookup, shop: Path) -> None:
    answer = lookup.ask("revenue and orders by channel")
    assert answer.reading is not None and [one.metric for one in answer.reading.more] == ["orders"]
    assert answer.text.count("Looked up: ") == 2 and len(answer.statements) == 2
    assert lookup.ask("and on mobile?").text.count("on mobile:") == 2
    events = list(Conversation(None, shop).ask("revenue and orders by channel"))
    assert [type(event) for event in events] == [TextDelta, SqlRows, Answer], "one table"
    assert answer.table is not None and answer.table.columns == ["channel", "revenue", "orders"]
    by_channel = lookup.ask("orders by channel").table
    assert by_channel is not None and {row[0]: row[2] for row in answer.table.rows} == dict(by_channel.rows)
    top = lookup.ask("top 3 countries by number of sessions, with the conversion rate of each").table
    assert top is not None and top.columns == ["country", "sessions", "conversion rate"]
    assert [row[1] for row in top.rows] == [row[1] for row in lookup.ask("top 3 countries by sessions").table.rows]


@pytest.mark.parametrize("metric", ["revenue", "sessions", "conversion_rate", "aov", "pages_per_session"])
def test_parts_of_a_change_add_up_to_it(data: duckdb.DuckDBPyConnection, metric: str) -> None:
    april = Period(date(2026, 4, 1), date(2026, 4, 30))
    asked = Query(metric, filters=(Filter("device", ("mobile", "desktop")),), period=april, versus=april.before())
    total = run_query(data, asked).rows[0]
    names = ("channel", "landing_page", "new_or_returning")
    for name, in_one_scan in zip(names, run_parts(data, asked, names), strict=True):
        result = run_query(data, replace(asked, by=(name,), by_change=True))
        assert sum(part.part for part in parts_of(result)) == pytest.approx(total["value"] - total["value_before"])
        assert {(one.group, one.now, one.before, one.part) for one in parts_of(in_one_scan)} == {
            (one.group, one.now, one.before, one.part) for one in parts_of(result)
        }, name


def test_a_change_is_said_with_where_it_lies_and_no_cause(lookup: Lookup) -> None:
    answer = lookup.ask("why did revenue drop in april?")
    assert "Channel: fell most in " in answer.text and "but not why." in answer.text
    assert answer.table is not None and {row[0] for row in answer.table.rows} >= {"channel", "device", "country"}
    largest = lookup.ask("which channel is responsible for the drop in revenue in april?")
    assert largest.table is not None and "All together: -" in largest.text


def test_the_funnel_is_that_of_the_sessions_asked_for(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    answer = lookup.ask("show me the funnel on mobile")
    reached = data.execute(
        """select count(*) filter (furthest_step >= 1), count(*) filter (furthest_step >= 6)
        from ga4.fct_ga4__funnel_sessions join ga4.fct_ga4__sessions using (session_key)
        where device_category = 'mobile'"""
    ).fetchall()[0]
    assert answer.table is not None and answer.table.columns == ["step", "sessions", "of the step before"]
    assert (answer.table.rows[0][1], answer.table.rows[-1][1]) == reached
    assert "Most are lost after " in answer.text


def test_the_growth_of_a_cluster_is_its_users_by_week(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    answer = lookup.ask("why is cluster 2 growing")
    assert answer.table is not None and "do not show why" in answer.text
    expected = data.execute(
        """select date_trunc('week', s.session_date)::date::text, count(distinct user_key)
        from ga4.fct_ga4__sessions s join beha2vec.cluster_history h using (user_key)
        where h.event_date = s.session_date and h.cluster_key = 2 group by 1 order by 1"""
    ).fetchall()
    assert [tuple(row) for row in answer.table.rows] == expected
    profile = lookup.ask("why is cluster 0 interesting")
    assert not profile.understood or "do not show why" in profile.text


def test_steps_that_did_not_follow_are_counted(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    for question, ended in (
        ("how many sessions view a product but never buy", "step_1_at is not null and furthest_step < 6"),
        ("how many got to the checkout but bailed", "step_3_at is not null and step_6_at is null"),
        ("how many put stuff in the basket but never went to checkout", "step_2_at is not null and furthest_step < 3"),
    ):
        ((count,),) = data.execute(f"select count(*) from ga4.fct_ga4__funnel_sessions where {ended}").fetchall()
        assert f": {count:,}." in lookup.ask(question).text, question


def test_a_change_without_a_period_is_of_the_last_28_days(lookup: Lookup) -> None:
    text = lookup.ask("reason for fewer orders from germany").text
    assert "No period is named, so the last 28 days are compared with the 28 days before." in text
    risen, fallen = (lookup.ask(f"why the {word} in revenue").text for word in ("rise", "drop"))
    assert ("it was the opposite" in risen) != ("it was the opposite" in fallen), "one of them supposes what is not so"


@pytest.mark.parametrize("measure", ["was revenue lower", "was the bounce rate better", "did we sell less"])
def test_the_period_that_another_is_compared_with_decides_what_a_why_supposes(lookup: Lookup, measure: str) -> None:
    said = [
        "it was the opposite" in lookup.ask(question).text
        for question in (
            f"why {measure} in march than in april",
            f"compared with april, why {measure} in march",
            f"why {measure} in april than in march",
        )
    ]
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize(("month", "number"), [("march", 3), ("april", 4)])
def test_only_groups_that_changed_as_asked_are_listed(
    lookup: Lookup, data: duckdb.DuckDBPyConnection, month: str, number: int
) -> None:
    moved = data.execute(
        """select device_category, count(*) filter (month(session_date) = $1) / day(last_day(make_date(2026, $1, 1)))
            - count(*) filter (month(session_date) = $1 - 1) / day(last_day(make_date(2026, $1 - 1, 1)))
        from ga4.fct_ga4__sessions where year(session_date) = 2026 group by 1""",
        [number],
    ).fetchall()
    for verb, sign in (("fell", -1), ("rose", 1)):
        expected = [name for name, by in sorted(moved, key=lambda one: -sign * one[1]) if sign * by > 0]
        answer = lookup.ask(f"which devices' sessions {verb} in {month}?")
        assert answer.table is not None
        if expected:
            assert [row[0] for row in answer.table.rows] == expected
            count = "all" if len(expected) == len(moved) else f"{len(expected)} of"
            assert f"{verb} for {count} {len(moved)} devices from " in answer.text
        else:
            assert len(answer.table.rows) == len(moved)
            assert answer.text.startswith(f"None {verb}. Sessions per day from ")
    gone = lookup.ask("which devices' orders fell in april?")
    assert gone.table is not None and gone.table.rows[0][0] == "mobile", "it has no order in April"


def test_a_cause_is_looked_for_in_all_groups_a_direction_in_large_ones(lookup: Lookup) -> None:
    for verb in ("drop", "rise"):
        reading = lookup.ask(f"which landing page caused the {verb} in conversion rate in april?").reading
        assert reading and reading.query and reading.query.by_change and not reading.query.moved
        assert not is_ranked(reading.query), "small groups are parts of the change too"
        asked = lookup.ask(
            f"which landing pages' conversion rate {'fell' if verb == 'drop' else 'rose'} in april?"
        ).reading
        assert asked and asked.query and asked.query.moved and is_ranked(asked.query)


@pytest.mark.parametrize(
    "question",
    [
        "which channels doubled their orders in april?",
        "which devices halved their sessions in april?",
        "which channels grew by half in april?",
        "which channels grew by at least 2 orders in april?",
    ],
)
def test_groups_that_moved_so_much_are_not_all_that_moved(question: str, lookup: Lookup) -> None:
    assert "cannot answer" in lookup.ask(question).text


def test_how_many_groups_moved_is_not_said_of_a_list_that_is_cut(
    lookup: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert " 3 devices from " in lookup.ask("which devices' sessions rose in april?").text
    monkeypatch.setattr("beha2vec_core.chat.answers.changes.MAX_ROWS", 3)
    assert " devices against" not in lookup.ask("which devices' sessions rose in april?").text


def test_unequal_periods_and_trends_are_summed_up(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    text = lookup.ask("sessions in march against february").text
    counts = dict(
        data.execute(
            """select month(session_date), count(*) from ga4.fct_ga4__sessions
            where session_date >= '2026-01-01' group by 1"""
        ).fetchall()
    )
    assert re.search(rf", per day: {counts[3] / 31:.1f}, \S+ compared with {counts[2] / 28:.1f} from 1 Feb", text), text
    assert f"In all: {counts[3]} in 31 days and {counts[2]} in 28 days" in text
    years = lookup.ask("sessions in 2025 against sessions in 2026").text
    of_year = dict(data.execute("select year(session_date), count(*) from ga4.fct_ga4__sessions group by 1").fetchall())
    days = {2025: (date(2025, 12, 31) - FIRST).days + 1, 2026: (LAST - date(2026, 1, 1)).days + 1}
    shown = [f"{of_year[year] / days[year]:.1f}" for year in (2025, 2026)]
    assert re.search(
        rf"per day: {shown[0]}, \S+ compared with {shown[1]}|per day: {shown[1]}, \S+ compared with {shown[0]}", years
    ), years
    weeks = data.execute(
        """select count(*) from ga4.fct_ga4__sessions where session_date > date '2026-05-13' - 28
        group by (date '2026-05-13' - session_date) // 7 order by (date '2026-05-13' - session_date) // 7 desc"""
    ).fetchall()
    shown = "; ".join(f"{count:,}" for (count,) in weeks)
    assert f"Weeks of seven days up to 13 May 2026: {shown} " in lookup.ask("how did sessions develop lately").text
    assert "Weeks of" not in lookup.ask("how did users develop lately").text, "users of two days are no sum"


def test_named_groups_without_an_order_are_zero(tmp_path: Path) -> None:
    path = make_world(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as world:
        world.execute(
            """delete from ga4.fct_ga4__purchases where session_key in (select session_key
            from ga4.fct_ga4__sessions where default_channel_group = 'Paid Social')"""
        )
    answer = Lookup(Published(path), Aliases(path)).ask("compare orders from email and paid social")
    assert answer.table is not None and ["Paid Social", 0] in [row[:2] for row in answer.table.rows]
    assert "There is nothing for" not in answer.text


def test_items_by_the_category_within_their_category(vocabulary: Vocabulary) -> None:
    expected = "items_sold | by item_subcategory | item_subcategory=Beanies;Runners"
    assert read(vocabulary, "beanies or runners, which sells better") == expected
    assert read(vocabulary, "how many ponchos were sold") == "items_sold | item_subcategory=Parkas & Ponchos"


def test_a_misspelled_word_is_read_and_said(vocabulary: Vocabulary) -> None:
    reading = read_question("convertion rate in germny", vocabulary)
    assert reading.query is not None and canonical(reading.query) == "conversion_rate | country=Germany"
    assert "“convertion” was read as “conversion”." in reading.notes


def test_follow_ups_continue_the_question_before(lookup: Lookup) -> None:
    for question, expected in (
        ("revenue last month", "revenue | 2026-04-01..2026-04-30"),
        ("and on mobile?", "revenue | device=mobile | 2026-04-01..2026-04-30"),
        ("and the month before?", "revenue | device=mobile | 2026-03-01..2026-03-31"),
        ("by channel", "revenue | by channel | device=mobile | 2026-03-01..2026-03-31"),
        ("what about tablet", "revenue | by channel | device=tablet | 2026-03-01..2026-03-31"),
        ("and orders?", "orders | by channel | device=tablet | 2026-03-01..2026-03-31"),
        ("sessions", "sessions"),
    ):
        answer = lookup.ask(question)
        assert answer.reading is not None and answer.reading.query is not None, answer.text
        assert canonical(answer.reading.query) == expected
    assert not lookup.ask("and revenue and orders?").understood
    lookup.ask("which clusters are there?")
    assert not lookup.ask("and on mobile?").understood, "there is nothing to continue"


# a question, one that follows it, and what that is read as; none: it is refused
FOLLOWED = [
    ("bounce rate", "and for people landing on the home page?", "bounce_rate | landing_page_type=home"),
    ("bounce rate", "and on the home page?", "bounce_rate | landing_page=shop.example.com/"),
    ("conversion rate", "what about visitors from Germany?", "conversion_rate | country=Germany"),
    ("conversion rate", "and for sessions on tablet?", "conversion_rate | device=tablet"),
    ("revenue in march", "and from people on desktop?", "revenue | device=desktop | 2026-03-01..2026-03-31"),
    ("revenue", "and users on mobile?", None),  # users or revenue
    ("revenue", "and how many users on mobile?", "users | device=mobile"),
    ("revenue in march", "and users?", "users | 2026-03-01..2026-03-31"),
    ("users last month", "and sessions on mobile?", "sessions | device=mobile | 2026-04-01..2026-04-30"),
    ("revenue from tiktok in march", "and orders?", None),  # not answered: there is nothing to continue
    (
        "why did revenue drop in march?",
        "and sessions?",
        "sessions | 2026-03-01..2026-03-31 | vs 2026-02-01..2026-02-28 | why",
    ),
    ("how many users are in each cluster", "and how much revenue?", None),
    ("errors in cluster 0", "and in cluster 1?", None),
    ("revenue in march", "and is mobile worse than desktop?", None),  # in March, or in all?
    ("revenue by channel", "and per visit?", "revenue | by channel | per sessions"),
    ("conversion rate", "and per user?", None),
    (
        "conversion in europe vs north america",
        "and orders?",
        "orders | by country | country=Austria;France;Germany;United Kingdom;United States",
    ),
    ("mobile share of revenue", "and by week?", "revenue | by week | device=mobile | share"),
    # words that stand for something of the question before, wherever they stand
    ("how many visits came from email", "how much money did those bring in", "revenue | channel=Email"),
    ("how many visits came from email", "what did they bring in", "revenue | channel=Email"),
    ("how many visits came from email", "what devices do they use", "sessions | by device | channel=Email"),
    ("how many visits came from email", "how much revenue is from these", "revenue | channel=Email"),
    ("users who viewed shoes", "and did they buy it", None),  # the shoes, or anything
    ("which channel brings the most revenue", "and which one converts best?", "conversion_rate | by channel"),
    ("top 2 channels by revenue", "which of these converts best?",
     "conversion_rate | by channel | channel=Organic Search;Paid Search"),
    ("revenue UK vs US", "and Germany?",
     "revenue | by country | country=Germany;United Kingdom;United States"),
    (
        "orders by device", "how did that change from march to april?",
        "orders | by device | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31",
    ),
    (
        "sessions on mobile in april", "how did that compare with march?",
        "sessions | device=mobile | 2026-04-01..2026-04-30 | vs 2026-03-01..2026-03-31",
    ),
    # of a list, the first
    ("which device had the most revenue in april", "how many sessions did it have?",
     "sessions | device=desktop | 2026-04-01..2026-04-30"),
    ("which device had the most revenue in april", "and its conversion rate in march?",
     "conversion_rate | device=desktop | 2026-03-01..2026-03-31"),
    ("which converts better, email or direct", "and compared to paid search?",
     "conversion_rate | by channel | channel=Direct;Email;Paid Search"),
    ("show me the funnel", "same for email traffic only", "funnel | by step | channel=Email"),
    ("which landing page has the most orders", "how many sessions did it have?",
     "sessions | landing_page=shop.example.com/"),
    # of the first of a list, or of all of it; and what they bought is not anything
    ("who are our best customers", "which devices do they use?", None),
    ("how many people viewed shoes", "how many bought them?", None),
]  # fmt: skip


@pytest.mark.parametrize(("first", "then", "expected"), FOLLOWED)
def test_a_follow_up_keeps_what_was_asked(lookup: Lookup, first: str, then: str, expected: str | None) -> None:
    lookup.ask(first)
    answer = lookup.ask(then)
    assert answer.understood == (expected is not None), answer.text
    if expected:
        assert answer.reading is not None and answer.reading.query is not None
        assert canonical(answer.reading.query) == expected
    else:
        assert answer.table is None and not answer.statements


def test_a_follow_up_that_was_refused_can_be_asked_in_other_words(lookup: Lookup) -> None:
    lookup.ask("orders on mobile in march")
    assert not lookup.ask("and did they like it?").understood
    answer = lookup.ask("and in april?")
    assert answer.reading is not None and answer.reading.query is not None, answer.text
    assert canonical(answer.reading.query) == "orders | device=mobile | 2026-04-01..2026-04-30"


def test_what_was_refused_is_not_continued(lookup: Lookup) -> None:
    lookup.ask("revenue in march")
    assert not lookup.ask("revenue from tiktok in april").understood
    assert "no answer to build on" in lookup.ask("and orders?").text, "of March, or of April?"


def test_abandonment_and_checkout_are_metrics(vocabulary: Vocabulary, lookup: Lookup) -> None:
    for question, expected in {
        "cart abandonment": "cart_abandonment",
        "cart abandonment rate": "cart_abandonment",
        "percent of carts that get abandoned": "cart_abandonment",
        "what share of baskets is abandoned": "cart_abandonment",
        "do people on mobile abandon their carts": "cart_abandonment | device=mobile",
        "checkout abandonment rate": "checkout_abandonment",
        "checkout rate": "checkout_rate",
        "checkout completion rate in march": "checkout_completion | 2026-03-01..2026-03-31",
        "cart to purchase rate on mobile": "cart_to_order | device=mobile",
        "how many checkouts were started on tablet": "checkout_sessions | device=tablet",
        "which cluster has the highest cart abandonment": "cart_abandonment | by cluster",
        "which cluster has the most revenue": "revenue | by cluster",
        "which cluster brings in the most money overall": "revenue | by cluster",
        "checkout rate of cluster 1": "checkout_rate | cluster=1",
    }.items():
        answer = lookup.ask(question)
        assert answer.understood and answer.reading is not None and answer.reading.query is not None, question
        assert canonical(answer.reading.query) == expected == read(vocabulary, question)


def test_a_statement_beside_the_question_is_left_out_unless_it_narrows_it(lookup: Lookup) -> None:
    left_out = lookup.ask("We spend a lot on ads. How many orders did we get in April?").text
    assert left_out.startswith("Left out: “We spend a lot on ads”.\nOrders from 1 Apr")
    for statement in ("I only care about mobile.", "We started in May.", "We changed the checkout."):
        answer = lookup.ask(f"{statement} How many orders did we get?")
        assert not answer.understood and f"whether “{statement[:-1]}” is meant as a condition" in answer.text


def test_a_cluster_can_be_named(lookup: Lookup, published: Published) -> None:
    cluster = published.overview().clusters[1]
    by_name, by_key = (
        lookup.ask(f"sessions of {one} in april").text
        for one in (f"the {cluster.name} segment", f"cluster {cluster.key}")
    )
    assert by_name == by_key and f"Clusters: {cluster.key} {cluster.name}." in by_name


def test_the_lowest_is_one_that_has_none(tmp_path: Path) -> None:
    path = make_world(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """update ga4.fct_ga4__sessions set default_channel_group = 'Display' where session_key in (
            select session_key from ga4.fct_ga4__sessions where session_key not in (
                select session_key from ga4.fct_ga4__purchases where session_key is not null) limit 3)"""
        )
        connection.execute(
            """update ga4.fct_ga4__sessions set default_channel_group = null where session_key = (
            select min(session_key) from ga4.fct_ga4__purchases)"""
        )
    lookup = Lookup(Published(path), Aliases(path))
    for question in ("bottom 3 channels by revenue", "which channel has the fewest orders"):
        answer = lookup.ask(question)
        assert answer.table is not None and answer.table.rows[0][:2] in (["Display", "0.00 EUR"], ["Display", 0])
        assert "(unknown)" not in {row[0] for row in answer.table.rows}
        assert "Rows whose channel is not known are left out." in answer.text
        assert run_sql(path, answer.statements[0]).rows[0][0] == "Display"
    assert lookup.ask("orders by channel").table.rows[-1][0] == "(unknown)"  # type: ignore[union-attr]
    listed = []
    for month in ("february", "march", "april", "may"):
        for verb in ("fell", "rose"):
            reading = lookup.ask(f"which channels' orders {verb} in {month}?").reading
            if reading and reading.query and reading.query.moved:
                for query in (reading.query, replace(reading.query, moved=False)):
                    with duckdb.connect(str(path), read_only=True) as connection:
                        listed.append(
                            (query.moved, None in {row["channel"] for row in run_query(connection, query).rows})
                        )
    assert (False, True) in listed and (True, True) not in listed, "a group without a name is only a part of a change"
    assert "Those without any orders are not listed." in lookup.ask("items with the lowest revenue").text


def test_an_offered_question_is_short(vocabulary: Vocabulary) -> None:
    pens = Filter("item", tuple(f"Pen {number}" for number in range(22)))
    offered = (Query("orders", filters=(pens,)), Query("orders", filters=(Filter("device", ("mobile",)), pens)))
    lines = not_answered("", Reading(problem="Which?", nearest=offered), vocabulary).splitlines()
    assert lines[2:4] == ["  - orders", "  - orders on mobile"]


@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        (date(2026, 4, 1), date(2026, 4, 30), "in April 2026"),
        (date(2026, 3, 1), date(2026, 4, 30), "from 1 Mar to 30 Apr 2026"),
        (date(2025, 12, 30), date(2026, 1, 4), "from 30 Dec 2025 to 4 Jan 2026"),
        (date(2026, 4, 1), date(2026, 4, 1), "on 1 Apr 2026"),
    ],
)
def test_days_of_an_offered_question_are_read_again(
    vocabulary: Vocabulary, first: date, last: date, named: str
) -> None:
    query = Query("revenue", ("channel",), period=Period(first, last))
    assert as_question(query) == f"revenue by channel {named}"
    assert read(vocabulary, as_question(query)) == f"revenue | by channel | {first}..{last}"
    compared = replace(query, by=(), versus=Period(first, last).before())
    assert read(vocabulary, as_question(compared)).startswith(f"revenue | {first}..{last} | vs ")


@pytest.mark.slow
def test_offered_questions_are_read_as_the_same_query(vocabulary: Vocabulary) -> None:
    period = Period(date(2026, 3, 2), date(2026, 3, 8))
    for metric in (name for name in METRICS if METRICS[name].words and name != "funnel"):  # always by step
        queries = [Query(metric), Query(metric, period=period), Query(metric, period=period, versus=period.before())]
        named = [name for name in dimensions_of(metric) if DIMENSIONS[name].words and name != "cluster_then"]
        named = [name for name in named if place(Query(metric, (name,)))[0].name == metric and name != "one_order"]
        queries += [Query(metric, (name,), period=Period(LAST, LAST)) for name in named]
        for name, value in (
            ("device", "mobile"),
            ("country", "Germany"),
            ("item", "Wool Hat"),
            ("page", "shop.example.com/sale"),
        ):
            if name in named:
                queries.append(Query(metric, filters=(Filter(name, (value,)),)))
        for query in queries:
            assert read(vocabulary, as_question(query)) == canonical(query), as_question(query)


@pytest.mark.parametrize("top", [1, 3])
def test_a_list_of_orders_is_offered_as_one(vocabulary: Vocabulary, top: int) -> None:
    query = Query("revenue", ("day", "one_order"), period=Period(LAST, LAST), top=top, ascending=False)
    assert read(vocabulary, as_question(query)) == canonical(query)


def test_the_tuned_questions_stay_right(vocabulary: Vocabulary) -> None:
    asked = [case for case in cases() if case.is_tuned and ">>" not in case.question]
    assert len(asked) > 100
    for case in asked:
        if not any(one == "no" or one.startswith("lookup") for one in case.expected):
            assert read(vocabulary, case.question) in case.expected, case.question


def test_answers_are_sentences_with_a_table(lookup: Lookup) -> None:
    trend = lookup.ask("monthly revenue")
    assert trend.text.startswith("Revenue per day, by month: no clear trend. On average ")
    assert " in the first 5 months and " in trend.text and "so it is not compared." in trend.text
    assert "The last month ends on 13 May 2026" in trend.text
    assert "up to" not in lookup.ask("monthly revenue in q1").text
    assert trend.table is not None and len(trend.table.rows) == 12
    assert trend.bars is not None and (trend.bars.title, trend.bars.step, trend.bars.currency) == (
        "Revenue",
        "month",
        "EUR",
    )
    assert len(trend.bars.days) == len(trend.bars.values) == 12
    change = lookup.ask("did orders go up last month?")
    assert (
        " orders" in change.text.lower()
        and "% compared with " in change.text
        and "from 1 Mar to 31 Mar 2026" in change.text
    )
    rate = lookup.ask("conversion rate april vs march")
    assert "percentage points compared with" in rate.text and rate.text.count("95% interval") == 2
    share = lookup.ask("what share of sessions is mobile")
    assert "95% interval" in share.text and "Looked up: share of sessions" in share.text
    nothing = lookup.ask("aov in france on safari on 2 june 2025")
    assert (
        ": none." in nothing.text
        and ": 0.00 EUR (n = 0 orders)." in lookup.ask("revenue in france on 2 june 2025").text
    )
    early = lookup.ask("revenue last year")
    assert "The data begin on 1 Jun 2025." in early.text
    both = lookup.ask("revenue by channel last month vs the month before")
    assert both.table is not None and both.table.columns == ["channel", "revenue", "orders", "before", "change"]
    users = lookup.ask("who are our top 3 customers by revenue")
    assert users.table is not None and len(users.table.rows) == 3


def test_an_earlier_period_that_is_partly_in_the_data_is_compared(vocabulary: Vocabulary) -> None:
    contents = replace(vocabulary.contents, days=Period(date(2026, 1, 5), date(2026, 3, 29)))
    begun = Vocabulary(contents)
    january, february = "vs 2026-01-01..2026-01-31", "2026-02-01..2026-02-28"
    nothing = "no: The data cover 5 Jan to 29 Mar 2026 and have nothing for"
    asked = {
        "how did revenue change in february?": f"revenue | {february} | {january}",
        "why did revenue rise in february?": f"revenue | {february} | {january} | why",
        "which channel grew most in february?": f"revenue | by channel | {february} | {january} | change",
        "why was february so good?": f"revenue | {february} | {january} | why",
        "why was january so good?": "revenue | 2026-01-05..2026-01-31 | vs 2026-02-01..2026-02-28 | why",
        "how was january?": "revenue | 2026-01-01..2026-01-31",
        # less than half of it: the days of the period itself
        "why did orders fall 7-13 january?": "orders | 2026-01-11..2026-01-13 | vs 2026-01-07..2026-01-10 | why",
        # a period without two days of data has no halves, and no trend
        "why did revenue drop during april?": f"{nothing} 1 Apr to 30 Apr 2025.",
        "why did orders fall on 5 january?": f"{nothing} 4 Jan 2026.",
        "did orders drop on 5 january 2026?": f"{nothing} 4 Jan 2026.",
    }
    assert {question: read(begun, question) for question in asked} == asked


def test_clusters_and_their_period(lookup: Lookup) -> None:
    answer = lookup.ask("revenue of cluster 1 in april")
    assert "Revenue in cluster 1 from 1 Apr to 30 Apr 2026: " in answer.text
    answer = lookup.ask("revenue of the biggest cluster in april")
    assert answer.text.startswith("Revenue in cluster ") and "The biggest cluster is cluster " in answer.text
    assert lookup.ask("which cluster buys most in april").text.startswith("Orders from 1 Apr to 30 Apr 2026: highest")
    refused = lookup.ask("describe cluster 1 in april")
    assert not refused.understood and "all days, not single periods" in refused.text
    refused = lookup.ask("who is likely to buy on mobile next week")
    assert not refused.understood and "not of one device" in refused.text


def test_the_conversation_shows_the_table(shop: Path) -> None:
    events = list(Conversation(None, shop).ask("sessions by device last week"))
    assert [type(event) for event in events] == [TextDelta, SqlRows, Answer]
    shown: list[str] = []
    assert answer_once(Conversation(None, shop), "sessions by device last week", shown.append)
    text = "".join(shown)
    assert "Sessions from 4 May to 10 May 2026: highest for" in text and "device   sessions" in text
    assert "\nLooked up: sessions, by device" in text and "SELECT" not in text, "/explain has the SQL"


def test_values_of_strangers_stay_text(tmp_path: Path) -> None:
    path = make_world(tmp_path / "serving.duckdb")
    hostile = "mobile'; drop table x; --\x1b[31m<b>revenue</b>"
    with duckdb.connect(str(path)) as connection:
        connection.execute("update ga4.fct_ga4__sessions set source = ? where source = 'bing'", [hostile])
    lookup = Lookup(Published(path), Aliases(path))
    answer = lookup.ask("sessions by source")
    assert answer.table is not None and not any("\x1b" in str(cell) for row in answer.table.rows for cell in row)
    assert lookup.ask("mobile sessions").understood


def test_a_new_publication_is_read(tmp_path: Path) -> None:
    path = make_world(tmp_path / "serving.duckdb")
    lookup = Lookup(Published(path), Aliases(path))
    assert not lookup.ask("sessions from tiktok").understood
    with published_anew(path) as connection:
        connection.execute("update ga4.fct_ga4__sessions set source = 'tiktok' where source = 'bing'")
    assert lookup.ask("sessions from tiktok").understood
