"""A rate of the largest groups: "the conversion rate of our biggest channel" is not the highest conversion rate."""

from __future__ import annotations

import re
from dataclasses import replace

from beha2vec_core.chat.answers.phrases import plural_of
from beha2vec_core.chat.reading.question import Reading
from beha2vec_core.chat.words.numbers import count_of
from beha2vec_core.semantic.compiler import place
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.query import Query
from beha2vec_core.semantic.rows import NotAnswerable

_NUMBER = r"\d+|two|three|four|five|six|seven|eight|nine|ten"
_LEADS = r"\b(?:of|for|in|on|at|from|do|does|did|have|has|and|or|vs|versus|than) (?:(?:the|our|my|your) )*"
_SIZED = re.compile(
    rf"(?i){_LEADS}(?:(?P<first>{_NUMBER}) )?(?:(?P<small>smallest|least (?:popular|visited|used|viewed|important|"
    r"common|frequent|sold))|top|biggest|largest|main|busiest|best[- ]selling|number one|most (?:popular|visited|used|"
    rf"viewed|important|common|frequent|frequented|sold))\b(?: (?P<last>{_NUMBER}))?(?P<rest>.*)"
)
_WITH_MOST = re.compile(
    rf"(?i){_LEADS}[\w -]+? (?:with|having|(?:that|which) \w+) (?:the |us the )?"
    r"(?:most|fewest|highest|lowest|largest|least|biggest|smallest)\b"
)
_SEVERAL = 5  # groups, where no number is asked for
# what a rate of another number is taken to be a rate of, by table
_BASES = {
    "sessions": "sessions", "purchases": "orders", "orders_in_turn": "orders", "items": "items_sold",
    "page_views": "page_views",
}  # fmt: skip
_NOT_SO = (
    "I cannot give the rate of groups that are chosen this way. First ask which groups are the largest or smallest, "
    "then for the rate of one of them."
)


def of_largest(question: str, reading: Reading) -> Reading:
    """The reading with the largest (smallest) groups first, by what the rate is a rate of, and then their rate.

    Of other questions for a rate of groups of some size the reading has a problem: the highest rate is no answer.
    """
    query = reading.query
    if query is None or not query.by or not (query.per or METRICS[query.metric].is_ratio):
        return reading
    found = _SIZED.search(question)
    if _WITH_MOST.search(question) or (found and reading.more and _SIZED.search(found["rest"])):
        return replace(reading, problem=_NOT_SO)
    if not found or reading.more:
        return reading
    plain = Query(query.metric, query.by, query.filters, query.period, per=query.per)
    plain = replace(plain, top=query.top, ascending=query.ascending)
    name = query.by[0]
    base = query.per or METRICS[query.metric].n_of.replace(" ", "_")
    base = base if base in METRICS else _BASES.get(next(iter(METRICS[query.metric].sql)), "")
    known = query == plain and len(query.by) == 1 and name not in {one.dimension for one in query.filters}
    if not known or not base or re.search(r"\bby\b", found["rest"]) or _SIZED.search(found["rest"]):
        return replace(reading, problem=_NOT_SO)
    written = (found["first"] or found["last"] or "").lower()
    number = count_of(written) if written else None
    # the biggest channel, and the biggest channels
    several = {plural_of(word) for word in (*DIMENSIONS[name].words, DIMENSIONS[name].label)}
    is_one = not any(re.search(rf"\b{re.escape(word)}\b", found["rest"], re.IGNORECASE) for word in several)
    sizes = replace(
        plain, metric=base, per=None, top=number or (1 if is_one else _SEVERAL), ascending=bool(found["small"])
    )
    try:
        place(sizes)
    except NotAnswerable:
        return replace(reading, problem=_NOT_SO)
    return replace(reading, query=sizes, more=(replace(plain, top=None, ascending=None),))
