"""Destinations that are sets: what is there is what was planned, however often it is sent."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.activation.files import Files
from beha2vec_core.activation.folders import LocalFolder
from beha2vec_core.activation.http import Client
from beha2vec_core.activation.ledger import open_ledger
from beha2vec_core.activation.run import plan_and_send, plan_only
from beha2vec_core.activation.webhook import Webhook
from beha2vec_core.settings import Settings
from beha2vec_core.store.written import note_written, written_elsewhere
from tests.activation.activation_world import (
    BUYERS,
    EVERYONE,
    SECRET,
    change,
    in_file,
    make_folder,
    may_be_contacted,
    webhook,
)
from tests.activation.services import Reply, Service, received


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_folder(tmp_path, BUYERS, EVERYONE, users=600)


# --- webhook --------------------------------------------------------------------------------------------------------


def test_requests_are_signed_and_have_at_most_500_users(settings: Settings, service: Service) -> None:
    _, report = plan_and_send(settings, EVERYONE, webhook(service.address))
    assert report.outcomes == {"accepted": 600}
    assert [len(request.body["users"]) for request in service.requests] == [500, 100]
    for request in service.requests:
        signed = request.headers["x-beha2vec-timestamp"].encode() + b"." + request.raw
        expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert request.headers["x-beha2vec-signature"] == f"sha256={expected}"
        assert SECRET not in str(request)
    row = service.requests[0].body["users"][3]
    assert row == {
        "change": "enter", "user_key": "u0003", "client_id": "10003.1767818244", "user_id": "login-u0003",
        "property_id": "p", "is_ads_consented": False,
    }  # fmt: skip
    assert received(service).members == may_be_contacted(settings, "everyone")


@pytest.mark.parametrize("reply", [Reply(lost=True), Reply(500), Reply(503, {"Retry-After": "0"})], ids=str)
def test_what_has_no_answer_is_repeated_with_its_key(settings: Settings, service: Service, reply: Reply) -> None:
    service.replies = [reply]
    _, report = plan_and_send(settings, EVERYONE, webhook(service.address))
    assert report.is_complete and len(service.requests) == 3
    first, again, last = [request.headers["idempotency-key"] for request in service.requests]
    assert first == again != last
    assert received(service).members == may_be_contacted(settings, "everyone")


def test_the_next_send_repeats_what_stayed_unknown_with_its_key(settings: Settings, service: Service) -> None:
    service.replies = [Reply(lost=True)] * 3
    _, report = plan_and_send(settings, EVERYONE, webhook(service.address))
    assert report.outcomes == {"unknown": 500, "accepted": 100}
    plan, report = plan_and_send(settings, EVERYONE, webhook(service.address))
    assert len(plan.changes) == 500 and plan.unchanged == 100 and report.is_complete
    keys = [request.headers["idempotency-key"] for request in service.requests]
    assert len(set(keys)) == 2 and keys[-1] == keys[0]


@pytest.mark.parametrize(
    "last", [Reply(401), Reply(400), Reply(429, {"Retry-After": "999"})], ids=["secret", "refused", "pause"]
)
def test_what_may_have_arrived_before_a_refusal_is_taken_out(settings: Settings, service: Service, last: Reply) -> None:
    service.replies = [Reply(lost=True), last]
    _, report = plan_and_send(settings, BUYERS, webhook(service.address))
    assert report.outcomes.keys() == {"unknown"} and len(received(service).members) > 1
    change(settings, "update ga4.dim_ga4__users set is_ads_consented = false", BUYERS)
    plan_and_send(settings, BUYERS, webhook(service.address))
    assert received(service).members == set()


def test_who_leaves_and_comes_back_has_a_new_key(settings: Settings, service: Service) -> None:
    for consented in ("true", "false", "true", "false", "true"):
        change(settings, f"update ga4.dim_ga4__users set is_ads_consented = {consented}", BUYERS)
        plan_and_send(settings, BUYERS, webhook(service.address))
        assert received(service).members == may_be_contacted(settings, "buyers")
    assert len({request.headers["idempotency-key"] for request in service.requests}) == 5


def test_a_key_is_that_of_one_request(settings: Settings, service: Service) -> None:
    lost = [Reply(lost=True)] * 3

    def say(consented: str, *replies: Reply) -> None:
        service.replies[:] = replies
        change(settings, f"update ga4.dim_ga4__users set is_ads_consented = {consented}", BUYERS)
        plan_and_send(settings, BUYERS, webhook(service.address))
        service.replies[:] = []

    say("true")
    say("false", *lost)
    say("true", *lost)
    say("false")  # the answer of the same removal before was lost, and the users came back since
    assert received(service).members == set()
    with open_ledger(settings.storage.ledger_path) as ledger:
        assert ledger.remove_before(date.today() + timedelta(days=1))
    say("true")  # nobody was there, as far as is known
    assert received(service).members == may_be_contacted(settings, "buyers")
    keys = [request.headers["idempotency-key"] for request in service.requests]
    assert len(set(keys)) == 5 and len(keys) == 9


def test_a_change_and_its_return_have_keys_of_their_own(settings: Settings, service: Service) -> None:
    for consented, replies in (
        ("true", []), ("false", [Reply(lost=True)] * 3), ("true", [Reply(503)] * 3), ("false", []),
    ):  # fmt: skip
        service.replies[:] = replies
        change(settings, f"update ga4.dim_ga4__users set is_ads_consented = {consented}", EVERYONE)
        plan_and_send(settings, EVERYONE, webhook(service.address))
    bodies: dict[str, set[bytes]] = {}
    for request in service.requests:
        bodies.setdefault(request.headers["idempotency-key"], set()).add(request.raw)
    assert all(len(one) == 1 for one in bodies.values()), "a receiver applies each key once"
    last = service.taken[-2:]
    assert all(row["is_ads_consented"] is False for request in last for row in request.body["users"])
    assert not {one.headers["idempotency-key"] for one in last} & {
        one.headers["idempotency-key"] for one in service.requests[:-2]
    }


def test_a_new_login_is_an_update(settings: Settings, service: Service) -> None:
    plan_and_send(settings, BUYERS, webhook(service.address))
    key = min(may_be_contacted(settings, "buyers"))
    change(settings, f"update ga4.dim_ga4__users set user_id = 'new' where user_key = '{key}'")
    plan, _ = plan_and_send(settings, BUYERS, webhook(service.address))
    assert [(one.kind, one.member.login_id) for one in plan.changes] == [("update", "new")]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://crm.example/hook", "does not begin with https://"),
        ("ftp://crm.example/hook", "does not begin with https://"),
        ("https://", "does not begin with https://"),
        ("https://jane:pass@crm.example", "holds a user or password"),
        ("https://crm.example:99999/", "cannot be read"),
        ("https://☃.example/", "cannot be read"),
        ("https://xn--a/", "cannot be read"),
        ("https://crm.example/\n", "cannot be read"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(settings: Settings, url: str, problem: str) -> None:
    destination = Webhook("crm", url=url, secret=None, client=Client())
    assert problem in "; ".join(destination.validate("buyers"))
    assert "BEHA2VEC_SECRET_CRM" in "; ".join(destination.missing())
    with pytest.raises(ActivationError, match="crm: "):
        plan_only(settings, BUYERS, destination)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "2130706433", "[::1]"])
def test_private_addresses_are_not_connected_to(settings: Settings, service: Service, host: str) -> None:
    port = service.address.rsplit(":", 1)[1]
    destination = Webhook("crm", url=f"https://{host}:{port}/", secret=SecretStr(SECRET), client=Client(backoff=0.001))
    _, report = plan_and_send(settings, BUYERS, destination)
    assert report.outcomes == {"refused": len(may_be_contacted(settings, "buyers"))} and not service.requests
    assert report.stopped in {"the host has a private or reserved address", "the host is a number, not a name"}


@pytest.mark.parametrize("where", ["lists", "gone"])
def test_a_pause_leaves_nobody_out_who_is_put_right(settings: Settings, tmp_path: Path, where: str) -> None:
    paused = BUYERS.model_copy(update={"pause": 14})
    path = tmp_path / "lists" / "buyers.csv"
    plan_and_send(settings, paused, _files(settings, path.parent))
    path.unlink()
    if where == "gone":  # of a process that was killed before it wrote the file
        with closing(sqlite3.connect(settings.storage.ledger_path)) as ledger, ledger:
            ledger.execute("update changes set state = 'sending'")
    plan, _ = plan_and_send(settings, paused, _files(settings, path.parent))
    assert "pause" not in plan.left_out and in_file(path) == may_be_contacted(settings, "buyers")


# --- files ----------------------------------------------------------------------------------------------------------


def _files(settings: Settings, folder: Path, form: str = "csv") -> Files:
    at = LocalFolder(folder, lambda path: note_written(settings, path))
    return Files("lists", folder=at, format=form)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_has_the_members_of_now(settings: Settings, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "lists"
    path = folder / f"buyers.{form}"
    destination = _files(settings, folder, form)
    plan_and_send(settings, BUYERS, destination)
    assert in_file(path) == may_be_contacted(settings, "buyers")
    assert path.stat().st_mode & 0o077 == 0 and [one.name for one in folder.iterdir()] == [path.name]
    assert written_elsewhere(settings) == [path], "beha2vec forget looks there"
    before = path.stat().st_mtime_ns
    assert plan_and_send(settings, BUYERS, destination)[0].changes == () and path.stat().st_mtime_ns == before
    change(settings, "update ga4.dim_ga4__users set is_ads_consented = false where user_key < 'u0300'", BUYERS)
    plan_and_send(settings, BUYERS, destination)
    assert in_file(path) == may_be_contacted(settings, "buyers")
    path.unlink()
    plan_and_send(settings, BUYERS, destination)
    assert in_file(path) == may_be_contacted(settings, "buyers"), "a file that is gone is written again"


def test_what_a_killed_process_left_of_a_file_goes_with_the_next_send(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / ".buyers.csv.part").write_text("user_key,prop")
    plan_and_send(settings, BUYERS, _files(settings, folder))
    assert [one.name for one in folder.iterdir()] == ["buyers.csv"]


def test_a_file_that_somebody_changed_is_put_right(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "lists" / "buyers.csv"
    destination = _files(settings, path.parent)
    plan_and_send(settings, BUYERS, destination)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[2:], "nobody,p,1.2,,buyers,True"]) + "\n")
    plan, _ = plan_and_send(settings, BUYERS, destination)
    assert (plan.of_kind("update"), plan.of_kind("leave")) == (1, 1)
    assert in_file(path) == may_be_contacted(settings, "buyers")


@pytest.mark.parametrize(
    ("name", "content"),
    [("buyers.csv", b"name,phone\njane,1"), ("buyers.csv", b"\xff\xfe"), ("buyers.parquet", b"PAR1")],
)
def test_a_file_of_somebody_else_is_left_alone(settings: Settings, tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ActivationError, match="is not a file that activation wrote"):
        plan_and_send(settings, BUYERS, _files(settings, tmp_path, path.suffix[1:]))
    assert path.read_bytes() == content


def test_ids_that_a_spreadsheet_would_run_are_left_out_of_csv(settings: Settings, tmp_path: Path) -> None:
    key = min(may_be_contacted(settings, "buyers"))
    change(settings, f"update ga4.dim_ga4__users set user_id = '=HYPERLINK(1)' where user_key = '{key}'")
    plan, _ = plan_and_send(settings, BUYERS, _files(settings, tmp_path / "lists"))
    assert plan.reasons == {"a text that a spreadsheet would run as a formula": 1}
    assert "HYPERLINK" not in (tmp_path / "lists" / "buyers.csv").read_text()


def test_a_folder_that_cannot_be_written_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ActivationError, match="cannot be written"):
        plan_only(settings, BUYERS, _files(settings, tmp_path / "file" / "lists"))
    assert _files(settings, tmp_path).validate("../up") == [
        "the name of the file (as:) may have letters, digits, _ and - only"
    ]
