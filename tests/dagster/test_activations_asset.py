"""The asset ``activations``: it sends what the file marks, shows counts, and its check raises an alert."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from beha2vec_core.activation import run
from beha2vec_core.activation.config import build
from beha2vec_core.audiences.file import Audience
from beha2vec_core.audiences.members import write_members
from beha2vec_core.cli.doctor.services import check_activation
from beha2vec_core.pages.fetching.addresses import AddressGuard
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.warehouse import Warehouse
from beha2vec_dagster.defs.audiences.activations import build_assets
from beha2vec_dagster.defs.operations.sensors import alert_of
from beha2vec_dagster.lib.resources import WarehouseResource
from tests.activation.activation_world import BUYERS, EVERYONE, make_folder, may_be_contacted
from tests.activation.services import LOCAL, Reply, Service, served

SECRET = "of-the-stream-and-long"
AUDIENCES = """
- name: buyers
  rule: purchases = 1
  purpose: ads
  exclude: cluster = 3
  holdout: 0.2
  activate: [{to: ga4, send: true}, {to: crm}]
- {name: everyone, rule: 'true', activate: [{to: lists}]}
"""


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    make_folder(tmp_path, BUYERS, EVERYONE, users=100)
    monkeypatch.setenv("BEHA2VEC_SECRET_GA4", SECRET)
    (tmp_path / "audiences.yml").write_text(AUDIENCES)
    (tmp_path / "destinations.yml").write_text(
        f"""
- {{name: ga4, type: ga4, measurement_id: G-ABC1234}}
- {{name: lists, type: files, folder: {tmp_path}/lists}}
"""
    )
    with served() as running:
        monkeypatch.setattr(run, "build", partial(build, guard=AddressGuard.of([LOCAL]), host=running.address))
        yield running


def _settings(folder: Path, audiences: Path | None = None) -> ExportSettings:
    return ExportSettings(
        source="x", start_date="2026-01-01", timezone="UTC", data_dir=str(folder / "data"),
        audiences_file=str(audiences or folder / "audiences.yml"), destinations_file=str(folder / "destinations.yml"),
    )  # fmt: skip


def _materialize(folder: Path, instance: dg.DagsterInstance) -> tuple[dict[str, object], dg.AssetCheckEvaluation, str]:
    settings = _settings(folder)
    warehouse = WarehouseResource(database=str(settings.storage.warehouse_path), lock_timeout_seconds=5)
    done = dg.materialize(build_assets(settings), resources={"warehouse": warehouse}, instance=instance)
    assert done.success
    (made,) = done.asset_materializations_for_node("activations")
    (check,) = done.get_asset_check_evaluations()
    alert = alert_of(instance, done.dagster_run, settings)
    logs = "\n".join(str(entry) for entry in instance.all_logs(done.run_id))
    assert SECRET not in logs + str(made) + str(check)
    return {name: value.value for name, value in made.metadata.items()}, check, "" if alert is None else str(alert)


def test_only_what_is_marked_is_sent(service: Service, tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    free = len(may_be_contacted(settings, "buyers"))
    with dg.DagsterInstance.ephemeral() as instance:
        metadata, check, alert = _materialize(tmp_path, instance)
        assert metadata["status"] == "sent" and metadata["accepted"] == free == len(service.taken)
        assert f"| buyers | ga4 | enter | accepted | {free} |" in str(metadata["users_by_outcome"])
        assert "| buyers | ga4 | members | 20 |" in str(metadata["users_by_step"])
        assert check.passed and alert == "" and not (tmp_path / "lists").exists()
        metadata, check, _ = _materialize(tmp_path, instance)
        assert metadata["accepted"] == 0 and len(service.taken) == free, "again: nothing to send"


@pytest.mark.parametrize(
    ("reply", "severity", "words"),
    [
        (Reply(401), dg.AssetCheckSeverity.ERROR, "it does not accept the secret (HTTP 401)"),
        (Reply(400), dg.AssetCheckSeverity.ERROR, "5 requests in a row were not accepted"),
        (Reply(lost=True), dg.AssetCheckSeverity.WARN, "the answer was lost, and sending twice counts twice"),
    ],
)
def test_what_is_not_accepted_raises_an_alert(
    service: Service, tmp_path: Path, reply: Reply, severity: dg.AssetCheckSeverity, words: str
) -> None:
    if reply.lost:
        service.replies = [reply]
    else:
        service.usual = reply
    with dg.DagsterInstance.ephemeral() as instance:
        metadata, check, alert = _materialize(tmp_path, instance)
    assert not check.passed and check.severity == severity
    assert words in str(metadata["status"]) and words in alert and "beha2vec activate" in alert


@pytest.fixture
def corrections() -> Iterator[Path]:
    """A folder that others can enter, as those of pytest cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        made = Path(folder).resolve() / "corrections"
        made.mkdir(0o755)
        yield made


def test_nothing_is_sent_that_another_service_may_have_written(
    service: Service, tmp_path: Path, corrections: Path
) -> None:
    """A program in the explorer writes `send: true` for a destination that the file of destinations has."""
    file = shutil.move(tmp_path / "audiences.yml", corrections / "audiences.yml")
    (tmp_path / "audiences.yml").symlink_to(file)
    settings = _settings(tmp_path)
    corrections.chmod(0o770)  # of the explorer's group
    with dg.DagsterInstance.ephemeral() as instance:
        metadata, check, alert = _materialize(tmp_path, instance)
        said = f"nothing is sent, because other users or services can write {corrections}"
        assert said in str(metadata["status"]) and said in alert and not check.passed and not service.requests
        found = check_activation(settings)
        assert found.status == "fail" and said in found.message
        corrections.chmod(0o755)
        file.chmod(0o666)
        assert "/audiences.yml: only this user and root" in check_activation(settings).message
        file.chmod(0o644)
        assert check_activation(settings).message == "2 audiences, 2 destinations, 1 sending at night"
        if os.geteuid() == 0:
            os.chown(corrections, 65534, -1)
            assert check_activation(settings).status == "fail", "of another user"
            os.chown(corrections, 0, -1)
        metadata, check, _ = _materialize(tmp_path, instance)
        assert metadata["status"] == "sent" and check.passed


@pytest.mark.parametrize("way", ["linked.yml", "folder/audiences.yml", "folder/../{}/linked.yml"])
def test_a_link_that_others_may_replace_is_refused(
    service: Service, tmp_path: Path, corrections: Path, way: str
) -> None:
    """It leads to a file that only this user may write."""
    (corrections / "linked.yml").symlink_to(tmp_path / "audiences.yml")
    (corrections / "folder").symlink_to(tmp_path)
    (tmp_path / "linked.yml").symlink_to(corrections / "linked.yml")
    settings = _settings(tmp_path, corrections / way.format(tmp_path.name))
    assert check_activation(settings).status == "ok"
    corrections.chmod(0o777)
    assert f"can write {corrections}:" in check_activation(settings).message
    corrections.chmod(0o1777)  # as /tmp, where others may have put a link of this user, by a hard link
    assert f"can write {corrections}:" in check_activation(settings).message
    corrections.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(corrections / way.partition("/")[0], 65534, -1, follow_symlinks=False)
        assert check_activation(settings).status == "fail", "the link is another user's"


def test_who_may_write_a_file_is_checked_before_it_is_read(
    service: Service, tmp_path: Path, corrections: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program puts a file of its own into the folder of all, and the true one back once it was read."""
    (corrections / "audiences.yml").symlink_to(tmp_path / "audiences.yml")
    corrections.chmod(0o777)
    load = run.load_audiences

    def and_tidy_up(path: Path) -> list[Audience]:
        found = load(path)
        corrections.chmod(0o755)
        return found

    monkeypatch.setattr(run, "load_audiences", and_tidy_up)
    settings = _settings(tmp_path, corrections / "audiences.yml")
    (sending,) = run.send_marked(settings, Warehouse.of(settings.storage).connect)
    assert f"can write {corrections}:" in sending.problem and not service.requests


def test_mistakes_in_the_files_stop_no_night(service: Service, tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        (tmp_path / "destinations.yml").write_text("[]")
        metadata, check, _ = _materialize(tmp_path, instance)
        assert "has no destinations" in str(metadata["status"]) and check.severity == dg.AssetCheckSeverity.ERROR
        (tmp_path / "audiences.yml").write_text("- {name: [}")
        metadata, check, _ = _materialize(tmp_path, instance)
        assert "cannot be read" in str(metadata["status"]) and not check.passed
        (tmp_path / "audiences.yml").unlink()
        metadata, check, _ = _materialize(tmp_path, instance)
        assert metadata["status"] == "no audience has send: true" and check.passed
    assert not service.requests


def test_users_where_the_file_no_longer_sends_them_are_reported(service: Service, tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        _materialize(tmp_path, instance)
        (tmp_path / "audiences.yml").write_text(AUDIENCES.replace("{to: ga4, send: true}, ", ""))
        metadata, check, _ = _materialize(tmp_path, instance)
    assert not check.passed and "beha2vec activate buyers --to ga4 --empty --send removes" in str(metadata["status"])


def test_users_of_an_audience_that_ended_are_reported(service: Service, tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        _materialize(tmp_path, instance)
        (tmp_path / "audiences.yml").write_text("[]")
        with duckdb.connect(str(settings.storage.warehouse_path)) as connection:
            write_members(connection, [], datetime.now(UTC).date(), b"k" * 32)
        metadata, check, _ = _materialize(tmp_path, instance)
    assert not check.passed and check.severity == dg.AssetCheckSeverity.WARN
    assert "beha2vec activate buyers --to ga4 --empty --send removes them" in str(metadata["status"])
