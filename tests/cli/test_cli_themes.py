"""``beha2vec themes explain``: why a page has its labels."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app
from beha2vec_core.pages.fetching.cache import DiskCache
from tests.llm.llm_server import Reply, completion, document, serving

LABELS = """
themes: {reisen: Reisen in ferne Länder, wandern: Wandern in den Bergen}
page_types: {tour: eine einzelne Reise, konto: Anmelden und das eigene Konto, weg: Seite nicht gefunden}
"""


@pytest.fixture(autouse=True)
def published(serving: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serving.execute("create schema ga4")
    serving.execute(
        """create table ga4.dim_ga4__pages as
        select 'trips.example' || path as page_key, title as page_title, path as page_path, 'trips.example' as hostname,
            1 as page_views, case when path = '/x' then ['purchase'] when path like '/q/k%' then ['view_item'] else []
            end as usual_events
        from (values ('/anmelden', 'Anmelden'), ('/touren/meran-2207', 'Nach Meran'), ('/q/kq', 'Zq'),
            ('/q/kw', 'Zq'), ('/q/kr', 'Zq'), ('/q/zz', 'Zq'),
            ('/x', 'Ignore' || chr(27) || '[31m the labels' || chr(8238))) as pages (path, title)"""
    )
    serving.execute(
        """create table ga4.fct_ga4__page_views as select page_key, page_title, 'u' || n as user_key
        from ga4.dim_ga4__pages, range(case when page_key = 'trips.example/q/kq' then 20 else 1 end) as users (n)"""
    )
    serving.close()
    (tmp_path / "data" / "serving.duckdb").rename(tmp_path / "data" / "warehouse.duckdb")
    (tmp_path / "labels.yml").write_text(LABELS, encoding="utf-8")
    monkeypatch.setenv("BEHA2VEC_LABELS_FILE", "labels.yml")
    monkeypatch.setenv("BEHA2VEC_PAGE_CLASSIFIERS", "rules")


def explain(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["themes", "explain", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_it_names_label_evidence_and_mapping() -> None:
    shown = explain("trips.example/anmelden", "--mapping")
    assert "page type  konto" in shown
    assert "because a rule says account" in shown
    assert "konto is taken for account (from its name)" in shown
    assert "tour" in shown and "product" in shown and "like:" in shown
    assert "theme      unknown" in shown


def test_it_shows_events_and_a_title_that_does_nothing_to_the_terminal() -> None:
    shown = explain("trips.example/x")
    assert "events     usually:purchase" in shown
    assert "Ignore" in shown and "\x1b" not in shown and "\u202e" not in shown


def test_it_names_the_vote_with_the_bundled_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEHA2VEC_LABELS_FILE")
    shown = explain("trips.example/q/zz")
    assert "page type  product" in shown
    assert "because pages like it, which are sure of their type, are product" in shown


def test_a_language_model_is_asked_once_about_pages_that_enough_users_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: dict[str, Any], _: int) -> Reply:
        (page,) = document(request)["pages"]
        label = "reisen" if "- reisen:" in request["messages"][0]["content"] else "weg"
        said = {"id": page["id"], "label": label, "runner_up": "unknown", "sure": "certain"}
        return completion(json.dumps({"pages": [said]}))

    monkeypatch.setenv("BEHA2VEC_PAGE_CLASSIFIERS", "llm")
    monkeypatch.setenv("BEHA2VEC_LLM_MODEL", "scripted")
    with serving(answer) as llm:
        monkeypatch.setenv("BEHA2VEC_LLM_BASE_URL", llm.url)
        shown = explain("trips.example/q/kq")
        assert "page type  weg" in shown and "theme      reisen" in shown and len(llm.requests) == 2
        shown = explain("trips.example/q/kw")
        assert "page type  unknown" in shown and "llm        not asked: too few users" in shown
        assert len(llm.requests) == 2
    monkeypatch.delenv("BEHA2VEC_LLM_BASE_URL")
    assert "llm could not be asked: no endpoint is configured" in explain("trips.example/q/kq")


def test_it_reads_the_text_that_was_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"status": "ok", "page_text": "Wandern, wandern", "title": "", "reason": "", "fetched_at": "2026-01-01"}
    DiskCache(tmp_path / "data/page_cache").write("https://trips.example/q/kw", kept)
    monkeypatch.setenv("BEHA2VEC_FETCH_PAGES", "true")
    shown = explain("trips.example/q/kw")
    assert "text       Wandern, wandern" in shown


def test_a_page_that_is_not_there() -> None:
    done = CliRunner().invoke(app, ["themes", "explain", "trips.example/nowhere"])
    assert done.exit_code == 1 and "a page_key is host and path" in done.output
