"""Pictures of every view, in both themes, wide and narrow: ``python tests/explorer/screenshots.py --help``.

Prints what `tests.explorer.looks` finds wrong; the rest is for eyes. The checklist:

1. Nothing overlaps, nothing is cut off, nothing is wider than the screen.
2. Every axis has a unit, every share an n, every time its zone.
3. Text has the contrast of WCAG AA in both themes.
4. Legends can be read, and say what colors are.
5. Empty states say what to materialize.
6. Numbers are rounded for people; names are words.
7. It is clear what to do next.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.explorer.published import Published
from tests.explorer import looks
from tests.explorer.browsing import ARGUMENTS, CHROMIUM, choose, draw, drawn, free_port, settle, square_around
from tests.explorer.explorer_world import serve

AUDIENCES = """
- name: likely_buyers
  description: likely to buy within four weeks, and have not bought in the last week
  rule: probability('purchase', 28) >= 0.15
  exclude: days_since_last_purchase < 7
  purpose: ads
  cap: 150
  rank_by: expected_revenue(28)
  holdout: 0.1
- name: lost_customers
  rule: purchases > 0 and days_since_last_seen > 20
- name: readers
  rule: views_of_page_type('articles', 30) >= 3
"""
WIDTHS, THEMES = (1440, 390), ("light", "dark")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="data folder of a demo (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("screenshots"), help="%(default)s")
    parser.add_argument("--only", default="", help="views that have these letters in their name")
    asked = parser.parse_args()
    asked.out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "data").symlink_to(asked.data.resolve())
        (Path(folder) / "audiences.yml").write_text(AUDIENCES)
        (Path(folder) / "destinations.yml").write_text("- {name: shop, type: files, folder: out}")
        overrides = {"BEHA2VEC_PAGE_OVERRIDES_FILE": f"{folder}/overrides.csv"}
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        with serve(Path(folder), free_port(), **overrides) as address:
            for theme in THEMES:
                for width in WIDTHS:
                    for name, page in views(browser, address, asked.data, theme, width, asked.only):
                        take(page, asked.out / f"{name}_{theme}_{width}.png", width)
        browser.close()


def views(browser: Browser, address: str, data: Path, theme: str, width: int, only: str) -> Iterator[tuple[str, Page]]:
    """Each view with its name, as somebody would have it before him who has done what it is for."""
    users = Published(data / "serving.duckdb").query(
        """select user_key, map_x, map_y from beha2vec.user_clusters_current
        join ga4.dim_ga4__users using (user_key) where map_x is not null order by purchases desc, page_views desc"""
    )
    buyer = str(users["user_key"].iloc[0])

    def map_(page: Page) -> None:
        drawn(page)
        draw(page, square_around(page, float(users["map_x"][0]), float(users["map_y"][0]), 3.0))
        expect(page.locator("h2", has_text="Your group")).to_be_visible()

    def two_clusters(page: Page) -> None:
        page.locator("summary").first.click()
        choose(page, "Compare with cluster", re.compile(r"^(?!none|Cluster )"))

    def user(page: Page) -> None:
        page.get_by_label("User key").fill(buyer)
        page.keyboard.press("Enter")
        expect(page.locator("h2", has_text="Predicted next pages")).to_be_visible()

    def look_alikes(page: Page) -> None:
        page.get_by_label("Their ids, one per line").fill("\n".join([*users["user_key"].head(60), "nobody"]))
        page.get_by_role("button", name="Find look-alikes").click()
        expect(page.locator("h2", has_text="Download")).to_be_visible()

    def audiences(page: Page) -> None:
        choose(page, "Begin with", re.compile("^likely_buyers$"))
        page.get_by_role("combobox", name="Add a condition on").fill("similar_to_audience")
        choose(page, "Add a condition on", re.compile("^similar_to_audience"))
        choose(page, "Compare with", re.compile("^lost_customers$"))
        page.get_by_role("button", name="Show the plan").click()

    def chat(page: Page) -> None:
        page.get_by_test_id("stChatInputTextArea").fill("Which cluster buys most?")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("stChatMessage").nth(1)).to_be_visible()

    def nothing(_: Page) -> None:
        pass

    for path, does in (
        ("overview", nothing), ("map", map_), ("clusters", two_clusters), ("user", user), ("predictions", nothing),
        ("lookalikes", look_alikes), ("audiences", audiences), ("site", nothing), ("chat", chat), ("model", nothing),
    ):  # fmt: skip
        if only in path:
            with _page(browser, theme, width) as page:
                page.goto(f"{address}/{path if path != 'overview' else ''}")
                settle(page)
                does(page)
                yield path, page


def take(page: Page, file: Path, width: int) -> None:
    """One picture of the whole page, and what is wrong on it."""
    drawn(page)
    height = page.evaluate(f"{looks.MAIN}.scrollHeight")
    page.set_viewport_size({"width": width, "height": min(height + 40, 12_000)})
    drawn(page)
    page.wait_for_timeout(800)  # charts take their new size
    page.screenshot(path=file)
    print(file.name)
    for check in looks.CHECKS:
        if found := check(page):
            print(f"    {check.__name__}: {found}")
    if looks.too_wide(page) > 0:
        print(f"    wider than the window by {looks.too_wide(page)} pixels")


@contextmanager
def _page(browser: Browser, theme: str, width: int) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=theme)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


if __name__ == "__main__":
    main()
