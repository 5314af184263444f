"""dbt for the graphs of tests: one process has imported dbt and parsed the project, and forks for each call.

A call of `beha2vec-dbt` imports dbt for two seconds and parses the project again for its vars. Tests of the executable
itself, and of whole commands, take the real one.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

from beha2vec_core import dbt_process

PROJECT = Path(__file__).resolve().parents[2] / "dbt_ga4"
# a few milliseconds: nothing is imported but what sends the call, and this process's output, to the server
_CLIENT = """#!{python} -IS
import json, os, socket, sys
if sys.argv[1:] == ["--version"]:
    print("{version}")
    sys.exit()
# For BigQuery parsing gives sources other names. From a parsed project dbt writes no manifest.
if "bigquery" in sys.argv or "parse" in sys.argv:
    os.execv("{real}", ["{real}", *sys.argv[1:]])
server = socket.socket(socket.AF_UNIX)
server.connect("{address}")
call = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(call).to_bytes(8, "big")], [1, 2])
server.sendall(call)
sys.exit(int(server.recv(3)))
"""


@cache
def use() -> None:
    """Let the graphs of this process call the server, which ends with it."""
    folder = Path(tempfile.mkdtemp(prefix="beha2vec-dbt-"))
    client, address = folder / "dbt", folder / "socket"
    client.write_text(
        _CLIENT.format(python=sys.executable, version=version("dbt-core"), address=address, real=dbt_process.EXECUTABLE)
    )
    client.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BEHA2VEC_", "GA4_"))}
    server = subprocess.Popen(
        [sys.executable, __file__, str(address)],
        # the tracker of its locks need not warn that they end with it
        env=environment
        | {"BEHA2VEC_DATA_DIR": str(folder), "PYTHONPATH": str(PROJECT.parent), "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None and server.stdout.readline() == b"ready\n"
    dbt_process.EXECUTABLE = client


def _serve(address: str) -> None:
    import gc
    import json
    import threading

    from dbt.cli.main import dbtRunner
    from dbt_common.behavior_flags import BehaviorFlagRendered

    # for each flag dbt searches all imported modules, to name one in a message
    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt.adapters.duckdb.impl")
    parsed_for = os.environ["BEHA2VEC_DATA_DIR"]
    flags = ["--quiet", "--no-write-json", "--log-level-file", "none", "--target-path", str(Path(address).parent)]
    parsed = dbtRunner().invoke(["parse", *flags, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)])
    assert parsed.success, parsed.exception
    gc.disable()  # a call ends before its garbage matters
    calls = socket.socket(socket.AF_UNIX)
    calls.bind(address)
    calls.listen()
    print("ready", flush=True)
    threading.Thread(target=_end_with_the_tests, args=(Path(address).parent,), daemon=True).start()
    while True:
        call, _ = calls.accept()
        if os.fork() == 0:
            length, outputs, *_ = socket.recv_fds(call, 8, 2)
            arguments, folder, environment = json.loads(
                call.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL).decode()
            )
            for number, output in enumerate(outputs, 1):
                os.dup2(output, number)
                os.close(output)
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environment)
            for source in parsed.result.sources.values():  # which name the data folder
                source.meta = json.loads(json.dumps(source.meta).replace(parsed_for, environment["BEHA2VEC_DATA_DIR"]))
            done = dbtRunner(manifest=parsed.result).invoke(arguments)
            sys.stdout.flush()
            call.sendall(b"0" if done.success else b"2" if done.exception else b"1")
            os._exit(0)
        call.close()


def _end_with_the_tests(folder: Path) -> None:
    sys.stdin.read()  # the tests' process holds the other end
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
