"""The bounds of a run, and how a page that was not fetched is reported."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Status(StrEnum):
    """What became of a page."""

    OK = "ok"
    REFUSED = "refused"  # our rules, or the site's robots.txt, say no
    FAILED = "failed"  # asked, and the answer is of no use
    UNREACHABLE = "unreachable"  # asked, and no answer for now
    SKIPPED = "skipped"  # not asked in this run


class NotFetched(Exception):
    """A page stays unfetched; ``reason`` is plain and the same for all pages of one kind, so that it can be counted."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class FetchLimits:
    """How much a run may take, ask and wait."""

    max_pages: int = 500  # pages asked for in one run; cached ones do not count
    run_seconds: float = 3600  # after that time no further page is begun
    request_seconds: float = 20  # longest time of one request, from the connection to the last byte
    idle_seconds: float = 5  # longest silence within a request
    max_bytes: int = 2 * 1024 * 1024  # largest page, decompressed
    max_redirects: int = 5  # redirects followed for one page
    attempts: int = 3  # tries of one request that fails in passing (429, 5xx, no connection, time-out)
    backoff_seconds: float = 1  # wait before the second try; doubled each time, with jitter
    # longest Retry-After or Crawl-delay that is obeyed; where more is asked, the page is given up
    max_wait_seconds: float = 60
    seconds_between: float = 1  # shortest time between two requests to a host
    max_host_failures: int = 5  # failures in a row after which the rest of a host's pages is skipped
    keep: timedelta = timedelta(days=30)  # how long a fetched page serves from the cache
    keep_failures: timedelta = timedelta(days=1)  # how long a page that could not be fetched is not asked for again
    keep_robots: timedelta = timedelta(days=1)  # how long a robots.txt serves from the cache (RFC 9309: at most a day)
