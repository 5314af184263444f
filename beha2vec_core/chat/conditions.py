"""What users, sessions or orders did, as conditions of any question: "who viewed shoes and never bought".

A clause is a noun for users, sessions or orders, and what they did: "visitors looked at both bags and hats", "sessions
without a search", "orders with a coupon". Its parts are joined by and, but; each may be denied. They are taken out of
the question, and the rest is read as any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from beha2vec_core.chat.how_often import PEOPLE
from beha2vec_core.chat.periods import COUNT, MARK
from beha2vec_core.chat.steps import THE
from beha2vec_core.chat.verify import NUMBER_WORDS
from beha2vec_core.chat.vocabulary import FILLERS, Value, Vocabulary, tokens
from beha2vec_core.semantic.definitions import METRICS, STEPS
from beha2vec_core.semantic.query import Did, Filter, Having

_NOUNS = {
    "user": re.compile(rf"(?:{PEOPLE}|everyone|everybody|anyone|someone|who|them)\b"),
    "session": re.compile(r"(?:sessions?|visits?)\b"),
    "one_order": re.compile(
        r"(?:orders?|purchases?|transactions?|firstorder|laterorder)\b(?! (?:rate|value|size|frequency)s?\b)"
    ),
}
_THOSE = re.compile(r"(?:those|ones|these)\b")
_WHO = re.compile(r"(?:who|that|which|whose)\b(?: (?:ever|also|actually|already|really|later|then|do|did))*")
_AUXILIARY = re.compile(r"(?:(?:have|has|had|ever|also|actually|already|really|later|did|do|does|at some point) )*")
_NOT = re.compile(
    r"(?:(?:have|has|had|did|do|does|was|were|are|is|but|and|then) )*(?:not|never)\b"
    r"(?: (?:ever|even|actually|once|yet))*"
)
_WITHOUT = re.compile(
    r"(?:without|(?:(?:having|with|had|have|has) )?(?:no|zero|not a single))\b(?: (?:ever|even|actually|having))*"
)
_WITH = re.compile(r"(?:with|having|had|have|has|that had|containing|contained|contains?|includ(?:e|es|ed|ing))\b")
_COMMA = "\u00a6"  # in place of the marks between the words of a question
_AND = re.compile(
    rf"(?:{_COMMA} )?(?:and|but|yet|or)\b(?: (?:then|also|later|afterwards|subsequently|still|who|that|they|it))*|"
    rf"(?:{_COMMA} )?then\b|{_COMMA}"
)
_COMMA_BEFORE = re.compile(rf"{_COMMA}(?= )")
_OR = re.compile(rf"(?:{_COMMA} )?(?:and|or|nor)\b(?! (?:then|not|never|no|did|do)\b)")
_QUALIFIERS = (
    "only",
    "just",
    "still",
    "already",
    "together",
    "again",
    "too",
    "exclusively",
    "mainly",
    "mostly",
    "nothing",
)
_IN_ORDER = re.compile(r"\b(?:then|later|afterwards|subsequently)\b")
_OF_THESE = re.compile(
    rf"(?:{_COMMA} )?(?:and )?(?:(?:(?:did|do|have|has) (?:any|some)|how many|how much|which share|"
    r"what (?:share|percent(?:age)?|proportion|fraction|part|%))"
    rf"|(?:do|did) (?:they|these|those))"
    rf"(?: of (?:them|those|these|such|the (?:{PEOPLE}|sessions|visits|orders)))?(?: (?:{PEOPLE}|sessions?|visits?))?"
    r"(?: (?:also|still|then|later|actually|really|ended up|end up|did|do|have|has|had))*"
)
_LEADING = re.compile(rf"(?:{_COMMA} )?(?:(?:also|still|then|later|actually|really|ended up|end up|even) )*")
_ON = re.compile(r"(?:go|goes|went) on to\b")
_ANYTHING = (
    r"(?:something|anything|stuff|things?|it|"
    r"(?:(?:a|an|any|the|some|at least (?:one|1)) )*(?:items?|products?|things?))"
)
_CARTS = r"(?:the |a |an |their |your |our |my )*carts?"
_ASKS_WHO = re.compile(
    rf"(?:who|which (?:users|visitors|people)|(?:list|show)(?: me)?(?: of)?(?: all| the| our)* (?:{PEOPLE}))\b"
)
# what people buy, when, how much: not how many of them
_OF_SOMETHING_ELSE = re.compile(
    r"(?:(?:and|so|ok) )*(?:what(?! (?:share|percent|%|proportion|fraction|part|are|is))|which|when|where|how much)\b"
)
_TIMES = re.compile(r"\bhow (?:many times|often)\b")
_WORDS = {"user": "users", "session": "sessions", "one_order": "orders"}
_HAVING = re.compile(
    r"\b(?:(?:but|and|only|just|those|the ones|with|that|which|have|has|had|having|a|min(?:imum)?(?: of)?) )*"
    rf"(?:(?P<low>at least|more than|over|min(?:imum)?(?: of)?) (?P<number>\d+|{COUNT})|"
    r"(?:no|zero|0|not a single|not any|without any|without a single))(?= )"
)
_ON_TO = (
    r"(?:(?:(?:go|goes|went|gets?|got|ma[dk]e it|continued?|proceed(?:ed)?|come|came)(?: on| through)? )?to |"
    r"reach(?:e[sd])? )(?:(?:a|an|the|their) )*"
)
_VERBS: dict[str, re.Pattern[str]] = {
    name: re.compile(rf"(?:{words})\b")
    for name, words in {
        "1to": rf"{_ON_TO}(?:products?|items?)(?: pages?)?", "2to": rf"{_ON_TO}carts?",
        "3to": rf"{_ON_TO}checkouts?", "6to": rf"{_ON_TO}(?:orders?|purchases?)",
        "removed": rf"(?:remov(?:e|es|ed|ing)|took|takes?|taken|taking|delet(?:e|es|ed|ing)) (?:{_ANYTHING} )?"
        rf"(?:from|out of|off) {_CARTS}(?: again)?",
        "2": rf"(?:add|put|place)(?:s|d|ed|ing|ting)? (?:{_ANYTHING} )?(?:to|in|into) {_CARTS}|add(?:ed)? to cart",
        "3": r"(?:start|begin|began|begun|enter|reach|initiate|get to|got to|go to|went to)(?:s|ed|d|ning|ing)? "
        rf"{THE}checkouts?",
        "4": rf"(?:reach|enter|get to|got to)(?:s|ed|ing)? {THE}shipping(?: (?:step|info|details|page))?",
        "5": rf"(?:reach|enter|get to|got to|add)(?:s|ed|ing)? {THE}payment(?: (?:step|info|details|page))?",
        "1": r"(?:view|see|saw|seen|look(?:s|ed|ing)? at|open)(?:s|ed|ing)? (?:(?:a|an|any|the|at least (?:one|1)|"
        r"some|single) )*(?:products?|items?)(?: (?:pages?|details?))?",
        "search": r"(?:us(?:e|es|ed|ing)|ma[dk]e|makes) (?:the |a |our )?(?:site |internal |on site )?search(?: (?:"
        r"page|function|bar|box))?|search(?:ed|es|ing)?(?: (?:for (?:something|anything)|(?:on )?(?:the |our )?"
        r"(?:site|shop|website)))?(?! for\b)",
        "coupon": r"(?:was|were|is|are|had|has) (?:(?:a|an|any) )?(?:coupon|voucher)s?(?: codes?)? "
        r"(?:used|redeemed|applied)|"
        r"(?:us(?:e|es|ed|ing)|redeem(?:s|ed|ing)?|appl(?:y|ies|ied|ying)|enter(?:s|ed|ing)?) "
        r"(?:(?:a|any|the|some|no) )*(?:(?:coupons?|vouchers?|promos?)(?: codes?)?|(?:discount|promotion) codes?)",
        "back": r"(?:came|comes?|coming) back|return(?:s|ed|ing)?",
        "order": r"(?:ma[dk]e|makes|making|plac(?:e|es|ed|ing)|complet(?:e|es|ed|ing)) (?:(?:a|an|any|the|their) )*"
        r"(?:orders?|purchases?)|convert(?:s|ed|ing)?|check(?:s|ed|ing)? out|"
        r"(?:buy(?:s|ing)?|bought|order(?:s|ed|ing)?|purchas(?:e|es|ed|ing)|shopp(?:ed|ing)|paid|pay)",
        "came": r"(?:came|comes?|coming|arriv(?:e|es|ed|ing)|visit(?:s|ed|ing)?(?: us| the (?:site|shop))?|"
        r"enter(?:s|ed|ing)?|was|were|are|is) "
        r"(?:us |here |to us |to the (?:site|shop) )?(?:from|via|through|by|on|with|using|in)",
        "used": r"us(?:e|es|ed|ing)",
        "visited": r"(?:visited|visit|visits|came|come|comes|browsed)(?: us| the (?:site|shop))?(?= (?:at least|more "
        r"than|exactly|only|just|at most|less than|fewer than|once|twice|over|again)\b)",
        "days": r"(?:visited|came|come|been|was|were|active)(?: here| us| there| the (?:site|shop))? on"
        r"(?= (?:at least|more than|exactly) )",
        "saw": r"view(?:s|ed|ing)?|saw|sees?|seen|seeing|visit(?:s|ed|ing)?|look(?:s|ed|ing)? at|read(?:s|ing)?|"
        r"brows(?:e|es|ed|ing)|open(?:s|ed|ing)?|hit|hits|encounter(?:s|ed)?",
    }.items()
}  # fmt: skip
_NAMED: dict[str, re.Pattern[str]] = {  # what they have: "with an order", "without a search"
    name: re.compile(rf"(?:(?:a|an|any|the|their|at least (?:one|1)|single) )*(?:{words})\b")
    for name, words in {
        "coupon": r"(?:(?:coupons?|vouchers?|promos?)(?: codes?)?|(?:discount|promotion) codes?)",
        "order": r"orders?(?: placed)?|purchases?|transactions?",
        "2": r"carts?|add to carts?|cart additions?", "3": r"checkouts?", "1": r"(?:product|item) views?",
        "search": r"(?:site |internal )?search(?:es)?(?! for\b)", "saw": r"page ?views?|pages",
    }.items()
}  # fmt: skip
_DIMENSIONS = {  # that the object of a verb can be of
    "saw": ("page_type", "theme", "page"), "order": ("item_category", "item_subcategory", "item_brand", "item"),
    "came": ("channel", "source", "medium", "campaign", "country", "device"),
    "used": ("device", "browser", "os", "coupon"),
    "coupon": ("coupon",),
}  # fmt: skip
_TABLES = {"saw": "page_views", "order": "items", "came": "sessions", "used": "sessions", "coupon": "items"}
_OF_VERBS = ("page_view", "view_item", "add_to_cart", "purchase", "begin_checkout", "session_start", "first_visit",
             "user_engagement", "view_search_results", "remove_from_cart", "click", "view_item_list", "select_item",
             "view_cart", "add_payment_info", "add_shipping_info")  # fmt: skip
_READERS = re.compile(r"(?:readers?|viewers?)\b")
_PREPOSITION = re.compile(r"(?:from|in|on|via|with|using|of)\b")
_FEW = 6  # words between a noun and "who"
_DAYS = re.compile(rf"(at least|more than|exactly) (\d+|{COUNT}) (?:different|distinct|separate) days?\b")
_SKIPPED = re.compile(r"(?:(?:a|an|the|any|some|our|your|both|either|all|from|via|of|about) )*")
_AFTER_VALUE = re.compile(
    r"(?:pages?|products?|items?|category|categories|theme|articles?|stuff|things?|section|brand)\b"
)
_COUNTED = re.compile(
    rf"(at least|more than|over|exactly|only|just|at most|up to|less than|fewer than) (?:(once|twice)|(\d+|{COUNT}))"
    r"(?: (?:times|orders?|purchases?|sessions?|visits?|items?|products?|pages?|page views?|units?|pieces?|"
    r"different))*\b"
    r"|(?:a|for a) (?:second|2nd) time\b|twice\b|again\b"
)
_AGAINST = re.compile(
    rf"\b(?:than|vs|versus|compared (?:to|with)|against|and|or) (?:the |all |all the )?(?:other (?:{PEOPLE}|sessions|"
    r"visits|orders)|others?|rest|everyone else|"
    rf"everybody else|(?:those|ones|other)?(?: ?(?:{PEOPLE}|sessions|visits|orders))?(?: (?:who|that|which))?"
    r" ?(?:(?:do|did|have|has|does|is|are|had) ?not?\b(?: (?:do (?:it|so|this|that)|have one|one|any))?|"
    rf"without(?: (?:one|any|it))?))(?=\W*$|\s+(?:in|on|by|last|this|{MARK})\b)"
)
_DENIED_OBJECT = re.compile(r"(?:but|and|yet)?(?: |^)?(?:not|no|never|without)(?: (?:any|a|an|the))*\b")


@dataclass
class Clause:
    """What users, sessions or orders did: all of ``whole``; asked is which part of these also did ``part``."""

    level: str
    whole: list[Did] = field(default_factory=list)
    part: list[Did] = field(default_factory=list)
    more: list[list[Did]] = field(default_factory=list)  # other parts: how many get to the checkout, how many order

    def filters(self) -> tuple[Filter, ...]:
        """The part first."""
        return tuple(Filter(self.level, did=tuple(did)) for did in (self.part, self.whole) if did)


@dataclass
class Conditions:
    """The clauses of a question, and its text without them.

    Attributes:
        is_forced: no other reading knows what they say.
        having: what else is true of the groups of a breakdown.
        has_not: whether the group is compared with all others.
        asks_who: whether the people are asked for, not their number.
    """

    text: str
    clauses: list[Clause]
    is_forced: bool
    having: tuple[Having, ...] = ()
    has_not: bool = False
    asks_who: bool = False
    notes: tuple[str, ...] = ()


class _Reader:
    """Reads the clauses of a list of words from left to right."""

    def __init__(self, words: list[str], vocabulary: Vocabulary) -> None:
        self.words, self.vocabulary = words, vocabulary
        self.values = vocabulary.contents.values
        self.problem = False
        names = [name for name in self.values.get("event", []) if name not in _OF_VERBS]
        self.events = {name: re.compile(_words_of(name)) for name in names if len(name) > 3}
        self.dates: list[str] = []

    def match(self, pattern: re.Pattern[str], place: int) -> int:
        """How many words from a place on are the pattern; 0: it does not stand there."""
        found = pattern.match(" ".join(self.words[place:]))
        return len(found[0].split()) if found else 0

    def predicates(self, place: int, level: str, *, named: bool) -> tuple[list[Did], int]:
        """All that is said from a place on, and the place after; ``named``: "with a coupon" can stand there."""
        found: list[Did] = []
        verb = ""
        while True:
            start = place
            if found:
                place = self._past_dates(place)
                joined = self.match(_AND, place)
                is_or = "or" in self.words[place : place + joined]
                self.problem |= is_or and bool(self._predicate(place + joined, level, named=True)[0])
                if not joined and not self.match(_WITHOUT, place):
                    return found, start
                dids, after, new = self._predicate(place + joined, level, named=True) if not is_or else ([], place, "")
                if not dids and verb and (size := self.match(_DENIED_OBJECT, place)):  # bought hats but no shoes
                    dids, after = self._object(place + size, verb)
                    dids, new = [replace(one, is_excluded=True) for one in dids], verb
            else:
                dids, after, new = self._predicate(place, level, named=named)
            if not dids:
                return found, start
            found, place, verb = found + dids, after, new

    def compound(self, place: int) -> tuple[Clause, int] | None:
        """Article readers, search users, coupon orders."""
        size, value = self._value(place, _DIMENSIONS["saw"])
        if value and self.match(_READERS, place + size):
            return Clause("user", [Did("page_views", (Filter(value.dimension, value.values),))]), place + size + 1
        for name in ("coupon", "search"):
            size = self.match(_NAMED[name], place)
            before = self.vocabulary.values_at(self.words, place - 1) if place else []
            size = 0 if any(number > 1 for number, _ in before) else size  # organic search users
            level = next((one for one, noun in _NOUNS.items() if size and self.match(noun, place + size)), "")
            if level and self.words[place + size] != "who":
                dids, _ = self._did(name, place + size, plain=True)
                return (Clause(level, dids), place + size + 1) if dids else None
        return None

    def past_place(self, place: int) -> int:
        """The place of "who" after a noun: users from Germany who; without one the place itself."""
        if not self.match(_PREPOSITION, place):
            return place
        few = self.words[place : place + _FEW]
        return place + next((number for number, word in enumerate(few) if word in ("who", "that", "which")), 0)

    def _past_dates(self, place: int) -> int:
        """The place after "in March", which stays in the question."""
        size = self.match(re.compile(rf"(?:(?:in|on|during|since|from|at) )?{MARK}\S*"), place)
        self.dates += self.words[place : place + size]
        return place + size

    def _predicate(self, place: int, level: str, *, named: bool) -> tuple[list[Did], int, str]:
        has = self.match(_WITH, place) if named and not self.match(_WITHOUT, place) else 0
        if has:
            dids, after, verb = self._named(place + has, level)
            if dids:
                return dids, after, verb
        denied = self.match(_NOT, place)
        place += denied or self.match(_AUXILIARY, place)
        without = self.match(_WITHOUT, place) if named else 0
        if without:
            dids, after, verb = self._named(place + without, level)
            if dids:
                return self._denied(dids, True), after, verb
            place += without
        here = " ".join(self.words[place:])
        if (on := self.match(_ON, place)) and not any(_VERBS[name].match(here) for name in _VERBS if "to" in name):
            place += on  # went on to buy
        for name, pattern in _VERBS.items():
            size = self.match(pattern, place)
            if not size:
                continue
            dids, after = self._did(name, place + size)
            if dids:
                return self._denied(dids, bool(denied or without)), after, name
        for event, pattern in self.events.items():
            if size := self.match(pattern, place):
                return self._denied(self._event(event), bool(denied or without)), place + size, "event"
        return [], place, ""

    def _denied(self, dids: list[Did], is_denied: bool) -> list[Did]:
        if is_denied and len(dids) > 1:  # neither, or not both
            return []
        return [replace(one, is_excluded=not one.is_excluded) for one in dids] if is_denied else dids

    def _named(self, place: int, level: str) -> tuple[list[Did], int, str]:
        if counted := self._count(place):
            low, high, size, text = counted
            if "session" in text or "visit" in text:
                return _limited(Did("sessions"), low, high), place + size, "visited"
            if re.search(r"item|product|unit|piece", text) and "different" not in text and level == "one_order":
                return _limited(Did("items"), low, high), place + size, "order"
            if re.search(r"order|purchase", text):
                return _limited(Did("purchases"), low, high), place + size, "order"
            if "page" in text:
                return _limited(Did("page_views"), low, high), place + size, "saw"
            return [], place, ""
        for name, pattern in _NAMED.items():
            if (size := self.match(pattern, place)) and not (level == "one_order" and name == "order"):
                dids, after = self._did(name, place + size, plain=True)
                return dids, after, name
        if level == "one_order":
            dids, after = self._object(place, "order")
            return dids, after, "order"
        return [], place, ""

    def _did(self, name: str, place: int, *, plain: bool = False) -> tuple[list[Did], int]:
        """What a verb says with what follows it."""
        name = {"6to": "order"}.get(name, name.removesuffix("to"))
        if name.isdigit():
            number = int(name)
            if number == 1:
                return [Did("sessions", (Filter("product_view", ("yes",)),))], place
            steps = tuple(f"{n} {label}" for n, (_, label) in STEPS.items() if n == number)
            return [Did("steps", (Filter("step", steps),))], place
        if name == "removed":
            return self._event("remove_from_cart"), place
        if name == "search":
            pages = "search" in self.values.get("page_type", [])
            return [Did("page_views", (Filter("page_type", ("search",)),))] if pages else self._event(
                "view_search_results"
            ), place  # fmt: skip
        if name == "coupon":
            known = bool(self.values.get("coupon"))
            dids, after = self._object(place, "coupon")
            return (dids or ([Did("items", (Filter("coupon"),))] if known else [])), after if dids else place
        if name == "days":
            found = _DAYS.match(" ".join(self.words[place:]))
            number = int(NUMBER_WORDS.get(found[2], found[2])) + (found[1] == "more than") if found else 0
            low, high = number, number if found and found[1] == "exactly" else None
            return [Did("sessions", at_least=low, at_most=high, of_days=True)] if found else [], place + 5
        if name in ("back", "visited"):
            if name == "back" and self.match(re.compile(r"(?:to|and|for|within|from|on|in|via|through)\b"), place):
                return [], place
            counted = self._count(place)
            low, high, size, _ = counted or (2, None, 0, "")
            return ([] if name == "visited" and not counted else _limited(Did("sessions"), low, high)), place + size
        if name == "order":
            dids, after = ([], place) if plain else self._object(place, name)
            if dids:
                return dids, after
            place += self.match(re.compile(rf"{_ANYTHING}\b"), place)
            if counted := self._count(place):
                low, high, size, text = counted
                dids, after = ([], place) if plain else self._object(place + size, name)
                if dids:
                    return (_limited(dids[0], low, high) if len(dids) == 1 else []), after
                if re.search(r"item|product|unit|piece", text):
                    return _limited(Did("items"), low, high), place + size
                if not re.search(r"times|once|twice|again|second|2nd|order|purchase", text):
                    return [], place  # an amount of money
                return _limited(Did("purchases"), low, high), place + size
            return [Did("purchases")], place
        if name == "saw" and plain:
            return [Did("page_views")], place
        low, high, size, text = self._count(place) or (1, None, 0, "")
        if name == "saw" and size and re.search(r"\bpages?\b|page views?", text):
            return _limited(Did("page_views"), low, high), place + size
        dids, after = self._object(place + size, name)
        return (_limited(dids[0], low, high) if size and len(dids) == 1 else dids if not size else []), after

    def _event(self, name: str) -> list[Did]:
        return [Did("events", (Filter("event", (name,)),))] if name in self.values.get("event", []) else []

    def _object(self, place: int, verb: str) -> tuple[list[Did], int]:
        """The values after a verb: joined by "or" those of one of them, else all of them."""
        found: list[Value] = []
        is_either, end = False, place
        while place < len(self.words):
            place += self.match(_SKIPPED, place)
            size, chosen = self._value(place, _DIMENSIONS[verb])
            if chosen is None:
                break
            found.append(chosen)
            place += size
            place += self.match(_AFTER_VALUE, place)
            end = place
            joined = self.match(_OR, place) or self.match(_COMMA_BEFORE, place)
            is_either |= bool({"or", "nor"} & {*self.words[place : place + joined]})
            self.problem |= not joined and self._value(place, _DIMENSIONS[verb])[1] is not None  # the returns policy
            place += joined
            if not joined:
                break
        if not found:
            return [], place
        table = _TABLES[verb] if found[0].dimension != "coupon" else "items"
        if is_either:
            if len({one.dimension for one in found}) > 1:
                self.problem = True
            values_of_all = tuple(dict.fromkeys(value for one in found for value in one.values))
            return [Did(table, (Filter(found[0].dimension, values_of_all),))], end
        return [Did(table, (Filter(one.dimension, one.values),)) for one in found], end

    def _value(self, place: int, dimensions: tuple[str, ...]) -> tuple[int, Value | None]:
        """The value that begins at a place, of the first dimension that has one, and its number of words."""
        here = self.vocabulary.values_at(self.words, place)
        if not here and place < len(self.words):
            word, size, _ = self.vocabulary.longest(self.words, place)
            here = [(size, word.values)] if word and word.kind == "value" else []
        every = [(size, one) for name in dimensions for size, some in here for one in some if one.dimension == name]
        if not every and "page" in dimensions and place < len(self.words):  # a word of addresses
            word = self.words[place].removesuffix("s")
            pages = [
                p for p in self.values.get("page", []) if word in (one.removesuffix("s") for one in _in_address(p))
            ]
            if pages and len(word) > 2 and word not in FILLERS:
                return 1, Value("page", tuple(pages))
        longest = max((size - self._ends_in_page(place, size) for size, _ in every), default=0)
        every = [one for one in every if one[0] - self._ends_in_page(place, one[0]) == longest]
        return every[0] if every else (0, None)

    def _ends_in_page(self, place: int, size: int) -> bool:
        """Whether the last word says only that it is a page."""
        return size > 1 and self.words[place + size - 1] in ("page", "pages")

    def _count(self, place: int) -> tuple[int, int | None, int, str] | None:
        """At least and at most so many, how many words say it, and these."""
        found = _COUNTED.match(" ".join(self.words[place:]))
        if found is None:
            return None
        text = found[0]
        if found[1] is None:
            return (2, None, len(text.split()), text)
        number = {"once": 1, "twice": 2}.get(found[2]) or int(NUMBER_WORDS.get(found[3], found[3]))
        limits = {"at least": (number, None), "more than": (number + 1, None), "over": (number + 1, None)}
        less = {"at most": (0, number), "up to": (0, number), "less than": (0, number - 1)}
        low, high = (limits | less | {"fewer than": (0, number - 1)}).get(found[1], (number, number))
        return low, high, len(text.split()), text


def _in_address(page: str) -> list[str]:
    return re.findall(r"[a-z]+", page.lower().partition("/")[2])


def _words_of(event: str) -> str:
    """A pattern: the words of an event's name, each with an ending of any kind, up to two others between them."""
    between = r"\W+(?:\w+\W+){0,2}?"
    return between.join(rf"{re.escape(word)}\w{{0,4}}" for word in event.split("_") if word) + r"\b"


def _limited(did: Did, low: int, high: int | None) -> list[Did]:
    """At most so many is not more than so many: also none."""
    if low == 0 and high is not None:
        return [replace(did, is_excluded=True, at_least=high + 1)]
    return [replace(did, at_least=low, at_most=high)]


def find_conditions(text: str, vocabulary: Vocabulary) -> Conditions | None:
    """The clauses of a question in small letters, with marks in place of periods; None where it has none."""
    if _TIMES.search(text):
        return None
    marked = re.sub(r"[,;:](?=\s)", f" {_COMMA} ", text)
    words = [token for token in tokens(marked) if token.strip(".'")]
    reader = _Reader(words, vocabulary)
    kept: list[str] = []
    clauses: list[Clause] = []
    asks_who = _ASKS_WHO.match(" ".join(words)) is not None
    taken: list[str] = []
    place, level = 0, ""
    while place < len(words):
        noun = next((name for name, pattern in _NOUNS.items() if reader.match(pattern, place)), "")
        if not noun and reader.match(_THOSE, place):
            noun = level or "user"
        if clauses and (size := reader.match(_OF_THESE, place)):
            dids, after = reader.predicates(place + size, level, named=True)
            if dids:
                taken += words[place:after]
                asked = [[one] for one in dids] if all(map(_is_step, dids)) else [dids]
                clauses[-1].more += [clauses[-1].part, *asked] if clauses[-1].part else asked
                clauses[-1].part, place = clauses[-1].more.pop(0), after
                continue
        if compound := reader.compound(place):
            clause, after = compound
            taken += words[place:after]
            kept.append(_WORDS[clause.level])
            place = after
            if not _OF_SOMETHING_ELSE.match(" ".join(kept)):
                clause.part, place = reader.predicates(after, clause.level, named=False)
            clauses.append(clause)
            level = clause.level
            continue
        if not noun or (noun == "user" and words[place] == "who" and place and not asks_who):
            kept.append(words[place])
            place += 1
            continue
        begun = reader.past_place(place + 1)
        who = reader.match(_WHO, begun)
        begun = begun if who else place + 1
        dids, after = reader.predicates(begun + who, noun, named=True)
        if dids and (who or words[place] == "who" or _is_clause(reader, words, begun, noun)):
            clause = Clause(noun, whole=dids)
            is_users = words[place] in ("who", "them") or _not_bought(words[place], dids)
            if not (noun != "user" and _ends_with_metric(kept, vocabulary)):  # revenue from orders with a coupon
                kept.append("users" if is_users else words[place])
            kept += words[place + 1 : begun]
            taken += words[begun:after]
            if who and not _OF_SOMETHING_ELSE.match(" ".join(kept)):  # of users who did this, those who also did that
                size = reader.match(_LEADING, after)
                clause.part, after = reader.predicates(after + size, noun, named=False)
            clauses.append(clause)
            kept += reader.dates
            reader.dates = []
            place, level = after, noun
            if place < len(words) and words[place] in _QUALIFIERS:  # bought only shoes
                return None
            continue
        reader.dates = []
        kept.append(words[place])
        place += 1
    left, having = _havings(" ".join(kept).replace(f" {_COMMA}", ","), vocabulary)
    if not (clauses or having) or reader.problem:
        return None
    dids = [one for clause in clauses for one in (*clause.whole, *clause.part)]
    has_not = bool(clauses) and _AGAINST.search(left) is not None
    left = _AGAINST.sub(" ", left) if has_not else left
    left = (
        _ASKS_WHO.sub("users", left, count=1)
        if clauses and asks_who and left.startswith(("which", "list", "show"))
        else left
    )
    dimensions = [one.filters[0].dimension if one.filters else one.table for one in dids if one.table != "items"]
    plain = len({*dimensions}) == len(dids) or len(dids) == 1  # what other readings know: who came so and bought
    forced = has_not or any(map(_is_new, dids)) or not (len(dids) == 1 or (plain and all(map(_is_plain, dids))))
    in_order = len(dids) > 1 and _IN_ORDER.search(" ".join(taken)) is not None
    notes = ("Which of these came first is not looked at.",) if in_order else ()
    return Conditions(left, clauses, forced, having, has_not, asks_who, notes)


def _ends_with_metric(kept: list[str], vocabulary: Vocabulary) -> bool:
    """Whether a metric stands before a noun, whose orders or sessions these are; its preposition is taken away."""
    if len(kept) < 2 or kept[-1] not in ("from", "of", "for", "in", "on", "among", "by"):
        return False
    place = len(kept) - 2 if kept[-1] == "of" else 0
    named = [word for word, *_ in vocabulary.read(" ".join(kept[place:-1])) if word and word.kind == "metric"]
    if not any(word.name not in ("orders", "sessions", "users") for word in named):
        return False
    kept.pop()
    return True


def _havings(text: str, vocabulary: Vocabulary) -> tuple[str, tuple[Having, ...]]:
    """The text without "with at least 100 sessions" of groups, and these limits."""
    found: list[Having] = []
    if not any(word and word.kind == "by" for word, *_ in vocabulary.read(text)):
        return text, ()
    for limit in reversed(list(_HAVING.finditer(text))):
        words = text[limit.end() :].split()
        word, size, _ = vocabulary.longest(words, 0) if words else (None, 0, "")
        if word is None or word.kind != "metric" or METRICS[word.name].unit not in ("count", "money"):
            continue
        number = float(NUMBER_WORDS.get(limit["number"] or "0", limit["number"] or 0))
        step = 1.0 if METRICS[word.name].unit == "count" else 0.01
        more = 0.0 if (limit["low"] or "").startswith(("at least", "min")) else step
        low = number + more if limit["low"] else None
        found.append(Having(word.name, low, None if limit["low"] else 0.0))
        text = " ".join((text[: limit.start()], *words[size:]))
    return text, tuple(found[::-1])


def _is_clause(reader: _Reader, words: list[str], begun: int, noun: str) -> bool:
    """Whether what follows a noun without "who" is what they did: not "orders by", "users return"."""
    return not reader.match(re.compile(r"(?:is|are|was|were|in|on)\b"), begun)


def _not_bought(word: str, dids: list[Did]) -> bool:
    """Whether "customers" are meant who did not buy."""
    buys = any(one.is_excluded and one.table in ("purchases", "items") for one in dids)
    return buys and re.fullmatch(r"(?:customer|shopper|buyer)s?", word) is not None


def _is_plain(did: Did) -> bool:
    """Whether other readings know it beside another one."""
    return did.at_least == 1 and did.at_most is None and did.table in ("purchases", "sessions") and not _is_viewed(did)


def _is_step(did: Did) -> bool:
    """Whether it is a step of buying, of which each is asked for."""
    return not did.is_excluded and (did.table in ("steps", "purchases") or _is_viewed(did)) and did.at_least == 1


def _is_viewed(did: Did) -> bool:
    return any(one.dimension == "product_view" for one in did.filters)


def _is_new(did: Did) -> bool:
    """Whether only conditions say this."""
    names = {one.dimension for one in did.filters}
    searches = any(one.values == ("search",) for one in did.filters)
    return (
        did.is_excluded
        or did.table == "events"
        or searches
        or "coupon" in names
        or (did.table == "items" and not names)
    )
