"""Figures of the encoder and of the days it was fed."""

import pandas as pd
import plotly.graph_objects as go

from beha2vec_core.explorer.charts.theme import PALETTE, UNDER, by_day, dressed, ink, whole_ticks
from beha2vec_core.quality.drift import COMPARED_WITH
from beha2vec_core.words import counted

_LEGEND = {"y": -0.28}


def training(curve: pd.DataFrame, users: int | None, *, dark: bool) -> go.Figure:
    """Losses by epoch: of the users learned from, and of those held out. ``users``: how many both are."""
    figure = go.Figure()
    for column, name, color, dash in (
        ("loss", "training events", PALETTE[0], "solid"),
        ("held_out_loss", "held-out events (the newest)", PALETTE[5], "dash"),
    ):
        if column in curve:
            figure.add_scatter(
                x=curve["epoch"],
                y=curve[column],
                name=name,
                mode="lines+markers",
                line={"color": color, "dash": dash},
                hovertemplate=f"epoch %{{x}}, {name}: %{{y:.2f}}<extra></extra>",
            )
    if "held_out_loss" in curve and len(curve):
        kept = curve.sort_values("held_out_loss").iloc[0]
        figure.add_annotation(
            x=kept["epoch"], y=kept["held_out_loss"], text="kept", showarrow=True, arrowcolor=ink(dark)["quiet"], ay=-28
        )
    of_users = f", {counted(users, 'user')}" if users else ""
    title = f"Training (n = {counted(len(curve), 'epoch')}{of_users})"
    dressed(figure, dark=dark, height=320, title_text=title, legend=_LEGEND)
    figure.update_xaxes(title_text="epoch", tickformat="d", dtick=whole_ticks(len(curve)))
    return figure.update_yaxes(title_text="loss (no unit; lower is better)", rangemode="tozero")


def drift(days: pd.DataFrame, *, dark: bool) -> go.Figure:
    """Stability index by day and its limit. ``days``: as of `data.model.drift`."""
    judged = days[days["stability_index"].notna()]
    figure = go.Figure()
    figure.add_scatter(
        x=judged["event_date"],
        y=judged["stability_index"],
        name=f"the day's users compared with {COMPARED_WITH}",
        mode="lines+markers",
        line={"color": PALETTE[0]},
        customdata=judged[["users", "sampled"]],
        hovertemplate="%{x|%a %d %b %Y}: %{y:.2f}<br>users: %{customdata[0]:,} (%{customdata[1]:,} read)"
        "<extra></extra>",
    )
    figure.add_scatter(
        x=judged["event_date"],
        y=judged["limit"],
        name="limit",
        mode="lines",
        line={"color": UNDER, "dash": "dash"},
        hovertemplate="limit %{y:.2f}<extra></extra>",
    )
    title = f"Drift of user vectors (n = {counted(int(judged['users'].sum()), 'user-day')})"
    dressed(figure, dark=dark, height=320, title_text=title, legend=_LEGEND)
    by_day(figure, judged["event_date"])
    return figure.update_yaxes(title_text="population stability index (no unit)", rangemode="tozero")


def volume(days: pd.DataFrame, *, dark: bool) -> go.Figure:
    """Events by day beside what is usual, broken tracking marked. ``days``: as of `data.model.quality`."""
    breaks = days[days["is_break"]]
    figure = go.Figure()
    figure.add_bar(
        x=days["event_date"],
        y=days["events"],
        name="events",
        marker={"color": PALETTE[0]},
        hovertemplate="%{x|%a %d %b %Y}, events: %{y:,}<extra></extra>",
    )
    figure.add_scatter(
        x=days["event_date"],
        y=days["usual_events"],
        name="usual: the median of the seven days before",
        mode="lines",
        line={"color": ink(dark)["quiet"], "dash": "dot"},
        hovertemplate="usual: %{y:,.0f}<extra></extra>",
    )
    if len(breaks):
        figure.add_scatter(
            x=breaks["event_date"],
            y=breaks["events"],
            name="tracking broken",
            mode="markers",
            marker={"color": UNDER, "symbol": "x", "size": 12},
            hovertemplate="%{x|%a %d %b %Y}: tracking broken<extra></extra>",
        )
    events = counted(int(days["events"].sum()), "event")
    title = f"Events a day, the last {counted(len(days), 'day')} with data (n = {events})"
    dressed(figure, dark=dark, height=320, title_text=title, legend=_LEGEND, bargap=0.15)
    by_day(figure, days["event_date"])
    return figure.update_yaxes(title_text="events", tickformat=",", rangemode="tozero")
