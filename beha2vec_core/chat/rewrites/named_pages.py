"""Pages by their names: “How to pack”, "the Oakrill brand page", "the returns page", "its page", as addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

from beha2vec_core.chat.words.lemmas import normal

_KINDS = ("brand", "category", "product", "item", "article", "department", "collection")
_KIND = re.compile(rf"(?i)\b(?P<kind>(?:sub)?(?:{'|'.join(_KINDS)}))(?: details?)?[\s-]page\b(?!-)")
_OF = re.compile(r"(?i)\s+(?:of|for|from|about)\s+(?:(?:the|our|a|an|brand|category|product|item|article)\s+)*")
_THE_PAGE = re.compile(r"(?i)\b(?:the|our) ([a-z]+(?:[ -][a-z]+){0,3}?) page\b(?! views?\b)")
ITS = re.compile(
    r"(?i)\b(?P<its>its|the|this|that) (?:(?P<kind>brand|(?:sub)?category|product|item|article) )?page\b"
    r"(?: of (?:it|this|that)\b)?(?!-| (?:of|for|from|about|views?|type)\b)"
)
_LEAD = re.compile(r"(?i)^\W*(?:and|but|so|ok|then)\b\W*")
_QUOTED = re.compile(r"[\"\u201c\u201d\u00ab]([^\"\u201c\u201d\u00ab\u00bb]{3,90})[\"\u201c\u201d\u00bb]")
_WORD = re.compile(r"[^\W_]+(?:['\u2019]s\b)?")
_LINKS = {"and", "the", "a", "an", "our"}  # that addresses leave out
_NO_NAMES = {"on", "in", "at", "to", "from", "of", "for", "with", "by", "via"}  # that no name begins with
_LONG, _LONGEST = 4, 14  # words of a title that needs no quotes, and of any name
_IS_NUMBER = re.compile(r"[a-z]*\d{3,}$")  # of an item, at the end of its address


class _Page(NamedTuple):
    path: str
    folders: tuple[str, ...]  # words of what it is below
    name: tuple[str, ...]  # words of the last part of its path, without the number of an item


class Pages:
    """The pages of the data, by the words of their addresses, which are mostly those of their titles."""

    def __init__(self, addresses: Iterable[str]) -> None:
        """``addresses``: hosts and paths, the most viewed first."""
        self._every: list[_Page] = []
        self._titles: dict[str, str] = {}
        for address in addresses:
            path = address[address.index("/") :] if "/" in address else address
            *folders, last = path.strip("/").split("/")
            words = _normal(last)
            self._titles.setdefault(" ".join(words), path)
            name = words[:-1] if words[1:] and _IS_NUMBER.match(words[-1]) else words
            self._every.append(_Page(path, tuple(one for folder in folders for one in _normal(folder)), tuple(name)))

    def as_addresses(self, question: str, known: Set[str]) -> str:
        """The question with addresses in place of names of pages: of quoted or long titles, and of "the ... page".

        Args:
            known: what the vocabulary knows, such as names of items.
        """

        def quoted(found: re.Match[str]) -> str:
            return self._of_title(found[1].replace("&", " "), known) or found[0]

        def said(found: re.Match[str]) -> str:
            return self._of_words(found[1], known) or found[0]

        parts = re.split(r"(\S*/\S*)", self._of_kinds(_QUOTED.sub(quoted, question)))  # no words of addresses
        return _THE_PAGE.sub(said, "".join(part if "/" in part else self._with_titles(part, known) for part in parts))

    def of_its(self, question: str, names: Sequence[str]) -> str:
        """The question with an address in place of "its page"; unchanged where there is no single one.

        Args:
            names: what the question before was about: an item, a brand, a category.
        """
        its = ITS.search(question)
        path = self._find(_normal(names[0]), its["kind"]) if its and len(names) == 1 else ""
        return _LEAD.sub("", f"{question[: its.start()]}{path}{question[its.end() :]}") if its and path else question

    def _of_title(self, text: str, known: Set[str]) -> str:
        words = re.findall(r"[^\W_]+", text.lower())
        return "" if " ".join(map(normal, words)) in known else self._titles.get(" ".join(_normal(text)), "")

    def _with_titles(self, text: str, known: Set[str]) -> str:
        words = list(re.finditer(r"[^\W_]+", text))
        for size in range(min(_LONGEST, len(words)), _LONG - 1, -1):
            for first, last in zip(words, words[size - 1 :], strict=False):
                title = text[first.start() : last.end()]
                if len(_normal(title)) >= _LONG - 1 and (path := self._of_title(title, known)):
                    return f"{text[: first.start()]}{path}{self._with_titles(text[last.end() :], known)}"
        return text

    def _of_kinds(self, question: str) -> str:
        """With addresses in place of "the Oakrill brand page" and "the brand page of Oakrill"."""
        if not (found := _KIND.search(question)):
            return question
        for first in list(_WORD.finditer(question, 0, found.start()))[-_LONGEST:]:
            if path := self._find(_normal(question[first.start() : found.start()]), found["kind"], first[0]):
                return f"{question[: first.start()]}{path}{self._of_kinds(question[found.end() :])}"
        if of := _OF.match(question, found.end()):
            words = list(_WORD.finditer(question, of.end()))[:_LONGEST]
            for last in reversed(words):
                if path := self._find(_normal(question[of.end() : last.end()]), found["kind"]):
                    return f"{question[: found.start()]}{path}{self._of_kinds(question[last.end() :])}"
        return f"{question[: found.end()]}{self._of_kinds(question[found.end() :])}"

    def _of_words(self, text: str, known: Set[str]) -> str:
        """The path of "the returns page", of /help/returns-refunds; none where the words mean something else."""
        words = [normal(word) for word in re.findall(r"[^\W_]+", text.lower())]
        if f"{' '.join(words)} page" in known or " ".join(words) in known:
            return ""
        path = self._find(words, None)
        is_exact = any(page.path == path and {*page.name} <= {*words} for page in self._every)
        return path if is_exact or not all(word in known for word in words) else ""

    def _find(self, words: Sequence[str], kind: str | None, first: str = "") -> str:
        """The path of the only page with these words in its address, or of the only one with no others in its name.

        Args:
            kind: what the page is of: a page below the folder of another kind is none.
            first: the word that the name begins with, as it was typed.
        """
        if not words or first.lower() in _LINKS | _NO_NAMES:
            return ""
        kind, asked = (kind or "").lower().removeprefix("sub"), {*words}
        found = [page for page in self._every if asked & {*page.name} and asked <= {*page.name, *page.folders}]
        exact = [page for page in found if {*page.name} <= asked]
        if kind and len(exact) > 1:  # of /brands/oak and /lookbook/oak that of brands
            exact = [page for page in exact if kind in _kinds_of(page)]
        elif not exact and (not kind or kind in ("product", "item")):  # without the brand
            exact = found
        chosen = [page for page in exact if not kind or not _kinds_of(page) or kind in _kinds_of(page)]
        return chosen[0].path if len(chosen) == 1 else ""


def _kinds_of(page: _Page) -> set[str]:
    """What a page is of by the folders that it is below: /brands, /b."""
    return {kind for kind in _KINDS for one in page.folders if one == kind or (len(one) == 1 and kind.startswith(one))}


def _normal(text: str) -> list[str]:
    words = (re.sub(r"['\u2019]s$", "", one.lower()) for one in _WORD.findall(text))
    return [normal(word) for word in words if word not in _LINKS]
