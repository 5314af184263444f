"""The doctor against real folders, files, locks, servers: it finds what is wrong, names the remedy, never raises."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr

from beha2vec_core.cli import doctor
from beha2vec_core.cli.doctor import Check, checks_before_a_run, installation, run_checks, services, storage
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.settings import Settings
from beha2vec_core.store.warehouse import Warehouse
from tests.ga4.ingest_world import DAY, event, write

KEY = "sk-very-secret-7"


pytestmark = pytest.mark.usefixtures("clean_room")


def make(tmp_path: Path, **fields: Any) -> Settings:
    return Settings(
        **{
            "source": str(tmp_path / "export"),
            "data_dir": tmp_path / "data",
            "start_date": DAY,
            "end_date": DAY + timedelta(2),
            "timezone": "UTC",
        }
        | fields
    )


def put(tmp_path: Path, days: list[date], name: str = "events_{day:%Y%m%d}.ndjson.gz", hours: float = 0.0) -> None:
    """A file a day; the day's events lie evenly over a day that begins ``hours`` after midnight UTC."""
    for day in days:
        midnight = int(datetime(day.year, day.month, day.day).timestamp() - datetime(1970, 1, 1).timestamp()) * 10**6
        rows = [
            event(event_date=f"{day:%Y%m%d}", event_timestamp=str(midnight + int((n / 10 + hours) * 3_600_000_000)))
            for n in range(240)
        ]
        write(tmp_path / "export" / name.format(day=day), rows)


DAYS = [DAY + timedelta(n) for n in range(3)]


def model_folder(tmp_path: Path) -> str:
    """A folder that looks like a model's."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").touch()
    return str(folder)


def test_all_is_well(tmp_path: Path) -> None:
    put(tmp_path, DAYS)
    checks = run_checks(make(tmp_path, embedding_model=model_folder(tmp_path)))
    assert [check.name for check in checks] == [
        "settings",
        "packages",
        "export",
        "dates",
        "time zone",
        "pages",
        "data folder",
        "disk",
        "estimate",
        "personal data",
        "warehouse",
        "serving database",
        "forgotten people",
        "device",
        "language model",
        "embedding model",
        "alerts",
        "activation",
    ]
    assert [(check.name, check.message) for check in checks if check.status != "ok"] == []
    assert not (tmp_path / "data").exists()  # a doctor changes nothing


def test_nothing_is_well_and_nothing_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").write_text("a file")
    monkeypatch.setenv("BEHA2VEC_SORCE", "x")
    settings = make(
        tmp_path,
        llm_base_url="http://127.0.0.1:1/v1",
        llm_api_key=SecretStr(KEY),
        device="mps",
        embedding_model="/none",
    )
    found = {check.name: check for check in run_checks(settings)}
    bad = {name for name, check in found.items() if check.status != "ok"}
    assert bad >= {"settings", "export", "dates", "time zone", "data folder", "device", "language model"}
    assert all(check.remedy for check in found.values() if check.status != "ok")
    assert not any("the check itself failed" in check.message for check in found.values())
    assert "demo-data" in found["export"].remedy
    assert "BEHA2VEC_SOURCE" in found["settings"].message


def test_an_export_that_is_not_named_is_reported(tmp_path: Path) -> None:
    found = {check.name: check for check in run_checks(Settings(embedding_model=model_folder(tmp_path)))}
    bad = {name: check.message for name, check in found.items() if check.status != "ok"}
    assert bad == {
        "export": "BEHA2VEC_SOURCE is not set",
        "dates": "BEHA2VEC_START_DATE is not set",
        "time zone": "BEHA2VEC_TIMEZONE is not set",
    }
    assert all(found[name].remedy.startswith("set it in .env to ") for name in bad)


def test_a_crashed_check_is_a_fail_that_keeps_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(settings: Settings) -> Check:
        raise KeyError(f"no {KEY}")

    monkeypatch.setitem(doctor._CHECKS, "disk", crash)
    found = {
        c.name: c for c in run_checks(make(tmp_path, llm_api_key=SecretStr(KEY), llm_base_url="http://127.0.0.1:1"))
    }
    assert found["disk"].status == "fail"
    assert found["disk"].message == "the check itself failed: KeyError: 'no ***'"


# --- storage ----------------------------------------------------------------------------------------------------


def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, DAYS)
    assert storage.check_disk(make(tmp_path)).status == "ok"
    monkeypatch.setattr(storage, "_LEAST_FREE_BYTES", 10**18)
    assert storage.check_disk(make(tmp_path)).status == "fail"
    monkeypatch.setattr(storage, "_LEAST_FREE_BYTES", 0)
    monkeypatch.setattr(storage, "_BYTES_PER_EXPORT_BYTE", 10**12)
    assert storage.check_disk(make(tmp_path)).status == "warn"


def test_the_scratch_of_a_run_has_to_fit_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, DAYS)
    check = storage.check_estimate(make(tmp_path, memory_limit="1GB"))
    assert (check.status, check.message[:46]) == ("ok", "3 days in 1 dbt call: about 1 minute without t")
    monkeypatch.setattr("beha2vec_core.estimate.WORK_PER_EVENT", 10**10)
    check = storage.check_estimate(make(tmp_path, memory_limit="1GB"))
    assert check.status == "fail" and "3 days in 3 dbt calls" in check.message
    assert "BEHA2VEC_MEMORY_LIMIT" in check.remedy
    checks = checks_before_a_run(make(tmp_path, memory_limit="1GB"))
    assert next(check.name for check in checks if check.status == "fail") == "estimate", "a run does not start"


def test_the_warehouse_and_who_holds_it(tmp_path: Path) -> None:
    settings = make(tmp_path)
    with Warehouse(settings.storage.warehouse_path).connect("set up") as connection:
        connection.execute("create table t as select 1")
    check = storage.check_warehouse(settings)
    assert check.status == "ok"
    assert check.message.startswith("warehouse.duckdb has 1 tables, schema (none yet), storage v")
    with Warehouse(settings.storage.warehouse_path).exclusive("a backfill"):
        check = storage.check_warehouse(settings)
    assert (check.status, "(a backfill, since" in check.message) == ("warn", True)


def test_databases_that_cannot_be_read(tmp_path: Path) -> None:
    settings = make(tmp_path)
    settings.storage.data_dir.mkdir()
    settings.storage.warehouse_path.write_bytes(b"rubbish" * 10_000)
    settings.storage.serving_path.write_bytes(b"rubbish" * 10_000)
    assert storage.check_warehouse(settings).status == "fail"
    assert "serving_database" not in storage.check_warehouse(settings).remedy
    assert storage.check_serving(settings).status == "fail"
    settings.storage.serving_path.unlink()
    duckdb.connect(str(settings.storage.serving_path)).close()
    assert storage.check_serving(settings).message == "serving.duckdb has 0 tables"


def test_an_outsider_in_the_warehouse(tmp_path: Path) -> None:
    settings = make(tmp_path)
    with Warehouse(settings.storage.warehouse_path).connect("set up"):
        pass
    code = f"import duckdb; c = duckdb.connect({str(settings.storage.warehouse_path)!r}); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        check = storage.check_warehouse(settings)
        other.kill()
    assert (check.status, str(other.pid) in check.message) == ("warn", True)


# --- packages, device, endpoints --------------------------------------------------------------------------------


def test_packages_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make(tmp_path)
    assert installation.check_packages(settings).status == "ok"
    wanted = [
        "duckdb<2",
        "no-such-package-here>=1",
        'colorama>=99; extra == "dev"',
        'x>=9; python_version < "3"',
        "numpy",
    ]
    monkeypatch.setattr(installation.importlib.metadata, "requires", lambda name: wanted)
    check = installation.check_packages(settings)
    assert check.status == "fail"
    assert check.message == f"duckdb is {duckdb.__version__}, needed <2; no-such-package-here is missing"


def test_device(tmp_path: Path) -> None:
    import torch

    assert installation.check_device(make(tmp_path, device="cpu")).message.startswith("cpu (")
    if not torch.backends.mps.is_available():
        check = installation.check_device(make(tmp_path, device="mps"))
        assert (check.status, check.remedy) == ("fail", "set BEHA2VEC_DEVICE=auto")


@contextmanager
def server(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    seen: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers.get("Authorization")))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/v1", seen
        http.shutdown()


MODELS = json.dumps({"data": [{"id": "small"}, {"id": "gpt-5-mini"}]}).encode()


@pytest.mark.parametrize(
    ("status", "body", "model", "verdict", "part"),
    [
        (200, MODELS, "small", "ok", "has small"),
        (200, MODELS, "other", "warn", "no model 'other'"),
        (200, b"<html>", "small", "warn", "without a list of models"),
        (200, b"[]", "small", "warn", "without a list of models"),
        (401, KEY.encode(), "small", "fail", "refuses the key"),
        (404, b"", "small", "warn", "404"),
        (500, b"", "small", "fail", "500"),
    ],
)
def test_the_language_model(status: int, body: bytes, model: str, verdict: str, part: str, tmp_path: Path) -> None:
    with server(status, body) as (address, seen):
        settings = make(tmp_path, llm_base_url=address, llm_api_key=SecretStr(KEY), llm_model=model)
        check = services.check_language_model(settings)
    assert seen == [("/v1/models", f"Bearer {KEY}")]
    assert check.status == verdict
    assert part in check.message
    assert KEY not in check.message + check.remedy


def test_the_key_does_not_follow_a_redirect(tmp_path: Path) -> None:
    with server(200, MODELS) as (other, seen), server(302, b"", Location=f"{other}/models") as (address, _):
        check = services.check_language_model(make(tmp_path, llm_base_url=address, llm_api_key=SecretStr(KEY)))
    assert (check.status, seen) == ("fail", [])


def test_a_server_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_NETWORK_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://me:pass@127.0.0.1:{listener.getsockname()[1]}/v1"
        check = services.check_language_model(make(tmp_path, llm_base_url=address.replace("me:pass@", "")))
        assert (check.status, "timed out" in check.message) == ("fail", True)
        assert "pass" not in services.check_language_model(make(tmp_path, llm_base_url=address)).message


def test_the_embedding_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = services.check_embedding_model(make(tmp_path, embedding_model=str(tmp_path)))
    assert check.status == "warn" and "no *.safetensors" in check.message
    assert services.check_embedding_model(make(tmp_path, embedding_model=model_folder(tmp_path))).status == "ok"
    monkeypatch.setattr(services, "_HUB", "https://127.0.0.1")  # where no hub answers
    check = services.check_embedding_model(make(tmp_path, embedding_model="nobody/nothing"))
    assert check.status == "warn"
    assert "[offline]" in check.remedy


def test_a_removal_that_was_cut_off_and_a_lost_key_are_reported(tmp_path: Path) -> None:
    settings = make(tmp_path)
    Forgotten(settings.storage.data_dir).add(["ann-4711"], DAY, common=["ann-4711"])
    assert storage.check_forgotten(settings).message == "1 identifier on the list"
    (settings.storage.data_dir / ".forget_under_way.json").touch()
    assert storage.check_forgotten(settings).remedy == "beha2vec forget --again"
    (settings.storage.data_dir / "privacy.key").unlink()
    found = storage.check_forgotten(settings)
    assert found.status == "fail" and found.remedy.startswith("Put the key")
