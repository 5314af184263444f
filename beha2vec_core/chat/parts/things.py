"""The things of a clause: values, joined by "and" or "or", and how often or how many, at a place of its words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from beha2vec_core.chat.days.periods import COUNT
from beha2vec_core.chat.parts.grammar import FILLERS, Value
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.words.numbers import count_of
from beha2vec_core.semantic.definitions import SOURCES
from beha2vec_core.semantic.query import Did, Filter

COMMA = "\u00a6"  # in place of the marks between the words of a question
_COMMA_BEFORE = re.compile(rf"{COMMA}(?= )")
_OR = re.compile(rf"(?:{COMMA} )?(?:and|or|nor)\b(?! (?:then|not|never|no|did|do)\b)")
_ITEMS = ("item_category", "item_subcategory", "item_brand", "item")
DIMENSIONS_OF_VERBS = {  # that the object of a verb can be of
    "saw": ("page_type", "theme", "page", *_ITEMS), "order": _ITEMS,
    "came": (*SOURCES, "country", "device"),
    "used": ("device", "browser", "os", "coupon", "page_type"),
    "coupon": ("coupon",),
}  # fmt: skip
_CODE = re.compile(r"(?:(?:coupon|voucher|discount|promo|promotion) )?(?:codes?|coupons?|vouchers?)\b")
_TABLES = {"saw": "page_views", "order": "items", "came": "sessions", "used": "sessions", "coupon": "items"}
_COMPARED = frozenset(
    ["more", "les", "less", "most", "least", "likely", "often", "better", "first", "last", "next", "then"]
)  # no words of addresses
_PAGE = re.compile(r"pages?\b")
_GOODS = re.compile(r"(?:products?|items?|articles?)\b(?! pages?\b)")
_OF_QUANTITY = {"more", "most", "les", "least", "fewer", "fewest", "few", "other"}  # without an s: no name of a page
_SKIPPED = re.compile(r"(?:(?:a|an|the|any|some|our|your|both|either|all|from|via|of|about) )*")
_CODE = re.compile(r"(?:(?:coupon|voucher|promo|discount|promotion) ?)?codes?\b|coupons?\b|vouchers?\b")
_AFTER_VALUE = re.compile(
    r"(?:pages?|products?|items?|category|categories|theme|articles?|stuff|things?|section|brand)\b"
)
_COUNTED = re.compile(
    r"(at least|more than|over|exactly|only|just|at most|up to|less than|fewer than) (?:(once|twice)|(\d+|"
    rf"{COUNT}))(?: (?:times|orders?|purchases?|sessions?|visits?|items?|products?|page ?views?|pages?|units?|pieces?|"
    r"search(?:es)?|different))*\b|(?:for )?(?:a|the) (?:second|2nd) time\b|(?:several|multiple|many|a few) times\b|"
    r"repeatedly\b|again\b|(?P<bare>once|twice|(?:for )?(?:a|the) (?:third|3rd) time|(?:\d+|two|three|four|five) "
    r"(?:times|orders|purchases|sessions|visits))\b(?! (?:a|per|in|as)\b)"
)


class Unclear(Exception):
    """What was done is not clear."""


class Things:
    """Finds the things in a list of words."""

    verbs: Iterable[re.Pattern[str]] = ()  # that end a list of things

    def __init__(self, words: list[str], vocabulary: Vocabulary) -> None:
        self.words, self.vocabulary, self.values = words, vocabulary, vocabulary.contents.values
        self.thing: Value | None = None  # the items that were viewed, or whose pages

    def match(self, pattern: re.Pattern[str], place: int) -> int:
        """How many words from a place on are the pattern; 0: it does not stand there."""
        found = pattern.match(" ".join(self.words[place:]))
        return len(found[0].split()) if found else 0

    def object(self, place: int, verb: str) -> tuple[list[Did], int]:
        """The values after a verb: joined by "or" those of one of them, else all of them."""
        found: list[Value] = []
        is_either, is_of_both, end = False, False, place
        while place < len(self.words):
            place += self.match(_SKIPPED, place)
            size, chosen = self.value(place, DIMENSIONS_OF_VERBS[verb])
            if chosen is None and (code := self.match(_CODE, place)):  # the code HELLO10
                size, chosen = self.value(place + code, ("coupon",))
                place += code if chosen else 0
            if chosen is None:
                break
            of_items, thing = self.value(place, _ITEMS) if verb == "saw" else (0, None)
            self.thing = thing
            if thing and self.match(_GOODS, place + size):  # the products of a theme, not its pages
                size, chosen = of_items, thing
            found.append(chosen)
            place += size
            place += self.match(_CODE, place) if chosen.dimension == "coupon" else 0
            place += self.match(_AFTER_VALUE, place)
            place += self.match(_CODE, place) if chosen.dimension == "coupon" else 0
            end = place
            joined = self.match(_OR, place) or self.match(_COMMA_BEFORE, place)
            is_either |= bool({"or", "nor"} & {*self.words[place : place + joined]})
            if not joined:
                if is_of_both := " ".join(self.words[place : place + 1]).endswith("/*"):  # article pages of the journal
                    continue
                is_verb = any(self.match(pattern, place) for pattern in self.verbs)
                if (
                    not (is_verb or self.count(place)) and self.value(place, DIMENSIONS_OF_VERBS[verb])[1]
                ):  # returns policy
                    raise Unclear
                break
            place += joined
        if not found:
            return [], place
        table = {"coupon": "items", "page_type": "page_views"}.get(found[0].dimension, _TABLES[verb])
        table = "viewed_items" if verb == "saw" and found[0].dimension in _ITEMS else table
        found = [one.of_table(table) for one in found]
        if is_of_both:
            return [Did(table, tuple(Filter(one.dimension, one.values) for one in found))], end
        if is_either:
            if len({one.dimension for one in found}) > 1:
                raise Unclear
            values_of_all = tuple(dict.fromkeys(value for one in found for value in one.values))
            return [Did(table, (Filter(found[0].dimension, values_of_all),))], end
        return [Did(table, (Filter(one.dimension, one.values),)) for one in found], end

    def value(self, place: int, dimensions: tuple[str, ...]) -> tuple[int, Value | None]:
        """The value that begins at a place, of the first dimension that has one, and its number of words."""
        here = self.vocabulary.values_at(self.words, place)
        if not here and place < len(self.words):
            word, size, _ = self.vocabulary.longest(self.words, place)
            here = [(size, word.values)] if word and word.kind == "value" else []
        every = [(size, one) for name in dimensions for size, some in here for one in some if one.dimension == name]
        if "page" in dimensions:  # the hats page
            every = [one for one in every if one[1].dimension not in _ITEMS or not self.match(_PAGE, place + one[0])]
        if not every and "page" in dimensions and place < len(self.words):  # a word of addresses
            said = self.words[place].removesuffix("s")
            is_name = len(said) > 2 and said not in FILLERS | _OF_QUANTITY and said not in _COMPARED
            if is_name and (pages := self.vocabulary.pages_with(said)):
                return 1, Value("page", pages)
        longest = max((size - self._ends_in_page(place, size) for size, _ in every), default=0)
        every = [one for one in every if one[0] - self._ends_in_page(place, one[0]) == longest]
        return every[0] if every else (0, None)

    def _ends_in_page(self, place: int, size: int) -> bool:
        """Whether the last word says only that it is a page."""
        return size > 1 and self.words[place + size - 1] in ("page", "pages")

    def count(self, place: int) -> tuple[int, int | None, int, str] | None:
        """At least and at most so many, how many words say it, and these."""
        found = _COUNTED.match(" ".join(self.words[place:]))
        if found is None:
            return None
        text = found[0]
        if found[1] is None:
            number = {"once": 1, "twice": 2}.get(text) or (3 if "third" in text or "3rd" in text else 0)
            number = number or (count_of(text.split()[0]) if found["bare"] else 2)
            exactly = found["bare"] and "third" not in text and "3rd" not in text
            return (number, number if exactly else None, len(text.split()), text)
        number = {"once": 1, "twice": 2}.get(found[2]) or count_of(found[3])
        limits = {"at least": (number, None), "more than": (number + 1, None), "over": (number + 1, None)}
        less = {"at most": (0, number), "up to": (0, number), "less than": (0, number - 1)}
        low, high = (limits | less | {"fewer than": (0, number - 1)}).get(found[1], (number, number))
        return low, high, len(text.split()), text
