"""The ways through the site within a session, from page type to page type, of each cluster."""

import duckdb
import pandas as pd

from beha2vec_core.profiles.facts import count_facts, most_telling
from beha2vec_core.profiles.metrics import ENTRANCE, EXIT, UNKNOWN
from beha2vec_core.profiles.settings import ProfileSettings, ProfileSources

PATH_COLUMNS = ("cluster_key", "from_step", "to_step", "users", "share", "population_share", "lift")


def cluster_paths(
    connection: duckdb.DuckDBPyConnection,
    sources: ProfileSources | None = None,
    settings: ProfileSettings | None = None,
) -> pd.DataFrame:
    """The graph of page types in each cluster; columns ``PATH_COLUMNS``.

    A step is two page views of a session that follow each other; sessions begin at ``(entrance)`` and end at
    ``(exit)``. ``users`` made the step at least once, ``share`` is theirs among all users of the cluster. Of all steps
    those stay that are in some cluster among the ``top_features`` by share or by z (`facts.most_telling`).

    Args:
        connection: an open DuckDB connection; it may be read-only.
        sources: ``users_in_clusters`` is read, and ``steps``, or without them ``page_views`` and ``pages``.
    """
    sources, settings = sources or ProfileSources(), settings or ProfileSettings()
    sizes = connection.execute(
        f"select cluster_key, count(*) as users from {sources.users_in_clusters} group by all order by 1"
    ).df()
    counts = connection.execute(
        f"""
        select cluster_key, from_step, to_step, users from {steps_of(sources)}
        qualify sum(users) over (partition by from_step, to_step) >= ?
        order by all
        """,
        [settings.min_support],
    ).df()
    if counts.empty:
        return pd.DataFrame(columns=list(PATH_COLUMNS))
    names = counts["from_step"] + "\n" + counts["to_step"]
    facts = count_facts(
        "path",
        "path",
        counts.assign(feature=names),
        sizes.set_index("cluster_key")["users"],
        prior_users=settings.prior_users,
        confidence=settings.confidence,
    )
    facts = most_telling(facts, settings.top_features)
    facts = facts[facts["support"] > 0]
    steps = facts["feature"].str.split("\n", n=1, expand=True)
    table = facts.assign(
        from_step=steps[0],
        to_step=steps[1],
        users=facts["support"].astype("int64"),
        share=facts["value"],
        population_share=facts["population_value"],
    )
    return table.sort_values(["cluster_key", "from_step", "to_step"], ignore_index=True)[list(PATH_COLUMNS)]


def steps_of(sources: ProfileSources) -> str:
    """SQL of a relation: how many users of each cluster made each step; cluster_key, from_step, to_step, users."""
    return (
        sources.steps
        or f"""(
        with clustered as (
            select user_key, cluster_key, (row_number() over ())::integer as number from {sources.users_in_clusters}
        ), views as materialized (
            select u.cluster_key, u.number, coalesce(p.page_type, '{UNKNOWN}') as page_type,
                case when v.is_exit then '{EXIT}' when v.next_page_key is not null
                    then coalesce(n.page_type, '{UNKNOWN}') end as next,
                bool_or(v.is_entrance) as is_entrance
            from {sources.page_views} as v
            join clustered as u on u.user_key = v.user_key
            left join {sources.pages} as p on p.page_key = v.page_key
            left join {sources.pages} as n on n.page_key = v.next_page_key
            where v.session_key is not null and v.page_key is not null
            group by 1, 2, 3, 4
        ), steps as (
            select cluster_key, page_type as from_step, next as to_step from views where next is not null
            union all
            select cluster_key, '{ENTRANCE}', page_type
            from (select distinct cluster_key, number, page_type from views where is_entrance)
        )
        select cluster_key, from_step, to_step, count(*) as users from steps group by all)"""
    )
