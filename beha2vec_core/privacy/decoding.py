"""Texts without their encodings, and back into addresses."""

import html
import re
import unicodedata
from urllib.parse import unquote

ROUNDS = 8  # of decoding, and of cleaning what cleaning left

_ENTITY = re.compile(
    r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|commat|period|plus|lowbar|hyphen|colon|equals|amp|quot|nbsp);"
)
_ESCAPE = re.compile(r"[\\%]u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\(/)")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
# half of a pair, which no file can hold
_SURROGATE = re.compile("[\ud800-\udfff]")


def decoded(text: str) -> str:
    """The text without percent-encoding, HTML entities, JSON escapes and invisible characters, to a fixed point.

    >>> decoded("jane%252Edoe%2540example.com")
    'jane.doe@example.com'
    """
    for _ in range(ROUNDS):
        before = text
        if "%" in text:
            text = unquote(text, errors="replace")
        if "&" in text:
            text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
        if "\\" in text or "%u" in text:
            text = _ESCAPE.sub(lambda m: m[3] or chr(int(m[1] or m[2], 16)), text)
        if text == before:
            break
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))
    return text


_RESERVED = re.compile(r"[\s%&#+<>\"\x00-\x1f]")


def encoded(text: str, also: str = "") -> str:
    """Decoded text as it may be in a part of an address."""
    return "".join(
        "".join(f"%{byte:02X}" for byte in c.encode()) if _RESERVED.match(c) or c in also else c for c in text
    )
