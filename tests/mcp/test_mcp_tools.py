"""What clients receive: the chat's own answers, of groups of enough users, over stdio and over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.sql import SqlLimits
from beha2vec_core.chat.model.tools import Toolbox, ToolResult
from beha2vec_core.store.anonymous import MIN_USERS
from tests.chat.chat_world import DEVICE, LOGIN, OTHER, SMALL, USER, make_serving
from tests.helpers.hostile_text import CANARY, HOSTILE_TEXTS
from tests.mcp.mcp_world import Call, Http, InProcess, Stdio, ask, tools

pytestmark = pytest.mark.xdist_group("mcp")  # so that one worker starts the servers

CALLS: list[Call] = [
    ("list_clusters", {}),
    ("highlights", {}),
    ("metric", {"metric": "sessions", "by": "country"}),
    ("metric", {"metric": "revenue", "period": "last 28 days"}),
    ("metric", {"metric": "users", "by": "user"}),
    *(("cluster_facts", {"cluster": key}) for key in range(4)),
    ("cluster_facts", {"cluster": 1, "search": "page country device channel"}),
    ("cluster_facts", {"cluster": SMALL}),
    ("compare_clusters", {"first": 0, "second": 1}),
    ("compare_clusters", {"first": 0, "second": SMALL}),
    ("checkout_funnel", {}),
    ("moves_between_clusters", {}),
    ("paths_in_cluster", {"cluster": 0}),
    ("before_buying", {}),
    ("predictions", {"target": "purchase", "days": 7}),
    ("predictions", {"target": "return"}),
    ("predictions", {"target": "nothing"}),
    ("tables", {}),
    ("tables", {"search": "country"}),
    ("sql", {"statement": "from anonymous.users_by_country order by all"}),
    ("sql", {"statement": "select title, users, null as nothing from anonymous.page_views_by_page order by all"}),
    ("sql", {"statement": "select revenue from anonymous.users_by_cluster order by all"}),
    ("sql", {"statement": "select nothing from anonymous.users_by_country"}),
]
NAMES = {name for name, _ in CALLS}


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest, data: Path) -> Stdio | Http:
    return Stdio(data) if request.param == "stdio" else request.getfixturevalue("http")


@pytest.mark.parametrize(
    ("server", "mode"),
    [("http", "auto"), ("http", "legacy"), pytest.param("stdio", "auto", marks=pytest.mark.slow)],
    indirect=["server"],
)
def test_all_tools_are_read_only_and_none_shows_single_users(server: Stdio | Http, mode: str) -> None:
    listed = tools(server, mode)
    assert {tool.name for tool in listed} == NAMES
    for tool in listed:
        assert tool.description and tool.input_schema["additionalProperties"] is False
        marks = tool.annotations
        assert marks and marks.read_only_hint and not marks.destructive_hint and not marks.open_world_hint
        assert "screen" not in tool.description and "user_1" not in tool.description


@pytest.fixture(scope="module")
def of_chat(data: Path) -> list[ToolResult]:
    database = data / "serving.duckdb"
    chat = Toolbox(database, Aliases(database), min_users=MIN_USERS, sql_limits=SqlLimits())
    return [chat.call(name, json.dumps(arguments)) for name, arguments in CALLS]


@pytest.mark.parametrize(("server", "mode"), [("stdio", "legacy"), ("http", "auto")], indirect=["server"])
def test_answers_are_the_chats(server: Stdio | Http, mode: str, of_chat: list[ToolResult]) -> None:
    for (name, _), answer, expected in zip(CALLS, ask(server, *CALLS, mode=mode), of_chat, strict=True):
        document = json.loads(expected.message)
        if name == "predictions" and not expected.failed:
            document["note"] = document["note"].partition(". The person sees")[0]
        assert answer.structured_content == document, name
        assert [json.loads(block.text) for block in answer.content] == [document]
        assert answer.is_error is expected.failed is ("error" in document)


def test_every_number_is_of_enough_users(http: Http, data: Path) -> None:
    with duckdb.connect(str(data / "serving.duckdb"), read_only=True) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'anonymous' order by all"
        ).fetchall()
        keys = [key for (key,) in connection.execute("select user_key from ga4.dim_ga4__users").fetchall()]
    assert len(tables) > 30
    smallest = [f"select '{name}' as name, min(users) as users from anonymous.{name}" for (name,) in tables]
    statements: list[Call] = [
        ("sql", {"statement": " union all ".join(smallest[start : start + 40])}) for start in range(0, len(tables), 40)
    ]
    answers = ask(http, *CALLS, *statements)
    counted = 0
    for (name, arguments), answer in zip([*CALLS, *statements], answers, strict=True):
        document = answer.structured_content
        if name == "sql" and "users" in document.get("columns", ()):
            of = document["columns"].index("users")
            counts = [row[of] for row in document["rows"]]
        else:
            counts = list(_counts(document))
        assert all(count == 0 or count >= MIN_USERS for count in counts), (name, arguments, counts)
        counted += len(counts)
    assert counted > len(tables) + 100
    text = json.dumps([answer.structured_content for answer in answers], ensure_ascii=False)
    assert len(keys) == 805 and not any(key in text for key in keys)
    for secret in (USER, OTHER, DEVICE, LOGIN, "jane@", "Malta", "tiny", "user_1", "[user]"):
        assert secret not in text, secret


def test_highlights_have_rounded_numbers_of_enough_users(http: Http) -> None:
    (answer,) = ask(http, ("highlights", {}))
    first, second = answer.structured_content["highlights"]
    assert first["headline"] == "Sessions from news end with an order less often than others"
    assert first.keys() >= {"value", "other_value"} and "interval_low" not in first
    assert first["value"] in ("7.8%", "16%"), "12.3 %, rounded to what 20 of 40 users make"
    assert first["days"] == "1 Jan to 30 Jan 2026" and "777" not in answer.content[0].text
    assert second["numbers"] == "of fewer than 20 users" and not {"value", "effect"} & second.keys()


def _counts(document: Any) -> Iterator[int]:
    """Numbers of users, wherever they stand; not those in words, such as "fewer than 20"."""
    if isinstance(document, list):
        for item in document:
            yield from _counts(item)
    elif isinstance(document, dict):
        for key, value in document.items():
            number = str(value).replace(",", "")
            if key in ("users", "users_behind", "buyers", "movers", "support", "from_users") and number.isdigit():
                yield int(number)
            yield from _counts(value)


def test_ids_in_the_data_have_no_alias(data: Path, tmp_path: Path) -> None:
    """A page named after a login: people who chat see an alias, programs see no difference between users."""
    (tmp_path / "serving.duckdb").write_bytes((data / "serving.duckdb").read_bytes())
    with duckdb.connect(str(tmp_path / "serving.duckdb")) as connection:
        connection.execute(
            f"""insert into beha2vec.cluster_profiles by name
            select * replace ('c1.country.x' as fact_id, feature || ' of {LOGIN} and {DEVICE}' as feature)
            from beha2vec.cluster_profiles where metric = 'country_share' and cluster_key = 1"""
        )
    (facts,) = ask(InProcess.of(tmp_path), ("cluster_facts", {"cluster": 1, "search": "country"}))
    text = json.dumps(facts.structured_content)
    assert "of [user] and [user]" in text and LOGIN not in text and DEVICE not in text and "user_1" not in text


@pytest.mark.slow
def test_hostile_text_stays_data(tmp_path: Path) -> None:
    few = HOSTILE_TEXTS[:: len(HOSTILE_TEXTS) // 9]  # so few that each is seen by enough users
    make_serving(tmp_path / "serving.duckdb", few)
    statements: list[Call] = [
        ("sql", {"statement": "select page_key, title, users from anonymous.page_views_by_page order by all"}),
        ("sql", {"statement": "from anonymous.users_by_browser order by all"}),
    ]
    answers = ask(
        InProcess.of(tmp_path), *(call for call in CALLS[:10] if "cluster_facts" not in call), CALLS[2], *statements
    )
    for answer in answers:
        assert len(answer.content) == 1 and answer.content[0].type == "text"
        assert json.loads(answer.content[0].text) == answer.structured_content
    text = json.dumps([answer.structured_content for answer in answers], ensure_ascii=False)
    assert CANARY in text, "the texts were there"
    assert not re.search(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert not re.search(r"\w@\w+\.\w", text) and not re.search(r"/\S*\?\w+=", text)
    assert {tool.name for tool in tools(InProcess.of(tmp_path))} == NAMES


def test_the_size_of_a_small_cluster_cannot_be_computed(http: Http) -> None:
    """Five users in one cluster: all numbers of users are multiples of 20, so no difference of them is five."""
    clusters, facts = ask(http, ("list_clusters", {}), ("cluster_facts", {"cluster": 0, "search": "share of users"}))
    document = clusters.structured_content
    assert document["clusters_too_small_to_send"] == 1
    users = {int(one["users"].replace(",", "")) for one in document["clusters"]}
    assert all(size >= MIN_USERS for size in users)
    everybody = [document["all_users"]["with_a_vector"], document["all_users"]["users"]]
    everybody += [step["count"] for step in document["all_users"]["steps"]]
    assert all(int(count.replace(",", "")) % MIN_USERS == 0 for count in everybody)
    shares = [int(one["share_of_users"].rstrip("%")) / 100 for one in document["clusters"]]
    assert sum(shares) == pytest.approx(1, abs=0.03), "of rounded numbers"
    assert not any(fact["id"].endswith(".user_share") for fact in facts.structured_content["facts"])
    assert all(count % MIN_USERS == 0 for count in _counts([document, facts.structured_content]))
