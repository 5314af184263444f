"""Each check passes on data as it should be and fails, with figures and a sample, on data that is not."""

import json
from datetime import date, datetime

import duckdb
import numpy as np
import pytest

from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.vocabulary import Vocabulary
from beha2vec_core.quality.catalogue import CHECKS
from beha2vec_core.quality.drift import drift
from beha2vec_core.quality.statistics import robust_z, stability_by_chance, stability_index
from tests.quality.quality_world import DAY, World, before

# --- statistics -------------------------------------------------------------------------------------------------


def test_robust_z_is_in_factors_and_not_spoilt_by_outages() -> None:
    weeks = [1000, 1100, 950, 1050, 1000, 1020, 0, 90_000]
    assert abs(robust_z(1000, weeks)) < 1
    assert robust_z(400, weeks) < -4 and robust_z(2500, weeks) > 4
    assert robust_z(2000, [1000] * 8) == pytest.approx(-robust_z(500, [1000] * 8), rel=0.01), "twice and half are alike"
    assert abs(robust_z(1100, [1000] * 8)) < 1, "weeks that are all alike do not make a tenth more an alarm"
    assert abs(robust_z(2, [5, 5, 5, 5])) < 4 < abs(robust_z(20, [500] * 4)), "small counts vary by chance"
    rng = np.random.default_rng(3)
    days = [rng.exponential(10, size=rng.poisson(50)).sum() for _ in range(900)]
    alarms = [abs(robust_z(days[n], days[n - 8 : n], least_sd=(2 / 50) ** 0.5)) > 4 for n in range(8, 900)]
    assert sum(alarms) <= 1 < sum(abs(robust_z(days[n], days[n - 8 : n])) > 4 for n in range(8, 900))


def test_stability_index_by_hand_and_by_chance() -> None:
    low, high = np.arange(1000.0), np.full(1000, 999.0)
    assert stability_index(low, low) == 0
    # nine bins of 0.5 against 100.5 and one of 1000.5 against 100.5, out of 1005
    expected = 9 * (0.5 - 100.5) / 1005 * np.log(0.5 / 100.5) + (1000.5 - 100.5) / 1005 * np.log(1000.5 / 100.5)
    assert stability_index(low, high) == pytest.approx(expected)
    random = np.random.default_rng(0)
    found = [stability_index(random.normal(size=400), random.normal(size=60)) for _ in range(500)]
    assert np.mean(np.array(found) > stability_by_chance(400, 60, chance=0.1)) < 0.15
    assert np.mean(np.array(found) > stability_by_chance(400, 60)) < 0.01


# --- the export -------------------------------------------------------------------------------------------------


def test_a_day_is_compared_with_its_weekday(world: World) -> None:
    for week in range(1, 9):
        world.log(before(7 * week), 1000 + 20 * week)
        world.log(before(7 * week - 1), 300)  # another weekday
    world.log(DAY, 1030)
    found = world.check("volume_is_as_usual")
    assert found.passed and abs(found.figures["events_z"]) < 1 and found.figures["judged"] == 2
    world.execute("update raw.ga4_ingest_log set accepted = 310 where event_date = ?", DAY)
    found = world.check("volume_is_as_usual")
    assert not found.passed and found.figures["events_z"] < -4
    assert "310 events, usually 1,1" in found.message and "users" not in found.message


def test_too_few_weeks_are_not_judged_but_an_empty_day_is(world: World) -> None:
    for week in range(1, 4):
        world.log(before(7 * week), 1000)
    world.log(DAY, 10)
    assert world.check("volume_is_as_usual").passed
    world.execute("update raw.ga4_ingest_log set accepted = 0, users = 0 where event_date = ?", DAY)
    found = world.check("volume_is_as_usual")
    assert not found.passed and "no events" in found.message
    world.execute("update raw.ga4_ingest_log set status = 'missing' where event_date = ?", DAY)
    assert world.check("volume_is_as_usual").passed, "told by no_day_is_missing"
    assert not world.check("no_day_is_missing").passed


def test_days_outside_the_run_are_not_judged(world: World) -> None:
    world.log(before(1), 0, users=0, status="missing")
    world.log(DAY, 100)
    found = world.check("no_day_is_missing")
    assert found.passed and found.figures["in_all_history"] == 1
    assert not world.check("no_day_is_missing", first=before(1)).passed


def test_each_property_is_judged_by_itself(world: World) -> None:
    for week in range(9):
        world.log(before(7 * week), 1000)
        world.log(before(7 * week), 1000 if week else 100, property_id="q")
    found = world.check("volume_is_as_usual")
    assert not found.passed and "(q)" in found.message and "(p)" not in found.message


def test_rows_of_partitions_and_log_agree(world: World) -> None:
    world.log(DAY, 3)
    world.log(before(1), 5)
    folder = world.settings.storage.raw_path / "property_id=p" / f"event_date={DAY}"
    folder.mkdir(parents=True)
    world.execute(f"copy (select unnest([1, 2, 3]) as x) to '{folder}/events.parquet'")
    assert world.check("rows_are_accounted_for").passed
    found = world.check("rows_are_accounted_for", first=before(1))
    assert not found.passed and str(before(1)) in found.message and "5 accepted" in found.message


# --- events -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "column", "usual", "usual_limit", "limit"),
    [("events_have_a_user", "without_user", 400, 500, 300), ("events_come_on_their_day", "late", 150, 200, 100)],
)
def test_a_share_is_judged_by_what_is_usual(
    world: World, name: str, column: str, usual: int, usual_limit: int, limit: int
) -> None:
    world.quality(DAY, **{column: limit + 1})
    assert not world.check(name).passed, "with no days before it, by a fixed limit"
    for day in range(1, 8):
        world.quality(before(day), **{column: usual})
    assert world.check(name).passed, "where a large share is usual, it is none"
    world.execute("delete from ga4.ga4_quality__daily where event_date = ?", DAY)
    world.quality(DAY, **{column: usual_limit + 10})
    found = world.check(name)
    assert not found.passed and str(DAY) in found.message and f"at most {usual_limit / 1000:.1%}" in found.message
    world.quality(before(-1), events=0)
    assert world.check(name, first=before(-1), last=before(-1)).passed, "a day without events has no share"


def test_events_from_after_their_day_are_never_usual(world: World) -> None:
    for day in range(8):
        world.quality(before(day), early=20)
    found = world.check("events_come_on_their_day")
    assert not found.passed and f"{DAY} (p): 2.0% of the events are from after the day" in found.message


def test_a_tracking_break_names_the_day(world: World) -> None:
    world.quality(before(1), events=10, break_reason="no purchases")
    world.quality(DAY)
    assert world.check("tracking_is_whole").passed, "days that are not of the run are old news"
    found = world.check("tracking_is_whole", first=before(1))
    assert f"{before(1)} (p): no purchases (10 events, usually 1,000)" in found.message


def test_views_on_unknown_pages(world: World) -> None:
    world.execute(
        """create table ga4.dim_ga4__pages as select * from (values ('a', 69), ('b', 31)) as t(page_key, page_views)"""
    )
    world.execute(
        """insert into beha2vec.enriched_pages by name
        select * from (values ('a', 'shoes', 'product'), ('b', 'unknown', 'list')) as t(page_key, theme, page_type)"""
    )
    found = world.check("most_views_have_a_theme")
    assert not found.passed and found.figures["unknown_share"] == pytest.approx(0.31) and "31%" in found.message
    assert world.check("most_views_have_a_page_type").passed


# --- the encoder ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0.0], ids=str)
@pytest.mark.parametrize("name", ["vectors_are_finite", "promoted_vectors_are_finite"])
def test_vectors_that_cannot_be_used(world: World, name: str, bad: float) -> None:
    world.encoder("e")
    world.embed("e", DAY, np.ones((2, 4)))
    assert world.check(name).passed
    world.embed("e", DAY, np.full((1, 4), bad), first_user=7)
    found = world.check(name)
    assert not found.passed and found.figures["broken"] == 1 and f"{DAY} u7" in found.message


def test_a_promotion_is_looked_at_on_all_days(world: World) -> None:
    world.encoder("e")
    world.embed("e", before(60), np.zeros((1, 4)))
    assert not world.check("promoted_vectors_are_finite").passed and world.check("vectors_are_finite").passed


def test_pages_and_event_names_that_the_encoder_never_learned(world: World) -> None:
    known = {"page": Vocabulary(("/a", "/b"), 8), "event_name": Vocabulary(("page_view",), 8)}
    folder = world.settings.storage.encoders_path / "e"
    folder.mkdir(parents=True)
    (folder / "vocabulary.json").write_text(json.dumps(Fields(2, known, ()).to_json()))
    world.encoder("e")
    world.execute("create table ga4.ml_ga4__sequence_events (event_date date, page_key varchar, event_name varchar)")
    insert = "insert into ga4.ml_ga4__sequence_events select ?, ?, ? from range(?)"
    world.execute(insert, DAY, "/a", "page_view", 90)
    world.execute(insert, DAY, None, "page_view", 10)
    world.execute(insert, DAY, "/new", "page_view", 20)
    world.execute(insert, before(1), "/of yesterday", "tap", 900)
    found = world.check("the_encoder_knows_the_pages")
    assert found.passed and found.figures["unknown_page_share"] == pytest.approx(20 / 110)
    world.execute(insert, DAY, "/newer", "tap", 30)
    found = world.check("the_encoder_knows_the_pages")
    assert not found.passed and found.figures["most_seen_unknown"] == ["/newer", "/new", "tap"]
    assert "36% of the events are on pages" in found.message and "20% of the events have a name" in found.message


def test_users_who_lie_elsewhere_than_before(world: World) -> None:
    random = np.random.default_rng(0)
    world.encoder("e")
    scale = np.array([3, 2, 1, 0.5, 0.1, 0.1])
    for week in range(1, 5):
        world.embed("e", before(7 * week), random.normal(size=(150, 6)) * scale, first_user=1000 * week)
        world.embed("e", before(7 * week - 2), random.normal(size=(150, 6)) + 9, first_user=5000 + 1000 * week)
    assert "not_judged" in world.check("vectors_are_distributed_as_before").figures, "the day has no users yet"
    world.embed("e", DAY, random.normal(size=(200, 6)) * scale)
    found = world.check("vectors_are_distributed_as_before")
    assert found.passed and found.figures["users_before"] == 600 and found.figures["stability_index"] < 0.25
    world.execute("delete from beha2vec.user_embeddings where event_date = ?", DAY)
    world.embed("e", DAY, random.normal(size=(200, 6)) * scale + np.array([0, 2, 0, 0, 0, 0]))
    found = world.check("vectors_are_distributed_as_before")
    assert not found.passed and found.figures["stability_index"] > found.figures["limit"] >= 0.25


def test_users_who_did_nothing_new_and_moved(world: World) -> None:
    random = np.random.default_rng(0)
    old = random.normal(size=(50, 8))
    world.encoder("a", promoted=datetime(2026, 3, 1))
    world.embed("a", DAY, old)
    assert "not_judged" in world.check("unchanged_users_keep_their_vectors").figures
    world.encoder("b", promoted=datetime(2026, 3, 2), warm_start_from="a")
    world.embed("b", DAY, old + 0.1 * random.normal(size=old.shape))
    found = world.check("unchanged_users_keep_their_vectors")
    assert found.passed and found.figures["compared"] == 50 and found.figures["mean_cosine"] > 0.98
    world.embed("b", before(1), -old)
    world.embed("a", before(1), old)
    found = world.check("unchanged_users_keep_their_vectors")
    assert not found.passed and found.figures["compared"] == 100 and "between a and its successor" in found.message
    world.execute("update beha2vec.user_embeddings set n_events = 10 where model_version = 'b' and event_date < ?", DAY)
    assert world.check("unchanged_users_keep_their_vectors").passed, "users with new events are left out"
    world.execute("update beha2vec.encoders set warm_start_from = null")
    assert "not_judged" in world.check("unchanged_users_keep_their_vectors").figures, "begun anew"


# --- clusters ---------------------------------------------------------------------------------------------------


def test_a_lump_and_a_dead_cluster(world: World) -> None:
    world.encoder("e")
    world.assign("e", before(30), [2] * 8, first_user=100)
    world.assign("e", before(3), [0, 0, 1, 1, 0])
    world.assign("e", DAY, [1, 0, 1, 0])
    world.assign("e", DAY, [-1] * 20, first_user=200)
    found = world.check("every_cluster_has_users")
    assert not found.passed and found.figures["dead"] == [2] and found.figures["clusters"] == 3, "7 is gone since long"
    found = world.check("no_cluster_swallows_the_rest")
    assert not found.passed and found.figures["largest_share"] == pytest.approx(3 / 5), "each user by his latest day"
    assert found.figures["users"] == 5 and found.figures["users_with_too_little_evidence"] == 20, "in no cluster"
    world.assign("e", before(27), [2] * 3, first_user=100)
    assert world.check("every_cluster_has_users").passed and world.check("no_cluster_swallows_the_rest").passed


def test_without_clusters_there_is_nothing_to_say(world: World) -> None:
    assert world.check("every_cluster_has_users").passed and world.check("no_cluster_swallows_the_rest").passed


# --- the catalogue ----------------------------------------------------------------------------------------------


def test_the_catalogue_is_thought_through() -> None:
    keys = [(check.asset, check.name) for check in CHECKS]
    assert len(keys) == len(set(keys))
    for check in CHECKS:
        assert check.remedy and check.description.endswith("."), check.name
        assert check.severity == "error" or not check.blocking, f"{check.name}: a warning blocks nothing"
    assert {check.asset for check in CHECKS if check.blocking} == {
        "user_embeddings",
        "trained_encoder",
        "user_clusters",
    }


def test_drift_compares_the_users_of_the_lowest_hashes() -> None:
    days = [date(2026, 3, 2), date(2026, 3, 9)]
    with duckdb.connect() as connection:
        connection.execute(
            """create schema beha2vec;
            create table beha2vec.encoder_current as select 'e' as model_version;
            create table beha2vec.encoder_newest as from beha2vec.encoder_current;
            create table beha2vec.user_embeddings as
            select unnest(['e', 'older']) as model_version, event_date, 'u' || number as user_key,
                [hash(number, event_date, place) % 1000 / 1000 for place in range(4)]::float[] as behavior
            from range(1500) as users(number), unnest($days::date[]) as days(event_date)""",
            {"days": days},
        )
        (found,) = drift(connection, days[1:])
        assert (found.users, found.users_before) == (1000, 1000)
        connection.execute(
            """delete from beha2vec.user_embeddings where user_key not in
            (select 'u' || range as key from range(1500) order by md5(key) limit 1000)"""
        )
        assert drift(connection, days[1:]) == [found]
