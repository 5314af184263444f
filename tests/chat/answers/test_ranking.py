"""Groups in order: equal ones, those without a name, two beside each other, and weekdays that are not as many."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.semantic.layer import run_query
from beha2vec_core.semantic.query import Query
from beha2vec_core.words import change, number
from tests.semantic.semantic_world import make_world

ORDERS = "ga4.fct_ga4__purchases where not is_refund_without_purchase"


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Lookup:
    """A shop where the best country is not known, one order is the largest of all, and two sources have no orders."""
    path = make_world(tmp_path_factory.mktemp("ranking") / "serving.duckdb")
    with duckdb.connect(str(path)) as world:
        world.execute("update ga4.fct_ga4__sessions set country = null where country = 'Germany'")
        world.execute("update ga4.fct_ga4__purchases set revenue = 900 where purchase_key = 'order-x'")
        world.execute("update ga4.fct_ga4__purchases set transaction_id = 'NF-X' where purchase_key = 'order-x'")
        none = "session_key not in (select session_key from ga4.fct_ga4__purchases where session_key is not null)"
        for name in ("a", "b"):
            world.execute(
                f"""update ga4.fct_ga4__sessions set campaign = 'none_{name}', revenue = 0, currency = null
                where session_key in (select session_key from ga4.fct_ga4__sessions where {none}
                    and coalesce(campaign, '') not like 'none%' order by session_key limit 40)"""
            )
    return Lookup(Published(path), Aliases(path))


def test_groups_without_a_name_are_not_in_the_order(changed: Lookup) -> None:
    for question in ("which country has the most sessions", "which country has the fewest sessions"):
        answer = changed.ask(question)
        assert "(unknown)" not in answer.text and "Rows whose country is not known are left out." in answer.text
    listed = changed.ask("sessions by country")
    assert listed.table and listed.table.rows[0][0] == "(unknown)" and "(unknown)" not in listed.text
    assert "Rows whose country is not known are in the table, but not in this ranking." in listed.text


def test_equal_groups_are_said_to_be_equal(changed: Lookup) -> None:
    lowest = changed.ask("which campaign has the lowest revenue per session").text
    assert "lowest for none_a and none_b, 0.00 EUR each; then " in lowest


def test_all_that_are_equal_to_the_last_are_listed(shop: Path, lookup: Lookup) -> None:
    with duckdb.connect(str(shop), read_only=True) as data:
        ((most, equal),) = data.execute(
            f"select max(revenue), count(*) filter (where revenue = (select max(revenue) from {ORDERS})) from {ORDERS}"
        ).fetchall()
        rows = run_query(data, Query("revenue", ("day", "one_order"), top=1, ascending=False)).rows
    assert equal > 1 and [row["value"] for row in rows] == [most] * equal
    assert f"{number(most, 'EUR')} each." in lookup.ask("what was our biggest order?").text


def test_an_order_has_its_number(changed: Lookup) -> None:
    text = changed.ask("what was our biggest order, and when was it?").text
    assert text.startswith("Revenue: 10 Apr 2026 / order NF-X, 900.00 EUR (n = 1 order).")


def test_two_groups_stand_beside_each_other(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    counts = dict(data.execute("select device_category, count(*) from ga4.fct_ga4__sessions group by 1").fetchall())
    more, percent = counts["mobile"] / counts["tablet"], 100 * (counts["mobile"] / counts["tablet"] - 1)
    text = lookup.ask("compare tablet and mobile sessions").text
    shown = f"tablet, {counts['tablet']:,}; mobile, {counts['mobile']:,}; more for mobile (+{percent:,.0f}%)."
    assert more > 1 and text.startswith(f"Sessions: {shown}")
    people = lookup.ask("how many new and returning users").text
    assert people.startswith("Users: new users, ") and "; returning users, " in people
    assert "highest" not in people and "A user can be in both groups." in people


def test_two_rates_that_look_the_same_have_more_digits(lookup: Lookup) -> None:
    text = lookup.ask("orders per session by country").text
    first, second = (part.split(", ")[1].split(" ")[0] for part in text.splitlines()[0].split("; then "))
    assert first != second


def test_weekdays_that_are_not_as_many_are_compared_per_day(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    query = """select strftime(session_date, '%A') as weekday, count(*) / count(distinct session_date) as mean
        from ga4.fct_ga4__sessions where {} group by 1 order by 2 desc limit 1"""
    ((name, mean),) = data.execute(
        query.format("session_date >= '2026-04-01' and session_date < '2026-05-01'")
    ).fetchall()
    text = lookup.ask("which weekday had the most sessions in april?").text
    assert text.startswith(
        f"Sessions per day from 1 Apr to 30 Apr 2026: highest for {name}, {number(mean, 'mean')} (n = "
    )
    assert "There are 4 of some weekdays and 5 of others, so averages per day are compared." in text
    whole = lookup.ask("which weekday had the most sessions in february?").text
    assert whole.startswith("Sessions from 1 Feb to 28 Feb 2026: highest for ") and "per day" not in whole


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("sessions on sundays in april compared to march", "per day: {1}, {2} compared with {0} "),
        ("sessions on sundays by month since march", "{0} in March 2026 and {1} in April 2026 ({2})"),
        ("on sundays in april, were sessions above average?", ": {1} per day, "),
    ],
)
def test_sums_of_some_weekdays_are_per_such_day(
    question: str, says: str, lookup: Lookup, data: duckdb.DuckDBPyConnection
) -> None:
    before, now = (
        mean
        for (mean,) in data.execute(
            """select count(*) / count(distinct session_date) from ga4.fct_ga4__sessions
            where isodow(session_date) = 7 and month(session_date) in (3, 4) group by month(session_date) order by
            month(session_date)"""
        ).fetchall()
    )
    shown = (number(before, "mean"), number(now, "mean"), change(now, before))
    assert says.format(*shown) in lookup.ask(question).text


def test_a_series_of_one_weekday_has_no_other_days(lookup: Lookup) -> None:
    result = lookup.ask("sessions on mondays by day")
    assert result.table and "Weeks of seven days" not in result.text
    assert {date.fromisoformat(str(row[0])).weekday() for row in result.table.rows} == {0}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("bounce rate on mobile", "Bounce rate on mobile: "),
        ("at what hour do people buy most", ":59, "),
        ("how many different products did we sell", "Different items sold: 4."),
        ("add to cart rate of the wool hat", "Cart additions per item view for Wool Hat: "),
    ],
)
def test_what_is_counted_is_named_plainly(question: str, said: str, lookup: Lookup) -> None:
    assert said in lookup.ask(question).text.splitlines()[0]


def test_months_of_which_some_days_are_missing_are_not_compared(lookup: Lookup) -> None:
    text = lookup.ask("what is our AOV, and has it gone up since february?").text
    assert text.startswith("Average order value: ") and "continues" not in text
    assert ": about flat. February 2026, " in text and " from the first to the last whole month)." in text
    assert "The last month ends on 13 May 2026, so it is not compared." in text


def test_a_question_without_a_measure_gets_near_ones(lookup: Lookup) -> None:
    text = lookup.ask("which brands are fluffy").text
    assert "  - items sold by brand\n  - item revenue by brand\n" in text
    new = lookup.ask("did revenue rise in april, and by how many marbles?").text
    assert "continue" not in new


def test_which_of_two_groups_is_higher_names_the_part_and_the_group_whole(lookup: Lookup) -> None:
    first = lookup.ask("do people who read /blog/how-to-wash-wool buy more").text.splitlines()[0]
    assert first.startswith("Share of users who ordered: those who viewed /blog/how-to-wash-wool, 41.3% (")
    assert "; all others, 54.5% (" in first and "; higher for all others (+13.2 percentage points), but the " in first


@pytest.mark.parametrize(
    ("question", "begins"),
    [
        (
            "share of users who viewed the cart that ordered",
            "Share of users who ordered, of those who viewed cart pages: ",
        ),
        ("sessions without mobile", "Sessions excluding mobile: "),
        ("users who first came via email", "Users who first came from Email: "),
        ("conversion rate of email in april", "Conversion rate for Email from 1 Apr to 30 Apr 2026: "),
        ("revenue from email in april", "Revenue from Email, 1 Apr to 30 Apr 2026: "),
        ("sessions of new users on mobile", "Sessions of new users on mobile: "),
        ("average order value of orders with a coupon", "Average order value of orders that used a coupon: "),
        ("bounce rate of sessions that land on the cart page", "Bounce rate of sessions landing on "),
        (
            "how long from the first visit to the first order",
            "Average time from first visit to first order: 137 days (",
        ),
    ],
)
def test_what_is_chosen_follows_the_noun(lookup: Lookup, question: str, begins: str) -> None:
    text = lookup.ask(question).text
    assert text.startswith(begins), text
    assert f"Looked up: {begins[:6].lower()}" in text and "))" not in text


def test_all_others_are_not_named_like_the_group(lookup: Lookup) -> None:
    text = lookup.ask("pages per session of users who viewed the cart page and ordered vs all others").text
    assert text.startswith("Page views per session: users who viewed cart pages and ordered, "), text
    assert "; all others, " in text


def test_days_above_a_limit_are_listed_and_not_added_up(shop: Path, lookup: Lookup) -> None:
    with duckdb.connect(str(shop), read_only=True) as data:
        by_day = data.execute(f"select occurred_on, count(*) from {ORDERS} group by 1 order by 2 desc").fetchall()
    limit = by_day[3][1]
    days = [day for day, orders in by_day if orders > limit]
    answer = lookup.ask(f"which days had more than {limit} orders")
    assert f"ays with more than {limit} orders: {len(days)} (" in answer.text and "Weeks" not in answer.text
    assert answer.table is not None and len(answer.table.rows) == len(days)
    none = by_day[0][1] + 1
    assert f"There are no days with more than {none} orders." in lookup.ask(f"days with more than {none} orders").text
