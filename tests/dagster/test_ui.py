"""Dagster's UI in a real browser: the graph, an asset's plots, and no console error of ours."""

import shutil
from collections.abc import Iterator

import pytest

from tests.dagster.project import Project, webserver

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("graph"),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def address(materialized: Project) -> Iterator[str]:
    with webserver(materialized) as address:
        yield address


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser.new_page(viewport={"width": 1600, "height": 1000})
        browser.close()


def test_the_graph_shows_all_groups(page, address: str) -> None:
    page.goto(f"{address}/asset-groups")
    for group in ("ga4", "dbt_ga4", "pages", "sequences", "encoder", "clusters", "insights", "serving"):
        shown = page.get_by_text(group, exact=True).first
        shown.wait_for(timeout=60_000)
        assert shown.is_visible(), group


@pytest.mark.parametrize(
    ("asset", "key", "picture"),
    [
        ("encoder_candidate", "loss_curve", "loss by epoch"),
        ("cluster_model", "user_map", "users by cluster"),
        ("raw_ga4_events", "events_per_day", "events a day"),
    ],
)
def test_an_asset_shows_its_description_and_plot(page, address: str, asset: str, key: str, picture: str) -> None:
    page.goto(f"{address}/assets/{asset}?view=overview")
    page.get_by_text("Description", exact=True).first.wait_for(timeout=60_000)
    row = page.locator("tr", has_text=key)
    row.get_by_text("Show Markdown").first.click(timeout=30_000)
    shown = page.locator(f"img[alt='{picture}']").first
    shown.wait_for(timeout=20_000)
    assert shown.evaluate("image => image.complete && image.naturalWidth > 200")
