"""robots.txt, as RFC 9309 has it: no such file allows everything, one that cannot be had allows nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from beha2vec_core.pages.fetching.cache import DiskCache
from beha2vec_core.pages.fetching.limits import NotFetched, Status

# RFC 9309 wants at least 500 KiB to be read; what is beyond is left out
MAX_ROBOTS_BYTES = 512 * 1024


class Robots:
    """What the sites allow to our user agent; each robots.txt is asked for once, and kept on disk between runs."""

    def __init__(
        self, product: str, ask: Callable[[httpx.URL], tuple[int, bytes]], cache: DiskCache, keep: timedelta
    ) -> None:
        """Take our name in robots.txt, how to get one (status, body; may raise `NotFetched`), and how long it holds."""
        self._product = product
        self._ask = ask
        self._cache = cache
        self._keep = keep
        self._known: dict[str, Any] = {}

    def delay(self, url: httpx.URL) -> float:
        """The seconds that the site wants between two requests, 0 where it names none.

        Raises:
            NotFetched: the site does not want this URL to be fetched, or its robots.txt cannot be had.
        """
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        if origin not in self._known:
            self._known[origin] = self._rules(url.join("/robots.txt"))
        rules = self._known[origin]
        if isinstance(rules, NotFetched):
            raise NotFetched(rules.status, f"robots.txt could not be read ({rules.reason})")
        if not rules.can_fetch(str(url), self._product):
            raise NotFetched(Status.REFUSED, "robots.txt forbids it")
        return float(rules.crawl_delay(self._product) or 0.0)

    def _rules(self, url: httpx.URL) -> Any:
        """The parsed rules, or why the file cannot be had."""
        from protego import Protego

        stored = self._cache.read(str(url))
        if stored is not None and timedelta() <= stored[1] < self._keep and isinstance(stored[0].get("text"), str):
            return Protego.parse(stored[0]["text"])
        try:
            status, body = self._ask(url)
        except NotFetched as why:  # after the last try, 429 and 5xx too
            return why
        text = body.decode("utf-8", errors="replace") if status < 300 else ""
        self._cache.write(str(url), {"text": text})
        return Protego.parse(text)
