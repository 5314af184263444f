"""Which of the groups of a ranking grew or fell most: "which of them grew most?" after "top 5 channels by sessions"."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from beha2vec_core.chat.days.periods import MARK, find_times
from beha2vec_core.chat.queries.compared import is_in_data
from beha2vec_core.chat.words.verbs import DOWN, UP
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.query import Filter, Period, Query

_UP, _DOWN = "|".join(UP), "|".join(DOWN)
GREW_MOST = re.compile(
    r"\W*(?:(?:and|but|so|ok|now) )*which(?: ones?)?(?: of (?:them|these|those|the \w+(?: \w+)?))? (?:(?:has|have|had|"
    rf"did|is|are|was|were) )?(?:(?P<up>{_UP}|up)|(?P<down>{_DOWN}|down)) (?:the )?(?:most|fastest|strongest)\b"
    r"(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_AGAINST = r"(?:compared (?:to|with)|vs\.?|versus|against|than|since|from)"
_LEFT = re.compile(rf"(?:{_AGAINST}|in|during|over|the|and|to|{MARK}\d+|\W)*", re.IGNORECASE)
_LATELY = 27  # days before the last one


def grew_most(question: str, previous: Query, groups: tuple[str, ...], days: Period) -> Query | None:
    """The groups of a ranking in the order of their change; None where that is not asked for, or of other days.

    Args:
        groups: the values of the first of the ranking, where only some were asked for.
        days: of the data.
    """
    found = GREW_MOST.fullmatch(question)
    if not found or len(previous.by) != 1 or DIMENSIONS[previous.by[0]].kind == "time" or previous.limits:
        return None
    times = find_times(found["rest"].lower(), days)
    if not _LEFT.fullmatch(times.text) or len(times.periods) > 2:
        return None
    period = previous.period or Period(days.last - timedelta(days=_LATELY), days.last)
    versus = times.before(period)
    if len(times.periods) == 2:
        versus, period = sorted(times.periods, key=lambda one: one.first)
    elif times.periods and re.search(rf"\b{_AGAINST}", times.text):
        (versus,) = times.periods
    elif times.periods:
        (period,) = times.periods
        versus = times.before(period)
    if versus.last >= period.first or not is_in_data(versus, days):
        return None
    (name,) = previous.by
    filters = tuple(one for one in previous.filters if one.dimension != name or not groups)
    filters += (Filter(name, groups),) if groups else ()
    is_better = re.search(r"\b(?:improv|worsen|deteriorat)", question.lower()) is not None
    falls = (found["down"] is not None) != (is_better and METRICS[previous.metric].better < 0)
    return replace(
        Query(previous.metric, previous.by, filters, period, versus), by_change=True, moved=True,
        ascending=falls,
    )  # fmt: skip
