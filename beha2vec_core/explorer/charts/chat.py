"""The figure below an answer of the chat."""

import pandas as pd
import plotly.graph_objects as go

from beha2vec_core.chat.events import Bars
from beha2vec_core.explorer.charts.theme import by_day, color, dressed
from beha2vec_core.explorer.text import in_chart


def answer_bars(bars: Bars, *, dark: bool) -> go.Figure:
    """A bar a row of the answer: over time from left to right, else the first on top."""
    title = in_chart(bars.title, 80)
    ticks, unit = ".0%" if bars.is_share else ",~r", bars.currency and in_chart(bars.currency, 20)
    if bars.days:
        trace = go.Bar(x=list(bars.days), y=list(bars.values), marker={"color": color(0)})
        figure = dressed(go.Figure(trace), dark=dark, height=260, title_text=title, bargap=0.15)
        if bars.step in ("day", "week"):
            by_day(figure, pd.Series(bars.days), bars.step)
        else:
            figure.update_xaxes(title_text=bars.step, type="date", showgrid=False)
        return figure.update_yaxes(tickformat=ticks, title_text=unit)
    names = [in_chart(name, 32) for name in bars.names]
    places = list(range(len(names)))  # two long names may be cut to the same
    trace = go.Bar(x=list(bars.values[::-1]), y=places, orientation="h", marker={"color": color(0)})
    figure = dressed(go.Figure(trace), dark=dark, height=110 + 30 * len(names), title_text=title, bargap=0.25)
    figure.update_yaxes(showgrid=False, tickvals=places, ticktext=names[::-1])
    return figure.update_xaxes(tickformat=ticks, title_text=unit)
