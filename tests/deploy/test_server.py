"""A whole server, real but small: PostgreSQL, code, daemon, UI and the proxy, from the files in deploy/."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from beha2vec_core.demo_shop import write_demo_export
from tests.explorer.browsing import free_port
from tests.helpers.postgres_server import POSTGRES, postgres

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
BIN = Path(sys.executable).parent
PASSWORD = "p@ss/w:rd"  # that a careless address would break on

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("server"),
    pytest.mark.skipif(POSTGRES is None, reason="PostgreSQL is not installed (apt-get install postgresql)"),
    pytest.mark.skipif(shutil.which("caddy") is None, reason="Caddy is not installed (apt-get install caddy)"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """PostgreSQL and DAGSTER_HOME, as the services see them."""
    port = free_port()
    home = tmp_path_factory.mktemp("dagster_home")
    shutil.copy(DEPLOY / "dagster.yaml", home)
    own = {k: v for k, v in os.environ.items() if not k.startswith(("BEHA2VEC_", "DAGSTER_", "OPENAI_"))}
    with postgres(port, "dagster", PASSWORD):
        yield own | {
            "DAGSTER_HOME": str(home),
            "BEHA2VEC_CODE_HOST": "127.0.0.1",
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_PORT": str(port),
            "DAGSTER_PG_USER": "dagster",
            "DAGSTER_PG_PASSWORD": PASSWORD,
            "DAGSTER_PG_DB": "postgres",
        }


@contextlib.contextmanager
def service(folder: Path, environment: dict[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with all that it started, as systemd does."""
    with (folder / f"{Path(command[0]).name}-{len(list(folder.glob('*.log')))}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(what: str, folder: Path, asked: Any, seconds: float = 120.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, urllib.error.URLError, KeyError):
            if answer := asked():
                return answer
        time.sleep(0.5)
    logs = "\n".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in sorted(folder.glob("*.log")))
    raise AssertionError(f"waited in vain for {what}\n{logs}")


class Ui:
    """The UI behind its proxy."""

    def __init__(self, address: str, password: str | None) -> None:
        self.address = address
        token = base64.b64encode(f"team:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}"} if password else {}

    def status(self, path: str = "/server_info", body: bytes | None = None, **headers: str) -> int:
        request = urllib.request.Request(f"{self.address}{path}", body, self.headers | headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.address}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers=self.headers | {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer)["data"])

    def launch(self, job: str, **tags: str) -> str:
        """The id of a new run; a KeyError while the code is not there yet."""
        params = {
            "selector": {
                "repositoryLocationName": "beha2vec",
                "repositoryName": "__repository__",
                "jobName": job,
            },
            "mode": "default",
            "executionMetadata": {"tags": [{"key": f"dagster/{key}", "value": value} for key, value in tags.items()]},
        }
        return str(self.ask(LAUNCH, params=params)["launchRun"]["run"]["runId"])

    def state(self, run: str) -> str:
        return str(self.ask(STATUS, id=run)["runOrError"]["status"])

    def steps_begun(self, run: str) -> int:
        events = self.ask(EVENTS, id=run)["logsForRun"]["events"]
        return sum(event["__typename"] == "ExecutionStepStartEvent" for event in events)


LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
EVENTS = """query ($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events { __typename } } } }"""
ENDED = ("SUCCESS", "FAILURE", "CANCELED")


def health_check(name: str, ports: dict[str, int]) -> list[str]:
    """What docker-compose.yml asks a service, at our ports."""
    services = yaml.safe_load((DEPLOY / "docker" / "docker-compose.yml").read_text())["services"]
    command = list(services[name]["healthcheck"]["test"][1:])
    for theirs, ours in ports.items():
        command = [part.replace(theirs, str(ours)) for part in command]
    return [str(BIN / command[0]), *command[1:]]


def test_a_run_goes_from_the_proxy_through_the_queue_into_postgresql(
    environment: dict[str, str], tmp_path: Path
) -> None:
    import psycopg2

    code_port, ui_port, proxy_port = free_port(), free_port(), free_port()
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text((DEPLOY / "workspace.yaml").read_text().replace("4000", str(code_port)))
    hashed = subprocess.run(
        ["caddy", "hash-password", "--plaintext", "open sesame"], capture_output=True, text=True, check=True
    )
    proxy = environment | {
        "HOME": str(tmp_path),
        "BEHA2VEC_SITE": f"http://127.0.0.1:{proxy_port}",
        "BEHA2VEC_UI_USER": "team",
        "BEHA2VEC_UI_PASSWORD_HASH": hashed.stdout.strip(),
        "BEHA2VEC_WEBSERVER": f"127.0.0.1:{ui_port}",
        "BEHA2VEC_EXPLORER_SITE": f"http://127.0.0.1:{free_port()}",
        "BEHA2VEC_EXPLORER": "127.0.0.1:1",  # see test_explorer_proxy.py
    }
    caddyfile = tmp_path / "Caddyfile"
    caddyfile.write_text("{\n\tadmin off\n}\n" + (DEPLOY / "Caddyfile").read_text())
    write_demo_export(tmp_path / "export", users=100, days=2, seed=7)
    settings = {
        "BEHA2VEC_SOURCE": str(tmp_path / "export"),
        "BEHA2VEC_DATA_DIR": str(tmp_path / "data"),
        "BEHA2VEC_START_DATE": "2026-01-05",
        "BEHA2VEC_END_DATE": "2026-01-06",
        "BEHA2VEC_TIMEZONE": "Europe/Berlin",
    }
    code = ["code-server", "start", "--host", "127.0.0.1", "--port", str(code_port)]
    code += ["--module-name", "beha2vec_dagster.definitions"]
    ui, stranger = (Ui(f"http://127.0.0.1:{proxy_port}", password) for password in ("open sesame", None))
    with (
        service(
            tmp_path, environment | settings, f"{BIN}/dagster", *code, "-m", "beha2vec_dagster.definitions"
        ) as codes,
        service(tmp_path, environment, f"{BIN}/dagster-webserver", "-p", str(ui_port), "-w", str(workspace)),
        service(tmp_path, environment, f"{BIN}/dagster-daemon", "run", "-w", str(workspace)),
        service(tmp_path, proxy, "caddy", "run", "--config", str(caddyfile), "--adapter", "caddyfile"),
    ):
        wait_for("the UI", tmp_path, lambda: ui.status() == 200)
        assert (stranger.status(), Ui(ui.address, "open barley").status()) == (401, 401)
        _only_this_site_may_act(ui)
        run = wait_for("the code", tmp_path, lambda: ui.launch("check_exports"))
        wait_for("the run", tmp_path, lambda: ui.state(run) in ENDED)
        assert ui.state(run) == "SUCCESS"

        for name in ("code", "webserver", "daemon"):
            command = health_check(name, {"4000": code_port, "3000": ui_port})
            subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)

        # stopping the code tells its runs, as systemd and tini do: by a signal to all its processes
        days = {"asset_partition_range_start": "2026-01-05", "asset_partition_range_end": "2026-01-06"}
        stopped = ui.launch("materialize_everything", **days)
        wait_for("a step", tmp_path, lambda: ui.steps_begun(stopped))
        os.killpg(codes.pid, signal.SIGTERM)
        codes.wait(timeout=180)
        wait_for("its end", tmp_path, lambda: ui.state(stopped) in ENDED, seconds=60)
        assert ui.state(stopped) == "FAILURE"
        assert subprocess.run(
            health_check("code", {"4000": code_port}), env=environment, capture_output=True, check=False, timeout=60
        ).returncode
    with psycopg2.connect(
        host="127.0.0.1",
        port=environment["DAGSTER_PG_PORT"],
        user="dagster",
        password=PASSWORD,
        dbname=environment["DAGSTER_PG_DB"],
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("select status from runs where run_id = %s", [run])
        assert cursor.fetchall() == [("SUCCESS",)]
        cursor.execute("select count(*) from event_logs where run_id = %s", [run])
        assert cursor.fetchall()[0][0] > 5
        cursor.execute("select dagster_event_type from event_logs where run_id = %s", [run])
        assert "PIPELINE_ENQUEUED" in {kind for (kind,) in cursor.fetchall()}, "it went through the daemon's queue"
    assert not list(Path(environment["DAGSTER_HOME"]).rglob("*.db")), "nothing is kept in SQLite"


def _only_this_site_may_act(ui: Ui) -> None:
    """Pages elsewhere send the signed-in user's password too: by GET, by a form, by a script, by a WebSocket."""
    query, json_body = b'{"query": "{version}"}', {"Content-Type": "application/json"}
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert ui.status("/graphql", query, **json_body) == 200
    assert ui.status("/graphql", query, **json_body, Origin=ui.address) == 200
    for origin in (elsewhere["Origin"], "null", ui.address.replace("//", "//x")):
        assert ui.status("/graphql", query, **json_body, Origin=origin) == 403
    assert ui.status("/graphql?query={version}") == 403
    assert ui.status("//graphql?query={version}") == 403
    assert ui.status("/graphql", query, **{"Content-Type": "text/plain"}) == 403
    assert ui.status("/report_asset_materialization/x", b"", **elsewhere) == 403
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "graphql-ws",
    }  # fmt: skip
    for origin, status in {elsewhere["Origin"]: 403, ui.address: 101}.items():
        connection = http.client.HTTPConnection(ui.address.removeprefix("http://"), timeout=10)  # urllib cannot upgrade
        connection.request("GET", "/graphql", headers=ui.headers | upgrade | {"Origin": origin})
        assert connection.getresponse().status == status
        connection.close()


def test_the_pools_of_a_laptop_hold_on_the_server(environment: dict[str, str]) -> None:
    """The limit of `gpu` and `openai` is Dagster's to keep, in PostgreSQL."""
    code = """
from dagster import DagsterInstance
with DagsterInstance.get() as instance:
    print(instance.global_op_concurrency_default_limit, type(instance.run_storage).__name__)
    print(instance.get_concurrency_config().run_queue_config.max_concurrent_runs)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["1", "PostgresRunStorage", "2"], done.stderr


def test_dagsters_own_tables_can_be_upgraded(environment: dict[str, str]) -> None:
    """The step of docs/deployment.md."""
    command = [f"{BIN}/dagster", "instance", "migrate"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
