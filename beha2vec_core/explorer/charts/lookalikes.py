"""Figures of the look-alikes."""

import math

import plotly.graph_objects as go

from beha2vec_core.explorer.charts.theme import PALETTE, dressed, ink
from beha2vec_core.lookalikes import HoldoutEstimate


def lengths(holdout: HoldoutEstimate, chosen: int, *, dark: bool) -> go.Figure:
    """Estimated precision and share found by the length of the list, with intervals; the chosen length marked."""
    rows = holdout.estimates
    users = [row.users for row in rows]
    figure = go.Figure()
    for measure, name, color, dash in (
        ("precision", "precision: share of the list that is similar", PALETTE[0], "solid"),
        ("found", "recall: share of similar users in the list", PALETTE[5], "dash"),
    ):
        values, lows, highs = ([getattr(row, measure + end) for row in rows] for end in ("", "_low", "_high"))
        figure.add_scatter(
            x=[*users, *reversed(users)],
            y=[*highs, *reversed(lows)],
            mode="lines",
            fill="toself",
            fillcolor=f"rgba({int(color[1:3], 16)},{int(color[3:5], 16)},{int(color[5:], 16)},0.15)",
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=users,
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": color, "dash": dash, "width": 2},
            customdata=list(zip(lows, highs, strict=True)),
            hovertemplate="%{x:,} users: %{y:.0%} (95% interval %{customdata[0]:.0%} to %{customdata[1]:.0%})"
            f"<br>{name}<extra></extra>",
        )
    figure.add_vline(x=chosen, line={"color": ink(dark)["quiet"], "dash": "dot"})
    figure.add_annotation(  # on a log axis Plotly places lines by value, annotations by exponent
        x=math.log10(chosen),
        y=1,
        yref="paper",
        yanchor="top",
        text="your list",
        font={"color": ink(dark)["text"]},
        showarrow=False,
    )
    title = f"Expected quality by list length (n = {holdout.seeds:,} hidden seeds; bands: 95% intervals)"
    dressed(figure, dark=dark, height=380, title_text=title, legend={"orientation": "v", "y": -0.22})
    figure.update_xaxes(title_text="users in the list, log scale", type="log", tickformat=",", dtick="D2")
    return figure.update_yaxes(title_text="share", tickformat=".0%", range=[0, 1.1])
