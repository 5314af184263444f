"""Days that have a name of their own: months, holidays, the weeks around them, and seasons."""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

from dateutil.easter import easter

from beha2vec_core.chat.words.numbers import count_of
from beha2vec_core.semantic.query import Period, add_months

_NAMES = """
    january jan february feb march mar april apr may may june jun july jul august aug september sep october oct
    november nov december dec
"""
MONTHS = {name: place // 2 + 1 for place, name in enumerate(_NAMES.split())} | {"sept": 9}
MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}
MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
MONTH_NAMES = "|".join(map(str.lower, month_name[1:]))  # not their short forms
DAY = r"(?:\d{1,2})(?:st|nd|rd|th)?"
# other words for the same days, in the words of what is read below
SAME_DAYS: tuple[tuple[str, str], ...] = (
    (rf"\b(since|from) (?:the )?(?:very )?(?:start|begin(?:ning)?) of (?=(?:{MONTH})\b|20\d\d|q[1-4]|last|h[12])",
     r"\1 "),
    (rf"\b(first|second|third) (?:and|vs|versus|or|to|with) (?:the )?(second|third|fourth|last) week of ({MONTH})\b",
     r"\1 week of \3 vs \2 week of \3"),
    (rf"\b\w+day,? (?=(?:{DAY} (?:of )?(?:{MONTH})|(?:{MONTH}) {DAY})\b)", " "),
    (r"\b(?:this )?(year|quarter|month|week)[- ]to[- ]date\b|\bthis (year|quarter|month|week) to date\b", r"this \1\2"),
    (r"\b(last|past|previous|this) (?:full|whole|complete|entire) (?=(?:day|week|month|quarter|year)s?\b)", r"\1 "),
    (r"\bhalf (?:a |of a |an )?year\b", "six months"),
    (r"\b(?:last|past|previous) six months\b", "last six months"),
    (r"\b([1-4]) ?q(?=\W|$)", r"q\1"),
    (r"\b([1-4])q ?'?(\d\d)\b", r"q\1 20\2"),
    (r"\b(q[1-4])[ /]?'?(\d\d)\b(?!\d)", r"\1 20\2"),
    (r"(?<=[a-z]) '(\d\d)\b", r" 20\1"),
    (rf"\b({MONTH})\s*[-\u2013\u2014]\s*(?=(?:{MONTH})\b)", r"\1 to "),
    (r"\b(?:until|till|up to|by|before) (?:the )?(?:very )?end of\b", "until"),
    (r"\b(?:since|after) (?:the )?(?:very )?end of\b", "after"),
    *(
        (rf"\b(?:the )?{name} (?:day )?of (?=(?:{MONTH})\b)", f"{number} ")
        for number, name in enumerate(
            ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"], start=1
        )
    ),
    (rf"\b(between|from) the (?={DAY}\b)", r"\1 "),
    (rf"(?<=\d)(st|nd|rd|th)? (and|to|until|till|through) the (?={DAY}\b)", r"\1 \2 "),
    (r"\bas of (?:now|today|yesterday|this moment)\b", "until now"),
)  # fmt: skip
_FEW_DAYS = 7  # of a month: fewer are not meant by its name
_ENDS_RANGE = re.compile(r"(?:\b(?:to|until|till|through|up to)|[-\u2013]|\bbetween\b.*\band)\s*(?:the )?$")
_OfYear = Callable[[int], tuple[date, date]]
_ONE = timedelta(days=1)


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    """The first, second ... Monday (0) to Sunday (6) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _thanksgiving(year: int) -> date:
    return _nth(year, 11, 3, 4)


def _dates(month: int, day: int, until: tuple[int, int] | None = None) -> _OfYear:
    return lambda year: (date(year, month, day), date(year, *(until or (month, day))))


def _from(of_year: Callable[[int], date], first: int, last: int | None = None) -> _OfYear:
    """So many days after a holiday, and up to so many."""
    end = first if last is None else last
    return lambda year: (of_year(year) + timedelta(days=first), of_year(year) + timedelta(days=end))


def _months(first: int, count: int) -> _OfYear:
    return lambda year: (date(year, first, 1), add_months(date(year, first, 1), count) - _ONE)


_DAYS: dict[str, _OfYear] = {  # one day each
    "thanksgiving": _from(_thanksgiving, 0), "black friday": _from(_thanksgiving, 1),
    "cyber monday": _from(_thanksgiving, 4), "good friday": _from(easter, -2), "easter": _from(easter, 0),
    "easter sunday": _from(easter, 0), "easter monday": _from(easter, 1), "valentine day": _dates(2, 14),
    "st patrick day": _dates(3, 17), "memorial day": _from(lambda year: _nth(year, 6, 0, 1), -7),
    "independence day": _dates(7, 4), "labou?r day": _from(lambda year: _nth(year, 9, 0, 1), 0),
    "halloween": _dates(10, 31), "singles day": _dates(11, 11), "(?:christmas|xmas) eve": _dates(12, 24),
    "(?:christmas|xmas) day": _dates(12, 25), "boxing day": _dates(12, 26), "new year eve": _dates(12, 31),
    "new year day": _dates(1, 1), "new year": _dates(1, 1),
}  # fmt: skip
_SPANS: dict[str, _OfYear] = {  # several days: an assumption, which is said
    "christmas|xmas": _dates(12, 24, (12, 26)),
    "(?:christmas|xmas) (?:season|time|period|shopping|business)": _dates(12, 1, (12, 26)),
    "(?:holiday|festive) (?:season|period|time)": lambda year: (_thanksgiving(year), date(year, 12, 31)),
    "black friday weekend": _from(_thanksgiving, 1, 3), "cyber weekend": _from(_thanksgiving, 1, 4),
    "thanksgiving weekend": _from(_thanksgiving, 0, 3), "cyber week": _from(_thanksgiving, -3, 3),
    "easter (?:weekend|holidays?)": _from(easter, -2, 1),
}  # fmt: skip
_SEASONS: dict[str, _OfYear] = {
    "spring(?:time)?": _months(3, 3), "summer(?:time)?": _months(6, 3), "autumn|fall": _months(9, 3),
    "winter(?:time)?": _months(12, 3),
}  # fmt: skip
# not what a campaign or a page is called
_NO_NAME = (
    r"(?![\w/-])(?! (?:weekends?|weeks?|seasons?|campaigns?|pages?|deals?|offers?|ads?|emails?|newsletters?|promos?|"
    r"sales?)\b)"
)
# a season is a noun of its own: not that of summer hats, nor the fall of revenue
_IN = "in|during|this|last|past|previous|since|until|over"
_BEFORE = rf"{_IN}|of|for|between|and|vs\.?|versus|from|to|than|by|or|before|after|through"
_AFTER = r"vs\.?|versus|or|and|to|than|compared|against"
_YEAR = r"(?:,? (?:of |in )?(?P<year>20\d\d))?"


def _days(of_year: _OfYear, last: date, year: str | None, *, is_over: bool = False) -> Period:
    """The days in a year; without one, the last ones that had begun, or that are over."""
    if year:
        return Period(*of_year(int(year)))
    first, end = next(
        days for days in (of_year(last.year - back) for back in range(4)) if days[1 if is_over else 0] <= last
    )
    return Period(first, min(end, last))


_PART_OF_YEAR = "|".join(sorted((MONTH, "q[1-4]", "h[12]", *_DAYS, *_SPANS, *_SEASONS), key=len, reverse=True))
_LAST_YEAR = re.compile(
    rf"\b({_PART_OF_YEAR})(?: of| in)? (?:the )?(?:last|previous|prior) year\b|\blast year(?:'?s)? ({_PART_OF_YEAR})\b"
)
_WITH_YEAR = re.compile(rf"\b({MONTH}) (to|until|till|through|thru|and|-|\u2013) ({MONTH}) (20\d\d)\b")
_HALF = re.compile(
    r"\b(?:the |our )?(?P<one>first|second) half of (?:the |our |this |all )*(?:period|data|time)\b"
    r"(?:(?P<between>.*?)(?P<other>\bthe (?:first|second|other)(?: half| one)?\b(?! \w)))?"
)
_ENDS = re.compile(
    r"\b(?:the |our )?first (?P<number>\d+|two|three|four|six) (?P<unit>month|week)s (?:against|vs\.?|versus|with|"
    r"to|and|compared (?:to|with)) (?:the |our )?last (?P=number)(?: (?P=unit)s)?\b"
)


def in_dates(text: str, data: Period) -> str:
    """A text in small letters with the years of "aug to dec 2016" and "july last year"; parts of the data as dates."""

    def both_years(found: re.Match[str]) -> str:
        first, join, last, year = found.groups()
        is_over = MONTHS[first] > MONTHS[last]
        if is_over and join == "and":
            return found[0]
        return f"{first} {int(year) - is_over} {join} {last} {year}"

    middle = data.first + timedelta(days=(data.last - data.first).days // 2)
    halves = {"first": (data.first, middle), "second": (middle + _ONE, data.last)}

    def half(found: re.Match[str]) -> str:
        other = {"first": "second", "second": "first"}[found["one"]]
        rest = "from {} to {}".format(*halves[other]) if found["other"] else ""
        return "from {} to {}".format(*halves[found["one"]]) + (found["between"] or "") + rest

    def ends(found: re.Match[str]) -> str:
        unit, count = found["unit"], count_of(found["number"])
        first, last = later(data.first, unit, count) - _ONE, later(data.last, unit, -count) + _ONE
        return f"from {data.first} to {first} vs from {last} to {data.last}"

    text = _LAST_YEAR.sub(lambda found: f"{found[1] or found[2]} {data.last.year - 1}", text)
    return _ENDS.sub(ends, _HALF.sub(half, _WITH_YEAR.sub(both_years, text)))


@cache
def _holidays() -> list[tuple[_OfYear, bool, re.Pattern[str], re.Pattern[str], re.Pattern[str]]]:
    """The longest name first: its days, whether they are several, "week of ...", "... week" and the name."""
    found = []
    for name, of_year in sorted((_DAYS | _SPANS).items(), key=lambda pair: len(pair[0]), reverse=True):
        name_of = name.replace(" ", "s?[ -]")
        words = rf"(?<![\w/.-])(?<!chinese )(?<!lunar )(?:{name_of})s?"
        week_of, its_week, itself = (
            re.compile(pattern + _YEAR + _NO_NAME)
            for pattern in (
                rf"\bweek (?:of|around|with) (?:the )?{words}",
                f"{words} week",
                f"(?:around (?:the )?)?{words}" if name in _SPANS else words,
            )
        )
        found.append((of_year, name in _SPANS, week_of, its_week, itself))
    return found


@cache
def _seasons() -> list[tuple[_OfYear, re.Pattern[str]]]:
    after = rf"(?= season\b|\W*$|\s*[,?.;:]|\s+(?:{_AFTER}|by|on|with|was|were|did|is|are|per|via)\b)(?: season\b)?"
    ago = r"(?P<ago>(?<!\w)(?:last|past|previous|this) )?"
    found = []
    for name, of_year in _SEASONS.items():
        beside = rf"(?P<before>\b(?:{_IN if 'fall' in name else _BEFORE}) (?:the )?)?"
        found.append((of_year, re.compile(rf"{beside}{ago}\b(?P<name>{name}){_YEAR}(?![\w/-]){after}")))
    return found


def named_days(text: str, last: date, keep: Callable[[Period], str]) -> tuple[str, list[str]]:
    """A text in small letters with what is kept in place of named days, and what was assumed, in sentences.

    Args:
        last: the last day of the data: without a year, the last days up to it are meant.
        keep: what to put in place of days.
    """
    notes: list[str] = []

    def put(found: re.Match[str], days: Period, *, is_assumed: bool) -> str:
        if is_assumed:
            notes.append(f"“{found[0].strip()}” was read as {days.in_words}.")
        return keep(days)

    def week(of_year: _OfYear, found: re.Match[str]) -> Period:
        first = _days(of_year, last, found["year"]).first
        begin = first - timedelta(days=first.weekday())
        return Period(begin, begin + timedelta(days=6))

    for of_year, is_span, week_of, its_week, itself in _holidays():

        def holiday(found: re.Match[str], of_year: _OfYear = of_year, *, is_span: bool = is_span) -> str:
            return put(found, _days(of_year, last, found["year"]), is_assumed=is_span)

        def in_week(found: re.Match[str], of_year: _OfYear = of_year) -> str:
            return put(found, week(of_year, found), is_assumed=True)

        text = itself.sub(holiday, its_week.sub(in_week, week_of.sub(in_week, text)))
    for of_year, named in _seasons():

        def season(found: re.Match[str], of_year: _OfYear = of_year) -> str:
            said = f"{found['before'] or ''}{found['ago'] or ''}"
            is_beside = re.match(rf"\s+(?:{_AFTER})\b", found.string[found.end() :])
            if not (said or found["year"] or is_beside):
                return found[0]
            is_over = re.search(r"\b(?:last|past|previous) (?:the )?$", said) is not None
            days = _days(of_year, last, found["year"], is_over=is_over)
            notes.append(f"“{found['name']}” was read as {days.in_words}.")
            return re.sub(r"\b(?:last|past|previous|this) (?:the )?$", "", said) + keep(days)

        text = named.sub(season, text)
    return text, notes


def later(when: date, unit: str, count: int) -> date:
    """The day so many days, weeks, months ... after another one; before it, if the number is negative."""
    if unit in MONTHS_OF:
        return add_months(when, count * MONTHS_OF[unit])
    return when + timedelta(days=count * (7 if unit == "week" else 1))


def clip(period: Period, last: date) -> Period:
    """Up to the last day, where the period has begun by then."""
    return Period(period.first, min(period.last, last)) if period.first <= last else period


def part_of_year(months: int, number: int, last: date, year: int | None = None) -> Period:
    """A part of so many months of a year, up to the last day; without a year, the last one that had begun."""
    first = date(year or last.year, months * (number - 1) + 1, 1)
    if year is None and first > last:
        first = date(last.year - 1, first.month, 1)
    return clip(Period(first, add_months(first, months) - _ONE), last)


def month_with_days(found: re.Match[str], name: str, data: Period, notes: list[str], year: int | None = None) -> Period:
    """A month; of one without a year that has just begun, the one a year before, if the data have all of it."""
    month = part_of_year(1, MONTHS[name], data.last, year)
    before = Period(add_months(month.first, -12), add_months(month.first, -11) - _ONE)
    days = (month.last - month.first).days + 1
    is_range = _ENDS_RANGE.search(found.string[: found.start()])
    if year or days >= _FEW_DAYS or before.first < data.first or is_range:
        return month
    few = "one day" if days == 1 else f"{days} days"
    notes.append(f"“{name}” was read as {before.in_words}: of {month.first:%B %Y} the data have {few}.")
    return before
