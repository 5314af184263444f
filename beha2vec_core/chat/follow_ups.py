"""Questions that continue the one before: "and on mobile?", "and the week before?"."""

from __future__ import annotations

import re
from dataclasses import replace

from beha2vec_core.chat.nearest import SOURCES
from beha2vec_core.chat.parts import Parts, breakdown_of, filters_of
from beha2vec_core.chat.rewrites import PEOPLE, SAME
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.query import Query

LEADS = re.compile(rf"^\W*(?:and|what about|how about|but|or)\b|{SAME}")
_CONTINUES = re.compile(rf"{LEADS.pattern}|^\W*(?:now|then|only|just)\b")
# "and for visitors from Germany": a filter in the words of people, no measure
_OF_THOSE = re.compile(
    rf"\b(?:for|from|of|among|by|with|in)\s+(?:(?:the|our|all|new|returning)\s+)*(?:{PEOPLE}|sessions?|visits?)\b"
)
_OWN_KINDS = ("share", "change", "trend", "bought", "sell", "average", "cause", "rest", "without")


class NotContinued(ValueError):
    """The question before cannot be continued so; the message says why."""


def continued(question: str, parts: Parts, metrics: list[str], previous: Query) -> Query | None:
    """The query before with what the question changes; None where it is a question of its own.

    Raises:
        NotContinued: it could mean several queries.
    """
    lead = _CONTINUES.search(question.lower())
    times, by, filters = parts.times, breakdown_of(parts), filters_of(parts, next(iter(metrics), None))
    compares = (parts.has("compare") or times.compares) and times.asks_before
    turned = _turned(parts, by, previous)
    of_its_own = [
        *(kind for kind in _OWN_KINDS if parts.has(kind)), *([] if turned else parts.judged), *parts.comparatives,
        *(["users"] if parts.is_of_users else []), *metrics[1:], *times.periods[1:],
        *(["over"] if parts.limits else []),
    ]  # fmt: skip
    if parts.has("compare") and not compares:
        of_its_own.append("compare")
    if of_its_own or (metrics and not lead) or not (lead or len(parts.words) <= 4):
        return None
    if turned:
        return replace(previous, ascending=not previous.ascending)
    if not (metrics or filters or by or times.periods or times.asks_before):
        return None
    metric = _metric(question, parts, metrics, bool(filters or by), previous)
    filters = filters_of(parts, metric)
    replaced = {*SOURCES} if {one.dimension for one in filters} & {*SOURCES} else set()
    kept = {one.dimension: one for one in previous.filters if one.dimension not in replaced}
    kept |= {one.dimension: one for one in filters}
    period = times.periods[0] if times.periods else previous.period
    timed = any(DIMENSIONS[name].kind == "time" for name in by)
    versus = None if times.periods or timed else previous.versus
    explains = previous.explains or previous.by_change
    if times.asks_before:
        if period is None:
            raise NotContinued("The period before which one? The question before named none.")
        period, versus = (period, period.before()) if compares or times.periods else (period.before(), None)
    elif times.periods and explains:
        versus = times.periods[0].before()
    chosen = {one.dimension for one in filters}
    steps = tuple(name for name in previous.by if name == "step" and metric == previous.metric)
    new_by = (*steps, *by) if by else tuple(name for name in previous.by if name not in chosen)
    is_same = new_by == previous.by
    return Query(
        metric,
        new_by,
        tuple(kept.values()),
        period,
        versus,
        previous.is_share and METRICS[metric].unit in ("count", "money") and (bool(new_by) or len(kept) == 1),
        parts.top or (previous.top if is_same else None),
        previous.ascending if is_same or explains else None,
        by_change=bool(explains and new_by and versus),
        explains=bool(explains and not new_by and versus),
    )


def _turned(parts: Parts, by: list[str], previous: Query) -> bool:
    """Whether it asks for the other end of the same order: "and the worst?"."""
    others = [word for word in parts.words if word.kind not in ("filler", "judged", "high", "low")]
    asks = parts.has("low") or "worst" in parts.judged
    asks_high = parts.has("high") or "best" in parts.judged
    is_other = asks if not previous.ascending else asks_high
    return bool(previous.by) and previous.ascending is not None and not others and not by and is_other


def _metric(question: str, parts: Parts, metrics: list[str], narrows: bool, previous: Query) -> str:
    """The metric of a follow-up: its own, unless its words for users or sessions only stand beside a filter."""
    if not metrics:
        return previous.metric
    before, asked = METRICS[previous.metric], METRICS[metrics[0]]
    is_weak = asked.is_weak or asked.name == "buyers"
    if not (is_weak and narrows) or parts.is_counted or before.name == asked.name:
        return asked.name
    if _OF_THOSE.search(question.lower()) or (before.n_of.startswith(("session", "user")) and before.unit != "money"):
        return before.name
    if before.is_weak:
        return asked.name
    raise NotContinued(f"{asked.label.capitalize()}, or {before.label} of {asked.label}?")
