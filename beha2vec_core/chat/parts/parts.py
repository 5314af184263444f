"""What the words of a question name: metrics, breakdowns, filters, periods, and how to show or compare them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from beha2vec_core.chat.days.hours import in_hours
from beha2vec_core.chat.days.periods import COUNT, MARK, Times, find_times
from beha2vec_core.chat.parts.added_up import in_one_group
from beha2vec_core.chat.parts.cohorts import in_cohorts
from beha2vec_core.chat.parts.conditions import Conditions, find_conditions
from beha2vec_core.chat.parts.dated import in_last_days
from beha2vec_core.chat.parts.grammar import Word
from beha2vec_core.chat.parts.much_and_little import Opposed, in_measures
from beha2vec_core.chat.parts.never import in_none
from beha2vec_core.chat.parts.next_pages import in_neighbours
from beha2vec_core.chat.parts.people_of import in_visitors
from beha2vec_core.chat.parts.qualifiers import qualifiers
from beha2vec_core.chat.parts.sequences import in_windows
from beha2vec_core.chat.parts.split_values import in_brackets, in_sides, with_medium
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.rewrites.clicks import NOTE as CLICKS
from beha2vec_core.chat.rewrites.clicks import in_sessions
from beha2vec_core.chat.rewrites.page_words import in_pages
from beha2vec_core.chat.rewrites.paraphrases import CHARGES, DISPLAY, MAJORITY
from beha2vec_core.chat.rewrites.rules import EXCLUDES, LESS, MORE, in_known_words, spelled_out
from beha2vec_core.chat.rewrites.time_on_page import in_reading_time
from beha2vec_core.chat.rewrites.visitors_and_no_orders import in_operations, why_none
from beha2vec_core.chat.words.currencies import CURRENCIES, CURRENCY_WORDS
from beha2vec_core.chat.words.empty_words import is_left_out, without_asides, without_left_out
from beha2vec_core.chat.words.numbers import NUMBER_WORDS, count_of
from beha2vec_core.chat.words.verbs import DOWN, PEOPLE, UP
from beha2vec_core.semantic.compiler import MAX_ROWS
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.query import Filter, Having

_RANKED_USERS = re.compile(
    rf"(?<!\bin )\b(?:which|top|biggest|largest|best)\s+(?:{PEOPLE})\b|\bspenders?\b|"
    rf"(?:^\W*(?:the )?|\b(?:list|who are|show|give)\b.*\b)(?:{PEOPLE}) (?:with|having|who ha(?:ve|d)) (?:the )?"
    r"(?:most|highest)\b"
)
_WHAT_THEY_DO = re.compile(r"\bwhat (?:do|does|did)\b.*\bdo\b")
_DAY_AFTER = re.compile(r"\bthe (?:day|week|month) (?:after|following)\b(?=\W*\w)")
_FROM_WHERE = re.compile(r"\bwhere\b(.*\bcom(?:e|es|ing) from)\b")
_AND_WHERE = re.compile(
    r"\b(?:which|what|who|how)\b.*\band where\b.*\b(?:they|those|these|it)\b.*\bcom(?:e|es|ing) from\b"
)
_TWO_QUESTIONS = re.compile(
    r"\b(?:which|what|who|how|did|do|does|is|are|was|were)\b.*(?:,|\band) (?:what|who|when|why|which (?!the\b|from\b|"
    r"(?:allothers|worst|best|most|least|lowest|highest|not|do|did|does|has|have|had)\b|"
    r"one\b|is\b|are\b|of\b|share\b)\w+)\b(?! (?:share|percent|%|part|did (?:it|that)))"
)
_LIVE_WHERE = re.compile(r"\bwhere\b(.*)\b(?:from|live|located|based)\s*\??$")
_PART = re.compile(
    r"\bhow (?:much|many) of\b(?!.*\b(?:buy|bought|ordered|purchased?|converted)\W*$).*\b(?:came|com(?:e|es|ing)|is|"
    r"are|was|were)\b|\bhow much of\b(?!.*\b(?:sell|sold|buy|bought)\b)"
)
SELL_MORE = r"(?:sell|sold) (?:more|less|fewer|better|worse)\b"
_SUBJECT = re.compile(  # of "which items' sales" and "how many products sold less" no one phrase
    rf"\b((?:which|what) (?:\w+ )?\w+s)' |\b((?:which|what|how many) \w+s) (?={SELL_MORE})"
)
# a number that says which of them are meant: "orders with one item"
_ONE = re.compile(
    r"\b(?:(?:just|only|exactly|merely) (?:an? )?(?:one|single)|(?:with|have|has|had|having|of|at most|up to|no more "
    r"than) (?:one|a single)|one[\s-]time)\b(?! (?:of|more|question|thing)\b)"
)
_OF_DONE = (
    rf"\b(?:of|among) (?:(?:the|all|our) )*(?:(?:those|{PEOPLE}|sessions|visits|orders) (?:who|that|which|with)|"
    r"(?:\S+ ){1,3}(?:readers|viewers|seekers))\b"
)
_OF_DONE_ASKS = re.compile(
    rf"^\W*(?:out )?{_OF_DONE}.*\b(?:how many|(?:what|which) (?:share|percent(?:age)?|proportion|part)) "
    r"(?:of (?:them|those|these) )?(?:are|were|is|was)\b|\b(?:share|percent\w*|"
    r"proportion|fraction|part|how many) (?:of )?.*\b(?:who|that|which|with|used)\b.*"
    r"(?<!who )(?<!that )(?<!which )(?<!and )\b(?:are|were|is|was) (?:\w+ ){0,3}?\S+(?: \w+)?\W*$"
)
_MOST_ARE = re.compile(rf"^\W*(?:are|is|were|was) (?:{MAJORITY}|most|the majority)\b.*\b(?:who|that|with|without)\b")
_HOW_MANY = re.compile(r"\b(?:how many|(?<!average )number of)\b(?! (?:percent|%))")
_COUNTS_TIME = re.compile(r"\b(?:how many|number of) (?:day|week|month|quarter)s\b")
_CLUSTER = re.compile(r"\bcluster\s*#?\s*(-?\d+)")
_COMPARATIVES = re.compile(r"\b(more|less|better|worse|higher|lower|fewer|bigger|larger|smaller|stronger|weaker)\b")
_JUDGED = re.compile(r"\b(better|worse|best|worst)\b")
_DOWN = re.compile(rf"\b(?:{'|'.join((*DOWN, 'down', 'south', 'cliff'))})\b")
_UP = re.compile(rf"\b(?:{'|'.join((*UP, 'up', 'roof'))})\b")
_JUDGES = re.compile(r"\b(?:better|worse|improv|worsen|deteriorat)")
_THAN = re.compile(
    r"\b(?:than|vs\.?|versus|against|compared (?:to|with)|in comparison (?:to|with)|relative to)\s+"
    rf"(?:(?:in|on|of|for|from|the|during|our|that|those) )*{MARK}(\d+)"
)
_LESS, _MORE = re.compile(r"\b(?:less|fewer|lower|worse|weaker)\b"), re.compile(r"\b(?:more|higher|better|stronger)\b")
_TOP = re.compile(
    rf"\b(?:(top|best|biggest|largest|highest|worst|bottom|first) ({COUNT})|(?<!{MARK})({COUNT}) (most|best|top|"
    r"biggest|largest|highest|strongest|busiest|worst|lowest|least|weakest|smallest))\b"
)
_WHICH = re.compile(  # which 5 products brought the most; not which 24 oz bottle
    rf"(^\W*|\b(?:which|what|the|our|me|list|show) )(?!one\b|{MARK})({COUNT}) (?=(?:(?:landing|exit|product|traffic|"
    r"referral|error) )?[a-z]+s\b[^.;?]*\b(?:most|highest|best|biggest|largest|least|lowest|fewest|worst)\b)"
)
_SYMBOLS = {"\u20ac": "euros", "$": "dollars", "\u00a3": "pounds"}
_MONEY = rf"\b(?:{CURRENCY_WORDS})\b"
_LIMIT = re.compile(
    rf"\b({MORE}|{LESS})\s+(?:(once|twice)|(?<!{MARK})(\d+(?:\.\d+)?|{COUNT}))(?: times)?\b(\s*{_MONEY})?"
    r"(?!\s*(?:different |distinct |separate )?(?:days?|weeks?|months?|quarters?|years?|%|percent))"
)
# what stands before a limit that is an amount of money an order has: "orders over 200", not "more than 2 orders"
_ORDER_WORTH = re.compile(
    r"\b(?:orders?|purchases?|transactions?|sales|carts?|order values?)\b(?: (?:that|which|who|were|was|are|is|of|with|"
    r"worth|have|had|has|having|a|an|the|our|value|values|valued|revenue|total|totals|amount|amounts|amounting|to|"
    r"price|priced|placed|at|cost|costing|costs|being))*\s*$"
)
_OTHER_UNIT = re.compile(
    r"\s*(?:different |distinct |unique )?(?:items?|products?|pieces?|units?|articles?|sessions?|visits?|pages?|"
    rf"orders?|purchases?|times|{PEOPLE})\b"
)
# of what a session or a user has no limit is known: "sessions with more than 2 pages" are no pages with sessions
_OF_EACH = re.compile(
    r"\s*(?:different |distinct |unique )?(?:pages?(?! ?views?)|channels?|devices?|countr(?:y|ies)|sources?|campaigns?|"
    r"browsers?|(?:items?|products?|units?|pieces?)(?! sold))\b"
)
OF_SESSIONS = "Customers are new or returning by their sessions, as GA4 counts them: not by their orders."
_AVERAGE = r"(?:average|avg|mean)(?! (?:order|purchase|transaction|cart|basket|engagement|session duration|time)\b)"
_PER_DAY = re.compile(
    rf"\b{_AVERAGE}\b.*\b(?:per (?:day|week)|daily|weekly)\b|\b(?:per (?:day|week)|daily|weekly)\b.*\b{_AVERAGE}\b"
)
_ARTICLES = ("the", "a", "an", "our")


@dataclass
class Parts:
    """What is found in a question on the way to its query."""

    times: Times
    text: str = ""  # in small letters, with marks in place of periods
    words: list[Word] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    top: int | None = None
    limits: dict[str, Any] = field(default_factory=dict)  # "more than 2 orders": as of a `Query`
    problem: str = ""  # why the question cannot be read, in a sentence
    is_worth: bool = False  # the limit is on the revenue of an order
    is_money: bool = False  # the limit has a currency
    currency: str = ""  # a word for one that the data are not in
    comparatives: list[str] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)  # better, worst ...
    by: list[str] = field(default_factory=list)  # dimensions that no word of their own names
    clusters: list[str] = field(default_factory=list)
    is_of_users: bool = False  # "which customers"
    is_part: bool = False  # "how much of our revenue comes from"
    is_counted: bool = False  # "how many"
    mean_of: str = ""  # day or week: "sessions per day on average"
    conditions: Conditions | None = None  # clauses such as "who viewed shoes and did not buy"
    done: tuple[Filter, ...] = ()  # what they say, where the text is read without them
    having: tuple[Having, ...] = ()
    beside: tuple[str, ...] = ()  # metrics that are shown beside the first
    left_out: list[str] = field(default_factory=list)  # words that limit nothing
    opposed: Opposed | None = None  # "many views but few orders"
    is_of_done: bool = False  # the last value is asked for, of those who did something: "of these, how many are new"
    is_side: bool = False  # one of two groups that are compared, each with a query of its own

    def has(self, *kinds: str) -> bool:
        """Whether there is a phrase of one of these kinds."""
        return any(word.kind in kinds for word in self.words)

    def are_beside(self, one: Word, other: Word) -> bool:
        """Whether nothing stands between two phrases but an article: "landing on the home page"."""
        first, second = sorted((one, other), key=lambda word: word.place)
        between = [word for word in self.words if first.place < word.place < second.place]
        return all(word.text in _ARTICLES for word in between)

    @property
    def over(self) -> float | None:
        """What is asked for is more than this."""
        return self.limits.get("over")

    @property
    def under(self) -> float | None:
        """What is asked for is less than this."""
        return self.limits.get("under")

    @property
    def goes_down(self) -> bool | None:
        """Whether the question is about a decrease, from the earlier of two periods; None: it does not say."""
        for down, up in ((_DOWN, _UP), (_LESS, _MORE)):  # "lost more orders": the verb has the direction
            falls, rises = down.search(self.text) is not None, up.search(self.text) is not None
            if falls or rises:
                return falls != self._starts_later if falls != rises else None
        return None

    def falls(self, metric: str) -> bool | None:
        """Whether a decrease of this measure is meant: a bounce rate that got worse is higher."""
        down = self.goes_down
        is_better = METRICS[metric].better < 0 and _JUDGES.search(self.text) is not None
        return not down if is_better and down is not None else down

    @property
    def _starts_later(self) -> bool:
        """Whether the later period is the one that the other is compared with: "lower in January than in March"."""
        than, periods = _THAN.search(self.text), self.times.periods
        if than is None or int(than[1]) >= len(periods):  # months in a row are one period
            return False
        others = [one for number, one in enumerate(periods) if number != int(than[1])]
        return bool(others) and all(one.last < periods[int(than[1])].first for one in others)


def find_parts(question: str, vocabulary: Vocabulary, *, with_conditions: bool = False) -> Parts:
    """The parts of a question; ``with_conditions``: its clauses are taken out, and the rest is read."""
    if not question.isupper():
        question = re.sub(r"\bUS\b", "usa", question)
    # first, so that no part of 1,200 is read as a number of its own
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", question.lower().replace("\u2019", "'").replace(MARK, " "))
    text, left_out = without_left_out(text)
    text = in_hours(spelled_out(in_reading_time(vocabulary.without_hyphens(text))))
    text = _SUBJECT.sub(r"\1\2, ", text)
    text = re.sub(r"'s\b|'(?=\s|$)", "", text).replace("%", " % ").lstrip("-*\u2022 ")
    text = in_pages(text, vocabulary.sections, vocabulary.clear, vocabulary.contents.values)
    text = in_neighbours(in_windows(in_last_days(in_cohorts(in_none(in_operations(text))))), vocabulary)
    text = in_brackets(vocabulary.without_slashes(re.sub(r"\s*[&+]\s*", " and ", text)), vocabulary)
    text = in_sides(text, vocabulary)
    text, people = in_visitors(in_one_group(with_medium(text, vocabulary), vocabulary), vocabulary)
    for symbol, name in _SYMBOLS.items():
        text = re.sub(rf"{re.escape(symbol)}\s?(\d[\d,.]*\d|\d)|(\d)\s?{re.escape(symbol)}", rf"\1\2 {name} ", text)
    text = re.sub(r"\b(the|in|from) us\b", r"\1 usa", text)  # elsewhere it is the pronoun
    text, opposed = in_measures(text, vocabulary)
    clicked, text = text, in_sessions(text, vocabulary.contents.values.get("campaign", []))
    conversions = re.sub(r"\bconversions\b", "key events", text)
    times = find_times(conversions, vocabulary.contents.days)
    parts = Parts(times, notes=[*times.notes, *people], left_out=left_out, opposed=opposed)
    if re.search(DISPLAY, question.lower()) and "Display" in vocabulary.contents.values.get("channel", []):
        parts.notes.append("“Display” was read as “show”. For the channel, write “from Display”.")
    if clicked != text:
        parts.notes.append(CLICKS)
    if conversions != text:
        parts.notes.append("“conversions” was read as GA4's key events.")
    if re.search(r"\b(?:new|returning) (?:customer|buyer|shopper)s?\b", text):
        parts.notes.append(OF_SESSIONS)
    parts.conditions = find_conditions(without_asides(times.text), vocabulary, times.periods)
    said = parts.conditions.text if with_conditions and parts.conditions else times.text
    text = re.sub(r"\s+", " ", without_asides(in_known_words(said))).strip()
    text = parts.text = why_none(text, MARK)
    if after := _DAY_AFTER.search(conversions):
        parts.unknown.append(after[0])
    if _WHAT_THEY_DO.search(text):
        parts.unknown.append("do")
    if one := _ONE.search(text):
        parts.unknown.append(one[0])
    parts.judged = _JUDGED.findall(text)
    if top := _TOP.search(text):
        parts.top = min(count_of(top[2] or top[3]), MAX_ROWS)
        text = text.replace(top.group(), f"{top[1] or top[4]} ", 1)
    elif some := _WHICH.search(text):
        parts.top = min(count_of(some[2]), MAX_ROWS)
        text = text.replace(some.group(), some[1], 1)
    text = _without_limits(text, parts, vocabulary.contents.currencies)
    text, amounts = _without_currency(text, parts, vocabulary)
    if mean := _PER_DAY.search(text):
        parts.mean_of = "week" if "week" in mean[0] else "day"
        text = re.sub(
            r"\b(?:(?:an|the|on) )?average\b|\bavg\b|\bmean\b|\bper (?:day|week)\b|\bdaily\b|\bweekly\b", " ", text
        )
    parts.is_of_users = _RANKED_USERS.search(text) is not None
    parts.is_part = _PART.search(text) is not None
    parts.is_counted = _HOW_MANY.search(text) is not None
    parts.clusters = _CLUSTER.findall(text)
    parts.comparatives = _COMPARATIVES.findall(text)
    text = _COMPARATIVES.sub(" ", _CLUSTER.sub(" ", text))
    if _AND_WHERE.search(text) or _TWO_QUESTIONS.search(text):
        parts.problem = "These are two questions: please ask one at a time."
    elif found := _FROM_WHERE.search(text):
        parts.by.append("channel")
        parts.notes.append("“where from” was read as “from which channel”.")
        text = text.replace(found.group(), found[1], 1)
    elif found := _LIVE_WHERE.search(text):
        parts.by.append("country")
        text = text.replace(found.group(), found[1], 1)
    for word, phrase, note in vocabulary.read(text):
        if word is None:
            parts.unknown.append(phrase)
        else:
            parts.words.append(word)
            parts.left_out += [phrase] if word.kind == "filler" and is_left_out(phrase) else []
        if note:
            parts.notes.append(note)
            if word is not None and word.name in ("users", "buyers"):  # "which custmers"
                before = [one for one in parts.words if one.is_beside(word) and one.place < word.place]
                parts.is_of_users |= any(one.text in ("which", "top", "biggest", "largest", "best") for one in before)
    has_articles = "article" in vocabulary.contents.values.get("page_type", [])
    if has_articles and any(word.name == "item" and word.text.startswith("article") for word in parts.words):
        parts.notes.append("“articles” was read as products. For pages, write “article pages”.")
    parts.is_of_done = with_conditions and _is_of_done(times.text, parts.words)
    parts.is_part |= parts.is_of_done
    parts.words, unknown, why = qualifiers(parts.words, parts.text)
    parts.unknown += unknown
    parts.problem = parts.problem or why
    if not any(word.kind == "metric" and METRICS[word.name].unit == "money" for word in parts.words):
        parts.unknown += [] if parts.currency else amounts  # of what, if not of money
    for article, noun in pairwise(parts.words):  # "from a campaign" is no breakdown
        if article.name == noun.name == "head" and article.is_beside(noun):  # no item has both: "wool hats"
            beside = re.search(rf"{re.escape(article.text)} {re.escape(noun.text)}", parts.text)
            parts.unknown += [beside[0]] if beside else []
        if noun.kind == "by" and article.text in ("a", "an", "any", "some"):
            parts.unknown.append(f"{article.text} {noun.text}")
    nouns = re.findall(r"\bhow many (\w+)", parts.text)  # "how many tanks": no change
    parts.unknown += [word.text for word in parts.words if word.kind == "change" and word.text in nouns]
    for word in parts.words:
        following = [one for one in parts.words if one.kind == "value" and parts.are_beside(word, one)]
        if word.kind == "without" and not any(one.place > word.place for one in following):
            typed = question.lower().replace("\u2019", "'")
            named = re.search(rf"{EXCLUDES}|\b\w+n'?t \w+", f"{typed} ")
            parts.unknown.append(named[0].strip() if named else word.text)
    return parts


def _is_of_done(text: str, words: list[Word]) -> bool:
    """Whether the last value of a question is the part, and what was done the whole.

    "Of those who used a coupon, how many are new", "are most orders with a coupon from Germany", "share of users on
    mobile of those who used a coupon".
    """
    values = [word for word in words if word.kind == "value" or word.name in ("new_users", "returning_users")]
    if not values:
        return False
    last = values[-1].pattern
    ends = re.search(rf"\b{last}\b(?: (?:{PEOPLE}|sessions|visits|ones|orders))?\W*$", text) is not None
    asks = _OF_DONE_ASKS.search(text) is not None or _MOST_ARE.search(text) is not None
    return (ends and asks) or re.search(rf"\b{last}\b.*{_OF_DONE}", text) is not None


def _without_limits(text: str, parts: Parts, currencies: tuple[str, ...]) -> str:
    """The text without "more than 2" and the like, which become limits of the question."""
    text = re.sub(
        rf"\bbetween (\d+(?:\.\d+)?)(?:{_MONEY}|\s)* and (\d+(?:\.\d+)?)(?=\s*{_MONEY})",
        r"at least \1 and at most \2",
        text,
    )
    if _COUNTS_TIME.search(text):
        text = re.sub(rf"\b(?:exactly|just|only) ({COUNT})(?= \w)", r"at least \1 and at most \1", text)
    limits = list(_LIMIT.finditer(text))
    if any(re.search(r"\bor\b", text[one.end() : other.start()]) for one, other in pairwise(limits)):
        parts.problem = "I can use one limit, or a range between two numbers."
    for found in limits:
        if re.fullmatch(r"\d{1,3}\.\d{3}", found[3] or ""):
            plain = re.match(r"[\d.]+", text[found.start(3) :])[0].rstrip(".")  # type: ignore[index]
            parts.problem = f"Is “{plain}” {plain.replace('.', '')}? Write it without the point."
        number = {"once": 1.0, "twice": 2.0}.get(found[2]) or float(NUMBER_WORDS.get(found[3], found[3]))
        after = text[found.end() :]
        is_worth = _ORDER_WORTH.search(text[: found.start()]) is not None and "times" not in found[0] and not found[2]
        if is_worth and (unit := _OTHER_UNIT.match(after)):
            is_worth = False
            if not re.search(rf"\b(?:times|orders?|purchases?|{PEOPLE})$", unit[0]):  # orders with more than 3 items
                parts.unknown.append(found[0] + unit[0])
        is_worth |= found[4] is not None and re.match(r"\s*(?:orders?|purchases?|transactions?)\b", after) is not None
        if (of_each := _OF_EACH.match(after)) and found[0] + of_each[0] not in parts.unknown:
            parts.unknown.append(found[0] + of_each[0])
        is_less = re.fullmatch(LESS, found[1]) is not None
        is_worth |= parts.is_worth
        is_counted = _COUNTS_TIME.search(text) is not None
        if is_less and not (is_worth or found[4] or is_counted):
            continue  # of groups without a row nothing is known
        side = "under" if is_less else "over"
        if side in parts.limits:
            parts.problem = f"Which limit is meant, {parts.limits[side]:g} or {number:g}?"
        parts.limits[side] = number
        if found[1] in ("at least", "upwards of", "at most", "up to"):
            parts.limits["at_most" if is_less else "at_least"] = True
        parts.is_worth, parts.is_money = parts.is_worth or is_worth, parts.is_money or found[4] is not None
        before, _, rest = text.partition(found[0])
        if is_worth and (named := _ORDER_WORTH.search(before)):
            before = before[: named.start()] + re.split(r"\s", named[0].replace("order value", "orders"))[0]
        text = f"{before} {rest}"
        if found[4]:
            _check_currency(found[4].strip(), parts, currencies)
    return text


def _check_currency(word: str, parts: Parts, currencies: tuple[str, ...]) -> None:
    """Note a currency that the data are not in: amounts are not converted."""
    if currencies and (len(currencies) != 1 or currencies[0] not in CURRENCIES[word]):
        parts.currency = word


def _without_currency(text: str, parts: Parts, vocabulary: Vocabulary) -> tuple[str, list[str]]:
    """The text without the words for the currency of amounts, and these words; "how many euros" is revenue."""
    words: list[str] = []
    asked = "how much " if re.search(rf"\b{CHARGES}\b", text) else "revenue "
    text = re.sub(rf"\b(?:how (?:much|many)|total(?= \w+ (?:from|of|by|per|in|for|on)\b)) (?={_MONEY})", asked, text)
    for word in re.findall(_MONEY, text) if vocabulary.contents.currencies else []:
        _check_currency(word, parts, vocabulary.contents.currencies)
        before, _, after = re.split(rf"(\b(?:in )?{word}\b)", text, maxsplit=1)
        following = next(vocabulary.read(after), None)
        is_noun = following is not None and following[0] is not None and following[0].kind == "by"  # euro countries
        (parts.unknown if is_noun else words).append(word)
        text = f"{before} {after}"
    return text, words
