"""The whole protocol against a real, if tiny, model behind a real OpenAI-compatible server (llama.cpp).

SmolLM2 135M cannot write a usable insight: what is tested is that requests, JSON schema, time-outs and answers are the
real thing's, and that whatever it says a valid row comes out.
"""

from contextlib import suppress
from typing import Literal

import pandas as pd
import pytest
from pydantic import BaseModel

from beha2vec_core.insights import LlmSettings, write_insights
from beha2vec_core.llm import AnswerError, LlmClient
from tests.profiles.profile_world import facts_of_the_shop

pytestmark = pytest.mark.xdist_group("real_model")


@pytest.fixture(scope="module")
def profiles() -> pd.DataFrame:
    """Few facts: one thread reads some hundred tokens a second."""
    facts = facts_of_the_shop()
    wanted = ["users", "purchase_rate", "page_type_view_share"]
    return facts[facts["metric"].isin(wanted) & (facts["cluster_key"] == 0)]


def settings(endpoint: str, **changes: object) -> LlmSettings:
    return LlmSettings.model_validate(
        {"base_url": endpoint, "model": "smollm2", "timeout_seconds": 300, "max_retries": 0, "max_output_tokens": 100}
        | changes
    )


@pytest.mark.slow
def test_whatever_the_model_says_valid_rows_come_out(model_endpoint, profiles) -> None:
    table, usage = write_insights(profiles, llm=settings(model_endpoint), progress=False)
    assert table["cluster_key"].to_pylist() == [0, None]
    assert usage["requests"] >= 1 and usage["prompt_tokens"] > 500 and usage["completion_tokens"] > 0
    assert usage["endpoint_host"] == "127.0.0.1"
    for row in table.to_pylist()[:-1]:
        assert row["written_by"] in {"template", "smollm2"}
        assert "{" not in row["summary"] and set(row["evidence"]) <= set(profiles["fact_id"])
    assert usage["written_by_model"] + usage["written_by_template"] == 2


class Verdict(BaseModel):
    buys_more: Literal["yes", "no"]
    count: int


def test_a_json_schema_is_followed_by_the_server(model_endpoint) -> None:
    """The schema reaches the server's constrained decoding: even this model answers in the shape asked for."""
    client = LlmClient(settings(model_endpoint, max_output_tokens=60))
    messages = [
        {"role": "system", "content": "Answer in JSON."},
        {"role": "user", "content": '{"facts":[{"id":"c0.users","says":"users","value":"3"}]}'},
    ]
    verdict = None
    for _ in range(6):  # so small a model may fill its tokens with white space, which every schema allows
        with suppress(AnswerError):
            verdict = client.ask(messages, Verdict)
            break
    client.close()
    assert verdict is not None and verdict.buys_more in {"yes", "no"}
    assert client.usage.requests >= 1 and client.usage.completion_tokens > 0 and client.usage.prompt_tokens > 0


@pytest.mark.slow
def test_a_model_too_slow_for_the_time_limit(model_endpoint, profiles) -> None:
    table, usage = write_insights(profiles, llm=settings(model_endpoint, timeout_seconds=0.2), progress=False)
    assert set(table["written_by"].to_pylist()) == {"template"}
    assert "no answer within 0.2 s" in usage["problems"][0]
