"""Queries for groups with much of one measure and little of the other."""

from __future__ import annotations

from dataclasses import replace

from beha2vec_core.chat.parts.grammar import OF_ITEMS
from beha2vec_core.chat.parts.much_and_little import Opposed
from beha2vec_core.chat.queries.implied_measures import NotRead
from beha2vec_core.chat.queries.ratios import about, divided
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.query import Having, Query

# of two measures the one that comes first is what the other is divided by
_ORDER = ("users", "new_users", "sessions", "page_views", "cart_additions", "buyers", "orders", "items_sold", "revenue")
_OF_ITEMS = {"page_views": "item_views", "cart_sessions": "cart_additions"}
_RATES = {("sessions", "orders"): "conversion_rate", ("sessions", "buyers"): "conversion_rate"}


def set_apart(query: Query, opposed: Opposed) -> Query:
    """The query for groups with much of one measure and little of the other.

    Raises:
        NotRead: there are no such groups, or both say the same.
    """
    if opposed.second is None:
        return query
    groups = [name for name in query.by if DIMENSIONS[name].kind not in ("time", "step", "user")]
    if not groups or len(groups) < len(query.by) or query.is_share or query.versus or query.per or query.having:
        raise NotRead(f"“{opposed.said}”: of which products, pages, channels or countries?")
    if opposed.is_counted:
        raise NotRead(f"I can list those with “{opposed.said}”, but not count them.")
    (one, much), (other, little) = opposed.first, opposed.second
    if about(query) & OF_ITEMS:
        one, other = (_OF_ITEMS.get(name, name) for name in (one, other))
    rates = [name for name in (one, other) if METRICS[name].is_ratio]
    if little == "no" or much == "no":
        if rates or much == little or "many" not in (much, little):
            raise NotRead(f"I did not understand “{opposed.said}”.")
        limits = (Having(one, half="upper"), Having(other, at_most=0.0))
        return replace(query, metric=one, ascending=False, having=limits)
    if len(rates) > 1 or (not rates and much == little):
        raise NotRead(
            f"“{opposed.said}”: I can list groups that have much of one and little of the other, or more than "
            "a certain number of one: “with more than 100 sessions”."
        )
    if rates:
        (rate,) = rates
        size, how = (other, little) if rate == one else (one, much)
        is_low = (much if rate == one else little) == "few"
        half = Having(size, half="upper" if how == "many" else "lower")
        return replace(query, metric=rate, ascending=is_low, having=(half,))
    part, base = (one, other) if _place(one) > _place(other) else (other, one)
    half = Having(one, half="upper")
    is_low = part == other
    if (rate := _RATES.get((base, part), "")) and not about(query) & OF_ITEMS:
        return replace(query, metric=rate, ascending=is_low, having=(half,))
    return replace(divided(replace(query, metric=part), base), ascending=is_low, having=(half,))


def _place(name: str) -> int:
    name = "page_views" if name == "item_views" else name
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def require_asked(queries: list[Query], opposed: Opposed) -> None:
    """Raise NotRead where groups are said to have a lot of one measure, and are not put in the order of it."""
    first, (name, much) = queries[0], opposed.first
    asked = {first.metric, first.per, *(one.metric for one in first.having)} - {None}
    is_lowest = first.ascending and not first.having  # the lowest are no many
    if first.by and much == "many" and (is_lowest or not asked & {name, METRICS[name].otherwise}):
        raise NotRead(f"I do not know how many “{opposed.said}” are: name a number, such as “more than 100”.")
