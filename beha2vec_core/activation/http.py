"""Requests with personal data: to public addresses over TLS, no redirects, bounded, and clear about lost answers."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from beha2vec_core.activation.destination import ActivationError, Outcome

if TYPE_CHECKING:
    from beha2vec_core.pages.fetching.addresses import AddressGuard

_MOST_BYTES = 256 * 1024
_ATTEMPTS = 3
_STOP = {401: "it does not accept the secret", 403: "it does not allow the request"}


class Answer(NamedTuple):
    """An answer: its HTTP status and its body, which is cut."""

    status: int
    body: bytes

    @property
    def is_accepted(self) -> bool:
        """Whether it says yes."""
        return 200 <= self.status < 300


class NoAnswer(Exception):
    """There is no answer. ``is_sent``: the request may have arrived; False: it has not."""

    def __init__(self, reason: str, *, is_sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_sent = is_sent


class Client:
    """Sends requests, one at a time.

    Args:
        guard: who says which addresses may be connected to; without it, public ones over TLS only.
        max_wait: longest pause that an answer can ask for (Retry-After).
        backoff: seconds before the second try, doubled each time.
        seconds_between: shortest time between two requests.
    """

    def __init__(
        self,
        guard: AddressGuard | None = None,
        *,
        seconds: float = 20,
        max_wait: float = 120,
        backoff: float = 1,
        seconds_between: float = 0,
    ) -> None:
        self._guard = guard
        self._seconds = seconds
        self._max_wait = max_wait
        self._backoff = backoff
        self._between = seconds_between
        self._free_at = 0.0
        self._context: ssl.SSLContext | None = None

    def check(self, url: str) -> list[str]:
        """What is wrong with an address, without asking anybody."""
        try:
            import beha2vec_core.pages.fetching  # noqa: F401
        except ImportError:
            return ["sending needs the packages that fetch pages: pip install 'beha2vec[fetch]'"]
        import httpx

        try:
            parts = urlsplit(url)
            has_host, _ = bool(parts.hostname), parts.port
            httpx.Request("POST", url)
        except (ValueError, httpx.InvalidURL):
            return ["the address cannot be read: write it as https://host/path"]
        local = self._guard is not None and bool(self._guard.allowed_networks)
        if not has_host or not (parts.scheme == "https" or (local and parts.scheme == "http")):
            return ["the address does not begin with https://: personal data would travel unencrypted"]
        if parts.username or parts.password:
            return ["the address holds a user or password: use the destination's secret"]
        return []

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, again: bool) -> Answer:
        """Send a request, and again where it certainly had no effect (429, no connection).

        Args:
            url: where to; it may hold a secret, and is in no message.
            again: whether it does no harm twice; then it is also sent again where the answer was lost, or 5xx.

        Raises:
            NoAnswer: no answer came.
            ActivationError: no further request can succeed (the answer says so, or the address is not allowed), or the
                answer asks for a long pause.
        """
        from beha2vec_core.pages.fetching.pace import backoff, retry_after

        is_sent = False  # a try that was lost may have arrived, whatever the next ones say
        for attempt in range(1, _ATTEMPTS + 1):
            is_last = attempt == _ATTEMPTS
            wait = backoff(attempt, self._backoff, self._max_wait)
            try:
                answer, pause = self._once("POST", url, body, headers)
            except NoAnswer as problem:
                is_sent = is_sent or problem.is_sent
                if is_last or (is_sent and not again):
                    raise NoAnswer(problem.reason, is_sent=is_sent) from None
            else:
                if answer.status in _STOP:
                    raise ActivationError(f"{_STOP[answer.status]} (HTTP {answer.status})", is_sent=is_sent)
                is_sent = is_sent or answer.status >= 500
                if is_last or not (answer.status == 429 or (answer.status >= 500 and again)):
                    if is_sent and not answer.is_accepted:
                        raise NoAnswer(f"HTTP {answer.status}", is_sent=True)
                    return answer
                asked = retry_after(pause)
                if asked is not None and asked > self._max_wait:
                    raise ActivationError(
                        f"it asks for a pause of {asked:,.0f} s (HTTP {answer.status}); send later", is_sent=is_sent
                    )
                wait = wait if asked is None else asked
            time.sleep(wait)
        raise AssertionError("every try returns or raises")

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask for something.

        Raises:
            NoAnswer: no answer came.
            ActivationError: the answer says that no request can succeed.
        """
        answer, _ = self._once("GET", url, b"", headers)
        if answer.status in _STOP:
            raise ActivationError(f"{_STOP[answer.status]} (HTTP {answer.status})")
        return answer

    def _once(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[Answer, str | None]:
        import httpcore
        import httpx

        from beha2vec_core.pages.fetching.addresses import AddressGuard
        from beha2vec_core.pages.fetching.body import read_body
        from beha2vec_core.pages.fetching.limits import NotFetched, Status
        from beha2vec_core.pages.fetching.network import LOST, answer_to

        time.sleep(max(0.0, self._free_at - time.monotonic()))
        self._free_at = time.monotonic() + self._between
        self._context = self._context or httpx.create_ssl_context()
        deadline = time.monotonic() + self._seconds
        timeout = httpx.Timeout(self._seconds).as_dict()
        every = {"User-Agent": "beha2vec-activation", "Accept-Encoding": "identity", "Connection": "close"}
        request = httpx.Request(
            method, url, content=body, headers=every | dict(headers), extensions={"timeout": timeout}
        )
        try:
            with answer_to(request, self._guard or AddressGuard(), deadline, self._context) as response:
                try:
                    body = read_body(response, _MOST_BYTES, cut=True)
                except (NotFetched, *LOST):
                    body = b""  # the status is known, and says whether the request was taken
                return Answer(response.status_code, body), response.headers.get("retry-after")
        except NotFetched as problem:
            if problem.status is Status.REFUSED:  # no request can reach it
                raise ActivationError(problem.reason) from None
            raise NoAnswer(problem.reason, is_sent=False) from None
        except httpx.TransportError as problem:
            # httpcore says whether there was a connection
            is_sent = not isinstance(problem.__cause__, httpcore.ConnectError | httpcore.ConnectTimeout)
            reason = "no answer in time" if isinstance(problem, httpx.TimeoutException) else "the connection broke"
            raise NoAnswer(reason if is_sent else "no connection", is_sent=is_sent) from None


def outcome_of(client: Client, url: str, body: bytes, headers: Mapping[str, str], *, again: bool) -> Outcome:
    """Send a request whose status says all: 2xx accepted, 5xx or no answer unknown, the rest refused.

    Raises:
        ActivationError: see `Client.post`.
    """
    try:
        answer = client.post(url, body, headers, again=again)
    except NoAnswer as problem:
        return Outcome("unknown" if problem.is_sent else "refused", problem.reason)
    if answer.is_accepted:
        return Outcome("accepted")
    return Outcome("unknown" if answer.status >= 500 else "refused", f"HTTP {answer.status}")
