"""Pages as people name them: sections of the site, articles that are read, and errors.

"Most read journal articles", "readers of the journal", "how many page not found errors", in the words that the
vocabulary knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from functools import cache

from beha2vec_core.chat.rewrites.substitute import rewritten
from beha2vec_core.chat.words.lemmas import normal
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import DIMENSIONS

_SMALLEST = 3  # pages of a section
_ARTICLE = r"(?:articles?|posts?|stor(?:y|ies))"
_SECTION_NOUN = rf"(?:pages?|sections?|area|part|contents?|{_ARTICLE})"
_READS = re.compile(
    r"\b(?:land(?:s|ed|ing)?|reads?|reading|readers?|readership|views?|viewed|visited|opened|clicked|popular)\b"
)
_READERS = re.compile(
    r"(^|\b(?:many|do|did|the|our|of|by|are|all|for|among|from|with|regular) )readers\b"
    r"(?! of\b)(?! (?:go|do|look|move|continue|head)\b.*\bafter\b.*(?:\barticle\b|\bjournal\b))"
)
_AS_USERS = re.compile(  # of pages that are named: which articles lost readers
    r"((?:[:,;]|\band|\b(?:lost|los(?:e|ing)|gain(?:ed|ing)?|won|most|more|fewer|fewest|least)) )readers\b"
    r"(?=\W*$|[,;]| (?:and|in|since|from|on|by|last|this|between|compared)\b|\W*\u00a7)"
)
_TIME_SPENT = re.compile(r"\b(?:time spent|reading time|time reading)(?=\W*$|[,;]| and\b)")
_SELLS = re.compile(r"\b(?:sell\w*|sold|bought|buy\w*|purchas\w*|order\w*|carts?|revenue|stock|returned)\b")
_VIEWED = r"(?:viewed|view|visited|visit|opened|open|seen|see|read|popular|clicked|hit|looked at|look at)"
_DONE = r"(?:viewed|visited|opened|seen|read|hit|shown|displayed|served|encountered|triggered|looked at|clicked)"
_PEOPLE = r"(?:(?:our|the|most|many) )*(?:people|users|visitors|customers|readers|they|we)"
_MOST = r"(?:most|least|fewest)(?: (?:often|frequently))?"


def sections(
    values: Mapping[str, list[str]], known: Mapping[str, Set[str]], others: Set[str]
) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """The pages of each part of the site: those below /journal, with the page /journal itself, by its name.

    Also the names that mean nothing else.

    Args:
        values: of the dimensions in the data.
        known: the dimensions of words that are values of the data.
        others: words that mean something else.
    """
    found: dict[str, dict[str, None]] = {}
    for page in values.get("page", []):
        first = page.partition("/")[2].split("/")[0].lower()
        is_known = normal(first) in others or not known.get(normal(first), set()).isdisjoint(("page_type", "theme"))
        if first.isalpha() and len(first) > 2 and not is_known:
            found.setdefault(first, {})[page] = None
    parts = {name: tuple(some) for name, some in found.items() if len(some) >= _SMALLEST}
    return parts, {name for name in parts if normal(name) not in known}


def section_keys(name: str) -> tuple[str, str]:
    """How a section stands in a text."""
    return f"/{name}/*", f"/{name}/* page"


def in_pages(text: str, names: Iterable[str], alone: Set[str], values: Mapping[str, list[str]]) -> str:
    """A text in small letters with pages in words that the vocabulary knows.

    Args:
        names: of sections.
        alone: those of them that mean nothing else: "the journal", but "the deals section".
        values: of the dimensions in the data.
    """
    kinds = (*values.get("page_type", []), *values.get("theme", []))
    articles, names = "article" in kinds, tuple(names)
    text = re.sub(r"\b(?:those|these|such) readers\b", "they", text)
    if articles and "blog" not in names:
        text = re.sub(rf"\b(?:(?:(?:the|our) )?blog {_SECTION_NOUN}|(?:the|our) blog)\b", "article pages", text)
    if names:
        clear = "|".join(name for name in names if name in alone) or "(?!)"
        text = _in_sections(text, "|".join(names), clear, articles)
    reads = _READS.search(text) is not None or "/*" in text or "article pages" in text
    if articles and reads:
        of_pages = rf"\b{_ARTICLE}(?! (?:pages?\b|readers?\b|/))"
        if _SELLS.search(text) is None:
            text = re.sub(rf"\b{_ARTICLE} (?:page ?)?(?:views?|reads)\b", "page views of article pages", text)
            text = re.sub(of_pages, "article pages", text)
        else:  # which articles do readers buy: items
            text = re.sub(rf"(\b(?:read|reads|reading|readers of) (?:(?:the|our|an?|any|some|some of) )*){of_pages}",
                          r"\1article pages", text)  # fmt: skip
    for pattern, new in _rules(kinds):
        text = rewritten(pattern, new, text)
    if articles:  # of which pages, where none are named
        if "article pages" in text or "/*" in text:
            text = _TIME_SPENT.sub("time on page", _AS_USERS.sub(r"\1users", text))
        text = _READERS.sub(r"\1users who read article pages", text)
    return re.sub(r"  +", " ", text)


def _in_sections(text: str, names: str, clear: str, articles: bool) -> str:
    """Words for parts of the site where it is clear that pages are meant."""
    one, end = rf"(?<![/\w-])({names})(?:'s)?", r"(?: section)?\b(?![/*-])"
    alone = rf"(?<![/\w-])({clear})(?:'s)?"
    both = r"article pages /\1/*" if articles else r"/\1/* pages"
    pages = r"/\1/* pages"
    for pattern, new in (
        (rf"\b{_ARTICLE} (?:of|in|on|from) (?:the |our )?({names}){end}", both),
        (rf"{alone} (?:page ?views?|views|reads)\b", rf"page views of {pages}"),
        (rf"{alone} visitors?\b", rf"users who read {pages}"),
        (rf"{alone} (?=(?:readers?|viewers?)\b)", r"/\1/* "),
        (rf"{one} {_ARTICLE}(?: pages?)?\b", both),
        (rf"\b(?:pages?|contents?) (?:of|in|on|from|under|below) (?:the |our )?({names}){end}", pages),
        (rf"{one} {_SECTION_NOUN}\b", pages),
        (rf"{alone} (?=(?:vs\.?|versus|and|or|against|compared (?:to|with)) (?:[\w-]+ )?pages\b)", f"{pages} "),
        (rf"(?<=\bread )({clear}){end}|(?<=\breads )({clear}){end}", r"/\1\2/* pages"),
        (rf"\b(?:visit|visits|visited|viewed|opened|browsed?|saw|seen?) ({clear}){end}", r"viewed /\1/* pages"),
        (rf"\b(?:the|our) ({clear})\b(?! \w+ing\b){end}", pages),
    ):
        text = rewritten(re.compile(pattern), new, text)
    return text


@cache
def _rules(kinds: tuple[str, ...]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """What is said of pages of these kinds."""
    named = {name.replace("_", " ") for name in kinds}
    named |= {other for name in kinds for other in DIMENSIONS["page_type"].values.get(name, ())}
    of_kind = "|".join(sorted(map(re.escape, named), key=len, reverse=True)) or "(?!)"
    pages = rf"((?:(?:{of_kind}) pages?)(?: /[a-z]+/\*)?|/[a-z]+/\* pages)"
    error = r"(?:error pages?|errors?)"
    give = "|".join(("(?:ha(?:ve|d|s)", "return(?:s|ed)?", "g[ia]ves?", "throws?", "threw", "cause[sd]?",
                     "show(?:s|ed)?", "produce[sd]?", "g[oe]ts?)"))  # fmt: skip
    return tuple(
        (re.compile(pattern), new)
        for pattern, new in (
            (rf"\b({of_kind}) (vs\.?|versus|or|against|compared (?:to|with)) (?=(?:{of_kind}) pages\b)",
             r"\1 pages \2 "),
            (rf"\bhow many {error} (?:do|did|does|have|has) {_PEOPLE} (?:have |get|got|see|saw|seen|hit|had|"
             rf"receive[d]?|meet|met|face[d]?|encounter(?:ed)?|experience[d]?|(?:r[au]n|bump(?:ed)?) into)\b",
             "how many page views of error pages"),
            (r"\b(?:number|count) of error pages?\b(?! views?\b)", "page views of error pages"),
            (rf"\b(?:(?:unique|different) )?readers (?:did|does|do|has|have) ((?:the |our )?(?:{pages}|/\S+))"
             r"(?: (?:have|get|had|got))?\b", r"users who read \1"),
            (rf"^(\W*(?:(?:the|all|number of|count of) )*){pages} {_DONE}\b", r"\1page views of \2"),
            (rf"\b(?:which|what) (?:pages?|urls?|links?|address(?:es)?) (?:do |did |does )?{give} "
             rf"(?:the )?(?:most |an? |any )?{error}(?! \w*page)", "error page views by page"),
            (rf"\bhow (?:many times|often) (?:(?:was|were|is|are|has|have) )+(?:an? |the |our |any )?{pages} "
             rf"(?:been )?{_DONE}\b", r"how many page views of \1"),
            (rf"\bhow (?:many times|often) (?:(?:was|were|is|are|has|have) )+(?:the |our )?(?:page |{_ARTICLE} )?"
             rf"(/\S+) (?:been )?{_DONE}\b", r"how many page views of \1"),
            (rf"\bhow (?:many times|often) (?:do|did|does|have) {_PEOPLE} {_VIEWED} (?:an? |the |our )?{pages}",
             r"how many page views of \1"),
            (rf"\bhow many (?:different |unique )?{pages} (?:(?:was|were|is|are|got|get|have|has|did|do) )*"
             rf"(?:{_PEOPLE} )?(?:have )?(?:been )?(?:{_DONE}|{_VIEWED})\b", r"how many page views of \1"),
            (rf"\b(?:the |our )?(most|least|fewest|top|best)(?: (\d+))? (?:often |frequently )?{_VIEWED} "
             rf"(?:of )?(?:the |our )?{pages}", r"\1 \2 page views by page for \3"),
            (rf"\b(which|what) {pages} (?:(?:are|were|is|was|get|got|do|did) )*(?:{_PEOPLE} )?(?:the )?"
             rf"(?:({_MOST}) {_VIEWED}|{_VIEWED} (?:the )?({_MOST}))\b", r"\3\4 page views by page for \2"),
            (rf"\b(top|best|biggest|most common|most frequent|most)(?: (\d+))? {pages}", r"top \2 pages for \3"),
            (rf"\b(?:readers|viewers|visitors) (?:of|to) (?:(?:the|our|an?|any|some) )*(?={pages}|/\S)",
             "users who read "),
            (r"\b(?:readers|viewers) of\b", "users who read"),
            (rf"\b(?:which|what) {pages} (?:leads?|led|brings?|brought|drives?|drove|generates?|generated) "
             r"(?:(?:to|in) )?(?:the )?(?:most|more) (purchases|orders|sales|buyers|customers|revenue)\b",
             r"highest \2 by landing page landing on \1"),
            (rf"\bhow many {error}(?=\W*$| (?:last|this|yesterday|in|on|by|per|from|since)\b|\W*\u00a7)",
             "how many page views of error pages"),
            (rf"\b(sessions?|visits?|{PEOPLE}) with (?:(?:an?|at least one|1) )?(?:page ?)?views? of (?:the |our )?"
             rf"(?={pages})", r"\1 that read "),
        )
    )  # fmt: skip


def words_of_address(page: str) -> list[str]:
    """The words of the path of a page."""
    return re.findall(r"[a-z]+", page.lower().partition("/")[2])
