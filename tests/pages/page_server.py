"""A real web site on a local address that answers as told, and remembers what it was asked."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Route = Callable[[BaseHTTPRequestHandler], None]

PROSE = (
    "The Ridge backpack carries forty litres on long walks. Its frame is light, its straps are wide and its rain cover "
    "lies in the lid. We have carried it over the hills for two summers and it has not let us down once. "
)


@dataclass(frozen=True)
class Asked:
    path: str
    host: str
    headers: dict[str, str]
    at: float


@dataclass
class WebSite:
    """``routes`` maps a path to what answers it; anything else is 404."""

    routes: dict[str, Route] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    released: threading.Event = field(default_factory=threading.Event)  # set at the end: slow answers let go

    @property
    def paths(self) -> list[str]:
        """What was asked for, but for robots.txt."""
        return [asked.path for asked in self.asked if asked.path != "/robots.txt"]

    def origin(self, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}"


def html(title: str = "Ridge 40L", text: str = PROSE, head: str = "") -> str:
    body = f"<nav>Home | Shop</nav><main><article><h1>{title}</h1><p>{text}</p><p>{text[::-1]}</p></article></main>"
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"


def answer(
    body: str | bytes = b"", status: int = 200, content_type: str | None = "text/html; charset=utf-8", **headers: str
) -> Route:
    content = body.encode() if isinstance(body, str) else body

    def route(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        if content_type is not None:
            request.send_header("Content-Type", content_type)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return route


def redirect(location: str, status: int = 302) -> Route:
    return answer(b"", status, Location=location)


def in_turn(*routes: Route) -> Route:
    """The first route for the first request, and so on; the last one stays."""
    left = list(routes)

    def route(request: BaseHTTPRequestHandler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(request)

    return route


@contextmanager
def serve(
    site: WebSite, certificate: Path | None = None, address: tuple[str, int] = ("127.0.0.1", 0)
) -> Iterator[WebSite]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(Asked(self.path, self.headers["Host"], dict(self.headers.items()), time.monotonic()))
            site.routes.get(self.path, answer(b"not here", 404))(self)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):  # the client hung up, as it should
                super().handle()

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.released.set()
        server.shutdown()
        server.server_close()
