"""The map of users: positions, what they are coloured by, and groups drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from beha2vec_core.explorer.published import NothingYet, Published
from beha2vec_core.explorer.text import shown
from beha2vec_core.profiles import WAREHOUSE, ProfileSettings, build_profiles

# users to draw: few enough for a browser without a graphics card, and as many as one with a card draws smoothly
DRAWN = (10_000, 50_000, 200_000)
_MOST_THEMES = 40
_POSITIONS = "map_x", "map_y"
_GROUP, _OTHERS = 0, 1
MOST_COMPARED = 4_000  # of a group, and of all others: more is slow and adds little
_SOURCES_READ = ("users", "sessions", "page_views", "pages", "events", "event_items", "identities", "funnel_sessions")


def points(published: Published, most: int = DRAWN[0]) -> pd.DataFrame:
    """A row a user, at most ``most`` of them: user_key, cluster_key, x, y and short facts.

    Where there are more users it is a sample, always the same one: who is in it depends on the user_key alone. Facts:
    sessions, page_views, bought, days_ago (since the last session, at the end of the data), first_seen (a date).
    """
    _require_positions(published)
    published.require("ga4.dim_ga4__users", "facts of users", "dim_ga4__users")
    return published.query(
        """with sample as (
            select user_key, cluster_key, map_x::float as x, map_y::float as y
            from beha2vec.user_clusters_current where map_x is not null
            order by hash(user_key) limit $most),
        latest as (select max(last_seen_at) as moment from ga4.dim_ga4__users)
        select user_key, cluster_key, x, y, coalesce(sessions, 0)::integer as sessions,
            coalesce(page_views, 0)::integer as page_views, coalesce(purchases > 0, false) as bought,
            coalesce(date_diff('day', last_seen_at, moment), 0)::integer as days_ago,
            first_seen_at::date as first_seen
        from sample left join ga4.dim_ga4__users using (user_key), latest
        order by cluster_key, hash(user_key)""",
        {"most": most},
    )


def users_on_map(published: Published) -> int:
    """How many users have a position, drawn or not."""
    _require_positions(published)
    found = published.query("select count(map_x) as users from beha2vec.user_clusters_current")
    return int(found["users"].iloc[0])


def themes(published: Published) -> list[str]:
    """Themes of viewed pages, the most viewed first; at most 40."""
    published.require("beha2vec.enriched_pages", "themes of pages", "enriched_pages", "theme")
    published.require("ga4.fct_ga4__page_views", "page views", "fct_ga4__page_views")
    found = published.query(
        f"""select theme from ga4.fct_ga4__page_views join beha2vec.enriched_pages using (page_key)
        where theme is not null group by theme order by count(*) desc, theme limit {_MOST_THEMES}"""
    )
    return [str(theme) for theme in found["theme"]]


def theme_share(published: Published, theme: str, most: int = DRAWN[0]) -> pd.Series:
    """The share of each drawn user's page views that are about the theme (0 to 1), in the order of `points`."""
    users = published.ask(points, most)[["user_key"]]
    with published.cursor() as cursor:
        cursor.register("drawn", users)
        found = cursor.execute(
            """select user_key, count(*) filter (theme = $theme) / count(*) as share
            from ga4.fct_ga4__page_views semi join drawn using (user_key)
            left join beha2vec.enriched_pages using (page_key)
            where page_key is not null group by user_key having share > 0""",
            {"theme": theme},
        ).df()
    share = users["user_key"].map(found.set_index("user_key")["share"])
    return share.fillna(0.0).astype(np.float32)


def inside(published: Published, xs: Sequence[float], ys: Sequence[float]) -> list[str]:
    """The user_keys of all users within a polygon on the map, also of those a sample leaves out."""
    from matplotlib.path import Path

    if len(xs) < 3:
        return []
    near = published.query(
        """select user_key, map_x, map_y from beha2vec.user_clusters_current
        where map_x between $left and $right and map_y between $bottom and $top order by user_key""",
        {"left": min(xs), "right": max(xs), "bottom": min(ys), "top": max(ys)},
    )
    within = Path(np.column_stack([xs, ys])).contains_points(near[list(_POSITIONS)].to_numpy())
    return [str(key) for key in near["user_key"][within]]


def group_profile(published: Published, user_keys: tuple[str, ...]) -> pd.DataFrame:
    """The facts of a group beside all users, as `profiles.build_profiles` makes them for a cluster (here of key 0).

    Facts of single pages, items and events are left out: they take as long as all others.

    Of more than `MOST_COMPARED` users in the group, or others, it takes a sample, always the same one. Values of all
    users are then those of cluster_profiles, and features that it lacks are left out.
    """
    if not user_keys:
        raise ValueError("a group has at least one user")
    for name in _SOURCES_READ:
        table = getattr(WAREHOUSE, name)
        published.require(table, "facts of users", table.split(".")[-1])
    with published.cursor() as cursor:
        cursor.register("chosen", pd.DataFrame({"user_key": user_keys}))
        cursor.execute(
            f"""create temp table users_in_clusters as
            select user_key, case when chosen.user_key is null then {_OTHERS} else {_GROUP} end as cluster_key
            from beha2vec.user_clusters_current left join chosen using (user_key)
            qualify row_number() over (partition by chosen.user_key is null order by hash(user_key)) <= $most""",
            {"most": MOST_COMPARED},
        )
        # who is in a group does not change from day to day
        cursor.execute("create temp table no_history as select * from beha2vec.cluster_history limit 0")
        predictions = WAREHOUSE.predictions if published.has(str(WAREHOUSE.predictions)) else None
        sources = replace(
            WAREHOUSE, users_in_clusters="users_in_clusters", history="no_history", predictions=predictions
        )
        settings = ProfileSettings(with_single_features=False)
        facts = build_profiles(cursor, sources, settings)
    facts = facts[facts["cluster_key"] == _GROUP].reset_index(drop=True)
    everybody = published.ask(users_on_map)
    is_sample = max(len(user_keys), everybody - len(user_keys)) > MOST_COMPARED
    return _beside_everybody(published, facts) if is_sample else facts


def _beside_everybody(published: Published, facts: pd.DataFrame) -> pd.DataFrame:
    published.require("beha2vec.cluster_profiles", "facts of clusters", "cluster_profiles")
    known = published.query(
        """select metric, feature, any_value(population_value) as population_value from beha2vec.cluster_profiles
        group by 1, 2 limit 20000"""
    )
    found = facts.drop(columns="population_value").merge(known, on=["metric", "feature"])
    return found.assign(lift=found["value"] / found["population_value"].where(found["population_value"] > 0))


def export(published: Published, user_keys: tuple[str, ...], names: dict[int, str]) -> bytes:
    """The group as CSV: user_key, cluster_key, cluster, sessions, page_views, purchases, revenue, first and last seen.

    Beside revenue stands its currency, where the publication knows it. Moments are UTC, as in the database.
    """
    revenue = "revenue, currency" if published.has("ga4.dim_ga4__users", "currency") else "revenue"
    with published.cursor() as cursor:
        cursor.register("chosen", pd.DataFrame({"user_key": user_keys}))
        rows = cursor.execute(
            f"""select user_key, cluster_key, sessions, page_views, purchases, {revenue}, first_seen_at, last_seen_at
            from chosen join beha2vec.user_clusters_current using (user_key)
            left join ga4.dim_ga4__users using (user_key) order by user_key"""
        ).df()
    rows.insert(2, "cluster", [_cell(names.get(key, f"Cluster {key}")) for key in rows["cluster_key"]])
    return rows.to_csv(index=False).encode()


def _cell(text: str) -> str:
    """A text that a spreadsheet takes for no formula."""
    plain = shown(text)
    return f"'{plain}" if plain[:1] in ("=", "+", "-", "@") else plain


def _require_positions(published: Published) -> None:
    what, asset = "places of users on the map", "user_clusters for all days"
    published.require("beha2vec.user_clusters_current", what, asset, *_POSITIONS)
    found = published.query("select 1 from beha2vec.user_clusters_current where map_x is not null limit 1")
    if found.empty:
        raise NothingYet(what, asset)
