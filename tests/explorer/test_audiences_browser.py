"""From a cluster, or a group drawn on the map, to a saved audience, a plan, hits at a local GA4, and the ledger."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Page, expect

from beha2vec_core.activation.ledger import sent
from beha2vec_core.activation.run import Options, plan_and_send
from beha2vec_core.audiences.file import Audience, find_audience, load_audiences
from beha2vec_core.audiences.members import write_members
from beha2vec_core.settings import Settings
from tests.activation.activation_world import ga4
from tests.activation.services import served
from tests.explorer import looks
from tests.explorer.browsing import choose, draw, drawn, free_port, go, settle, square_around
from tests.explorer.explorer_world import CENTERS, LAST, SIZES, serve
from tests.explorer.test_browser import pytestmark  # noqa: F401

FILE = "# reviewed on Mondays\n- name: readers\n  description: <script>x</script>\n  rule: cluster = 0\n"
DESTINATIONS = "- {name: web, type: ga4, measurement_id: G-ABC1234}\n"


@pytest.fixture(scope="module")
def folder(more_serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audiences_project")
    (folder / "data").mkdir()
    path = folder / "data" / "serving.duckdb"
    shutil.copy(more_serving, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """update ga4.dim_ga4__users set last_seen_at = now()::timestamp,
                user_pseudo_id = '1000' || (hash(user_key) % 100000000)::varchar || '.1767818244';
            create or replace table ga4.int_ga4__identity_map as select user_key as client_key, user_key, property_id,
                user_pseudo_id, user_id, last_seen_at::date as last_seen,
                last_seen_at::date as first_seen from ga4.dim_ga4__users"""
        ).fetchall()
    (folder / "audiences.yml").write_text(FILE)
    (folder / "destinations.yml").write_text(DESTINATIONS)
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with serve(folder, free_port()) as address:
        yield address


def _night(folder: Path, audiences: list[Audience]) -> None:
    """The nightly run writes the members, and publishes."""
    path, new = folder / "data" / "serving.duckdb", folder / "data" / "new.duckdb"
    shutil.copy(path, new)
    with duckdb.connect(str(new)) as connection:
        assert write_members(connection, audiences, LAST, b"k" * 32)[1] == []
        connection.execute(
            """create or replace table beha2vec.audience_members_current as from beha2vec.audience_members
            where state <> 'left'"""
        ).fetchall()
    new.replace(path)


@pytest.mark.slow
def test_from_a_cluster_to_the_ledger(page: Page, address: str, folder: Path) -> None:
    page.goto(f"{address}/clusters?cluster=2")
    settle(page)
    page.get_by_role("button", name="Make it an audience").first.click()
    expect(page.locator("h1")).to_have_text("Audiences")
    expect(page.get_by_label("Rule: who is in it")).to_have_value("cluster = 2")
    expect(page.get_by_text("Give it a name to save it.")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("support_seekers")
    page.keyboard.press("Tab")
    choose(page, "Purpose", re.compile("^ads"))
    expect(page.locator("td", has_text=re.compile("^no consent for ads$"))).to_be_visible()
    page.get_by_role("button", name="Save to audiences.yml").click()
    expect(page.get_by_text(re.compile("^Saved."))).to_be_visible()
    assert (folder / "audiences.yml").read_text() == (
        f"{FILE}- name: support_seekers\n  rule: cluster = 2\n  purpose: ads\n"
    )

    audiences = load_audiences(folder / "audiences.yml")
    audience = find_audience(audiences, "support_seekers")
    _night(folder, audiences)
    page.reload()
    settle(page)
    row = page.locator("tr", has=page.locator("td", has_text="support_seekers (ads)")).first
    expect(row.locator("td").nth(1)).to_have_text(str(SIZES[2]))
    assert page.locator(".b2v-text script").count() == 0
    contacted = int(row.locator("td").nth(6).inner_text())
    assert 0 < contacted < SIZES[2], "some did not consent"

    choose(page, "Audience", re.compile("^support_seekers"))
    page.get_by_role("button", name="Show the plan").click()
    planned = page.locator("tr", has=page.locator("td", has_text=re.compile("^to add$")))
    expect(planned.locator("td").last).to_have_text(str(contacted))
    expect(page.get_by_text("beha2vec activate support_seekers --to web --stale --send")).to_be_visible()
    settings = Settings(data_dir=str(folder / "data"))
    assert sent(settings.storage.ledger_path) == [], "a plan is only shown"

    @contextmanager
    def connect(_: str) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(str(folder / "data" / "serving.duckdb"), read_only=True) as connection:
            yield connection

    with served() as service:
        # the shop's days are in the past
        destination, options = ga4(service.address, name="web"), Options(stale=True)
        _, report = plan_and_send(settings, audience, destination, options, connect=connect)
        hits = sorted(request.body["client_id"] for request in service.taken)
    with connect("") as connection:
        expected = connection.execute(
            """select user_pseudo_id from beha2vec.audience_members_current join ga4.dim_ga4__users using (user_key)
            where audience = 'support_seekers' and step is null order by 1"""
        ).fetchall()
    assert report.is_complete and hits == [client for (client,) in expected] and len(hits) == contacted

    page.reload()
    settle(page)
    expect(page.locator("td", has_text=re.compile(f"^{contacted} to add: accepted$"))).to_be_visible()
    expect(page.locator("td", has_text=f"{SIZES[2] - contacted} no consent")).to_be_visible()
    choose(page, "Audience", re.compile("^support_seekers"))
    page.get_by_role("button", name="Show the plan").click()
    unchanged = page.locator("tr", has=page.locator("td", has_text=re.compile("^unchanged$")))
    expect(unchanged.locator("td").last).to_have_text(str(contacted))
    drawn(page)
    assert not any(found := {check.__name__: check(page) for check in looks.CHECKS}.values()), found


@pytest.mark.slow
def test_a_group_drawn_on_the_map_becomes_an_audience(page: Page, address: str) -> None:
    go(page, address, "Map")
    draw(page, square_around(page, *CENTERS[0], radius=3.9))
    expect(page.get_by_text(f"{SIZES[0]} users, 43% of all on the map")).to_be_visible()
    page.get_by_role("button", name="Make it an audience").click()
    expect(page.get_by_label("Rule: who is in it")).to_have_value(re.compile(r"^on_map\('c1', '-?[\d.]+ "))
    first = page.locator("tr", has=page.locator("td", has_text=re.compile("^members by the rule$")))
    expect(first.locator("td").last).to_have_text(str(SIZES[0]))
