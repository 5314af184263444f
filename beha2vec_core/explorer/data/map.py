"""The map of users: positions, what they are colored by, and groups drawn on it."""

import numpy as np
import pandas as pd

from beha2vec_core.audiences.area import Corners, inside_sql
from beha2vec_core.explorer.data import groups
from beha2vec_core.explorer.published import NothingYet, Published
from beha2vec_core.explorer.text import in_cell

# users to draw: few enough for a browser without a graphics card, and as many as one with a card draws smoothly
DRAWN = (10_000, 50_000, 200_000)
_MOST_THEMES = 40


def points(published: Published, most: int = DRAWN[0]) -> pd.DataFrame:
    """A row a user, at most ``most`` of them: user_key, cluster_key, x, y and short facts.

    Where there are more users it is a sample, always the same one: who is in it depends on the user_key alone. Facts:
    sessions, page_views, bought, days_ago (since the last session, at the end of the data), first_seen (a date).
    """
    _require_positions(published)
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


def map_version(published: Published) -> str:
    """Which map it is: after another one is laid out, places mean something else."""
    _require_positions(published)
    found = published.query("select any_value(cluster_model_version) as version from beha2vec.user_clusters_current")
    return str(found["version"].iloc[0])


def inside(published: Published, corners: Corners) -> list[str]:
    """The user_keys of all users within an area of the map, also of those a sample leaves out."""
    if len(corners) < 3:
        return []
    found = published.query(
        f"select user_key from beha2vec.user_clusters_current where {inside_sql(corners)} order by user_key"
    )
    return [str(key) for key in found["user_key"]]


def group_profile(published: Published, user_keys: tuple[str, ...]) -> pd.DataFrame:
    """The facts of a group beside all users: see `groups.facts_of_groups` and `groups.beside_all`."""
    if not user_keys:
        raise ValueError("a group has at least one user")
    with published.cursor() as cursor:
        cursor.register("chosen", pd.DataFrame({"user_key": user_keys}))
        facts = groups.facts_of_groups(published, cursor, groups.BESIDE_OTHERS)
    everybody = published.ask(users_on_map)
    is_sample = max(len(user_keys), everybody - len(user_keys)) > groups.MOST_COMPARED
    return groups.beside_all(published, facts, is_sample=is_sample)


def export(published: Published, user_keys: tuple[str, ...], names: dict[int, str]) -> bytes:
    """The group as CSV: user_key, cluster_key, cluster, what they did, revenue with its currency, and when (UTC)."""
    with published.cursor() as cursor:
        cursor.register("chosen", pd.DataFrame({"user_key": user_keys}))
        rows = cursor.execute(
            """select user_key, cluster_key, sessions, page_views, purchases, revenue, currency, first_seen_at,
                last_seen_at
            from chosen join beha2vec.user_clusters_current using (user_key)
            left join ga4.dim_ga4__users using (user_key) order by user_key"""
        ).df()
    rows.insert(2, "cluster", [in_cell(names.get(key, f"Cluster {key}")) for key in rows["cluster_key"]])
    return rows.to_csv(index=False).encode()


def _require_positions(published: Published) -> None:
    drawn = "select 1 from beha2vec.user_clusters_current where map_x is not null limit 1"
    if published.query(drawn).empty:
        raise NothingYet("places of users on the map", "user_clusters for all days")
