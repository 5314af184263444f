"""Figures of the overview."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from beha2vec_core.explorer.charts.theme import by_day, color, dressed, whole_ticks
from beha2vec_core.explorer.text import in_chart
from beha2vec_core.words import counted, number


def users_by_day(days: pd.DataFrame, *, dark: bool) -> go.Figure:
    """A bar a day: users with events. ``days``: event_date, users."""
    bars = go.Bar(
        x=days["event_date"],
        y=days["users"],
        marker={"color": color(0)},
        hovertemplate="%{x|%a %d %b %Y}<br>users: %{y:,}<extra></extra>",
    )
    title = f"Users with events a day (n = {counted(int(days['users'].sum()), 'user-day')})"
    figure = dressed(go.Figure(bars), dark=dark, height=280, title_text=title, bargap=0.15)
    dtick = whole_ticks(float(days["users"].max()) if len(days) else 0.0)
    return by_day(figure, days["event_date"]).update_yaxes(title_text="users", tickformat=",", dtick=dtick)


def cluster_sizes(sizes: pd.DataFrame, names: Mapping[int, str], *, dark: bool) -> go.Figure:
    """A bar a cluster, the largest on top. ``sizes``: cluster_key, users, share."""
    rows = sizes.iloc[::-1]
    bars = go.Bar(
        x=rows["users"],
        y=[in_chart(names.get(key, f"Cluster {key}"), 32) for key in rows["cluster_key"]],
        orientation="h",
        marker={"color": [color(key) for key in rows["cluster_key"]]},
        text=[number(share, "share") for share in rows["share"]],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}<br>users: %{x:,} (%{text})<extra></extra>",
    )
    title = f"Users by cluster (n = {counted(int(rows['users'].sum()), 'user')})"
    figure = dressed(go.Figure(bars), dark=dark, height=110 + 34 * len(rows), title_text=title, bargap=0.25)
    widest = float(rows["users"].max()) * 1.25  # room for the text after the bar, on a narrow screen too
    figure.update_xaxes(title_text="users", tickformat=",", range=[0, widest], dtick=whole_ticks(widest))
    return figure.update_yaxes(showgrid=False)
