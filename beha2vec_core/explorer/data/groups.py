"""Two groups of users side by side, by the facts that profiles know."""

from dataclasses import replace

import duckdb
import pandas as pd

from beha2vec_core.explorer.published import Published
from beha2vec_core.profiles import WAREHOUSE, ProfileSettings, build_profiles

MOST_COMPARED = 4_000  # of each group: more is slow and adds little
FIRST, SECOND = 0, 1
_SOURCES_READ = ("users", "sessions", "page_views", "pages", "events", "event_items", "identities", "funnel_sessions")
# a group beside all others, from a table ``chosen`` of user_key
BESIDE_OTHERS = f"""select user_key, case when chosen.user_key is null then {SECOND} else {FIRST} end as cluster_key
    from beha2vec.user_clusters_current left join chosen using (user_key)"""


def facts_of_groups(published: Published, cursor: duckdb.DuckDBPyConnection, groups: str) -> pd.DataFrame:
    """The facts of two groups, as `profiles.build_profiles` makes them for clusters; all users are those of both.

    Facts of single pages, items and events are left out: they take as long as all others. Of more than `MOST_COMPARED`
    users in a group it takes a sample, always the same one.

    Args:
        cursor: of it, with the tables that ``groups`` reads.
        groups: SQL of user_key and cluster_key, `FIRST` or `SECOND`; of users with a vector.
    """
    for name in _SOURCES_READ:
        published.require(getattr(WAREHOUSE, name))
    cursor.execute(
        f"""create or replace temp table users_in_groups as from ({groups})
        qualify row_number() over (partition by cluster_key order by hash(user_key)) <= $most""",
        {"most": MOST_COMPARED},
    )
    # who is in a group does not change from day to day
    cursor.execute("create or replace temp table no_history as select * from beha2vec.cluster_history limit 0")
    sources = replace(WAREHOUSE, users_in_clusters="users_in_groups", history="no_history")
    return build_profiles(cursor, sources, ProfileSettings(with_single_features=False))


def beside_all(published: Published, facts: pd.DataFrame, *, is_sample: bool) -> pd.DataFrame:
    """The facts of the first group beside all users.

    Where they are of a sample, values of all users are those of cluster_profiles, and features that it lacks are left
    out.
    """
    found = facts[facts["cluster_key"] == FIRST].reset_index(drop=True)
    if not is_sample:
        return found
    known = published.query(
        """select metric, feature, any_value(population_value) as population_value from beha2vec.cluster_profiles
        group by 1, 2 limit 20000"""
    )
    return _with_others(found, known)


def beside_second(facts: pd.DataFrame) -> pd.DataFrame:
    """The facts of the first group beside the second: its values are in population_value."""
    second = facts.loc[facts["cluster_key"] == SECOND, ["metric", "feature", "value"]]
    return _with_others(facts[facts["cluster_key"] == FIRST], second.rename(columns={"value": "population_value"}))


def _with_others(found: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The facts with other values to compare with; those without any are left out."""
    merged = found.drop(columns="population_value").merge(others, on=["metric", "feature"])
    lift = merged["value"] / merged["population_value"].where(merged["population_value"] > 0)
    return merged.assign(lift=lift.where(merged["lift"].notna()))
