"""So many weeks or months, without a word for which: "over the three months"."""

from __future__ import annotations

import re
from collections.abc import Callable

from beha2vec_core.chat.days.named_days import later
from beha2vec_core.chat.words.numbers import NUMBER_WORDS, count_of
from beha2vec_core.semantic.query import Period

_NUMBER = rf"\d+|thirteen|{'|'.join(NUMBER_WORDS)}"
_SPAN = re.compile(
    r"\b(?:(?P<how>for each(?: one)? of|each of|every one of|over|across|throughout|through|during|within|in|for|of) )?"
    rf"(?:(?:all|the|these|those|our|whole|full|entire|complete) )+(?P<number>{_NUMBER}) (?:(?:whole|full) )?"
    r"(?P<unit>day|week|month|quarter)s\b(?! (?:before|after|of (?!data|the data)|since|from|until|up to|prior|earlier|"
    r"ago|to|that (?!we)|with|following|leading))(?: (?:of|in) (?:the )?data| (?:that )?we have(?: data)?)?"
)
_TREND = re.compile(r"\b(?:develop\w*|evol\w+|trend\w*|chang\w+|course|progress\w*|gr[eo]w\w*|went|gone|go)\b")
_NEARLY = 0.1  # of its length, that the data may be longer or shorter


def in_known_spans(text: str, data: Period, keep: Callable[[Period], str]) -> tuple[str, list[str]]:
    """A text in small letters with such spans as all days of the data, if they are as long, else as its last days.

    Args:
        data: the days of the data.
        keep: gives the mark of a period.
    """
    notes: list[str] = []

    def put(found: re.Match[str]) -> str:
        number = 13 if found["number"] == "thirteen" else count_of(found["number"])
        first = later(data.last, found["unit"], -number)
        days, all_days = (data.last - first).days, (data.last - data.first).days + 1
        how = found["how"] or ""
        steps = f" by {found['unit']} " if "each" in how or "every" in how or _TREND.search(text) else " "
        if abs(days - all_days) <= _NEARLY * days:
            notes.append(f"“{found[0].strip()}” was read as all days of the data.")
            return steps
        if days > all_days:
            return found[0]
        span = Period(later(data.last, "day", 1 - days), data.last)
        notes.append(f"“{found[0].strip()}” was read as {span.in_words}.")
        return f"{steps}{keep(span)}"

    return _SPAN.sub(put, text), notes
