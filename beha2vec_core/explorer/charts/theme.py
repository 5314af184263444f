"""What all figures share: colors that color-blind people can distinguish, a light and a dark look."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from beha2vec_core.words import day

GREY = "#8A8F98"
# Okabe and Ito's palette without black, which a dark page swallows, and yellow, which a light one does; then colors
# that are the farthest from those before, as protanopes, deuteranopes and others see them
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#5810F0", "#704060", "#A0B848", "#B828F0",
    "#A01018", "#E84048",
)  # fmt: skip
SYMBOLS = ("circle", "diamond", "square", "x", "triangle-up")
SEQUENTIAL = "Cividis"  # the same for color-blind eyes
OVER, UNDER = PALETTE[0], PALETTE[5]  # more and less than all users

_FEW_DAYS = 14  # for which each tick is chosen here: Plotly would divide days into hours, and one day into less
_MOST_TICKS = 7
_FEW = 5  # counts up to which Plotly would divide one by fractions

_LIGHT = {"text": "#262730", "quiet": "#5B6069", "grid": "#E3E5E9", "surface": "#FFFFFF"}
_DARK = {"text": "#FAFAFA", "quiet": "#B3B8C2", "grid": "#3A3F4B", "surface": "#191816"}


def color(cluster_key: int) -> str:
    """The cluster's color: always the same for a key, whatever other clusters there are."""
    return GREY if cluster_key < 0 else PALETTE[cluster_key % len(PALETTE)]


def symbol(cluster_key: int) -> str:
    """The cluster's mark: another one for clusters that share a color."""
    return SYMBOLS[(max(cluster_key, 0) // len(PALETTE)) % len(SYMBOLS)]


def ink(dark: bool) -> dict[str, str]:
    """Colors of text, quiet text, grid and surface."""
    return _DARK if dark else _LIGHT


@lru_cache(maxsize=2)
def _template(dark: bool) -> go.layout.Template:
    tones = ink(dark)
    axis = {
        "gridcolor": tones["grid"],
        "zerolinecolor": tones["quiet"],
        "linecolor": tones["grid"],
        "tickfont": {"color": tones["quiet"], "size": 12},
        "title": {"font": {"color": tones["text"], "size": 13}, "standoff": 8},
        "automargin": True,
        "ticklabelstandoff": 6,  # so that labels touch no mark on the axis, and no 0 of the other one
    }
    return go.layout.Template(
        layout={
            "font": {
                "family": "Source Sans, Source Sans Pro, system-ui, sans-serif",
                "size": 13,
                "color": tones["text"],
            },
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(PALETTE),
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"l": 8, "r": 8, "t": 40, "b": 8},
            "title": {
                "font": {"size": 15, "color": tones["text"]},
                "x": 0,
                "xanchor": "left",
                "y": 0.98,
                "yanchor": "top",
            },
            "legend": {
                "orientation": "h",
                "yref": "container",
                "yanchor": "bottom",
                "y": 0,
                "x": 0,
                "font": {"color": tones["text"]},
            },
            "hoverlabel": {
                "bgcolor": tones["surface"],
                "bordercolor": tones["quiet"],
                "font": {"color": tones["text"], "size": 13},
                "align": "left",
            },
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": tones["quiet"], "activecolor": tones["text"]},
            "separators": ".,",
        }
    )


def dressed(figure: go.Figure, *, dark: bool, height: int = 360, **layout: object) -> go.Figure:
    """The figure in the light or dark look; ``layout`` overrides."""
    return figure.update_layout(template=_template(dark), height=height, **layout)


def by_day(figure: go.Figure, days: pd.Series, what: str = "day") -> go.Figure:
    """The figure with an x axis of days (or weeks, ``what``), that is never divided into hours.

    Args:
        figure: with ``days`` as its x values.
        days: dates; of a single one the axis shows just that one.
        what: one of them.
    """
    figure.update_xaxes(title_text=what, type="date", showgrid=False)
    moments = pd.to_datetime(days)
    if moments.empty:
        return figure
    first, last = moments.min(), moments.max()
    span = (last - first).days
    width = 7 if what.startswith("week") else 1  # of a bar, or a mark, in days
    edge = pd.Timedelta(hours=max(15 * width, span // 2))
    figure.update_xaxes(range=[first - edge, last + edge])
    if width > 1 or span <= _FEW_DAYS:  # Plotly's own weeks begin on Sundays
        ticks = [first + pd.Timedelta(days=n) for n in range(0, span + 1, width * (span // width // _MOST_TICKS + 1))]
        texts = [day(ticks[0]).replace(f" {first.year}", f"<br>{first.year}")]
        texts += [
            f"{tick.day} {tick:%b}" + (f"<br>{tick.year}" if tick.year != before.year else "")
            for before, tick in pairwise(ticks)
        ]
        figure.update_xaxes(tickvals=ticks, ticktext=texts)
    return figure


def interval(value: np.ndarray, low: np.ndarray, high: np.ndarray, color: str, width: int) -> dict[str, object]:
    """Lines from the low to the high end of intervals; none where an end is not known."""
    return {
        "type": "data", "symmetric": False, "array": np.nan_to_num(high - value),
        "arrayminus": np.nan_to_num(value - low), "color": color, "thickness": 1.2, "width": width,
    }  # fmt: skip


def whole_ticks(most: float) -> int | None:
    """The step between the ticks of an axis of counts, for ``dtick``: no halves of a user; None leaves it to Plotly."""
    return 1 if most <= _FEW else None
