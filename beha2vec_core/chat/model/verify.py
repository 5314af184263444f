"""Which numbers of an answer are in the data that was looked at."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from beha2vec_core.chat.words.numbers import NUMBER_WORDS

_NUMBER = re.compile(r"(?<![\w.,])[-+−]?(?:\d{1,3}(?:[,  ]\d{3})+|\d+)(?:\.\d+)?")
_UNIT = re.compile(r"\s*(%|percent\b|per cent\b|k\b|thousand\b|m\b|million\b)", re.IGNORECASE)
_CLUSTER_BEFORE = re.compile(r"\bclusters?\s*(?:#?\s*-?\d+\s*(?:,|and|or|&|to|vs\.?|with)\s*)*#?\s*$", re.IGNORECASE)
_LIST_MARK = re.compile(r"(?:^|\n)\s*$")
# a computed sum: the data have nothing to compare it with
_RATIOS = ("twice", "double", "doubled", "triple", "tripled", "thrice", "half", "third", "quarter")
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join([*NUMBER_WORDS, *_RATIOS])})\b", re.IGNORECASE)
_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}
# written by our narrators from the facts, and checked: their numbers are the data's
_PROSE = {"summary", "persona", "actions", "differences", "caveats", "similarities", "key_differences", "opportunities"}
_MARK = "[not found in the data]"


class Known:
    """Numbers and texts of all tool results of a conversation."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.numbers: set[float] = set()
        self.texts: set[str] = set()
        self.clusters: set[int] = set()

    def add(self, data: Any, name: str = "") -> None:
        """All that a tool result holds; lengths of its lists too ("7 clusters")."""
        if isinstance(data, Mapping):
            for key, value in data.items():
                self.add(value, str(key))
        elif isinstance(data, list | tuple):
            self.numbers.add(float(len(data)))
            for value in data:
                self.add(value, name)
        elif isinstance(data, bool) or data is None:
            return
        elif isinstance(data, int | float):
            if math.isfinite(data):
                self.numbers.add(float(data))
                if name == "cluster" or name.endswith("cluster_key"):
                    self.clusters.add(int(data))
        else:
            self._add_text(str(data))
            if name in _PROSE:
                for match in _NUMBER.finditer(str(data)):
                    self._add_text(match.group() + ("%" if str(data)[match.end() :].startswith("%") else ""))

    def _add_text(self, text: str) -> None:
        if _is_value(text):  # "12.3%", "1,204": numbers as our tools write them
            digits = text.replace(",", "").rstrip("%").strip()
            self.numbers.add(float(digits))
            if text.endswith("%"):
                self.numbers.add(float(digits) / 100)
        elif any(char.isdigit() for char in text) or _NUMBER_WORD.search(text):
            self.texts.add(text)

    def has(self, value: float, tolerance: float, *, percent: bool) -> bool:
        """Whether some number is this one, rounded; of a percent sign, a share."""
        value = abs(value)
        return any(
            abs(abs(known) * scale - value) <= tolerance
            for known in self.numbers
            for scale in ((1.0, 100.0) if percent else (1.0,))
        )


def mark_unknown(text: str, known: Known) -> tuple[str, list[str]]:
    """The text with a mark behind each number that is in no tool result, and these numbers.

    A number is known if it is one of the data, rounded to the digits written. Numbers within quoted pages, titles and
    fact ids of the data are no claims, nor are list marks; a cluster's key must be one of the data. That a known number
    stands beside the right words is not checked.
    """
    plain = _blank_quotes(text, known.texts)
    unknown: list[tuple[int, str]] = []
    for match in _NUMBER.finditer(plain):
        after = plain[match.end() :]
        before = plain[: match.start()]
        if _LIST_MARK.search(before) and re.match(r"[.)]\s", after):
            continue
        digits = re.sub(r"[,  +−-]", "", match.group())
        value, tolerance = float(digits), 0.5 * 10.0 ** -len(digits.partition(".")[2]) + 1e-9
        unit = _UNIT.match(after)
        word = unit.group(1).lower() if unit else ""
        scale = _SCALES.get(word, 1.0)
        end = match.end() + (unit.end() if unit else 0)
        if _CLUSTER_BEFORE.search(before) and not unit:
            if int(float(digits)) in {abs(key) for key in known.clusters}:
                continue
        elif known.has(value * scale, tolerance * scale, percent=word in ("%", "percent", "per cent")):
            continue
        unknown.append((end, plain[match.start() : end].strip()))
    for match in _NUMBER_WORD.finditer(plain):
        count = NUMBER_WORDS.get(match.group().lower())
        if count is None or not known.has(count, 0.0, percent=False):
            unknown.append((match.end(), match.group()))
    for end, _ in sorted(unknown, reverse=True):
        text = f"{text[:end]} {_MARK}{text[end:]}"
    return text, [number for _, number in sorted(unknown)]


def cited(text: str, fact_ids: Iterable[str]) -> list[str]:
    """The fact ids of the data that the text names, in its order."""
    found = [(text.find(fact_id), fact_id) for fact_id in fact_ids]
    return [
        fact_id
        for place, fact_id in sorted(found)
        if place >= 0 and not re.match(r"[\w~-]", text[place + len(fact_id) :])
    ]


def _is_value(text: str) -> bool:
    return re.fullmatch(r"-?\d[\d,]*(\.\d+)?%?", text) is not None


def _blank_quotes(text: str, quotes: Iterable[str]) -> str:
    """The text, as long as before, without texts of the data, which may hold digits."""
    forms = {form for text_of_data in quotes for form in (text_of_data, text_of_data.replace("_", " "))}
    for quote in sorted(forms, key=len, reverse=True):
        if len(quote) > 3 and any(char.isalpha() for char in quote) and quote.lower() in text.lower():
            text = re.sub(re.escape(quote), lambda match: "·" * len(match.group()), text, flags=re.IGNORECASE)
    # dates are of the data where they stand in it as a whole
    dates = {match for quote in quotes for match in re.findall(r"\d{4}-\d{2}-\d{2}", quote)}
    return re.sub(r"\d{4}-\d{2}-\d{2}", lambda match: "·" * 10 if match.group() in dates else match.group(), text)
