"""What the explorer's server refuses before the page runs, and the headers of what it sends."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from beha2vec_core.explorer import access
from beha2vec_core.explorer.asgi import Guard
from beha2vec_core.settings import Settings

PATHS = ("/", "/_stcore/health", "/_stcore/metrics", "/media/figure.png")


def client(**settings: str) -> TestClient:
    async def answer(request: object) -> PlainTextResponse:
        return PlainTextResponse("seen")

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("seen")
        await socket.close()

    routes = [*(Route(path, answer) for path in PATHS), WebSocketRoute("/_stcore/stream", stream)]
    return TestClient(Guard(Starlette(routes=routes), Settings(**settings)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "header", "seen"),
    [
        ({}, {}, set(PATHS)),
        ({"explorer_password": "s3cret"}, {}, set(PATHS) - {"/_stcore/metrics"}),
        ({"explorer_auth_header": "X-User"}, {}, {"/_stcore/health"}),
        ({"explorer_auth_header": "X-User"}, {"X-User": " "}, {"/_stcore/health"}),
        ({"explorer_auth_header": "X-User"}, {"X-User": "jane"}, set(PATHS)),
    ],
)
def test_what_needs_a_sign_in(settings: dict[str, str], header: dict[str, str], seen: set[str]) -> None:
    found = client(**settings)
    answers = {path: found.get(path, headers=header) for path in PATHS}
    assert {path for path, answer in answers.items() if answer.text == "seen"} == seen
    for answer in answers.values():
        policy = answer.headers["content-security-policy"]
        assert "img-src 'self' data: blob:;" in policy and "frame-ancestors 'none'" in policy
    assert found.get("/_stcore/metrics/", headers=header, follow_redirects=False).text != "seen"


def test_a_websocket_needs_the_header_too() -> None:
    found = client(explorer_auth_header="X-User")
    with pytest.raises(WebSocketDisconnect), found.websocket_connect("/_stcore/stream"):
        pass
    with found.websocket_connect("/_stcore/stream", headers={"X-User": "jane"}) as socket:
        assert socket.receive_text() == "seen"


def test_wrong_passwords_delay_only_their_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, over = [], threading.Semaphore(0)

    def wait(seconds: float) -> None:
        asked.append(seconds)
        assert over.acquire(timeout=60)

    monkeypatch.setattr(access, "time", SimpleNamespace(sleep=wait))
    guesses = [threading.Thread(target=access._is, args=("wrong", "right", "192.0.2.1")) for _ in range(4)]
    for guess in guesses:
        guess.start()
    assert access._is("right", "right", "192.0.2.2")
    while not asked:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(asked) == 1, "one at a time from an address"
    over.release(4)
    for guess in guesses:
        guess.join()
    assert asked == [access._WAIT_SECONDS] * 4
