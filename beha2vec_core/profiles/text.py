"""Text that others wrote (URLs, titles, screen names, themes), made safe to show, to store and to send.

Anyone can bring any URL, title or screen name into a GA4 property: such text is data, never an instruction, and never
a place to leak from.
"""

import hashlib
import re

from beha2vec_core.words import visible

_EMAIL = re.compile(r"[^\s/@<>\"']{1,64}@[^\s/@<>\"']{1,255}\.\w+")  # bounded: linear on hostile text
_UNSAFE_IN_ID = re.compile(r"[^A-Za-z0-9._/:()-]+")
# Template code into which a site put no value: `$(x)`, `${x}`, `{{x}}`, `{%x%}`, `<%= x %>`, `%%x%%`, `[[x]]`, `#{x}`,
# `{$x}`, `*|X|*`, `[object Object]`, and `undefined`, `null` or `NaN` as the whole text or a whole part of a path. For
# Python's `re` and for DuckDB's `regexp_matches`, so without look-around; letters' case counts ("Nan" is a bread).
UNFILLED = (
    r"\$\(\s*[\x27\x22]?[#.A-Za-z_][^()]*\)|(\$|#)(\{|%7[Bb])[^{}]*(\}|%7[Dd])|(\{|%7[Bb]){2}[^{}]*(\}|%7[Dd]){2}|"
    r"\{%[^{}]*%\}|\{\$[^{}]*\}|<%[^>]*%>|%%\s?[A-Za-z_][A-Za-z0-9_.:-]*\s?%%|"
    r"\[\[\s*[A-Za-z_$][A-Za-z0-9_.$:|() -]*\]\]|\*\|[A-Za-z0-9_:.]+\|\*|\[object [A-Z][A-Za-z]*\]|"
    r"(^|[/>|])\s*(undefined|null|NULL|NaN)\s*([/>|]|$)"
)
_UNFILLED = re.compile(UNFILLED)
_READ = 1_000  # characters: `re` takes quadratic time on hostile text


def clean_text(text: str, *, limit: int = 120) -> str:
    """The text without control, format and invisible characters, line breaks, e-mail addresses and query string.

    At most ``limit`` characters; longer text ends in an ellipsis.
    """
    shown = visible(text)
    without_query = re.sub(r"(?<=\S)\?\S*", "", shown) if "/" in shown else shown
    plain = " ".join(_EMAIL.sub("[e-mail]", without_query).split())
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"


def is_unfilled(text: str) -> bool:
    """Whether a text of the site holds template code instead of a value: such text is counted, and no finding."""
    return _UNFILLED.search(text[:_READ]) is not None


def fact_slug(text: str) -> str:
    """The text as the last part of a fact id: readable, stable, and different for different texts."""
    slug = _UNSAFE_IN_ID.sub("-", clean_text(text, limit=600)).strip("-")[:60].rstrip("-")
    if slug == text:
        return slug
    return f"{slug}~{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]}".lstrip("~")
