"""Questions about a period that name no measure: "why was October so bad?", "how did we do in March?"."""

from __future__ import annotations

import re

from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.queries.compared import (
    compared_with_after,
    days_before,
    is_in_data,
    nothing_before,
    periods_of,
    with_days_after,
)
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Query

BESIDE_A_PERIOD = ("orders", "aov", "sessions", "conversion_rate", "cart_rate", "checkout_rate", "engaged_rate")
BESIDE_PEOPLE = ("sessions", "pages_per_session", "engaged_rate", "conversion_rate", "orders", "revenue")
_ABOUT_A_PERIOD = {"filler", "period", "cause", "low", "high", "judged", "compare", "change", "trend", "happened"}
_IT = r"(?:(?:we|it|things?|business|everything|sales|the|our|my|shop|store|site|website|company|\u00a7\d+) )*"
_HOW_WAS = re.compile(
    rf"\bhow (?:did|do|does|has|have|had|is|are|was|were) {_IT}(?:(?:been|do|doing|done|go|going|gone|perform|"
    r"performing|performed|look|looking|looked|fare|fared|run|running|overall|for us|in total|,|in|during|"
    r"over)\s*)*(?:\u00a7|\?|$)|\b(?:numbers|figures|stats|recap|results) (?:for|of|in|from) (?:the )?\u00a7|\btrend\b"
)
_A_GOOD_ONE = re.compile(
    r"\ban? (?:\w+ )?(?:good|great|strong|decent|bad|weak|poor|terrible|slow|quiet|normal) (?:day|week|month|"
    r"quarter|year)\b"
)
_ASKS_ONE = re.compile(r"\b(?:which|what|who|when|where|how (?:many|much))\b")


def of_period(parts: Parts, contents: Contents) -> tuple[list[Query], list[str]] | None:
    """The revenue of a period against the one before, or of two; None where another question is asked."""
    kinds = {word.kind for word in parts.words}
    units = {word.name for word in parts.words if word.kind == "by"}
    is_good = _A_GOOD_ONE.search(parts.text) is not None
    kinds -= {"by"} if is_good and len(units) == 1 else set()  # is December a good month
    is_how = parts.has("cause") or _HOW_WAS.search(parts.text) is not None
    is_judged = is_good or kinds & {"judged", "compare"} or parts.judged or parts.comparatives
    is_asked = is_how or (is_judged and not _ASKS_ONE.search(parts.text))
    of_groups = parts.by or parts.done or parts.clusters or parts.is_of_users or not kinds <= _ABOUT_A_PERIOD
    is_limited = parts.limits or parts.top or parts.is_counted or parts.unknown
    if not is_asked or not parts.times.periods or of_groups or is_limited:
        return None
    notes: list[str] = []
    now, versus = periods_of(parts, True, contents.days, notes)
    if now is None:
        return None
    before = days_before(now, contents)
    versus = versus or (before if is_in_data(before, contents.days) else None)
    parts.beside = BESIDE_A_PERIOD
    label = METRICS["revenue"].label
    notes.append(f"No measure is named, so the answer shows {label}, with orders, sessions and rates as well.")
    after = with_days_after(now, contents.days) if versus is None and parts.has("cause") else None
    if after:
        now, versus = after
        notes.append(compared_with_after(contents.days))
    elif versus is None:
        notes.append(nothing_before(contents.days))
    elif parts.has("cause"):
        notes.append("The data show what was different, but not why.")
    return [Query("revenue", (), (), now, versus, explains=versus is not None and parts.has("cause"))], notes
