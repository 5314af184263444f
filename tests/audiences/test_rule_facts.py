"""Look-alikes, facts and areas of the map in rules: the same users as by hand, and mistakes named."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

from beha2vec_core.audiences.area import MOST_CORNERS, as_text, inside_sql, read_area, simplified
from beha2vec_core.audiences.file import Audience, AudienceError
from beha2vec_core.audiences.rule import audience_sql, audience_table
from beha2vec_core.lookalikes import rank
from tests.audiences.audience_world import USERS, add_behavior, make_world

TOP = Audience(name="top", rule="purchases = 4 and cluster = 0")


@pytest.fixture(scope="module")
def world() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        make_world(connection)
        add_behavior(connection)
        yield connection


def _members(world: duckdb.DuckDBPyConnection, rule: str, *others: Audience, strict: bool = True) -> list[int]:
    table = audience_table(world, Audience(name="tested", rule=rule), others, strict=strict)
    found = world.execute(f"select user_key from {table} order by all").fetchall()
    return [int(key[1:]) for (key,) in found]


def _nearest(world: duckdb.DuckDBPyConnection, seeds: set[int], most: int) -> list[int]:
    """By hand, in numpy."""
    found = world.execute(
        "select identity from beha2vec.user_embeddings_current where not low_evidence order by user_key"
    ).fetchall()
    vectors = np.array([vector for (vector,) in found])
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    numbers = np.arange(len(vectors))
    scores = units @ units[[n for n in numbers if n in seeds]].mean(axis=0)
    others = [n for n in np.lexsort((numbers, -scores)) if n not in seeds]
    return sorted(int(n) for n in others[:most])


def test_a_dimension_of_the_semantic_layer_selects_those_with_such_a_session(world: duckdb.DuckDBPyConnection) -> None:
    seen = {n: n % 60 for n in range(USERS)}  # days since the last session
    assert _members(world, "sessions_with('channel', 'Organic Search', 28) > 0") == [
        n for n in range(USERS) if n % 2 == 0 and seen[n] < 28
    ]
    assert _members(world, "sessions_with('channel', 'Email', 400) = 2") == [n for n in range(USERS) if n % 3 == 2]
    assert _members(world, "orders_with('item_category', 'Women''s shoes', 7) > 0") == [
        n for n in range(USERS) if n % 5 and n % 4 == 0 and seen[n] < 7
    ]
    assert _members(world, "orders_with('channel', 'Organic Search', 400) = 1 and cluster = 0") == [
        n for n in range(USERS) if n % 5 and n % 4 == 0
    ]
    assert _members(world, "sessions_with('page_type', 'list', 400) >= 3") == [
        n for n in range(USERS) if n % 4 < 2 and n % 3 == 2
    ], "sessions with such a page"


def test_unknown_dimensions_and_values_are_named(world: duckdb.DuckDBPyConnection) -> None:
    for rule, message in (
        (
            "channel = 'Email'",
            "channel is not known of users, but of visits: write sessions_with('channel', '...'",
        ),
        ("item_category = 'Bags'", "write orders_with('item_category', '...', 28) > 0"),
        ("sessions_with('chanel', 'Email', 28) > 0", "there is no dimension chanel; did you mean channel"),
        ("sessions_with('item', 'Bags', 28) > 0", "there is no dimension item"),
        ("sessions_with('user', 'u0001', 28) > 0", "there is no dimension user"),
        ("sessions_with('channel', 'E-mail', 28) > 0", "there is no value E-mail; did you mean Email"),
        ("sessions_with('channel', 'Email') > 0", "write sessions_with(dimension, value, days)"),
    ):
        with pytest.raises(AudienceError) as error:
            _members(world, rule)
        assert message in str(error.value)
    assert _members(world, "sessions_with('channel', 'gone', 28) > 0", strict=False) == [], "as at night"
    with pytest.raises(AudienceError, match="no dimension chanel"):
        _members(world, "sessions_with('chanel', 'Email', 28) > 0", strict=False)


@pytest.mark.parametrize("most", [1, 37, 500])
def test_those_similar_to_an_audience_are_the_nearest_to_its_average(
    world: duckdb.DuckDBPyConnection, most: int
) -> None:
    seeds = {n for n in range(USERS) if n % 5 == 4 and n % 4 == 0}
    found = _members(world, f"similar_to_audience('top', {most})", TOP)
    assert found == _nearest(world, seeds, most)
    assert len(found) == most and not set(found) & seeds and max(found) < USERS - 10, "of too little evidence"
    ranked = rank(world, [f"u{n:04}" for n in seeds], "centroid", limit=most)
    assert found == sorted(int(key[1:]) for key in ranked["user_key"]), "as the page Look-alikes ranks them"


def test_those_similar_to_a_cluster_with_other_conditions(world: duckdb.DuckDBPyConnection) -> None:
    near = _nearest(world, {n for n in range(USERS) if n % 4 == 3}, 200)
    assert _members(world, "similar_to_cluster(3, 200) and purchases > 0") == [n for n in near if n % 5]
    assert _members(world, "not similar_to_cluster(3, 200)") == sorted(set(range(USERS)) - set(near))
    assert len(_members(world, "similar_to_cluster(3, 1000000)")) == 750 - len(
        [n for n in range(990, 1000) if n % 4 < 3]
    )


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("user_fact('engagement_time') >= 500", lambda n: n >= 500),
        ("user_fact('error_page_views') = 3", lambda n: n % 2 and n % 3 == 2),
        ("user_fact('return_share') = 1", lambda n: n % 3 > 0),
        ("user_fact('furthest_step') = 2", lambda n: n < 300),
        ("user_fact('add_to_cart_share') = 1 and user_fact('reached_cart_share') = 1", lambda n: n < 300),
        ("user_fact('recency') between 3 and 5", lambda n: 3 <= n % 60 <= 5),
        # asked of those whose first day is at least a week ago; the others are neither true nor false
        ("user_fact('churn_rate') = 1", lambda n: n % 60 >= 7),
        ("user_fact('churn_rate') is null", lambda n: n % 60 + n % 3 < 7),
        ("cluster_fact('purchase_rate') > 0.3 and purchases = 0", lambda n: n % 4 == 1 and n % 5 == 0),
        ("cluster_fact('purchase_rate') is null", lambda n: n % 4 > 1),
        ("cluster_share('theme_view_share', 'offers') < 0.5", lambda n: n % 4 == 0),
        ("on_map('c', '0.5 0.5, 3.5 0.5, 3.5 2.5, 0.5 2.5')", lambda n: 1 <= n % 40 <= 3 and 1 <= n // 40 <= 2),
    ],
)  # fmt: skip
def test_facts_and_areas_select_whom_they_describe(
    world: duckdb.DuckDBPyConnection, fact: str, expected: object
) -> None:
    assert _members(world, fact) == [n for n in range(USERS) if expected(n)]  # type: ignore[operator]


def test_a_number_of_users_has_the_value_that_profiles_measure(world: duckdb.DuckDBPyConnection) -> None:
    """Against SQL written by hand."""
    by_hand = world.execute(
        """select user_key from ga4.fct_ga4__sessions group by user_key
        having sum(error_page_views) > 0 and date '2026-03-29' - max(session_date) < 10 order by user_key"""
    ).fetchall()
    found = _members(world, "user_fact('error_page_user_share') = 1 and user_fact('recency') < 10")
    assert found == [int(key[1:]) for (key,) in by_hand] and found


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("similar_to_audience('tops', 5)", "there is no audience 'tops'; did you mean top?"),
        ("similar_to_audience('tested', 5)", "contains itself: tested"),
        ("similar_to_audience('nobody', 5)", "none of them has a reliable vector"),
        ("similar_to_audience('top')", "write similar_to_audience(audience, users)"),
        ("similar_to_audience('top', 2000000)", "users is a whole number up to 1,000,000"),
        ("similar_to_cluster(7, 5)", "there is no cluster 7; choose from 0, 1, 2, 3"),
        ("similar_to('top', 5)", "similar_to(...) is not a function of rules; did you mean similar_to_"),
        ("user_fact('recncy') > 1", "there is no fact recncy; did you mean recency?"),
        ("user_fact('revenue') > 1", "there is no fact revenue"),
        ("user_fact('recency\" from x') > 1", "there is no fact"),
        ("cluster_fact('purchase_rat') > 1", "did you mean purchase_rate?"),
        ("cluster_share('theme_view_share', 'offer') > 1", "there is no feature offer; did you mean offers?"),
        ("on_map('b', '1 2, 3 4, 5 6')", "was drawn on an earlier map; draw it again"),
        ("on_map('c', '1 2, 3 4')", "an area is 3 to 60 corners"),
        ("on_map('c', '1 2, 3 4, 5 6) or true --')", "an area is 3 to 60 corners"),
    ],
)
def test_a_mistake_is_named(world: duckdb.DuckDBPyConnection, rule: str, message: str) -> None:
    nobody = Audience(name="nobody", rule="purchases > 100")
    for strict in (True, False):  # also at night: the members stay as they were
        with pytest.raises(AudienceError) as error:
            _members(world, rule, TOP, nobody, Audience(name="tested", rule=rule), strict=strict)
        assert message in str(error.value)


def test_a_long_area_is_short_among_the_reasons(world: duckdb.DuckDBPyConnection) -> None:
    angles = np.linspace(0, 2 * np.pi, 50)
    area = as_text(simplified(20 + 9 * np.cos(angles), 12 + 9 * np.sin(angles)))
    query = audience_sql(world, Audience(name="tested", rule=f"on_map('c', '{area}')"))
    ((why, users),) = world.execute(f"select any_value(why), count(*) from ({query}) where is_member").fetchall()
    assert len(why) < 100 and why.endswith("… = true") and users > 200


_places = st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30)), min_size=3, max_size=200)


@given(_places)
def test_an_area_is_the_same_as_text_and_holds_what_matplotlib_finds_within(
    world: duckdb.DuckDBPyConnection, places: list[tuple[float, float]]
) -> None:
    corners = simplified(*zip(*places, strict=True))
    assert len(corners) <= MOST_CORNERS
    if len(corners) < 3:
        return
    assert read_area(as_text(corners)) == corners
    rng = np.random.default_rng(1)
    points = rng.uniform(-30, 30, (200, 2))
    world.register("points", pd.DataFrame(points, columns=["map_x", "map_y"]))
    found = world.execute(f"select {inside_sql(corners)} from points").fetchnumpy()
    within = next(iter(found.values()))
    assert (within == Path(corners).contains_points(points)).mean() > 0.99  # rounding beside a side


def test_a_drawn_line_keeps_its_shape() -> None:
    angles = np.linspace(0, 2 * np.pi, 900)
    corners = simplified(10 * np.cos(angles), 10 * np.sin(angles))
    assert len(corners) == MOST_CORNERS
    distances = np.hypot(*np.array(corners).T)
    assert distances.min() > 9.9
    square = simplified([0, 1, 2, 2, 2, 1, 0, 0, 0], [0, 0, 0, 1, 2, 2, 2, 1, 0])
    assert sorted(square) == [(0, 0), (0, 2), (2, 0), (2, 2)]
