"""The order of two things done in a question: "bought after a search", "came back within 7 days of the first visit"."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from beha2vec_core.chat.days.named_days import MONTH
from beha2vec_core.chat.days.periods import COUNT, MARK
from beha2vec_core.chat.parts.dated import in_days
from beha2vec_core.chat.parts.things import Unclear
from beha2vec_core.chat.words.numbers import count_of
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import STEPS
from beha2vec_core.semantic.query import Did, Filter, Query, Within

if TYPE_CHECKING:
    from beha2vec_core.chat.parts.clauses import Reader

FIRST_VISIT = Did("sessions", (Filter("new_or_returning", ("new",)),))
FIRST_ORDER = Did("purchases", (Filter("order_number", ("first",)),))
FIRST_IN_DATA = Did("sessions")
_DAYS_OF = {"day": 1, "week": 7, "fortnight": 14, "month": 30, "year": 365}
_LATEST = 9999  # days: no end
_SIZE = rf"(?P<number>{COUNT}|an?|the first|the)?[ -]?(?P<unit>hour|day|week|fortnight|month|year)s?"
_OF = r"(?:of|after|from|following|since)"
_WHAT = (
    r"(?:(?:their|the|its|an?|they|very|having|making|placing|that|had|have) )*(?:first|initial|visit|session|order|"
    r"purchas|buy|bought|pay|paid|search|view|look|saw|see|add|put|cart|checkout|land|com|arriv|it\b|read)"
)
_ANCHOR = rf"(?={_OF} {_WHAT})"
_NO_ANCHOR = rf"(?! {_OF}\b| (?:and|to) \d)(?!\s*{MARK})"
_WINDOWS = (  # in the question, and from how many days on
    (rf"\b(?:more than|over|later than|at least) {_SIZE} {_ANCHOR}", True),
    (rf"\bafter (?:more than|over|at least) {_SIZE}\b", True),
    (rf"\b(?:with ?in|inside|in (?:under|less than)|(?:no more|not more|less|fewer) than|under|up to|at most|"
     rf"(?:with)?in the first|in|the) (?:the (?:first|next|following) )?{_SIZE} {_ANCHOR}", False),
    (rf"\bwithin (?:the (?:first|next|following) )?{_SIZE}\b{_NO_ANCHOR}", False),
)  # fmt: skip
_BACK = re.compile(r"\b(?:back|return\w*|again)\b")
_SAME_DAY = re.compile(
    r"\b(?:on |in )?(?:the )?(?:very )?same day (?:as|of) |"
    r"\bon (?:the )?(?:very )?day of (?=their\b|the (?:first|visit))"
)
_BACK_SAME_DAY = re.compile(r"\b((?:return|c[oa]m|back)\w*(?: back| again)?) (?:on )?the (?:very )?same day\b")
_FIRST_DAY = re.compile(r"\b(?:on|during) (?:their|the) (?:very )?first day\b(?: (?:here|on (?:the )?site|with us))?")
_NEXT_DAY = re.compile(
    r"\b((?:return|c[oa]m|back|bought|buy|order|purchas)\w*(?: again| back)?) (?:on )?(?:the )?(?:very )?"
    rf"(?:(?:next|following) day\b|day after(?!\s+\w))|\b(?:on )?the day after (?={_WHAT})"
)
_RATE_OF_RETURN = re.compile(
    r"^(?=.*(?:\bshare|\bpercent|%|\brate|\bproportion|\bfraction)).*\b(?:come|comes|came|return\w*)(?: back)? "
    r"within (?:(?:a|one|1|the first) week|7 days)\b"
)
_WINDOW = re.compile(r"window(day|hour)(\d+)to(\d+)\b")
_RELATION = re.compile(
    r"(?:(?:right|directly|immediately|straight|soon|shortly|only|even|ever|but|again) )*"
    r"(?:(?P<after>after|following)|before(?:hand)?|prior to|earlier)\b"
)
_LATER = re.compile(r"(?:afterwards?|later(?: on)?|subsequently|after (?:that|this|it))\b")
_PREPOSITION = re.compile(rf"{_OF}\b")
_LEAD = re.compile(
    r"(?:(?:they|it|having|that|had|have|has|first|ever|the|their|a|an|any|finally|actually|eventually) )*"
)
_FIRST = re.compile(
    r"(?:(?:their|the|its|a|very) )*(?:(?:first|initial)(?: ever)? (?P<what>visit|session|order|purchase)s?|"
    r"(?P<order>firstorder)|in new (?:visit|session)s)\b"
)
_VISITS = re.compile(r"(?:(?:their|the|a|an|any) )*(?:visits?|sessions?)\b")
_DATED = re.compile(
    rf"(?:both )?(?:(?:in|on|during|at) )?(?:both )?(?:the )?{MARK}(?P<at>\d+)(?: (?:as well|too|again))?(?= |$)"
)
HERE_IN_TWO = re.compile(  # visited in March and in April: elsewhere visits are no condition
    r"(?:visit|visited|came|come|comes|were|was|been|are|active|browsed)(?: (?:here|active|back|us|to us|"
    rf"(?:on |to )?(?:the|our) (?:site|shop|website|store)))*"
    rf"(?=(?: both)?(?: (?:in|on|during))?(?: both)?(?: the)? {MARK}\d+ (?:\u00a6 )?(?:and|but|as well)\b)"
)
HERE_DATED = re.compile(  # the same in days of its own
    r"(?:(?P<first>first|newly) )?(?:(?:had|have|made) (?P<visit>(?:their|a|the) first (?:visit|session))|visit(?:ed|"
    r"ing)?|c[ao]me|coming|arriv(?:ed|ing)|browsed|show(?:ed|n) up|return(?:ed|ing)?|stopped by|dropped by|"
    r"(?:been|be|were|was|are|got) (?:here|active|back|around|seen|on (?:the|our) (?:site|shop|website)))(?: (?:here|"
    r"back|again|us|to us|(?:on |to )?(?:the|our) (?:site|shop|store|website)))*(?P<time> (?:first|for the first time))"
    rf"?(?=(?: (?:in|on|during|since|again))*(?: the)? {MARK}\d+)"
)
_AND_IN = re.compile("(?:\u00a6 )?(?:and|but|as well as)(?: (?:again|also|then|later|still))*(?= )")
_NOT_IN = re.compile(r"(?:(?:did|do|have|has) )?(?:not|never)(?: (?:any ?more|again|since|so))?(?= )")
ORDER_WORD = re.compile(r"\b(?:then|later|afterwards|subsequently|eventually|followed by|after (?:that|this))\b")


def in_windows(text: str) -> str:
    """A text in small letters with "within 7 days" and the like as one word each."""
    if _RATE_OF_RETURN.search(text):  # a measure of its own
        return text
    text = _SAME_DAY.sub(" windowday0to0 ", text)
    text = _BACK_SAME_DAY.sub(r"\1 windowday0to0 ", text)
    text = _FIRST_DAY.sub(" windowday0to0 of their first visit ", text)
    text = _NEXT_DAY.sub(lambda found: f"{found[1] or ''} windowday1to1 ", text)
    for pattern, is_later in _WINDOWS:
        text = re.sub(pattern, partial(_window, is_later=is_later), text)
    text = re.sub(rf"\b({PEOPLE}) firstorder\b(?=.*\bwindow)", r"\1", text)
    is_dated = _BACK.search(text) is not None and re.search(rf"\b(?:{MONTH})\b|\b20\d\d-", text) is not None
    if "window" in text and not is_dated:  # a first visit is one of new users; but see `cohorts.py`
        text = re.sub(rf"\b(?:brand[- ])?(?:new|first[ -]time) (?=(?:{PEOPLE})\b)", "", text)
    return text


def from_first_in_data(queries: list[Query]) -> Query | None:
    """The only query from the first session in the data on, which may not be the first of a user; None: no such."""
    if len(queries) != 1 or queries[0].by:
        return None
    if all(did.after != FIRST_VISIT for one in queries[0].filters for did in one.did):
        return None

    def of_data(one: Filter) -> Filter:
        dids = (replace(did, after=FIRST_IN_DATA) if did.after == FIRST_VISIT else did for did in one.did)
        return replace(one, did=tuple(FIRST_IN_DATA if did == FIRST_VISIT else did for did in dids))

    found = replace(queries[0], filters=tuple(map(of_data, queries[0].filters)))
    return found if found != queries[0] else None


def window_in_words(word: str) -> str:
    """The words that one of a window stands for; another word as it is."""
    found = _WINDOW.fullmatch(word)
    return f"within {found[3]} {found[1]}{'s' * (found[3] != '1')}" if found else word


def _window(found: re.Match[str], *, is_later: bool) -> str:
    number, unit = found["number"] or "1", found["unit"]
    number = {"a": "1", "an": "1", "the first": "1", "the": "1"}.get(number, number)
    count = count_of(number)
    if is_later:
        least = (
            count * _DAYS_OF[unit] + ("more" in found[0] or "over" in found[0] or "later" in found[0])
            if unit != "hour"
            else 0
        )
        return f" windowday{least}to{_LATEST} " if unit != "hour" else found[0]
    return f" windowhour0to{count} " if unit == "hour" else f" windowday0to{count * _DAYS_OF[unit]} "


def in_order(reader: Reader, place: int, level: str, found: list[Did]) -> tuple[list[Did], int] | None:
    """What was done with the order to another thing that follows in the question, and the place after; None: none."""
    window = _WINDOW.match(reader.words[place]) if place < len(reader.words) else None
    relation = _RELATION.match(" ".join(reader.words[place:]))
    if (size := reader.match(_LATER, place)) and (earlier := [*found[:-1], *reader.whole][-1:]):
        one = found[-1]
        if not (one.after or one.is_excluded or earlier[0].is_excluded):
            return [*found[:-2], _after(one, earlier[0], is_denied=False)], place + size
    if not window and not relation:
        return None
    begun = place + (1 if window else len(relation[0].split()) if relation else 0)
    begun += reader.match(_PREPOSITION, begun) if window else 0
    *before, one = found
    verb = {"page_views": "saw", "items": "order" * bool(one.filters)}.get(one.table, "")
    other, of_first, end = _anchor(reader, begun, level, verb)
    if other is None and window and begun == place + 1:  # of what was done before, or of the first order or visit
        whole = reader.whole[-1:]
        is_again = one.table == "purchases" and one.at_least > 1
        first = Did("purchases") if is_again else FIRST_VISIT
        other, of_first, end = (
            (before.pop() if before else whole[0], False, begun) if before or whole else (first, True, begun)
        )
    if other is None and before and relation and not relation["after"] and begun == len(reader.words):
        other, one, end = one, before.pop(), begun  # added to the cart and had not searched before
        if one.is_excluded:  # has not come back, but bought before
            return None
        later = [_after(one, replace(other, is_excluded=False), is_denied=other.is_excluded)]
        return [*before, *([one] if other.is_excluded else []), *later], end
    if other is None or other.is_excluded or other.after or one.after:
        return None
    if level != "user" and (of_first or "sessions" in (one.table, other.table)):
        return None  # a session comes after no other one of its own
    within = Within(int(window[3]), window[1], int(window[2])) if window else None
    if within and within.unit == "day" and within.most and not within.least and one.table == other.table:
        within = replace(within, least=int(one.table == "sessions"))  # a visit on a later day
    if relation and not window and not relation["after"]:
        other, one = one, other
        if of_first:
            return None
        later = [_after(one, replace(other, is_excluded=False), is_denied=other.is_excluded)]
        return [*before, *([one] if other.is_excluded else []), *later], end
    plain = [other] if one.is_excluded else []
    later = [replace(_after(one, other, is_denied=one.is_excluded), within=within, of_first=of_first)]
    return [*before, *plain, *later], end


def then(found: list[Did], dids: list[Did], joined: str) -> list[Did]:
    """What was done and then something else: the latter with its order."""
    one, other = found[-1], dids[0]
    if not ORDER_WORD.search(joined) or one.is_excluded or len(dids) > 1 or one.after:
        return found + dids
    later = _after(other, one, is_denied=other.is_excluded)
    return [*found[:-1], *([one] if other.is_excluded else []), later]


def in_both(reader: Reader, place: int, level: str, found: list[Did]) -> tuple[list[Did], int] | None:
    """What was done in two periods: "in March and again in April", "in both", "last year but not this year"."""
    first = _DATED.match(" ".join(reader.words[place:]))
    if not first or level != "user":
        return None
    begun = place + len(first[0].split())
    joined = reader.match(_AND_IN, begun)
    if not joined:
        return None
    said = " ".join(reader.words[begun : begun + joined])
    dids, end, _ = reader.predicate(begun + joined, level, named=False)
    is_denied = not dids and (size := reader.match(_NOT_IN, begun + joined)) > 0
    end = begun + joined + size if is_denied else end if dids else begun + joined
    second = _DATED.match(" ".join(reader.words[end:]))
    if not second or len(dids) > 1:
        return None
    if not (dids or is_denied or "both" in first[0] or "again" in said + second[0] or ORDER_WORD.search(said)):
        return None
    one = replace(found[-1], period=reader.periods[int(first["at"])])
    other = dids[0] if dids else found[-1]
    other = replace(other, period=reader.periods[int(second["at"])], is_excluded=other.is_excluded or is_denied)
    both = [replace(did, at_least=1) if did.table == "sessions" and did.at_least == 2 else did for did in (one, other)]
    if both[0].table == both[1].table and dids:  # bought again in March: once in March
        both[1] = in_days([replace(both[1], period=None)], reader.periods[int(second["at"])], reader.words)[0]
    elif "again" in reader.words[begun:end] and both[1].table == "purchases":
        raise Unclear  # visited in January and bought again in February: when they bought before is not said
    return [*found[:-1], *both], end + len(second[0].split())


def _after(later: Did, earlier: Did, *, is_denied: bool) -> Did:
    """Rows of one thing that come after another one.

    Raises:
        Unclear: it is after so many of the other that the moment is not known.
    """
    if earlier.at_most is not None or earlier.at_least > (2 if earlier.table == "sessions" else 1):
        raise Unclear  # after at least 3 visits
    is_again = later.table == earlier.table or later.table == "sessions"
    later = replace(later, at_least=1, at_most=None) if is_again else later
    return replace(_of_moments(later), after=_of_moments(earlier), is_excluded=is_denied)


def _of_moments(did: Did) -> Did:
    """A product view is a moment, not a session."""
    if any(one.dimension == "product_view" for one in did.filters):
        return Did("steps", (Filter("step", (f"1 {STEPS[1][1]}",)),), did.is_excluded)
    return did


def _anchor(reader: Reader, place: int, level: str, verb: str) -> tuple[Did | None, bool, int]:
    """What else was done, whether the first of it is meant, and the place after."""
    if first := _FIRST.match(" ".join(reader.words[place:])):
        is_order = first["order"] or first["what"] in ("order", "purchase")
        return Did("purchases") if is_order else FIRST_VISIT, True, place + len(first[0].split())
    begun = place + reader.match(_LEAD, place)
    dids, end, _ = reader.predicate(begun, level, named=True)
    if not dids:
        dids, end, _ = reader.named(begun, level)
    if not dids and (size := reader.match(_VISITS, place)):
        dids, end = [Did("sessions")], place + size
    if not dids and verb:
        dids, end = reader.object(begun, verb)
    return (dids[0], False, end) if len(dids) == 1 else (None, False, place)
