"""Prints what came out: one row a method, and what may be said of the differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from beha2vec_core.evaluation.methods import Group
from beha2vec_core.evaluation.statistics import Interval, Outcome, paired_bootstrap
from beha2vec_core.evaluation.tasks import COMPARED, Column
from tests.benchmarks.judgements import Judgement
from tests.benchmarks.splits import HORIZONS

PERSONAS = Column("personas ARI", "personas", "ari")
HORIZON = tuple(
    Column(f"{event} {days} d AUROC", "horizon", f"{event} {days} days auroc")
    for event in ("return", "purchase")
    for days in HORIZONS
)
# more is better in these, and they know a winner
WINNABLE = {*COMPARED, PERSONAS, *HORIZON}
TABLES: dict[str, tuple[Column, ...]] = {
    "What vectors and rankings know": (*COMPARED, PERSONAS, Column("oracle's ARI", "personas", "oracle ari")),
    "What comes after T": HORIZON,
    "Clusters": (
        Column("eta² of length", "content", "eta2 of length"),
        Column("eta² of content", "content", "eta2 of content"),
        Column("largest", "content", "largest cluster"),
        Column("ARI across seeds", "stability", "ari across seeds"),
        Column("bootstraps", "stability", "ari across bootstraps"),
        Column("cold retrains", "stability", "ari across cold retrains"),
        Column("warm retrains", "stability", "ari across warm retrains"),
    ),
    "Clusters of standardised columns": (
        Column("eta² of length", "content", "eta2 of length, standardised"),
        Column("eta² of content", "content", "eta2 of content, standardised"),
        Column("largest", "content", "largest cluster, standardised"),
    ),
    "Geometry and determinism": (
        Column("effective dim", "geometry", "effective dimension"),
        Column("its share", "geometry", "effective share of dimensions"),
        Column("mean cosine", "geometry", "mean cosine"),
        Column("uniformity", "geometry", "uniformity"),
        Column("alignment", "geometry", "alignment"),
        Column("encoded twice", "determinism", "encoded twice"),
        Column("alone", "determinism", "encoded alone"),
        Column("fitted twice", "determinism", "fitted twice"),
    ),
    "Speed": (
        Column("trained sequences/s", "speed", "trained sequences/s"),
        Column("encode users/s", "speed", "encode users/s"),
        Column("events a user", "speed", "events a user"),
        Column("peak MB", "speed", "peak MB"),
    ),
}
RIVALS: tuple[Group, ...] = ("floor", "peer")
# outcomes by repeat
Repeats = dict[int, Outcome]


def markdown(judgements: Sequence[Judgement], groups: Mapping[str, Group], against: str | None = None) -> str:
    """All tables of one data set: methods in the order of ``groups``, which says what each is.

    A cell is the mean over repeats, with the standard deviation. It is bold only where the method has the column's
    highest mean and its paired intervals to the best floor and to the best peer leave out zero. What each of ours
    gains on those two, or on ``against``, stands in a table of its own.
    """
    parts = []
    for title, columns in TABLES.items():
        shown = [column for column in columns if of_column(judgements, column)]
        if shown:
            parts.append(_table(title, shown, judgements, groups, against))
    return "\n\n".join(parts)


def of_column(judgements: Sequence[Judgement], column: Column) -> dict[str, Repeats]:
    """The outcomes of a column, by method and repeat."""
    found: dict[str, Repeats] = {}
    for one in judgements:
        if (one.outcome.task, one.outcome.metric) == (column.task, column.metric):
            found.setdefault(one.method, {})[one.repeat] = one.outcome
    return found


def _table(
    title: str,
    columns: Sequence[Column],
    judgements: Sequence[Judgement],
    groups: Mapping[str, Group],
    against: str | None,
) -> str:
    figures = [of_column(judgements, column) for column in columns]
    methods = [method for method in groups if any(method in column for column in figures)]
    winners = [
        _winner(found, groups) if column in WINNABLE else None for column, found in zip(columns, figures, strict=True)
    ]
    lines = [
        f"**{title}**",
        "",
        _row("method", *(column.title for column in columns)),
        "|---" * (len(columns) + 1) + "|",
    ]
    for method in methods:
        cells = [
            _cell(found.get(method), bold=winner == method) for found, winner in zip(figures, winners, strict=True)
        ]
        lines.append(_row(method, *cells))
    gains = [
        _row(method, *(_gains(method, found, groups, against) if column in WINNABLE else "" for column, found in pairs))
        for pairs in [list(zip(columns, figures, strict=True))]
        for method in methods
        if groups[method] == "ours" and method != against
    ]
    if gains and any(column in WINNABLE for column in columns):
        head = _row(f"less {against or 'the best floor; the best peer'}", *(column.title for column in columns))
        lines += ["", head, "|---" * (len(columns) + 1) + "|", *gains]
    return "\n".join(lines)


def compare(one: Repeats, other: Repeats) -> Interval | None:
    """The paired difference on the repeats that both were judged on; None where there is none."""
    common = sorted(one.keys() & other.keys())
    if not common:
        return None
    return paired_bootstrap([one[repeat] for repeat in common], [other[repeat] for repeat in common])


def best(found: Mapping[str, Repeats], groups: Mapping[str, Group], group: Group, *, but: str = "") -> str | None:
    """The method of a group with the highest mean."""
    means = {
        method: fmean([outcome.value for outcome in repeats.values()])
        for method, repeats in found.items()
        if groups[method] == group and method != but
    }
    return max(means, key=means.__getitem__) if means else None


def _winner(found: Mapping[str, Repeats], groups: Mapping[str, Group]) -> str | None:
    leading = max(found, key=lambda method: fmean([outcome.value for outcome in found[method].values()]))
    rivals = [rival for group in RIVALS if (rival := best(found, groups, group, but=leading))]
    intervals = [compare(found[leading], found[rival]) for rival in rivals]
    certain = bool(intervals) and all(interval is not None and interval.low > 0 for interval in intervals)
    return leading if certain else None


def _gains(method: str, found: Mapping[str, Repeats], groups: Mapping[str, Group], against: str | None) -> str:
    if method not in found:
        return ""
    told = []
    rivals: list[str | None] = [against] if against else [best(found, groups, group) for group in RIVALS]
    for rival in rivals:
        interval = compare(found[method], found[rival]) if rival and rival in found else None
        told.append(
            f"{interval.difference:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}] {rival}" if interval else "-"
        )
    return "; ".join(told)


def _cell(repeats: Repeats | None, *, bold: bool) -> str:
    if not repeats:
        return "-"
    values = [outcome.value for outcome in repeats.values()]
    text = _number(fmean(values))
    if len(values) > 1:
        text += f" ± {_number(stdev(values))}"
    return f"**{text}**" if bold else text


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if value and abs(value) < 0.001:
        return f"{value:.0e}"
    return f"{value:.3f}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
