"""Questions that continue an answer of several parts: each of them is asked again with the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.other_groups import CANNOT
from beha2vec_core.chat.reading.question import CONTINUES, Reading, read_question
from beha2vec_core.semantic.query import Query


def read_after(
    question: str, vocabulary: Vocabulary, previous: Sequence[Query], *, is_first: bool, typed: str
) -> Reading:
    """The question as it continues all queries of the answer before; none of them where one cannot be continued."""
    if len(previous) < 2:
        return read_question(question, vocabulary, next(iter(previous), None), is_first=is_first, typed=typed)
    readings = [read_question(question, vocabulary, one, is_first=False, typed=typed) for one in previous]
    if not any(CONTINUES in one.notes for one in readings):
        return next((one for one in readings if one.query is None), readings[0])
    first = readings[0]
    is_other = [
        bool(one.query and one.query.is_share != old.is_share) for one, old in zip(readings, previous, strict=True)
    ]
    if any(is_other) or not all(CONTINUES in one.notes for one in readings):  # how many of them: of which
        nearest = tuple(one.query for one in readings if one.query)
        return replace(first, query=None, more=(), problem=CANNOT, is_follow_up=True, nearest=nearest)
    queries = dict.fromkeys(query for one in readings for query in (one.query, *one.more) if query)
    query, *more = queries
    notes = dict.fromkeys(note for one in readings for note in one.notes)
    return replace(first, query=query, more=tuple(more), notes=tuple(notes))
