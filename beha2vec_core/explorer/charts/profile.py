"""A cluster or a group beside all users."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from beha2vec_core.explorer.charts.theme import OVER, UNDER, color, dressed, ink, interval
from beha2vec_core.explorer.text import in_chart
from beha2vec_core.words import UNKNOWN_CURRENCY, counted

ALL_USERS = "all users"
_FARTHEST = 3.0  # times as much, or as little, as powers of two: 8 times and an eighth


def over_index(facts: pd.DataFrame, family: str, users: int, *, dark: bool, beside: str = ALL_USERS) -> go.Figure:
    """Bars to the right where the value is more than that of all users, to the left where it is less, with intervals.

    Args:
        facts: label, shown_value, shown_population, value, population_value, lift, interval_low, interval_high,
            support; the first is drawn on top.
        family: what is compared, of how many users; written by us.
        beside: those it is compared with, made safe for a chart; ``population_value`` is theirs.
    """
    rows = facts.iloc[::-1]
    times, low, high = (
        _doublings(rows[name] / rows["population_value"]) for name in ("value", "interval_low", "interval_high")
    )
    hover = [
        f"{in_chart(label, 110)}<br>{value}, {beside} {everybody} ({lift:.1f} times)<br>n = {counted(support, 'user')}"
        for label, value, everybody, lift, support in zip(
            rows["label"], rows["shown_value"], rows["shown_population"], rows["lift"], rows["support"], strict=True
        )
    ]
    bars = go.Bar(
        x=times,
        y=np.arange(len(rows)),
        orientation="h",
        marker={"color": [OVER if value >= 0 else UNDER for value in times]},
        error_x=interval(times, low, high, ink(dark)["quiet"], 3),
        hovertext=hover,
        hoverinfo="text",
    )
    title = f"{family}, compared with {beside} (n = {counted(users, 'user')})"
    figure = dressed(
        go.Figure(bars), dark=dark, height=80 + 44 * max(len(rows), 1), title_text=title, bargap=0.6, showlegend=False
    )
    reach = max(1.0, float(np.nanmax(np.abs(np.concatenate([times, low, high])), initial=0.0)) * 1.05)
    steps = np.arange(-np.floor(reach), np.floor(reach) + 1)
    is_cut = bool(np.nanmax(np.abs(np.concatenate([times, low, high])), initial=0.0) >= _FARTHEST)
    cut = f"; cut at 1/{2**_FARTHEST:g} and {2**_FARTHEST:g}×" if is_cut else ""
    figure.update_xaxes(
        title_text=f"times the value of {beside}, log scale<br>(lines: 95% intervals{cut})",
        tickvals=steps,
        ticktext=[f"{2**step:g}×" if step >= 0 else f"1/{2**-step:g}" for step in steps],
        tickangle=0,
        range=[-reach, reach],
        zeroline=True,
        zerolinewidth=2,
    )
    figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False, range=[-0.6, len(rows) - 0.1])
    # words above each bar, not beside it: a narrow screen has room for bars too
    words = [
        {
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": place + 0.2,
            "yanchor": "bottom",
            "text": f"{in_chart(row['label'], 48)}  <b>{row['shown_value']}</b> ({beside} {row['shown_population']})",
            "showarrow": False,
            "borderpad": 1,
            "bgcolor": ink(dark)["surface"],
            "font": {"size": 12, "color": ink(dark)["text"]},
        }
        for place, row in enumerate(rows.to_dict("records"))
    ]
    # all at once: one by one, plotly checks those there are again for each
    return figure.update_layout(annotations=words)


def outcome(facts: pd.DataFrame, names: dict[int, str], what: str, users: int, *, dark: bool) -> go.Figure:
    """One outcome of all clusters, with intervals and the value of all users as a line.

    Args:
        facts: cluster_key, value, population_value, interval_low, interval_high, support, unit; of one metric.
        what: the outcome, of how many users; written by us.
    """
    rows = facts.sort_values("value")
    share = bool((rows["unit"] == "share").all())
    scale = 100.0 if share else 1.0
    value, low, high = (rows[name].to_numpy(dtype=float) * scale for name in ("value", "interval_low", "interval_high"))
    unit = "% of users" if share else str(rows["unit"].iloc[0]).replace(UNKNOWN_CURRENCY, "money, currency unknown")
    dots = go.Scatter(
        x=value,
        y=[in_chart(names.get(key, f"Cluster {key}"), 30) for key in rows["cluster_key"]],
        mode="markers",
        cliponaxis=False,
        marker={"size": 11, "color": [color(key) for key in rows["cluster_key"]]},
        error_x=interval(value, low, high, ink(dark)["quiet"], 4),
        customdata=rows["support"].to_numpy(),
        hovertemplate=f"%{{y}}<br>%{{x:.3~g}} {unit}<br>n = %{{customdata:,}} users<extra></extra>",
    )
    title = f"{what} (n = {counted(users, 'user')})"
    figure = dressed(go.Figure(dots), dark=dark, height=156 + 30 * len(rows), title_text=title, showlegend=False)
    everybody = float(rows["population_value"].iloc[0]) * scale
    figure.add_vline(x=everybody, line={"dash": "dash", "color": ink(dark)["quiet"], "width": 1.5})
    figure.update_xaxes(title_text=f"{unit}<br>dashed: all users<br>lines: 95% intervals", rangemode="tozero")
    return figure.update_yaxes(showgrid=False)


def _doublings(times: pd.Series) -> np.ndarray:
    """How many times doubled: 0 is the same, 1 twice, -1 half; nothing at all counts as the least that is drawn."""
    values = times.to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.clip(np.log2(values), -_FARTHEST, _FARTHEST))
