"""Map: every user a point, near those who behave alike; a click opens a user, a lasso makes a group."""

from functools import partial
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from beha2vec_core.audiences.area import Corners, as_text, simplified
from beha2vec_core.explorer import page
from beha2vec_core.explorer.charts import map as charts
from beha2vec_core.explorer.data import clusters, predictions, profile
from beha2vec_core.explorer.data import map as data
from beha2vec_core.explorer.data.groups import MOST_COMPARED
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_chart, shown
from beha2vec_core.explorer.views import parts
from beha2vec_core.insights.wording import label_words
from beha2vec_core.predictions.wording import does
from beha2vec_core.store.sql import quote
from beha2vec_core.words import counted, number

_SELECT, _OPEN = "Select a group", "Open a user"  # Plotly does one or the other
_MOUSE = (_SELECT, _OPEN)
_PREDICTION = "Prediction"
_COLORS = ("Cluster", "Theme", "Last visit", "Purchase", "First visit", _PREDICTION)


def render(published: Published) -> None:
    """Show the page."""
    of_users = published.ask(data.users_on_map)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox("Color by", _COLORS, width=220, key=page.kept("map_color"))
        theme = _choose_theme(published) if by == "Theme" else None
        mouse = st.segmented_control("Mouse", _MOUSE, required=True, key=page.kept("map_mouse", _SELECT))
        most = _choose_number(of_users)
    prediction = parts.choose_prediction(published) if by == _PREDICTION else None
    points = published.ask(data.points, most)
    layers = _predicted(published, points, *prediction) if prediction else _layers(published, points, by, theme, most)
    figure = charts.user_map(points, layers, of_users, dark=page.is_dark())
    figure.update_layout(dragmode="lasso" if mouse == _SELECT else "pan")
    if len(points) < of_users:
        st.caption(
            f"The map shows a sample of {len(points):,} of {of_users:,} users; a selected group counts all of them."
        )
    if mouse == _SELECT:
        st.caption("Draw a line around users to see what they have in common.")
    else:
        st.caption("Click a point to open the user; drag to move the map, use the wheel to zoom.")
    _react(published, points, layers, _draw(figure))


def _choose_theme(published: Published) -> str | None:
    return st.selectbox(
        "Theme", published.ask(data.themes), format_func=lambda t: shown(label_words(t)), width=260, key="map_theme"
    )


def _choose_number(of_users: int) -> int:
    """How many users to show; no choice where there are few."""
    if of_users <= data.DRAWN[0]:
        return data.DRAWN[0]
    fewer = [number for number in data.DRAWN if number < of_users]
    options = [*fewer, of_users] if of_users <= data.DRAWN[-1] else fewer
    return st.selectbox(
        "Users shown",
        options,
        format_func=lambda number: f"{number:,}" + (" (all)" if number == of_users else ""),
        help="More than the first choice needs a graphics card to move smoothly.",
        width=180,
        key="map_number",
    )


def _layers(published: Published, points: pd.DataFrame, by: str, theme: str | None, most: int) -> list[charts.Layer]:
    if by == "Theme" and theme is not None:
        share = published.ask(data.theme_share, theme, most)
        return charts.by_number(share, "share of the user's page views about this theme", share=True)
    if by == "Last visit":
        title = "days since the last visit, at the end of the data"
        return charts.by_number(points["days_ago"], title, reverse=True)
    if by == "Purchase":
        return charts.by_outcome(points)
    if by == "First visit":
        return charts.by_date(points["first_seen"], "day of the first visit")
    return charts.by_cluster(points, clusters.names(published))


def _predicted(published: Published, points: pd.DataFrame, target: str, horizon: int) -> list[charts.Layer]:
    probability = predictions.probability(published, target, horizon, points)
    title = f"probability to {in_chart(does(target))} within {horizon} days"
    if probability.isna().any():
        lately = page.settings().predictions.population_days
        st.caption(f"Users without a score are grey: they were not seen in the {lately} days before the last date.")
    return charts.by_number(probability, title, share=True)


def _draw(figure: go.Figure) -> dict[str, Any]:
    event = st.plotly_chart(
        page.without_title(figure),
        theme=None,
        key="user_map",
        on_select="rerun",
        selection_mode=("points", "lasso", "box"),
        # a pixel a pixel: Plotly would draw four, which takes twice as long without a graphics card
        config={**page.CHART_TOOLS, "scrollZoom": True, "plotGlPixelRatio": 1},
        alt="A map of users: points close together behave alike",
    )
    return dict(event["selection"])


def _react(published: Published, points: pd.DataFrame, layers: list[charts.Layer], selection: dict[str, Any]) -> None:
    if outline := _outline(selection):
        _group(published, simplified(*outline))
    elif len(chosen := selection.get("points", [])) == 1:
        rows = layers[chosen[0]["curve_number"]].rows
        parts.open_view("user", user=str(points["user_key"].iloc[rows[chosen[0]["point_index"]]]))


def _outline(selection: dict[str, Any]) -> tuple[list[float], list[float]] | None:
    """The corners of what was drawn last, a lasso or a box."""
    if drawn := selection.get("lasso"):
        return list(drawn[-1]["x"]), list(drawn[-1]["y"])
    if drawn := selection.get("box"):
        (left, right), (bottom, top) = sorted(drawn[-1]["x"]), sorted(drawn[-1]["y"])
        return [left, right, right, left], [bottom, bottom, top, top]
    return None


def _group(published: Published, corners: Corners) -> None:
    users = tuple(data.inside(published, corners))
    st.header("Your group")
    if not users:
        st.write("There are no users in this selection.")
        return
    names = clusters.names(published)
    everybody = published.ask(data.users_on_map)
    st.write(f"**{counted(len(users), 'user')}**, {number(len(users) / everybody, 'share')} of all on the map.")
    with st.container(horizontal=True):
        export = partial(data.export, published, users, names)
        parts.download("Download as CSV", export, f"beha2vec_group_{len(users)}_users.csv")
        if st.button(page.TO_AUDIENCE, key="map_audience", icon=page.AUDIENCE_ICON):
            parts.begin_audience(f"on_map({quote(data.map_version(published))}, '{as_text(corners)}')")
    if len(users) == everybody:
        st.write("These are all users: there are no others to compare them with.")
        return
    with st.spinner("Comparing them with all users"):
        facts = published.ask(data.group_profile, users)
    if len(users) > MOST_COMPARED:
        st.caption(f"The results are based on a sample of {MOST_COMPARED:,} of them.")
    parts.over_index(profile.in_words(published, facts), min(len(users), MOST_COMPARED), key="group_profile")
