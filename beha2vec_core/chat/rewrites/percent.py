"""By how many percent something changed: what a comparison says anyway, so that no share is asked for."""

from __future__ import annotations

import re

from beha2vec_core.chat.rewrites.substitute import rewritten
from beha2vec_core.chat.words.verbs import CHANGES

PERCENT = r"(?:percent(?:ages?)?|per cent|pct|%)(?: points?)?"
_HOW_MUCH = r"(?:how (?:much|many)|what|which)"
_MORE = r"(?:more|less|fewer|higher|lower|bigger|smaller|larger|better|worse|stronger|weaker)"
_CHANGED = "|".join(sorted((re.escape(one) for one in CHANGES), key=len, reverse=True))
_A_CHANGE = r"(?:changes?|growth|increases?|decreases?|drop|rise|declines?|gains?|loss|uplift|difference)"
_ORDERED = re.compile(r"\b(?:which|who|top|most|fastest|highest|largest|biggest|least|lowest|smallest|slowest)\b")
_RULES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        # by how many percent did revenue grow
        (rf",?\s*(?:\band )?\bby {_HOW_MUCH} (?:an? )?{PERCENT}(?!\w)", " "),
        # how many percent more orders, how many orders more in percent
        (rf"\b(?:{_HOW_MUCH}|by) {PERCENT} (?={_MORE}\b)", " "),
        # the percentage change in revenue, the growth in percent, the growth rate of sessions
        (rf"(?<!\d)(?<!\d ){PERCENT} ({_A_CHANGE})\b(?: (?:of|in|for)\b)?", r"\1 of"),
        (rf"\b({_A_CHANGE}) (?:rate|{PERCENT}|(?:in|as a) {PERCENT})(?!\w)(?: (?:of|in|for)\b)?", r"\1 of"),
        # how many percent did revenue grow; not: what percent of revenue grew
        (rf"\b{_HOW_MUCH} {PERCENT} (?=(?:did|has|have|is|are|was|were|do|does)\b(?!.*\bof\b).*\b(?:{_CHANGED})\b)",
         " "),
        # did revenue rise in March, in percent
        (rf"^(?=.*\b(?:{_CHANGED}|{_MORE})\b)(?!.*\b(?:share|part|portion) )(.*?),? (?:\band )?"
         rf"(?:in|as an?) {PERCENT}(?: terms)?(?!\w| of\b)", r"\1 "),
    )
)  # fmt: skip


def without_percent(text: str) -> str:
    """The text, in small letters, that asks for a change and no longer for its percent.

    Groups in the order of their percent are another question: "which channel grew most in percent".
    """
    if _ORDERED.search(text):
        return text
    for pattern, new in _RULES:
        text = rewritten(pattern, new, text)
    return text
