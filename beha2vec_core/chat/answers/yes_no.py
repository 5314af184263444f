"""Yes or no before the numbers, where a question asks for it: "is mobile worse than desktop?"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

from beha2vec_core.chat.answers.per_day import days_apart, in_points, is_sum, is_total
from beha2vec_core.chat.answers.phrases import group_in_words, interval, of_whole, row_before
from beha2vec_core.chat.answers.ranking import asked_beside, named_rows, overlap, touch
from beha2vec_core.chat.answers.trend import trend
from beha2vec_core.chat.answers.two_groups import differ_in_one_filter
from beha2vec_core.chat.reading.question import Reading
from beha2vec_core.chat.rewrites.whole_questions import UP_AND_DOWN
from beha2vec_core.semantic.compiler import REST
from beha2vec_core.semantic.definitions import PEOPLE_COUNTED
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period, is_by_time

_ASKS = re.compile(
    r"(?i)^\W*(?:(?:and|so|but|ok|okay|hey|hi|hello|then|well|also|please|(?:(?:can|could) you )?(?:tell|show) me|"
    r"do (?:you|we) know|i wonder|just|quick question)\b\W*)*(?:(?:if|whether)\b|(?P<now>is|are)\b|"
    r"(?:was|were|do|does|did|has|have|had)\b)(?!n't)"
)
# a choice, another question, an amount or a negation: yes or no would be the answer to something else
_ELSE = re.compile(
    r"(?i)\b(?:or|what|which|why|how|when|where|slow\w*|stall\w*|stop\w*|enough|too|every|each|always|never|ever|much|"
    r"far|lot|way|faster|accelerat\w*|many|few|doubl\w*|tripl\w*|halv\w*|twice|by (?:more|less|at)|not|"
    r"as (?:much|many|high|low|good|well|often))\b|n't\b.*\b(?:more|less|than)\b|\d ?%|\bpercent\b"
)
_MOST = re.compile(
    r"(?i)\b(?:best|most|biggest|largest|highest|top|main|strongest|busiest|worst|least|lowest|weakest|smallest)\b"
)
_MORE = re.compile(r"(?i)\b(?:bigger|larger|longer|greater|busier|higher|more|above|(?P<judged>better|stronger))\b")
_LESS = re.compile(r"(?i)\b(?:smaller|shorter|quieter|slower|lower|less|fewer|below|(?P<judged>worse|weaker))\b")
_EXISTS = re.compile(r"(?i)\b(?:(?:is|are|was|were) there|(?:did|has|have|does) (?:anyone|anybody|someone|any))\b")
_NONE = re.compile(  # of what the group has, not of a condition: sessions that had no orders
    r"(?i)^\W*(?:do|does|did|has|have|had|were|was)\b(?!.*\b(?:that|who|which)\b).*\b(?:zero|no|0) (?:orders|sales|"
    r"purchases|revenue|sessions|visits|buyers)\b"
)
_TWO = re.compile(f"(?i){UP_AND_DOWN}")
_THAN = re.compile(r"(?i)\b(?:than|compared|vs|versus|against)\b")
_USES = re.compile(r"(?i)\buse[sd]? .*\b(?:more|less|fewer)\b")
_NEAR, _SMALL = 0.03, 0.1  # part by which two values without an interval differ at least, and clearly
_SURE = 1.96  # standard deviations
# standard deviations of one value, in means: of people 1; of what users do, or spend per order, more, as they differ;
# most users and sessions spend nothing
_OF_PEOPLE, _OF_OTHERS, _OF_SPENDING = 1.0, 1.5, 7.0
Row = dict[str, Any]
SAME, UNSURE, SMALL = "About the same.", "No clear difference.", "Only a small difference."


def yes_or_no(question: str, reading: Reading, results: Sequence[Result], days: Period) -> str:
    """Yes, No or that it is not clear, with a full stop; empty where the question asks for neither."""
    if (two := _TWO.match(question)) and len(results) == 2:
        pairs = zip((two["first"], two["second"]), results, strict=True)
        said = [(one.metric.label, how, _of_trend(how, reading, one, days)) for how, one in pairs]
        return " ".join(f"{label.capitalize()} {how}: {verdict.lower()}" for label, how, verdict in said if verdict)
    asked = _ASKS.match(question)
    if not asked or _ELSE.search(question) or reading.asks_cause or reading.not_understood or not results:
        return ""
    result, query = results[0], results[0].query
    if query.counts_groups or query.having or not result.rows or "majority" in reading.kinds or reading.metrics[1:]:
        return ""
    if _MOST.search(question):
        return _of_first(question, result)
    down = reading.goes_down
    if down is None:
        more, less = _MORE.search(question), _LESS.search(question)
        word = more or less
        if word is None or (more and less):
            return "" if word else _of_existence(question, results)
        down = bool(less) != (result.metric.better < 0 and word["judged"] is not None)
    if is_by_time(query.by):
        found = (
            trend(result, "", days) if len(query.by) == 1 and len(results) == 1 and query.ascending is None else None
        )
        if found is None or found.sign is None:
            return ""
        if found.sign != (-1 if down else 1):
            return "No."
        return "Not lately." if asked["now"] and found.has_ended else "Yes."
    compared = _compared(question, results, days)
    if not compared:
        return ""
    sign, verdict = compared
    return verdict or ("Yes." if sign == (-1 if down else 1) else "No.")


def _of_trend(how: str, reading: Reading, result: Result, days: Period) -> str:
    """Whether one of two measures moved as it is asked: "is traffic up and revenue down"."""
    is_down = re.match("(?:going )?(?:down|fall|fell|declin|drop)", how.lower()) is not None
    return yes_or_no("is it", replace(reading, goes_down=is_down, metrics=()), [result], days)


def _compared(question: str, results: Sequence[Result], days: Period) -> tuple[int, str] | None:
    """Whether the first of what is compared is more (1) or less (-1), or what is said where that is not clear."""
    result, query = results[0], results[0].query
    if result.metric.unit == "count" and _USES.search(question):
        return None  # of them, or how many: the larger group has more who do
    if len(results) == 2 and query.by == ("step",) == results[1].query.by:
        reached = [(one.rows[-1]["value"], one.rows[0]["value"]) for one in results if one.rows]
        return _of_shares(reached) if len(reached) == 2 and all(n for _, n in reached) else None
    if differ_in_one_filter(results):
        return _of_two(result, result.rows[0], results[1].rows[0], 1, 1)
    if len(results) > 1:
        return None
    if query.versus and query.period and not query.by:
        ahead = query.period.first > query.versus.first  # the direction is from the earlier to the later days
        a, b = days_apart(result, days) or (1, 1)
        found = _of_two(result, result.rows[0], row_before(result.rows[0]), a, b)
        sign, verdict = found or (0, "")
        return found and (sign if ahead else -sign, verdict.replace("difference", "change"))
    rows = named_rows(query, result.rows)
    if query.versus or len(rows) != 2 or not asked_beside(query):
        return None
    first = _subject(question, result, rows)
    other = next((row for row in rows if row is not first), None)
    are_unequal = query.against_rest or query.by == ("weekend",)  # all others, and five days, have more
    if first is None or other is None or (are_unequal and is_total(result)):
        return None
    return _of_two(result, first, other, 1, 1)


def _subject(question: str, result: Result, named: Sequence[Row]) -> Row | None:
    """The row of the group that is named first; None where the words of the question do not tell."""
    (name,) = result.query.by
    rows = {str(row[name]): row for row in named}
    if result.query.against_rest:
        return next((row for value, row in rows.items() if value != REST), None)
    values = next((one.values for one in result.query.filters if one.dimension == name and not one.is_excluded), ())
    if values:
        return rows.get(values[0])
    text = question.lower().replace("weekday", "monday")
    places = sorted((text.index(word), value) for value in rows if (word := value.split()[0].lower()) in text)
    if not places:
        return None
    than = _THAN.search(text)
    first = rows[places[0][1]]
    if len(places) == 1 and than and than.start() < places[0][0]:
        return next(row for row in rows.values() if row is not first)
    return first


def _of_two(result: Result, one: Row, other: Row, days: int, other_days: int) -> tuple[int, str] | None:
    values = [of_whole(result.query, row) for row in (one, other)]
    if None in values or one.get("currency") != other.get("currency"):
        return None
    value, against = values[0] / days, values[1] / other_days  # type: ignore[operator]
    sign = (value > against) - (value < against)
    if result.metric.unit == "share" or (result.query.is_share and one.get("n_effective")):
        return sign, UNSURE if not sign or overlap(result, (one, other)) else ""
    apart = abs(value - against) / max(abs(value), abs(against), 1e-12)
    is_count = (is_sum(result.metric) or result.metric.unit == "count") and not in_points(result)
    n = [float(row.get("n") or (is_count and row["value"]) or 0) for row in (one, other)]
    if not sign or apart < (_SURE * _spread(result) * sqrt(sum(1 / each for each in n)) if all(n) else 0.0):
        return sign, UNSURE if is_count or sign else SAME
    return sign, "" if is_count or apart >= _SMALL else SAME if apart < _NEAR else SMALL


def _spread(result: Result) -> float:
    metric = result.metric
    if metric.name in PEOPLE_COUNTED:
        return _OF_PEOPLE
    is_spending = metric.unit == "money" and metric.is_ratio and metric.n_of in ("users", "sessions")
    return _OF_SPENDING if is_spending or result.query.per else _OF_OTHERS


def _of_shares(pairs: Sequence[tuple[int, int]]) -> tuple[int, str]:
    (k, n), (other_k, other_n) = pairs
    sign = (k * other_n > other_k * n) - (k * other_n < other_k * n)
    return sign, UNSURE if not sign or touch(*(interval(*pair, pair[1]) for pair in pairs)) else ""


def _of_existence(question: str, results: Sequence[Result]) -> str:
    """Whether there are any: "did anyone use a coupon?"."""
    result, query = results[0], results[0].query
    is_none = _NONE.search(question) is not None and not any(one.did for one in query.filters)
    is_count = result.metric.unit in ("count", "money") and not result.metric.is_ratio
    is_count &= not (query.by or query.versus or query.is_share or query.per)
    if not is_count or len(results) > 1 or not (is_none or _EXISTS.search(question)):
        return ""
    return "Yes." if bool(result.rows[0]["value"]) != is_none else "No."


def _of_first(question: str, result: Result) -> str:
    """Whether the only group that the question names is the first of all."""
    query = result.query
    if len(query.by) != 1 or query.versus or query.ascending is None or query.filters or (query.top or 1) > 1:
        return ""
    rows = named_rows(query, result.rows)
    names = [group_in_words(query, row) for row in rows]
    text = question.lower()
    said = [place for place, name in enumerate(names, 1) if re.search(rf"\b{re.escape(name.lower())}\b", text)]
    if len(said) != 1:
        return ""
    place = f"t is number {said[0]} of {len(names)}"
    if said == [1]:
        is_clear = len(rows) < 2 or not overlap(result, rows[:2])
        return "Yes." if is_clear else "It is number 1, but its interval and that of number 2 overlap."
    is_near = overlap(result, (rows[0], rows[said[0] - 1]))
    return f"I{place}, but the intervals overlap." if is_near else f"No, i{place}."
