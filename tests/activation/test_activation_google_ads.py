"""Google Ads: hashes of contacts and nothing else, within the limits, and what Google makes of it later."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from google.oauth2.credentials import Credentials
from pydantic import SecretStr

from beha2vec_core.activation import http
from beha2vec_core.activation.config import DataManagerConfig, build
from beha2vec_core.activation.contacts import load_contacts
from beha2vec_core.activation.data_manager import AdsFile, DataManager
from beha2vec_core.activation.destination import ActivationError, Change, Member
from beha2vec_core.activation.folders import LocalFolder
from beha2vec_core.activation.forget import in_words, leave_destinations
from beha2vec_core.activation.ledger import open_ledger, sent
from beha2vec_core.activation.plan import Plan
from beha2vec_core.activation.run import Options, Sending, close_users, plan_and_send, plan_only, send_marked
from beha2vec_core.activation.send import Report
from beha2vec_core.audiences.file import Activation, Audience
from beha2vec_core.pages.fetching.addresses import AddressGuard
from beha2vec_core.settings import Settings
from beha2vec_core.store.warehouse import Warehouse
from tests.activation.activation_world import EVERYONE, change, make_folder, quick_client
from tests.activation.services import LOCAL, Reply, Request, Service, in_list, served

ADS = Audience(
    name="ads", rule="true", purpose="ads", activate=(Activation.model_validate({"to": "google", "as": 4711}),)
)
TOKEN = "ya29.token-of-google"


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _ok(request: Request) -> Reply | None:
    """Google's Data Manager; see `limits` for what it refuses."""
    return None if request.headers.get("authorization") == f"Bearer {TOKEN}" else Reply(401)


@pytest.fixture
def service() -> Iterator[Service]:
    with served(answer=_ok, usual=Reply(200, body=b'{"requestId": "r-1"}')) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Users n with n % 3 = 0 log in, n % 2 = 0 consented: of 60, users 0, 6, 12 ... can be sent."""
    settings = make_folder(tmp_path, ADS, EVERYONE, users=60)
    lines = ["user_id,email,phone,country"]
    lines += [f"login-u{n:04}, Jane.Doe+{n}@Example.com ,0664 1234{n:03},at" for n in range(0, 60, 3) if n != 12]
    lines += ["login-u0006,second@example.com,,", "login-u0012,no address,12,", "other,other@example.com,,"]
    (tmp_path / "contacts.csv").write_text("\n".join(lines))
    return settings


def _google(settings: Settings, service: Service, *, secret: str | None = TOKEN, **more: Any) -> DataManager:
    path = settings.storage.data_dir.parent / "contacts.csv"
    return DataManager(
        "google", account_id="123-456-7890", secret=SecretStr(secret) if secret else None, client=quick_client(),
        contacts=lambda: load_contacts(path, settings.storage.data_dir), host=service.address, **more,
    )  # fmt: skip


def _send(settings: Settings, service: Service) -> tuple[Plan, Report]:
    return plan_and_send(settings, ADS, _google(settings, service))


def _withdraw(settings: Settings, *users: str) -> None:
    names = ", ".join(f"'{user}'" for user in users)
    change(settings, f"update ga4.dim_ga4__users set is_ads_consented = false where user_key in ({names})")


def _in_files(settings: Settings, marked: str = "") -> None:
    entry = f"{{name: ads, rule: 'true', purpose: ads, activate: [{{to: google, as: 4711{marked}}}]}}"
    settings.audiences.file.write_text(f"- {entry}")
    settings.activation.file.write_text("- {name: google, type: data_manager, account_id: 1}")


def _night(settings: Settings, service: Service) -> list[Sending]:
    connect = Warehouse.of(settings.storage).connect
    return send_marked(settings, connect, lambda *_: _google(settings, service))


def _contact(settings: Settings, *lines: str) -> None:
    with (settings.storage.data_dir.parent / "contacts.csv").open("a") as file:
        file.write("\n" + "\n".join(lines) + "\n")


def test_members_are_sent_as_hashes(settings: Settings, service: Service) -> None:
    plan, report = plan_and_send(settings, ADS, _google(settings, service, login_account_id="9"))
    assert report.outcomes == {"accepted": 9} and plan.left_out == {"consent": 30, "not_reachable": 21}
    assert plan.reasons == {"no login id": 20, "no usable contact in BEHA2VEC_CONTACTS_FILE": 1}
    (request,) = service.requests
    assert request.path == "/v1/audienceMembers:ingest"
    body = request.body
    assert body["destinations"] == [
        {
            "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "1234567890"},
            "loginAccount": {"accountType": "GOOGLE_ADS", "accountId": "9"},
            "productDestinationId": "4711",
        }
    ]
    assert body["consent"] == {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
    assert body["validateOnly"] is False
    assert body["audienceMembers"][1]["userData"]["userIdentifiers"] == [
        {"emailAddress": _sha("jane.doe+6@example.com")},
        {"emailAddress": _sha("second@example.com")},
        {"phoneNumber": _sha("+436641234006")},
    ]
    assert b"example.com" not in request.raw and b"6641234" not in request.raw and b"login-" not in request.raw


def test_contacts_and_their_hashes_are_stored_nowhere(settings: Settings, service: Service) -> None:
    _send(settings, service)
    for path in settings.storage.data_dir.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for text in ("jane.doe+6@example.com", "+436641234006"):
            assert text.encode() not in content and _sha(text).encode() not in content, path


def test_who_withdraws_consent_is_removed(settings: Settings, service: Service) -> None:
    _send(settings, service)
    _withdraw(settings, "u0000", "u0006")
    plan, report = _send(settings, service)
    assert plan.of_kind("leave") == 2 and report.is_complete
    request = service.requests[-1]
    assert request.path == "/v1/audienceMembers:remove" and "consent" not in request.body
    assert len(request.body["audienceMembers"]) == 2


def test_a_send_that_stops_half_way_removes_first(settings: Settings, service: Service) -> None:
    _send(settings, service)
    change(
        settings,
        "update ga4.dim_ga4__users set is_ads_consented = user_key = 'u0003' where user_key in ('u0000', 'u0003')",
        ADS,
    )
    service.answer = lambda request: Reply(401) if request.path.endswith(":ingest") else _ok(request)
    _, report = _send(settings, service)
    assert report.stopped and [one.path.split(":")[1] for one in service.requests[-2:]] == ["remove", "ingest"]
    service.answer = _ok
    plan, report = _send(settings, service)
    assert (plan.of_kind("enter"), plan.of_kind("leave")) == (1, 1) and report.is_complete


def test_who_has_to_leave_and_has_no_contact_any_more_is_reported(settings: Settings, service: Service) -> None:
    _send(settings, service)
    _withdraw(settings, "u0000", "u0006")
    path = settings.storage.data_dir.parent / "contacts.csv"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "u0006" not in line))
    _in_files(settings, ", send: true")
    (done,) = _night(settings, service)
    assert done.plan and done.plan.of_kind("leave") == 1 and done.plan.stuck == ("u0006",)
    assert done.problem == (
        "users who have to leave and cannot be addressed: 1. Remove them there, then write that down: "
        "beha2vec sent --audience ads --to google --close"
    )
    assert close_users(settings, "ads", "google", lambda *_: _google(settings, service)) == 1
    assert _night(settings, service)[0].problem == ""


def test_new_contacts_are_an_update(settings: Settings, service: Service) -> None:
    _send(settings, service)
    _contact(settings, "login-u0000,new@example.com,,")
    plan, _ = _send(settings, service)
    assert [(one.kind, one.member.user_key) for one in plan.changes] == [("update", "u0000")]


def test_a_contact_is_sent_if_all_users_who_have_it_may_be(settings: Settings, service: Service) -> None:
    # users 0 and 6 share an address, and users 18 and 24 one login; 21 did not consent, and has a number of 30
    _contact(
        settings, "login-u0000,both@example.com,,", "login-u0006,both@example.com,,", "login-u0021,,0664 1234030,at"
    )
    change(settings, "update ga4.dim_ga4__users set user_id = 'login-u0018' where user_key = 'u0024'", ADS)
    plan, _ = _send(settings, service)
    sent_now = {one.member.user_key for one in plan.changes}
    assert {"u0000", "u0006", "u0018", "u0024"} <= sent_now and "u0030" not in sent_now
    assert _sha("+436641234030") not in in_list(service) and _sha("both@example.com") in in_list(service)
    of_18 = _sha("jane.doe+18@example.com")
    change(settings, "update beha2vec.audience_members set state = 'left' where user_key = 'u0024'")
    plan, _ = _send(settings, service)
    assert plan.changes == () and of_18 in in_list(service), "another member has this contact"
    _withdraw(settings, "u0006", "u0024")
    plan, _ = _send(settings, service)
    assert {one.member.user_key for one in plan.changes} == {"u0000", "u0006", "u0018", "u0024"}
    assert not {of_18, _sha("both@example.com"), _sha("jane.doe+0@example.com")} & in_list(service)
    assert plan_only(settings, ADS, _google(settings, service)).changes == ()


def test_the_night_says_that_somebody_withdrew_on_another_device(settings: Settings, service: Service) -> None:
    _in_files(settings)
    _send(settings, service)
    service.replies = [_status("SUCCESS")]
    change(settings, "update ga4.dim_ga4__users set user_id = 'login-u0018' where user_key = 'u0021'")
    (said,) = _night(settings, service)
    assert said.problem.startswith("users who withdrew their consent are still there: 1.")


def test_a_login_id_is_in_the_hold_out_or_not_with_all_its_keys(settings: Settings, service: Service) -> None:
    half = ADS.model_copy(update={"holdout": 0.5})
    change(
        settings,
        """update ga4.int_ga4__identity_map set user_id = 'of-' || right(user_key, 4)::int % 30;
        update ga4.dim_ga4__users set user_id = 'of-' || right(user_key, 4)::int % 30""",
        half,
    )
    with duckdb.connect(str(settings.storage.warehouse_path)) as connection:
        rows = connection.execute(
            """select user_id, count(distinct step is null) as fates, bool_or(step is null) from
                beha2vec.audience_members_current join ga4.dim_ga4__users using (user_key)
            where is_ads_consented group by user_id"""
        ).fetchall()
    assert {fates for _, fates, _ in rows} == {1} and {free for *_, free in rows} == {True, False}


def test_debug_validates_only(settings: Settings, service: Service) -> None:
    service.replies = [Reply(200, body=b"{}")]
    _, report = plan_and_send(settings, ADS, _google(settings, service, debug=True), Options(debug=True))
    assert report.outcomes == {"accepted": 9} and service.requests[0].body["validateOnly"] is True
    assert sent(settings.storage.ledger_path) == []


def _status(state: str, **more: Any) -> Reply:
    about = {"requestStatusPerDestination": [{"requestStatus": state, **more}]}
    return Reply(200, body=json.dumps(about).encode())


def test_credentials_of_the_machine_name_the_project_that_pays(
    settings: Settings, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = Credentials(token=TOKEN, quota_project_id="my-project")  # type: ignore[no-untyped-call]
    monkeypatch.setattr("google.auth.default", lambda scopes: (credentials, "other"))
    assert plan_and_send(settings, ADS, _google(settings, service, secret=None))[1].is_complete
    assert service.requests[0].headers["x-goog-user-project"] == "my-project"


def test_a_token_that_ended_is_reported_and_not_taken_for_work(settings: Settings, service: Service) -> None:
    _in_files(settings)
    _send(settings, service)
    service.answer = lambda request: Reply(401)
    with pytest.raises(ActivationError, match="does not accept the secret"):
        _send(settings, service)
    (said,) = _night(settings, service)
    assert "does not accept the secret" in said.problem and said.is_error


def test_google_says_later_what_became_of_a_request(settings: Settings, service: Service) -> None:
    _send(settings, service)
    service.replies = [_status("PROCESSING")]
    _, report = _send(settings, service)
    assert report.earlier == {"pending": 1} and report.is_complete
    assert service.requests[-1].query == {"requestId": ["r-1"]}
    errors = {"errorCounts": [{"reason": "PROCESSING_ERROR_REASON_INVALID_EMAIL", "recordCount": "2"}]}
    service.replies = [_status("PARTIAL_SUCCESS", errorInfo=errors)]
    _, report = _send(settings, service)
    assert report.earlier == {"partly": 1} and not report.is_complete
    plan, report = _send(settings, service)
    assert report.earlier == {} and plan.changes == (), "asked once"


def test_the_certificate_says_that_earlier_contacts_are_removed_by_hand(settings: Settings, service: Service) -> None:
    settings.activation.file.write_text("- {name: google, type: data_manager, account_id: 123}")
    _send(settings, service)
    done = _status("SUCCESS")
    said = []
    for _ in range(2):
        service.replies = [done]
        left = leave_destinations(settings, ["u0006"], lambda *_: _google(settings, service))
        said.append([in_words(one) for one in left])
    (first,), (second,) = said
    assert "run this command again tomorrow" in first
    assert second == (
        "destination google: 1 user removed; addresses and numbers that they had earlier may still be in the list: "
        "remove those by hand"
    )


def test_a_request_that_fails_later_is_sent_again(settings: Settings, service: Service) -> None:
    _send(settings, service)
    service.replies = [_status("FAILED")]
    plan, report = _send(settings, service)
    assert report.earlier == {"refused": 1} and plan.of_kind("enter") == 9 and not report.is_complete


def test_what_fails_later_is_followed_up_where_nobody_sends(settings: Settings, service: Service) -> None:
    _in_files(settings)

    def night() -> list[str]:
        return [one.problem for one in _night(settings, service)]

    _send(settings, service)
    service.replies = [_status("SUCCESS")]
    assert night() == [] and night() == []
    _withdraw(settings, "u0000", "u0006")
    due = "users who withdrew their consent are still there: 2. beha2vec activate ads --to google --send removes them"
    assert night() == [due]
    for later in ("FAILED", "PARTIAL_SUCCESS"):
        _send(settings, service)
        service.replies = [_status("PROCESSING")]
        assert night() == []
        service.replies = [_status(later)]
        failed = "requests that were accepted and failed later, in part or whole: 1. beha2vec activate ads --to google"
        first, second = night()
        assert first.startswith(failed) and second == due, "who was removed in part is removed again"
    _send(settings, service)
    with closing(sqlite3.connect(settings.storage.ledger_path)) as ledger, ledger:
        ledger.execute("update changes set at = '2026-01-01T00:00:00+00:00' where receipt <> ''")
    service.replies = [_status("PROCESSING")]
    assert "failed later" in night()[0], "a request without a result for a week is sent again"
    assert plan_only(settings, ADS, _google(settings, service)).of_kind("leave") == 2


def test_retention_keeps_users_whose_removal_is_not_certain(settings: Settings, service: Service) -> None:
    _send(settings, service)
    with closing(sqlite3.connect(settings.storage.ledger_path)) as ledger, ledger:
        ledger.execute("update changes set at = '2020-01-01T00:00:00+00:00', receipt = ''")
    _withdraw(settings, "u0000", "u0006")
    _send(settings, service)
    with open_ledger(settings.storage.ledger_path) as opened:
        assert opened.remove_before(date(2020, 1, 2)) == 0
    service.replies = [_status("FAILED")]
    plan, _ = _send(settings, service)
    assert plan.of_kind("leave") == 2, "they are still in the list"
    service.replies = [_status("SUCCESS")]
    _send(settings, service)
    with open_ledger(settings.storage.ledger_path) as opened:
        assert opened.remove_before(date(2020, 1, 2)) == 2


def test_an_audience_that_left_the_file_can_be_ended(settings: Settings, service: Service) -> None:
    _send(settings, service)
    gone = Audience(name="ads", rule="false")  # neither for ads nor with the number of a list
    plan, _ = plan_and_send(settings, gone, _google(settings, service), Options(empty=True))
    assert plan.of_kind("leave") == 9 and service.requests[-1].path.endswith(":remove")
    assert service.requests[-1].body["destinations"][0]["productDestinationId"] == "4711"


def test_quota_and_errors(settings: Settings, service: Service) -> None:
    exhausted = b'{"error": {"status": "RESOURCE_EXHAUSTED", "message": "jane.doe@example.com"}}'
    service.replies = [Reply(429, {"Retry-After": "0"}, exhausted)]
    assert _send(settings, service)[1].is_complete
    change(settings, "update ga4.dim_ga4__users set is_ads_consented = true where user_key = 'u0003'", ADS)
    details = [{"reason": "DESTINATION_ACCOUNT_NOT_ENABLED"}, {"reason": "jane@example.com"}]
    error = {"error": {"status": "INVALID_ARGUMENT", "message": "jane.doe@example.com", "details": details}}
    service.replies = [_status("SUCCESS"), Reply(400, body=json.dumps(error).encode())]
    _, report = _send(settings, service)
    assert report.reasons == {"HTTP 400 INVALID_ARGUMENT, DESTINATION_ACCOUNT_NOT_ENABLED, UNKNOWN": 1}


def _changes(google: DataManager, users: int) -> list[Change]:
    member = Member("u", "p", login_id="login-u0000", is_ads_consented=True)
    change = google.change("enter", member, "4711")
    return [change._replace(member=member._replace(user_key=f"u{n}")) for n in range(users)]


def test_a_request_has_at_most_10_000_members(settings: Settings, service: Service) -> None:
    google = _google(settings, service)
    for part in google.batches(_changes(google, 10_001)):
        assert {one.state for one in google.send(part, "4711", "key")} == {"accepted"}
    assert [len(request.body["audienceMembers"]) for request in service.taken] == [10_000, 1]


def test_a_member_has_at_most_10_identifiers(settings: Settings, service: Service) -> None:
    _contact(settings, *(f"login-u0000,address{n}@example.com,," for n in range(12)))
    assert _send(settings, service)[1].is_complete
    members = service.taken[0].body["audienceMembers"]
    assert max(len(one["userData"]["userIdentifiers"]) for one in members) == 10


def test_a_minute_has_at_most_300_requests(
    settings: Settings, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()  # only waiting takes time

    def clock() -> float:
        return now

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(http, "time", SimpleNamespace(monotonic=clock, sleep=wait))
    service.limits.clock = clock
    config, guard = DataManagerConfig(name="google", type="data_manager", account_id="1"), AddressGuard.of([LOCAL])
    google = build(config, settings, guard=guard, host=service.address, secret=lambda _: SecretStr(TOKEN))
    for _ in range(301):
        google.confirm("r-1")
    assert len(service.requests) == 301


def test_a_day_has_a_quota_and_the_next_send_goes_on(settings: Settings, service: Service) -> None:
    service.replies = [Reply(429, {"Retry-After": "40000"}, b'{"error": {"status": "RESOURCE_EXHAUSTED"}}')]
    _, report = _send(settings, service)
    assert "it asks for a pause of 40,000 s" in report.stopped and report.outcomes == {"refused": 9}
    assert _send(settings, service)[1].outcomes == {"accepted": 9}


def test_a_list_that_google_does_not_use_yet_is_named(settings: Settings, service: Service) -> None:
    note = "Google Ads does not use a list of fewer than 100 users; this one has {}"
    for _ in range(2):
        plan, _ = _send(settings, service)
        assert note.format(9) in plan.lines(), "also of those who are there"
    assert plan_only(settings, ADS, _google(settings, service), Options(empty=True)).notes == ()


def test_an_audience_for_analytics_is_refused(settings: Settings, service: Service) -> None:
    named = EVERYONE.model_copy(update={"activate": ADS.activate})
    with pytest.raises(ActivationError, match="audience everyone is not for ads: set purpose: ads"):
        plan_only(settings, named, _google(settings, service))
    scored = Activation.model_validate({"to": "google", "as": 4711, "attributes": ["cluster"]})
    with pytest.raises(ActivationError, match="its type data_manager takes no attributes"):
        plan_only(settings, ADS.model_copy(update={"activate": (scored,)}), _google(settings, service))
    with pytest.raises(ActivationError, match="give the number of the list in Google Ads with as:"):
        plan_only(settings, ADS.model_copy(update={"activate": ()}), _google(settings, service))
    assert not service.requests


def test_a_file_for_google_ads(settings: Settings, tmp_path: Path) -> None:
    contacts = partial(load_contacts, tmp_path / "contacts.csv", settings.storage.data_dir)
    destination = AdsFile("google", folder=LocalFolder(tmp_path / "out"), contacts=contacts)
    for _ in range(2):
        plan_and_send(settings, ADS, destination)
        upload, members = tmp_path / "out" / "4711.csv", tmp_path / "out" / "4711.members.csv"
        hers = {"Email": _sha("jane.doe+6@example.com"), "Phone": _sha("+436641234006")}
        rows = list(csv.DictReader(members.open()))
        assert [row["user_key"] for row in rows] == [f"u{n:04}" for n in range(0, 60, 6) if n != 12]
        assert rows[1] == {"user_key": "u0006", **hers}
        rows = list(csv.DictReader(upload.open()))
        assert len(rows) == 9 and rows[1] == hers, "contacts and nothing else"
        upload.unlink()
    plan_and_send(settings, ADS, destination)
    _withdraw(settings, "u0006")
    plan_and_send(settings, ADS, destination)
    assert hers["Email"] not in upload.read_text() + members.read_text() and len(upload.read_text().splitlines()) == 9


@pytest.mark.parametrize("is_first", [False, True])
@pytest.mark.parametrize("name", ["4711.csv", "4711.members.csv"])
def test_nobody_stays_in_the_file_to_upload_after_a_kill(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_first: bool
) -> None:
    folder = tmp_path / "out"
    contacts = partial(load_contacts, tmp_path / "contacts.csv", settings.storage.data_dir)
    write = LocalFolder.write

    def consent(is_given: bool) -> None:
        change(settings, f"update ga4.dim_ga4__users set is_ads_consented = {is_given} where user_key = 'u0006'")

    def send() -> None:
        plan_and_send(settings, ADS, AdsFile("google", folder=LocalFolder(folder), contacts=contacts))

    def killed(self: LocalFolder, its: str, content: bytes) -> None:
        if its == name:
            raise KeyboardInterrupt
        write(self, its, content)

    def send_and_be_killed() -> None:
        monkeypatch.setattr(LocalFolder, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            send()
        monkeypatch.setattr(LocalFolder, "write", write)

    if not is_first:
        send()
    for again in (is_first, True):  # killed while they leave, and while they come back and then withdraw
        consent(again)
        send_and_be_killed()
        consent(False)
        send()
        assert all(_sha("jane.doe+6@example.com") not in file.read_text() for file in folder.iterdir())
        assert len((folder / "4711.csv").read_text().splitlines()) == 9
