"""Real servers that take alerts: one of HTTP, one of SMTP; they keep what they got, and misbehave on request."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar


class Hook:
    """An HTTP server that keeps the JSON posted to it; answers with ``statuses``, one after the other, then 200.

    ``drips``: the answer's body comes byte by byte, until the other side has gone.
    """

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.statuses: list[int] = []
        self.drips = False
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.paths.append(self.path)
                hook.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status = hook.statuses.pop(0) if hook.statuses else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                with suppress(OSError):  # the other side has gone
                    while hook.drips:
                        self.wfile.write(b".")
                        time.sleep(0.2)

            def do_GET(self) -> None:
                hook.paths.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]


class Mailbox:
    """An SMTP server that keeps the mails it took. ``refused``: recipients it knows not. ``password``: of its user."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refused: set[str] = set()
        self.password = ""
        self.busy = 0  # how often it says that it has no time
        mailbox = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line: str) -> None:
                self.wfile.write(line.encode() + b"\r\n")

            def handle(self) -> None:
                self.say("220 mailbox")
                logged_in = not mailbox.password
                while line := self.rfile.readline().decode().strip():
                    command = line.split()[0].upper()
                    if command == "EHLO":
                        self.say("250-mailbox\r\n250 AUTH PLAIN" if mailbox.password else "250 mailbox")
                    elif command == "AUTH":
                        logged_in = b64decode(line.split()[2]).decode().split("\0")[2] == mailbox.password
                        self.say("235 welcome" if logged_in else "535 wrong password")
                    elif command == "MAIL" and mailbox.busy:
                        mailbox.busy -= 1
                        self.say("451 try later")
                    elif command == "MAIL":
                        self.say("250 ok" if logged_in else "530 log in first")
                    elif command == "RCPT":
                        known = line.partition("<")[2].partition(">")[0] not in mailbox.refused
                        self.say("250 ok" if known else "550 nobody here")
                    elif command == "DATA":
                        self.say("354 go on")
                        mailbox.mails.append(self.mail())
                        self.say("250 taken")
                    else:  # RSET, QUIT
                        self.say("221 bye" if command == "QUIT" else "250 ok")

            def mail(self) -> EmailMessage:
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                found = message_from_bytes(b"".join(lines), policy=policy.default)
                assert isinstance(found, EmailMessage)
                return found

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]


_Server = TypeVar("_Server", Hook, Mailbox)


@contextmanager
def running(server: _Server) -> Iterator[_Server]:
    thread = threading.Thread(target=server._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server._server.shutdown()
        server._server.server_close()
        thread.join()
