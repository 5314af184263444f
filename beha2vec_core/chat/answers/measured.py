"""The answer to a semantic query in words: a sentence with the number, its interval, n, and a small table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from beha2vec_core.chat.answers.changes import changes, in_direction, not_as_supposed, parts_in_words
from beha2vec_core.chat.answers.funnel import funnel_in_words
from beha2vec_core.chat.answers.missing import missing, unit_of, whole
from beha2vec_core.chat.answers.per_day import (
    days_apart,
    each_day,
    in_points,
    in_words_of_points,
    mean_of,
    per_day,
    plain_value,
)
from beha2vec_core.chat.answers.phrases import (
    capitalized,
    cell,
    ends_of,
    group_in_words,
    is_most,
    name_of,
    of_whole,
    plural,
    row_before,
    what_of,
    when_of,
    where_of,
)
from beha2vec_core.chat.answers.ranking import (
    EQUAL,
    Written,
    asked_beside,
    digits_of,
    digits_of_table,
    in_order,
    named_rows,
    of_two,
    overlap,
)
from beha2vec_core.chat.answers.series_of_groups import each_group
from beha2vec_core.chat.answers.trend import trend
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.chat.events import Bars
from beha2vec_core.chat.queries.nearest import filter_asked, having_in_words, in_words
from beha2vec_core.chat.reading.question import Reading
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.compiler import COUNTED_ONCE, ENOUGH, MAX_ROWS, is_ranked
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, OF_STEPS, PEOPLE_COUNTED, SOURCES, Metric
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period, Query, is_by_time
from beha2vec_core.semantic.shares import is_of_groups
from beha2vec_core.words import change, finer, number
from beha2vec_core.words import day as day_words

_SHOWN = 12  # rows of a table, where no number is asked for
_DAYS = 8  # days without an order, in words
_GROUPS = 6  # of which the first is named
_LISTED = 6  # of a breakdown


@dataclass(frozen=True)
class Measured:
    """The answer's text, and the table below it where there is one."""

    text: str
    table: SqlAnswer | None = None
    bars: Bars | None = None


def measured(result: Result, reading: Reading, days: Period, parts: Sequence[Result] = ()) -> Measured:
    """The answer to the query of a reading, in data of these days; ``parts``: comparisons that show what changed."""
    query, metric = result.query, result.metric
    if query.counts_groups:
        looked = f"Looked up: {looked_up(query, metric, days)}."
        return Measured("\n".join([_groups_counted(result), *reading.notes, looked]))
    if query.moved and not reading.asks_cause and result.rows:
        sentence, result = in_direction(result, days)
    else:
        is_funnel = metric.name == "funnel" and query.by[:1] == ("step",)
        sentence = funnel_in_words(result) if is_funnel else _sentence(result, days)
    lines = [*(is_most(result) if "majority" in reading.kinds else []), sentence]
    where, columns, rows = changes(result, parts, days) if parts else ([], [], [])
    lines += where
    if metric.name in PEOPLE_COUNTED and asked_beside(query) and len(result.rows) == 2 and not query.against_rest:
        lines.append("A user can be in both groups.")
    if _has_limit(query) and result.rows and not _lists_days(query):
        lines.append(f"Only {plural(query.by[-1])} {_limit_in_words(result)}.")
        if (median := result.rows[0].get("median")) is not None:
            lines[-1] = f"{lines[-1][:-1]}, which is {median:,.0f}."
    lines += list(reading.notes)
    if query.explains and query.period and query.period.last == days.last:
        lines.append(f"The data end on {day_words(days.last)}.")
    is_of_some = query.is_share and query.top and not is_of_groups(query)
    if is_of_some and len(result.rows) > 1 and metric.name not in ("users", "buyers"):
        together = sum(of_whole(query, row) or 0 for row in result.rows)
        lines.append(f"Together, these {len(result.rows)} make up {number(together, 'share')}.")
    says_enough = any(one.metric == metric.n_of and (one.at_least or 0) >= ENOUGH for one in query.having)
    if query.by and is_ranked(query) and not (says_enough or asked_beside(query)):
        lines.append(f"Groups with fewer than {ENOUGH} {metric.n_of or metric.label} are left out.")
    named = named_rows(query, result.rows)
    lines += _which_orders(query)
    is_by_share = (metric.unit == "share" or is_of_groups(query)) and query.by and not _is_series(query)
    if is_by_share and (len(named) > 2 or (overlap(result, named) and not asked_beside(query))):
        lines.append("Where the 95% intervals overlap, the ranking may be due to chance.")
    if metric.name in OF_STEPS:
        lines.append("A session that reached a later step counts for this one too, as in the funnel.")
    asked = [*query.filters, *(of for one in query.filters for did in one.did for of in did.filters)]
    of_first = "order_number" in {*query.by, *(one.dimension for one in asked)}
    if of_first or "days_" in metric.name or (metric.unit == "mean" and metric.name.endswith("_to_order")):
        visits = " Earlier visits are not counted; that of the order is." if "visits_to" in metric.name else ""
        later = "; later orders are all after it" if any(one.values == ("later",) for one in query.filters) else ""
        lines.append(
            f"The first order is the first in the data, which begin on {day_words(days.first)}{later}.{visits}"
        )
    if any(name.startswith("first_") for name in (*query.by, *(one.dimension for one in query.filters))):
        lines.append("“First” is the user's first visit as GA4 knows it, which may be before the data begin.")
        lines[-1] += " The days are not those of that visit." if query.period else ""
    if "orders_in_turn" in metric.sql:
        lines.append(
            "Days, channel and device are those of the later order. Users with one order do not count, and the "
        )
        lines[-1] += "first days have short times only, as both orders must be in the data."
    lines += mean_of(result, days, reading.mean_of) if reading.mean_of else []
    if reading.asks_cause and metric.unit == "count" and not any(row.get("value") for row in result.rows):
        lines.append("The question assumes that there are some, but there are none.")
    lines += not_as_supposed(result, reading, days) + per_day(result, days)
    lines += missing(result, days)
    lines.append(f"Looked up: {looked_up(query, metric, days)}.")
    if rows:
        return Measured("\n".join(lines), SqlAnswer(result.statement, columns, [False] * len(columns), rows))
    if not query.by or not result.rows:
        return Measured("\n".join(lines))
    table = _table(result, days)
    if len(table.rows) < len(result.rows):
        of_all = f"of {'more than ' * (len(result.rows) >= MAX_ROWS)}{len(result.rows):,}"
        lines.append(f"The first {len(table.rows)} {of_all} are shown.")
    if query.top and 1 < query.top < len(result.rows):
        lines.append(f"There are more than {query.top} because the last ones are equal.")
    is_long = len(query.by) == 2 and not (is_by_time(query.by[:1]) or query.top)
    return Measured(
        "\n".join(lines), table, _bars(result, min(len(table.rows), _SHOWN) if is_long else len(table.rows))
    )


def _groups_counted(result: Result) -> str:
    """How many groups there are; of users and orders also of how many, and what orders are worth."""
    query, (row,), metric = result.query, result.rows, result.metric
    has_limit = query.over is not None or query.under is not None
    over = f" {_limits(result)}" if has_limit else f" with {metric.label}"
    over = f" {having_in_words(query)}" if query.having else over
    what = plural(query.by[0])
    if over == f" with {metric.label}" and metric.label.startswith(what):
        what, over = f"different {metric.label}", ""  # items sold
    if DIMENSIONS[query.by[0]].kind == "time":
        limits = f"with{'out' * (query.limits == [('less than', '<', 1)])} {metric.label}"
        limits = limits if query.limits in ([], [("less than", "<", 1)]) else _limits(result)
        part = f" ({number(row['value'] / row['total'], 'share')})" if row["total"] else ""
        part = "" if row["value"] == row["total"] else f" of {row['total']:,}{part}"
        text = f"{what} {limits}{where_of(query, metric)}{when_of(query.period)}: {row['value']:,}{part}."
        return capitalized(text)
    text = f"{capitalized(what)}{over}{where_of(query, metric)}{when_of(query.period)}: {row['value']:,}"
    if not has_limit or DIMENSIONS[query.by[0]].kind != "user" or not row["total"]:
        return f"{text}."
    whole = f"{row['total']:,} {what}" + ("" if what == metric.n_of else f" with {metric.n_of or metric.label}")
    text += f", {number(row['value'] / row['total'], 'share')} of {whole}"
    text += f" ({ends_of(row['value'], row['total'], row['total'])})." if query.by == ("user",) else "."
    if query.by != ("one_order",) or not row["worth_of_all"]:
        return text
    worth, of_all = (plain_value(metric, row[name], row) for name in ("worth", "worth_of_all"))
    part = number(row["worth"] / row["worth_of_all"], "share")
    return f"{text} Their {metric.label} is {worth}, {part} of {of_all}."


def _limits(result: Result) -> str:
    """With more than 2 orders; with revenue of more than 200.00 EUR."""
    query, metric, row = result.query, result.metric, next(iter(result.rows), {})
    shown = [
        f"{words} {plain_value(metric, limit, row) if row.get('currency') else f'{limit:,g}'}"
        for words, _, limit in query.limits
    ]
    both = " and ".join(shown)
    label = metric.label.removesuffix("s") if both.endswith(" 1") else metric.label
    return f"with {metric.label} of {both}" if metric.unit == "money" else f"with {both} {label}"


def _lists_days(query: Query) -> bool:
    """Whether the days (weeks, months) of which something is true are asked for."""
    return _has_limit(query) and is_by_time(query.by) and query.ascending is None and not query.versus


def _which_orders(query: Query) -> list[str]:
    """Which orders count for users who ordered so many times, of groups of visits."""
    done = [did for one in query.filters for did in one.did if did.table == "purchases" and (did.at_least or 0) > 1]
    if not done or query.metric not in PEOPLE_COUNTED:
        return []
    groups = [name for name in query.by if DIMENSIONS[name].kind == "text"]
    if groups:
        return [f"All their orders count, whatever the {DIMENSIONS[groups[0]].label}."]
    among = [one for one in query.filters if one.dimension in SOURCES and not one.is_excluded]
    return [f"Only orders {filter_asked(among[0])} count."] if among else []


def _is_series(query: Query) -> bool:
    return query.ascending is None and any(DIMENSIONS[name].kind == "time" for name in query.by)


def _has_limit(query: Query) -> bool:
    return bool(query.having) or query.over is not None


def _limit_in_words(result: Result) -> str:
    return having_in_words(result.query) if result.query.having else _limits(result)


def preface(reading: Reading) -> list[str]:
    """What the question has that the answer leaves out."""
    lines = []
    if reading.not_understood:
        verb = clean_text(reading.not_understood, limit=40)
        lines.append(f"I did not understand “{verb}”. This is the answer without it.")
    lines += reading.not_answered
    if reading.left_out:
        lines.append(f"Left out: {', '.join(f'“{word.strip()}”' for word in reading.left_out)}.")
    return lines


def looked_up(query: Query, metric: Metric, days: Period) -> str:
    """What was looked up, in words: metric and filters, what it counts, breakdown, days."""
    words = [name_of(query, metric, means=True)]
    if query.by:
        words.append(f"by {' and '.join(_by(name, query) for name in query.by)}")
    words.append(query.period.in_words if query.period else f"all data, {days.in_words}")
    if query.versus:
        words.append(f"compared with {query.versus.in_words}")
    words += ["compared with all others"] if query.against_rest else []
    words += ["sorted by change"] if query.by_change else []
    words += ["and where it changed"] if query.explains else []
    words += [f"only {plural(query.by[-1])} with {which} {limit:,g}" for which, _, limit in query.limits]
    words += [f"only {having_in_words(query)}"] if query.having else []
    words += ["and how many there are"] if query.counts_groups else []
    return ", ".join(words)


def _by(name: str, query: Query) -> str:
    """A breakdown, with the values that are asked for: browser (Safari or Chrome)."""
    asked = next((one for one in query.filters if one.dimension == name and not (one.did or one.is_excluded)), None)
    named = in_words(asked) if asked and name != "step" else ""
    if asked and len(asked.values) > _LISTED and not named.startswith("any of"):
        named = f"{len(asked.values)} of them"
    return f"{DIMENSIONS[name].label} ({named})" if named else DIMENSIONS[name].label


def _sentence(result: Result, days: Period) -> str:
    query, what = result.query, what_of(result)
    where = "" if query.having else where_of(query, result.metric)
    if _has_limit(query) and not result.rows:
        return f"There are no {plural(query.by[-1])} {_limit_in_words(result)}{where}{when_of(query.period)}."
    if not result.rows:
        return f"{what}: no group has enough data." if is_ranked(query) else f"{what}: nothing in the data."
    if not query.by:
        row = result.rows[0]
        if not query.versus:
            return f"{what}: {value_of(result, row)}."
        before = row_before(row)
        digits = digits_of(result, [of_whole(query, one) for one in (row, before)])
        if each := each_day(result, days):
            (now, earlier), in_all = days_apart(result, days) or (0, 0), change(row["value"], before["value"])
            values = (
                f"{value_of(result, row)} in {now} days and {value_of(result, before)} in {earlier} days ({in_all})"
            )
            return f"{what}, per day: {each}{when_of(query.versus)}. In all: {values}."
        return f"{what}: {value_of(result, row, digits)}{_against(result, row, days)}."
    if query.top_of_each:
        return _first_of_each(result, what)
    if _lists_days(query) and result.rows:
        listed = "; ".join(group_in_words(query, row) for row in result.rows[:_DAYS])
        more = f"; and {len(result.rows) - _DAYS} more" if len(result.rows) > _DAYS else ""
        text = f"{plural(query.by[0])} {_limit_in_words(result)}{where}{when_of(query.period)}: {len(result.rows):,}"
        return f"{capitalized(text)} ({listed}{more})."
    if _is_series(query):
        if query.by[1:]:
            return each_group(result, whole(result, days), what, lambda row: _written(result, days).value(row, 0))
        return trend(result, what, days).text
    if query.by_change:
        return parts_in_words(result, what, days)
    rows = (whole(result, days) if query.ascending else []) or result.rows
    if len(rows) == 1 < len(result.rows):
        against = _against(result, rows[0], days) if query.versus else ""
        alone = f"this is the only whole {unit_of(query)}"
        return f"{what}: {group_in_words(query, rows[0])}, {value_of(result, rows[0])}{against}; {alone}."
    return f"{what}: {in_order(result, rows, _written(result, days))}."


def _written(result: Result, days: Period) -> Written:
    unit = "share" if result.query.is_share else result.metric.unit

    def value(row: dict[str, Any], more: int) -> str:
        shown = short(result.metric, unit, of_whole(result.query, row), row, more)
        return f"{shown:,}" if isinstance(shown, int) else str(shown)

    return Written(
        value,
        lambda row, more: value_of(result, row, more),
        lambda row: _against(result, row, days) if result.query.versus else "",
    )


def _first_of_each(result: Result, what: str) -> str:
    """The first of each group, of the largest groups."""
    *outer, inner = result.query.by
    order = "lowest" if result.query.ascending else "highest"
    shown = [f"{group_in_words(result.query, row)}, {value_of(result, row)}" for row in result.rows[:_GROUPS]]
    labels = " and ".join(DIMENSIONS[name].label for name in outer)
    number = result.query.top_of_each or 1
    which = DIMENSIONS[inner].label if number == 1 else f"{number} {plural(inner)}"
    first = f"the {which} with the {order} value{'s' * (number > 1)} in each {labels}"
    return f"{what}, {first}: {'; '.join(shown)}. Of equals, one is shown."


def _against(result: Result, row: dict[str, Any], days: Period) -> str:
    """The other period, and the change."""
    query = result.query
    assert query.versus is not None
    before = row_before(row)
    now, earlier = of_whole(query, row), of_whole(query, before)
    shown = value_of(result, before, digits_of(result, [now, earlier]))
    difference = f", {text}" if (text := _difference(result, now, earlier, days)) else ""
    return f"{difference} compared with {shown}{when_of(query.versus)}"


def _difference(result: Result, now: float | None, earlier: float | None, days: Period) -> str:
    """The change between two periods: of sums of unequal periods per day; empty where one is not known."""
    if now is None or earlier is None:
        return ""
    if in_points(result):
        return in_words_of_points(now - earlier)
    if now == earlier:
        return "no change"
    if apart := days_apart(result, days):
        return f"{change(now / apart[0], earlier / apart[1])} per day ({change(now, earlier)} in all)"
    return change(now, earlier)


def numbers_of(result: Result, days: Period) -> str:
    """The numbers of a few groups, or of two periods, in a line."""
    query, metric = result.query, result.metric
    more, shown = int(in_points(result)), []
    for row in result.rows:
        before = row_before(row)
        both_rows = [one for one in (row, before) if one]
        values = [of_whole(query, one) for one in both_rows]
        texts = [short(metric, metric.unit, *one, more) for one in zip(values, both_rows, strict=True)]
        both = " compared with ".join(f"{one:,}" if isinstance(one, int) else str(one) for one in texts)
        moved = _difference(result, values[0], values[1], days) if before else ""
        shown.append(f"{group_in_words(query, row)} {both}".lstrip() + (f", {moved}" if moved else ""))
    return f"{metric.label}: {'; '.join(shown)}"


def value_of(result: Result, row: dict[str, Any], more: int = 0) -> str:
    """The number, with so many digits more than usual, with its interval and n."""
    query, metric = result.query, result.metric
    value = of_whole(query, row)
    if value is None:
        if metric.unit == "money" and row.get("n"):
            return "not known, as amounts are in several currencies or not known"
        return "none" if metric.unit in ("count", "money") else "not known, as there is nothing to compute it from"
    if query.is_share:
        shown = finer(value, "share", more)
        if metric.name in COUNTED_ONCE:
            ends = f"{ends_of(row['value'], row['total'], row['n_effective'], more)}; " if row["n_effective"] else ""
            return f"{shown} ({ends}{row['value']:,} of {row['total']:,} {metric.label})"
        return f"{shown} ({plain_value(metric, row['value'], row)} of {plain_value(metric, row['total'], row)})"
    if metric.unit == "share":
        of = f"{row['k']:,} of {row['n']:,} {metric.n_of}"
        return f"{finer(value, 'share', more)} ({ends_of(row['k'], row['n'], row['n_effective'], more)}; {of})"
    n = row.get("n")
    of = re.sub(r"^(\w+)s\b", r"\1", metric.n_of) if n == 1 else metric.n_of
    shown = plain_value(metric, value, row, more)
    if not metric.n_of or n is None:
        return shown
    return f"{shown.removesuffix(')')}; n = {n:,} {of})" if shown.endswith(")") else f"{shown} (n = {n:,} {of})"


def _table(result: Result, days: Period) -> SqlAnswer:
    """The rows as people read them: breakdown, value, interval, n; with a comparison the earlier value and change."""
    query, metric = result.query, result.metric
    rows = result.rows
    if query.top is None and not any(DIMENSIONS[name].kind in ("time", "step") for name in query.by):
        rows = of_two(result) if len(query.by) == 2 else rows[:_SHOWN]
    rows = rows[: query.top + EQUAL] if query.top else rows
    columns = [DIMENSIONS[name].label for name in query.by] + [metric.label]
    columns[-1] = f"share of {columns[-1]}" if query.is_share else columns[-1]
    has_ends = metric.unit == "share" or (query.is_share and metric.name in COUNTED_ONCE)
    columns += ["95% interval"] if has_ends else []
    columns += [METRICS[query.metric].label] if query.per else []
    columns += ["of" if query.is_share else metric.n_of] if metric.n_of or query.is_share else []
    columns += ["before", "change"] if query.versus else []
    more = digits_of_table(result, rows, _written(result, days))
    of_steps = query.by[:1] == ("step",)
    columns += ["of the step before"] if of_steps else []
    reached: dict[tuple[Any, ...], int] = {}  # of each group, at the step before
    shown = []
    for row in rows:
        value = of_whole(query, row)
        unit = "share" if query.is_share else metric.unit
        cells: list[Any] = [cell(row[name]) for name in query.by]
        cells.append(short(metric, unit, value, row, more))
        if has_ends:
            count, total = (row["value"], row["total"]) if query.is_share else (row["k"], row["n"])
            shown_ends = ends_of(int(count or 0), int(total or 0), row["n_effective"], more)
            cells.append(shown_ends.removeprefix("95% interval "))
        if query.per:
            cells.append(short(METRICS[query.metric], METRICS[query.metric].unit, row["part"], row))
        if metric.n_of or query.is_share:
            total = row.get("total" if query.is_share else "n")
            cells.append(short(metric, metric.unit, total, row) if query.is_share else total)
        if of_steps:
            group = tuple(row[name] for name in query.by[1:])
            cells.append(number(row["value"] / reached[group], "share") if reached.get(group) else "")
            reached[group] = row["value"]
        if query.versus:
            before = row_before(row)
            earlier = of_whole(query, before)
            cells.append(short(metric, unit, earlier, before, more))
            if value is None or earlier is None:
                cells.append("")
            else:
                cells.append(f"{100 * (value - earlier):+.1f} points" if in_points(result) else change(value, earlier))
        shown.append(cells)
    numbers = [all(isinstance(row[place], int | float) for row in shown) for place in range(len(columns))]
    return SqlAnswer(
        result.statement, columns, numbers, shown, truncated=len(result.rows) > len(rows) or len(rows) >= MAX_ROWS
    )


def _bars(result: Result, shown: int) -> Bars | None:
    """The rows of the table as a chart; None where a value is not known, or there is one row only."""
    query, rows = result.query, result.rows[:shown]
    values = [of_whole(query, row) for row in rows]
    known = [value for value in values if value is not None]
    if len(rows) < 2 or query.by[0] == "step" or query.by_change or len(known) < len(values):
        return None
    days = [row[query.by[0]] for row in rows] if len(query.by) == 1 else []
    currencies = {row["currency"] for row in rows if row.get("currency")} if not query.is_share else set()
    return Bars(
        title=what_of(result),
        names=tuple(group_in_words(query, row) for row in rows),
        values=tuple(known),
        days=tuple(days) if all(isinstance(one, date) for one in days) else (),
        step=query.by[0],
        is_share=query.is_share or result.metric.unit == "share",
        currency=currencies.pop() if len(currencies) == 1 else "",
    )


def short(metric: Metric, unit: str, value: float | None, row: dict[str, Any], more: int = 0) -> str | int | float:
    """A value for a cell of a table, with so many digits more than usual, without what it rests on."""
    if value is None:
        return ""
    if unit == "share":
        return finer(value, "share", more)
    if unit == "count":
        return int(value)
    return plain_value(metric, value, row, more)
