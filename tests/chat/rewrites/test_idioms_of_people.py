"""How people speak of the customer journey, of people, causes and errors."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from beha2vec_core.chat.days.periods import find_times
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.semantic.layer import run_query
from beha2vec_core.semantic.query import Did, Filter, Period, Query


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("walk me through the funnel", "show the funnel"),
        ("whats our weakest step in the checkout?", "at which step do we lose the most people?"),
        ("how far do mobile visitors get in the funnel?", "funnel for mobile visitors?"),
        ("out of 100 visitors how many buy?", "what percent of visitors buy?"),
        ("In France what is the weight of mobile vs the rest?", "what is the share of mobile In France?"),
        ("the people that search, who are they?", "describe the people that search"),
        ("sales fell in June, any reason?", "why sales fell in June?"),
        ("why aren't Canadians ordering?", "why do Canadians not buy?"),
        ("how often did visitors land on an error page?", "how many page views of an error page?"),
        ("nov against dec, who wins in revenue?", "nov against dec, revenue?"),
        ("visits w/out any order", "visits without any order"),
        ("how many visitors got a 404?", "how many visitors saw an error page?"),
        ("orders by channel", "orders by channel"),
    ],
)
def test_an_idiom_is_said_in_plain_words(question: str, plain: str) -> None:
    assert in_plain_words(question).replace(" ,", ",") == plain


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("orders in august", date(2025, 8, 1), date(2025, 8, 31)),
        ("orders in august 2026", date(2026, 8, 1), date(2026, 8, 2)),
        ("orders from june to august", date(2026, 6, 1), date(2026, 8, 2)),
        ("orders in july", date(2026, 7, 1), date(2026, 7, 31)),
    ],
)
def test_a_month_that_has_just_begun_is_not_meant_by_its_name(text: str, first: date, last: date) -> None:
    times = find_times(text, Period(date(2025, 7, 1), date(2026, 8, 2)))
    assert times.periods[0] == Period(first, last)
    assert any("the data have 2 days" in note for note in times.notes) == (first.year == 2025)


def test_error_pages_are_those_with_the_title_of_one() -> None:
    """The label of a page is a guess from its address: a page that failed once is no error page."""
    connection = duckdb.connect()
    connection.execute("""create schema ga4; create schema beha2vec;
        create table ga4.fct_ga4__page_views as select * from (values ('s1', 'u1', 'home', true),
            ('s1', 'u1', 'old', false),
            ('s2', 'u2', 'home', false)) as t (session_key, user_key, page_key, is_error_page);
        create table ga4.fct_ga4__sessions as select * from (values ('s1', 'u1'), ('s2', 'u2'))
            as t (session_key, user_key);
        create table beha2vec.enriched_pages as select * from (values ('home', 'home'), ('old', 'error'))
            as t (page_key, page_type)""")
    error = Filter("page_type", ("error",))
    saw = Filter("session", did=(Did("page_views", (error,)),))
    asked = [Query("page_views", (), (error,)), Query("sessions", (), (saw,)),
             Query("page_views", (), (Filter("page_type", ("error", "home")),))]  # fmt: skip
    assert [run_query(connection, query).rows[0]["value"] for query in asked] == [1, 1, 2]
