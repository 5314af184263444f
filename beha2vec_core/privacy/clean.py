"""Remove what is personal from one value: an address by its parts, a text by its words, a parameter by its key.

Everything is judged decoded, to a fixed point. What holds nothing personal comes back byte for byte as it was.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote

from beha2vec_core.privacy import detectors
from beha2vec_core.privacy.detectors import Span, looks_random
from beha2vec_core.privacy.rules import CLICK_ID, KEPT, first_names, fold, joined, kind_of_key, rules

MARKER = rules().marker
_ROUNDS = 8  # of decoding, and of cleaning what cleaning left
_DEPTH = 6  # of addresses within addresses
_LONGEST = 20_000  # characters judged at once; longer texts, which no browser sends, are judged in pieces

# --- decoding -------------------------------------------------------------------------------------------------------

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
    for _ in range(_ROUNDS):
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


def _encoded(text: str, also: str = "") -> str:
    """Decoded text as it may stand in a part of an address."""
    return "".join(
        "".join(f"%{byte:02X}" for byte in c.encode()) if _RESERVED.match(c) or c in also else c for c in text
    )


# --- a fixed point --------------------------------------------------------------------------------------------------


def _settled(clean: Callable[[str], str], text: str) -> str:
    """What cleaning leaves when it is repeated until nothing changes, so that cleaning twice changes nothing."""
    for _ in range(_ROUNDS):
        after = clean(text)
        if after == text:
            return text
        text = after
    return MARKER


# --- parameters -----------------------------------------------------------------------------------------------------

_TRIVIAL = re.compile(
    r"[\W_]*|[01]|[a-z]|true|false|yes|no|on|off|null|none|undefined|nan|not set|unknown|any|all"
    r"|new|edit|change|update|add",
    re.IGNORECASE,
)
_HEX = re.compile(r"[0-9a-fA-F]{32,128}")
_DECIMAL = re.compile(r"-?\d{1,3}[.,]\d{2,}")


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


def accepts_number(kind: str | None, number: float) -> bool:
    """Whether a number under a key of this kind is personal: a phone number, a date of birth, a card."""
    if kind is None or kind in (CLICK_ID, KEPT, "maybe_name", "maybe_secret", "hashed"):
        return False
    return _accepts(kind, _written(number))


def _written(number: float) -> str:
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def _parameter(key: str | None, value: str, depth: int) -> str:
    kind = kind_of_key(key) if key else None
    if kind == CLICK_ID:
        return value
    plain = decoded(value)
    if kind == KEPT:
        hidden = _BASE64.fullmatch(plain) and _hides_personal(plain, depth)
        return MARKER if hidden else _without(value, plain, _strict_spans)
    if kind and _accepts(kind, plain):
        return MARKER
    return _any_text(value, plain, depth)


def _accepts(kind: str, value: str) -> bool:
    """Whether a value is one that a key of this kind makes personal: `phone=iphone-15` is none."""
    value = value.replace(MARKER, "").strip()
    if _TRIVIAL.fullmatch(value):
        return False
    digits = sum(c.isdigit() for c in value)
    letters = sum(c.isalpha() for c in value)
    if kind == "phone":
        return (digits >= 6 and letters <= 4) or bool(_HEX.fullmatch(value))
    if kind == "hashed":
        return bool(_HEX.fullmatch(value))
    if kind == "maybe_name":
        return looks_like_person(value)
    if kind == "maybe_secret":
        return looks_random(value)
    if kind == "name":
        return letters > 0
    if kind == "birth":
        return digits >= 2
    if kind == "card":
        return digits >= 3
    if kind == "national_id":
        return digits >= 4
    if kind == "place":
        return bool(_DECIMAL.search(value))
    if kind == "ip":
        return detectors.is_ip(value.split(",")[0]) or bool(_HEX.fullmatch(value))
    if kind == "postcode":
        return digits >= 2 and len(value) <= 10
    if kind == "address":
        return digits > 0 or " " in value or not value.islower()
    return True  # e-mail, secret


# --- texts ----------------------------------------------------------------------------------------------------------

_ADDRESS_IN_TEXT = re.compile(r"\b(?:https?|ftp)://[^\s\"'<>\\|\[\]{}]+", re.IGNORECASE)
_LOOKS_LIKE_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?//\S|/[^\s?]*\?\S+=|\?\S+=\S|#\S+=\S|[\w.-]+\.[a-z]{2,}/\S*\?\S+=", re.IGNORECASE
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
    if _BASE64.fullmatch(plain) and _hides_personal(plain, depth):
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


def _spans(text: str, depth: int) -> Iterator[Span]:
    for span in _all_spans(text, depth):
        if text[span[0] : span[1]].replace(MARKER, "").strip(" .,:;-|"):
            yield span


def _all_spans(text: str, depth: int) -> Iterator[Span]:
    plain_digits = depth == 0 or " " in text or text.isdigit()
    yield from _strict_spans(text)
    if any(c.isdigit() for c in text):
        yield from detectors.phones(text, plain=plain_digits)
        yield from detectors.cards(text)
        yield from detectors.ibans(text)
        yield from detectors.national_ids(text)
        yield from detectors.coordinates(text)
        yield from detectors.ips(text)
        yield from _street_spans(text)
    yield from _labelled_spans(text)
    yield from _name_spans(text)
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
        return MARKER if accepts_number(kind_of_key(key), value) else value
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
    return _without(text := "".join(_parameter(None, cell, 1) for cell in cells), text, lambda part: _spans(part, 1))


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
    kind = kind_of_key(key)
    return kind is not None and kind not in (CLICK_ID, KEPT) and _accepts(kind, decoded(value))


def _hides_personal(text: str, depth: int) -> bool:
    """Whether text in base64 holds something personal: an e-mail address, JSON with a name."""
    try:
        inner = base64.urlsafe_b64decode(
            text.rstrip("=").replace("+", "-").replace("/", "_") + "=" * (-len(text.rstrip("=")) % 4)
        ).decode()
    except (ValueError, binascii.Error):
        return False
    if not inner.isprintable() or depth >= _DEPTH:
        return False
    if _JSON.match(inner) or "=" in inner:
        return _any_text(inner, decoded(inner), depth + 1) != inner
    return any(True for _ in _strict_spans(decoded(inner)))


# --- names, labels and streets in texts -----------------------------------------------------------------------------

_SEPARATORS = r"\s*(?:[|–—•·»]|\s-\s|:(?=\s))\s*"
_NAME_WORD = r"[^\W\d_][\w'’.-]{0,40}"


def looks_like_person(text: str) -> bool:
    """Whether the text as a whole may be a person's name: one to four words, a known first name among them."""
    words = [word for word in re.split(r"[\s._,+-]+", text.strip()) if word]
    if not 1 <= len(words) <= 4 or not all(re.fullmatch(r"[^\W\d_][\w'’]*", word) for word in words):
        return False
    if any(fold(word) in _words_of_titles() for word in words):
        return False
    return any(_is_first_name(word) for word in words)


def _is_first_name(word: str) -> bool:
    folded = fold(word)
    if folded in _words_of_titles():
        return False
    if folded in first_names():
        return True
    return not word.isascii() and any(folded.startswith(name) and len(name) > 1 for name in _eastern_names())


@cache
def _words_of_titles() -> frozenset[str]:
    """Greetings and the like, some of which are first names elsewhere: Ola."""
    known = rules()
    return frozenset(
        fold(word)
        for word in known.strong_greetings + known.weak_greetings + known.accounts + known.holdings + known.of_words
    )


@cache
def _eastern_names() -> tuple[str, ...]:
    return tuple(name for name in first_names() if "\u3040" <= name[0] <= "\u9fff")


def _capitalised(words: list[str]) -> bool:
    return all(word[0].isupper() or word in rules().particles for word in words) and words[0][0].isupper()


def _alternatives(phrases: tuple[str, ...]) -> str:
    """A pattern of any of the phrases in folded text: a trie, as `re` would try hundreds one after the other."""
    tree: dict[str, Any] = {}
    for phrase in phrases:
        node = tree
        for character in fold(phrase):
            node = node.setdefault(r"[\s_-]?" if character == " " else re.escape(character), {})
        node[""] = {}
    return _pattern_of(tree)


def _pattern_of(tree: dict[str, Any]) -> str:
    branches = [character + _pattern_of(rest) for character, rest in tree.items() if character]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)}){'?' if '' in tree else ''}"


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    known = rules()
    name = rf"(?P<name>{_NAME_WORD}(?:\s+{_NAME_WORD}){{0,3}})"
    return {
        "strong": re.compile(rf"(?<![^\W_])(?:{_alternatives(known.strong_greetings)})[,!:]?\s+{name}"),
        "weak": re.compile(rf"(?<![^\W_])(?:{_alternatives(known.weak_greetings)})\s*[,!:]?\s+{name}"),
        "account": re.compile(
            rf"(?<![^\W_])(?:{_alternatives(known.accounts)}\s*[:–—|-]\s*"
            rf"|{_alternatives(known.accounts + known.holdings)}\s(?:{_alternatives(known.of_words)})\s){name}"
        ),
        "owned": re.compile(
            rf"(?<!\w){name}['’]s?\s+(?:[a-z]+\s+)?(?:{_alternatives(known.accounts + known.holdings)})(?![^\W_])"
        ),
        "mentions": re.compile(rf"(?<![^\W_])(?:{_alternatives(known.accounts)})(?![^\W_])"),
    }


_HONORIFIC = re.compile(r"[\u4e00-\u9fff々ヶ]{2,6}(?=\s?(?:さん|様|さま|殿))")


@lru_cache(50_000)
def _same_length_fold(text: str) -> str:
    """Folded text in which every character stands where it stood."""
    return "".join(folded if len(folded := fold(c)) == 1 else c.lower() if len(c.lower()) == 1 else c for c in text)


def _name_spans(text: str) -> Iterator[Span]:
    """Names after a greeting, of an account's or an order's owner, and beside one: `Jane Doe | My account`."""
    folded = _same_length_fold(text)
    patterns = _patterns()
    for which in ("strong", "weak", "account", "owned"):
        for match in patterns[which].finditer(folded):
            yield from _name_at(text, *match.span("name"), known_only=which != "strong", backwards=which == "owned")
    for match in _HONORIFIC.finditer(text):
        if _is_first_name(match[0]):
            yield match.span()
    if patterns["mentions"].search(folded):
        at = 0
        for part in re.split(f"({_SEPARATORS})", text):
            words = [word for word in part.split() if fold(word).rstrip(".") not in rules().forms_of_address]
            if (
                len([word for word in words if word not in rules().particles]) == 2
                and _capitalised(words)
                and looks_like_person(" ".join(words))
            ):
                begin = at + len(part) - len(part.lstrip())
                yield begin, begin + len(part.strip())
            at += len(part)


def _name_at(text: str, begin: int, end: int, known_only: bool, backwards: bool) -> Iterator[Span]:
    """The words of a name that stand in a span, from its beginning (or from its end)."""
    found = [(match.start() + begin, match.end() + begin) for match in re.finditer(r"\S+", text[begin:end])]
    if backwards:
        found.reverse()
    addressed = False  # as Mrs. or Herr: then any name in capitals
    while found and fold(text[slice(*found[0])]).rstrip(".") in rules().forms_of_address:
        addressed = True
        del found[0]
    taken: list[Span] = []
    for word_begin, word_end in found:
        word = text[word_begin:word_end].rstrip(".,'’-")
        if not word or not (
            word[0].isupper()
            or ("." in word and looks_like_person(word))
            or word in rules().particles
            or not word[0].islower()
        ):
            break
        taken.append((word_begin, word_begin + len(word)))
        if word_begin + len(word) < word_end and not backwards:
            break
    while taken and text[taken[-1][0] : taken[-1][1]] in rules().particles:
        taken.pop()
    words = [text[a:b] for a, b in taken]
    if words and (
        any(_is_first_name(part) for word in words for part in word.split("."))
        or (not known_only and len(words) == 2)
        or (addressed and words[0][0].isupper())
    ):
        yield min(a for a, _ in taken), max(b for _, b in taken)


# what a label's value looks like: `Tel. 030 901820`, `DOB: 23/04/1987`
_LABEL_VALUES = {
    "phone": r"[+(]?\d(?:[\s().·/-]{0,3}\d){5,14}(?!\w)",
    "national_id": r"(?=[^|,;]{0,8}\d)[A-Z0-9](?:[\s./-]?[A-Z0-9]){4,19}(?!\w)",
    "birth": r"\d{1,4}\s?[-/.年]\s?(?:\d{1,2}|[^\W\d]{3,9})\s?[-/.月]?\s?\d{1,4}日?|\d{1,2}\.?\s[^\W\d]{3,10}\s\d{4}",
    "ip": r"[0-9a-f]{1,4}(?:[.:][0-9a-f]{0,4}){3,7}",
    "card": r"\d(?:[ -]?\d){2,20}",
    "secret": r"(?=\S{0,30}[\d!?$%§_*])[^\s|,;]{4,}",
    "name": r"[^\W\d_][\w'’-]*(?:\s[^\W\d_][\w'’-]*){0,2}",
    "maybe_name": r"[^\W\d_][\w'’.-]*(?:\s[^\W\d_][\w'’-]*){0,2}",
    "address": r"[^|:;–—•]{0,60}\d[^|:;–—•]{0,40}",
    "place": r"-?\d{1,3}[.,]\d{2,}(?:\s*,\s*-?\d{1,3}[.,]\d{2,})?",
}
# labels of these kinds need a colon or an equals sign: `Password reset`, `Address book` are no labels
_NEEDS_COLON = frozenset(("secret", "name", "maybe_name", "address", "card"))


@cache
def _label_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    found = []
    for kind, value in _LABEL_VALUES.items():
        phrases = _alternatives(rules().labels[kind])
        after = (
            r"\s?[:=]\s*"
            if kind in _NEEDS_COLON
            else r"\.?\s?(?:no|nr|number|nummer|n°|№|am|on|le|el|il|em|op|den|dnia)?\.?\s*[:=#]?\s*"
        )
        found.append(
            (kind, re.compile(rf"(?<![^\W_])(?:{phrases})(?![^\W\d_]){after}(?P<value>{value})", re.IGNORECASE))
        )
    return tuple(found)


_HAS_LABEL = re.compile(r"[:=]|\d.*\d")


def _labelled_spans(text: str) -> Iterator[Span]:
    if not _HAS_LABEL.search(text):
        return
    folded = _same_length_fold(text)
    for kind, pattern in _label_patterns():
        for match in pattern.finditer(folded):
            value = text[slice(*match.span("value"))]
            if kind == "name" and not (value[0].isupper() or not value.isascii()):
                continue
            if kind == "maybe_name" and not ((value[0].isupper() or "." in value) and looks_like_person(value)):
                continue
            if kind == "phone" and detectors.DATE.search(value):
                continue
            if sum(c.isdigit() for c in value) >= 4 or kind in ("name", "maybe_name", "secret", "card", "address"):
                yield match.span("value")


_ZIP = r"(?:\d{5}(?:-\d{3})?|\d{4}\s?[A-Z]{2}|\d{3}\s\d{2}|\d{2}-\d{3}|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|\d{3}-\d{4})"
_HAS_ZIP = re.compile(rf"(?<!\w){_ZIP}(?!\w)", re.IGNORECASE)
_STREET = re.compile(
    r"(?<!\w)(?:"
    r"[^\W\d_][\w.-]{0,40}(?:straße|strasse|str\.|gasse|allee|straat|laan|gracht|gatan|vägen)\s\d{1,4}\s?[a-z]?"
    r"|\d{1,5}(?:\s(?:bis|ter))?,?\s(?:rue|avenue|boulevard|chemin|impasse|place|quai)\s[\w'’ -]{2,40}?"
    r"|\d{1,5}\s(?:[^\W\d_][\w'’]{0,20}\s){1,3}"
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|way|place)\b\.?"
    r"|(?:calle|avenida|plaza|paseo|via|viale|piazza|corso|rua|travessa|ul\.|ulica|al\.|улица|ул\.|проспект|пр\.)"
    r"\s[\w'’. -]{2,40}?,?\s\d{1,4}[a-z]?"
    r"|[^\W\d_][\w.'’ -]{3,40}\s\d{1,4}\s?[a-z]?(?=,\s?\d{5}\s[^\W\d_])"
    r"|[^\W\d_][\w ]{2,30}\s(?:caddesi|sokak|sokağı|cad\.|sok\.)\s(?:no:?\s?)?\d{1,4}"
    r")(?=[,\s]+(?:[^\W\d_]{1,20}[,\s]+){0,3}" + _ZIP + r"(?!\w))",
    re.IGNORECASE,
)


def _street_spans(text: str) -> Iterator[Span]:
    """Streets with a house number before a postcode; without a postcode a street may be a shop's or a film's."""
    if _HAS_ZIP.search(text):
        for match in _STREET.finditer(text):
            yield match.span()


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
    match = _PARTS.fullmatch(text)
    if match is None:  # not possible: every part may be empty
        return text
    scheme, authority, path, query, fragment = (part or "" for part in match.groups())
    if not authority and scheme.lower() in _PERSON_SCHEMES:
        path = MARKER if path.strip() and path != MARKER else path
    else:
        authority = _authority(authority)
        path = _path(path, authority, depth)
    if query:
        token_page = any(joined(decoded(segment)) in rules().token_paths for segment in path.split("/"))
        query = "?" + _query(query[1:], depth, token_page)
    if fragment:
        fragment = "#" + _fragment(fragment[1:], depth)
    return f"{scheme}{authority}{path}{query}{fragment}"


def _authority(authority: str) -> str:
    """User and password are left out: a marker with brackets would make the host unreadable."""
    return "//" + authority.rpartition("@")[2] if "@" in authority else authority


def _path(path: str, authority: str, depth: int) -> str:
    if not path.strip("/"):
        return path
    segments = path.split("/")
    before: list[str] = []
    for index, segment in enumerate(segments):
        if not segment:
            continue
        plain = decoded(segment)
        segments[index] = _segment(segment, plain, before, depth)
        before.append(joined(plain))
    if authority.lower().endswith(("//wa.me", ".whatsapp.com")) and re.fullmatch(r"/\+?\d{7,15}/?", path):
        return "/" + MARKER
    return "/".join(segments)


def _segment(segment: str, plain: str, before: list[str], depth: int) -> str:
    """One segment of a path, judged by those before it: the value of `/token/<...>` or `/users/<...>`."""
    if ";" in segment or "=" in segment:  # ;name=value, or name=value
        return ";".join(
            _pair(part, depth) if "=" in part else _bare_segment(part, decoded(part), before, depth)
            for part in segment.split(";")
        )
    return _bare_segment(segment, plain, before, depth)


def _bare_segment(segment: str, plain: str, before: list[str], depth: int) -> str:
    known = rules()
    last = before[-1] if before else ""
    if any(name in known.token_paths for name in before) and looks_random(plain):
        return MARKER
    if last in known.person_paths and len(re.split(r"[\s._+-]+", plain)) > 1 and looks_like_person(plain):
        return MARKER
    kind = known.phrases.get(last)
    if (
        kind in ("phone", "national_id", "birth", "card", "place", "ip")
        and _accepts(kind, plain)
        and not re.search(r"[^\W\d_]{4}", plain)
    ):
        return MARKER
    if kind == "secret" and looks_random(plain):
        return MARKER
    if last in known.thing_paths:
        return _in_path(segment, plain, _strict_spans)
    if _BASE64.fullmatch(plain) and _hides_personal(plain, depth):
        return MARKER
    if (
        "%" in segment
        and depth < _DEPTH
        and _LOOKS_LIKE_ADDRESS.match(plain)
        and (cleaned := _address(plain, depth + 1)) != plain
    ):
        return _encoded(cleaned, "/?#=&")
    return _in_path(segment, plain, _path_spans)


def _path_spans(text: str) -> Iterator[Span]:
    yield from _strict_spans(text)
    if any(c.isdigit() for c in text):
        yield from detectors.phones(text)
        yield from (
            span for span in detectors.cards(text) if not text[slice(*span)].isdigit() or span == (0, len(text))
        )
        yield from detectors.ibans(text)
        yield from detectors.national_ids(text)
        yield from detectors.coordinates(text)
        yield from detectors.ips(text)


def _in_path(segment: str, plain: str, find: Callable[[str], Iterator[Span]]) -> str:
    cleaned = _without(segment, plain, find)
    if cleaned == segment:
        spaced = plain.replace("+", " ")
        if spaced != plain and (spans := list(find(spaced))):
            return _encoded(_cut(spaced, spans), "/?")
        return segment
    return (
        cleaned
        if "%" in segment and cleaned.startswith(segment[:0]) and not list(find(plain))
        else _encoded(cleaned, "/?")
    )


def _query(query: str, depth: int, token_page: bool) -> str:
    return "&".join(_pair(pair, depth, token_page) for pair in query.split("&"))


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
            name = _encoded(_cut(plain, spans), "=")
    return f"{name}{equals}{cleaned}"


def _query_value(key: str | None, value: str, depth: int, token_page: bool) -> str:
    if not value:
        return value
    kind = kind_of_key(key) if key else None
    if kind == CLICK_ID:
        return value
    spaced = decoded(re.sub(r"(?<!^)\+", " ", value) if re.match(r"\+\d", value) else value.replace("+", " "))
    if token_page and kind not in (KEPT, CLICK_ID) and looks_random(spaced):
        return MARKER
    # a plus is a space, but people also write it for itself, in jane+tag@example.com
    for plain in (decoded(value), spaced):
        cleaned = _parameter(key, plain, depth + 1)
        if cleaned != plain:
            return _encoded(cleaned)
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
