"""The page fetcher against a real local web site: what a page gives, and what it may take."""

from __future__ import annotations

import gzip
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pandas as pd
import pytest

from beha2vec_core.pages.fetch import (
    PageFetcher,
    Status,
    add_page_text,
    count_reasons,
    hosts_in,
)
from beha2vec_core.settings import Settings
from tests.pages.fetch_world import IMPATIENT, NO_ROBOTS, QUICK, Fetch, outcome
from tests.pages.page_server import PROSE, Route, WebSite, answer, html, in_turn

# what comes back


def test_a_page_gives_its_title_and_main_text(site: WebSite, fetch: Fetch) -> None:
    script = "<script>document.title = 'hacked'</script><style>p {}</style>"
    site.routes["/ridge 40l".replace(" ", "%20")] = answer(html("Ridge &amp; Co \u202e\x07", head=script))
    before = datetime.now(UTC)
    (page,) = fetch("/ridge 40l")
    assert outcome(page) == ("ok", "")
    assert page.title == "Ridge & Co"
    assert PROSE.strip() in page.page_text
    assert "hacked" not in page.page_text
    assert "Home | Shop" not in page.page_text
    assert page.fetched_at is not None
    assert before <= page.fetched_at <= datetime.now(UTC)
    asked = site.asked[-1]
    assert asked.headers["User-Agent"] == "test-bot/1.0 (+https://shop.example)"
    assert not {"Cookie", "Authorization", "Referer"} & set(asked.headers)


def test_text_is_cut_and_holds_no_addresses_or_long_numbers(site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = answer(html(text=f"Write to jane.doe@example.com or call 004915112345678. {PROSE * 60}"))
    (page,) = fetch("/")
    assert page.page_text.startswith("Ridge 40L Write to or call The Ridge")
    assert 3900 < len(page.page_text) <= 4000


def test_the_query_of_a_page_key_is_never_sent(site: WebSite, fetch: Fetch) -> None:
    site.routes["/a"] = answer(html())
    fetch("/a?email=jane@example.com", "/odd#name%3Fx")
    assert site.paths == ["/a", "/odd%23name%253Fx"]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("screen:Home", "an app screen has no web address"),
        ("127.0.0.1/u/[redacted]/orders", "part of the address was removed for privacy"),
        ("elsewhere.example/", "the host is not on the allow-list"),
        ("", "the host is not on the allow-list"),
        ("me:secret@127.0.0.1/", "the host is not on the allow-list"),
        ("127.0.0.1:1/", "the host is not on the allow-list"),
        ("127.0.0.1\\@elsewhere.example/", "the host is not on the allow-list"),
        ("2130706433/", "the host is not on the allow-list"),
    ],
)
def test_what_is_no_page_of_ours_is_refused_unasked(key: str, reason: str, site: WebSite, fetch: Fetch) -> None:
    (page,) = fetch(key)
    assert outcome(page) == ("refused", reason)
    assert page.fetched_at is None
    assert site.asked == []


@pytest.mark.parametrize("content_type", ["application/pdf", "image/png", "text/plain", "application/json", "", None])
def test_only_html_is_read(content_type: str | None, site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = answer(html(), content_type=content_type)
    assert outcome(fetch("/")[0]) == ("failed", "the page is not HTML")


def test_xhtml_is_read(site: WebSite, fetch: Fetch) -> None:
    text = '<?xml version="1.0" encoding="iso-8859-1"?>' + html("Größe")
    site.routes["/"] = answer(text.encode("iso-8859-1"), content_type="application/xhtml+xml; charset=iso-8859-1")
    assert fetch("/")[0].title == "Größe"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (html("Größen für Mützen").encode("utf-8"), "text/html"),
        (html("Größen für Mützen").encode("utf-8"), "text/html; charset=iso-8859-1"),
        (html("Größen für Mützen").encode("utf-8"), "text/html; charset=made-up"),
        (html("Größen für Mützen").encode("cp1252"), "text/html; charset=utf-8"),
        (html("Größen für Mützen").encode("cp1252"), "text/html"),
        (html("Größen für Mützen").encode("cp1252"), "text/html; charset=utf-7"),
        (html("Größen für Mützen").encode("cp1252"), "text/html; charset=zlib"),
        (html("Größen für Mützen").encode("utf-16"), "text/html"),
        (html("Größen für Mützen").encode("utf-16-le"), "text/html; charset=utf-16le"),
        (html("Größen für Mützen").encode("utf-8-sig"), "text/html; charset=shift_jis"),
        (html("Größen für Mützen", head="<meta charset=cp437>").encode("cp1252"), "text/html"),
        (html("帽子とバッグ", head="<meta charset='shift_jis'>").encode("shift_jis"), "text/html; charset=utf-8"),
        (html("帽子とバッグ").encode("iso-2022-jp"), "text/html; charset=iso-2022-jp"),
        (
            html("Шапки", head='<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">').encode(
                "cp1251"
            ),
            "text/html",
        ),
        (html("Шапки").encode("koi8-r"), 'text/html; charset="KOI8-R"'),
    ],
)
def test_charsets_even_wrong_ones(body: bytes, content_type: str, site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = answer(body, content_type=content_type)
    assert fetch("/")[0].title in ("Größen für Mützen", "帽子とバッグ", "Шапки")


@pytest.mark.parametrize("body", [b"", b"\x00" * 500, b"<" * 5000, b"<!-- " * 900, b"\xff\xfe", b"plain words only"])
def test_hardly_a_page(body: bytes, site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = answer(body)
    (page,) = fetch("/")
    assert page.status in (Status.OK, Status.FAILED)
    assert page.title == ""


def test_pages_that_lead_a_parser_on_take_no_long_time(site: WebSite, fetch: Fetch) -> None:
    """Such pages of 2 MB took a minute and more: parsers' time grows with the square of some of them."""
    site.routes |= {
        "/deep": answer("<div>" * 300_000 + "<table><tr><td>" * 20_000),
        "/attributes": answer(f"<p {' '.join(f'a{n}=1' for n in range(200_000))}>"),
        "/scripts": answer("<script>" * 200_000),
        "/long": answer(f"<title>Long</title><script>{'x' * 1_500_000}</script><p>{PROSE}</p>"),
    }
    start = time.monotonic()
    pages = fetch(*site.routes, limits=replace(QUICK, max_bytes=2_000_000, request_seconds=5))
    assert {page.status for page in pages} <= {Status.OK, Status.FAILED}
    assert time.monotonic() - start < 120
    assert PROSE.strip() in pages[-1].page_text


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 410])
def test_other_answers_are_reported_and_not_asked_again(status: int, site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = answer(b"" if status in (204, 304) else html(), status)
    assert outcome(fetch("/")[0]) == ("failed", f"HTTP {status}")
    assert site.paths == ["/"]


# bounds


def test_a_large_page_is_left_while_it_is_read(site: WebSite, fetch: Fetch) -> None:
    sent = 0

    def endless(request: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        request.send_response(200)
        request.send_header("Content-Type", "text/html")
        request.end_headers()
        while not site.released.is_set():
            request.wfile.write(b"<p>more</p>" * 1000)
            sent += 11_000

    site.routes["/"] = endless
    assert outcome(fetch("/")[0]) == ("failed", "the page is too large")
    assert sent < 20_000_000  # the kernel's buffers take some


def test_a_gzip_bomb_is_left_at_the_bound(site: WebSite, fetch: Fetch) -> None:
    import tracemalloc

    bomb = gzip.compress(b"<p>" + b" " * 60_000_000)
    assert len(bomb) < 100_000
    site.routes["/"] = answer(bomb, Content_Encoding="gzip")
    site.routes["/twice"] = answer(gzip.compress(bomb), Content_Encoding="gzip, gzip")
    fetch("/warm")
    tracemalloc.start()
    try:
        pages = fetch("/", "/twice")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome(pages[0]) == ("failed", "the page is too large")
    assert outcome(pages[1]) == ("failed", "the page is packed in a way that was not asked for")
    assert peak < 10_000_000


def test_packed_pages(site: WebSite, fetch: Fetch) -> None:
    whole = gzip.compress(html().encode())
    site.routes |= {
        "/gzip": answer(whole, Content_Encoding="gzip"),
        "/cut": answer(whole[:-20], Content_Encoding="gzip"),
        "/broken": answer(b"this is no gzip", Content_Encoding="gzip"),
        "/br": answer(b"\x0b\x02\x80", Content_Encoding="br"),
        "/deflate": answer(zlib.compress(html().encode()), Content_Encoding="deflate"),
    }
    pages = fetch("/gzip", "/cut", "/broken", "/br", "/deflate")
    assert pages[0].title == "Ridge 40L"
    assert [outcome(page) for page in pages[1:3]] == [("failed", "the page is packed wrongly")] * 2
    assert {outcome(page) for page in pages[3:]} == {("failed", "the page is packed in a way that was not asked for")}


def drip(piece: bytes, site: WebSite, headers: bool) -> Route:
    def route(request: BaseHTTPRequestHandler) -> None:
        if headers:
            request.send_response(200)
            request.send_header("Content-Type", "text/html")
            request.end_headers()
        else:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not site.released.wait(0.05):
            request.wfile.write(piece)

    return route


@pytest.mark.parametrize("headers", [True, False])
def test_a_dripping_answer_gains_no_time(headers: bool, site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = drip(b"x", site, headers)
    start = time.monotonic()
    assert outcome(fetch("/", limits=replace(IMPATIENT, attempts=1))[0]) == (
        "unreachable",
        "the site did not answer in time",
    )
    assert time.monotonic() - start > 0.7  # and not for ever


def test_a_silent_answer(site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = lambda request: site.released.wait()
    assert fetch("/", limits=replace(IMPATIENT, attempts=2))[0].reason == "the site did not answer in time"
    assert site.paths == ["/", "/"]


def test_a_broken_off_answer_is_tried_again(site: WebSite, fetch: Fetch) -> None:
    broken = answer(html()[:100], Content_Length="5000")
    site.routes["/"] = in_turn(broken, answer(html()))
    assert fetch("/")[0].status == Status.OK
    assert site.paths == ["/", "/"]


def test_a_run_is_bounded_and_the_next_goes_on(site: WebSite, fetch: Fetch) -> None:
    site.routes |= {f"/{n}": answer(html(f"Page {n}")) for n in range(5)}
    keys = [f"/{n}" for n in range(5)]
    limits = replace(QUICK, max_pages=2)
    assert count_reasons(fetch(*keys, limits=limits)) == {
        "skipped: left for the next run: this one is full": 3,
        "ok": 2,
    }
    assert count_reasons(fetch(*keys, limits=limits)) == {
        "ok (cached)": 2,
        "ok": 2,
        "skipped: left for the next run: this one is full": 1,
    }
    assert site.paths == ["/0", "/1", "/2", "/3"]
    assert fetch("/4", limits=replace(QUICK, run_seconds=0))[0].status == Status.SKIPPED


# the frame


def test_pages_get_their_text(site: WebSite, tmp_path: Path) -> None:
    site.routes["/a"] = answer(html())
    pages = pd.DataFrame(
        [("127.0.0.1/a", "127.0.0.1", 5), ("127.0.0.1/a", "127.0.0.1", 2), ("screen:Home", None, 9)],
        columns=["page_key", "hostname", "page_views"],
    )
    # the settings have no way to allow a local address
    settings = Settings(fetch_pages=True, fetch_hosts=[site.origin()], data_dir=tmp_path)
    enriched, counts = add_page_text(pages, settings, progress=False)
    assert enriched["page_text"].tolist() == [""] * 3
    assert counts == {
        "refused: an app screen has no web address": 1,
        f"refused: {NO_ROBOTS} (the host has a private or reserved address)": 1,
    }
    assert site.asked == []


def test_hosts_of_the_data_are_those_with_views() -> None:
    views = {"shop.example": 900, "blog.shop.example": 90, "spam.example": 5, "not a host": 100, None: 50}
    pages = pd.DataFrame({"hostname": list(views), "page_views": list(views.values())})
    assert sorted(hosts_in(pages)) == ["blog.shop.example", "shop.example"]
    assert hosts_in(pages[:0]) == []


@pytest.mark.parametrize("entry", ["", "http://", "ftp://a.example", "a.example/path", "https://u:p@a.example", "a b"])
def test_an_entry_that_is_no_host_is_reported(entry: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"write a host like shop\.example"):
        PageFetcher([entry], tmp_path, user_agent="test-bot")


def test_settings_of_the_fetcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert not Settings.load().fetch.pages
    monkeypatch.setenv("BEHA2VEC_FETCH_HOSTS", " shop.example, http://old.example:8080,")
    assert Settings.load().fetch.hosts == ["shop.example", "http://old.example:8080"]
    monkeypatch.setenv("BEHA2VEC_FETCH_USER_AGENT", "bot\n/1")
    with pytest.raises(ValueError, match="one line of plain characters"):
        Settings.load()
