"""How a rewrite is put into a text: its words stay apart from those beside it."""

from __future__ import annotations

import re

from beha2vec_core.chat.days.periods import MARK

Rules = tuple[tuple[str, str], ...]  # patterns, and what stands in place of a match
_END = re.compile(rf"[\w{MARK}]")


def rewritten(pattern: re.Pattern[str], new: str, text: str) -> str:
    """The text with the new words for each match of the pattern.

    A match that ends inside of a word, but for its plural, is none ("to us" of "to users"). A space that a match took
    from beside a word stays.
    """

    def put(found: re.Match[str]) -> str:
        old, before, after = found[0], text[: found.start()][-1:], text[found.end() :]
        if old[-1:].isalnum() and re.match(r"(?!s\b)\w", after):
            return old
        said = found.expand(new)
        left = " " * bool(old[:1] == " " and _END.match(before) and _END.match(said))
        right = " " * bool(old[-1:] == " " and _END.match(after) and _END.match(said[-1:]))
        return f"{left}{said}{right}"

    return pattern.sub(put, text)
