"""The published shop, made once for each worker of a session, and the server and browser of its tests in a browser."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from beha2vec_core.explorer.published import Published
from tests.chat.chat_server import ChatServer
from tests.explorer.explorer_world import make_serving, serve
from tests.explorer.more_world import SlowModel, make_more

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

# Streamlit looks for its server beside the address of a page first; this is how it finds out
HARMLESS = re.compile(r"/(map|clusters|user|audiences)/_stcore/(health|host-config)$")


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's tests leave the app as ``__main__``; processes that later tests start would run it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session", autouse=True)
def _no_components() -> Iterator[None]:
    """For each run of a page Streamlit's tests read what all installed packages say of themselves: half their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)
        yield


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_serving(tmp_path_factory.mktemp("shop") / "serving.duckdb")


@pytest.fixture(scope="session")
def published(serving: Path) -> Published:
    return Published(serving)


@pytest.fixture(scope="session")
def more_serving(serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop with what look-alikes, pages and model read beside."""
    return make_more(serving, tmp_path_factory.mktemp("more") / "serving.duckdb")


@pytest.fixture(scope="session")
def slow_model() -> SlowModel:
    return SlowModel()


@pytest.fixture(scope="session")
def folder(more_serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that the server reads."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "data").mkdir()
    shutil.copy(more_serving, folder / "data" / "serving.duckdb")
    return folder


@pytest.fixture(scope="session")
def address(folder: Path, slow_model: SlowModel) -> Iterator[str]:
    from tests.explorer.browsing import free_port

    settings = {"BEHA2VEC_PAGE_OVERRIDES_FILE": str(folder / "overrides.csv"), "BEHA2VEC_LLM_MODEL": "slow"}
    with (
        ChatServer(slow_model) as endpoint,
        serve(folder, free_port(), BEHA2VEC_LLM_BASE_URL=endpoint.url, **settings) as address,
    ):
        yield address


@pytest.fixture(scope="package")  # its event loop stops other tests of the worker that need one
def browser() -> Iterator[Browser]:
    from playwright.sync_api import expect, sync_playwright

    from tests.explorer.browsing import ARGUMENTS, CHROMIUM, PATIENCE

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    from tests.explorer.browsing import PATIENCE

    context = browser.new_context(viewport={"width": 1440, "height": 1100}, color_scheme="light")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """A page on which nothing went wrong at the end: no error, no dialog, no request to others, no new title."""
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on(
        "console",
        lambda message: (
            wrong.append(f"{message.text} {message.location.get('url')}")
            if message.type == "error" and not HARMLESS.search(message.location.get("url", ""))
            else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            wrong.append(f"asked others: {request.url}")
            if not request.url.startswith((address, "data:", "blob:"))
            else None
        ),
    )
    yield page
    assert wrong == []
    assert "HACKED" not in page.title()
