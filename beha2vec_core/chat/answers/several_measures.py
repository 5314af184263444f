"""Several measures of the same groups, as columns of one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from beha2vec_core.chat.answers.measured import Measured, short, value_of
from beha2vec_core.chat.answers.per_day import is_sum
from beha2vec_core.chat.answers.phrases import cell, of_whole
from beha2vec_core.chat.answers.ranking import EQUAL
from beha2vec_core.chat.answers.two_groups import in_one_sentence, sides_apart
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Filter, Query

_SHOWN = 12  # rows, where no number is asked for


def of_same_groups(query: Query, first: Result) -> Query:
    """The query for the groups that another one of the same breakdown has found: the top five by another measure."""
    asked = first.query
    if (
        not asked.top
        or len(asked.by) != 1
        or query.by != asked.by
        or replace(query, ascending=asked.ascending) == asked  # the other end of its order
        or asked.by[0] in {f.dimension for f in query.filters}
    ):
        return query
    values = tuple(str(row[asked.by[0]]) for row in first.rows if row[asked.by[0]] is not None)
    if DIMENSIONS[asked.by[0]].kind == "time" or not values:
        return query
    return replace(query, top=None, ascending=None, filters=(*query.filters, Filter(asked.by[0], values)))


def one_table(results: Sequence[Result]) -> SqlAnswer | None:
    """The rows of the first, with the values of all; None where they are not of the same groups."""
    first, *others = (one.query for one in results)
    plain = not any(one.versus or one.counts_groups or one.against_rest for one in (first, *others))
    plain &= not any(one.metric == first.metric for one in others)  # the two ends of one order
    same = all((one.by, one.period, _of_all(one)) == (first.by, first.period, _of_all(first)) for one in others)
    if not (others and plain and same and first.by and first.by[0] != "step"):
        return None
    found = [{tuple(row[name] for name in first.by): row for row in one.rows} for one in results]
    timed = any(DIMENSIONS[name].kind == "time" for name in first.by)
    keys = list(dict.fromkeys(key for one in found for key in one)) if timed else list(found[0])
    keys = sorted(keys, key=lambda key: tuple(map(str, key))) if timed and first.ascending is None else keys
    shown = keys[: first.top + EQUAL] if first.top else keys if timed else keys[:_SHOWN]
    columns = [DIMENSIONS[name].label for name in first.by]
    columns += [f"{'share of ' * one.query.is_share}{one.metric.label}" for one in results]
    rows: list[list[Any]] = []
    for key in shown:
        cells: list[Any] = list(map(cell, key))
        for one, by_key in zip(results, found, strict=True):
            row = by_key.get(key)
            unit = "share" if one.query.is_share else one.metric.unit
            nothing = 0 if is_sum(one.metric) and not one.query.is_share else ""
            cells.append(nothing if row is None else short(one.metric, unit, of_whole(one.query, row), row))
        rows.append(cells)
    numbers = [all(isinstance(row[place], int | float) for row in rows) for place in range(len(columns))]
    return SqlAnswer(results[0].statement, columns, numbers, rows, truncated=len(shown) < len(keys))


def said_once(first: Measured, others: Sequence[Measured]) -> list[Measured]:
    """The other answers without the notes that stand below one before."""
    seen, found = {*first.text.split("\n")[1:]}, []
    for one in others:
        lines = one.text.split("\n")
        kept = [line for line in lines[1:] if line not in seen or line.startswith("Looked up")]
        found.append(replace(one, text="\n".join([lines[0], *kept])))
        seen |= {*lines[1:]}
    return found


def as_one_answer(results: Sequence[Result], answers: Sequence[Measured]) -> list[Measured]:
    """The answers; of two groups of which each has a query of its own one, that names both numbers."""
    sentence = in_one_sentence(results[0], results[1], value_of) if len(results) == 2 else ""
    if not sentence:
        return [replace(answers[0], text="\n".join((*sides_apart(results), answers[0].text))), *answers[1:]]
    lines = [line for one in answers for line in one.text.split("\n")[1:]]
    notes = [line for line in lines if not line.startswith("Looked up")]
    looked = next(line for line in lines if line.startswith("Looked up"))
    return [replace(answers[0], text="\n".join((sentence, *notes, f"{looked[:-1]}; and of the other group.")))]


def _of_all(query: Query) -> tuple[Filter, ...]:
    """Filters of other dimensions than those of the breakdown."""
    return tuple(one for one in query.filters if one.dimension not in query.by)
