"""Days that are not as usual: "were there any days with unusual traffic?"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from statistics import median

from beha2vec_core.chat.answers.answer import LookupAnswer
from beha2vec_core.chat.answers.per_day import is_sum, plain_value
from beha2vec_core.chat.answers.phrases import name_of, when_of
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import Reading, read_question
from beha2vec_core.chat.words.numbers import NUMBER_WORDS
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.words import day as day_words

_FAR = 4.5  # median distances: about one day in 250 is farther by chance, where values are normal
_FEWEST = 4  # other days of a weekday that show what is usual
_HIGH = re.compile(r"\b(?:high|many|large|much|strong|good|busy)\b", re.IGNORECASE)
_LOW = re.compile(r"\b(?:low|few|small|little|weak|bad|quiet)\b", re.IGNORECASE)
_LISTED = 5
_SIZE = r"(?:high|low|many|few|large|small|much|little|strong|weak|good|bad|busy|quiet)"
_ODD = (
    r"(?:(?:very |really |particularly |especially )?(?:unusual(?:ly)?|abnormal(?:ly)?|anomalous(?:ly)?|"
    r"atypical(?:ly)?|irregular|strange(?:ly)?|odd(?:ly)?|weird|suspicious(?:ly)?|exceptional(?:ly)?|extraordinary|"
    rf"out of the ordinary|unexpected(?:ly)?)(?: {_SIZE}(?: (?:or|and) {_SIZE})?)?|anomal(?:y|ies)|outliers?)"
)
_UNCOUNTED = "".join(rf"(?<!\b{number} )" for number in (*NUMBER_WORDS, "couple of", "few"))
_ASKS = re.compile(
    rf"(?=.*\b{_ODD}\b)(?=.*\b(?:days?|dates?|dai(?:ly)|anomal(?:y|ies)|outliers?|(?:any|some)thing)\b|.*\bwhen\b)"
    r"(?!.*\b(?:users?|customers?|buyers?|visitors?|pages?|clusters?|products?|items?|orders? (?:with|over)|hours?|"
    rf"(?:per|by|which|what) (?:week|month)s?|(?<!last )(?<!this )(?<!past )(?<!\d ){_UNCOUNTED}(?:week|month)s?|"
    r"how many|share|percent|per|by|than|compared|vs|versus)\b(?! views))",
    re.IGNORECASE,
)
# anything odd in the last days that I should look at this morning
_ANYTHING = re.compile(
    r"\W*(?:(?:did|was|is|were|are|has|have|there|you|see|hi|hey|so)\W+)*(?:anything|something|any|some|"
    rf"things?)(?: (?:things?|that|is|was|happens?|happened|really))*\W+(?:{_ODD}|surprising|surprises?|out of line|"
    r"off|wrong|special|worrying|alarming|concerning)(?: (?:happen(?:ed|s|ing)?|going on|been going on|occur(?:red)?|"
    r"there|about|with|our|the|my|numbers|figures|data|sales|shop|site|store|business))*(?P<when> (?:(?:in|on|during|"
    r"over|within|this|last|yesterday|today|since|lately|recently)\b.*?))?(?:,? (?:that )?(?:i|we) (?:should|need to|"
    r"must|have to|ought to) (?:look (?:at|into)|know(?: about)?|check|see|worry about|be aware of)(?: (?:this morning|"
    r"today|now|first))?)?\W*",
    re.IGNORECASE,
)
_LOOKED_AT = ("revenue", "orders", "sessions")
_WORDS = re.compile(
    rf"\b(?:{_ODD}|(?:was|were|is|are|have|has|had|did) there(?: been)?|there (?:was|were|is|are)|any|some|which|what|"
    r"on|when|days?|dates?|daily|show|list|find|tell|me|do|did|does|we|you|see|have|has|had|with|where|that|was|"
    r"were|is|are|the|our|an?|detect|ever|look(?:s|ed)?|(?:any|some)thing|happen(?:s|ed|ing)?|going|numbers? of|"
    r"amounts? of|please|of|in the data|and)\b|[?!.]",
    re.IGNORECASE,
)
_IN_DAYS = re.compile(
    r"\b(?:(?:in|since|from|during|over|between|last|this|until|before|after)\b.*?)(?= (?:with|where|when|that|"
    r"which|had|has|have)\b|\W*$)",
    re.IGNORECASE,
)


def unusual_days(question: str, vocabulary: Vocabulary, measure: Callable[[Query], Result]) -> LookupAnswer | None:
    """The days whose value is far from what is usual on their weekday; None where these are not asked for."""
    anything = _ANYTHING.fullmatch(question)
    named = vocabulary.read((anything["when"] or "").lower()) if anything else ()
    if anything and not any(word and word.kind in ("metric", "value") for word, *_ in named):
        return _anything(anything["when"] or "", vocabulary, measure)
    if not _ASKS.match(question):
        return None
    when = found[0] if (found := _IN_DAYS.search(question)) else ""
    before = question.replace(when, " ") if when else question
    what = re.sub(r"\s+", " ", _WORDS.sub(" ", before)).strip(" ,")
    when = re.sub(rf"\b{_ODD}\b", " ", when, flags=re.IGNORECASE).strip(" ?!.")
    reading = read_question(f"{what or 'sessions'} by day {when}", vocabulary, None)
    query = reading.query
    if query is None or reading.more or query != Query(query.metric, ("day",), query.filters, query.period):
        return None
    if METRICS[query.metric].is_ratio:
        return None
    days = vocabulary.contents.days
    period = query.period or days
    result = measure(replace(query, period=None))  # all days show what is usual
    said = re.sub(r"\b(?:last|past|recent) few\b", " ", question, flags=re.IGNORECASE)
    side = (_HIGH.search(said) is not None) - (_LOW.search(said) is not None)
    return _in_words(result, reading, days, Period(max(period.first, days.first), min(period.last, days.last)), side)


def _anything(when: str, vocabulary: Vocabulary, measure: Callable[[Query], Result]) -> LookupAnswer | None:
    """What was unusual of the main measures in some days; without days, in the last week of the data."""
    last = vocabulary.contents.days.last
    when = when if when.strip() else " in the last 7 days"
    asked = [unusual_days(f"days with unusual {name}{when}", vocabulary, measure) for name in _LOOKED_AT]
    found = [one for one in asked if one]
    if len(found) < len(asked):
        return None
    first, lines = found[0], [one.text.split("\n")[0] for one in found]
    period = first.reading.period if first.reading else None
    if period is None or period.last >= last:
        shown = [text for name in _LOOKED_AT if (text := _last_day(measure(Query(name, ("day",))), last))]
        usual = ", is within what is usual" * (not any(one.table for one in found))
        lines += [f"The last day, {last:%A} {day_words(last)}{usual}: {'; '.join(shown)}."] if shown else []
    lines += [line for line in first.text.split("\n")[2:] if not line.startswith("Looked up")]
    lines.append(f"Looked up: {', '.join(METRICS[name].label for name in _LOOKED_AT)}, by day.")
    table = next((one.table for one in found if one.table), None)
    statements = [statement for one in found for statement in one.statements]
    return replace(first, text="\n".join(line for line in lines if line), statements=statements, table=table)


def _last_day(result: Result, last: date) -> str:
    """The value of the last day of the data, and what is usual on its weekday."""
    rows = {row["day"]: row for row in result.rows if row["value"] is not None}
    usual = _usual({one: float(row["value"]) for one, row in rows.items()}).get(last)
    if last not in rows or not usual:
        return ""
    value, label = float(rows[last]["value"]), result.metric.label
    shown, normal = (plain_value(result.metric, one, rows[last]) for one in (value, usual))
    apart = f"{value / usual - 1:+.0%}"
    return f"{label} {shown} (usual on a {last:%A}: {normal}, {apart})"


def _in_words(result: Result, reading: Reading, days: Period, period: Period, side: int) -> LookupAnswer:
    """The days of a period that are not as usual; ``side``: only those above (1) or below (-1)."""
    query, metric = result.query, result.metric
    example = next((row for row in result.rows if row["value"] is not None), {})
    known = {row["day"]: row["value"] for row in result.rows}
    if is_sum(metric) or metric.unit == "count":
        every = (days.first + timedelta(days=one) for one in range((days.last - days.first).days + 1))
        known = {one: known.get(one, 0.0) for one in every}
    all_values = {one: float(value) for one, value in known.items() if value is not None}
    values = {one: value for one, value in all_values.items() if period.first <= one <= period.last}
    if not values:
        return LookupAnswer("There are no data for these days.", understood=False, reading=reading)

    def shown(value: float) -> str:
        return str(plain_value(metric, value, example))

    usual = _usual(all_values)
    apart = {one: all_values[one] - normal for one, normal in usual.items()}
    far = _FAR * median(map(abs, apart.values())) if apart else 0.0
    is_far = (one for one in apart if one in values and abs(apart[one]) > far > 0 and apart[one] * side >= 0)
    odd = [(one, values[one], usual[one]) for one in is_far]
    odd.sort(key=lambda one: -abs(apart[one[0]]))
    kind = {1: "an unusually high number of", -1: "an unusually low number of", 0: "an unusual number of"}[side]
    if metric.unit == "money":
        kind = kind.removeprefix("an ").removesuffix(" number of")
    what = f"{name_of(query, metric)}{when_of(period)}"
    if odd:
        listed = "; ".join(
            f"{one:%A} {day_words(one)}, {shown(value)} (usual: {shown(normal)})"
            for one, value, normal in odd[:_LISTED]
        )
        more = f"; and {len(odd) - _LISTED} more" if len(odd) > _LISTED else ""
        lines = [f"Days with {kind} {what}: {len(odd)} of {len(values)}. {listed}{more}."]
    elif usual and far:
        lines = [f"No day has {kind} {what}."]
    elif usual:
        lines = [f"{what[0].upper()}{what[1:]}: most days have the same number, so none can be said to be unusual."]
    else:
        lines = [f"{what[0].upper()}{what[1:]}: too few days to say what is usual."]
    high, low = (choose(values, key=lambda one: values[one]) for choose in (max, min))
    lines += [
        f"Highest: {shown(values[high])} on {day_words(high)}. Lowest: {shown(values[low])} on {day_words(low)}. "
        f"Median: {shown(median(values.values()))}.",
        f"A day counts as unusual if it is {_FAR:g} times as far from the usual level of its weekday as a typical day.",
        *(["Days with amounts in several currencies are left out."] if len(known) > len(all_values) else []),
        *reading.notes,
        f"Looked up: {what}, by day.",
    ]
    table = None
    if odd:
        rows = [[one.isoformat(), f"{one:%A}", shown(value), shown(normal)] for one, value, normal in odd]
        columns = ["day", "weekday", metric.label, "usual"]
        table = SqlAnswer(result.statement, columns, [False] * 4, rows, truncated=False)
    return LookupAnswer("\n".join(lines), statements=[result.statement], reading=reading, table=table)


def _usual(values: dict[date, float]) -> dict[date, float]:
    """Of each day the median of the other days of its weekday; of weekdays that have enough days."""
    others = {
        one: [value for other, value in values.items() if other != one and other.weekday() == one.weekday()]
        for one in values
    }
    return {one: median(some) for one, some in others.items() if len(some) >= _FEWEST}
