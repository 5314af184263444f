"""What a person sees in a browser: every view on hostile data, clicks, a lasso, a download, a new publication."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Literal

import duckdb
import pandas as pd
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.explorer import looks
from tests.explorer.browsing import (
    CHROMIUM,
    PATIENCE,
    choose,
    draw,
    drawn,
    free_port,
    go,
    on_screen,
    place_of,
    settle,
    square_around,
    turn_to,
)
from tests.explorer.explorer_world import CENTERS, SIZES, proxy, serve

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's Chromium (apt install chromium)")


def test_overview_shows_hostile_names_as_text_and_leads_to_a_cluster(page: Page, address: str) -> None:
    go(page, address)
    expect(page.locator("h3", has_text="<script>").first).to_contain_text("Sessions of <script>")  # a highlight
    hostile = page.locator("h3", has_text="<script>").last
    expect(hostile).to_have_text(re.compile(r"^<script>document.title='HACKED'</script> \[free\]\(javascript:alert"))
    expect(page.locator(".main-svg text", has_text="<script>").first).to_be_visible()  # in the chart too
    assert page.locator("a[href^='javascript']").count() == 0
    assert page.locator(".b2v-text script, .b2v-text img, .b2v-text iframe").count() == 0
    page.get_by_role("button", name="Details").nth(1).click()
    expect(page.locator("h2", has_text="<script>")).to_be_visible()
    assert "/clusters?cluster=1" in page.url
    turn_to(page, "Overview")
    page.get_by_role("button", name="Details").nth(1).click()
    expect(page.locator("h2", has_text="<script>")).to_be_visible()  # once more


@pytest.mark.slow
def test_clusters_side_by_side(page: Page, address: str) -> None:
    page.goto(f"{address}/clusters?cluster=2")
    settle(page)
    expect(page.get_by_text("60 users, 21% of all")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(8)  # profile, paths, four outcomes, sizes, flows
    table = page.locator("details table")
    expect(table).to_be_hidden()
    number = page.locator("a.b2v-fact").last  # a number of the text leads to the fact it is
    place = number.locator("sup").inner_text()
    number.click()
    expect(table.locator("tr:target td").first).to_have_text(place)
    expect(table.locator("tr:target")).to_be_in_viewport()
    expect(table.locator("tr:target")).to_contain_text(number.inner_text().removesuffix(place))
    expect(table.locator("th", has_text="95% interval")).to_be_visible()
    assert len(table.locator("tbody tr").all()) >= 8
    choose(page, "Compare with cluster", re.compile("^<script>"))  # an option, as text
    expect(page.get_by_text("80 users, 29% of all")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(10)


@pytest.mark.slow
def test_a_lasso_makes_a_group_with_a_profile_and_a_file(page: Page, address: str, tmp_path: Path) -> None:
    go(page, address, "Map")
    draw(page, square_around(page, *CENTERS[0], radius=3.9))
    expect(page.get_by_text(f"{SIZES[0]} users, 43% of all on the map")).to_be_visible()
    expect(page.locator(".js-plotly-plot .annotation-text", has_text="views about travel")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_text("Download as CSV").click()
    assert download.value.suggested_filename == f"beha2vec_group_{SIZES[0]}_users.csv"
    download.value.save_as(tmp_path / "group.csv")
    rows = pd.read_csv(tmp_path / "group.csv")
    assert sorted(rows["user_key"]) == sorted(f"g0-{number}" for number in range(SIZES[0]))


@pytest.mark.slow
def test_the_maps_colors(page: Page, address: str) -> None:
    go(page, address, "Map")
    for color, legend in (("Purchase", "bought (40)"), ("Theme", None), ("Last visit", None), ("Cluster", "Article")):
        choose(page, "Color by", re.compile(f"^{color}$"))
        shown = page.locator(".legend, .colorbar").first
        expect(shown).to_be_visible()
        if legend:
            expect(shown).to_contain_text(legend)


@pytest.mark.slow
def test_a_click_on_a_point_opens_the_user(page: Page, address: str) -> None:
    page.goto(f"{address}/map")
    settle(page)
    page.get_by_role("radio", name="Open a user").click()
    settle(page)
    x, y = on_screen(page, *place_of(page, 1))
    page.mouse.move(x, y)
    expect(page.locator(".hoverlayer text").first).to_contain_text("page views")
    page.mouse.click(x, y)
    expect(page.locator("h1")).to_have_text("User")
    key = page.get_by_label("User key")
    expect(key).to_have_value(re.compile(r"^g-?\d-\d+$"))
    user = key.input_value()
    expect(page).to_have_url(re.compile(f"user={user}$"))
    turn_to(page, "Map")
    page.get_by_role("radio", name="Open a user").click()
    settle(page)
    page.mouse.click(*on_screen(page, *place_of(page, 1)))
    expect(key).to_have_value(user)  # once more


@pytest.mark.slow
def test_a_users_journey_with_hostile_titles(page: Page, address: str) -> None:
    page.goto(f"{address}/user?user=g1-0")
    settle(page)
    expect(page.locator("h2", has_text="Similar users")).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.locator("td", has_text="purchase").first).to_be_visible()
    page.get_by_test_id("stBaseButton-secondary").filter(has_text=re.compile("^Open$")).click()
    page.wait_for_url(re.compile(r"user=(?!g1-0$)"))
    settle(page)
    expect(page.get_by_label("User key")).to_have_value(page.url.rsplit("=", 1)[1])


@pytest.mark.slow
def test_a_reload_shows_what_was_published_since(page: Page, address: str, folder: Path, more_serving: Path) -> None:
    go(page, address)
    users = page.locator("[data-testid=stMetricValue]").first
    expect(users).to_have_text("280")
    path, new = folder / "data" / "serving.duckdb", folder / "data" / "new.duckdb"
    shutil.copy(path, new)
    with duckdb.connect(str(new)) as connection:
        connection.execute(
            """delete from ga4.dim_ga4__users where user_key in
                (select user_key from beha2vec.user_clusters_current where cluster_key < 0);
            delete from beha2vec.user_clusters_current where cluster_key < 0"""
        )
    new.replace(path)
    page.reload()
    settle(page)
    expect(users).to_have_text("260")
    shutil.copy(more_serving, new)
    new.replace(path)


@pytest.mark.slow
def test_behind_a_proxy_only_its_people_see_anything(context: BrowserContext, folder: Path) -> None:
    with serve(folder, free_port(), BEHA2VEC_EXPLORER_AUTH_HEADER="X-Forwarded-User") as address:
        page = context.new_page()
        page.goto(address)
        expect(page.get_by_text("Sign in through your team's address")).to_be_visible()
        assert page.get_by_test_id("stApp").count() == 0
        with proxy(address, "X-Forwarded-User: jane") as through:
            page.goto(through)
            expect(page.get_by_text("Your users at a glance")).to_be_visible()


_WRONG = """<div style="background:#fff; color:#999; font-size:14px">too pale</div>
<div class="js-plotly-plot" style="width:100px; height:60px; overflow:hidden">
<svg class="main-svg" width="100" height="60"><text x="80" y="20">cut off</text>
<text x="10" y="50">over</text><text x="12" y="52">each other</text></svg></div>"""


def test_what_looks_wrong_is_found(context: BrowserContext) -> None:
    page = context.new_page()
    page.set_content(_WRONG)
    assert looks.too_pale(page) == ["2.85: too pale"]
    assert looks.cut_off(page) == ["cut off"]
    assert looks.over_each_other(page) == ["over | each other"]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1440, "light"), (1440, "dark"), (390, "light")])
def test_every_view_looks_right(browser: Browser, address: str, width: int, theme: Literal["light", "dark"]) -> None:
    """On hostile data; the rest of the checklist is for eyes (screenshots.py)."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    for path in ("", "/map", "/clusters?cluster=1", "/user?user=g1-0"):
        page.goto(address + path)
        drawn(page)
        page.wait_for_timeout(500)  # charts take the page's width
        found = {check.__name__: check(page) for check in looks.CHECKS}
        assert not any(found.values()), path
        assert looks.too_wide(page) <= 0, path
    context.close()
