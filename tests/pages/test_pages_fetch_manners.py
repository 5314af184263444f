"""The page fetcher's manners: robots.txt, pauses, tries and the cache, against a real local web site."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from beha2vec_core.pages.fetch import (
    Status,
    count_reasons,
)
from tests.pages.fetch_world import NO_ROBOTS, QUICK, Fetch, outcome
from tests.pages.page_server import Route, WebSite, answer, html, in_turn, redirect

# robots.txt


def robots(text: str) -> Route:
    return answer(text, content_type="text/plain")


def test_robots_txt_is_obeyed(site: WebSite, fetch: Fetch) -> None:
    site.routes |= {
        "/robots.txt": robots("User-agent: *\nDisallow: /\n\nUser-agent: test-bot\nDisallow: /cart\nDisallow: /*.old$"),
        "/": answer(html()),
        "/hop": redirect("/cart/1"),
    }
    pages = fetch("/", "/cart/1", "/x.old", "/hop")
    assert pages[0].status == Status.OK
    assert [outcome(page) for page in pages[1:]] == [("refused", "robots.txt forbids it")] * 3
    assert site.paths == ["/", "/hop"]
    assert [asked.path for asked in site.asked].count("/robots.txt") == 1


def test_robots_txt_without_a_word_for_us_counts_its_star(site: WebSite, fetch: Fetch) -> None:
    site.routes |= {"/robots.txt": robots("User-agent: *\nDisallow: /"), "/": answer(html())}
    assert outcome(fetch("/")[0]) == ("refused", "robots.txt forbids it")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_no_robots_txt_allows(status: int, site: WebSite, fetch: Fetch) -> None:
    site.routes |= {"/robots.txt": answer(b"Disallow: /", status), "/": answer(html())}
    assert fetch("/")[0].status == Status.OK


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_robots_txt_that_cannot_be_had_forbids(status: int, site: WebSite, fetch: Fetch) -> None:
    site.routes |= {"/robots.txt": answer(b"", status), "/": answer(html())}
    reason = f"{NO_ROBOTS} (HTTP {status})"
    assert [outcome(page) for page in fetch("/", "/b")] == [("unreachable", reason)] * 2
    assert [asked.path for asked in site.asked] == ["/robots.txt"] * QUICK.attempts


def test_robots_txt_is_followed_within_the_list_only(site: WebSite, fetch: Fetch) -> None:
    site.routes |= {
        "/robots.txt": in_turn(redirect("/real-robots.txt"), redirect("http://127.0.0.2/robots.txt")),
        "/real-robots.txt": robots("User-agent: *\nDisallow: /b"),
        "/": answer(html()),
    }
    assert [page.status for page in fetch("/", "/b")] == [Status.OK, Status.REFUSED]
    assert outcome(fetch("/c", limits=replace(QUICK, keep_robots=timedelta(0)))[0]) == (
        "refused",
        f"{NO_ROBOTS} (redirected to a host that is not on the allow-list)",
    )


def test_of_a_huge_robots_txt_the_start_counts(site: WebSite, fetch: Fetch) -> None:
    filler = "# more\n" * 200_000
    site.routes |= {"/robots.txt": robots(f"User-agent: *\nDisallow: /b\n{filler}Disallow: /"), "/": answer(html())}
    assert [page.status for page in fetch("/", "/b")] == [Status.OK, Status.REFUSED]


def test_crawl_delay_keeps_requests_apart(site: WebSite, fetch: Fetch) -> None:
    site.routes["/robots.txt"] = robots("User-agent: *\nCrawl-delay: 0.3")
    begun = time.monotonic()
    fetch("/a", "/b", "/c")
    assert site.paths == ["/a", "/b", "/c"]
    assert time.monotonic() - begun > 2 * 0.3


@pytest.mark.parametrize(
    ("delay", "expected"),
    [
        ("3600", ("refused", "robots.txt wants longer pauses than we make")),
        ("1e9", ("refused", "robots.txt wants longer pauses than we make")),
        ("inf", ("ok", "")),  # no number, so no wish
        ("nan", ("ok", "")),
        ("-5", ("ok", "")),
    ],
)
def test_a_crawl_delay_beyond_our_patience(delay: str, expected: tuple[str, str], site: WebSite, fetch: Fetch) -> None:
    site.routes |= {"/robots.txt": robots(f"User-agent: *\nCrawl-delay: {delay}"), "/": answer(html())}
    assert outcome(fetch("/")[0]) == expected


def test_our_own_pause_between_requests(site: WebSite, fetch: Fetch) -> None:
    # timed here, not where the site answers: a busy machine delays that by any time
    begun = time.monotonic()
    fetch("/a", "/b", limits=replace(QUICK, seconds_between=0.2))
    assert [asked.path for asked in site.asked] == ["/robots.txt", "/a", "/b"]
    assert time.monotonic() - begun > 2 * 0.2


# trying again


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_passing_failures_are_tried_again(status: int, site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = in_turn(answer(b"", status), answer(b"", status), answer(html()))
    assert fetch("/")[0].status == Status.OK
    assert site.paths == ["/"] * 3


def test_lasting_failures_are_reported(site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = answer(b"", 503)
    assert outcome(fetch("/")[0]) == ("unreachable", "HTTP 503")
    assert site.paths == ["/"] * QUICK.attempts


def test_retry_after_is_waited_for(site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = in_turn(answer(b"", 429, Retry_After="1"), answer(html()))
    assert fetch("/")[0].status == Status.OK
    first, second = (asked.at for asked in site.asked if asked.path == "/")
    assert second - first > 0.95


def test_retry_after_as_a_date_that_is_past(site: WebSite, fetch: Fetch) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    site.routes["/"] = in_turn(answer(b"", 503, Retry_After=past), answer(html()))
    assert fetch("/")[0].status == Status.OK


@pytest.mark.parametrize("hours", ["3600", "date", "9" * 30])
def test_a_retry_after_beyond_our_patience_ends_the_host(hours: str, site: WebSite, fetch: Fetch) -> None:
    value = format_datetime(datetime.now(UTC) + timedelta(hours=5), usegmt=True) if hours == "date" else hours
    site.routes["/"] = answer(b"", 429, Retry_After=value)
    pages = fetch("/", "/b")
    assert outcome(pages[0]) == ("unreachable", "the site asks for a longer wait than we make")
    assert outcome(pages[1]) == ("skipped", "the host failed too often in this run")
    assert site.paths == ["/"]


def test_a_host_that_keeps_failing_is_left_alone(site: WebSite, fetch: Fetch) -> None:
    site.routes |= {f"/{n}": answer(b"", 500) for n in range(6)}
    pages = fetch(*site.routes, limits=replace(QUICK, attempts=1, max_host_failures=3))
    assert count_reasons(pages) == {"unreachable: HTTP 500": 3, "skipped: the host failed too often in this run": 3}
    assert site.paths == ["/0", "/1", "/2"]


# the cache


def test_a_cached_page_asks_nothing(site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = answer(html())
    (first,) = fetch("/", "/")
    asked = len(site.asked)
    (second,) = fetch("/")
    assert len(site.asked) == asked
    assert second == replace(first, from_cache=True)


def test_failures_are_cached_too(site: WebSite, fetch: Fetch) -> None:
    site.routes |= {"/away": redirect("http://elsewhere.example/"), "/down": answer(b"", 500)}
    first = fetch("/gone", "/away", "/down")
    asked = len(site.asked)
    assert fetch("/gone", "/away", "/down") == [replace(page, from_cache=True) for page in first]
    assert len(site.asked) == asked
    fetch("/gone", limits=replace(QUICK, keep_failures=timedelta(0)))
    assert site.paths[-1] == "/gone"


def test_an_expired_page_is_asked_again(site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = in_turn(answer(html("Old")), answer(html("New")))
    assert fetch("/")[0].title == "Old"
    expired = replace(QUICK, keep=timedelta(seconds=0.01))
    time.sleep(0.02)
    assert fetch("/", limits=expired)[0].title == "New"
    assert site.paths == ["/", "/"]


def test_an_old_text_stays_while_the_site_is_down_and_goes_with_the_page(site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = in_turn(answer(html()), *[answer(b"", 503)] * QUICK.attempts, answer(b"", 404))
    fetch("/")
    expired = replace(QUICK, keep=timedelta(seconds=0.01), keep_failures=timedelta(days=1))
    time.sleep(0.02)
    (kept,) = fetch("/", limits=expired)
    assert (kept.status, kept.title, kept.from_cache) == (Status.OK, "Ridge 40L", True)
    assert outcome(fetch("/", limits=expired)[0]) == ("failed", "HTTP 404")


def test_a_damaged_cache_is_as_good_as_none(site: WebSite, fetch: Fetch, tmp_path: Path) -> None:
    site.routes["/"] = answer(html())
    fetch("/")
    files = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert len(files) == 2  # the page and robots.txt
    assert all(file.suffix == ".json" and json.loads(file.read_text()) for file in files)
    for content in ("", "{", "[]", "null", '{"key": 1}', "\x00"):
        for file in files:
            file.write_text(content)
        assert fetch("/")[0].status == Status.OK
    assert site.paths == ["/"] * 7


def test_forgotten_records_are_deleted(site: WebSite, fetch: Fetch, tmp_path: Path) -> None:
    import os

    fetch("/a")
    for file in (tmp_path / "cache").glob("*/*"):
        os.utime(file, (0, 0))
    fetch("/b")
    kept = [json.loads(file.read_text())["key"] for file in (tmp_path / "cache").glob("*/*")]
    assert kept == [f"{site.origin()}/b"]
