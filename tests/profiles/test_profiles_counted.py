"""Profiles: money in one currency, and who counts, in worlds that lack something."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from beha2vec_core.profiles import ProfileSources, build_profiles, currency_of, unfilled_texts
from beha2vec_core.profiles.facts import is_beyond_chance
from beha2vec_core.profiles.text import is_unfilled
from tests.profiles.profile_world import USERS, fact, make_world

# --- money --------------------------------------------------------------------------------------------------------


def money_facts(world: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    found = build_profiles(world)
    return found[found["metric"].str.startswith("revenue")]


def test_money_has_the_currency_it_is_in_as_its_unit(facts) -> None:
    assert set(facts.loc[facts["metric"].str.startswith("revenue"), "unit"]) == {"EUR"}
    assert facts["unit"].notna().all() and "currency" not in set(facts["unit"])
    assert currency_of(make_world()) == ("EUR", "revenue is in EUR")


@pytest.mark.slow
def test_money_of_an_unknown_currency_says_so() -> None:
    world = make_world()
    world.execute("update dim_ga4__users set currency = null")
    world.execute("update dim_ga4__properties set reporting_currency = null, currencies = []")
    assert set(money_facts(world)["unit"]) == {"currency"}
    assert currency_of(world).why == "the currency of revenue is not known"


def test_several_currencies_make_no_facts_about_money_and_the_reason_is_reported() -> None:
    world = make_world()
    world.execute("update dim_ga4__users set currency = 'GBP' where purchases > 0 and user_key like 'u0-%'")
    world.execute("update dim_ga4__properties set reporting_currency = null, currencies = ['EUR', 'GBP']")
    assert money_facts(world).empty and "c1.purchase_rate" in set(build_profiles(world)["fact_id"])
    unit, why = currency_of(world)
    assert unit is None and "EUR, GBP" in why and "left out" in why


@pytest.mark.slow
def test_buyers_whose_money_is_not_known_are_not_taken_for_poor_ones() -> None:
    world = make_world()
    known = build_profiles(world).set_index("fact_id").loc["c1.revenue_mean"]
    users = world.execute(
        "select user_key from dim_ga4__users where purchases > 0 and user_key like 'u1-%' order by 1 limit 50"
    ).fetchall()
    world.execute("update dim_ga4__users set revenue = null, currency = null where user_key in (select unnest(?))",
                  [[key for (key,) in users]])  # fmt: skip
    found = build_profiles(world).set_index("fact_id").loc["c1.revenue_mean"]
    assert found["support"] == known["support"] - 50 and found["unit"] == "EUR"
    assert "50 of" in currency_of(world).why and "left out of facts about money" in currency_of(world).why


# --- what is counted ----------------------------------------------------------------------------------------------


def test_a_step_reached_is_not_the_event_of_the_step() -> None:
    """Of 220 users 60 put nothing into the cart and yet came to the purchase: they reached the cart all the same."""
    world = make_world()
    buyers = "select user_key from fct_ga4__funnel_sessions where furthest_step = 6 and user_key like 'u1-%'"
    world.execute(
        f"""delete from ml_ga4__sequence_events where event_name = 'add_to_cart' and user_key in ({buyers})"""
    )
    facts = build_profiles(world)
    events = world.table("ml_ga4__sequence_events").df()
    put = events.loc[events["event_name"] == "add_to_cart", "user_key"]
    reached = world.table("fct_ga4__funnel_sessions").df().query("furthest_step >= 2")["user_key"]
    for metric, who in (("add_to_cart_share", put), ("reached_cart_share", reached)):
        own = who[who.str.startswith("u1-")].nunique() / USERS[1]
        assert fact(facts, f"c1.{metric}")["value"] == pytest.approx(own)
    assert fact(facts, "c1.reached_cart_share")["value"] > fact(facts, "c1.add_to_cart_share")["value"] + 0.2
    assert "funnel_rate" not in set(facts["metric"])


def test_means_are_over_all_users_also_those_without_engagement() -> None:
    world = make_world()
    world.execute("update dim_ga4__users set engagement_time_msec = null where user_key like 'u1-1%'")
    users = world.table("dim_ga4__users").df().merge(world.table("users_in_clusters").df())
    seconds = users["engagement_time_msec"].fillna(0).astype(float) / 1000
    facts = build_profiles(world)
    mean, median = fact(facts, "c1.engagement_time_mean"), fact(facts, "c1.engagement_time_median")
    assert mean["value"] == pytest.approx(seconds[users["cluster_key"] == 1].mean())
    assert mean["population_value"] == pytest.approx(seconds.mean())
    assert median["value"] == seconds[users["cluster_key"] == 1].median()
    assert mean["support"] == USERS[1]
    silent = fact(facts, "c1.no_engagement_time_share")["value"]
    assert silent == pytest.approx((seconds == 0)[users["cluster_key"] == 1].mean()) and silent > 0.4


def test_the_first_source_is_the_users_and_unknown_is_not_direct() -> None:
    world = make_world()
    world.execute(
        "update dim_ga4__users set first_user_source = null, first_user_medium = null where user_key like 'u1-%'"
    )
    facts = build_profiles(world)
    sources = facts[facts["metric"] == "first_user_source_share"].set_index(["cluster_key", "feature"])["value"]
    assert sources[1, "(not set)"] == 1 and sources[1, "(direct) / (none)"] == 0
    assert fact(facts, "c1.first_user_direct_share")["value"] == 0
    assert fact(facts, "c0.first_user_direct_share")["value"] == pytest.approx(sources[0, "(direct) / (none)"])
    mediums = facts[facts["metric"] == "first_user_medium_share"].set_index(["cluster_key", "feature"])["value"]
    assert mediums[0, "email"] == pytest.approx(sources[0, "news / email"])
    world.execute("update dim_ga4__users set first_user_source = null, first_user_medium = null")
    assert "first_user_direct_share" not in set(build_profiles(world)["metric"])


@pytest.mark.slow
def test_template_code_of_the_site_is_counted_and_no_finding() -> None:
    world = make_world()
    world.execute("""update stg_ga4__event_items set item_category = '$(escCatTitle)' where item_category = 'shirt'""")
    world.execute("update stg_ga4__event_items set item_name = 'undefined' where item_name = 'Shirt'")
    world.execute("update dim_ga4__users set first_user_source = '{{site_source_name}}' where first_user_source = 'x'")
    facts = build_profiles(world)
    assert not facts["feature"].dropna().map(is_unfilled).any()
    assert "c0.item_category_viewed.backpack" in set(facts["fact_id"])
    sources = facts[facts["metric"] == "first_user_source_share"]
    np.testing.assert_allclose(sources.groupby("cluster_key")["value"].sum(), 1)
    found = unfilled_texts(world, ProfileSources()).set_index(["kind", "text"])["rows"]
    assert set(found.index) == {
        ("item category", "$(escCatTitle)"), ("item name", "undefined"), ("first user source", "{{site_source_name}}")
    }  # fmt: skip
    assert found["item name", "undefined"] > 100


@pytest.mark.parametrize(
    ("significant", "z", "sure"),
    [
        (True, 0.1, True),
        (False, 9.0, False),
        (None, 3.0, True),
        (None, -3.0, True),
        (None, 2.9, False),
        (None, None, None),
    ],
)
def test_one_rule_says_what_is_beyond_chance(significant: bool | None, z: float | None, sure: bool | None) -> None:
    assert is_beyond_chance(significant, z) is sure


def test_expected_buyers_are_the_sum_of_probabilities() -> None:
    world = make_world()
    world.execute(
        """create or replace temp table scores as
        select user_key, target, 14 as horizon, true as is_tested, hash(user_key) % 100 / 200 as probability
        from users_in_clusters, (select unnest(['purchase', 'return']) as target)
        where cluster_key <> 2"""
    )
    facts = build_profiles(world, ProfileSources(predictions="scores"))
    found = facts[facts["metric"] == "expected_buyers"].set_index("cluster_key")
    assert 2 not in found.index, "users without scores are not expected to do anything"
    exact = world.execute(
        """select cluster_key, count(*), sum(probability), 1.959964 * sqrt(sum(probability * (1 - probability)))
        from scores join users_in_clusters using (user_key) where target = 'purchase' group by 1"""
    ).fetchall()
    assert len(exact) == len(found) > 1
    for key, users, expected, half in exact:
        one = found.loc[key]
        assert (one["feature"], one["unit"], one["support"]) == ("in the next two weeks", "users", users)
        assert one["value"] == pytest.approx(expected)
        assert (one["interval_low"], one["interval_high"]) == pytest.approx((expected - half, expected + half))
        assert one["population_value"] == pytest.approx(sum(row[2] for row in exact))
    world.execute("delete from scores where target = 'purchase'")
    facts = build_profiles(world, ProfileSources(predictions="scores"))
    assert "expected_buyers" not in set(facts["metric"]), "without scores of purchases"
