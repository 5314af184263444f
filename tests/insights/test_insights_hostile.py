"""Titles, addresses, labels and channels that strangers wrote reach a model as data, and nothing they say is done."""

import json
import re
from collections.abc import Sequence
from functools import cache

import pandas as pd
import pytest

from beha2vec_core.insights import LlmSettings, write_insights
from beha2vec_core.insights.prompts import insight_messages, sendable
from beha2vec_core.insights.sheet import fact_sheets
from beha2vec_core.profiles import build_profiles
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.store.anonymous import Rounding
from tests.helpers.hostile_text import HOSTILE_TEXTS
from tests.llm.llm_server import completion, document, serving, truthful
from tests.profiles.profile_world import SITE, facts_of_the_shop, make_world

ROUNDING = Rounding("key")
_METRICS = ["page_share", "first_user_source_share", "theme_view_share", "country_share"]
_WRITTEN_BY_STRANGERS = ["page_share", "first_user_source_share", "country_share"]  # themes are labels of our own
_SECRETS = re.compile(r"@mail\.example|hunter2|s3cr3t|u-12345|token=|\?q=")


@cache
def plain() -> pd.DataFrame:
    return facts_of_the_shop()


def attacked(texts: list[str], metrics: Sequence[str] = _METRICS) -> tuple[pd.DataFrame, dict[str, str]]:
    """The facts with texts in the place of features, and as titles of pages."""
    facts = plain().copy()
    titles = {}
    for metric in metrics:
        of_metric = facts["metric"] == metric
        for number, feature in enumerate(facts.loc[of_metric, "feature"].unique()):
            text = texts[number % len(texts)]
            if metric == "page_share" and number % 2:
                titles[feature] = text
            else:
                facts.loc[of_metric & (facts["feature"] == feature), "feature"] = text
    return facts, titles


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_every_hostile_text_stays_one_string_of_the_one_json_document(every: int) -> None:
    sheet = fact_sheets(plain())[0]
    harmless = insight_messages(sendable(sheet), 0, ["Name"], ROUNDING)
    seen = 0
    for text in HOSTILE_TEXTS[::every]:
        facts, titles = attacked([text])
        for hostile in fact_sheets(facts, titles):
            messages = insight_messages(sendable(hostile), hostile.cluster_key, ["Name"], ROUNDING)
            assert [message["role"] for message in messages] == ["system", "user"]
            assert messages[0] == harmless[0]  # the instructions
            content = messages[1]["content"]
            sent = json.loads(content)
            assert list(sent) == list(json.loads(harmless[1]["content"]))
            assert {key for one in sent["facts"] for key in one} <= {
                "id", "says", "value", "all_users", "users_behind", "of", "title", "times_all_users",
                "compared_with_all_users",
            }  # fmt: skip
            for one in sent["facts"]:
                shown = [one[key] for key in ("of", "title") if key in one]
                seen += len(shown)
                assert all(len(value) <= 120 and value.isprintable() for value in shown)
                assert not any(char in value for value in shown for char in "{}")
                assert "{" not in one["id"] and " " not in one["id"]
            assert not _SECRETS.search(content)
            assert len(content) < 25_000
    assert seen > 60 * 20 / every


def test_the_request_has_the_same_shape_and_no_tools() -> None:
    def requests(facts, titles):
        with serving(lambda request, _: completion(json.dumps(truthful(request)))) as llm:
            rows, _ = write_insights(facts, llm=LlmSettings(base_url=llm.url), page_titles=titles, progress=False)
        return llm.requests, rows.to_pylist()

    harmless, _ = requests(plain(), {})
    for start in range(0, len(HOSTILE_TEXTS), 30):
        hostile, rows = requests(*attacked(HOSTILE_TEXTS[start : start + 30]))
        assert len(harmless) == len(hostile) == 5 and {row["written_by"] for row in rows} == {"gpt-5-mini"}
        for one, other in zip(harmless, hostile, strict=True):
            assert one.keys() == other.keys() and {"tools", "functions", "tool_choice"}.isdisjoint(other)
            assert one["messages"][0] == other["messages"][0] and len(other["messages"]) == 2
            assert one["response_format"] == other["response_format"]
            assert document(one).keys() == document(other).keys()


def test_a_title_that_looks_like_a_placeholder_is_shown_as_it_is() -> None:
    facts, _ = attacked(["{c0.users}"])
    titles = dict.fromkeys(facts.loc[facts["metric"] == "page_share", "feature"].unique(), "{c1.users} {c0.users|all}")

    def respond(request, _):
        answer = truthful(request)
        page = next((f for f in document(request).get("facts", []) if f.get("title")), None)
        if page:
            answer["summary"] = [{"fact": page["id"], "direction": page["compared_with_all_users"], "link": "new"}]
        return completion(json.dumps(answer))

    with serving(respond) as llm:
        llm_settings = LlmSettings(base_url=llm.url, model="m")
        rows, _ = write_insights(facts, llm=llm_settings, page_titles=titles, progress=False)
    for row in rows.to_pylist()[:-1]:
        assert row["written_by"] == "m"
        assert "“(c1.users) (c0.users|all)”" in row["summary"]


def test_the_template_shows_hostile_text_as_it_is_and_reads_nothing_in_it() -> None:
    for start in range(0, len(HOSTILE_TEXTS), 6):
        facts, titles = attacked(HOSTILE_TEXTS[start : start + 6])
        written = write_insights(facts, page_titles=titles, progress=False)[0]
        assert not _SECRETS.search(json.dumps(written["draft"].to_pylist(), ensure_ascii=False))
        rows = written.drop_columns("draft").to_pylist()
        assert [row["cluster_key"] for row in rows] == [0, 1, 2, 3, None]
        text = json.dumps(rows, ensure_ascii=False)
        assert "{c" not in text.replace(json.dumps([row["evidence"] for row in rows]), "") and not _SECRETS.search(text)
        assert all(len(row["name"].split()) <= 4 and len(row["name"]) <= 60 for row in rows[:-1])


@pytest.mark.slow
def test_nothing_of_a_hostile_text_survives_in_the_models_own_words() -> None:
    """A model that obeys the first title or page that it is given: its name and its interpretation repeat it."""
    for start in range(0, len(HOSTILE_TEXTS), 6):
        texts = HOSTILE_TEXTS[start : start + 6]
        facts, titles = attacked(texts, _WRITTEN_BY_STRANGERS)

        def respond(request, number):
            sent = document(request)
            read = [fact for group in sent.get("clusters", [sent]) for fact in group["facts"] if "of" in fact]
            said = read[number % len(read)].get("title") or read[number % len(read)]["of"]
            return completion(json.dumps(truthful(request) | {"name": said[:60], "interpretation": said[:800]}))

        with serving(respond) as llm:
            rows, usage = write_insights(facts, llm=LlmSettings(base_url=llm.url), page_titles=titles, progress=False)
        assert usage["written_by_model"] > 0
        for row in rows.to_pylist():
            said = f"{row['interpretation'] or ''} {row['name']}"
            assert "HACKED" not in said and not any(
                one in said for text in texts for one in {text, clean_text(text)} - {""}
            ), said


def test_no_user_is_in_a_prompt() -> None:
    world = make_world()
    world.execute(f"update enriched_pages set theme = 'jane@mail.example.com' where page_key = '{SITE}/deals'")
    facts = build_profiles(world)
    users = {user for (user,) in world.execute("select user_key from dim_ga4__users").fetchall()}
    for sheet in fact_sheets(facts, {f"{SITE}/cart": "Cart of jane@mail.example.com"}):
        content = json.dumps(insight_messages(sendable(sheet), sheet.cluster_key, [], ROUNDING))
        assert "jane" not in content and not any(re.search(rf"\b{user}\b", content) for user in users)
