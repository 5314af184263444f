"""One user's ways."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from beha2vec_core.explorer.charts.theme import GREY, OVER, PALETTE, by_day, color, dressed, whole_ticks
from beha2vec_core.explorer.text import in_chart
from beha2vec_core.words import counted

_TYPES = 8  # colors that can still be distinguished in one chart
_PURCHASE = "purchase"


def journey(events: pd.DataFrame, sessions: Sequence[tuple[str, str]], *, dark: bool) -> go.Figure:
    """A row a session, the newest on top, a mark a step, colored by the type of page.

    Args:
        events: session_key, step, time (as shown), event_name, is_page_view, title, page_type.
        sessions: session_key and its label, written by us; the newest first.
    """
    rows = {key: place for place, (key, _) in enumerate(reversed(sessions))}
    events = events[events["session_key"].isin(rows)]
    kinds = events["page_type"].fillna("unknown").where(events["is_page_view"], "")
    frequent = kinds[kinds != ""].value_counts().index[:_TYPES].tolist()
    figure = go.Figure()
    hover = [
        f"{time}<br>{in_chart(str(name).replace('_', ' '))}: {in_chart(title, 90)}"
        for time, name, title in zip(events["time"], events["event_name"], events["title"], strict=True)
    ]
    events = events.assign(kind=kinds.where(kinds.isin([*frequent, ""]), "other pages"), hover=hover)
    for kind in [*frequent, "other pages", ""]:
        steps = events[(events["kind"] == kind) & (events["event_name"] != _PURCHASE)]
        _marks(figure, steps, rows, *_look(kind, frequent))
    bought = events[events["event_name"] == _PURCHASE]
    _marks(figure, bought, rows, "purchase", {"color": OVER, "symbol": "star", "size": 16})
    title = (
        f"Journey by session (n = {counted(len(events), 'step')} in {counted(len(rows), 'session')}, the newest on top)"
    )
    dressed(figure, dark=dark, height=150 + 30 * max(len(rows), 2), title_text=title, hovermode="closest")
    longest = int(events["step"].max()) if len(events) else 1
    step_axis = {"range": [0.4, longest + 0.8], "tickformat": "d", "zeroline": False, "dtick": whole_ticks(longest)}
    figure.update_xaxes(title_text="step of the session", **step_axis)
    labels = [label for _, label in reversed(sessions)]
    return figure.update_yaxes(
        tickvals=list(rows.values()), ticktext=labels, range=[-0.6, len(rows) - 0.4], zeroline=False
    )


def _look(kind: str, frequent: list[str]) -> tuple[str, dict[str, object]]:
    """Name and marker of a kind of steps."""
    if not kind:
        return "other events", {"color": GREY, "symbol": "line-ns-open"}
    if kind not in frequent:
        return kind, {"color": GREY}
    return f"{in_chart(kind.replace('_', ' '))} pages", {"color": PALETTE[frequent.index(kind)]}


def _marks(
    figure: go.Figure, steps: pd.DataFrame, rows: Mapping[str, int], name: str, marker: dict[str, object]
) -> None:
    if steps.empty:
        return
    figure.add_scatter(
        x=steps["step"],
        y=steps["session_key"].map(rows),
        mode="markers",
        name=name,
        marker={"size": 11} | marker,
        hovertext=steps["hover"],
        hoverinfo="text",
    )


def cluster_days(days: pd.DataFrame, names: Mapping[int, str], *, dark: bool) -> go.Figure:
    """The user's cluster on each active day. ``days``: event_date, cluster_key."""
    labels = [in_chart(names.get(int(key), f"Cluster {key}"), 28) for key in days["cluster_key"]]
    line = go.Scatter(
        x=days["event_date"],
        y=labels,
        mode="lines+markers",
        line={"shape": "hv", "color": GREY, "width": 1.5},
        marker={"size": 11, "color": [color(int(key)) for key in days["cluster_key"]]},
        hovertemplate="%{x|%d %b %Y}: %{y}<extra></extra>",
    )
    title = f"Cluster by day (n = {counted(len(days), 'active day')})"
    height = 140 + 34 * len(set(labels))
    figure = dressed(go.Figure(line), dark=dark, height=height, title_text=title, showlegend=False)
    return by_day(figure, days["event_date"]).update_yaxes(type="category")


def next_pages(pages: pd.DataFrame, *, dark: bool) -> go.Figure:
    """A bar a page, the most probable on top. ``pages``: title, probability."""
    rows = pages.iloc[::-1]
    bars = go.Bar(
        x=100 * rows["probability"],
        y=[in_chart(title, 34) for title in rows["title"]],
        orientation="h",
        marker={"color": OVER},
        text=[
            f"{probability:.0%}" if probability >= 0.0995 else f"{probability:.1%}"
            for probability in rows["probability"]
        ],
        textposition="outside",
        cliponaxis=False,
        hovertext=[in_chart(title, 110) for title in rows["title"]],
        hoverinfo="text",
    )
    title = f"The next page view (n = {counted(len(rows), 'page')}, the most probable)"
    figure = dressed(go.Figure(bars), dark=dark, height=110 + 34 * len(rows), title_text=title, bargap=0.35)
    most = 130 * float(rows["probability"].max())  # room for the longest bar's number on a narrow screen
    figure.update_xaxes(title_text="probability (%)", range=[0, most])
    if most > 100:
        figure.update_xaxes(tickvals=list(range(0, 101, 20)))  # the room is no probability
    return figure.update_yaxes(showgrid=False)
