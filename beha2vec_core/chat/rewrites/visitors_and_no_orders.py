"""Ways to ask for the most frequent visitors, days without an order, refunds, in words of the vocabulary."""

from __future__ import annotations

import re

from beha2vec_core.chat.rewrites.substitute import rewritten

_WE = r"(?:(?:we|i|the (?:shop|store|site)) )?"
_DID = r"(?:(?:did|do|have|has|had|could) )?"
_SOLD = r"(?:sell|sold|get|got|have|make|made|receive[d]?|take|took)"
_A_SALE = r"(?:orders?|sales?|purchases?)"
_NOTHING = re.compile(
    rf"\b{_DID}{_WE}(?:{_SOLD} (?:absolutely )?nothing|{_DID}{_WE}not {_SOLD} (?:anything|one {_A_SALE}|a single "
    rf"(?:thing|item|product|{_A_SALE})|any {_A_SALE}))(?: at all)?\b|\b(?:(?:was|were|has|is) )?nothing (?:(?:was|has "
    r"been|get|got) )?(?:sold|sell|sells|ordered|bought|selling)\b|\b(?:did )?(?:nobody|no one|noone|no customers?) "
    r"(?:buy|bought|order|ordered|purchased?|shopped)(?: anything)?\b|\b(?:went )?without (?:(?:a|any|even|single) "
    rf")*{_A_SALE}\b|\b(?:(?:had|have|with|are|were|was|is|there) )*(?:no|zero|0|not (?:a single|any)) {_A_SALE}\b"
)
_OF_TIME = re.compile(
    r"\b(?:how many|number of|which|what|on|list|longest|any)\b.*\b(?:day|week|month|quarter|weekday|hour)s?\b"
)
_WHY = re.compile(r"\b(?:why|how come|reasons?|what happened)\b")
_NO_ORDERS = "had no orders"
_BUYERS = r"customers?|buyers?|shoppers?"
_OTHERS = r"users?|visitors?|people|persons?"
_WHO = rf"(?:who|(?:which|what) (?:{_OTHERS}|{_BUYERS}))"
_MOST = r"\b(?:top (\d+ )?)?(?:the |our )?most"
_PHRASES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (rf"\btop (\d+ )?loyal (?:{_BUYERS})\b", r"top \1customers by orders"),
        (rf"(?:{_MOST} (?:frequent|regular|returning|active)|\b(?:the |our )?heaviest) (?:{_OTHERS})\b",
         r"top \1users by sessions"),
        (r"\bwho are (?:the |our )?(?:regulars|regular visitors)\b", "top users by sessions"),
        (rf"{_MOST} (?:engaged|busy) (?:{_OTHERS})\b", r"top \1users by page views"),
        (r"\b(?:our |the )?(?:power|heavy) users\b", "top users by page views"),
        (rf"\b{_WHO} (?:view(?:s|ed)?|look(?:s|ed)? at|see|saw|open(?:s|ed)?|visit(?:s|ed)?) (?:the )?most pages\b",
         "top users by page views"),
        (rf"\bhow many pages (?:does|do|did) (?:an?|the|our|each|every)(?: (?:average|typical|single))? "
         rf"({_OTHERS}|{_BUYERS})(?: (?:view|see|look at|visit|open|read))\b", r"page views per \1"),
        (rf"\b(?:what|which pages?|where) (?:do|does|did) (?:most )?(?:(?P<of>(?:[\w-]+ ){{1,3}})"
         rf"(?P<who>{_OTHERS}|{_BUYERS})|{_OTHERS}|{_BUYERS}|they) (?:visit|see|view|open|look at|land(?: on)?|arrive|"
         r"start) first\b", r"top landing pages by sessions for \g<of>\g<who>"),
        (r"\b(?:the )?most important\b", "top"),
    )
)  # fmt: skip


def in_operations(text: str) -> str:
    """A text in small letters in words that the vocabulary knows."""
    for pattern, new in _PHRASES:
        text = re.sub(r"  +", " ", rewritten(pattern, new, text))
    if _OF_TIME.search(text) or _WHY.search(text):
        text = _NOTHING.sub(f" {_NO_ORDERS} ", text)
    return text


def why_none(text: str, mark: str) -> str:
    """Why nothing was sold: where orders went, of days; what is different, of a group."""
    if "askswhy" not in text or _NO_ORDERS not in text:
        return text
    return text.replace(_NO_ORDERS, "orders drop" if mark in text else "low conversion rate")
