"""Addresses as pages: what ``dbt_ga4`` makes of them, as far as evaluation needs it."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

_NOWHERE = re.compile(r"^(about|blob|data|file|javascript|mailto|sms|tel):", re.IGNORECASE)
_ADDRESS = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//([^/?#]*)([^?#]*)", re.IGNORECASE)
_BARE_HOST = re.compile(r"^(localhost|([\w-]+\.)+[^\W\d_]{2,})(:\d+)?([/?#]|$)")
_DOCUMENT = re.compile(r"^[^/?#]+\.(html?|php|aspx?|jsp)([/?#]|$)")


def page_key(address: str | None, host: str | None = None) -> str | None:
    """``host/path`` of an address as in ``dbt_ga4/macros/url.sql``, None for what is no page of the web.

    Host in lower case without ``www.``, user and port; path decoded, in lower case, without doubled or trailing
    slashes; no query, no fragment. Unlike dbt's, it leaves personal data in the path and knows no query allow-list.

    Args:
        address: ``page_location``.
        host: the host of a relative address.
    """
    if not address or _NOWHERE.match(address):
        return None
    if _BARE_HOST.match(address) and not _DOCUMENT.match(address):
        address = f"//{address}"
    found = _ADDRESS.match(address)
    authority, path = found.groups() if found else (host or "", re.split(r"[?#]", address, maxsplit=1)[0])
    host = re.sub(r"^.*@|\.*(:\d*)?$", "", authority).lower()
    path = unicodedata.normalize("NFC", unquote(re.sub(r";jsessionid=[^/]*", "", path))).lower()
    path = re.sub(r"/[/\s]*/", "/", f"/{path}")
    return re.sub(r"^www\.", "", host) + re.sub(r"(.)[/\s]+$", r"\1", path)
