"""Figures of predictions: are they right, how far does a list get, how are they distributed."""

import pandas as pd
import plotly.graph_objects as go

from beha2vec_core.explorer.charts.theme import GREY, PALETTE, dressed, interval
from beha2vec_core.profiles.statistics import wilson_interval
from beha2vec_core.words import counted

_TICKS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
_LEGEND = {"y": -0.32}


def reliability(curves: pd.DataFrame, did: str, *, dark: bool) -> go.Figure:
    """Predicted against observed share of each tenth of the users, with the 95% Wilson interval of the observed one.

    Args:
        curves: as of `data.predictions.curves`.
        did: what users did, in words of ours or escaped.
    """
    low, high = wilson_interval(curves["positives"], curves["users"])
    predicted, observed = (100 * curves[name].to_numpy() for name in ("predicted", "observed"))
    most = float(max(predicted.max(), 100 * high.max())) * 1.05
    figure = go.Figure()
    figure.add_scatter(
        x=[0, most], y=[0, most], mode="lines", name="as predicted", line={"color": GREY, "dash": "dash"},
        hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=predicted,
        y=observed,
        mode="markers",
        name="a tenth of the users, with a 95% interval",
        marker={"color": PALETTE[0], "size": 9},
        error_y=interval(observed, 100 * low, 100 * high, PALETTE[0], 3),
        customdata=curves[["users", "positives"]],
        hovertemplate="predicted %{x:.1f}%, observed %{y:.1f}%<br>%{customdata[1]:,} of %{customdata[0]:,} users"
        "<extra></extra>",
    )
    title = f"Predicted and observed (n = {counted(int(curves['users'].sum()), 'score')} on the test dates)"
    dressed(figure, dark=dark, height=380, title_text=title, legend=_LEGEND)
    figure.update_xaxes(title_text=f"predicted share of users who {did} (%)", range=[0, most])
    return figure.update_yaxes(title_text="observed share (%)", range=[0, most])


def gains(curves: pd.DataFrame, did: str, *, dark: bool) -> go.Figure:
    """Share of those who did it, and of revenue where there is any, by share of the users, the best first.

    Args:
        curves: as of `data.predictions.curves`.
        did: what users did, in words of ours or escaped.
    """
    x = [0, *(100 * curves["users"].cumsum() / curves["users"].sum())]
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 100], y=[0, 100], mode="lines", name="users in random order", line={"color": GREY, "dash": "dash"},
        hoverinfo="skip",
    )  # fmt: skip
    lines = [("gain", f"users who {did}", PALETTE[0], "solid", "circle")]
    if curves["revenue"].sum() > 0:
        lines.append(("revenue_gain", "revenue", PALETTE[5], "dot", "diamond"))
    for column, name, color, dash, symbol in lines:
        figure.add_scatter(
            x=x,
            y=[0, *(100 * curves[column])],
            mode="lines+markers",
            name=name,
            line={"color": color, "dash": dash},
            marker={"symbol": symbol},
            hovertemplate=f"the first %{{x:.0f}}% of users: %{{y:.0f}}% of {name}<extra></extra>",
        )
    positives = int(curves["positives"].sum())
    title = f"What the first users of the list cover (n = {counted(positives, 'user')} who {did})"
    dressed(figure, dark=dark, height=380, title_text=title, legend=_LEGEND)
    figure.update_xaxes(title_text="share of users, highest probability first (%)", range=[0, 101])
    return figure.update_yaxes(title_text="share covered (%)", range=[0, 103])


def distribution(bins: pd.DataFrame, does: str, *, dark: bool) -> go.Figure:
    """How many users have which probability, on a logarithmic scale.

    Args:
        bins: as of `data.predictions.distribution`.
        does: what users will do, in words of ours or escaped.
    """
    middle = (bins["low"] * bins["high"]) ** 0.5
    bars = go.Bar(
        x=middle,
        y=bins["users"],
        width=0.94 * (bins["high"] - bins["low"]),
        marker={"color": PALETTE[0]},
        customdata=100 * bins[["low", "high"]],
        hovertemplate="%{customdata[0]:.2g}% to %{customdata[1]:.2g}%: users: %{y:,}<extra></extra>",
    )
    title = f"Probabilities of all users (n = {counted(int(bins['users'].sum()), 'user')})"
    figure = dressed(go.Figure(bars), dark=dark, height=300, title_text=title, bargap=0)
    figure.update_xaxes(
        type="log",
        title_text=f"probability to {does} (%, logarithmic)",
        tickvals=_TICKS,
        ticktext=[f"{100 * tick:g}" for tick in _TICKS],
        showgrid=False,
    )
    return figure.update_yaxes(title_text="users", tickformat=",", rangemode="tozero")
