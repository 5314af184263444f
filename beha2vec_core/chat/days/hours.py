"""Hours of the day in a question: "before noon", "between 6 and 9 pm", "in the evening"."""

from __future__ import annotations

import re

_PARTS = {  # from and to, both hours included
    "morning": (6, 11), "afternoon": (12, 17), "evening": (18, 23), "night": (0, 5), "lunchtime": (12, 13),
    "lunch time": (12, 13), "lunch": (12, 13),
}  # fmt: skip
_HOUR = r"(noon|midday|midnight|\d{1,2}(?::00)?)\s?(am|pm|a\.m\.|p\.m\.|o ?clock|h)?"
_RANGE = re.compile(rf"\b(?:between|from) {_HOUR} (?:and|to|until|till) {_HOUR}(?=\W|$)")
_END = re.compile(rf"\b(before|until|till|up to|after|past|since|from|at) {_HOUR}(?: (?:on|onwards))?(?=\W|$)")
_PART = re.compile(
    rf"\b(?:in the|during the|at|over|in)\s+({'|'.join(_PARTS)})s?\b|\b(mornings|afternoons|evenings|nights)\b|"
    r"\b(?:over)?(morning|afternoon|evening|night|lunch ?time)(?= (?:orders?|visits?|sessions?|traffic|revenue|sales|"
    r"visitors|users|buyers|conversion))"
)


def hours_of(first: int, last: int) -> str:
    """The word for hours from one to another, both included."""
    return f"hours{first}to{last}"


def in_hours(text: str) -> str:
    """A text in small letters with parts of the day as one word each; a number is an hour only beside am, pm or so."""

    def between(found: re.Match[str]) -> str:
        after = found[4] or found[2]
        if not (after or {found[1], found[3]} & {"noon", "midday", "midnight"} or ":" in found[1] + found[3]):
            return found[0]
        first, last = _hour(found[1], found[2] or after), _hour(found[3], after)
        return hours_of(first, (last or 24) - 1) if 0 <= first < (last or 24) <= 24 else found[0]

    def end(found: re.Match[str]) -> str:
        if not (found[3] or found[2] in ("noon", "midday", "midnight") or ":" in found[2]):
            return found[0]
        hour = _hour(found[2], found[3])
        if found[1] == "at":
            return hours_of(hour, hour) if hour < 24 else found[0]
        if found[1] in ("after", "past") and not hour:  # midnight
            return hours_of(*_PARTS["night"])
        if found[1] in ("after", "past", "since", "from"):
            return hours_of(hour, 23) if hour < 24 else found[0]
        return hours_of(0, hour - 1) if 0 < hour <= 24 else found[0]

    def part(found: re.Match[str]) -> str:
        return hours_of(*_PARTS[found[1] or (found[2] or found[3]).removesuffix("s")])

    return _PART.sub(part, _END.sub(end, _RANGE.sub(between, text)))


def _hour(text: str, half: str | None) -> int:
    """The hour of a word or number; 99: there is none."""
    if text in ("noon", "midday"):
        return 12
    if text == "midnight":
        return 0
    hour = int(text.partition(":")[0])
    if half and half[0] in "ap":
        return hour % 12 + 12 * (half[0] == "p") if 1 <= hour <= 12 else 99
    return hour if hour <= 24 else 99
