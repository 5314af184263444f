"""What tests of the page fetcher share: limits with short pauses, the one address allowed, and how an outcome reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from beha2vec_core.pages.fetch import FetchedPage, FetchLimits

QUICK = FetchLimits(
    request_seconds=60,  # a busy machine answers late
    idle_seconds=60,
    max_bytes=200_000,
    backoff_seconds=0.01,
    max_wait_seconds=2,
    seconds_between=0,
)
IMPATIENT = replace(QUICK, request_seconds=0.8, idle_seconds=0.4)  # for sites that never end
NO_ROBOTS = "robots.txt could not be read"
LOCAL = "127.0.0.1/32"


Fetch = Callable[..., list[FetchedPage]]


def outcome(page: FetchedPage) -> tuple[str, str]:
    return page.status.value, page.reason
