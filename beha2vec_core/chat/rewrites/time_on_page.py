"""How long pages are read, as people say it: "which article is read the longest", "how long do people stay on it"."""

from __future__ import annotations

import re

_WHO = r"(?:(?:our|the|most|many) )*(?:users|visitors|people|customers|shoppers|readers|they|we)"
_NO_PAGE = r"(?! (?:the |our |your )?(?:site|shop|website|web ?shop|store|page on average)\b)"
_PAGE = r"(?= (?:(?:the|our|an?|each|every|all) )*(?:[\w&'-]+ ){0,5}?(?:pages?|articles?|posts?|homepage|\S*/\S+)\b)"
_LONG = r"(?:for )?(?:the )?(?P<end>longest|shortest|most time|least time)"
_RULES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (rf"\b(?:is|are|was|were|gets?|got) (?:being )?(?:read|viewed|looked at|visited|studied) {_LONG}\b", "has"),
        (rf"\b(?:do|does|did) {_WHO} (?:read|view|look at|stay on|linger on|remain on|visit|spend) {_LONG}(?: on)?\b",
         "has"),
        (rf"\b(?:hold|keep)s? {_WHO} (?:reading )?{_LONG}\b", "has"),
        (rf"\bhow (?:long|much time) (?:do|does|did|are) {_WHO} (?:spend (?:on )?)?read(?:ing)?\b{_NO_PAGE}", "of"),
        (rf"\bhow (?:long|much time) (?:do|does|did|are) {_WHO} (?:stay|spend|remain|linger|look|staying|spending)"
         rf"(?: (?:on|in|at|viewing|looking at))\b{_PAGE}{_NO_PAGE}", "of"),
        (rf"\bhow (?:long|much time) (?:do|does|did) {_WHO} view\b{_PAGE}", "of"),
        (rf"\b(?:the )?(?:average|mean|typical) time (?:spent )?on\b{_PAGE}{_NO_PAGE}", "of"),
        (r"\bhow long (?:do|does|did) (?:the |our )?readers (?:stay|linger|remain|read)(?=\W*$)", "article"),
        (r"\bhow long (?:is|are|was|were) (?P<what>\S.*?) (?:read|viewed|looked at)(?: for)?\b", "of"),
    )
)  # fmt: skip


def in_reading_time(text: str) -> str:
    """A text in small letters with "reading time" for how long pages are read."""
    for pattern, kind in _RULES:
        if not (found := pattern.search(text)):
            continue
        groups = found.groupdict()
        end = "lowest" if (groups.get("end") or "").startswith(("short", "least")) else "highest"
        of = "article pages" if kind == "article" else groups.get("what") or ""
        said = f"has the {end} reading time" if kind == "has" else f"average reading time of {of}"
        text = f"{text[: found.start()]}{said}{text[found.end() :]}"
        text = re.sub(r"\b(?:articles?|pages?|posts?) (?=\S*/\S)", "", text)  # the article /journal/wool
        return re.sub(r"^(\W*)(?:on|for) (?=which|what)", r"\1", re.sub(r"  +", " ", text))
    return text
