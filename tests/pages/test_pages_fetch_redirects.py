"""Where the page fetcher goes: redirects, names and addresses, against a real local web site."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beha2vec_core.pages.fetch import (
    PageFetcher,
    Status,
)
from beha2vec_core.pages.fetching.addresses import system_resolver
from tests.pages.fetch_world import LOCAL, NO_ROBOTS, QUICK, Fetch, outcome
from tests.pages.page_server import WebSite, answer, html, redirect, serve


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
        "/d": redirect("https:////a[b"),
    }
    assert {page.status for page in fetch("/a", "/b")} <= {Status.FAILED, Status.REFUSED}
    for page in fetch("/c", "/d"):
        assert outcome(page) == ("failed", "redirected to an address that is not valid")
    assert site.paths == ["/a", "/b", "/c", "/d"]


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
