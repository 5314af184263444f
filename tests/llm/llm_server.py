"""A real HTTP server that speaks enough of the OpenAI protocol, and misbehaves as told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = dict[str, Any]
Respond = Callable[[dict[str, Any], int], Reply]


class ScriptedLlm:
    """``respond(request, number)`` says what to send; all requests are kept."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str | None] = []
        self.released = threading.Event()  # set at the end, so that hanging replies let go
        llm = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                llm.authorizations.append(self.headers.get("Authorization"))
                llm.requests.append(body)
                reply = llm.respond(body, len(llm.requests))
                if reply.get("hang"):
                    llm.released.wait(20)
                    self.close_connection = True
                    return
                payload = reply["raw"] if "raw" in reply else json.dumps(reply["body"]).encode()
                self.send_response(reply.get("status", 200))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload) + reply.get("missing_bytes", 0)))
                self.send_header("retry-after-ms", "5")
                self.end_headers()
                self.wfile.write(payload)
                self.close_connection = bool(reply.get("missing_bytes"))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving(respond: Respond) -> Iterator[ScriptedLlm]:
    llm = ScriptedLlm(respond)
    llm.start()
    try:
        yield llm
    finally:
        llm.stop()


def completion(content: str, *, finish_reason: str = "stop", refusal: str | None = None) -> Reply:
    """A chat completion with this text."""
    message = {"role": "assistant", "content": None if refusal else content, "refusal": refusal}
    return {
        "body": {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "scripted",
            "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        }
    }


def document(request: dict[str, Any]) -> dict[str, Any]:
    """The facts a request carries: the one JSON document of its first user message."""
    content = next(message["content"] for message in request["messages"] if message["role"] == "user")
    return json.loads(content)


def truthful(request: dict[str, Any]) -> dict[str, Any]:
    """An answer whose claims are the facts' own."""
    asked = document(request)
    if "clusters" in asked:
        one, other = (
            next(fact for fact in cluster["facts"] if fact["id"].endswith(".page_views_mean"))
            for cluster in asked["clusters"][:2]
        )
        return {
            "key_differences": [{"first": one["id"], "second": other["id"], "direction": beside(one, other)}],
            "interpretation": "Some groups may come with a plan, others to look around.",
        }
    claims = [
        {"fact": fact["id"], "direction": fact["compared_with_all_users"], "link": "new" if number % 2 == 0 else "and"}
        for number, fact in enumerate(fact for fact in asked["facts"] if ".page_type_views." in fact["id"])
    ]
    by_direction = sorted(claims, key=lambda claim: ["more", "less", "no clear difference"].index(claim["direction"]))
    letter = ["Visitors", "Viewers", "Users", "Guests", "People", "Members"][asked["cluster"]]
    return {
        "name": f"{letter} of the site",
        "summary": by_direction[:2],
        "differences": claims,
        "interpretation": "They may know what they look for before they come.",
    }


def beside(one: dict[str, Any], other: dict[str, Any]) -> str:
    """The direction of a fact beside that of another cluster, as the document says it."""
    cluster = int(other["id"][1:].partition(".")[0])
    words = [word for word in ("more", "less") if cluster in one.get(f"clearly_{word}_than", ())]
    return words[0] if words else "no clear difference"
