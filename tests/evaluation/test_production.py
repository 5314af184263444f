"""The encoder in use, judged on the users it never learned from."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.encoder.validation import held_out_users
from beha2vec_core.evaluation import production
from beha2vec_core.evaluation.data import INPUT_COLUMNS
from beha2vec_core.evaluation.encoder import VectorsAndNext
from beha2vec_core.evaluation.production import FLOORS, Evaluation, choose, evaluate, headline, over_versions, read_own
from beha2vec_core.evaluation.splits import Split
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks import next_step, retrieval
from beha2vec_core.evaluation.tasks.base import Task, Trial
from beha2vec_core.events.sequences import build_sequences
from beha2vec_core.store.tables import as_table, create_tables
from beha2vec_core.store.warehouse import replace_partition
from tests.benchmarks.data_sets.demo import Edition, demo_personas

HELD_OUT = 0.3
# the fixtures are made once
pytestmark = pytest.mark.xdist_group("production")


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return demo_personas(Edition(400, 14, 5, date(2026, 1, 5), "Europe/Berlin", content="not frozen")).events


@pytest.fixture(scope="module")
def encoder(events: pd.DataFrame) -> BehaviorEncoder:
    train = TrainConfig(epochs=1, held_out=HELD_OUT, device="cpu", progress=False)
    return BehaviorEncoder.fit(events[list(INPUT_COLUMNS)], EncoderConfig(dim=16, layers=1, heads=2), train)


@pytest.fixture(scope="module")
def judging(encoder: BehaviorEncoder, events: pd.DataFrame) -> tuple[Evaluation, list[Trial]]:
    """The evaluation, and every trial the tasks were given while no encoder could be fitted."""
    trials = []

    def watched(trial: Trial, tasks: tuple[Task, ...]) -> list[Outcome]:
        trials.append(trial)
        return run_tasks(trial, tasks)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("an encoder was fitted")

    run_tasks = production.run_tasks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(production, "run_tasks", watched)
        patch.setattr(BehaviorEncoder, "fit", forbidden)
        return evaluate(encoder, events), trials


@pytest.fixture(scope="module")
def evaluation(judging: tuple[Evaluation, list[Trial]]) -> Evaluation:
    return judging[0]


def _figures(rows: pa.Table) -> dict[tuple[str, str, str], dict[str, Any]]:
    return {(row["method"], row["task"], row["metric"]): row for row in rows.to_pylist()}


def test_the_judged_users_are_those_that_training_held_out(
    judging: tuple[Evaluation, list[Trial]], events: pd.DataFrame
) -> None:
    sequences = build_sequences(events[list(INPUT_COLUMNS)])
    held = set(np.array(sequences.user_key)[held_out_users(sequences, HELD_OUT)])
    evaluation, trials = judging
    assert len(trials) == 2 + len(FLOORS)
    for trial in trials:
        assert set(trial.split.judged["user_key"]) == held
        assert set(trial.split.fit["user_key"]) == set(events["user_key"]) - held
    assert evaluation.judged == len(held) and 80 < len(held) < 160
    assert evaluation.judged + evaluation.learned_from == events["user_key"].nunique()
    assert set(evaluation.rows["judged"].to_pylist()) == {len(held)}


@pytest.mark.slow
def test_the_encoder_and_the_floors_have_every_figure_that_needs_no_refit(evaluation: Evaluation) -> None:
    found = _figures(evaluation.rows)
    assert {method for method, _, _ in found} == {"encoder", "encoder, identity", *(floor.name for floor in FLOORS)}
    assert {"length", "tf-idf of pages", "rich counts", "popular", "own history", "Markov"} <= {f.name for f in FLOORS}
    assert {task for method, task, _ in found if method == "encoder"} == {task.name for task in production.TASKS}
    metrics = {metric for _, _, metric in found}
    assert not [metric for metric in metrics if "retrains" in metric or metric == "fitted twice"]
    assert {"ari across seeds", "ari across bootstraps", "encoded twice", "encoded alone"} <= metrics
    assert found["encoder", "determinism", "encoded twice"]["value"] == 0.0
    assert len(found) == evaluation.rows.num_rows, "one row a figure"
    assert evaluation.notes == []


@pytest.mark.slow
def test_figures_are_what_the_tasks_give(
    evaluation: Evaluation, encoder: BehaviorEncoder, events: pd.DataFrame
) -> None:
    held = events["user_key"].map(lambda user: production.is_held_out(user, HELD_OUT))
    split = Split("", 0, events[~held], events[held])
    fitted = VectorsAndNext(encoder, "behavior")
    trial = Trial(split, fitted)
    found = _figures(evaluation.rows)
    for task in (retrieval.TASK, next_step.NEXT_PAGE):
        outcomes = [outcome for outcome in task.run(trial) if outcome.n >= production.FEWEST]
        assert outcomes
        for outcome in outcomes:
            row = found["encoder", outcome.task, outcome.metric]
            assert (row["value"], row["n"]) == (outcome.value, outcome.n)


@pytest.mark.slow
def test_compared_figures_tell_what_the_encoder_gains_on_the_best_floor(evaluation: Evaluation) -> None:
    found = _figures(evaluation.rows)
    compared = {(column.task, column.metric) for column in production.COMPARED}
    for (method, task, metric), row in found.items():
        if not method.startswith("encoder") or (task, metric) not in compared:
            assert row["less_best_floor"] is row["low"] is row["high"] is None
            continue
        floors = [found[f.name, task, metric]["value"] for f in FLOORS if (f.name, task, metric) in found]
        assert row["less_best_floor"] == pytest.approx(row["value"] - max(floors))
        assert row["low"] < row["less_best_floor"] < row["high"]


@pytest.mark.slow
def test_the_same_rows_when_run_again(evaluation: Evaluation, encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    again = evaluate(encoder, events).rows
    assert again.drop_columns("evaluated_at").equals(evaluation.rows.drop_columns("evaluated_at"))
    assert evaluation.data_until is not None
    until = evaluation.data_until.replace(tzinfo=UTC).timestamp()
    assert until == pytest.approx(events["event_timestamp"].max() / 1e6)


@pytest.mark.slow
def test_what_cannot_be_judged_has_no_rows_and_is_reported(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    few = evaluate(encoder, events[events["user_key"].isin(_users(events)[:15])])
    assert few.rows.num_rows == 0 and few.rows.schema == as_table("beha2vec.encoder_evaluation", []).schema
    assert "held out" in few.notes[0] and "10 of either are needed" in few.notes[0]
    nobody = evaluate(encoder, events[:0])
    assert nobody.rows.num_rows == 0 and nobody.data_until is None and "of 0 users" in nobody.notes[0]

    # nobody buys, nobody looks twice
    first = events["is_page_view"] & ~events[events["is_page_view"]].duplicated("user_key")
    short = evaluate(encoder, events[first.fillna(False)].reset_index(drop=True))
    left_out = [note.split(" is not evaluated")[0] for note in short.notes]
    assert left_out == ["intent", "next page", "next event", "retrieval"]
    assert {task for _, task, _ in _figures(short.rows)} == {"content", "stability", "geometry", "determinism"}


def test_users_are_chosen_by_hash_and_a_fifth_of_them_judged() -> None:
    users = [f"u{number}" for number in range(1000)]
    chosen = choose(users, HELD_OUT, 100)
    held = [user for user in chosen if production.is_held_out(user, HELD_OUT)]
    assert len(set(chosen)) == 100 and len(held) == 20
    assert set(choose(users[::-1], HELD_OUT, 100)) == set(chosen)
    assert sorted(choose(users, HELD_OUT, 5000)) == sorted(users), "all where there is room"
    assert len(choose(users, 0.0, 100)) == 100


def test_the_warehouse_gives_the_events_of_the_chosen_users() -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        connection.execute("""
            create schema ga4;
            create table ga4.ml_ga4__sequence_events as
            select 'u' || (range // 3) as user_key, date '2026-01-05' as event_date, range * 1000000 as event_timestamp,
                1 as event_index, 'page_view' as event_name, 's.example/' || (range % 3) as page_key, '' as page_title,
                's' as session_key, true as is_page_view
            from range(300)
        """)
        events = read_own(connection, HELD_OUT, 50)
        assert events["user_key"].nunique() == 50 and len(events) == 150
        connection.execute("delete from ga4.ml_ga4__sequence_events")
        assert read_own(connection, HELD_OUT, 50).empty


@pytest.mark.slow
def test_versions_stand_in_the_order_of_their_training(evaluation: Evaluation, encoder: BehaviorEncoder) -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        rows = evaluation.rows.to_pandas()
        later, earlier = encoder.model_version, "an older one"
        for version, day in ((later, 9), (earlier, 8)):
            connection.execute(
                "insert into beha2vec.encoders (model_version, trained_at) values (?, ?)",
                [version, datetime(2026, 1, day)],
            )
            connection.register("evaluation", rows.assign(model_version=version))
            for _ in range(2):  # a second time replaces the first
                replace_partition(
                    connection,
                    "beha2vec.encoder_evaluation",
                    "select * from evaluation",
                    f"model_version = '{version}'",
                )
        assert connection.execute("select count(*) from beha2vec.encoder_evaluation").fetchone() == (2 * len(rows),)
        found = connection.execute(over_versions()).df()
    assert found["model_version"].tolist() == [earlier, later]
    expected = _figures(evaluation.rows)["encoder", "retrieval", "mrr"]["value"]
    assert found["halves MRR"].tolist() == [round(expected, 3)] * 2
    assert found["judged"].tolist() == [evaluation.judged] * 2


@pytest.mark.slow
def test_the_headline_shows_compared_figures_of_encoder_and_floors(evaluation: Evaluation) -> None:
    names, lines = headline(evaluation.rows)
    assert names == ["method", "intent AUROC", "halves MRR", *names[3:]] and len(names) == 6
    table = pd.DataFrame(lines, columns=names).set_index("method")
    assert list(table.index[:2]) == ["encoder", "encoder, identity"]
    assert {floor.name for floor in FLOORS} < set(table.index)
    expected = _figures(evaluation.rows)["encoder", "retrieval", "mrr"]
    assert table.loc["encoder", "halves MRR"] == round(expected["value"], 3)
    assert table.loc["encoder, less the best floor", "halves MRR"].startswith(f"{expected['less_best_floor']:+.3f} [")
    assert headline(evaluation.rows[:0]) == (names, [])


def _users(events: pd.DataFrame) -> list[str]:
    return sorted(events["user_key"].unique())
