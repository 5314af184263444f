"""Weekdays in a question: "on friday" is the last one in the data, "fridays" are all of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from beha2vec_core.chat.days.named_days import DAY, MONTH
from beha2vec_core.semantic.query import Period

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMES = "|".join(DAYS)
_OF_ALL = (
    r"(?:every|each|all|any|an?|average|typical|normal|usual|regular|per|by|last|past|previous|next|first|black|good|"
    r"cyber|easter)"
)
_ONE = re.compile(
    rf"(?i)(?<![\w/-])(?:(?:on|the|this|this past) )*\b(?<!every )(?P<day>{_NAMES})\b(?:(?:,| of| in)? (?:the )?"
    r"(?P<week>last|past|previous|this) week)?(?:(?<=day)'s)?(?![\w-])"
)
_DATED = re.compile(rf"(?i)(?:{_NAMES}),? (?:the )?(?:{DAY}|{MONTH})\b|\b(?:{DAY}|{MONTH}|§\d+),? (?:{_NAMES})\b")
_NOT_ONE = re.compile(rf"(?i)\b{_OF_ALL} (?:{_NAMES})\b|\bweekends?\b|\b(?:{_NAMES})s\b|\bweekdays?\b")
# what is so every week: do we sell more on friday than on thursday
_HABIT = re.compile(r"^\W*(?:do|does|is|are)\b|\b(?:usually|normally|generally|typically|in general)\b")
_WEEK_BEFORE = re.compile(rf"(?i)\b(?:the|a) (?:{_NAMES}) (?:before|earlier|prior)(?: that)?(?=\W*$)")


def in_weekdays(text: str, data: Period, keep: Callable[[Period], str]) -> tuple[str, list[str]]:
    """A text in small letters with its single weekdays as days of the data, and how they were read.

    Args:
        data: the days of the data.
        keep: gives the mark of a period.
    """
    if _DATED.search(text) or "§" in text:
        return text, []
    text = _WEEK_BEFORE.sub("the same day the week before", text)
    if _NOT_ONE.search(text):
        return text, []
    if _HABIT.search(text) and not re.search(r"\b(?:this|last) week\b", text):
        return re.sub(rf"\b({_NAMES})\b", r"\1s", text), []
    days = {found["day"] + (found["week"] or ""): _day_of(found, data) for found in _ONE.finditer(text)}
    if len({*days.values()}) < len(days) or not all(data.first <= one.first for one in days.values()):
        return text, []
    notes: list[str] = []

    def put(found: re.Match[str]) -> str:
        name, day = found["day"].capitalize(), days[found["day"] + (found["week"] or "")]
        if not found["week"]:
            notes.append(f"“{name}” was read as the last one in the data, {day.in_words}; all of them are “{name}s”.")
        return keep(day)

    return _ONE.sub(put, text), notes


def as_habits(text: str) -> str:
    """The text with its weekdays as all of them: "on sunday" as "on sundays"; not where it says which one."""
    if any(pattern.search(text) for pattern in (_DATED, _NOT_ONE, _WEEK_BEFORE)):
        return text
    return _ONE.sub(lambda one: one[0] if one["week"] or "this" in one[0].lower() else f"{one[0]}s", text)


def _day_of(found: re.Match[str], data: Period) -> Period:
    number, last = DAYS.index(found["day"]), data.last
    if found["week"]:  # the last whole week, or that of the last day
        sunday = last - timedelta(days=(last.weekday() + 1) % 7)
        last = sunday + timedelta(days=7) if found["week"] == "this" else sunday
    day = last - timedelta(days=(last.weekday() - number) % 7)
    return Period(day, day)
