"""A verb at the beginning of a question that was not understood: "whisper the orders by channel".

What asks for an answer cannot limit it, whatever the verb is, so the question is answered without it, and the answer
names it first. Everywhere else an unknown word may limit the question, which is then declined.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from beha2vec_core.chat.words.spelling import english_words

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\S")
# what stands before such a verb, and what follows it
_BEFORE = (
    "please pls kindly can could would will you u we i me us let let's to also so now ok okay hi hello want need just ,"
)
_AFTER = "me us through out up the a an our my all how what which it"


def without_verb(question: str, unknown: Iterable[str]) -> tuple[str, str]:
    """The question without such a verb, and the verb; empty where another word was not understood."""
    words = {word.lower() for word in unknown}
    tokens = list(_WORD.finditer(question))
    for token, after in pairwise(tokens):
        word = token[0].lower()
        if {word} == words and word in english_words() and after[0].lower() in _AFTER.split():
            return (question[: token.start()] + question[token.end() :]).strip(), word
        if word not in _BEFORE.split():
            break
    return question, ""
