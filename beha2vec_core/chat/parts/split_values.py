"""Values that a question is split into: "sessions from instagram, split paid and organic" compares the two."""

from __future__ import annotations

import re

from beha2vec_core.chat.parts.grammar import Value
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.words.lemmas import tokens
from beha2vec_core.chat.words.verbs import PEOPLE

_VERB = r"(?:split(?:ted)?|break|broken|divided?|separated?|cut|sliced?|segment(?:ed)?)"
_DOWN = r"(?: (?:up|down|out|apart))?"
_SPLIT = re.compile(
    r",?\s*\b(?:(?:and|but|then|please) )*(?:(?P<of>(?:split|mix|balance|distribution) (?:of|between))|"
    rf"{_VERB}\b(?: (?:it|them|this|that|these|those))?{_DOWN}(?: (?:in|into|by|between|among|to|as|for))?|"
    r"(?:separately|individually|each|apart)(?: (?:for|by|of))|into|(?P<by>by|per))\s+"
)
_SPLIT_IN = re.compile(rf"\b{_VERB} (?P<what>(?:[\w'/.-]+ )+?)(?:down |up |apart )?(?:in|into|between|by)\s+$")
_NOT_NAMED = re.compile(r"(?:(?:the|both|on|from|via|in|for|by) )+")
_JOINED = re.compile(r"(?:\s*,)?\s*(?:and|or|vs\.?|versus|against)\b\s*|\s*,\s*")
_ENDS = re.compile(r"\s*(?:[,?.!]|$|(?:in|on|for|during|last|this|since)\b|\u00a7)")
_LONG = 4  # words of a value
_TWO_SOURCES = re.compile(
    r"\b(?P<one>[\w.-]+) (?P<joined>vs\.?|versus|or|and|against|compared (?:to|with)) (?P<other>[\w.-]+) "
    r"(?P<medium>\w+)\b"
)
_BRACKETS = re.compile(
    rf"\b(?P<whole>[a-z]+)(?P<noun> (?:{PEOPLE}|traffic|channels?|sources?|ads|media|sessions|visits|countries))?\s*\("
)
_DOERS = re.compile(rf"\s*(?:{PEOPLE})\b")


def in_sides(text: str, vocabulary: Vocabulary) -> str:
    """A text in small letters with the values that it is split into compared: "paid vs organic"."""
    for found in re.finditer(r"\b(?:in|into|between|by)\s+", text):
        if verb := _SPLIT_IN.search(text[: found.end()]):  # split instagram visits into paid and organic
            sides, end = _listed(text, found.end(), vocabulary)
            if len(sides) > 1:
                return f"{text[: verb.start()]}show {verb['what']}across {' vs '.join(sides)}{text[end:]}"
    for found in _SPLIT.finditer(text):
        sides, end = _listed(text, found.end(), vocabulary)
        if len(sides) > 1 and not (
            found["by"] and _DOERS.match(text, end)
        ):  # orders placed by mobile and desktop users
            share = "share " if found["of"] else ""
            return f"{text[: found.start()]} {share or 'across '}{' vs '.join(sides)}{text[end:]}"
    for comma in re.finditer(r",\s+", text):  # visitors from instagram, paid and organic, in march
        sides, end = _listed(text, comma.end(), vocabulary)
        if len(sides) > 1 and _ENDS.match(text, end) and not _goes_before(text[: comma.start()], sides[0], vocabulary):
            return f"{text[: comma.start()]} across {' vs '.join(sides)}{text[end:]}"
    return text


def in_brackets(text: str, vocabulary: Vocabulary) -> str:
    """A text in small letters with those of several values that brackets name: "paid (search and social)"."""
    for found in _BRACKETS.finditer(text):
        size, whole = _value([found["whole"]], vocabulary)
        sides, end = _listed(text, found.end(), vocabulary) if size else ([], 0)
        some = [_shared(whole, _value(tokens(side), vocabulary)[1]) for side in sides]
        if some and all(some):
            names = " and ".join(dict.fromkeys(name.lower() for one in some for name in one))
            text = f"{text[: found.start()]}{names}{found['noun'] or ''} {text[end:]}"
            return in_brackets(text, vocabulary)
    return text


def _shared(whole: tuple[Value, ...], some: tuple[Value, ...]) -> list[str]:
    """The values of some that belong to a larger group of the same dimension."""
    pairs = [(one, other) for one in whole for other in some if one.dimension == other.dimension]
    return [value for one, other in pairs if len(one.values) > 1 for value in one.values if value in other.values]


def with_medium(text: str, vocabulary: Vocabulary) -> str:
    """A text in small letters with the medium of two sources beside each of them: "google vs bing organic"."""

    def put(found: re.Match[str]) -> str:
        one, other = (f"{found[name]} {found['medium']}" for name in ("one", "other"))
        read = [_value(tokens(pair), vocabulary) for pair in (one, other)]
        are_pairs = all(size == 2 and values[0].dimension == "source_medium" for size, values in read)
        return f"{one} {found['joined']} {other}" if are_pairs else found[0]

    return _TWO_SOURCES.sub(put, text)


def _goes_before(text: str, side: str, vocabulary: Vocabulary) -> bool:
    """Whether a list of values begins before: "from germany, austria and poland", "email, google or facebook"."""
    words, (_, values) = tokens(text), _value(tokens(side), vocabulary)
    dimensions = {one.dimension for one in values}
    before = [_value(words[place:], vocabulary) for place in range(max(len(words) - _LONG, 0), len(words))]
    if any(dimensions & {one.dimension for one in some} for _, some in before):
        return True
    last = next((some for place, (size, some) in enumerate(reversed(before), 1) if size == place), ())
    go_together = vocabulary.contents.go_together  # email, google or facebook: no visit is of two of them
    pairs = [((one.dimension, one.values), (other.dimension, other.values)) for one in last for other in values]
    return bool(pairs) and not any(go_together(*pair) for pair in pairs)


def _listed(text: str, begin: int, vocabulary: Vocabulary) -> tuple[list[str], int]:
    """The values of one dimension that are listed from a place on, and where they end."""
    found: list[str] = []
    shared: set[str] = set()
    place = end = begin
    while True:
        place += len(skipped[0]) if (skipped := _NOT_NAMED.match(text, place)) else 0
        words = tokens(text[place:].split(",", 1)[0])
        size, values = _value(words, vocabulary) if words else (0, ())
        dimensions = {one.dimension for one in values}
        shared = shared & dimensions if found else dimensions
        if not shared or not size:
            return found, end
        named = re.match(r"\W+".join(map(re.escape, words[:size])), text[place:])
        if named is None:
            return found, end
        found.append(named[0])
        place = end = place + named.end()
        if not (joined := _JOINED.match(text, place)):
            return found, end
        place = joined.end()


def _value(words: list[str], vocabulary: Vocabulary) -> tuple[int, tuple[Value, ...]]:
    """The value that the words begin with, and how many words it has."""
    word, size, _ = vocabulary.longest(words, 0)
    return (size, word.values) if word and word.kind == "value" else (0, ())
