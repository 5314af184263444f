"""Days without data and breaks of the tracking: "are there gaps in the data?", "did the tracking work every day?"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from beha2vec_core.chat.answers.answer import LookupAnswer
from beha2vec_core.chat.data.published import DAILY_EVENTS
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.chat.days.periods import MARK, find_times
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.query import Period
from beha2vec_core.words import counted
from beha2vec_core.words import day as day_words

_NOUN = r"(?:data|events?|tracking|measurements?|records?|hits)"
_BROKEN = re.compile(
    rf"\b(?:(?:{_NOUN} )?(?:gaps?|holes?)|{_NOUN} (?:outages?|interruptions?)|(?:missing|broken|incomplete|empty|lost) "
    rf"(?:days?|dates?|{_NOUN})|(?:days?|dates?) (?:(?:with|that|which|have|had|has|were|are) )*(?:without|no|zero|"
    rf"missing|broken|incomplete)(?: any)?(?: {_NOUN})?|tracking (?:(?:was|is|has|been|did|ever) )*(?:breaks?|"
    r"breakages?|problems?|issues?|errors?|failures?|fail(?:s|ed)?|broken|broke|stop(?:ped)?|down|interrupted|work(?:s|ed|ing)?)|"
    rf"{_NOUN} (?:(?:is|are|was|were|all|be|been) )*(?:missing|complete|whole|lost|incomplete)|"
    rf"{_NOUN} (?:for|of|on) (?:every|each|all) days?|(?:anything|something) (?:wrong|off|broken|missing) (?:with|in) "
    rf"(?:the |our )?{_NOUN})\b"
)
# words that change nothing of it
_BESIDE = re.compile(
    r"did|do|does|has|have|had|is|are|was|were|there|any|all|some|the|our|your|my|we|you|i|"
    r"in|of|on|for|at|from|with|or|and|which|what|when|show|me|list|tell|how|many|been|be|"
    r"ever|days|day|dates|date|daily|every|each|whole|period|time|data|tracking|events|event|ga4|"
    r"google|analytics|measurement|site|shop|website|everything|it|see|can|could|a|an|to|if|"
    r"properly|correctly|fine|ok|okay|well|recorded|collected|check|please|over|during|throughout|so|"
    r"far|collection|export|without|no|missing|broken|problem|problems|issue|issues|point"
)
_LISTED = 5


def broken_days(question: str, days: Period, rows: Callable[[Period], Sequence[dict[str, Any]]]) -> LookupAnswer | None:
    """The days without an event, and those with a break of the tracking; None where these are not asked for.

    Args:
        days: of the data.
        rows: event_date, events, usual_events and tracking_break_reason of the days of a period.
    """
    times = find_times(question.lower(), days)
    text = " ".join(re.findall(r"[\w']+", re.sub(rf"{MARK}\d+", " ", times.text)))
    rest, found = _BROKEN.subn(" ", text)
    if not found or not all(map(_BESIDE.fullmatch, rest.split())) or times.asks_before or len(times.periods) > 1:
        return None
    period = times.periods[0] if times.periods else days
    period = Period(max(period.first, days.first), min(period.last, days.last))
    if period.first > period.last:
        return None
    events: dict[Any, int] = {}
    reasons: dict[Any, str] = {}
    usual: dict[Any, float] = {}
    for row in rows(period):
        day = row["event_date"]
        events[day] = events.get(day, 0) + int(row["events"])
        usual[day] = usual.get(day, 0.0) + float(row.get("usual_events") or 0)
        if reason := row.get("tracking_break_reason"):
            reasons[day] = clean_text(str(reason), limit=80)
    number = (period.last - period.first).days + 1
    every = [period.first + timedelta(days=one) for one in range(number)]
    empty = [one for one in every if not events.get(one)]
    broken = [one for one in every if one in reasons and one not in empty]
    when = f"from {period.in_words}" if number > 1 else f"on {period.in_words}"
    every_day = "The day has" if number == 1 else f"All {number} days have"
    lines = [
        f"Days without events {when}: {len(empty)} of {number}. {_listed([day_words(one) for one in empty])}"
        if empty
        else f"{every_day} events {when}."
    ]
    known = [events[one] for one in every if events.get(one)]
    if known and number > 1:
        lines.append(f"Events per day with data: {min(known):,} to {max(known):,}.")
    named = [f"{day_words(one)}, {reasons[one]} ({events[one]:,} events, usually {usual[one]:,.0f})" for one in broken]
    lines.append(
        f"Tracking broke on {counted(len(broken), 'day')}: {_listed(named)}" if broken else "Tracking broke on no day."
    )
    lines += [
        "That is a day with fewer than half of the usual events (the median of the seven days before), or without "
        "page views or purchases where there usually are some.",
        "Single missing events cannot be seen.",
        *times.notes,
    ]
    table = SqlAnswer(
        DAILY_EVENTS, ["day", "events", "what"], [False] * 3,
        [[f"{one:%Y-%m-%d}", str(events.get(one, 0)), reasons.get(one, "no events")] for one in every
         if one in {*empty, *broken}],
        truncated=False,
    ) if empty or broken else None  # fmt: skip
    return LookupAnswer("\n".join(lines), statements=[DAILY_EVENTS], table=table)


def _listed(names: list[str]) -> str:
    more = f"; and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{'; '.join(names[:_LISTED])}{more}."
