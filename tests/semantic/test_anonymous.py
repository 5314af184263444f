"""Semantic queries for models: groups of enough users, rounded numbers, and no way around either."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from beha2vec_core.chat.conversation import Conversation
from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.sql import SqlLimits
from beha2vec_core.chat.events import Answer, ToolCall
from beha2vec_core.chat.model.tools import Toolbox
from beha2vec_core.llm import LlmSettings
from beha2vec_core.semantic.anonymous import NotAnonymous, period_of, run_anonymous
from beha2vec_core.semantic.compiler import dimensions_of
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.layer import run_query
from beha2vec_core.semantic.query import Filter, Period, Query
from beha2vec_core.store.anonymous import MIN_USERS
from tests.chat.chat_server import calls, says, scripted
from tests.helpers.publications import published_anew
from tests.semantic.semantic_world import FIRST, LAST, make_world

APRIL = Period(date(2026, 4, 1), date(2026, 4, 30))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tmp_path_factory.mktemp("anonymous") / "serving.duckdb")


@pytest.fixture(scope="module")
def toolbox(path: Path) -> Toolbox:
    return Toolbox(path, Aliases(path, named=False), min_users=MIN_USERS, sql_limits=SqlLimits(), has_screen=False)


def ask(toolbox: Toolbox, **arguments: Any) -> dict[str, Any]:
    return json.loads(toolbox.call("metric", json.dumps(arguments)).message)


@pytest.mark.slow
def test_every_dimension_has_groups_of_enough_users(path: Path) -> None:
    seen = 0
    with duckdb.connect(str(path), read_only=True) as connection:
        asked = {name: next(iter(one.sql.items())) for name, one in METRICS.items()}
        of_each_table = {table: name for name, (table, one) in asked.items() if "median(" not in one.value}
        for metric in of_each_table.values():
            for name in dimensions_of(metric):
                if DIMENSIONS[name].kind == "user":
                    continue
                rows = run_anonymous(connection, Query(metric, (name,)))
                assert all(row["users"] >= MIN_USERS and row["users"] % MIN_USERS == 0 for row in rows), (metric, name)
                seen += len(rows)
    assert seen > 200


def test_numbers_are_near_the_true_ones_and_rounded_always_the_same_way(path: Path) -> None:
    query = Query("sessions", ("device",))
    with duckdb.connect(str(path), read_only=True) as connection:
        found = {row["device"]: row["value"] for row in run_anonymous(connection, query)}
        true = {row["device"]: row["value"] for row in run_query(connection, query).rows}
        assert found == {row["device"]: row["value"] for row in run_anonymous(connection, query)}
    assert found.keys() == true.keys() and found != true
    assert all(abs(found[name] / true[name] - 1) < 0.1 for name in true), "a unit is what 20 users contribute"
    filtered = Query("sessions", filters=(Filter("device", ("mobile",)),))
    with duckdb.connect(str(path), read_only=True) as connection:
        (row,) = run_anonymous(connection, filtered)
    assert row["value"] == found["mobile"], "the same users and number: the same rounding, however it is asked"


def test_what_few_users_did_is_not_told(path: Path) -> None:
    with duckdb.connect(str(path), read_only=True) as connection:
        week = Query("conversion_rate", ("country",), period=Period(date(2026, 4, 6), date(2026, 4, 12)))
        rows = run_anonymous(connection, week)
        exact = {row["country"]: row for row in run_query(connection, week).rows}
        assert any(row["k"] < MIN_USERS for row in exact.values())
        assert all(row["value"] is None for row in rows if row["country"] in exact and exact[row["country"]]["k"] < 20)
        day = run_query(connection, Query("users", period=Period(LAST, LAST))).rows[0]["value"]
        assert day < MIN_USERS * 2


@pytest.mark.parametrize(
    "query",
    [
        Query("sessions", ("user",)),
        Query("sessions", filters=(Filter("user", ("x",)),)),
        Query("sessions", ("channel",), (Filter("device", ("mobile",)), Filter("country", ("Germany",)))),
        Query("sessions", ("channel", "device", "country")),
        Query("sessions", filters=(Filter("device", ("mobile", "desktop")),)),
        Query("sessions", ("device",), is_share=True),
        Query("sessions", filters=(Filter("device", ("mobile",), is_excluded=True),)),
        Query("sessions", ("device",), (Filter("device", ("mobile",)),), against_rest=True),
        Query("orders", ("country",), over=1),
        Query("orders", ("country",), counts_groups=True),
    ],
)
def test_queries_that_could_tell_of_few_are_refused(path: Path, query: Query) -> None:
    with duckdb.connect(str(path), read_only=True) as connection, pytest.raises(NotAnonymous):
        run_anonymous(connection, query)


def test_periods_are_few_so_that_none_is_the_difference_of_two() -> None:
    days = Period(FIRST, LAST)
    assert period_of("all", days) is None
    assert period_of("2026-04", days) == APRIL
    assert period_of("2026-W15", days) == Period(date(2026, 4, 6), date(2026, 4, 12))
    assert period_of("last 28 days", days) == Period(LAST - timedelta(days=27), LAST)
    for text in ("2026-04-01..2026-04-29", "last 27 days", "yesterday", "2026-13", "2026-W60", "x' or 1=1"):
        with pytest.raises(NotAnonymous, match="last 28 days"):
            period_of(text, days)


def test_a_model_asks_it_first_and_gets_what_mcp_gets(path: Path, toolbox: Toolbox) -> None:
    arguments = {"metric": "conversion_rate", "by": "device", "period": "all"}
    with scripted(calls(("metric", arguments)), says("Desktop converts best.")) as server:
        conversation = Conversation(LlmSettings(base_url=server.url, model="scripted"), path)
        events = list(conversation.ask("conversion rate by device?"))
    tools = [tool["function"]["name"] for tool in server.requests[0]["tools"]]
    assert tools[0] == "metric" and tools.index("sql") > 0
    assert "metric first" in server.requests[0]["messages"][0]["content"]
    sent = json.loads(server.requests[1]["messages"][-1]["content"])
    assert sent == ask(toolbox, **arguments)
    assert sent["rows"][0]["device"] == "desktop" and sent["rows"][0]["value"].endswith("%")
    assert any(isinstance(event, ToolCall) and event.name == "metric" for event in events)
    answer = events[-1]
    assert isinstance(answer, Answer) and answer.has_source and "conversion rate" in answer.tables[0]


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_an_answer_about_one_user_is_that_about_nobody(path: Path, tmp_path: Path, every: int) -> None:
    """A page that one buyer landed on, one that another user did, and one that does not exist: no metric differs."""
    database = tmp_path / "serving.duckdb"
    database.write_bytes(path.read_bytes())
    with duckdb.connect(str(database)) as connection:
        for name, bought in (("buyer", "purchases > 0"), ("other", "purchases = 0")):
            ((session, day),) = connection.execute(
                f"select session_key, session_date from ga4.fct_ga4__sessions where {bought} limit 1"
            ).fetchall()
            connection.execute(
                "update ga4.fct_ga4__sessions set landing_page_key = ? where session_key = ?", [name, session]
            )
    box = Toolbox(database, Aliases(database, named=False), min_users=MIN_USERS, sql_limits=SqlLimits())
    money = [name for name, metric in METRICS.items() if metric.unit == "money"]
    asked = [(metric, period) for metric in (*money, "orders") for period in ("all", "2026-04", f"{day:%G-W%V}")]
    for metric, period in asked[::every]:
        question = {"metric": metric, "where": "landing_page", "period": period}
        pages = ("buyer", "other", "nobody")
        answers = {box.call("metric", json.dumps(question | {"is_": page})).message for page in pages}
        assert len(answers) == 1, (metric, period, answers)
    assert len(money) >= 5
    with published_anew(database) as connection:
        connection.execute("update ga4.dim_ga4__properties set reporting_currency = null")
    assert "several currencies" in ask(box, metric="revenue")["error"]


def test_no_sql_of_a_model_reads_the_secret_of_the_rounding(toolbox: Toolbox) -> None:
    for statement in ("from beha2vec.rounding", "select key from serving.beha2vec.rounding"):
        answer = toolbox.call("sql", json.dumps({"statement": statement}))
        assert answer.failed and "anonymous" in answer.data["error"]


def test_answers_and_errors_say_what_to_do(toolbox: Toolbox) -> None:
    april = ask(toolbox, metric="revenue", period="2026-04", compare=True)
    assert april["money"].startswith("Money is in EUR.") and april["rows"][0]["before"] > 0
    guessed = ask(toolbox, metric="sessions", where="source", is_="C1000187")
    assert guessed["rows"] == [] and "user" not in guessed["looked_up"] and "C1000187" not in json.dumps(guessed)
    for arguments, reason in (
        ({"metric": "profit"}, "not defined: profit"),
        ({"metric": "conversion_rate", "by": "item"}, "cannot be shown by item"),
        ({"metric": "sessions", "where": "device"}, "where needs is_"),
        ({"metric": "sessions", "compare": True}, "compare needs a period"),
        ({"metric": "sessions", "period": "2026-04-03"}, "no such period"),
        ({"metric": "expected_buyers", "period": "2026-04"}, "cannot be shown by period"),
    ):
        assert reason in ask(toolbox, **arguments)["error"]
