"""A project of its own for a test: a folder with settings, data and DAGSTER_HOME, driven by the command line."""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dagster as dg
import duckdb
import pytest

from beha2vec_core.settings import ExportSettings
from beha2vec_dagster import materialize
from beha2vec_dagster.definitions import build_defs
from beha2vec_dagster.lib.resources import WarehouseResource
from tests.helpers import dbt_server

BIN = Path(sys.executable).parent
REPOSITORY = Path(__file__).resolve().parents[2]
DAYS = [f"2026-01-{day:02d}" for day in range(5, 11)]
# for tests that say nothing else
EXPORT = {"source": "data/demo_export", "start_date": DAYS[0], "timezone": "Europe/Berlin"}


@dataclass
class Project:
    """A folder with its own settings, data and DAGSTER_HOME."""

    folder: Path
    settings: dict[str, str]
    output: str = ""

    @property
    def environment(self) -> dict[str, str]:
        own = {k: v for k, v in os.environ.items() if not k.startswith(("BEHA2VEC_", "DAGSTER_", "OPENAI_"))}
        return own | {"DAGSTER_HOME": str(self.folder / "dagster_home")} | self.settings

    def run(self, *command: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=1800,  # a year in days takes ten minutes on a slow hour
        )
        assert not check or done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done

    def materialize(
        self, select: str, *options: str, check: bool = True, recorded: bool = False, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """A run as `beha2vec materialize` starts it, but in this process, which has everything imported already.

        Without `recorded`, Dagster's records of it are in memory and gone afterwards: they take longer than small data.
        """
        found = export_settings(
            **{name.removeprefix("BEHA2VEC_").lower(): v for name, v in self.settings.items()}
        ).export
        days = ("--start", str(found.start_date), "--end", str(found.end_date))
        dbt_server.use()
        output, errors = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
            patch.chdir(self.folder)
            for name in os.environ.keys() - self.environment.keys():
                patch.delenv(name)
            for name, value in (self.environment | more).items():
                patch.setenv(name, value)
            with dg.DagsterInstance.get() if recorded else dg.DagsterInstance.ephemeral() as instance:
                code = materialize.main(
                    ["--select", select, *([] if "--start" in options else days), *options], instance
                )
        done = subprocess.CompletedProcess(select, code, output.getvalue(), errors.getvalue())
        assert not check or code == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done

    def start(self, *command: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(BIN / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that a test can kill all its processes
        )

    @staticmethod
    def kill(run: subprocess.Popen[str], *, whole_group: bool = True) -> None:
        """Kill the run, with all its processes or alone: a child of what was started (`beha2vec_dagster.__main__`)."""
        child = int(Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()[0])
        (os.killpg if whole_group else os.kill)(child, signal.SIGKILL)
        assert run.wait() == 128 + signal.SIGKILL

    @property
    def warehouse(self) -> Path:
        return self.folder / "data" / "warehouse.duckdb"

    def query(self, sql: str, database: str = "warehouse") -> list[tuple]:
        with duckdb.connect(str(self.folder / "data" / f"{database}.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def copy(self, folder: Path) -> Project:
        """The same project elsewhere, to be broken there."""
        shutil.copytree(self.folder, folder)
        return Project(folder, self.settings)


def make_project(folder: Path, **settings: str) -> Project:
    home = folder / "dagster_home"
    home.mkdir(parents=True)
    shutil.copy(REPOSITORY / "beha2vec_dagster" / "instance" / "dagster.yaml", home)
    return Project(folder, {f"BEHA2VEC_{name.upper()}": value for name, value in (EXPORT | settings).items()})


def export_settings(**settings: Any) -> ExportSettings:
    """Settings of an export, whatever .env says."""
    return ExportSettings(**EXPORT | settings)


def definitions(folder: Path, **settings: Any) -> dg.Definitions:
    """The graph in this process, its data in a folder, whatever the environment says."""
    return build_defs(export_settings(**{"data_dir": folder / "data"} | settings))


def metadata_of(
    asset: str,
    assets: Sequence[dg.AssetsDefinition],
    warehouse: Path,
    resources: Mapping[str, object] = MappingProxyType({}),
    **asked: Any,
) -> dict[str, Any]:
    """Metadata of one of the assets that are made here, in this process, on a warehouse."""
    database = WarehouseResource(database=str(warehouse), lock_timeout_seconds=60)
    result = dg.materialize(
        assets,
        resources={"warehouse": database, **resources},
        instance=dg.DagsterInstance.ephemeral(),
        **asked,
    )
    (event, *_) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in event.metadata.items()}


def latest_metadata(instance: dg.DagsterInstance, asset: str) -> dict[str, dg.MetadataValue]:
    """Metadata of an asset's latest materialization."""
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event is not None and event.asset_materialization is not None, f"{asset} was never materialized"
    return dict(event.asset_materialization.metadata)


@contextmanager
def webserver(project: Project) -> Iterator[str]:
    """Dagster's UI on a project, at a free port. Gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    server = subprocess.Popen(
        [str(BIN / "dagster-webserver"), "-w", str(REPOSITORY / "workspace.yaml"), "-p", address.rsplit(":", 1)[1]],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/server_info", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)
