"""The queries that the parts of a question ask for, and what was assumed."""

import re
from collections.abc import Sequence
from dataclasses import replace

from beha2vec_core.chat.parts.grammar import OF_ITEMS
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.queries.asked import (
    both_ends,
    breakdown_of,
    ends_differ,
    filters_of,
)
from beha2vec_core.chat.queries.groups import groups_of, of_one_visit, refuse_apart, without_heading, without_kind
from beha2vec_core.chat.queries.implied_measures import DEFAULTS, OF_GROWTH, NotRead, overview_of, unnamed
from beha2vec_core.chat.queries.much_and_little import require_asked, set_apart
from beha2vec_core.chat.queries.no_measure import BESIDE_PEOPLE, of_period
from beha2vec_core.chat.queries.one_query import query_of
from beha2vec_core.chat.queries.own_queries import in_common, of_people, orders_worth
from beha2vec_core.chat.queries.ratios import divided, of_items, require_same_categories, with_ratio
from beha2vec_core.chat.queries.refusals import check_all_asked, refuse_beside_charges, refuse_certain
from beha2vec_core.chat.queries.used_more import used_more
from beha2vec_core.semantic.definitions import METRICS, STEPS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Filter, Query

_OF_VIEWS = (["page_views"], ["entrances"])
_ALSO_SHARE = re.compile(
    r"(?:,|\b(?:also|and|plus|with)) (?:(?:also|and|the|their|its) )*(?:share|percentage|percent|%)\b"
)
_PERFORMS = re.compile(
    r"\bperform(?:s|ed|ing|ance)?\b|\bhow (?:good|well|bad)\b|\bhow (?:do|does|did)\b.*\bdo\b|"
    r"\b(?:numbers|figures|stats|statistics|kpis|overview|summary) (?:for|of|from|on|about)\b"
)
_EITHER = re.compile(r"\bor\b")
_BESIDE_CHANGES = ("orders", "conversion_rate", "aov")
_LISTED = 10  # users of "who viewed shoes"


def sides_of(parts: Parts) -> list[Parts]:
    """The question with what its clauses say: once, or for each of two groups that are compared."""
    conditions = parts.conditions
    assert conditions is not None
    parts.notes += conditions.notes
    every = [one.filters() for one in conditions.clauses]
    sides: list[tuple[Filter, ...]] = [sum(every, ())]
    if conditions.has_not:
        *part, whole = sides[0]
        if len(whole.did) == 1:
            others = replace(whole, did=(replace(whole.did[0], is_excluded=not whole.did[0].is_excluded),))
        else:
            others = replace(whole, is_excluded=True)
        sides.append((*part, others))
    elif len(every) == 2 and (parts.has("compare") or parts.comparatives or parts.judged):
        sides = every
    more = [(clause, part) for clause in conditions.clauses for part in clause.more]
    sides += [replace(clause, part=part).filters() for clause, part in more] if len(every) == 1 else []
    if len(sides) == 1:
        return [replace(parts, done=sides[0], having=conditions.having)]
    words = [word for word in parts.words if word.kind not in ("compare", "judged")]
    return [replace(parts, words=words, judged=[], comparatives=[], done=side, is_side=True) for side in sides]


def queries_of(parts: Parts, metrics: list[str], contents: Contents) -> tuple[list[Query], list[str]]:
    """A query for each measure, and what was assumed."""
    found, notes = [], list(parts.notes)
    if parts.is_worth:
        return [orders_worth(parts, metrics, contents)], notes
    if "funnel" in metrics[:-1] or "funnel" in metrics[1:]:
        *some, last = [label for _, label in STEPS.values()]
        raise NotRead(f"The funnel counts sessions, from one of these steps to another: {', '.join(some)} and {last}.")
    if parts.has("common"):
        return in_common(parts, metrics, contents), notes
    if metrics == ["funnel"] and {*breakdown_of(parts), *(one.dimension for one in filters_of(parts, None))} & OF_ITEMS:
        metrics = ["item_views", "cart_additions", "items_sold"]
        notes.append("The funnel is of sessions. Of products there are views, cart additions and items sold.")
        parts = replace(parts, notes=notes)
    check_all_asked(parts, metrics)
    parts, metrics = of_people(parts, metrics)
    parts, metrics, per = with_ratio(parts, metrics)
    refuse_beside_charges(parts)
    if metrics == ["funnel"] and parts.has("rest") and (sides := _part_and_rest(parts, contents)):
        return sides, [*notes, *parts.notes]
    if shares := used_more(parts, contents):
        return shares[0], [*notes, *shares[1]]
    parts = without_heading(without_kind(parts, contents), contents)
    if groups := groups_of(parts, metrics, contents):
        return groups
    refuse_apart(parts, contents)
    of_visit = of_one_visit(parts, contents)
    parts.words, parts.notes = of_visit.words, of_visit.notes
    notes = list(parts.notes)
    grows = parts.has("trend") and not (filters_of(parts, None) or breakdown_of(parts))
    happened = parts.has("cause") and parts.has("change", "happened") and parts.times.periods
    if not metrics and (grows or (happened and not filters_of(parts, None))):
        metrics = list(OF_GROWTH)
        parts.beside = _BESIDE_CHANGES if happened else ()
        notes.append(unnamed(metrics))
    if not metrics and (found_of_period := of_period(parts, contents)):
        queries, more = found_of_period
        return queries, [*notes, *more]
    of_rest = parts.has("rest") and filters_of(parts, None) and not parts.judged
    if not metrics and (_is_bare_pair(parts) or _asks_how(parts) or of_rest):
        metrics = overview_of(filters_of(parts, None))
        notes.append(unnamed(metrics))
        apart = [one.dimension for one in filters_of(parts, None) if len(one.values) > 1][:1]
        if apart and not (of_rest or breakdown_of(parts)):  # the numbers for weekly_02 and weekly_03: of each
            parts = replace(parts, by=apart)
    by = breakdown_of(parts)
    beside = len(metrics) == 1 and re.search(rf"\bwith (?:the |their |its )?{_word_of(parts, metrics)}", parts.text)
    if beside and (parts.top or parts.text.startswith("top ")) and len(by) == 1 and by[0] in DEFAULTS:
        metrics = [*dict.fromkeys((DEFAULTS[by[0]], *metrics))]  # top landing pages, with their bounce rate
        notes.append(f"No measure is named to put them in order: by {METRICS[metrics[0]].label}.")
    also = len(metrics) > 1 and by and _ALSO_SHARE.search(parts.text)  # pieces, orders and revenue, also the share
    if also:
        parts = replace(parts, words=[word for word in parts.words if word.kind != "share"])
    for asked in [[name] for name in metrics] or [metrics]:
        query, more = query_of(parts, asked, filters_of(parts, next(iter(asked), None)), contents)
        refuse_certain(query)
        if (items := of_items(query)) != query:
            more.append("Items have no sessions, so this is a ratio of item views, cart additions or orders.")
        query = divided(query, per) if per else items
        query = set_apart(query, parts.opposed) if parts.opposed else query
        require_same_categories(query, contents)
        found.append(query)
        notes += more
    if parts.opposed and parts.opposed.second is None:
        require_asked(found, parts.opposed)
    if also:
        parted = [one for one in found if METRICS[one.metric].unit in ("count", "money")]
        found += [replace(query, is_share=True) for query in parted[-1:]]
    if both_ends(parts):
        first, *others = found
        if ends_differ(parts):
            raise NotRead(
                "Ask for the highest and the lowest separately: the days or values may belong to only one of them."
            )
        if others or len(first.by) != 1 or first.versus or first.ascending is None or (metrics and parts.has("sell")):
            raise NotRead("I can show the highest or the lowest first: ask for one of them.")
        return [first, replace(first, ascending=not first.ascending)], notes
    if parts.done and parts.conditions and parts.conditions.asks_who and metrics == ["users"] and not found[0].by:
        found.append(replace(found[0], metric="sessions", by=("user",), is_share=False, top=_LISTED, ascending=False))
        notes.append("The users with the most sessions are listed first.")
        return found, notes
    if metrics == ["users"] and parts.has("compare") and found[0].by and not found[0].versus:
        parts.beside = BESIDE_PEOPLE  # how do these visitors differ from those
    if len({(one.by, one.filters, one.period) for one in found}) > 1:
        labels = " and ".join(METRICS[name].label for name in metrics)
        raise NotRead(f"I cannot answer these together. Ask for one at a time: {labels}.")
    if by in (["next_page"], ["previous_page"]) and metrics in _OF_VIEWS and not found[0].is_share:
        types = (f"{by[0]}_type",) if contents.values.get("page_type") else tuple(by)
        found.append(replace(found[0], by=types, is_share=True))
    return found, notes


def _word_of(parts: Parts, metrics: list[str]) -> str:
    """A pattern of the words for a measure."""
    return next((word.pattern for word in parts.words if word.kind == "metric" and word.name in metrics), "(?!)")


def _asks_how(parts: Parts) -> bool:
    """Whether it is asked how a group, or the site, did: "how did mobile perform", "how was July"."""
    is_compared = parts.has("compare") or parts.times.asks_before or len(parts.times.periods) > 1
    by = breakdown_of(parts)
    is_plain = not (parts.judged or parts.has("high", "low", "judged", "share", "trend"))
    is_whole = is_plain and not is_compared and (not by or (len(by) == 1 and DEFAULTS.get(by[0]) == "sessions"))
    return _PERFORMS.search(parts.text) is not None and bool(is_whole or filters_of(parts, None))


def _part_and_rest(parts: Parts, contents: Contents) -> list[Query]:
    """The funnels of one group, and of all others; none where no single group is named."""
    words = [word for word in parts.words if word.kind not in ("rest", "compare")]
    query, _ = query_of(replace(parts, words=words, comparatives=[]), ["funnel"], filters_of(parts, "funnel"), contents)
    part = [one for one in query.filters if one.dimension != "step" and not (one.is_excluded or one.did)]
    if len(part) != 1 or query.by != ("step",):
        return []
    others = tuple(replace(one, is_excluded=True) if one == part[0] else one for one in query.filters)
    return [query, replace(query, filters=others)]


def _is_bare_pair(parts: Parts) -> bool:
    """Whether two values are compared and nothing else is said: "mobile vs desktop"."""
    kinds = {word.kind for word in parts.words} - {"filler", "value", "period"}
    if parts.judged or parts.comparatives:
        return False
    is_asked = kinds == {"compare"} or (not kinds and _EITHER.search(parts.text) is not None)
    of_two = any(len(one.values) > 1 and one.dimension != "cluster" for one in filters_of(parts, "sessions"))
    is_new = kinds == {"by"} and breakdown_of(parts) == ["new_or_returning"]
    return ((is_asked and of_two) or is_new) and len(parts.times.periods) < 2 and not parts.times.asks_before


def as_one(queries: Sequence[Query]) -> Query | None:
    """The query by a dimension that stands for those of its values: what "either of them" is about; None for others.

    A value and its trend since a day are continued by the trend.
    """
    first, last = queries[0], queries[-1]
    if len(queries) == 1:
        return first
    is_trend = len(queries) == 2 and last.by in (("day",), ("week",), ("month",))
    if is_trend and replace(last, by=()) == replace(first, period=last.period):
        return last
    own = [
        [one for one in query.filters if one not in queries[place - 1].filters] for place, query in enumerate(queries)
    ]
    kinds = {one.dimension for filters in own for one in filters}
    if len(kinds) != 1 or any(len(filters) != 1 or filters[0].is_excluded or filters[0].did for filters in own):
        return None
    (dimension,) = kinds
    values = tuple(dict.fromkeys(value for (one,) in own for value in one.values))
    others = [tuple(one for one in query.filters if one not in its) for query, its in zip(queries, own, strict=True)]
    pairs = zip(queries, others, strict=True)
    rest = {(query.metric, query.by, query.period, query.is_share, left) for query, left in pairs}
    if len(rest) > 1 or first.by or first.is_share:
        return None
    return replace(first, by=(dimension,), filters=(*others[0], Filter(dimension, values)))
