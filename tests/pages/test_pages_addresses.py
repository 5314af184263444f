"""Which addresses, hosts and URLs the page fetcher may ask."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.pages.fetching.addresses import AddressGuard, is_disguised, is_public
from beha2vec_core.pages.fetching.limits import NotFetched, Status
from beha2vec_core.pages.fetching.pace import backoff, retry_after
from beha2vec_core.pages.fetching.sites import AllowedSites

# IANA's special-purpose registries, multicast, and the clouds' own services
INNER_4 = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32", "168.63.129.16/32", "100.100.100.200/32",
]  # fmt: skip
INNER_6 = [
    "::/128", "::1/128", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
    "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::254/128",
]  # fmt: skip


def addresses_in(networks: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(networks).flatmap(lambda network: st.ip_addresses(network=network)).map(str)


def refused(host: str, found: list[str], allowed: tuple[str, ...] = ()) -> bool:
    try:
        AddressGuard.of(allowed, lambda *_: found).addresses(host, 443)
    except NotFetched as why:
        return why.status == Status.REFUSED
    return False


@given(addresses_in(INNER_4))
def test_inner_ipv4_in_all_its_forms(address: str) -> None:
    number = int(IPv4Address(address))
    assert not is_public(ip_address(address))
    assert not is_public(ip_address(f"::ffff:{address}"))
    assert not is_public(IPv6Address((0x64FF9B << 96) | number))  # NAT64
    assert not is_public(IPv6Address((0x2002 << 112) | (number << 80)))  # 6to4
    assert refused("a.example", [address])
    assert refused("a.example", ["9.9.9.9", address])
    assert refused("a.example", [f"::ffff:{address}"])
    assert not refused("a.example", [address], allowed=(f"{address}/32",))
    assert refused("a.example", [f"::ffff:{address}"], allowed=(f"{address}/32",))


@given(addresses_in(INNER_6))
def test_inner_ipv6(address: str) -> None:
    assert not is_public(ip_address(address))
    assert refused("a.example", ["2606:4700::1111", address])


def test_scoped_addresses_are_refused() -> None:
    assert refused("a.example", ["fe80::1%eth0"])


@given(st.ip_addresses(v=4))
def test_what_is_public_in_ipv4_lies_in_no_special_network(address: IPv4Address) -> None:
    assert is_public(address) == (not any(address in ip_network(network) for network in INNER_4))


@pytest.mark.parametrize("address", ["9.9.9.9", "93.184.215.14", "2606:4700::1111", "64:ff9b::909:909", "2a00:1450::1"])
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))
    assert not refused("a.example", [address])


@given(st.integers(0, 2**32 - 1), st.sampled_from(["{}", "0x{:x}", "0{:o}"]))
def test_numbers_are_no_hosts(number: int, form: str) -> None:
    """What the machine's resolver would read as an IPv4 address is refused unless it is written as one."""
    host = form.format(number)
    assert socket.inet_aton(host)
    assert is_disguised(host)
    assert refused(host, ["9.9.9.9"])
    packed = IPv4Address(number).packed
    assert is_disguised(f"{packed[0]}.{int.from_bytes(packed[1:], 'big')}")
    assert is_disguised(f"0x{packed[0]:x}.{packed[1]}.{packed[2]}.{packed[3]}")
    assert not is_disguised(str(IPv4Address(number)))


@pytest.mark.parametrize(
    "host", ["a.example", "1.example", "3m.com", "x2130706433", "::1", "::ffff:127.0.0.1", "9.9.9.9"]
)
def test_names_and_plain_addresses_are_no_disguise(host: str) -> None:
    assert not is_disguised(host)


@given(st.text(), st.sampled_from(["shop.example", "www.shop.example", "SHOP.example", "shop.example."]))
def test_a_page_key_leads_to_its_host_and_never_to_a_query(path: str, host: str) -> None:
    sites = AllowedSites(["shop.example"])
    try:
        url = sites.url_of(f"{host}/{path}")
    except NotFetched:
        return
    assert (url.scheme, url.host, url.port, url.userinfo) == ("https", "shop.example", None, b"")
    assert (url.query, url.fragment) == (b"", "")
    sites.check(url)
    assert "?" not in unquote(url.raw_path.decode()).removesuffix("?")


@given(st.text(max_size=40))
def test_no_other_host_gets_by(host: str) -> None:
    sites = AllowedSites(["shop.example"])
    if host.split("?")[0].split("/")[0].lower().rstrip(".").removeprefix("www.") != "shop.example":
        with pytest.raises(NotFetched):
            sites.url_of(host)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://shop.example/a?b=c", True),
        ("http://shop.example/", True),
        ("https://www.shop.example:443/", True),
        ("https://shop.example:80/", True),
        ("https://shop.example:8443/", False),
        ("http://staging.example:8080/", True),
        ("http://staging.example:8443/", False),
        ("https://münchen.example/", True),
        ("https://xn--mnchen-3ya.example/", True),
        ("https://shop.example.evil.example/", False),
        ("https://evilshop.example/", False),
        ("https://sub.shop.example/", False),
        ("https://shop.example@evil.example/", False),
        ("https://user@shop.example/", False),
        ("ws://shop.example/", False),
        ("https:///", False),
        ("/relative", False),
    ],
)
def test_the_allow_list(url: str, allowed: bool) -> None:
    sites = AllowedSites(["shop.example", "http://staging.example:8080", "münchen.example"])
    if allowed:
        sites.check(httpx.URL(url))
    else:
        with pytest.raises(NotFetched):
            sites.check(httpx.URL(url))


@given(st.one_of(st.none(), st.text(max_size=60), st.integers().map(str), st.datetimes().map(str)))
def test_retry_after_is_a_number_of_seconds_or_nothing(value: str | None) -> None:
    seconds = retry_after(value)
    assert seconds is None or seconds >= 0


@given(st.integers(1, 50), st.floats(0, 100), st.floats(0, 1000))
def test_backoff_is_bounded(attempt: int, first: float, longest: float) -> None:
    assert 0 <= backoff(attempt, first, longest) <= longest
