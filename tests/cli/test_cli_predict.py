"""``beha2vec predict``: how many users it lists."""

import csv
import io

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app

RUN = CliRunner()


@pytest.fixture(autouse=True)
def published(serving: duckdb.DuckDBPyConnection) -> None:
    serving.execute(
        """create schema beha2vec; create table beha2vec.user_predictions_current as
        select 'user' || n as user_key, 'purchase' as target, 28 as horizon, n / 1000 as probability, 0.0 as low,
        1.0 as high, 1 as decile, 12.5 as value, ['visits'] as reasons, date '2026-03-30' as as_of
        from range(300) as t(n);
        create table beha2vec.prediction_model_current as
        select 'p1' as prediction_version, ['return is not predicted: every user did it.'] as notes;
        insert into beha2vec.user_predictions_current from (
            select * replace (14 as horizon, probability / 2 as probability) from beha2vec.user_predictions_current);
        create table beha2vec.prediction_evaluation as
        select 'p1' as prediction_version, 'purchase' as target, 14 as horizon, 'model' as method"""
    )
    serving.close()


def predict(*arguments: str) -> list[str]:
    done = RUN.invoke(app, ["predict", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def test_a_table_has_as_many_users_as_asked_for() -> None:
    lines = predict("--top", "250")
    assert sum("user" in line for line in lines[1:]) >= 250 and "user299" in lines[2] and "user50 " in lines[-1]
    assert len(predict()) == 100 + 2, "100 by default"


def test_a_table_and_csv_list_the_same_users() -> None:
    rows = list(csv.DictReader(io.StringIO("\n".join(predict("--top", "120", "--format", "csv")))))
    assert len(rows) == 120
    lines = predict("--top", "120")[2:]
    shown = [next(word for word in line.split() if "user" in word) for line in lines]
    assert [row["user_key"] for row in rows] == shown


def test_what_is_not_predicted_has_a_reason() -> None:
    done = RUN.invoke(app, ["predict", "--target", "return"])
    said = "return is not predicted: every user did it. Choose from: purchase within 14, 28 days"
    assert (done.exit_code, done.output.strip()) == (2, said)


def test_the_longest_horizon_that_was_tested_is_shown_and_another_one_is_noted() -> None:
    done = RUN.invoke(app, ["predict", "--top", "1", "--format", "csv"])
    assert done.stderr.strip() == "Most likely to buy within 14 days."
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["probability"], row["expected_revenue"]) == ("0.1495", "12.5")
    done = RUN.invoke(app, ["predict", "--horizon", "28"])
    assert "within 28 days. Predictions for 28 days were not tested" in done.stderr
