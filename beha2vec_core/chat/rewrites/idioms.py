"""How people speak, in the words that questions are read in: "slice of the pie", "carve up", "where do they bail".

Idioms are replaced in the question as it was typed, before anything else reads it.
"""

from __future__ import annotations

import re

from beha2vec_core.chat.rewrites import idioms_of_numbers, idioms_of_people

_COMPILED = [
    (re.compile(pattern, re.IGNORECASE), new) for pattern, new in (*idioms_of_numbers.IDIOMS, *idioms_of_people.IDIOMS)
]


def in_plain_words(question: str) -> str:
    """The question without idioms."""
    text = question.replace("\u2019", "'")
    for pattern, new in _COMPILED:
        text = pattern.sub(new, text)
    return re.sub(r"\s+", " ", text).strip() if text != question else question
