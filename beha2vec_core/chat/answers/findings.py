"""What to know first, as the explorer shows it: "what were the most important findings recently?"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from beha2vec_core.chat.answers.answer import LookupAnswer
from beha2vec_core.chat.data.published import HIGHLIGHTS
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.chat.rewrites.whole_questions import REPORTED_TO
from beha2vec_core.chat.words.numbers import NUMBER_WORDS
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.highlights.store import SHOWN
from beha2vec_core.semantic.query import Filter, Period, Query

_NOTHING = "Nothing stands out: no difference between groups and no change is larger than chance explains."
_FINDING = (
    r"(?:findings?|insights?|highlights?|takeaways?|learnings?|opportunit(?:y|ies)|discover(?:y|ies)|news|"
    r"things? to know|"
    rf"(?:things?|what) (?:(?:that|do|should) )*(?:i|we|you|{REPORTED_TO}) (?:should |need to |must |have to |"
    r"ought to )?(?:know|be aware of)|"
    r"(?:anything|something|things?) (?:new|interesting|unusual|odd|strange|surprising|important|noteworthy|notable|"
    r"remarkable|special|worth knowing|"
    rf"(?:i|we|{REPORTED_TO}) should know)|(?:what|anything|something)(?: that)? (?:stands|stood) out)"
)
_BESIDE = (
    r"(?:what|which|show|list|give|tell|me|us|are|is|was|were|there|any|the|our|your|all|some|most|more|important|main|"
    r"key|biggest|largest|top|new|newest|recent|recently|latest|lately|currently|right now|at the moment|interesting|"
    r"that|should|know|aware|please|can|could|do|did|does|have|has|you|we|i|of|in|from|about|and|or|so|changes?|differences?|data|found|"
    r"find|see|"
    r"first|today|summary|summari[sz]e|overall|site|shop|store|numbers|[1-9]|1\d|20|" + "|".join(NUMBER_WORDS) + r")"
)
_WHEN = r"(?: (?:before|for|on) (?:the |my |our |next )?(?:[a-z]+day|weekend|meeting|call)(?: morning| meeting)?)?"
_ASKS = re.compile(rf"(?:{_BESIDE} )*{_FINDING}(?: {_BESIDE})*{_WHEN}", re.IGNORECASE)
_NUMBER = re.compile(rf"\b([1-9]|1\d|20|{'|'.join(NUMBER_WORDS)})\b", re.IGNORECASE)


def query_of(row: dict[str, Any]) -> Query | None:
    """The query of a finding: a group, or its change; None where it has none."""
    group = Filter(str(row["dimension"]), (str(row["segment"]),))
    period = Period(row["first_day"], row["last_day"])
    try:
        if row["kind"] == "difference":
            return Query(row["metric"], (), (group,), period)
        before = Period(row["before_first_day"], row["before_last_day"])
        return Query(row["metric"], (), (group,) if row["dimension"] else (), period, before)
    except ValueError:
        return None


def findings(question: str, rows: Callable[[], Sequence[dict[str, Any]]]) -> LookupAnswer | None:
    """The highlights, the largest first; None where they are not asked for.

    Args:
        rows: headline, sentence and kind of each.
    """
    text = " ".join(re.findall(r"[\w']+", question))
    if not _ASKS.fullmatch(text):
        return None
    found = rows()
    if not found:
        return LookupAnswer(_NOTHING, statements=[HIGHLIGHTS])
    number = _NUMBER.search(text)
    shown = int(NUMBER_WORDS.get(number[1].lower(), number[1])) if number else SHOWN
    lines = [
        f"{place}. {clean_text(row['headline'], limit=200)}. {clean_text(row['sentence'], limit=600)}"
        for place, row in enumerate(found[:shown], 1)
    ]
    rest = len(found) - len(lines)
    more = f" The table has {rest} more." if rest > 0 else ""
    lines.append(f"These are the largest differences and changes that chance does not explain.{more}")
    if re.search(r"\bchanges?\b", text, re.IGNORECASE) and all(row["kind"] == "difference" for row in found):
        lines.append("None of them is a change over time.")
    table = SqlAnswer(
        HIGHLIGHTS, ["to know", "numbers"], [False, False],
        [[clean_text(row[name], limit=600) for name in ("headline", "sentence")] for row in found], truncated=False,
    )  # fmt: skip
    return LookupAnswer("\n".join(lines), statements=[HIGHLIGHTS], tool=("highlights", {}), table=table)
