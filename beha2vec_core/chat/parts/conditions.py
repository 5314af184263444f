"""What users, sessions or orders did, as conditions of any question: "who viewed shoes and never bought".

A clause is a noun for users, sessions or orders, and what they did: "visitors looked at both bags and hats", "sessions
without a search", "orders with a coupon". Its parts are joined by and, but; each may be denied. They are taken out of
the question, and the rest is read as any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from beha2vec_core.chat.days.periods import COUNT, MARK
from beha2vec_core.chat.parts.clauses import BUYERS, NOUNS, WHERE, WHO, Clause, Reader
from beha2vec_core.chat.parts.cohorts import cohort_of
from beha2vec_core.chat.parts.dated import AT_END, in_days, own_date, with_verbs
from beha2vec_core.chat.parts.sequences import ORDER_WORD
from beha2vec_core.chat.parts.things import COMMA, Unclear
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.words.lemmas import tokens
from beha2vec_core.chat.words.numbers import NUMBER_WORDS
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import METRICS, PEOPLE_COUNTED
from beha2vec_core.semantic.query import Did, Having, Period

_NOUN = re.compile(rf"{PEOPLE}|sessions?|visits?|orders?|purchases?|transactions?|firstorder|laterorder")
_THOSE = re.compile(r"(?:those|ones|these)\b")
_QUALIFIERS = re.compile(r"only|just|still|already|together|again|too|exclusively|mainly|mostly|nothing")
_NOT_ORDERED = re.compile(
    r"(?:(?:did|do|does|have|has|had) )?(?:not|never) (?:ever )?(?:order(?:ed)?|buy|bought|purchased?|convert(?:ed)?)\b"
)
_PAGE = re.compile(r"(?:(?:brand|category|product|item|landing|detail) )?pages?\b(?! ?views?\b| per\b)")
_OF_THESE = re.compile(
    rf"(?:{COMMA} )?(?:and )?(?:(?:(?:did|do|have|has) (?:any|some)|how many|how much|which share|what (?:share|"
    r"percent(?:age)?|proportion|fraction|part|%))|(?:do|did) (?:they|these|those))(?: of (?:them|those|these|such|"
    rf"the (?:{PEOPLE}|sessions|visits|orders)))?(?: (?:{PEOPLE}|sessions?|visits?))?(?: (?:also|still|then|later|"
    r"actually|really|ended up|end up|did|do|have|has|had))*"
)
_LEADING = re.compile(rf"(?:{COMMA} )?(?:(?:also|still|then|later|actually|really|ended up|end up|even) )*")
_ASKS_WHO = re.compile(
    r"(?:who|which (?:users|visitors|people)|(?:give me )?(?:an? |the )?(?:list|show)(?: me)?(?: of)?(?: all| the|"
    rf" our)* (?:{PEOPLE}))\b"
)
# what people buy, when, how much: not how many of them
_OF_SOMETHING_ELSE = re.compile(
    r"(?:(?:and|so|ok) )*(?:what(?! (?:share|percent|%|proportion|fraction|part|are|is))|"
    r"which(?! (?:share|percent|%|proportion|fraction))|when|where|how much)\b"
)
_SHARE = re.compile(r"\b(?:share|percent\w*|%|proportion|fraction)(?: of)?(?: (?:all|the|our|those))*$")
_TIMES = re.compile(r"\bhow (?:many times|often)\b")
_PIECES = "Items are pieces: two of the same product are 2 items."
_WHY = re.compile(r"\b(?:why|how come|reasons?|causes?)\b")
_WORDS = {"user": "users", "session": "sessions", "one_order": "orders"}
_HAVING = re.compile(
    r"\b(?:(?:but|and|only|just|those|the ones|with|that|which|have|has|had|having|a|min(?:imum)?(?: of)?) )*"
    rf"(?:(?P<low>at least|more than|over|min(?:imum)?(?: of)?) (?P<number>\d+|{COUNT})|"
    r"(?:no|zero|0|not a single|not any|without any|without a single))(?= )"
)
_OF_GROUPS = re.compile(
    r",? *(?:\b(?:but|and|only|just|of|for|among|consider(?:ing)?|count(?:ing)?|show(?:ing)?) )*\b(?:the )?"
    r"(?:ones|those|these) (?:with|that have|that had|having) (?=(?:at least|more than|over|min\b|minimum|no|zero|0) )"
)
_AGAINST = re.compile(
    rf"\b(?:than|vs|versus|compared (?:to|with)|against|and|or) (?:the |all |all the )?(?:other (?:{PEOPLE}|sessions|"
    rf"visits|orders)|others?|rest|everyone else|everybody else|(?:those|ones|other)?(?: ?(?:{PEOPLE}|sessions|visits|"
    r"orders))?(?: (?:who|that|which))? ?(?:(?:do|did|have|has|does|is|are|had) ?not?\b(?: (?:do (?:it|so|this|that)|"
    rf"have one|one|any))?|without(?: (?:one|any|it))?))(?=\W*$|\s+(?:in|on|by|last|this|{MARK})\b)"
)


# against those who did not, where no other group is named
_IMPLIED = re.compile(
    r"^(?:are|is|do|does|did)\b(?!.*\b(?:than|vs|versus|compared)\b)(?:.*\b(?:more|less) likely to\b|"
    r"(?!.*\b(?:buyers?|customers?)\b).*\b(?:buy|convert|order|purchase) (?:more|less|better|worse)(?: often)?"
    rf"(?=\W*$|\s+(?:in|on|last|this|{MARK})))"
)


@dataclass
class Conditions:
    """The clauses of a question, and its text without them."""

    text: str
    clauses: list[Clause]
    is_forced: bool  # no other reading knows what they say
    having: tuple[Having, ...] = ()  # what else is true of the groups of a breakdown
    has_not: bool = False  # whether the group is compared with all others
    asks_who: bool = False  # whether the people are asked for, not their number
    notes: tuple[str, ...] = ()


def find_conditions(text: str, vocabulary: Vocabulary, periods: Sequence[Period] = ()) -> Conditions | None:
    """The clauses of a question in small letters, with marks in place of periods; None where it has none."""
    if _TIMES.search(text):
        return None
    text = with_verbs(text)
    try:
        cohort = cohort_of(text, periods, vocabulary.contents.days)
    except Unclear:
        return None
    if cohort:
        left, clause, notes = cohort
        limits = [word for word, *_ in vocabulary.read(left) if word and word.kind == "value"]
        if len({value.dimension for word in limits for value in word.values}) < len(limits):
            return None  # came on mobile, and came back on desktop
        if limits:
            notes += ("What limits the first visits (a device, a channel ...) limits the later ones too.",)
        return Conditions(left, [clause], is_forced=True, notes=notes)
    marked = re.sub(r"[,;:](?=\s)", f" {COMMA} ", _of_groups(text, vocabulary))
    words = [token for token in tokens(marked) if token.strip(".'")]
    asks_who = _ASKS_WHO.match(" ".join(words)) is not None
    try:
        clauses, kept, taken = _clauses(Reader(words, vocabulary, periods), asks_who)
    except Unclear:
        return None
    left, having = _havings(" ".join(kept).replace(f" {COMMA}", ","), vocabulary)
    if not (clauses or having):
        return None
    has_not = bool(clauses) and _AGAINST.search(left) is not None
    if has_not and words[0] == "who":  # who buys more, those who used the search or all others
        return find_conditions(" ".join(words[1:]).replace(f" {COMMA}", ","), vocabulary, periods)
    left = _AGAINST.sub(" ", left) if has_not else left
    has_not |= len(clauses) == 1 and _IMPLIED.search(text if clauses[0].part else left) is not None
    if clauses and asks_who and left.startswith(("which", "list", "show", "give", "a list", "the list")):
        left = _ASKS_WHO.sub("users", left, count=1)
    dids = [one for clause in clauses for one in (*clause.whole, *clause.part)]
    in_order = len(dids) > 1 and not any(one.after for one in dids) and ORDER_WORD.search(" ".join(taken)) is not None
    notes = ("Which of these came first is not looked at.",) if in_order else ()
    notes += (_PIECES,) if any(one.table == "items" and not one.filters and _is_counted(one) for one in dids) else ()
    others = {word.name for word, *_ in vocabulary.read(left) if word and word.kind == "metric"}
    forced = has_not or bool(having and others - {one.metric for one in having})
    if any(map(_bought_something, clauses)):
        forced |= bool(others - {*PEOPLE_COUNTED}) or _by_item(left, vocabulary)
    forced |= WHERE.search(" ".join(taken)) is not None  # sessions in which an order was placed
    forced |= _is_only_here(clauses, dids, asks_why=_WHY.search(text) is not None)
    return Conditions(left, clauses, forced, having, has_not, asks_who, notes)


def _clauses(reader: Reader, asks_who: bool) -> tuple[list[Clause], list[str], list[str]]:
    """The clauses, the words of the question that are left, and those that were taken.

    Raises:
        Unclear: they say more than is understood.
    """
    words, vocabulary = reader.words, reader.vocabulary
    clauses: list[Clause] = []
    kept: list[str] = []
    taken: list[str] = []
    place, level = 0, ""
    while place < len(words):
        noun = next((name for name, pattern in NOUNS.items() if reader.match(pattern, place)), "")
        if not noun and reader.match(_THOSE, place):
            noun = level or "user"
        if clauses and (size := reader.match(_OF_THESE, place)):
            reader.whole = clauses[-1].whole
            dids, after, dates = reader.predicates(place + size, level, named=True)
            reader.whole = []
            if dids:
                taken += words[place:after]
                kept += dates
                if both := _own_days(reader, clauses[-1].whole, kept, dids, after):
                    clauses[-1].whole, kept, dids, after = both
                elif any(one.period for one in clauses[-1].whole) and (own := own_date(reader, after)):
                    dids, after = in_days(dids, own[1], words), after + own[0]
                asked = [[one] for one in dids] if all(map(_is_step, dids)) else [dids]
                clauses[-1].more += [clauses[-1].part, *asked] if clauses[-1].part else asked
                clauses[-1].part, place = clauses[-1].more.pop(0), after
                continue
        if compound := reader.compound(place):
            clause, after = compound
            taken += words[place:after]
            kept.append("buyers" if BUYERS.match(words[after - 1]) else _WORDS[clause.level])
            place = after
            if not _OF_SOMETHING_ELSE.match(" ".join(kept)):
                reader.whole = clause.whole
                clause.part, place, dates = reader.predicates(after, clause.level, named=False)
                reader.whole = []
                kept += dates
            clauses.append(clause)
            level = clause.level
            continue
        if not noun or (noun == "user" and words[place] == "who" and place and not asks_who):
            kept.append(words[place])
            place += 1
            continue
        where = reader.match(WHERE, place + 1) if noun != "user" else 0
        begun = place + 1 if where else reader.past_place(place + 1)
        who = where or reader.match(WHO, begun)
        begun = begun if who else place + 1
        dids, after, dates = reader.predicates(begun + who, noun, named=True)
        if where and not dids:
            raise Unclear  # of the people who did something else
        if not (dids and (who or words[place] == "who" or _is_clause(reader, begun))):
            kept.append(words[place])
            place += 1
            continue
        before = " ".join(kept)
        is_else = before != "which" and _OF_SOMETHING_ELSE.match(before)
        if is_else and not who and any(one.after or one.period for one in dids):
            raise Unclear  # what people bought after that, not how many did
        if "order" in noun and any(one.after for one in dids):
            raise Unclear  # an order after an order is not the same one
        own_table = "sessions" if noun == "session" else "purchases" if "order" in noun else None
        if any(one.table == own_table and (one.at_least > 1 or one.at_most is not None) for one in dids):
            raise Unclear  # orders of repeat buyers: it is their users who ordered several times
        if own_table == "purchases" and dids == [Did("purchases")]:  # first orders that were bought: all of them
            kept += [words[place], *dates]
            place = after
            continue
        if noun == "user" and kept[-1:] == ["by"]:  # orders by people who searched
            kept[-1] = "of"
        if lapsed := _lapsed(reader, words[place], dids, after):
            dids, after = lapsed
        clause = Clause(noun, whole=dids)
        is_users = _not_bought(words[place], dids) or not _NOUN.fullmatch(words[place])
        if not (noun != "user" and _ends_with_metric(kept, vocabulary)):  # revenue from orders with a coupon
            kept.append("users" if is_users else words[place])
        kept += words[place + 1 : begun]
        taken += words[begun:after]
        # of users who did this, those who also did that; "share of users with a cart who ordered"
        ends = words[begun] in ("with", "without") and reader.match(_NOT_ORDERED, after)  # with a cart did not order
        if (who or ends or _SHARE.search(before)) and not _OF_SOMETHING_ELSE.match(" ".join(kept)):
            clause.whole, clause.part, after, more = _part_of(
                reader, dids, after, noun, _SHARE.search(before) is not None
            )
            dates += more
        if noun == "user" and not clause.part and (days := own_date(reader, after)) and reader.has_dates_apart:
            clause.whole, after = in_days(dids, days[1], words), after + days[0]  # revenue in March of who came in May
        clauses.append(clause)
        kept += dates
        place, level = after, noun
        if place < len(words) and _QUALIFIERS.fullmatch(words[place]):  # bought only shoes
            raise Unclear
        if reader.match(_PAGE, place):  # viewed the bags landing page: which page is that?
            raise Unclear
    steps = [one for clause in clauses for one in (*clause.whole, *clause.part)]
    if all(map(_is_step, steps)) and any(one.table == "purchases" for clause in clauses for one in clause.part):
        kept = ["users" if re.fullmatch(r"(?:customer|shopper)s?", word) else word for word in kept]  # not buyers yet
    return clauses, kept, taken


def _part_of(
    reader: Reader, whole: list[Did], after: int, level: str, is_share: bool
) -> tuple[list[Did], list[Did], int, list[str]]:
    """What was done, what some of these also did, in days of their own if so said, the place after, and dates."""
    reader.whole = whole
    for dated in (0, *(own_date(reader, after) or ())[:1]):
        begun = after + dated + reader.match(_LEADING, after + dated)
        begun += reader.match(WHO, begun) if is_share else 0
        part, end, dates = reader.predicates(begun, level, named=False)
        if part and not dated:
            reader.whole = []
            return whole, part, end, dates
        if dated and (both := _own_days(reader, whole, reader.words[after : after + dated], part, end)):
            reader.whole = []
            return both[0], both[2], both[3], []
    reader.whole = []
    return whole, [], after, []


def _own_days(
    reader: Reader, whole: list[Did], kept: list[str], part: list[Did], after: int
) -> tuple[list[Did], list[str], list[Did], int] | None:
    """The whole and the part, each in days of its own, without these in the words kept, and the place after."""
    first, last = AT_END.search(" ".join(kept)), own_date(reader, after)
    if part and first and all(one.period for one in part):  # who did not come back in March
        left = " ".join(kept)[: first.start()].split()
        return in_days(whole, reader.periods[int(first["at"])], reader.words), left, part, after
    if not (part and first and last) or reader.periods[int(first["at"])] == last[1]:
        return None
    left = " ".join(kept)[: first.start()].split()
    return (
        in_days(whole, reader.periods[int(first["at"])], reader.words),
        left,
        in_days(part, last[1], reader.words),
        after + last[0],
    )


def _lapsed(reader: Reader, noun: str, dids: list[Did], after: int) -> tuple[list[Did], int] | None:
    """Customers who did not buy in the last 30 days bought before; and the place after; None: it says no such."""
    own, days = own_date(reader, after), reader.vocabulary.contents.days
    if not own or len(dids) != 1 or not _not_bought(noun, dids) or own[1].last < days.last:
        return None
    if own[1].first <= days.first or dids[0].after or dids[0].table != "purchases":
        return None
    before = Period(days.first, own[1].first - timedelta(days=1))
    return [Did("purchases", period=before), *in_days(dids, own[1], ())], after + own[0]


def _is_only_here(clauses: list[Clause], dids: list[Did], *, asks_why: bool) -> bool:
    """Whether no other reading knows what the clauses say; it knows why users do not buy: the steps before an order."""
    dimensions = [one.filters[0].dimension if one.filters else one.table for one in dids if one.table != "items"]
    plain = len({*dimensions}) == len(dids) and all(map(_is_plain, dids))  # who came so and bought
    # from step to step, of sessions
    is_rate = len(dids) == 2 and all(len(one.whole) == len(one.part) == 1 and one.level != "user" for one in clauses)
    known = asks_why or len(dids) == 1 or plain or (is_rate and all(map(_is_step, dids)))
    return not known or any(_is_new(one) or (one.is_excluded and not asks_why) for one in dids)


def _is_counted(did: Did) -> bool:
    return did.at_least > 1 or did.at_most is not None


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


def _of_groups(text: str, vocabulary: Vocabulary) -> str:
    """The text with "only those with at least 200 sessions" as a limit of groups, if it asks for a breakdown."""
    if not any(word and word.kind == "by" for word, *_ in vocabulary.read(text)):
        return text
    return _OF_GROUPS.sub(" with ", text)


def _is_clause(reader: Reader, begun: int) -> bool:
    """Whether what follows a noun without "who" is what they did: not "orders by", "users return"."""
    return not reader.match(
        re.compile(r"(?:is|are|was|were|in|on|to)\b(?! (?:(?:a|an|any) )?(?:coupon|voucher))"), begun
    )


def _not_bought(word: str, dids: list[Did]) -> bool:
    """Whether "customers" are meant who did not buy."""
    denied = [one for one in dids if one.is_excluded and one.table in ("purchases", "items")]
    buys = any(one.at_least == 1 and not one.filters for one in denied)  # who did not buy again has bought
    return buys and re.fullmatch(r"(?:customer|shopper|buyer)s?", word) is not None


def _is_plain(did: Did) -> bool:
    """Whether other readings know it beside another one."""
    return did.at_least == 1 and did.at_most is None and did.table in ("purchases", "sessions") and not _is_viewed(did)


def _bought_something(clause: Clause) -> bool:
    """Whether people are meant by what they bought: their revenue or orders are not those of the item."""
    dids = [*clause.whole, *clause.part]
    return clause.level == "user" and any(one.table == "items" and one.filters for one in dids)


def _by_item(text: str, vocabulary: Vocabulary) -> bool:
    return any(word and word.kind == "by" and word.name.startswith("item") for word, *_ in vocabulary.read(text))


def _is_step(did: Did) -> bool:
    """Whether it is a step of buying, of which each is asked for."""
    return not did.is_excluded and (did.table in ("steps", "purchases") or _is_viewed(did)) and did.at_least == 1


def _is_viewed(did: Did) -> bool:
    return any(one.dimension == "product_view" for one in did.filters)


def _is_new(did: Did) -> bool:
    """Whether only conditions say this."""
    names = {one.dimension for one in did.filters}
    searches = any(one.values == ("search",) for one in did.filters)
    is_counted = did.at_most is not None or did.at_least > (2 if did.table == "sessions" else 1)
    if did.after or did.period or did.table in ("cart_items", "viewed_items", "events"):
        return True
    if names & {"coupon", "order_number"} or any(one.is_excluded for one in did.filters):
        return True
    return searches or is_counted or (did.table == "items" and not names)
