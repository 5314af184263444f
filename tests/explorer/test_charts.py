"""Figures: colors stay with their clusters, each axis says its unit, each title its n, hostile names do nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import plotly.graph_objects as go
import pytest

from beha2vec_core.chat.events import Bars
from beha2vec_core.explorer.charts import clusters as cluster_charts
from beha2vec_core.explorer.charts import map as map_charts
from beha2vec_core.explorer.charts import overview as overview_charts
from beha2vec_core.explorer.charts import profile as profile_charts
from beha2vec_core.explorer.charts import theme
from beha2vec_core.explorer.charts import user as user_charts
from beha2vec_core.explorer.charts.chat import answer_bars
from beha2vec_core.explorer.data import clusters, overview, profile, user
from beha2vec_core.explorer.data import map as map_data
from beha2vec_core.explorer.published import Published

PAGES = {"light": "#FFFFFF", "dark": "#171614"}  # Streamlit's


def _map(published: Published, by: str, dark: bool) -> go.Figure:
    points, names = published.ask(map_data.points), clusters.names(published)
    layers = {
        "cluster": lambda: map_charts.by_cluster(points, names),
        "outcome": lambda: map_charts.by_outcome(points),
        "theme": lambda: map_charts.by_number(published.ask(map_data.theme_share, "travel"), "share", share=True),
        "date": lambda: map_charts.by_date(points["first_seen"], "day"),
    }[by]()
    return map_charts.user_map(points, layers, 500, dark=dark)


FIGURES: dict[str, Callable[[Published, bool], go.Figure]] = {
    "days": lambda p, dark: overview_charts.users_by_day(p.ask(overview.users_by_day), dark=dark),
    "sizes": lambda p, dark: overview_charts.cluster_sizes(p.ask(clusters.sizes), clusters.names(p), dark=dark),
    "over_index": lambda p, dark: profile_charts.over_index(
        profile.pick(p.ask(profile.facts, 1), "Pages"), "Pages", 80, dark=dark
    ),
    "outcome": lambda p, dark: profile_charts.outcome(
        p.ask(profile.outcomes).query("metric == 'purchase_rate'"), clusters.names(p), "Bought", 280, dark=dark
    ),
    "over_time": lambda p, dark: cluster_charts.size_over_time(
        p.ask(clusters.size_over_time), clusters.names(p), [1], dark=dark
    ),
    "flows": lambda p, dark: cluster_charts.flows(p.ask(clusters.flows, 28), clusters.names(p), 28, dark=dark),
    "journey": lambda p, dark: user_charts.journey(
        p.ask(user.events, "g1-0").assign(time="now"),
        [(key, "now") for key in p.ask(user.sessions, "g1-0")["session_key"]],
        dark=dark,
    ),
    "cluster_days": lambda p, dark: user_charts.cluster_days(
        p.ask(user.cluster_days, "g1-0"), clusters.names(p), dark=dark
    ),
    **{f"map_{by}": lambda p, dark, by=by: _map(p, by, dark) for by in ("cluster", "outcome", "theme", "date")},
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_units_n_and_hostile_names(published: Published, name: str, dark: bool) -> None:
    figure = FIGURES[name](published, dark)
    told = figure.to_dict()["layout"]
    assert "n = " in told["title"]["text"]
    for axis in ("xaxis", "yaxis"):
        shows = told.get(axis, {}).get("showticklabels", True) and name != "flows"
        labels = told.get(axis, {}).get("ticktext") or (
            name in {"sizes", "outcome", "cluster_days"} and axis == "yaxis"
        )
        assert not shows or labels or told[axis].get("title", {}).get("text"), f"the {axis} has no unit"
    content = json.dumps(figure.to_plotly_json(), default=str)
    for markup in ("<script", "<img", "<iframe", "<svg", "<a ", "<system"):
        assert markup not in content.lower()
    assert "\u202e" not in content
    assert figure.layout.paper_bgcolor is None and "rgba(0,0,0,0)" in str(figure.layout.template.layout.paper_bgcolor)


def test_a_clusters_color_is_its_own() -> None:
    looks = [(theme.color(key), theme.symbol(key)) for key in range(-1, 40)]
    assert len(set(looks)) == len(looks), "forty clusters can be told apart"
    assert len({theme.color(key) for key in range(12)}) == 12


@pytest.mark.parametrize("page", PAGES)
def test_contrast(page: str) -> None:
    ink = theme.ink(page == "dark")
    assert _contrast(ink["text"], PAGES[page]) >= 7 and _contrast(ink["quiet"], PAGES[page]) >= 4.5, "AA for text"
    for color in (*theme.PALETTE, theme.GREY, theme.OVER, theme.UNDER):
        assert _contrast(color, PAGES[page]) >= 2.0, color


def test_colors_differ_for_color_blind_eyes() -> None:
    for blind in (_PROTAN, _DEUTAN):
        for one, other in itertools.combinations(theme.PALETTE, 2):
            assert _distance(one, other, blind) > 30, (one, other)


def test_of_a_map_only_what_is_drawn_is_sent(published: Published) -> None:
    points = published.ask(map_data.points)
    layers = map_charts.by_cluster(points, clusters.names(published))
    assert sorted(itertools.chain.from_iterable(layer.rows.tolist() for layer in layers)) == list(range(280))
    for layer in layers:
        assert points["cluster_key"].iloc[layer.rows].nunique() == 1
    figure = map_charts.user_map(points, layers, 280, dark=False)
    assert "g1-0" not in figure.to_json(), "no key of a user is in the page before he is opened"
    assert "sample" not in figure.layout.title.text
    assert "a sample of 900" in map_charts.user_map(points, layers, 900, dark=False).layout.title.text


# Viénot, Brettel and Mollon 1999, on linear RGB
_PROTAN = ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0))
_DEUTAN = ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0))


def _linear(color: str) -> list[float]:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def _contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio."""
    light, dark = sorted(
        (sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), _linear(c), strict=True)) for c in (one, other)),
        reverse=True,
    )
    return (light + 0.05) / (dark + 0.05)


def _distance(one: str, other: str, blind: tuple[tuple[float, ...], ...]) -> float:
    """How far two colors are apart for such eyes, in steps of 255 a channel."""

    def seen(color: str) -> list[float]:
        linear = _linear(color)
        mixed = [max(sum(w * part for w, part in zip(row, linear, strict=True)), 0.0) for row in blind]
        return [255 * (12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055) for part in mixed]

    return sum((a - b) ** 2 for a, b in zip(seen(one), seen(other), strict=True)) ** 0.5


def _days(first: str, *users: int) -> pd.DataFrame:
    return pd.DataFrame({"event_date": pd.date_range(first, periods=len(users)), "users": users})


def _ticks(figure: go.Figure) -> list[str]:
    return [text.replace("<br>", " ") for text in figure.layout.xaxis.ticktext]


def test_one_day_is_one_tick_and_days_are_never_divided() -> None:
    day = pd.DataFrame({"event_date": [date(2026, 1, 5)], "cluster_key": [0]})
    figure = user_charts.cluster_days(day, {0: "Readers"}, dark=False)
    assert _ticks(figure) == ["5 Jan 2026"] and "n = 1 active day)" in figure.layout.title.text
    first, last = (pd.Timestamp(end) for end in figure.layout.xaxis.range)
    assert first < pd.Timestamp(2026, 1, 5) < last and last - first >= pd.Timedelta(days=1)
    figure = overview_charts.users_by_day(_days("2026-12-30", 1, 2, 1, 3), dark=False)
    assert _ticks(figure) == ["30 Dec 2026", "31 Dec", "1 Jan 2027", "2 Jan"], "each year is told where it begins"
    assert figure.layout.yaxis.dtick == 1, "no half users"
    figure = overview_charts.users_by_day(_days("2026-01-05", *[9] * 14), dark=False)
    assert _ticks(figure) == [f"{day} Jan" + " 2026" * (day == 5) for day in range(5, 19, 2)]
    assert overview_charts.users_by_day(_days("2026-01-05", *[9] * 40), dark=False).layout.xaxis.tickvals is None
    mondays = tuple(date(2026, 1, 5) + timedelta(days=7 * n) for n in range(12))
    bars = Bars("Revenue", tuple(map(str, mondays)), tuple(map(float, range(12))), mondays, "week", currency="EUR")
    figure = answer_bars(bars, dark=False)
    assert _ticks(figure) == ["5 Jan 2026", "19 Jan", "2 Feb", "16 Feb", "2 Mar", "16 Mar"], "weeks begin on Mondays"
    assert figure.layout.yaxis.title.text == "EUR"
    assert overview_charts.users_by_day(_days("2026-01-05"), dark=False).layout.xaxis.ticktext is None, "no day at all"


def test_weeks_that_are_not_whole_are_left_out_and_reported(serving: Path, tmp_path: Path) -> None:
    """From a Thursday to a Tuesday 18 weeks on: a first week of four days, a last one of two."""
    first, last = date(2026, 1, 1), date(2026, 5, 5)
    path = tmp_path / "serving.duckdb"
    path.write_bytes(serving.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """create or replace table beha2vec.cluster_history as
            select day::date as event_date, 'u' || user as user_key, 0 as cluster_key
            from generate_series(?::date, ?::date, interval 1 day) days(day), range(5) users(user)""",
            [first, last],
        )
    weeks = clusters.size_over_time(Published(path))
    assert weeks["days"].tolist() == [4, *[7] * 17, 2]
    figure = cluster_charts.size_over_time(weeks, {0: "Readers"}, [0], dark=False)
    assert [pd.Timestamp(week).date() for week in figure.data[0].x] == [
        date(2026, 1, 5) + timedelta(weeks=n) for n in range(17)
    ]
    assert set(figure.data[0].y) == {5}, "nothing falls"
    for shown in ("left out: the week of 29 Dec 2025, of which there is data of 4 days", "and the week of 4 May 2026"):
        assert shown in figure.layout.title.text
    daily = clusters.size_over_time(Published(serving))
    assert (daily["days"] == 1).all()
    assert "left out" not in cluster_charts.size_over_time(daily, {}, [0], dark=False).layout.title.text


@pytest.mark.parametrize(
    ("days", "columns", "said"),
    [
        (14, ["Last 7 days", "7 days before", "Change"], ""),
        (10, ["Last 7 days", "3 days before"], "Only 3 of the 7 days before have data: too few to compare."),
        (5, ["Last 7 days"], "Only 0 of the 7 days before have data: too few to compare."),
    ],
)
def test_a_week_before_that_is_not_whole_is_not_compared(
    serving: Path, tmp_path: Path, days: int, columns: list[str], said: str
) -> None:
    path = tmp_path / "serving.duckdb"
    path.write_bytes(serving.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "delete from beha2vec.cluster_history where event_date < date '2026-01-19' - ?::integer", [days]
        )
    week, note = overview.week_table(Published(path))
    assert list(week) == ["Cluster", *columns]
    assert note.startswith("The last 7 days are 12 Jan to 18 Jan 2026.") and note.endswith(said)


def test_a_chart_that_is_cut_says_so(published: Published) -> None:
    facts = profile.pick(published.ask(profile.facts, 1), "Pages").head(2)
    for times, is_cut in ((2.0, False), (20.0, True)):
        value = facts["population_value"] * times
        changed = facts.assign(value=value, interval_low=value, interval_high=value)
        title = profile_charts.over_index(changed, "Pages", 80, dark=False).layout.xaxis.title.text
        assert ("cut at 1/8 and 8×" in title) == is_cut
