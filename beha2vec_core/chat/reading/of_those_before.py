"""Questions that could stand alone, and are of what was asked before: "how many of the buyers were new"."""

from __future__ import annotations

import re
from dataclasses import replace

from beha2vec_core.chat.days.weekdays import as_habits
from beha2vec_core.chat.reading.other_groups import CANNOT, NotContinued, compares
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import PEOPLE_COUNTED, SOURCES
from beha2vec_core.semantic.query import Query, is_by_time

_LEAD = r"\W*(?:(?:and|so|but|ok|okay) )*"
_PEOPLE = rf"(?:{PEOPLE}|orders?|purchases?|sessions?|visits?)"
# a part of people or visits without a word for which ones: "from the buyers", "how many sessions"
_OF_THE = re.compile(
    rf"\b(?:of|from|among|are|were|do|did|does|have) the (?:\w+ )?{_PEOPLE}\b"
    r"(?! (?:who|that|from(?! ?\W*$)|with|in|on|of|for|by|via|to|we)\b)|"
    rf"^{_LEAD}how many(?: (?:new|returning|different))? {_PEOPLE}(?: (?:were|are) there)?\W*$"
)
_NO_SUBJECT = re.compile(  # "how many were new"
    rf"(?i)^{_LEAD}(?:how many|what (?:share|percentage|part))(?= (?:(?P<people>bought|ordered|purchased|converted|"
    r"came back)|are|were|came|used|viewed)\b(?! (?:there|we|our|the|it|that|they|those|these)\b))"
)
_LOST = re.compile(rf"{_LEAD}(?:where|at (?:which|what)|(?:which|what) step)\b(?!.*\b(?:funnel|checkout|cart|order)\b)")
_OF_FIRST = re.compile(
    rf"{_LEAD}(?:how (?:much|many) (?:[\w-]+ ){{1,3}}?(?:is|was|did|does|do|has|are|were) (?:that|it|this)\b|"
    r"(?P<grows>is|was|has|does) (?:it|that) (?:been |still )?"
    r"(?:grow|ris|fall|declin|shrink|increas|decreas|improv|drop|trend)\w*)"
)
_SHOWN_BY = re.compile(r"\W*(?:(?:and|now|please|can you) )*(?:show|split|break|plot|give|list)\b.*\b(?:by|per)\b")
_COUNTED = ("users", "page_views", "sessions", "item_views")
_ORDERED = ("orders", "revenue", "buyers", "items_sold", "item_revenue")  # by buyers, who are not all users
_IN_PEOPLE = re.compile(
    rf"{_LEAD}how many (?:(?:different|unique|distinct|individual) )?(?P<who>{PEOPLE}) (?:is|was|are|were|did) "
    r"(?:that|it|this|those|they)(?: (?:come from|in total|altogether))?\W*"
)
_WITHOUT = re.compile(  # "and without a coupon": of the sessions, users or orders before
    rf"{_LEAD}(?:(?:what|how) about )?(?:(?:for|of|from|in|the|those|ones) )*(?P<out>without (?P<one>an?|any)? ?"
    r"(?:(?:site |internal )?search(?:es)?|coupons?|vouchers?|orders?|purchases?|carts?|checkouts?|product views?))\W*"
)
_TRAFFIC = re.compile(r"(?i)(\b(?:for|from|of) (?:[\w-]+ ){0,2}[\w-]+) traffic(?=(?: only| alone)?\W*$)")
_OF_ALL = ("sessions", "users", "conversion_rate", "revenue", "aov", "engaged_rate", "bounce_rate", "revenue_per_user")
_NOUNS = {"user": "users", "session": "sessions", "one_order": "orders"}
_SHORT = 8  # words of a question that may be meant to continue
_OF_PEOPLE = re.compile(rf"\b(?:of|among|many) (?:\w+ ){{0,2}}?{_PEOPLE}\b")  # also where it is longer
OF_ALL = "This does not continue your previous question: begin with “and” for that."


def with_subject(question: str, previous: Query) -> str:
    """The question with "of those" or "of sessions" where it says not of whom, and "Sundays" after hours."""
    question = _TRAFFIC.sub(r"\1", question)
    if {"hour", "weekday"} & {*previous.by, *(one.dimension for one in previous.filters)}:
        question = as_habits(question)
    done = next((one.dimension for one in previous.filters if one.did), "")
    if (left := _WITHOUT.fullmatch(question.lower())) and (done or (left["one"] and previous.metric in _OF_ALL)):
        of_orders = previous.metric in ("revenue", "aov") and re.search("coupon|voucher", left["out"])
        usual = "users" if previous.metric in PEOPLE_COUNTED else "orders" if of_orders else "sessions"
        return f"and of {_NOUNS.get(done, usual)} {left['out']}"
    found = _NO_SUBJECT.match(question) if _narrows(previous) else None
    if found is None:
        return question
    is_of_people = previous.metric == "sessions" or previous.metric in PEOPLE_COUNTED
    of_whom = "the visitors" if found["people"] and not is_of_people else "those"
    return f"{found[0]} of {of_whom}{question[found.end() :]}"


def without_who(question: str, typed: str) -> str:
    """The question without the "who" of a rewrite: "how many of the buyers used a coupon" is of those before."""
    return question if not typed or re.search(r"(?i)\bwho\b", typed) else re.sub(r"(?i)\bwho ", "", question)


def asks_of_first(question: str, previous: Query) -> bool:
    """Whether it asks for more of the first of a ranking: "how much revenue was that", "is it growing" of no day."""
    found = _OF_FIRST.match(question.lower())
    return found is not None and not (found["grows"] and is_by_time(previous.by))


def is_in_people(question: str, previous: Query) -> bool:
    """Whether what was counted is asked for in people: "how many different people was that"."""
    found = _IN_PEOPLE.fullmatch(question.lower())
    if found is None or previous.metric not in (*_COUNTED, *_ORDERED):
        return False
    return previous.metric in _COUNTED or not found["who"].startswith(("user", "visitor"))


def is_shown_by(question: str) -> bool:
    """Whether the same is asked for by other groups: "show it by device"."""
    return _SHOWN_BY.match(question.lower()) is not None


def within(question: str, asked: Query, previous: Query) -> Query | None:
    """The query with the days and groups of the one before, where its words are of these; None where they are not.

    Raises:
        NotContinued: what was asked before has no such part.
    """
    text = question.lower()
    if asked.by[:1] == previous.by[:1] == ("step",):  # the steps of the same funnel
        is_same = _LOST.match(text) and not _narrows(asked)
        return replace(previous, by=(*previous.by, *asked.by[1:])) if is_same else None
    apart = tuple(name for name in previous.by if compares(previous, name))
    found = _OF_THE.search(text)
    if not (found and (_narrows(previous) or apart)):
        return None
    named = {one.dimension for one in asked.filters if not one.did} | {*asked.by}
    named |= {*SOURCES} if named & {*SOURCES} else set()
    kept = tuple(one for one in previous.filters if one.dimension not in named and one not in asked.filters)
    is_of_part = previous.is_share and bool(kept) and previous.filters[0] == kept[0]  # of it, or of the whole
    if asked.versus or asked.limits or previous.limits or previous.per or previous.having or is_of_part:
        if " the " not in found[0]:  # how many orders
            return None
        raise NotContinued(CANNOT)
    by = asked.by or apart
    new = replace(
        asked, by=by, filters=(*asked.filters, *kept), period=asked.period or previous.period,
        versus=None if asked.period or asked.by else previous.versus, of_each=asked.is_share and bool(by),
    )  # fmt: skip
    return new if new != asked else None


def is_wider(question: str, asked: Query, previous: Query) -> bool:
    """Whether a short question is of more days or groups than the one before: it may have been meant to continue it."""
    is_open = bool(previous.period) and not (asked.period or asked.versus)
    is_open |= _has_groups(previous) and not asked.filters
    return is_open and (len(question.split()) <= _SHORT or _OF_PEOPLE.search(question.lower()) is not None)


def _narrows(query: Query) -> bool:
    return bool(query.period or _has_groups(query))


def _has_groups(query: Query) -> bool:
    return any(one.dimension != "step" for one in query.filters)
