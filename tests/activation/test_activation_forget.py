"""Who is forgotten leaves the destinations; where that cannot be, the certificate says so."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from beha2vec_core.activation.config import build, find_destination, load_destinations
from beha2vec_core.activation.forget import leave_destinations
from beha2vec_core.activation.ledger import open_ledger
from beha2vec_core.activation.run import plan_and_send
from beha2vec_core.audiences.file import Activation
from beha2vec_core.pages.fetching.addresses import AddressGuard
from beha2vec_core.privacy.forgetting import forget as forget_module
from beha2vec_core.privacy.forgetting.forget import forget, is_unfinished, locate
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.settings import Settings
from tests.activation.activation_world import BUYERS, EVERYONE, SECRET, change, client_id, make_folder, may_be_contacted
from tests.activation.services import LOCAL, Reply, Service, served

OUT = "they are out of the audience now, but what was sent before stays: delete the user there"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("BEHA2VEC_SECRET_CRM", SECRET)
    monkeypatch.setenv("BEHA2VEC_SECRET_GA4", SECRET)
    with served() as running:
        local = partial(build, guard=AddressGuard.of([LOCAL]), host=running.address)
        monkeypatch.setattr(forget_module, "leave_destinations", partial(leave_destinations, build_one=local))
        yield running


@pytest.fixture
def settings(tmp_path: Path, service: Service) -> Settings:
    settings = make_folder(tmp_path, BUYERS, EVERYONE, users=60)
    settings.activation.file.write_text(
        f"""
- {{name: ga4, type: ga4, measurement_id: G-ABC1234}}
- {{name: crm, type: webhook, url: {service.address}/hook}}
- {{name: lists, type: files, folder: {tmp_path}/lists}}
"""
    )
    return settings


def _send(settings: Settings, service: Service, *names: str) -> None:
    path = settings.activation.file
    for name in names:
        config = find_destination(load_destinations(path), name, path)
        destination = build(config, settings, guard=AddressGuard.of([LOCAL]), host=service.address)
        for audience in (BUYERS, EVERYONE):
            assert plan_and_send(settings, audience, destination)[1].is_complete


def _ledger_users(settings: Settings) -> set[str]:
    with sqlite3.connect(settings.storage.ledger_path) as ledger:
        return {key for (key,) in ledger.execute("select user_key from changes").fetchall()}


def test_a_forgotten_person_leaves_every_destination(settings: Settings, service: Service, tmp_path: Path) -> None:
    _send(settings, service, "ga4", "crm", "lists")
    key = min(may_be_contacted(settings, "buyers"))
    device = client_id(int(key[1:]))
    service.requests.clear()
    places = {str(found) for found in locate(settings, [device])[1]}
    assert any("activation.sqlite" in place for place in places) and any("everyone.csv" in place for place in places)
    certificate = forget(settings, [device])
    assert certificate.left == [] and not is_unfinished(settings)
    rows = [row for request in service.taken for row in request.body.get("users", ())]
    assert [(row["change"], row["user_key"]) for row in rows] == [("leave", key)] * 2, "of two audiences"
    remarks = "\n".join(certificate.remarks)
    assert "Destination crm: 1 user removed." in remarks and "Destination lists: 1 user removed." in remarks
    states = [request.body["user_properties"] for request in service.taken if request.path == "/mp/collect"]
    assert states == [{"b2v_buyers": {"value": "out"}}, {"b2v_everyone": {"value": "out"}}]
    assert f"Destination ga4: 1 user still there: {OUT}." in remarks
    assert key not in _ledger_users(settings) and len(_ledger_users(settings)) == 59
    with (tmp_path / "lists" / "everyone.csv").open() as file:
        assert {row["user_key"] for row in csv.DictReader(file)} == _ledger_users(settings)
    assert locate(settings, [device])[1] == []


def test_a_destination_that_is_away_is_asked_by_the_next_command(settings: Settings, service: Service) -> None:
    _send(settings, service, "crm")
    key = min(may_be_contacted(settings, "buyers"))
    device = client_id(int(key[1:]))
    service.usual = Reply(400)
    certificate = forget(settings, [device])
    assert is_unfinished(settings) and key in _ledger_users(settings)
    assert [place["place"] for place in certificate.left if "activation.sqlite" not in place["place"]] == []
    assert any("still there: HTTP 400" in remark for remark in certificate.remarks)
    service.usual = Reply()
    certificate = forget(settings, [device])
    assert certificate.left == [] and not is_unfinished(settings) and key not in _ledger_users(settings)


@pytest.mark.slow
def test_each_removal_has_a_key_of_its_own(settings: Settings, service: Service) -> None:
    _send(settings, service, "crm")
    first, second, third = sorted(may_be_contacted(settings, "buyers"))[:3]
    service.requests.clear()
    service.usual = Reply(500)  # the answer says nothing about what became of it
    forget(settings, [client_id(int(first[1:])), client_id(int(second[1:]))])
    service.usual = Reply()
    forget(settings, [client_id(int(first[1:])), client_id(int(third[1:]))])
    said: dict[str, set[bytes]] = {}
    for request in service.requests:
        said.setdefault(request.headers["idempotency-key"], set()).add(request.raw)
    assert [len(bodies) for bodies in said.values()] == [1] * len(said), "a receiver applies each key once"
    assert third in str([request.raw for request in service.taken])


@pytest.mark.slow
def test_who_left_is_only_still_at_destinations_that_count(settings: Settings, service: Service) -> None:
    _send(settings, service, "ga4", "crm")
    key = min(may_be_contacted(settings, "buyers"))
    change(settings, f"delete from beha2vec.audience_members where user_key = '{key}'")
    _send(settings, service, "ga4", "crm")
    service.requests.clear()
    certificate = forget(settings, [client_id(int(key[1:]))])
    assert service.requests == [] and certificate.left == []
    assert [one for one in certificate.remarks if one.startswith("Destination")] == [
        f"Destination ga4: 1 user still there: {OUT}."
    ]


def test_ga4_is_asked_once_where_the_answer_is_lost(settings: Settings, service: Service) -> None:
    _send(settings, service, "ga4")
    key = min(may_be_contacted(settings, "buyers"))
    service.requests.clear()
    service.replies = [Reply(lost=True)]
    certificate = forget(settings, [client_id(int(key[1:]))])
    assert certificate.left == [] and len(service.requests) == 2, "of two audiences"
    assert any("they may still be in the audience, and what was sent" in one for one in certificate.remarks)


@pytest.mark.slow
def test_a_removal_that_google_works_on_is_asked_for_again(
    settings: Settings, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEHA2VEC_SECRET_ADS", SECRET)
    path = settings.storage.data_dir.parent / "contacts.csv"
    path.write_text("user_id,email\nlogin-u0006,jane@example.com\n")
    settings.activation.file.write_text("- {name: ads, type: data_manager, account_id: 1}")
    settings = Settings(
        data_dir=str(settings.storage.data_dir),
        destinations_file=str(settings.activation.file),
        contacts_file=str(path),
    )
    to = BUYERS.model_copy(update={"activate": (Activation.model_validate({"to": "ads", "as": 4711}),)})
    change(settings, "update beha2vec.audience_members set step = null where user_key = 'u0006'")
    ads = build(
        load_destinations(settings.activation.file)[0], settings, guard=AddressGuard.of([LOCAL]), host=service.address
    )
    service.usual = Reply(200, body=b'{"requestId": "r-1"}')
    assert plan_and_send(settings, to, ads)[1].outcomes == {"accepted": 1}

    def status(word: str) -> Reply:
        return Reply(200, body=json.dumps({"requestStatusPerDestination": [{"requestStatus": word}]}).encode())

    service.replies = [status("SUCCESS")]
    certificate = forget(settings, [client_id(6)])
    assert service.requests[-1].path.endswith(":remove") and is_unfinished(settings)
    assert any(
        "it works on the removal for hours: run this command again tomorrow" in one for one in certificate.remarks
    )
    service.replies = [status("FAILED")]
    forget(settings, [client_id(6)])
    assert service.requests[-1].path.endswith(":remove") and is_unfinished(settings), "removed again"
    service.replies = [status("SUCCESS")]
    before = len(service.requests)
    certificate = forget(settings, [client_id(6)])
    assert len(service.requests) == before + 1 and certificate.left == [] and not is_unfinished(settings)
    assert "u0006" not in _ledger_users(settings)


def test_nobody_is_forgotten_while_somebody_sends(settings: Settings, service: Service) -> None:
    _send(settings, service, "crm")
    with open_ledger(settings.storage.ledger_path), pytest.raises(PrivacyError, match="another process is sending"):
        forget(settings, [client_id(6)])


def test_a_destination_that_left_the_file_is_listed(settings: Settings, service: Service) -> None:
    _send(settings, service, "crm")
    settings.activation.file.write_text("[]")
    certificate = forget(settings, [client_id(6)])
    assert certificate.left == []
    assert any("it is no longer in destinations.yml: delete the user there" in one for one in certificate.remarks)


def test_people_leave_under_the_name_that_was_sent(settings: Settings, service: Service) -> None:
    to = Activation.model_validate({"to": "crm", "as": "list"})
    crm = build(load_destinations(settings.activation.file)[1], settings, guard=AddressGuard.of([LOCAL]))
    plan_and_send(settings, EVERYONE.model_copy(update={"activate": (to,)}), crm)
    forget(settings, [client_id(6)])  # no audience of the file has a name there
    assert [service.requests[-1].body["audience"]] == ["list"]


def test_people_at_an_address_that_was_changed_are_listed(settings: Settings, service: Service) -> None:
    _send(settings, service, "crm")
    settings.activation.file.write_text(f"- {{name: crm, type: webhook, url: {service.address}/other}}")
    before = len(service.requests)
    certificate = forget(settings, [client_id(6)])
    assert any("its address was changed since: delete the user there" in one for one in certificate.remarks)
    assert len(service.requests) == before
