"""Days of its own that each clause names: "came from email in February and bought in March"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from beha2vec_core.chat.days.periods import COUNT, MARK
from beha2vec_core.chat.parts.things import Unclear
from beha2vec_core.chat.words.numbers import count_of
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.query import Did, Period

if TYPE_CHECKING:
    from beha2vec_core.chat.parts.clauses import Reader

# a list, as more are added
Own = list[tuple[int, Period]]  # how many of the things done stand before a date, and its days
_DATE = re.compile(
    rf"(?:(?:in|on|during|since|from|at|of) )?(?:the )?{MARK}(?P<at>\d+)(?: (?:as well|too|again|already))*"
    rf"(?!\S)(?! (?:\u00a6 )?(?:(?:and|or|to|until|vs|versus|than|compared|against)\b )+(?:(?:in|the|to|with) )*{MARK})"
)
AT_END = re.compile(rf"(?:(?:in|on|during|since|from|at|of) )?(?:the )?{MARK}(?P<at>\d+)(?: \u00a6)?$")
_EARLIER = re.compile(
    r"(?:(?:at some time |some ?time )?(?:before|previously|earlier|in the past))"
    r"(?=$| (?:\u00a6|and|but|yet|who|which|that)(?= |$))"
)
_COMPARES = re.compile(
    r"\b(?:vs|versus|than|compar\w*|against|between|differ\w*|chang\w*|gr[eo]w\w*|trend\w*|both|per|"
    r"by (?:day|week|month))\b"
)
_TOGETHER = re.compile(
    rf"{MARK}\d+(?:(?:\s*[,\u00a6]|\s+(?:and|or|to|plus|as well as|until|till)\b)+(?:\s+(?:in|the|from|during))*\s+"
    rf"{MARK}\d+)+"
)
_BUYS = re.compile(r"(?:customer|buyer|purchaser|shopper)s?")
_LEAD = r"(?P<before>^|[,\u00a6]|\S+)(?P<new> (?:brand )?(?:new|first time))?"
_WHO = rf"(?P<who>{PEOPLE}|purchasers?)"
_ON = rf"(?:(?:in|from|of|during) )?(?:the )?(?P<mark>{MARK}\d+)"
_NO_WHO = r"(?! (?:who|that|which)\b)"
_NAMED_BY_DATE = (  # January buyers who, January newsletter visitors, visitors in January bought, visitors from google
    re.compile(rf"{_LEAD} {_ON}(?P<later> (?:new|first time))? (?P<what>(?:(?!(?:who|from|by|of|for|with|in|on|to|"
               rf"and|or|did|do|does|how|were|was|are|new|{PEOPLE})\b)[\w-]+ )?){_WHO}\b"),
    re.compile(rf"{_LEAD} {_WHO}(?P<what> (?:from|via|through) (?:(?!in\b)[\w.-]+ ){{0,2}}(?!in\b)[\w.-]+)? {_ON}"
               rf"(?= \w){_NO_WHO}"),
)  # fmt: skip
# what may stand before those people: an adjective would be lost
_BEFORE = re.compile(
    r"|\W|many|of|the|our|all|from|by|did|do|does|have|has|any|those|for|among|with|brought|were|are|number|share|and|which"
)
_AWAY = re.compile(
    r"(?P<not>\b(?:not|never)\b(?:(?! but\b| and\b| who\b| that\b)[^,.;:?])*?) (?:in|for) "
    r"(?:(?:the|over|more than|at least|about|last|past) )*"
    rf"(?P<number>{COUNT}|an?)[ -](?P<unit>day|week|month|year)s?\b(?! (?:of|after|from|and|ago)\b)"
)
_COUNTED = re.compile(r"\b(?:2|two|twice|more than (?:once|one|1))\b")
_AGAIN = 2  # orders or visits of who did it again
_DAYS_OF = {"day": 1, "week": 7, "month": 30, "year": 365}


_INACTIVE = re.compile(
    r"\b(?:(?:who|that) )?(?:(?:have|has|had|been|stay|stayed|are|were|is|was) )*(?:inactive|dormant|away|absent) "
    r"(?=(?:for|since)\b)"
)


def in_last_days(text: str) -> str:
    """A text in small letters where who did not do something "in 30 days" did not do it in the last 30 days."""

    def last(found: re.Match[str]) -> str:
        number = 1 if found["number"] in ("a", "an") else count_of(found["number"])
        return f"{found['not']} in the last {number * _DAYS_OF[found['unit']]} days"

    return _AWAY.sub(last, _INACTIVE.sub("who have not visited ", text))


def has_dates_apart(text: str) -> bool:
    """Whether a text, with marks in place of periods, names two that are neither compared nor counted together."""
    left = _TOGETHER.sub(f"{MARK}99", text)
    return len(set(re.findall(rf"{MARK}\d+", left))) > 1 and not _COMPARES.search(left)


def with_verbs(text: str) -> str:
    """The text with "January buyers" as those who bought in January, where another clause names other days."""
    if not has_dates_apart(text):
        return text

    def said(found: re.Match[str]) -> str:
        named = found.groupdict()
        what, is_new = (named["what"] or "").strip(), bool(named["new"] or named.get("later"))
        is_buyer = _BUYS.fullmatch(named["who"]) is not None
        is_sum = named["before"] in ("revenue", "sales", "turnover", "orders", "sessions", "visits")
        if not (is_sum or _BEFORE.fullmatch(named["before"])) or (is_new and what) or (is_buyer and " " in what):
            return found[0]
        what = f"from {what}" if what and " " not in what and not is_buyer else what
        verb = f"bought {what}" if is_buyer else f"came {what}" if what else "visited"
        return f"{named['before']}{' of' * is_sum} people who {'first ' * is_new}{verb} in {named['mark']}".replace(
            "  ", " "
        )

    text = re.sub(r" +", " ", f" {text}")
    for pattern in _NAMED_BY_DATE:
        text = pattern.sub(said, text)
    return text


def own_date(reader: Reader, place: int) -> tuple[int, Period] | None:
    """How many words from a place on name the days of the clause before it, and these; None: no such stand there."""
    found = _DATE.match(" ".join(reader.words[place:]))
    return (len(found[0].split()), reader.periods[int(found["at"])]) if found else None


def is_earlier(reader: Reader, place: int, own: Own) -> int:
    """How many words from a place on say "before" of no other thing done; 0: none do."""
    size = reader.match(_EARLIER, place)
    return size if own or place + size < len(reader.words) else 0


def with_own_days(
    found: list[Did], own: Own, earlier: list[int], first: Period, words: Sequence[str]
) -> list[Did] | None:
    """What was done, each in the days that it names; None: all are of the same days.

    Args:
        earlier: numbers as in ``own``: before the days that the others name.
        first: all days of the data.
        words: of the question.

    Raises:
        Unclear: "before" which days is not said.
    """
    periods = list(dict.fromkeys(period for _, period in own))
    if earlier:
        if len(periods) != 1 or periods[0].first <= first.first:
            raise Unclear
        before = Period(first.first, periods[0].first - timedelta(days=1))
        of_each = [before if number + 1 in earlier else periods[0] for number in range(len(found))]
        return [did for one, period in zip(found, of_each, strict=True) for did in in_days([one], period, words)]
    is_away = len(found) == 1 and found[0].is_excluded and found[0].table == "sessions"
    if len(periods) < 2 and not (is_away and periods):
        return None
    dids: list[Did] = []
    for number, one in enumerate(found):
        both = sorted({period for end, period in own if end == number + 1}, key=lambda period: period.first)
        if one.after and len(both) > 1:  # bought in March after a visit in January
            if one.is_excluded or one.within or both[0].last >= both[1].first:
                raise Unclear
            dids += [*in_days([one.after], both[0], words), *in_days([replace(one, after=None)], both[1], words)]
        else:
            own_days = next((period for end, period in own if number < end), own[-1][1])
            dids += in_days([one], own_days, words)
    return dids


def in_days(dids: list[Did], period: Period, words: Sequence[str]) -> list[Did]:
    """What was done, in these days where it has none of its own.

    Args:
        words: of the question. What was done again in other days was done once in these.
    """
    text = " ".join(words)
    is_again = re.search(r"\b(?:again|back|return\w*|another|repeat)\b", text) is not None
    if is_again and any(one.at_least == _AGAIN for one in dids) and _COUNTED.search(text):
        raise Unclear  # ordered at least 2 times in May, and again in June: how often in which
    found = []
    for one in dids:
        once = is_again and one.at_least == _AGAIN and one.at_most is None
        found.append(one if one.period else replace(one, period=period, at_least=1 if once else one.at_least))
    return found
