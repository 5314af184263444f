"""Which measure a question asks for, where no word names it or a verb stands for it: "which brand sells best"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from beha2vec_core.chat.parts.grammar import OF_ITEMS, Word
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, SOURCES
from beha2vec_core.semantic.query import Filter

DEFAULTS = {  # of "top 5 landing pages"
    **dict.fromkeys(("landing_page", "landing_page_type", "country", "device", "browser", "os", *SOURCES), "sessions"),
    **dict.fromkeys(OF_ITEMS, "items_sold"), "page": "page_views",
}  # fmt: skip
# of users who bought, those on mobile: the verb is no part of the share
_PAGES, _OF_STEPS = {"page", "page_type", "theme"}, {"cart", "checkout", "confirmation", "product"}  # and page types
_PART_OF_THOSE = re.compile(r"\b(?:who|that)\b.*\b(?:are|were|is|was|comes?|came|used?)\b")
_SHARE_OF_BUYERS = re.compile(r".*\bof (?:(?:all|the|our) )*(?:buyer|customer|purchaser|shopper)s?")
_VISITORS_CONVERT = re.compile(r"\b(?:users|visitors|people)(?: \w+){0,4}? convert(?:s|ed)?\b")
_BUY_MOST = re.compile(r"\b(?:buy|buys|bought|ordered|purchased?) (?:the )?(?:most|least)\b")
_DO_THEY = re.compile(r"\W*(?:and )?(?:do|does|did|have) ")
_MORE_PEOPLE = re.compile(rf"\b(?:more|fewer|less) (?:{PEOPLE})\b")
_IS_VERB = re.compile(r"\b(?:buy|bought|ordered)$")
_OVERVIEW = ("sessions", "conversion_rate", "revenue")  # of two groups, where no measure is named
OF_GROWTH = ("sessions", "revenue")  # of "what drove the growth"
_OF_SIZE = ("bigger", "larger", "smaller", "more", "less", "fewer", "stronger", "weaker", "higher", "lower")
_OF_ITEMS = ("items_sold", "item_revenue")
_OF_A_LIST = {"by", "value", "period", "filler"}  # kinds of words of a question that only names groups
# a state, not a change: "why is conversion in the US so much higher"; "fewer orders" are those of a period
IS_SO = re.compile(
    r"\b(?:higher|lower|better|worse|bigger|smaller|stronger|weaker|less|more|fewer)\b"
    r"(?=\W*$|\s+(?:in|on|for|among|with|from|via|at|there|than|weekend)\b)"
)

# what no word of the vocabulary may make another question of
RATES_OF_STEPS = {METRICS[name].count: name for name in ("cart_rate", "checkout_rate")}
_IS_STEP = re.compile(r"(?:add|put|start|begin|began|reach|enter)")
SEARCHES = (
    rf"\b(?:{PEOPLE}|they|we) (?:are |do )?search(?:ing|ed|es)?\b|\bsearch(?:es|ed|ing) (?:for|on)\b|"
    r"\bsearch (?:for|terms?|quer(?:y|ies)|words?|phrases?)\b|\b(?:site|internal) search\b|"
    r"\b(?:terms?|words|keywords?|phrases?|quer(?:y|ies))\b.*\b(?:search\w*|typ(?:e|ed|ing)|enter(?:s|ed|ing)?)\b|"
    r"\btyp(?:e|es|ed|ing)\b.*\bsearch\b",
    "What people search for on the site is not measured.",
)
_CHARGE = r"(?:the )?(?:sales )?(?:tax(?:es)?|vat|gst|shipping|postage)"
NOT_MEASURED = (
    (rf"\b(?:{PEOPLE}) (?:who|that) (?:have )?abandon(?:s|ed)? (?:the|their|an?) (?:cart|basket|checkout)s? "
     r"(?!(?:in|on|last|this|by|per)\b)\w",
     "Ask for the users who reached the cart and did not order: what else they did cannot be asked with “abandoned”."),
    (r"\b(?:pages?|articles?|products?|items?|videos?)\b(?:(?! but\b| and\b| who\b| that (?:never|did)\b| people\b| "
     r"users\b).)*\b(?:nobody|no ?one|never|not) (?:ever |has |have |been |once )*(?:view(?:s|ed)?|visit(?:s|ed)?|"
     r"sees?|saw|seen|looks?(?:ed)? at|reads?|open(?:s|ed)?|click(?:s|ed)?)\b(?! to the\b)",
     "What nobody viewed is not in the data: they only have what happened. Ask for the pages with the fewest views."),
    (rf"\bwhat (?:do|does|did|are|were|is) (?:(?:the|our|most|all) )*(?:{PEOPLE}|they) (?:(?:\w+ly|most|often) )*"
     r"(?:search(?:ing|es|ed)?(?: for)?|look(?:ing|ed|s)? for|hunt(?:ing|ed)? for|want to find)\b|\b(?:top|"
     r"wh(?:ich|at)|most (?:common|popular|frequent)|most) search(?:es|ed)\b|\bsearch(?:ed)? (?:for )?(?:the )?most\b",
     SEARCHES[1]),
    (r"\b(?:orders?|purchases?|invoices?) (?:(?:that|which|were|was|are|is|have|has|been|still|not|yet|never) )+"
     r"(?:un)?paid(?=\W*$| (?:last|this|yet|so far)\b)|\bunpaid (?:orders?|purchases?|invoices?|bills?)\b",
     "The data do not say whether an order is paid."),
    (r"\b(?:user|customer|client)[- ]?ids?\b|\bcustomer log[- ]?ins?\b(?! pages?)",
     "I do not count users by whether they have a user ID: no measure or breakdown has it."),
    (r"\b(?:revenue|sales|turnover|income|order values?|aov|money)\b.*\b(?:without|(?:ex|in)cl(?:uding|usive|\.)?"
     rf"(?: of)?|before|after|minus|less|plus|net of|with) {_CHARGE}\b|\bnet of {_CHARGE}\b|"
     r"\b(?:pre|post|after)[- ]?tax\b",
     "Whether the revenue contains tax and shipping depends on what the site sends: I take neither from it. "
     "I only have tax and shipping as orders report them."),
    (r"\b(?:\d+|an?|one|two|three|four|few) (?:days?|weeks?|months?) before (?:and|or|vs\.?|versus) after\b",
     "Name the days of both periods: sessions from 3 to 9 March vs 10 to 16 March."),
    (r"\b(?:their|h(?:is|er)) (?:e-?mails?|(?:full )?names?|phone numbers?|address(?:es)?)\b(?! (?:channel|traffic|"
     r"sessions?|visits?|campaigns?|revenue|orders?))|\be-?mail address(?:es)?\b",
     "The data have no names or addresses of people."),
    (rf"\b(?:{PEOPLE})(?:'s)? (?:earn|incomes?|salar(?:y|ies))\b|\b(?:incomes?|salary|earnings?) of (?:our |"
     rf"the )?(?:{PEOPLE})\b", "The data have no incomes of people."),
    (rf"\b(?:which|what) (?:other )?(?:web)?(?:sites?|shops?|stores?) (?:do|does|did)\b.*\b(?:{PEOPLE}|they)\b.*"
     r"\b(?:visit|use|go|like|shop|buy|come)\b(?! from)", "What people do on other sites is not measured."),
    (rf"\bhow (?:often|frequently) (?:do|does|did|are|is)\b.*\b(?:{PEOPLE}|they|someone|one)\b.*"
     r"\b(?:buy|order|purchase|shop)\b", "How often a user does something is not measured."),
    (r"\b(?:we|i) (?:spend|spent|pay|paid)\b|\bspen[dt](?:ing)? (?:\w+ )?(?:on|for|in) (?:\w+ )?(?:ads?|adwords|"
     r"advertis\w+|marketing|campaigns?|ppc|sea|sem|paid|media)\b|\b(?:ads?|advertising|marketing|media|"
     r"campaign) (?:spend|spending|costs?|budgets?)\b", "What you spend is not measured."),
    (r"\bsold[ -]out\b", "What is in stock is not in the data."),
)  # fmt: skip


class NotRead(ValueError):
    """Why a question cannot be answered."""


def metric_of(
    parts: Parts,
    metrics: list[str],
    filters: tuple[Filter, ...],
    by: list[str],
    pair: Filter | None,
    compares: bool,
    groups: str | None,
    notes: list[str],
) -> str:
    """The name of the metric; what was assumed is added to the notes."""

    def taken(name: str, why: str = "") -> str:
        notes.append(why or f"No measure is named, so the answer shows {METRICS[name].label}.")
        return name

    about = {*by, *(one.dimension for one in filters)}
    about |= {word.name for word in parts.words if word.kind == "by"}  # also "how many items"
    if parts.has("bought"):
        if (
            (pair or parts.has("rest") or by == ["new_or_returning"])
            and (compares or parts.judged)
            and {*metrics} <= {"users", "sessions"}
        ):
            if parts.has("share") and metrics == ["users"]:  # what percentage of visitors from ... buy
                return "buyer_share"
            why = "Buying was read as a question about the conversion rate, as no measure is named."
            return taken("conversion_rate", why)
        if read := _what_is_bought(parts, metrics, filters, by, about, notes):
            return read
        if metrics or parts.is_counted or not about & OF_ITEMS:
            raise NotRead("Buyers, orders or items sold?")
        return "items_sold"
    if metrics:
        if parts.has("sell") and metrics[0] in ("users", "sessions"):
            raise NotRead("Revenue, orders or items sold?")
        if pair and {"better", "best", "worse", "worst"} & {*parts.judged} and METRICS[metrics[0]].is_weak:
            return taken("conversion_rate", "Better and worse were read as a question about the conversion rate.")
        return metrics[0]
    if parts.has("sell") and parts.has("cause") and filters and not about & OF_ITEMS and not parts.times.periods:
        return taken("conversion_rate", "Selling was read as a question about the conversion rate.")
    if parts.has("sell"):
        sold = "items_sold" if about & OF_ITEMS else "revenue"
        is_ranked = parts.has("high", "low") or parts.judged
        return taken(sold, f"Selling is measured by {METRICS[sold].label}.") if is_ranked else sold
    if groups is not None:
        return DEFAULTS.get(groups, "sessions")
    timed = any(DIMENSIONS[name].kind == "time" for name in by)
    usual = "page_views" if about & _PAGES else "revenue"  # of which pages have none
    if parts.has("change") and by and not timed and parts.times.periods:
        return taken(usual)
    is_split = len(by) == 1 and by[0] in DEFAULTS and not timed
    if parts.has("share") and not about & OF_ITEMS and (filters or is_split):
        return taken("sessions")
    if (len(parts.times.periods) == 2 or parts.times.asks_before) and (compares or parts.judged) and not by:
        return taken(usual)
    sizes = [word for word in parts.comparatives if word in _OF_SIZE]
    if sizes and pair and pair.dimension in DEFAULTS and not by[1:] and not parts.judged and not parts.has("sell"):
        size = DEFAULTS[pair.dimension]
        return taken(size, f"No measure is named: “{sizes[0]}” was read as a question about {METRICS[size].label}.")
    if parts.has("cause") and parts.has("low", "high") and len(filters) == 1 and not (by or about & OF_ITEMS):
        return taken("conversion_rate", "No measure is named, so the answer shows the conversion rate.")
    judged = [*parts.judged, *(word.text for word in parts.words if word.kind == "judged")]
    has_groups = by or pair or parts.has("rest") or (parts.has("cause", "judged") and filters)
    if judged and has_groups and not timed and not about & OF_ITEMS:
        why = f"“{judged[0]}” was read as a question about the conversion rate, as no measure is named."
        return taken("conversion_rate", why)
    ranked = parts.top or parts.has("high", "low") or (judged and not timed)
    if ranked and by and by[0] in DEFAULTS and (len(by) == 1 or {*by} <= {*SOURCES}):
        return taken(DEFAULTS[by[0]])
    if parts.has("trend") and filters and not (about & OF_ITEMS or parts.judged):
        return taken("sessions")
    if re.search(r"\b(?:busiest|quietest|peak)\b", parts.text) and by:
        return taken("sessions")
    if (timed or {"weekday", "hour", "weekend"} & {*by}) and (judged or parts.has("high", "low")):  # our best month
        return taken("revenue")
    if by == ["coupon"]:
        return taken("orders")
    if "order_number" in about:
        return "orders"
    is_split = len(by) == 1 and re.search(r"\b(?:by|per|which|what)\b", parts.text) is not None  # mobile by os
    is_asked_why = not by and parts.has("cause") and parts.has("change")  # why did organic go down
    is_split &= not parts.has("cause", "average")
    if filters and not about & OF_ITEMS and about <= {*DEFAULTS} and (is_split or is_asked_why):
        return taken("sessions")
    is_bare = {word.kind for word in parts.words} <= _OF_A_LIST and len(by) == 1 and not parts.comparatives
    if (
        is_bare and not (parts.limits or parts.is_of_users or parts.clusters) and by[0] in DEFAULTS
    ):  # browsers on mobile
        return taken(DEFAULTS[by[0]])
    pages = next((one for one in filters if one.dimension in _PAGES and not {*one.values} & _OF_STEPS), None)
    kinds = ("trend", "change", "high", "low", "judged", "compare")
    is_asked = by or parts.times.periods or parts.comparatives or parts.judged or parts.has(*kinds)
    if (
        is_asked
        and (pages or about & OF_ITEMS)
        and "look" not in parts.text
        and not parts.has("cause", "share", "average")
    ):
        name = "page_views" if pages else "items_sold"
        return taken(name, unnamed([name]))
    raise NotRead("I found no measure in the question, such as revenue, sessions or conversion rate.")


def as_rate(
    parts: Parts,
    metric: str,
    by: list[str],
    filters: tuple[Filter, ...],
    included: tuple[Filter, ...],
    pair: Filter | None,
    notes: list[str],
) -> str:
    """The metric of "buy" beside a share, a comparison or a "why": "what share of mobile visitors buy"."""
    if metric == "buyer_share" and included and _PART_OF_THOSE.search(parts.text):
        return "buyers"
    if metric == "buyer_share" and is_part_of_buyers(parts, filters, by):
        return "buyers"
    if parts.has("share") and any(_IS_STEP.match(word.text) for word in parts.words if word.name == metric):
        return RATES_OF_STEPS.get(metric, metric)  # of all, those who did it; not of carts, those from there
    if metric == "conversion_rate" and parts.has("share") and _VISITORS_CONVERT.search(parts.text):
        return "buyer_share"  # of people, not of their sessions
    is_verb = any(_IS_VERB.search(word.text) for word in parts.words if word.name == "buyers")
    if metric == "buyers" and is_verb and {*by} & OF_ITEMS and not parts.is_counted and not parts.is_of_users:
        return "items_sold"  # what do people buy
    if metric == "buyers" and by and not parts.has("share") and _BUY_MOST.search(parts.text):
        notes.append("Buying most was read as most orders.")
        return "orders"
    if metric != "buyers" or not is_verb or _MORE_PEOPLE.search(parts.text):
        return metric
    if re.search(r"\bhow much\b", parts.text):
        raise NotRead("Buyers, orders or items sold?")
    if parts.has("share") and not re.search(r"\b(?:who|that)\b", parts.text):
        return "buyer_share"
    is_state = parts.has("cause") and (parts.has("low", "high") or IS_SO.search(parts.text) is not None)
    compared = (pair or len(included) == 1) and parts.comparatives and not parts.is_counted
    if (is_state or compared) and not parts.times.periods and len(included) < 2:
        notes.append("Buying was read as a question about the conversion rate.")
        return "conversion_rate"
    return metric


def not_only_buyers(parts: Parts, metric: str, done: Sequence[Filter]) -> str:
    """The word of the question that stands for all users: how many customers opened the wishlist; "" if none does.

    All buyers reached the cart, so a share of customers who did is one of all users.
    """
    visited = [did.table for one in done for did in one.did if did.table in ("page_views", "events", "steps")]
    in_steps = "steps" in visited
    of_all = in_steps if metric == "buyer_share" else metric == "buyers" and (in_steps or parts.is_counted)
    if not (of_all and len(visited) == len(done) > 0):
        return ""
    said = [re.fullmatch("(?:share of )?(customers?|shoppers?)", word.text) for word in parts.words]
    return next((one[1] for one in said if one), "")


def is_share_of_buyers(word: Word) -> bool:
    """Whether a phrase is "share of our customers"."""
    return word.name == "buyer_share" and _SHARE_OF_BUYERS.fullmatch(word.text) is not None


def is_part_of_buyers(parts: Parts, filters: tuple[Filter, ...], by: list[str]) -> bool:
    """Whether buyers are the whole: "what share of our buyers use a Mac", not "share of buyers among Mac users"."""
    others = any(word.name in ("users", "sessions") for word in parts.words)
    is_divided = bool(filters or [name for name in by if DIMENSIONS[name].kind != "time"])
    return is_divided and not others and any(map(is_share_of_buyers, parts.words))


def _what_is_bought(
    parts: Parts, metrics: list[str], filters: tuple[Filter, ...], by: list[str], about: set[str], notes: list[str]
) -> str | None:
    """The metric of a question with the verb "buy" and no measure; None where it could be one of several."""
    if not {*metrics} <= {"users", "buyers", "sessions"} or parts.has("without"):
        return None
    compared = len(filters) == 1 and parts.comparatives and not by and not parts.is_counted
    if (parts.has("cause") or compared) and not about & OF_ITEMS:
        notes.append("Buying was read as a question about the conversion rate.")
        return "conversion_rate"
    if {*by} & OF_ITEMS and not parts.is_of_users and not parts.is_counted:
        return "items_sold"
    if parts.has("share") and not about & OF_ITEMS and not by:
        return "buyers" if filters and _PART_OF_THOSE.search(parts.text) else "buyer_share"
    if parts.is_counted and metrics and not by:
        return "buyers"
    if metrics == ["users"] and filters and not (by or about & OF_ITEMS) and _DO_THEY.match(parts.text):
        return "buyer_share"
    if by and (parts.has("high", "low") or parts.judged) and not about & OF_ITEMS and not parts.is_of_users:
        notes.append("Buying most was read as most orders.")
        return "orders"
    return None


def overview_of(filters: tuple[Filter, ...]) -> list[str]:
    """What groups are compared by, where no measure is named."""
    return list(_OF_ITEMS if any(one.dimension in OF_ITEMS for one in filters) else _OVERVIEW)


def likely(parts: Parts, about: set[str]) -> tuple[str, ...]:
    """What a question without a known measure may be about; empty where nothing says it.

    Args:
        about: the dimensions of its groups and values.
    """
    if parts.has("bought"):
        return _OF_ITEMS if about & OF_ITEMS else ("buyers", "orders", "conversion_rate")
    if about & OF_ITEMS:
        return _OF_ITEMS
    if about & _PAGES:
        return ("page_views",)
    return ("revenue", "orders") if parts.has("sell") else ()


def unnamed(measures: list[str]) -> str:
    """What was assumed, in a sentence."""
    *first, last = [METRICS[name].label for name in measures]
    return f"No measure is named, so the answer shows {', '.join(first)}{' and ' * bool(first)}{last}."
