"""Local servers that play GA4, a webhook and Google's Data Manager, with their limits and failures."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.activation.limits import Limits

LOCAL = "127.0.0.1/32"


class Reply(NamedTuple):
    """How a server answers: a status, headers, a body; or not at all after it took the request."""

    status: int = 204
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    lost: bool = False
    hang: float = 0


@dataclass
class Request:
    """A request that arrived, and whether the server took it."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    raw: bytes
    method: str = "POST"
    taken: bool = False

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Service:
    """A running server: what arrived, and what it is to answer next. What breaks a limit is refused."""

    address: str = ""
    requests: list[Request] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    usual: Reply = field(default_factory=Reply)
    answer: Callable[[Request], Reply | None] = lambda request: None
    limits: Limits = field(default_factory=Limits)
    lock: threading.Lock = field(default_factory=threading.Lock)
    listening: socket.socket | None = None
    unread: set[socket.socket] = field(default_factory=set)  # connections whose request is not in `requests` yet

    @property
    def taken(self) -> list[Request]:
        with self.lock:
            return [request for request in self.requests if request.taken]

    def read_all(self) -> None:
        """Wait until the server has read what processes wrote that have ended."""
        while self._has_unread():
            time.sleep(0.005)

    def _has_unread(self) -> bool:
        with self.lock:
            return bool(self.unread or select.select([self.listening], [], [], 0)[0])

    def reply_to(self, request: Request) -> Reply:
        with self.lock:
            refused = self.limits.refuse(request.path, request.query, request.headers, request.raw)
            reply = Reply(refused) if refused else self.answer(request)
            reply = reply or (self.replies.pop(0) if self.replies else self.usual)
            request.taken = 200 <= reply.status < 300 or reply.lost
            self.requests.append(request)
        return reply


def unframed(chunks: BinaryIO) -> bytes:
    """The content of a body in chunks, without what follows the last one."""
    content = b""
    while size := int(chunks.readline().split(b";")[0], 16):
        content += chunks.read(size)
        chunks.readline()
    while chunks.readline().strip():
        pass
    return content


@contextmanager
def served(**about: Any) -> Iterator[Service]:
    """A server on a free port of this machine. In the end, no request may have broken a limit."""
    service = Service(**about)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            if headers.get("expect") == "100-continue":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            is_chunked = headers.get("transfer-encoding") == "chunked"
            length = int(headers.get("content-length") or 0)
            raw = unframed(self.rfile) if is_chunked else self.rfile.read(length)
            if len(raw) < length and not is_chunked:  # the sender was killed
                self.close_connection = True
                return
            reply = service.reply_to(
                Request(parts.path, parse_qs(parts.query, keep_blank_values=True), headers, raw, self.command)
            )
            service.unread.discard(self.connection)
            time.sleep(reply.hang)
            if reply.lost:
                self.close_connection = True
                return
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the sender was killed

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> tuple[socket.socket, Any]:
            with service.lock:
                connection, address = super().get_request()
                service.unread.add(connection)
            return connection, address

        def shutdown_request(self, request: Any) -> None:
            service.unread.discard(request)
            super().shutdown_request(request)

        def handle_error(self, *_: object) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    service.listening = server.socket
    service.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
        assert service.limits.broken == []
    finally:
        server.shutdown()
        server.server_close()


class Receiver:
    """A webhook's other side: applies each key once and keeps the members."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.members: set[str] = set()

    def take(self, request: Request) -> None:
        key = request.headers["idempotency-key"]
        if key in self.keys:
            return
        self.keys.add(key)
        for row in request.body["users"]:
            (self.members.discard if row["change"] == "leave" else self.members.add)(row["user_key"])


def received(service: Service) -> Receiver:
    """What a webhook's other side has, after all requests that it took."""
    receiver = Receiver()
    for request in service.taken:
        receiver.take(request)
    return receiver


def hashes_of(request: Request) -> set[str]:
    """The contacts of a request to Google's Data Manager."""
    members = request.body["audienceMembers"]
    return {text for one in members for found in one["userData"]["userIdentifiers"] for text in found.values()}


def in_list(service: Service) -> set[str]:
    """The contacts in Google's list, after all requests that it took."""
    found: set[str] = set()
    for request in service.taken:
        if request.method == "POST":
            hashes = hashes_of(request)
            found = found - hashes if request.path.endswith(":remove") else found | hashes
    return found
