"""Kinds of values: what a setting's text must look like, and the remedy where it does not."""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, SecretStr


def that(fits: Callable[[str], object], remedy: str) -> AfterValidator:
    """Refuse a text that does not fit; spaces around it do not count."""

    def check(value: str | SecretStr) -> str | SecretStr:
        text = (value.get_secret_value() if isinstance(value, SecretStr) else value).strip()
        if not fits(text):
            raise ValueError(remedy)
        return type(value)(text)

    return AfterValidator(check)


def _is_address(value: str) -> bool:
    if not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_mail_address(value: str) -> bool:
    name, at, host = value.rpartition("@")
    return bool(name and at and host) and value.isascii() and value.isprintable() and not set(value) & set(" <>,;")


Webhook = Annotated[
    SecretStr, that(_is_address, "give a full address, for example https://hooks.slack.com/services/...")
]
Address = Annotated[
    str,
    that(_is_address, "give a full address, for example http://localhost:3000 or http://localhost:8000/v1"),
    AfterValidator(lambda value: value.rstrip("/")),
]
TimeZone = Annotated[
    str, that(lambda value: value in available_timezones(), "use an IANA name like 'Europe/Berlin' or 'UTC'")
]
Header = Annotated[
    str, that(re.compile("[A-Za-z0-9-]+").fullmatch, "give the name of a header, for example X-Forwarded-User")
]
Mail = Annotated[
    str, that(_is_mail_address, "give an e-mail address such as data@shop.example; recipients are comma-separated")
]
Owner = Annotated[
    str,
    that(
        lambda value: _is_mail_address(value) or re.fullmatch(r"team:[\w-]+", value),
        "give e-mail addresses and teams, comma-separated, for example team:data",
    ),
]
EventName = Annotated[
    str,
    that(re.compile("[A-Za-z][A-Za-z0-9_]{0,39}").fullmatch, "use GA4 event names, comma-separated: sign_up, share"),
]
Token = Annotated[
    SecretStr,
    that(
        re.compile(r"[A-Za-z0-9._~+/=-]{32,}").fullmatch,
        "give at least 32 letters, digits or ._~+/=-, for example the output of "
        'python -c "import secrets; print(secrets.token_urlsafe(32))"',
    ),
]
HostName = Annotated[
    str,
    that(
        re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[1-9]\d{0,4})?").fullmatch,
        "give host names without http://, comma-separated, for example mcp.shop.example",
    ),
]
MemoryLimit = Annotated[
    str,
    that(
        re.compile(r"(100|[1-9]\d?) ?%|[1-9]\d*(\.\d+)? ?[KMGT](i?B)?", re.IGNORECASE).fullmatch,
        "give an amount or a share of the machine's memory, for example 4GB, 512MB or 50%",
    ),
    # DuckDB wants the B, and no space before the sign of percent
    AfterValidator(lambda value: re.sub(r"(?<=[KMGT])$", "B", value.replace(" ", "").upper().replace("I", "i"))),
]
Commas = BeforeValidator(
    lambda value: [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
)
