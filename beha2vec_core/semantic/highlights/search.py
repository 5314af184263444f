"""Compare each segment with the rest, and the last days with those before, with the user as the unit of chance.

A user's sessions are not independent. So each comparison has a design effect: the variance of the difference over users
(by linearization, in which a user who is on both sides counts with both) over the variance that independent sessions
would have. Counts are divided by it, and then compared as counts of independent sessions (Rao and Scott 1992): with
Fisher's exact test of two rates, which also holds for a few orders, and with the binomial test of two totals.

Of changes, the design effect is also multiplied by how much more the metric varied from week to week than users do by
chance; campaigns, weather and weekdays move a site without meaning anything. As that is estimated from a few weeks, the
score of a change is compared with Student's distribution instead of the normal one.

Sources: Rao and Scott, "A simple method for the analysis of clustered binary data" (1992, doi:10.2307/2532311);
Newcombe, "Interval estimation for the difference between independent proportions" (1998).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Literal

import numpy as np

from beha2vec_core.profiles.statistics import (
    effective_number,
    hypergeometric_p,
    newcombe_interval,
    two_sided_p,
    wilson_interval,
)
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.highlights.rows import Floats, Ints, Rows, Segments
from beha2vec_core.semantic.query import Period
from beha2vec_core.store.anonymous import MIN_USERS

WINDOWS = (28, 7)  # days of a change, compared with as many before
_WEEKS = 26  # whose changes are what is usual
_LEAST_WEEKS = 4  # pairs of weeks that tell what is usual
_EXPECTED = 1.0  # on each side: with fewer, hardly any difference could be found
_LEAST_COUNT = 20.0  # of both periods
# A lasting difference says who has such a system, and nobody can act on it; a change may say that something broke.
_OF_CHANGES_ONLY = ("os", "browser")


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a number ``k`` of ``n``; of a total ``k`` only, and ``n`` is the same."""

    k: float
    n: float
    users: int

    @property
    def rate(self) -> float:
        """k of n."""
        return self.k / self.n if self.n else 0.0


@dataclass(frozen=True)
class Comparison:
    """A segment and the rest, or a period and the one before; the whole site where ``dimension`` is None."""

    table: str
    metric: str
    dimension: str | None
    value: str | None
    is_rate: bool  # a share of rows, else a total
    period: Period  # of ``here``
    before: Period | None  # of ``there``; None where that is the rest
    here: Side
    there: Side
    whole: float  # the metric of the whole site on both sides, which the comparison is a part of
    spread: float  # the design effect
    freedom: float  # degrees of freedom of the spread; infinite where it comes from the users alone
    fewest: int  # users behind the smallest of the numbers, by their weight, of those with and those without
    p: float  # how probable so large a difference is by chance

    @property
    def kind(self) -> Literal["difference", "change"]:
        """Difference between segments, or change in time."""
        return "difference" if self.before is None else "change"

    @property
    def is_up(self) -> bool:
        """Whether it is more here than there."""
        return self.effect > 0

    @property
    def effect(self) -> float:
        """Of rates their difference; of totals the relative change, infinite where there was nothing before."""
        if self.is_rate:
            return self.here.rate - self.there.rate
        return self.here.k / self.there.k - 1 if self.there.k else np.inf

    def interval(self, confidence: float) -> tuple[float, float]:
        """Of the effect."""
        if np.isfinite(self.freedom):
            confidence = _wider(confidence, self.freedom)
        here, there = self.here, self.there
        if self.is_rate:
            counts = [number / self.spread for number in (here.k, here.n, there.k, there.n)]
            ends = newcombe_interval(*counts, confidence=confidence)
            return float(ends[0]), float(ends[1])
        both = (here.k + there.k) / self.spread
        ends = wilson_interval(here.k / self.spread, both, confidence=confidence)
        low, high = (float(end) / (1 - float(end)) - 1 if end < 1 else np.inf for end in ends)
        return low, high

    def impact(self, confidence: float) -> float:
        """The part of the site's total that is more or less here than expected; at least so much, 0 if by chance.

        Of a segment's rate: its orders less those of an average segment of its size. That is the same number for a
        segment and for the rest. Of a change: what came or went, of the mean of both periods.
        """
        low, high = self.interval(confidence)
        if low <= 0 <= high or not self.whole:
            return 0.0
        nearest = low if low > 0 else high
        here, there = self.here, self.there
        if self.is_rate:
            size = here.n * there.n / (here.n + there.n) if self.before is None else here.n
            return abs(nearest) * size / (self.whole if self.before is None else self.whole / 2)
        share = (nearest + 1) / (nearest + 2) if np.isfinite(nearest) else 1.0
        return abs(2 * share - 1) * (here.k + there.k) / (self.whole / 2)


def compare(rows: Rows, rates: tuple[str, ...], totals: tuple[str, ...]) -> Iterator[Comparison]:
    """All comparisons of a table that could find something.

    Args:
        rates: metrics that are a number of another; segments are compared by these.
        totals: metrics that are summed; periods are compared by these, and by the rates.
    """
    for segments in rows.segments.values():
        if segments.dimension not in _OF_CHANGES_ONLY:
            yield from _segments(rows, rates, segments)
    everyone = Segments("", [""], np.zeros(len(rows.user), dtype=np.int64))
    for segments in (everyone, *rows.segments.values()):
        yield from _changes(rows, rates, totals, segments)


class _Pairs:
    """Sums by group and user, of users with rows of a group. Sorting the rows takes most of the time of a search.

    Args:
        rows: all of a table.
        segments: their groups.
        days: only rows of so many last days.
        by_week: each segment's weeks are groups of their own.
    """

    def __init__(self, rows: Rows, segments: Segments, days: int, *, by_week: bool = False) -> None:
        self.known = (segments.codes >= 0) & (rows.age < days)
        group, age = segments.codes[self.known], rows.age[self.known]
        self.groups = len(segments.names)
        if by_week:
            group = group * (days // 7) + age // 7
            self.groups *= days // 7
        self._users = max(rows.users, 1)
        keys = group * self._users + rows.user[self.known]
        self._keys, self._place = np.unique(keys, return_inverse=True)
        self.group, self.user = self._keys // self._users, self._keys % self._users

    def sum(self, values: Floats) -> Floats:
        """Values of all rows, summed by group and user."""
        return _summed(self._place, values[self.known], len(self._keys))

    def total(self, values: Floats) -> Floats:
        """Values by group and user, summed by group."""
        return _summed(self.group, values, self.groups)

    @cached_property
    def next(self) -> Ints:
        """Where the same user is in the next group; -1 where they are not."""
        following = self._keys + self._users
        place = np.minimum(np.searchsorted(self._keys, following), len(self._keys) - 1)
        return np.where(self._keys[place] == following, place, -1)


def _segments(rows: Rows, metrics: tuple[str, ...], segments: Segments) -> Iterator[Comparison]:
    """Each segment and the rest, by rates."""
    if segments.names and metrics:
        pairs = _Pairs(rows, segments, _days(rows))
        for metric in metrics:
            yield from _segments_of(rows, metric, segments, pairs)


def _segments_of(rows: Rows, metric: str, segments: Segments, pairs: _Pairs) -> Iterator[Comparison]:
    number, of = rows.sums[metric], rows.sums[f"{metric}_n"]
    k, n = (_summed(rows.user, values, rows.users) for values in (number, of))
    all_k, all_n = k.sum(), n.sum()
    if not 0 < all_k < all_n:
        return
    rate = all_k / all_n
    in_k, in_n = pairs.sum(number), pairs.sum(of)
    out_k, out_n = k[pairs.user] - in_k, n[pairs.user] - in_n
    here_k, here_n = pairs.total(in_k), pairs.total(in_n)
    there_k, there_n = all_k - here_k, all_n - here_n
    with np.errstate(divide="ignore", invalid="ignore"):
        here, there = here_k / here_n, there_k / there_n
        of_both = (in_k - here[pairs.group] * in_n) / here_n[pairs.group]
        of_both -= (out_k - there[pairs.group] * out_n) / there_n[pairs.group]
        # users who are in the rest alone: all users, less those of the segment
        squares = np.array([(k * k).sum(), (k * n).sum(), (n * n).sum()])[:, None] - [
            pairs.total(k[pairs.user] * k[pairs.user]),
            pairs.total(k[pairs.user] * n[pairs.user]),
            pairs.total(n[pairs.user] * n[pairs.user]),
        ]
        of_rest = (squares[0] - 2 * there * squares[1] + there**2 * squares[2]) / there_n**2
        variance = pairs.total(of_both**2) + np.maximum(of_rest, 0)
        of_chance = here * (1 - here) / here_n + there * (1 - there) / there_n
        sizes = (pairs.total(in_n**2), squares[2] + pairs.total(out_n**2))
        least = _least_spread(_correlation(k, n), (here_n, there_n), sizes)
        spread = np.fmax(variance / of_chance, least)
    is_there = n[pairs.user] > in_n
    sides = {
        "here": (in_k, in_n, pairs.total((in_n > 0).astype(float))),
        "rest": (out_k, out_n, (n > 0).sum() - pairs.total(((in_n > 0) & ~is_there).astype(float))),
    }
    users = {name: side[2].astype(int) for name, side in sides.items()}
    in_lacking, out_lacking = in_n - in_k, out_n - out_k
    of_users = [
        effective_number(here_k, pairs.total(in_k**2)),
        effective_number(here_n - here_k, pairs.total(in_lacking**2)),
        effective_number(there_k, squares[0] + pairs.total(out_k**2)),
        effective_number(there_n - there_k, squares[0] - 2 * squares[1] + squares[2] + pairs.total(out_lacking**2)),
    ]
    for place, name in enumerate(segments.names):
        expected = min(here_n[place], there_n[place]) * min(rate, 1 - rate)
        if min(users["here"][place], users["rest"][place]) < MIN_USERS or expected / spread[place] < _EXPECTED:
            continue
        counts = [
            round(value / spread[place]) for value in (here_k[place], here_n[place], there_k[place], there_n[place])
        ]
        p = hypergeometric_p(counts[0], counts[1], counts[0] + counts[2], counts[1] + counts[3])
        yield Comparison(
            rows.table, metric, segments.dimension, name, True, rows.period, None,
            Side(float(here_k[place]), float(here_n[place]), int(users["here"][place])),
            Side(float(there_k[place]), float(there_n[place]), int(users["rest"][place])),
            float(all_k), float(spread[place]), np.inf, int(min(of[place] for of in of_users)), float(p),
        )  # fmt: skip


def _changes(rows: Rows, rates: tuple[str, ...], totals: tuple[str, ...], segments: Segments) -> Iterator[Comparison]:
    """Each segment in the last days and in as many before."""
    windows = [window for window in WINDOWS if _days(rows) >= 2 * window]
    if not segments.names or not windows:
        return
    weekly = _Pairs(rows, segments, 7 * min(_days(rows) // 7, _WEEKS), by_week=True)
    of_windows = {window: _Pairs(rows, segments, 2 * window) for window in windows}
    for metric in (*rates, *totals):
        for window, pairs in of_windows.items():
            yield from _changes_of(rows, metric, segments, window, pairs, weekly, metric in rates)


def _changes_of(
    rows: Rows, metric: str, segments: Segments, window: int, pairs: _Pairs, weekly: _Pairs, is_rate: bool
) -> Iterator[Comparison]:
    number = rows.sums[metric]
    of = rows.sums[f"{metric}_n"] if is_rate else np.abs(number)
    usual, freedom = _week_to_week(number, of if is_rate else None, weekly, len(segments.names), window // 7)
    is_now = rows.age < window
    now_k, before_k = (pairs.sum(np.where(side, number, 0.0)) for side in (is_now, ~is_now))
    now_n, before_n = (pairs.sum(np.where(side, of, 0.0)) for side in (is_now, ~is_now))
    here_k, there_k, here_n, there_n = (pairs.total(one) for one in (now_k, before_k, now_n, before_n))
    here_users, there_users = (pairs.total((one > 0).astype(float)).astype(int) for one in (now_n, before_n))
    of_sums = (now_k, before_k, now_n - now_k, before_n - before_k) if is_rate else (now_n, before_n)
    of_users = [effective_number(pairs.total(one), pairs.total(one**2)) for one in of_sums]
    with np.errstate(divide="ignore", invalid="ignore"):
        if is_rate:
            rate = (here_k + there_k) / (here_n + there_n)
            here, there = here_k / here_n, there_k / there_n
            part = (now_k - here[pairs.group] * now_n) / here_n[pairs.group]
            part -= (before_k - there[pairs.group] * before_n) / there_n[pairs.group]
            of_chance = here * (1 - here) / here_n + there * (1 - there) / there_n
            correlation = _correlation(*(_summed(rows.user, values, rows.users) for values in (number, of)))
            sizes = pairs.total(now_n**2), pairs.total(before_n**2)
            least = _least_spread(correlation, (here_n, there_n), sizes)
            spread = np.fmax(pairs.total(part**2) / of_chance, least)
            enough = np.minimum(here_n, there_n) * np.minimum(rate, 1 - rate) / spread >= _EXPECTED
        else:
            spread = pairs.total((now_k - before_k) ** 2) / (here_k + there_k)
            # each of a count is whole; of money, only the users say how much one unit is
            spread = np.fmax(spread, 1.0) if METRICS[metric].unit == "count" else spread
            enough = (here_k + there_k) / spread >= _LEAST_COUNT
    spread = spread * usual
    last = rows.period.last
    period = Period(last - timedelta(days=window - 1), last)
    before = Period(period.first - timedelta(days=window), period.first - timedelta(days=1))
    in_window = rows.age < 2 * window
    whole = float(number[in_window].sum())
    for place, name in enumerate(segments.names):
        users = here_users[place], there_users[place]
        if not enough[place] or not np.isfinite(spread[place]) or max(users) < MIN_USERS or not freedom[place]:
            continue
        counts = [float(one[place] / spread[place]) for one in (here_k, here_n, there_k, there_n)]
        if is_rate:
            if min(users) < MIN_USERS:
                continue
            whole_counts = [round(one) for one in counts]
            p = float(
                hypergeometric_p(
                    whole_counts[0], whole_counts[1], whole_counts[0] + whole_counts[2],
                    whole_counts[1] + whole_counts[3],
                )
            )  # fmt: skip
        else:
            p = _binomial_p(counts[0], counts[2])
        yield Comparison(
            rows.table, metric, segments.dimension or None, name or None, is_rate, period, before,
            Side(float(here_k[place]), float(here_n[place]), int(users[0])),
            Side(float(there_k[place]), float(there_n[place]), int(users[1])),
            whole, float(spread[place]), float(freedom[place]), int(min(one[place] for one in of_users)),
            _with_freedom(p, freedom[place]),
        )  # fmt: skip


def _days(rows: Rows) -> int:
    return int(rows.age.max()) + 1 if len(rows.age) else 0


def _summed(place: Ints, values: Floats, places: int) -> Floats:
    return np.bincount(place, weights=values, minlength=places).astype(np.float64)


def _correlation(k: Floats, n: Floats) -> float:
    """How alike the rows of a user are, 0 to 1, over users who have k of n each."""
    size = float((n**2).sum() / n.sum()) if n.sum() else 1.0
    if not 0 < k.sum() < n.sum() or size <= 1:
        return 0.0
    rate = k.sum() / n.sum()
    spread = ((k - rate * n) ** 2).sum() / (n.sum() * rate * (1 - rate))
    return float(np.clip((spread - 1) / (size - 1), 0, 1))


def _least_spread(correlation: float, rows: tuple[Floats, Floats], squares: tuple[Floats, Floats]) -> Floats:
    """The design effect of a difference by the correlation on the whole site: with few orders, a segment's own is 0.

    Kish's 1 + (size - 1) correlation on both sides, where the size is that of a user's rows, weighted by themselves.
    """
    effects = [1 + (one / of - 1) * correlation for one, of in zip(squares, rows, strict=True)]
    return np.asarray((effects[0] / rows[0] + effects[1] / rows[1]) / (1 / rows[0] + 1 / rows[1]))


def _week_to_week(
    number: Floats, of: Floats | None, pairs: _Pairs, groups: int, boundary: int
) -> tuple[Floats, Floats]:
    """How much more a metric varies between weeks than users by chance, by segment, and the degrees of freedom.

    The mean of the squared scores of the changes from week to week, at least 1; the change that is searched for, which
    is at the ``boundary``, is left out. Changes that follow each other share a week, so they tell as much as two thirds
    of their number. 0 degrees of freedom where there are too few weeks.
    """
    weeks = pairs.groups // groups
    k = pairs.sum(number)
    total = pairs.total(k).reshape(groups, weeks)
    with np.errstate(divide="ignore", invalid="ignore"):
        if of is None:
            # users who are there in both weeks: their share of the variance of the difference
            shared = np.where((pairs.next >= 0) & (pairs.group % weeks < weeks - 1), k * k[pairs.next], 0.0)
            variance = pairs.total(k * k).reshape(groups, weeks)
            both = pairs.total(shared).reshape(groups, weeks)[:, :-1]
            least = total[:, :-1] + total[:, 1:] if (number == np.round(number)).all() else 0.0
            error = np.maximum(variance[:, :-1] + variance[:, 1:] - 2 * both, least)
            scores = (total[:, :-1] - total[:, 1:]) ** 2 / error
        else:
            n = pairs.sum(of)
            count = pairs.total(n).reshape(groups, weeks)
            rate = total / count
            residual = pairs.total((k - rate.reshape(-1)[pairs.group] * n) ** 2)
            variance = residual.reshape(groups, weeks) / count**2
            pooled = (total[:, :-1] + total[:, 1:]) / (count[:, :-1] + count[:, 1:])
            least = pooled * (1 - pooled) * (1 / count[:, :-1] + 1 / count[:, 1:])
            scores = (rate[:, :-1] - rate[:, 1:]) ** 2 / np.maximum(variance[:, :-1] + variance[:, 1:], least)
    scores[:, boundary - 1 : boundary] = np.nan
    known_pairs = np.isfinite(scores).sum(axis=1)
    usual = np.nansum(scores, axis=1) / np.maximum(known_pairs, 1)
    return np.maximum(usual, 1.0), np.where(known_pairs >= _LEAST_WEEKS, known_pairs * 2 / 3, 0.0)


def _binomial_p(count: float, other: float) -> float:
    """How probable it is that two equal chances come out so far apart, either way; of counts that need not be whole."""
    from scipy.special import betainc

    more, less = max(count, other), min(count, other)
    return float(min(1.0, 2 * betainc(max(more, 1e-9), less + 1, 0.5)))


def _with_freedom(p: float, freedom: float) -> float:
    """The p of the same score from Student's distribution."""
    from scipy.special import ndtri

    return float(two_sided_p(ndtri(max(p, 1e-300) / 2), freedom))


def _wider(confidence: float, freedom: float) -> float:
    """The confidence at which the normal distribution has Student's quantile."""
    from scipy.special import ndtr, stdtrit

    return float(1 - 2 * ndtr(-stdtrit(freedom, 0.5 + confidence / 2)))
