"""The corpus of personal and innocent texts, and whether what is left of a text gives its secret away."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from beha2vec_core.privacy.clean import clean_value
from beha2vec_core.privacy.decoding import decoded

_FILE = Path(__file__).parent / "personal_data" / "corpus.tsv"
KEYS = {"url": "page_location", "title": "page_title", "search": "search_term", "campaign": "campaign"}


class Sample(NamedTuple):
    """A text as a parameter of GA4 holds it, and the secret in it; innocent texts have none."""

    part: str
    language: str
    kind: str
    field: str
    text: str
    secret: str

    @property
    def key(self) -> str:
        return KEYS[self.field]

    @property
    def cleaned(self) -> str:
        return clean_value(self.key, self.text)


def samples(part: str | None = None) -> list[Sample]:
    """The samples of a part: ``tune``, which rules were written with, or ``score``, which only counts."""
    with _FILE.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [sample for row in rows if part in (None, (sample := Sample(*row)).part)]


def gives_away(text: str, secret: str) -> bool:
    """Whether a text holds the secret, in whatever encoding and with whatever separators."""
    return _letters(secret) in _letters(text)


def _letters(text: str) -> str:
    return "".join(c for c in decoded(text.replace("+", " ")).casefold() if c.isalnum())
