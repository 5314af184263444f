"""Detectors: where in a text something personal stands. Each takes a decoded text and gives spans (begin, end).

What has a checksum is checked: cards (Luhn), IBANs (ISO 13616) and national ids by python-stdnum, phone numbers by
phonenumbers, the port of Google's libphonenumber.
"""

import base64
import binascii
import importlib
import ipaddress
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import pairwise

import phonenumbers
from stdnum import ean, iban, luhn

from beha2vec_core.privacy.rules import rules

Span = tuple[int, int]


def _all(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    """Where a pattern stands."""
    return (match.span() for match in pattern.finditer(text))


# --- e-mail addresses -----------------------------------------------------------------------------------------------

_LOCAL = r"[^\s@<>()\[\]{},;:\"'“”„«»、。，；：/\\?&=#|!]+"
_EMAIL = re.compile(
    rf"(?<!{_LOCAL[:-1]})({_LOCAL})@((?:[^\W_](?:[\w-]*[^\W_])?\.)+(?:[^\W\d_]{{2,}}|xn--[\w-]+))", re.IGNORECASE
)
_QUOTED_EMAIL = re.compile(r"\"[^\"@]{1,64}\"@(?:[\w-]+\.)+[^\W\d_]{2,}")
_SPOKEN_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]+\s{0,3}[\[({]\s*(?:at|ät|arroba|chez|@)\s*[\])}]\s*[\w-]+(?:(?:\.|\s*[\[({]\s*(?:dot|punkt|punto|point)\s*[\])}]\s*)[\w-]+)+",
    re.IGNORECASE,
)
# jane at example dot com: the words for both marks in one language, and the end of a host; an end that is also a word
# counts only at the end of the text
_AT_AND_DOT = (
    (r"at", r"dot|punkt"),
    (r"ät|a", r"punkt"),
    (r"arroba", r"punto|ponto"),
    (r"arobase|arrobase|arobas", r"point"),
    (r"chiocciola", r"punto"),
    (r"apenstaartje", r"punt"),
    (r"małpa|malpa", r"kropka"),
    (r"snabel[ -]?a", r"punkt|prick"),
    (r"zavináč|zavinac", r"tečka|tecka|bodka"),
    (r"собака", r"точка"),
)
_HOST_END = (
    r"(?:com|net|org|info|biz|edu|gov|app|dev|eu|uk|рф|ру"
    r"|(?!(?:in|to|is|it|at|be|no|so|my|am|as|do|by|de|la|es)(?=[\s_]+\S))"
    rf"(?:{'|'.join(sorted(phonenumbers.SUPPORTED_REGIONS))}))(?![^\W_])"
)
_SPELLED_EMAIL = re.compile(
    "|".join(
        rf"(?<![\w.+-])[\w.+-]{{1,64}}?[\s_]+(?:{at})[\s_]+(?!(?:the|an?|this|my|our)[\s_])[^\W_][^\W_-]{{1,40}}"
        rf"(?:[\s_]+(?:{dot})[\s_]+[^\W_]{{2,40}}){{0,3}}[\s_]+(?:{dot})[\s_]+{_HOST_END}"
        for at, dot in _AT_AND_DOT
    ),
    re.IGNORECASE,
)
_HOST = re.compile(rf"(?:[^\W_][\w-]*\.)+{_HOST_END}", re.IGNORECASE)
_HAS_DOT_WORD = re.compile(rf"[\s_](?:{'|'.join(dot for _, dot in _AT_AND_DOT)})[\s_]", re.IGNORECASE)


def is_host(text: str) -> bool:
    """Whether it is a host with a well-known end: example.com."""
    return _HOST.fullmatch(text) is not None


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses, also written ``jane (at) example (dot) com`` or ``jane at example dot com``.

    Names of files such as ``icon@2x.png`` are none.
    """
    if "@" in text:
        for match in _EMAIL.finditer(text):
            ending = match[2].rpartition(".")[2].lower()
            if ending not in rules().file_endings and match[1].strip("._+-*~%"):
                yield match.span()
        yield from _all(_QUOTED_EMAIL, text)
    if "(" in text or "[" in text or "{" in text:
        yield from _all(_SPOKEN_EMAIL, text)
    if _HAS_DOT_WORD.search(text):
        yield from _all(_SPELLED_EMAIL, text)


# --- phone numbers --------------------------------------------------------------------------------------------------

_DIGITS = r"\d(?:[\s().·‑–/-]{0,3}\d)"
_INTERNATIONAL = re.compile(rf"(?<![\w+])(?:\+|＋|(?<![.,/-])00[\s-]?(?=[1-9]))\s?\(?{_DIGITS}{{6,16}}(?![\w])")
# begins with a zero, or with the Russian 8 and a bracket, or with a bracket
_NATIONAL = re.compile(r"(?<![\w.,/+-])(?:\(0?\d{1,5}\)|0|8(?=[\s-]?\())[\s.-]?(?:[\s().·‑–/-]{0,3}\d){5,13}(?![\w])")
# North American and Italian mobile (3-3-4); Spanish, Portuguese, Polish (3-3-3, 3-2-2-2, 2-3-2-2); Brazilian mobile and
# Russian; Chinese (3-4-4); Indian (5-5)
_NO_TRUNK = re.compile(
    r"(?<![\w.,/+-])(?<!\d )(?:"
    r"(?:1[\s.-])?(?:\([2-9]\d\d\)[\s.-]?|[2-9]\d\d[\s.-])[2-9]\d\d[\s.-]\d{4}"
    r"|3\d\d[\s.-]\d{6,7}|3\d\d[\s.-]\d{3}[\s.-]\d{4}"
    r"|[5-9]\d\d[ ]\d{3}[ ]\d{3}|[6-9]\d\d[ ]\d\d[ ]\d\d[ ]\d\d|[1-9]\d[ ]\d{3}[ ]\d\d[ ]\d\d"
    r"|[1-9]\d[ ]9\d{4}-\d{4}|8[ -]9\d\d[ -]\d{3}[ -]\d\d[ -]\d\d"
    r"|1[3-9]\d[ -]\d{4}[ -]\d{4}|[6-9]\d{4}[ -]\d{5}"
    r")(?!\w|[ .,/-]\d)"
)
_PLAIN_DIGITS = re.compile(r"(?<![\w.,/+-])0[1-9]\d{8,9}(?![\w]|[.,/-]\d)")
DATE = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2\d{4}")

_NO_PHONE = re.compile(rf"{DATE.pattern}|\d{{1,2}}/(?:19|20)\d\d(?!\d)|^\d+\.\d+$|^\d{{3}} \d{{3}} \d{{3}}$")


def phones(text: str, plain: bool = False) -> Iterator[Span]:
    """Phone numbers with a country code, and in the formats that people of a country write.

    With ``plain`` also mobile numbers without any separator (``01712345678``), as in a search.
    """
    for match in _INTERNATIONAL.finditer(text):
        if _is_possible(match[0]):
            yield match.span()
    for match in _NATIONAL.finditer(text):
        if not _NO_PHONE.search(match[0]) and _is_national(match[0], plain):
            yield match.span()
    for match in _NO_TRUNK.finditer(text):
        if not all(group.endswith("0") for group in re.findall(r"\d+", match[0])):  # sizes such as 600 300 200
            yield match.span()
    if plain:
        for match in _PLAIN_DIGITS.finditer(text):
            if _is_mobile(match[0]):
                yield match.span()


def is_phone_of_login(text: str) -> bool:
    """Whether a login id is a phone number: also a mobile number that begins with a country's code and has no plus.

    Other digits alone are no number.
    """
    if text.isascii() and text.isdecimal() and 11 <= len(text) <= 15 and _is_mobile(f"+{text}"):
        return True
    return (0, len(text)) in phones(text, plain=True)


@lru_cache(10_000)
def _is_possible(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    if digits == number and len(digits) in (13, 14) and ean.is_valid(digits):
        return False  # a GTIN with zeros before it
    international = "+" + (digits[2:] if number.startswith("00") else digits)
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(international, None))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(10_000)
def _is_national(number: str, plain: bool) -> bool:
    """Whether a number is valid in a country, and written in groups as there."""
    if not re.search(r"\D", number.strip()):
        return plain and _is_mobile(number)
    strict = phonenumbers.Leniency.STRICT_GROUPING
    return any(
        any(True for _ in phonenumbers.PhoneNumberMatcher(number, region, strict, max_tries=5))
        for region in rules().phone_regions
    ) or bool(re.fullmatch(r"0[17]\d{2,4}[\s/-]\d{3}[\s-]?\d{3,5}|0[1-9](?:[ .]\d\d){4}", number))


@lru_cache(10_000)
def _is_mobile(number: str) -> bool:
    """Whether it is a mobile number, with the country's code or in one of the regions."""
    for region in (None,) if number.startswith("+") else rules().phone_regions:
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            continue
        kind = phonenumbers.number_type(parsed)
        if kind == phonenumbers.PhoneNumberType.MOBILE:
            return True
        # in North America, numbers do not tell
        if region is None and kind == phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE:
            return True
    return False


# --- cards, accounts, national ids ----------------------------------------------------------------------------------

# words may be joined to a number by an underscore: payment_failed_4111111111111111
_BEGIN = r"(?<![^\W_])(?<![.-])(?<!\d_)"
_END = r"(?![^\W_]|[_.-]\d)"
_CARD = re.compile(rf"(?<!,){_BEGIN}(?:\d(?:[ -]?\d){{13,18}}|\d{{4}}(?:\.\d{{4}}){{3}}){_END}(?!,\d)")
# the numbers that card issuers begin with, with lengths (ISO/IEC 7812)
_ISSUERS = re.compile(
    r"4\d{15}(?:\d{3})?|(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)\d+|3[47]\d{13}|3(?:0[0-5]|[689])\d{12}"
    r"|(?:6011|65|64[4-9])\d+|35(?:2[89]|[3-8])\d+|(?:50|5[6-9]|6[0-9])\d{13,17}|220[0-4]\d{12,15}|62\d{14,17}|9792\d{12}"
)
_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?![^\W_])", re.IGNORECASE)


def cards(text: str) -> Iterator[Span]:
    """Card numbers of 14 to 19 digits, with or without separators, with a valid check digit (Luhn)."""
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        length = 14 <= len(digits) <= 19 and (len(digits) >= 16 or digits[0] == "3")
        if length and _ISSUERS.fullmatch(digits) and luhn.is_valid(digits) and len(set(digits)) > 1:
            yield match.span()


def ibans(text: str) -> Iterator[Span]:
    """International bank account numbers, with spaces or without, with a valid checksum."""
    for match in _IBAN.finditer(text):
        # words after the number may have been taken for a part of it
        end = len(match[0])
        while end > 14:
            if iban.is_valid(match[0][:end], check_country=False):
                yield match.start(), match.start() + end
                break
            shorter = max(match[0].rfind(" ", 0, end), match[0].rfind("-", 0, end))
            end = shorter if shorter > 0 else 0


# Ids that can be recognized by their format (letters, a date, separators) and checksum. Others need a label.
_NATIONAL_IDS: tuple[tuple[str, str], ...] = (
    (r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale"),
    (r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf"),
    (r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}", ""),  # us.ssn knows some numbers of advertisements as invalid
    (r"\d{8}-?[A-HJ-NP-TV-Z]|[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]", "es.dni|es.nie"),
    (r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", "fr.nir"),
    (r"(?:19|20)?\d{2}(?:0[1-9]|1[0-2])[0-3]\d[-+]\d{4}", "se.personnummer"),
    (r"[0-3]\d(?:0[1-9]|1[0-2])\d{2}[-+A]\d{3}[0-9A-Y]", "fi.hetu"),
    (r"\d{2}(?:0[1-9]|1[0-2])[0-3]\d-[1-4]\d{6}", "kr.rrn"),
    (r"756\.\d{4}\.\d{4}\.\d{2}", "ch.ssn"),
    (r"\d{6}(?:19|20)\d{9}[0-9X]", "cn.ric"),
    (r"[2-9]\d{3} \d{4} \d{4}", "in_.aadhaar"),
    (r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d", "mx.curp"),
    (r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", "be.nn"),
    (r"[1-8]\d{2}(?:0[1-9]|1[0-2])[0-3]\d{7}", "ro.cnp"),
    (r"\d{1,2}\.\d{3}\.\d{3}-[0-9K]", "cl.rut"),
    (r"\d{2}-\d{8}-\d", "ar.cuit"),
    (r"\d{6}/\d{4}", "cz.rc"),
    (r"[0-3]\d[01]\d{3}-\d{5}", "lv.pvn"),
    (r"\d{6}-(?:0[1-9]|[1-9]\d)-\d{4}", "my.nric"),
    (r"\d-\d{4}-\d{5}-\d{2}-\d", "th.pin"),
    (r"\d{3}-\d{7}-\d", "do.cedula"),
    (r"[0-3]\d[01]\d{3}-\d{4}", "is_.kennitala"),
    (r"[0-3]\d[01]\d{3} \d{5}", "no.fodselsnummer"),
    (r"\d{3}-\d{3}-\d{3} \d{2}", ""),  # Russian SNILS; its checksum is in no library
    (r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z]{2} \d{2} \d{2} \d{2} [A-D]", ""),  # British national insurance
)
# one look for all of them, as most texts have none
_IDS_SEEN = re.compile(
    rf"{_BEGIN}(?=[0-9A-Z])(?:{'|'.join(pattern for pattern, _ in _NATIONAL_IDS)}){_END}", re.IGNORECASE
)


@cache
def _national_id_patterns() -> tuple[tuple[re.Pattern[str], tuple[Callable[[str], bool], ...]], ...]:
    found = []
    for pattern, modules in _NATIONAL_IDS:
        checks = tuple(importlib.import_module(f"stdnum.{name}").is_valid for name in modules.split("|") if name)
        found.append((re.compile(rf"{_BEGIN}(?:{pattern}){_END}", re.IGNORECASE), checks))
    return tuple(found)


def national_ids(text: str) -> Iterator[Span]:
    """National ids whose form and checksum tell them from other numbers."""
    if _IDS_SEEN.search(text):
        for pattern, checks in _national_id_patterns():
            for match in pattern.finditer(text):
                is_bare = len(match[0]) == 13 and match[0].isdigit()
                if is_bare and (" " not in text or ean.is_valid(match[0])):
                    continue  # a time in milliseconds, or a GTIN
                if not checks or any(check(match[0]) for check in checks):
                    yield match.span()


# --- secrets --------------------------------------------------------------------------------------------------------

_JWT = re.compile(r"(?<![\w-])(ey[A-Za-z0-9_-]{8,})(?:\.[A-Za-z0-9_-]*){1,4}")
_KNOWN_SECRETS = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}|gh[opusr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}"
    r"|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|AIza[\w-]{35}|ya29\.[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|EAAC[A-Za-z0-9]{30,}|sq0(?:atp|csp)-[\w-]{22,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|npm_[A-Za-z0-9]{36}|dop_v1_[a-f0-9]{64}|hf_[A-Za-z]{30,}"
    r"|sk-(?:ant-|proj-)?[A-Za-z0-9_-]{24,}|key-[0-9a-f]{32}|\d{8,10}:AA[\w-]{33})(?![A-Za-z0-9])"
)
_BEARER = re.compile(r"\b(bearer|basic)[\s:]+([A-Za-z0-9._~+/-]{16,}=*)", re.IGNORECASE)
# a value of a key for authorization: a scheme (RFC 7235) and what it is followed by
_AUTHORIZATION = re.compile(r"(?:bearer|basic|digest|negotiate|token|apikey)[\s:]+\S{6,}", re.IGNORECASE)


def secrets(text: str) -> Iterator[Span]:
    """JSON web tokens (RFC 7519), keys of well-known services by their prefixes, and HTTP authorization values."""
    if "ey" in text:
        for match in _JWT.finditer(text):
            if _is_jose_header(match[1]):
                yield match.span()
    yield from _all(_KNOWN_SECRETS, text)
    for match in _BEARER.finditer(text):
        # after bearer nothing else is so long and has digits and letters; basic is a word of products
        bears = match[1].lower() == "bearer" and re.search(r"\d", match[2]) and re.search(r"[A-Za-z]", match[2])
        if bears or looks_random(match[2]):
            yield match.span(2)


def is_authorization(text: str) -> bool:
    """Whether the whole text is the value of an HTTP header for authorization: a scheme, and what only one may know."""
    return _AUTHORIZATION.fullmatch(text.strip()) is not None


def _is_jose_header(part: str) -> bool:
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return False
    return isinstance(header, dict) and ("alg" in header or "typ" in header or "enc" in header)


_LONG_HEX = re.compile(r"(?<![^\W_])(?:[0-9a-f]{32,}|[0-9A-F]{32,})(?![^\W_])")


def long_hex(text: str) -> Iterator[Span]:
    """Runs of at least 32 hexadecimal digits, as tokens and hashes have."""
    for match in _LONG_HEX.finditer(text):
        if _entropy(match[0]) > 2.8 and _is_mixed(match[0]):
            yield match.span()


_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def looks_random(text: str) -> bool:
    """Whether a value looks drawn by chance: a UUID, or a run of mixed characters of high entropy. Slugs do not."""
    if len(text) < 16 or " " in text:
        return False
    if _UUID.search(text) or (text.isdigit() and len(text) >= 16):
        return True
    if any(_entropy(run) > 2.8 and _is_mixed(run) for run in _RUN.findall(text)):
        return True
    compact = re.sub(r"[-_.~+/=]", "", text)
    if 12 <= len(compact) <= 24 and compact.isalnum() and _changes(compact) > 0.6 * len(compact):
        return len({_kind(c) for c in compact}) == 3  # gX7-pQ2v-Lm9z
    return (
        len(compact) >= 20
        and compact.isalnum()
        and compact.isascii()
        and not any(
            len(word) > 3 and word.isalpha() and (word.islower() or word.istitle())
            for word in re.split(r"[-_.~+/=]", text)
        )
        and _is_mixed(compact)
        and _entropy(compact) > 3.2
    )


def looks_like_code(text: str) -> bool:
    """Whether a value looks like a one-time code: random, or at least eight mixed letters and digits."""
    return looks_random(text) or (
        re.fullmatch(r"[A-Za-z0-9]{8,15}", text) is not None
        and len(re.findall(r"(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]", text)) >= 3
    )


def _kind(character: str) -> str:
    return "d" if character.isdigit() else "u" if character.isupper() else "l"


def _changes(run: str) -> int:
    """How often a run changes between small letters, capitals and digits."""
    return sum(_kind(a) != _kind(b) for a, b in pairwise(run))


def _is_mixed(run: str) -> bool:
    return _changes(run) >= 4


def _entropy(text: str) -> float:
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


# --- places and machines --------------------------------------------------------------------------------------------

_COORDINATES = re.compile(r"(?<![\d.,])-?\d{1,3}\.\d{4,}(?:(?:[,;|]\s*|\s+)-?\d{1,3}\.\d{4,})+(?!\d)")
_ARC = r"\d{1,3}\s?[°º]\s?\d{1,2}(?:\s?['′’]\s?\d{1,2}(?:[.,]\d+)?\s?(?:[\"″”]|''|′′|’’)|[.,]\d+\s?['′’])"
_ARCS = re.compile(
    rf"(?<!\d)(?:[NSEWO]\s?)?{_ARC}(?:\s?[NSEWO](?!\w))?[\s,;/]*(?:[NSEWO]\s?)?{_ARC}(?:\s?[NSEWO](?!\w))?",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?<![\w.-])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?!\.?\w)")
_IPV6 = re.compile(
    r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])", re.IGNORECASE
)
_MAC = re.compile(r"(?<![\w:-])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?![\w:-])", re.IGNORECASE)
_VERSION_BEFORE = re.compile(
    r"(?:version|ver|v|firmware|release|build|update|driver|kernel|patch|fw|os|app|sdk|api)[\s:./=_-]*$", re.IGNORECASE
)


def coordinates(text: str) -> Iterator[Span]:
    """Two numbers with at least four decimals (within ten meters); three or more are a list, not a place.

    Or degrees, minutes and seconds (or parts of minutes), twice.
    """
    if "°" in text or "º" in text:
        yield from _all(_ARCS, text)
    for match in _COORDINATES.finditer(text):
        numbers = [abs(float(part)) for part in re.split(r"[,;|\s]+", match[0])]
        if len(numbers) == 2 and numbers[0] <= 90 and numbers[1] <= 180:
            yield match.span()


def ips(text: str) -> Iterator[Span]:
    """IP addresses of the internet; numbers of versions and addresses of private networks are none."""
    if "." in text:
        for match in _IPV4.finditer(text):
            octets = [int(part) for part in match.groups()]
            private = (
                octets[0] in (0, 10, 127) or octets[:2] == [192, 168] or (octets[0] == 172 and 16 <= octets[1] < 32)
            )
            if max(octets) > 255 or private or any(len(part) > 1 and part[0] == "0" for part in match.groups()):
                continue
            if (octets[0] >= 24 or sum(octet >= 100 for octet in octets) >= 2) and not _VERSION_BEFORE.search(
                text[: match.start()]
            ):
                yield match.span()
    if ":" in text:
        for match in _IPV6.finditer(text):
            try:
                address = ipaddress.IPv6Address(match[0])
            except ValueError:
                continue
            if not (address.is_loopback or address.is_unspecified or address.is_link_local):
                yield match.span()
        yield from _all(_MAC, text)


def is_ip(text: str) -> bool:
    """Whether the text is an IP address, of any network."""
    try:
        ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return False
    return True
