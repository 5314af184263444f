"""Operations that a question asks for: the first of each group, ratios of two measures."""

from __future__ import annotations

import re
from dataclasses import replace

from beha2vec_core.chat.parts.grammar import OF_ITEMS
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.queries.implied_measures import NotRead
from beha2vec_core.chat.queries.nearest import table_of
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Did, Filter, Query

_OUTER = re.compile(
    r"(?i)^(\W*)(?:for|in|on|within|per|of|from) (?:each|every)(?: of (?:our|the))? ((?:[\w-]+ ){0,2}?[\w-]+?)s?,? "
    r"((?:which|what|who|the|show|give|list)\b.*?)\W*$"
)
_EACH = ("per", "each", "every", "within")
_ADDITIVE = {"users": "user", "sessions": "session", "orders": "order", "buyers": "buyer", "page_views": "page view",
             "items_sold": "item sold"}  # fmt: skip
_SPENT = re.compile(r"\brevenue per user (?:more|less)\b")  # as "spend more" is read
_STEPS_OF_ITEMS = {
    "view_to_cart": ("cart_additions", "item_views"), "cart_rate": ("cart_additions", "item_views"),
    "view_to_order": ("orders", "item_views"), "conversion_rate": ("orders", "item_views"),
    "cart_to_order": ("orders", "cart_additions"),
}  # fmt: skip


def each_last(question: str) -> str:
    """ "For each channel, which device ...?" in the order of "which device ... per channel?"."""
    return _OUTER.sub(r"\1\3 per \2", question)


def outer_of(parts: Parts, by: list[str]) -> str | None:
    """The breakdown within each of whose groups the first is asked for; None: the first of all, or none."""
    ranked = parts.top or parts.judged or parts.has("high", "low", "judged")
    ranked = ranked or any(
        word.text.startswith(("best", "top", "most")) for word in parts.words if word.kind == "metric"
    )
    if not ranked or len(by) != 2 or parts.times.compares or parts.has("compare"):
        return None
    found = []
    for word in parts.words:
        before = [one.text for one in parts.words if one.place < word.place][-1:]
        if word.kind == "by" and word.name in by and before and before[0] in (*_EACH, "by"):
            found.append((before[0] not in _EACH, word.place, word.name))
    if not found or (len({name for _, _, name in found}) > 1 and found[0][0] == found[1][0]):
        return None
    _, _, name = min(found)
    asked = re.search(r"\b(?:which|what|best|top|worst|most|biggest|largest|leading|number one)\b", parts.text)
    return name if asked else None


def with_ratio(parts: Parts, metrics: list[str]) -> tuple[Parts, list[str], str | None]:
    """The question without "per user", and what its measure is divided by; None where it names no ratio."""
    words = parts.words
    are_buyers = any(did.table in ("purchases", "items") for one in parts.done for did in one.did)
    if are_buyers and metrics == ["revenue_per_user"] and _SPENT.search(parts.text):
        return parts, ["revenue"], "buyers"  # who used no coupon are others who bought
    for word in words:
        before = [one for one in words if one.place < word.place]
        if (
            word.kind != "metric"
            or word.name not in _ADDITIVE
            or not before
            or before[-1].text not in ("per", "each", "every")
        ):
            continue
        named = [one.name for one in before if one.kind == "metric" and one.name != word.name]
        of_its_own = [name for name in named if METRICS[name].label.endswith(f"per {_ADDITIVE[word.name]}")]
        named = (of_its_own or named)[-1:]  # the time that people spend per session
        left = [one for one in words if one not in (word, before[-1]) and one.kind != "average"]
        if not named and any(one.kind == "by" and one.name == "item" for one in before):  # items per user
            left = [replace(one, kind="metric", name="items_sold") if one.name == "item" else one for one in left]
            named = ["items_sold"]
        is_group = before[-2:-1] and before[-2].kind == "by" and before[-2].name != "item"
        if len(named) != 1 or is_group or (before[-2:-1] and before[-2].kind == "by" and parts.has("high")):
            return parts, metrics, None
        metric = METRICS[named[0]]
        asked = re.sub(rf"\b(?:an? |the )?(?:average|avg|mean)\b|\bper {word.pattern}", " ", parts.text)
        parts = replace(parts, words=left, text=asked, mean_of="")
        if metric.label.endswith(f"per {_ADDITIVE[word.name]}"):  # engagement time per session
            return parts, named, None
        if metric.unit not in ("count", "money") or any(one.per for one in metric.sql.values()):
            raise NotRead(f"I cannot compute {metric.label} per {word.text}.")
        return parts, named, word.name
    return parts, metrics, None


def of_items(query: Query) -> Query:
    """The query with the measures of items for a rate of sessions between two steps, of which items have none."""
    if query.metric not in _STEPS_OF_ITEMS or not about(query) & OF_ITEMS:
        return query
    part, whole = _STEPS_OF_ITEMS[query.metric]
    return divided(replace(query, metric=part), whole)


def require_same_categories(query: Query, contents: Contents) -> None:
    """Raise NotRead for a ratio of orders and views by category, where views name categories with all levels above."""
    tables = {table_of(name, "item_category") == "items" for name in (query.metric, query.per) if name}
    has_paths = any("/" in value for value in contents.values.get("item_category", []))
    if query.per and len(tables) > 1 and has_paths and "item_category" in about(query):
        raise NotRead("Orders and views name categories differently here, so I cannot compare them: ask by item.")


def about(query: Query) -> set[str]:
    """The dimensions of its breakdown and its filters."""
    return {*query.by, *(one.dimension for one in query.filters)}


def divided(query: Query, per: str) -> Query:
    """The query for a measure per another one; what buyers do is theirs, not everybody's."""
    if per == "page_views" and about(query) & OF_ITEMS:
        per = "item_views"
    if per == "buyers" and not {"purchases", "items"} & {*METRICS[query.metric].sql}:
        query, per = replace(query, filters=(*query.filters, Filter("user", did=(Did("purchases"),)))), "users"
    if query.is_share or query.counts_groups or query.explains or query.top_of_each:
        raise NotRead("For a ratio I can give values, groups and two periods, but no shares and no causes.")
    return replace(query, per=per)
