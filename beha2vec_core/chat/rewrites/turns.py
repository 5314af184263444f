"""Turns of speech for errors, abandoned carts, interest and returns, in the words of our measures."""

from __future__ import annotations

from calendar import month_name

from beha2vec_core.chat.rewrites.substitute import Rules
from beha2vec_core.chat.words.verbs import PEOPLE

_WHO = rf"(?:(?:most |the |our )*(?:{PEOPLE})|they)"
_THINGS = "products?|items?|articles?|brands?|categor(?:y|ies)"
_IN_DAYS = (  # not "within 30 days"
    rf"(?:(?:in|during|on|since) )?(?:{'|'.join(month_name[1:])}|(?:the )?(?:last|this|past|first|second) |"
    r"(?:week|month|day)s?\b|\d)"
)

TURNS: Rules = (
    (r"\b(how many|number of|sum of) (items|products|pieces|units) (?:(?:were|are) )?in (?:(?:the|all|our) )*"
     r"(?=orders\b(?!.*\b(?:average|typical|usual)))", r"\1 \2 sold of "),
    (rf"\b(sessions|visits|orders) (?:where|in which|during which) {_WHO} (?=\w)", r"\1 that "),
    (r"^(?=.*\b(?:or|vs\.?|versus)\b)(.*)\bwhere do (?:we|people|users|visitors|customers) (sell|convert) (more|less|"
     r"better|worse)\b", r"\1which \2s \3"),
    (r"\b(?:(?:on|in|for|during) )?(?:each|every one) of the (last|past|first) (\w+ )(day|week|month)s\b",
     r"by \3 in the \1 \2\3s"),
    (r"(?:^|,? )do (?:you|we) (?:think|reckon|guess|believe|suppose)\b(?: that)?(?! (?:so|of)\b)", ""),
    (r"^(\W*)how many (?:(?:page )?not found |404 )?(?:404s?|errors?(?: pages?)?)(?: (?:are|were|do|did|have) "
     rf"(?:(?:the|our) )?((?!most\b)\w+ )??{_WHO}) (?:hit|hitting|see|seen|seeing|get|getting|got|run(?:ning)? into|"
     r"encounter(?:ing|ed)?)\b", r"\1how many page views of error pages \2"),
    (r"\b(carts?|baskets?|trolleys?|checkouts?) (?:that )?(?:ends? up|ended up|being|get|gets|got) (?:being )?"
     r"(?:abandoned|left behind)\b", r"\1 abandoned"),
    (r"\binterest in (?:(?:the|our) )*(?=\w)(?!us\b)", "views of "),
    (r"\b(?:is|are) (?=.*\bpicking up\b)(.*?)\bpicking up\b", r"are \1 growing"),
    (rf"^(\W*(?:(?:how many|which|number of|share of|the|our) )*)(?:{PEOPLE}|(?<!\w)who)(?: (?:who|that|have|had|did))"
     rf"* (?:buy|bought|order|ordered|purchased?) again (?={_IN_DAYS})", r"\1customers with repeat orders "),
    (rf"\b({_THINGS}) (?:is|are|was|were|gets?|got)(?: (?:most|often|frequently|the))* (?:returned|refunded|sent "
     r"back)\b", r"\1 by refunded orders"),
    (rf"\b(?:most|most often|often|frequently) (?:returned|refunded) ({_THINGS})\b", r"\1 by refunded orders"),
)  # fmt: skip
