"""Numbers in prose, as ``{fact id}``: a sentence has the place of the number, which is put in when it is written.

``{c3.purchase_rate}`` is the value of the fact, ``{c3.purchase_rate|all}`` the value of all users,
``{c3.purchase_rate|times}`` how many times the first is of the second, and ``{c3.purchase_rate|low}`` and
``{c3.purchase_rate|high}`` are the ends of the value's interval.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from beha2vec_core.insights.schema import ClusterComparison, ClusterInsight
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.wording import COUNTED, counted
from beha2vec_core.words import number as as_written

PLACEHOLDER = re.compile(r"\{\s*([^{}|\s]{1,160})\s*(?:\|\s*([a-z]{1,10})\s*)?\}")
_RANGE = re.compile(rf"{PLACEHOLDER.pattern} to {PLACEHOLDER.pattern}")
_COUNTED = re.compile(rf"{PLACEHOLDER.pattern}(?:{COUNTED.pattern})?")
Text = TypeVar("Text", ClusterInsight, ClusterComparison)


def shown(fact: Fact, form: str) -> str | None:
    """The number that a placeholder of this form becomes; None where there is none."""
    value, unit = {
        "": (fact.value, fact.unit),
        "all": (fact.population_value, fact.unit),
        "times": (fact.lift, "lift"),
        "low": (fact.interval_low, fact.unit),
        "high": (fact.interval_high, fact.unit),
    }.get(form, (None, ""))
    return None if value is None else as_written(value, unit)


def written(fact: Fact, form: str = "") -> str:
    """The placeholder of a fact."""
    return f"{{{fact.fact_id}|{form}}}" if form else f"{{{fact.fact_id}}}"


def filled(draft: Text, facts: Iterable[Fact]) -> Text:
    """A draft with its numbers in."""
    by_id = {fact.fact_id: fact for fact in facts}
    written_texts = {
        name: fill(value, by_id) if isinstance(value, str) else [fill(one, by_id) for one in value]
        for name, value in draft.model_dump(exclude={"name", "evidence", "interpretation"}).items()
    }
    return draft.model_copy(update=written_texts)


class Piece(NamedTuple):
    """A stretch of a text, and the fact whose number it is; None for plain prose."""

    text: str
    fact_id: str | None


def fill(prose: str, facts: Mapping[str, Fact]) -> str:
    """The prose with its placeholders replaced: see :func:`pieces`."""
    return "".join(piece.text for piece in pieces(prose, facts))


def pieces(prose: str, facts: Mapping[str, Fact]) -> list[Piece]:
    """The prose with its placeholders replaced, in one pass: what is put in is never read again.

    A placeholder of no fact, or of a form that the fact has no number for, stays as it is written. Of a range whose
    ends are written alike ("100% to 100%") one end stays, and of 1 there is one ("1 session").
    """

    def number(fact_id: str, form: str | None) -> str | None:
        fact = facts.get(fact_id)
        return shown(fact, form or "") if fact else None

    def one_end(match: re.Match[str]) -> str:
        low_id, low_form, high_id, high_form = match.groups()
        low = number(low_id, low_form)
        is_alike = low is not None and low == number(high_id, high_form)
        return match.group().split(" to ", 1)[0] if is_alike else match.group()

    prose, end = _RANGE.sub(one_end, prose), 0
    found: list[Piece] = []
    for match in _COUNTED.finditer(prose):
        fact_id, form, space, noun = match.groups()
        if (written_number := number(fact_id, form)) is None:
            continue
        found.append(Piece(prose[end : match.start()], None))
        found.append(Piece(written_number, fact_id))
        found.append(Piece(counted(written_number, f"{space or ''}{noun or ''}").removeprefix(written_number), None))
        end = match.end()
    return [piece for piece in (*found, Piece(prose[end:], None)) if piece.text]
