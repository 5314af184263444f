"""The page fetcher against a real local web site that redirects, drips, swells and lies."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from page_server import PROSE, Route, WebSite, answer, html, in_turn, redirect, serve

from beha2vec_core.pages.fetch import (
    FetchedPage,
    FetchLimits,
    PageFetcher,
    Status,
    add_page_text,
    count_reasons,
    hosts_in,
)
from beha2vec_core.pages.fetching.addresses import system_resolver
from beha2vec_core.settings import Settings

QUICK = FetchLimits(
    request_seconds=0.8,
    idle_seconds=0.4,
    max_bytes=200_000,
    backoff_seconds=0.01,
    max_wait_seconds=2,
    seconds_between=0,
)
NO_ROBOTS = "robots.txt could not be read"
LOCAL = "127.0.0.1/32"


@pytest.fixture
def site() -> Iterator[WebSite]:
    with serve(WebSite()) as site:
        yield site


Fetch = Callable[..., list[FetchedPage]]


@pytest.fixture
def fetch(site: WebSite, tmp_path: Path) -> Fetch:
    """Fetch paths (or whole page keys) of the site; its one address is the only one allowed besides public ones."""

    def run(*paths: str, hosts: tuple[str, ...] = (), limits: FetchLimits = QUICK, **more: Any) -> list[FetchedPage]:
        fetcher = PageFetcher(
            [site.origin(), *hosts],
            tmp_path / "cache",
            **{"user_agent": "test-bot/1.0 (+https://shop.example)", "allowed_networks": [LOCAL], **more},
            limits=limits,
            progress=False,
        )
        return fetcher.fetch(f"127.0.0.1{path}" if path.startswith("/") else path for path in paths)

    return run


def outcome(page: FetchedPage) -> tuple[str, str]:
    return page.status.value, page.reason


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
    assert outcome(fetch("/")[0]) == ("failed", "the page is no HTML")


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
    assert time.monotonic() - start < 30
    assert PROSE.strip() in pages[-1].page_text


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 410])
def test_other_answers_are_told_and_not_asked_again(status: int, site: WebSite, fetch: Fetch) -> None:
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
    assert outcome(fetch("/", limits=replace(QUICK, attempts=1))[0]) == (
        "unreachable",
        "the site did not answer in time",
    )
    assert time.monotonic() - start > 0.7  # and not for ever


def test_a_silent_answer(site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = lambda request: site.released.wait()
    assert fetch("/", limits=replace(QUICK, attempts=2))[0].reason == "the site did not answer in time"
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


# redirects and addresses


def test_redirects_within_the_list_are_followed(site: WebSite, fetch: Fetch) -> None:
    site.routes |= {
        "/old": redirect("/older", 301),
        "/older": redirect(f"{site.origin()}/new?ref=1#top", 308),
        "/new?ref=1": answer(html()),
    }
    assert fetch("/old")[0].status == Status.OK
    assert site.paths == ["/old", "/older", "/new?ref=1"]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://elsewhere.example/", "redirected to a host that is not on the allow-list"),
        ("//elsewhere.example/", "redirected to a host that is not on the allow-list"),
        ("http://127.0.0.2:{port}/", "redirected to a host that is not on the allow-list"),
        ("http://localhost:{port}/", "redirected to a host that is not on the allow-list"),
        ("http://[::1]:{port}/", "redirected to a host that is not on the allow-list"),
        ("http://2130706433:{port}/", "redirected to a host that is not on the allow-list"),
        ("http://127.1:{port}/", "redirected to a host that is not on the allow-list"),
        ("http://169.254.169.254/latest/meta-data/", "redirected to a host that is not on the allow-list"),
        ("http://me:secret@127.0.0.1:{port}/", "redirected to an address with credentials"),
        ("http://127.0.0.1:6379/", "redirected to a port that is not allowed"),
        ("file:///etc/passwd", "redirected to something that is not http or https"),
        ("javascript:alert(1)", "redirected to something that is not http or https"),
        ("ftp://127.0.0.1/", "redirected to something that is not http or https"),
    ],
)
def test_redirects_off_the_list_are_refused(location: str, reason: str, site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = redirect(location.format(port=site.port))
    assert outcome(fetch("/")[0]) == ("refused", reason)
    assert site.paths == ["/"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.2", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "[fe80::1]"],
)
def test_other_inner_addresses_are_refused_even_when_listed(host: str, site: WebSite, fetch: Fetch) -> None:
    site.routes |= {"/": redirect(f"http://{host}:{site.port}/secret"), "/secret": answer(html("secret"))}

    # localhost is the allowed address here and ::1 on other machines: this test has it be both
    def resolve(name: str, port: int) -> list[str]:
        return ["127.0.0.1", "::1"] if name == "localhost" else system_resolver(name, port)

    (page,) = fetch(
        "/",
        hosts=(f"http://{host}:{site.port}",),
        resolve=resolve,
    )
    assert outcome(page) == ("refused", f"{NO_ROBOTS} (the host has a private or reserved address)")
    assert site.paths == ["/"]
    assert all(asked.host == f"127.0.0.1:{site.port}" for asked in site.asked)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "127.0.0.1"])
def test_number_forms_of_an_inner_address_are_refused(host: str, site: WebSite, fetch: Fetch) -> None:
    (page,) = fetch(f"{host}/secret", hosts=(f"http://{host}:{site.port}",), allowed_networks=())
    assert page.status == Status.REFUSED
    assert site.asked == []


def test_redirect_loops_end(site: WebSite, fetch: Fetch) -> None:
    site.routes |= {"/a": redirect("/b"), "/b": redirect("/a"), "/self": redirect("/self")}
    pages = fetch("/a", "/self", limits=replace(QUICK, max_redirects=3))
    assert [outcome(page) for page in pages] == [("failed", "too many redirects")] * 2
    assert site.paths == ["/a", "/b", "/a", "/b", *["/self"] * 4]


def test_a_location_that_is_no_address(site: WebSite, fetch: Fetch) -> None:
    site.routes |= {
        "/a": redirect("http://[::1"),
        "/b": redirect("http://a.example:99999999/"),
        "/c": redirect("http://0177.0.0.1/"),
    }
    assert {page.status for page in fetch("/a", "/b")} <= {Status.FAILED, Status.REFUSED}
    assert outcome(fetch("/c")[0]) == ("failed", "redirected to an address that is not valid")
    assert site.paths == ["/a", "/b", "/c"]


def test_a_name_that_moves_inside_is_refused(site: WebSite, fetch: Fetch) -> None:
    """DNS rebinding: the name leads to the allowed address first, and to another one of this machine then."""
    answers = iter(["127.0.0.1", "127.0.0.2"])
    with serve(WebSite({"/": answer(html("inside"))}), address=("127.0.0.2", site.port)) as inside:
        (page,) = fetch(
            "rebind.test/", hosts=(f"http://rebind.test:{site.port}",), resolve=lambda host, port: [next(answers)]
        )
    assert outcome(page) == ("refused", "the host has a private or reserved address")
    assert [asked.path for asked in site.asked] == ["/robots.txt"]
    assert inside.asked == []


def test_a_name_with_one_inner_address_among_others_is_refused(site: WebSite, fetch: Fetch) -> None:
    (page,) = fetch("two.test/", hosts=(f"http://two.test:{site.port}",), resolve=lambda *_: ["127.0.0.1", "10.0.0.1"])
    assert outcome(page) == ("refused", f"{NO_ROBOTS} (the host has a private or reserved address)")
    assert site.asked == []


def test_each_connection_looks_up_once_and_keeps_the_name(site: WebSite, fetch: Fetch) -> None:
    looked_up: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    site.routes |= {"/": redirect("/b"), "/b": answer(html())}
    (page,) = fetch("shop.test/", hosts=(f"http://shop.test:{site.port}",), resolve=resolve)
    assert page.status == Status.OK
    assert [asked.host for asked in site.asked] == [f"shop.test:{site.port}"] * 3
    assert looked_up == ["shop.test"] * 3  # robots.txt and two requests


def test_a_name_without_address(site: WebSite, fetch: Fetch) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    (page,) = fetch("gone.test/", hosts=("gone.test",), resolve=resolve)
    assert outcome(page) == ("unreachable", f"{NO_ROBOTS} (the host name has no address)")


def test_www_makes_no_difference(site: WebSite, fetch: Fetch) -> None:
    site.routes |= {"/": redirect(f"http://www.shop.test:{site.port}/home"), "/home": answer(html())}
    (page,) = fetch("shop.test/", hosts=(f"http://shop.test:{site.port}",), resolve=lambda host, port: ["127.0.0.1"])
    assert page.status == Status.OK
    assert site.asked[-1].host == f"www.shop.test:{site.port}"


def test_certificates_are_checked_against_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed(tmp_path, "shop.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serve(WebSite({"/": answer(html())}), certificate) as site:
        fetcher = PageFetcher(
            [site.origin(host, "https") for host in ("shop.test", "other.test")],
            tmp_path / "cache",
            user_agent="test-bot",
            limits=replace(QUICK, attempts=1, request_seconds=3, idle_seconds=3),
            allowed_networks=[LOCAL],
            resolve=lambda host, port: ["127.0.0.1"],
            progress=False,
        )
        right, wrong = fetcher.fetch(["shop.test/", "other.test/"])
    assert right.status == Status.OK
    assert wrong.status == Status.UNREACHABLE
    assert {asked.host for asked in site.asked} == {f"shop.test:{site.port}"}


def self_signed(folder: Path, name: str) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "site.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


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
    fetch("/a", "/b", "/c")
    times = [asked.at for asked in site.asked if asked.path != "/robots.txt"]
    assert len(times) == 3
    assert all(later - earlier > 0.28 for earlier, later in pairwise(times))


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
    fetch("/a", "/b", limits=replace(QUICK, seconds_between=0.2))
    times = [asked.at for asked in site.asked]
    assert [asked.path for asked in site.asked] == ["/robots.txt", "/a", "/b"]
    assert all(later - earlier > 0.18 for earlier, later in pairwise(times))


# trying again


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_passing_failures_are_tried_again(status: int, site: WebSite, fetch: Fetch) -> None:
    site.routes["/"] = in_turn(answer(b"", status), answer(b"", status), answer(html()))
    assert fetch("/")[0].status == Status.OK
    assert site.paths == ["/"] * 3


def test_lasting_failures_are_told(site: WebSite, fetch: Fetch) -> None:
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
def test_an_entry_that_is_no_host_is_told(entry: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"write a host like shop\.example"):
        PageFetcher([entry], tmp_path, user_agent="test-bot")


def test_settings_of_the_fetcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert not Settings().fetch_pages
    monkeypatch.setenv("BEHA2VEC_FETCH_HOSTS", " shop.example, http://old.example:8080,")
    assert Settings().fetch_hosts == ["shop.example", "http://old.example:8080"]
    monkeypatch.setenv("BEHA2VEC_FETCH_USER_AGENT", "bot\n/1")
    with pytest.raises(ValueError, match="one line of plain characters"):
        Settings()
