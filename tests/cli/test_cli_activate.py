"""``beha2vec activate`` and ``beha2vec sent``: a plan first, and only --send sends."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.activation import run
from beha2vec_core.activation.config import build
from beha2vec_core.cli import app
from beha2vec_core.pages.fetching.addresses import AddressGuard
from beha2vec_core.privacy.key import key
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.settings import Settings
from beha2vec_core.store.publish import published_id, published_key
from tests.activation.activation_world import BUYERS, change, client_id, make_folder, may_be_contacted
from tests.activation.services import LOCAL, Reply, Service, served

RUN = CliRunner()
AUDIENCES = """
- name: buyers
  rule: purchases = 1
  purpose: ads
  exclude: cluster = 3
  holdout: 0.2
  activate: [{to: ga4}]
"""


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    settings = make_folder(tmp_path, BUYERS, users=100)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(settings.storage.data_dir))
    monkeypatch.setenv("BEHA2VEC_SECRET_GA4", "of-the-stream")
    Path("audiences.yml").write_text(AUDIENCES)
    Path("destinations.yml").write_text("- {name: ga4, type: ga4, measurement_id: G-ABC1234}\n")
    with served() as running:
        local = partial(build, guard=AddressGuard.of([LOCAL]), host=running.address)
        monkeypatch.setattr(run, "build", local)
        yield running


def _output(*arguments: str, code: int = 0) -> str:
    done = RUN.invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done.output


def test_a_plan_is_shown_then_sent_then_in_the_ledger(service: Service, tmp_path: Path) -> None:
    settings = run.Settings(data_dir=str(tmp_path / "data"))
    free = len(may_be_contacted(settings, "buyers"))
    text = _output("activate", "buyers", "--to", "ga4")
    assert "Nothing was sent. To send it: beha2vec activate buyers --to ga4 --send" in text and not service.requests
    steps = [line.split()[0] for line in text.splitlines()]
    assert steps[:3] == ["remain", "members", "no"] and f"{'enter':<46}{free:>10}" in text
    text = _output("activate", "buyers", "--to", "ga4", "--send")
    assert f"accepted: {free} users" in text and len(service.taken) == free
    text = _output("activate", "buyers", "--to", "ga4", "--send")
    assert "nothing to send" in text and len(service.taken) == free
    assert _output("activate", "buyers", "--to", "ga4").endswith("There is nothing to send.\n")
    text = _output("sent")
    assert "buyers to ga4" in text and f"  {'enter':<16}{'accepted':<12}{free:>10}" in text
    assert "Nothing has been sent yet" in _output("sent", "--to", "crm")


def test_files_that_others_can_write_say_nothing_about_what_to_send(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder:  # others can enter it, as they cannot pytest's
        Path(folder).chmod(0o755)
        file = Path(shutil.copy("destinations.yml", folder)).resolve()
        monkeypatch.setenv("BEHA2VEC_DESTINATIONS_FILE", str(file))
        file.chmod(0o666)
        for option in ("--send", "--debug"):
            text = _output("activate", "buyers", "--to", "ga4", option, code=2)
            assert f"nothing is sent, because other users or services can write {file}" in " ".join(text.split())
        assert "Nothing was sent" in _output("activate", "buyers", "--to", "ga4") and not service.requests
        file.chmod(0o644)
        assert "accepted" in _output("activate", "buyers", "--to", "ga4", "--send")


def test_what_was_sent_of_a_user_is_shown_by_any_id_of_theirs(service: Service, tmp_path: Path) -> None:
    settings = run.Settings(data_dir=str(tmp_path / "data"))
    one, other, *_ = sorted(may_be_contacted(settings, "buyers"))
    assert _output("sent", "--user", one) == "Nothing was sent about this user\n"
    service.replies = [Reply(400)]
    _output("activate", "buyers", "--to", "ga4", "--send", code=1)
    secret = key(settings.storage.data_dir)
    device = client_id(int(one[1:]))
    for asked in (one, device, f"old.{device}", published_key(one, secret), published_id(device, secret)):
        assert _output("sent", "--user", asked).endswith(" UTC  buyers to ga4: enter, refused (HTTP 400)\n")
    assert _output("sent", "--user", other).endswith(" UTC  buyers to ga4: enter, accepted\n")
    assert _output("sent", "--user", one, "--to", "crm") == "Nothing was sent about this user\n"


@pytest.mark.parametrize("known", [True, False], ids=["in the warehouse", "only in the ledger"])
def test_what_was_sent_of_a_user_is_shown_by_a_login_that_is_stored_as_a_hash(service: Service, known: bool) -> None:
    settings = Settings.load()
    login = "Jane@Example.com"
    stored = LoginIds(settings.storage.data_dir).judged(login)
    one = min(may_be_contacted(settings, "buyers"))
    for table in ("dim_ga4__users", "int_ga4__identity_map"):
        change(settings, f"update ga4.{table} set user_id = '{stored}' where user_key = '{one}'")
    _output("activate", "buyers", "--to", "ga4", "--send")
    if not known:
        change(settings, f"delete from ga4.int_ga4__identity_map where user_key = '{one}'")
    for asked in (login, stored):
        assert _output("sent", "--user", asked).endswith(" UTC  buyers to ga4: enter, accepted\n")


def test_a_send_that_held_back_users_ends_with_1(service: Service) -> None:
    attributes = ", ".join(f"cluster as a{n}" for n in range(25))
    Path("audiences.yml").write_text(AUDIENCES.replace("to: ga4", f"to: ga4, attributes: [{attributes}]"))
    text = _output("activate", "buyers", "--to", "ga4", "--send", code=1)
    assert "take 26 user properties" in text and "nothing to send" in text and not service.requests


def test_what_is_not_accepted_ends_with_1(service: Service) -> None:
    service.usual = Reply(401)
    text = _output("activate", "buyers", "--to", "ga4", "--send", code=1)
    assert "does not accept the secret (HTTP 401)" in text and "of-the-stream" not in text


def test_members_that_are_too_old_are_sent_with_what_the_plan_says(service: Service) -> None:
    with duckdb.connect(str(Settings.load().storage.warehouse_path)) as connection:
        connection.execute("update beha2vec.audience_members set event_date = event_date - 9").fetchall()
    text = _output("activate", "buyers", "--to", "ga4")
    assert "9 days ago" in text and "beha2vec activate buyers --to ga4 --stale --send" in text
    assert "Sent:" in _output("activate", "buyers", "--to", "ga4", "--stale", "--send")


def test_debug_uses_nothing(service: Service) -> None:
    service.usual = Reply(200, body=b'{"validationMessages": []}')
    assert "Checked by the service, and not used:" in _output("activate", "buyers", "--to", "ga4", "--debug")
    assert "Nothing has been sent yet" in _output("sent")


def test_an_audience_that_left_the_file_can_be_ended(service: Service) -> None:
    _output("activate", "buyers", "--to", "ga4", "--send")
    Path("audiences.yml").write_text("[]")
    said = _output("activate", "buyers", "--to", "ga4", code=2)
    assert "there is no audience 'buyers': the file of audiences has none" in said
    plan = _output("activate", "buyers", "--to", "ga4", "--empty")
    assert "To send it: beha2vec activate buyers --to ga4 --empty --send" in plan
    _output("activate", "buyers", "--to", "ga4", "--empty", "--send")
    said = [request.body["user_properties"]["b2v_buyers"]["value"] for request in service.taken]
    assert said.count("out") == said.count("in") > 0


def test_only_destinations_that_the_file_names_receive_an_audience(service: Service) -> None:
    Path("audiences.yml").write_text(AUDIENCES.replace("to: ga4", "to: crm"))
    for more in ((), ("--send",), ("--debug",)):
        text = _output("activate", "buyers", "--to", "ga4", *more, code=2 if more else 0)
        assert "ga4: audience buyers is not sent there: add activate: [{to: ga4}] to its entry" in text
    assert not service.requests


@pytest.mark.parametrize("name", ["buyer", "Bad Name"])
def test_only_what_was_sent_can_be_ended(service: Service, name: str) -> None:
    assert f"there is no audience '{name}'" in _output("activate", name, "--to", "ga4", "--empty", code=2)


def test_mistakes_are_named(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "did you mean buyers?" in _output("activate", "buyer", "--to", "ga4", code=2)
    assert "there is no destination 'ga'" in _output("activate", "buyers", "--to", "ga", code=2)
    monkeypatch.delenv("BEHA2VEC_SECRET_GA4")
    assert "set BEHA2VEC_SECRET_GA4" in _output("activate", "buyers", "--to", "ga4", "--send", code=2)
    assert "set BEHA2VEC_SECRET_GA4" in _output("activate", "buyers", "--to", "ga4"), "a plan needs none"
    Path("destinations.yml").unlink()
    assert "destinations.yml has no destinations" in _output("activate", "buyers", "--to", "ga4", code=2)
    assert "give --send or --debug" in _output("activate", "buyers", "--to", "ga4", "--send", "--debug", code=2)
