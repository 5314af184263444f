"""Which comparisons to show: those that are significant after the search, the largest first, each story once."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from beha2vec_core.profiles.statistics import q_values
from beha2vec_core.semantic.highlights.rows import Floats, Ints, Rows, added_up, grouped
from beha2vec_core.semantic.highlights.search import WINDOWS, Comparison

MOST = 10  # published
_LOOKED_AT = 200  # of the significant ones, the largest
FALSE_FINDINGS = 0.05  # of what is published, on average at most
_SAME = 0.5  # rows in common, of all rows of both: one story
_NEARLY_AS_LARGE = 0.8  # then the smaller segment is shown: it says more exactly where
_LEFT = 0.5  # of a difference, beside what is shown already: with less, that explains it
# what an order is worth beside a step towards one
_WEIGHTS = {"cart_rate": 0.5, "checkout_rate": 0.5, "engaged_rate": 0.25, "sessions": 0.5, "key_events": 0.5}

Mask = NDArray[np.bool_]


def confidence_of(searched: int) -> float:
    """The confidence of intervals so that at most 5% of those published miss the truth, on average.

    Benjamini and Yekutieli, "False discovery rate-adjusted multiple confidence intervals for selected parameters"
    (2005, doi:10.1198/016214504000001907).
    """
    return 1 - FALSE_FINDINGS * min(MOST, searched) / searched


def choose(compared: Sequence[Comparison], tables: Mapping[str, Rows]) -> list[tuple[Comparison, float]]:
    """The comparisons to publish, the largest first, with their q.

    Significant by Benjamini and Hochberg over all that was compared. The order is by the part of the site's orders (or
    sessions ...) that is at stake for certain, see `Comparison.impact`. A comparison is left out if it tells a story
    that stands above it: the same rows, or a difference that mostly vanishes beside the others.
    """
    if not compared:
        return []
    ages = sorted({age for window in WINDOWS for age in (window, 2 * window)})
    tables = {name: added_up(rows, ages) for name, rows in tables.items()}
    confidence = confidence_of(len(compared))
    q = q_values([one.p for one in compared])
    found = [
        (one.impact(confidence) * _WEIGHTS.get(one.metric, 1.0), place)
        for place, one in enumerate(compared)
        if q[place] <= FALSE_FINDINGS
    ]
    left = [place for size, place in sorted(found, key=lambda item: (-item[0], item[1])) if size > 0][:_LOOKED_AT]
    chosen: list[int] = []
    while left and len(chosen) < MOST:
        largest = left[0]
        story = [other for other in left if _is_same_story(compared[largest], compared[other], tables)]
        as_large = _NEARLY_AS_LARGE * compared[largest].impact(0)
        chosen.append(
            min(
                (other for other in story if compared[other].impact(0) >= as_large),
                key=lambda other: (compared[other].here.n, other),
            )
        )
        shown = [compared[one] for one in chosen]
        strata = {name: _strata(shown, rows) for name, rows in tables.items()}
        left = [
            other
            for other in left
            if other not in story
            and not any(_repeats(compared[other], one, tables) for one in shown)
            and _remains(compared[other], shown, tables, strata)
        ]
    return [(compared[place], float(q[place])) for place in chosen]


def _is_same_story(one: Comparison, other: Comparison, tables: Mapping[str, Rows]) -> bool:
    """Whether two comparisons of one metric differ alike about the same rows, or about one half and the rest."""
    if one is other:
        return True
    if (one.metric, one.kind, one.period) != (other.metric, other.kind, other.period):
        return False
    common = _common(one, other, tables)
    if common is None:
        return False
    if one.is_up == other.is_up:
        return common[0] >= _SAME
    return one.kind == "difference" and common[1] >= _SAME


def _repeats(one: Comparison, shown: Comparison, tables: Mapping[str, Rows]) -> bool:
    """Whether a change is that of what is shown, in another metric or over other days."""
    if one.kind != "change" or shown.kind != "change" or one.is_up != shown.is_up:
        return False
    common = _common(one, shown, tables)
    return common is not None and common[0] >= _SAME


def _common(one: Comparison, other: Comparison, tables: Mapping[str, Rows]) -> tuple[float, float] | None:
    """The share of rows in common of all that either has; and the same for the first and the rest of the second."""
    for table in dict.fromkeys((one.table, other.table)):
        a, b = _mask(one, tables[table]), _mask(other, tables[table])
        if a is not None and b is not None:
            of = tables[table].sums["rows"]
            shares = [of[a & side].sum() / max(of[a | side].sum(), 1) for side in (b, ~b)]
            return float(shares[0]), float(shares[1])
    return None


def _mask(one: Comparison, rows: Rows) -> Mask | None:
    if one.dimension is None or one.value is None:
        return np.ones(len(rows.user), dtype=bool)
    return rows.chosen(one.dimension, one.value)


def _remains(
    one: Comparison, shown: Sequence[Comparison], tables: Mapping[str, Rows], strata: Mapping[str, Ints]
) -> bool:
    """Whether the comparison says something beside what is shown: at least half of it is left without that."""
    rows = tables[one.table]
    mask = _mask(one, rows)
    assert mask is not None
    if one.kind == "difference":
        left = _difference(one, rows, mask, strata[one.table])
    else:
        others = [other for other in shown if other.kind == "change" and other.is_rate == one.is_rate]
        masks = [found for other in others if other.dimension and (found := _mask(other, rows)) is not None]
        site = [other for other in others if other.dimension is None and other.metric == one.metric]
        left = _change(one, rows, mask, masks, bool(site))
    raw = one.effect if one.is_rate else one.here.k - one.there.k
    return bool(np.isfinite(left) and np.sign(left) == np.sign(raw) and abs(left) >= _LEFT * abs(raw))


def _strata(shown: Sequence[Comparison], rows: Rows) -> Ints:
    """A number for each row, the same for those that are alike in all differences that are shown."""
    stratum = np.zeros(len(rows.user), dtype=np.int64)
    for one in shown:
        if one.kind == "difference" and (mask := _mask(one, rows)) is not None:
            stratum = 2 * stratum + mask
    return grouped(stratum)[1]


def _difference(one: Comparison, rows: Rows, mask: Mask, stratum: Ints) -> float:
    """The difference of the rates within strata, weighted as Mantel and Haenszel do; NaN where no stratum has both."""
    side = 2 * stratum + mask
    k, n = (
        np.bincount(side, weights=rows.sums[name], minlength=2 * (int(stratum.max(initial=0)) + 1)).reshape(-1, 2)
        for name in (one.metric, f"{one.metric}_n")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = n[:, 0] * n[:, 1] / n.sum(axis=1)
        difference = k[:, 1] / n[:, 1] - k[:, 0] / n[:, 0]
    has_both = weight > 0
    return float((weight * difference)[has_both].sum() / weight[has_both].sum()) if has_both.any() else np.nan


def _change(one: Comparison, rows: Rows, mask: Mask, without: Sequence[Mask], beside_site: bool) -> float:
    """The change of the rows that no other change is about; beside that of the whole site where this is shown."""
    kept = mask.copy()
    for each in without:
        kept &= ~each
    assert one.before is not None
    window = (one.period.last - one.period.first).days + 1
    now, before = rows.age < window, (rows.age >= window) & (rows.age < 2 * window)
    sums = rows.sums[one.metric]

    def rate(side: Mask, whose: Mask) -> float:
        of: Floats = rows.sums[f"{one.metric}_n"] if one.is_rate else np.ones(1)
        total = float(of[side & whose].sum()) if one.is_rate else 1.0
        return float(sums[side & whose].sum()) / total if total else np.nan

    if one.is_rate:
        change = rate(now, kept) - rate(before, kept)
        everyone = np.ones(len(mask), dtype=bool)
        return change - (rate(now, everyone) - rate(before, everyone)) if beside_site else change
    growth = sums[now].sum() / sums[before].sum() if beside_site and sums[before].sum() else 1.0
    return rate(now, kept) - growth * rate(before, kept)
