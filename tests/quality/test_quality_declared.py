"""What is declared of tables, predictions and audiences holds, and each check of it can fail."""

from pathlib import Path

import numpy as np
import pytest

from beha2vec_core.quality.tables import EXPECTATIONS, declared_columns
from tests.quality.quality_world import DAY, World, before


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
        select as_of, property_id, user_key, 1 as sampling_weight,
            ? or right(user_key, 1) in ('1', '2') as will_return_7d,
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
    # of a sample of those who did not come back
    world.execute("delete from ga4.ml_ga4__user_features where not will_return_7d and right(user_key, 1) in ('3', '4')")
    assert world.check("predictions_come_true").figures == {"return_7d_observed_over_expected": 1.253}
    world.execute("update ga4.ml_ga4__user_features set sampling_weight = 2 where right(user_key, 1) in ('5', '6')")
    assert world.check("predictions_come_true").figures == {"return_7d_observed_over_expected": 1.001}
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
        notes = ['sign_up is not predicted: no user did it.', 'refund is not predicted: no user did it.']"""
    )
    assert "100 of 100 users, 20 expected" in world.check("predictions_come_true").message
    assert "probabilities of return have moved" in world.check("scores_are_distributed_as_before").message
    assert "return within 7 days is worse than" in world.check("predictions_beat_simple_rules").message
    message = world.check("there_is_enough_to_learn").message
    assert "Not predicted yet, because no user did it: sign_up, refund. Too few users to model return" in message


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
    """A key twice, a null, a column of another type and one that is gone: each is named, with column and sample."""
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
    other, *_, gone = declared_columns()[table]
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
