"""Clusters over time, and the ways between them and within them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from beha2vec_core.explorer.charts.theme import GREY, OVER, UNDER, by_day, color, dressed, ink, whole_ticks
from beha2vec_core.explorer.text import in_chart
from beha2vec_core.words import counted, day, number

_WEEK = 7  # days
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def size_over_time(sizes: pd.DataFrame, names: Mapping[int, str], shown: list[int], *, dark: bool) -> go.Figure:
    """A line a cluster; those that are looked at in color, over the others in grey.

    Weeks that are not whole, the first or the last, are left out: a week of two days would be drawn as a fall.

    ``sizes``: period, cluster_key, users, days (of data in the period).
    """
    weekly = bool((sizes["days"] > 1).any())
    short = sizes[sizes["days"] < _WEEK] if weekly else sizes.iloc[:0]
    ends = short.groupby("period")["days"].first()
    sizes = sizes.drop(short.index)
    table = sizes.pivot(index="period", columns="cluster_key", values="users").fillna(0)
    keys = sorted((int(str(key)) for key in table.columns), key=lambda key: key in shown)
    figure = go.Figure()
    for key in keys:
        looked_at = key in shown
        name = in_chart(names.get(key, f"Cluster {key}"), 30)
        figure.add_scatter(
            x=table.index,
            y=table[key],
            mode="lines+markers" if looked_at and len(table) < 40 else "lines",
            name=name,
            showlegend=looked_at,
            line={
                "color": color(key) if looked_at else GREY,
                "width": 2.5 if looked_at else 1,
                "dash": _DASHES[shown.index(key) % len(_DASHES)] if looked_at else "solid",
            },
            opacity=1.0 if looked_at else 0.45,
            hovertemplate="%{fullData.name}<br>%{x|%d %b %Y}: users: %{y:,}<extra></extra>",
        )
    period = "week" if weekly else "day"
    left_out = [
        f"the week of {day(first)}, of which there is data of {counted(n, 'day')}"
        for first, n in zip(ends.index.to_list(), ends.to_list(), strict=True)
    ]
    title = f"Users with events a {period} (n = {counted(int(sizes['users'].sum()), f'user-{period}')}, all clusters"
    title += f"; left out: {' and '.join(left_out)})" if left_out else ")"
    dressed(figure, dark=dark, height=340, title_text=title, hovermode="closest")
    by_day(figure, table.index.to_series(), "week, by its Monday" if weekly else "day")
    dtick = whole_ticks(float(sizes["users"].max()) if len(sizes) else 0.0)
    return figure.update_yaxes(title_text="users", rangemode="tozero", tickformat=",", dtick=dtick)


def flows(moves: pd.DataFrame, names: Mapping[int, str], days: int, *, dark: bool) -> go.Figure:
    """A Sankey diagram of the users who changed cluster; who stayed, or was too little known before, is in the title.

    ``moves``: from_cluster, to_cluster, users.
    """
    stayed = int(moves.loc[moves["from_cluster"] == moves["to_cluster"], "users"].sum())
    changed = moves[moves["from_cluster"] != moves["to_cluster"]]
    moved = changed[changed["from_cluster"] >= 0]
    found = int(changed["users"].sum() - moved["users"].sum())
    left = sorted(moved["from_cluster"].unique())
    right = sorted(moved["to_cluster"].unique())
    places = {("from", key): place for place, key in enumerate(left)}
    places |= {("to", key): len(left) + place for place, key in enumerate(right)}
    keys = [*left, *right]
    title = f"Users who changed cluster in the last {days} days (n = {counted(int(moved['users'].sum()), 'move')}; "
    title += f"{stayed:,} stayed"
    title += f"; {found:,} had enough events for the first time)" if found else ")"
    link = {
        "source": [places["from", key] for key in moved["from_cluster"]],
        "target": [places["to", key] for key in moved["to_cluster"]],
        "value": moved["users"].tolist(),
        "color": [_faint(color(key)) for key in moved["from_cluster"]],
        "customdata": [counted(users, "user") for users in moved["users"]],
    }
    labels = [in_chart(names.get(key, f"Cluster {key}"), 28) for key in keys]
    return _sankey(labels, [color(key) for key in keys], link, title, dark=dark)


def paths(steps: pd.DataFrame, users: int, *, dark: bool) -> go.Figure:
    """From which step users went on to which: blue where they do so more than all users, orange where less.

    Args:
        steps: from_step, to_step, users, share, population_share, lift.
    """
    left, right = list(dict.fromkeys(steps["from_step"])), list(dict.fromkeys(steps["to_step"]))
    colors = [OVER if lift >= 1.2 else UNDER if lift <= 1 / 1.2 else GREY for lift in steps["lift"].fillna(1.0)]
    hover = [
        f"{number(share, 'share')} of steps (all users {number(everybody, 'share')})<br>n = {counted(users, 'user')}"
        for share, everybody, users in zip(steps["share"], steps["population_share"], steps["users"], strict=True)
    ]
    link = {
        "source": [left.index(step) for step in steps["from_step"]],
        "target": [len(left) + right.index(step) for step in steps["to_step"]],
        "value": steps["share"].tolist(),
        "color": [_faint(one) for one in colors],
        "customdata": hover,
    }
    labels = [in_chart(str(step).replace("_", " "), 28) for step in [*left, *right]]
    title = f"From one step to the next (n = {counted(users, 'user')})"
    return _sankey(labels, [GREY] * len(labels), link, title, dark=dark)


def _sankey(labels: list[str], colors: list[str], link: dict[str, list[Any]], title: str, *, dark: bool) -> go.Figure:
    node = {"label": labels, "color": colors, "pad": 14, "thickness": 14, "line": {"width": 0}}
    diagram = go.Sankey(
        arrangement="fixed",
        node=node | {"hovertemplate": "%{label}<extra></extra>"},
        link=link | {"hovertemplate": "%{source.label} to %{target.label}<br>%{customdata}<extra></extra>"},
        textfont={"color": ink(dark)["text"], "size": 12, "shadow": "none"},
    )
    return dressed(go.Figure(diagram), dark=dark, height=440, title_text=title)


def _faint(hex_color: str) -> str:
    red, green, blue = (int(hex_color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.4)"
