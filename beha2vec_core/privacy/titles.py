"""Detectors by surroundings: names after a greeting, values after a label, streets before a postcode."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice, pairwise

from beha2vec_core.privacy import detectors
from beha2vec_core.privacy.detectors import Span
from beha2vec_core.privacy.east_asian import east_asian_spans
from beha2vec_core.privacy.kinds import LEAST_DIGITS_OF_AN_ID
from beha2vec_core.privacy.names import (
    NAME_WORD,
    is_family_name,
    is_famous,
    is_first_name,
    is_likely_pair,
    is_pair,
    looks_like_family,
    looks_like_full_name,
    looks_like_handle,
    looks_like_person,
    may_be_pair,
)
from beha2vec_core.privacy.phrases import alternatives, same_length_fold
from beha2vec_core.privacy.rules import fold, rules

_SEPARATORS = r"\s*(?:[|–—•·»]|\s-\s|[:,](?=\s))\s*"


def _capitalised(words: list[str]) -> bool:
    return all(not word[0].islower() or word in rules().particles for word in words) and not words[0][0].islower()


_LEAST_OF_A_CONTACT = 5  # of a word for how to reach someone; shorter ones are products as well: phone, handy
_OWNER_FOLLOWS = re.compile(r"[\u0400-\u06ff]")


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    known = rules()
    name = rf"(?P<name>{NAME_WORD}(?:\s+{NAME_WORD}){{0,3}})"
    things = known.accounts + known.holdings + known.papers
    contacts = tuple(p for kind in ("phone", "email") for p in known.labels[kind] if len(p) > _LEAST_OF_A_CONTACT)
    roles = known.labels["person"] + known.labels["account"]
    long_roles = tuple(phrase for phrase in roles if len(phrase) > _LEAST_OF_A_CONTACT)
    of_people = known.papers + known.calls + known.leads + known.obituaries + contacts + long_roles
    owner_follows = tuple(phrase for phrase in things if _OWNER_FOLLOWS.match(phrase))
    return {
        "strong": re.compile(rf"(?<![^\W_])(?:{alternatives(known.strong_greetings)})[,!:،，、！]?\s+(?={name})"),
        "weak": re.compile(rf"(?<![^\W_])(?:{alternatives(known.weak_greetings)})\s*[,!:،，、！]?\s+(?={name})"),
        "account": re.compile(
            rf"(?<![^\W_])(?:{alternatives(known.accounts)}\s*[:–—|-]\s*"
            rf"|{alternatives(things)}\s(?:{alternatives(known.of_words)})\s)(?={name})"
        ),
        "by": re.compile(
            rf"(?<![^\W_])(?:{alternatives(known.papers)})\s(?:[^\W\d_]+\s){{0,3}}"
            rf"(?:{alternatives(known.by_words + known.of_words)})\s(?={name})"
        ),
        "reviews": re.compile(
            rf"(?<![^\W_])(?:{alternatives(known.reviews + known.holdings)})\s(?:[^\W\d_]+\s){{0,3}}?"
            rf"(?:{alternatives(known.by_words + known.of_words)})\s(?={name})"
        ),
        "of things": re.compile(rf"(?<![^\W_])(?:{alternatives(known.holdings + known.papers)})(?![^\W_])"),
        "of people": re.compile(rf"(?<![^\W_])(?:{alternatives(of_people)})(?![^\W_])"),
        "owned": re.compile(
            rf"(?<!\w){name}(?:['’]s?|\s(?:{alternatives(known.possessives)}))\s+(?:[a-z]+\s+)?"
            rf"(?:{alternatives(things)})(?![^\W_])"
        ),
        "account owned": re.compile(
            rf"(?<![\w.])(?P<name>\w[\w.]+)['’]s?\s+(?:[a-z]+\s+)?(?:{alternatives(known.accounts)})(?![^\W_])"
        ),
        # in Arabic and in Slavic languages the owner follows at once
        "construct": re.compile(rf"(?<![^\W_])(?:{alternatives(owner_follows)})\s(?={name})"),
        "second person": re.compile(
            rf"(?<![^\W_])(?:{alternatives(known.second_person + known.weak_greetings)})(?![^\W_])"
        ),
        "mentions": re.compile(rf"(?<![^\W_])(?:{alternatives(known.accounts)})(?![^\W_])"),
        "your": re.compile(rf"(?<![^\W_])(?:{alternatives(things + known.strong_greetings)})(?![^\W_])"),
        "things": re.compile(rf"(?<![^\W_])(?:{alternatives(known.holdings + known.papers)})\s*[:–—|-]\s+(?={name})"),
        "roles": re.compile(rf"(?<![^\W_])(?:{alternatives(roles)})\s?:\s+(?={name})"),
        "leads": re.compile(
            rf"(?<![^\W_])(?:(?P<obituaries>{alternatives(known.obituaries)})|(?P<leads>{alternatives(known.leads)})"
            rf"|(?P<contacts>{alternatives(contacts)}))(?![^\W_])[\s_.:–-]*"
        ),
    }


def name_spans(text: str) -> Iterator[Span]:
    """Names after a greeting, of an account's or an order's owner, and beside one: `Jane Doe | My account`."""
    folded = same_length_fold(text)
    patterns = _patterns()
    of_account = patterns["mentions"].search(folded) is not None
    for which in ("strong", "weak", "account", "by", "construct", "owned"):
        for match in patterns[which].finditer(folded):
            # Hello Anna, your cart: only a person is greeted like this, but a brand is, as in Hello Kitty
            phrase = " ".join(folded[match.start() : match.end() + 20].split()[:2]).rstrip(",.!:")
            if phrase in rules().greeting_brands:
                continue
            called = which == "weak" and patterns["your"].search(folded, match.end()) is not None
            yield from _name_at(text, *match.span("name"), which == "strong", backwards=which == "owned", called=called)
    if of_account:
        for match in patterns["account owned"].finditer(folded):
            if looks_like_handle(match["name"]):
                yield match.span("name")
    for match in (match for which in ("things", "roles", "reviews") for match in patterns[which].finditer(folded)):
        yield from _name_alone(text, match.start("name"))
    for match in patterns["leads"].finditer(folded):
        yield from _name_near(folded, *match.span(), str(match.lastgroup))
    yield from east_asian_spans(text)
    if "," in text or "!" in text:
        yield from _addressed_by_name(text, folded)
    if text.islower() and patterns["of people"].search(folded):
        yield from _pairs(folded)
    if of_account or patterns["of things"].search(folded):
        yield from _parts_that_are_names(text, of_account)


# Your order is on its way, Anna! and: Anna, your order is on its way; also with the family name
_ONE_OR_TWO = rf"(?P<name>{NAME_WORD}(?:\s{NAME_WORD})?)"
_VOCATIVES = (
    re.compile(rf",\s{_ONE_OR_TWO}(?=\s*(?:[!.?|–—•·»]|\s-\s|$))"),
    re.compile(rf"(?:^|[|–—•·»]\s){_ONE_OR_TWO}(?=[,!]\s)"),
)


def _addressed_by_name(text: str, folded: str) -> Iterator[Span]:
    """A known first name that a sentence to the reader ends or begins with."""
    for pattern in _VOCATIVES:
        for match in pattern.finditer(text):
            begin = max(text.rfind(mark, 0, match.start()) for mark in "|–—•·»") + 1
            ends = [at for mark in "|–—•·»" if (at := text.find(mark, match.end())) > 0]
            if _is_vocative(match["name"].split()) and _patterns()["second person"].search(
                folded, begin, min(ends, default=len(text))
            ):
                yield match.span("name")


def _is_vocative(words: list[str]) -> bool:
    is_name = is_first_name(words[0]) if len(words) == 1 else is_likely_pair(words[0], words[1].partition("-")[0])
    return is_name and all(word[0].isupper() for word in words)


def _name_alone(text: str, begin: int) -> Iterator[Span]:
    """A first and a family name that begins there, if no other word in capitals follows: no `Robin Christmas Card`."""
    words: list[str] = []
    end = begin
    addressed = False  # as Mrs. or Herr: then any name
    for match in re.finditer(r"\S+", text[begin : begin + 80]):
        word = match[0].rstrip(",.:;!?)'’")
        if not words and fold(word) in rules().forms_of_address:
            addressed = True
            continue
        if not word or not (word[0].isupper() or word in rules().particles):
            break
        words.append(word)
        end = begin + match.start() + len(word)
        if word != match[0]:
            break
    name = " ".join(words)
    if not is_famous(name) and (
        (addressed and 1 <= len(words) <= 2)
        or (len(_without_particles(words)) == 2 and (looks_like_full_name(name) or is_likely_pair(words[0], words[-1])))
    ):
        yield begin, end


def _parts_that_are_names(text: str, of_account: bool) -> Iterator[Span]:
    """Names between separators: `Jane Doe | My account`, `Certificate of Completion - Jane Doe - School`."""
    at = 0
    for part in re.split(f"({_SEPARATORS})", text):
        words = [word for word in part.split() if fold(word).rstrip(".") not in rules().forms_of_address]
        without_capitals = bool(words) and not words[0][0].isupper()  # as in Arabic
        name = " ".join(words)
        if (
            len(_without_particles(words)) in ((2, 3) if without_capitals else (2,))
            and _capitalised(words)
            and not is_famous(name)
            and (
                looks_like_full_name(name)
                or (is_first_name(words[0]) and is_likely_pair(words[0], words[-1]))
                or (of_account and looks_like_person(name))
            )
            and not _patterns()["mentions"].search(same_length_fold(part))
        ):
            begin = at + len(part) - len(part.lstrip())
            yield begin, begin + len(part.strip())
        at += len(part)


_ONE_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN_WORDS = re.compile(r"[\s_.-]+")
_WORDS_AFTER_LEAD = 4  # with particles
_WORDS_IN_A_ROW = re.compile(r"[^\W\d_]+(?:[\s_.-]+[^\W\d_]+)+")


def _name_near(folded: str, begin: int, end: int, which: str) -> Iterator[Span]:
    """A first and a family name, in either order, after a lead, or before words such as phone number."""
    after = _words_in_a_row(folded, _ONE_WORD.finditer(folded, end), end, _WORDS_AFTER_LEAD)
    while after and after[0][1] in rules().of_words:
        del after[0]
    after = after[:1] + [word for word in after[1:] if word[1] not in rules().particles]
    if len(after) > 1:
        first, second = after[0][1], after[1][1]
        if first in rules().forms_of_address:
            if len(first) > 2 and len(second) > 3:
                yield after[1][0], after[min(len(after), 3) - 1][2]
            return
        if which == "obituaries" and is_first_name(first) and not is_famous(f"{first} {second}"):
            yield after[0][0], after[1][2]
            return
    if (name := _pair_among(after)) or (name := _pair_among(after[:2], likely=True, leads=which == "leads")):
        yield name
    elif len(after) > 1 and is_pair(after[1][1], after[0][1]) and not is_famous(f"{after[1][1]} {after[0][1]}"):
        yield after[0][0], after[1][2]
    elif which in ("contacts", "obituaries"):
        before = list(_ONE_WORD.finditer(folded, 0, begin))[-2:]
        yield from filter(None, [_pair_among(_words_in_a_row(folded, before, before[0].start() if before else 0, 2))])


def _pairs(folded: str) -> Iterator[Span]:
    """First and family names anywhere in a search or a campaign about people."""
    for match in _WORDS_IN_A_ROW.finditer(folded):
        yield from filter(None, [_pair_among(_words_of(match))])


def _words_of(match: re.Match[str]) -> list[tuple[int, str, int]]:
    return [
        (match.start() + word.start(), word[0], match.start() + word.end()) for word in _ONE_WORD.finditer(match[0])
    ]


def _pair_among(words: list[tuple[int, str, int]], likely: bool = False, leads: bool = False) -> Span | None:
    for (begin, one, _), (_, other, end) in pairwise(words):
        if (likely and (not leads or is_first_name(one)) and is_likely_pair(one, other)) or (
            is_pair(one, other) and not is_famous(f"{one} {other}")
        ):
            return begin, end
    return None


def _words_in_a_row(text: str, found: Iterable[re.Match[str]], at: int, most: int) -> list[tuple[int, str, int]]:
    """Words with nothing but spaces and hyphens between them, from a place on, with where they begin and end."""
    words: list[tuple[int, str, int]] = []
    for match in islice(found, most):
        if match.start() > at and not _BETWEEN_WORDS.fullmatch(text, at, match.start()):
            break
        words.append((match.start(), match[0], match.end()))
        at = match.end()
    return words


def _without_particles(words: list[str]) -> list[str]:
    return [word for word in words if word not in rules().particles]


def _name_at(text: str, begin: int, end: int, certain: bool, backwards: bool, called: bool = False) -> Iterator[Span]:
    """The words of a name in a span, from its beginning (or from its end).

    A first name has to be known, or the second of two words as a family name; where a name is certain, as after
    `Dear`, two capitalized words are enough; in `Hello Anna, your cart`, one word before a comma is.
    """
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
    words = [text[a:b] for a, b in sorted(taken)]
    if (
        words
        and not (is_famous(" ".join(words[:2])) and not certain)
        and (
            any(is_first_name(part) for word in words for part in word.split("."))
            or (words[0][0].isupper() and (addressed or (certain and len(words) == 2 and may_be_pair(*words))))
            or (
                called
                and (len(words) == 1 or (len(words) == 2 and may_be_pair(*words)))
                and not words[0][0].islower()
                and text[taken[-1][1] : taken[-1][1] + 1] in tuple(",!:،")
            )
            or (
                words[0][0].isupper()
                and len(_without_particles(words)) == 2
                and (is_family_name(fold(words[-1])) or is_likely_pair(words[0], words[-1]))
                and not re.match(r"\s\w", text[taken[0 if backwards else -1][1] :])
            )
        )
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
    "maybe_family_name": r"[^\W\d_][\w'’.-]*(?:\s[^\W\d_][\w'’.-]*){0,2}",
    "maybe_name": r"[^\W\d_][\w'’.-]*(?:\s[^\W\d_][\w'’-]*){0,2}",
    "address": r"[^|:;–—•]{0,60}\d[^|:;–—•]{0,40}",
    "place": r"-?\d{1,3}[.,]\d{2,}(?:\s*,\s*-?\d{1,3}[.,]\d{2,})?",
}
# labels of these kinds need a colon or an equals sign: `Password reset`, `Address book` are no labels
_NEEDS_COLON = frozenset(("secret", "name", "maybe_name", "maybe_family_name", "address", "card"))


@cache
def _label_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    found = []
    for kind, value in _LABEL_VALUES.items():
        phrases = alternatives(rules().labels[kind])
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
# a word ends an id: `CF 10000 cards`; groups of an id are shorter or have digits: `RSS MRA 85T10 A562S`
_WORD = re.compile(r"[\s./-](?:[^\W\d_A-Z]+|[^\W\d_]{4,})(?!\w).*")


def labelled_spans(text: str) -> Iterator[Span]:
    """Values after a label: `Tel. 030 901820`, `DOB: 23/04/1987`."""
    if not _HAS_LABEL.search(text):
        return
    folded = same_length_fold(text)
    for kind, pattern in _label_patterns():
        for match in pattern.finditer(folded):
            begin, end = match.span("value")
            if kind == "national_id":
                end = begin + len(_WORD.sub("", text[begin:end]))
            value = text[begin:end]
            if kind == "name" and not (value[0].isupper() or not value.isascii()):
                continue
            if kind in ("maybe_name", "maybe_family_name") and not (
                (value[0].isupper() or "." in value)
                and (looks_like_person(value) or (kind == "maybe_family_name" and looks_like_family(value)))
            ):
                continue
            if kind == "phone" and detectors.DATE.search(value):
                continue
            least = LEAST_DIGITS_OF_AN_ID if kind == "national_id" else 4
            if sum(c.isdigit() for c in value) >= least or kind in _NEEDS_COLON:
                yield begin, end


_ZIP = r"(?:\d{5}(?:-\d{3})?|\d{4}\s?[A-Z]{2}|\d{3}\s\d{2}|\d{2}-\d{3}|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|\d{3}-\d{4})"
_HAS_ZIP = re.compile(rf"(?<!\w){_ZIP}(?!\w)", re.IGNORECASE)
_STREET = (
    r"(?<!\w)(?:"
    r"[^\W\d_][\w.-]{0,40}(?:straße|strasse|str\.|gasse|allee|straat|laan|gracht|gatan|vägen)\s\d{1,4}\s?[a-z]?"
    r"|\d{1,5}(?:\s(?:bis|ter))?,?\s(?:rue|avenue|boulevard|chemin|impasse|place|quai)\s[\w'’ -]{2,40}?"
    r"|\d{1,5}[a-z]?\s(?:[^\W\d_][\w'’]{0,20}\s){1,3}"
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|way|place)\b\.?"
    r"|(?:calle|avenida|plaza|paseo|via|viale|piazza|corso|rua|travessa|ul\.|ulica|al\.|улица|ул\.|проспект|пр\.)"
    r"\s[\w'’. -]{2,40}?,?\s\d{1,4}[a-z]?"
    r"|[^\W\d_][\w.'’ -]{3,40}\s\d{1,4}\s?[a-z]?(?=,\s?\d{5}\s[^\W\d_])"
    r"|[^\W\d_][\w ]{2,30}\s(?:caddesi|sokak|sokağı|cad\.|sok\.)\s(?:no:?\s?)?\d{1,4}"
    r")"
)
_STREET_BEFORE_ZIP = re.compile(
    rf"{_STREET}(?=[,\s]+(?:[^\W\d_]{{1,20}}[,\s]+){{0,3}}(?P<zip>{_ZIP})(?!\w))", re.IGNORECASE
)


@cache
def _delivery() -> re.Pattern[str]:
    words = alternatives(rules().deliveries)
    return re.compile(rf"(?<![^\W_])(?:{words})\s+(?:[^\W\d_]+\s)?(?P<street>{_STREET})", re.IGNORECASE)


def street_spans(text: str) -> Iterator[Span]:
    """Streets with a house number before a postcode or after `delivery to`; another may be a shop's or a film's.

    With the postcode, and the name of the person before them.
    """
    if _HAS_ZIP.search(text):
        for match in _STREET_BEFORE_ZIP.finditer(text):
            yield _begin_of_name(text, match.start()), match.end("zip")
    for match in _delivery().finditer(same_length_fold(text)):
        yield match.span("street")


def _begin_of_name(text: str, end: int) -> int:
    """Where the first and family name begins that ends there; the end itself if there is none."""
    before = [match.start() for match in re.finditer(r"[^\W\d_][\w'’-]*[\s,]+", text[:end])]
    for begin in before[-3:-1]:
        if looks_like_full_name(re.sub(r"[\s,]+", " ", text[begin:end])):
            return begin
    return end
