"""From idle to buying: what those who became buyers had done before, beside matched users who did not."""

from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd

from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.profiles import statistics
from beha2vec_core.profiles.metrics import NOT_SET, UNKNOWN
from beha2vec_core.profiles.settings import ProfileSettings, ProfileSources
from beha2vec_core.profiles.text import UNFILLED

BUYING_COLUMNS = (
    "kind",  # page, page_type or event
    "feature",
    "movers",  # matched movers who had done it before they moved
    "movers_share",
    "matched_share",  # of the users who stayed, weighted to the movers' strata
    "lift",
    "z",
    "q_value",
    "significant",
    "support",  # movers and matched users who had done it
)
# Mantel and Fleiss 1980: with fewer users to be expected either way the normal distribution is no guide
_MANTEL_FLEISS = 5.0


class BuyingPaths(NamedTuple):
    """The rows (``BUYING_COLUMNS``), how many users are behind them, and a sentence on how they came about."""

    rows: pd.DataFrame
    movers: int
    matched: int
    note: str


def buying_paths(
    connection: duckdb.DuckDBPyConnection,
    sources: ProfileSources | None = None,
    settings: ProfileSettings | None = None,
) -> BuyingPaths:
    """Pages, page types and events over-represented before users became buyers. An association, never a cause.

    A buying cluster is one whose purchase rate is over the population's with its whole interval. A mover was active in
    other clusters first, and then, on the day of the move, came into a buying cluster or made a first purchase; what
    counts is what they did on the days before, so neither the purchase nor the visit that led to it. A user who stayed
    was never in a buying cluster and never bought; their day is the middle one of their active days after the first. On
    the day before, both were in a cluster, not among those of too little evidence.

    Matching is exact on coarsened values (Iacus, King and Porro 2012), as of the day: the number of events before it
    and the days since the user was first seen, each to the power of two below, and device and channel group of the
    first session. All who stayed in a stratum with a mover count, in the movers' proportions; movers without a match
    are left out. z is Cochran's, Mantel's and Haenszel's over the strata, with correction for continuity.

    Args:
        connection: an open DuckDB connection; temporary tables are made and dropped.
        settings: min_movers, min_support, top_features (of a kind) and confidence.
    """
    sources, settings = sources or ProfileSources(), settings or ProfileSettings()
    buying = _buying_clusters(connection, sources, settings.confidence)
    try:
        _make_cohort(connection, sources, buying)
        strata = connection.execute("""
            select stratum, count(*) filter (is_mover) as movers, count(*) filter (not is_mover) as stayed
            from profile_cohort group by all order by stratum
        """).df()
        matched = strata[(strata["movers"] > 0) & (strata["stayed"] > 0)]
        movers, stayed = int(matched["movers"].sum()), int(matched["stayed"].sum())
        if movers < settings.min_movers:
            note = (
                f"{int(strata['movers'].sum())} users became buyers after days without buying, {movers} of them have a "
                f"match among those who did not: fewer than {settings.min_movers}, too few to compare"
            )
            return BuyingPaths(pd.DataFrame(columns=list(BUYING_COLUMNS)), movers, stayed, note)
        counts = _had_before(connection, sources, settings.min_support)
    finally:
        for table in ("profile_turns", "profile_events_before", "profile_cohort"):
            connection.execute(f"drop table if exists {table}")
    rows = _compare(counts, matched, settings)
    clusters = ", ".join(map(str, buying)) or "none"
    note = (
        f"{movers} users who became buyers beside {stayed} like them who did not (buying clusters: {clusters}); an "
        "association, not a cause"
    )
    return BuyingPaths(rows, movers, stayed, note)


def _buying_clusters(connection: duckdb.DuckDBPyConnection, sources: ProfileSources, confidence: float) -> list[int]:
    rates = connection.execute(f"""
        select c.cluster_key, count(*) as users, count(*) filter (u.purchases > 0) as buyers
        from {sources.users_in_clusters} as c join {sources.users} as u on u.user_key = c.user_key
        group by all order by 1
    """).df()
    low, _ = statistics.wilson_interval(rates["buyers"], rates["users"], confidence=confidence)
    over = (low > rates["buyers"].sum() / max(rates["users"].sum(), 1)) & (rates["cluster_key"] != TOO_LITTLE_EVIDENCE)
    return [int(key) for key in rates.loc[over, "cluster_key"]]


def _make_cohort(connection: duckdb.DuckDBPyConnection, sources: ProfileSources, buying: list[int]) -> None:
    """profile_cohort: user_key, is_mover, day (what is before it counts), stratum; and profile_events_before."""
    connection.execute(
        f"""
        create or replace temp table profile_turns as
        with days as (
            select user_key, event_date::date as event_date,
                list_contains($buying::integer[], cluster_key) as is_buying,
                lag(cluster_key) over (partition by user_key order by event_date) as cluster_before
            from {sources.history}
        ), first_purchases as (
            select user_key, min(event_date)::date as day from {sources.purchases} group by user_key
        ), turns as (
            select user_key, min(d.event_date) as first_day,
                least(min(d.event_date) filter (d.is_buying), any_value(p.day)) as turn
            from days as d left join first_purchases as p using (user_key) group by user_key
        )
        select user_key, true as is_mover, any_value(turn) as day, any_value(first_day) as first_day
        from {sources.history} join turns using (user_key)
        where event_date < turn group by user_key
        having max_by(cluster_key, event_date) <> {TOO_LITTLE_EVIDENCE}
        union all
        select user_key, false, list_sort(list(event_date))[(count(*) + 1) // 2], any_value(first_day)
        from days join turns using (user_key)
        where turn is null and cluster_before <> {TOO_LITTLE_EVIDENCE}
        group by user_key
        """,
        {"buying": buying},
    )
    connection.execute(f"""
        create or replace temp table profile_events_before as
        select user_key, event_name, count(*) as events
        from {sources.events} as e join profile_turns as t using (user_key) where e.event_date < t.day group by all
    """)
    connection.execute(f"""
        create or replace temp table profile_cohort as
        with events_before as (
            select user_key, sum(events)::bigint as events from profile_events_before group by user_key
        ), first_sessions as (
            select user_key, device_category, default_channel_group from {sources.sessions}
            semi join profile_turns using (user_key)
            qualify row_number() over (partition by user_key order by session_started_at, session_key) = 1
        )
        select user_key, is_mover, day,
            concat_ws(
                ' | ', floor(log2(events)), floor(log2(day - first_day)), coalesce(device_category, '{NOT_SET}'),
                coalesce(default_channel_group, '{NOT_SET}')
            ) as stratum
        from profile_turns join events_before using (user_key) left join first_sessions using (user_key)
    """)


def _had_before(connection: duckdb.DuckDBPyConnection, sources: ProfileSources, min_support: int) -> pd.DataFrame:
    """kind, feature, stratum, movers, stayed: how many had done it before their day; only matched strata."""
    return connection.execute(
        f"""
        with matched as materialized (
            select *, row_number() over () as number from profile_cohort
            qualify bool_or(is_mover) over (partition by stratum) and bool_or(not is_mover) over (partition by stratum)
        ), had as (
            select number, 'event' as kind, e.event_name as feature
            from profile_events_before as e join matched using (user_key)
            union
            select number, unnest(['page', 'page_type']),
                unnest([v.page_key, coalesce(p.page_type, '{UNKNOWN}')])
            from {sources.page_views} as v join matched using (user_key)
            left join {sources.pages} as p on p.page_key = v.page_key
            where v.event_date < day and v.page_key is not null
        ), finding as (
            select * from had join matched using (number) where not regexp_matches(feature, '{UNFILLED}')
        )
        select kind, feature, stratum, count(*) filter (is_mover) as movers, count(*) filter (not is_mover) as stayed
        from finding group by 1, 2, 3
        qualify sum(movers + stayed) over (partition by kind, feature) >= ?
        order by all
        """,
        [min_support],
    ).df()


def _compare(counts: pd.DataFrame, strata: pd.DataFrame, settings: ProfileSettings) -> pd.DataFrame:
    """The over-represented features, the most telling of each kind first."""
    table = counts.merge(strata, on="stratum", suffixes=("", "_in_stratum"))
    movers, stayed = table["movers_in_stratum"], table["stayed_in_stratum"]
    total, having = movers + stayed, table["movers"] + table["stayed"]
    table = table.assign(
        support=having,
        expected=movers * having / total,
        least=np.maximum(0, having - stayed),
        most=np.minimum(having, movers),
        variance=movers * stayed * having * (total - having) / (total**2 * np.maximum(total - 1, 1)),
        weighted=movers * table["stayed"] / stayed,
    )
    columns = ["movers", "support", "expected", "least", "most", "variance", "weighted"]
    rows = table.groupby(["kind", "feature"], sort=True)[columns].sum().reset_index()
    difference = rows["movers"] - rows["expected"]
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.sign(difference) * np.maximum(difference.abs() - 0.5, 0) / np.sqrt(rows["variance"])
    z = z.where(rows["variance"] > 0)
    enough = np.minimum(rows["expected"] - rows["least"], rows["most"] - rows["expected"]) >= _MANTEL_FLEISS
    q = statistics.q_values(np.where(enough, statistics.two_sided_p(z), np.nan))
    n = float(strata["movers"].sum())
    rows = rows.assign(
        movers_share=rows["movers"] / n,
        matched_share=rows["weighted"] / n,
        lift=(rows["movers"] / rows["weighted"]).where(rows["weighted"] > 0),
        z=z,
        q_value=q,
        significant=pd.Series(q <= settings.false_discovery_rate).where(~np.isnan(q)).astype("boolean"),
    )
    over = rows[rows["z"] > 0].sort_values(["kind", "z", "feature"], ascending=[True, False, True])
    top = over.groupby("kind", sort=False).head(2 * settings.top_features)
    return top.astype({"movers": np.int64, "support": np.int64})[list(BUYING_COLUMNS)].reset_index(drop=True)
