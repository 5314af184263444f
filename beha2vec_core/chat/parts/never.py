"""Groups of which nothing was done, in the words of groups with none: "products nobody bought"."""

from __future__ import annotations

import re

from beha2vec_core.chat.words.verbs import PEOPLE

_ITEMS = r"(?P<groups>(?:products?|items?|articles?|goods))"
_OTHERS = r"(?P<groups>(?:landing pages?|channels?|sources?|campaigns?|countr(?:y|ies)))"
_WHICH = rf"(?:,? (?:that|which|were|was|are|is|have|has|been|gets?|got|{PEOPLE}|we|do|did|does))*"
_NOBODY = rf"(?:nobody|no ?one|none(?: of (?:them|our (?:{PEOPLE})))?|no (?:{PEOPLE}))"
_NEVER = rf"(?:(?:{_NOBODY} (?:ever |has |have |had )*)|(?:never|not) (?:ever |once |been |actually |get |got |gets )*)"
_BOUGHT = r"(?:bought|buys?|purchased?|purchases|ordered|orders?|sold|sells?)\b(?: at all)?"
_LIMITED = r"(?! (?:again|together|with|more|less|out|on|via|from|by)\b)"  # these would be lost
_VIEWED = r"(?:view(?:ed|s)?|seen|see|look(?:ed)? at|visited|visit|browsed|click(?:ed)?(?: on)?|open(?:ed)?)"
_BUT = r",? ?(?:(?:but|and|yet|then|that|which|were|was|are|is|have|has|been|they|people|it) )*"
_A_SALE = r"(?:an?|any) (?:single )?(?:order|sale|purchase)s?"
_CONVERTS = (
    rf"(?:converts?|converted|sells?|sold|(?:leads?|led) to {_A_SALE}|(?:brings?|brought)(?: in| us)? {_A_SALE})\b"
)
_RULES = (
    (re.compile(rf"\b{_ITEMS}{_WHICH} {_VIEWED} {_BUT}{_NEVER}{_BOUGHT}{_LIMITED}"), "with item views and no orders"),
    (re.compile(rf"\b{_ITEMS}{_WHICH} {_NEVER}{_BOUGHT}{_LIMITED}"), "with item views and no orders"),
    (re.compile(rf"\b{_OTHERS}{_WHICH} {_NEVER}{_CONVERTS}"), "with no orders"),
)  # fmt: skip
_OF_PEOPLE = re.compile(rf"\b(?:{PEOPLE}|who|sessions?|visits?|orders?)\b")  # who viewed products and never bought


def in_none(text: str) -> str:
    """A text in small letters where groups of which nothing was done are groups with none."""
    for pattern, none in _RULES:
        found = pattern.search(text)
        if found and not _OF_PEOPLE.search(text[: found.start()]):
            text = f"{text[: found.start()]}{found['groups']} {none}{text[found.end() :]}"
    return text
