"""The corpus of personal and innocent texts, and whether what is left of a text gives its secret away."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import duckdb

from beha2vec_core.privacy import dbt_macros
from beha2vec_core.privacy.clean import clean_value
from beha2vec_core.privacy.decoding import decoded
from beha2vec_core.store.sql import quote

_FOLDER = Path(__file__).parent / "personal_data"
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
        return KEYS.get(self.field, self.field)

    @property
    def cleaned(self) -> str:
        return clean_value(self.key, self.text)


def samples(part: str | None = None, file: str = "corpus.tsv") -> list[Sample]:
    """The samples of a part: ``tune``, which rules were written with, or ``score``, which only counts.

    ``unlisted.tsv`` has names and phrasings after which no list was changed, ``unseen.tsv`` texts by an author who did
    not know the rules, also of parameters of other names.
    """
    with (_FOLDER / file).open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [sample for row in rows if part in (None, (sample := Sample(*row)).part)]


def by_patterns(corpus: list[Sample]) -> dict[Sample, str]:
    """What the rules compiled for BigQuery leave of the texts; DuckDB has the same regular expressions."""
    sql = "t"
    for pattern, replacement in dbt_macros.steps():
        sql = f"regexp_replace({sql}, {quote(pattern)}, {quote(replacement)}, 'gi')"
    sql = f"if(regexp_matches(t, {quote(dbt_macros.WORTH_A_LOOK)}), {sql}, t)"
    texts = [sample.text for sample in corpus]
    ((left,),) = duckdb.execute(f"select list_transform(?::varchar[], lambda t: {sql})", [texts]).fetchall()
    return dict(zip(corpus, left, strict=True))


def recall_by_kind(left: dict[Sample, str]) -> dict[str, float]:
    """The share of personal texts that do not give their secret away."""
    hidden: dict[str, list[bool]] = defaultdict(list)
    for sample, text in left.items():
        if sample.kind != "innocent":
            hidden[sample.kind].append(not gives_away(text, sample.secret))
    return {kind: sum(found) / len(found) for kind, found in hidden.items()}


def gives_away(text: str, secret: str) -> bool:
    """Whether a text holds the secret, in whatever encoding and with whatever separators."""
    return _letters(secret) in _letters(text)


def _letters(text: str) -> str:
    return "".join(c for c in decoded(text.replace("+", " ")).casefold() if c.isalnum())
