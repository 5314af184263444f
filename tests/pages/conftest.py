"""Fixtures of tests of the page fetcher."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beha2vec_core.pages.fetch import (
    FetchedPage,
    FetchLimits,
    PageFetcher,
)
from tests.pages.fetch_world import LOCAL, QUICK, Fetch
from tests.pages.page_server import WebSite, serve


@pytest.fixture
def site() -> Iterator[WebSite]:
    with serve(WebSite()) as site:
        yield site


@pytest.fixture
def fetch(site: WebSite, tmp_path: Path) -> Fetch:
    """Fetch paths (or whole page keys) of the site; its one address is the only one allowed besides public ones."""

    def run(*paths: str, hosts: tuple[str, ...] = (), limits: FetchLimits = QUICK, **more: Any) -> list[FetchedPage]:
        fetcher = PageFetcher(
            [site.origin(), *hosts],
            tmp_path / "cache",
            **{"user_agent": "test-bot/1.0 (+https://shop.example)", "allowed_networks": [LOCAL], **more},
            limits=limits,
            progress=False,
        )
        return fetcher.fetch(f"127.0.0.1{path}" if path.startswith("/") else path for path in paths)

    return run
