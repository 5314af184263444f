"""The chat against a real server that streams what a script says: tools, sources, numbers, and what may leave."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.chat.conversation import ChatLimits, Conversation
from beha2vec_core.chat.data.privacy import Aliases, outgoing
from beha2vec_core.chat.data.sql import SqlLimits
from beha2vec_core.chat.events import BY_LOOKUP, Answer, Event, Notice, SqlRows, TextDelta, ToolCall
from beha2vec_core.chat.model.tools import Toolbox
from beha2vec_core.chat.model.verify import Known, mark_unknown
from beha2vec_core.chat.show import plain, table
from beha2vec_core.chat.terminal import answer_once, first_screen
from beha2vec_core.cli import app
from beha2vec_core.llm import LlmSettings
from tests.chat.chat_server import ChatServer, Reply, calls, fails, says, scripted
from tests.chat.chat_world import DEVICE, LOGIN, OTHER, SMALL, USER, make_serving
from tests.helpers.hostile_text import CANARY, HOSTILE_TEXTS


@pytest.fixture(scope="module")
def serving_with_campaigns(serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("campaigns") / "serving.duckdb"
    path.write_bytes(serving.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "alter table ga4.fct_ga4__sessions add column campaign varchar default 'iPad & iOS / sale-98765 / Anna'"
        )
    return path


@pytest.fixture(scope="module")
def hostile_serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_serving(tmp_path_factory.mktemp("hostile") / "serving.duckdb", HOSTILE_TEXTS)


def conversation(server: ChatServer, database: Path, patience: float = 60, **limits: object) -> Conversation:
    llm = LlmSettings(base_url=server.url, model="scripted", timeout_seconds=patience, max_retries=1)
    return Conversation(llm, database, ChatLimits(**limits))


def ask(chat: Conversation, question: str) -> tuple[Answer, list[Event]]:
    events = list(chat.ask(question))
    assert isinstance(events[-1], Answer) and not any(isinstance(event, Answer) for event in events[:-1])
    return events[-1], events


def streamed(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def notices(events: list[Event]) -> str:
    return " ".join(event.text for event in events if isinstance(event, Notice))


# --- tools and sources


def test_a_question_goes_through_tools_to_an_answer_with_sources(serving: Path) -> None:
    with scripted(
        calls(("cluster_facts", {"cluster": 1, "search": "purchase"}), ("list_clusters", {})),
        says("Of clus", "ter 1 64", "% bought, of all users 17%. ", "[c1.purchase_rate]"),
    ) as server:
        answer, events = ask(conversation(server, serving), "Who buys?")
    # the exact numbers are 62% and 18%
    assert answer.text == "Of cluster 1 64% bought, of all users 17%. [c1.purchase_rate]" == streamed(events)
    assert (answer.facts, answer.unknown_numbers, answer.written_by) == (["c1.purchase_rate"], [], "scripted")
    assert [event.name for event in events if isinstance(event, ToolCall)] == ["cluster_facts", "list_clusters"]
    first, second = server.requests
    assert [m["role"] for m in first["messages"]] == ["system", "user"]
    assert [m["role"] for m in second["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    assert first["stream"] is True and len(first["tools"]) == 14 and first["tools"] == second["tools"]
    assert server.tool_results()[0]["facts"][0]["id"].startswith("c1.")


def test_numbers_that_are_not_in_the_data_are_marked_as_they_stream(serving: Path) -> None:
    text = "In cluster 1 64% bought. That is 47.123% more than cluster 9, or twice as much. "
    with scripted(calls(("cluster_facts", {"cluster": 1})), says(*re.findall(r".{1,7}", text))) as server:
        answer, events = ask(conversation(server, serving), "Who buys?")
    assert answer.unknown_numbers == ["47.123%", "9", "twice"]
    assert "47.123% [not found in the data]" in streamed(events) and "64% bought." in answer.text


def test_an_answer_without_a_look_is_reported_to_have_no_source(serving: Path) -> None:
    lines: list[str] = []
    with scripted(says("Everybody buys, 99% of them.")) as server:
        assert not answer_once(conversation(server, serving), "Who buys?", lines.append)
    assert "99% [not found in the data]" in "".join(lines)
    assert "No source in your data" in "".join(lines) and "Do not rely on it" in "".join(lines)


def test_facts_that_were_not_cited_are_found_by_their_numbers(serving: Path) -> None:
    with scripted(calls(("compare_clusters", {"first": 0, "second": 1})), says("64% of cluster 1 bought.")) as server:
        answer, _ = ask(conversation(server, serving), "compare")
    assert "c1.purchase_rate" in answer.facts


def test_wrong_tool_calls_are_answered_with_what_is_wrong(serving: Path) -> None:
    wrong = [
        ("cluster_facts", '{"cluster": '),
        ("cluster_facts", {"cluster": "many"}),
        ("cluster_facts", {"cluster": 77}),
        ("drop_everything", {}),
        ("sql", {"statement": "drop table beha2vec.cluster_profiles"}),
        ("sql", {"statement": "select 1", "path": "/etc/passwd"}),
    ]
    with scripted(calls(*wrong), says("I cannot tell.")) as server:
        answer, events = ask(conversation(server, serving), "x")
    errors = [result["error"] for result in server.tool_results()]
    for error, words in zip(
        errors,
        [
            "do not fit",
            "valid integer",
            "no cluster 77; there are 0, 1, 2, 3",
            "no tool 'drop_everything'",
            "Not run",
            "Extra",
        ],
        strict=True,
    ):
        assert words in error
    assert all(event.problem for event in events if isinstance(event, ToolCall)) and not answer.has_source


def test_an_endless_tool_loop_ends(serving: Path) -> None:
    with scripted(calls(("list_clusters", {}))) as server:
        answer, events = ask(conversation(server, serving, tool_rounds=3), "clusters?")
    assert len(server.requests) == 4 and server.requests[-1]["tool_choice"] == "none"
    assert "without an answer" in notices(events) and answer.written_by == BY_LOOKUP and "805 users" in answer.text
    assert [e.name for e in events if isinstance(e, ToolCall)] == ["list_clusters"], "the same call is made once"


def test_history_is_kept_and_bounded(serving: Path) -> None:
    with scripted(says("One.")) as server:
        chat = conversation(server, serving, history_characters=60)
        for number in range(6):
            ask(chat, f"question number {number}")
    contents = [m["content"] for m in server.requests[-1]["messages"]]
    assert contents[1:] == ["question number 3", "One.", "question number 4", "One.", "question number 5"]


# --- endpoints that misbehave


@pytest.mark.parametrize(("status", "requests"), [(429, 2), (500, 2), (401, 1), (404, 1)])
def test_an_endpoint_that_fails_gives_way_to_the_look_up(serving: Path, status: int, requests: int) -> None:
    with scripted(fails(status)) as server:
        answer, events = ask(conversation(server, serving), "which cluster buys most?")
    assert len(server.requests) == requests and f"status {status}" in notices(events)
    assert answer.written_by == BY_LOOKUP and answer.facts[0] == "c1.purchase_rate"


def test_after_a_429_it_is_asked_again(serving: Path) -> None:
    with scripted(fails(429), says("All is well.")) as server:
        assert ask(conversation(server, serving), "x")[0].text == "All is well."


def test_hanging_and_unreachable_endpoints(serving: Path) -> None:
    with scripted(says(hang=True)) as server:
        answer, events = ask(conversation(server, serving, patience=0.7), "compare 0 and 1")
    assert "no data for 0.7 s" in notices(events) and answer.written_by == BY_LOOKUP
    answer, events = ask(conversation(server, serving), "compare 0 and 1")  # gone meanwhile
    assert "the connection failed" in notices(events) and answer.facts


@pytest.mark.parametrize(
    "reply",
    [
        says("Cluster 1 is the lar", "gest of 12", hang=True),
        says("Cluster 1 is the lar", "gest of 12", cut=True),
        says("Cluster 1 is the lar", "gest of 12", finish=None),
        says("Cluster 1 is the largest of 12", finish="length"),
    ],
)
def test_an_answer_that_breaks_off_says_so(serving: Path, reply: Reply) -> None:
    with scripted(calls(("list_clusters", {})), reply) as server:
        # the first reply has to come in time, too
        answer, events = ask(conversation(server, serving, patience=2), "x")
    assert "not complete" in notices(events) and "Cluster 1 is the largest" in answer.text
    assert "12" not in answer.text, "it may be the half of a number"


@pytest.mark.parametrize(
    "raw", [b"", b"data: {broken\n\n", b"<html>", b'data: {"choices": []}\n\ndata: [DONE]\n\n', b"data: 7\n\n"]
)
def test_rubbish_instead_of_a_stream(serving: Path, raw: bytes) -> None:
    with scripted(Reply(raw=raw)) as server:
        answer, events = ask(conversation(server, serving), "which cluster buys most?")
    assert answer.written_by == BY_LOOKUP and notices(events) and "62%" in answer.text


def test_an_endpoint_without_tools_is_given_the_facts(serving: Path) -> None:
    def respond(request: dict, _: int) -> Reply:
        return fails(400) if "tools" in request else says("64% of cluster 1 bought. [c1.purchase_rate]")

    with ChatServer(respond) as server:
        chat = conversation(server, serving)
        answer, events = ask(chat, "which cluster buys most?")
        assert (
            "does not support tools" in notices(events)
            and answer.facts == ["c1.purchase_rate"]
            and not answer.unknown_numbers
        )
        document = json.loads(server.requests[1]["messages"][-1]["content"])
        assert document["question"] == "which cluster buys most?"
        assert {fact["id"] for fact in document["data"]["facts"]} >= {"c0.purchase_rate", "c1.purchase_rate"}
        assert not any(f"c{SMALL}." in fact["id"] for fact in document["data"]["facts"])
        values = {fact["id"]: fact["value"] for fact in document["data"]["facts"]}
        assert values["c1.purchase_rate"] == "64%", "62 %, rounded"
        assert values["c0.purchase_rate"].startswith("of fewer than 20 users"), "five of 300"
        for question, tool in (
            ("which cluster leaks at checkout?", "checkout_funnel"),
            ("who is likely to buy next week?", "predictions"),
            (f"who resembles user {USER}?", "similar_users"),
        ):
            _, events = ask(chat, question)
            found = json.loads(server.requests[-1]["messages"][-1]["content"])["data"]
            assert found.keys() == {"clusters", tool} and "error" not in found[tool], question
            shown = [row for event in events if isinstance(event, SqlRows) for row in event.answer.rows]
            assert bool(shown) == (tool in ("predictions", "similar_users")), "users are shown to the person only"
            assert USER not in str(server.requests[-1])
    assert len(server.requests) == 5, "it is not asked with tools again"


def test_the_budget_ends_a_conversation(serving: Path) -> None:
    with scripted(says("Yes.")) as server:
        chat = conversation(server, serving, budget_characters=10)
        assert ask(chat, "x")[0].text == "Yes."
        answer, events = ask(chat, "which cluster buys most?")
    assert len(server.requests) == 1 and "budget" in notices(events) and answer.written_by == BY_LOOKUP


# --- what may leave


def test_users_leave_as_aliases_and_come_back_as_keys(serving: Path) -> None:
    question = (
        f"Who resembles {USER}, that is device {DEVICE}, login {LOGIN.lower()}, jane@shop.example and user {OTHER}?"
    )
    with scripted(
        calls(
            ("similar_users", {"user": "user_1"}),
            ("sql", {"statement": "select user_key from ga4.dim_ga4__users where user_key = 'user_1'"}),
        ),
        says("Most like user", "_1 is user_2."),
    ) as server:
        chat = conversation(server, serving)
        answer, events = ask(chat, question)
        ask(chat, "and mail him at someone@else.example, see https://shop.example.com/x?session=abc&mail=a%40b.c")
    asked = server.requests[0]["messages"][-1]["content"]
    assert asked.count("user_1") == 3 and asked.count("user_2") == 2
    for secret in (USER, OTHER, DEVICE, LOGIN, LOGIN.lower(), "jane@", "someone@", "session=", "mail="):
        assert secret not in server.sent
    assert not re.search(r"[0-9a-f]{32}", server.sent)
    assert USER in answer.text and OTHER in answer.text and "user_1" not in answer.text
    (similar,) = [event.answer for event in events if isinstance(event, SqlRows)]
    assert similar.columns == ["user_key", "similarity", "cluster_key"] and len(similar.rows) == 5
    assert "the schema anonymous" in server.tool_results(1)[1]["error"]


def test_a_model_that_guesses_ids_learns_of_none(serving: Path) -> None:
    """What a guess that is right gives has the form of what any other gives."""
    answers = []
    for guess in (LOGIN, "C9999999"):
        guesses = [
            ("similar_users", {"user": guess}),
            ("sql", {"statement": f"select '{guess}' from anonymous.users_by_cluster limit 1"}),
            (
                "sql",
                {"statement": f"select '{guess[:2]}' || '{guess[2:]}' as x from anonymous.users_by_cluster limit 1"},
            ),
            ("sql", {"statement": f"select {guess} from anonymous.users_by_cluster"}),
            (guess, {"user": guess}),
        ]
        with scripted(calls(*guesses), says("Yes.")) as server:
            ask(conversation(server, serving, calls_per_round=20), "who is a good customer?")
        answers.append(json.dumps(server.tool_results()).lower().replace(guess.lower(), "it"))
    assert answers[0] == answers[1] and "there is no such user" in answers[0] and '[["it"]]' in answers[0]


def test_small_groups_are_never_sent(serving: Path) -> None:
    every_tool = [
        ("list_clusters", {}),
        ("checkout_funnel", {}),
        ("cluster_facts", {"cluster": SMALL}),
        ("compare_clusters", {"first": 0, "second": SMALL}),
        ("sample_journeys", {"cluster": SMALL}),
        ("sql", {"statement": "from anonymous.users_by_country"}),
        ("sql", {"statement": "from anonymous.users_by_cluster"}),
        ("sql", {"statement": "from anonymous.users_by_first_user_source"}),
        ("sql", {"statement": "select country::int from anonymous.users_by_country"}),
    ]
    with scripted(calls(*every_tool), says("Yes.")) as server:
        _, events = ask(conversation(server, serving, calls_per_round=20), "x")
    results = server.tool_results()
    assert results[0]["clusters_too_small_to_send"] == 1 and [c["cluster"] for c in results[0]["clusters"]] == [
        0,
        1,
        2,
        3,
    ]
    assert all("fewer than 20 users" in result["error"] for result in results[2:5])
    assert "Malta" not in server.sent and "tiny" not in server.sent
    steps = {(c["cluster"], s["step"]): s for c in results[1]["clusters"] for s in c["steps"]}
    assert (
        steps[2, "add_to_cart"]["sessions"] == "of fewer than 20 users"
        and steps[1, "begin_checkout"]["sessions"] == "of all but fewer than 20 users"
    )
    assert [len(result["rows"]) for result in results[5:8]] == [2, 4, 4]
    seen = [event.answer.rows for event in events if isinstance(event, SqlRows)]
    assert seen == [result["rows"] for result in results[5:8]], "the person sees what was sent"
    assert "Conversion Error" in results[8]["error"]


def test_outgoing_text_keeps_words_and_loses_ids() -> None:
    kept = "Why do 62% of them leave shop.example.com/cart so often? And what next?"
    assert outgoing(kept) == kept
    ids = f"{'ab12' * 8} {DEVICE} 123e4567-e89b-12d3-a456-426614174000 GA1.2.123.456"
    text = f"see /a?utm=1&id=2 mail me@x.example {ids}\x1b[31m"
    assert outgoing(text) == "see /a mail [e-mail] [id] [id] [id] [id][31m"


def test_anybodys_login_cannot_rename_a_word(serving: Path) -> None:
    """Logins come from hits that anybody can send: only what looks like an id, or is called one, is replaced."""
    aliases = Aliases(serving)
    assert (
        aliases.hide("which products do users of cluster 1 purchase?")
        == "which products do users of cluster 1 purchase?"
    )
    assert aliases.hide(f"user {LOGIN}, and {LOGIN}x") == "user user_1, and [id]"
    assert aliases.show("user_1 user_12 xuser_1") == f"{USER} user_12 xuser_1"


def test_what_is_personal_in_a_question_is_replaced_and_the_person_sees_it(serving: Path, tmp_path: Path) -> None:
    """Also a login id that the published tables have only as a keyed hash."""
    copy = tmp_path / "serving.duckdb"
    copy.write_bytes(serving.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute("update ga4.dim_ga4__users set user_id = sha256(user_id)")
    asked = "What did C1000187 and user jane.doe84 (jane@doe.example, +49 171 2345678) buy, and users of cluster 1?"
    with scripted(says("I cannot tell.")) as server:
        _, events = ask(conversation(server, copy), asked)
        (request,) = server.requests
    sent = request["messages"][-1]["content"]
    assert sent == "What did [id] and user [redacted] ([redacted], [redacted]) buy, and users of cluster 1?"
    assert sent in notices(events)
    with scripted(says("I cannot tell.")) as server:
        assert not notices(ask(conversation(server, copy), "Which of cluster1 bought in 2026-W18 or 20260401?")[1])


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("users 48213345 and 48213346", "users [id] and [id]"),
        ("users 48213345, 4822 or jane.doe84 bought", "users [id], [id] or [redacted] bought"),
        ("the user with the id 48213345, please", "the user with the id [id], please"),
        ("customer no. 48213345, users whose ids are 4821", "customer no. [id], users whose ids are [id]"),
        ("user 4821. And customer 1234-5678?", "user [id]. And customer [id]?"),
        ("a user named dave42 and buyer dave42", "a user named [id] and buyer [id]"),
        ("Who bought more than X1000188.", "Who bought more than [id]."),
        ("member google12345 and member anna42", "member [id] and member [id]"),
        *(
            (text, text)
            for text in (
                "Did customers 28 to 35 buy? users 25-34, and users 1,500 times, per user 0.55, users are 2500 more",
                "users 2026-04-01..2026-04-30 and visitors 2026, members 20260401, users 90-day retention",
                "customer ipad10 sales, visitor ios17 share, member tier3",
                "SKU-12345, and item TR90210, order no. AB12345, and sale-98765?",
            )
        ),
    ],
)
def test_ids_in_a_question_are_replaced_and_words_of_the_data_are_not(
    serving_with_campaigns: Path, typed: str, sent: str
) -> None:
    assert Aliases(serving_with_campaigns, named=False).hide(typed) == sent


def test_a_long_question_is_cut_before_it_is_read(serving: Path) -> None:
    sent = Aliases(serving).hide("what is a" + "1" * 1500 + "/ " + "/a" * 2000 + " jane@doe.example" * 9000)
    assert len(sent) <= 4000 and "jane" not in sent


def test_features_of_few_users_are_not_named(serving: Path, tmp_path: Path) -> None:
    path = tmp_path / "serving.duckdb"
    path.write_bytes(serving.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """insert into beha2vec.cluster_profiles by name
            select * replace ('c1.country.Nauru' as fact_id, 'Nauru' as feature, 1 as support, 0.005 as value,
                1 as contributors)
            from beha2vec.cluster_profiles where metric = 'country_share' and cluster_key = 1 limit 1"""
        )
    tools = [
        ("cluster_facts", {"cluster": 1, "search": "country"}),
        ("cluster_facts", {"cluster": 1}),
        ("compare_clusters", {"first": 0, "second": 1}),
    ]
    with scripted(calls(*tools), says("Yes.")) as server:
        ask(conversation(server, path), "where do they live?")
    assert "Nauru" not in server.sent and "Germany" in server.sent
    facts = [fact for result in server.tool_results()[:2] for fact in result["facts"]]
    assert all(not 0 < fact["users_behind"] < 20 for fact in facts if "users_behind" in fact)


# --- text of others


def test_hostile_text_stays_data(hostile_serving: Path) -> None:
    """A model that repeats all it reads: no call, no statement and no structure changes with what titles say."""
    assert len(HOSTILE_TEXTS) >= 50
    tools = [
        *(("cluster_facts", {"cluster": key}) for key in range(4)),
        *(("cluster_facts", {"cluster": key, "search": "page country browser channel device"}) for key in range(4)),
        ("list_clusters", {}),
        ("compare_clusters", {"first": 0, "second": 1}),
        ("checkout_funnel", {}),
        ("sample_journeys", {"cluster": 1}),
        (
            "sql",
            {"statement": "select page_key, title, users from anonymous.page_views_by_page order by users"},
        ),
        (
            "sql",
            {"statement": "from anonymous.sessions_by_cluster_and_device_category"},
        ),
    ]

    def respond(request: dict, number: int) -> Reply:
        if number == 1:
            return calls(*tools)
        repeated = " ".join(m["content"] for m in request["messages"] if m["role"] == "tool")
        return says(*re.findall(r"(?s).{1,2000}", repeated[:25_000]))

    with ChatServer(respond) as server:
        chat = conversation(server, hostile_serving, calls_per_round=20, min_users=5, history_characters=60_000)
        lines: list[str] = []
        answer_once(chat, "Describe the clusters.", lines.append)
        answer, events = ask(chat, "And again?")
    first, second, third = server.requests
    assert [m["role"] for m in second["messages"]] == ["system", "user", "assistant", *["tool"] * len(tools)]
    assert [m["role"] for m in third["messages"]] == ["system", "user", "assistant", "user"]
    assert first["messages"][0] == second["messages"][0] == third["messages"][0], "the prompt is fixed"
    assert first["tools"] == second["tools"] == third["tools"]
    asked = [
        (call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in second["messages"][2]["tool_calls"]
    ]
    assert asked == tools, "no call but the scripted ones"
    assert not any(isinstance(event, ToolCall | SqlRows) for event in events), "text that looks like a call is text"
    results = server.tool_results(1)
    keys = {"data_until", "all_users", "clusters", "clusters_too_small_to_send", "note"}
    assert set(results[8]) <= keys and all(set(r) <= {"cluster", "name", "facts", "cut", "note"} for r in results[:8])
    text = json.dumps(results, ensure_ascii=False)
    assert CANARY in text, "the texts were there"
    assert not re.search(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert max(len(value) for value in _strings(results)) < 3000
    assert not re.search(r"\w@\w+\.\w", text) and not re.search(r"/\S*\?\w+=", text)
    shown = "".join(lines)
    assert "\x1b" not in shown and not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", shown + answer.text)


def _strings(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from _strings(value)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_is_shown_as_it_is(text: str) -> None:
    printed = plain(text) + table(["a"], [[text]])
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x9b\u202a-\u202e\u2066-\u2069]", printed)


@pytest.fixture(scope="module")
def aliases(serving: Path) -> Aliases:
    return Aliases(serving)


@pytest.fixture(scope="module")
def box(serving: Path, aliases: Aliases) -> Toolbox:
    return Toolbox(serving, aliases, min_users=20, sql_limits=SqlLimits())


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_in_a_question_changes_no_message(box: Toolbox, aliases: Aliases, text: str) -> None:
    assert "\n\n" not in aliases.hide(text[:300]) or "\n" in text
    result = box.call("cluster_facts", json.dumps({"cluster": 1, "search": text[:150]}))
    assert set(json.loads(result.message)) <= {"cluster", "name", "facts", "note"}
    assert box.call(text, text).failed


# --- numbers


def test_known_numbers() -> None:
    known = Known()
    known.add(
        {
            "value": "12.3%",
            "users": 1204,
            "cluster": 3,
            "rows": [["a", 0.0747]],
            "title": "Top 10 bags",
            "day": "2026-01-30",
        }
    )
    for text in (
        "12.3%",
        "12%",
        "1,204",
        "about 1.2k",
        "7.5%",
        "cluster 3",
        "“Top 10 bags”",
        "until 2026-01-30",
        "0.07",
    ):
        assert mark_unknown(text, known)[1] == [], text
    for text in ("12.4%", "13 %", "1,205", "2k", "cluster 4", "clusters 3 and 8", "10", "2026-01-31", "eleven", "half"):
        assert mark_unknown(text, known)[1], text
    assert mark_unknown("1. first\n2. second", known)[1] == []


# --- terminal and command


def test_the_first_screen_says_where_questions_go(serving: Path) -> None:
    with scripted(says("x")) as server:
        assert "go to scripted at 127.0.0.1" in first_screen(conversation(server, serving))
    screen = first_screen(Conversation(None, serving))
    assert "805 users in 5 clusters, data until 30 Jan 2026" in screen and "nothing leaves this machine" in screen


def test_the_command(serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "BEHA2VEC_LLM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(serving.parent))
    typed = [
        *("/clusters", "/facts 1 purchase", "/facts", "/sql select count(*) as n from ga4.dim_ga4__users"),
        "/explain",
        *("/sql drop table x", "/sql", "/nonsense", "", "compare 0 and 1", "/help", "/exit", "never asked"),
    ]
    result = CliRunner().invoke(app, ["chat"], input="\n".join(typed) + "\n")
    assert result.exit_code == 0, result.output
    for part in (
        "No language model is configured",
        "300 users, 37%",
        "62% of users bought (all users 18%)",
        "Give a cluster",
        "805",
        "Not run: DROP is not a SELECT",
        "/facts 3 [words]",
        "Source: facts c0.",
        "SQL:\nselect count(*)",
    ):
        assert part in result.output
    assert "never asked" not in result.output
    assert (
        "never asked" not in result.output
        and "62% of users bought" in CliRunner().invoke(app, ["chat", "persona for cluster 1"]).output
    )
    with scripted(says("Good \x1b[31mday\x1b[0m.")) as server:
        monkeypatch.setenv("BEHA2VEC_LLM_BASE_URL", server.url)
        assert "Good day." in CliRunner().invoke(app, ["chat", "hello"]).output
        assert "805 users" in CliRunner().invoke(app, ["chat", "--no-model", "which clusters are there?"]).output
        assert len(server.requests) == 1
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path / "empty"))
    result = CliRunner().invoke(app, ["chat", "hello"])
    assert (result.exit_code, "there are no results in" in result.output) == (1, True)
