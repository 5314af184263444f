"""Dagster for one machine: ``python -m beha2vec_dagster.ui --port 3000``, which `beha2vec ui` becomes.

A code server, the daemon and the web server, as `dagster dev` starts them. Unlike there, the web server is behind
`Guard`: Dagster has no sign-in, so any page that a browser on this machine opens could otherwise start and delete runs.
And exported variables win over `.env`.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import uvicorn
import yaml
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from beha2vec_dagster.lib import exported

_LOCAL_NAMES = ("localhost", "127.0.0.1")
_GRACE_SECONDS = 30  # for a child to end runs
_START_SECONDS = 180  # for the code to load


class Guard:
    """An ASGI app that passes requests on unless another site made the browser send them.

    The name that a request is sent to must be one of this machine. Otherwise a page whose own name leads here (DNS
    rebinding) would be the same site to the browser. Dagster executes mutations sent by GET and from any origin, so
    GraphQL is accepted only as JSON by POST or as a WebSocket, and anything but a GET only from this site.
    `deploy/Caddyfile` has the same rules.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with 403."""
        if scope["type"] in ("http", "websocket") and (why := _refusal(scope)):
            if scope["type"] == "http":
                await PlainTextResponse(why, status_code=403)(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008, "reason": why})
            return
        await self._app(scope, receive, send)


def _refusal(scope: Scope) -> str | None:
    """Why a request is refused, if it is."""
    headers, is_websocket = Headers(scope=scope), scope["type"] == "websocket"
    host, origin = headers.get("host", ""), headers.get("origin")
    if host.partition(":")[0] not in _LOCAL_NAMES:
        return "This server answers to localhost only."
    is_foreign = origin is not None and origin.partition("://")[2] != host
    if is_foreign and (is_websocket or scope["method"] not in ("GET", "HEAD")):
        return "Requests from another site are refused."
    is_graphql = scope["path"] == "/graphql" or scope["path"].startswith("/graphql/")
    is_json = headers.get("content-type", "").startswith("application/json")
    if is_graphql and not (origin if is_websocket else scope["method"] == "POST" and is_json):
        return "/graphql takes JSON by POST, or a WebSocket from this site."
    return None


def main(arguments: list[str] | None = None) -> None:
    """Serve until a signal ends it; what was started ends with it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--log-format", choices=("colored", "json"), default="colored")
    asked = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    logs = ["--log-format", asked.log_format]
    # the code server loads the code in a process that it starts without options for logs
    os.environ["DAGSTER_CLI_API_GRPC_LOG_FORMAT"] = asked.log_format
    exported.keep()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="beha2vec_ui_")))
        socket, workspace = folder / "code.sock", folder / "workspace.yaml"
        # schedules and sensors are remembered by the name of the location
        server = {"grpc_server": {"socket": str(socket), "location_name": "beha2vec"}}
        workspace.write_text(yaml.safe_dump({"load_from": [server]}), encoding="utf-8")
        code_server = ["code-server", "start", "--socket", str(socket), "--use-python-environment-entry-point"]
        code_server += ["--module-name", "beha2vec_dagster.definitions"]
        code = stack.enter_context(_started("dagster", *code_server, *logs))
        _wait_for(code, socket)
        stack.enter_context(_started("dagster-daemon", "run", "--workspace", str(workspace), *logs))
        stack.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C leaves nothing behind
        _serve("--host", "127.0.0.1", "--port", str(asked.port), "--workspace", str(workspace), *logs)


def _serve(*arguments: str) -> None:
    """Run Dagster's web server in this process, behind the guard.

    Dagster's command builds the app and gives it to `uvicorn.run`; it has no option for what may be between.
    """
    run = uvicorn.run
    uvicorn.run = lambda app, **options: run(Guard(app), **options)
    sys.argv = ["dagster-webserver", *arguments]
    (command,) = entry_points(group="console_scripts", name="dagster-webserver")
    command.load()()


@contextmanager
def _started(program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of Dagster's programs, which ends this process if it ends, and is ended with it."""
    command = [sys.executable, str(Path(sys.executable).with_name(program)), *arguments]
    child = subprocess.Popen(command, start_new_session=True)
    is_wanted = True

    def watch() -> None:
        code = child.wait()
        if is_wanted:
            print(f"{program} {arguments[0]} ended unexpectedly with exit code {code}", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, daemon=True).start()
    try:
        yield child
    finally:
        is_wanted = False
        _signal_group(child, signal.SIGINT)  # runs receive it too
        try:
            child.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_group(child, signal.SIGKILL)


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _wait_for(code: subprocess.Popen[bytes], socket: Path) -> None:
    """Wait until the code server answers. It answers with an error if the code cannot be loaded: the UI shows that."""
    check = [sys.executable, str(Path(sys.executable).with_name("dagster")), "api", "grpc-health-check"]
    deadline = time.monotonic() + _START_SECONDS
    while code.poll() is None and time.monotonic() < deadline:
        if socket.exists() and not subprocess.run([*check, "--socket", str(socket)], capture_output=True).returncode:
            return
        time.sleep(0.5)


if __name__ == "__main__":
    main()
