"""The real proxy of deploy/: what a page of another site makes a signed-in browser send reaches neither site."""

from __future__ import annotations

import base64
import http.client
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.explorer.browsing import free_port

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SITES = ("BEHA2VEC_SITE", "BEHA2VEC_EXPLORER_SITE")
SIGNED_IN = {"Authorization": f"Basic {base64.b64encode(b'team:open sesame').decode()}"}
WEBSOCKET = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}  # fmt: skip

pytestmark = [
    pytest.mark.skipif(shutil.which("caddy") is None, reason="Caddy is not installed (apt-get install caddy)"),
    pytest.mark.xdist_group("proxy"),  # so that one worker starts the sites
]


class Upstream(BaseHTTPRequestHandler):
    """Answers everything, and so shows what the proxy lets through."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Host and port of each site."""
    folder = tmp_path_factory.mktemp("proxy")
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    hashed = subprocess.run(
        ["caddy", "hash-password", "--plaintext", "open sesame"], capture_output=True, text=True, check=True
    )
    found = {name: f"127.0.0.1:{free_port()}" for name in SITES}
    caddyfile = folder / "Caddyfile"
    caddyfile.write_text("{\n\tadmin off\n}\n" + (DEPLOY / "Caddyfile").read_text())
    environment = os.environ | {
        "HOME": str(folder),
        "BEHA2VEC_UI_USER": "team",
        "BEHA2VEC_UI_PASSWORD_HASH": hashed.stdout.strip(),
        **{name: f"http://{site}" for name, site in found.items()},
        **dict.fromkeys(("BEHA2VEC_WEBSERVER", "BEHA2VEC_EXPLORER"), f"127.0.0.1:{upstream.server_port}"),
    }
    command = ["caddy", "run", "--config", str(caddyfile), "--adapter", "caddyfile"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as caddy:
        try:
            for _ in range(100):
                try:
                    status(found["BEHA2VEC_SITE"], "GET")
                    break
                except OSError:
                    time.sleep(0.1)
            yield found
        finally:
            caddy.terminate()
            upstream.shutdown()


def status(site: str, method: str, **headers: str) -> int:
    """What is answered to who is signed in."""
    connection = http.client.HTTPConnection(site, timeout=10)
    body = b"x" if method in ("POST", "PUT") else None
    connection.request(method, "/_stcore/upload_file/x", body, headers=SIGNED_IN | headers)
    try:
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", SITES)
def test_what_another_site_makes_a_browser_send_is_refused(sites: dict[str, str], name: str) -> None:
    site = sites[name]
    own, others = f"http://{site}", ("https://elsewhere.example", "null", f"http://x{site}", f"http://{site}0")
    for method in ("POST", "PUT", "DELETE"):
        assert [status(site, method, Origin=origin) for origin in others] == [403] * 4
        assert (status(site, method, Origin=own), status(site, method)) == (204, 204)
    assert [status(site, "GET", **WEBSOCKET, Origin=origin) for origin in others] == [403] * 4
    assert status(site, "GET", **WEBSOCKET, Origin=own) == 204
    assert status(site, "GET", Origin=others[0]) == 204, "links to it work, and pages elsewhere cannot read the answer"


@pytest.mark.slow
@pytest.mark.parametrize("name", SITES)
def test_without_the_password_nothing_is_seen(sites: dict[str, str], name: str) -> None:
    assert status(sites[name], "GET", Authorization="Basic eDp5") == 401
