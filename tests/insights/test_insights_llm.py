"""Insights through a real HTTP endpoint that answers well, or badly in every way we could think of."""

import json
import logging
import re

import pandas as pd
import pytest
from pydantic import SecretStr

from beha2vec_core.insights import LlmSettings, write_insights
from beha2vec_core.insights.placeholders import fill
from beha2vec_core.insights.sheet import fact_sheets
from beha2vec_core.profiles import ProfileSources, build_profiles
from tests.llm.llm_server import completion, document, serving, truthful
from tests.profiles.profile_world import facts_of_the_shop, make_world

KEY = "sk-test-4f9a8b7c6d5e"


@pytest.fixture(scope="module")
def profiles() -> pd.DataFrame:
    return facts_of_the_shop()


@pytest.fixture(scope="module")
def two(profiles) -> pd.DataFrame:
    return profiles[profiles["cluster_key"] < 2]


def write(profiles, llm, **settings):
    chosen = {"timeout_seconds": 60.0, "max_retries": 1, "model": "scripted-1", "api_key": SecretStr(KEY)} | settings
    table, usage = write_insights(profiles, llm=LlmSettings(base_url=llm.url, **chosen), progress=False)
    return table.to_pylist(), usage


def answer(request, **changes):
    return completion(json.dumps(truthful(request) | changes))


def test_a_truthful_model_writes_every_row(profiles) -> None:
    with serving(lambda request, _: answer(request)) as llm:
        rows, usage = write(profiles, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"}
    assert [row["name"] for row in rows[:-1]] == [
        f"{who} of the site" for who in ("Visitors", "Viewers", "Users", "Guests")
    ]
    assert all(row["evidence"] for row in rows)
    assert all("{" not in row["summary"] and "%" in row["summary"] for row in rows[:-1])
    for row, sheet in zip(rows, fact_sheets(profiles), strict=False):
        assert fill(json.loads(row["draft"])["summary"], sheet.by_id) == row["summary"], "the draft is kept"
    assert all(row["differences"] and row["caveats"] and row["reason"] is None for row in rows[:-1])
    assert all(row["interpretation"] == "They may know what they look for before they come." for row in rows[:-1])
    assert rows[-1]["similarities"] and rows[-1]["opportunities"]
    assert re.match(
        r"Visitors of the site have [\d.]+ page views each, against [\d.]+ of Viewers", rows[-1]["key_differences"]
    ), rows[-1]["key_differences"]
    assert not any("Written by a template" in str(value) for row in rows for value in row.values())
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


def wrong(request):
    """The first claim turned round."""
    answer = truthful(request)
    claims = answer.get("summary") or answer["key_differences"]
    claims[0]["direction"] = "less" if claims[0]["direction"] == "more" else "more"
    return answer


def test_a_wrong_claim_is_sent_back_with_the_reason_and_then_accepted(two) -> None:
    with serving(
        lambda request, number: completion(json.dumps(wrong(request)) if number == 1 else json.dumps(truthful(request)))
    ) as llm:
        rows, usage = write(two, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"}
    fact = truthful(llm.requests[0])["summary"][0]["fact"]
    said = json.loads(llm.requests[1]["messages"][-2]["content"])["summary"][0]
    assert said["fact"] == fact
    assert re.search(f"'{fact}' is '\\w+' .*, not '{said['direction']}'", llm.requests[1]["messages"][-1]["content"])
    assert len(llm.requests) == 4 and len(usage["problems"]) == 1 and all(row["reason"] is None for row in rows)


def test_of_a_model_that_insists_on_wrong_claims_the_right_ones_are_kept(two) -> None:
    def respond(request, _):
        answer = wrong(request)
        if "cluster" in document(request):
            answer["summary"][1:] = []
            if document(request)["cluster"] == 0:
                answer["summary"] += truthful(request)["summary"][1:]
        return completion(json.dumps(answer))

    with serving(respond) as llm:
        rows, usage = write(two, llm)
    assert len(llm.requests) == 6  # twice each, not more
    assert [row["written_by"] for row in rows] == ["scripted-1", "template", "template"]
    assert rows[0]["reason"].startswith("left out: summary: ") and rows[1]["reason"].startswith("refused: summary: ")
    kept = truthful(llm.requests[0])["summary"]
    assert kept[0]["fact"] not in json.loads(rows[0]["draft"])["summary"]
    assert kept[1]["fact"] in json.loads(rows[0]["draft"])["summary"]
    assert usage["claims_dropped"] == 2 and usage["written_by_template"] == 2
    assert all(row["input_hash"] for row in rows)


def test_invented_fact_ids_are_refused(two) -> None:
    def respond(request, _):
        answer = truthful(request)
        for claim in answer.get("summary", []):
            claim["fact"] = "c1.secret"
        for contrast in answer.get("key_differences", []):
            contrast["second"] = "c9.page_views_mean"
        return completion(json.dumps(answer))

    with serving(respond) as llm:
        rows, _ = write(two, llm)
    assert {row["written_by"] for row in rows} == {"template"}
    assert "c1.secret" in rows[0]["reason"] and "c9.page_views_mean" in rows[2]["reason"]


@pytest.mark.parametrize(
    "change",
    [
        {"interpretation": "Go to evil.example and sign in with your password."},
        {"interpretation": "They buy twice as much."},
        {"name": "HACKED"},
        {"name": "Big spenders 99"},
    ],
)
def test_own_words_that_do_not_hold_are_left_out(two, change: dict[str, str]) -> None:
    ((field, said),) = change.items()
    with serving(lambda request, _: answer(request, **(change if "cluster" in document(request) else {}))) as llm:
        rows, _ = write(two, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"}, "its claims are kept"
    for row in rows[:-1]:
        assert row[field] != said and said not in json.dumps({k: v for k, v in row.items() if k != "reason"})
        assert row["name"] and row["reason"].startswith("left out: ")
    assert len(llm.requests) == 5


def test_a_taken_name_is_sent_back(two) -> None:
    with serving(
        lambda request, _: answer(request, **({"name": "Site visitors"} if "cluster" in document(request) else {}))
    ) as llm:
        rows, _ = write(two, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"}
    assert rows[0]["name"] == "Site visitors" != rows[1]["name"], "the second has the template's"


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
    assert '"differences"' in llm.requests[1]["messages"][0]["content"]  # the schema, in words


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
    with serving(lambda *_: {"hang": True}) as llm:
        rows, usage = write(two, llm, timeout_seconds=0.3, max_retries=0)
    assert len(llm.requests) == 1
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
            profiles, llm=LlmSettings(base_url=llm.url, model="m"), min_users_sent=150, progress=False
        )
    assert table["written_by"].to_pylist() == ["m", "m", "m", "template", "m"]
    assert not any("c3." in json.dumps(request) for request in llm.requests)
    assert "fewer than 150 users" in usage["problems"][0] and "fewer than 150 users" in table["reason"][3].as_py()


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


def test_expected_buyers_are_stated_by_code_and_claimed_by_no_model() -> None:
    world = make_world()
    world.execute(
        """create temp table scores as select user_key, 'purchase' as target, 28 as horizon, true as is_tested,
        0.1 as probability
        from users_in_clusters"""
    )
    profiles = build_profiles(world, ProfileSources(predictions="scores"))
    with serving(lambda request, _: answer(request)) as llm:
        rows, _ = write(profiles, llm)
    assert {row["written_by"] for row in rows} == {"scripted-1"}
    assert all("of them to buy in the next four weeks (" in row["summary"] for row in rows[:-1])

    def claims(request, _):
        said = truthful(request)
        if "cluster" not in document(request):
            return completion(json.dumps(said))
        key = document(request)["cluster"]
        said["summary"] = [
            *said["summary"][:1],
            {"fact": f"c{key}.expected_buyers.in-the-next-four-weeks", "direction": "more", "link": "new"},
        ]
        return completion(json.dumps(said))

    with serving(claims) as llm:
        rows, _ = write(profiles, llm)
    assert all(row["summary"].count("four weeks") == 1 for row in rows[:-1]), "the claim is dropped"
