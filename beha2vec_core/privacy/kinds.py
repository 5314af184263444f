"""Whether a value is one that its key makes personal: `phone=0171 2345678` is, `phone=iphone-15` is not."""

import re
from collections.abc import Callable

from beha2vec_core.privacy import detectors
from beha2vec_core.privacy.names import (
    is_east_asian_name,
    is_famous,
    is_first_name,
    is_pair,
    looks_like_account_name,
    looks_like_family,
    looks_like_full_name,
    looks_like_handle,
    looks_like_person,
)
from beha2vec_core.privacy.rules import CLICK_ID, KEPT, rules

LEAST_DIGITS_OF_AN_ID = 6  # an RFC of Mexico has six, an RFC of the internet four, a price or a year up to five
_TRIVIAL = re.compile(
    r"[\W_]*|[01]|[a-z]|true|false|yes|no|on|off|null|none|undefined|nan|not set|unknown|any|all"
    r"|new|edit|change|update|add",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"[A-Za-z]{1,4}")  # token=usd: a currency, or another code
_HEX = re.compile(r"[0-9a-fA-F]{32,128}")
_DECIMAL = re.compile(r"-?\d{1,3}[.,]\d{2,}")
_PASSWORD = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)\S{6,64}")
_CAPITALS = re.compile(r"[A-Z]{20,}")
_POSTCODE = re.compile(r"\d{2}-\d{3}|\d{3} \d{2}")
# as airlines write it: VAN DIJK/MARIEKE MRS
_OF_PASSENGER = re.compile(
    r"(?P<family>[^\W\d_](?:[^\W\d_]|[' -])+)/(?P<given>[^\W\d_]{2,}(?: [^\W\d_]+)*?)"
    r"(?: (?:MR|MRS|MS|MISS|MSTR|DR|CHD|INF))?"
)
_PLAIN_PHONE = re.compile(r"\+?\d{10,15}")


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _is_person(text: str) -> bool:
    if passenger := _OF_PASSENGER.fullmatch(text):
        return looks_like_full_name(f"{passenger['given']} {passenger['family']}".title(), of_role=True)
    return (
        looks_like_account_name(text)
        or looks_like_full_name(text, of_role=True)
        or ("-" not in text and looks_like_person(text))
        or (len(text) == 3 and is_east_asian_name(text, given_is_known=False))
    )


def _is_name(text: str) -> bool:
    """A person's name; with hyphens also a product's, unless all are names: jean-pierre, but not maria-biscuit."""
    if "-" in text and " " not in text:
        return looks_like_account_name(text) or all(map(is_first_name, text.split("-")))
    return looks_like_person(text)


def _is_full_name(text: str) -> bool:
    """A first and a family name, also as one word with a hyphen; no brand or star."""
    words = re.findall(r"[^\W\d_]+", text)
    joined = len(words) == 2 and "-" in text and is_pair(*words) and not is_first_name(words[1])
    return (joined or looks_like_full_name(text)) and not is_famous(text)


def _is_session(text: str) -> bool:
    """A key of a login's session; ASP's has capitals alone. Digits alone are a number or a time."""
    return (detectors.looks_random(text) and not text.isdigit()) or _CAPITALS.fullmatch(text) is not None


# by kind of `parameters` in rules.yml
_PERSONAL: dict[str, Callable[[str], object]] = {
    "email": lambda text: True,
    "secret": lambda text: not _NO_SECRET.fullmatch(text),
    "maybe_secret": lambda text: detectors.looks_random(text) or detectors.is_authorization(text),
    "session": _is_session,
    "maybe_password": _PASSWORD.fullmatch,
    "name": _letters,
    "maybe_name": _is_name,
    "maybe_family_name": lambda text: _is_name(text) or looks_like_family(text),
    "maybe_full_name": _is_full_name,
    "person": _is_person,
    "account": lambda text: _is_person(text) or looks_like_handle(text),
    "phone": lambda text: (_digits(text) >= 6 and _letters(text) <= 4) or _HEX.fullmatch(text),
    # also values that should have been hashed and were not
    "hashed": lambda text: _HEX.fullmatch(text) or any(detectors.emails(text)) or _PLAIN_PHONE.fullmatch(text),
    "birth": lambda text: _digits(text) >= 2,
    "card": lambda text: _digits(text) >= 3,
    "national_id": lambda text: _digits(text) >= LEAST_DIGITS_OF_AN_ID,
    "place": _DECIMAL.search,
    "ip": lambda text: detectors.is_ip(text.split(",")[0]) or _HEX.fullmatch(text),
    "postcode": lambda text: _digits(text) >= 2 and len(text) <= 10,
    "maybe_postcode": _POSTCODE.fullmatch,
    "address": lambda text: _digits(text) or " " in text or not text.islower(),
}


def is_personal(kind: str | None, value: str) -> bool:
    """Whether a decoded value under a key of this kind (`kind_of_key`) is personal."""
    text = value.replace(rules().marker, "").strip()
    if kind is None or kind in (CLICK_ID, KEPT) or _TRIVIAL.fullmatch(text):
        return False
    return bool(_PERSONAL[kind](text))


def is_personal_number(kind: str | None, number: float) -> bool:
    """Whether a number under a key of this kind is personal: a phone number, a date of birth, a card."""
    text = str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)
    return kind not in ("maybe_secret", "maybe_password", "session", "maybe_postcode", "hashed") and is_personal(
        kind, text
    )
