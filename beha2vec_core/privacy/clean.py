"""Remove what is personal from one value: an address by its parts, a text by its words, a parameter by its key.

Everything is judged decoded, to a fixed point. What holds nothing personal comes back byte for byte as it was.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from beha2vec_core.privacy import detectors
from beha2vec_core.privacy.beside import Before, is_among, leads_to_token, without_names
from beha2vec_core.privacy.decoding import ROUNDS, decoded, encoded
from beha2vec_core.privacy.detectors import Span, looks_like_code, looks_random
from beha2vec_core.privacy.kinds import is_personal, is_personal_number
from beha2vec_core.privacy.names import (
    begins_with_full_name,
    dotted_names,
    looks_like_account_name,
    looks_like_handle,
    may_be_full_name,
)
from beha2vec_core.privacy.rules import CLICK_ID, KEPT, kind_of_key, rules, words_of
from beha2vec_core.privacy.titles import labelled_spans, name_spans, street_spans

MARKER = rules().marker
_DEPTH = 6  # of addresses within addresses
_LONGEST = 20_000  # characters judged at once; longer texts, which no browser sends, are judged in pieces

# --- a fixed point --------------------------------------------------------------------------------------------------


def _settled(clean: Callable[[str], str], text: str) -> str:
    """What cleaning leaves when it is repeated until nothing changes, so that cleaning twice changes nothing."""
    for _ in range(ROUNDS):
        after = clean(text)
        if after == text:
            return text
        text = after
    return MARKER


# --- parameters -----------------------------------------------------------------------------------------------------


def clean_value(key: str | None, value: str) -> str:
    """A parameter's value without what is personal; ``key`` is the parameter's name.

    >>> clean_value("first_name", "Jane"), clean_value("item_name", "Jane"), clean_value("q", "jane@example.com hats")
    ('[redacted]', 'Jane', '[redacted] hats')
    """
    if len(value) > _LONGEST:
        return "".join(clean_value(key, piece) for piece in _pieces(value))
    return _settled(lambda text: _parameter(key, text, 0), value)


def _pieces(text: str) -> Iterator[str]:
    """A long text in pieces, each cut where a word ends, if one does."""
    at = 0
    while at < len(text):
        end = at + _LONGEST
        if end < len(text):
            end = max((text.rfind(mark, at + _LONGEST // 2, end) for mark in ' &?"\n,;'), default=-1) + 1 or end
        yield text[at:end]
        at = end


def _parameter(key: str | None, value: str, depth: int) -> str:
    kind = kind_of_key(key) if key else None
    plain = decoded(value)
    if kind == CLICK_ID:  # no click id looks like an e-mail address
        return _without(value, plain, detectors.emails)
    if is_personal(kind, plain):
        return MARKER
    if kind in (KEPT, "session"):
        return MARKER if _hides_personal(plain, depth) else _without(value, plain, _spans_in_ids)
    return _any_text(value, plain, depth)


# --- texts ----------------------------------------------------------------------------------------------------------

_ADDRESS_IN_TEXT = re.compile(r"\b(?:https?|ftp)://[^\s\"'<>\\|\[\]{}]+", re.IGNORECASE)
_LOOKS_LIKE_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?//\S|/[^\s?]*\?\S+=|/[^\s/?]+/\S|\?\S+=\S|#\S+=\S|[\w.-]+\.[a-z]{2,}/\S*\?\S+=",
    re.IGNORECASE,
)
_JSON = re.compile(r"\s*[\[{]")
_PAIR_IN_TEXT = re.compile(r"\"((?:[^\"\\]|\\.){1,60})\"\s*:\s*(\"(?:[^\"\\]|\\.)*\"?|-?\d[\d.]*)")
_QUERY_IN_TEXT = re.compile(r"(?<![\w.])([\w.\[\]-]{1,40})=([^\s&\"'<>|;]+)")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")


def clean_text(text: str) -> str:
    """A title, a search term, a campaign's name or any other text without what is personal.

    >>> clean_text("Welcome back, Jane Doe | Shop"), clean_text("call +49 30 901820")
    ('Welcome back, [redacted] | Shop', 'call [redacted]')
    """
    return clean_value(None, text)


def _any_text(value: str, plain: str, depth: int) -> str:
    """A value of which nothing is known: an address, JSON, encoded text, or text."""
    if depth < _DEPTH:
        if _JSON.match(plain) and (cleaned := _json(plain, depth)) is not None:
            return value if cleaned == plain else cleaned
        if _LOOKS_LIKE_ADDRESS.match(plain.strip()):
            source = value if _LOOKS_LIKE_ADDRESS.match(value.strip()) else plain
            cleaned = _address(source, depth + 1)
            if cleaned != source:
                return cleaned
            if " " not in plain:
                return value
    if _hides_personal(plain, depth):
        return MARKER
    return _without(value, plain, lambda text: _spans(text, depth))


def _without(value: str, plain: str, find: Callable[[str], Iterator[Span]]) -> str:
    """The value without the spans found in it; decoded if they are seen only so."""
    if spans := list(find(value)):
        return _cut(value, spans)
    if plain != value and (spans := list(find(plain))):
        return _cut(plain, spans)
    return value


def _cut(text: str, spans: list[Span]) -> str:
    pieces, at = [], 0
    for begin, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if begin >= at:
            pieces += [text[at:begin], MARKER]
            at = end
        elif end > at:  # overlapping: the marker is there already
            at = end
    return "".join([*pieces, text[at:]])


def _strict_spans(text: str) -> Iterator[Span]:
    yield from detectors.emails(text)
    yield from detectors.secrets(text)


def _number_spans(text: str) -> Iterator[Span]:
    for detect in (detectors.ibans, detectors.national_ids, detectors.coordinates, detectors.ips):
        yield from detect(text)


def _spans_in_ids(text: str) -> Iterator[Span]:
    """What no id of a thing looks like: besides addresses and secrets, a number with a plus and a country, an IBAN."""
    yield from _strict_spans(text)
    if "+" in text:
        yield from (span for span in detectors.phones(text) if text[span[0]] == "+")
    yield from detectors.ibans(text)


def _spans(text: str, depth: int) -> Iterator[Span]:
    for span in _all_spans(text, depth):
        if text[span[0] : span[1]].replace(MARKER, "").strip(" .,:;-|"):
            yield span


def _all_spans(text: str, depth: int) -> Iterator[Span]:
    plain_digits = depth == 0 or " " in text or text.isdigit()
    yield from _strict_spans(text)
    if any(map(str.isdigit, text)):
        yield from detectors.phones(text, plain=plain_digits)
        yield from detectors.cards(text)
        yield from _number_spans(text)
        yield from street_spans(text)
        yield from dotted_names(text)
        if " " in text:
            yield from detectors.long_hex(text)
    yield from labelled_spans(text)
    yield from name_spans(text)
    if "=" in text:
        for match in _QUERY_IN_TEXT.finditer(text):
            if _is_personal_pair(match[1], match[2]):
                yield match.span(2)
    if '"' in text:
        yield from _json_pair_spans(text)
    if "://" in text and depth < _DEPTH:
        for match in _ADDRESS_IN_TEXT.finditer(text):
            if match[0] != text and _address(match[0], depth + 1) != match[0]:
                yield match.span()


def _json(text: str, depth: int) -> str | None:
    """JSON with its values cleaned; the text itself where nothing was, None where it is no JSON."""
    try:
        value = json.loads(text)
        cleaned = cleaned_json(value, depth + 1)
    except (ValueError, RecursionError):
        return None
    return text if cleaned == value else json.dumps(cleaned, ensure_ascii=False)


def cleaned_json(value: Any, depth: int = 0, key: str | None = None) -> Any:
    """A value as `json` reads it, with all texts cleaned by the names they stand under; also GA4's key and value."""
    if isinstance(value, dict):
        if isinstance(value.get("key"), str) and isinstance(value.get("value"), dict):
            inner = {k: cleaned_json(v, depth, value["key"]) for k, v in value["value"].items()}
            return {k: inner if k == "value" else cleaned_json(v, depth, k) for k, v in value.items()}
        return {k: cleaned_json(v, depth, None if k in ("string_value", "value") else k) for k, v in value.items()}
    if isinstance(value, list):
        return [cleaned_json(member, depth, key) for member in value]
    if isinstance(value, str):
        return _parameter(key, value, depth)
    if isinstance(value, int | float) and not isinstance(value, bool) and key:
        return MARKER if is_personal_number(kind_of_key(key), value) else value
    return value


def clean_reason(text: str) -> str:
    """Why a row or a file could not be read, without an e-mail address or a secret that the reason quotes."""
    return clean_value("id", text)


_BEYOND = 500
_LAST_CELL = re.compile(rf"[^\"\t\n,\s]{{0,{_BEYOND}}}\Z")
_CELL_ENDS = re.compile(r"([\"\t\n,])")
_GA4_PAIR = re.compile(r"\"key\"\s*:\s*\"([^\"]{1,100})\"\s*,\s*\"value\"\s*:\s*\{([^{}]*)\}?")
_LITERAL = re.compile(r"(:\s*)(\"(?:[^\"\\]|\\.)*\"?|-?\d[\d.]*)")


def clean_row(text: str, longest: int) -> str:
    """A row that could not be read, JSON or CSV, possibly broken or cut off, without what is personal.

    A little more is judged than is kept, and the last cell of that is left out: half an address could not be seen.
    """
    if len(text) > longest:
        text = _LAST_CELL.sub("", text[: longest + _BEYOND])
    return _settled(_row, text)[:longest]


def _row(text: str) -> str:
    if _JSON.match(text) and (cleaned := _json(text, 0)) is not None:
        return cleaned
    text = _GA4_PAIR.sub(_ga4_pair, text)
    cells = _CELL_ENDS.split(_cut(text, list(_json_pair_spans(text))))
    return _without(text := "".join(map(_cell, cells)), text, lambda part: _spans(part, 1))


@lru_cache(maxsize=1000)
def _cell(cell: str) -> str:
    """A part of a row; most are in many rows of a file."""
    return _parameter(None, cell, 1)


def _ga4_pair(match: re.Match[str]) -> str:
    def cleaned(literal: re.Match[str]) -> str:
        value = literal[2].strip('"')
        after = clean_value(match[1], value) if literal[2][0] == '"' or _is_personal_pair(match[1], value) else value
        return literal[0] if after == value else f'{literal[1]}"{after}"'

    return (
        match[0][: match.start(2) - match.start()]
        + _LITERAL.sub(cleaned, match[2])
        + match[0][match.end(2) - match.start() :]
    )


def _json_pair_spans(text: str) -> Iterator[Span]:
    """Values under personal names in what looks like JSON; a number with its place in the text as it is."""
    for match in _PAIR_IN_TEXT.finditer(text):
        if _is_personal_pair(match[1], match[2].strip('"')):
            quoted = match[2][0] == '"'
            yield match.start(2) + quoted, match.end(2) - (quoted and match[2].endswith('"', 1))


def _is_personal_pair(key: str, value: str) -> bool:
    return is_personal(kind_of_key(key), decoded(value))


def _hides_personal(text: str, depth: int) -> bool:
    """Whether a text in base64 or hexadecimal holds something personal: an e-mail address, JSON with a name."""
    if depth >= _DEPTH or not _BASE64.fullmatch(text):
        return False
    return any(_is_personal_inside(inner, depth) for inner in _unpacked(text))


def _unpacked(text: str) -> Iterator[str]:
    bare = text.rstrip("=")
    with suppress(ValueError):  # also of what is no UTF-8
        yield base64.urlsafe_b64decode(bare.replace("+", "-").replace("/", "_") + "=" * (-len(bare) % 4)).decode()
    with suppress(ValueError):
        yield bytes.fromhex(text).decode()


def _is_personal_inside(inner: str, depth: int) -> bool:
    if not inner.isprintable():
        return False
    if _JSON.match(inner) or "=" in inner:
        return _any_text(inner, decoded(inner), depth + 1) != inner
    return any(True for _ in _strict_spans(decoded(inner)))


# --- addresses ------------------------------------------------------------------------------------------------------

_PARTS = re.compile(r"(?s)([A-Za-z][A-Za-z0-9+.-]*:)?(//[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?")
_PERSON_SCHEMES = ("mailto:", "tel:", "sms:", "callto:", "facetime:", "skype:", "whatsapp:")


def clean_address(text: str) -> str:
    """An address without what is personal in user, path, query and fragment; its other parts stay as they are.

    >>> clean_address("https://shop.example/u/jane%2540example.com?size=m&Phone=0171+2345678#access_token=x1y2")
    'https://shop.example/u/[redacted]?size=m&Phone=[redacted]#access_token=[redacted]'
    """
    if len(text) > _LONGEST:
        return "".join(clean_value(None, piece) for piece in _pieces(text))
    return _settled(lambda address: _address(address, 0), text)


def _address(text: str, depth: int) -> str:
    scheme, authority, path, query, fragment = _PARTS.findall(text)[0]  # each may be empty, and together they are all
    if not authority and scheme.lower() in _PERSON_SCHEMES:
        path = MARKER if path.strip() and path != MARKER else path
    else:
        # user and password are left out: a marker with brackets would make the host unreadable
        authority = "//" + authority.rpartition("@")[2] if "@" in authority else authority
        path = _path(path, authority, depth)
    if query:
        token_page = any(leads_to_token(words_of(decoded(segment))) for segment in path.split("/"))
        query = "?" + _query(query[1:], depth, token_page)
    if fragment:
        fragment = "#" + _fragment(fragment[1:], depth)
    return f"{scheme}{authority}{path}{query}{fragment}"


_DOI = re.compile(r"10\.\d{4,9}")  # who registers names of publications, which follow


def _path(path: str, authority: str, depth: int) -> str:
    if not path.strip("/"):
        return path
    segments = path.split("/")
    before = Before()
    for index, segment in enumerate(segments):
        if not segment:
            continue
        plain = decoded(segment)
        segments[index] = _segment(segment, plain, before, depth)
        before = before.then(("doi",) if _DOI.fullmatch(plain) else words_of(plain))
    if authority.lower().endswith(("//wa.me", ".whatsapp.com")) and re.fullmatch(r"/\+?\d{7,15}/?", path):
        return "/" + MARKER
    return "/".join(segments)


def _segment(segment: str, plain: str, before: Before, depth: int) -> str:
    """One segment of a path, judged by those before it: the value of `/token/<...>` or `/users/<...>`."""
    if ";" in segment or "=" in segment.rstrip("="):  # ;name=value, or name=value
        return ";".join(
            _pair(part, depth) if "=" in part else _bare_segment(part, decoded(part), before, depth)
            for part in segment.split(";")
        )
    return _bare_segment(segment, plain, before, depth)


def _is_email_with_a_hyphen(segment: str) -> bool:
    """Whether it is an e-mail address whose @ a site replaced: jane.doe-example.com."""
    return any(
        looks_like_account_name(segment[: match.start()]) and detectors.is_host(segment[match.end() :])
        for match in re.finditer("[-_]", segment)
    )


def _bare_segment(segment: str, plain: str, before: Before, depth: int) -> str:
    known = rules()
    if before.leads_to_token and looks_like_code(plain):
        return MARKER
    if before.leads_to_token and _is_email_with_a_hyphen(plain):
        return MARKER
    if (is_among(before.role, known.person_paths) or plain[:1] in ("@", "~")) and looks_like_account_name(
        plain.lstrip("@~")
    ):
        return MARKER
    if is_among(before.role, known.account_paths) and looks_like_handle(plain):
        return MARKER
    if before.of_person and begins_with_full_name(plain):
        return MARKER
    if is_among(before.role, known.profile_paths - known.paper_paths) and may_be_full_name(plain):
        return MARKER
    kind = known.phrases.get(before.last)
    if (
        kind in ("phone", "national_id", "birth", "card", "place", "ip")
        and is_personal(kind, plain)
        and not re.search(r"[^\W\d_]{4}", plain)
    ):
        return MARKER
    if kind == "secret" and looks_random(plain):
        return MARKER
    if before.last in known.thing_paths:
        return _in_path(segment, plain, _strict_spans)
    if _hides_personal(plain, depth):
        return MARKER
    if (
        "%" in segment
        and depth < _DEPTH
        and _LOOKS_LIKE_ADDRESS.match(plain)
        and (cleaned := _address(plain, depth + 1)) != plain
    ):
        return encoded(cleaned, "/?#=&")
    return _in_path(segment, plain, _path_spans)


def _path_spans(text: str) -> Iterator[Span]:
    yield from _strict_spans(text)
    if any(map(str.isdigit, text)):
        yield from detectors.phones(text)
        yield from (
            span for span in detectors.cards(text) if not text[slice(*span)].isdigit() or span == (0, len(text))
        )
        yield from _number_spans(text)


def _in_path(segment: str, plain: str, find: Callable[[str], Iterator[Span]]) -> str:
    if spans := list(find(segment)):
        return _cut(segment, spans)
    for seen in (plain, plain.replace("+", " ")):
        if seen != segment and (spans := list(find(seen))):
            return encoded(_cut(seen, spans), "/?")
    return segment


def _query(query: str, depth: int, token_page: bool) -> str:
    pairs = without_names(query.split("&"))
    return "&".join(_pair(pair, depth, token_page) for pair in pairs)


def _pair(pair: str, depth: int, token_page: bool = False) -> str:
    """``name=value`` of a query, with its value cleaned; and its name, where that holds an e-mail address."""
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    key = decoded(name.replace("+", " ")).removeprefix("amp;")
    cleaned = _query_value(key or None, value, depth, token_page)
    if name:
        plain = decoded(name)
        if spans := list(_strict_spans(plain)):
            name = encoded(_cut(plain, spans), "=")
    return f"{name}{equals}{cleaned}"


def _query_value(key: str | None, value: str, depth: int, token_page: bool) -> str:
    if not value:
        return value
    kind = kind_of_key(key) if key else None
    if kind == CLICK_ID:
        cleaned = _without(value, decoded(value), detectors.emails)
        return value if cleaned == value else encoded(cleaned)
    spaced = decoded(re.sub(r"(?<!^)\+", " ", value) if re.match(r"\+\d", value) else value.replace("+", " "))
    if token_page and kind not in (KEPT, CLICK_ID) and looks_like_code(spaced):
        return MARKER
    # a plus is a space, but people also write it for itself, in jane+tag@example.com
    for plain in (decoded(value), spaced):
        cleaned = _parameter(key, plain, depth + 1)
        if cleaned != plain:
            return encoded(cleaned)
    return value


def _fragment(fragment: str, depth: int) -> str:
    """A fragment is a path with a query (``#/account?email=``), a query alone (``#access_token=``), or text."""
    before, mark, query = fragment.partition("?")
    if mark:
        return f"{_fragment(before, depth) if before else ''}?{_query(query, depth, False)}"
    if "=" in fragment:
        lead = "/" if fragment.startswith("/") else ""
        return lead + _query(fragment.removeprefix("/"), depth, False)
    if "/" in fragment:
        return _path(fragment, "", depth)
    return _query_value(None, fragment, depth, False)
