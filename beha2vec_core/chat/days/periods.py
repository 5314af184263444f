"""Days that a question names. Relative ones ("last week") are relative to the last day of the data.

"Last week" is the last whole week (Monday to Sunday) in the data, "this week" the one of the last day, up to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

from beha2vec_core.chat.days.named_days import (
    DAY,
    MONTH,
    MONTHS,
    MONTHS_OF,
    SAME_DAYS,
    clip,
    in_dates,
    later,
    month_with_days,
    named_days,
    part_of_year,
)
from beha2vec_core.chat.days.spans import in_known_spans
from beha2vec_core.chat.days.weekdays import DAYS, in_weekdays
from beha2vec_core.chat.words.numbers import NUMBER_WORDS, count_of
from beha2vec_core.chat.words.verbs import DOWN, UP
from beha2vec_core.semantic.query import Period, add_months

MARK = "\u00a7"  # stands for a period in the text that is left
_PARTS_OF = {  # of a month, by the places of their first and last days
    "first": (0, 14), "second|last": (15, 30), "early|beginning|start": (0, 9), "mid|middle|midst": (10, 19),
    "late|end": (20, 30),
}  # fmt: skip
_PARTS = "|".join(_PARTS_OF)
_WEEKDAY = "|".join(DAYS)
COUNT = rf"\d+|{'|'.join(NUMBER_WORDS)}"
_UNIT = r"(day|week|month|quarter|year)"
_NEAR = (
    r"(?:in|since|of|for|during|until|till|from|and|or|vs\.?|versus|last|this|to|through|before|after|between|compare|"
    r"with|than|against|early|late|mid|month)"
)
_NAMED = re.compile(
    rf"{MARK}|\b(?:{MONTH}|q[1-4]|yesterday|today|ytd|mtd|20\d\d|"
    rf"(?:last|past|this|current) (?:(?:{COUNT}) )?{_UNIT}s?)\b"
)
# "the week before 15 March" is a week of its own
_NO_PERIOD = rf"(?!\s+(?:the\s+)?(?:{MARK}|{MONTH}|\d|q[1-4]\b|yesterday|today|last|this|past))"
_LATELY = r"\b(?:lately|recently|these days|nowadays|of late|(?:in )?recent (?:weeks|days|times))\b"
_FEW = (
    r"\b(?:last|past|previous|most recent|recent) (?:few|several|couple of|couple) (day|week|month)s\b|"
    r"\brecent (month)s\b|(?<=\bthe )(?:last|past) (day|week|month)s\b(?! of\b)"
)
_AGO = rf"\b({COUNT}|an?) (day|week|month)s? ago\b|\b(?:the )?(day) before yesterday\b"
# with these, two months are compared: "the change from March to April"
_CHANGES = (
    r"\b(?:chang\w*|differen\w*|compar\w*|(?:go|gone|went|come|came) (?:up|down)|(?:up|down) by|"
    rf"{'|'.join((*DOWN, *UP))})\b"
)
# what names no days: all that are in the data
_ALL_DATA = (
    r"\b(?:since|from|until|till|up to|over|during|across|in|for|through|throughout) (?:the )?(?:very )?(?:start|"
    r"beginning|begin|now|data|whole data|(?:whole|entire|full|complete|total) (?:period|time|timeframe|time frame|"
    r"time span|range|data(?: ?set)?|history))(?: of (?:the )?(?:data|tracking|records?|measurement|time))?(?! of)\b|"
    r"\b(?:so far|until now|up to now|(?<!year )(?<!month )(?<!week )(?<!quarter )to date|to this day|all[- ]time|of "
    r"all time|overall period|ever since|since ever|in the (?:data|dataset|period)|(?:the )?(?:whole|entire|full) "
    r"(?:period|time))(?! (?:this|last|in|of|for))\b"
)
_PREVIOUS = re.compile(r"\b(?:previous|prior|preceding)\b")
_EARLIER = (
    r"(?:(?:of |in |from )?(?:the )?(?:last|previous) {0}|"
    r"(?:of |in )?(?:the |a |one )?{0} (?:before|earlier|ago|prior))"
)
# the period before another one; and how far before it these days are, where it is not the next one
_BEFORE = (
    (rf"\b(?:the )?same (?:period|time|days?|week|month|quarter) {_EARLIER.format('year')}\b", "year"),
    (rf"\b(?:the )?same (?:week)?day {_EARLIER.format('week')}\b", "week"),
    (rf"\b(?:the )?same (?:day|date) {_EARLIER.format('month')}\b", "month"),
    (r"\b(?:the )?same (?:period|time|days) (?:of |in )?(?:the )?(?:last|previous) (?:week|month|quarter)\b", ""),
    (rf"\b(?:the )?(?:previous |prior |preceding )?(?:{COUNT}) (?:weeks?|months?|quarters?|years?|days?) "
     rf"(?:before|prior|earlier|previous|preceding)(?: (?:to )?(?:that|those|them|it))?\b{_NO_PERIOD}", ""),
    (r"\b(?:the )?(?:same )?(?:period|week|month|quarter|year|days?|one|time) (?:before|prior|earlier)(?: "
     r"(?:to )?(?:that|those|it|this))?\b" + _NO_PERIOD,
     ""),
    (rf"\b(?:the )?(?:previous|prior|preceding) (?:(?:{COUNT}) )?(?:period|weeks?|months?|quarters?|years?|days?)\b",
     ""),
    (r"\b(?:the )?(?:last|previous) one\b", ""),
    (rf"\b(?:the )?(?:previous weekend|weekend (?:before|prior|earlier)(?: (?:that|it|this|last))?)\b{_NO_PERIOD}",
     "weekend"),
)  # fmt: skip


_LONG = re.compile(rf"(?:\b({COUNT}) (?=\w+s\b)|(?<!\w)(?=\w+[^s]\b))(day|week|month|quarter|year)s?\b")


@dataclass
class Times:
    """The periods of a question."""

    text: str  # the question with a mark and a number in place of each period
    periods: list[Period] = field(default_factory=list)  # in the order of their numbers
    asks_before: bool = False  # the period before is asked for, or compared with
    unit: tuple[int, str] | None = None  # how long the one before is: the week, two months
    back: str = ""  # the same days one year, month or week before are meant
    compares: bool = False
    is_open: bool = False  # since a day, or until one
    is_after: bool = False  # after a day
    notes: list[str] = field(default_factory=list)  # how words were read

    def before(self, period: Period) -> Period:
        """The period that is meant by the one before."""
        if self.back == "weekend" and (period.first.weekday() != 5 or _length(period) != 2):
            raise ValueError(f"{period.in_words} is no weekend: name the days you mean.")
        if self.back in ("week", "weekend"):
            return Period(period.first - timedelta(days=7), period.last - timedelta(days=7))
        months = {"year": -12, "month": -1}.get(self.back)
        if months is None and (not self.unit or _is_as_long(period, *self.unit)):
            return period.before()
        if months is None and self.unit == (1, "week") and period.first != period.last and _length(period) < 7:
            return Period(period.first - timedelta(days=7), period.last - timedelta(days=7))
        if months is None and self.unit != (1, "year"):
            raise ValueError(f"{period.in_words} is not that long: name the days you mean.")
        months = months or -12
        first, after = add_months(period.first, months), period.last + timedelta(days=1)
        if after.day == 1:  # a month has not as many days as another
            return Period(first, add_months(after, months) - timedelta(days=1))
        return Period(first, add_months(period.last, months))


def _both_days(text: str) -> str:
    """Days of one month with the month at both: "dec 19-25", "19 to 25 december"."""
    day, to = r"(\d{1,2})(?:st|nd|rd|th)?", r"\s?(?:-|\u2013|to|until|till|through|thru)\s?(?:the )?"
    year = r"(?:,?( 20\d\d))?"
    text = re.sub(rf"\b({MONTH})\.? {day}{to}{day}\b(?! (?:of )?(?:{MONTH})\b){year}", r"\1 \2\4 to \1 \3\4", text)
    return re.sub(rf"\b{day}{to}{day} (?:of )?({MONTH})\b{year}", r"\1 \3\4 to \2 \3\4", text)


def find_times(text: str, data: Period) -> Times:
    """The periods that a question in small letters names, in data of these days."""
    times = Times(in_dates(_both_days(text), data))
    last = data.last

    def take(pattern: str, period: Callable[[re.Match[str]], Period | None]) -> None:
        def keep(found: re.Match[str]) -> str:
            try:
                one = period(found)
            except (ValueError, OverflowError):  # no calendar has it
                one = None
            if one is None:
                return found.group()
            times.periods.append(one)
            return f" {MARK}{len(times.periods) - 1} "

        times.text = re.sub(pattern, keep, times.text)

    def keep_days(days: Period) -> str:
        times.periods.append(days)
        return f" {MARK}{len(times.periods) - 1} "

    for pattern, new in SAME_DAYS:
        times.text = re.sub(pattern, new, times.text)
    times.text, times.notes = named_days(times.text, last, keep_days)
    for spoken in (in_weekdays, in_known_spans):
        times.text, notes = spoken(times.text, data, keep_days)
        times.notes += notes
    for said, period in ((_LATELY, _lately), (_FEW, _some_days), (_AGO, _ago)):
        for found in re.finditer(said, times.text):
            times.notes.append(f"“{found[0].strip()}” was read as {period(found, last).in_words}.")
        take(said, partial(period, last=last))
    times.text = re.sub(_ALL_DATA, " ", times.text)
    # before a comparison's word: what is before the other period, not a period of its own
    overs = (("wow", "week"), ("mom", "month"), ("qoq", "quarter"), ("yoy", "year"))
    for short, unit in overs:
        pattern = rf"\b(?:{short}|{unit}[ -](?:over|on)[ -]{unit})\b"
        if re.search(pattern, times.text):
            times.text = re.sub(pattern, " ", times.text)
            times.compares = times.asks_before = True
            times.back = "year" if unit == "year" else ""
            if not _names_period(times.text):
                times.periods.append(_this("year", last) if unit == "year" else _last_whole(unit, last))
                times.text += f" {MARK}{len(times.periods) - 1}"
    for pattern, back in _BEFORE:
        rest, earlier = re.sub(pattern, " ", times.text), re.search(pattern, times.text)
        if earlier and (_names_period(rest) or back or not _PREVIOUS.search(times.text)):
            times.text, times.asks_before = rest, True
            times.back = times.back or back
            if long := _LONG.search(earlier[0]):
                times.unit = count_of(long[1] or "1"), long[2]
    for pattern, days in _READ:
        if isinstance(days, str):
            times.text = re.sub(pattern, days, times.text)
        else:
            take(pattern, partial(days, data=data, notes=times.notes))
    # a nightly export ends with yesterday: each of the two words alone is its last day
    yesterday = last - timedelta(days=1) if re.search(r"\btoday\b", times.text) else last
    named = {"today": last, "yesterday": yesterday}
    for word, day in named.items():
        if re.search(rf"\b{word}\b", times.text):
            is_last = "the last day of the data" if day == last else "the day before the last one of the data"
            times.notes.append(f"“{word}” was read as {is_last}, {Period(day, day).in_words}.")
    take(r"\b(?:today|yesterday)\b", lambda found: Period(named[found[0]], named[found[0]]))
    take(r"(?<![\w./-])20\d{2}(?![\w./-])", lambda found: part_of_year(12, 1, last, int(found[0])))
    _join(times, data)
    times.text = re.sub(
        rf"\b(in|for|during|of|over) the (?:month|quarter|year|day)(?: of)?\s+(?={MARK})", r"\1 ", times.text
    )
    # the week before Easter (9 to 15 April)
    times.text = re.sub(rf"{MARK}\d+\s*\(\s*({MARK}\d+)\s*\)", r"\1", times.text)
    times.text = re.sub(r"\s+", " ", times.text).strip()
    return times


def _length(period: Period) -> int:
    return (period.last - period.first).days + 1


def _is_as_long(period: Period, number: int, unit: str) -> bool:
    """Whether a period has so many days, weeks, months ..., or is the begin of one that is not over."""
    days = _length(period)
    if unit in ("day", "week"):
        length = number * (7 if unit == "week" else 1)
        return days == length or (number == 1 < days < length and period.first.weekday() == 0)
    months = number * MONTHS_OF[unit]
    is_begun = number == 1 < days < 28 * months and period.first == begin_of(unit, period.first)
    return 28 * months <= days <= 31 * months or is_begun


def _names_period(text: str) -> bool:
    """Whether some period is named: the one that another is before."""
    return _NAMED.search(text) is not None


def _join(times: Times, data: Period) -> None:
    """Ranges: between two periods, from one to another, since one, until one."""
    one, day = rf"{MARK}(?P<at>\d+)", timedelta(days=1)

    def change(pattern: str, days: Callable[[re.Match[str], Period], Period | None], *, opens: bool = False) -> None:
        """Put other days in the place of a period, and take away what says so; None: leave the text."""

        def changed(found: re.Match[str]) -> str:
            named = times.periods[int(found["at"])]
            if (other := days(found, named)) is None:
                return found[0]
            times.is_open |= opens and other is not named
            times.periods[int(found["at"])] = other
            return f" {MARK}{found['at']} "

        times.text = re.sub(pattern, changed, times.text)

    def unit_before(found: re.Match[str], named: Period) -> Period:
        number, unit, end = found[1] or "1", found[2], named.first - day
        if unit in MONTHS_OF and named.first.day == 1:  # whole months
            return Period(later(named.first, unit, -count_of(number)), end)
        return _last_some(number, unit, end)

    def week(_: re.Match[str], named: Period) -> Period | None:
        begin = begin_of("week", named.first)
        return clip(Period(begin, begin + 6 * day), data.last) if named.first == named.last else None  # week of March

    def part(found: re.Match[str], named: Period) -> Period:
        of_end = found[1] == "last"
        return _last_some(found[2], found[3], named.last) if of_end else _first_some(found[2], found[3], named)

    def weekend(_: re.Match[str], named: Period) -> Period:
        saturday = named.first + day * (-1 if named.first.weekday() == 6 else (5 - named.first.weekday()) % 7)
        return Period(saturday, saturday + day)

    of_week = r"(?<!by )(?<!per )(?<!each )(?<!every )\b(?:the )?week (?:of|from|starting|beginning)(?: on)?"
    change(rf"\b(?:the )?(?:({COUNT}) )?{_UNIT}s? before (?:the )?\s*{one}", unit_before)
    change(rf"{of_week}\s+{one}", week)
    change(rf"\b(?:the )?(first|last) ({COUNT}) {_UNIT}s? (?:of|in) (?:the )?\s*{one}", part)
    change(rf"\b(?:on |at |over )?(?:the )?weekend (?:of|around|starting)(?: on)?\s+{one}", weekend)
    changes = re.search(_CHANGES, times.text) is not None

    def both(found: re.Match[str]) -> str:
        first, last = times.periods[int(found[1])], times.periods[int(found[2])]
        whole = first.first != first.last and last.first != last.last
        if last.last < first.first or (changes and whole):  # between this month and last month: a comparison
            times.compares = True
            return f" {MARK}{found[1]} {MARK}{found[2]} "
        times.periods[int(found[1])] = Period(first.first, last.last)
        return f" {MARK}{found[1]} "

    for before, to in (
        (r"\bbetween\s+(?:the\s+)?", "and|to"),
        (r"\bfrom\s+(?:the\s+)?", r"(?:up )?(?:to|until|till|through|thru|-|\u2013)"),
        ("", r"to|until|till|through|thru|-|\u2013"),
    ):
        times.text = re.sub(rf"{before}{MARK}(\d+)\s+(?:{to})\s+(?:the\s+)?{MARK}(\d+)", both, times.text)

    def together(found: re.Match[str]) -> str:
        first, last = (times.periods[int(found[at])] for at in (1, 2))
        if last.first - first.last != day:
            return found[0]
        times.periods[int(found[1])] = Period(first.first, last.last)
        times.notes.append(f"{first.in_words} and {last.in_words} are counted together.")
        return f"{MARK}{found[1]}"

    if re.search(r"\bthan\b", times.text) and len(set(re.findall(rf"{MARK}\d+", times.text))) > 2:
        times.text = re.sub(rf"{MARK}(\d+)\s+and\s+(?:in\s+)?{MARK}(\d+)", together, times.text)

    def since(found: re.Match[str], named: Period) -> Period:
        is_on = found[0].strip().endswith(("on", "onward", "onwards", "forward"))
        is_in = found[0].startswith("from") and named.first != named.last and not is_on  # "from February": in it
        return named if is_in else Period(named.first, data.last)

    def around(_: re.Match[str], named: Period) -> Period | None:
        if named.first != named.last:
            return None
        times.asks_before = times.compares = True
        return Period(named.first, data.last)

    versus = r"(?:and|or|vs\.?|versus|against|than|compared (?:to|with))"
    change(rf"\b(?:before {versus} after|after {versus} before)\s+(?:the )?{one}", around)
    change(rf"\b(?:since|after|from)\s+(?:the )?{one}\s+{versus} before\b(?! {MARK})", around)
    begins = r"(?:since|(?:starting|beginning)(?: (?:in|from|on|with|at))?|from)"
    change(rf"\b{begins}\s+(?:the )?{one}(?:\s+(?:onwards?|forward|on(?!\s+\w)))?", since, opens=True)
    times.is_after = re.search(rf"\bafter\s+(?:the )?{one}", times.text) is not None
    change(rf"\bafter\s+(?:the )?{one}", lambda _, named: Period(named.last + day, data.last), opens=True)
    until = rf"\b(?:until|till|up to|through)\s+(?:the )?{one}"
    change(until, lambda _, named: Period(data.first, named.last), opens=True)
    change(rf"\bbefore\s+(?:the )?{one}", lambda _, named: Period(data.first, named.first - day), opens=True)


def _day_of_month(number: int, last: date) -> Period | None:
    """The last such day of a month."""
    begins = (add_months(begin_of("month", last), -back) for back in range(3))
    days = [begin + timedelta(days=number - 1) for begin in begins if add_months(begin, 1) - begin >= timedelta(number)]
    return next((Period(day, day) for day in days if day <= last), None)


def _lately(_: re.Match[str], last: date) -> Period:
    return Period(last - timedelta(days=27), last)


def _some_days(found: re.Match[str], last: date) -> Period:
    """A few days are 7, a few weeks 28 days, a few months 3; a couple is two."""
    unit = next(filter(None, found.groups()))
    count = "2" if "couple" in found[0] else {"day": "7", "week": "4"}.get(unit, "3")
    return _last_some(count, unit, last)


def _ago(found: re.Match[str], last: date) -> Period:
    """A day, or a whole week or month: the last day of the data is yesterday, the last whole week is a week ago."""
    number, unit = found[1] or "2", found[2] or found[3]
    count = 1 if number in ("a", "an") else count_of(number)
    if unit == "day":
        return Period(last - timedelta(days=count - 1), last - timedelta(days=count - 1))
    days = _last_whole(unit, last)
    for _ in range(count - 1):
        days = days.before()
    return days


def _day(text: str, data: Period | None = None, order: str = "YMD") -> Period | None:
    """A day; without a year, the last such day in the data."""
    import dateparser  # half a second, and only for questions with dates

    base = datetime.combine(data.last, datetime.min.time()) if data else None
    settings: dict[str, object] = {"PREFER_DATES_FROM": "past", "DATE_ORDER": "DMY" if data else order}
    if base:
        settings["RELATIVE_BASE"] = base
    found = dateparser.parse(text, languages=["en"], settings=settings)
    return Period(found.date(), found.date()) if found else None


def _part_of(found: re.Match[str], data: Period, notes: list[str]) -> Period | None:
    """Days of a month: its first or second half, its first, middle or last ten days."""
    month = month_with_days(found, found[2], data, notes, int(found[3]) if found[3] else None)
    part = found[1]
    if "half" not in found[0] and part in ("first", "second", "last"):
        return None
    begin, end = next(days for words, days in _PARTS_OF.items() if part in words.split("|"))
    if part.startswith("mid") and re.search(r"\b(?:since|until|till|after|before) $", found.string[: found.start()]):
        begin = end = 14  # since a day
    days = Period(month.first + timedelta(days=begin), min(month.first + timedelta(days=end), month.last))
    if part not in ("first", "second", "last"):
        notes.append(f"“{found[0].strip()}” was read as {days.in_words}.")
    return days


def _week_of(found: re.Match[str], data: Period, notes: list[str]) -> Period | None:
    """Seven days of a month: its first to seventh, eighth to fourteenth ... or its last."""
    month = month_with_days(found, found[2], data, notes, int(found[3]) if found[3] else None)
    if found[1] == "last":
        return Period(month.last - timedelta(days=6), month.last)
    first = month.first + timedelta(days=7 * ("first", "second", "third", "fourth").index(found[1]))
    return Period(first, first + timedelta(days=6))


def begin_of(unit: str, when: date) -> date:
    """The first day of the day, week, month ... that a day lies in."""
    if unit == "day":
        return when
    if unit == "week":
        return when - timedelta(days=when.weekday())
    months = MONTHS_OF[unit]
    return date(when.year, (when.month - 1) // months * months + 1, 1)


def _this(unit: str, last: date) -> Period:
    return Period(begin_of(unit, last), last)


def _last_whole(unit: str, last: date) -> Period:
    """The last whole one: that of the last day, if that day completes it."""
    begin = begin_of(unit, last)
    if begin_after(unit, begin) != last + timedelta(days=1):
        begin = begin_of(unit, begin - timedelta(days=1))
    return Period(begin, begin_after(unit, begin) - timedelta(days=1))


def _last_named(name: str, last: date) -> Period:
    """The last Monday, Tuesday ..., or the last whole weekend."""
    day = last - timedelta(days=(last.weekday() - (6 if name == "weekend" else DAYS.index(name))) % 7)
    return Period(day - timedelta(days=1) if name == "weekend" else day, day)


def begin_after(unit: str, begin: date) -> date:
    """The first day of the one after that which begins so."""
    return later(begin, unit, 1)


def _iso_week(number: int, last: date, year: int | None) -> Period:
    """A week by its number (ISO 8601); without a year, the last that had begun."""
    first = date.fromisocalendar(year or last.year, number, 1)
    if year is None and first > last:
        first = date.fromisocalendar(last.year - 1, number, 1)
    return clip(Period(first, first + timedelta(days=6)), last)


def _first_some(number: str, unit: str, days: Period) -> Period:
    """So many days, weeks, months from the first day on."""
    return Period(days.first, later(days.first, unit, count_of(number)) - timedelta(days=1))


def _last_some(number: str, unit: str, last: date) -> Period:
    """So many days, weeks, months up to the last day."""
    return Period(later(last, unit, -count_of(number)) + timedelta(days=1), last)


def _year(found: re.Match[str], group: int = 2) -> int | None:
    return int(found[group]) if found[group] else None


_OF_MONTH = rf"(?:of )?(?:the )?({MONTH})(?: (\d{{4}}))?\b"
_Days = Callable[..., Period | None]
# what is read, in this order: other words for it, or its days in data of these days
_READ: tuple[tuple[str, str | _Days], ...] = (
    (rf"\b(first|second) half of (?:the )?({MONTH})\b(.*?)\b(first|second) half\b(?! of)",
     r"\1 half of \2\3\4 half of \2"),
    (rf"\b(?:the )?({_PARTS})[ -]?(?:part |half )?{_OF_MONTH}", _part_of),
    (rf"\b(?:the )?(first|second|third|fourth|last) week {_OF_MONTH}", _week_of),
    (r"\b(?:the )?(?:start|begin(?:ning)?) of (?:the|this) (year|month|week|quarter)\b", r"this \1"),
    (r"\b(?:calendar )?(?:week|wk|cw) (?:no\.? ?|# ?)?(\d{1,2})\b(?: (?:of )?(20\d\d))?",
     lambda m, data, notes: _iso_week(int(m[1]), data.last, _year(m))),
    (r"\bfortnight\b", "two weeks"),
    (r"\bat whatever time\b", lambda m, data, notes: data),
    # "between 1 and 15 march" has two days of one month
    (rf"\b({DAY}) ?(and|to|until|-|\u2013) ?({DAY}) (?:of )?({MONTH})\b", r"\1 \4 \2 \3 \4"),
    (r"\b(\d{4})-(\d{2})-(\d{2})\b", lambda m, data, notes: _day(m[0])),
    (r"\b\d{1,2}\.\d{1,2}\.\d{4}\b", lambda m, data, notes: _day(m[0], order="DMY")),
    (rf"\b{DAY} (?:of )?(?:{MONTH})(?:,? \d{{4}})?\b", lambda m, data, notes: _day(m[0], data)),
    (rf"\b(?:{MONTH}) {DAY}(?!\d)(?:,? \d{{4}})?\b", lambda m, data, notes: _day(m[0], data)),
    (rf"\b({MONTH}) (\d{{4}})\b", lambda m, data, notes: part_of_year(1, MONTHS[m[1]], data.last, _year(m))),
    *((pattern, f"{unit}{number}")
      for number, name in enumerate(("first|1st", "second|2nd", "third|3rd", "fourth|4th"), start=1)
      for pattern, unit in (
          (rf"\b(?:the )?(?:{name}{'|last|final' * (number == 4)}) quarter(?= (?:of|in)\b)", "q"),
          (rf"(?<!last )\b(?:{name}) quarter\b", "q"),
          (rf"\b(?:the )?(?:{name}) half(?= of (?:the year\b|20\d\d))", "h"),
      ) if unit == "q" or number < 3),
    (r"\bh([12])(?:(?: of| in)? (?:the year )?(20\d\d)| of the year)?\b",
     lambda m, data, notes: part_of_year(6, int(m[1]), data.last, _year(m))),
    (r"\bq([1-4])(?:(?:[ /]| (?:of|in) )(?:the year )?(20\d\d)| (?:of|in) (?:the|this) year)?\b",
     lambda m, data, notes: part_of_year(3, int(m[1]), data.last, _year(m))),
    (rf"\b(?!may\b)(?:{MONTH})\b", lambda m, data, notes: month_with_days(m, m[0], data, notes)),
    (r"(?<=\bon the )(\d{1,2})(?:st|nd|rd|th)\b(?=\W*$|,| (?:by|from|vs|versus|compared|per|and)\b)",
     lambda m, data, notes: _day_of_month(int(m[1]), data.last)),
    # "may" is a month after these words only
    (rf"\b({_NEAR}|{MARK}\d+) may\b", r"\1 month-of-may"),
    (r"\bmonth-of-may\b", lambda m, data, notes: part_of_year(1, MONTHS["may"], data.last)),
    (rf"\b(?:the )?{_UNIT} before last\b(?! {_UNIT})", lambda m, data, notes: _last_whole(m[1], data.last).before()),
    (rf"\b(?:last|past|previous) (weekend|{_WEEKDAY})\b", lambda m, data, notes: _last_named(m[1], data.last)),
    (rf"\b(?:the )?(?:first) ({COUNT}) {_UNIT}s?\b(?= (?:of|in) the data|\W*$)",
     lambda m, data, notes: _first_some(m[1], m[2], data)),
    (rf"\b(?:the )?(?:last|past|previous|most recent|latest|final) ({COUNT}) {_UNIT}s?\b",
     lambda m, data, notes: _last_some(m[1], m[2], data.last)),
    (rf"\b(?:the )?(?:last|past|previous|prior) {_UNIT}\b", lambda m, data, notes: _last_whole(m[1], data.last)),
    (rf"\b(?:this|the current|current) {_UNIT}\b", lambda m, data, notes: _this(m[1], data.last)),
    (r"\b(?:ytd|year to date|so far this year)\b", lambda m, data, notes: _this("year", data.last)),
    (r"\b(?:mtd|month to date)\b", lambda m, data, notes: _this("month", data.last)),
)  # fmt: skip
