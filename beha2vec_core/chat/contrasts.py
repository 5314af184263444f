"""What is different about a group: "how do buyers differ from all others", "profile of mobile users"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from beha2vec_core.chat.nearest import in_words, reaches_all
from beha2vec_core.chat.per_day import plain_value
from beha2vec_core.chat.sql import SqlAnswer
from beha2vec_core.profiles.statistics import wilson_interval
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Did, Filter, Period, Query
from beha2vec_core.words import number

_IS = r"(?:is|are|was|were|do|does|did)"
_DIFFERS = r"(?:differ(?:s|ed)?|different|special|unusual|distinct(?:ive)?|characteristic|typical|stand(?:s|ing)? out)"
_FROM = r"(?:from|to|than|compared (?:to|with)|against|versus|vs)"
_ASKED = tuple(
    re.compile(rf"^\W*(?:(?:and|so|please|tell me|show me|give me|can you|could you) )*{pattern}\W*$")
    for pattern in (
        rf"what(?: {_IS}|'?s)? (?:so |most )?{_DIFFERS} (?:about|with|for|of) (?P<group>.+)",
        rf"how {_IS} (?P<group>.+?) {_DIFFERS}(?: {_FROM} (?P<other>.+))?",
        rf"in (?:what|which) ways? {_IS} (?P<group>.+?) {_DIFFERS}(?: {_FROM} (?P<other>.+))?",
        rf"what (?:sets?|makes?) (?P<group>.+?) (?:apart|{_DIFFERS})(?: {_FROM} (?P<other>.+))?",
        r"what (?:distinguishes|separates|differentiates) (?P<group>.+?) from (?P<other>.+)",
        r"compare (?P<group>.+?) (?:and|with|to|against|vs) (?P<other>.+)",
        r"what (?:characteri[sz]es?|defines?|distinguishes) (?P<group>.+)",
        r"(?:(?:what(?: is|s)|build|describe) )?(?:(?:a|an|the) )?(?:\w+ )?(?:profile|portrait|characteristics) of "
        r"(?P<group>.+)",
        r"describe (?P<group>.+)",
        r"what (?:do|does|did) (?P<group>.+?) look like",
        r"what (?:is|are) (?P<group>.+?) like",
        r"(?:what (?:is|are) )?(?:the )?(?:(?:main|biggest|key|most important) )?differences? between "
        r"(?P<group>.+?) and (?P<other>.+)",
    )
)
_LEAD = re.compile(r"^(?:(?:the|our|an?|my|all|typical|average|those|these|usual|so) )+(?=\w)")
_WHO = r"(?:users|visitors|people|sessions|visits|customers|shoppers)"
_REST = re.compile(
    rf"(?:all |the |of )*(?:rest|others?|everyone else|everybody else|everything else|(?:others? )?{_WHO}|"
    rf"(?:those|ones|{_WHO}) (?:who|that) (?:do|did|have|are|does)(?: not|n't).*)"
    rf"(?: (?:of )?(?:(?:the|our|all) )*{_WHO})?"
)
_OTHER = re.compile(rf"^(?P<group>.+) {_FROM} (?P<other>.+?)$")
_REST_IN = re.compile(rf"({_REST.pattern}) ((?:in|on|during|last|this|since) .+)$")
_ENDS_IN_ORDER = re.compile(r"\b(?:sessions?|visits?)\b.*\b(?:purchase|order|sale|buying|convert|bought|buy)")
_DIMENSIONS = ("device", "channel", "country", "new_or_returning", "source", "landing_page")
_METRICS = ("pages_per_session", "engagement_time", "engaged_rate", "conversion_rate", "sessions_per_user")
_ROWS = 3  # groups of a dimension in the table
_NAMED = 3  # differences in words
_SMALL = 0.02  # a difference that is not shown


@dataclass(frozen=True)
class Contrast:
    """Two groups of users or sessions, by the queries that count them; the rest of the first, or another one."""

    group: Query
    other: Query
    is_rest: bool


def contrast_of(question: str, read: Callable[[str], Query | None]) -> Contrast | None:
    """The groups that a question compares in all respects; None where it asks for something else.

    Args:
        read: a question as a query, or None where it is not understood.
    """
    text = re.split(r"[?!]\s", question.lower().replace("\u2019", "'"), maxsplit=1)[0]
    if re.search(r"\b(?:clusters?|segments?|personas?)\b", text):
        return None
    for pattern in _ASKED:
        found = pattern.match(text)
        if not found:
            continue
        named = found.groupdict().get("other") or ""
        if (group := _group(found["group"], read)) is None:
            if named or not (found := _OTHER.match(found["group"])) or (group := _group(found["group"], read)) is None:
                continue
            named = found["other"]
        named = named.strip(" ?.!")
        if rest := _REST_IN.match(named):  # all others in March
            named, group = rest[1], _group(f"{found['group']} {rest[2]}", read) or group
        if not named or _REST.fullmatch(named):
            return Contrast(group, _rest(group), is_rest=True)
        other = _group(named, read)
        if other is None or (text.startswith("compare") and not (group.filters[0].did or other.filters[0].did)):
            return None
        metric = group.metric if group.metric == other.metric else "users"
        group, other = replace(group, metric=metric), replace(other, metric=metric)
        return Contrast(group, other, is_rest=False)
    return None


def _group(said: str, read: Callable[[str], Query | None]) -> Query | None:
    """The query that counts a group."""
    said = _LEAD.sub("", said.strip(" ?.!,"))
    for asked in (f"how many {said}", f"how many sessions from {said}"):
        if (query := read(asked)) is not None:
            break
    else:
        return None
    if query.by or query.versus or query.is_share or query.per or query.over is not None or query.counts_groups:
        return None
    filters, ordered = query.filters, Did("purchases")
    if query.metric == "conversion_rate" and _ENDS_IN_ORDER.search(said):
        return replace(query, metric="sessions", filters=(Filter("session", did=(ordered,)), *filters))
    if query.metric == "buyers":
        return replace(query, metric="users", filters=(Filter("user", did=(ordered,)), *filters))
    if query.metric in ("new_users", "returning_users"):
        kind = query.metric.removesuffix("_users")
        return replace(query, metric="sessions", filters=(Filter("new_or_returning", (kind,)), *filters))
    several = any(len(one.values) > 1 and one.dimension in ("device", "new_or_returning") for one in filters)
    return query if query.metric in ("users", "sessions") and filters and not several else None


def _rest(group: Query) -> Query:
    """All who are not in a group that one condition describes; all, where there are several."""
    if len(group.filters) > 1:
        return replace(group, filters=())
    (one,) = group.filters
    return replace(group, filters=(replace(one, is_excluded=not one.is_excluded),))


def contrasted(contrast: Contrast, measure: Callable[[Query], Result], days: Period) -> tuple[str, SqlAnswer | None]:
    """The largest differences between two groups in words, and all of them as a table."""
    sides = contrast.group, contrast.other
    totals = [_total(measure(one)) for one in sides]
    unit = METRICS[contrast.group.metric].label
    names = [_name(one) for one in sides]
    names[1] = "all others" if contrast.is_rest and len(contrast.group.filters) == 1 else names[1] or f"all {unit}"
    lines = [f"{unit.capitalize()} {names[0]}: {totals[0]:,}, against {totals[1]:,} {names[1]}."]
    looked = f"Looked up: {unit} {names[0]} and {names[1]}, by {_labels(contrast)}, {_period(contrast, days)}."
    if not all(totals):
        return "\n".join([*lines, "One of them is empty: there is nothing to compare.", looked]), None
    found: list[tuple[float, bool, list[Any]]] = []
    for name in _dimensions(contrast):
        values = [_values(measure(replace(one, by=(name,)))) for one in sides]
        rows = []
        for value in dict.fromkeys([*values[0], *values[1]]):
            counts = [side.get(value, 0) for side in values]
            shares = [count / total for count, total in zip(counts, totals, strict=True)]
            if abs(shares[0] - shares[1]) >= _SMALL:
                row = [
                    DIMENSIONS[name].label,
                    clean_text(value, limit=80),
                    *(number(share, "share") for share in shares),
                ]
                rows.append((abs(shares[0] - shares[1]), _is_clear(counts, totals), row))
        found += sorted(rows, key=lambda row: -row[0])[:_ROWS]
    clear = [row for _, is_clear, row in sorted(found, key=lambda one: -one[0]) if is_clear]
    shown = [f"{label} {value}, {one} against {other}" for label, value, one, other in _once(clear)[:_NAMED]]
    lines.append(f"Most different: {'; '.join(shown)}." if shown else "No share differs by more than chance explains.")
    means = _means(contrast, measure)
    lines += (
        [f"Beside it: {'; '.join(f'{label}, {one} against {other}' for label, _, one, other in means)}."]
        if means
        else []
    )
    lines.append(f"Shares are of the {unit} of each side; named are those whose 95 % intervals do not overlap.")
    table = [*(row for _, _, row in sorted(found, key=lambda one: -one[0])), *means]
    columns = ["what", "value", names[0], names[1]]
    return "\n".join([*lines, looked]), SqlAnswer("", columns, [False] * 4, table, truncated=False)


def _dimensions(contrast: Contrast) -> list[str]:
    chosen = {one.dimension for side in (contrast.group, contrast.other) for one in side.filters}
    return [name for name in _DIMENSIONS if name not in chosen]


def _means(contrast: Contrast, measure: Callable[[Query], Result]) -> list[list[Any]]:
    """What a session of each group is like."""
    filters = (*contrast.group.filters, *contrast.other.filters)
    bought = any(did.table in ("purchases", "items") for one in filters for did in one.did)
    of_sessions = contrast.group.metric == "sessions"
    rows = []
    for name in _METRICS:
        if (bought and name == "conversion_rate") or (of_sessions and name == "sessions_per_user"):
            continue
        queries = [replace(one, metric=name) for one in (contrast.group, contrast.other)]
        if all(map(reaches_all, queries)):
            results = [measure(one) for one in queries]
            shown = [_shown(result) for result in results]
            rows.append([METRICS[name].label, "", *shown])
    return rows


def _shown(result: Result) -> str:
    (row,) = result.rows
    return "none" if row["value"] is None else plain_value(result.metric, row["value"], row)


def _total(result: Result) -> int:
    return int(result.rows[0]["value"] or 0)


def _values(result: Result) -> dict[str, int]:
    (name,) = result.query.by
    return {str(row[name]): int(row["value"]) for row in result.rows if row[name] is not None}


def _is_clear(counts: list[int], totals: list[int]) -> bool:
    """Whether the intervals of two shares do not overlap."""
    low, high = wilson_interval([float(count) for count in counts], [float(total) for total in totals])
    return bool(low[0] > high[1] or low[1] > high[0])


def _once(rows: list[list[Any]]) -> list[list[Any]]:
    """The first row of each dimension: of two devices, one rises as the other falls."""
    return list({row[0]: row for row in reversed(rows)}.values())[::-1]


def _name(query: Query) -> str:
    """Who is in a group, in words."""
    said = []
    for one in query.filters:
        who = f"{'who' if one.dimension == 'user' else 'that'} " if one.did else ""
        without = "not " if one.is_excluded else ""
        said.append(f"{without}{who}{in_words(one)}" if who else f"({without}{in_words(one)})")
    return " and ".join(said)


def _labels(contrast: Contrast) -> str:
    return ", ".join(DIMENSIONS[name].label for name in _dimensions(contrast))


def _period(contrast: Contrast, days: Period) -> str:
    period = contrast.group.period
    return period.in_words if period else f"all data, {days.in_words}"
