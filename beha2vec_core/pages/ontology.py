"""The kinds of pages that sites have, and how label files and addresses name them in eight languages."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

ONTOLOGY_PATH = Path(__file__).with_name("ontology.yml")
# kinds of page that every site has; the others are what a site is about
FUNCTIONAL = frozenset({
    "error", "confirmation", "cart", "checkout", "account", "search", "policy", "support", "pricing", "store_finder",
    "company", "home",
})  # fmt: skip
# bundled page types that are of another kind
_OF_KIND = {
    "login": "account",
    "signup": "account",
    "wishlist": "account",
    "category": "product",
    "comparison": "product",
    "feature": "product",
    "campaign": "product",
    "article_list": "article",
}


@dataclass(frozen=True)
class _Kind:
    words: re.Pattern[str]
    instead: tuple[str, ...]


def kinds() -> tuple[str, ...]:
    """All kinds, in the order in which they count where a name has words of several."""
    return tuple(_ontology())


def kind_of(page_type: str) -> str:
    """The kind of a bundled page type, or of what ``like`` says."""
    return _OF_KIND.get(page_type, page_type)


def instead_of(kind: str) -> tuple[str, ...]:
    """Kinds whose labels such pages get on a site without a label of their own kind."""
    return _ontology()[kind].instead


def kinds_in(words: list[str]) -> list[str]:
    """The kinds that some of the words name, in the order of `kinds`."""
    return [kind for kind, entry in _ontology().items() if any(entry.words.match(word) for word in words)]


@cache
def _ontology() -> dict[str, _Kind]:
    contents = yaml.safe_load(ONTOLOGY_PATH.read_text(encoding="utf-8"))
    return {
        kind: _Kind(_pattern(entry["words"]), tuple(entry.get("instead", "").split()))
        for kind, entry in contents.items()
    }


def _pattern(words: str) -> re.Pattern[str]:
    endings = "|".join(word.replace("*", r"\w*") + "(?:s|es|n|en)?" for word in words.split())
    return re.compile(rf"(?:{endings})\Z")
