"""Scores and columns that are sent of each member: only where there is room, only of those who are sent."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from beha2vec_core.activation.bigquery import BigQuery
from beha2vec_core.activation.destination import ActivationError, Destination
from beha2vec_core.activation.files import Files
from beha2vec_core.activation.folders import LocalFolder
from beha2vec_core.activation.run import plan_and_send, plan_only
from beha2vec_core.audiences.file import Activation, Audience, AudienceError, load_audiences
from beha2vec_core.audiences.save import save_audience
from beha2vec_core.settings import Settings
from tests.activation.activation_world import BUYERS, change, ga4, make_folder, may_be_contacted, webhook
from tests.activation.services import Service

SENT = ("cluster", "probability('purchase', 28) as p28", "revenue > 9 as is_big", "country", "1 / 0 as none")


def _with(to: str, *attributes: str) -> Audience:
    sends = Activation.model_validate({"to": to, "attributes": attributes})
    return BUYERS.model_copy(update={"activate": (sends,)})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_folder(tmp_path, BUYERS, users=200)


def _expected(key: str) -> dict[str, object]:
    n = int(key[1:])
    country = "AT" if n % 10 else None
    return {"cluster": n % 4, "p28": n / 1000, "is_big": True, "country": country, "none": None}


def test_a_webhook_receives_what_is_named(settings: Settings, service: Service) -> None:
    plan, _ = plan_and_send(settings, _with("crm", *SENT), webhook(service.address))
    rows = {row["user_key"]: row["attributes"] for row in service.requests[0].body["users"]}
    assert rows == {key: _expected(key) for key in may_be_contacted(settings, "buyers")}
    assert plan.lines()[-1] == "sent of each: cluster, p28, is_big, country, none"


def test_a_change_is_sent_and_a_smaller_one_than_four_decimals_is_not(settings: Settings, service: Service) -> None:
    audience = _with("crm", "probability('purchase', 28) as p28")
    plan_and_send(settings, audience, webhook(service.address))
    key = min(may_be_contacted(settings, "buyers"))
    change(settings, f"update beha2vec.user_predictions set probability = probability + 3e-5 where user_key = '{key}'")
    assert plan_only(settings, audience, webhook(service.address)).changes == ()
    change(settings, f"update beha2vec.user_predictions set probability = 0.77777 where user_key = '{key}'")
    (sent,) = plan_and_send(settings, audience, webhook(service.address))[0].changes
    assert (sent.kind, sent.member.user_key, sent.payload["attributes"]) == ("update", key, {"p28": 0.7778})
    assert plan_only(settings, BUYERS, webhook(service.address)).of_kind("update"), "to send none is a change too"


def test_ga4_has_a_user_property_for_each(settings: Settings, service: Service) -> None:
    audience = _with("ga4", *SENT)
    plan_and_send(settings, audience, ga4(service.address))
    body = service.requests[0].body
    assert body["user_properties"] == {
        "b2v_buyers": {"value": "in"},
        "b2v_buyers_cluster": {"value": 2},
        "b2v_buyers_p28": {"value": 0.006},
        "b2v_buyers_is_big": {"value": "true"},
        "b2v_buyers_country": {"value": "AT"},
        "b2v_buyers_none": {"value": "not known"},
    }
    change(settings, "update ga4.dim_ga4__users set is_ads_consented = false")
    service.requests.clear()
    plan_and_send(settings, audience, ga4(service.address))
    assert {value["value"] for value in service.requests[0].body["user_properties"].values()} == {"out", "not known"}


def test_what_ga4_would_drop_is_not_sent(settings: Settings, service: Service) -> None:
    long = _with("ga4", "cluster as a_name_that_is_too_long")
    assert plan_only(settings, long, ga4(service.address)).reasons == {
        "the name of a user property is longer than 24 characters": len(may_be_contacted(settings, "buyers"))
    }
    change(settings, "update ga4.dim_ga4__users set country = repeat('x', 37) where user_key = 'u0006'")
    plan = plan_only(settings, _with("ga4", "country"), ga4(service.address))
    assert plan.reasons == {"the value of a user property is longer than 36 characters": 1}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_files_have_a_column_for_each(settings: Settings, tmp_path: Path, form: str) -> None:
    files = Files("lists", folder=LocalFolder(tmp_path / "lists"), format=form)  # type: ignore[arg-type]
    path = tmp_path / "lists" / f"buyers.{form}"
    for attributes in ((), ("0 - cluster as less", "revenue"), ("revenue", "country"), ()):
        plan, _ = plan_and_send(settings, _with("lists", *attributes), files)
        assert len(plan.changes) == len(may_be_contacted(settings, "buyers")), "another column is a change of each"
        assert plan_only(settings, _with("lists", *attributes), files).changes == ()
        rows = list(csv.DictReader(path.open())) if form == "csv" else pq.read_table(path).to_pylist()
        names = [one.rpartition(" ")[2] for one in attributes]
        assert {row["user_key"] for row in rows} == may_be_contacted(settings, "buyers")
        assert list(rows[0])[6:] == names and all(row.get("revenue", "10.0") == "10.0" for row in rows)
    change(settings, "update ga4.dim_ga4__users set country = '=HYPERLINK(1)' where user_key = 'u0006'")
    plan = plan_only(settings, _with("lists", "country"), files)
    assert plan.reasons == ({"a text that a spreadsheet would run as a formula": 1} if form == "csv" else {})


def test_bigquery_has_them_as_json(settings: Settings) -> None:
    statements: list[str] = []
    bq = BigQuery("bq", table="my-project.crm.members", run=statements.append)
    plan, _ = plan_and_send(settings, _with("bq", "country", "probability('purchase', 28) as p28"), bq)
    with duckdb.connect() as connection:
        ((first,),) = connection.execute(
            f"select json_extract('{plan.changes[0].payload['attributes']}', '$.p28')"
        ).fetchall()
    assert json.loads(first) == 0.006 and "attributes STRING" in statements[0]


def _others(settings: Settings, service: Service) -> list[Destination]:
    return [webhook(service.address), ga4(service.address, name="crm")]


def test_mistakes_are_named_and_nothing_is_sent(settings: Settings, service: Service) -> None:
    for attribute, message in (
        ("clustr", "audience buyers, attributes: clustr is not known; did you mean cluster"),
        ("user_key", "user_key is the name of another column"),
        ("user_key as mine", "audience buyers, attributes: user_key is not known"),
        ("cluster + 'x' as mine", "attributes: "),
        ("(select 1) as mine", "is not allowed"),
    ):
        for destination in _others(settings, service):
            with pytest.raises((ActivationError, ValueError), match=message):
                plan_and_send(settings, _with("crm", attribute), destination)
    assert not service.requests


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ("[purchases > 0]", "give 'purchases > 0' a name: expression as name"),
        ("[cluster, purchases as cluster]", "cluster is the name of another column"),
        ("[cluster as audience]", "audience is the name of another column"),
    ],
)
def test_the_file_gives_each_a_name(tmp_path: Path, attributes: str, message: str) -> None:
    path = tmp_path / "audiences.yml"
    path.write_text(f"- {{name: a, rule: 'true', activate: [{{to: crm, attributes: {attributes}}}]}}")
    with pytest.raises(AudienceError, match=message):
        load_audiences(path)


def test_they_stay_when_the_page_saves_the_audience(tmp_path: Path) -> None:
    path = tmp_path / "audiences.yml"
    audience = _with("crm", *SENT)
    save_audience(path, audience, None)
    assert load_audiences(path) == [audience] and hash(audience) == hash(load_audiences(path)[0])
