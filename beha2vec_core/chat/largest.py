"""A rate of the largest groups: "the conversion rate of our biggest channel" is not the highest conversion rate."""

from __future__ import annotations

import re
from dataclasses import replace

from beha2vec_core.chat.reading import Reading
from beha2vec_core.chat.verify import NUMBER_WORDS
from beha2vec_core.semantic.compiler import is_ranked, place
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.query import Query
from beha2vec_core.semantic.rows import NotAnswerable

_NUMBER = r"\d+|two|three|four|five|six|seven|eight|nine|ten"
_LARGEST = re.compile(
    r"\b(?:of|for|in|on|at|from|do|does|did|have|has) (?:(?:the|our|my|your) )*"
    rf"(?:(?P<first>{_NUMBER}) )?"
    r"(?:top|biggest|largest|main|busiest|best[- ]selling|number one|"
    r"most (?:popular|visited|used|viewed|important|common|frequent|frequented|sold))\b"
    rf"(?: (?P<last>{_NUMBER}))?(?P<rest>.*)",
    re.IGNORECASE,
)


def of_largest(question: str, reading: Reading) -> Reading:
    """The reading with the largest groups first, by what the rate is a rate of, and then their rate."""
    query = reading.query
    found = _LARGEST.search(question)
    if not found or query is None or reading.more or len(query.by) != 1 or re.search(r"\bby\b", found["rest"]):
        return reading
    (name,) = query.by
    plain = Query(query.metric, query.by, query.filters, query.period, per=query.per)
    plain = replace(plain, top=query.top, ascending=query.ascending)
    if not is_ranked(query) or query != plain or query.ascending or name in {one.dimension for one in query.filters}:
        return reading
    base = query.per or METRICS[query.metric].n_of.replace(" ", "_")
    if base not in METRICS:
        return reading
    written = (found["first"] or found["last"] or "").lower()
    number = int(NUMBER_WORDS.get(written, written)) if written else None
    several = {_plural(word) for word in (*DIMENSIONS[name].words, DIMENSIONS[name].label)}
    is_one = not any(re.search(rf"\b{re.escape(word)}\b", found["rest"], re.IGNORECASE) for word in several)
    sizes = replace(plain, metric=base, per=None, top=number or (1 if is_one else None), ascending=None)
    try:
        place(sizes)
    except NotAnswerable:
        return reading
    return replace(reading, query=replace(sizes, ascending=False), more=(replace(plain, top=None, ascending=None),))


def _plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") and not word.endswith("day") else f"{word}s"
