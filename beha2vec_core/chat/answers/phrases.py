"""Pieces of the sentences of an answer: intervals, names of groups, what is chosen, and when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

from beha2vec_core.chat.queries.nearest import in_words
from beha2vec_core.profiles.statistics import wilson_interval
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.compiler import REST
from beha2vec_core.semantic.definitions import DIMENSIONS, Metric
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Filter, Period, Query
from beha2vec_core.semantic.shares import filters_of_whole
from beha2vec_core.words import between, finer, listed, number
from beha2vec_core.words import day as day_words

UNKNOWN = "(unknown)"
_DOERS = {"user": (("users", "buyers"), "who"), "session": (("sessions",), "that"), "one_order": (("orders",), "that")}
_LABELS = ("page_type", "landing_page_type", "next_page_type", "previous_page_type", "theme")  # article_list
_OF_VIEWS = ("page", "page_type", "theme")
_AROUND = {  # values that say nothing alone
    "cluster": ("cluster ", ""), "cluster_then": ("cluster ", ""), "one_order": ("order ", ""),
    "order_number": ("", " orders"), "new_or_returning": ("", " users"),
}  # fmt: skip


def interval(count: int, total: int, effective: float | None) -> tuple[float, float] | None:
    """Of a share with as many independent rows as it rests on."""
    if not total or not effective:
        return None
    low, high = wilson_interval([count / total * effective], [effective])
    return float(low[0]), float(high[0])


def ends_of(count: int, total: int, effective: float | None, more: int = 0) -> str:
    """The interval of a share in words, with so many digits more than usual; with as many more as show both ends."""
    ends = interval(count, total, effective)
    if not ends:
        return "no interval"
    both = [[finer(end, "share", digits) for end in ends] for digits in range(more, 3)]
    return f"95% interval {between(*next((one for one in both if one[0] != one[1]), both[-1]))}"


def is_most(result: Result) -> list[str]:
    """Whether a part is more than half of the whole, in a sentence; none where it is no single share."""
    is_part = result.query.is_share or result.metric.unit == "share"
    part = of_whole(result.query, result.rows[0]) if is_part and not result.query.by and result.rows else None
    if part is None:
        return []
    if number(part, "share") == number(0.5, "share"):
        return ["About half."]
    return ["Yes, more than half." if part > 0.5 else "No, less than half."]


_HOST = re.compile(r"(?<![\w@./-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?=/)")
_WITH_THE = re.compile(r"(?:Netherlands|Philippines|Czech Republic|United .*)$")  # countries


def cell(value: object) -> str:
    """The name of a group."""
    if isinstance(value, date):
        return value.isoformat()
    return UNKNOWN if value is None else clean_text(str(value), limit=80)


def name_of(query: Query, metric: Metric, *, means: bool = False) -> str:
    """What is counted, with what is chosen: share of users in Sweden who ordered, of those who viewed search pages.

    Args:
        means: whether it says what the metric means.
    """
    label = f"{metric.label} ({metric.means})" if means and metric.means else metric.label
    if not query.is_share:
        return f"{label}{where_of(query, metric)}"
    whole = filters_of_whole(query)
    part = where_of(query, metric, [one for one in query.filters if one not in whole])
    rest = where_of(query, metric, whole)
    those = metric.label if rest.startswith(" of ") else "those"  # of sessions of new users, of those from Sweden
    each = " and ".join(DIMENSIONS[name].label for name in query.by if DIMENSIONS[name].kind != "time")
    within = f"{',' * bool(rest)} within each {each}" if query.of_each else ""
    is_spread = bool(each and rest and not part)  # over the groups
    return f"share of {'all ' * is_spread}{label}{part}{f', of {those}' * bool(part and rest)}{rest}{within}"


def where_of(query: Query, metric: Metric, filters: Sequence[Filter] | None = None) -> str:
    """What is chosen, as it stands after the noun: on mobile in Sweden, of users who ordered and used a coupon.

    Args:
        filters: those of the query that are named; None for all.
    """
    chosen = [
        one
        for one in (query.filters if filters is None else filters)
        if one.did or one.is_excluded or one.dimension not in query.by
    ]
    chosen = [one for one in chosen if not _is_of_others(one, query)]
    said = [_phrase(one, query, metric) for one in chosen if not one.did]
    said.sort(key=lambda one: (one.startswith("who "), not one.startswith("of ")))  # sessions of new users on mobile
    for place in range(len(said) - 1, 0, -1):  # from Organic Search (google)
        begins = said[place].partition(" ")[0]
        if begins in ("from", "for") and any(one.startswith(f"{begins} ") for one in said[:place]):
            said[place] = f"({said[place].removeprefix(f'{begins} ')})"
    for (dimension, (nouns, who)), without in product(_DOERS.items(), (False, True)):
        those = [one for one in chosen if one.did and (one.dimension, one.is_excluded) == (dimension, without)]
        done = [in_words(one, asked=False) for one in those]
        of = f"excluding {nouns[0]} " if without else "" if metric.label.endswith(nouns) else f"of {nouns[0]} "
        said += [f"{of}{who} {listed([*dict.fromkeys(done)])}"] if done else []
    return "".join(f" {one}" for one in said)


def _phrase(one: Filter, query: Query, metric: Metric) -> str:
    """The values of a filter after a noun: from Email, excluding Email, with a coupon, landing on the home page."""
    named, (where, _, after) = in_words(one), DIMENSIONS[one.dimension].where.partition("{}")
    named = named.replace("_", " ") if one.dimension in _LABELS else named
    if one.dimension == "country":
        named = " or ".join(f"{'the ' * bool(_WITH_THE.match(name))}{name}" for name in named.split(" or "))
    where = f"for{where.removeprefix('from')}" if metric.is_ratio and where.startswith("from") else where
    if not one.values:
        return f"with{'out' * one.is_excluded} a {DIMENSIONS[one.dimension].label}"
    if one.dimension == "step":
        return f"from the {one.values[0][2:]} to the {one.values[-1][2:]}"
    if one.dimension == "hour":
        return f"{'excluding ' * one.is_excluded}between {one.values[0]}:00 and {one.values[-1]}:59"
    if one.dimension in _OF_VIEWS and metric.label.startswith("page views"):
        where = f"of{where.removeprefix('on')}"
    if one.dimension == "weekend":
        where, named = ("on ", "weekends") if "weekend" in one.values else ("from ", named)
    if one.dimension == "order_number":
        named = one.values[0]
    are_people, are_sessions = (metric.label.endswith(_DOERS[level][0]) for level in ("user", "session"))
    if are_people:
        where = where.removeprefix("from users ").replace("for ", "of ")
        where, after = ("who were ", "") if one.dimension == "new_or_returning" else (where, after)
    of = "of sessions " * (where.startswith("landing") and not (are_people or are_sessions))
    if one.is_excluded and not query.is_share and not where.startswith(("landing", "who")):
        return f"excluding {named}{after}"
    return f"{of}{'not ' * one.is_excluded}{where}{named}{after}"


def _is_of_others(one: Filter, query: Query) -> bool:
    """Whether a filter leaves out what another one is about: what else is in orders that have a tent."""
    return one.is_excluded and any(
        replace(one, is_excluded=False) in did.filters for f in query.filters for did in f.did
    )


def when_of(period: Period | None) -> str:
    """The days of a query; nothing for all of them."""
    if period is None:
        return ""
    return f" on {period.in_words}" if period.first == period.last else f" from {period.in_words}"


_ONE_WORD = {  # phrases that the rewrites join
    "firstorder": "first order", "laterorder": "later order", "visitstoorder": "visits to first order",
    "pagestoorder": "pages to first order", "firsttouch": "first touch", "majorityof": "majority of", "askswhy": "why",
}  # fmt: skip
_JOINED = re.compile(rf"\b(?:{'|'.join(_ONE_WORD)})\b")


def in_everyday_words(text: str) -> str:
    """The text without words that only rewrites write: “first order” in place of “firstorder”."""
    return _JOINED.sub(lambda found: _ONE_WORD[found[0]], text)


def without_host(text: str) -> str:
    """The text with the paths of pages in place of their addresses, where all are of one host."""
    hosts = {*_HOST.findall(text)}
    if len(hosts) != 1:
        return text
    (host,) = hosts
    return re.sub(rf"{re.escape(host)}/(?![\w%~])", "the home page", text).replace(f"{host}/", "/")


def plural(dimension: str) -> str:
    """Several groups of a dimension: countries."""
    return plural_of(DIMENSIONS[dimension].label)


def plural_of(word: str) -> str:
    """The plural of a noun: of "cluster at the time" too."""
    word, at, time = word.partition(" at ")
    many = f"{word[:-1]}ies" if word.endswith("y") and not word.endswith("day") else f"{word}s"
    return f"{many}{at}{time}"


def what_of(result: Result) -> str:
    """What the values are: Revenue on mobile from 4 May to 10 May 2026."""
    period, name = result.query.period, capitalized(name_of(result.query, result.metric))
    is_apart = period and re.search(r" (?:from|of those) ", name)  # not: from Email from 4 May
    return f"{name}, {period.in_words}" if period and is_apart else f"{name}{when_of(period)}"


def group_in_words(query: Query, row: dict[str, Any]) -> str:
    """The group of a row: mobile / week of 4 May 2026."""
    shown = []
    for name in query.by:
        value = row[name]
        when = f"week of {day_words(value)}" if name == "week" else f"{value:%B %Y}" if name == "month" else ""
        if name == "quarter":
            when = f"Q{(value.month + 2) // 3} {value.year}"
        if name == "year":
            when = str(value.year)
        if name == "day" and isinstance(value, date):
            when = day_words(value)
        if name == "hour" and value is not None:
            hours = str(value).split(" or ")  # a group of several
            when = f"{hours[0]}:00 to {hours[-1]}:59" if hours[0].isdecimal() else str(value)
        if name in _LABELS and value:
            value = str(value).replace("_", " ")
        before, after = _AROUND.get(name, ("", "")) if value not in (None, REST) else ("", "")
        shown.append(when or f"{before}{cell(value)}{after}")
    return " / ".join(shown)


def of_whole(query: Query, row: dict[str, Any]) -> float | None:
    """The value of a row; of a share, of its whole."""
    value = row.get("value")
    if value is None:
        return None
    if query.is_share:
        return float(value) / float(row["total"]) if row.get("total") else None
    return float(value)


def row_before(row: dict[str, Any]) -> dict[str, Any]:
    """The values of a row in the other period; empty where there is none."""
    return {name.removesuffix("_before"): one for name, one in row.items() if name.endswith("_before")}


def capitalized(text: str) -> str:
    """The text with its first letter as a capital; others stay as they are."""
    return f"{text[:1].upper()}{text[1:]}"
