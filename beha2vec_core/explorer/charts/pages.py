"""Figures of the pages."""

import pandas as pd
import plotly.graph_objects as go

from beha2vec_core.explorer.charts.theme import GREY, PALETTE, dressed
from beha2vec_core.explorer.text import in_chart
from beha2vec_core.insights.wording import label_words
from beha2vec_core.words import counted

# how sure a label is: name, color, and a pattern for eyes and printers without colors
LEVELS = {"sure": ("sure", PALETTE[0], ""), "likely": ("likely", PALETTE[4], "/"), "unknown": ("unknown", GREY, "x")}
_KINDS = {"theme": "Theme", "page_type": "Page type"}
_MOST = 20


def coverage(rows: pd.DataFrame, *, dark: bool) -> go.Figure:
    """A bar of themes and one of page types, in parts by how sure they are. ``rows``: as of `data.pages.coverage`."""
    figure = go.Figure()
    for level, (name, color, pattern) in LEVELS.items():
        part = rows[rows["level"] == level].set_index("kind").reindex(list(reversed(_KINDS)))
        figure.add_bar(
            x=part["share"].fillna(0.0),
            y=[_KINDS[kind] for kind in part.index],
            name=name,
            orientation="h",
            marker={"color": color, "pattern": {"shape": pattern, "fillmode": "overlay", "size": 5}},
            customdata=part[["views", "pages"]].fillna(0).astype(int),
            hovertemplate=f"%{{y}}, {name}: %{{x:.1%}}<br>views: %{{customdata[0]:,}}, pages: %{{customdata[1]:,}}"
            "<extra></extra>",
        )
    views = int(rows.loc[rows["kind"] == "theme", "views"].sum())
    title = f"Confidence of themes and page types (n = {counted(views, 'page view')})"
    legend = {"y": -0.5, "traceorder": "normal"}
    dressed(figure, dark=dark, height=220, title_text=title, barmode="stack", bargap=0.35, legend=legend)
    return figure.update_xaxes(title_text="share of page views", tickformat=".0%", range=[0, 1.02])


def labels(rows: pd.DataFrame, what: str, *, dark: bool) -> go.Figure:
    """A bar a theme or page type. ``rows``: as of `data.pages.by_label`; the 20 most viewed are drawn."""
    views, pages = int(rows["views"].sum()), int(rows["pages"].sum())
    shown = rows.head(_MOST).iloc[::-1]
    bars = go.Bar(
        x=shown["share"],
        y=[in_chart(label_words(str(label))) for label in shown["label"]],
        orientation="h",
        marker={"color": [GREY if label == "unknown" else PALETTE[0] for label in shown["label"]]},
        customdata=shown[["views", "pages", "sure_share"]],
        hovertemplate="%{y}: %{x:.1%} of page views<br>views: %{customdata[0]:,}, pages: %{customdata[1]:,}<br>"
        "%{customdata[2]:.0%} of these views are on pages with a sure label<extra></extra>",
    )
    most = f", the {_MOST} most viewed" if len(rows) > _MOST else ""
    title = f"{what}{most} (n = {counted(views, 'view')} of {counted(pages, 'page')})"
    figure = dressed(go.Figure(bars), dark=dark, height=110 + 24 * len(shown), title_text=title, bargap=0.3)
    figure.update_yaxes(showgrid=False, dtick=1)
    return figure.update_xaxes(title_text="share of page views", tickformat=".0%", rangemode="tozero")
