"""How many visits and pages people need until they order for the first time, and visits that end in an order."""

from __future__ import annotations

from beha2vec_core.chat.rewrites.substitute import Rules
from beha2vec_core.chat.words.verbs import PEOPLE

_WHO = rf"(?:(?:an?|the|our|most|new|typical|average) )*(?:{PEOPLE}|they|someone|somebody|person)"
_USUALLY = r"(?:(?:usually|typically|normally|generally) )?"
_ORDER = (
    rf"(?:(?:until|till|before|up to|to get to|to|ahead of|leading (?:up )?to|prior to)(?: {_WHO})?(?: (?:finally|"
    r"actually|first|can|to|will|is|are|make|makes|place|places|making|placing))*(?: (?:the|their|an?|they|that))* "
    r"(?:(?:first|1st|initial) )?(?:orders?|purchases?|buys?|buying|ordering|purchasing|converts?|converting|sale)"
    r"(?: (?:something|anything))?(?: for the first time)?)"
)

_END = r"(?=\W*$| (?:in|by|for|from|on|last|this)\b)"
_THINGS = (  # what is counted, its measure, and what people do with it
    (r"(?:visits|sessions)", "visitstoorder", r"(?:takes?|took|needs?|needed|make|have|pay)(?: us)?"),
    (r"(?:(?:web ?)?pages?(?: ?views?)?)", "pagestoorder",
     r"(?:view|see|look at|visit|open|read|browse|go through|takes?|need)"),
)  # fmt: skip

_UP_TO_AN_ORDER = tuple(
    rule
    for things, measure, do in _THINGS
    for take in [
        rf"(?: (?:(?:does|do|did|will) (?:it|{_WHO}) {_USUALLY}{do}|(?:are |is |were )?(?:needed|necessary|viewed)|"
        rf"are there|it takes|(?:takes?|needs?) {_WHO}|(?:that )?{_WHO} {_USUALLY}(?:{do}|makes?|have|has|had|saw|"
        rf"viewed))(?: for {_WHO})?"
        r"(?: on average)?)?"
    ]
    for rule in (
        (rf"\bmedian (?:number of )?{things}{take} {_ORDER}{_END}", f"median {measure}"),
        (rf"\b(?:average|mean|avg) (?:number of )?{things}{take} {_ORDER}{_END}", measure),
        (rf"\b(?:(?:after|in|on) )?(?:how many|number of|typical number of) {things}{take} {_ORDER}{_END}",
         f"{measure} and median {measure}"),
        (rf"\b(?:after|in) how many {things} (?:do|does|did) {_WHO} {_USUALLY}(?:first )?(?:buy|order|"
         r"purchase|convert)\b(?: (?:something|for the first time))?", f"{measure} and median {measure}"),
    )
)  # fmt: skip
VISITS_TO_ORDER: Rules = (
    *_UP_TO_AN_ORDER,
    (r"\bend(?:s|ed)? (?:up )?(?:in|with) (?:an?|the) (?:order|purchase|sale)\b", "converted"),
    (r"\b((?:sessions?|visits?)\b[^,?]{0,40}) (?:leads?|led|results?|resulted|turn(?:s|ed)?|became|become) (?:(?:to|"
     r"into|in) )?(?:an? )?(?:orders?|purchases?|sales?)\b", r"\1 converted"),
    (r"\b(with|had|have|has) (?:(?:an?|at least one|one|any) )?(?:add(?:s|ed)?[ -]to[ -](?:the )?(?:cart|basket)s?|"
     r"(?:cart|basket) add(?:s|itions?)?)\b", r"\1 a cart"),
)  # fmt: skip
