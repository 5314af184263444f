"""Two groups that each have a query of its own, such as users who did something and those who did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from beha2vec_core.chat.answers.per_day import is_total
from beha2vec_core.chat.answers.phrases import capitalized, name_of, of_whole, where_of
from beha2vec_core.chat.answers.ranking import Row, are_equal, by_how_much, digits_of, overlap
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Filter

Value = Callable[[Result, Row, int], str]  # in words, with so many digits more than usual


def sides_apart(results: Sequence[Result]) -> list[str]:
    """Which of two groups, each with queries of its own, has the higher rate or mean, for each measure of both."""
    by_metric: dict[str, list[Result]] = {}
    for one in results:
        by_metric.setdefault(one.query.metric, []).append(one)
    pairs = (some for some in by_metric.values() if len(some) == 2)
    return [text for one, other in pairs if (text := in_one_sentence(one, other, None))]


def differ_in_one_filter(results: Sequence[Result]) -> bool:
    """Whether two results are the same number of two groups, each with a query of its own."""
    if len(results) != 2 or any(len(one.rows) != 1 or one.query.by or one.query.versus for one in results):
        return False
    first, (one, other) = results[0], (each.query for each in results)
    apart = [[f for f in a.filters if f not in b.filters] for a, b in ((one, other), (other, one))]
    same = (one.metric, one.period, one.is_share, one.per) == (other.metric, other.period, other.is_share, other.per)
    values = [of_whole(each.query, each.rows[0]) for each in results]
    currencies = {each.rows[0].get("currency") for each in results}
    is_one = same and [len(some) for some in apart] == [1, 1] and not (is_total(first) and first.metric.unit != "money")
    return is_one and None not in values and len(currencies) == 1


def in_one_sentence(first: Result, second: Result, value: Value | None) -> str:
    """Both values (with ``value``), which is higher, and by how much; empty: they do not differ in one filter alone."""
    if not differ_in_one_filter((first, second)):
        return ""
    one, other = first.query, second.query
    chosen = [next(f for f in a.filters if f not in b.filters) for a, b in ((one, other), (other, one))]
    rows = first.rows[0], second.rows[0]
    values = [of_whole(query, row) for query, row in zip((one, other), rows, strict=True)]
    same_filters = tuple(f for f in one.filters if f != chosen[0])
    is_share = one.is_share and bool(same_filters)
    label = name_of(replace(one, filters=same_filters, is_share=is_share), first.metric)
    label = capitalized(f"share of {label}" if one.is_share and not is_share else label)
    names = [_group(result, one) for result, one in zip((first, second), chosen, strict=True)]
    names = [names[0], "all others"] if _opposite(chosen[0]) == chosen[1] else names
    both = ""
    if value:
        more = digits_of(first, values) or _digits(first, rows, value)
        both = "; ".join(f"{name}, {value(first, row, more)}" for name, row in zip(names, rows, strict=True)) + "; "
    if are_equal(one, *rows):
        return f"{label}: {both}both are equal."
    high, low = (0, 1) if values[0] > values[1] else (1, 0)  # type: ignore[operator]
    sure = ", but the intervals overlap" if overlap(first, rows) else ""
    much = by_how_much(first, rows[high], rows[low])
    return f"{label}: {both}{'more' if is_total(first) else 'higher'} for {names[high]}{much}{sure}."


def _digits(result: Result, rows: tuple[Row, Row], value: Value) -> int:
    """How many digits more than usual show that two values differ; at most two."""
    return next((more for more in range(2) if value(result, rows[0], more) != value(result, rows[1], more)), 2)


def _group(result: Result, one: Filter) -> str:
    """A group in words: those who viewed search pages, mobile."""
    chosen = where_of(result.query, result.metric, [one]).strip()
    preposition, _, name = chosen.partition(" ")
    group = name if preposition in ("of", "for", "from", "on", "in", "via") else f"those {chosen}"
    return "all others" if one.is_excluded else group


def _opposite(one: Filter) -> Filter:
    """The filter that leaves all others."""
    if one.did:
        return replace(one, did=tuple(replace(did, is_excluded=not did.is_excluded) for did in one.did))
    return replace(one, is_excluded=not one.is_excluded)
