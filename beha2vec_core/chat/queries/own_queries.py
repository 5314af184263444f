"""Questions with queries of their own: orders over an amount, what buyers have in common."""

from __future__ import annotations

from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.queries.asked import breakdown_of, filters_of
from beha2vec_core.chat.queries.compared import periods_of
from beha2vec_core.chat.queries.implied_measures import NotRead
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Query

SHARED = ("country", "device", "os", "browser", "channel", "source", "new_or_returning")


def in_common(parts: Parts, metrics: list[str], contents: Contents) -> list[Query]:
    """What most buyers (or users, sessions) have in common: the largest groups of several dimensions."""
    kinds = {word.kind for word in parts.words} - {"common", "metric", "value", "period", "filler", "high"}
    if kinds or len(metrics) != 1 or metrics[0] not in ("buyers", "users", "sessions", "orders") or parts.limits:
        raise NotRead("I know what buyers, users, sessions or orders have in common: their largest groups.")
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
            "Of orders over or under an amount I know how many there are and their revenue: of a period, a channel ..."
        )
    if parts.has("share") and filters_of(parts, "revenue"):
        raise NotRead("A share of which whole? I know the share that orders over an amount have of all orders.")
    period, versus = periods_of(parts, False, contents.days, [])
    if versus:
        raise NotRead("I count orders over or under an amount in one period.")
    filters = filters_of(parts, "revenue")
    return Query("revenue", ("one_order",), filters, period, counts_groups=True, **parts.limits)
