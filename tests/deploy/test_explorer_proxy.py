"""The explorer behind the proxy of deploy/: who has the password sees it, others see nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.explorer.browsing import ARGUMENTS, CHROMIUM, free_port
from tests.explorer.explorer_world import make_serving, serve

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("caddy") is None, reason="Caddy is not installed (apt-get install caddy)"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's Chromium (apt install chromium)"),
]


def status(address: str) -> int:
    """What is answered without a password; an error while nobody listens yet."""
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_explorer_is_seen_through_the_proxy_by_those_who_have_the_password(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    make_serving(tmp_path / "data" / "serving.duckdb")
    hashed = subprocess.run(
        ["caddy", "hash-password", "--plaintext", "open sesame"], capture_output=True, text=True, check=True
    )
    caddyfile, site = tmp_path / "Caddyfile", f"http://127.0.0.1:{free_port()}"
    caddyfile.write_text("{\n\tadmin off\n}\n" + (DEPLOY / "Caddyfile").read_text())
    with serve(tmp_path, free_port(), BEHA2VEC_EXPLORER_AUTH_HEADER="X-Forwarded-User") as explorer:
        environment = os.environ | {
            "HOME": str(tmp_path),
            "BEHA2VEC_SITE": f"http://127.0.0.1:{free_port()}",
            "BEHA2VEC_UI_USER": "team",
            "BEHA2VEC_UI_PASSWORD_HASH": hashed.stdout.strip(),
            "BEHA2VEC_WEBSERVER": "127.0.0.1:1",
            "BEHA2VEC_EXPLORER_SITE": site,
            "BEHA2VEC_EXPLORER": explorer.removeprefix("http://"),
        }
        command = ["caddy", "run", "--config", str(caddyfile), "--adapter", "caddyfile"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as caddy:
            try:
                _wait_until_it_listens(site)
                assert status(site) == 401
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
                    page = browser.new_page(http_credentials={"username": "team", "password": "open sesame"})
                    page.goto(site)
                    expect(page.get_by_text("Your users at a glance")).to_be_visible(timeout=20_000)
                    # past the proxy
                    page.goto(explorer)
                    expect(page.get_by_text("Sign in through your team's address")).to_be_visible(timeout=20_000)
                    browser.close()
            finally:
                caddy.terminate()


def _wait_until_it_listens(site: str) -> None:
    for _ in range(100):
        try:
            status(site)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the proxy does not listen")
