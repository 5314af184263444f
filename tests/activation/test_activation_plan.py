"""Who is sent and who is not, and that the ledger outlives what happens to the warehouse."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.activation.files import Files
from beha2vec_core.activation.folders import LocalFolder
from beha2vec_core.activation.ledger import Sent, open_ledger, read_ledger, sent
from beha2vec_core.activation.run import Options, close_users, plan_and_send, plan_only, send_marked
from beha2vec_core.audiences.file import Activation, Audience
from beha2vec_core.privacy.forgetting.retention import apply_retention
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.key import key
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.settings import Settings
from beha2vec_core.store.publish import published_id, published_key
from beha2vec_core.store.warehouse import Warehouse
from tests.activation.activation_world import (
    BUYERS,
    EVERYONE,
    change,
    client_id,
    ga4,
    make_folder,
    may_be_contacted,
    webhook,
)
from tests.activation.services import Reply, Service


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_folder(tmp_path, BUYERS, EVERYONE, users=100)


def test_each_step_leaves_users_out(settings: Settings, service: Service, tmp_path: Path) -> None:
    free = sorted(may_be_contacted(settings, "buyers"))
    n = [int(key[1:]) for key in free]
    (tmp_path / "never.txt").write_text(f'\ufeff{free[0]}\n\n"{client_id(n[1])}"\n')
    Forgotten(settings.storage.data_dir).add([client_id(n[2])], date(2026, 1, 1))
    audience = BUYERS.model_copy(update={"exclude_file": tmp_path / "never.txt"})
    plan = plan_only(settings, audience, webhook(service.address))
    assert plan.left_out["exclude_file"] == 2 and plan.left_out["forgotten"] == 1
    assert [one.member.user_key for one in plan.changes] == free[3:]
    assert plan.members - sum(plan.left_out.values()) == len(plan.changes)
    text = plan.lines()
    assert text[0].split() == ["remain", "left", "out"]
    assert text[1].startswith("members of buyers on ") and text[1].endswith("20")
    assert any(line.startswith("hold-out") and line.split()[-1] == str(plan.left_out["holdout"]) for line in text)


def test_a_hold_out_that_draws_nobody_is_listed(settings: Settings, service: Service) -> None:
    change(settings, "update beha2vec.audience_members set step = null where step = 'holdout'")
    plan = plan_only(settings, BUYERS, webhook(service.address))
    (line,) = (line for line in plan.lines() if line.startswith("hold-out"))
    assert line.split()[-1] == "0"
    without = plan_only(settings, BUYERS.model_copy(update={"holdout": 0.0}), webhook(service.address))
    assert not any(line.startswith("hold-out") for line in without.lines())


def test_any_device_and_a_login_as_the_shop_has_it_exclude_a_user(settings: Settings, service: Service) -> None:
    free = sorted(may_be_contacted(settings, "buyers"))
    stored = LoginIds(settings.storage.data_dir).judged("jane@example.com")
    change(settings, f"update ga4.dim_ga4__users set user_id = '{stored}' where user_key = '{free[0]}'")
    listed = settings.storage.data_dir / "never.txt"
    listed.write_text(f"Jane@example.com\nold.{client_id(int(free[1][1:]))}\n")
    audience = BUYERS.model_copy(update={"exclude_file": listed})
    assert [one.member.user_key for one in plan_only(settings, audience, ga4(service.address)).changes] == free[2:]


def test_published_ids_exclude_a_user_and_other_lines_are_counted(settings: Settings, service: Service) -> None:
    free = sorted(may_be_contacted(settings, "buyers"))
    change(settings, f"update ga4.dim_ga4__users set user_id = 'login7' where user_key = '{free[2]}'")
    secret = key(settings.storage.data_dir)
    ids = (client_id(int(free[1][1:])), "login7")
    copied = [published_key(free[0], secret), *(published_id(one, secret) for one in ids)]
    (settings.storage.data_dir / "never.txt").write_text("\n".join([*copied, free[3], "", "nobody", "0" * 32]))
    audience = BUYERS.model_copy(update={"exclude_file": settings.storage.data_dir / "never.txt"})
    plan = plan_only(settings, audience, webhook(service.address))
    assert [one.member.user_key for one in plan.changes] == free[4:] and plan.left_out["exclude_file"] == 4
    assert "lines of never.txt that match no member: 2 of 6" in plan.lines()


def test_who_leaves_is_sent_first(settings: Settings, service: Service) -> None:
    plan_and_send(settings, BUYERS, ga4(service.address))
    left = min(may_be_contacted(settings, "buyers"))
    change(
        settings,
        f"update ga4.dim_ga4__users set is_ads_consented = user_key <> '{left}'",
        BUYERS,
    )
    service.requests.clear()
    plan, _ = plan_and_send(settings, BUYERS, ga4(service.address))
    assert plan.of_kind("enter") and plan.of_kind("leave") == 1
    assert service.requests[0].body["user_properties"] == {"b2v_buyers": {"value": "out"}}


def test_a_file_of_users_that_cannot_be_read_stops_the_plan(settings: Settings, service: Service) -> None:
    audience = BUYERS.model_copy(update={"exclude_file": Path("gone.txt")})
    with pytest.raises(ActivationError, match=r"exclude_file .*gone.txt cannot be read \(FileNotFoundError\)"):
        plan_only(settings, audience, webhook(service.address))


def test_nobody_enters_twice_within_the_pause(settings: Settings, service: Service) -> None:
    sent_before = may_be_contacted(settings, "buyers")
    service.replies = [Reply(500)] * 3
    plan_and_send(settings, BUYERS, webhook(service.address))
    calm = EVERYONE.model_copy(update={"pause": 7})
    plan = plan_only(settings, calm, ga4(service.address))
    assert plan.left_out["pause"] == len(sent_before), "an answer that was lost may have been a contact"
    assert not sent_before & {one.member.user_key for one in plan.changes}
    plan_and_send(settings, BUYERS, webhook(service.address))
    paused = BUYERS.model_copy(update={"pause": 7})
    assert plan_only(settings, paused, webhook(service.address)).unchanged == len(sent_before), "who is there stays"
    assert len(plan_only(settings, paused, ga4(service.address)).changes) == len(sent_before), "it is one contact"
    plan_and_send(settings, BUYERS, webhook(service.address), Options(empty=True))
    assert plan_only(settings, paused, webhook(service.address)).left_out["pause"] == len(sent_before)
    with sqlite3.connect(settings.storage.ledger_path) as ledger:
        ledger.execute("update changes set at = ?", [(datetime.now(UTC) - timedelta(days=8)).isoformat()])
    assert "pause" not in plan_only(settings, calm, ga4(service.address)).left_out


def test_an_audience_for_analytics_is_sent_without_consent_but_says_so(settings: Settings, service: Service) -> None:
    plan_and_send(settings, EVERYONE, ga4(service.address))
    said = {request.body["client_id"]: request.body["consent"]["ad_user_data"] for request in service.taken}
    assert said == {client_id(n): "DENIED" if n % 2 else "GRANTED" for n in range(100)}
    service.requests.clear()
    change(settings, "update ga4.dim_ga4__users set is_ads_consented = false where user_key = 'u0000'")
    plan_and_send(settings, EVERYONE, ga4(service.address))
    (request,) = service.taken
    assert request.body["client_id"] == client_id(0) and request.body["consent"]["ad_user_data"] == "DENIED"
    assert request.body["user_properties"] == {"b2v_everyone": {"value": "in"}}


def test_everybody_leaves_where_an_audience_ends(settings: Settings, service: Service) -> None:
    plan_and_send(settings, BUYERS, webhook(service.address))
    there = may_be_contacted(settings, "buyers")
    plan, report = plan_and_send(settings, BUYERS, webhook(service.address), Options(empty=True))
    assert plan.of_kind("leave") == len(there) == report.outcomes["accepted"]
    with open_ledger(settings.storage.ledger_path) as ledger:
        assert ledger.present() == []


def test_the_name_at_the_destination_can_be_another(settings: Settings, service: Service) -> None:
    named = BUYERS.model_copy(update={"activate": (Activation.model_validate({"to": "ga4", "as": "hot"}),)})
    plan_and_send(settings, named, ga4(service.address))
    assert {tuple(request.body["user_properties"]) for request in service.taken} == {("b2v_hot",)}


def _as(audience: Audience, called: str, to: str = "crm") -> Audience:
    return audience.model_copy(update={"activate": (Activation.model_validate({"to": to, "as": called}),)})


def test_users_stay_under_no_name_that_is_no_longer_used(settings: Settings, service: Service) -> None:
    there = may_be_contacted(settings, "buyers")
    plan_and_send(settings, _as(BUYERS, "hot"), webhook(service.address))
    with pytest.raises(
        ActivationError, match=r"users are there as hot: end that first \(beha2vec activate buyers --to"
    ):
        plan_only(settings, _as(BUYERS, "warm"), webhook(service.address))
    gone = Audience(name="buyers", rule="false")  # taken out of the file
    for audience in (_as(BUYERS, "warm"), gone):
        assert plan_only(settings, audience, webhook(service.address), Options(empty=True)).called == "hot"
    plan_and_send(settings, gone, webhook(service.address), Options(empty=True))
    assert service.requests[-1].body["audience"] == "hot"
    assert len(plan_only(settings, _as(BUYERS, "warm"), webhook(service.address)).changes) == len(there)


def test_users_stay_at_no_address_that_is_no_longer_used(settings: Settings, service: Service) -> None:
    plan_and_send(settings, BUYERS, webhook(service.address))
    with pytest.raises(ActivationError, match="when the destination had another address: change it back"):
        plan_only(settings, BUYERS, webhook(f"{service.address}/other"))
    assert plan_only(settings, BUYERS, webhook(f"{service.address}/other", name="new")).of_kind("enter")


def test_two_audiences_under_one_name_would_remove_each_others_users(settings: Settings, service: Service) -> None:
    plan_and_send(settings, _as(BUYERS, "list"), webhook(service.address))
    with pytest.raises(ActivationError, match="audience buyers is there as list: give this one another name with as:"):
        plan_only(settings, _as(EVERYONE, "list"), webhook(service.address))
    plan_and_send(settings, BUYERS, webhook(service.address), Options(empty=True))
    assert plan_only(settings, _as(EVERYONE, "list"), webhook(service.address)).of_kind("enter") == 100


def test_two_destinations_with_one_address_would_remove_each_others_users(
    settings: Settings, service: Service, tmp_path: Path
) -> None:
    def lists(name: str) -> Files:
        return Files(name, folder=LocalFolder(tmp_path / "lists"))

    plan_and_send(settings, BUYERS, lists("one"))
    with pytest.raises(ActivationError, match="destination one has the same address and users there as buyers: give"):
        plan_only(settings, BUYERS, lists("two"))
    assert plan_only(settings, _as(BUYERS, "others", to="two"), lists("two")).of_kind("enter")
    assert plan_only(settings, EVERYONE, lists("two")).of_kind("enter") == 100
    plan_and_send(settings, BUYERS, lists("one"), Options(empty=True))
    assert plan_only(settings, BUYERS, lists("two")).of_kind("enter")


def test_the_ledger_says_what_was_sent(settings: Settings, service: Service) -> None:
    path = settings.storage.ledger_path
    assert sent(path) == []
    free = sorted(may_be_contacted(settings, "buyers"))
    service.replies = [Reply(400), Reply(lost=True)]
    plan, _ = plan_and_send(settings, BUYERS, ga4(service.address))
    change(settings, f"delete from ga4.dim_ga4__users where user_key = '{free[-1]}'", BUYERS)
    plan_and_send(settings, BUYERS, webhook(service.address))
    today = datetime.now(UTC).date()
    lines = sent(path, "ga4")
    assert {(line.destination, line.audience, line.day) for line in lines} == {("ga4", "buyers", today)}
    counts = {(line.step, line.outcome): line.users for line in lines}
    assert counts == {
        ("members", "planned"): 20,
        ("consent", "left_out"): 10,
        ("holdout", "left_out"): plan.left_out["holdout"],
        ("enter", "accepted"): len(free) - 2,
        ("enter", "refused"): 1,
        ("enter", "unknown"): 1,
    }
    assert Sent("crm", "buyers", today, "enter", "accepted", len(free) - 1) in sent(path, audience="buyers")
    assert sent(path, audience="others") == []
    assert path.stat().st_mode & 0o077 == 0, "for its owner only"


def test_the_newest_ledger_goes_with_a_restored_data_folder(settings: Settings, service: Service) -> None:
    data, there = settings.storage.data_dir, may_be_contacted(settings, "buyers")
    shutil.copytree(data, data.with_name("backup"))
    plan_and_send(settings, BUYERS, ga4(service.address))
    newest = settings.storage.ledger_path.read_bytes()
    shutil.rmtree(data)
    shutil.copytree(data.with_name("backup"), data)
    assert plan_only(settings, BUYERS, ga4(service.address)).of_kind("enter") == len(there)
    settings.storage.ledger_path.write_bytes(newest)
    assert plan_only(settings, BUYERS, ga4(service.address)).unchanged == len(there)
    settings.storage.warehouse_path.unlink()
    with pytest.raises(ActivationError, match="run beha2vec materialize"):
        plan_only(settings, BUYERS, ga4(service.address))
    assert sent(settings.storage.ledger_path)


def test_one_process_sends_at_a_time_and_others_can_plan(settings: Settings, service: Service) -> None:
    with open_ledger(settings.storage.ledger_path):
        with (
            pytest.raises(ActivationError, match="another process is sending"),
            open_ledger(settings.storage.ledger_path, wait_seconds=0.1),
        ):
            pass
        assert plan_only(settings, BUYERS, ga4(service.address)).changes


def test_a_file_that_is_no_ledger_is_refused(settings: Settings, service: Service) -> None:
    settings.storage.ledger_path.write_text("not a ledger, but a text that somebody left here\n" * 100)
    with pytest.raises(ActivationError, match="restore it from your backup"):
        plan_and_send(settings, BUYERS, ga4(service.address))
    with pytest.raises(ActivationError, match="restore it from your backup"):
        sent(settings.storage.ledger_path)
    assert not service.requests


def test_retention_keeps_what_a_removal_needs(settings: Settings, service: Service) -> None:
    free = sorted(may_be_contacted(settings, "buyers"))
    plan_and_send(settings, BUYERS, ga4(service.address))
    change(settings, f"update ga4.dim_ga4__users set is_ads_consented = false where user_key = '{free[0]}'")
    plan_and_send(settings, BUYERS, ga4(service.address))
    path = settings.storage.ledger_path
    with sqlite3.connect(path) as ledger:
        ledger.execute("update changes set at = '2020-01-01T00:00:00+00:00'")
    limited = Settings(data_dir=str(settings.storage.data_dir), retention_days_embeddings="30")
    (removed,) = [one for one in apply_retention(limited) if one.layer == "embeddings"]
    assert removed.rows >= 2, "entered and left"
    with sqlite3.connect(path) as ledger:
        left = {key for (key,) in ledger.execute("select user_key from changes").fetchall()}
    assert left == set(free[1:])
    assert plan_only(settings, BUYERS, ga4(service.address)).unchanged == len(free) - 1
    with open_ledger(path) as opened:
        assert opened.remove_before(date(2020, 1, 2)) == 0
        with pytest.raises(ActivationError, match="another process is sending"):
            apply_retention(
                limited.model_copy(update={"storage": limited.storage.model_copy(update={"lock_timeout_seconds": 0.1})})
            )


def test_a_pause_that_is_longer_than_the_ledger_is_kept_is_refused(settings: Settings, service: Service) -> None:
    kept = Settings(data_dir=str(settings.storage.data_dir), retention_days_embeddings="30")
    calm = EVERYONE.model_copy(update={"pause": 31})
    with pytest.raises(
        ActivationError, match=r"longer than the ledger is kept \(BEHA2VEC_RETENTION_DAYS_EMBEDDINGS=30"
    ):
        plan_only(kept, calm, webhook(service.address))
    assert plan_only(kept, EVERYONE.model_copy(update={"pause": 30}), webhook(service.address)).changes


def test_members_that_are_too_old_are_planned_and_not_sent(settings: Settings, service: Service) -> None:
    change(settings, "update beha2vec.audience_members set event_date = event_date - 4")
    assert plan_only(settings, BUYERS, webhook(service.address)).stale == ""
    change(settings, "update beha2vec.audience_members set event_date = event_date - 1")
    assert "5 days ago" in plan_only(settings, BUYERS, webhook(service.address)).stale
    with pytest.raises(
        ActivationError, match="run beha2vec materialize --job refresh_last_days, or send them anyway with --stale"
    ):
        plan_and_send(settings, BUYERS, webhook(service.address))
    assert not service.requests
    plan_and_send(settings, BUYERS, webhook(service.address), Options(stale=True))
    assert len(service.taken) == 1
    plan_and_send(settings, BUYERS, webhook(service.address), Options(empty=True))
    assert len(service.taken) == 2, "to leave is always possible"


def test_a_file_of_users_lies_beside_that_of_audiences(
    settings: Settings, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "never.txt").write_text("\n".join(may_be_contacted(settings, "buyers")))
    monkeypatch.chdir("/")
    audience = BUYERS.model_copy(update={"exclude_file": Path("never.txt")})
    assert plan_only(settings, audience, webhook(service.address)).changes == ()


# --- what nobody sends ----------------------------------------------------------------------------------------------


def _night(settings: Settings, service: Service, **sends: bool) -> list[str]:
    """What the nightly run says, where ``crm`` is in both files; ``send`` may be set."""
    entry = {"name": "buyers", "rule": "purchases = 1", "purpose": "ads", "activate": [{"to": "crm", **sends}]}
    settings.audiences.file.write_text(yaml.safe_dump([entry]))
    found = send_marked(
        settings, Warehouse.of(settings.storage).connect, lambda settings, name: webhook(service.address, name=name)
    )
    return [f"{one.audience} to {one.destination}: {one.problem}" for one in found if one.problem]


def test_consent_that_was_withdrawn_is_reported_where_nobody_sends(settings: Settings, service: Service) -> None:
    settings.activation.file.write_text(f"- {{name: crm, type: webhook, url: '{service.address}/hook'}}")
    plan_and_send(settings, BUYERS, webhook(service.address))
    assert _night(settings, service) == []
    one, other, *_ = sorted(may_be_contacted(settings, "buyers"))
    change(settings, f"update beha2vec.audience_members set step = 'cap' where user_key = '{other}'")
    assert _night(settings, service) == [], "who leaves for another reason is due with the next send"
    change(settings, f"update ga4.dim_ga4__users set is_ads_consented = false where user_key = '{one}'")
    assert _night(settings, service) == [
        "buyers to crm: users who withdrew their consent are still there: 1. "
        "beha2vec activate buyers --to crm --send removes them"
    ]
    plan_and_send(settings, BUYERS, webhook(service.address))
    assert _night(settings, service) == []


def test_users_at_a_destination_that_is_gone_can_be_closed(settings: Settings, service: Service) -> None:
    settings.activation.file.write_text(f"- {{name: crm, type: webhook, url: '{service.address}/hook'}}")
    plan_and_send(settings, BUYERS, webhook(service.address))
    with pytest.raises(ActivationError, match="crm can still be sent to: beha2vec activate buyers --to crm --empty"):
        close_users(settings, "buyers", "crm", lambda settings, name: webhook(service.address, name=name))
    settings.activation.file.write_text("[]")
    there = len(may_be_contacted(settings, "buyers"))
    (said,) = _night(settings, service)
    assert f"no longer has the destination, and users are there: {there}." in said
    assert said.endswith("Remove them there, then write that down: beha2vec sent --audience buyers --to crm --close")
    before = sent(settings.storage.ledger_path)
    assert close_users(settings, "buyers", "crm") == there
    assert _night(settings, service) == []
    with read_ledger(settings.storage.ledger_path) as ledger:
        assert ledger.present() == []
    after = sent(settings.storage.ledger_path)
    assert {line for line in after if line not in before} == {
        before[0]._replace(step="leave", outcome="accepted", users=there)
    }
    with pytest.raises(
        ActivationError, match="no users of buyers at crm have to be closed by hand; the ledger knows no users"
    ):
        close_users(settings, "buyers", "crm")


def test_nobody_leaves_because_no_members_are_known(settings: Settings, service: Service) -> None:
    plan_and_send(settings, BUYERS, webhook(service.address))
    change(settings, "delete from beha2vec.audience_members")
    with pytest.raises(ActivationError, match="run beha2vec materialize"):
        plan_only(settings, BUYERS, webhook(service.address))


def test_an_audience_without_members_has_an_empty_plan(settings: Settings, service: Service) -> None:
    for_nobody = Audience(name="nobody", rule="false")
    plan = plan_only(settings, for_nobody, ga4(service.address))
    assert plan.members == 0 and plan.changes == () and plan.day is None
