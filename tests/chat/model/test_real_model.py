"""The chat's protocol and streaming against a real, if tiny, model behind a real OpenAI-compatible server (llama.cpp).

SmolLM2 135M calls no tools and invents numbers: what is tested is that requests with tools and streams are the real
thing's, and that nothing it invents passes for data.
"""

import re
from pathlib import Path

import pytest

from beha2vec_core.chat.conversation import Conversation
from beha2vec_core.chat.events import Answer, Notice, TextDelta
from beha2vec_core.llm import LlmSettings
from tests.chat.chat_world import make_serving

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real_model")]


def test_a_real_model_streams_and_what_it_invents_is_marked(model_endpoint: str, tmp_path: Path) -> None:
    serving = make_serving(tmp_path / "serving.duckdb")
    llm = LlmSettings(base_url=model_endpoint, model="smollm2", timeout_seconds=30, max_retries=0, max_output_tokens=60)
    chat = Conversation(llm, serving)
    for question in ("List the clusters, with the percentage of users of each.", "And how many users are there?"):
        events = list(chat.ask(question))
        answer = events[-1]
        assert isinstance(answer, Answer) and answer.written_by == "smollm2"
        shown = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert answer.text.strip() == shown.strip() != ""
        # no tool was called, so no number is of the data; the first of a line may be a list's mark
        for digits in re.finditer(r"(?m)^(?!\s*\d+[.)]).*?(?<![\d.])(\d[\d.]*%)", answer.text):
            assert digits[1] in answer.unknown_numbers
        assert not answer.has_source
        assert shown.count("[not found in the data]") >= len(answer.unknown_numbers)
        if any(isinstance(event, Notice) for event in events):
            assert "longer than 60 tokens" in "".join(event.text for event in events if isinstance(event, Notice))
    chat.close()


def test_a_real_model_too_slow_gives_way_to_the_look_up(model_endpoint: str, tmp_path: Path) -> None:
    serving = make_serving(tmp_path / "serving.duckdb")
    llm = LlmSettings(base_url=model_endpoint, model="smollm2", timeout_seconds=0.05, max_retries=0)
    events = list(Conversation(llm, serving).ask("which cluster buys most?"))
    assert isinstance(events[-1], Answer) and events[-1].written_by == "look-up" and events[-1].facts
    assert "0.05 s" in "".join(event.text for event in events if isinstance(event, Notice))
