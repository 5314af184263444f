"""How the stand-in is reached: HTTP for REST, gRPC for the Storage Read API."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import grpc
from google.cloud.bigquery_storage_v1 import types

if TYPE_CHECKING:
    from tests.bigquery.service import BigQueryService


class ApiError(Exception):
    """An answer that is an error, as BigQuery words it."""

    def __init__(self, code: int, reason: str, message: str = "refused by the test") -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message

    @property
    def body(self) -> dict[str, Any]:
        errors = [{"reason": self.reason, "message": self.message}]
        return {"error": {"code": self.code, "message": self.message, "errors": errors}}


def handler_of(service: BigQueryService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            goes_to = None
            try:
                status = 200
                if parts.path.startswith("/upload"):
                    answer, goes_to = service.upload(parts.path, query, self.headers, body)
                else:
                    answer = service.answer(self.command, parts.path, query, body)
            except ApiError as error:
                status, answer = error.code, error.body
            except Exception as error:  # of the stand-in itself: the client sees it and does not retry
                status, answer = 400, ApiError(400, "standIn", f"{type(error).__name__}: {error}").body
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if goes_to:
                self.send_header("Location", goes_to)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        def log_message(self, *_: Any) -> None:
            """No lines in the test's output."""

    return Handler


def storage_of(service: BigQueryService) -> grpc.GenericRpcHandler:
    def opened(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return service.open_session(request)
        except ApiError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, error.message)

    session, rows, stream = types.CreateReadSessionRequest, types.ReadRowsRequest, types.ReadSession
    return grpc.method_handlers_generic_handler(
        "google.cloud.bigquery.storage.v1.BigQueryRead",
        {
            "CreateReadSession": grpc.unary_unary_rpc_method_handler(opened, session.deserialize, stream.serialize),
            "ReadRows": grpc.unary_stream_rpc_method_handler(
                service.read, rows.deserialize, types.ReadRowsResponse.serialize
            ),
        },
    )
