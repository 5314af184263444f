"""How many visits people need until they order for the first time."""

from __future__ import annotations

from beha2vec_core.chat.rewrites.substitute import Rules
from beha2vec_core.chat.words.verbs import PEOPLE

_WHO = rf"(?:(?:an?|the|our|most|new|typical|average) )*(?:{PEOPLE}|they|someone|somebody|person)"
_VISITS = r"(?:visits|sessions)"
_TAKE = (
    rf"(?: (?:(?:does|do|did|will) (?:it|{_WHO}) (?:usually |typically |normally |generally )?(?:takes?|took|needs?|"
    rf"needed|make|have|pay)(?: us)?|(?:it takes|are needed|are necessary|needed|are there|(?:that )?{_WHO} (?:needs?|"
    rf"makes?|have|has)))(?: for {_WHO})?(?: on average)?)?"
)
_ORDER = (
    rf"(?:(?:until|till|before|up to|to get to|to|ahead of|leading (?:up )?to|prior to)(?: {_WHO})?(?: (?:finally|"
    r"actually|first|can|to|will|make|makes|place|places|making|placing))*(?: (?:the|their|an?|they|that))* "
    r"(?:(?:first|1st|initial) )?(?:orders?|purchases?|buys?|buying|ordering|purchasing|converts?|converting|sale)"
    r"(?: (?:something|anything))?(?: for the first time)?)"
)

VISITS_TO_ORDER: Rules = (
    (rf"\bmedian (?:number of )?{_VISITS}{_TAKE} {_ORDER}(?=\W*$| (?:in|by|for|from|on|last|this)\b)",
     "median visitstoorder"),
    (rf"\b(?:average|mean|avg) (?:number of )?{_VISITS}{_TAKE} {_ORDER}(?=\W*$| (?:in|by|for|from|on|last|this)\b)",
     "visitstoorder"),
    (rf"\b(?:(?:after|in|on) )?(?:how many|number of|typical number of) {_VISITS}{_TAKE} {_ORDER}"
     r"(?=\W*$| (?:in|by|for|from|last|this)\b)", "visitstoorder and median visitstoorder"),
    (rf"\b(?:after|in) how many {_VISITS} (?:do|does|did) {_WHO} (?:usually |typically )?(?:first )?(?:buy|order|"
     r"purchase|convert)\b(?: (?:something|for the first time))?", "visitstoorder and median visitstoorder"),
)  # fmt: skip
