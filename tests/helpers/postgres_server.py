"""A PostgreSQL of its own, in a folder that goes with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@contextmanager
def postgres(port: int, user: str, password: str) -> Iterator[None]:
    """A server on a port of this machine, whose user has to give the password."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # where its user gets at it
    as_postgres: dict[str, Any] = {"check": True, "capture_output": True}
    if os.getuid() == 0:  # PostgreSQL does not run as root
        as_postgres |= {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o644)
    cluster = str(folder / "cluster")
    initdb = [f"{POSTGRES}/initdb", "-D", cluster, "-U", user, "-A", "scram-sha-256", f"--pwfile={folder}/password"]
    subprocess.run(initdb, cwd=folder, **as_postgres)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    subprocess.run(
        [f"{POSTGRES}/pg_ctl", "-D", cluster, "-l", str(folder / "log"), "-w", "-o", options, "start"],
        cwd=folder,
        **(as_postgres | {"capture_output": False, "stdout": subprocess.DEVNULL}),
    )
    try:
        yield
    finally:
        subprocess.run([f"{POSTGRES}/pg_ctl", "-D", cluster, "-m", "immediate", "stop"], cwd=folder, **as_postgres)
        shutil.rmtree(folder)
