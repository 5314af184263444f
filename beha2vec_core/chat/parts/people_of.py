"""People who are named after where they come from: "newsletter readers", "instagram followers", "google searchers"."""

from __future__ import annotations

import re

from beha2vec_core.chat.parts.grammar import OF_ITEMS
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.words.lemmas import tokens
from beha2vec_core.chat.words.verbs import NAMED_AFTER
from beha2vec_core.semantic.definitions import SOURCES

_NOUN = re.compile(
    rf"(?P<before>(?:[\w./-]+ ){{1,3}})(?P<noun>{NAMED_AFTER})\b"
    r"(?P<alone>\W*$| (?:do|did|have|are|were|is|in|on|by|over|last|this|per)\b)?"
)
_DEMONYM = re.compile(  # how many Danes bought a tent
    r"\bhow many (?P<who>[a-z]+)(?= (?:(?:who|that|have|has|did|do|ever|never|actually) )*(?:bought|buy|ordered?|"
    r"purchased?|visit(?:ed)?|came|come|view(?:ed)?|looked|search(?:ed)?|used?|add(?:ed)?|put|returned?)\b)"
)
_TOP_BUYERS = re.compile(
    r"\b(?P<top>(?:top|best|biggest|largest)(?: \d+)?) (?P<what>[\w-]+(?: [\w-]+)?) "
    r"(?P<who>(?:buyer|customer|shopper)s)\b"
)
# how many of them there are is not in the data
_COUNTED = re.compile(
    r"\b(?:how many|number of|count of|new|lost?|gain(?:ed)?|gr[eo]w\w*|more|fewer|share of|percent\w*(?: of)?|"
    r"%(?: of)?) (?:(?:of|the|our|new|active) )*$"
)


def in_visitors(text: str, vocabulary: Vocabulary) -> tuple[str, list[str]]:
    """A text in small letters with these as people from there, and how they were read."""
    notes: list[str] = []

    def of_country(found: re.Match[str]) -> str:
        word, _, _ = vocabulary.longest([found["who"]], 0)
        is_place = word and word.kind == "value" and "country" in word.dimensions
        return f"how many people from {found['who']}" if is_place else found[0]

    text = _DEMONYM.sub(of_country, text)

    def of_goods(found: re.Match[str]) -> str:
        word, size, _ = vocabulary.longest(tokens(found["what"]), 0)
        is_goods = word and size == len(tokens(found["what"])) and word.kind == "value" and word.dimensions & OF_ITEMS
        return f"{found['top']} {found['who']} of {found['what']}" if is_goods else found[0]

    text = _TOP_BUYERS.sub(of_goods, text)

    def put(found: re.Match[str]) -> str:
        words = tokens(found["before"])
        for size in range(len(words), 0, -1):
            word, length, _ = vocabulary.longest(words[-size:], 0)
            if not (word and length == size and word.kind == "value" and word.dimensions & {*SOURCES}):
                continue
            begin = found["before"].rstrip().rfind(words[-size])
            before, value = found["before"][:begin], found["before"][begin:].strip()
            around = text[: found.start()] + before
            rest = vocabulary.read(f"{around} {text[found.end() :]}")
            is_asked = any(one and one.kind in ("metric", "bought", "sell") for one, *_ in rest)
            if found["alone"] is not None and (_COUNTED.search(around) or not is_asked):
                return found[0]
            said = f"{value} {found['noun']}"
            notes.append(f"“{said}” was read as visitors from {value}: who they are is not in the data.")
            return f"{before}people from {value}{found['alone'] or ''}"
        return found[0]

    return _NOUN.sub(put, text), notes
