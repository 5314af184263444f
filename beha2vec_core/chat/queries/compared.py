"""Which days a question asks for, and which it compares them with."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Literal

from beha2vec_core.chat.days.periods import MARK
from beha2vec_core.chat.parts.dated import has_dates_apart
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.queries.implied_measures import NotRead
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Did, Period, Query, add_months, is_by_time
from beha2vec_core.words import day as day_words

# of one period, or of one on another: no trend within it
UP_OR_DOWN = re.compile(r"^(?!.*\b(?:trend\w*|going|within|during|over)\b).*\b(?:up or down|down or up)\b")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_MONTHS = re.compile(rf"\b{_MONTH}(?: \d{{4}})? ?(?:to|through|thru|till|until|-|\u2013)(?: the end of)? ?{_MONTH}\b")
_TWO_MONTHS = 57  # days
_THAN_IN = re.compile(
    rf"\bthan (?:(?:it|they|we) (?:was|were|is|did|had|do) )?(?:(?:in|on|during|for) )?(?:the )?{MARK}"
)


def periods_of(parts: Parts, compares: bool, days: Period, notes: list[str]) -> tuple[Period | None, Period | None]:
    """The period that is asked for, and the one to compare it with."""
    used = {int(word.name) for word in parts.words if word.kind == "period"}
    periods = list(dict.fromkeys(period for number, period in enumerate(parts.times.periods) if number in used))
    last = days.last
    asks_before = parts.times.asks_before
    if len(periods) > 2 or (len(periods) == 2 and asks_before):
        raise NotRead("I can compare two periods at most.")
    if len(periods) == 2:
        first, second = sorted(periods, key=lambda one: one.first)
        joined = rf"^(?!.*\bbetween\b).*{MARK}\d+ and (?:in )?(?:the )?{MARK}"
        is_one = re.search(joined, parts.text) is not None
        is_next = second.first - first.last == timedelta(days=1)
        if is_one and is_next and parts.has("change") and not (compares or parts.judged):
            return (both := Period(first.first, second.last)), both.before()  # fell in May and June
        is_plain = not (compares or parts.judged or parts.has("change", "cause"))
        if is_plain and not UP_OR_DOWN.search(parts.text):
            if is_next and not has_dates_apart(parts.text):  # in May and June
                notes.append(f"{first.in_words} and {second.in_words} are counted together.")
                return Period(first.first, second.last), None
            raise NotRead("You name two periods. I can compare them (“versus”) or answer for one of them.")
        first, second = sorted(periods, key=lambda one: one.first, reverse=True)
        if second.last >= first.first:
            raise NotRead(f"{first.in_words} and {second.in_words} have days in common: which should I compare?")
        return first, _as_far(first, second, days, notes)
    if len(periods) == 1 and not asks_before and _follows(parts, "compare", "period"):
        now = Period(periods[0].last + timedelta(days=1), last)
        if now.first > now.last or now.before().first != periods[0].first:
            raise NotRead(f"Which period should I compare {periods[0].in_words} with?")
        notes.append(f"The days since then are compared: {now.in_words}.")
        return now, now.before()
    if not periods:
        if asks_before:
            raise NotRead("Before which period?")
        return None, None
    one = periods[0]
    if not asks_before and compares and _THAN_IN.search(parts.text) and one.last < last:  # higher than in January
        begins = max(one.first, days.first)
        same = min(one.last - begins, last - one.last - timedelta(days=1))
        now, earlier = Period(last - same, last), Period(begins, begins + same)
        notes.append(f"{earlier.in_words} is compared with the same number of days at the end of the data.")
        return now, earlier
    if not asks_before:
        return one, None
    return one, parts.times.before(one)


def months_in_a_row(periods: list[Period], last: date) -> Period | None:
    """The days of three or more whole months that follow one another: "jan vs feb vs mar"; else None."""
    found = sorted(dict.fromkeys(periods), key=lambda one: one.first)
    if len(found) < 3 or any(one.first.day != 1 for one in found):
        return None
    ends = [add_months(one.first, 1) - timedelta(days=1) for one in found]
    follow = all(end + timedelta(days=1) == after.first for end, after in zip(ends[:-1], found[1:], strict=True))
    whole = all(one.last in (end, last) for one, end in zip(found, ends, strict=True))
    return Period(found[0].first, found[-1].last) if follow and whole else None


def days_before(period: Period, contents: Contents) -> Period:
    """The period to compare with: of a weekend the one before, of other days that are no whole months as many days."""
    whole = period.first.day == 1 and (period.last + timedelta(days=1)).day == 1
    if whole or period.last == contents.days.last:
        return period.before()
    length = period.last - period.first + timedelta(days=1)
    if period.first.weekday() == 5 and length.days == 2:
        length = timedelta(days=7)
    return Period(period.first - length, period.last - length)


def is_in_data(period: Period, days: Period) -> bool:
    """Whether the data begin early enough to have at least half of the days of a period."""
    end = period.last + timedelta(days=1)
    return end - max(period.first, days.first) >= (end - period.first) / 2


def halves_of(period: Period, days: Period) -> tuple[Period, Period] | None:
    """The second half of a period, since the data begin, and its first; None where these are not two days."""
    first = max(period.first, days.first)
    middle = first + (period.last - first) // 2
    return (Period(middle + timedelta(days=1), period.last), Period(first, middle)) if first < period.last else None


def with_days_after(period: Period, days: Period) -> tuple[Period, Period] | None:
    """A period, since the data begin, and the days after it (of months as many); None: the data end before."""
    first, end = max(period.first, days.first), period.last + timedelta(days=1)
    months = 12 * (end.year - period.first.year) + end.month - period.first.month
    is_months = period.first.day == 1 and end.day == 1
    last = add_months(end, months) if is_months else end + (end - first)
    after = Period(end, last - timedelta(days=1))
    return (Period(first, period.last), after) if first < end and after.last <= days.last else None


def compared_with_after(days: Period) -> str:
    """That a period is compared with the days after it."""
    return f"The data begin on {day_words(days.first)}, so it is compared with the days after it."


def nothing_before(days: Period) -> str:
    """That a period is compared with none before it."""
    return f"The data begin on {day_words(days.first)}, so nothing is compared with the time before."


def _follows(parts: Parts, first: str, second: str) -> bool:
    """Whether a phrase of one kind stands right before one of another kind."""
    pairs = [(one, other) for one in parts.words for other in parts.words if one.kind == first and other.kind == second]
    return any(one.place < other.place and one.is_beside(other) for one, other in pairs)


def _as_far(now: Period, earlier: Period, days: Period, notes: list[str]) -> Period:
    """The earlier period, or of its days those that the later one has already, where that is not over."""
    same = now.before()
    begins_later = days.first > same.first  # the data: the same days would be few
    if same.first != earlier.first or same.last >= earlier.last or begins_later:
        return earlier
    notes.append("The later period is not over, so the same days of both are compared.")
    return same


def by_month(question: str, query: Query) -> Query | None:
    """A mean or rate by month, where a question names months from one to another: "from January to March"."""
    if (
        not METRICS[query.metric].is_ratio
        or not (_MONTHS.search(question.lower()) and query.period)
        or query.by
        or query.versus
        or query.explains
    ):
        return None
    is_of_months = query.period.first.day == 1 and (query.period.last - query.period.first).days > _TWO_MONTHS
    return replace(query, by=("month",)) if is_of_months and not (query.is_share or query.limits) else None


def in_each_period(query: Query) -> Query:
    """The users who did something, by day, week or month: those who did it then, not at any time.

    Raises:
        NotRead: what they did is not known day by day.
    """
    done = [one for one in query.filters if one.dimension == "user" and one.did]
    if query.metric != "users" or not done or not is_by_time(query.by):
        return query
    others = tuple(one for one in query.filters if one not in done)
    did = done[0].did[0]
    if len(done) == len(done[0].did) == 1 and did == Did(did.table, did.filters):
        if did.table == "page_views" and did.filters:
            return replace(query, filters=(*did.filters, *others))
        if did == Did("purchases"):
            return replace(query, metric="buyer_share" if query.is_share else "buyers", filters=others, is_share=False)
        if did.table == "steps" and did.filters[0].values[0].startswith("2 ") and not query.is_share:
            return replace(query, metric="cart_users", filters=others)
    raise NotRead("I can say who did this in one period. By day, week or month: who viewed a page or ordered.")


def step_since(period: Period, days: Period) -> Literal["day", "week", "month"]:
    """How fine a trend since a day is shown: by month since the first of a month that two whole ones follow."""
    begin = max(period.first, days.first)
    begin = begin if begin.day == 1 else add_months(begin.replace(day=1), 1)
    is_long = add_months(begin, 2) <= min(period.last, days.last) + timedelta(days=1)
    return "month" if period.first.day == 1 and is_long else step_of(period)


def step_of(period: Period) -> Literal["day", "week", "month"]:
    """How fine a trend over a period is shown."""
    length = (period.last - period.first).days + 1
    return "day" if length <= 31 else "week" if length <= 182 else "month"


def has_steps(period: Period, step: str) -> bool:
    """Whether a period is as long as two days, weeks, months ..., of which a trend can be shown."""
    least = {"day": 2, "week": 14, "month": 59, "quarter": 181, "year": 730}[step]
    return (period.last - period.first).days + 1 >= least


def funnels_of(query: Query) -> list[Query]:
    """The funnel by its steps: of one group and of all others, where they are compared; other queries as they are."""
    if query.metric != "funnel":
        return [query]
    if query.versus:  # the funnel of each period
        alone = Query("funnel", query.by, query.filters)
        return [one for period in (query.period, query.versus) for one in funnels_of(replace(alone, period=period))]
    if "step" in query.by:
        return [replace(query, ascending=None)]
    if not query.against_rest:
        return [replace(query, by=("step", *query.by), ascending=None)]
    of_group = replace(query, by=("step",), against_rest=False)
    is_part = [one.dimension == query.by[0] and not one.did for one in query.filters]
    others = [replace(one, is_excluded=True) if part else one for one, part in zip(query.filters, is_part, strict=True)]
    return [of_group, replace(of_group, filters=tuple(others))]
