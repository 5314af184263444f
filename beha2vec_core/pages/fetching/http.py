"""One GET at a time: paced, bounded, retried, its redirects followed by hand.

`httpx.Client` is left out on purpose: it would keep cookies, read proxies from the environment and follow redirects.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import httpx

from beha2vec_core.pages.fetching.addresses import AddressGuard
from beha2vec_core.pages.fetching.body import ACCEPT_ENCODING
from beha2vec_core.pages.fetching.limits import FetchLimits, NotFetched, Status
from beha2vec_core.pages.fetching.network import answer_to
from beha2vec_core.pages.fetching.pace import Pacer, backoff, retry_after

Answer = TypeVar("Answer")

_REDIRECTS = {301, 302, 303, 307, 308}
_PASSING = {408, 425, 429}  # and all of 5xx


class _TryAgain(Exception):
    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class _Redirect(Exception):
    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


class Requester:
    """Asks sites for URLs, within limits."""

    def __init__(self, guard: AddressGuard, limits: FetchLimits, user_agent: str) -> None:
        self._guard = guard
        self._limits = limits
        self._headers = {
            "User-Agent": user_agent,
            "Accept": "text/html, application/xhtml+xml, text/plain;q=0.5",
            "Accept-Encoding": ACCEPT_ENCODING,
            "Connection": "close",
        }
        self._context = httpx.create_ssl_context()
        self._pacer = Pacer()
        self._failures: Counter[str] = Counter()

    def get(
        self, url: httpx.URL, permit: Callable[[httpx.URL], float], read: Callable[[httpx.Response], Answer]
    ) -> Answer:
        """Ask for a URL and, within bounds, for what it redirects to.

        Args:
            permit: called with every URL before it is asked; gives the seconds the site wants between requests, or
                raises `NotFetched`.

        Raises:
            NotFetched: no usable answer, or one that leads where we do not go.
        """
        for _ in range(self._limits.max_redirects + 1):
            delay = permit(url)
            try:
                return self._send(url, delay, read)
            except _Redirect as redirect:
                try:
                    url = url.join(redirect.location).copy_with(fragment=None)
                except (httpx.InvalidURL, ValueError) as problem:  # ValueError: from the standard library's urljoin
                    raise NotFetched(Status.FAILED, "redirected to an address that is not valid") from problem
        raise NotFetched(Status.FAILED, "too many redirects")

    def _send(self, url: httpx.URL, delay: float, read: Callable[[httpx.Response], Answer]) -> Answer:
        """One request, tried again when it fails in passing."""
        limits, host = self._limits, url.host
        if not delay <= limits.max_wait_seconds:
            raise NotFetched(Status.REFUSED, "robots.txt wants longer pauses than we make")
        attempt = 1
        while True:
            if self._failures[host] >= limits.max_host_failures:
                raise NotFetched(Status.SKIPPED, "the host failed too often in this run")
            self._pacer.wait(host, max(delay, limits.seconds_between))
            try:
                answer = self._request(url, read)
            except _TryAgain as problem:
                wait = backoff(attempt, limits.backoff_seconds, limits.max_wait_seconds)
                wait = wait if problem.after is None else problem.after
                if wait > limits.max_wait_seconds:  # it asks to be left alone for this run
                    self._failures[host] = limits.max_host_failures
                    raise NotFetched(Status.UNREACHABLE, "the site asks for a longer wait than we make") from problem
                self._pacer.hold(host, wait)
                if attempt == limits.attempts:
                    self._failures[host] += 1
                    raise NotFetched(Status.UNREACHABLE, problem.reason) from problem
                attempt += 1
            except (_Redirect, NotFetched):
                self._failures[host] = 0
                raise
            else:
                self._failures[host] = 0
                return answer

    def _request(self, url: httpx.URL, read: Callable[[httpx.Response], Answer]) -> Answer:
        timeout = httpx.Timeout(self._limits.idle_seconds).as_dict()
        request = httpx.Request("GET", url, headers=self._headers, extensions={"timeout": timeout})
        deadline = time.monotonic() + self._limits.request_seconds
        try:
            with answer_to(request, self._guard, deadline, self._context) as response:
                _raise_for_turns(response)
                return read(response)
        except httpx.TimeoutException as problem:
            raise _TryAgain("the site did not answer in time") from problem
        except httpx.TransportError as problem:
            raise _TryAgain("no connection to the site, or its certificate is not valid") from problem


def _raise_for_turns(response: httpx.Response) -> None:
    status = response.status_code
    if status in _REDIRECTS and "location" in response.headers:
        raise _Redirect(response.headers["location"])
    if status in _PASSING or status >= 500:
        raise _TryAgain(f"HTTP {status}", retry_after(response.headers.get("retry-after")))
