"""Texts that people read use everyday words."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
BANNED = re.compile(
    r"\b(un|fore)?told\b|\bforetells?\b|\bwho(so)?ever\b|\bat hand\b|\bto be had\b|\b(the|k) likeliest\b|\bsaid by\b"
    r"|\blest\b|\b(there|where)of\b|\b(he|his|him)\b|\bere\b|\banew\b|\bof (their|its) own accord\b|\bmend(s|ed)?\b"
    r"|\bparted by\b|\b1 (sessions|users|rows|days)\b|behaviour|colour",
    re.IGNORECASE,
)


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def of_code(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def descriptions(node: object) -> Iterator[str]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in children:
        if key == "description" and isinstance(value, str):
            yield value
        yield from descriptions(value)


def banned(texts: Iterable[str]) -> list[str]:
    return [match.group() for text in texts for match in BANNED.finditer(" ".join(text.split()))]


def found(files: list[Path], texts: Callable[[str], Iterable[str]]) -> dict[str, list[str]]:
    words = {str(file.relative_to(ROOT)): banned(texts(file.read_text(encoding="utf-8"))) for file in files}
    return {name: some for name, some in words.items() if some}


def test_code_has_everyday_words() -> None:
    files = tracked("beha2vec_core/*.py", "beha2vec_dagster/*.py")
    assert len(files) > 200
    assert found(files, of_code) == {}


def test_documents_have_everyday_words() -> None:
    assert found(tracked("*.md"), lambda text: [text]) == {}


def test_descriptions_of_columns_have_everyday_words() -> None:
    assert found(tracked("dbt_ga4/*.yml"), lambda text: descriptions(yaml.load(text, yaml.CSafeLoader))) == {}


@pytest.mark.parametrize("text", ["Nobody is told", "whoever asks", "the k likeliest pages", "1 sessions", "his id"])
def test_banned_words_are_found(text: str) -> None:
    assert banned([text])


def test_like_words_are_not() -> None:
    assert not banned(["the threshold, here and there, a recommended other", "11 sessions", "this is where"])
