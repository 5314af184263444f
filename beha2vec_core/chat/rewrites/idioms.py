"""How people speak, in the words that questions are read in: "slice of the pie", "carve up", "where do they bail".

Idioms are replaced in the question as it was typed, before anything else reads it.
"""

from __future__ import annotations

import re

from beha2vec_core.chat.rewrites import everyday_words, idioms_of_numbers, idioms_of_people
from beha2vec_core.chat.rewrites.at_the_time import AT_THE_TIME
from beha2vec_core.chat.rewrites.exits_and_hits import EXITS_AND_HITS
from beha2vec_core.chat.rewrites.items_of_orders import ITEMS_OF_ORDERS
from beha2vec_core.chat.rewrites.sort_orders import SORT_ORDERS
from beha2vec_core.chat.rewrites.substitute import rewritten
from beha2vec_core.chat.rewrites.turns import TURNS
from beha2vec_core.chat.rewrites.visits_to_order import VISITS_TO_ORDER
from beha2vec_core.chat.words.verbs import PEOPLE

_IDIOMS = (
    *VISITS_TO_ORDER,
    *SORT_ORDERS,
    *AT_THE_TIME,
    *ITEMS_OF_ORDERS,
    *EXITS_AND_HITS,
    *TURNS,
    *everyday_words.EVERYDAY,
    *idioms_of_numbers.IDIOMS,
    *idioms_of_people.IDIOMS,
)
_COMPILED = [(re.compile(pattern, re.IGNORECASE), new) for pattern, new in _IDIOMS]


_THEY = re.compile(r"\b(?:they|them|these|those)\b", re.IGNORECASE)
_NAMED = re.compile(rf"\b(?:{PEOPLE}|sessions?|visits?|orders?|who)\b", re.IGNORECASE)  # that "they" can stand for


def in_plain_words(question: str, *, continues: bool = False) -> str:
    """The question without idioms.

    Args:
        continues: whether it may continue another: then "they" stays, unless the question names who they are.
    """
    text = question.replace("\u2019", "'")
    for pattern, new in _COMPILED:
        if continues and (found := pattern.search(text)) and _is_lost(found, found.expand(new)):
            continue
        text = rewritten(pattern, new, text)
    return re.sub(r"\s+", " ", text).strip() if text != question else question


def _is_lost(found: re.Match[str], text: str) -> bool:
    they = _THEY.search(found[0])
    return bool(they and not _THEY.search(text) and not _NAMED.search(found.string[: found.start() + they.start()]))
