"""A question about metrics, typed: what the compiler takes, and what people are shown as the query that was run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.words import day as day_words
from beha2vec_core.words import days as days_words


@dataclass(frozen=True)
class Period:
    """Days from ``first`` to ``last``, both included."""

    first: date
    last: date

    def before(self) -> Period:
        """The period before.

        Of whole months as many months; of a month, quarter or year that is not over the same days of the one before;
        of the first days of a week those of the week before; else as many days.
        """
        after = self.last + timedelta(days=1)
        months = 12 * (after.year - self.first.year) + after.month - self.first.month
        if self.first.day == 1 and after.day == 1:
            return Period(add_months(self.first, -months), self.first - timedelta(days=1))
        for length in (1, 3, 12):
            if self.first.day == 1 and (self.first.month - 1) % length == 0 and months < length:
                return Period(add_months(self.first, -length), add_months(self.last, -length))
        days = (after - self.first).days
        days = 7 if self.first.weekday() == 0 and days < 7 else days
        return Period(self.first - timedelta(days=days), self.last - timedelta(days=days))

    def __str__(self) -> str:
        """2026-05-04..2026-05-10."""
        return f"{self.first}..{self.last}"

    @property
    def in_words(self) -> str:
        """4 May to 10 May 2026."""
        return day_words(self.last) if self.first == self.last else days_words(self.first, self.last)


def add_months(when: date, months: int) -> date:
    """The same day of another month; its last day where it has no such day."""
    year, month = divmod(12 * when.year + when.month - 1 + months, 12)
    after = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(when.day, (after - timedelta(days=1)).day))


def is_by_time(by: tuple[str, ...]) -> bool:
    """Whether all breakdowns are days, weeks or months."""
    return bool(by) and all(DIMENSIONS[name].kind == "time" for name in by)


@dataclass(frozen=True)
class Filter:
    """Rows whose dimension has one of these values (any, if none is named), or none of them.

    With ``did``, the dimension is user, session or one_order: those that did all of this.
    """

    dimension: str
    values: tuple[str, ...] = ()
    is_excluded: bool = False
    did: tuple[Did, ...] = ()


@dataclass(frozen=True)
class Did:
    """What a user, a session or an order has: rows of a table, in the days that the query is about.

    Of users, the query's other filters of visits (their device, channel ...) hold for these rows too, except for the
    part of a share.
    """

    table: str  # a name of `TABLES`
    filters: tuple[Filter, ...] = ()  # of its rows
    is_excluded: bool = False  # they have no such rows, or fewer than ``at_least``
    at_least: int = 1  # so many rows (of items: pieces)
    at_most: int | None = None  # no more than so many
    of_days: bool = False  # so many different days with such rows
    period: Period | None = None  # in these days, in place of the query's
    after: Did | None = None  # only rows that come after such a row
    within: Within | None = None  # of these, so many days or hours after it
    of_first: bool = False  # after the first such row of all


@dataclass(frozen=True)
class Within:
    """From so many to so many calendar days later; or up to so many hours later."""

    most: int
    unit: str = "day"
    least: int = 0


@dataclass(frozen=True)
class Having:
    """Only groups whose other metric is at least, or at most, so much: "countries with at least 100 sessions"."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    half: str | None = None  # upper: at least the median of all groups; lower: at most


@dataclass(frozen=True)
class Query:
    """A metric, and how it is broken down, filtered and compared."""

    metric: str  # a name of `METRICS`
    by: tuple[str, ...] = ()  # names of `DIMENSIONS`
    filters: tuple[Filter, ...] = ()  # all of them hold; one per dimension, besides those of what was done
    period: Period | None = None  # None: all data
    versus: Period | None = None  # the period to compare with
    # the value as a share of the total: of all parts, of those of the same day, week or month; without a breakdown, the
    # first filter's part of all rows that pass the others
    is_share: bool = False
    top: int | None = None  # so many rows, and those with the same value as the last of them
    ascending: bool | None = None  # the smallest first; None: the order of time, or else the largest first
    against_rest: bool = False  # two groups: the filter's values of the only breakdown, and all others
    by_change: bool = False  # groups in the order of their change, with a period to compare with
    moved: bool = False  # the groups that rose (with ``ascending``: fell) are asked for, not parts of the whole change
    over: float | None = None  # only groups with a larger value
    counts_groups: bool = False  # how many groups there are, in place of them
    # where the change comes from: the chat adds the groups of several dimensions that changed most
    explains: bool = False
    under: float | None = None  # only groups with a smaller value, of orders
    at_least: bool = False  # the value of ``over`` too
    at_most: bool = False  # the value of ``under`` too
    having: tuple[Having, ...] = ()  # what else is true of the groups
    # so many rows of each group of all breakdowns but the last: the best product of each country
    top_of_each: int | None = None
    per: str | None = None  # another metric that the value is divided by: orders per user
    of_each: bool = False  # the share in each group: the first filter's part of the group's rows

    def __post_init__(self) -> None:
        """Raise ValueError for names that are not defined, and for a combination that has no meaning."""
        unknown = [n for n in (*self.by, *(f.dimension for f in self.filters)) if n not in DIMENSIONS]
        if self.metric not in METRICS or unknown:
            raise ValueError(f"not defined: {', '.join(unknown) or self.metric}")
        dimensions = [one.dimension for one in self.filters if not one.did]
        if len(set(dimensions)) < len(dimensions) or len(set(self.by)) < len(self.by):
            raise ValueError("a dimension stands twice")
        if self.versus and (not self.period or any(DIMENSIONS[name].kind == "time" for name in self.by)):
            raise ValueError("a comparison needs a period, and no breakdown by time")
        if self.is_share and METRICS[self.metric].unit not in ("count", "money"):
            raise ValueError(f"{self.metric} has no share of a total")
        if self.is_share and not self.by and not self.filters:
            raise ValueError("a share of the total needs a breakdown, or a filter")
        if self.of_each and not (self.is_share and self.by and self.filters):
            raise ValueError("a share in each group needs a breakdown, and a filter")
        if (self.by_change or self.explains) and not self.versus:
            raise ValueError("a change needs a period to compare with")
        if (self.over is not None or self.counts_groups or self.having) and not self.by:
            raise ValueError("groups need a breakdown")
        is_listed = "one_order" in self.by or (self.counts_groups and is_by_time(self.by))
        if self.under is not None and not self.over and not is_listed:  # users without an order have no row
            raise ValueError("less than a number is known of orders, days, weeks and months only")
        is_one = self.over == self.under and self.at_least and self.at_most
        if self.over is not None and self.under is not None and self.over >= self.under and not is_one:
            raise ValueError(f"nothing is {' and '.join(f'{words} {limit:g}' for words, _, limit in self.limits)}")
        if self.against_rest and not (len(self.by) == 1 and self.by[0] in dimensions):
            raise ValueError("a comparison with the rest needs one breakdown, and a filter of it")
        if self.top_of_each is not None and (len(self.by) < 2 or self.versus or self.is_share or self.counts_groups):
            raise ValueError("the first of each group needs two breakdowns, and a plain value")
        if self.per is not None and (self.is_share or self.counts_groups or self.per == self.metric):
            raise ValueError("a ratio needs two metrics, and has no share")
        if self.top is not None and self.top < 1:
            raise ValueError("top is at least 1")

    @property
    def limits(self) -> list[tuple[str, str, float]]:
        """Of the values of groups: in words, as an operator of SQL, and the number."""
        over = ("at least", ">=") if self.at_least else ("more than", ">")
        under = ("at most", "<=") if self.at_most else ("less than", "<")
        if self.over is not None and self.over == self.under:
            return [("exactly", "=", self.over)]
        limits = ((over, self.over), (under, self.under))
        return [(words, sign, limit) for (words, sign), limit in limits if limit is not None]
