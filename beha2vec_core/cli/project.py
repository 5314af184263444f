"""A project is a folder with settings, Dagster's home and data: ``init`` makes one, ``demo`` and ``ui`` run in it."""

import errno
import os
import shutil
import socket
import sqlite3
import sys
from contextlib import closing
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from dotenv import dotenv_values, set_key

from beha2vec_core.settings import PREFIX

_TEMPLATE = Path(__file__).with_name("project_template")
_DEMO_SETTINGS = Path(__file__).parents[1] / "demo_shop" / "demo.env"
_HIDDEN = ("env", "gitignore")  # kept without their dot, so that no tool reads them inside the package


class ProjectError(Exception):
    """The folder cannot be used as asked; the message names the remedy."""


def dagster_home() -> Path:
    """The folder of Dagster's configuration and runs: DAGSTER_HOME, else ``dagster_home`` in the current folder.

    In a checkout it is ``beha2vec_dagster/instance``.

    Raises:
        ProjectError: the current folder is no project.
    """
    if given := os.environ.get("DAGSTER_HOME"):
        return Path(given).absolute()
    for folder in (Path("dagster_home"), Path("beha2vec_dagster/instance")):
        if (folder / "dagster.yaml").exists():
            return folder.absolute()
    raise ProjectError(
        f"{Path.cwd()} is not a Beha2Vec project: it has no dagster_home/dagster.yaml. Go to the project's folder, or "
        "make one: beha2vec init FOLDER"
    )


def environment() -> dict[str, str]:
    """The environment of a process that runs Dagster in the current project."""
    return {**os.environ, "DAGSTER_HOME": str(dagster_home())}


def init(folder: Path) -> list[Path]:
    """Write the files of a new project and return their paths.

    Raises:
        ProjectError: one of the files exists.
    """
    found = find_spec("beha2vec_dagster")
    assert found is not None and found.origin is not None
    sources = {
        folder / (f".{source.name}" if source.name in _HIDDEN else source.name): source
        for source in sorted(_TEMPLATE.iterdir())
    }
    sources[folder / "dagster_home" / "dagster.yaml"] = Path(found.origin).parent / "instance" / "dagster.yaml"
    if folder.is_file():
        raise ProjectError(f"{folder} is a file: give a folder")
    if existing := [path for path in sources if path.exists()]:
        raise ProjectError(f"{existing[0]} already exists: give another folder, or move the file away")
    for path, source in sources.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
    (folder / ".env").chmod(0o600)  # it may hold keys
    return list(sources)


def prepare_demo(source: str | None, days: int | None = None) -> dict[str, str]:
    """Put the demo's settings into ``.env`` where no export is set, and return them.

    Args:
        days: that it covers; None: as many as the settings say.

    Raises:
        ProjectError: the project reads another export, or the current folder is no project.
    """
    dagster_home()
    demo = {name: value or "" for name, value in dotenv_values(_DEMO_SETTINGS).items()}
    if source is None:
        with Path(".env").open("a", encoding="utf-8") as file:
            file.write(("\n" if file.tell() else "") + _DEMO_SETTINGS.read_text(encoding="utf-8"))
    elif source != demo[f"{PREFIX}SOURCE"]:
        raise ProjectError(
            f"this project reads {source}: run the demo in a folder of its own (beha2vec init demo; cd demo; "
            "beha2vec demo)"
        )
    end = f"{PREFIX}END_DATE"
    if days is not None:
        demo[end] = (date.fromisoformat(demo[f"{PREFIX}START_DATE"]) + timedelta(days=days - 1)).isoformat()
    if dotenv_values(".env").get(end) != demo[end]:
        set_key(".env", end, demo[end], quote_mode="never")
    return demo


def is_demo(source: str | None) -> bool:
    """Whether an export is the demo's."""
    return source == dotenv_values(_DEMO_SETTINGS)[f"{PREFIX}SOURCE"]


def failed_last_run() -> str | None:
    """What to say of the last run of the project, if it failed.

    None also where Dagster's records are not in SQLite files, as they are on one machine.
    """
    try:
        address = f"{(dagster_home() / 'history' / 'runs.db').as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as records:
            last = records.execute(
                "select pipeline_name, status, end_time from runs order by id desc limit 1"
            ).fetchone()
    except (ProjectError, sqlite3.Error):
        return None
    if last is None or last[1] != "FAILURE":
        return None
    ended = f" on {datetime.fromtimestamp(last[2]):%Y-%m-%d at %H:%M}" if last[2] else ""
    return f"the last run ({last[0]}) failed{ended}: these results are of before it, see beha2vec ui, Runs"


def require_port(host: str, port: int) -> None:
    """Check that a server can listen.

    Raises:
        ProjectError: the port is in use, or the address is not this machine's.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ProjectError(f"cannot listen on {host}:{port}: {error.strerror}") from None
            raise ProjectError(f"port {port} is in use: give another one with --port (with make: PORT=)") from None


def become_ui(port: int) -> NoReturn:
    """Become Dagster's web server and daemon, for this machine only: Dagster has no sign-in.

    Raises:
        ProjectError: the current folder is no project, or the port is in use.
    """
    where = environment()
    require_port("127.0.0.1", port)
    command = [sys.executable, "-m", "beha2vec_dagster.ui", "--port", str(port)]
    if not sys.stdout.isatty():
        command += ["--log-format", "json"]  # of Dagster's formats the only one without colors
    sys.stdout.flush()
    os.execve(sys.executable, command, where)
