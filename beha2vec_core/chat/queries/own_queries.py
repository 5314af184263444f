"""Questions with queries of their own: orders over an amount, what buyers have in common, people from step to step."""

from __future__ import annotations

import re
from dataclasses import replace

from beha2vec_core.chat.parts.grammar import Word
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.queries.asked import breakdown_of, filters_of
from beha2vec_core.chat.queries.compared import periods_of
from beha2vec_core.chat.queries.implied_measures import NotRead
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import OF_STEPS, STEPS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Did, Filter, Query

SHARED = ("country", "device", "os", "browser", "channel", "source", "new_or_returning")
_RATES = {name: pair for name, pair in OF_STEPS.items() if "_to_" in name}
_RATES |= {"cart_to_order": (2, 6), "checkout_completion": (3, 6)}
_OF_PEOPLE = re.compile(rf"\b(?:{PEOPLE})\b")
_OF_VISITS = re.compile(r"\b(?:sessions?|visits?)\b")


def in_common(parts: Parts, metrics: list[str], contents: Contents) -> list[Query]:
    """What most buyers (or users, sessions) have in common: the largest groups of several dimensions."""
    kinds = {word.kind for word in parts.words} - {"common", "metric", "value", "period", "filler", "high"}
    if kinds or len(metrics) != 1 or metrics[0] not in ("buyers", "users", "sessions", "orders") or parts.limits:
        raise NotRead("I can say what buyers, users, sessions or orders have in common: their largest groups.")
    filters = filters_of(parts, metrics[0])
    period, _ = periods_of(parts, False, contents.days, [])
    names = [name for name in SHARED if name not in {one.dimension for one in filters}]
    return [Query(metrics[0], (name,), filters, period, is_share=True, top=3, ascending=False) for name in names]


def orders_worth(parts: Parts, metrics: list[str], contents: Contents) -> Query:
    """How many orders have a revenue over or under an amount."""
    others = {"compare", "trend", "change", "average", "cause", "rest", "high", "low"}
    beside = [word for word in parts.words if word.kind in others or word.name in ("users", "buyers")]
    by_others = breakdown_of(parts) or parts.top or parts.judged or parts.comparatives or parts.is_of_users
    if beside or by_others or not {*metrics} <= {"orders", "revenue"}:
        raise NotRead(
            "For orders over or under an amount I can give their number and revenue: in a period, a channel ..."
        )
    if parts.has("share") and filters_of(parts, "revenue"):
        raise NotRead("A share of what? I can give the share of all orders that are over an amount.")
    period, versus = periods_of(parts, False, contents.days, [])
    if versus:
        raise NotRead("I can count orders over or under an amount in one period only.")
    filters = filters_of(parts, "revenue")
    return Query("revenue", ("one_order",), filters, period, counts_groups=True, **parts.limits)


def of_people(parts: Parts, metrics: list[str]) -> tuple[Parts, list[str]]:
    """The question about a rate of sessions as one about users, if it asks for people; else as it is."""
    pair = _RATES.get(metrics[0]) if len(metrics) == 1 else None
    if pair is None or not _OF_PEOPLE.search(parts.text) or _OF_VISITS.search(parts.text):
        return parts, metrics
    if parts.done or parts.limits or parts.has("cause", "trend", "change", "compare", "rest"):
        return parts, metrics
    first, last = map(_reached, pair)
    rate = next(word for word in parts.words if word.name == metrics[0])
    words = [word for word in parts.words if word is not rate and word.name not in ("users", "buyers")]
    words += [Word("share", rate.text, rate.place), Word("metric", rate.text, rate.place, "users")]
    return replace(parts, words=words, done=(last, first), is_counted=False), ["users"]


def _reached(step: int) -> Filter:
    """Users who got as far as the step."""
    if step == max(STEPS):
        return Filter("user", did=(Did("purchases"),))
    return Filter("user", did=(Did("steps", (Filter("step", (f"{step} {STEPS[step][1]}",)),)),))
