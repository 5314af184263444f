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

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa

from beha2vec_core.profiles import statistics
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.highlights.moments import Moments
from beha2vec_core.semantic.highlights.rows import Floats, Ints, Rows, Segments, grouped
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
            ends = statistics.newcombe_interval(*counts, confidence=confidence)
            return float(ends[0]), float(ends[1])
        both = (here.k + there.k) / self.spread
        ends = statistics.wilson_interval(here.k / self.spread, both, confidence=confidence)
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
    site = _Site(rows, rates, totals)
    everyone = Segments("", [""], np.zeros(len(rows.user), dtype=np.int64))
    differing = [one for one in rows.segments.values() if one.dimension not in _OF_CHANGES_ONLY]
    searches = [
        *(partial(_differences, site, rates, segments) for segments in differing),
        *(partial(_changes, site, rates, totals, segments) for segments in (everyone, *rows.segments.values())),
    ]
    # numpy leaves the interpreter's lock where it takes long; two at most, since each needs memory of its own
    with ThreadPoolExecutor(min(pa.cpu_count(), 2)) as pool:
        for found in pool.map(lambda search: list(search()), searches):
            yield from found


class _Site:
    """All rows of a table, and what is the same for all segments.

    Each metric has two columns, `columns_of`: its numbers, and for rates what they are of, for totals their size.
    Metrics share columns that are the same.
    """

    def __init__(self, rows: Rows, rates: tuple[str, ...], totals: tuple[str, ...]) -> None:
        self.rows = rows
        self.days = int(rows.age.max()) + 1 if len(rows.age) else 0
        self.windows = [window for window in WINDOWS if self.days >= 2 * window]
        self.columns: list[Floats] = []
        self.columns_of = {
            metric: (self._column(rows.sums[metric]), self._column(rows.sums[f"{metric}_n"])) for metric in rates
        } | {metric: (self._column(rows.sums[metric]), self._column(np.abs(rows.sums[metric]))) for metric in totals}
        self.of_users = [_summed(rows.user, column, rows.users) for column in self.columns]
        self.everyone = Moments.of(self.of_users)
        self.correlation = {metric: _correlation(self.everyone, *self.columns_of[metric]) for metric in rates}
        self.of_windows = {
            (metric, window): float(rows.sums[metric][rows.age < 2 * window].sum())
            for metric in (*rates, *totals)
            for window in self.windows
        }
        self.is_whole = [bool((column % 1 == 0).all()) for column in self.columns]

    def _column(self, values: Floats) -> int:
        for place, column in enumerate(self.columns):
            if np.array_equal(column, values):
                return place
        self.columns.append(values)
        return len(self.columns) - 1


class _Pairs:
    """Users and the groups that they have rows of.

    Args:
        user: of each row.
        group: of each row; one of -1 does not count.
        groups: how many there are.
    """

    def __init__(self, user: Ints, group: Ints, groups: int) -> None:
        known = np.flatnonzero(group >= 0)
        self.keys, place = grouped(user[known] * groups + group[known])
        self.place = np.full(len(user), len(self.keys))
        self.place[known] = place
        self.groups = groups
        self.user, self.group = np.divmod(self.keys, groups)

    def sum(self, values: Floats, place: Ints | None = None) -> Floats:
        """Values of rows, summed by pair. ``place``: of the rows that count, and the number of pairs for others."""
        found = _summed(self.place if place is None else place, values, len(self.keys) + 1)
        return found[: len(self.keys)]

    def total(self, values: Floats) -> Floats:
        """Values of pairs, summed by group."""
        return _summed(self.group, values, self.groups)


def _differences(site: _Site, metrics: tuple[str, ...], segments: Segments) -> Iterator[Comparison]:
    """Each segment and the rest, by rates."""
    if segments.names and metrics:
        pairs = _Pairs(site.rows.user, segments.codes, len(segments.names))
        inside = [pairs.sum(column) for column in site.columns]
        outside = [all_of_it[pairs.user] - one for all_of_it, one in zip(site.of_users, inside, strict=True)]
        moments = Moments.by_group([*inside, *outside], pairs.group, pairs.groups)
        for metric in metrics:
            _, of = site.columns_of[metric]
            inside_only = pairs.total(((inside[of] > 0) & (outside[of] <= 0)).astype(np.float64))
            yield from _differences_of(site, metric, segments, moments, inside_only)


def _differences_of(
    site: _Site, metric: str, segments: Segments, moments: Moments, inside_only: Floats
) -> Iterator[Comparison]:
    rows, k, n = site.rows, *site.columns_of[metric]
    out_k, out_n = k + len(site.columns), n + len(site.columns)
    all_k, all_n = site.everyone.sums[0, [k, n]]
    if not 0 < all_k < all_n:
        return
    rate = all_k / all_n
    here_k, here_n = moments.sums[:, [k, n]].T
    there_k, there_n = all_k - here_k, all_n - here_n
    with np.errstate(divide="ignore", invalid="ignore"):
        here, there = here_k / here_n, there_k / there_n

        def of_rest(weight: Floats | float, of_n: Floats | float) -> Floats:
            """Squares of users who are in the rest alone: of all users, less those of the segment."""
            inside = {k: weight, out_k: weight, n: of_n, out_n: of_n}
            return site.everyone.squares({k: weight, n: of_n}) - moments.squares(inside)

        variance = moments.squares(
            {k: 1 / here_n, n: -here / here_n, out_k: -1 / there_n, out_n: there / there_n}
        ) + np.maximum(of_rest(1 / there_n, -there / there_n), 0)
        of_chance = here * (1 - here) / here_n + there * (1 - there) / there_n
        sizes = moments.squares({n: 1}), of_rest(0, 1) + moments.squares({out_n: 1})
        spread = np.fmax(variance / of_chance, _least_spread(site.correlation[metric], (here_n, there_n), sizes))
    users = {"here": moments.users[:, n], "rest": site.everyone.users[0, n] - inside_only.astype(int)}
    of_users = [
        statistics.effective_number(here_k, moments.squares({k: 1})),
        statistics.effective_number(here_n - here_k, moments.squares({n: 1, k: -1})),
        statistics.effective_number(there_k, of_rest(1, 0) + moments.squares({out_k: 1})),
        statistics.effective_number(there_n - there_k, of_rest(-1, 1) + moments.squares({out_n: 1, out_k: -1})),
    ]
    for place, name in enumerate(segments.names):
        expected = min(here_n[place], there_n[place]) * min(rate, 1 - rate)
        if min(users["here"][place], users["rest"][place]) < MIN_USERS or expected / spread[place] < _EXPECTED:
            continue
        p = _fisher_p([float(one[place] / spread[place]) for one in (here_k, here_n, there_k, there_n)])
        yield Comparison(
            rows.table, metric, segments.dimension, name, True, rows.period, None,
            Side(float(here_k[place]), float(here_n[place]), int(users["here"][place])),
            Side(float(there_k[place]), float(there_n[place]), int(users["rest"][place])),
            float(all_k), float(spread[place]), np.inf, int(min(of[place] for of in of_users)), p,
        )  # fmt: skip


def _changes(site: _Site, rates: tuple[str, ...], totals: tuple[str, ...], segments: Segments) -> Iterator[Comparison]:
    """Each segment in the last days and in as many before."""
    if not segments.names or not site.windows:
        return
    rows, weeks = site.rows, min(site.days // 7, _WEEKS)
    week = rows.age // 7
    is_known = (segments.codes >= 0) & (week < weeks)
    weekly = _Pairs(rows.user, np.where(is_known, segments.codes * weeks + week, -1), len(segments.names) * weeks)
    columns = [weekly.sum(column) for column in site.columns]
    windows = {window: _of_window(weekly, columns, weeks, window // 7) for window in site.windows}
    for metric in (*rates, *totals):
        k, n = site.columns_of[metric]
        if metric in rates:
            scores = _weekly_scores(columns[k], columns[n], weekly, weeks)
        else:
            scores = _weekly_scores_of_totals(columns[k], weekly, weeks, site.is_whole[k])
        for window, moments in windows.items():
            yield from _changes_of(site, metric, segments, window, moments, scores, metric in rates)


def _of_window(weekly: _Pairs, columns: Sequence[Floats], weeks: int, window: int) -> Moments:
    """Of segments: the columns in the weeks of a window, then the same in as many weeks before."""
    segment, week = np.divmod(weekly.group, weeks)
    inside = np.flatnonzero(week < 2 * window)
    segment, week, columns = segment[inside], week[inside], [column[inside] for column in columns]
    pairs = _Pairs(weekly.user[inside], segment, weekly.groups // weeks)
    sides = [np.where(side, pairs.place, len(pairs.keys)) for side in (week < window, week >= window)]
    return Moments.by_group(
        [pairs.sum(column, side) for side in sides for column in columns], pairs.group, pairs.groups
    )


def _changes_of(
    site: _Site, metric: str, segments: Segments, window: int, moments: Moments, scores: Floats, is_rate: bool
) -> Iterator[Comparison]:
    rows, k, n = site.rows, *site.columns_of[metric]
    before_k, before_n = k + len(site.columns), n + len(site.columns)
    usual, freedom = _usual(scores, window // 7)
    here_k, there_k, here_n, there_n = moments.sums[:, [k, before_k, n, before_n]].T
    here_users, there_users = moments.users[:, [n, before_n]].T
    if is_rate:
        of_users = [
            statistics.effective_number(here_k, moments.squares({k: 1})),
            statistics.effective_number(there_k, moments.squares({before_k: 1})),
            statistics.effective_number(here_n - here_k, moments.squares({n: 1, k: -1})),
            statistics.effective_number(there_n - there_k, moments.squares({before_n: 1, before_k: -1})),
        ]
    else:
        of_users = [
            statistics.effective_number(moments.sums[:, one], moments.squares({one: 1})) for one in (n, before_n)
        ]
    with np.errstate(divide="ignore", invalid="ignore"):
        if is_rate:
            rate = (here_k + there_k) / (here_n + there_n)
            here, there = here_k / here_n, there_k / there_n
            variance = moments.squares(
                {k: 1 / here_n, n: -here / here_n, before_k: -1 / there_n, before_n: there / there_n}
            )
            of_chance = here * (1 - here) / here_n + there * (1 - there) / there_n
            sizes = moments.squares({n: 1}), moments.squares({before_n: 1})
            spread = np.fmax(variance / of_chance, _least_spread(site.correlation[metric], (here_n, there_n), sizes))
            enough = np.minimum(here_n, there_n) * np.minimum(rate, 1 - rate) / spread >= _EXPECTED
        else:
            spread = moments.squares({k: 1, before_k: -1}) / (here_k + there_k)
            # each of a count is whole; of money, only the users say how much one unit is
            spread = np.fmax(spread, 1.0) if METRICS[metric].unit == "count" else spread
            enough = (here_k + there_k) / spread >= _LEAST_COUNT
    spread = spread * usual
    last = rows.period.last
    period = Period(last - timedelta(days=window - 1), last)
    before = Period(period.first - timedelta(days=window), period.first - timedelta(days=1))
    for place, name in enumerate(segments.names):
        users = here_users[place], there_users[place]
        if not enough[place] or not np.isfinite(spread[place]) or max(users) < MIN_USERS or not freedom[place]:
            continue
        counts = [float(one[place] / spread[place]) for one in (here_k, here_n, there_k, there_n)]
        if is_rate:
            if min(users) < MIN_USERS:
                continue
            p = _fisher_p(counts)
        else:
            p = _binomial_p(counts[0], counts[2])
        yield Comparison(
            rows.table, metric, segments.dimension or None, name or None, is_rate, period, before,
            Side(float(here_k[place]), float(here_n[place]), int(users[0])),
            Side(float(there_k[place]), float(there_n[place]), int(users[1])),
            site.of_windows[metric, window], float(spread[place]), float(freedom[place]),
            int(min(one[place] for one in of_users)),
            _with_freedom(p, freedom[place]),
        )  # fmt: skip


def _summed(place: Ints, values: Floats, places: int) -> Floats:
    return np.asarray(np.bincount(place, weights=values, minlength=places), dtype=np.float64)


def _correlation(everyone: Moments, k: int, n: int) -> float:
    """How alike the rows of a user are, 0 to 1, over users who have k of n each."""
    all_k, all_n = everyone.sums[0, [k, n]]
    size = float(everyone.squares({n: 1})[0] / all_n) if all_n else 1.0
    if not 0 < all_k < all_n or size <= 1:
        return 0.0
    rate = all_k / all_n
    spread = everyone.squares({k: 1, n: -rate})[0] / (all_n * rate * (1 - rate))
    return float(np.clip((spread - 1) / (size - 1), 0, 1))


def _least_spread(correlation: float, rows: tuple[Floats, Floats], squares: tuple[Floats, Floats]) -> Floats:
    """The design effect of a difference by the correlation on the whole site: with few orders, a segment's own is 0.

    Kish's 1 + (size - 1) correlation on both sides, where the size is that of a user's rows, weighted by themselves.
    """
    effects = [1 + (one / of - 1) * correlation for one, of in zip(squares, rows, strict=True)]
    return np.asarray((effects[0] / rows[0] + effects[1] / rows[1]) / (1 / rows[0] + 1 / rows[1]))


def _weekly_scores(k: Floats, n: Floats, pairs: _Pairs, weeks: int) -> Floats:
    """The squared scores of a rate's changes from each week to the one before [segment, week]."""
    total, count = (pairs.total(one).reshape(-1, weeks) for one in (k, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = total / count
        residual = pairs.total((k - rate.reshape(-1)[pairs.group] * n) ** 2)
        variance = residual.reshape(-1, weeks) / count**2
        pooled = (total[:, :-1] + total[:, 1:]) / (count[:, :-1] + count[:, 1:])
        least = pooled * (1 - pooled) * (1 / count[:, :-1] + 1 / count[:, 1:])
        return (rate[:, :-1] - rate[:, 1:]) ** 2 / np.maximum(variance[:, :-1] + variance[:, 1:], least)


def _weekly_scores_of_totals(k: Floats, pairs: _Pairs, weeks: int, is_whole: bool) -> Floats:
    """The same of a total. ``is_whole``: each of its rows has a whole number."""
    total, variance = (pairs.total(one).reshape(-1, weeks) for one in (k, k * k))
    # users who are there in both weeks: their share of the variance of the difference
    is_next = (np.diff(pairs.keys) == 1) & (pairs.group[:-1] % weeks < weeks - 1)
    shared = np.append(np.where(is_next, k[:-1] * k[1:], 0.0), 0.0)[: len(k)]
    both = pairs.total(shared).reshape(-1, weeks)[:, :-1]
    least = total[:, :-1] + total[:, 1:] if is_whole else 0.0
    error = np.maximum(variance[:, :-1] + variance[:, 1:] - 2 * both, least)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((total[:, :-1] - total[:, 1:]) ** 2 / error)


def _usual(scores: Floats, boundary: int) -> tuple[Floats, Floats]:
    """How much more a metric varies between weeks than users by chance, by segment, and the degrees of freedom.

    The mean of the squared scores of the changes from week to week, at least 1; the change that is searched for, which
    is at the ``boundary``, is left out. Changes that follow each other share a week, so they tell as much as two thirds
    of their number. 0 degrees of freedom where there are too few weeks.
    """
    others = np.delete(scores, boundary - 1, axis=1)
    known = np.isfinite(others).sum(axis=1)
    usual = np.nansum(others, axis=1) / np.maximum(known, 1)
    return np.maximum(usual, 1.0), np.where(known >= _LEAST_WEEKS, known * 2 / 3, 0.0)


def _fisher_p(counts: list[float]) -> float:
    """How probable it is that equal rates come out so different; of k and n here, then there."""
    k, n, other_k, other_n = map(round, counts)
    return float(statistics.hypergeometric_p(k, n, k + other_k, n + other_n))


def _binomial_p(count: float, other: float) -> float:
    """How probable it is that two equal chances come out so far apart, either way; of counts that need not be whole."""
    from scipy.special import betainc

    more, less = max(count, other), min(count, other)
    return float(min(1.0, 2 * betainc(max(more, 1e-9), less + 1, 0.5)))


def _with_freedom(p: float, freedom: float) -> float:
    """The p of the same score from Student's distribution."""
    from scipy.special import ndtri

    return float(statistics.two_sided_p(ndtri(max(p, 1e-300) / 2), freedom))


def _wider(confidence: float, freedom: float) -> float:
    """The confidence at which the normal distribution has Student's quantile."""
    from scipy.special import ndtr, stdtrit

    return float(1 - 2 * ndtr(-stdtrit(freedom, 0.5 + confidence / 2)))
