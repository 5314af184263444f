"""Profiles: planted differences come back as facts, and the facts add up."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest, ttest_ind

from beha2vec_core.profiles import PROFILE_COLUMNS, ProfileSettings, ProfileSources, build_profiles, statistics
from beha2vec_core.profiles.facts import Part, combine, count_facts
from tests.profiles.profile_world import CLUSTERS, PAGES, SITE, USERS, fact, make_world


def test_columns_and_ids_are_those_of_the_contract(facts) -> None:
    assert facts.columns.tolist() == list(PROFILE_COLUMNS)
    assert facts["fact_id"].is_unique
    assert fact(facts, "c0.theme.deals")["metric"] == "theme_share"
    assert facts["cluster_key"].unique().tolist() == [0, 1, 2, 3]
    assert facts[["value", "population_value", "support"]].notna().all(axis=None)


def test_values_are_those_counted_by_hand(facts, world) -> None:
    frames = {name: world.table(name).df() for name in ("users_in_clusters", "dim_ga4__users", "fct_ga4__page_views")}
    users = frames["dim_ga4__users"].merge(frames["users_in_clusters"])
    views = frames["fct_ga4__page_views"].merge(frames["users_in_clusters"])
    for key, group in users.groupby("cluster_key"):
        own_views = views[views["cluster_key"] == key]
        assert fact(facts, f"c{key}.users")["value"] == len(group) == USERS[key]
        assert fact(facts, f"c{key}.page_views_mean")["value"] == pytest.approx(group["page_views"].mean())
        assert fact(facts, f"c{key}.page_views_median")["value"] == group["page_views"].median()
        assert fact(facts, f"c{key}.purchase_rate")["value"] == pytest.approx((group["purchases"] > 0).mean())
        assert fact(facts, f"c{key}.purchase_rate")["support"] == (group["purchases"] > 0).sum()
        assert fact(facts, f"c{key}.revenue_mean")["value"] == pytest.approx(group["revenue"].mean())
        assert fact(facts, f"c{key}.engagement_time_mean")["value"] == pytest.approx(9 * group["page_views"].mean())
        assert fact(facts, f"c{key}.return_share")["value"] == pytest.approx((group["sessions"] > 1).mean())
        assert fact(facts, f"c{key}.device.mobile")["value"] == pytest.approx(
            (group["device_category"] == "mobile").mean()
        )
        saw_help = own_views.loc[own_views["page_key"] == f"{SITE}/help/returns", "user_key"].nunique()
        assert fact(facts, f"c{key}.page.{SITE}/help/returns")["value"] == pytest.approx(saw_help / len(group))
        gone = own_views["page_key"] == f"{SITE}/gone"
        assert fact(facts, f"c{key}.error_page_view_share")["value"] == pytest.approx(gone.mean())
        met = own_views.loc[gone, "user_key"].nunique() / len(group)
        assert fact(facts, f"c{key}.error_page_user_share")["value"] == pytest.approx(met)
    assert fact(facts, "c1.revenue_mean")["population_value"] == pytest.approx(users["revenue"].mean())
    by_user = views.groupby(["cluster_key", "user_key"])["page_key"].apply(
        lambda pages: (pages == f"{SITE}/checkout").mean()
    )
    assert fact(facts, "c1.page_type_views.checkout")["value"] == pytest.approx(by_user[1].mean())
    assert fact(facts, "c1.page_type_views.checkout")["population_value"] == pytest.approx(by_user.mean())


def test_numbers_are_those_counted_by_hand(facts, world) -> None:
    sessions = world.table("fct_ga4__sessions").df().merge(world.table("users_in_clusters").df())
    last_day = sessions["session_date"].max()
    days = sessions.groupby(["cluster_key", "user_key"])["session_date"].agg(["min", "max"])
    steps = world.table("fct_ga4__funnel_sessions").df().groupby("user_key")["furthest_step"].max()
    reached = steps.map({1: 1, 2: 2, 3: 3, 6: 4}).reindex(days.index.get_level_values("user_key")).fillna(0).to_numpy()
    people = days.assign(
        recency=(last_day - days["max"]).dt.days,
        furthest_step=reached,
        error_page_views=sessions.groupby(["cluster_key", "user_key"])["error_page_views"].sum(),
        sessions=sessions.groupby(["cluster_key", "user_key"]).size(),
    )
    for name in ("recency", "furthest_step", "error_page_views", "sessions"):
        assert fact(facts, f"c2.{name}_median")["population_value"] == people[name].median()
        for key, own in people.groupby(level=0):
            others = people.drop(index=key, level=0)[name].to_numpy()
            mean, median = fact(facts, f"c{key}.{name}_mean"), fact(facts, f"c{key}.{name}_median")
            assert mean["value"] == pytest.approx(own[name].mean()) and median["value"] == own[name].median()
            delta = np.sign(own[name].to_numpy()[:, None] - others).mean()
            assert mean["effect_size"] == median["effect_size"] == pytest.approx(delta)
            assert mean["z"] == pytest.approx(
                min(
                    (ttest_ind(own[name], others, equal_var=equal).statistic for equal in (True, False)), key=abs
                ),
                rel=1e-6,
            )  # fmt: skip
    bought = people[people["furthest_step"] == 4]
    assert fact(facts, "c1.purchase_rate")["support"] == len(bought.loc[1])
    in_cart = people.loc[1, "furthest_step"] >= 2
    assert fact(facts, "c1.reached_cart_share")["value"] == pytest.approx(in_cart.mean())


def test_churn_and_return_are_asked_of_those_who_could(facts, world) -> None:
    sessions = world.table("fct_ga4__sessions").df().merge(world.table("users_in_clusters").df())
    week, last_day = pd.Timedelta(days=7), sessions["session_date"].max()
    days = sessions.groupby(["cluster_key", "user_key"])["session_date"].agg(lambda d: sorted(set(d)))
    old = days[days.str[0] <= last_day - week]
    assert len(old) < len(days)
    for key, own in old.groupby(level=0):
        churned, returned = own.str[-1] <= last_day - week, own.str[1] <= own.str[0] + week
        for metric, expected in (("churn_rate", churned), ("first_week_return_rate", returned)):
            found = fact(facts, f"c{key}.{metric}")
            assert (found["value"], found["support"]) == (pytest.approx(expected.mean()), expected.sum())
            interval = binomtest(int(expected.sum()), len(own)).proportion_ci(method="wilson")
            assert (found["interval_low"], found["interval_high"]) == pytest.approx((interval.low, interval.high))


def test_events_items_and_steps_are_those_counted_by_hand(facts, world) -> None:
    users = world.table("users_in_clusters").df()
    size = users["cluster_key"].value_counts()

    def share(rows: pd.DataFrame, key: int) -> float:
        return rows.merge(users).query("cluster_key == @key")["user_key"].nunique() / size[key]

    events = world.table("ml_ga4__sequence_events").df()
    views = world.table("fct_ga4__page_views").df()
    types = {page: kind for page, (_, kind) in PAGES.items()}
    step = views["page_key"].map(types) + " → " + views["next_page_key"].map(types)
    for key in range(4):
        in_cart = fact(facts, f"c{key}.event.add_to_cart")
        assert in_cart["value"] == pytest.approx(share(events[events["event_name"] == "add_to_cart"], key))
        shirt = fact(facts, f"c{key}.item_viewed.Shirt")
        assert shirt["value"] == pytest.approx(share(views[views["page_key"].str.endswith("shirt-1")], key))
        bought = fact(facts, f"c{key}.item_bought.backpack-1")
        assert bought["value"] == pytest.approx(share(events[events["event_name"] == "purchase"], key))
        own = facts[(facts["cluster_key"] == key) & (facts["metric"] == "path_step_share")].set_index("feature")
        for feature in ("product → cart", "support → support"):
            assert own.loc[feature, "value"] == pytest.approx(share(views[step == feature], key))
    assert fact(facts, "c1.event.add_to_cart")["significant"]


def test_share_of_events_at_night(world, facts) -> None:
    events = world.table("ml_ga4__sequence_events").df().merge(world.table("users_in_clusters").df())
    at_night = (events["hour_of_day"] < 6).groupby([events["cluster_key"], events["user_key"]]).mean()
    found = facts[(facts["metric"] == "hour_block_event_share") & (facts["feature"] == "night")]
    np.testing.assert_allclose(found["value"], at_night.groupby(level=0).mean(), atol=1e-9)


def test_what_was_planted_is_the_most_over_represented(facts) -> None:
    def top(key: int, metric: str) -> str:
        own = facts[(facts["cluster_key"] == key) & (facts["metric"] == metric)]
        return str(own.sort_values("z")["feature"].iloc[-1])

    assert top(0, "page_type_view_share") == "category"
    assert top(1, "theme_view_share") == "apparel"
    assert fact(facts, "c1.page_type.checkout")["z"] > 10
    assert top(2, "page_share") == f"{SITE}/help/returns"
    assert top(3, "theme_view_share") == "travel"
    for key, kind in enumerate(CLUSTERS):
        assert top(key, "first_user_source_share") in {" / ".join(kind["source"]), "(direct) / (none)"}
    assert fact(facts, "c1.purchase_rate")["z"] > 5
    assert fact(facts, "c1.purchase_rate")["lift"] > 2
    assert fact(facts, "c0.browser.Chrome")["z"] == pytest.approx(0, abs=3)  # nothing was planted here


def test_shares_add_up(facts) -> None:
    sizes = facts[facts["metric"] == "user_share"].set_index("cluster_key")["value"]
    assert sizes.sum() == pytest.approx(1)
    one_each = ["first_user_source_share", "device_share", "browser_share", "country_share", "landing_page_share"]
    for metric in [*one_each, "theme_view_share", "page_type_view_share", "hour_block_event_share"]:
        sums = facts[facts["metric"] == metric].groupby("cluster_key")[["value", "population_value"]].sum()
        np.testing.assert_allclose(sums, 1, atol=1e-9, err_msg=metric)
    # the population is its clusters: weighted by size, values average to the population's and lifts to 1
    # (but for what is asked of a part of the users)
    of_some = [
        "user_share",
        "error_page_view_share",
        "churn_rate",
        "first_week_return_rate",
        "inflow_share",
        "outflow_share",
    ]
    plain = facts[(facts["unit"] != "users") & ~facts["metric"].isin(of_some)]
    plain = plain[~plain["metric"].str.endswith("_median")]
    weighted = plain.assign(
        weight=plain["cluster_key"].map(sizes), lifted=plain["lift"] * plain["cluster_key"].map(sizes)
    )
    for (metric, feature), group in weighted.groupby(["metric", "feature"], dropna=False):
        average = (group["value"] * group["weight"]).sum()
        assert average == pytest.approx(group["population_value"].iloc[0]), (metric, feature)
        if average > 0:
            assert group["lifted"].sum() == pytest.approx(1), (metric, feature)
        else:  # nobody in the world lacks engagement
            assert metric == "no_engagement_time_share" and group["lift"].isna().all()


exclusive = arrays(np.int64, st.tuples(st.integers(2, 4), st.integers(2, 5)), elements=st.integers(0, 60)).filter(
    lambda table: bool((table.sum(axis=1) > 0).all())
)


@given(exclusive)
@settings(max_examples=40)
def test_shares_of_one_value_a_user_sum_to_1_and_lifts_average_to_1(users: np.ndarray) -> None:
    sizes = pd.Series(users.sum(axis=1), index=range(len(users)))
    counts = pd.DataFrame(
        [(key, f"value {place}", n) for key, row in enumerate(users) for place, n in enumerate(row) if n],
        columns=["cluster_key", "feature", "users"],
    )
    made = count_facts("device_share", "device", counts, sizes, prior_users=50, confidence=0.95)
    sums = made.groupby("cluster_key")[["value", "population_value"]].sum()
    np.testing.assert_allclose(sums, 1)
    weighted = (made["lift"] * made["cluster_key"].map(sizes / sizes.sum())).groupby(made["feature"]).sum()
    np.testing.assert_allclose(weighted, 1)
    assert made["p"].between(0, 1).all()
    away = made["value"] - made["population_value"]
    assert (np.sign(made["z"]).where(away.abs() > 1e-9, 0) * np.sign(away) >= 0).all()


def test_intervals_hold_the_value(facts) -> None:
    known = facts.dropna(subset=["interval_low"])
    assert (known["interval_low"] <= known["value"] + 1e-9).all()
    assert (known["value"] <= known["interval_high"] + 1e-9).all()
    shares = known[known["unit"] == "share"]
    assert shares[["interval_low", "interval_high"]].stack().between(0, 1).all()


def test_the_population_as_one_cluster_has_lift_1_and_z_0(world) -> None:
    world.execute("create or replace temp view everyone as select user_key, 0 as cluster_key from users_in_clusters")
    facts = build_profiles(world, ProfileSources(users_in_clusters="everyone"))
    measured = facts[(facts["unit"] != "users") & (facts["metric"] != "user_share")]
    assert facts["q_value"].isna().all() and facts["significant"].isna().all()  # with nobody to compare with
    np.testing.assert_allclose(measured.loc[measured["population_value"] > 0, "lift"], 1)
    np.testing.assert_allclose(measured["z"].fillna(0), 0, atol=1e-9)


@pytest.mark.parametrize(
    ("sizes", "deals"),
    [
        ((0.6, 0.25, 0.1, 0.03, 0.02), 3),
        pytest.param((0.6, 0.25, 0.1, 0.03, 0.02), 10, marks=pytest.mark.slow),
        pytest.param((0.4, 0.3, 0.2, 0.1), 10, marks=pytest.mark.slow),
    ],
)
def test_clusters_dealt_at_random_differ_in_nothing(world, sizes: tuple[float, ...], deals: int) -> None:
    """The null: whatever is significant is a false discovery. At most one deal in twenty may have any."""
    rng = np.random.default_rng(len(sizes))
    users, history = world.table("users_in_clusters").df(), world.table("cluster_history").df()
    any_found, scores = 0, []
    for _ in range(deals):
        dealt = rng.choice(len(sizes), size=len(users), p=sizes)
        world.register("dealt", users.assign(cluster_key=dealt))
        of_user = pd.Series(dealt, index=users["user_key"])
        world.register("ever", history.assign(cluster_key=history["user_key"].map(of_user)))
        facts = build_profiles(world, ProfileSources(users_in_clusters="dealt", history="ever"))
        assert facts["q_value"].notna().sum() > 300
        any_found += bool(facts["significant"].any())
        scores.append(facts["z"].dropna())
    assert any_found <= 2  # with a chance of 1 in 20, three of ten come once in 87 times
    z = pd.concat(scores)
    assert (z.abs() > 3).mean() < 0.01
    assert 0.6 < z.std() < 1.1


def test_a_single_user_of_a_rare_page_is_no_discovery() -> None:
    """2,000 pages of 10 users among a million: by z alone, which is 4.4 then, dozens would be found."""
    rng = np.random.default_rng(0)
    sizes = pd.Series([998_000, 1000, 1000], index=[0, 1, 2])
    dealt = rng.multivariate_hypergeometric(sizes.to_numpy(), 10, size=2000)
    counts = pd.DataFrame(
        [(key, f"page {page}", users) for page, row in enumerate(dealt) for key, users in enumerate(row) if users],
        columns=["cluster_key", "feature", "users"],
    )
    facts = combine(
        [Part(count_facts("page_share", "page", counts, sizes, prior_users=50, confidence=0.95))],
        false_discovery_rate=0.05,
    )
    assert (statistics.q_values(statistics.two_sided_p(facts["z"])) <= 0.05).sum() > 20
    assert not facts["significant"].any()


def test_significant_is_decided_before_the_least_telling_are_dropped(world) -> None:
    few, all_of_them = (build_profiles(world, settings=ProfileSettings(top_features=top)) for top in (1, 1000))
    assert len(few) < len(all_of_them)
    both = few.merge(all_of_them, on="fact_id")
    assert len(both) == len(few)
    pd.testing.assert_series_equal(both["q_value_x"], both["q_value_y"], check_names=False)
    assert (all_of_them["significant"] == (all_of_them["q_value"] <= 0.05)).where(all_of_them["q_value"].notna()).all()


def test_effect_sizes_point_the_way_of_the_difference(facts) -> None:
    tested = facts[facts["q_value"].notna() & (facts["unit"] == "share")]
    assert tested["effect_size"].notna().all()
    away = tested[(tested["value"] - tested["population_value"]).abs() > 1e-9]
    same_way = np.sign(away["effect_size"]) == np.sign(away["value"] - away["population_value"])
    assert same_way[away["metric"] != "error_page_view_share"].all()
    assert fact(facts, "c1.purchase_rate")["effect_size"] > 0.8  # large
    assert facts.loc[facts["unit"] != "users", "effect_size"].abs().max() <= np.pi


def test_users_of_too_little_evidence_are_a_cluster_like_another(world, facts) -> None:
    world.execute("""create or replace temp view with_unknown as
        select user_key, case when cluster_key = 3 then -1 else cluster_key end as cluster_key
        from users_in_clusters""")
    renamed = build_profiles(world, ProfileSources(users_in_clusters="with_unknown"))
    of_3, of_unknown = facts[facts["cluster_key"] == 3], renamed[renamed["cluster_key"] == -1]
    at_rest = ~of_3["metric"].str.contains("inflow|outflow|users_before")
    same = ["metric", "feature", "value", "population_value", "z", "support", "effect_size"]
    pd.testing.assert_frame_equal(
        of_unknown.loc[~of_unknown["metric"].str.contains("inflow|outflow|users_before"), same].reset_index(drop=True),
        of_3.loc[at_rest, same].reset_index(drop=True),
    )
    assert set(of_unknown["fact_id"].str.split(".").str[0]) == {"c-1"}


def test_features_of_few_users_are_no_facts(world) -> None:
    facts = build_profiles(world, settings=ProfileSettings(min_support=250))
    counted = facts[facts["metric"].str.endswith("_share") & facts["feature"].notna()]
    counted = counted[~counted["metric"].str.endswith("_view_share")]
    assert counted.groupby(["metric", "feature"])["support"].sum().min() >= 250
    assert f"c0.page.{SITE}/gone" not in set(facts["fact_id"])


def test_a_kept_feature_is_kept_for_every_cluster(world) -> None:
    facts = build_profiles(world, settings=ProfileSettings(top_features=1))
    pages = facts[facts["metric"] == "page_share"]
    assert pages["feature"].nunique() < 10
    assert (pages.groupby("feature")["cluster_key"].nunique() == 4).all()


def test_engagement_time_is_left_out_where_it_was_not_recorded() -> None:
    facts = build_profiles(make_world(1, with_engagement=False))
    assert "engagement_time_mean" not in set(facts["metric"])
    assert "purchase_rate" in set(facts["metric"])


def test_what_the_export_lacks_has_no_facts() -> None:
    world = make_world(1)
    for name in ("stg_ga4__event_items", "fct_ga4__funnel_sessions", "fct_ga4__purchases", "cluster_history"):
        world.execute(f"create or replace table {name} as from {name} limit 0")
    lacking = {
        "item_viewed_share",
        "item_bought_share",
        "item_category_viewed_share",
        "reached_cart_share",
        "furthest_step_mean",
    }
    lacking |= {"inflow", "outflow_share"}
    assert lacking <= set(build_profiles(make_world(1))["metric"])
    assert not lacking & set(build_profiles(world)["metric"])


@pytest.mark.slow
def test_rows_in_any_order_on_any_threads_give_the_same_bits(facts) -> None:
    world = make_world()
    for name in filter(None, vars(ProfileSources()).values()):
        world.execute(f"create or replace table {name} as select * from {name} order by random()")
    world.execute("set threads = 4")
    pd.testing.assert_frame_equal(build_profiles(world), facts, check_exact=True)


def test_facts_are_the_same_each_time_and_nothing_is_left_behind(world, facts) -> None:
    pd.testing.assert_frame_equal(build_profiles(world), facts, check_exact=True)
    left = world.execute("select table_name from duckdb_tables() where temporary").fetchall()
    assert left == []


def test_a_read_only_warehouse_is_enough(world, tmp_path, facts) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(file) as writer:
        for name in filter(None, vars(ProfileSources()).values()):
            frame = world.table(name).to_arrow_table()
            assert len(frame)
            writer.execute(f"create table {name} as select * from frame")
    with duckdb.connect(file, read_only=True) as reader:
        pd.testing.assert_frame_equal(build_profiles(reader), facts)


@pytest.mark.parametrize(
    ("rows", "remedy"),
    [
        ("where false", "materialize user_clusters"),
        ("union all select user_key, 3 from users_in_clusters limit 801", "one cluster a user"),
        ("union all select 'stranger', 0", "materialize dim_ga4__users"),
    ],
)
def test_broken_input_names_the_remedy(world, rows: str, remedy: str) -> None:
    world.execute(f"create or replace temp view broken as select user_key, cluster_key from users_in_clusters {rows}")
    with pytest.raises(ValueError, match=remedy):
        build_profiles(world, ProfileSources(users_in_clusters="broken"))
