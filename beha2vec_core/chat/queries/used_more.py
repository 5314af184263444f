"""What some use more often than others: a share within each group, as groups differ in size."""

from __future__ import annotations

import re

from beha2vec_core.chat.parts.grammar import Word
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.queries.compared import periods_of
from beha2vec_core.chat.queries.implied_measures import NotRead
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Filter, Query

_MORE = re.compile(
    r"\b(?:more|less) (?:often|frequently|likely|popular|common)\b|"
    r"\b(?:use[sd]?|using|comes?|came) (?:\S+ )?(?:more|less)\b"
)
_USES = re.compile(r"\b(?:use[sd]?|using|comes?|came|popular|common|likely to (?:use|come))\b")
_BY = re.compile(r"\b(?:by|among|amongst|with|for|on|in)\b")
_KNOWN = {"filler", "value", "qualifier", "compare", "rest", "period", "judged"}
_PEOPLE = {"users", "sessions", "new_users", "returning_users", "buyers"}
_KIND = "new_or_returning"


def used_more(parts: Parts, contents: Contents) -> tuple[list[Query], list[str]] | None:
    """The share of a value in each of two groups, and what was assumed; None where that is not asked for.

    Raises:
        NotRead: it is asked for so that its groups are not clear.
    """
    if not (_MORE.search(parts.text) and _USES.search(parts.text)) or parts.done or parts.limits:
        return None
    others = {word.kind for word in parts.words if word.kind not in _KNOWN and word.kind != "metric"}
    metrics = {word.name for word in parts.words if word.kind == "metric"}
    values = [word for word in parts.words if word.kind == "value"]
    if others or metrics - _PEOPLE or not values or "bought" in parts.text:
        return None
    kinds = metrics & {"new_users", "returning_users"} or [one for one in values if _KIND in one.dimensions]
    used = [word for word in values if _KIND not in word.dimensions]
    if "buyers" in metrics:
        return None
    if kinds and len(used) == 1:
        groups = [Filter(_KIND, ("new",)), Filter(_KIND, ("returning",))]
    elif len(values) == 3 and (found := _pair(values)):
        used, groups = found
    elif len(values) == 2 and not values[0].own_dimensions & values[1].own_dimensions and _is_of(parts, values[1]):
        used, group = values[:1], _filter(values[1])
        groups = [group, Filter(group.dimension, group.values, is_excluded=True)]
    elif len(values) == 2 and re.search(rf"{values[0].pattern} (?:{PEOPLE})\b.*{values[1].pattern}", parts.text):
        used, group = values[1:], _filter(values[0])
        groups = [group, Filter(group.dimension, group.values, is_excluded=True)]
    elif kinds:
        raise NotRead("Name one thing that users use, and two groups to compare, such as new and returning users.")
    else:
        return None
    notes = ["The groups differ in size, so the answer compares shares of their sessions."]
    period, versus = periods_of(parts, False, contents.days, notes)
    if versus:
        return None
    part = _filter(used[0])
    return [Query("sessions", (), (part, group), period, is_share=True) for group in groups], notes


def _pair(values: list[Word]) -> tuple[list[Word], list[Filter]] | None:
    """What is used, and the two groups of one dimension: Germans, mobile, Swiss."""
    for used in values:
        one, other = (word for word in values if word is not used)
        shared = one.own_dimensions & other.own_dimensions
        if shared and not shared & used.own_dimensions:
            return [used], [_filter(one), _filter(other)]
    return None


def _is_of(parts: Parts, word: Word) -> bool:
    """Whether a value stands after "by" or "among"."""
    return re.search(rf"{_BY.pattern}(?: (?:the|our|all))? {word.pattern}", parts.text) is not None


def _filter(word: Word) -> Filter:
    """The first of what a word stands for, by the name that it has itself."""
    value = next(one for one in word.values if one.dimension in word.own_dimensions)
    return Filter(value.dimension, value.values)
