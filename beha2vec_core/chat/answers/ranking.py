"""Groups in words, in the order of their values: the first of them, those that are equal, or two beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

from beha2vec_core.chat.answers.per_day import in_points, in_words_of_points, is_sum, is_total
from beha2vec_core.chat.answers.phrases import group_in_words, interval, of_whole, row_before
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Query, is_by_time
from beha2vec_core.words import change, number

EQUAL = 10  # rows that are shown beyond those asked for, as they are equal to the last of these
_NAMED = 4  # equal groups in a sentence
_BESIDE = 4  # groups that are named, and all of them given
_DIGITS = 2  # more, so that two values that differ do not look the same
_OF_TWO_SHOWN = 60  # rows of two breakdowns
_VERY_NEAR = 0.001  # shares that differ by less have two digits after the point
_OF_TWO = ("new_or_returning", "weekend")
Row = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """How the value of a row is written."""

    value: Callable[[Row, int], str]  # the number alone, with so many digits more than usual
    full: Callable[[Row, int], str]  # the same with its interval, and what it rests on
    against: Callable[[Row], str]  # the value in the other period, and the change


def asked_beside(query: Query) -> bool:
    """Whether the figures of a few groups are asked for, not which is first: email and direct, new and returning."""
    if len(query.by) != 1 or query.ascending is not None or query.top or DIMENSIONS[query.by[0]].kind == "time":
        return False
    chosen = [one for one in query.filters if one.dimension == query.by[0] and not one.is_excluded]
    named = len(chosen[0].values) if chosen else 0
    return query.against_rest or query.by[0] in _OF_TWO or 1 < named <= _BESIDE


def named_rows(query: Query, rows: Sequence[Row]) -> list[Row]:
    """The rows whose groups have names; all rows where none has."""
    known = [row for row in rows if all(row[name] is not None for name in query.by)]
    return known or [*rows]


def has_leader(result: Result) -> bool:
    """Whether one group is first: something is ranked, and no two are equal."""
    query = result.query
    if len(query.by) != 1 or query.ascending is None or not result.rows:
        return False
    first, *others = named_rows(query, result.rows)
    return not (others and are_equal(query, first, others[0]))


def leader_of(result: Result) -> str:
    """The group that is first, as a question can name it; empty where there is none."""
    if not (has_leader(result) and DIMENSIONS[result.query.by[0]].is_searched):
        return ""
    return group_in_words(result.query, named_rows(result.query, result.rows)[0])


def first_of(result: Result) -> tuple[str, ...]:
    """The values of the first groups, where only so many were asked for; none elsewhere."""
    query = result.query
    if query.top is None or len(query.by) != 1:
        return ()
    rows = named_rows(query, result.rows)[: query.top]
    return tuple(str(row[query.by[0]]) for row in rows if row[query.by[0]] is not None)


def rows_of(result: Result) -> tuple[tuple[Any, ...], ...]:
    """The groups that have names, in the order in which they are shown; none where groups are counted."""
    if result.query.counts_groups:
        return ()
    return tuple(tuple(row[name] for name in result.query.by) for row in named_rows(result.query, result.rows))


def of_two(result: Result) -> list[Row]:
    """The rows of two breakdowns, all or those of the first groups of the longer one: so that no device is missing."""
    rows, names = result.rows, result.query.by
    long = max(names, key=lambda name: len({row[name] for row in rows}))
    shown: list[Row] = []
    for group in dict.fromkeys(row[long] for row in rows):
        of_group = [row for row in rows if row[long] == group]
        if shown and len(shown) + len(of_group) > _OF_TWO_SHOWN:
            break
        shown += of_group
    return [*rows] if len(shown) == len(rows) else shown


def in_order(result: Result, rows: Sequence[Row], written: Written) -> str:
    """The first and the second group, or all of a few that are asked for."""
    query = result.query
    rows = named_rows(query, rows)
    if asked_beside(query) and len(rows) > 1:
        return _beside(result, rows, written)
    first, tied = rows[0], [row for row in rows if are_equal(query, row, rows[0])]
    others = rows[len(tied) :]
    order = f"{'lowest' if query.ascending else 'highest'} for " if len(rows) > 1 else ""
    finer = max(_finer(query, first, others[0], written), int(in_points(result))) if others else 0
    then = f"; then {group_in_words(query, others[0])}, {written.full(others[0], finer)}" if others else ""
    if len(tied) == 1:
        shown = f"{order}{group_in_words(query, first)}, {_full(result, first, finer, written)}{then}"
        return f"{shown}; the intervals overlap" if overlap(result, rows) else shown
    names = [group_in_words(query, row) for row in tied]
    last = names[-1] if len(names) <= _NAMED else f"{len(names) - _NAMED + 1} more"
    listed = f"{', '.join(names[: min(len(names), _NAMED) - 1])} and {last}"
    order = order if others or query.ascending is not None else "the same for "
    return f"{order}{listed}, {written.value(first, 0)} each{then}"


def _beside(result: Result, rows: Sequence[Row], written: Written) -> str:
    """All groups with their values, in the order in which they are asked for, and which is the highest."""
    query, (name,) = result.query, result.query.by
    values = next((one.values for one in query.filters if one.dimension == name and not one.is_excluded), ())
    if query.against_rest:
        values = (" or ".join(values),)
    places = {value: place for place, value in enumerate(values)}
    shown = sorted(rows, key=lambda row: (places.get(str(row[name]), len(places)), str(row[name])))
    first, second = sorted(rows, key=lambda row: -(of_whole(query, row) or 0))[:2]
    near = digits_of(result, [of_whole(query, one) for one in (first, second)])
    finer = max(_finer(query, first, second, written), near)
    text = "; ".join(f"{group_in_words(query, row)}, {_full(result, row, finer, written)}" for row in shown)
    is_amount = is_total(result)
    if is_amount and not places:
        return text
    if are_equal(query, first, second):
        return f"{text}; both are equal" if len(rows) == 2 else text
    if is_amount and query.against_rest:  # all others together are more, of course
        here = next(row for row in rows if str(row[name]) in values)
        total = sum(of_whole(query, row) or 0.0 for row in rows)
        part = number((of_whole(query, here) or 0.0) / total, "share") if is_sum(result.metric) and total else ""
        return f"{text}; {group_in_words(query, here)} makes up {part}" if part else text
    sure = ", but the intervals overlap" if overlap(result, rows) else ""
    more = by_how_much(result, first, second) if len(rows) == 2 and not query.versus else ""
    which = ("more" if is_amount else "higher") if len(rows) == 2 else ("most" if is_amount else "highest")
    return f"{text}; {which} for {group_in_words(query, first)}{more}{sure}"


def by_how_much(result: Result, first: Row, second: Row) -> str:
    """The difference of two groups in brackets, in percent of the lower one; of shares in points; empty: of nothing."""
    values = [of_whole(result.query, row) or 0.0 for row in (first, second)]
    if in_points(result):
        return f" ({in_words_of_points(values[0] - values[1])})"
    return f" ({change(*values)})" if values[1] else ""


def digits_of(result: Result, values: Sequence[float | None]) -> int:
    """How many digits after the point two shares have, so that they agree with their difference; 0: no two shares."""
    known = [value for value in values if value is not None]
    if not in_points(result) or len(known) < 2:
        return 0
    return 1 + (abs(known[0] - known[1]) < _VERY_NEAR)


def digits_of_table(result: Result, rows: Sequence[Row], written: Written) -> int:
    """How many digits more the shares of a table of groups have: as many as in the sentence."""
    query = result.query
    known = [row for row in named_rows(query, rows) if of_whole(query, row) is not None][:2]
    if not in_points(result) or not (query.versus or known[1:]):
        return 0
    return 1 if query.versus or is_by_time(query.by) else max(1, _finer(query, known[0], known[1], written))


def _full(result: Result, row: Row, finer: int, written: Written) -> str:
    """A value with what it rests on, and that of the other period."""
    before = row_before(row)
    near = digits_of(result, [of_whole(result.query, one) for one in (row, before)]) if before else 0
    return f"{written.full(row, max(finer, near))}{written.against(row)}"


def are_equal(query: Query, one: Row, other: Row) -> bool:
    """Whether two rows have the same value."""
    values = of_whole(query, one), of_whole(query, other)
    return one is other or (None not in values and isclose(*values, rel_tol=1e-9))  # type: ignore[arg-type]


def _finer(query: Query, one: Row, other: Row, written: Written) -> int:
    """How many digits more show that two values differ."""
    if are_equal(query, one, other):
        return 0
    return next((more for more in range(_DIGITS) if written.value(one, more) != written.value(other, more)), _DIGITS)


def overlap(result: Result, rows: Sequence[Row]) -> bool:
    """Whether the difference of two shares may be chance."""
    if not (result.query.is_share or result.metric.unit == "share") or len(rows) != 2:
        return False
    count, total = ("value", "total") if result.query.is_share else ("k", "n")
    one, other = (interval(int(row[count] or 0), int(row[total] or 0), row.get("n_effective")) for row in rows)
    return touch(one, other)


def touch(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    """Whether two intervals overlap."""
    return one is not None and other is not None and one[0] <= other[1] and other[0] <= one[1]
