"""The part of Kubernetes' API that starts Jobs: each is validated by Kubernetes' schema, then its command runs here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

VERSION = "1.34"


def validate(manifest: dict[str, Any]) -> None:
    """Refuse what Kubernetes' schema refuses, unknown fields too."""
    kubernetes_validate.validate(manifest, VERSION, strict=True)


@dataclass
class Cluster:
    """The Jobs that were created, and how each ended."""

    kubeconfig: Path
    environment: dict[str, str]
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    # ends the next pod as soon as it has started, as a lost node does
    lose_next: bool = False

    def create(self, job: dict[str, Any]) -> None:
        validate(job)
        (container,) = job["spec"]["template"]["spec"]["containers"]
        own = {entry["name"]: entry["value"] for entry in container.get("env", ()) if "value" in entry}
        name = job["metadata"]["name"]
        self.jobs[name] = job
        program, *arguments = container["args"]
        self.processes[name] = subprocess.Popen(
            [str(Path(sys.executable).parent / program), *arguments],
            # what comes from config maps and secrets is this environment; the folder is not the container's
            env=own | self.environment,
            stdout=(self.kubeconfig.parent / f"{name}.log").open("wb"),
            stderr=subprocess.STDOUT,
        )
        if self.lose_next:
            self.lose_next = False
            self.processes[name].kill()

    def status(self, name: str) -> dict[str, int]:
        code = self.processes[name].poll()
        return {"active": 1} if code is None else {"failed": 1} if code else {"succeeded": 1}


@contextmanager
def cluster(folder: Path, environment: dict[str, str]) -> Iterator[Cluster]:
    """An API server on a free port, and a kubeconfig for it."""
    here = Cluster(folder / "kubeconfig", {**environment, "PATH": os.environ["PATH"]})

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, body: dict[str, Any], code: int = 200) -> None:
            content = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                here.create(job)
            except Exception as error:
                self._answer({"kind": "Status", "message": str(error)}, 422)
            else:
                self._answer(job, 201)

        def do_GET(self) -> None:
            name = self.path.removesuffix("/status").rsplit("/", 1)[-1].split("?")[0]
            if name in here.jobs:
                self._answer(here.jobs[name] | {"status": here.status(name)})
            else:
                self._answer({"kind": "Status", "reason": "NotFound"}, 404)

        def do_DELETE(self) -> None:
            name = self.path.rsplit("/", 1)[-1].split("?")[0]
            here.processes[name].kill()
            self._answer({"kind": "Status", "status": "Success"})

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    here.kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
                "clusters": [{"name": "here", "cluster": {"server": address}}],
                "users": [{"name": "here", "user": {}}],
            }
        )
    )
    try:
        yield here
    finally:
        for process in here.processes.values():
            process.kill()
            process.wait()
        server.shutdown()
