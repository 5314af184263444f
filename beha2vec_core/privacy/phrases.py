"""Patterns of phrases in folded text."""

import re
from functools import lru_cache
from typing import Any

from beha2vec_core.privacy.rules import fold


@lru_cache(50_000)
def same_length_fold(text: str) -> str:
    """Folded text in which every character stands where it stood."""
    if text.isascii():
        return text.lower()
    return "".join(folded if len(folded := fold(c)) == 1 else c.lower() if len(c.lower()) == 1 else c for c in text)


def alternatives(phrases: tuple[str, ...]) -> str:
    """A pattern of any of the phrases in folded text: a trie, as `re` would try hundreds one after the other."""
    tree: dict[str, Any] = {}
    for phrase in phrases:
        node = tree
        for character in same_length_fold(phrase):
            node = node.setdefault(r"[\s_-]?" if character == " " else re.escape(character), {})
        node[""] = {}
    return _pattern_of(tree)


def _pattern_of(tree: dict[str, Any]) -> str:
    branches = [character + _pattern_of(rest) for character, rest in tree.items() if character]
    if not branches:
        return ""
    if len(branches) == 1 and "" not in tree:
        return branches[0]
    return f"(?:{'|'.join(branches)}){'?' if '' in tree else ''}"
