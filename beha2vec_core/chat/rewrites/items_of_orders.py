"""How many items orders have: "baskets with more than one product", "orders of 3 or more pieces"."""

from __future__ import annotations

from beha2vec_core.chat.rewrites.substitute import Rules
from beha2vec_core.chat.words.currencies import CURRENCY_WORDS
from beha2vec_core.chat.words.numbers import NUMBER_WORDS
from beha2vec_core.chat.words.verbs import PEOPLE

_N = rf"(\d+|{'|'.join(NUMBER_WORDS)})"
_ORDERS = r"\b(?:shopping )?(?:baskets?|orders?|purchases?|transactions?)"
_WITH = (
    r"(?: (?:that|which|are|were|is|was|did|do))* (?:with|have|has|had|having|contain(?:s|ed|ing)?|includ(?:e|es|ed|"
    r"ing)|of|hold(?:s|ing)?|held|consist(?:s|ed|ing)? of|made up of) "
)
_THINGS = (
    r"(?:items?|products?|pieces?|units?|articles?|things?)\b(?: in (?:it|them|there|the (?:basket|cart|order)s?))?"
)
_NO_KIND = (
    rf"{CURRENCY_WORDS}|percent|revenue|value|tax|shipping|different|distinct|{PEOPLE}|orders?|pages?|visits?|sessions?|days?|"
    r"coupons?"
)
_OF_A_KIND = rf"(?!{_THINGS}|(?:{_NO_KIND})\b)(?=[a-z])"
_ONE = r"(?:(?:exactly|just|only) )?(?:one single|one|a single|1|single)"
_PER_ORDER = (
    r"(?:per|in (?:an?|each|every|one|a single|the same)) (?:order|basket|purchase|cart|checkout)|at (?:once|a time)|"
    r"in one go"
)

ITEMS_OF_ORDERS: Rules = (
    # at least 3 items of Tents & Shelters: so many tents
    (rf"({_ORDERS}{_WITH}(?:more than|at least|exactly) (?:one|{_N})) (?:items?|pieces?|units?) of "
     rf"(?=[a-z])(?!{_THINGS}|(?:{_NO_KIND}|the|any|each|an?|all)\b)", r"\1 "),
    (rf"{_ORDERS}{_WITH}(?:more than|over) (?:one|a single|1) {_THINGS}", "orders with at least 2 items"),
    (rf"{_ORDERS}{_WITH}(?:several|multiple|a few|various|a couple of|a number of) {_THINGS}",
     "orders with at least 2 items"),
    (rf"{_ORDERS}{_WITH}(?:at least |min(?:imum)?(?: of)? ){_N} {_THINGS}", r"orders with at least \1 items"),
    (rf"{_ORDERS}{_WITH}{_N}(?:\+| or more| and more| or above) {_THINGS}", r"orders with at least \1 items"),
    (rf"{_ORDERS}(?:{_WITH}more than| (?:(?:that|which|are|were) )*(?:bigger|larger|greater) than) {_N} {_THINGS}",
     r"orders with more than \1 items"),
    (rf"{_ORDERS}{_WITH}{_ONE} {_THINGS}", "orders with exactly 1 items"),
    (rf"{_ORDERS}{_WITH}(?:(?:exactly|just|only) )?{_N} {_THINGS}", r"orders with exactly \1 items"),
    # of one kind of goods: orders with more than 2 tents
    (rf"{_ORDERS}(?:{_WITH}| (?:in which|where) )(more than|at least|exactly) (one|{_N}) {_OF_A_KIND}",
     r"orders that bought \1 \2 "),
    (rf"{_ORDERS}(?:{_WITH}| (?:in which|where) ){_N}(?:\+| or more) {_OF_A_KIND}", r"orders that bought at least \1 "),
    (r"\bmulti(?:ple)?[- ](?:item|product|piece) (?:orders|baskets|carts|purchases)\b", "orders with at least 2 items"),
    (r"\b(?:single|one)[- ](?:item|product|piece) (?:orders|baskets|carts|purchases)\b", "orders with exactly 1 items"),
    (r"\b(?:shopping )?(?:carts?|baskets?)(?: (?:that|which|do|did))* (?:contain(?:s|ed|ing)?|includ(?:e|es|ed|ing)|"
     r"with|have|had) (?!at least|more than|over|only|exactly|several|\d)((?:an? |the |any )?(?:[\w-]+ ){1,3}?)"
     r"(?=(?:but|and|without|that|which|were|with)\b)", r"sessions that put \1in the cart "),
    (r"(?<=in the cart) +(?:that|which) (?=were|was|did|do|have|never)", " and "),
    (rf"\bhow many {_THINGS} (?:do|does|did) (?:(?:the|our|an?|average|typical) )*(?:{PEOPLE}|they|buyer|customer|"
     rf"person) (?:usually |typically |normally )?(?:buy|order|purchase|get|put|take)(?: on average)? (?:{_PER_ORDER})",
     "items per order"),
    (rf"^(\W*)(?:do|does|did) (?:coupon|voucher) orders{_WITH}(?:more|fewer|less) {_THINGS}(?: than (?:those |"
     r"orders |ones )?(?:without|others?|the (?:rest|others))(?: (?:one|(?:a )?coupons?))?(?: orders)?)?(?=\W*$)",
     r"\1items per order of orders with a coupon vs without"),
    (rf"^(\W*)(?:do|does|did) ([\w ]+?) orders{_WITH}(?:more|fewer|less) {_THINGS} than ([\w ]+?)"
     r"(?: orders| ones)?(?=\W*$)",
     r"\1compare items per order of \2 vs \3"),
    (rf"^(\W*)(?:do|does|did) (?!the\b|our\b|all\b)([\w ]+?) orders{_WITH}(?:more|fewer|less) {_THINGS}(?=\W*$)",
     r"\1compare items per order of \2 vs the rest"),
)  # fmt: skip
