"""The connection: to the very address that was checked, and never longer than its deadline.

`httpx` looks names up when it connects, after any check made before; a name that then answers differently (DNS
rebinding) would slip by. So the check sits where the connection is made. Host header, SNI and certificate check keep
the name, since they come from the address asked for and not from here.
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpcore
import httpx

from beha2vec_core.pages.fetching.addresses import AddressGuard

# what is raised where a connection breaks, or is too slow
LOST = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
_MAX_ADDRESSES = 3


@contextmanager
def answer_to(
    request: httpx.Request, guard: AddressGuard, deadline: float, context: ssl.SSLContext
) -> Iterator[httpx.Response]:
    """Send a request, and read the answer within the block; no proxy, no kept connection.

    Args:
        guard: who checks addresses.
        deadline: until when the last byte must have come (`time.monotonic`).
        context: how certificates are checked.

    Raises:
        httpx.TransportError: no connection, an answer that is no HTTP, or time is up; within the block one of `LOST`.
        NotFetched: the address is not allowed.
    """
    url = httpcore.URL(
        scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
    )
    asked = httpcore.Request(
        request.method, url, headers=request.headers.raw, content=request.content, extensions=request.extensions
    )
    backend = _GuardedBackend(guard, deadline)
    try:
        with (
            httpcore.ConnectionPool(context, max_keepalive_connections=0, network_backend=backend) as pool,
            closing(pool.handle_request(asked)) as answer,
        ):
            yield httpx.Response(answer.status, headers=answer.headers, content=answer.iter_stream())
    except LOST as error:
        kind = httpx.TimeoutException if isinstance(error, httpcore.TimeoutException) else httpx.TransportError
        raise kind(str(error)) from error


class _GuardedBackend(httpcore.NetworkBackend):
    def __init__(self, guard: AddressGuard, deadline: float) -> None:
        self._guard = guard
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        problem: Exception | None = None
        for address in self._guard.addresses(host, port)[:_MAX_ADDRESSES]:
            try:
                wait = _left(self._deadline, timeout)
                stream = self._sockets.connect_tcp(address, port, wait, local_address, socket_options)
                return _DeadlineStream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem or httpcore.ConnectError("no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("only the network is asked")


class _DeadlineStream(httpcore.NetworkStream):
    """Bounds every wait by what is left: a server that sends a byte now and then gains no time, in headers neither."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline, timeout))
        return _DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for this request is up")
    return left if timeout is None else min(timeout, left)
