"""What is bought with something: "bought together with the tent", "what else do buyers of tents buy?"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.question import Reading, read_question
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Did, Filter, Query
from beha2vec_core.words import counted

_BUY = r"(?:buy|buys|buying|bought|purchas(?:e|es|ed|ing)|order|orders|ordered|get|gets|got)"
_GOODS = r"(?:products?|items?|things?|articles?|goods|stuff)"
_OFTEN = r"(?:most|mostly|usually|typically|often|frequently|commonly|normally|generally|mainly|tend to|likely to)"
_HEAD = (
    rf"(?:and |so |ok |please |(?:can|could) you )*(?:what|which|(?:show|tell|give)(?: me)?(?: what| which)?|list)"
    rf"(?: (?:else|other|others|the|top|best|of our|our|{_GOODS}|is|are|was|were|gets?|got|do|does|did|have|has|been|"
    rf"the|our|{PEOPLE}|they|we|sold|also|{_OFTEN}))*?"
)
_OF_BUYERS = (
    rf"(?:the |our |all |those )*(?:(?:{PEOPLE})(?: (?:who|that))?(?: have| had)? {_BUY}|"
    r"(?:buyers|purchasers|customers) of)"
)
_ALSO_BUY = rf"(?:(?:also|too|{_OFTEN}|end up|go on to|still|as well|then)(?: |$))*{_BUY}"
# what stands with it in an order
_TOGETHER = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_HEAD} (?:{_BUY}|sold|sells?|goes|go|combined|paired|added to (?:the )?(?:cart|basket))"
        rf"(?: (?:the )?{_OFTEN})*(?: together| along| alongside| in combination)? with (?P<item>.+)",
        rf"{_HEAD}(?: (?:{_BUY}|sold|are|is))*(?: (?:in|from|inside) the same (?:orders?|baskets?|carts?|purchases?)"
        rf"(?: together)? (?:as|with)) (?P<item>.+)",
        r"(?:what|which)(?: (?:else|other))(?: (?:products?|items?|things?))?(?: (?:is|are|was|were|sits?))?"
        r" (?:in|inside) (?:the |our )?(?:orders?|baskets?|carts?) (?:with|of|that (?:contain|include|have)|containing|"
        r"including) (?P<item>.+)",
    )
)
# what the same people buy, whenever that is
_ALSO = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:what|which)(?: (?:else|other))(?: {_GOODS})? (?:do|did|have|has) {_OF_BUYERS} (?P<item>.+?) {_ALSO_BUY}"
        r"(?P<rest>.*)",
        rf"(?:what|which)(?: {_GOODS})? (?:do|did|have|has) {_OF_BUYERS} (?P<item>.+?) "
        rf"(?:(?:usually|often|typically|most) )*(?:also|as well|additionally) {_ALSO_BUY}(?P<rest>.*)",
        rf"{_OF_BUYERS} (?P<item>.+?) (?:(?:usually|often|typically) )*also {_BUY}(?: what| which (?:products|items))"
        r"(?P<rest>.*)",
    )
)
_COUNTED = {"one_order": "orders", "user": "buyers"}
_THINGS = ("item", "item_category", "item_category2", "item_brand")


def bought_with(
    question: str, vocabulary: Vocabulary, measure: Callable[[Query], Result]
) -> tuple[Query, Reading] | None:
    """What else is in the orders of a thing, or what else its buyers buy; None where it is not asked for.

    Also None where more is said of the orders than the thing and a period.
    """
    text = re.sub(r"\s+", " ", question).strip(" ?.!")
    for level, patterns in (("one_order", _TOGETHER), ("user", _ALSO)):
        for found in filter(None, (pattern.fullmatch(text) for pattern in patterns)):
            rest = found.groupdict().get("rest") or ""
            reading = read_question(f"orders of {found['item']} {rest}", vocabulary, None)
            if query := reading.query:
                return _others(replace(query, metric=_COUNTED[level]), level, found["item"], reading, measure)
    return None


def _others(
    of_thing: Query, level: str, text: str, reading: Reading, measure: Callable[[Query], Result]
) -> tuple[Query, Reading] | None:
    """The number of orders, or buyers, of the other items."""
    if reading.unknown or reading.more or of_thing != Query(of_thing.metric, (), of_thing.filters, of_thing.period):
        return None
    if len(of_thing.filters) != 1 or of_thing.filters[0].dimension not in _THINGS or of_thing.filters[0].is_excluded:
        return None
    (thing,) = of_thing.filters
    if len(thing.values) > 1 and " and " in text:
        return None  # both of them, or one of them?
    filters = (Filter(level, did=(Did("items", (thing,)),)), replace(thing, is_excluded=True))
    query = replace(of_thing, by=("item",), filters=filters)
    ((number,),) = [[row["value"] for row in measure(of_thing).rows] or [0]]
    name = " or ".join(thing.values)
    when = "" if of_thing.period else ", at any time,"
    note = f"{name} is in {counted(number, 'order')}: those that also have the other item are counted."
    if level == "user":
        note = f"{counted(number, 'user')} bought {name}: those who also bought the other item{when} are counted."
    return query, replace(reading, query=query, notes=(*reading.notes, note))
