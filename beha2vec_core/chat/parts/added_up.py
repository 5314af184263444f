"""Values that are added up as one group: "austria plus switzerland", "mobile and tablet together"."""

from __future__ import annotations

import re

from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.words.lemmas import tokens

_PLUS = re.compile(r"\s+plus\s+(?=[\w(/])")
_TOGETHER = re.compile(
    r"\b(?:(?:both|all|when|if) )?(?:(?:is|are) )?(?:taken|added|put|counted|summed|lumped|grouped|combined|merged|"
    r"seen) (?:up )?(?:together|jointly)\b|\b(?:added|summed|totall?ed) up\b|\b(?:as|in) (?:one|a single)(?: (?:group|"
    r"total|number|figure|sum|value|block|region|segment|unit))?(?=\W*$|\W*[,:]| (?:in|by|last|this|for)\b)|"
    r"\bas a (?:group|whole|unit|total)\b|\b(?:combined|jointly|altogether)\b"
)
_NOT_APART = re.compile(r"\b(?:together|addedup)\b")
_LONG = 4  # words of a value


def in_one_group(text: str, vocabulary: Vocabulary) -> str:
    """A text in small letters with "and" for "plus", and one word that says that values are added up."""
    for found in reversed(list(_PLUS.finditer(text))):
        before, after = tokens(text[: found.start()]), tokens(text[found.end() :])
        kinds = [_kinds(before[-size:], vocabulary) for size in range(min(_LONG, len(before)), 0, -1)]
        first = next((one for one in kinds if one), set())
        sizes = [(size, _kinds(after[:size], vocabulary)) for size in range(min(_LONG, len(after)), 0, -1)]
        size, second = next(((n, one) for n, one in sizes if one), (0, set()))
        if "metric" in first & second:
            text = f"{text[: found.start()]} and {text[found.end() :]}"
        elif first & second:
            end = re.match(r"\W+".join(map(re.escape, after[:size])), text[found.end() :])
            last = found.end() + (end.end() if end else 0)
            text = f"{text[: found.start()]} and {text[found.end() : last]} addedup{text[last:]}"
    return _TOGETHER.sub("addedup", text)


def are_added_up(text: str) -> bool:
    """Whether a text, after `in_one_group`, asks for values as one group."""
    return _NOT_APART.search(text) is not None


def _kinds(words: list[str], vocabulary: Vocabulary) -> set[str]:
    """The dimensions that all of these words are a value of, or that they name a measure."""
    word, size, _ = vocabulary.longest(words, 0) if words else (None, 0, "")
    if word is None or size != len(words):
        return set()
    return {"metric"} if word.kind == "metric" else word.dimensions
