"""What stands in place of an answer: why there is none, and the nearest questions that have one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from beha2vec_core.chat.answers.answer import MORE
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.queries.nearest import as_question, nearest_queries
from beha2vec_core.chat.reading.examples import similar_questions
from beha2vec_core.chat.reading.question import Reading
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Query

_OFFERED = 3
_NAMED = 4  # values of a filter, in a question


def nearest_of(reading: Reading, previous: Sequence[Query], contents: Contents) -> tuple[Query, ...]:
    """Queries near to a question that has no answer: of a follow-up with what it builds on; none about other things."""
    if reading.is_topic or not reading.is_measured:
        is_clear = any(not METRICS[name].is_weak for name in reading.metrics)
        if not (is_clear or (reading.is_topic and (reading.filters or reading.by))):
            return ()
    if reading.is_follow_up and len(previous) == 1:
        (before,) = previous
        named = {one.dimension for one in reading.filters}
        filters = (*reading.filters, *(one for one in before.filters if one.dimension not in named))
        metrics, by = reading.metrics or (before.metric,), reading.by or before.by
        return nearest_queries(metrics, by, filters, reading.period or before.period, contents)
    nearest = reading.nearest or ((reading.query,) if reading.query else ())
    return nearest or nearest_queries(reading.metrics, reading.by, reading.filters, reading.period, contents)


def not_answered(question: str, reading: Reading, vocabulary: Vocabulary) -> str:
    """What was not understood, and the nearest questions that can be answered."""
    lines = [f"I cannot answer this. {reading.problem}"]
    is_whole = reading.is_measured and not (reading.is_topic or reading.is_follow_up)
    similar = similar_questions(question, reading, vocabulary) if is_whole else ()
    nearest = [as_question(_short(query)) for query in reading.nearest]
    if offered := [*dict.fromkeys((*similar, *nearest))][:_OFFERED]:
        lines += ["Similar questions that I can answer:", *(f"  - {one}" for one in offered)]
    return "\n".join((*lines, "", MORE))


def _short(query: Query) -> Query:
    """The query without filters of many values, which make no question; hours and steps are named by their ends."""
    named = (one for one in query.filters if len(one.values) <= _NAMED or one.dimension in ("hour", "step"))
    return replace(query, filters=tuple(named))
