"""Questions near to one that cannot be answered, and queries as questions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.compiler import dimensions_of, place
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, OF_STEPS, PEOPLE_COUNTED, SOURCES, TABLES
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Did, Filter, Period, Query, is_by_time
from beha2vec_core.semantic.rows import NotAnswerable
from beha2vec_core.words import listed

_SAID = {  # their labels are not read as them
    "bounces": "number of bounces", "cart_additions": "cart additions of items", "cart_rate": "add to cart rate",
    "cart_sessions": "sessions with a cart", "buyer_share": "user conversion rate",
    "visits_to_order": "visits until first order", "median_visits_to_order": "median visits until first order",
    "pages_to_order": "pages until first order", "median_pages_to_order": "median pages until first order",
}  # fmt: skip
_DOERS = {"user": ("users", "who", PEOPLE_COUNTED), "session": ("sessions", "that", ("sessions",))}
_PAST = {  # of verbs that names of events begin with
    "add": "added", "remove": "removed", "view": "viewed", "select": "selected", "begin": "began", "share": "shared",
    "generate": "generated", "submit": "submitted", "start": "started", "complete": "completed", "sign": "signed",
    "join": "joined", "use": "used", "apply": "applied", "click": "clicked", "open": "opened", "play": "played",
    "watch": "watched", "save": "saved", "compare": "compared", "book": "booked", "request": "requested",
    "download": "downloaded", "subscribe": "subscribed", "write": "wrote", "rate": "rated",
}  # fmt: skip
_NOTHING_ELSE = {
    "page_views": "viewed no other pages", "viewed_items": "viewed no other products", "items": "bought nothing else",
    "cart_items": "put nothing else in the cart",
}  # fmt: skip
_NAMED, _FEW = 6, 2  # values of a filter that are named; and of very many


def reaches(metric: str, dimension: str, *, directly: bool = False) -> bool:
    """Whether some table of the metric has the dimension; or of the one that takes its place."""
    query = Query(metric, filters=(Filter(dimension, ("0",)),))
    return reaches_all(query) and not (directly and place(query)[0].name != metric)


def table_of(metric: str | None, dimension: str) -> str:
    """The name of the table that has the dimension; without a measure that of what is sold."""
    query = Query(metric or "items_sold", filters=(Filter(dimension, ("0",)),))
    table = place(query)[1] if reaches_all(query) else None
    return next((name for name, one in TABLES.items() if one == table), "")


def reaches_all(query: Query) -> bool:
    """Whether some table of the metric has all that the query names."""
    try:
        place(query)
    except NotAnswerable:
        return False
    return True


def nearest_queries(
    asked: tuple[str, ...],
    by_asked: tuple[str, ...],
    filters_asked: tuple[Filter, ...],
    period_asked: Period | None,
    contents: Contents,
) -> tuple[Query, ...]:
    """Up to three queries near to what was understood; none where nothing was but days."""
    if not (asked or by_asked or filters_asked):
        return ()
    metrics = [name for name in asked if METRICS[name].words and not contents.never_recorded(Query(name))]
    metrics = metrics or (["funnel"] if {*asked} & {*OF_STEPS} else ["revenue", "sessions", "conversion_rate"])
    found: list[Query] = []
    others: list[Query] = []
    for metric in metrics[:3]:
        reached = [one for one in filters_asked if reaches(metric, one.dimension)]
        filters = _that_go_together([one for one in reached if not contents.never_recorded(Query(metric, (), (one,)))])
        reachable = dimensions_of(metric)
        by = tuple(name for name in by_asked if name in reachable and name not in {f.dimension for f in filters})[:1]
        period = period_asked
        if period and (period.last < contents.days.first or period.first > contents.days.last):
            period = None
        found.append(Query(metric, by, filters, period))
        if by:
            others.append(Query(metric, (), filters, period))
        elif len(metrics) < 3:
            more = [name for name in ("channel", "device", "country") if name in reachable]
            chosen = {one.dimension for one in filters}
            others += [Query(metric, (name,), filters, period) for name in more if name not in chosen][:2]
        if period and len(metrics) == 1:
            others.append(Query(metric, (), filters, period, period.before()))
    return tuple(dict.fromkeys((*found, *others)))[:3]


def _that_go_together(filters: list[Filter]) -> tuple[Filter, ...]:
    """The filters less those that another one already excludes: see `reading`."""
    kept: list[Filter] = []
    for one in filters:
        is_second = one.dimension in SOURCES and any(other.dimension in SOURCES for other in kept)
        is_second |= one.dimension in {other.dimension for other in kept}
        if not is_second and not (len(one.values) > 1 and any(len(other.values) > 1 for other in kept)):
            kept.append(one)
    return tuple(kept)


def as_question(query: Query) -> str:
    """A question that asks for the query: it is read as the same query again."""
    metric = METRICS[query.metric]
    words = [
        _SAID.get(query.metric) or (metric.label if metric.label in metric.words else metric.name.replace("_", " "))
    ]
    if "one_order" in query.by and not query.counts_groups:
        words = [f"{query.top or ''} {'smallest' if query.ascending else 'biggest'} orders".strip()]
        query = replace(query, by=(), top=None, ascending=None)
    elif "one_order" in query.by:
        limits = [f"{which} {limit:g}" for which, _, limit in query.limits]
        query = replace(query, by=(), over=None, under=None, counts_groups=False)
        words = [f"how many orders {' and '.join(limits)}"]
    if query.per:
        words.append(f"per {query.per.removesuffix('s').replace('_', ' ')}")
    if query.top_of_each:
        outer, inner = (DIMENSIONS[name].words[0] for name in query.by)
        measure = as_question(replace(query, by=(), top_of_each=None, ascending=None))
        end = "bottom" if query.ascending else "top"
        return f"{end} {query.top_of_each} {inner} for each {outer} by {measure}"
    if query.counts_groups and is_by_time(query.by):
        limits = [f"{which} {limit:g}" for which, _, limit in query.limits]
        words = [f"how many {query.by[0]}s had {' and '.join(limits)} {words[0]}"]
        query = replace(query, by=(), over=None, under=None, counts_groups=False, at_least=False, at_most=False)
    if query.is_share:
        words.insert(0, "share of")
    for one in query.filters:
        if one.did:  # buyers who ordered twice, revenue of users who did
            noun, who, own = _DOERS.get(one.dimension, ("orders", "that", ("orders",)))
            words.append(f"{who if query.metric in own else f'of {noun} {who}'} {in_words(one)}")
    if query.by:
        words.append("by " + " and ".join(next(iter(DIMENSIONS[name].words), name) for name in query.by))
    words += [filter_asked(one) for one in query.filters if not one.did]
    if query.period:
        words.append(days_asked(query.period))
    if query.versus:
        words.append(f"vs {days_asked(query.versus)}")
    words += ["against all others"] if query.against_rest else []
    words += [f"{which} {limit:g}" for which, _, limit in query.limits]
    words += [having_in_words(query)] if query.having else []
    words += ["by part of the change"] if query.by_change else []
    words[:0] = ["why the change in"] if query.explains else ["how many groups of"] if query.counts_groups else []
    return " ".join(words)


def filter_asked(one: Filter) -> str:
    """A filter of named values, as a question says it."""
    named = listed(one.values) if one.values else ""
    if one.dimension == "hour" or not one.values:
        return f"{'not ' if one.is_excluded else ''}{in_words(one)}"
    if one.dimension == "step":
        return f"from {one.values[0][2:]} to {one.values[-1][2:]}"
    if one.dimension.startswith("first_"):
        return f"{DIMENSIONS[one.dimension].label} {named}"
    if one.is_excluded:
        return f"without {named}"
    if one.dimension == "weekday":
        return " ".join(f"on {value}s" for value in one.values)
    where = DIMENSIONS[one.dimension].where if len(one.values) == 1 else "for {}"
    return where.format(f"cluster {named}" if one.dimension == "cluster" and one.values[1:] else named)


def days_asked(period: Period) -> str:
    """A period, as a question says it."""
    first, last = period.first, period.last
    if first.day == 1 and (first.year, first.month) == (last.year, last.month) and (last + timedelta(days=1)).day == 1:
        return f"in {first:%B %Y}"
    return f"on {period.in_words}" if first == last else f"from {period.in_words}"


def some_of(values: tuple[str, ...], joined: str = "or") -> str:
    """The first values in words, and how many there are beyond them."""
    values = tuple(value for value in values if "/" not in value) or values  # of categories, their first levels
    host, _, below = values[0].partition("/") if values else ("", "", "")
    section = f"{host}/{below.partition('/')[0]}"
    if len(values) > _NAMED and "." in host and below and all(f"{one}/".startswith(f"{section}/") for one in values):
        return f"any of the {len(values)} pages under {clean_text(section, limit=80)}"
    number = _NAMED if len(values) <= 2 * _NAMED else _FEW
    shown = [clean_text(value, limit=80) for value in values[:number]]
    return listed(shown, joined) if len(values) <= number else f"{', '.join(shown)} and {len(values) - number} more"


def in_words(one: Filter, *, asked: bool = True) -> str:
    """A filter in words: its values, or what was done; ``asked``: as it can be asked for."""
    if one.dimension == "hour" and len(one.values) > 1:
        return f"hours {one.values[0]} to {one.values[-1]}"
    if one.dimension == "order_number":
        return f"{one.values[0]} orders"
    if not one.did:
        return some_of(one.values) if one.values else "any"
    done = " and ".join(_did_in_words(did, asked) for did in one.did)
    return re.sub(r"\bbought\b", "have", done) if one.dimension == "one_order" else done


def _did_in_words(did: Did, asked: bool) -> str:
    """What was done, in the past, and after what; or that it was not."""
    when = ""
    if did.period:
        when = f" {'on' if did.period.first == did.period.last else 'from'} {did.period.in_words}"
    if did.after is None:
        return _alone_in_words(did, asked) + when
    what = _did_in_words(did.after, asked)
    if did.of_first:
        what = "their first order" if did.after.table == "purchases" else "their first visit"
        what += "" if did.after.filters or did.after.table == "purchases" else " in the data"
    else:
        what = f"they {what}"
    if (within := did.within) is None:
        return f"{_alone_in_words(did, asked)}{when} after {what}"
    days = f"{within.least} to {within.most}" if within.least > 1 else f"{within.most}"
    days = f"within {days} {within.unit}{'s' * (within.most > 1)} after" if within.most else "on the day of"
    days = f"{within.least} day{'s' * (within.least > 1)} or more after" if within.most > 9000 else days
    return f"{_alone_in_words(did, asked)}{when} {'the day after' if within.least == within.most == 1 else days} {what}"


def _alone_in_words(did: Did, asked: bool) -> str:
    if did.is_excluded and [one.is_excluded for one in did.filters] == [True]:
        return _NOTHING_ELSE.get(did.table, "did not visit otherwise")
    named = ", ".join(f"{'not ' if one.is_excluded else ''}{in_words(one)}" for one in did.filters)
    dimensions = [one.dimension for one in did.filters]
    visits = f"({named})" if named else ""
    if not asked:
        where = (
            f"{'not ' * one.is_excluded}{DIMENSIONS[one.dimension].where.format(in_words(one))}" for one in did.filters
        )
        visits = re.sub(r"\bof (?=\w+ users)", "as ", " ".join(where))
    pages = f"{dimensions[0].replace('_', ' ')} {named}" if dimensions else "pages"
    pages = f"{named} pages" if dimensions == ["page_type"] else pages
    if not asked and dimensions in (["page"], ["theme"]):
        pages = f"{'pages about ' * (dimensions == ['theme'])}{named}"
    past, verb, what = {  # by table
        "steps": ("reached", "reach", f"the {named[2:]}"),
        "page_views": ("viewed", "view", pages),
        "viewed_items": ("viewed", "view", f"{named} products"),
        "cart_items": ("put", "put", f"{named} in the cart"),
        "items": ("bought", "buy", named),
        "purchases": ("bought", "buy", named) if named else ("ordered", "order", ""),
        "events": _event_in_words(named),
    }.get(did.table, ("visited", "visit", visits))
    if "coupon" in dimensions:
        past, verb, what = "used", "use", "a coupon" if named == "any" else f"the coupon {named}"
    elif dimensions == ["order_number"]:
        past, verb, what = "placed", "place", f"their {named.removesuffix('s')}"
    elif "product_view" in dimensions or (did.table == "steps" and named.startswith("1")):
        past, verb, what = "viewed", "view", "a product"
    done = f"did not {verb}" if did.is_excluded else past
    unit = "items" if did.table == "items" else "days" if did.of_days else "times"
    if did.at_most is None and did.at_least <= 1:
        return f"{done} {what}".strip()
    number = f"exactly {did.at_least}" if did.at_most == did.at_least else f"{did.at_least} to {did.at_most}"
    number = f"at least {did.at_least}" if did.at_most is None else number
    number = f"{number} {unit[:-1] if did.at_most == did.at_least == 1 else unit}"
    if did.table == "items" and what:
        return f"{done} {number} of {what}"  # have at least 3 items of Tents & Shelters
    return " ".join(filter(None, (done, what, number)))


def _event_in_words(name: str) -> tuple[str, str, str]:
    """What users did whose event this is: the verb in the past and in its plain form, and what follows it."""
    first, _, rest = name.partition("_")
    past = _PAST.get(first) if rest and re.fullmatch(r"[a-z_]+", rest) else None
    return (past, first, rest.replace("_", " ")) if past else ("triggered", "trigger", f"the event {name}")


def having_in_words(query: Query) -> str:
    """With at least 50 sessions and no orders."""
    limits = []
    for one in query.having:
        whose = Query(one.metric, query.by)
        of = place(whose)[0].label if reaches_all(whose) else METRICS[one.metric].label
        if one.half:
            limits.append(f"at {'least' if one.half == 'upper' else 'most'} the median of {of}")
            continue
        limits.append(f"at least {one.at_least:g} {of}" if one.at_least is not None else f"no {of}")
    return f"with {' and '.join(limits)}"
