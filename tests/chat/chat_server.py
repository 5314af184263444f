"""A real HTTP server that streams chat completions as scripted, tool calls among them, and misbehaves as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What is streamed: deltas, how it ends, or an error instead."""

    deltas: list[dict[str, Any]] = field(default_factory=list)
    finish: str | None = "stop"  # None: the stream ends without one
    status: int = 200
    hang: bool = False  # after the deltas
    cut: bool = False  # the connection ends after the deltas
    raw: bytes | None = None


def says(*pieces: str, finish: str | None = "stop", hang: bool = False, cut: bool = False) -> Reply:
    """An answer in these pieces."""
    return Reply([{"content": piece} for piece in pieces], finish, hang=hang, cut=cut)


def calls(*tools: tuple[str, Any]) -> Reply:
    """Tool calls; arguments that are a string are sent as they are, in two pieces."""
    deltas = []
    for index, (name, arguments) in enumerate(tools):
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        half = len(text) // 2
        first = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        deltas.append({"tool_calls": [first]})
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": t}}]} for t in (text[:half], text[half:])]
    return Reply(deltas, "tool_calls")


def fails(status: int) -> Reply:
    """An error."""
    return Reply(status=status)


Respond = Callable[[dict[str, Any], int], Reply]


class ChatServer:
    """``respond(request, number)`` says what to stream; all requests are kept."""

    def __init__(self, respond: Respond) -> None:
        self.requests: list[dict[str, Any]] = []
        self._released = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(body)
                reply = respond(body, len(server.requests))
                self.send_response(reply.status)
                self.send_header("retry-after-ms", "5")
                if reply.status != 200:
                    payload = b'{"error": {"message": "no"}}'
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(payload)))
                    self.end_headers()
                    self.wfile.write(payload)
                    return
                self.send_header("Content-Type", "text/event-stream")
                if reply.cut:
                    self.send_header("Content-Length", "1000000")  # which never comes
                self.end_headers()
                if reply.raw is not None:
                    self.wfile.write(reply.raw)
                    return
                for delta in reply.deltas:
                    self._send({"delta": delta, "finish_reason": None})
                if reply.hang:
                    server._released.wait(20)
                    return
                if reply.finish and not reply.cut:
                    self._send({"delta": {}, "finish_reason": reply.finish})
                    self.wfile.write(b"data: [DONE]\n\n")

            def _send(self, choice: dict[str, Any]) -> None:
                chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
                data = json.dumps({**chunk, "choices": [{"index": 0, **choice}]})
                self.wfile.write(f"data: {data}\n\n".encode())
                self.wfile.flush()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> ChatServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def sent(self) -> str:
        """All that was ever sent to it."""
        return json.dumps(self.requests, ensure_ascii=False)

    def tool_results(self, request: int = -1) -> list[dict[str, Any]]:
        """The tool messages of a request, read as JSON."""
        return [json.loads(m["content"]) for m in self.requests[request]["messages"] if m["role"] == "tool"]


@contextmanager
def scripted(*replies: Reply) -> Iterator[ChatServer]:
    """Gives the replies one after the other, the last one again and again."""
    with ChatServer(lambda _, number: replies[min(number, len(replies)) - 1]) as server:
        yield server
