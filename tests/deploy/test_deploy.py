"""The files in deploy/ fit each other, the code, and the programs that read them."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from packaging.requirements import Requirement

from beha2vec_core.settings import ExportSettings, Settings, variables
from beha2vec_core.store.warehouse import Warehouse, WarehouseBusyError
from tests.deploy.registry import answers_of_registry, digest_of

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def compose() -> dict[str, Any]:
    return load(DEPLOY / "docker" / "docker-compose.yml")


def environment_names(value: object) -> set[str]:
    """Names in ``env: NAME`` anywhere in a YAML file of Dagster's."""
    if isinstance(value, dict):
        found = {value["env"]} if isinstance(value.get("env"), str) else set()
        return found.union(*map(environment_names, value.values()))
    return set().union(*map(environment_names, value)) if isinstance(value, list) else set()


def test_the_server_differs_from_a_laptop_in_storage_and_queue_only() -> None:
    server, laptop = load(DEPLOY / "dagster.yaml"), load(REPOSITORY / "beha2vec_dagster" / "instance" / "dagster.yaml")
    assert server.pop("storage")["postgres"]["postgres_db"]["scheme"] == "postgresql+psycopg2"
    assert server["concurrency"].pop("runs")["max_concurrent_runs"] >= 1
    assert server == laptop


def test_every_service_gets_the_variables_that_dagster_reads() -> None:
    wanted = environment_names(load(DEPLOY / "dagster.yaml")) | environment_names(load(DEPLOY / "workspace.yaml"))
    assert {"DAGSTER_PG_PASSWORD", "BEHA2VEC_CODE_HOST"} <= wanted
    assert wanted == set(dotenv_values(DEPLOY / "systemd" / "dagster.env.example")) - {"DAGSTER_HOME"}
    services = compose()["services"]
    for name in ("code", "webserver", "daemon"):
        assert wanted <= set(services[name]["environment"])
        assert "EnvironmentFile=/etc/beha2vec/dagster.env" in (
            DEPLOY / "systemd" / f"beha2vec-{name}.service"
        ).read_text(encoding="utf-8")


def test_examples_name_settings_that_there_are() -> None:
    settings = {f"BEHA2VEC_{name}" for name in variables()}
    for service, unit in (("code", "beha2vec"), ("explorer", "explorer")):
        example = dotenv_values(DEPLOY / "systemd" / f"{unit}.env.example")
        assert set(example) <= settings
        kind = ExportSettings if service == "code" else Settings
        kind(**{name.removeprefix("BEHA2VEC_").lower(): value for name, value in example.items()})
        given = set(compose()["services"][service]["environment"])
        assert {name for name in given if name.startswith("BEHA2VEC_")} - {"BEHA2VEC_CODE_HOST"} <= settings


def test_compose_takes_all_that_differs_from_its_example() -> None:
    text = (DEPLOY / "docker" / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) == set(dotenv_values(DEPLOY / "docker" / ".env.example"))
    for name, value in dotenv_values(DEPLOY / "docker" / ".env.example").items():
        assert not value or not re.search("PASSWORD|KEY|HASH", name), "an example holds no secret"


def test_caddy_is_the_only_way_in_and_alone_has_the_password() -> None:
    services = compose()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    for name, service in services.items():
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"
        assert ("BEHA2VEC_UI_PASSWORD_HASH" in service["environment"]) == (name == "proxy")
        assert ("OPENAI_API_KEY" in service["environment"]) == (name in ("code", "explorer"))
        assert ("BEHA2VEC_SOURCE" in service["environment"]) == (name == "code")
    # who can connect to whom: a network a pair, so that a program in the explorer can start no run
    connected = {
        network: {name for name, service in services.items() if network in service["networks"]}
        for network in compose()["networks"]
    }
    assert connected == {
        "to_ui": {"proxy", "webserver"},
        "to_explorer": {"proxy", "explorer"},
        "back": {"code", "webserver", "daemon", "postgres"},
    }
    names = set(re.findall(r"\{\$(\w+)\}", (DEPLOY / "Caddyfile").read_text()))
    assert names == set(services["proxy"]["environment"])
    assert names == set(dotenv_values(DEPLOY / "systemd" / "proxy.env.example"))
    for unit in UNITS:
        text = unit.read_text()
        assert "0.0.0.0" not in text
        assert ("beha2vec.env" in text) == (unit.stem == "beha2vec-code")


def test_each_service_has_a_limit_of_memory_and_the_capabilities_it_starts_with() -> None:
    services = compose()["services"]
    capabilities = {
        "postgres": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"},  # its entrypoint: chown, and another user
        "proxy": {"NET_BIND_SERVICE"},
    }
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert set(service.get("cap_add", [])) == capabilities.get(name, set()), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
    for unit in UNITS:
        limit = re.findall("^MemoryMax=(.+)$", unit.read_text(), re.M)
        assert len(limit) == 1, unit
        if unit.stem != "beha2vec-code":  # three quarters of a machine, which only .env knows
            assert services[unit.stem.removeprefix("beha2vec-")]["mem_limit"] == limit[0].lower(), unit
    assert services["code"]["mem_limit"].startswith("${BEHA2VEC_CODE_MEMORY:?")


def test_the_image_is_made_of_files_that_there_are_and_no_others() -> None:
    dockerfile = (DEPLOY / "docker" / "Dockerfile").read_text()
    sources = {source for line in re.findall(r"^COPY (.+)$", dockerfile, re.M) for source in line.split()[:-1]}
    allowed = re.findall(r"^!(\S+)$", (REPOSITORY / ".dockerignore").read_text(), re.M)
    assert sources <= set(allowed)
    assert all((REPOSITORY / source).exists() for source in allowed)
    assert "*\n" in (REPOSITORY / ".dockerignore").read_text(), "what is not named stays out"
    (versions,) = re.findall(r"sed -n .+? requirements.lock requirements-dev.lock", dockerfile)
    extras = subprocess.run(versions, shell=True, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert {"torch", "ray", "dbt-bigquery"} <= {Requirement(line).name for line in extras.splitlines()}


def test_images_of_others_are_named_in_env_alone_and_pinned_by_digest(tmp_path: Path) -> None:
    images = {name: service["image"] for name, service in compose()["services"].items() if "image" in service}
    assert all(image == "beha2vec" or image.startswith("${BEHA2VEC_") for image in images.values()), images
    assert re.findall("^FROM (.+)$", (DEPLOY / "docker" / "Dockerfile").read_text(), re.M) == ["${PYTHON_IMAGE}"]
    answers_of_registry(tmp_path)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    env = tmp_path / ".env"
    shutil.copy(DEPLOY / "docker" / ".env.example", env)
    before = dotenv_values(env)

    def pin() -> int:
        script = DEPLOY / "docker" / "pin_images.sh"
        return subprocess.run([str(script), str(env)], env=environment, capture_output=True).returncode

    assert pin() == pin() == 0
    after = dotenv_values(env)
    pinned = {name: value for name, value in after.items() if name.endswith("_IMAGE")}
    assert len(pinned) == 3 and after == before | {name: f"{before[name]}@{digest_of(before[name])}" for name in pinned}
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    env.write_text("BEHA2VEC_X_IMAGE=gone:1\n")
    assert pin() != 0 and env.read_text() == "BEHA2VEC_X_IMAGE=gone:1\n"


def test_what_services_start_is_there() -> None:
    """Commands of units and compose, as far as their paths lie in the repository."""
    texts = [path.read_text() for path in [*UNITS, DEPLOY / "docker" / "docker-compose.yml"]]
    named = {path for text in texts for path in re.findall(r"/opt/beha2vec/((?:deploy|docs)/[\w./-]+)", text)}
    assert named == {"deploy/workspace.yaml", "docs/deployment.md"}
    assert all((REPOSITORY / path).exists() for path in named)


def test_the_explorer_has_a_user_of_its_own_that_reads_the_data() -> None:
    """Of another service's process it then reads neither the environment, which has secrets, nor the memory."""
    values = {
        unit.stem.removeprefix("beha2vec-"): dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.M)) for unit in UNITS
    }
    users = {name: (unit["User"], unit["Group"]) for name, unit in values.items()}
    assert users.pop("explorer") == ("beha2vec-explorer", "beha2vec")
    assert set(users.values()) == {("beha2vec", "beha2vec")}
    assert {unit["ProtectProc"] for unit in values.values()} == {"invisible"}
    assert {unit["UMask"] for unit in values.values()} == {"0027"}, "what one writes, the group reads"
    assert "UMask=0027" in (DEPLOY / "systemd" / "beha2vec-run").read_text()
    made = re.findall(r"^useradd .* (\S+)$", (REPOSITORY / "docs" / "deployment.md").read_text(), re.M)
    assert made == ["beha2vec", "beha2vec-explorer"]


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    for unit in UNITS:  # their programs and their user are not on this machine
        text = re.sub(r"^(User|Group)=.*$", r"\1=root", unit.read_text(), flags=re.M)
        text = text.replace("/opt/beha2vec/.venv/bin/", "/bin/true ").replace(
            "file:///opt/beha2vec", f"file://{REPOSITORY}"
        )
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_a_backup_by_flock_waits_for_runs_and_runs_for_it(tmp_path: Path) -> None:
    """The command of docs/deployment.md takes the very lock that runs take."""
    path = tmp_path / "warehouse.duckdb"
    lock = f"{path}.lock"
    with Warehouse(path).exclusive("a run"):
        assert subprocess.run(["flock", "--wait", "0.2", lock, "true"], check=False).returncode == 1
    assert subprocess.run(["flock", "--wait", "0.2", lock, "true"], check=False).returncode == 0
    with subprocess.Popen(
        ["flock", lock, "sh", "-c", "echo held; cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as backup:
        assert backup.stdout and backup.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseBusyError), Warehouse(path, lock_timeout=0.3).connect("a run"):
            pass
