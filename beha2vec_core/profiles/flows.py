"""Over time: who came into each cluster and left it lately, and the transition matrix between clusters."""

from typing import NamedTuple

import duckdb
import pandas as pd

from beha2vec_core.profiles import statistics
from beha2vec_core.profiles.facts import count_facts, total_facts
from beha2vec_core.profiles.settings import ProfileSettings, ProfileSources

TRANSITION_COLUMNS = ("from_cluster", "to_cluster", "users", "share", "interval_low", "interval_high")
_PARTS = 10**12  # a share in whole parts, which add up to the same in any order


class Standings(NamedTuple):
    """Users by the cluster they are in now, were in one period ago and two; -2 is none: not seen yet."""

    users: pd.DataFrame  # now, before, earlier, users
    has_before: bool  # the history reaches that far
    has_earlier: bool


def standings(connection: duckdb.DuckDBPyConnection, history: str, period_days: int) -> Standings:
    """Where users stand at the end of the history, ``period_days`` before it and as many before that.

    A user is in the cluster of their latest active day.
    """
    users = connection.execute(f"""
        with data as (select max(event_date)::date as last_day from {history}),
        standing as (
            select user_key,
                max_by(cluster_key, event_date) as now,
                max_by(cluster_key, event_date) filter (event_date <= last_day - {period_days}) as before,
                max_by(cluster_key, event_date) filter (event_date <= last_day - 2 * {period_days}) as earlier
            from {history} cross join data group by user_key
        )
        select now, coalesce(before, -2) as before, coalesce(earlier, -2) as earlier, count(*) as users
        from standing group by all order by all
    """).df()
    return Standings(users, bool((users["before"] != _NOWHERE).any()), bool((users["earlier"] != _NOWHERE).any()))


def movement_facts(
    moved: Standings, sizes: "pd.Series[int]", *, prior_users: float, confidence: float
) -> list[pd.DataFrame]:
    """Inflow and outflow of the last period, the same of the period before it, and both as shares.

    Args:
        moved: see `standings`; facts of a period that the history does not reach are left out.
        sizes: users by cluster_key; its clusters get facts.
        prior_users: see `statistics.log_odds_z`.
    """
    facts: list[pd.DataFrame] = []

    def users(rows: "pd.Series[bool]", by: str) -> "pd.Series[int]":
        counted = moved.users[rows].groupby(by)["users"].sum()
        return counted.reindex(sizes.index, fill_value=0).rename_axis("cluster_key")

    def share(metric: str, counts: "pd.Series[int]", asked: "pd.Series[int]") -> pd.DataFrame:
        asked = asked[asked > 0]
        rows = counts[asked.index].rename("users").reset_index()
        return count_facts(metric, metric, rows, asked, prior_users=prior_users, confidence=confidence)

    now, before, earlier = (moved.users[column] for column in ("now", "before", "earlier"))
    if moved.has_before:
        came, left = users(now != before, "now"), users(now != before, "before")
        facts += [
            total_facts("users_before", users(before != _NOWHERE, "before")),
            total_facts("inflow", came),
            total_facts("outflow", left),
            share("inflow_share", came, users(now != _NOWHERE, "now")),
            share("outflow_share", left, users(before != _NOWHERE, "before")),
        ]
    if moved.has_earlier:
        changed = (before != _NOWHERE) & (before != earlier)
        facts += [
            total_facts("inflow_before", users(changed, "before")),
            total_facts("outflow_before", users(changed, "earlier")),
        ]
    return facts


def cluster_transitions(
    connection: duckdb.DuckDBPyConnection,
    sources: ProfileSources | None = None,
    settings: ProfileSettings | None = None,
) -> pd.DataFrame:
    """From the cluster of a user's active day to that of the next one; columns ``TRANSITION_COLUMNS``.

    ``users`` made the step at least once in the last ``flow_days``. ``share`` says where the users of ``from_cluster``
    were next: each weighs the same, however often they were there, so the shares of a cluster sum to 1. Its Wilson
    interval takes the users as drawn one by one, which is on the careful side where they went different ways at
    different times. ``from_cluster`` is null for a user's first day.

    Args:
        connection: an open DuckDB connection; it may be read-only.
        sources: ``history`` is read.
        settings: flow_days and confidence.
    """
    history, settings = (sources or ProfileSources()).history, settings or ProfileSettings()
    steps = connection.execute(f"""
        with steps as (
            select user_key, event_date, cluster_key as to_cluster,
                lag(cluster_key) over (partition by user_key order by event_date) as from_cluster
            from {history}
        ), of_user as (
            select user_key, from_cluster, to_cluster, count(*) as steps from steps
            where event_date > (select max(event_date)::date - {settings.flow_days} from {history})
            group by all
        ), parts as (
            select from_cluster, to_cluster,
                round({_PARTS} * steps / sum(steps) over (partition by user_key, from_cluster))::bigint as part
            from of_user
        )
        select from_cluster::integer as from_cluster, to_cluster::integer as to_cluster, count(*) as users,
            sum(part)::double / {_PARTS} as shares
        from parts group by all order by from_cluster nulls first, to_cluster
    """).df()
    leavers = steps.groupby("from_cluster", dropna=False)["shares"].transform("sum")
    low, high = statistics.wilson_interval(steps["shares"], leavers, confidence=settings.confidence)
    steps = steps.assign(share=steps["shares"] / leavers, interval_low=low, interval_high=high)
    steps["from_cluster"] = steps["from_cluster"].astype("Int32")
    return steps[list(TRANSITION_COLUMNS)]


_NOWHERE = -2
