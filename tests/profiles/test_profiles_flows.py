"""Over time and through the site: who moved where, the paths of each cluster, and what comes before buying."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from beha2vec_core.profiles import (
    ProfileSettings,
    ProfileSources,
    build_profiles,
    buying_paths,
    cluster_paths,
    cluster_transitions,
    clusters_read_once,
)
from tests.profiles.profile_world import PAGES, make_world


@pytest.fixture(scope="module")
def world() -> duckdb.DuckDBPyConnection:
    return make_world()


def with_history(rows: list[tuple[str, int, int]]) -> duckdb.DuckDBPyConnection:
    """A warehouse of a history only: user, day of March, cluster."""
    connection = duckdb.connect()
    frame = pd.DataFrame(rows, columns=["user_key", "day", "cluster_key"])
    connection.from_df(frame).create("days")
    connection.execute("""create view cluster_history as
        select user_key, date '2024-03-01' + day::integer - 1 as event_date, cluster_key from days""")
    return connection


# --- flows --------------------------------------------------------------------------------------------------------


def test_transitions_weigh_each_user_the_same_however_often_he_came() -> None:
    history = [("often", day, 0) for day in range(1, 10)]  # eight steps from 0 to 0
    history += [("once", 1, 0), ("once", 2, 1), ("back", 1, 1), ("back", 3, -1), ("back", 4, 0)]
    found = cluster_transitions(with_history(history))
    rows = {(None if pd.isna(a) else a, b): (users, share) for a, b, users, share in found.iloc[:, :4].to_numpy()}
    assert rows == {
        (None, 0): (2, pytest.approx(2 / 3)),
        (None, 1): (1, pytest.approx(1 / 3)),
        (0, 0): (1, pytest.approx(1 / 2)),
        (0, 1): (1, pytest.approx(1 / 2)),
        (1, -1): (1, pytest.approx(1)),
        (-1, 0): (1, pytest.approx(1)),
    }
    interval = binomtest(1, 2).proportion_ci(method="wilson")
    of_0 = found[found["from_cluster"] == 0].iloc[0]
    assert (of_0["interval_low"], of_0["interval_high"]) == pytest.approx((interval.low, interval.high))


def test_a_user_who_goes_two_ways_counts_half_for_each() -> None:
    found = cluster_transitions(with_history([("u", 1, 0), ("u", 2, 1), ("u", 3, 0), ("u", 4, 0)]))
    of_0 = found[found["from_cluster"] == 0].set_index("to_cluster")
    assert of_0["share"].to_dict() == {0: pytest.approx(0.5), 1: pytest.approx(0.5)}
    assert of_0["users"].to_dict() == {0: 1, 1: 1}


def test_transitions_of_a_cluster_sum_to_1_and_old_steps_are_left_out(world) -> None:
    found = cluster_transitions(world)
    assert found.groupby("from_cluster", dropna=False)["share"].sum().tolist() == pytest.approx([1] * 5)
    assert ((found["interval_low"] <= found["share"]) & (found["share"] <= found["interval_high"])).all()
    away = found[found["from_cluster"].notna() & (found["from_cluster"] != found["to_cluster"])]
    assert ((away["from_cluster"] - 1) % 4 == away["to_cluster"]).all()  # as planted
    lately = cluster_transitions(
        with_history([("u", 1, 0), ("u", 2, 1), ("u", 28, 0)]), settings=ProfileSettings(flow_days=5)
    )
    assert lately[["from_cluster", "to_cluster"]].to_numpy().tolist() == [[1, 0]]


def test_inflow_less_outflow_is_what_a_cluster_grew(world) -> None:
    facts = build_profiles(world)
    by_id = facts.set_index("fact_id")["value"]
    history = world.table("cluster_history").df()
    for key in range(4):
        week_ago = history["event_date"].max() - pd.Timedelta(days=7)
        then = history[history["event_date"] <= week_ago].sort_values("event_date").groupby("user_key").last()
        now = history.sort_values("event_date").groupby("user_key").last()
        before = then["cluster_key"].reindex(now.index)
        came, left = (now["cluster_key"] == key) & (before != key), (now["cluster_key"] != key) & (before == key)
        assert by_id[f"c{key}.inflow"] == came.sum() > 0
        assert by_id[f"c{key}.outflow"] == left.sum() > 0
        assert by_id[f"c{key}.users_before"] == (before == key).sum()
        assert by_id[f"c{key}.outflow_share"] == pytest.approx(left.sum() / (before == key).sum())
        grown = by_id[f"c{key}.users"] - by_id[f"c{key}.users_before"]
        assert by_id[f"c{key}.inflow"] - by_id[f"c{key}.outflow"] == grown
    assert {"inflow_before", "outflow_before"} <= set(facts["metric"])


def test_a_short_history_has_no_flows_it_does_not_reach(world) -> None:
    for days, missing in ((5, {"inflow", "inflow_before"}), (10, {"inflow_before"})):
        world.execute(f"""create or replace temp view short as select user_key, cluster_key,
            date '2024-03-01' + (event_date - date '2024-03-01')::integer % {days} as event_date from cluster_history
            qualify row_number() over (partition by user_key, 3 order by event_date) = 1""")
        metrics = set(build_profiles(world, ProfileSources(history="short"))["metric"])
        assert {"inflow", "inflow_before"} - metrics == missing


# --- paths --------------------------------------------------------------------------------------------------------


def test_paths_are_those_counted_by_hand(world) -> None:
    found = cluster_paths(world)
    views = world.table("fct_ga4__page_views").df().merge(world.table("users_in_clusters").df())
    types = {page: kind for page, (_, kind) in PAGES.items()}
    views["from_step"], views["to_step"] = views["page_key"].map(types), views["next_page_key"].map(types)
    views["to_step"] = views["to_step"].where(~views["is_exit"], "(exit)")
    entrances = views[views["is_entrance"]].assign(to_step=lambda v: v["from_step"], from_step="(entrance)")
    steps = pd.concat([views, entrances]).groupby(["cluster_key", "from_step", "to_step"])["user_key"].nunique()
    sizes = world.table("users_in_clusters").df()["cluster_key"].value_counts()
    assert len(found) > 40
    for row in found.itertuples():
        users = steps[row.cluster_key, row.from_step, row.to_step]
        assert row.users == users and row.share == pytest.approx(users / sizes[row.cluster_key])
        overall = steps.xs((row.from_step, row.to_step), level=("from_step", "to_step")).sum() / sizes.sum()
        assert (row.population_share, row.lift) == pytest.approx((overall, row.share / overall))
    top = found.sort_values("lift").groupby("cluster_key").last()
    assert top.loc[2, "from_step"] in {"support", "error"} and "article" in set(top.loc[3])


def test_steps_that_were_counted_before_give_the_same_paths_and_facts(world) -> None:
    with clusters_read_once(world, ProfileSources()) as sources:
        world.execute(f"update {sources.steps} set users = users + 1 where to_step = '(exit)'")  # so they are read
        found, facts = cluster_paths(world, sources), build_profiles(world, sources)
    expected = cluster_paths(world)
    is_exit = expected["to_step"] == "(exit)"
    pd.testing.assert_frame_equal(found[found["to_step"] != "(exit)"], expected[~is_exit])
    assert (found.loc[is_exit, "users"] == expected.loc[is_exit, "users"] + 1).all()
    pd.testing.assert_frame_equal(facts, build_profiles(world))


def test_paths_are_bounded_and_none_where_nothing_was_viewed(world) -> None:
    few = cluster_paths(world, settings=ProfileSettings(top_features=1))
    assert 4 <= few.groupby(["from_step", "to_step"]).ngroups <= 12
    world.execute("create or replace temp view nothing as from fct_ga4__page_views limit 0")
    assert cluster_paths(world, ProfileSources(page_views="nothing")).empty


# --- from idle to buying ------------------------------------------------------------------------------------------


def buying_world(*, movers: int = 120, stayed: int = 400, planted: bool = True) -> duckdb.DuckDBPyConnection:
    """Users who browse on day 1 and 5; movers are in the buying cluster from day 9 on, when they buy.

    Before that 60 % of the movers and 20 % of the others saw the page on sizes, if it is planted. All saw the cart on
    their last day. Busy users (many events) are the ones who buy, and they alone see the page of news: matching on the
    number of events must take that away.
    """
    rng = np.random.default_rng(0)
    views, history, people, sessions, purchases = [], [], [], [], []
    for number in range(movers + stayed):
        user, moves = f"u{number}", number < movers
        busy = rng.random() < (0.8 if moves else 0.2)
        device = str(rng.choice(["mobile", "desktop"]))
        seen = ["home", *(["list"] * (18 if busy else 4))]
        if rng.random() < (0.6 if moves and planted else 0.2):
            seen.append("sizes")
        if busy and rng.random() < 0.7:
            seen.append("news")
        views += [(user, 1 if place % 2 else 5, page) for place, page in enumerate(seen)]
        views += [(user, 9, "cart"), (user, 9, "thanks" if moves else "home")]
        history += [(user, 1, 0), (user, 5, 0), (user, 9, 1 if moves else 0)]
        if not moves:  # with one day more or two: the middle one after the first is the 9th
            history += [(user, 12, 0), *([(user, 13, 0)] if number % 2 else [])]
        if moves:
            purchases.append((user, 9))
        people.append((user, int(moves)))
        sessions.append((user, f"{user}.1", pd.Timestamp("2024-03-01"), device, "Direct"))
    connection = with_history(history)
    frames = {
        "seen": pd.DataFrame(views, columns=["user_key", "day", "page_key"]),
        "dim_ga4__users": pd.DataFrame(people, columns=["user_key", "purchases"]),
        "fct_ga4__sessions": pd.DataFrame(
            sessions,
            columns=["user_key", "session_key", "session_started_at", "device_category", "default_channel_group"],
        ),
        "bought": pd.DataFrame(purchases, columns=["user_key", "day"]),
        "enriched_pages": pd.DataFrame([("sizes", "guide"), ("cart", "cart")], columns=["page_key", "page_type"]),
    }
    for name, frame in frames.items():
        connection.from_df(frame).create(name)
    connection.execute("""
        create view fct_ga4__purchases as
            select user_key, date '2024-03-01' + day::integer - 1 as event_date from bought;
        create view fct_ga4__page_views as
            select user_key, page_key, date '2024-03-01' + day::integer - 1 as event_date from seen;
        create view ml_ga4__sequence_events as
            select user_key, event_date, 12 as hour_of_day, 'page_view' as event_name from fct_ga4__page_views
            union all select user_key, event_date, 12, 'read_guide' from fct_ga4__page_views where page_key = 'sizes';
        create view users_in_clusters as select user_key, purchases::integer as cluster_key from dim_ga4__users;
    """)
    return connection


def test_what_was_planted_before_the_move_is_found_and_what_matching_explains_is_not() -> None:
    found = buying_paths(buying_world())
    rows = found.rows.set_index(["kind", "feature"])
    assert found.movers == 120 and found.matched > 300 and "not a cause" in found.note
    significant = set(rows.index[rows["significant"].fillna(False)])
    assert significant == {("page", "sizes"), ("page_type", "guide"), ("event", "read_guide")}
    sizes = rows.loc[("page", "sizes")]
    assert sizes["movers_share"] == pytest.approx(0.6, abs=0.12) and sizes["matched_share"] == pytest.approx(
        0.2, abs=0.1
    )
    assert sizes["lift"] == pytest.approx(sizes["movers_share"] / sizes["matched_share"]) and sizes["z"] > 5
    # the move's own day, with its cart and its thanks, does not count
    assert not {"cart", "thanks"} & set(found.rows["feature"])
    # without matching the busy users' page would stand out: 56 % of the movers saw it, 14 % of the others
    assert ("page", "news") not in significant


def test_z_is_that_of_cochran_mantel_and_haenszel() -> None:
    """Worked by hand over the strata (Agresti 2013, section 6.4.2), with correction for continuity."""
    world = buying_world()
    found = buying_paths(world).rows.set_index("feature").loc["sizes"]
    before = world.execute("""select user_key, count(*) as events, bool_or(page_key = 'sizes') as had
        from fct_ga4__page_views where event_date < date '2024-03-09' group by user_key""").df()
    devices = world.table("fct_ga4__sessions").df()
    guides = before["had"].astype(int)  # each is an event more
    table = (
        before.assign(bin=np.floor(np.log2(before["events"] + guides)))
        .merge(devices)
        .merge(world.table("users_in_clusters").df())
    )
    observed = expected = variance = 0.0
    for _, stratum in table.groupby(["bin", "device_category"]):
        n, m = len(stratum), (stratum["cluster_key"] == 1).sum()
        if m in (0, n):
            continue
        k = stratum["had"].sum()
        observed += (stratum["had"] & (stratum["cluster_key"] == 1)).sum()
        expected += m * k / n
        variance += m * (n - m) * k * (n - k) / (n**2 * (n - 1))
    assert found["movers"] == observed
    assert found["z"] == pytest.approx((observed - expected - 0.5) / np.sqrt(variance))


def test_nothing_planted_nothing_found() -> None:
    found = buying_paths(buying_world(planted=False))
    assert found.movers == 120
    assert not found.rows["significant"].fillna(False).any()


def test_too_few_movers_give_no_rows_and_a_reason() -> None:
    found = buying_paths(buying_world(movers=12, stayed=60))
    assert found.rows.empty and found.movers <= 12
    assert "12 users became buyers" in found.note and "fewer than 30" in found.note


def test_who_bought_before_or_had_no_cluster_is_no_mover() -> None:
    world = buying_world()
    world.execute("""create or replace view fct_ga4__purchases as
        select user_key, date '2024-03-01' as event_date from bought""")
    assert buying_paths(world).movers == 0
    world = buying_world()
    world.execute("""create or replace view cluster_history as
        select user_key, date '2024-03-01' + day::integer - 1 as event_date,
            case when day < 9 then -1 else cluster_key end as cluster_key from days""")
    assert buying_paths(world).movers == 0


def test_a_first_purchase_is_a_move_where_no_cluster_buys_more() -> None:
    world = buying_world()
    world.execute("create or replace view users_in_clusters as select user_key, 0 as cluster_key from dim_ga4__users")
    found = buying_paths(world)
    assert "buying clusters: none" in found.note and found.movers == 120
    assert found.rows.set_index(["kind", "feature"]).loc[("page", "sizes"), "significant"]


def test_rows_in_any_order_give_the_same_bits(world) -> None:
    shuffled = make_world()
    for name in filter(None, vars(ProfileSources()).values()):
        shuffled.execute(f"create or replace table {name} as select * from {name} order by random()")
    settings = ProfileSettings(min_movers=5)
    for made in (cluster_transitions, cluster_paths):
        pd.testing.assert_frame_equal(made(shuffled), made(world), check_exact=True)
    ours, theirs = (buying_paths(each, settings=settings) for each in (shuffled, world))
    assert ours.movers > 5
    pd.testing.assert_frame_equal(ours.rows, theirs.rows, check_exact=True)
    left = world.execute("select table_name from duckdb_tables() where temporary").fetchall()
    assert left == []
