"""Each check passes on data as it should be and fails, with figures and a sample, on data that is not."""

import json
from datetime import date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest

from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.vocabulary import Vocabulary
from beha2vec_core.quality.catalogue import CHECKS
from beha2vec_core.quality.drift import drift
from beha2vec_core.quality.statistics import robust_z, stability_by_chance, stability_index
from beha2vec_core.quality.tables import EXPECTATIONS, declared_columns
from tests.quality.quality_world import DAY, World, before


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


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


# --- declared ---------------------------------------------------------------------------------------------------


def _healthy(world: World) -> None:
    """One row, or more, in each table that has expectations."""
    world.encoder("e")
    world.log(DAY, 100)
    world.embed("e", DAY, np.eye(3))
    world.assign("e", DAY, [0, 1, 2])
    world.execute(
        """insert into beha2vec.enriched_pages by name select 'a' as page_key, 'x' as theme, 1 as theme_confidence,
        'rules' as theme_method, 'y' as page_type, 1 as page_type_confidence, 'rules' as page_type_method"""
    )
    world.execute(
        """insert into beha2vec.encoder_evaluation by name
        select 'e' as model_version, 'encoder' as method, 'retrieval' as task, 'mrr' as metric"""
    )
    world.execute("insert into beha2vec.cluster_members values (0, 'typical', 1, 'u0', 0.5, 0.1, 1)")
    world.execute(
        """insert into beha2vec.cluster_profiles by name
        select 0 as cluster_key, 'f1' as fact_id, 'size' as metric, 10 as support, 'users' as unit"""
    )
    world.execute(
        """insert into beha2vec.cluster_transitions by name select unnest([0, null]) as from_cluster, 1 as to_cluster,
        10 as users, 1 as share, 0.9 as interval_low, 1 as interval_high"""
    )
    world.execute(
        """insert into beha2vec.cluster_paths by name select 0 as cluster_key, '(entrance)' as from_step,
        'home' as to_step, 10 as users, 0.5 as share, 0.4 as population_share"""
    )
    world.execute(
        """insert into beha2vec.buying_paths by name select 'page' as kind, 'a' as feature, 10 as movers,
        0.5 as movers_share, 0.2 as matched_share, 20 as support"""
    )
    world.execute(
        """insert into beha2vec.highlights by name select 1 as rank, 'h' as highlight_id, 'difference' as kind,
        'sessions' as metric, current_date as first_day, current_date as last_day, 0.5 as value, 0.2 as other_value,
        'h' as headline, 's' as sentence"""
    )
    world.execute(
        """insert into beha2vec.cluster_insights by name select unnest([0, null]) as cluster_key, 'n' as name,
        's' as summary, ['f1'] as evidence, ['a'] as actions, 'template' as written_by"""
    )
    _predicts(world)


def _predicts(world: World, happened: bool = False) -> None:
    """A prediction model in use, with scores of a date four weeks ago and of the last one, and what users then did."""
    world.execute(
        """insert into beha2vec.prediction_examples by name
        select date '2026-02-02' as as_of, 'p' as property_id, 'u' as user_key"""
    )
    world.execute(
        """insert into beha2vec.prediction_models by name select 'm' as prediction_version, date '2026-02-02' as
        fitted_as_of, ['return'] as targets, [7] as horizons, '{"return": {"all": "ridge logistic"}}'::json as methods,
        [] as notes, timestamp '2026-02-02' as fitted_at, timestamp '2026-02-02' as promoted_at"""
    )
    world.execute(
        """insert into beha2vec.prediction_evaluation by name select 'm' as prediction_version, 'return' as target,
        7 as horizon, 'model' as method, unnest(['log_loss', 'log_loss_less_rfm']) as metric,
        unnest([0.5, -0.1]) as value, -0.2 as low, -0.05 as high, 100 as n"""
    )
    world.execute(
        """insert into beha2vec.prediction_curves by name select 'm' as prediction_version, 'return' as target,
        7 as horizon, 1 as decile, 0.5 as predicted, 0.5 as observed, 10 as users"""
    )
    world.execute(
        """insert into beha2vec.audience_members by name
        select ?::date as event_date, 'buyers' as audience, 'p' as property_id, 'u' || i as user_key,
            'entered' as state from range(100) as users(i)""",
        DAY,
    )
    world.execute(
        """insert into beha2vec.user_predictions by name
        select event_date, event_date + 1 as as_of, 'p' as property_id, 'u' || i as user_key, 'return' as target,
            7 as horizon, 0.1 + 0.002 * i as probability, 0.05 as low, 0.5 as high, 1 + i // 10 as decile,
            'ridge logistic' as method, 'm' as prediction_version
        from range(100) as users(i), (select unnest([?::date, ?::date, ?::date]) as event_date)""",
        before(20), before(7), DAY,
    )  # fmt: skip
    world.execute(
        """create table ga4.ml_ga4__user_features as
        select as_of, property_id, user_key, ? or right(user_key, 1) in ('1', '2') as will_return_7d,
            null::boolean as will_return_14d, null::boolean as will_return_28d, null::boolean as will_purchase_7d,
            null::boolean as will_purchase_14d, null::boolean as will_purchase_28d, null::varchar as next_actions_7d,
            null::varchar as next_actions_14d, null::varchar as next_actions_28d
        from beha2vec.user_predictions where event_date = ?""",
        happened, before(20),
    )  # fmt: skip


def test_predictions_that_come_true_and_stay_pass(world: World) -> None:
    _predicts(world)
    found = world.check("predictions_come_true")
    assert found.passed and found.figures == {"return_7d_observed_over_expected": 1.005}
    assert world.check("scores_are_distributed_as_before").figures == {"return_stability_index": 0.0}
    assert world.check("predictions_beat_simple_rules").passed and world.check("there_is_enough_to_learn").passed


def test_predictions_that_do_not_come_true_or_move_are_reported(world: World) -> None:
    _predicts(world, happened=True)
    world.execute("update beha2vec.user_predictions set probability = probability / 10 where event_date = ?", DAY)
    world.execute(
        "update beha2vec.prediction_evaluation set low = 0.1, high = 0.2, value = 0.15 where metric like '%rfm'"
    )
    world.execute(
        """update beha2vec.prediction_models set methods = '{"return": {"all": "base rate (too few to model)"}}',
        notes = ['sign_up is not predicted: no user did it']"""
    )
    assert "100 of 100 users, 20 expected" in world.check("predictions_come_true").message
    assert "probabilities of return have moved" in world.check("scores_are_distributed_as_before").message
    assert "return within 7 days is worse than" in world.check("predictions_beat_simple_rules").message
    message = world.check("there_is_enough_to_learn").message
    assert "sign_up is not predicted" in message and "too few users to model return" in message


def test_without_predictions_their_checks_pass(world: World) -> None:
    world.execute("create table ga4.ml_ga4__user_features as select 1 where false")
    for name in ("predictions_beat_simple_rules", "there_is_enough_to_learn"):
        assert world.check(name).passed, name


def test_audiences_that_cannot_be_used_are_named(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert world.check("audiences_can_be_used").passed, "no file, no audiences"
    file = Path("audiences.yml")
    file.write_text("buyers: 1")
    assert "write a list of audiences" in world.check("audiences_can_be_used").message
    file.write_text("- {name: buyers, rule: purchases > 0}")
    assert "there are no users yet" in world.check("audiences_can_be_used").message
    world.execute(
        """create table ga4.dim_ga4__users as select 'u' as user_key, 'p' as property_id, 1 as purchases,
        now()::timestamp as last_seen_at, true as is_ads_consented; create table ga4.dim_ga4__properties as
        select 'p' as property_id, 'UTC' as timezone, current_date as last_day;
        create or replace table ga4.int_ga4__identity_map as select 'u' as user_key, 'p' as property_id,
        '1.1' as user_pseudo_id, null::varchar as user_id, current_date as first_seen"""
    )
    assert world.check("audiences_can_be_used").figures == {"usable": 1, "unusable": 0}
    file.write_text("- {name: buyers, rule: purchases > 0}\n- {name: lost, rule: purchase = 0}")
    found = world.check("audiences_can_be_used")
    assert not found.passed and "did you mean purchases" in found.message and found.figures["unusable"] == 1


def test_declared_checks_pass_where_all_is_well_and_read_rows(world: World) -> None:
    _healthy(world)
    for asset in {expectation.asset for expectation in EXPECTATIONS}:
        for name in ("columns_are_as_declared", "rows_are_unique", "nothing_is_null"):
            found = world.check(name, asset)
            assert found.passed and not found.message, (asset, name, found)
            assert name == "columns_are_as_declared" or found.figures["rows"] > 0, (asset, name)


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda e: e.table)
def test_every_declaration_can_fail(world: World, expectation) -> None:
    """A key twice, a null, a column of another type and one that is gone: each is told with column and sample."""
    _healthy(world)
    table, asset = expectation.table, expectation.asset
    # as an older release or a hand would have left it: without a primary key
    world.execute(f"create table copied as from {table}")
    world.execute(f"create or replace table {table} as from copied union all from copied")
    found = world.check("rows_are_unique", asset)
    assert not found.passed and expectation.key[-1] + "=" in found.message and "2 rows" in found.message
    column = expectation.never_null[-1]
    world.execute(f"update {table} set {column} = null")
    found = world.check("nothing_is_null", asset)
    assert not found.passed and f"{table}.{column} is null" in found.message
    other, *_, gone = declared_columns(table)
    world.execute(f"alter table {table} drop column {gone}")
    world.execute(f"alter table {table} alter column {other} type json using null")
    world.execute(f"alter table {table} add column of_somebody integer")
    found = world.check("columns_are_as_declared", asset)
    assert not found.passed and f"{table}.{other} is JSON, declared" in found.message
    assert f"{table}.{gone} is missing" in found.message
    assert f"{table}.of_somebody" in found.figures["undeclared"]


def test_what_is_never_null_on_a_condition(world: World) -> None:
    _healthy(world)
    world.assign("e", DAY, [-1], first_user=90)
    world.execute("update beha2vec.user_clusters set distance = null, margin = null where cluster_key = -1")
    assert world.check("nothing_is_null", "user_clusters").passed, "who is in no cluster is at no distance"
    world.execute("update beha2vec.user_clusters set margin = null where cluster_key = 1")
    found = world.check("nothing_is_null", "user_clusters")
    assert not found.passed and found.figures["nulls"] == 1
    assert "user_clusters.margin is null in 1 row" in found.message and "user_key=u1" in found.message


def test_only_the_days_and_the_version_of_the_run_are_read(world: World) -> None:
    _healthy(world)
    world.embed("e", before(1), np.eye(3))
    world.embed("e", before(1), np.eye(3))
    world.embed("old", DAY, np.eye(3))
    world.embed("old", DAY, np.full((3, 3), np.nan))
    assert world.check("rows_are_unique", "user_embeddings").figures["rows"] == 3
    assert world.check("rows_are_unique", "user_embeddings").passed
    assert world.check("vectors_are_finite").passed and world.check("vectors_are_finite").figures["vectors"] == 3
    found = world.check("rows_are_unique", "user_embeddings", first=before(1))
    assert found.figures["repeated_keys"] == 3
    assert f"event_date={before(1)}" in found.message and "user_key=u0" in found.message


def test_before_the_first_clusters_the_newest_encoder_is_looked_at(world: World) -> None:
    world.execute("insert into beha2vec.encoders (model_version, trained_at) values ('first', now()::timestamp)")
    world.embed("first", DAY, np.eye(3))
    world.embed("first", DAY, np.eye(3))
    assert world.check("rows_are_unique", "user_embeddings").figures["repeated_keys"] == 3


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
