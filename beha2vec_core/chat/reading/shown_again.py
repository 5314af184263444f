"""Follow-ups that show the answer before in another way: "only the top 3", "as a percentage", "the second one?"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from beha2vec_core.chat.queries.implied_measures import overview_of
from beha2vec_core.chat.queries.nearest import reaches_all
from beha2vec_core.chat.reading.contrasts import Contrast
from beha2vec_core.chat.reading.other_groups import CANNOT
from beha2vec_core.chat.reading.question import Reading
from beha2vec_core.chat.words.numbers import NUMBER_WORDS, count_of
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Filter, Period, Query, add_months, is_by_time

LEAD = (
    r"\W*(?:(?:ok|okay|and|but|so|now|no|sorry|actually|then|please|well|hm+|great|thanks?|can|could|would|will|you|"
    r"i|i'd|i'm|meant?|want|need|like|prefer|to|see|know|show|give|list|tell|name|let|let's|me|us|it|them|that|this|"
    r"those|these|just|only|what about|how about|rather)\b\W*)*"
)
TAIL = (
    r"(?:\W*\b(?:please|pls|i mean|instead|only|then|though|now|too|also|(?:(?:is|are|will|would) )?(?:do|enough))\b)*"
    r"\W*"
)
_ONES = r"(?: (?:ones?|of (?:them|those|these|it|that|the list)|rows?|results?|groups?|places?|entries|{plural}))*"
_NUMBER = rf"(?P<number>\d{{1,2}}|one|{'|'.join(NUMBER_WORDS)})"
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ORDINAL = rf"(?P<ordinal>{'|'.join(_ORDINALS)}|\d{{1,2}}(?:st|nd|rd|th)|last|(?:number|no\.?|#) ?\d{{1,2}})"
_TOP = (
    rf"(?:the |your |our )?(?P<end>top|first|best|largest|biggest|highest|bottom|last|worst|smallest|lowest) {_NUMBER}"
)
_END = r"(?P<end>best|top|largest|biggest|highest|strongest|worst|smallest|lowest|weakest)"
_BEST = rf"(?:which (?:one |{{singular}} )?(?:is|was) )?(?:the |our )?{_END}(?: (?:one|{{singular}}))?"
_OTHER_WAY = rf"(?:the )?{_NUMBER} (?P<end>best|top|largest|biggest|highest|worst|smallest|lowest|bottom)"
_DIFFERENCE = (
    r"(?:what(?:'s| is| was) |how (?:big|large) (?:is|was) )?(?:the |their )?difference(?: (?:between (?:them|the two"
    r"|those|these)|in percent))?|compare(?: (?:the two|both|with each other))?|how do (?:they|the two|these) compare"
)
_TOGETHER = r"(?:both|the two|all|added)?(?: of)? ?(?:together|combined|in total|added up|up)"
_PERCENT = (
    r"(?:(?:as|in) (?:an? )?(?:percent(?:age)?s?|per cent|%|shares?|proportions?)(?: of (?:the |all )?(?:total|whole|"
    r"all|everything))?|"
    r"(?:how (?:much|many)|what) (?:is|are|was|were) (?:that|it|this|they|those|these) (?:as|in) (?:an? )?(?:percent"
    r"(?:age)?s?|per cent|%|shares?)|(?:(?:what|which|the|how many) )?(?:percent(?:age)?s?|shares?|%)(?: (?:is|are|was|"
    r"were) (?:that|it|this|they|those|these))?(?: of (?:the |all )?(?:total|whole|all|everything))?)"
)
_TURNED = (
    r"(?:the )?(?:other way (?:a)?round|vice versa|(?:in )?(?:the )?(?:reversed?|opposite)(?: (?:order|way))?|"
    r"turned (?:a)?round|(?:sorted |order(?:ed)? )?(?:ascending|descending)(?:ly)?)"
)
_MORE = r"(?:(?:(?:tell me |say |know |a bit )*more|details?|describe|explain|zoom in)(?: (?:about|on|of|into|for))? )?"
_ITEM = r"(?: (?:one|row|place|entry|result|group|point|{singular}|of (?:them|those|these)|on (?:the|that|your) list))*"
_LOW_ENDS = r"lowest|smallest|weakest|worst|bottom"
_WHY_ONE = re.compile(
    rf"{LEAD}why (?:is|are|was|does|do|did) (?:the )?(?P<end>{_LOW_ENDS}|highest|largest|biggest|strongest|best|top|"
    r"first|last)"
    r"(?: (?:ones?|[a-z]+))?(?: (?:so|that|this|too|converts?|performs?|do|doing))* "
    rf"(?:low|high|bad|badly|good|well|poor|poorly|weak|strong|small|large){TAIL}"
)
_MORE_OF = re.compile(r"\b(?:more|details?|describe|explain|zoom)\b")
_CLUSTER = "cluster"
_OF_WHAT = "A percentage of what? Name a group, such as a device or a channel, or ask for the share of each."


@dataclass(frozen=True)
class Shown:
    """The queries of an answer, and its groups in the order in which they are shown."""

    queries: tuple[Query, ...] = ()
    groups: tuple[tuple[object, ...], ...] = ()
    is_profile: bool = False  # who the people of the query are
    contrast: Contrast | None = None  # groups that were compared in all respects
    findings: tuple[Query | None, ...] = ()  # each with a query of its own


@dataclass(frozen=True)
class Before:
    """The question before, how it was read, and what its answer showed."""

    question: str = ""
    understood: bool = True
    reading: Reading | None = None
    shown: Shown = field(default_factory=Shown)
    earlier: Shown = field(default_factory=Shown)  # of the answer before that one
    listed: Shown = field(default_factory=Shown)  # the last list, also where one of it was asked for since


@dataclass(frozen=True)
class Again:
    """What a follow-up shows: queries, or the question about a cluster; else why not."""

    queries: tuple[Query, ...] = ()
    question: str = ""
    problem: str = ""
    asks_cause: bool = False  # whether it asks why this is so
    of_list: bool = False  # one of the groups is asked for: the next question may ask for another


def place_asked(question: str, noun: str = "finding") -> int | None:
    """Which of a list a follow-up asks about: 1 for the first, -1 for the last; None: it does not."""
    found = re.fullmatch(
        rf"{LEAD}{_MORE}(?:the )?{_ORDINAL}{_ITEM.format(singular=noun)}{TAIL}", question.lower().replace("’", "'")
    )
    if not found:
        return None
    said = found["ordinal"]
    if said in _ORDINALS:
        return _ORDINALS.index(said) + 1
    return -1 if said == "last" else int(re.sub(r"\D", "", said))


def shown_again(question: str, before: Before) -> Again | None:
    """The answer before in another way; None where the question asks for something else."""
    shown, listed = before.shown, before.listed
    text = question.lower().replace("’", "'")
    if one := _of_finding(text, listed) if listed.findings else _of_listed(text, listed):
        return one
    if not shown.queries:
        return None
    first = shown.queries[0]
    if why := _WHY_ONE.fullmatch(text):
        group = of_end(first, shown.groups, why["end"])
        return Again((group,), asks_cause=True) if group else None
    names = "|".join(_nouns(name, plural=True) for name in first.by) or "groups"
    if (again := _of_both(text, before)) is not None:
        return again
    singular = "|".join(_nouns(name, plural=False) for name in first.by) or "group"
    for top in (_TOP, _OTHER_WAY):
        if found := re.fullmatch(rf"{LEAD}{top}{_ONES.format(plural=names)}{TAIL}", text):
            return _changed(shown.queries, _first_of, found)
    if first.by and (found := re.fullmatch(rf"{LEAD}{_BEST.format(singular=singular)}{TAIL}", text)):
        return _changed(shown.queries, _first_of, found)
    if re.fullmatch(rf"{LEAD}{_PERCENT}{TAIL}", text) and (part := _part_that_bought(before)):
        return Again((part,))
    for pattern, change, problem in ((_PERCENT, _as_share, _OF_WHAT), (_TURNED, _turned, CANNOT)):
        if found := re.fullmatch(rf"{LEAD}{pattern}{TAIL}", text):
            return _changed(shown.queries, change, found) or Again(problem=problem)
    if re.fullmatch(rf"{LEAD}{_MORE}(?:it|that|this)(?: one)?{TAIL}", text) and _MORE_OF.search(text):
        is_first = bool(first.by) and first.ascending is not None
        if first.by:
            return _one_of(shown, 1, with_more=True) if is_first else None
        return _with_more(shown.queries) if first.filters or first.period else None
    return None


def of_end(query: Query, groups: Sequence[tuple[object, ...]], end: str) -> Query | None:
    """The first or the last group of a ranking against all others; None where it has no such group, or no name."""
    is_plain = len(query.by) == 1 and not (query.versus or query.is_share or query.against_rest or query.having)
    if not is_plain or is_by_time(query.by) or query.limits or not groups or (query.ascending is None and query.per):
        return None
    is_turned = end in ("best", "worst") and METRICS[query.metric].better < 0
    is_first = end == "first" or (
        end != "last" and (end in _LOW_ENDS.split("|")) == (bool(query.ascending) != is_turned)
    )
    (value,) = groups[0 if is_first else -1]
    if value is None or (query.top and not is_first):
        return None
    others = tuple(one for one in query.filters if one.dimension != query.by[0])
    group = Filter(query.by[0], (str(value),))
    return Query(query.metric, query.by, (*others, group), query.period, against_rest=True)


def in_data(queries: tuple[Query, ...], contents: Contents | None) -> list[Query]:
    """The queries without days that the data do not have, as of a last week that is not over."""
    if contents is None:
        return list(queries)
    days = contents.days
    return [
        replace(query, period=Period(max(query.period.first, days.first), min(query.period.last, days.last)))
        if query.period and query.period.first <= days.last and query.period.last >= days.first
        else query
        for query in queries
    ]


def _of_finding(text: str, listed: Shown) -> Again | None:
    """The group of a finding, and what else is measured of it; None where none is asked for."""
    if (place := place_asked(text, "finding|highlight|insight|difference")) is None:
        return None
    if not (place == -1 or 0 < place <= len(listed.findings)):
        return Again(problem=f"There are only {len(listed.findings)} of them.", of_list=True)
    query = listed.findings[place - (place > 0)]
    if query is None:
        return Again(problem=CANNOT, of_list=True)
    return _with_more((query,))


def _of_listed(text: str, listed: Shown) -> Again | None:
    """One of the groups of a list; None where none is asked for."""
    by = listed.queries[0].by if listed.queries else ()
    noun = "|".join(_nouns(name, plural=False) for name in by if DIMENSIONS[name].kind != "time")  # not "last week"
    place = place_asked(text, noun or "group")
    if place is None or not by:
        return None
    return _one_of(listed, place, with_more=_MORE_OF.search(text) is not None)


def _of_both(text: str, before: Before) -> Again | None:
    """The difference or the sum of the last two answers, where these differ in their days or in one group alone."""
    asks_sum = re.fullmatch(rf"{LEAD}{_TOGETHER}{TAIL}", text) is not None
    if not (asks_sum or re.fullmatch(rf"{LEAD}(?:{_DIFFERENCE}){TAIL}", text)):
        return None
    if not before.shown.queries:
        return None
    return _compared(before, asks_sum=asks_sum) or Again(problem=CANNOT)


def _compared(before: Before, *, asks_sum: bool) -> Again | None:
    if len(before.shown.queries) != 1 or len(before.earlier.queries) != 1:
        return None
    now, old = before.shown.queries[0], replace(before.earlier.queries[0], versus=None, explains=False)
    is_plain = not (now.by or old.by or now.versus or old.versus or now.limits or old.limits)
    if not is_plain or replace(now, filters=old.filters, period=old.period) != old:
        return None
    if now.filters == old.filters and now.period and old.period and not asks_sum:
        later, earlier = sorted((now.period, old.period), key=lambda one: one.first, reverse=True)
        return Again((replace(now, period=later, versus=earlier),)) if earlier.last < later.first else None
    apart = [one for one in now.filters if one not in old.filters]
    were = [one for one in old.filters if one not in now.filters]
    if now.period != old.period or len(apart) != 1 or len(were) != 1 or apart[0].dimension != were[0].dimension:
        return None
    if apart[0].did or apart[0].is_excluded or were[0].is_excluded:
        return None
    both = replace(apart[0], values=tuple(dict.fromkeys((*were[0].values, *apart[0].values))))
    by = () if asks_sum else (both.dimension,)
    return Again((replace(now, by=by, filters=(*(one for one in now.filters if one is not apart[0]), both)),))


def _nouns(name: str, *, plural: bool) -> str:
    label = DIMENSIONS[name].label
    many = f"{label[:-1]}ies" if label.endswith("y") and not label.endswith("day") else f"{label}s"
    return re.escape(many if plural else label)


def _changed(
    queries: Sequence[Query], change: Callable[[Query, re.Match[str]], Query | None], found: re.Match[str]
) -> Again | None:
    """All queries with a change; None where one has none."""
    again: list[Query] = []
    for query in queries:
        try:
            new = change(query, found)
        except ValueError:
            return Again(problem=CANNOT)
        if new is None:
            return None
        again.append(new)
    return Again(tuple(again))


def _first_of(query: Query, found: re.Match[str]) -> Query | None:
    """So many rows, from one end."""
    is_sequence = is_by_time(query.by) and query.ascending is None and found["end"] in ("first", "last")
    if not query.by or query.by[0] == "step" or query.limits or query.counts_groups or is_sequence:
        return None
    low = METRICS[query.metric].better < 0
    ends = {"best": low, "worst": not low, "top": query.ascending or False, "first": query.ascending or False}
    ends |= {"strongest": low, "weakest": not low}
    ends |= {"bottom": not query.ascending, "last": not query.ascending}
    ascending = ends.get(found["end"], found["end"] in ("smallest", "lowest"))
    number = found.groupdict().get("number")
    if query.top_of_each and number:
        return replace(query, top_of_each=1 if number == "one" else count_of(number), ascending=ascending)
    if number is None or (is_by_time(query.by) and ascending):  # a week that is not over is no lowest one
        return replace(query, top=None, ascending=ascending, top_of_each=None)
    return replace(query, top=1 if number == "one" else count_of(number), ascending=ascending, top_of_each=None)


def _as_share(query: Query, _: re.Match[str]) -> Query | None:
    """Its part of the whole; of what is a rate already, the same."""
    metric = METRICS[query.metric]
    if query.is_share or metric.unit == "share":
        return query
    is_sum = metric.unit in ("count", "money") and not metric.is_ratio
    if not is_sum or not (query.by or query.filters) or query.counts_groups or query.limits:
        return None
    return None if query.per or query.against_rest or query.explains else replace(query, is_share=True)


def _part_that_bought(before: Before) -> Query | None:
    """How many of those before bought, as a share of them; None where the last answer does not say that."""
    if len(before.shown.queries) != 1 or len(before.earlier.queries) != 1:
        return None
    now, old = before.shown.queries[0], before.earlier.queries[0]
    is_of_them = (now.metric, old.metric) == ("buyers", "users") and replace(now, metric="users") == old
    return replace(now, metric="buyer_share") if is_of_them and not (now.by or now.is_share) else None


def _turned(query: Query, _: re.Match[str]) -> Query | None:
    """The other order, the periods or groups changed over, or of the whole those that were the part."""
    if query.is_share and not query.by and len(query.filters) == 2 and all(one.did for one in query.filters):
        return replace(query, filters=query.filters[::-1])
    if query.versus and query.period and not (query.by_change or query.explains):
        return replace(query, period=query.versus, versus=query.period)
    pair = next((one for one in query.filters if one.dimension in query.by and len(one.values) > 1), None)
    if pair and query.ascending is None:
        others = tuple(replace(one, values=one.values[::-1]) if one is pair else one for one in query.filters)
        return replace(query, filters=others)
    if not query.by or query.by[0] == "step" or query.against_rest:
        return None
    is_sequence = is_by_time(query.by) and query.ascending is None
    return None if is_sequence else replace(query, ascending=not query.ascending)


def _one_of(shown: Shown, place: int, *, with_more: bool) -> Again:
    """The value of one group, or with more: what else is measured of it."""
    groups = shown.groups
    if not groups:
        return Again(problem=CANNOT)
    if not (0 < place <= len(groups) or place == -1):
        return Again(problem=f"The list has only {len(groups)} rows.", of_list=True)
    group = groups[place - (place > 0)]
    first = shown.queries[0]
    if first.by == (_CLUSTER,) and with_more:
        return Again(question=f"describe cluster {group[0]}", of_list=True)
    try:
        queries = tuple(of_group(query, first.by, group) for query in shown.queries)
    except ValueError:
        return Again(problem=CANNOT)
    return _with_more(queries) if with_more else Again(queries, of_list=True)


def _with_more(queries: tuple[Query, ...]) -> Again:
    """What else is measured of the same group."""
    first, known = queries[0], {one.metric for one in queries}
    others = (Query(name, (), first.filters, first.period) for name in overview_of(first.filters) if name not in known)
    return Again((*queries, *(one for one in others if reaches_all(one))), of_list=True)


def of_group(query: Query, by: tuple[str, ...], group: tuple[object, ...]) -> Query:
    """The query of one group of its breakdown.

    Raises:
        ValueError: it is a group that no filter names.
    """
    if query.by != by or query.limits or query.counts_groups or query.per:
        raise ValueError("no group")
    period, filters = query.period, list(query.filters)
    for name, value in zip(by, group, strict=True):
        if isinstance(value, date):
            period = _days_of(name, value, period)
        elif value is None or name == "step":
            raise ValueError("no name")
        else:
            filters = [one for one in filters if one.dimension != name or one.did]
            filters.insert(0, Filter(name, (str(value),)))
    return Query(query.metric, (), tuple(filters), period, query.versus, query.is_share)


def _days_of(step: str, first: date, within: Period | None) -> Period:
    """The days of a week, month or so, of those that are asked for."""
    months = {"month": 1, "quarter": 3, "year": 12}.get(step)
    last = add_months(first, months) - timedelta(days=1) if months else first + timedelta(days=6 * (step == "week"))
    return Period(max(first, within.first), min(last, within.last)) if within else Period(first, last)
