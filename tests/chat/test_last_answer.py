"""How the last answer was found, and its table as a file."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beha2vec_core.chat.conversation import Conversation
from beha2vec_core.chat.show import as_csv
from beha2vec_core.chat.terminal import answer_once, write_csv
from beha2vec_core.cli import app
from beha2vec_core.llm import LlmSettings
from beha2vec_core.privacy.forgetting.places import files_of
from beha2vec_core.settings import Settings
from tests.chat.chat_server import calls, says, scripted
from tests.helpers.hostile_text import HOSTILE_TEXTS


def said(conversation: Conversation, question: str) -> str:
    lines: list[str] = []
    answer_once(conversation, question, lines.append)
    return "".join(lines)


def test_explain_shows_the_query_and_the_sql_of_the_last_answer(shop: Path) -> None:
    chat = Conversation(None, shop)
    assert "no answer yet" in said(chat, "/explain")
    said(chat, "conv rate by device in april")
    shown = said(chat, "/explain")
    assert "Query: conversion rate by device in April 2026" in shown
    assert "SQL:\nWITH" in shown and "FROM ga4.fct_ga4__sessions" in shown and "Answered by: look-up" in shown
    assert said(chat, "/explain") == shown, "it is not about itself"
    said(chat, "and on mobile?")
    assert "on mobile" in said(chat, "/explain")
    said(chat, "what does tiktok bring")
    assert "Query:" not in said(chat, "/explain"), "nothing was looked up for it"


def test_explain_shows_the_tools_that_a_model_called(shop: Path) -> None:
    statement = "select * from anonymous.users_by_country"
    replies = calls(("metric", {"metric": "sessions"}), ("sql", {"statement": statement})), says("Done.")
    with scripted(*replies) as server:
        chat = Conversation(LlmSettings(base_url=server.url, model="scripted"), shop)
        said(chat, "How many sessions?")
        shown = said(chat, "/explain")
        assert len(server.requests) == 2, "no model is asked"
    assert 'Tool: metric {"metric": "sessions"}' in shown and f"SQL:\n{statement}" in shown
    assert "Answered by: scripted" in shown


def test_the_last_table_is_written_to_a_new_file(shop: Path, tmp_path: Path) -> None:
    chat = Conversation(None, shop)
    target = tmp_path / "answer.csv"
    noted: list[Path] = []
    assert write_csv(chat, str(target), noted.append) == "The last answer has no table."
    said(chat, "sessions by device")
    assert write_csv(chat, "", noted.append) == "Give a file, for example: /csv revenue.csv"
    assert write_csv(chat, str(target), noted.append) == f"3 rows in {target}."
    rows = list(csv.reader(io.StringIO(target.read_text())))
    assert rows[0] == ["device", "sessions"] and [row[0] for row in rows[1:]] == ["desktop", "mobile", "tablet"]
    assert "exists" in write_csv(chat, str(target), noted.append), "nothing is overwritten"
    assert "cannot be written" in write_csv(chat, str(tmp_path / "no" / "folder.csv"), noted.append)
    said(chat, "/explain")
    assert write_csv(chat, str(tmp_path / "again.csv"), noted.append).startswith("3 rows")
    assert noted == [target, tmp_path / "again.csv"]


def test_a_table_that_a_chat_wrote_is_where_forget_looks(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "serving.duckdb").symlink_to(shop)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path / "data"))
    done = CliRunner().invoke(app, ["chat", "--no-model"], input="sessions by device\n/csv answer.csv\n/exit\n")
    assert "3 rows in answer.csv" in done.output, done.output
    assert tmp_path / "answer.csv" in files_of(Settings(data_dir=tmp_path / "data"), None)


def test_nothing_in_a_file_runs_in_a_spreadsheet() -> None:
    cells = [*HOSTILE_TEXTS, "=1+1", "+cmd", "-x", "@sum(a)", "\t=1", "＝1", "a;=cmd|' /C x'!A0", "a;b\n@sum(a)"]
    cells += ["-2.5 points", "+12%", -3.5, None, "a,b"]
    rows = list(csv.reader(io.StringIO(as_csv(["=name"], [[cell] for cell in cells]).decode())))
    assert rows[0] == ["'=name"] and len(rows) == len(cells) + 1
    for (shown,), cell in zip(rows[1:], cells, strict=True):
        harmless = shown.lstrip()[:1] not in tuple("=+-@＝＋－＠") or shown in ("-2.5 points", "+12%", "-3.5")
        assert not re.search(r"[;\n]\s*[=+@-]", shown), "a cell of its own where a semicolon is the list separator"
        assert harmless, cell
