"""Changes from one day, week or month to the next: "which week had the largest increase in orders?"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from beha2vec_core.chat.answers.answer import LookupAnswer
from beha2vec_core.chat.answers.per_day import is_sum, plain_value
from beha2vec_core.chat.answers.phrases import group_in_words, what_of
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.chat.days.periods import begin_after
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import Reading, read_question
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.words import change

_SHOWN = 5
_UNITS = "day|week|month|quarter|year"
_UNIT = rf"(?P<unit>{_UNITS})"
_MOST = (
    r"(?:(?:single|the|our|one) )*(?:biggest|largest|greatest|steepest|sharpest|strongest|highest|worst|best|most)"
    r"(?: single)?"
)
_DOWN = r"(?:drops?|falls?|declines?|decreases?|dips?|slumps?|plunges?|loss(?:es)?)"
_UP = r"(?:increases?|rises?|growth|jumps?|gains?|spikes?|surges?|uplifts?|improvements?|leaps?)"
_MOVE = rf"(?:(?P<down>{_DOWN})|(?P<up>{_UP}))"
_FELL = r"(?:drop(?:ped)?|fell|fall(?:en)?|declined?|decreased?|dip(?:ped)?|plunged?|slump(?:ed)?|shr[aiu]nk)"
_ROSE = r"(?:increased?|r[io]sen?|gr[eo]wn?|jump(?:ed)?|climb(?:ed)?|surged?|improved?|gain(?:ed)?|spiked?)"
_MOVED = rf"(?:(?P<down>{_FELL})|(?P<up>{_ROSE}))"
_BY_MOST = r"(?:(?:by )?the )?(?:most|fastest|hardest|sharpest|steepest|strongest|furthest|biggest|largest)"
_EACH = (
    r"(?:(?P<each>dai|week|month|quarter|year)ly|"
    rf"{_UNIT}(?:[- ](?:on|over|to|by|after)[- ]|/)(?:the[- ](?:next[- ])?)?(?:{_UNITS}))"
)
_SO = r"(?:(?:and|so|ok|please) )*"
_HEAD = rf"{_SO}(?:(?:show(?: me)?|tell me|give me|what|which|when|was|were|is|are|has been|the|our) )*"
_WHICH = rf"{_SO}(?:(?:on|in|during) )?(?:which|what)"
_HAD = r"(?:had|has|have|saw|sees|brought|brings|was|experienced|witnessed|showed|shows|got|recorded|with)"
_REST = r"(?:in|of|for) (?P<rest>.+)"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_WHICH} {_UNIT} {_HAD} (?:the |our )?{_MOST} {_MOVE} {_REST}",
        rf"{_WHICH} {_UNIT} {_HAD} (?:the |our )?{_MOST} (?P<rest>[\w -]+?) {_MOVE}"
        r"(?P<more>(?: (?:in|on|from|for|of) .+)?)",
        rf"{_WHICH} {_UNIT} (?:did|have|has) (?P<rest>.+?) {_MOVED} {_BY_MOST}(?P<more>.*)",
        rf"{_SO}when (?:did|have|has) (?P<rest>.+?) {_MOVED} {_BY_MOST}(?P<more>.*)",
        rf"{_SO}(?:when|on which day|what day) (?:was|were|is) (?:the |our )?{_MOST} {_MOVE} {_REST}",
        rf"{_HEAD}{_MOST} {_EACH} {_MOVE} {_REST}",
        rf"{_HEAD}{_MOST} {_MOVE} (?:in|of|for) {_EACH} (?P<rest>.+)",
    )
)


# other changes from one day, week or month to the next
_TIMES = r"(?:days?|weeks?|months?|quarters?|years?)"
_ANY_MOVE = rf"(?:{_DOWN}|{_UP}|changes?|swings?|difference)"
_SUPERLATIVE = rf"(?:{_MOST}|smallest|lowest|least|weakest|slowest|fastest)"
_IN_TIME = (
    rf"(?:\b(?:which|what) (?:\w+ )?{_TIMES}\b|\bwhen\b|\bfrom one {_TIMES} to the next\b|\b(?:dai|week|month)ly\b|"
    rf"\b{_TIMES}[- ](?:on|over|to|by)[- ]{_TIMES}\b|\bby {_TIMES}\b)"
)
_BY_SOME = r"(?:(?:by )?the )?(?:most|least|fastest|slowest|hardest)"
_OTHERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_IN_TIME}.*\b{_SUPERLATIVE} (?:[\w-]+ ){{0,2}}{_ANY_MOVE}\b",
        rf"{_IN_TIME}.*\b(?:{_FELL}|{_ROSE}) {_BY_SOME}\b",
        rf"\b{_SUPERLATIVE} (?:[\w-]+ ){{0,2}}{_ANY_MOVE}\b.*{_IN_TIME}",
    )
)
ONLY_LARGEST = "From one day, week or month to the next, I can only find the largest rise or fall of one measure."


def asks_other_jump(question: str) -> bool:
    """Whether a question is about changes from one day, week or month to the next: highest values are no answer."""
    return any(one.search(question) for one in _OTHERS)


def largest_jump(question: str, vocabulary: Vocabulary, measure: Callable[[Query], Result]) -> LookupAnswer | None:
    """The largest changes of a measure from one day, week or month to the next; None where these are not asked for.

    Weeks and months that are not over, or began before the data, are left out.
    """
    text = re.sub(r"\s+", " ", question).strip(" ?.!")
    found = next(filter(None, (pattern.fullmatch(text) for pattern in _PATTERNS)), None)
    if found is None:
        return None
    named = found.groupdict()
    unit = named.get("unit") or (named.get("each") or "day").lower().replace("dai", "day")
    reading = read_question(f"{named['rest']} {named.get('more') or ''} by {unit}", vocabulary, None)
    query = reading.query
    if query is None or reading.more or query != Query(query.metric, (unit,), query.filters, query.period):
        return None
    result = measure(query)
    days = vocabulary.contents.days
    period = query.period or days
    whole = Period(max(period.first, days.first), min(period.last, days.last))
    rows = [row for row in result.rows if row["value"] is not None and _is_whole(row[unit], unit, whole)]
    is_down = bool(named.get("down"))
    pairs = [
        (float(b["value"]) - float(a["value"]), a, b)
        for a, b in pairwise(rows)
        if begin_after(unit, a[unit]) == b[unit]
    ]
    pairs = sorted((one for one in pairs if one[0] * (-1 if is_down else 1) > 0), key=lambda one: -abs(one[0]))
    return _in_words(result, reading, unit, pairs[:_SHOWN], is_down=is_down)


def _is_whole(first: date, unit: str, days: Period) -> bool:
    return days.first <= first and begin_after(unit, first) - timedelta(days=1) <= days.last


def _in_words(
    result: Result, reading: Reading, unit: str, pairs: list[tuple[float, Any, Any]], *, is_down: bool
) -> LookupAnswer:
    """The largest change in a sentence, and the next ones in a table."""
    query, metric = result.query, result.metric
    what = what_of(result)
    moved = "fell" if is_down else "rose"
    if not pairs:
        text = f"{what} {moved} from no complete {unit} to the next."
    else:
        _, earlier, later = pairs[0]
        shown = " to ".join(_value(metric, row) for row in (earlier, later))
        part = f", {change(float(later['value']), float(earlier['value']))}" if is_sum(metric) else ""
        whole = "" if unit == "day" else f" {unit[0].upper()}{unit[1:]}s that are not complete are left out."
        text = (
            f"{what} {moved} most from {group_in_words(query, earlier)} to {group_in_words(query, later)}: "
            f"from {shown}{part}.{whole}"
        )
    looked = f"Looked up: {metric.label}, by {unit}, each compared with the {unit} before."
    rows = [[group_in_words(query, b), _value(metric, a), _value(metric, b)] for _, a, b in pairs]
    columns = [unit, f"the {unit} before", f"this {unit}"]
    table = SqlAnswer(result.statement, columns, [False] * 3, rows) if rows else None
    lines = [text, *reading.notes, looked]
    return LookupAnswer("\n".join(lines), statements=[result.statement], reading=reading, table=table)


def _value(metric: Any, row: dict[str, Any]) -> str:
    return plain_value(metric, row["value"], row)
