"""Misspelled words, put right where only one known word is near, and the word itself is no common English one.

Words of the data (names of items, pages, sources) are put right where they are read: see `Vocabulary`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from pathlib import Path

_WORD = re.compile(r"(?<![\w/.@'\u2019-])[a-z]{2,}(?![\w/@-]|[.'\u2019]\w)")
_ASKS = ("what", "when", "which", "where")
# small words that join the others, of which a slip is another or no word: adn, yb, fom, "form france", "las week"
_SMALL: list[str] = re.findall(
    r"\w+", "the and for from with by than last this that which what when who how of in on to is are was did does"
)
_NO_NOUN = frozenset(
    re.findall(
        r"\w+", "the a an our my your their and or of in on at to for from with by per many much which what any no some"
    )
)
_NOUN_AFTER = re.compile(r"\s+(?:(?:the|our|an?|no) )?([a-z]+)")
_UNIT_AFTER = re.compile(r"\s+(?:day|week|month|hour|user|visitor|customer|buyer|session|visit)\b")
_TIME_AFTER = re.compile(r"\s+(?:\d+ |few |couple of )?(?:day|week|month|quarter|year)s?\b")
_LONG = 6  # letters: of shorter words, a letter is missing, doubled or at the wrong place, but not another one


@cache
def english_words() -> frozenset[str]:
    """Common English words: near to one of ours, but not meant so."""
    lines = (Path(__file__).parent / "english_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


class Speller:
    """Puts right the words of questions.

    Args:
        known: all words that are understood, whatever they stand for.
        named: words in names of the data, in small letters.
    """

    def __init__(self, known: Collection[str], named: Collection[str]) -> None:
        """Keep the words."""
        self._known = frozenset(known) | {f"{word}s" for word in known if len(word) > 3 and word[-1] not in "sxyh"}
        self._named = frozenset(named)

    def corrected(self, text: str) -> tuple[str, list[str]]:
        """The text with misspelled words put right, and a note for each."""
        notes = []

        def right(found: re.Match[str]) -> str:
            word = found[0].lower()
            if len(word) < 3 and not found[0].islower():  # a code: "SI"
                return found[0]
            chosen = self._meant(word) or self._joins(word, text[: found.start()], text[found.end() :].lower())
            if not chosen:
                return found[0]
            notes.append(f"“{word}” was read as “{chosen}”.")
            return chosen

        return re.sub(_WORD, right, text) if text.islower() else re.sub(_WORD.pattern, right, text, flags=re.I), notes

    def _meant(self, word: str) -> str:
        """The known word that is meant; empty where the word is right, or could be several."""
        if {word, word.removesuffix("s")} & (self._known | self._named) or word in english_words():
            return ""
        if word == "pre":  # before, or per: see `_joins`
            return ""
        if small := [one for one in _SMALL if _is_small_slip(word, one)]:
            return max(small, key=lambda one: (len(one), one[0] == word[0]))
        if len(word) < 3:
            return ""
        from rapidfuzz.distance import OSA  # only for questions with unknown words

        def near(words: Collection[str]) -> list[str]:
            alike = (one for one in words if one[0] == word[0] and abs(len(one) - len(word)) < 2)
            return [one for one in alike if OSA.distance(word, one, score_cutoff=1) == 1]

        found = [one for one in near(self._known) if self._is_slip(word, one)]
        found = [one for one in found if one.removesuffix("s") not in found or not one.endswith("s")]
        if not found or near(self._named - self._known):
            return ""
        # a letter is left out more often than typed twice, and two change places more often than one is another
        for better in (
            [one for one in found if len(one) > len(word)],
            [one for one in found if _are_swapped(word, one)],
        ):
            found = better or found
        return found[0] if len(found) == 1 else ""

    def _joins(self, word: str, before: str, after: str) -> str:
        """The small word that is meant by an English one, where no noun can stand: "traffic form france"."""
        if word in self._known or {word, word.removesuffix("s")} & self._named:
            return ""
        if len(word) > 2 and _lacks(word, "last") and _TIME_AFTER.match(after):
            return "last"
        if word == "pre" and _UNIT_AFTER.match(after):
            return "per"
        last, following = re.findall(r"[a-z]+(?=\s*$)", before.lower()), _NOUN_AFTER.match(after)
        if not last or last[0] in _NO_NOUN or not following or following[1] in ("page", "pages", word):
            return ""
        if following[1] not in self._named:
            return ""
        return next((one for one in ("from", "with") if word != one and _are_swapped(word, one)), "")

    def _is_slip(self, word: str, known: str) -> bool:
        """Whether a short word differs in more than one letter that is another."""
        if len(word) < 4 or len(known) < 4:
            return _are_swapped(word, known) or known in _ASKS
        is_doubled = len(known) < len(word) and re.sub(r"(.)\1", r"\1", word) == re.sub(r"(.)\1", r"\1", known)
        return len(word) >= _LONG or len(known) > len(word) or _are_swapped(word, known) or is_doubled


def _is_small_slip(word: str, small: str) -> bool:
    """Whether two neighboring letters of a small word changed places, or one of four or more is left out."""
    if len(word) == len(small):
        return any(word == small[:n] + small[n + 1] + small[n] + small[n + 2 :] for n in range(len(small) - 1))
    return len(small) > 3 and small != "than" and _lacks(word, small)  # tan is a color


def _lacks(word: str, small: str) -> bool:
    """Whether a word is another one without one of its letters, but for the first."""
    return any(word == small[:n] + small[n + 1 :] for n in range(1, len(small)))


def _are_swapped(word: str, known: str) -> bool:
    return sorted(word) == sorted(known)
