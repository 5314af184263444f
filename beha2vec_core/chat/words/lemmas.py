"""Words of a text in the form in which they are looked up: without endings, in American spelling; and those that mean
the same within a phrase."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product

_TOKEN = re.compile(r"[^\s,?!;:()\[\]\"“”]+")
# British to American: favourite, analyse, catalogue, programme, travelled, centre
_SPELLING = (
    (re.compile(r"(?<=[a-z]{3})our(?=s?$|ed$|ing$|ite|able|al)"), "or"),
    (re.compile(r"(?<=[a-z]{4})is(?=(?:e|ed|es|ing|ation)s?$)"), "iz"),
    (re.compile(r"(?<=anal)ys(?=(?:e|ed|es|ing)$)"), "yz"),
    (re.compile(r"(?<=[a-z]{4})ll(?=(?:ed|ing|er)$)"), "l"),
    (re.compile(r"(?<=[a-z]{3}log)ue(?=s?$)"), ""),
    (re.compile(r"(?<=gram)me(?=s?$)"), ""),
    (re.compile(r"(?<=[a-z]{3}t)re(?=s?$)"), "er"),
)
# within a phrase of a measure these mean the same: revenue per user, sales per head
_SAME = (
    ("user", "visitor", "person", "people", "individual", "head", "capita", "guest"),
    ("session", "visit"),
    ("order", "purchase", "transaction", "sale"),
    ("buyer", "customer", "purchaser", "client"),
    ("revenue", "sale", "turnover", "income", "spend", "spending", "money", "value", "amount", "earning", "taking"),
    ("item", "product", "article", "unit", "piece", "thing"),
    ("page", "page view", "pageview"),
    ("rate", "ratio", "percentage"),
    ("average", "avg", "mean"),
    ("duration", "length", "time"),
    ("refunded", "returned", "reimbursed"),
)
_OF_ONE = {"value", "amount", "taking"}  # these are money only of one user, order ...: "amount of visitors" is a number
_ARTICLES = {"the", "a", "an", "our", "their", "my", "your", "its"}


def tokens(text: str) -> list[str]:
    """Words; those of a path or a domain in one piece, others apart at hyphens and underscores.

    A hyphen before a word stays: "sessions -direct" is no question about direct sessions.
    """
    found: list[str] = []
    for token in _TOKEN.findall(text):
        bare = token.rstrip(".'")
        if bare.startswith("-"):
            found.append("-")
        if (bare.startswith("/") and len(bare) > 1) or re.fullmatch(r"[\w-]+(\.[\w-]+)+(/\S*)?", bare):
            found.append(bare)
        else:
            found += [part for part in re.split(r"[_'-]|(?<=\w)/(?=\w)", bare) if part]
    return found


@cache
def normal(token: str) -> str:
    """A word without the ending of its plural, in American spelling."""
    for british, american in _SPELLING:
        token = british.sub(american, token)
    if len(token) > 4 and token.endswith("ies"):
        return token[:-3] + "y"
    if len(token) > 4 and token.endswith("ie"):  # hoodies and hoodie, as hoody
        return token[:-2] + "y"
    return token[:-1] if len(token) > 3 and token.endswith("s") and not token.endswith("ss") else token


def normal_of(words: list[str]) -> str:
    """A phrase as it is looked up: the articles within it say nothing."""
    inner = [word for word in words[1:-1] if word not in _ARTICLES]
    return " ".join(map(normal, [*words[:1], *inner, *words[1:][-1:]]))


def as_key(phrase: str) -> str:
    """The same of a phrase of a table, or of a value of the data."""
    return normal_of(tokens(re.sub(r"\s*[&+]\s*", " and ", phrase.lower())))


def same_phrases(phrase: str) -> Iterator[str]:
    """The other phrases that say the same as one of several words that is looked up."""
    words = phrase.split()
    people, money = {*_SAME[0], *_SAME[3]} & {*words}, {*_SAME[4]} & {*words}
    if len(words) == 1 or (people and money and "per" not in words):  # what customers spend
        return
    others = [next((same for same in _SAME if word in same), (word,)) for word in words]
    for found in product(*others):
        if "per" in words or not ({*found} - {*words}) & _OF_ONE:
            yield " ".join(found)


def words_of_event(event: str) -> str:
    """A pattern: the words of the event's name, each with an ending of any kind, up to two others between them."""
    between = r"\W+(?:\w+\W+){0,2}?"
    return between.join(rf"{re.escape(word)}\w{{0,4}}" for word in event.split("_") if word) or "(?!)"
