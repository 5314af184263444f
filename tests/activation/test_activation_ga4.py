"""GA4: nothing leaves that its limits forbid, nothing twice, and what was lost is not repeated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.activation.bigquery import BigQuery
from beha2vec_core.activation.destination import Member, NotReachable, Value
from beha2vec_core.activation.forget import leave_destinations
from beha2vec_core.activation.ledger import sent
from beha2vec_core.activation.run import Options, Sending, close_users, plan_and_send, plan_only, send_marked
from beha2vec_core.settings import Settings
from beha2vec_core.store.warehouse import Warehouse
from tests.activation.activation_world import (
    BUYERS,
    SECRET,
    change,
    client_id,
    ga4,
    log_in,
    make_folder,
    may_be_contacted,
    new_device,
)
from tests.activation.limits import Limits
from tests.activation.services import Reply, Service


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_folder(tmp_path, BUYERS, users=100)


def _clients(service: Service) -> list[str]:
    return [request.body["client_id"] for request in service.taken]


def _of(users: set[str]) -> set[str]:
    return {client_id(int(user[1:])) for user in users}


def test_those_who_may_be_contacted_arrive_once(settings: Settings, service: Service) -> None:
    expected = may_be_contacted(settings, "buyers")
    plan = plan_only(settings, BUYERS, ga4(service.address))
    assert plan.members == 20 and plan.left_out["consent"] == 10 and plan.left_out["holdout"] > 0
    assert {one.member.user_key for one in plan.changes} == expected and len(expected) > 3
    assert not service.requests and not settings.storage.ledger_path.exists(), "a plan sends and writes nothing"
    _, report = plan_and_send(settings, BUYERS, ga4(service.address))
    assert report.is_complete and report.outcomes == {"accepted": len(expected)}
    assert sorted(_clients(service)) == sorted(_of(expected))
    for request in service.taken:
        assert request.path == "/mp/collect"
        assert request.query == {"measurement_id": ["G-ABC1234"], "api_secret": [SECRET]}
        assert request.body["user_properties"] == {"b2v_buyers": {"value": "in"}}
        assert request.body["consent"] == {"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"}
        assert "user_id" not in request.body
    plan, report = plan_and_send(settings, BUYERS, ga4(service.address))
    assert plan.unchanged == len(expected) and report.is_complete and len(service.requests) == len(expected)


def test_who_leaves_or_withdraws_consent_is_taken_out(settings: Settings, service: Service) -> None:
    expected = sorted(may_be_contacted(settings, "buyers"))
    plan_and_send(settings, BUYERS, ga4(service.address))
    service.requests.clear()
    # without a night: consent is read when the plan is made
    change(settings, f"update ga4.dim_ga4__users set is_ads_consented = null where user_key = '{expected[0]}'")
    change(settings, f"delete from ga4.dim_ga4__users where user_key = '{expected[1]}'")
    plan, _ = plan_and_send(settings, BUYERS, ga4(service.address))
    assert plan.of_kind("leave") == 2 and plan.of_kind("enter") == 0
    assert set(_clients(service)) == _of(set(expected[:2]))
    for request in service.taken:
        assert request.body["user_properties"] == {"b2v_buyers": {"value": "out"}}
        assert request.body["consent"]["ad_user_data"] == "DENIED"
    change(settings, f"update ga4.dim_ga4__users set is_ads_consented = true where user_key = '{expected[0]}'")
    plan, _ = plan_and_send(settings, BUYERS, ga4(service.address))
    assert [one.member.user_key for one in plan.changes] == [expected[0]], "who comes back enters again"


@pytest.mark.parametrize("reply", [Reply(lost=True), Reply(status=500), Reply(status=503)], ids=str)
def test_a_request_without_a_clear_answer_is_not_repeated(settings: Settings, service: Service, reply: Reply) -> None:
    service.replies = [reply]
    expected = len(may_be_contacted(settings, "buyers"))
    _, report = plan_and_send(settings, BUYERS, ga4(service.address))
    assert report.outcomes == {"unknown": 1, "accepted": expected - 1} and not report.is_complete
    assert any("--repeat-unknown" in line for line in report.lines())
    plan, _ = plan_and_send(settings, BUYERS, ga4(service.address))
    assert plan.changes == () and len(service.requests) == expected
    plan, report = plan_and_send(settings, BUYERS, ga4(service.address), Options(repeat=True))
    assert len(plan.changes) == 1 and report.outcomes == {"accepted": 1}


def test_attributes_in_another_order_are_the_same(settings: Settings) -> None:
    one = Member("u", "p", client_id(1), last_seen=datetime.now(UTC).date(), attributes={"a": 1, "b": 2})
    other = one._replace(attributes={"b": 2, "a": 1})
    for destination in (ga4("http://127.0.0.1:1"), BigQuery("bq", table="my-project.crm.members")):
        hashes = {destination.change("enter", member, "buyers").hash for member in (one, other)}
        assert len(hashes) == 1


NEW = "99999.1767818299"


def _states(service: Service) -> dict[str, tuple[str, str]]:
    """What each device received last: the state, and the consent."""
    return {
        one.body["client_id"]: (*(p["value"] for p in one.body["user_properties"].values()), _granted(one.body))
        for one in service.taken
    }


def _granted(body: dict[str, Any]) -> str:
    return str(body["consent"]["ad_user_data"])


def test_every_device_that_received_something_is_told_the_next(settings: Settings, service: Service) -> None:
    one, *others = sorted(may_be_contacted(settings, "buyers"))
    plan_and_send(settings, BUYERS, ga4(service.address))
    new_device(settings, one, NEW)
    plan, _ = plan_and_send(settings, BUYERS, ga4(service.address))
    assert [(change.kind, change.member.client_id) for change in plan.changes] == [("update", NEW)]
    assert plan.unchanged == len(others) + 1
    change(settings, f"update ga4.dim_ga4__users set is_ads_consented = false where user_key = '{one}'")
    service.replies = [Reply(400)]  # of the two removals, one is refused and sent again
    for removals in (2, 1, 0):
        assert plan_and_send(settings, BUYERS, ga4(service.address))[0].of_kind("leave") == removals
    states = _states(service)
    assert {device: states.pop(device) for device in (client_id(int(one[1:])), NEW)} == {
        client_id(int(one[1:])): ("out", "DENIED"), NEW: ("out", "DENIED"),
    }  # fmt: skip
    assert set(states.values()) == {("in", "GRANTED")}


def test_a_member_who_comes_with_an_app_stays_by_their_browser(settings: Settings, service: Service) -> None:
    one, other, *_ = sorted(may_be_contacted(settings, "buyers"))
    new_device(settings, other, "f0" * 16)
    plan_and_send(settings, BUYERS, ga4(service.address))
    assert client_id(int(other[1:])) in _clients(service), "the browser they used last"
    new_device(settings, one, "0f" * 16)
    plan, _ = plan_and_send(settings, BUYERS, ga4(service.address))
    assert plan.changes == () and "not_reachable" not in plan.left_out


def test_a_browser_counts_by_its_own_last_day(settings: Settings, service: Service) -> None:
    everyone = BUYERS.model_copy(update={"purpose": "analytics"})
    one = min(may_be_contacted(settings, "buyers"))
    browser = client_id(int(one[1:]))
    plan_and_send(settings, everyone, ga4(service.address))
    new_device(settings, one, NEW)
    change(
        settings,
        f"""update ga4.int_ga4__identity_map set last_seen = current_date - 30 where user_pseudo_id = '{browser}';
        update ga4.dim_ga4__users set is_ads_consented = false where user_key = '{one}'""",
    )
    plan, _ = plan_and_send(settings, everyone, ga4(service.address))
    assert [change.member.client_id for change in plan.changes] == [NEW], "GA4 would not use an update of the other"
    change(settings, f"update ga4.int_ga4__identity_map set last_seen = current_date - 30 where user_key = '{one}'")
    plan = plan_only(settings, everyone, ga4(service.address))
    assert sorted(change.member.client_id or "" for change in plan.changes) == sorted([browser, NEW])
    assert {change.kind for change in plan.changes} == {"leave"}
    assert plan.reasons == {"not seen for 30 days: GA4 would not use it": 1}


def test_a_forgotten_person_leaves_with_all_devices(settings: Settings, service: Service) -> None:
    settings.activation.file.write_text("- {name: ga4, type: ga4, measurement_id: G-ABC1234}")
    one = min(may_be_contacted(settings, "buyers"))
    plan_and_send(settings, BUYERS, ga4(service.address))
    new_device(settings, one, NEW)
    plan_and_send(settings, BUYERS, ga4(service.address))
    leave_destinations(settings, [one, client_id(int(one[1:])), NEW], lambda *_: ga4(service.address))
    assert [_states(service)[device][0] for device in (client_id(int(one[1:])), NEW)] == ["out", "out"]


def test_a_login_gives_another_key_and_the_device_receives_nothing_new(settings: Settings, service: Service) -> None:
    paused = BUYERS.model_copy(update={"pause": 30})
    expected = may_be_contacted(settings, "buyers")
    plan_and_send(settings, paused, ga4(service.address))
    log_in(settings, paused)
    assert may_be_contacted(settings, "buyers") == {f"k{key}" for key in expected}, "the hold-out is the same"
    plan, _ = plan_and_send(settings, paused, ga4(service.address))
    assert plan.changes == () and plan.unchanged == len(expected)


def test_a_removal_without_an_answer_is_reported_until_somebody_looked(settings: Settings, service: Service) -> None:
    settings.activation.file.write_text("- {name: ga4, type: ga4, measurement_id: G-ABC1234}")

    def night(send: str) -> list[str]:
        settings.audiences.file.write_text(
            "- {name: buyers, rule: purchases = 1, purpose: ads, exclude: cluster = 3, holdout: 0.2, "
            f"activate: [{{to: ga4, send: {send}}}]}}"
        )
        connect = Warehouse.of(settings.storage).connect
        return [one.problem for one in send_marked(settings, connect, lambda *_: ga4(service.address)) if one.problem]

    assert night("true") == []
    one = min(may_be_contacted(settings, "buyers"))
    change(settings, f"update ga4.dim_ga4__users set is_ads_consented = false where user_key = '{one}'")
    service.replies = [Reply(lost=True)]
    assert "unknown" in night("true")[0]
    due = (
        "removals without an answer: 1. Look there whether they arrived; if so, write that down: beha2vec sent "
        "--audience buyers --to ga4 --close. If not, beha2vec activate buyers --to ga4 --send --repeat-unknown"
    )
    for send in ("true", "true", "false"):
        assert night(send) == [due]
    assert "no answer" in "".join(plan_only(settings, BUYERS, ga4(service.address)).lines())
    assert close_users(settings, "buyers", "ga4", lambda *_: ga4(service.address)) == 1
    assert night("true") == night("false") == []


def test_a_lost_removal_is_reported_once_with_what_can_still_be_done(settings: Settings, service: Service) -> None:
    def night(audiences: str, destinations: str) -> list[str]:
        settings.audiences.file.write_text(audiences)
        settings.activation.file.write_text(destinations)
        connect = Warehouse.of(settings.storage).connect
        return [one.problem for one in send_marked(settings, connect, lambda *_: ga4(service.address)) if one.problem]

    named = "- {name: ga4, type: ga4, measurement_id: G-ABC1234}"
    plan_and_send(settings, BUYERS, ga4(service.address))
    one = min(may_be_contacted(settings, "buyers"))
    change(settings, f"update ga4.dim_ga4__users set is_ads_consented = false where user_key = '{one}'")
    service.replies = [Reply(lost=True)]
    plan_and_send(settings, BUYERS, ga4(service.address))
    (unnamed,), (gone,) = night("[]", named), night("[]", "[]")
    assert "no longer names it, and users are there" in unnamed and "no longer has the destination" in gone
    plan_and_send(settings, BUYERS, ga4(service.address), Options(empty=True))
    (unnamed,), (gone,) = night("[]", named), night("[]", "[]")
    assert unnamed.endswith("If not, beha2vec activate buyers --to ga4 --empty --send --repeat-unknown")
    assert gone == (
        "removals without an answer: 1. Remove them there if they did not arrive, then write that down: "
        "beha2vec sent --audience buyers --to ga4 --close"
    )
    assert close_users(settings, "buyers", "ga4") == 1
    assert night("[]", "[]") == []


def test_a_server_that_hangs_after_it_took_a_request(settings: Settings, service: Service) -> None:
    service.replies = [Reply(hang=1.5)]
    _, report = plan_and_send(settings, BUYERS, ga4(service.address, seconds=0.5))
    assert report.outcomes["unknown"] == 1 and report.reasons == {"no answer in time": 1}
    plan = plan_only(settings, BUYERS, ga4(service.address))
    assert plan.changes == ()


def test_a_server_that_is_busy_is_asked_again_after_its_pause(settings: Settings, service: Service) -> None:
    service.replies = [Reply(429, {"Retry-After": "1"})]
    begin = datetime.now(UTC)
    _, report = plan_and_send(settings, BUYERS, ga4(service.address))
    assert report.is_complete and datetime.now(UTC) - begin > timedelta(seconds=1)
    assert len(service.taken) == len(set(_clients(service))) == report.outcomes["accepted"]


def test_a_long_pause_stops_the_send_and_the_next_goes_on(settings: Settings, service: Service) -> None:
    service.replies = [Reply(), Reply(), Reply(429, {"Retry-After": "3600"})]
    expected = len(may_be_contacted(settings, "buyers"))
    _, report = plan_and_send(settings, BUYERS, ga4(service.address))
    assert "pause of 3,600 s" in report.stopped
    assert report.outcomes == {"accepted": 2, "refused": 1, "not_sent": expected - 3}
    _, report = plan_and_send(settings, BUYERS, ga4(service.address))
    assert report.outcomes == {"accepted": expected - 2} and len(set(_clients(service))) == expected


@pytest.mark.parametrize(("status", "words"), [(401, "does not accept the secret"), (403, "does not allow")])
def test_a_wrong_secret_stops_at_once(settings: Settings, service: Service, status: int, words: str) -> None:
    service.usual = Reply(status, body=SECRET.encode())
    _, report = plan_and_send(settings, BUYERS, ga4(service.address))
    assert words in report.stopped and len(service.requests) == 1 and SECRET not in "".join(report.lines())


def test_a_server_that_refuses_everything_is_left_alone(settings: Settings, service: Service) -> None:
    service.usual = Reply(400)
    _, report = plan_and_send(settings, BUYERS, ga4(service.address))
    assert report.stopped == "5 requests in a row were not accepted (HTTP 400)" and len(service.requests) == 5
    service.usual = Reply()
    _, report = plan_and_send(settings, BUYERS, ga4(service.address))
    assert report.is_complete, "what was refused had no effect, so it is sent again"


def test_no_connection_is_no_lost_answer(settings: Settings, service: Service) -> None:
    _, report = plan_and_send(settings, BUYERS, ga4("http://127.0.0.1:1"))
    assert set(report.outcomes) == {"refused", "not_sent"} and report.reasons == {"no connection": 5}
    assert plan_and_send(settings, BUYERS, ga4(service.address))[1].is_complete


def test_an_answer_whose_body_cannot_be_read_is_an_answer(settings: Settings, service: Service) -> None:
    service.replies = [Reply(200, {"Content-Encoding": "br"}, b"?"), Reply(200, {"Content-Encoding": "gzip"}, b"?")]
    assert plan_and_send(settings, BUYERS, ga4(service.address))[1].is_complete


def test_redirects_are_not_followed(settings: Settings, service: Service) -> None:
    service.replies = [Reply(307, {"Location": f"{service.address}/elsewhere"})]
    _, report = plan_and_send(settings, BUYERS, ga4(service.address))
    assert report.outcomes["refused"] == 1 and all(request.path == "/mp/collect" for request in service.requests)


def test_debug_asks_the_endpoint_that_collects_nothing(settings: Settings, service: Service) -> None:
    messages = [{"validationCode": "NAME_INVALID", "description": SECRET}]
    service.usual = Reply(200, body=json.dumps({"validationMessages": []}).encode())
    service.replies = [Reply(200, body=json.dumps({"validationMessages": messages}).encode())]
    expected = len(may_be_contacted(settings, "buyers"))
    _, report = plan_and_send(settings, BUYERS, ga4(service.address, debug=True), Options(debug=True))
    assert report.outcomes == {"accepted": expected - 1, "refused": 1}
    assert report.reasons == {"validation: NAME_INVALID": 1}
    assert {request.path for request in service.requests} == {"/debug/mp/collect"}
    assert {request.body["validation_behavior"] for request in service.requests} == {"ENFORCE_RECOMMENDATIONS"}
    assert sent(settings.storage.ledger_path) == [], "checking writes nothing"


# --- the limits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("called", "attributes", "login", "problem"),
    [
        ("c" * 20, {}, "u" * 256, None),
        ("c" * 21, {}, None, "longer than 24 characters"),
        ("é", {}, None, "other characters"),
        ("c", {"a" * 18: "v" * 36}, None, None),
        ("c", {"a" * 19: 1}, None, "longer than 24 characters"),
        ("c", {"a": "v" * 37}, None, "longer than 36 characters"),
        ("c", {"a": float("inf")}, None, "cannot be written as JSON"),
        ("c", {"a": "\ud800"}, None, "cannot be written as JSON"),
        ("c", {}, "u" * 257, "user_id is not"),
    ],
)
def test_each_documented_limit_is_checked(
    called: str, attributes: dict[str, Value], login: str | None, problem: str | None
) -> None:
    member = Member("u", "p", "1.2", login, True, datetime.now(UTC).date(), attributes)
    destination = ga4("http://127.0.0.1:1", with_login=True)
    if problem is None:
        assert _broken(destination.change("enter", member, called).payload) == []
    else:
        with pytest.raises(NotReachable, match=problem):
            destination.change("enter", member, called)


def _broken(body: Mapping[str, Any]) -> list[str]:
    limits = Limits()
    limits.refuse("/mp/collect", {"measurement_id": [], "api_secret": []}, {}, json.dumps(body).encode())
    return limits.broken


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=300))
def test_any_names_give_a_good_request_or_a_reason(called: str, client: str, login: str) -> None:
    destination = ga4("http://127.0.0.1:1", with_login=True)
    member = Member("u", "p", client, login, True, datetime.now(UTC).date())
    if destination.validate(called):
        return
    try:
        body, _ = destination.plan("enter", member, called)
    except NotReachable as problem:
        assert str(problem)
    else:
        assert _broken(body) == []


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (Member("u", "p", None, None, True, datetime.now(UTC).date()), "no id of a browser"),
        (Member("u", "p", "0f" * 16, None, True, datetime.now(UTC).date()), "no id of a browser"),
        (Member("u", "p", "1.2", None, True, datetime.now(UTC).date() - timedelta(days=30)), "not seen for 30 days"),
        (Member("u", "q", "1.2", None, True, datetime.now(UTC).date()), "users of another GA4 property"),
    ],
)
def test_who_cannot_be_reached_is_left_out_with_a_reason(member: Member, reason: str) -> None:
    with pytest.raises(NotReachable, match=reason):
        ga4("http://127.0.0.1:1", property_id="p").change("enter", member, "buyers")


def test_a_name_that_is_too_long_is_refused_before_anything_is_sent() -> None:
    problems = ga4("http://127.0.0.1:1").validate("a_name_that_is_too_long")
    assert problems == [
        "the user property would be b2v_a_name_that_is_too_long, but the name of a user property is longer than 24 "
        "characters: give a shorter name with as:"
    ]


def test_with_too_many_user_properties_users_only_leave(settings: Settings, service: Service) -> None:
    settings.activation.file.write_text("- {name: ga4, type: ga4, measurement_id: G-ABC1234}")

    def night(others: int) -> Sending:
        entries = [
            f"- {{name: other{n}, rule: 'true', activate: [{{to: ga4, attributes: [country]}}]}}" for n in range(others)
        ]
        buyers = BUYERS.model_dump(include={"name", "rule", "purpose", "exclude", "holdout"})
        buyers["activate"] = [{"to": "ga4", "send": True}]
        settings.audiences.file.write_text("\n".join([*entries, f"- {json.dumps(buyers)}"]))
        connect = Warehouse.of(settings.storage).connect
        (found,) = send_marked(settings, connect, lambda *_: ga4(service.address))
        return found

    one, other, *_ = sorted(may_be_contacted(settings, "buyers"))
    assert night(12).problem == ""
    new_device(settings, other, NEW)
    change(settings, f"update ga4.dim_ga4__users set is_ads_consented = false where user_key = '{one}'")
    service.requests.clear()
    full = night(13)
    assert full.is_error and full.problem == (
        "the audiences of the file take 27 user properties, and a GA4 property has 25 at most: name fewer "
        "audiences or attributes in activate. Until then users only leave; changes that are not sent: 1"
    )
    assert full.plan and full.problem in full.plan.lines()
    assert _states(service) == {client_id(int(one[1:])): ("out", "DENIED")}
    assert night(12).problem == "" and NEW in _clients(service), "what was held back is sent later"
