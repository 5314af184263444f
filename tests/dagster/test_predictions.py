"""Prediction models in the graph: fitted, tested, used, refused and rolled back, on users with known chances."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from beha2vec_core.compute import LocalCompute
from beha2vec_core.predictions import store
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.examples import Group
from beha2vec_core.predictions.model import PredictionModel, TargetModel
from beha2vec_core.store.tables import create_tables
from beha2vec_dagster.defs.predictions import assets
from beha2vec_dagster.defs.predictions.models import write_scores
from beha2vec_dagster.lib.resources import WarehouseResource
from tests.dagster.project import Project, export_settings, make_project
from tests.predictions.world import FIRST, end, events, world

pytestmark = pytest.mark.xdist_group("graph")  # which shares the dbt that runs

TRAINED = "prediction_examples,prediction_candidate,prediction_evaluation,prediction_model"
USERS = 700
LAST = end() - timedelta(days=1)
TESTED = end() - timedelta(days=35)


def _config(*, vectors: bool = False, evaluated: bool = True, most: int = 250_000, **candidate: object) -> str:
    ops = {
        "prediction_examples": {"vectors": vectors, "epochs": 1, "max_updates": 200, "max_examples": most},
        "prediction_candidate": {"trees": False} | candidate,
        **({"prediction_evaluation": {"dates": 1}} if evaluated else {}),
    }
    return json.dumps({"ops": {name: {"config": config} for name, config in ops.items()}})


def _materialize(project: Project, select: str, *options: str, check: bool = True):
    return project.materialize(select, "--start", str(LAST), "--end", str(LAST), *options, check=check)


def _project(folder: Path, features: pd.DataFrame) -> Project:
    project = make_project(
        folder, start_date=FIRST.isoformat(), end_date=LAST.isoformat(), prediction_events="add_to_cart"
    )
    project.warehouse.parent.mkdir()
    with duckdb.connect(str(project.warehouse)) as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        connection.register("features", features.assign(exported_until=LAST))
        connection.execute("create table ga4.ml_ga4__user_features as select * from features")
        connection.register("seen", events(USERS))
        connection.execute("create table ga4.int_ga4__sequence_events as select * from seen")
        connection.execute(
            """create view ga4.int_ga4__identities_as_of as
            select as_of, user_key as client_key, user_key from ga4.ml_ga4__user_features"""
        )
        connection.execute(
            """create view ga4.int_ga4__identity_map as
            select distinct property_id, user_key, user_key as client_key, user_key as user_pseudo_id
            from ga4.ml_ga4__user_features"""
        )
    _write_tables_of_users(project.folder / "data" / "demo_export" / "property_id=p", features)
    return project


def _write_tables_of_users(export: Path, features: pd.DataFrame) -> None:
    """GA4's own predictions of the day before the test date: its scores are the true probabilities."""
    export.mkdir(parents=True)
    (export / "events_20260105.ndjson").touch()
    known = features[features["as_of"] == TESTED]
    with (export / f"pseudonymous_users_{TESTED - timedelta(days=1):%Y%m%d}.ndjson").open("w") as file:
        for user, purchase, back in zip(
            known["user_key"], known["true_purchase_7"], known["true_return_7"], strict=True
        ):
            scores = {"purchase_score_7d": purchase, "churn_score_7d": 1 - back}
            print(json.dumps({"pseudo_user_id": user, "predictions": scores}), file=file)


def _in_use(project: Project) -> str:
    ((version,),) = project.query("select prediction_version from beha2vec.prediction_model_current")
    return str(version)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a prediction model in use and a night's scores."""
    project = _project(tmp_path_factory.mktemp("predictions") / "p", world(USERS))
    project.output = _materialize(project, f"{TRAINED},user_predictions", "--config", _config(vectors=True)).stdout
    return project


@pytest.mark.slow
def test_a_night_scores_everyone_seen_lately(trained: Project) -> None:
    scores = trained.query(
        """select target, horizon, count(*), count(distinct user_key), sum((low <= probability)::int),
            sum((probability <= high)::int), min(decile), max(decile) from beha2vec.user_predictions_current
        group by all order by all"""
    )
    ((users,),) = trained.query(
        f"select count(*) from ga4.ml_ga4__user_features where as_of = '{end()}' and days_since_last_session <= 28"
    )
    assert [row[:2] for row in scores] == [(t, h) for t in ("add_to_cart", "purchase", "return") for h in (7, 14, 28)]
    assert {row[2:] for row in scores} == {(users,) * 4 + (1, 10)}
    assert trained.query(
        "select count(*) from beha2vec.user_predictions_current where (reasons is null) = (decile = 1)"
    ) == [(0,)]
    valued = "select target, count(value) > 0 from beha2vec.user_predictions_current group by all order by all"
    assert trained.query(valued) == [("add_to_cart", False), ("purchase", True), ("return", False)]


@pytest.mark.slow
def test_scores_read_the_vectors_of_the_models_own_encoder(trained: Project) -> None:
    ((encoder,),) = trained.query("select encoder_version from beha2vec.prediction_model_current")
    assert {path.name for path in (trained.folder / "data" / "prediction_encoders").iterdir()} == {encoder}
    found = trained.query(
        """select as_of, count(*) from beha2vec.prediction_vectors
        join ga4.ml_ga4__user_features using (as_of, user_key) group by as_of order by as_of"""
    )
    examples = trained.query("select as_of, count(*) from beha2vec.prediction_examples group by as_of order by as_of")
    assert found == examples and examples[-1][0] == end() and examples[0][0] >= FIRST + timedelta(days=14)
    methods = trained.query("select distinct method from beha2vec.prediction_evaluation order by method")
    assert ("model without behavior vectors",) in methods


@pytest.mark.slow
def test_the_model_was_tested_on_dates_it_had_not_seen(trained: Project) -> None:
    rows = trained.query(
        """select distinct tested_from, tested_until from beha2vec.prediction_evaluation
        where prediction_version = (select prediction_version from beha2vec.prediction_model_current)"""
    )
    assert rows == [(TESTED, TESTED)]
    curves = trained.query("select count(distinct (target, horizon)), max(gain) from beha2vec.prediction_curves")
    assert curves == [(9, 1.0)]


@pytest.mark.slow
def test_ga4s_own_predictions_are_a_rival(trained: Project) -> None:
    rows = trained.query(
        """select target, horizon, value > 0.5 from beha2vec.prediction_evaluation
        where method = 'GA4' and metric = 'auroc' order by target"""
    )
    assert rows == [("purchase", 7, True), ("return", 7, True)]
    compared = (
        "select count(*) from beha2vec.prediction_evaluation where metric = 'log_loss_less_ga4' and low is not null"
    )
    assert trained.query(compared)[0][0] >= 2


@pytest.mark.parametrize(("weight", "scored"), [(1, [LAST]), (8, [])])
def test_only_a_date_with_features_of_all_users_is_scored(tmp_path: Path, weight: int, scored: list[date]) -> None:
    features = world(USERS)
    project = _project(tmp_path / "p", features[features["as_of"] == end()].assign(sampling_weight=weight))
    settings = export_settings(data_dir=project.warehouse.parent)
    warehouse = WarehouseResource(database=str(project.warehouse), lock_timeout_seconds=60)
    model = PredictionModel(end(), FitConfig(), {"return": TargetModel("return", (7,), {})})
    found = write_scores(settings, warehouse, model, [LAST], LocalCompute("cpu"), reasons=False)
    assert list(found.rows) == scored


@pytest.mark.slow
def test_running_again_gives_the_same_rows(trained: Project, tmp_path: Path) -> None:
    project = trained.copy(tmp_path / "p")
    rows = "select * from beha2vec.user_predictions order by all"
    before = project.query(rows)
    _materialize(project, f"{TRAINED},user_predictions", "--config", _config(vectors=True))
    assert project.query(rows) == before


@pytest.mark.slow
def test_what_was_rolled_back_stays_so_until_another_model_is_fitted(trained: Project, tmp_path: Path) -> None:
    project = trained.copy(tmp_path / "p")
    first = _in_use(project)
    _materialize(project, TRAINED, "--config", _config(seed=1))
    second = _in_use(project)
    assert second != first
    with duckdb.connect(str(project.warehouse)) as connection:
        assert store.roll_back(connection) == first
    done = _materialize(project, "prediction_model,user_predictions")
    assert "rolled back to" in done.stdout and _in_use(project) == first
    assert project.run("beha2vec", "rollback", "--predictions", check=False).returncode == 1, "there is none before it"
    forced = json.dumps({"ops": {"prediction_model": {"config": {"force": True}}}})
    _materialize(project, "prediction_model", "--config", forced)
    assert _in_use(project) == second


@pytest.mark.slow
def test_a_worse_model_is_refused_and_the_one_in_use_stays(trained: Project, tmp_path: Path) -> None:
    project = trained.copy(tmp_path / "p")
    first = _in_use(project)
    _materialize(project, "prediction_examples,prediction_candidate", "--config", _config(evaluated=False, seed=1))
    ((second,),) = project.query("select prediction_version from beha2vec.prediction_model_newest")
    with duckdb.connect(str(project.warehouse)) as connection:
        for metric, value, low in (("log_loss", 0.5, None), ("log_loss_less_champion", 0.2, 0.1)):
            connection.execute(
                """insert into beha2vec.prediction_evaluation
                values (?, null, null, 'purchase', 28, 'model', ?, ?, ?, ?, 9)""",
                [second, metric, value, low, low],
            )
    done = _materialize(project, "prediction_model", check=False)
    assert done.returncode != 0 and "is refused: its log loss for purchase within 28 days is worse" in done.stderr
    assert _in_use(project) == first
    refused = f"select refused from beha2vec.prediction_models where prediction_version = '{second}'"
    assert "is worse than that of the model in use" in project.query(refused)[0][0]


@pytest.mark.slow
def test_examples_are_replaced_only_with_all_their_vectors(trained: Project, tmp_path: Path) -> None:
    project = trained.copy(tmp_path / "p")
    before = project.query("from beha2vec.prediction_examples order by all")
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("drop view ga4.int_ga4__identities_as_of")
    config = _config(vectors=True, evaluated=False, most=6_000)
    done = _materialize(project, "prediction_examples", "--config", config, check=False)
    assert done.returncode != 0 and "int_ga4__identities_as_of" in done.stderr
    assert project.query("from beha2vec.prediction_examples order by all") == before


@pytest.mark.slow
def test_too_short_a_history_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    features = world(USERS)
    project = _project(tmp_path / "p", features[features["as_of"] < FIRST + timedelta(days=16)])
    done = _materialize(project, f"{TRAINED},user_predictions", "--config", _config())
    assert "Export more days" in done.stdout and "no prediction model yet: predictions need" in done.stdout
    assert project.query("select count(*) from beha2vec.user_predictions") == [(0,)]


def test_the_sample_is_shown_with_a_line_for_each_share_of_a_group() -> None:
    groups = [Group("purchase", 1, 100, 300, 8), Group("purchase", 4, 80, 90, 2), Group("purchase", 4, 40, 50, 1)]
    shown = assets._sample([*groups, Group("", 4, 900, 999, 2)])
    assert shown is not None and str(shown.value).splitlines()[2:] == [
        "| purchase | 180 | 1 in 8 |",
        "| purchase | 40 | 1 in 4 |",
        "| none of it | 900 | 1 in 8 |",
    ]
    assert assets._sample([Group("purchase", 1, 100, 300, 1)]) is None


@pytest.mark.slow
def test_an_event_that_is_a_target_already_is_predicted_once_also_from_a_sample(tmp_path: Path) -> None:
    project = _project(tmp_path / "p", world(USERS))
    project.settings["BEHA2VEC_PREDICTION_EVENTS"] = "purchase, sign_up"
    _materialize(project, "prediction_examples,prediction_candidate", "--config", _config(evaluated=False, most=6_000))
    ((drawn, of_all),) = project.query("select count(*), sum(weight) from beha2vec.prediction_examples")
    ((there,),) = project.query("select count(*) from ga4.ml_ga4__user_features where isodow(as_of) = 1")
    assert 3_000 < drawn < 6_500 and of_all == pytest.approx(there, rel=0.05)
    ((targets, notes),) = project.query("select targets, notes from beha2vec.prediction_models")
    assert targets == ["purchase", "return"] and any(note.startswith("sign_up is not predicted") for note in notes)
