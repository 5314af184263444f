"""The file of destinations: mistakes are named with the remedy, and secrets stand nowhere."""

from __future__ import annotations

import json
import logging
import time
import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from pydantic import SecretStr

from beha2vec_core.activation import http
from beha2vec_core.activation.config import build, find_destination, load_destinations
from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.activation.run import destination_of, plan_and_send, send_marked
from beha2vec_core.audiences.file import Audience, AudienceError, load_audiences
from beha2vec_core.pages.fetching.addresses import AddressGuard
from beha2vec_core.settings import Settings, destination_secret, misspelt_variables
from beha2vec_core.store.warehouse import Warehouse
from tests.activation.activation_world import BUYERS, make_folder
from tests.activation.limits import SECRET
from tests.activation.services import LOCAL, Reply, served

FILE = """
- {name: ga4, type: ga4, measurement_id: G-ABC1234, property_id: 123}
- {name: crm, type: webhook, url: https://crm.shop.example/hook}
- {name: lists, type: files, folder: lists, format: parquet}
"""


def test_a_file_is_read_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "destinations.yml"
    assert load_destinations(path) == []
    path.write_text("# nothing yet\n")
    assert load_destinations(path) == []
    path.write_text(FILE)
    found = load_destinations(path)
    assert [one.name for one in found] == ["ga4", "crm", "lists"] and found[0].property_id == "123"
    assert [build(one, Settings(data_dir="d")).kind for one in found] == ["ga4", "webhook", "files"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ga4: 1", "write a list of destinations, each beginning with '- name:'"),
        ("- name: [", "cannot be read"),
        ("- {name: a}", "destination a: type is missing; choose from ga4, files, webhook"),
        ("- {name: a, type: ga}", "destination a: there is no type 'ga'; did you mean ga4?"),
        ("- {name: a, type: ga4}", "destination a: measurement_id is missing"),
        ("- {name: a, type: ga4, measurement_id: G-1, reigon: eu}", "did you mean region?"),
        ("- {name: a, type: ga4, measurement_id: G-1, region: asia}", "destination a: region: "),
        ("- {name: a, type: ga4, measurement_id: G-1, api_secret: x}", "secrets are variables of the environment"),
        ("- {type: files, folder: x}", "destination 1: name is missing"),
        ("- {name: A b, type: files, folder: x}", "use at most 40 lowercase letters"),
        ("- {name: a, type: files, folder: 'ftp://x/y'}", "give a folder of this machine, or one of a bucket: s3://"),
        ("- just text", "write it as a mapping of keys to values"),
        (
            "- {name: a, type: files, folder: x}\n- {name: a, type: files, folder: y}",
            "two destinations of this name",
        ),
        ("- !!python/object/apply:os.system ['true']", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_with_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "destinations.yml"
    path.write_text(text)
    with pytest.raises(ActivationError) as error:
        load_destinations(path)
    assert message in str(error.value) and str(path) in str(error.value)


def test_an_unknown_destination_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "destinations.yml"
    with pytest.raises(ActivationError, match="has no destinations"):
        find_destination([], "crm", path)
    path.write_text(FILE)
    settings = Settings(data_dir=str(tmp_path), destinations_file=str(path))
    with pytest.raises(ActivationError, match="there is no destination 'crn'; did you mean crm"):
        destination_of(settings, "crn")
    with pytest.raises(ActivationError, match="its type webhook has nothing that checks requests"):
        destination_of(settings, "crm", debug=True)


def test_an_audience_names_its_destinations(tmp_path: Path) -> None:
    path = tmp_path / "audiences.yml"
    path.write_text("- {name: a, rule: 'true', activate: [{to: ads, as: 123, send: true}, {to: crm}], pause: 7}")
    ads, crm = load_audiences(path)[0].activate
    assert (ads.to, ads.called, ads.send) == ("ads", "123", True) and (crm.called, crm.send) == (None, False)
    path.write_text("- {name: a, rule: 'true', activate: [{too: ads}]}")
    with pytest.raises(AudienceError, match=r"audience a: activate.0"):
        load_audiences(path)


def test_secrets_come_from_the_environment_or_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert destination_secret("crm") is None
    Path(".env").write_text("BEHA2VEC_SECRET_CRM=of-the-file\n")
    found = destination_secret("crm")
    assert found and found.get_secret_value() == "of-the-file" and "of-the-file" not in repr(found)
    monkeypatch.setenv("BEHA2VEC_SECRET_CRM", " of-the-environment\n")
    found = destination_secret("crm")
    assert found and found.get_secret_value() == "of-the-environment"
    assert misspelt_variables() == {}


@pytest.mark.parametrize("secret", ["token-ö-of-the-service", "token\nof-the-service", "token\x7fof-the-service"])
def test_a_secret_that_no_request_can_hold_is_refused(tmp_path: Path, secret: str) -> None:
    (tmp_path / "destinations.yml").write_text(FILE)
    settings = Settings(data_dir=str(tmp_path), destinations_file=str(tmp_path / "destinations.yml"))
    for config in load_destinations(settings.activation.file):
        if config.name in ("crm", "ga4"):
            with pytest.raises(ActivationError, match=f"BEHA2VEC_SECRET_{config.name.upper()} has line breaks"):
                build(config, settings, secret=lambda name: SecretStr(secret))


@pytest.mark.parametrize("failure", ["address", "secret", "unexpected"])
def test_a_destination_that_fails_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str) -> None:
    one, two = (
        Audience.model_validate({"name": name, "rule": "true", "activate": [{"to": to, "send": True}]})
        for name, to in (("a", "crm"), ("b", "lists"))
    )
    settings = make_folder(tmp_path, one, two, users=20)
    settings.audiences.file.write_text(
        yaml.safe_dump([json.loads(audience.model_dump_json(by_alias=True)) for audience in (one, two)])
    )
    url = "https://☃.example/hook" if failure == "address" else "https://crm.example/hook"
    settings.activation.file.write_text(
        f"- {{name: crm, type: webhook, url: '{url}'}}\n- {{name: lists, type: files, folder: lists}}"
    )
    monkeypatch.setenv("BEHA2VEC_SECRET_CRM", "ö" * 20 if failure == "secret" else "o" * 20)
    if failure == "unexpected":
        monkeypatch.setattr("beha2vec_core.activation.webhook.body_of", lambda *_: 1 / 0)
    crm, lists = send_marked(settings, Warehouse.of(settings.storage).connect)
    expected = {
        "address": "crm: the address cannot be read", "secret": "BEHA2VEC_SECRET_CRM has line breaks",
        "unexpected": "it failed unexpectedly (ZeroDivisionError)",
    }  # fmt: skip
    assert crm.is_error and crm.problem.startswith(expected[failure])
    assert lists.report and lists.report.is_complete and (tmp_path / "lists" / "b.csv").exists()


@pytest.mark.parametrize("reply", [Reply(), Reply(400), Reply(401), Reply(500), Reply(lost=True), Reply(307)], ids=str)
@pytest.mark.parametrize("kind", ["ga4", "crm"])
def test_a_secret_stands_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str, reply: Reply
) -> None:
    monkeypatch.setenv(f"BEHA2VEC_SECRET_{kind.upper()}", SECRET)
    monkeypatch.setattr(http, "time", SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: None))
    caplog.set_level(logging.DEBUG)
    settings = make_folder(tmp_path, BUYERS, users=60)
    with served(usual=reply._replace(body=SECRET.encode(), headers={"Location": "/elsewhere"})) as service:
        Path(settings.activation.file).write_text(FILE.replace("https://crm.shop.example", service.address))
        config = find_destination(load_destinations(settings.activation.file), kind, settings.activation.file)
        destination = build(
            config.model_copy(update={"property_id": "p"}), settings, guard=_guard(), host=service.address
        )
        plan, report = plan_and_send(settings, BUYERS, destination)
        assert service.requests
    seen = [repr(destination), repr(vars(destination)), repr(config), repr(plan), *plan.lines(), repr(report)]
    seen += [*report.lines(), caplog.text]
    try:
        destination.send(plan.changes[:1], plan.called, "key")
    except ActivationError:
        seen.append(traceback.format_exc())
    assert plan.changes and SECRET not in "".join(seen)
    for path in settings.storage.data_dir.parent.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def _guard() -> AddressGuard:
    return AddressGuard.of([LOCAL])
