"""Words that change which rows a question means, and that no query expresses: "both", "again", "lost", "who only".

They are skipped where they change nothing ("only on mobile"). Elsewhere they are named, and there is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from beha2vec_core.chat.parts.grammar import OF_ITEMS, Word
from beha2vec_core.semantic.definitions import DIMENSIONS, PEOPLE_COUNTED, SOURCES

_DOES = re.compile(
    r"\b(?:visited|came|come|coming|used?|using|viewed|viewing|buy|buying|bought|ordered|purchased?|sells?|sold|return|"
    r"convert(?:ed)?|returned|looks?|looked|looking|saw|sees?|reads?|added|paid|pay|shop|browsed?|went|spen[dt]|landed|"
    r"active|order)\b"
)
_BESIDE_A_VERB = ("only", "just", "still", "often")
_AFTER_A_VERB = ("again", "too", "also")
_LOST = ("lose", "losing", "lost", "gain", "gained")
_BEFORE_A_CHANNEL = re.compile(
    "from|via|through|by|for|vs|versus|and|or|than|between|on|in|is|are|was|were|does|did|has|have|how|of|what|about"
)


def qualifiers(words: Sequence[Word], text: str) -> tuple[list[Word], list[str], str]:
    """The words with those that change nothing as fillers, what is not understood, and why not, in a sentence.

    Args:
        words: all that are understood, in their order.
        text: the question.
    """
    found = [word for word in words if word.kind == "qualifier" and not _changes_nothing(word, words, text)]
    unknown = [word.text for word in found]
    unknown += [word.text for word in words if word.name == "part" and not _is_channel(word, words)]
    unknown += _bought_with(words)
    skipped = [replace(word, kind="filler") if word.kind == "qualifier" else word for word in words]
    return skipped, unknown, _of_two_at_once(words) or _what_is_lost(words, text)


def _is_verb(word: Word) -> bool:
    return word.kind in ("bought", "sell") or (
        word.kind in ("filler", "metric", "unknown") and _DOES.search(word.text) is not None
    )


def _changes_nothing(word: Word, words: Sequence[Word], text: str) -> bool:
    before = [one for one in words if one.place < word.place]
    after = [one for one in words if one.place > word.place]
    beside = [*before[-1:], *after[:1]]
    verbs = [one for one in before if _is_verb(one)]
    if word.text == "often" and re.search(r"\b(?:more|less) often\b", text):
        return True
    if word.text == "only" and len(beside) == 2 and beside[0].kind == "value" and beside[1].name in PEOPLE_COUNTED:
        return False  # "mobile only users"
    if word.text == "only" and len(beside) == 2 and beside[0].text == "the" and beside[1].kind == "by":
        return False  # "the only country with ..."
    if word.text in _BESIDE_A_VERB:
        return (
            not any(_is_verb(one) for one in beside)
            and not (before and before[-1].text in ("who", "that", "has", "have", "had", "with"))
            and not ({"who", "that"} & {one.text for one in before[-2:]})
        )
    if word.text in _AFTER_A_VERB:
        of_degree = word.text == "too" and after and after[0].kind in ("high", "low", "judged")
        return bool(of_degree) or not (verbs or any(_is_verb(one) for one in beside))
    if word.text == "together":
        return not any(one.kind in ("bought", "sell") or one.name in ("buyers", "items_sold") for one in words)
    return True  # both: see `_of_two_at_once`


def _is_channel(word: Word, words: Sequence[Word]) -> bool:
    """Whether a part of names of channels is one: "search" of "visits from search", not of "with a search"."""
    before = [one for one in words if one.place < word.place]
    after = [one for one in words if one.is_beside(word) and one.place > word.place]
    if after and (
        after[0].kind in ("by", "metric", "compare") or after[0].text == "ads" or _names(after[0], "channel", "source")
    ):
        return True
    if not before or before[-1].kind in ("share", "compare", "by", "cause", "without", "period", "value", "change"):
        return True
    if before[-1].text in ("with", "to") and any(one.kind == "compare" for one in before):
        return True  # compare email with paid
    if any(one.name in PEOPLE_COUNTED for one in before[-2:]):  # "users who search", "visitors did search"
        return before[-1].text in ("from", "via", "through", "by")
    return before[-1].kind == "metric" or _BEFORE_A_CHANNEL.fullmatch(before[-1].text) is not None


def _names(word: Word, *dimensions: str) -> bool:
    return word.kind == "value" and any(value.dimension in dimensions for value in word.values)


def _bought_with(words: Sequence[Word]) -> list[str]:
    """What is bought beside something else: "bought with hats" asks for orders that have both."""
    buys = [word.place for word in words if word.kind in ("bought", "sell") or word.name in ("items_sold", "buyers")]
    found = []
    for one, other in pairwise(word for word in words if word.text not in ("the", "a", "an", "our", "some", "any")):
        is_item = _names(other, *OF_ITEMS) or (other.kind == "by" and other.name in OF_ITEMS)
        if one.text == "with" and is_item and any(place < one.place for place in buys):
            found.append(f"{one.text} {other.text}")
    return found


def _of_two_at_once(words: Sequence[Word]) -> str:
    """Why "both" values of one dimension are not answered: those of one of them are counted too."""
    for word in words:
        if word.text != "both" or any(one.kind == "compare" for one in words):
            continue
        after = [one for one in words if one.kind == "value" and one.place > word.place]
        for one, other in pairwise(after):
            shared = [v.dimension for v in one.values if v.dimension in other.dimensions]
            if {*SOURCES} & one.dimensions and {*SOURCES} & other.dimensions and _names_people(words):
                return f"I cannot say who came from both {one.text} and {other.text}: ask who came from one of them."
            if shared and not any(by.kind == "by" and by.name in shared for by in words):
                return f"I cannot say who has both {one.text} and {other.text}: I count each of them separately."
        asked = [one for one in words if one.kind in ("metric", "by") and one.place > word.place]
        if not after and len(asked) < 2:
            return "I did not understand what “both” stands for."
    return ""


def _names_people(words: Sequence[Word]) -> bool:
    return any(word.name in PEOPLE_COUNTED for word in words)


def _what_is_lost(words: Sequence[Word], text: str) -> str:
    """Why "lost sales" are not answered: they are no less than before, but what never came."""
    kinds = {word.kind for word in words}
    if kinds & {"cause", "trend", "compare"}:
        return ""
    for number, word in enumerate(words):
        if word.kind != "change" or word.text not in _LOST:
            continue
        before, after = words[:number], words[number + 1 :]
        is_of_groups = any(one.kind == "by" and DIMENSIONS[one.name].kind != "time" for one in before)
        is_of_groups |= before[-1:] != [] and before[-1].kind == "value" and before[0].text in ("which", "what")
        is_adjective = bool(after) and after[0].kind == "metric" and not is_of_groups and not before[-1:]
        is_adjective |= bool(before) and before[-1].kind == "metric" and not is_of_groups
        is_adjective |= bool(after) and after[0].kind == "metric" and bool(before) and before[-1].text not in (
            "we", "i", "did", "have", "has", "are", "is", "our"
        ) and not is_of_groups  # fmt: skip
        if is_adjective or re.search(r"\b(?:how (?:many|much)|number of)\b", text):
            return (
                f"“{word.text}” can mean less than before, or what never came: "
                "ask for the change against the days before."
            )
    return ""
