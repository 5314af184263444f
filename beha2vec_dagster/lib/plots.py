"""Pictures for asset metadata: from plain numbers to a Matplotlib figure, with units and n in its title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette: color-blind people can distinguish it
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
MARKERS = "osD^vP*X"
_SHOWN_USERS = 3000


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure  # half a second, which no start of Dagster has to wait for

    return Figure(figsize=(width, height), layout="constrained")


def _axes(width: float = 6.4, height: float = 2.8) -> tuple[Figure, Any]:
    figure = _figure(width, height)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def events_per_day(events: Mapping[date, int]) -> Figure:
    """A bar a day."""
    figure, axes = _axes()
    days = sorted(events)
    axes.bar(days, [events[day] for day in days], color=COLORS[0], width=0.9)
    axes.set(title=f"Events a day (n = {sum(events.values()):,})", ylabel="events")
    axes.tick_params(axis="x", rotation=30)
    return figure


def sequence_lengths(lengths: Mapping[int, int]) -> Figure:
    """How many users have sequences of which length, on log-spaced bins."""
    figure, axes = _axes()
    longest = max(lengths, default=1)
    edges = np.unique(np.round(np.geomspace(1, longest + 1, 24)).astype(int))
    axes.hist(list(lengths), bins=edges.tolist(), weights=list(lengths.values()), color=COLORS[0])
    axes.set(
        title=f"Sequence length (n = {sum(lengths.values()):,} user-days)",
        xlabel="events in the sequence (log scale)",
        ylabel="user-days",
        xscale="log",
    )
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return figure


def loss_curve(curve: Sequence[Mapping[str, float]], kept: float) -> Figure:
    """Training and held-out loss by epoch, with the epoch marked whose weights were kept."""
    figure, axes = _axes()
    epochs = [int(row["epoch"]) for row in curve]
    axes.plot(epochs, [row["loss"] for row in curve], color=COLORS[0], marker="o", label="training")
    held_out = [(row["epoch"], row["held_out_loss"]) for row in curve if row.get("held_out_loss") is not None]
    if held_out:
        axes.plot(*zip(*held_out, strict=True), color=COLORS[1], marker="s", label="held out: the newest events")
    axes.axvline(kept, color=COLORS[7], linestyle=":", label=f"kept: epoch {kept:.0f}")
    axes.set(title="Loss by epoch", xlabel="epoch", ylabel="loss (nats)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
    return figure


def user_map(positions: np.ndarray, clusters: np.ndarray) -> Figure:
    """Users in two dimensions, colored by cluster; a fixed sample where there are many."""
    from matplotlib.patheffects import withStroke

    figure, axes = _axes(6.4, 4.6)
    shown = np.random.default_rng(0).permutation(len(positions))[:_SHOWN_USERS]
    for key in np.unique(clusters):
        rows = shown[clusters[shown] == key]
        axes.scatter(
            positions[rows, 0],
            positions[rows, 1],
            s=7,
            alpha=0.7,
            linewidths=0,
            color=COLORS[int(key) % len(COLORS)],
            marker=MARKERS[(int(key) // len(COLORS)) % len(MARKERS)],
            label=f"cluster {key}",
        )
    for key in np.unique(clusters):
        at = np.median(positions[clusters == key], axis=0)
        axes.annotate(str(key), at, ha="center", va="center", fontsize=11, fontweight="bold").set_path_effects(
            [withStroke(linewidth=3, foreground="white")]
        )
    sampled = f", {_SHOWN_USERS:,} shown" if len(positions) > _SHOWN_USERS else ""
    axes.set(title=f"Users by behavior vector (n = {len(positions):,}{sampled})", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8, markerscale=2)
    return figure


def cluster_sizes(sizes: Mapping[int, int]) -> Figure:
    """Users in each cluster."""
    figure, axes = _axes()
    keys, total = sorted(sizes), sum(sizes.values())
    names = ["too little\nevidence" if key < 0 else str(key) for key in keys]
    bars = axes.bar(names, [sizes[key] for key in keys], color=["#999999" if key < 0 else COLORS[0] for key in keys])
    axes.bar_label(bars, [f"{sizes[key] / total:.0%}" for key in keys], fontsize=8)
    axes.set(title=f"Users by cluster (n = {total:,})", xlabel="cluster", ylabel="users")
    return figure


def reliability(bins: Sequence[tuple[float, float, int]]) -> Figure:
    """How often a likely cluster was right beside its probability: (predicted, observed, number of vectors)."""
    figure, axes = _axes(4.6, 3.6)
    predicted, observed, parts = zip(*bins, strict=True)
    axes.plot([0, 1], [0, 1], color=COLORS[7], linestyle=":", label="perfect calibration")
    axes.plot(predicted, observed, color=COLORS[0], marker="o", label="users left out")
    axes.set(
        title=f"Reliability of likely clusters (n = {sum(parts):,})",
        xlabel="probability of the most likely cluster",
        ylabel="share of users it was right for",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    axes.legend(frameon=False)
    return figure


def choice_of_k(curve: Sequence[Mapping[Any, Any]], outcome: str) -> Figure:
    """What each k is like, with the chosen one marked: stability and silhouette; smallest cluster and outcome."""
    figure = _figure(7.2, 2.8)
    left, right = figure.subplots(1, 2)
    lines = (
        (left, "stability_ari", "stability (ARI)"),
        (left, "least_jaccard", "least stable cluster (Jaccard)"),
        (left, "silhouette", "silhouette"),
        (right, "smallest_share", "smallest cluster (share of users)"),
        (right, "outcome_epsilon2", f"outcome: {outcome} (epsilon squared)"),
    )
    for (axes, name, label), color, marker in zip(lines, COLORS, MARKERS, strict=False):
        axes.plot([row["k"] for row in curve], [row[name] for row in curve], color=color, marker=marker, label=label)
    for axes in (left, right):
        for row in curve:
            if row["chosen"]:
                axes.axvline(row["k"], color=COLORS[7], linestyle=":", label=f"chosen: {row['k']}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set(xlabel="k (clusters)")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False, fontsize=8)
    left.set(title="Choice of k", ylabel="score (0 to 1)", ylim=(0, 1.02))
    right.set(ylabel="share")
    right.set_ylim(bottom=min(0.0, right.get_ylim()[0]))
    return figure


def over_represented(pages: Sequence[tuple[int, str, float]]) -> Figure:
    """The three most over-represented pages of each cluster: (cluster, page, lift), best first within a cluster."""
    rows: list[tuple[int, str, float]] = []
    for key in sorted({page[0] for page in pages}):
        rows += [page for page in pages if page[0] == key][:3]
    figure, axes = _axes(7.2, max(2.0, 0.24 * len(rows) + 0.9))
    places = np.arange(len(rows))[::-1]
    axes.barh(places, [row[2] for row in rows], color=[COLORS[row[0] % len(COLORS)] for row in rows])
    axes.set_yticks(places, [f"{row[0]}: {_short(row[1])}" for row in rows], fontsize=8)
    axes.axvline(1, color="#000000", linewidth=0.8)
    axes.margins(y=0.02)
    axes.set(title="Most over-represented pages by cluster", xlabel="lift (share of its users / share of all users)")
    return figure


def _short(text: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in text).replace("$", r"\$")
    return text if len(text) <= 44 else "…" + text[-43:]


def _diagonal() -> tuple[Figure, Any]:
    """Axes with a line on which both are the same."""
    figure, axes = _axes(4.6, 3.6)
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
    return figure, axes


def reliability_by_target(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """Predicted and observed share by tenth of the users, a line a target; on the diagonal they agree."""
    figure, axes = _diagonal()
    for (name, rows), color, marker in zip(curves.items(), COLORS, MARKERS, strict=False):
        axes.plot(
            [r["predicted"] for r in rows], [r["observed"] for r in rows], color=color, marker=marker, ms=4, label=name
        )
    users = sum(row["users"] for row in next(iter(curves.values()), []))
    axes.set(title=f"Reliability (n = {users:,})", xlabel="predicted probability", ylabel="share who did it")
    axes.legend(frameon=False, fontsize=8)
    return figure


def gains(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """Share of all positives among the users with the highest probabilities, a line a target."""
    figure, axes = _diagonal()
    for (name, rows), color, marker in zip(curves.items(), COLORS, MARKERS, strict=False):
        shares = [0.0, *(row["decile"] / 10 for row in rows)]
        axes.plot(shares, [0.0, *(row["gain"] for row in rows)], color=color, marker=marker, ms=4, label=name)
    axes.set(title="Gains", xlabel="share of users, by probability", ylabel="share of all who did it")
    axes.legend(frameon=False, fontsize=8)
    return figure
