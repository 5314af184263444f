"""Days against an average day: "was 14 February better than average?", "orders last week compared to the usual day"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from beha2vec_core.chat.answers.answer import LookupAnswer
from beha2vec_core.chat.answers.per_day import days_of, in_words_of_points, is_sum, plain_value
from beha2vec_core.chat.answers.phrases import capitalized, name_of, when_of
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import Reading, read_question
from beha2vec_core.semantic.definitions import METRICS, PEOPLE_COUNTED
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.words import change, number

_MORE = r"better|higher|more|stronger|busier|above|bigger|larger"
_LESS = r"worse|lower|less|fewer|weaker|quieter|below|slower|smaller"
_AGAINST = re.compile(
    rf"[\s,]+(?:an? )?(?:(?P<more>{_MORE})|(?P<less>{_LESS})|different|compared?|vs\.?|versus|against|do|did)\b"
    r"(?: (?:day|than|to|with|from|vs\.?|versus|against|compared?|the|an?|our|its|is|was))*? (?:the |an? |our |its )?"
    r"(?:daily |overall |usual )?(?:average|avg|mean|normal|usual|typical)(?: (?:day|one|value|level|daily value))?"
    r"(?: of (?:all|the other|other) days)?\W*$|[\s,]+an? (?:normal|average|typical|usual|ordinary) (?:day|one)\W*$"
)
_LEAD = re.compile(
    r"^\W*(?:(?:is|was|were|are|did|do|does|how|much|we|have|had|sell|on|compare[sd]?|that|if|whether|tell|me)\b\s*)+"
)
_BESIDE = ("orders", "sessions", "conversion_rate")


def against_average(question: str, vocabulary: Vocabulary, measure: Callable[[Query], Result]) -> LookupAnswer | None:
    """A day, or days, against the mean of all days of the data; None where that is not asked for."""
    text = question.lower().replace("’", "'").strip(" ?!.")
    if not (found := _AGAINST.search(text)):
        return None
    rest = _LEAD.sub("", text[: found.start()]).strip(" ,")
    reading = read_question(rest, vocabulary, None)
    is_unnamed = not reading.metrics
    if reading.query is None or is_unnamed:
        reading = read_question(f"revenue {rest}", vocabulary, None)
    query, days = reading.query, vocabulary.contents.days
    if query is None or reading.more or query.period is None or query != _plain(query):
        return None
    metric = METRICS[query.metric]
    if metric.n_of in PEOPLE_COUNTED:  # the more days, the more each of them does
        problem = f"{capitalized(metric.label)} depends on how many days are counted, so I cannot compare days with it."
        return LookupAnswer(f"I cannot answer this. {problem}", understood=False, reading=Reading(problem=problem))
    period = Period(max(query.period.first, days.first), min(query.period.last, days.last))
    names = [query.metric, *(name for name in _BESIDE if is_unnamed and name != query.metric)]
    results = [
        (measure(replace(query, metric=name)), measure(replace(query, metric=name, period=None))) for name in names
    ]
    lines = [line for now, every in results if (line := _line(now, every, period, days))]
    if not lines:
        return None
    first, *others = lines
    is_more = _is_more(*results[0], period, days)
    asked = found["more"] or found["less"]
    is_judged = asked in ("better", "worse", "stronger", "weaker")
    expects_more = bool(found["more"]) != (is_judged and metric.better < 0)
    yes = "" if not asked or is_more is None else "Yes, " if is_more == expects_more else "No, "
    text = f"{yes}{first if yes else capitalized(first)}."
    text += "".join(f"\n- {line}" for line in others)
    notes = ["No measure is named, so the answer shows revenue, and others beside it."] if is_unnamed else []
    labels = ", ".join(METRICS[name].label for name in names)
    looked = f"Looked up: {labels}, {period.in_words} and all days, {days.in_words}."
    statements = [one.statement for pair in results for one in pair]
    text = "\n".join([text, *reading.notes, *notes, looked])
    return LookupAnswer(text, statements=statements, reading=Reading(query=query, notes=tuple(notes)))


def _plain(query: Query) -> Query:
    return Query(query.metric, (), query.filters, query.period)


def _per_day(result: Result, period: Period) -> float | None:
    """The mean per day of a sum; a rate or mean as it is; None where it is not known."""
    value = result.rows[0]["value"] if result.rows else None
    if value is None or (result.metric.name in PEOPLE_COUNTED and period.first != period.last):
        return None
    is_added = is_sum(result.metric) or result.metric.unit == "count"
    return float(value) / (len(days_of(result.query, period, period)) or 1) if is_added else float(value)


def _is_more(now: Result, every: Result, period: Period, days: Period) -> bool | None:
    values = _per_day(now, period), _per_day(every, days)
    return None if None in values or values[0] == values[1] else values[0] > values[1]  # type: ignore[operator]


def _line(now: Result, every: Result, period: Period, days: Period) -> str:
    """The value of some days and the mean of all days, in words."""
    value, usual = _per_day(now, period), _per_day(every, days)
    if value is None or usual is None:
        return ""
    metric, row = now.metric, now.rows[0]

    def shown(one: float) -> str:
        return number(one, "mean") if metric.unit == "count" and one != int(one) else str(plain_value(metric, one, row))

    per_day = (
        " per day" if metric.unit in ("count", "money") and not metric.is_ratio and period.first != period.last else ""
    )
    all_days = "a day on average" if metric.unit in ("count", "money") and not metric.is_ratio else "in all days"
    apart = in_words_of_points(value - usual) if metric.unit == "share" else change(value, usual)
    name = name_of(now.query, metric)
    return f"{name}{when_of(period)}: {shown(value)}{per_day}, {apart} against {shown(usual)} {all_days}"
