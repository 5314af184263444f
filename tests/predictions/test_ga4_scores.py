"""GA4's own predictions are read from its tables of users as they stood at a date."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from beha2vec_core.ga4.sources import find_export
from beha2vec_core.predictions.ga4_scores import read_ga4_scores, with_persons

MONDAY = date(2026, 3, 2)


def _row(user: str, purchase: float | str | None = None, churn: float | str | None = None) -> dict[str, Any]:
    return {"pseudo_user_id": user, "predictions": {"purchase_score_7d": purchase, "churn_score_7d": churn}}


def _write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(map(json.dumps, rows)))


def _read(folder: Path, as_of: date = MONDAY) -> list[tuple[Any, ...]]:
    (folder / "events_20260301.ndjson").write_text("{}")
    found = read_ga4_scores(find_export(str(folder), "p").user_tables, as_of)
    assert list(found) == ["property_id", "user_pseudo_id", "target", "probability"]
    return list(found.itertuples(index=False, name=None))


def test_the_newest_score_before_the_date_counts(tmp_path: Path) -> None:
    _write(tmp_path, "pseudonymous_users_20260226.ndjson", [_row("a", 0.9, "0.25"), _row("b", 0.5)])
    _write(tmp_path, "pseudonymous_users_20260227/000.json", [_row("a", 0.125, 0.5), {"pseudo_user_id": "b"}])
    _write(tmp_path, "pseudonymous_users_20260302.ndjson", [_row("a", 1.0, 0.0)])
    assert _read(tmp_path) == [("p", "a", "purchase", 0.125), ("p", "a", "return", 0.5)], "GA4 took b's score back"
    before = [("p", "a", "purchase", 0.9), ("p", "a", "return", 0.75), ("p", "b", "purchase", 0.5)]
    assert _read(tmp_path, date(2026, 2, 27)) == before
    assert _read(tmp_path, date(2026, 2, 26)) == [], "a day's table is there at its end"
    assert ("p", "b", "purchase", 0.5) not in _read(tmp_path, date(2026, 4, 1)), "older than four weeks"


def test_files_of_several_properties_days_and_forms(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _write(tmp_path, "analytics_q/pseudonymous_users_20260228.ndjson", [_row("a", 0.75), _row("b", 1.5)])
    (tmp_path / "pseudonymous_users_20260228_1.json").write_text(json.dumps([_row("c", 0.25), _row("d", "much")]))
    (tmp_path / "pseudonymous_users_20260228_2.json").write_text(json.dumps(_row("e", 0.5)) + '\n{"pseudo_us')
    _write(tmp_path, "pseudonymous_users_20260201_20260310.ndjson", [_row("of many days", 0.5)])
    _write(tmp_path, "users_20260228.ndjson", [{"user_id": "a"}])
    duckdb.execute(
        f"""copy (
            select 'f' as pseudo_user_id, {{purchase_score_7d: 0.125, churn_score_7d: null::double}} as predictions)
        to '{tmp_path}/pseudonymous_users_20260228_3.parquet'"""
    )
    duckdb.execute(f"copy (select 'secret' as other) to '{tmp_path}/pseudonymous_users_20260228_4.parquet'")
    (tmp_path / "pseudonymous_users_20260228_5.csv").write_text("pseudo_user_id\nsecret\n")
    scores = {user: probability for _, user, target, probability in _read(tmp_path) if target == "purchase"}
    assert scores == {"a": 0.75, "c": 0.25, "e": 0.5, "f": 0.125}, "neither 1.5 nor 'much' is a probability"
    said = [message for message in caplog.messages if "left out" in message]
    assert len(said) == 2 and "_4.parquet are left out: BinderException" in said[0] and "neither JSON nor" in said[1]
    assert "secret" not in caplog.text


def test_a_score_belongs_to_the_person_of_that_date() -> None:
    connection = duckdb.connect()
    connection.execute("create schema ga4")
    connection.execute(
        """create table ga4.int_ga4__identity_map as from (values
            ('p', 'desk', 'anna', 'a'), ('p', 'phone', 'anna', 'a2'), ('q', 'other', 'carl', 'a'))
            as map(property_id, client_key, user_key, user_pseudo_id)"""
    )
    connection.execute(
        """create table ga4.int_ga4__identities_as_of as from (values
            (date '2026-03-02', 'desk', 'desk'), (date '2026-03-02', 'phone', 'phone'),
            (date '2026-03-02', 'other', 'carl'), (date '2026-03-09', 'desk', 'anna'),
            (date '2026-03-09', 'phone', 'anna')) as of(as_of, client_key, user_key)"""
    )
    rows = [("p", "a", 0.25), ("p", "a2", 0.5), ("p", "nobody", 0.5), ("q", "a", 0.75)]
    scores = pd.DataFrame(rows, columns=["property_id", "user_pseudo_id", "probability"]).assign(target="purchase")
    found = with_persons(connection, scores, MONDAY)
    columns = ["property_id", "user_key", "probability"]
    assert found[columns].values.tolist() == [["p", "desk", 0.25], ["p", "phone", 0.5], ["q", "carl", 0.75]]
    later = with_persons(connection, scores, date(2026, 3, 9))
    assert later[columns].values.tolist() == [["p", "anna", 0.5]], "the higher one, once a login joined the devices"
