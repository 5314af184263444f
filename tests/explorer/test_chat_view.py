"""The chat in Streamlit: answers by look-up and of a real endpoint, with sources; nothing in them does anything."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from beha2vec_core.explorer import page
from beha2vec_core.semantic.highlights.find import find_highlights, read_marts
from beha2vec_core.semantic.highlights.store import write_highlights
from tests.chat.chat_server import calls, fails, says, scripted
from tests.explorer.test_views import text_of, view
from tests.semantic.semantic_world import make_world

HOSTILE = "<img src=x onerror=alert(1)> [free](javascript:alert(1)) :material/delete: $x^2$"


@pytest.fixture(autouse=True)
def shop(more_serving: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(more_serving.parent))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "BEHA2VEC_LLM_API_KEY", "BEHA2VEC_LLM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    page.settings.clear()


def ask(app: AppTest, question: str) -> AppTest:
    app.chat_input[0].set_value(question).run()
    assert not app.exception
    return app


def test_without_an_endpoint_the_look_up_answers_with_its_facts() -> None:
    app = view("chat")
    assert "nothing leaves this machine" in text_of(app)
    app.button[0].click().run()
    text = text_of(app)
    assert "Which clusters are there?" in text and "Article readers" in text
    assert "&lt;script&gt;" in text and "<script" not in text, "names of clusters are text"
    assert not app.button, "examples are for the beginning"
    ask(app, "compare 0 and 1")
    assert [one.label for one in app.expander if one.label.startswith("Sources: facts")]
    assert "c1." in text_of(app), "each fact with its id"


def test_a_link_shows_a_highlight_among_the_others_and_asks_no_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    database = make_world(tmp_path / "serving.duckdb")
    with duckdb.connect(str(database)) as connection:
        write_highlights(connection, find_highlights(read_marts(connection)).rows)
        ((highlight_id, segment),) = connection.execute(
            "select highlight_id, segment from beha2vec.highlights where rank = 1"
        ).fetchall()
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    with scripted() as server:
        monkeypatch.setenv("BEHA2VEC_LLM_BASE_URL", server.url)
        monkeypatch.setenv("BEHA2VEC_LLM_MODEL", "scripted")
        app = view("chat", highlight=highlight_id)
        assert not app.exception and not server.requests
    assert "conversion rate by device" in text_of(app)
    (rows,) = app.dataframe
    assert segment in rows.value["device"].tolist()
    assert len(app.run().dataframe) == 1, "once"
    assert not view("chat", highlight="' or 1=1 --").dataframe


def test_sql_is_shown_with_its_rows_and_what_is_not_allowed_is_reported() -> None:
    app = ask(view("chat"), "/sql select cluster_key, name from beha2vec.cluster_insights order by cluster_key")
    (rows,) = app.dataframe
    assert list(rows.value.columns) == ["cluster_key", "name"] and "Article readers" in rows.value["name"].tolist()
    assert [code.value.split()[0].lower() for code in app.code] == ["select"]
    app = ask(app, "/sql from read_csv('/etc/passwd')")
    assert "not allowed" in text_of(app) and len(app.dataframe) == 1


def test_lists_are_lists_and_other_lines_stand_as_they_are() -> None:
    app = ask(view("chat"), "which cluster buys most?")
    assert '<div class="b2v-item">cluster ' in text_of(app)
    app = ask(app, "/sql select\n  cluster_key\nfrom beha2vec.cluster_insights")
    assert '<div class="b2v-line">  cluster_key</div>' in text_of(app), "nobody's SQL becomes a list"


def test_a_models_answer_is_text_with_what_it_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sql = "select cluster_key, users from anonymous.users_by_cluster"
    replies = calls(("cluster_facts", {"cluster": 1}), ("sql", {"statement": sql})), says(HOSTILE, " 98.7% bought.")
    with scripted(*replies) as server:
        monkeypatch.setenv("BEHA2VEC_LLM_BASE_URL", server.url)
        monkeypatch.setenv("BEHA2VEC_LLM_MODEL", "scripted")
        app = view("chat")
        assert "scripted at 127.0.0.1" in text_of(app)
        ask(app, "Who buys?")
    text = text_of(app)
    assert "&lt;img src=x onerror=alert(1)&gt; [free](javascript:alert(1)) :material/delete: $x^2$" in text
    assert "<img" not in text and "not found in the data" in text
    assert any(r"98\.7\%" in one.value for one in app.warning)
    assert {"Looked up: cluster facts", "Looked up: sql"} <= {one.label for one in app.expander}
    assert sql in [code.value for code in app.code] and len(app.dataframe) == 1
    again = app.run()
    assert text_of(again) == text, "the conversation stays"


def test_the_name_of_a_tool_that_a_model_invents_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = "![a](http://127.0.0.1:9/pixel.png)"
    with scripted(calls((picture, {"cluster": 1})), says("Nothing.")) as server:
        monkeypatch.setenv("BEHA2VEC_LLM_BASE_URL", server.url)
        app = ask(view("chat"), "Who buys?")
    labels = [one.label for one in app.expander]
    assert "Looked up: unknown tool" in labels and not any("pixel" in label for label in labels)


def test_an_endpoint_that_fails_is_reported_and_looked_up_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(fails(401)) as server:
        monkeypatch.setenv("BEHA2VEC_LLM_BASE_URL", server.url)
        app = ask(view("chat"), "which clusters are there?")
    text = text_of(app)
    assert "Looked up instead" in text and "Article readers" in text


def test_an_answer_about_numbers_has_a_table_and_a_chart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_world(tmp_path / "serving.duckdb")
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    app = ask(view("chat"), "sessions by device")
    assert text_of(app).count("highest for") == 1 and list(app.dataframe[0].value.columns) == ["device", "sessions"]
    assert len(app.get("plotly_chart")) == 1
    app = ask(app, "sessions by device")
    assert len(app.get("plotly_chart")) == 2, "each with a key of its own"
    app = ask(app, "weekly sessions")
    assert len(app.get("plotly_chart")) == 3
    app = ask(app, "sessions from tiktok")
    assert "I did not understand “tiktok”" in text_of(app) and len(app.get("plotly_chart")) == 3
