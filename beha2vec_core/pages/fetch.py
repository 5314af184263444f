"""Fetch the pages themselves, for titles that say too little. Off unless asked for: see docs/pages.md.

What is never asked: hosts that are not on the allow-list, addresses that are not public, what robots.txt forbids. The
parts are in `beha2vec_core.pages.fetching`, one rule a module.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pandas as pd

from beha2vec_core.pages.fetching.addresses import AddressGuard, Resolver
from beha2vec_core.pages.fetching.body import read_body
from beha2vec_core.pages.fetching.cache import DiskCache
from beha2vec_core.pages.fetching.html import extract
from beha2vec_core.pages.fetching.http import Requester
from beha2vec_core.pages.fetching.limits import FetchLimits, NotFetched, Status
from beha2vec_core.pages.fetching.robots import MAX_ROBOTS_BYTES, Robots
from beha2vec_core.pages.fetching.sites import AllowedSites
from beha2vec_core.progress import with_progress
from beha2vec_core.settings import Settings

__all__ = ["FetchLimits", "FetchedPage", "PageFetcher", "Status", "add_page_text", "count_reasons", "hosts_in"]

logger = logging.getLogger(__name__)

_HTML = {"text/html", "application/xhtml+xml"}
# anyone can send a property events with an invented host name, so a host counts as ours from this share of views
MIN_HOST_SHARE = 0.01


@dataclass(frozen=True)
class FetchedPage:
    """A page that was asked for."""

    page_key: str
    status: Status  # what became of it
    page_text: str = ""  # its main text, cleaned and cut; still untrusted
    title: str = ""  # what its ``<title>`` says, cleaned
    fetched_at: datetime | None = None  # when it was fetched or tried (UTC); None for one that was not asked for
    reason: str = ""  # why there is no text, empty for ``ok``
    from_cache: bool = False  # whether an earlier answer served


class PageFetcher:
    """Fetches pages of the sites on an allow-list, one request at a time.

    Args:
        hosts: the allow-list; entries as in `AllowedSites`.
        user_agent: name we ask under; its part before the first slash is the one for robots.txt.
        allowed_networks: addresses allowed although not public, for tests against a local server.
        resolve: gives the addresses of a name and port; the machine's resolver by default.

    Raises:
        ValueError: an entry of ``hosts`` is no host.
    """

    def __init__(
        self,
        hosts: Iterable[str],
        cache_dir: Path,
        *,
        user_agent: str,
        limits: FetchLimits | None = None,
        allowed_networks: Iterable[str] = (),
        resolve: Resolver | None = None,
        progress: bool = True,
    ) -> None:
        self.limits = limits or FetchLimits()
        self.progress = progress
        self._sites = AllowedSites(hosts)
        self._cache = DiskCache(cache_dir)
        self._guard = AddressGuard.of(allowed_networks, resolve)
        self._user_agent = user_agent

    def fetch(self, page_keys: Iterable[str]) -> list[FetchedPage]:
        """Fetch pages in the order given, the most telling first: a run is bounded.

        A page whose cached text has grown old keeps it where the site cannot be reached, or this run is full.

        Returns:
            One `FetchedPage` a distinct page_key, in the order given.
        """
        distinct = list(dict.fromkeys(page_keys))
        until = time.monotonic() + self.limits.run_seconds
        self._begin()
        pages = [
            self._page(page_key, until)
            for page_key in with_progress(distinct, title="reading pages", unit="page", shown=self.progress)
        ]
        self._cache.prune(2 * max(self.limits.keep, self.limits.keep_failures))
        return pages

    def _begin(self) -> None:
        """Forget the run before: what failed, and which robots.txt were read."""
        self._asked = 0
        self._requester = Requester(self._guard, self.limits, self._user_agent)
        product = self._user_agent.split("/")[0].strip()
        self._robots = Robots(product, self._ask_robots, self._cache, self.limits.keep_robots)

    def _page(self, page_key: str, until: float) -> FetchedPage:
        try:
            url = self._sites.url_of(page_key)
        except NotFetched as why:
            return FetchedPage(page_key, why.status, reason=why.reason)
        known, fresh = self._known(page_key, url)
        if known and fresh:
            return known
        if self._asked < self.limits.max_pages and time.monotonic() < until:
            self._asked += 1
            page = self._ask(page_key, url)
        else:
            page = FetchedPage(page_key, Status.SKIPPED, reason="left for the next run: this one is full")
        if page.status in (Status.UNREACHABLE, Status.SKIPPED) and known and known.status == Status.OK:
            return known
        if page.status != Status.SKIPPED:
            self._remember(page, url)
        return page

    def _ask(self, page_key: str, url: httpx.URL) -> FetchedPage:
        try:
            body, content_type = self._requester.get(url, self._permit, self._read_page)
            title, text = extract(body, content_type)
        except NotFetched as why:
            tried_at = None if why.status == Status.SKIPPED else datetime.now(UTC)
            return FetchedPage(page_key, why.status, fetched_at=tried_at, reason=why.reason)
        return FetchedPage(page_key, Status.OK, text, title, datetime.now(UTC))

    def _permit(self, url: httpx.URL) -> float:
        self._sites.check(url)
        return self._robots.delay(url)

    def _read_page(self, response: httpx.Response) -> tuple[bytes, str]:
        if response.status_code != 200:
            raise NotFetched(Status.FAILED, f"HTTP {response.status_code}")
        content_type = response.headers.get("content-type", "")
        if content_type.split(";")[0].strip().lower() not in _HTML:
            raise NotFetched(Status.FAILED, "the page is not HTML")
        return read_body(response, self.limits.max_bytes), content_type

    def _ask_robots(self, url: httpx.URL) -> tuple[int, bytes]:
        def permit(url: httpx.URL) -> float:
            self._sites.check(url)
            return 0.0

        def read(response: httpx.Response) -> tuple[int, bytes]:
            found = response.status_code == 200
            return response.status_code, read_body(response, MAX_ROBOTS_BYTES, cut=True) if found else b""

        return self._requester.get(url, permit, read)

    def _known(self, page_key: str, url: httpx.URL) -> tuple[FetchedPage | None, bool]:
        """The cached answer of a page, and whether it still holds."""
        stored = self._cache.read(str(url))
        if stored is None:
            return None, False
        value, age = stored
        try:
            page = FetchedPage(
                page_key=page_key,
                status=Status(value["status"]),
                page_text=str(value["page_text"]),
                title=str(value["title"]),
                fetched_at=datetime.fromisoformat(value["fetched_at"]),
                reason=str(value["reason"]),
                from_cache=True,
            )
        except (KeyError, ValueError, TypeError):  # of another version
            return None, False
        keep = self.limits.keep if page.status == Status.OK else self.limits.keep_failures
        return page, timedelta() <= age < keep

    def _remember(self, page: FetchedPage, url: httpx.URL) -> None:
        value = asdict(page)
        del value["page_key"], value["from_cache"]
        self._cache.write(str(url), value | {"fetched_at": page.fetched_at and page.fetched_at.isoformat()})


def add_page_text(
    pages: pd.DataFrame, settings: Settings, progress: bool = True, asks: bool = True
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The pages with a column ``page_text`` (empty where there is none), and how many pages came to what.

    The most viewed pages are asked first.

    Args:
        pages: columns `page_key`, `hostname`, `page_views`.
        settings: those that begin with ``fetch_``, and the data folder.
        asks: whether the site is asked; if not, only the texts that were fetched before are there.

    Raises:
        ValueError: an entry of ``fetch_hosts`` is no host.
    """
    fetcher = PageFetcher(
        settings.fetch.hosts or hosts_in(pages),
        settings.storage.page_cache_path,
        user_agent=settings.fetch.user_agent,
        limits=FetchLimits(max_pages=settings.fetch.max_pages if asks else 0),
        progress=progress,
    )
    views = pages.groupby("page_key")["page_views"].sum().sort_values(ascending=False, kind="stable")
    fetched = fetcher.fetch(views.index)
    texts = {page.page_key: page.page_text for page in fetched}
    counts = count_reasons(fetched)
    logger.info("pages fetched: %s", counts)
    return pages.assign(page_text=pages["page_key"].map(texts).astype(object)), counts


def hosts_in(pages: pd.DataFrame) -> list[str]:
    """The hosts of the data, but for those with under 1% of page views, which may be anyone's.

    Args:
        pages: columns `hostname`, `page_views`.
    """
    share = pages.groupby("hostname")["page_views"].sum() / max(pages["page_views"].sum(), 1)
    hosts = [str(host) for host in share[share >= MIN_HOST_SHARE].index]
    return [host for host in hosts if _is_host(host)]


def count_reasons(pages: Sequence[FetchedPage]) -> dict[str, int]:
    """How many pages came to what, the most frequent first: ``ok``, ``ok (cached)``, ``refused: robots.txt ...``."""
    outcomes = Counter(
        f"{page.status}{f': {page.reason}' if page.reason else ''}{' (cached)' if page.from_cache else ''}"
        for page in pages
    )
    return dict(outcomes.most_common())


def _is_host(host: str) -> bool:
    try:
        AllowedSites([host])
    except ValueError:
        return False
    return True
