"""The map of users."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from beha2vec_core.explorer.charts.theme import GREY, OVER, SEQUENTIAL, color, dressed, ink, symbol
from beha2vec_core.explorer.text import in_chart
from beha2vec_core.words import counted, day

_MANY = 20_000
_MOST_SENT = np.iinfo(np.int16).max


class Layer(NamedTuple):
    """Users drawn in one go: which rows of the frame they are, and how they look."""

    label: str
    rows: np.ndarray
    marker: dict[str, object]


def by_cluster(points: pd.DataFrame, names: Mapping[int, str]) -> list[Layer]:
    """A layer a cluster, the largest below, those with too little evidence lowest."""
    keys = points["cluster_key"].to_numpy()
    found = [(key, np.flatnonzero(keys == key)) for key in np.unique(keys)]
    found.sort(key=lambda one: (one[0] >= 0, -len(one[1])))
    return [
        Layer(
            f"{in_chart(names.get(int(key), f'Cluster {key}'), 28)} ({len(rows):,})",
            rows,
            {"color": color(int(key)), "symbol": symbol(int(key))},
        )
        for key, rows in found
    ]


def by_outcome(points: pd.DataFrame) -> list[Layer]:
    """Buyers over all others."""
    bought = points["bought"].to_numpy(dtype=bool)
    return [
        Layer(f"no purchase ({int((~bought).sum()):,})", np.flatnonzero(~bought), {"color": GREY, "opacity": 0.35}),
        Layer(f"bought ({int(bought.sum()):,})", np.flatnonzero(bought), {"color": OVER, "symbol": "diamond"}),
    ]


def by_number(values: pd.Series, title: str, *, share: bool = False, reverse: bool = False) -> list[Layer]:
    """One layer, colored by a number; what stands out is drawn last. Users without one are a grey layer below."""
    numbers = values.to_numpy(dtype=np.float32)
    known, unknown = np.flatnonzero(~np.isnan(numbers)), np.flatnonzero(np.isnan(numbers))
    rows = known[np.argsort(-numbers[known] if reverse else numbers[known], kind="stable")]
    bar = {"title": {"text": title, "side": "top"}, "thickness": 12, "orientation": "h", "y": -0.06, "yanchor": "top"}
    scale = f"{SEQUENTIAL}_r" if reverse else SEQUENTIAL
    marker = {"color": numbers[rows], "colorscale": scale, "colorbar": bar | ({"tickformat": ".0%"} if share else {})}
    grey = [Layer(f"not known ({len(unknown):,})", unknown, {"color": GREY, "opacity": 0.35})] if len(unknown) else []
    return [*grey, Layer(title, rows, marker)]


def by_date(days: pd.Series, title: str) -> list[Layer]:
    """One layer, colored by a date."""
    moments = pd.to_datetime(days)
    first = moments.min()
    (layer,) = by_number((moments - first).dt.days, title)
    most = int((moments.max() - first).days)
    steps = np.unique(np.linspace(0, most, 4).round())
    ticks = [day(first + pd.Timedelta(days=int(step))) for step in steps]
    bar = {**layer.marker["colorbar"], "tickvals": steps.tolist(), "ticktext": ticks}  # type: ignore[dict-item]
    return [layer._replace(marker=layer.marker | {"colorbar": bar, "cmin": 0, "cmax": max(most, 1)})]


def user_map(points: pd.DataFrame, layers: list[Layer], of_users: int, *, dark: bool) -> go.Figure:
    """Users in two dimensions.

    Args:
        points: x, y, sessions, page_views, days_ago.
        layers: what is drawn, the first lowest.
        of_users: how many there are, drawn or not.
    """
    # 14 bytes a user, hover text put together in the browser: what is sent stays small
    x, y = (points[name].to_numpy(dtype=np.float32) for name in ("x", "y"))
    facts = points[["sessions", "page_views", "days_ago"]].clip(upper=_MOST_SENT).to_numpy(dtype=np.int16)
    size, opacity = (4, 0.55) if len(points) > _MANY else (6, 0.75)
    figure = go.Figure()
    for layer in layers:
        single = len(layers) == 1
        figure.add_scattergl(
            x=x[layer.rows],
            y=y[layer.rows],
            customdata=facts[layer.rows],
            mode="markers",
            name=layer.label,
            showlegend=not single and "colorbar" not in layer.marker,
            marker={"size": size, "opacity": opacity, "line": {"width": 0}} | layer.marker,
            # a group drawn on the map is marked by an outline's worth of dimming, not by other colors
            unselected={"marker": {"opacity": 0.12}},
            hovertemplate=(
                ("" if single else "%{fullData.name}<br>")
                + "sessions: %{customdata[0]:,}, page views: %{customdata[1]:,}<br>"
                "last seen %{customdata[2]} days before the data ends<extra></extra>"
            ),
        )
    drawn = len(points)
    sampled = f", a sample of {of_users:,}" if drawn < of_users else ""
    dressed(
        figure,
        dark=dark,
        height=640,
        title_text=f"Users by similarity of behavior (n = {counted(drawn, 'user')}{sampled})",
        hovermode="closest",
        legend={"itemsizing": "constant"},
        uirevision="map",
        newselection={"line": {"color": ink(dark)["text"]}},
    )
    axis = {"showgrid": False, "zeroline": False, "showticklabels": False}
    figure.update_xaxes(title_text="position on the map (no unit; near = similar)", **axis)
    return figure.update_yaxes(scaleanchor="x", **axis)
