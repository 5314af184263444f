"""Look-alikes, pages, chat, model and report in a browser, on hostile data."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.report import write_report
from tests.explorer.browsing import go, settle, turn_to
from tests.explorer.more_world import HOSTILE, SlowModel
from tests.explorer.test_browser import pytestmark  # noqa: F401


@pytest.mark.slow
def test_look_alikes_from_a_file_to_a_file(page: Page, address: str, tmp_path: Path) -> None:
    go(page, address, "Look-alikes")
    seeds = tmp_path / "seeds.csv"
    seeds.write_text("user_pseudo_id,name\n" + "".join(f'd.g1-{n},"{HOSTILE}"\n' for n in range(20)))
    page.locator("input[type=file]").set_input_files(seeds)
    expect(page.get_by_text("seeds.csv")).to_be_visible()
    page.get_by_label("Their ids, one per line").fill(f"C20\n{HOSTILE.split()[0]}")
    page.get_by_label("Users in the list").fill("40")
    page.get_by_role("button", name="Find look-alikes").click()
    expect(page.get_by_text("21 seed users")).to_be_visible()
    page.get_by_text("Unknown ids: 1").click()
    expect(page.get_by_text("<img", exact=True)).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_be_visible()
    expect(page.get_by_text("95% interval:").first).to_be_visible()
    expect(page.locator("h2", has_text="The list (n = 40 users)")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert re.fullmatch(r"beha2vec_lookalikes_40_users_\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename)
    rows = list(csv.DictReader(download.value.path().open()))
    assert len(rows) == 40 and {row["user_key"].split("-")[0] for row in rows} == {"g1"}
    with page.expect_download() as download:
        page.get_by_role("button", name="Customer Match").click()
    header, *ids = download.value.path().read_text().splitlines()
    assert header == "User ID" and 0 < len(ids) < 40, "those who did not consent to ads are left out"
    turn_to(page, "Chat")
    turn_to(page, "Look-alikes")  # whoever comes back has their ids still; a file is to be given again
    expect(page.get_by_text("1 seed user")).to_be_visible()


@pytest.mark.slow
def test_a_page_is_corrected_by_keyboard(page: Page, address: str) -> None:
    go(page, address, "Pages")
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    assert page.locator(".b2v-text script, .b2v-text img, .b2v-text iframe").count() == 0
    grid = page.locator(".dvn-scroller")
    grid.click(position={"x": 60, "y": 55})
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_text("footwear", exact=True)).to_be_visible()
    page.keyboard.type("foot")
    page.keyboard.press("Enter")
    page.wait_for_timeout(1_000)  # Streamlit takes an edit over a moment after it is made
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("It applies from the next run")).to_be_visible()
    expect(page.get_by_role("cell", name="footwear", exact=True)).to_be_visible()  # beside the cell of the grid


def test_an_answer_comes_as_it_is_written_and_is_text(page: Page, address: str, slow_model: SlowModel) -> None:
    go(page, address, "Chat")
    expect(page.get_by_text("slow at 127.0.0.1 answers")).to_be_visible()
    page.get_by_test_id("stChatInputTextArea").fill(f"Who are they? {HOSTILE}")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stChatMessage").nth(1)).to_contain_text(f"{HOSTILE}. ")
    expect(page.get_by_text("The end.")).to_have_count(0)  # it is not written yet
    slow_model.go_on.set()
    expect(page.get_by_test_id("stChatMessage").nth(1)).to_contain_text("The end.")
    settle(page)
    expect(page.get_by_text("No source in your data")).to_be_visible()
    assert page.locator("a[href^='javascript'], [data-testid=stChatMessage] .b2v-text img").count() == 0


@pytest.mark.slow
def test_the_model(page: Page, address: str) -> None:
    go(page, address, "Model")
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    expect(page.get_by_text("Predicts the next page")).to_be_visible()


@pytest.mark.slow
def test_the_report_is_drawn_without_any_network(browser: Browser, serving: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    write_report(Published(serving), report, ZoneInfo("Europe/Berlin"))
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 844})
    page, messages = context.new_page(), []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: messages.append(request.url) if request.url != report.as_uri() else None)
    page.goto(report.as_uri())
    expect(page.locator("[data-figure].js-plotly-plot")).to_have_count(
        page.locator("[data-figure]").count(), timeout=30_000
    )
    expect(page.locator("h2", has_text="<script>document.title='HACKED'</script>")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert messages == [] and "HACKED" not in page.title()
    context.close()
