"""Do the profiles of the demo export say what was planted in its personas? And how long do profiles take?

Run after `make demo`:  make bench-profiles
For each persona, and the cluster that holds most of its users, prints the significant facts (q_value at most 0.05) that
are more than those of all users: the page type that is the persona's own, its channel, and whether it buys. Then the
time of `build_profiles` and of the tables beside it on synthetic users (``--users``, 0 for none).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from beha2vec_core.demo_shop.audience import CHANNELS
from beha2vec_core.demo_shop.catalogue import PageKind, northfold
from beha2vec_core.demo_shop.personas import PERSONAS, Persona
from beha2vec_core.settings import ExportSettings

Q_VALUE = 0.05
# what a persona does at least this often is its own, if it does it more than the others
SIGNATURE_LANDING, SIGNATURE_CHANNEL = 0.25, 0.15
PAGE_METRICS = ("page_share", "landing_page_share")
TYPE_METRICS = ("page_type_view_share", "page_type_share")


@dataclass
class Recovered:
    """What the facts of one cluster say of the persona most of whose users it holds; None: nothing significant."""

    persona: str
    cluster_key: int
    share: float  # of the persona's users who are in the cluster
    pages: dict[str, str | None]  # of each page kind that is the persona's own, the fact that says so
    channel: dict[str, str | None]
    conversion: tuple[str, str]  # as planted, as found


def measure(data_dir: Path, truth: Path) -> list[Recovered]:
    """The table for a materialized demo export."""
    with duckdb.connect(str(data_dir / "serving.duckdb"), read_only=True) as connection:
        facts = connection.execute("from beha2vec.cluster_profiles").df()
        users = connection.execute(
            f"""select persona, cluster_key, purchases > 0 as bought from beha2vec.user_clusters_current
            join ga4.dim_ga4__users using (user_key) join read_parquet('{truth}') using (user_pseudo_id)"""
        ).df()
        types = dict(connection.execute("select page_key, page_type from beha2vec.enriched_pages").fetchall())
    over = facts[(facts["q_value"] <= Q_VALUE) & (facts["z"] > 0)].sort_values("z", ascending=False)
    rows = []
    for persona in PERSONAS:
        own = users[users["persona"] == persona.name]
        key = int(own.loc[own["cluster_key"] >= 0, "cluster_key"].mode().iloc[0])  # -1 is of too little evidence
        of_cluster = over[over["cluster_key"] == key]
        rate = facts[(facts["cluster_key"] == key) & (facts["metric"] == "purchase_rate")].iloc[0]
        rows.append(
            Recovered(
                persona.name,
                key,
                float((own["cluster_key"] == key).mean()),
                {kind: _page_fact(of_cluster, kind, types) for kind in _own_page_kinds(persona)},
                {channel: _channel_fact(of_cluster, channel) for channel in [_own_channel(persona)]},
                (_planted_conversion(users, persona), _told(float(rate["z"]), float(rate["q_value"]))),
            )
        )
    return rows


def _own_page_kinds(persona: Persona) -> list[PageKind]:
    return [kind for kind, weight in persona.landing.items() if weight >= SIGNATURE_LANDING]


def _own_channel(persona: Persona) -> str:
    """Of the channels it often comes by, the one it comes by most often beside all users."""
    overall = {name: sum(other.share * other.channels.get(name, 0) for other in PERSONAS) for name in CHANNELS}
    often = [name for name, weight in persona.channels.items() if weight >= SIGNATURE_CHANNEL]
    return max(often, key=lambda name: persona.channels[name] / overall[name])


def _page_fact(facts: pd.DataFrame, kind: PageKind, types: dict[str, str]) -> str | None:
    """The fact with the highest z about a page of this kind, else about the type that these pages have."""
    shop = northfold()
    keys = {f"{shop.host}{page.path}" for page in shop.pages[kind]}
    labels = pd.Series([types[key] for key in keys if key in types]).mode()
    of_page = facts["metric"].isin(PAGE_METRICS) & facts["feature"].isin(keys)
    of_type = facts["metric"].isin(TYPE_METRICS) & facts["feature"].isin(labels)
    return _first(facts[of_page]) or _first(facts[of_type])


def _channel_fact(facts: pd.DataFrame, channel: str) -> str | None:
    names = {f"{source.source} / {source.medium}" for source in CHANNELS[channel].values}
    return _first(facts[(facts["metric"] == "first_user_source_share") & facts["feature"].isin(names)])


def _first(facts: pd.DataFrame) -> str | None:
    if facts.empty:
        return None
    fact = facts.iloc[0]
    feature = str(fact["feature"]).removeprefix(northfold().host)
    return f"{feature} {fact['value']:.0%} (all {fact['population_value']:.1%})"


def _planted_conversion(users: pd.DataFrame, persona: Persona) -> str:
    """Whether the persona's users buy more or less than the others, by the truth file and an exact test."""
    from scipy.stats import fisher_exact

    own = users["persona"] == persona.name
    table = pd.crosstab(own, users["bought"]).to_numpy()
    odds, p = fisher_exact(table)
    return _told(float(odds) - 1, float(p))


def _told(difference: float, p: float) -> str:
    return "as all" if p > Q_VALUE else "more" if difference > 0 else "less"


def synthetic_world(users: int) -> duckdb.DuckDBPyConnection:
    """Relations of this many users: 3.5 page views, 2 sessions and 6 events each, 5,000 pages, 8 clusters."""
    connection = duckdb.connect()
    connection.execute(f"""
        create table dim_ga4__users as select md5('u' || i) as user_key, i, (i * 7919) % 8 as cluster_key,
            1 + hash(i) % 6 as page_views, 1 + hash(i) % 3 as sessions, (hash(i, 1) % 40 = 0)::int as purchases,
            case when purchases then hash(i, 2) % 20000 / 100 else 0 end as revenue,
            hash(i, 3) % 300000 as engagement_time_msec, 'EUR' as currency,
            'source ' || hash(i, 4) % 12 as first_user_source, 'medium' as first_user_medium,
            'device ' || hash(i, 5) % 3 as device_category,
            'browser ' || hash(i, 6) % 8 as browser, 'country ' || hash(i, 7) % 30 as country
        from range({users}) as t(i);
        create table dim_ga4__properties as select '1' as property_id, 'EUR' as reporting_currency,
            ['EUR'] as currencies, 1 as purchases, 0 as purchases_not_expressed;
        create table users_in_clusters as select user_key, cluster_key::int as cluster_key from dim_ga4__users;
        create table views as select user_key, i, session, user_key || session as session_key, cluster_key,
            date '2026-01-01' + (hash(i, session, 8) % 60)::int as event_date,
            'shop.example.com/page/' || (hash(i, session, place, 9) % 71 * (hash(i, place) % 71)) as page_key,
            place, place = 0 as is_entrance, place = views - 1 as is_exit
        from (select *, unnest(range(sessions::bigint)) as session from dim_ga4__users),
            (select 2 as views), unnest(range(views)) as p(place);
        create table fct_ga4__page_views as select *,
            epoch_us(event_date::timestamp) + (hash(i, session, place) % 86400)::bigint * 1000000 as event_timestamp,
            lead(page_key) over (partition by session_key order by place) as next_page_key from views;
        create table fct_ga4__sessions as select user_key, session_key, event_date as session_date,
            event_date::timestamp as session_started_at, session + 1 as ga_session_number,
            2 as page_views, (hash(i, session) % 20 = 0)::int as
            error_page_views, min(page_key) as landing_page_key, hash(i, 4) % 4 = 0 as is_direct,
            'mobile' as device_category, 'Direct' as default_channel_group from views group by all;
        create table enriched_pages as select page_key, 'theme ' || hash(page_key) % 20 as theme,
            'type ' || hash(page_key, 1) % 12 as page_type from (select distinct page_key from views);
        create table ml_ga4__sequence_events as select user_key, event_date, event_timestamp,
            hour(make_timestamp(event_timestamp))::integer as hour_of_day,
            unnest(['page_view', 'event ' || hash(page_key) % 12]) as event_name from fct_ga4__page_views;
        create table stg_ga4__event_items as select user_key as client_key, 'view_item' as event_name,
            'item ' || hash(page_key) % 500 as item_id, item_id as item_name, 'category ' || hash(page_key) % 9 as
            item_category from fct_ga4__page_views where hash(page_key) % 2 = 0;
        create table int_ga4__identity_map as select user_key as client_key, user_key from dim_ga4__users;
        create table fct_ga4__funnel_sessions as select user_key, session_key, 1 + hash(i, session, 3) % 6 as
            furthest_step from views where place = 0;
        create table fct_ga4__purchases as select user_key, max(event_date) as event_date from views
            semi join (from dim_ga4__users where purchases > 0) using (user_key) group by all;
        create table cluster_history as select distinct user_key, event_date,
            ((cluster_key + hash(i, session) % 10 // 9) % 8)::int as cluster_key from views
            qualify row_number() over (partition by user_key, event_date order by session) = 1;
    """)
    return connection


def time_profiles(users: int) -> Iterator[tuple[str, float, float, int]]:
    """What was made, seconds, CPU seconds, rows; of the functions that this release has."""
    from beha2vec_core import profiles

    world = synthetic_world(users)
    for name in ("build_profiles", "cluster_transitions", "cluster_paths", "buying_paths"):
        if make := getattr(profiles, name, None):  # an earlier release, to compare with, lacks some
            began, began_cpu = time.perf_counter(), time.process_time()
            made = make(world)
            seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
            yield name, seconds, cpu, len(getattr(made, "rows", made))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=200_000, help="synthetic users whose profiles are timed")
    parser.add_argument("--only-time", action="store_true", help="leave the demo out")
    asked = parser.parse_args()
    if not asked.only_time:
        settings = ExportSettings.load()
        truth = Path(settings.export.source).with_name(Path(settings.export.source).name + "_truth.parquet")
        print("| persona | cluster (share of the persona) | pages | channel | conversion: planted, found |")
        print("|---|---|---|---|---|")
        for row in measure(settings.storage.data_dir, truth):
            pages, channel = (
                "; ".join(f"{name}: {fact or 'NOT FOUND'}" for name, fact in found.items())
                for found in (row.pages, row.channel)
            )
            planted, found = row.conversion
            mark = "" if planted == found else ": NOT FOUND"
            print(
                f"| {row.persona} | {row.cluster_key} ({row.share:.0%}) | {pages} | {channel} | "
                f"{planted}, {found}{mark} |"
            )
    if asked.users:
        for name, seconds, cpu, rows in time_profiles(asked.users):
            print(f"{name} of {asked.users:,} users: {seconds:.1f} s, {cpu:.1f} s of CPU, {rows:,} rows")


if __name__ == "__main__":
    main()
