"""Who came in a period and came back: "how many people who came on 10 January came back within 7 days"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from beha2vec_core.chat.days.named_days import DAY, MONTH
from beha2vec_core.chat.days.periods import MARK
from beha2vec_core.chat.parts.clauses import Clause
from beha2vec_core.chat.parts.things import Unclear
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import RETENTION_DAYS
from beha2vec_core.semantic.query import Did, Filter, Period, Within
from beha2vec_core.words import day as day_words

_LATEST = 9999  # days: no end
_DATE = rf"(?:{DAY}(?: of)? (?:{MONTH})|(?:{MONTH}) (?:the )?{DAY}|20\d\d-\d\d-\d\d)\b(?:,? 20\d\d\b)?"
_ABOUT_BACK = re.compile(r"\b(?:retention|retained|back|return\w*|again)\b")
_FROM_A_DAY = re.compile(
    rf"\bfrom (?:the )?(?={_DATE}(?!\s*(?:to|until|till|through|up to|and|or|-|\u2013|on(?:wards?)?)(?:\s|$)))"
)
_NEXT_DAYS = re.compile(r"\b(?:in|within|during|over) the (?:next|following|subsequent|first) (\d+) days\b")
_NEXT_WEEK = re.compile(r"\b(?:in|within|during|over) (?:the (?:next|following|subsequent|first)|an?|one) week\b")
_RETENTION = re.compile(
    r"\b(?:(?:(?P<days>\d+)[ -]?days?|(?P<week>weekly|week[ -]1|one[ -]week)|day[ -]?(?P<day>\d+)) retention(?: rate)?|"
    r"retention(?: rate)?(?: (?:after|within|at|over) (?P<within>\d+) days)?)\b"
)
_SITE = r"(?: (?:here|by|us|to us|(?:to |on )?(?:the|our) (?:site|website|shop|store)))?"
_CAME = rf"(?:came|come|visited|visit|arrived|were (?:here|on)|showed up|dropped by|stopped by|landed|browsed){_SITE}"
_BACK = (
    r"(?:(?:came|come|were|was|got) back|return(?:ed)?|(?:came|come|visited|visit|were here|showed up) again|made "
    r"another visit|had another (?:visit|session)|revisited)(?: (?:again|to (?:us|(?:the|our) (?:site|shop|store))))*"
)
_ASKS = (
    r"(?:,|\u00a6|how many|how much|what (?:share|percent(?:age)?|proportion|%)|which share|who|that|and|have|has|had|"
    r"did|then|also|later|actually|really|ever|of|them|those|these|were|people|users|visitors)"
)
_COHORT = re.compile(
    rf"(?P<new>(?:brand[ -])?new |first[ -]time )?\b(?:{PEOPLE}|those|ones|everyone|everybody|cohort)"
    rf"(?: (?:who|that|which))?(?: (?P<first>first|newly))?(?: (?P<came>{_CAME}))?(?: (?:on|in|during|at|from|of))?"
    rf"(?: the)? (?P<mark>{MARK}\d+)(?: for the first time(?P<time>))?(?: {_ASKS}(?=\s))* (?P<back>{_BACK})"
    r"(?: windowday(?P<least>\d+)to(?P<most>\d+)| within (?:(?P<days>\d+) days|"
    r"(?P<week>(?:an? |one |1 |the first )?week)))?"
    r"(?: (?:of|after|from|following) (?:it|that|this|then|that day|(?:the|their) (?:first )?visit))?(?=\W|$)"
)
_NEW_THEN_BACK = re.compile(
    rf"(?:of )?(?:all |the |our )*(?P<new>(?:brand[ -])?new |first[ -]time )?\b(?:{PEOPLE})(?: (?:who|that|which))?"
    rf"(?: (?:(?:we|you) (?:first )?(?:saw|got|gained|acquired)|first {_CAME}|{_CAME}))?(?: for the first time)?"
    rf"(?: (?:on|in|during))?(?: the)? (?P<then>{MARK}\d+)(?: for the first time)?(?: {_ASKS}(?=\s))* "
    rf"(?:{_BACK}|{_CAME})(?: (?:on|in|during))?(?: the)? (?P<later>{MARK}\d+)(?=\W|$)"
)
_OF_GA4 = "New users are those whose first visit ever, as GA4 counts it, was in the first period."
# people who bought are others, and revenue is no number of people
_OF_ORDERS = re.compile(
    r"\b(?:bought|buy|buys|buyers?|purchas\w*|order\w*|paid|converted|added|put|searched|revenue|sales|spen[dt]\w*|money)\b"
)
_BEFORE_NAME = re.compile(rf"(?P<mark>{MARK}\d+) (?P<who>(?:new )?(?:{PEOPLE}|cohort))\b")


def in_cohorts(text: str) -> str:
    """A text in small letters where those who came "from 10 January" are of this day, if it is about coming back."""
    if not _ABOUT_BACK.search(text):
        return text
    text = _FROM_A_DAY.sub("on ", text)
    text = _NEXT_WEEK.sub("within 7 days", _NEXT_DAYS.sub(r"within \g<1> days", text))
    asked = _RETENTION.search(text)
    if asked is None:
        return text
    days = int(next((asked[name] for name in ("days", "day", "within") if asked[name]), RETENTION_DAYS))
    rest = re.sub(rf"\b(?:brand[ -])?(?:new|first[ -]time) (?=(?:{PEOPLE})\b)", "", text)
    rest = re.sub(r"\b(?:the )?cohort(?: (?:of|from))?\b", "users on" if "cohort of" in rest else "users", rest)
    found = re.search(rf"\b(?:(?:on|of|from|for|in) )?(?:the )?(?P<date>{_DATE})", rest)
    is_of_all = re.search(rf"\b(?:all|every) (?:the |our )?(?:{PEOPLE})\b", rest) is not None
    if days == RETENTION_DAYS and not is_of_all:
        return _RETENTION.sub("retention", rest, count=1)
    if found is None:
        return text
    left = _RETENTION.sub(" ", rest[: found.start()] + rest[found.end() :], count=1)
    left = re.sub(rf"\b(?:of|for|on|from|who came|who visited|all|the|our|{PEOPLE})\b", " ", left)
    which = "" if is_of_all else "new "
    return f"share of {which}users who came on {found['date']} came back within {days} days {left}"


def cohort_of(text: str, periods: Sequence[Period], last: Period) -> tuple[str, Clause, tuple[str, ...]] | None:
    """The text without who came in a period and came back, the clause that says it, and notes; None: it says no such.

    Args:
        text: in small letters, with marks in place of periods.
        last: the days of the data.

    Raises:
        Unclear: it says more than that they came back.
    """
    marked = re.sub(r"\s*,\s*", " , ", _BEFORE_NAME.sub(r"\g<who> who came on \g<mark>", text))
    if (both := _NEW_THEN_BACK.search(marked)) and (both["new"] or "first" in both[0]) and "not" not in both[0]:
        then, later = (periods[int(both[name][1:])] for name in ("then", "later"))
        first = Did("sessions", (Filter("new_or_returning", ("new",)),), period=then)
        left = f"{marked[: both.start()]} users {marked[both.end() :]}"
        return left, Clause("user", whole=[first], part=[Did("sessions", period=later)]), (_OF_GA4,)
    found = _COHORT.search(marked)
    if found and _OF_ORDERS.search(marked):
        raise Unclear
    if found is None or re.search(rf"{MARK}\d+.*{MARK}\d+", marked) or re.search(r"\bnot\b|n't|\bnever\b", found[0]):
        return None
    most = int(found["most"] or found["days"] or (7 if found["week"] else _LATEST))
    least = max(1, int(found["least"] or 1))
    period = periods[int(found["mark"][1:])]
    part = [Did("sessions", after=Did("sessions"), within=Within(most, "day", least))]
    is_new = any(found[name] is not None for name in ("new", "first", "time"))
    whole = [Did("sessions", (Filter("new_or_returning", ("new",)),), period=period)] if is_new else []
    notes = [
        "Only those whose first visit was then are counted."
        if is_new
        else "All who visited then are counted, new or not."
    ]
    if most < _LATEST and period.last + timedelta(days=most) > last.last:
        notes.append(f"The data end on {day_words(last.last)}, so some could still come back in time.")
    left = f"{marked[: found.start()]} users {found['mark']} {marked[found.end() :]}"
    left = re.sub(r"\b(?:of|out of|from) (?:all |the |our )*(?= ?users)", " ", left) if "share of" not in left else left
    return left, Clause("user", whole=whole, part=part), tuple(notes)
