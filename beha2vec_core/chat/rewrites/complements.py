"""A group and all others: "mobile vs non-mobile", "non-mobile users", "buyers of tents vs the rest, who buys more"."""

from __future__ import annotations

from beha2vec_core.chat.rewrites.substitute import Rules
from beha2vec_core.chat.rewrites.whole_questions import COUNTED, MEASURE
from beha2vec_core.chat.words.verbs import PEOPLE

_VS = r"(?:vs\.?|versus|against|compared (?:to|with))"
_OF = rf"(?: (?:{PEOPLE}|sessions|visits|traffic|readers|ones))?"
_ONE = r"(?!(?:new|buyers?|customers?)\b)([\w-]+)"  # the opposites of these have names

COMPLEMENTS: Rules = (
    (rf"^(\W*)(?:(?:compare|show|how many) )?{_ONE} (?:and|or|{_VS}) non[ -]\2 ({COUNTED})"
     r"(?=\W*$| (?:in|on|during|since|last|this)\b)", r"\1\3: \2 vs the rest"),
    (rf"\b{_ONE}(?P<who>{_OF}),? (?:and|or|{_VS}) (?:the )?non[ -]\1{_OF}(?:\W+(?=\w)|(?=\W*$))",
     r"\1\g<who> vs the rest, "),
    (rf"\b{_ONE}\b(.*) than (?:the )?non[ -]\1{_OF}", r"\1\2 than the rest"),
    (rf"\bnon[ -]{_ONE}{_OF} (?:and|or|{_VS}) \1\b", r"\1 vs the rest, "),
    (rf"\bnon[ -]search(?:ing)? (?={PEOPLE})(\w+)", r"\1 who did not use the search"),
    (rf"\bnon[ -](?!(?:buy|purchas|paid|pay|bounc|direct|return|new|engag)\w*)(\w+) ({PEOPLE}|{MEASURE})\b",
     r"\2 without \1"),
    (rf"^(\W*)(?:compare )?((?:[\w-]+ )*(?:{PEOPLE}|readers)(?: (?:who|that|from|on|in|with) [^,?]+?)?) (?:or|{_VS}) "
     r"(?:the |all )?(?:rest|others?|other users|everyone else)\W+(?:who|which(?: (?:one|group)s?)?) "
     r"(buy|order|convert|spend|return|visit)s? (more(?: often)?|better|less)(?=\W*$)",
     r"\1do \2 \3 \4 than the rest"),
)  # fmt: skip
