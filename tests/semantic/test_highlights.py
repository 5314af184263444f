"""Highlights are true: planted differences are found, no others, and each story appears once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from beha2vec_core.alerts import send
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.queries.nearest import as_question
from beha2vec_core.chat.reading.question import read_question
from beha2vec_core.semantic.highlights.choose import choose, confidence_of
from beha2vec_core.semantic.highlights.find import Marts, find_highlights, read_marts
from beha2vec_core.semantic.highlights.rows import Rows, Segments
from beha2vec_core.semantic.highlights.search import Comparison, compare
from beha2vec_core.semantic.highlights.store import alert_of, query_of, write_highlights
from beha2vec_core.semantic.highlights.wording import headline, sentence
from beha2vec_core.semantic.layer import contents, run_query
from beha2vec_core.settings import Settings
from beha2vec_core.store.tables import create_tables
from tests.helpers.alert_receivers import Hook, running
from tests.helpers.hostile_text import HOSTILE_TEXTS
from tests.semantic.highlight_world import RATES, TOTALS, make_rows
from tests.semantic.semantic_world import make_world


def compared(rows: Rows) -> list[Comparison]:
    return list(compare(rows, RATES, TOTALS))


def chosen(rows: Rows) -> list[Comparison]:
    return [one for one, _ in choose(compared(rows), {"sessions": rows})]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = make_world(tmp_path_factory.mktemp("highlights") / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        yield connection


@pytest.fixture(scope="module")
def marts(world: duckdb.DuckDBPyConnection) -> Marts:
    return read_marts(world)


@pytest.mark.parametrize(
    "bought", [pytest.param(0.005, id="rare", marks=pytest.mark.slow), pytest.param(0.05, id="frequent")]
)
def test_where_nothing_differs_hardly_anything_is_found(bought: float) -> None:
    """20 sites of chance alone: 5 % of them may have a finding. More than 4 of 20 have a chance of 0.3 %."""
    found = missed = tested = 0
    for seed in range(20):
        rows = make_rows(seed, bought=bought)
        all_of_it = compared(rows)
        found += bool(choose(all_of_it, {"sessions": rows}))
        ends = [one.interval(0.95) for one in all_of_it]
        missed += sum(not low <= 0 <= high for low, high in ends)
        tested += len(ends)
    assert tested > 1500 and found <= 4
    assert missed / tested <= 0.05, "users as the unit: an interval covers the truth as often as it says"


def test_without_users_as_the_unit_this_test_would_fail() -> None:
    """The same sites, each session taken as a user of its own: chance is found to be a difference."""
    found = 0
    for seed in range(12):
        rows = make_rows(seed, bought=0.05)
        apart = dataclasses.replace(rows, user=np.arange(len(rows.user)), users=len(rows.user))
        found += bool(choose(compared(apart), {"sessions": apart}))
    assert found > 6


def test_a_planted_difference_comes_first_and_its_interval_has_the_truth() -> None:
    rows = make_rows(3, users=4000, bought=0.05, phones_buy=0.25)
    first = chosen(rows)[0]
    assert (first.kind, first.metric, first.value) == ("difference", "conversion_rate", "device1")
    sums = rows.sums["conversion_rate"]
    phones = rows.chosen("device", "device1")
    assert phones is not None and first.effect == pytest.approx(sums[phones].mean() - sums[~phones].mean())
    low, high = first.interval(0.95)
    assert low < 0.05 * (0.25 - 1) < high < 0, "what was planted"


def test_a_planted_change_is_found_and_one_of_every_week_is_not() -> None:
    found = chosen(make_rows(5, users=4000, grows=3))
    assert (found[0].kind, found[0].dimension, found[0].value) == ("change", "source", "source1")
    assert found[0].is_up and headline(found[0]) == "Sessions from source1 rose"
    assert len([one for one in found if one.kind == "change"]) == 1, "that the whole site grew is the same story"
    rows = make_rows(5, users=4000)
    restless = np.flatnonzero((rows.age // 7) % 2 == 0)  # every second week has twice as many users
    more = dataclasses.replace(
        rows,
        user=np.concatenate([rows.user, rows.users + np.arange(len(restless))]),
        users=rows.users + len(restless),
        age=np.concatenate([rows.age, rows.age[restless]]),
        segments={
            name: Segments(name, one.names, np.concatenate([one.codes, one.codes[restless]]))
            for name, one in rows.segments.items()
        },
        sums={name: np.concatenate([one, one[restless]]) for name, one in rows.sums.items()},
    )
    assert not [one for one in chosen(more) if one.kind == "change" and one.metric == "sessions"]


def test_a_customer_with_most_of_the_revenue_leaves_few_behind_it() -> None:
    rows = make_rows(3, users=4000, bought=0.05)
    orders = rows.sums["conversion_rate"]
    theirs = rows.user == rows.user[(orders > 0) & (rows.age < 28)][0]
    fewest = []
    for spent in (50.0, 400.0):
        revenue = {**rows.sums, "revenue": orders * np.where(theirs, spent, 50.0)}
        found = compared(dataclasses.replace(rows, sums=revenue))
        fewest += [one.fewest for one in found if (one.metric, one.dimension) == ("revenue", None)]
    assert fewest[0] > 20 > fewest[1]


def test_one_story_is_told_once() -> None:
    """Three names for the same visits, one that is wider, and the other half."""
    rows = make_rows(7, users=4000, bought=0.05, phones_buy=4)
    phones = rows.chosen("device", "device1")
    assert phones is not None
    other = np.random.default_rng(1).random(len(phones)) < 0.05
    codes = {
        "source": np.where(phones, 0, 1),  # the same
        "medium": np.where(phones | other, 0, 1),  # a little wider
        "channel": np.where(phones, 0, 1),
        "country": np.where(phones, 0, np.where(other, 1, 2)),
    }
    segments = {
        name: Segments(name, [f"{name} {place}" for place in range(int(one.max()) + 1)], one.astype(np.int64))
        for name, one in codes.items()
    }
    found = chosen(dataclasses.replace(rows, segments=segments))
    assert len(found) == 1 and found[0].metric == "conversion_rate"
    assert found[0].here.n <= phones.sum(), "the most specific name"


def test_a_database_gives_true_rows(world: duckdb.DuckDBPyConnection, marts: Marts) -> None:
    found = find_highlights(marts)
    first = found.rows[0]
    assert found.searched > 300 and len(found.rows) <= 10 and [r["rank"] for r in found.rows][:2] == [1, 2]
    assert (first["metric"], first["dimension"]) == ("conversion_rate", "device"), "planted: desktop buys more"
    result = run_query(world, query_of(first))
    shown = {row["device"]: row for row in result.rows}[first["segment"]]
    assert (shown["value"], shown["n"]) == (pytest.approx(first["value"]), first["n"]), "as the semantic layer says"
    assert first["interval_low"] < first["effect"] < first["interval_high"]
    assert "as many groups were compared" in first["sentence"] and f"{first['n']:,} sessions" in first["sentence"]
    assert not any(char.isdigit() for char in first["headline"])
    days = {row["dimension"] for row in found.rows}
    assert not days & {"country", "campaign"}, "drawn at random"


def test_users_are_summed_in_parts_that_fit_into_memory(
    world: duckdb.DuckDBPyConnection, marts: Marts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beha2vec_core.semantic.highlights.rows._ROW_BYTES", 10**9)
    in_parts = read_marts(world)
    assert in_parts.tables["sessions"].users == marts.tables["sessions"].users > 0
    assert find_highlights(in_parts).rows == find_highlights(marts).rows


def test_every_highlight_has_a_question_that_the_chat_reads(world: duckdb.DuckDBPyConnection, marts: Marts) -> None:
    there = contents(world)
    assert there is not None
    vocabulary = Vocabulary(there)
    asked = set()
    for table, rows in marts.tables.items():
        rates = ("conversion_rate", "cart_rate", "checkout_abandonment", "engaged_rate") if table == "sessions" else ()
        totals = {"sessions": ("sessions",), "purchases": ("orders", "revenue"), "items": ("items_sold",)}[table]
        for one in compare(rows, rates, totals):
            before = (one.before.first, one.before.last) if one.before else (None, None)
            row = {
                "metric": one.metric, "dimension": one.dimension, "first_day": one.period.first,
                "last_day": one.period.last, "before_first_day": before[0], "before_last_day": before[1],
            }  # fmt: skip
            asked.add(query_of(row))
    assert len(asked) > 60
    for query in asked:
        assert read_question(as_question(query), vocabulary).query == query, as_question(query)


def test_rows_are_replaced_and_only_new_ones_are_told(marts: Marts) -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        rows = find_highlights(marts).rows
        assert [row["rank"] for row in write_highlights(connection, rows[:1])] == [1]
        assert [row["rank"] for row in write_highlights(connection, rows)] == [2, 3][: len(rows) - 1]
        assert write_highlights(connection, rows) == []
        stored = connection.execute("select rank, headline from beha2vec.highlights order by rank").fetchall()
        assert stored == [(row["rank"], row["headline"]) for row in rows]
        with pytest.raises(duckdb.Error):
            write_highlights(connection, [rows[0], {"nothing": 1}])
        assert connection.execute("select count(*) from beha2vec.highlights").fetchall() == [(len(rows),)]


def test_new_highlights_are_sent_as_news_not_as_failures(marts: Marts) -> None:
    rows = find_highlights(marts).rows[:2]
    with running(Hook()) as hook:
        address = f"http://127.0.0.1:{hook.port}/hook"
        settings = Settings(alert_webhook_url=address, alert_slack_webhook_url=address)
        deliveries = send(alert_of(rows, "https://explorer.example"), settings)
    assert all(not one.error for one in deliveries)
    document = next(post for post in hook.posts if "severity" in post)
    assert (document["severity"], document["url"]) == ("info", "https://explorer.example")
    assert document["problems"][0]["what"] == rows[0]["headline"] and rows[0]["sentence"] in document["text"]
    slack = next(post["text"] for post in hook.posts if "severity" not in post)
    assert "Open the explorer" in slack and ":red_circle:" not in slack and ":large_yellow_circle:" not in slack


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_texts_of_others_are_cleaned_and_cut(text: str, marts: Marts) -> None:
    one = next(iter(compare(marts.tables["sessions"], ("conversion_rate",), ())))
    hostile = dataclasses.replace(one, dimension="campaign", value=text)
    said = headline(hostile) + sentence(hostile, confidence_of(100))
    assert len(headline(hostile)) < 160 and said.isprintable() and "@example" not in said


def test_without_data_there_is_nothing_to_know(tmp_path: Path) -> None:
    with duckdb.connect() as empty:
        create_tables(empty)
        found = find_highlights(read_marts(empty))
    assert (found.rows, found.searched) == ([], 0)
