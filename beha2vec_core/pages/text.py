"""The words of a page: from its path and title, with nothing in them that is not for others to see.

Titles and paths are written by the site's owners (or attackers). They are cleaned here before any rule or model reads
them, and what a model reads is words only: no query string, no e-mail address, no long number or token.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from beha2vec_core.words import visible

MAX_TITLE_CHARS = 300
MAX_PATH_CHARS = 500
MAX_TEXT_WORDS = 48
MAX_PAGE_TEXT_CHARS = 4000

# e-mail addresses and user handles: whatever hangs together with an at sign
_EMAIL_IN_PATH = re.compile(r"[^\s/]*@[^\s/]*")
_EMAIL_IN_TITLE = re.compile(r"\S*@\S*")
_EXTENSION = re.compile(r"\.(?:html?|xhtml|shtml|php\d?|aspx?|axd|jspx?|cfm|cgi|do|action|mdx?|pdf)$", re.IGNORECASE)
_NOT_WORD = re.compile(r"[\W_]+")
# order numbers, phone numbers, session tokens: no meaning for a theme, and possibly a person's
_LONG_ID = re.compile(r"\d{5,}|(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{16,}|[a-f\d]{16,}")
_TITLE_SEPARATOR = re.compile(r"\s+[|–—·•»:-]+\s+|\s*[|»]\s*|(?<=\w)/(?=[A-Z])")
# words that say how a page is served or in which part of the site it is, not what it is about
_SERVING_WORDS = frozenset(
    word
    for line in (
        "home index default quickview html www page pages p c pd dp product products item items category categories",
        "collection collections catalog shop store brand brands blog blogs post posts article articles tag tags topic",
        "topics author authors journal magazine news stories guides docs documentation undefined null",
    )
    for word in line.split()
)

# names of parts of a site that a title may end with; they say what type of page it is
SITE_SECTION_WORDS = frozenset({
    "docs", "documentation", "developers", "blog", "journal", "magazine", "news", "support", "help", "academy",
    "community", "careers", "jobs", "shop", "store",
})  # fmt: skip


def clean_title(title: object) -> str:
    """The title without control and invisible characters, white space collapsed, at most 300 characters.

    Anything that is not text (None, NaN) gives an empty string. Idempotent.
    """
    if not isinstance(title, str):
        return ""
    shown = visible(title[: 10 * MAX_TITLE_CHARS])
    return " ".join(shown.split())[:MAX_TITLE_CHARS].rstrip()


def clean_text(text: object) -> str:
    """The main text of a page, cleaned like a title, at most 4000 characters."""
    if not isinstance(text, str):
        return ""
    shown = visible(text[: 2 * MAX_PAGE_TEXT_CHARS])
    return " ".join(shown.split())[:MAX_PAGE_TEXT_CHARS].rstrip()


def clean_path(path: object) -> str:
    """The path percent-decoded, without query, fragment, e-mail addresses and control characters; at most 500 long."""
    if not isinstance(path, str):
        return ""
    path = re.split(r"[?#]", path[: 10 * MAX_PATH_CHARS], maxsplit=1)[0]
    for _ in range(3):  # links are at times encoded twice
        decoded = unquote(path, errors="replace")
        if decoded == path:
            break
        path = re.split(r"[?#]", decoded, maxsplit=1)[0]
    path = visible(path)
    return _EMAIL_IN_PATH.sub(" ", path)[:MAX_PATH_CHARS]


def path_segments(path: object) -> str:
    """The path as words by segment: ``/google+redesign/men++s/hats.axd`` gives ``/google redesign/men s/hats``.

    Lower-case, single spaces for separators, the file extension dropped, no slash at the end (the root is ``/``).
    """
    segments = [_words(segment) for segment in _EXTENSION.sub("", clean_path(path).strip("/ ")).split("/")]
    return "/" + "/".join(segment for segment in segments if segment)


def path_words(path: object) -> str:
    """The words of a path: ``/google+redesign/men++s/hats.axd`` gives ``google redesign men s hats``.

    Lower-case letters and digits separated by single spaces; e-mail addresses, numbers of five and more digits and long
    tokens are left out.
    """
    return " ".join(word for word in path_segments(path).replace("/", " ").split() if not _LONG_ID.fullmatch(word))


def title_crumbs(title: object, hostname: object = "") -> list[str]:
    """The parts of a title in the form of path segments: ``Mugs & Cups | Hats`` gives ``mugs cups``, ``hats``."""
    return [crumb for part in _telling_parts(title, hostname) if (crumb := _words(part))]


def category_path(categories: Sequence[str]) -> str:
    """The one category of the items on a page in the form of `path_segments`, `/apparel/men s`; else an empty text."""
    parts = path_segments(categories[0]).split("/") if len(categories) == 1 else []
    return "".join(f"/{part}" for part in parts if any(map(_is_specific, part.split())))


def title_words(title: object, hostname: object = "") -> str:
    """The title without the parts that only name the site, without e-mail addresses, long numbers and tokens.

    A part (``Hats | Apparel | Example Store`` has three) names the site when each of its words is in the host name.
    """
    words = (word for part in _telling_parts(title, hostname) for word in part.split())
    return " ".join(word for word in words if not _LONG_ID.fullmatch(_NOT_WORD.sub("", word.lower())))


def without_personal_data(text: str) -> str:
    """The words of a text but for e-mail addresses, numbers of five and more digits and tokens."""
    words = _EMAIL_IN_TITLE.sub(" ", text).split()
    return " ".join(word for word in words if not _LONG_ID.fullmatch(_NOT_WORD.sub("", word.lower())))


def page_text(title: object, path: object, hostname: object = "") -> str:
    """What a model reads of a page: title words, then the path words that the title does not have yet.

    At most 48 words; may be empty.
    """
    title_part = title_words(title, hostname)
    seen = set(_words(title_part).split())
    path_part = [word for word in path_words(path).split() if _is_specific(word) and word not in seen]
    return " ".join([*title_part.split(), *dict.fromkeys(path_part)][:MAX_TEXT_WORDS])


def section_text(path: object) -> str:
    """The words of the folders that a page is in, without those that only say how it is served; may be empty."""
    folders = path_segments(path).rpartition("/")[0]
    words = [word for word in path_words(folders).split() if _is_specific(word)]
    return " ".join(dict.fromkeys(words))


def described_page(page: Mapping[str, Any]) -> str:
    """All that is known of a page (a row of `prepare.prepare`) as one text: title, path, items, main text."""
    parts = [
        page_text(page["page_title"], page["page_path"], page["hostname"]),
        *(title_words(name) for name in (*page["item_categories"][:2], *page["item_names"][:3])),
        title_words(" ".join(page["page_text"].split()[:MAX_TEXT_WORDS])),
    ]
    return "; ".join(part for part in parts if part)


def title_parts(title: object, hostname: object = "") -> list[str]:
    """All parts of a title but those that name the site, in the form of path segments: ``webhooks``, ``docs``."""
    return [words for part in split_title(title) if (words := _words(part)) and not _names_site(part, hostname)]


def split_title(title: object) -> list[str]:
    """The parts of a title between ``|``, ``–``, ``»`` and the like."""
    return [part for part in _TITLE_SEPARATOR.split(_EMAIL_IN_TITLE.sub(" ", clean_title(title))) if part.strip()]


def _words(text: str) -> str:
    return _NOT_WORD.sub(" ", text.lower()).strip()


def _is_specific(word: str) -> bool:
    return word not in _SERVING_WORDS and not word.isdigit()


def _telling_parts(title: object, hostname: object) -> list[str]:
    """The parts of a title that name neither the site nor a part of it (`Journal`, `Blog`); all if none is left."""
    parts = split_title(title)
    telling = [part for part in parts if not _names_site(part, hostname)] or parts
    return [part for part in telling if any(map(_is_specific, _words(part).split()))] or telling[:1]


def _names_site(part: str, hostname: object) -> bool:
    host = _NOT_WORD.sub("", hostname.lower()) if isinstance(hostname, str) else ""
    words = [word for word in _words(part).split() if word != "the"]
    return bool(host) and all(word in host for word in words)
