"""Changes from one day, week or month to the next, and rates of the largest groups."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup

_CHANGES = """
    with days as (select session_date as day, count(*) as sessions from ga4.fct_ga4__sessions where {where} group by 1),
    units as (select date_trunc('{unit}', day)::date as unit, sum(sessions) as sessions, count(*) as days from days
        group by 1)
    select sessions, lead(sessions) over (order by unit) as later from units where days = {length}
    qualify later is not null order by (later - sessions) * {sign} desc limit 1"""


@pytest.fixture(scope="module")
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("which day saw the biggest drop in sessions?", ("day", 1, -1, "true")),
        ("when did visits fall the most", ("day", 1, -1, "true")),
        ("Largest day-to-day increase in sessions", ("day", 1, 1, "true")),
        ("which week had the largest increase in sessions on mobile", ("week", 7, 1, "device_category = 'mobile'")),
        ("What was the steepest weekly decline in sessions?", ("week", 7, -1, "true")),
        ("in which week did sessions from mobile drop most", ("week", 7, -1, "device_category = 'mobile'")),
    ],
)
def test_the_largest_change_from_one_to_the_next(
    lookup: Lookup, data: duckdb.DuckDBPyConnection, question: str, asked: tuple[str, int, int, str]
) -> None:
    unit, length, sign, where = asked
    sql = _CHANGES.format(unit=unit, length=length, sign=sign, where=where)
    ((before, after),) = data.execute(sql).fetchall()
    lookup.forget()
    answer = lookup.ask(question)
    assert f"{'fell' if sign < 0 else 'rose'} most from" in answer.text
    assert f"from {before:,} to {after:,}" in answer.text


@pytest.mark.parametrize(
    "question",
    [
        "which two weeks had the biggest growth in sessions?", "when did sessions fall the least?",
        "which day had the biggest change in sessions?", "which day had the highest increase in sessions and users?",
        "biggest increase in revenue from one week to the next by device",
        "which week had the biggest growth in sessions in percent?",
    ],
)  # fmt: skip
def test_highest_values_do_not_stand_for_other_changes(lookup: Lookup, question: str) -> None:
    lookup.forget()
    answer = lookup.ask(question)
    assert not answer.understood and "the largest rise or fall of one measure" in answer.text


def test_nothing_continues_a_largest_change(lookup: Lookup) -> None:
    lookup.forget()
    for question in ("orders by device", "which week had the largest increase in sessions?"):
        assert lookup.ask(question).understood
    assert not lookup.ask("and on mobile?").understood


def test_what_is_no_measure_has_no_largest_change(lookup: Lookup) -> None:
    for question in ("which day had the biggest drop in temperature?", "when did the mood fall most"):
        lookup.forget()
        assert not lookup.ask(question).understood


@pytest.mark.parametrize(
    ("question", "top"),
    [
        ("what is the conversion rate of our biggest device", 1),
        ("conversion rate of the top 2 devices", 2),
        ("the conversion rate on our 2 most used devices?", 2),
    ],
)
def test_a_rate_of_the_largest_groups_is_not_the_highest_rate(
    lookup: Lookup, data: duckdb.DuckDBPyConnection, question: str, top: int
) -> None:
    largest = data.execute(
        "select device_category, count(*), count(*) filter (where purchases > 0) from ga4.fct_ga4__sessions "
        f"where device_category is not null group by 1 order by 2 desc, 1 limit {top}"
    ).fetchall()
    lookup.forget()
    text = lookup.ask(question).text
    for device, sessions, ordered in largest:
        assert device in text and f"{ordered:,} of {sessions:,} sessions" in text
    assert "conversion rate (sessions with an order), by device (" in text


def test_the_smallest_group_is_not_that_of_the_lowest_rate(lookup: Lookup, data: duckdb.DuckDBPyConnection) -> None:
    ((device, sessions),) = data.execute(
        "select device_category, count(*) from ga4.fct_ga4__sessions group by 1 order by 2, 1 limit 1"
    ).fetchall()
    lookup.forget()
    assert f"{device}, {sessions:,}." in lookup.ask("conversion rate of the smallest device").text


@pytest.mark.parametrize(
    "question",
    [
        "conversion rate of our biggest device in march vs april", "conversion rate of our biggest device by country",
        "AOV of the device with the most orders",
        "conversion rate of the device that brings the most sessions", "AOV of the biggest channel excluding email",
        "conversion rate for the biggest device and the smallest device",
    ],
)  # fmt: skip
def test_no_highest_rate_stands_for_other_groups_of_some_size(lookup: Lookup, question: str) -> None:
    lookup.forget()
    assert not lookup.ask(question).understood


def test_the_highest_rate_is_asked_for_by_its_name(lookup: Lookup) -> None:
    for question in ("top 2 devices by conversion rate", "which device has the highest conversion rate?"):
        lookup.forget()
        answer = lookup.ask(question)
        assert answer.reading is not None and answer.reading.query is not None
        assert answer.reading.query.metric == "conversion_rate" and not answer.reading.more


def test_to_see_a_measure_is_to_have_it(lookup: Lookup) -> None:
    for seen, had in (
        ("which day saw the most orders?", "which day had the most orders?"),
        ("Which channel saw the highest conversion rate", "which channel had the highest conversion rate"),
    ):
        lookup.forget()
        text = lookup.ask(seen).text
        lookup.forget()
        assert text == lookup.ask(had).text
