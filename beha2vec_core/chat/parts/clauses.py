"""What a clause of a question says was done: verbs and their objects, as conditions on users, sessions or orders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from beha2vec_core.chat.days.periods import COUNT, MARK
from beha2vec_core.chat.parts.dated import Own, has_dates_apart, is_earlier, own_date, with_own_days
from beha2vec_core.chat.parts.sequences import (
    FIRST_ORDER,
    FIRST_VISIT,
    HERE_DATED,
    HERE_IN_TWO,
    ORDER_WORD,
    in_both,
    in_order,
    then,
)
from beha2vec_core.chat.parts.things import COMMA, DIMENSIONS_OF_VERBS, Things, Unclear
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.rewrites.buying_steps import THE
from beha2vec_core.chat.words.lemmas import words_of_event
from beha2vec_core.chat.words.numbers import count_of
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import STEPS
from beha2vec_core.semantic.query import Did, Filter, Period

NOUNS = {
    "user": re.compile(rf"(?:{PEOPLE}|everyone|everybody|anyone|someone|who|them)\b"),
    "session": re.compile(r"(?:sessions?|visits?)\b"),
    "one_order": re.compile(
        r"(?:orders?|purchases?|transactions?|firstorder|laterorder)\b(?! (?:rate|value|size|frequency)s?\b)"
    ),
}
WHO = re.compile(r"(?:who|that|which|whose)\b(?: (?:ever|also|actually|already|really|later|then|do|did))*")
WHERE = re.compile(  # of sessions and orders
    rf"(?:where|in which|during which|on which|for which|when|whereby)\b(?: (?:(?:the|a|an) )?(?:{PEOPLE}|they|someone|"
    r"somebody|person)(?! (?:who|that)\b))?(?: (?:ever|also|actually|already|really))*"
)
_AUXILIARY = re.compile(r"(?:(?:have|has|had|ever|also|actually|already|really|later|did|do|does|at some point) )*")
_NOT = re.compile(
    r"(?:(?:have|has|had|did|do|does|was|were|are|is|but|and|then) )*(?:not|never)\b"
    r"(?: (?:ever|even|actually|once|yet))*"
)
_WITHOUT = re.compile(
    r"(?:without|(?:(?:having|with|had|have|has) )?(?:no|zero|not a single))\b(?: (?:ever|even|actually|having))*"
)
_WITH = re.compile(
    r"(?:with|having|had|have|has|that had|containing|contained|contains?|includ(?:e|es|ed|ing)|"
    rf"(?:place|made|make|placed)(?= (?:at least|more than|over|exactly|only|just|at most|up to|\d|{COUNT})))\b"
)
_AND = re.compile(
    rf"(?:first )?(?:{COMMA} )?(?:and|but|yet|or)\b(?: (?:then|also|later(?: on)?|after (?:that|this)|afterwards|"
    rf"subsequently|eventually|still|who|that|they|it))*|(?:{COMMA} )?(?:then|(?:later )?followed by)\b|{COMMA}"
)
_ON = re.compile(r"(?:go|goes|went) on to\b")
_ANYTHING = (
    r"(?:something|anything|stuff|things?|it|"
    r"(?:(?:a|an|any|the|some|at least (?:one|1)) )*(?:items?|products?|things?))"
)
_CARTS = r"(?:the |a |an |their |your |our |my )*carts?"
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
        "4": rf"(?:reach|enter|get to|got to)(?:s|ed|ing)? {THE}shipping(?: (?:step|info|details))?(?! pages?\b)",
        "5": rf"(?:reach|enter|get to|got to|add)(?:s|ed|ing)? {THE}payment(?: (?:step|info|details))?(?! pages?\b)",
        "bought": rf"(?:{_ANYTHING}|an order|a purchase) (?:was|were|is|got) (?:bought|ordered|purchased|placed|made|"
        r"sold)",
        "carted": rf"{_ANYTHING} (?:was|were|is|got) (?:added to|put in(?:to)?|placed in) {_CARTS}",
        "searched": r"(?:a |the )?(?:site |internal )?search(?: (?:page|function|bar|box))? (?:was|is|got) used",
        "1": r"(?:view|see|saw|seen|look(?:s|ed|ing)? at|open)(?:s|ed|ing)? (?:(?:a|an|any|the|at least (?:one|1)|"
        r"some|single) )*(?:products?|items?)(?: (?:pages?|details?))?",
        "search": r"(?:us(?:e|es|ed|ing)|ma[dk]e|makes) (?:the |a |our )?(?:site |internal |on site )?search(?: (?:"
        r"page|function|bar|box))?|search(?:ed|es|ing)?(?: (?:for (?:something|anything)|(?:on )?(?:the |our )?"
        r"(?:site|shop|website)))?(?! for\b)",
        "coupon": r"(?:was|were|is|are|had|has) (?:(?:a|an|any) )?(?:coupon|voucher)s?(?: codes?)? (?:used|redeemed|"
        r"applied)|(?:us(?:e|es|ed|ing)|redeem(?:s|ed|ing)?|appl(?:y|ies|ied|ying)|enter(?:s|ed|ing)?) (?:(?:a|any|the|"
        r"some) )*(?:(?:coupons?|vouchers?|promos?)(?: codes?)?|(?:(?:discount|promotion) )?codes?)|"
        r"(?:(?:a|an|any|the) )*(?:coupon|voucher|promo|discount)s?(?: codes?)? (?:was|were|is|are|got|gets) (?:used|"
        r"redeemed|applied|entered)",
        "again": r"(?:(?:came|comes?|coming)(?: back)?|return(?:s|ed|ing)?) (?:to|and|for) (?:(?:a|an|their) )*"
        r"(?:(?:second|2nd|another|repeat) (?:order|purchase)|(?:buy|bought|order|ordered|purchased?|shop)"
        r"(?: (?:something|anything))?(?: (?:again|(?:a|for a) (?:second|2nd) time|else))?)|"
        r"(?:ma[dk]e|makes|plac(?:e|es|ed)|had) (?:another|(?:a|their) (?:second|2nd|repeat)) (?:order|purchase)",
        "first": r"(?:ma[dk]e|makes|making|plac(?:e|es|ed|ing)|had) (?:(?:the|their|an?) )*(?:firstorder|(?:very )?"
        r"first (?:ever )?(?:order|purchase))|bec[ao]mes? (?:an? |our )?(?:paying )?(?:customer|buyer|shopper)s?"
        r"(?: for the first time)?|first (?:bought|ordered|purchased|converted)|"
        r"(?:bought|ordered|purchased) first(?= (?:in|on) )",
        "back": r"(?:came|comes?|coming) back|return(?:s|ed|ing)?",
        "order": r"(?:ma[dk]e|makes|making|plac(?:e|es|ed|ing)|complet(?:e|es|ed|ing)) (?:(?:a|an|any|the|their) )*"
        r"(?:orders?|purchases?)|convert(?:s|ed|ing)?|check(?:s|ed|ing)? out|"
        r"(?:buy(?:s|ing)?|bought|order(?:s|ed|ing)?|purchas(?:e|es|ed|ing)|shopp(?:ed|ing)|pay(?:s|ing)?|paid(?! (?:"
        r"search|social|shopping|ads?|media|traffic|channels?|campaigns?|visits?|visitors?|users?|sessions)\b))",
        "came": r"(?:came|comes?|coming|arriv(?:e|es|ed|ing)|visit(?:s|ed|ing)?(?: us| the (?:site|shop))?|"
        r"enter(?:s|ed|ing)?|was|were|are|is) "
        r"(?:us |here |to us |to the (?:site|shop) )?(?:from|via|through|by|on|with|using|in)",
        "used": r"us(?:e|es|ed|ing)|redeem(?:s|ed|ing)?|appl(?:y|ies|ied|ying)",
        "visited": r"(?:visited|visit|visits|came|come|comes|browsed|been)(?: (?:(?:to|on|in|at) )?(?:us|here|(?:the|"
        r"our) (?:site|shop|store|website)))?(?= (?:at least|more than|exactly|only|just|at most|less than|fewer than|"
        r"once|twice|over|again)\b)",
        "days": r"(?:visited|came|come|been|was|were|active)(?: here| us| there| the (?:site|shop))? on"
        r"(?= (?:at least|more than|exactly) )",
        "saw": r"view(?:s|ed|ing)?|saw|sees?|seen|seeing|visit(?:s|ed|ing)?|look(?:s|ed|ing)? at|read(?:s|ing)?|"
        r"brows(?:e|es|ed|ing)|open(?:s|ed|ing)?|hit|hits|encounter(?:s|ed)?|reach(?:e[sd])?|g[eo]t to|(?:ran|runs?|"
        r"bump(?:ed)?) into|go(?:es|ing)? to|went to|c[oa]me across|(?:ended up|clicked|stumbled?) (?:up)?on",
    }.items()
}  # fmt: skip
_NAMED: dict[str, re.Pattern[str]] = {  # what they have: "with an order", "without a search"
    name: re.compile(rf"(?:(?:a|an|any|the|their|at least (?:one|1)|single) )*(?:{words})\b")
    for name, words in {
        "coupon": r"(?:(?:coupons?|vouchers?|promos?)(?: codes?)?|(?:discount|promotion) codes?)(?: (?:was|were|is|are)"
        r" (?:used|redeemed|applied|entered))?",
        "order": r"orders?(?: placed)?|purchases?|transactions?",
        "2": r"carts?|add to carts?|cart additions?", "3": r"checkouts?", "1": r"(?:product|item) views?",
        "search": r"(?:site |internal )?search(?:es)?(?! for\b)", "saw": r"page ?views?|pages",
    }.items()
}  # fmt: skip
_NUMBERS_OF = tuple(  # what is counted, its table, and the verb
    (re.compile(words), table, verb)
    for words, table, verb in (
        ("session|visit", "sessions", "visited"), ("item|product|unit|piece", "items", "order"),
        ("order|purchase", "purchases", "order"), ("search", "search", ""), ("page", "page_views", "saw"),
    )
)  # fmt: skip
_OF_VERBS = ("page_view", "view_item", "add_to_cart", "purchase", "begin_checkout", "session_start", "first_visit",
             "user_engagement", "view_search_results", "remove_from_cart", "click", "view_item_list", "select_item",
             "view_cart", "add_payment_info", "add_shipping_info")  # fmt: skip
_OFTEN = re.compile(
    r"(?P<more>repeat(?:ed|ing)?|loyal|multi(?:ple)? (?:time|purchase|order))|"
    r"(?:one (?:time|off)|single (?:purchase|order|time)|onetime)"
)
BUYERS = re.compile(r"(?:customer|buyer|purchaser|shopper)s?\b")
_READERS = re.compile(r"(?:readers?|viewers?|seekers?)\b")
_PUT = re.compile(r"(?:add|put|plac(?:e|ing))(?:s|d|ed|ing|ting)?\b")
_IT = re.compile(r"(?:it|them|those|one|this|that|(?:one|any|some) of (?:them|those|these))\b")
_OF_ITEMS = ("cart_items", "viewed_items", "items")  # tables of what "one" can stand for
_FIRST_TIME = re.compile(r"for (?:the|their) (?:very )?first time\b(?: ever)?")
_WAS_BOUGHT = re.compile(r"(?:(?:was|were|is|are|got) )?(?:bought|ordered|purchased|sold)\b")
_IN_CART = re.compile(rf"(?:again )?(?:to|in|into) {_CARTS}\b")
_TIMES = re.compile(r"times|once|twice|again|repeatedly|time$")
_PREPOSITION = re.compile(r"(?:from|in|on|via|with|using|of)\b")
_DATES = re.compile(rf"(?:(?:in|on|during|since|from|at) )?{MARK}\S*")  # these stay in the question
OF_ONLY = ("page_views", "viewed_items", "items", "sessions", "cart_items")  # tables of which "nothing else" is known
ONLY = re.compile(r"(?:(?:only|exclusively|solely)(?: ever)?|nothing (?:but|except|other than))\b")
NOTHING_ELSE = re.compile(
    rf"(?:(?:{COMMA} )?(?:and|but) )?(?:(?:viewed|view|saw|visited|bought|read|looked at) )?(?:nothing else|no others?"
    r"(?: (?:pages?|products?|items?|things?))?|nothing more)\b|(?:only|exclusively|alone)\b(?! (?:once|twice|\d|one|"
    r"in|on|at|from|via|after|before|when|if|with|a|the)\b)"
)
_OF_ORDERS = ("purchases", "items")  # tables that name the order
_FEW = 6  # words between a noun and "who"
_DAYS = re.compile(rf"(at least|more than|exactly) (\d+|{COUNT}) (?:different|distinct|separate) days?\b")
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
        return tuple(Filter(self.level, did=tuple(dict.fromkeys(did))) for did in (self.part, self.whole) if did)


class Reader(Things):
    """Reads the clauses of a list of words from left to right."""

    verbs = tuple(_VERBS.values())

    def __init__(self, words: list[str], vocabulary: Vocabulary, periods: Sequence[Period] = ()) -> None:
        super().__init__(words, vocabulary)
        self.periods = periods
        self.has_dates_apart = has_dates_apart(" ".join(words))
        self.whole: list[Did] = []  # what those did of whom more is asked
        self.last: Did | None = None  # what was said before
        names = [name for name in self.values.get("event", []) if name not in _OF_VERBS]
        self.events = {name: re.compile(rf"{words_of_event(name)}\b") for name in names if len(name) > 3}

    def predicates(self, place: int, level: str, *, named: bool) -> tuple[list[Did], int, list[str]]:
        """All that is said from a place on, the place after, and the dates between; ``named``: also "with a coupon".

        Raises:
            Unclear: one thing or another was done.
        """
        has = named and self.match(_WITH, place) > 0
        found, place, verb = self.predicate(place, level, named=named)
        dates: list[str] = []
        dids: list[Did]
        own: Own = []
        earlier: list[int] = []
        while found:
            self.last = found[-1]
            if dated_too := in_both(self, place, level, found):
                (found, place), verb = dated_too, ""
                continue
            if size := is_earlier(self, place, own):
                earlier.append(len(found))
                place += size
            begun = place + self.match(_DATES, place)
            days = own_date(self, place)
            if ordered := in_order(self, begun, level, found):
                dates += self.words[place:begun]
                (found, place), verb = ordered, ""
                own += [(len(found), days[1])] if days else []
                continue
            joined = self.match(_AND, begun)
            said = " ".join(self.words[begun : begun + joined])
            if "or" in self.words[begun : begun + joined]:
                if self.predicate(begun + joined, level, named=True)[0]:
                    raise Unclear
                dids, after, new = [], begun, ""
            elif joined or self.match(_WITHOUT, begun):
                dids, after, new = self.predicate(begun + joined, level, named=True)
                if not dids and (
                    has or self.count(begun + joined)
                ):  # with 2 orders and 3 sessions, a cart and an order
                    dids, after, new = self.named(begun + joined, level)
            else:
                break
            has_objects = verb in DIMENSIONS_OF_VERBS
            if not dids and has_objects and (size := self.match(_DENIED_OBJECT, begun)):  # bought hats but no shoes
                dids, after = self.object(begun + size, verb)
                dids, new = [replace(one, is_excluded=True) for one in dids], verb
            if not dids and has_objects and (self.has_dates_apart or ORDER_WORD.search(said)):
                dids, after = self.object(begun + joined, verb)  # bought a tent, and later a sleeping bag
                new = verb
            if not dids:
                break
            dates += self.words[place:begun]
            own += [(len(found), days[1])] if days else []
            found, place, verb = then(found, dids, said), after, new
        if level == "one_order" and any(one.table not in _OF_ORDERS for one in found):
            raise Unclear  # of an order, not of its session
        size, *last = own_date(self, place) or (0,) if found else (0,)
        own += [(len(found), one) for one in last]
        days_of_data = self.vocabulary.contents.days
        if level == "user" and (dated := with_own_days(found, own, earlier, days_of_data, self.words)):
            return dated, place + size, []
        return found, place, dates

    def compound(self, place: int) -> tuple[Clause, int] | None:
        """Article readers, search users, coupon orders."""
        size, value = self.value(place, DIMENSIONS_OF_VERBS["saw"])
        if value and self.match(_READERS, place + size):
            dids = self.object(place, "saw")[0]
            self.last = dids[-1] if dids else None
            return Clause("user", dids), place + size + 1
        if (size := self.match(_OFTEN, place)) and self.match(BUYERS, place + size):
            found = _OFTEN.match(" ".join(self.words[place:]))
            did = Did("purchases", at_least=2) if found and found["more"] else Did("purchases", at_most=1)
            if self.match(_WITH, place + size + 1) or self.match(_WITHOUT, place + size + 1):
                raise Unclear  # orders of repeat buyers with a coupon: which of both has it
            return Clause("user", [did]), place + size + 1
        size, value = self.value(place, ("coupon",))
        if value and self.match(NOUNS["user"], place + size) and self.words[place + size] != "who":
            return Clause("user", [Did("items", (Filter("coupon", value.values),))]), place + size + 1
        for name in ("coupon", "search"):
            size = self.match(_NAMED[name], place)
            before = self.vocabulary.values_at(self.words, place - 1) if place else []
            size = 0 if any(number > 1 for number, _ in before) else size  # organic search users
            level = next((one for one, noun in NOUNS.items() if size and self.match(noun, place + size)), "")
            if level and self.words[place + size] != "who":
                dids, _ = self._did(name, place + size, plain=True)
                return (Clause(level, dids), place + size + 1) if dids else None
        return None

    def past_place(self, place: int) -> int:
        """The place of "who" after a noun: users from Germany who; without one the place itself."""
        if not self.match(_PREPOSITION, place):
            return place
        few = self.words[place : place + _FEW]
        size = next((number for number, word in enumerate(few) if word in ("who", "that", "which")), 0)
        return place if any(map(NOUNS["user"].match, few[:size])) else place + size  # not orders of people who

    def predicate(self, place: int, level: str, *, named: bool) -> tuple[list[Did], int, str]:
        """What is said at a place, the place after, and the verb; ``named``: also "with a coupon"."""
        begun = place
        has = self.match(_WITH, place) if named and not self.match(_WITHOUT, place) else 0
        if has:
            only = self.match(ONLY, place + has) if level == "one_order" else 0  # with only tents
            dids, after, verb = self.named(place + has + only, level)
            if dids:
                end = self.match(NOTHING_ELSE, after)
                return self._only(dids) if only or end else dids, after + end, verb
            dids, after = self.object(place + has, "order")
            if dids and (end := self.match(_IN_CART, after)):
                return [replace(one, table="cart_items") for one in dids], after + end, "cart"
        is_denied = (size := self.match(_NOT, place)) > 0
        place += size or self.match(_AUXILIARY, place)
        if (only := self.match(ONLY, place)) and not is_denied:
            dids, after, verb = self.predicate(place + only, level, named=False)
            return (self._only(dids), after, verb) if dids else ([], begun, "")
        if without := self.match(_WITHOUT, place) if named else 0:
            is_denied = True
            dids, after, verb = self.named(place + without, level)
            if dids:
                return self._denied(dids, True), after, verb
            place += without
        put = self.match(_PUT, place)
        things = self._things("cart_items") if put else []
        it = self.match(_IT, place + put) if things else 0
        if it and (end := self.match(_IN_CART, place + put + it)):
            return self._denied(things, is_denied), place + put + it + end, "cart"
        here = " ".join(self.words[place:])
        if (on := self.match(_ON, place)) and not any(_VERBS[name].match(here) for name in _VERBS if "to" in name):
            place += on  # went on to buy
        for name, pattern in _VERBS.items():
            if (size := self.match(pattern, place)) and (done := self._done(name, place + size, is_denied))[0]:
                return *done, name
        if (passive := self.object(place, "order"))[0] and (size := self.match(_WAS_BOUGHT, passive[1])):
            return self._denied(passive[0], is_denied), passive[1] + size, "order"  # where a tent was bought
        if put:
            dids, after = self.object(place + put, "order")
            if dids and (end := self.match(_IN_CART, after)):
                dids = [replace(one, table="cart_items") for one in dids]
                return self._denied(dids, is_denied), after + end, "cart"
        if size := self.match(HERE_IN_TWO, place):
            return self._denied([Did("sessions")], is_denied), place + size, "visited"
        visit = HERE_DATED.match(" ".join(self.words[place:]))
        is_first = visit is not None and (visit["first"] or visit["time"] or visit["visit"]) is not None
        if visit and (self.has_dates_apart or is_denied or is_first):
            size = len(visit[0].split())
            return self._denied([FIRST_VISIT if is_first else Did("sessions")], is_denied), place + size, "visited"
        for event, pattern in self.events.items():
            if size := self.match(pattern, place):
                return self._denied(self._event(event), is_denied), place + size, "event"
        return [], begun, ""  # the words before stay to be understood: "but not the checkout"

    def _done(self, name: str, place: int, is_denied: bool) -> tuple[list[Did], int]:
        """What a verb says with what follows it, denied or not, and whether it was that only."""
        only = self.match(ONLY, place) if name in DIMENSIONS_OF_VERBS and not self.count(place) else 0
        dids, after = self._did(name, place + only)
        end = self.match(NOTHING_ELSE, after) if dids and not only else 0
        if not (only or end):
            return self._denied(dids, is_denied), after
        if is_denied:
            raise Unclear
        return self._only(dids), after + end

    def _only(self, dids: list[Did]) -> list[Did]:
        """What was done, and nothing else of its kind: no pages but these.

        Raises:
            Unclear: of which kind is not said.
        """
        if len(dids) == 1 and dids[0].at_most is not None:
            return dids  # only once
        if any(one.table == did.table and one.is_excluded for one in dids for did in dids):
            return dids  # said twice: only viewed bags and nothing else
        kinds = {(one.table, *(some.dimension for some in one.filters)) for one in dids}
        if len(kinds) != 1 or any(len(one.filters) != 1 or one.after or one.at_least > 1 for one in dids):
            raise Unclear
        values = tuple(dict.fromkeys(value for one in dids for value in one.filters[0].values))
        others = Filter(dids[0].filters[0].dimension, values, is_excluded=True)
        if not values or dids[0].table not in OF_ONLY:
            raise Unclear
        return [*dids, Did(dids[0].table, (others,), is_excluded=True)]

    def _denied(self, dids: list[Did], is_denied: bool) -> list[Did]:
        if is_denied and len(dids) > 1:  # neither, or not both
            return []
        return [replace(one, is_excluded=not one.is_excluded) for one in dids] if is_denied else dids

    def named(self, place: int, level: str) -> tuple[list[Did], int, str]:
        """What they have: "a coupon", "2 orders"."""
        if counted := self.count(place):
            low, high, size, text = counted
            for pattern, table, verb in _NUMBERS_OF:
                is_of_order = table != "items" or ("different" not in text and level == "one_order")
                if pattern.search(text) and is_of_order:
                    dids = self._did("search", place)[0] if table == "search" else [Did(table)]
                    return [one for did in dids for one in _limited(did, low, high)], place + size, verb
            return [], place, ""
        for name, pattern in _NAMED.items():
            if (size := self.match(pattern, place)) and not (level == "one_order" and name == "order"):
                dids, after = self._did(name, place + size, plain=True)
                return dids, after, name
        if level == "one_order":
            dids, after = self.object(place, "order")
            dids, after = (dids, after) if dids else self.object(place, "coupon")
            return dids, after, "order"
        return [], place, ""

    def _did(self, name: str, place: int, *, plain: bool = False) -> tuple[list[Did], int]:
        """What a verb says with what follows it."""
        name = {"6to": "order", "bought": "order", "carted": "2", "searched": "search"}.get(
            name, name.removesuffix("to")
        )
        if name.isdigit():
            number = int(name)
            if number == 2 and (counted := self.count(place)):
                low, high, size, _ = counted
                return [one for did in self._event("add_to_cart") for one in _limited(did, low, high)], place + size
            if number == 1:
                return [Did("sessions", (Filter("product_view", ("yes",)),))], place
            return [Did("steps", (Filter("step", (f"{number} {STEPS[number][1]}",)),))], place
        if name == "removed":
            return self._event("remove_from_cart"), place
        if name == "first":
            return [FIRST_ORDER], place
        if name == "again":
            return [Did("purchases", at_least=2)], place
        if name == "search":
            if "search" in self.values.get("page_type", []):
                return [Did("page_views", (Filter("page_type", ("search",)),))], place
            return self._event("view_search_results"), place
        if name == "coupon":
            dids, after = self.object(place, "coupon")
            return (dids or ([Did("items", (Filter("coupon"),))])), after if dids else place
        if name == "days":
            found = _DAYS.match(" ".join(self.words[place:]))
            number = count_of(found[2]) + (found[1] == "more than") if found else 0
            low, high = number, number if found and found[1] == "exactly" else None
            return [Did("sessions", at_least=low, at_most=high, of_days=True)] if found else [], place + 5
        if name in ("back", "visited"):
            if name == "back" and self.match(re.compile(r"(?:to|and|for|within|from|on|in|via|through)\b"), place):
                return [], place
            counted = self.count(place)
            low, high, size, _ = counted or (2, None, 0, "")
            return ([] if name == "visited" and not counted else _limited(Did("sessions"), low, high)), place + size
        if name == "order":
            dids, after = ([], place) if plain else self.object(place, name)
            if dids:
                return dids, after
            if (things := self._things("items")) and (size := self.match(_IT, place)):
                return things, place + size
            anything = self.match(re.compile(rf"{_ANYTHING}\b"), place)
            if size := self.match(_FIRST_TIME, place + anything):
                return [FIRST_ORDER], place + anything + size
            if self.match(re.compile(r"(?:one|them|these|those|that)\b(?! (?:or|of|time|who)\b)"), place):
                raise Unclear  # viewed a tent and bought one
            place += self.match(re.compile(rf"{_ANYTHING}\b"), place)
            if counted := self.count(place):
                low, high, size, text = counted
                dids, after = ([], place) if plain else self.object(place + size, name)
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
        low, high, size, text = self.count(place) or (1, None, 0, "")
        if name == "saw" and size and re.search(r"\bpages?\b|page views?", text):
            return _limited(Did("page_views"), low, high), place + size
        dids, after = self.object(place + size, name)
        if name == "saw" and dids and not size and (counted := self.count(after)) and _TIMES.search(counted[3]):
            low, high, size, _ = counted
            after += size
        return (_limited(dids[0], low, high) if size and len(dids) == 1 else dids if not size else []), after

    def _things(self, table: str) -> list[Did]:
        """Rows of a table with the items that "one" stands for: those that were viewed, bought, or put in the cart."""
        last = self.last or Did("")
        thing = (Filter(self.thing.dimension, self.thing.of_table(table).values),) if self.thing else ()
        filters = last.filters if last.table in _OF_ITEMS else thing if last.table == "page_views" else ()
        return [Did(table, filters)] if filters else []

    def _event(self, name: str) -> list[Did]:
        return [Did("events", (Filter("event", (name,)),))] if name in self.values.get("event", []) else []


def _limited(did: Did, low: int, high: int | None) -> list[Did]:
    """At most so many is not more than so many: also none."""
    if low == 0 and high is not None:
        return [replace(did, is_excluded=True, at_least=high + 1)]
    return [replace(did, at_least=low, at_most=high)]
