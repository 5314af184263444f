"""Insights through a real HTTP endpoint that answers well, or badly in every way we could think of."""

import json
import logging
import time

import pandas as pd
import pytest
from llm_server import completion, document, serving, truthful
from profile_world import make_world
from pydantic import SecretStr

from beha2vec_core.insights import LlmSettings, write_insights
from beha2vec_core.insights.placeholders import fill
from beha2vec_core.insights.sheet import fact_sheets
from beha2vec_core.profiles import build_profiles

KEY = "sk-test-4f9a8b7c6d5e"


@pytest.fixture(scope="module")
def profiles() -> pd.DataFrame:
    return build_profiles(make_world())


@pytest.fixture(scope="module")
def two(profiles) -> pd.DataFrame:
    return profiles[profiles["cluster_key"] < 2]


def write(profiles, llm, **settings):
    chosen = {"timeout_s": 5.0, "max_retries": 1, "model": "scripted-1", "api_key": SecretStr(KEY)} | settings
    table, usage = write_insights(profiles, llm=LlmSettings(base_url=llm.url, **chosen), progress=False)
    return table.to_pylist(), usage


def answer(request, **changes):
    return completion(json.dumps(truthful(request) | changes))


def test_a_truthful_model_writes_every_row(profiles) -> None:
    with serving(lambda request, _: answer(request)) as llm:
        rows, usage = write(profiles, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"}
    assert [row["name"] for row in rows[:-1]] == [f"Described group {letter}" for letter in "ABCD"]
    assert all(row["evidence"] for row in rows)
    assert all("{" not in row["summary"] and "%" in row["summary"] for row in rows[:-1])
    for row, sheet in zip(rows, fact_sheets(profiles), strict=False):
        assert fill(json.loads(row["draft"])["summary"], sheet.by_id) == row["summary"], "the draft is kept"
    assert all(row["differences"] and row["caveats"] and row["reason"] is None for row in rows[:-1])
    assert rows[-1]["similarities"] == "They were told apart by what they view."
    assert rows[-1]["opportunities"] and "Described group A have" in rows[-1]["key_differences"]
    assert usage["requests"] == 5 and usage["problems"] == []
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (500, 100)
    assert usage["endpoint_host"] == "127.0.0.1" and usage["latency_s"] > 0
    assert (usage["written_by_model"], usage["written_by_template"]) == (5, 0)
    assert {request["response_format"]["type"] for request in llm.requests} == {"json_schema"}
    json.dumps(usage)


def test_the_model_gets_facts_and_nothing_of_single_users(profiles) -> None:
    with serving(lambda request, _: answer(request)) as llm:
        write(profiles, llm)
    ids = set(profiles["fact_id"])
    for request in llm.requests:
        sent = document(request)
        facts = [fact for group in sent.get("clusters", [sent]) for fact in group["facts"]]
        assert facts and {fact["id"] for fact in facts} <= ids
        assert {"tools", "functions"}.isdisjoint(request)
        assert "user_key" not in json.dumps(request) and "u0-" not in json.dumps(request)


def test_a_wrong_number_is_sent_back_with_the_reason_and_then_accepted(two) -> None:
    def respond(request, number):
        return answer(request, **({"summary": "Exactly 98.7% of them buy."} if number == 1 else {}))

    with serving(respond) as llm:
        rows, usage = write(two, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"}
    assert "98.7%" in llm.requests[1]["messages"][-1]["content"]
    assert "Exactly 98.7%" in llm.requests[1]["messages"][-2]["content"]
    assert len(llm.requests) == 4 and len(usage["problems"]) == 1
    assert "Exactly" not in json.dumps(usage["problems"])  # what was refused is not repeated
    assert not any("98.7" in row["summary"] for row in rows)


def test_a_model_that_insists_on_wrong_numbers_is_replaced_by_the_template(two) -> None:
    def respond(request, _):
        if "clusters" in document(request):
            return answer(request, key_differences="One buys 98.7% more.")
        return answer(request, actions=["Raise sales by 98.7%."])

    with serving(respond) as llm:
        rows, usage = write(two, llm)
    assert {row["written_by"] for row in rows} == {"template"}
    assert len(llm.requests) == 6  # twice each, not more
    assert not any("98.7" in json.dumps([value for key, value in row.items() if key != "reason"]) for row in rows)
    assert all(row["reason"].startswith("refused: ") and row["input_hash"] for row in rows)
    assert usage["written_by_template"] == 3


def test_invented_fact_ids_are_refused(two) -> None:
    def respond(request, _):
        asked = document(request)
        if asked.get("cluster") == 0:
            return answer(request, evidence=[*truthful(request)["evidence"], "c0.secret"])
        if asked.get("cluster") == 1:
            return answer(request, summary="{c1.secret} of them bought.")
        return answer(request, evidence=["c9.users"])

    with serving(respond) as llm:
        rows, _ = write(two, llm)
    assert {row["written_by"] for row in rows} == {"template"}
    assert "c0.secret" in rows[0]["reason"] and "c1.secret" in rows[1]["reason"]


def test_a_claim_without_a_fact_is_left_out(two) -> None:
    def respond(request, _):
        if "clusters" in document(request):
            return answer(request)
        return answer(request, summary=f"They buy far more than others. {truthful(request)['summary']}")

    with serving(respond) as llm:
        rows, usage = write(two, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"}
    assert all("far more" not in row["summary"] and "page views go to" in row["summary"] for row in rows[:-1])
    assert usage["claims_dropped"] == 2


def test_reversed_directions_are_refused(two) -> None:
    def respond(request, _):
        asked = document(request)
        if "clusters" in asked:
            return answer(request)
        fact = next(f for f in asked["facts"] if f.get("beside_all_users") == "more" and "of" not in f)
        says = f"{fact['says'].removeprefix('of users ')} less: {{{fact['id']}}} (all users {{{fact['id']}|all}})."
        return answer(request, summary=f"They {says}")

    with serving(respond) as llm:
        rows, _ = write(two, llm)
    assert [row["written_by"] for row in rows] == ["template", "template", "scripted-1"]
    assert all("'less' does not agree with" in row["reason"] for row in rows[:-1])


def test_a_taken_name_is_sent_back(two) -> None:
    with serving(
        lambda request, _: answer(request, **({"name": "Same name"} if "cluster" in document(request) else {}))
    ) as llm:
        rows, _ = write(two, llm)
    assert [row["written_by"] for row in rows] == ["scripted-1", "template", "scripted-1"]
    assert rows[0]["name"] == "Same name" != rows[1]["name"]


@pytest.mark.parametrize(
    "broken",
    [
        completion("{not json"),
        completion('{"name": "Only a name"}'),
        completion('{"name": "Cut off", "summary": "12', finish_reason="length"),
        completion("", refusal="I cannot help with that."),
        completion(""),
        {"body": {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}},
        {"raw": b"<html>proxy error page</html>"},
        {"raw": b"\xff\xfe not text"},
        {"body": ["a", "list"]},
        {"raw": b""},
    ],
    ids=["no json", "wrong shape", "cut off", "refusal", "empty", "no choices", "html", "bytes", "list", "no body"],
)
def test_broken_answers_end_in_the_template(two, broken) -> None:
    with serving(lambda *_: broken) as llm:
        rows, usage = write(two, llm)
    assert {row["written_by"] for row in rows} == {"template"} and len(rows) == 3
    assert all(row["name"] and row["summary"] for row in rows)
    assert 3 <= len(llm.requests) <= 9
    assert len(usage["problems"]) >= 3


def test_the_template_says_why_it_wrote(two) -> None:
    with serving(lambda *_: completion("{not json")) as llm:
        rows, _ = write(two, llm)
    assert all(row["reason"].startswith("refused: ") for row in rows)
    with serving(lambda *_: {"status": 500, "body": {}}) as llm:
        rows, _ = write(two, llm, max_retries=0)
    assert all(row["reason"] == "endpoint: status 500 (InternalServerError)" for row in rows)
    assert all(row["input_hash"] is None for row in rows)  # so it is asked again


def test_broken_json_is_asked_again_as_a_json_object(two) -> None:
    def respond(request, _):
        return answer(request) if request["response_format"]["type"] == "json_object" else completion("{not json")

    with serving(respond) as llm:
        rows, _ = write(two, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"}
    assert [request["response_format"]["type"] for request in llm.requests] == ["json_schema", *["json_object"] * 3]
    assert '"evidence"' in llm.requests[1]["messages"][0]["content"]  # the schema, in words


def test_an_endpoint_without_schemas_gets_json_object_requests(two) -> None:
    def respond(request, _):
        if request["response_format"]["type"] == "json_schema":
            return {"status": 400, "body": {"error": {"message": "response_format not supported"}}}
        return answer(request)

    with serving(respond) as llm:
        rows, usage = write(two, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"}
    assert usage["requests"] == len(llm.requests) == 4 and usage["problems"] == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_retried(two, status: int) -> None:
    def respond(request, number):
        return {"status": status, "body": {"error": {"message": "busy"}}} if number == 1 else answer(request)

    with serving(respond) as llm:
        rows, _ = write(two, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"} and len(llm.requests) == 4


@pytest.mark.parametrize(("status", "requests"), [(429, 2), (500, 2), (401, 1), (404, 1)])
def test_a_lasting_failure_is_given_up_after_bounded_retries(two, status: int, requests: int) -> None:
    with serving(lambda *_: {"status": status, "body": {"error": {"message": f"no, {KEY}"}}}) as llm:
        rows, usage = write(two, llm)
    assert len(llm.requests) == requests  # and the other clusters are not tried
    assert {row["written_by"] for row in rows} == {"template"}
    assert f"status {status}" in usage["problems"][0] and KEY not in json.dumps(usage)


def test_a_hanging_endpoint_costs_one_timeout(two) -> None:
    started = time.monotonic()
    with serving(lambda *_: {"hang": True}) as llm:
        rows, usage = write(two, llm, timeout_s=0.3, max_retries=0)
        took = time.monotonic() - started
    assert took < 3
    assert {row["written_by"] for row in rows} == {"template"}
    assert "no answer within 0.3 s" in usage["problems"][0]


def test_a_cut_connection_ends_in_the_template(two) -> None:
    with serving(lambda request, _: answer(request) | {"missing_bytes": 50}) as llm:
        rows, usage = write(two, llm, max_retries=0)
    assert {row["written_by"] for row in rows} == {"template"} and usage["problems"]


def test_nobody_listening(two) -> None:
    with serving(lambda *_: {}) as llm:
        pass
    rows, usage = write(two, llm, max_retries=0)
    assert {row["written_by"] for row in rows} == {"template"}
    assert "the connection failed" in usage["problems"][0]


def test_the_key_is_sent_and_never_shown(two, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    settings = LlmSettings(base_url="http://127.0.0.1:1/v1", api_key=SecretStr(KEY))
    assert KEY not in repr(settings) and KEY not in settings.model_dump_json()
    with serving(lambda request, _: answer(request)) as llm:
        rows, usage = write(two, llm)
    assert llm.authorizations[0] == f"Bearer {KEY}"
    assert KEY not in caplog.text and KEY not in json.dumps([rows, usage])


def test_small_clusters_are_not_sent(profiles) -> None:
    with serving(lambda request, _: answer(request)) as llm:
        table, usage = write_insights(
            profiles, llm=LlmSettings(base_url=llm.url, model="m"), min_users_sent=200, progress=False
        )
    assert table["written_by"].to_pylist() == ["m", "m", "template", "template", "m"]
    assert not any("c3." in json.dumps(request) or "c2." in json.dumps(request) for request in llm.requests)
    assert "fewer than 200 users" in usage["problems"][0] and "fewer than 200 users" in table["reason"][2].as_py()


def test_facts_of_few_users_are_not_sent(profiles) -> None:
    with serving(lambda request, _: answer(request)) as llm:
        write(profiles, llm)
    supports = [
        fact["users_behind"]
        for request in llm.requests
        for group in document(request).get("clusters", [document(request)])
        for fact in group["facts"]
    ]
    assert min(support for support in supports if support > 0) >= 20
    assert (profiles["support"].between(1, 19)).any()  # there were some
