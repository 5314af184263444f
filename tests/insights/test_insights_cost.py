"""What is asked again, what it costs, and what happens when the budget is spent."""

import json

import pytest
from pydantic import ValidationError

from beha2vec_core.insights import LlmSettings, write_insights
from beha2vec_core.llm import AnswerError, BudgetError, LlmClient
from tests.llm.llm_server import completion, document, serving, truthful
from tests.profiles.profile_world import facts_of_the_shop


@pytest.fixture(scope="module")
def profiles():
    return facts_of_the_shop()


def write(profiles, llm, earlier=(), **settings):
    chosen = LlmSettings(base_url=llm.url, **({"model": "m", "max_retries": 0} | settings))
    table, usage = write_insights(profiles, llm=chosen, earlier=earlier, progress=False)
    return table.to_pylist(), usage


def sound(request, _=0):
    return completion(json.dumps(truthful(request)))


def test_nothing_is_asked_again_where_nothing_has_changed(profiles) -> None:
    with serving(sound) as llm:
        rows, first = write(profiles, llm)
        again, second = write(profiles, llm, rows)
    assert len(llm.requests) == first["requests"] == 5
    assert again == rows and second["requests"] == 0 and second["from_cache"] == 5
    assert second["prompt_tokens"] == 0 and second["written_by_model"] == 5


@pytest.mark.parametrize(("what", "asked"), [("facts", 2), ("model", 5), ("name", 1), ("hash", 1)])
def test_what_has_changed_is_asked_again(profiles, what: str, asked: int) -> None:
    with serving(sound) as llm:
        rows, _ = write(profiles, llm)
        before, settings, facts = len(llm.requests), {}, profiles
        if what == "facts":  # of one cluster: it is asked, and so is the comparison
            facts = profiles.copy()
            facts.loc[facts["fact_id"] == "c1.page_views_mean", "value"] += 1
        elif what == "model":
            settings = {"model": "other"}
        elif what == "name":  # an earlier name that another cluster has by now
            rows[1]["name"] = rows[0]["name"]
        else:
            rows[2]["input_hash"] = "something else"
        again, _ = write(facts, llm, rows, **settings)
    assert len(llm.requests) - before == asked
    assert len({row["name"] for row in again}) == 5


def test_a_refused_answer_is_final_until_the_question_changes(profiles) -> None:
    with serving(
        lambda request, _: completion(json.dumps(truthful(request) | {"summary": [], "key_differences": []}))
    ) as llm:
        rows, _ = write(profiles, llm)
        asked = len(llm.requests)
        again, usage = write(profiles, llm, rows)
    assert asked == len(llm.requests) == 10 and usage["from_cache"] == 5
    assert again == rows and {row["written_by"] for row in rows} == {"template"}


def test_what_the_endpoint_failed_to_answer_is_asked_next_time(profiles) -> None:
    with serving(lambda *_: {"status": 500, "body": {}}) as llm:
        rows, _ = write(profiles, llm)
    assert all(row["input_hash"] is None and "status 500" in row["reason"] for row in rows)
    with serving(sound) as llm:
        again, _ = write(profiles, llm, rows)
    assert len(llm.requests) == 5 and {row["written_by"] for row in again} == {"m"}


def test_cost_is_reported_where_prices_are_known(profiles) -> None:
    with serving(sound) as llm:
        _, unknown = write(profiles, llm)
        _, known = write(profiles, llm, price_in=2.0, price_out=10.0)
    assert unknown["cost"] is None
    assert known["cost"] == pytest.approx((500 * 2 + 100 * 10) / 1e6)
    assert known["latency_s"] > 0 and known["model"] == "m" and known["endpoint_host"] == "127.0.0.1"


def test_a_spent_budget_leaves_the_rest_to_the_template(profiles) -> None:
    with serving(sound) as llm:
        _, free = write(profiles, llm)
        first = sum(len(message["content"]) for message in llm.requests[0]["messages"]) // 3
        asked, budget = len(llm.requests), first + 300 + 200
        rows, usage = write(profiles, llm, max_tokens=budget)
    assert free["written_by_model"] == 5
    assert 0 < len(llm.requests) - asked < 5
    written = [row["written_by"] for row in rows]
    assert written[0] == "m" and written[-1] == "template"
    assert rows[-1]["reason"] == f"not asked: the budget of {budget:,} tokens a run is spent"
    assert rows[-1]["input_hash"] is None  # asked for in the next run
    assert any("budget" in problem for problem in usage["problems"])
    assert usage["prompt_tokens"] + usage["completion_tokens"] <= budget


def test_a_budget_of_money(profiles) -> None:
    with serving(sound) as llm:
        rows, usage = write(profiles, llm, price_in=1000.0, price_out=1000.0, max_cost=6.0)
    assert {row["written_by"] for row in rows} == {"m", "template"}
    assert 0 < usage["cost"] <= 6.0
    with pytest.raises(ValidationError, match="PRICE_IN"):
        LlmSettings(base_url="http://x", max_cost=1.0)


def test_no_budget_at_all_asks_nothing(profiles) -> None:
    with serving(sound) as llm:
        rows, usage = write(profiles, llm, max_tokens=0)
    assert llm.requests == [] and usage["requests"] == 0
    assert {row["written_by"] for row in rows} == {"template"}


def test_the_longest_answer_is_limited_by_what_is_left(profiles) -> None:
    with serving(sound) as llm:
        write(profiles, llm, max_tokens=100_000, max_output_tokens=700)
    assert {request["max_tokens"] for request in llm.requests} == {700}
    assert "max_completion_tokens" not in llm.requests[0]


def test_an_endpoint_that_counts_nothing_is_taken_at_an_estimate(profiles) -> None:
    def respond(request, _):
        reply = sound(request)
        del reply["body"]["usage"]
        return reply

    with serving(respond) as llm:
        _, usage = write(profiles, llm)
    assert usage["prompt_tokens"] > 1000 and usage["completion_tokens"] > 50


def test_what_is_asked_depends_on_no_name_of_another_cluster(profiles) -> None:
    """Else one new name would ask about all clusters again."""
    with serving(sound) as llm:
        rows, _ = write(profiles, llm)
    assert all(document(request)["taken_names"] for request in llm.requests[:-1])
    assert len({row["input_hash"] for row in rows}) == 5


def test_openai_and_azure_get_the_newer_name_of_the_limit() -> None:
    for address, name in {
        "https://api.openai.com/v1": "max_completion_tokens",
        "https://shop.openai.azure.com/openai/v1/": "max_completion_tokens",
        "http://localhost:11434/v1": "max_tokens",
    }.items():
        client = LlmClient(LlmSettings(base_url=address))
        assert client._next_limit([]) == {name: 4000}
        client.close()
    assert issubclass(BudgetError, RuntimeError) and not issubclass(BudgetError, AnswerError)
