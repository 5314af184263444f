"""What a person sees in a browser: every view on hostile data, clicks, a lasso, a download, a new publication."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, TimeoutError, expect, sync_playwright

from tests.explorer.explorer_world import CENTRES, SIZES, proxy, serve

CHROMIUM = Path("/usr/bin/chromium")
# software WebGL, which the map is drawn with
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
# Streamlit looks for its server beside the address of a page first; this is how it finds out
HARMLESS = re.compile(r"/(map|clusters|user)/_stcore/(health|host-config)$")

expect.set_options(timeout=20_000)  # a busy machine draws slowly

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's Chromium (apt install chromium)"),
    pytest.mark.xdist_group("explorer_browser"),
]


@pytest.fixture(scope="module")
def folder(serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "data").mkdir()
    shutil.copy(serving, folder / "data" / "serving.duckdb")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with serve(folder, _free_port()) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 1100}, color_scheme="light")
    context.set_default_timeout(20_000)
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


def go(page: Page, address: str, name: str = "Overview") -> None:
    """Open the explorer and choose a page of its menu."""
    page.goto(address)
    page.locator("[data-testid=stSidebarNavLink]", has_text=re.compile(f"{name}$")).click()
    settle(page)


def settle(page: Page) -> None:
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
    expect(page.locator("h1")).to_be_visible()


def choose(page: Page, label: str, option: re.Pattern[str]) -> None:
    """Open a list and choose; again where charts that come late closed it."""
    for _ in range(5):
        page.get_by_role("combobox", name=label).click()
        try:
            page.get_by_role("option", name=option).click(timeout=2_000)
        except TimeoutError:
            continue
        settle(page)
        return
    raise AssertionError(f"the list of {label!r} does not open")


def test_overview_shows_hostile_names_as_text_and_leads_to_a_cluster(page: Page, address: str) -> None:
    go(page, address)
    hostile = page.locator("h3", has_text="<script>")
    expect(hostile).to_have_text(re.compile(r"^<script>document.title='HACKED'</script> \[free\]\(javascript:alert"))
    expect(page.locator(".main-svg text", has_text="<script>").first).to_be_visible()  # in the chart too
    assert page.locator("a[href^='javascript']").count() == 0
    assert page.locator(".b2v-text script, .b2v-text img, .b2v-text iframe").count() == 0
    page.get_by_role("button", name="Look closer").nth(1).click()
    expect(page.locator("h2", has_text="<script>")).to_be_visible()
    assert "/clusters?cluster=1" in page.url


def test_clusters_side_by_side(page: Page, address: str) -> None:
    page.goto(f"{address}/clusters?cluster=2")
    settle(page)
    expect(page.get_by_text("60 users, 21% of all")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(8)  # profile, paths, four outcomes, sizes, flows
    page.get_by_text("facts behind it").click()
    table = page.locator("table").first
    expect(table.locator("th", has_text="95 % interval")).to_be_visible()
    assert len(table.locator("tbody tr").all()) >= 8
    choose(page, "Side by side with", re.compile("^<script>"))  # an option, as text
    expect(page.get_by_text("80 users, 29% of all")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(10)


def test_a_lasso_makes_a_group_with_a_profile_and_a_file(page: Page, address: str, tmp_path: Path) -> None:
    go(page, address, "Map")
    _draw_around(page, *CENTRES[0])
    expect(page.get_by_text(f"{SIZES[0]} users, 42.9% of all on the map")).to_be_visible()
    expect(page.locator(".js-plotly-plot .annotation-text", has_text="views about travel")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_text("Download as CSV").click()
    assert download.value.suggested_filename == f"beha2vec_group_{SIZES[0]}_users.csv"
    download.value.save_as(tmp_path / "group.csv")
    rows = pd.read_csv(tmp_path / "group.csv")
    assert sorted(rows["user_key"]) == sorted(f"g0-{number}" for number in range(SIZES[0]))


def test_the_maps_colours(page: Page, address: str) -> None:
    go(page, address, "Map")
    for colour, legend in (("Purchase", "bought (40)"), ("Theme", None), ("Last visit", None), ("Cluster", "Article")):
        choose(page, "Colour by", re.compile(f"^{colour}$"))
        shown = page.locator(".legend, .colorbar").first
        expect(shown).to_be_visible()
        if legend:
            expect(shown).to_contain_text(legend)


def test_a_click_on_a_point_opens_the_user(page: Page, address: str) -> None:
    page.goto(f"{address}/map")
    settle(page)
    page.get_by_role("radio", name="opens a user").click()
    settle(page)
    first = "(plot => [plot._fullData[1].x[0], plot._fullData[1].y[0]])"
    x, y = _on_screen(page, *page.wait_for_function(f"{_MAP}?._fullData && {first}({_MAP})").json_value())
    page.mouse.move(x, y)
    expect(page.locator(".hoverlayer text").first).to_contain_text("page views")
    page.mouse.click(x, y)
    expect(page.locator("h1")).to_have_text("User")
    settle(page)
    user = page.get_by_label("User key").input_value()
    assert re.fullmatch(r"g-?\d-\d+", user) and f"user={user}" in page.url


def test_a_users_journey_with_hostile_titles(page: Page, address: str) -> None:
    page.goto(f"{address}/user?user=g1-0")
    settle(page)
    expect(page.locator("h2", has_text="Users most alike")).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.locator("td", has_text="purchase").first).to_be_visible()
    page.get_by_test_id("stBaseButton-secondary").filter(has_text=re.compile("^Open$")).click()
    page.wait_for_url(re.compile(r"user=(?!g1-0$)"))
    settle(page)
    expect(page.get_by_label("User key")).to_have_value(page.url.rsplit("=", 1)[1])


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_wider_than_the_screen(context: BrowserContext, page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("", "/map", "/clusters?cluster=1", "/user?user=g1-0"):
        page.goto(address + path)
        settle(page)
        page.wait_for_timeout(300)
        too_wide = page.evaluate(
            """() => { const main = document.querySelector('[data-testid=stMain]');
            return main.scrollWidth - main.clientWidth }"""
        )
        assert too_wide <= 0, path


def test_a_reload_shows_what_was_published_since(page: Page, address: str, folder: Path) -> None:
    go(page, address)
    users = page.locator("[data-testid=stMetricValue]").first
    expect(users).to_have_text("280")
    path, new = folder / "data" / "serving.duckdb", folder / "data" / "new.duckdb"
    shutil.copy(path, new)
    with duckdb.connect(str(new)) as connection:
        connection.execute("delete from beha2vec.user_clusters_current where cluster_key < 0")
    new.replace(path)
    page.reload()
    settle(page)
    expect(users).to_have_text("260")


def test_behind_a_proxy_only_its_people_see_anything(context: BrowserContext, folder: Path) -> None:
    with serve(folder, _free_port(), BEHA2VEC_EXPLORER_AUTH_HEADER="X-Forwarded-User") as address:
        page = context.new_page()
        page.goto(address)
        expect(page.get_by_text("You are not signed in")).to_be_visible()
        assert page.get_by_test_id("stMetric").count() == 0
        with proxy(address, "X-Forwarded-User: jane") as through:
            page.goto(through)
            expect(page.get_by_text("Your users at a glance")).to_be_visible()


_MAP = "document.querySelector('.js-plotly-plot')"


def _on_screen(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a place of the map is in the window."""
    page.wait_for_function(f"{_MAP}?._fullLayout?.xaxis?.l2p !== undefined")
    page.wait_for_timeout(500)  # drawn a second time when its size is known
    found = page.evaluate(
        f"""([x, y]) => {{ const plot = {_MAP}, l = plot._fullLayout, box = plot.getBoundingClientRect();
        return [box.x + l.xaxis._offset + l.xaxis.l2p(x), box.y + l.yaxis._offset + l.yaxis.l2p(y)] }}""",
        [x, y],
    )
    return float(found[0]), float(found[1])


def _draw_around(page: Page, x: float, y: float, radius: float = 3.9) -> None:
    corners = [(-radius, -radius), (radius, -radius), (radius, radius), (-radius, radius), (-radius, -radius)]
    places = [_on_screen(page, x + dx, y + dy) for dx, dy in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
