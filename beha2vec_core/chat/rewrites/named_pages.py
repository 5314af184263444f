"""The page of one thing, by its name: "the Oakrill brand page", "the product page of the wool hat", as its address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from beha2vec_core.chat.words.lemmas import normal

_KIND = re.compile(
    r"\b(?P<kind>brand|(?:sub)?category|product|item|article|department|collection)(?: details?)?[\s-]page\b(?!-)",
    re.IGNORECASE,
)
_OF = re.compile(
    r"\s+(?:of|for|from|about)\s+(?:(?:the|our|a|an|brand|category|product|item|article)\s+)*", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:['\u2019]s\b)?")
ITS = re.compile(
    r"\b(?P<its>its|the|this|that) (?:(?P<kind>brand|(?:sub)?category|product|item|article) )?page\b"
    r"(?: of (?:it|this|that)\b)?(?!-| (?:of|for|from|about|views?|type)\b)",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^\W*(?:and|but|so|ok|then)\b\W*", re.IGNORECASE)
_LINKS = {"and", "the", "a", "an", "our"}  # that addresses leave out
_LONGEST = 14  # words of a name
_IS_NUMBER = re.compile(r"[a-z]*\d{3,}$")  # of an item, at the end of its address


def with_named_pages(question: str, pages: Sequence[str]) -> str:
    """The question with the address of a page in place of its name and kind, where there is such a page.

    Args:
        pages: hosts and paths, the most viewed first.
    """
    found = _KIND.search(question)
    if not found:
        return question
    kind, every = found["kind"].lower().removeprefix("sub"), _every(pages)
    before = list(_WORD.finditer(question, 0, found.start()))[-_LONGEST:]
    for place in range(len(before)):
        if path := _path_of(before[place:], kind, every):
            begun, end = before[place].start(), found.end()
            return f"{question[:begun]}{path}{with_named_pages(question[end:], pages)}"
    if of := _OF.match(question, found.end()):
        after = list(_WORD.finditer(question, of.end()))[:_LONGEST]
        for size in range(len(after), 0, -1):
            if path := _path_of(after[:size], kind, every):
                rest = question[after[size - 1].end() :]
                return f"{question[: found.start()]}{path}{with_named_pages(rest, pages)}"
    return f"{question[: found.end()]}{with_named_pages(question[found.end() :], pages)}"


def with_its_page(question: str, names: Sequence[str], pages: Sequence[str]) -> str:
    """The question with the address of a page in place of "its page"; unchanged where there is none.

    Args:
        names: what the question before was about: an item, a brand, a category.
        pages: hosts and paths, the most viewed first.
    """
    its = ITS.search(question)
    if not its or len(names) != 1:
        return question
    path = _path_of(list(_WORD.finditer(names[0])), (its["kind"] or "").lower().removeprefix("sub"), _every(pages))
    return _LEAD.sub("", f"{question[: its.start()]}{path}{question[its.end() :]}") if path else question


class _Page(NamedTuple):
    path: str
    folders: list[str]  # that it is below
    name: list[str]  # words of the last part of its path


def _every(pages: Iterable[str]) -> list[_Page]:
    found = []
    for page in pages:
        path = page[page.index("/") :] if "/" in page else page
        *folders, last = path.strip("/").split("/")
        found.append(_Page(path, folders, _normal(re.findall(r"[^\W_]+", last))))
    return found


def _path_of(words: Sequence[re.Match[str]], kind: str, pages: Iterable[_Page]) -> str:
    """The path of the page with this name, of several that below the kind; empty: there is none, or no single one."""
    if words[0][0].lower() in _LINKS:
        return ""
    name = _normal([re.sub(r"['\u2019]s$", "", one[0]) for one in words])
    exact, partly = [], []
    for page in pages:
        its = page.name
        its = its[:-1] if its[1:] and _IS_NUMBER.match(its[-1]) and name != its else its
        if name in (its, [*_normal(page.folders[-1:]), *its]):  # the outlet hats page
            exact.append(page)
        elif name[1:] and f" {' '.join(name)} " in f" {' '.join(its)} ":
            partly.append(page)
    if not exact and kind in ("product", "item") and len(partly) == 1:  # without the brand
        return partly[0].path
    # of /brands/oak and /b/oak that of brands
    below = [one for one in exact if kind and any(map(kind.startswith, _short(one.folders)))]
    named = below if len(exact) > 1 else exact
    return named[0].path if len(named) == 1 else ""


def _short(folders: Iterable[str]) -> list[str]:
    """The folders in the singular."""
    return [short for name in folders if (short := name.lower().removesuffix("s"))]


def _normal(words: Sequence[str]) -> list[str]:
    return [normal(word.lower()) for word in words if word.lower() not in _LINKS]
