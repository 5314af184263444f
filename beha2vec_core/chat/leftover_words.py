"""Words that were not understood, and that a question can be answered without: the answer names them first.

A word stays a reason to decline where it may be what limits the question: names, numbers, words of the data's names,
words that turn a question around ("not", "except"), what follows a preposition ("from wholesalers"), what stands before
what is counted ("loyal customers"), and what these did ("users who subscribed").
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from beha2vec_core.chat.spelling import english_words
from beha2vec_core.chat.verbs import PEOPLE
from beha2vec_core.chat.verify import NUMBER_WORDS
from beha2vec_core.chat.vocabulary import Vocabulary

_MOST = 3  # words of a question that it can be answered without
# what turns a question around, counts, orders or dates
_LIMITS = """
    not no nor never none nothing nobody without except excluding only both either neither each every all any some half
    third quarter double twice triple hundred thousand dozen first second last next previous past future single before
    after since until till while when during between than then more less most least same other another else different
    new old average total maximum minimum per right now currently today
    together instead unique distinct branded unbranded describe
"""
# what stands before a word that limits: prepositions, and words that count or join
_LEADS = """
    of for from in on with by via through to at about among within under over into onto inside outside against like per
    how many much number which whose top and or vs versus than who that named called
"""
_ARTICLES = "a an the our my your their its this that these those"
_DOES = "do does did have has had is are was were be been being can could will would should to also then"
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\S")
_PEOPLE = re.compile(rf"(?:{PEOPLE}|we|they|you|i|it|sessions?|visits?|orders?|purchases?)")


def without_unknown(question: str, unknown: Iterable[str], vocabulary: Vocabulary) -> tuple[str, list[str]]:
    """The question without words that were not understood, and these words; none where one of them may limit it."""
    words = [word.lower().replace("\u2019", "'") for word in unknown]
    found = list(_WORD.finditer(question))
    tokens = [one[0].lower().replace("\u2019", "'") for one in found]
    places = [place for place, token in enumerate(tokens) if token in words]
    if not words or len(words) > _MOST or {tokens[place] for place in places} != {*words}:
        return question, []
    starts_sentence = {0, *(place + 1 for place, token in enumerate(tokens) if token in (".", "?", "!", ":"))}
    for place in places:
        is_name = found[place][0] != tokens[place] and place not in starts_sentence
        if is_name or _may_limit(tokens, place, vocabulary):
            return question, []
    for place in reversed(places):
        question = question[: found[place].start()] + question[found[place].end() :]
    return re.sub(r"\s+", " ", question).strip(), list(dict.fromkeys(tokens[place] for place in places))


def _may_limit(tokens: list[str], place: int, vocabulary: Vocabulary) -> bool:
    word = tokens[place]
    if word in (*_LIMITS.split(), *NUMBER_WORDS) or word not in english_words() or vocabulary.is_in_names(word):
        return True
    before = place - 1
    while before >= 0 and tokens[before] in _ARTICLES.split():
        before -= 1
    if before >= 0 and tokens[before] in _LEADS.split():
        return True
    while before >= 0 and tokens[before] in _DOES.split():
        before -= 1
    subject = tokens[before] if before >= 0 else ""
    if (
        subject in ("who", "that", "which")
        or _PEOPLE.fullmatch(subject)
        or vocabulary.kind_at(tokens, before) == "value"
    ):
        return True
    return vocabulary.kind_at(tokens, place + 1) in ("metric", "value")
