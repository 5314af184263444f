"""What a person does in the explorer: go somewhere, choose, draw on the map, and wait until all is drawn."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from playwright.sync_api import Page, TimeoutError, expect

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 120_000  # milliseconds; a busy machine draws slowly
# software WebGL, which the map is drawn with
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
# of pages that are called another way in the menu
HEADINGS = {"Overview": "Your users at a glance", "Map": "Map of your users"}
_MAP = "document.querySelector('.js-plotly-plot')"


def go(page: Page, address: str, name: str = "Overview") -> None:
    """Open the explorer and choose a page of its menu."""
    page.goto(address)
    turn_to(page, name)


def turn_to(page: Page, name: str) -> None:
    """Choose a page of the menu."""
    page.locator("[data-testid=stSidebarNavLink]", has_text=re.compile(f"{name}$")).click()
    expect(page.locator("h1")).to_have_text(HEADINGS.get(name, name))
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end."""
    appears(page, "[data-testid=stApp][data-test-script-state=notRunning] h1")


def appears(page: Page, selector: str, text: str = "") -> None:
    """Wait until such an element is visible whose text begins so; looked for at every frame, where `expect` looks ever
    more rarely, up to a second apart."""
    page.wait_for_function(
        """([selector, text]) => [...document.querySelectorAll(selector)].some(
        one => one.getClientRects().length && one.textContent.trim().startsWith(text))""",
        arg=[selector, text],
    )


def drawn(page: Page) -> None:
    """Wait until the page's script has run to its end and every chart is on the screen."""
    settle(page)
    page.wait_for_function(
        """() => !document.querySelector('[data-stale=true], [data-testid*=Skeleton]')
        && ![...document.querySelectorAll('[data-testid=stPlotlyChart]')].some(one => !one.querySelector('.main-svg'))
        && new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"""
    )


def choose(page: Page, label: str, option: re.Pattern[str]) -> None:
    """Open a list and choose; again where charts that come late closed it."""
    for _ in range(5):
        page.get_by_role("combobox", name=label, exact=True).last.click()
        try:
            page.get_by_role("option", name=option).first.click(timeout=2_000)
        except TimeoutError:
            continue
        settle(page)
        return
    raise AssertionError(f"the list of {label!r} does not open")


def on_screen(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a place of the map is in the window."""
    page.wait_for_function(f"{_MAP}?._fullLayout?.xaxis?.l2p !== undefined")
    page.wait_for_timeout(500)  # drawn a second time when its size is known
    found = page.evaluate(
        f"""([x, y]) => {{ const plot = {_MAP}, l = plot._fullLayout, box = plot.getBoundingClientRect();
        return [box.x + l.xaxis._offset + l.xaxis.l2p(x), box.y + l.yaxis._offset + l.yaxis.l2p(y)] }}""",
        [x, y],
    )
    return float(found[0]), float(found[1])


def place_of(page: Page, trace: int, user: int = 0) -> tuple[float, float]:
    """The place on the map of a user of a trace."""
    found = f"(plot => [plot._fullData[{trace}].x[{user}], plot._fullData[{trace}].y[{user}]])"
    x, y = page.wait_for_function(f"{_MAP}?._fullData && {found}({_MAP})").json_value()
    return float(x), float(y)


def square_around(page: Page, x: float, y: float, radius: float) -> list[tuple[float, float]]:
    """The corners, in the window, of a square around a place of the map; the first one again at the end."""
    corners = [(-radius, -radius), (radius, -radius), (radius, radius), (-radius, radius), (-radius, -radius)]
    return [on_screen(page, x + dx, y + dy) for dx, dy in corners]


def draw(page: Page, corners: list[tuple[float, float]], *, let_go: bool = True) -> None:
    """Draw a lasso through places in the window."""
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=6)
    if let_go:
        page.mouse.up()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
