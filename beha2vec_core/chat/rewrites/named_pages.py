"""Pages by their names: “How to pack”, "the Oakrill brand page", "the returns page", "its page", as addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

from beha2vec_core.chat.words.lemmas import normal

_KINDS = ("brand", "category", "product", "item", "article", "department", "collection")
_KIND = re.compile(rf"(?i)\b(?P<kind>(?:sub)?(?:{'|'.join(_KINDS)}))(?: details?)?[\s-]page\b(?!-)")
_OF = re.compile(r"(?i)\s+(?:of|for|from|about)\s+(?:(?:the|our|a|an|brand|category|product|item|article)\s+)*")
_THE_PAGE = re.compile(r"(?i)\b(?:the|our) ([a-z]+(?:(?: & |[ -])[a-z]+){0,3}?) page\b(?! views?\b)")
_GUIDE = re.compile(
    r"(?i)\b(?:the|our) ((?:[a-z]+[ -]){1,4}?)(?:guide|article|post|story)\b(?! pages?\b)(?: (?:in|on|from|of) the "
    r"(?:journal|blog|magazine))?"
)
_OF_ARTICLES = {"journal", "blog", "magazine", "article", "guide", "news", "story", "stories"}
# what stands before the name of a page of two or three words
_SEEN = re.compile(
    r"(?i)\b(?:views?|hits|visits|visitors|traffic|exits|entrances|land(?:s|ed|ing)?|viewed|viewing|visit(?:ed|ing)?|sees?|"
    r"saw|seen|open(?:ed|s)?|look(?:ed|s|ing)? at|read|reads|go(?:es|ing)?|went|before|after|reach(?:ed)?|pages?)"
    r"(?: (?:of|to|on|for|at|with|from|the|our|pages?|did|do|does|has|have))* $|^\W*(?:and|what about|how about)"
    r"(?: (?:for|of|on|the|to))* $"
)
_PAGE_AFTER, _THE = re.compile(r"(?i) page\b(?! views?\b)"), re.compile(r"(?i)\b(?:the|our) $")
_LANDING = re.compile(r"(?i)\blanding page [^?]*(?:vs|against)\b|\brate of landing page\b")
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

        question = _GUIDE.sub(lambda found: self._of_article(found[1]) or found[0], _QUOTED.sub(quoted, question))
        parts = re.split(r"(\S*/\S*)", self._of_kinds(question))  # no words of addresses
        is_landing = _LANDING.search(question) is not None
        named = (one if "/" in one else self._with_titles(one, known, is_landing=is_landing) for one in parts)
        return _THE_PAGE.sub(said, "".join(named))

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

    def _of_name(self, text: str, known: Set[str]) -> str:
        """The path of the only page that is named so, in as many words."""
        words = re.findall(r"[^\W_]+", text.lower().replace("&", " and "))
        if {words[0], words[-1]} & (_LINKS | _NO_NAMES) or " ".join(map(normal, words)) in known:
            return ""
        found = [page.path for page in self._every if [*page.name] == _normal(text)]
        return found[0] if len(found) == 1 else ""

    def _of_article(self, text: str) -> str:
        """The path of the only article with these words in its address."""
        words = {*_normal(text)}
        found = [page.path for page in self._every if words <= {*page.name} and _OF_ARTICLES & {*page.folders}]
        return found[0] if words and len(found) == 1 else ""

    def _with_titles(self, text: str, known: Set[str], *, is_landing: bool) -> str:
        words = list(re.finditer(r"[^\W_]+", text))
        for size in range(min(_LONGEST, len(words)), not is_landing, -1):
            for first, last in zip(words, words[size - 1 :], strict=False):
                title, before, after = text[first.start() : last.end()], text[: first.start()], text[last.end() :]
                is_page = _PAGE_AFTER.match(after)
                if size >= _LONG and len(_normal(title)) >= _LONG - 1:
                    path = self._of_title(title, known)
                elif is_landing or after.lower().startswith(" page") or _SEEN.search(before):
                    is_other = _KIND.match(after.lstrip())  # the Oakrill brand page
                    path = "" if is_other else self._of_name(title, set() if is_page else known)
                else:
                    continue
                if path:
                    sides = (_THE.sub("", before), after[is_page.end() :]) if is_page else (before, after)
                    left, right = (self._with_titles(one, known, is_landing=is_landing) for one in sides)
                    return f"{left}{path}{right}"
        return text

    def _of_kinds(self, question: str) -> str:
        """With addresses in place of "the Oakrill brand page" and "the brand page of Oakrill"."""
        if not (found := _KIND.search(question)):
            return question
        for first in list(_WORD.finditer(question, 0, found.start()))[-_LONGEST:]:
            name = question[first.start() : found.start()]
            if name.split()[-1].lower() in _LINKS:  # saw the product page
                break
            if path := self._find(_normal(name), found["kind"], first[0]):
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
        if words[1:] and (path := self._of_name(text, set())):
            return path
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
