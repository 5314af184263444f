"""The allow-list: which sites may be asked, and which URL a page_key has there."""

import re
from collections.abc import Iterable
from urllib.parse import quote

import httpx

from beha2vec_core.pages.fetching.limits import NotFetched, Status

_WEB_PORTS = {"http": 80, "https": 443}
# a name, internationalised ones in their ASCII form, or an IP address
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]*:[0-9a-f:.]*")
# of a path's characters, those that need no escape; "?" and "#" do, so that no page_key can become a query
_SAFE_IN_PATH = "/:@!$&'()*+,;=-._~"


class AllowedSites:
    """The sites on the list. ``www.`` makes no difference, as in page_key.

    An entry is a host (asked by https) or scheme, host and port: ``shop.example``, ``http://old.shop.example``,
    ``https://staging.shop.example:8443``.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        """Read the entries.

        Raises:
            ValueError: an entry is no host; the message says what one looks like.
        """
        self._sites = {_key(site.raw_host.decode("ascii")): site for site in map(_site, entries)}

    def url_of(self, page_key: str) -> httpx.URL:
        """The URL of a page. Never a query: what page_key has of one is left out.

        Raises:
            NotFetched: the page has no public URL, or its host is not on the list.
        """
        if page_key.startswith("screen:"):
            raise NotFetched(Status.REFUSED, "an app screen has no web address")
        host, _, path = page_key.split("?", 1)[0].partition("/")
        if "[redacted]" in page_key:
            raise NotFetched(Status.REFUSED, "part of the address was removed for privacy")
        site = self._sites.get(_key(host))
        if site is None:
            raise NotFetched(Status.REFUSED, "the host is not on the allow-list")
        place = f"{site.scheme}://{site.netloc.decode('ascii')}"
        try:
            return httpx.URL(f"{place}/{quote(path, safe=_SAFE_IN_PATH, errors='replace')}")
        except httpx.InvalidURL as problem:
            raise NotFetched(Status.REFUSED, "the address is not a valid URL") from problem

    def check(self, url: httpx.URL) -> None:
        """Check a URL that a site redirects to.

        Raises:
            NotFetched: its host, scheme or port is not allowed, or it holds credentials.
        """
        if url.scheme not in _WEB_PORTS:
            raise NotFetched(Status.REFUSED, "redirected to something that is not http or https")
        if url.userinfo:
            raise NotFetched(Status.REFUSED, "redirected to an address with credentials")
        site = self._sites.get(_key(url.raw_host.decode("ascii")))
        if site is None:
            raise NotFetched(Status.REFUSED, "redirected to a host that is not on the allow-list")
        if url.port is not None and url.port not in {*_WEB_PORTS.values(), site.port}:
            raise NotFetched(Status.REFUSED, "redirected to a port that is not allowed")


def _site(entry: str) -> httpx.URL:
    try:
        url = httpx.URL(entry if "://" in entry else f"https://{entry}")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if (
        not _HOST.fullmatch(url.raw_host.decode("ascii"))
        or url.scheme not in _WEB_PORTS
        or url.userinfo
        or url.path not in ("", "/")
        or url.query
    ):
        raise ValueError(f"{entry!r} is not a site; write a host like shop.example, or http://shop.example:8080")
    return url


def _key(host: str) -> str:
    """The host in the form it is compared in: ASCII, lower case, without ``www.`` and final dot."""
    try:
        host = httpx.URL(scheme="https", host=host).raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        return ""
    return host.lower().rstrip(".").removeprefix("www.")
