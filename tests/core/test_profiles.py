"""Profiles: planted differences come back as facts, and the facts add up."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from profile_world import CLUSTERS, SITE, USERS, make_world

from beha2vec_core.profiles import PROFILE_COLUMNS, ProfileSettings, ProfileSources, build_profiles


@pytest.fixture(scope="module")
def world() -> duckdb.DuckDBPyConnection:
    return make_world()


@pytest.fixture(scope="module")
def facts(world) -> pd.DataFrame:
    return build_profiles(world)


def fact(facts: pd.DataFrame, fact_id: str) -> pd.Series:
    return facts.set_index("fact_id").loc[fact_id]


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
        assert fact(facts, f"c{key}.error_page_share")["value"] == pytest.approx(gone.mean())
        met = own_views.loc[gone, "user_key"].nunique() / len(group)
        assert fact(facts, f"c{key}.error_page_user_share")["value"] == pytest.approx(met)
    assert fact(facts, "c1.revenue_mean")["population_value"] == pytest.approx(users["revenue"].mean())
    by_user = views.groupby(["cluster_key", "user_key"])["page_key"].apply(
        lambda pages: (pages == f"{SITE}/checkout").mean()
    )
    assert fact(facts, "c1.page_type_views.checkout")["value"] == pytest.approx(by_user[1].mean())
    assert fact(facts, "c1.page_type_views.checkout")["population_value"] == pytest.approx(by_user.mean())


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
        assert top(key, "channel_share") in {" / ".join(kind["source"]), "(direct) / (none)"}
    assert fact(facts, "c1.purchase_rate")["z"] > 5
    assert fact(facts, "c1.purchase_rate")["lift"] > 2
    assert fact(facts, "c0.browser.Chrome")["z"] == pytest.approx(0, abs=3)  # nothing was planted here


def test_shares_add_up(facts) -> None:
    sizes = facts[facts["metric"] == "user_share"].set_index("cluster_key")["value"]
    assert sizes.sum() == pytest.approx(1)
    one_each = ["channel_share", "device_share", "browser_share", "country_share", "landing_page_share"]
    for metric in [*one_each, "theme_view_share", "page_type_view_share"]:
        sums = facts[facts["metric"] == metric].groupby("cluster_key")[["value", "population_value"]].sum()
        np.testing.assert_allclose(sums, 1, atol=1e-9, err_msg=metric)
    # the population is its clusters: weighted by size, values average to the population's and lifts to 1
    # (but for what is asked of a part of the users)
    of_some = ["user_share", "error_page_share", "churn_rate", "return_rate", "inflow_share", "outflow_share"]
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
            assert metric == "no_engagement_share" and group["lift"].isna().all()


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


def test_shuffled_clusters_show_hardly_a_difference(world) -> None:
    """The null: cluster keys dealt at random. |z| above 3 should be rare (0.3 % of independent facts)."""
    world.execute("""create or replace temp view shuffled as
        select user_key, (hash(user_key) % 4)::int as cluster_key from users_in_clusters""")
    facts = build_profiles(world, ProfileSources(users_in_clusters="shuffled"))
    z = facts["z"].dropna()
    assert len(z) > 150
    assert (z.abs() > 3).mean() < 0.02
    assert 0.6 < z.std() < 1.2


def test_features_of_few_users_are_no_facts(world) -> None:
    settings = ProfileSettings(min_support=250)
    facts = build_profiles(world, settings=settings)
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


def test_facts_are_the_same_each_time_and_nothing_is_left_behind(world, facts) -> None:
    pd.testing.assert_frame_equal(build_profiles(world), facts)
    left = world.execute("select table_name from duckdb_tables() where temporary").fetchall()
    assert left == []


def test_a_read_only_warehouse_is_enough(world, tmp_path, facts) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(file) as writer:
        for name in vars(ProfileSources()).values():
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
