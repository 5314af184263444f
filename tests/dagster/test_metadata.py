"""Previews show what visitors and site owners wrote: as text, whatever it is."""

import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = [
    "<script>alert(1)</script>", "[click](javascript:alert(1))", "![x](https://evil.example/x.png)", "**bold** `code`",
    "https://evil.example/login", "www.evil.example", "a | b", "a@evil.example",
    "&lt;b&gt;", "\u202egnp.exe", "x" * 10_000,
]  # fmt: skip


def test_cells_hold_no_markup_and_no_links(tmp_path: Path) -> None:
    from html import unescape

    markdown_it = pytest.importorskip("markdown_it")
    code = (
        "import json, sys\nfrom beha2vec_dagster.lib.metadata import markdown_table\n"
        "print(json.dumps(markdown_table(['title'], [(t,) for t in json.load(sys.stdin)]).value))"
    )
    import json

    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(HOSTILE),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    html = markdown_it.MarkdownIt("commonmark").enable("table").render(json.loads(done.stdout))
    assert html.count("<tr>") == len(HOSTILE) + 1
    for tag in ("<a", "<img", "<script", "<strong", "<code", "<em"):
        assert tag not in html, tag
    text = unescape(html)
    assert "<script>alert(1)</script>" in text and "https://evil.example/login" in text
    assert "https://" not in json.loads(done.stdout) and "www." not in json.loads(done.stdout)
    assert max(map(len, html.splitlines())) < 400
