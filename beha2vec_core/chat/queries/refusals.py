"""What the words of a question mean together and no query answers, though each of them is understood."""

from __future__ import annotations

import re
from itertools import pairwise

from beha2vec_core.chat.days.periods import MARK
from beha2vec_core.chat.parts.grammar import Word, loosely
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.queries.asked import charged
from beha2vec_core.chat.queries.implied_measures import NotRead, is_share_of_buyers
from beha2vec_core.chat.words.currencies import CURRENCY_WORDS
from beha2vec_core.chat.words.verbs import DOWN, PEOPLE, UP
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import CHARGES, DIMENSIONS, METRICS, OF_STEPS, PEOPLE_COUNTED, SOURCES
from beha2vec_core.semantic.query import Did, Filter, Query

_OF_EACH = re.compile(r"\b(?:per|each|every|within)\b")
_OF_SESSIONS = ("cart_to_order", "checkout_completion")
_IN_TOTAL = re.compile(r"\b(?:total|altogether|combined|all together|sum|in all)\b")
_HOW = re.compile(r"\bhow (?:do|does|did|can|could)\b")
_OF_BUYING = ("buyer_share", "conversion_rate", "revenue_per_user", "revenue_per_session")  # of those who buy, or not
_MOVED_LESS = re.compile(  # grew less than before, or than others; not "lost more orders"
    rf"\b(?:{'|'.join((*DOWN, *UP))}) (?:less|fewer|more(?=\W*$| (?:in|than|on|during|since)\b| {MARK}))"
)
_MOVED_SO_MUCH = re.compile(  # doubled, grew by half, grew by at least 100 orders, of which "by" is left here
    rf"\b(?:doubl|tripl|trebl|quadrupl|halv)\w*|\btwofold\b|\bby(?=\W*$| half\b| (?:in|on|during|since|than)\b| {MARK})"
)
_IN_PERCENT = re.compile(r"(?:\bpercent\w*|%|\brelative(?:ly)?\b)(?! of\b)")
_OF_A_CHANGE = re.compile(
    r"(?:\bshare|\bpercent\w*|%|\bpart|\bportion|\bproportion) of (?:(?:the|our|this|that|all) )*(?:\w+ )?"
    r"(?:growth|increase|decrease|change|rise|drop|decline|uplift)\b"
)
_THAN_IN = re.compile(rf"\bthan (?:(?:in|on|during) )?{MARK}")
_MOVED = "|".join((*DOWN, *UP))
_OF_PEOPLE = (
    rf"(?:how many|which|what|number of|(?:share|percent\w*|%|proportion) of)(?: (?:the|our|all))* (?:{PEOPLE})"
)
_OTHER_WORDS = (  # after the amount of an order
    rf"{CURRENCY_WORDS}|percent|revenue|value|each|total|"
    r"in|on|at|from|for|with|by|and|or|but|of|to|that|which|who|where|when|were|was|are|is|did|do|last|this|per|"
    r"during|since|between|before|after|via|through|across|among|compared|vs|versus|than|over|placed|made|bought|"
    r"times?|days?|weeks?|months?|orders?|ordered|come|came|have|had|has|we|they|there|sold|yesterday|today|only"
)
# what a question asks for, in small letters, and no query answers, though all of its words are known; and why not
NO_QUERY = (
    (rf"\bhow many (?:(?:product|item|page) ?)?(?:views|pages|products|visits|sessions)\b.*\b(?:until|till|before)"
     rf"(?: (?:{PEOPLE}|they|an?|the))* (?:adds?|adding|puts?|putting|reach|begin|start)\w* ",
     "I count visits and pages up to the first order, not up to a cart: I have the time from product view to cart."),
    (r"\b(?:paths?|routes?|journeys?)\b(?: (?:that|which|do|does|did|people|users|visitors|they|most|often|is|are))* "
     r"(?:from|to|between|through|takes?|taken)\b",
     "I know which page comes before or after another one, and the funnel, but no longer paths."),
    (rf"\b(?:pages?|articles?|what)\b.*\b(?:look|view|see|read|visit)\w*\b.*\bbefore (?:(?:they|{PEOPLE}) )?(?:buy|"
     r"order|purchas)\w* (?!(?:something|anything|it|from|here|for|in|on|via|with|at|by|again|last|this|and|or|an? "
     r"(?:order|purchase)|the first|their)\b)\w",
     "What people view before they buy is known of all orders together, not of those of one product."),
    (r"\b(?:back|came|returned|visited|seen)\b.*\bafter (?:(?:being|having been) (?:away|gone|absent|inactive|out)|not "
     r"(?:visiting|coming|being|having)|an? (?:long |longer )?(?:break|absence|gap|pause)|[\w ]+ (?:of absence|away|"
     r"without))\b",
     "I can list who visited in some days and not in others, but not how long each user was away. Name the days: who "
     "visited in April but not in March?"),
    (rf"^(?!.*\b(?:clusters?|segments?|groups?)\b)\W*(?:who|whom|(?:which|what) (?:{PEOPLE}))\b.*\bshould (?:i|we)\b"
     r".*\b(?:contact|e?-?mail|call|write|target|message|reach|approach|prioriti[sz]e|win back)\b|\b(?:who|whom) to "
     r"(?:contact|e-?mail|target)\b",
     "The data do not show who buys because of a message: only an experiment can. I can say who is likely to buy, or "
     "not to come back: which 100 users are most likely to buy?"),
    (rf"(?:\bshare|\bpercent\w*|%|\bproportion|\bpart) of (?:(?:the|our|all) )*(?:{PEOPLE}) (?:(?:who|that) )?(?:are|"
     r"is|were|came|come|used?) (?!.*\b(?:who|that)\b).*\band (?:(?:have|also|has) )*(?:bought|ordered|purchased|"
     r"converted)\b",
     "Is it the share of all users, or of this group? I can say what share of a group bought, and how many that are: "
     "what share of mobile users bought?"),
    (r"^(?!.*\b(?:where|steps?|funnel|checkout|carts?|pages?)\b).*\b(?:lose|lost|losing) (?:(?:more|fewer|less|"
     r"many|any) )+(?:customers|buyers)\b",
     "I can count customers who have not come back for some days, not when they were lost."),
    (rf"\b(?:how (?:often|many times)|how many (?:day|week|month|quarter)s|number of (?:day|week|month|quarter)s)\b.*"
     rf"\b(?:{_MOVED})\b(?! (?:out|off|away)\b)",
     "I can find the largest rise or fall from one day, week or month to the next, but not how often it rose or fell."),
    (rf"\b(?:{_OF_PEOPLE}|^\W*who)\b.*\b(?:more|less|fewer|higher|lower|larger|bigger|smaller)\b.*\bthan (?:in|on|via|"
     r"from|during|before|after|last|the (?:day|week|month) before|their|they)\b",
     "I can compare all users of two periods or groups, but not each user with themselves."),
    (r"^(?!.*\bhow many (?:orders|sessions|visits|purchases)\b).*\b(?:who|that)\b(?! (?:is|are)\b).*\bevery "
     r"(?:single )?(?:day|week|month)\b(?!')|^\W*who\b(?! (?:is|are)\b).*\beach (?:day|week|month)\b(?!')",
     "I can say how many did this in each day, week or month, but not who did it in all of them."),
    (r"^\W*who (?:came|visited|bought|ordered|viewed|used|saw|read|searched)\b(?!.*\b(?:most|best|more|less)\b).*\bor\b"
     r"(?! (?:more|less|fewer|so)\b| (?:in |during )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|last|this|\d))",
     "I can say who did one thing, but not who did one or another."),
    (r"\b(?:customers?|buyers?|clients?)(?: who| that)? (?:have|has|had|did)(?:n't| not) (?:bought|ordered|purchased?|"
     r"buy|order)(?: again| anything)? (?:in|during) (?!(?:the |our )?(?:last|past|\d+|an?|two|three|four)\b)",
     "Name when they bought: who bought in January but not in March?"),
    (r"^(?!.*\b(?:time|long)\b).*\bsame (?:visit|session)s?\b",
     "I can count visits in which both happened: ask how many visits had both."),
    (r"\b(?:(?:non-? ?)?brand(?:ed)?|generic) (?:search(?:es)?|keywords?|ads?|terms?|clicks?)\b",
     "The data do not tell searches for a brand from others: name the campaign."),
    (r"\b(?:average|mean|avg|median) orders (?:per|by|for each|in each) (?!orders?\b|users?\b|customers?\b|buyers?\b|"
     r"visitors?\b|sessions?\b|visits?\b|day\b|week\b|person\b|head\b)|\bmedian orders\b",
     "The average of what: the order value, or the number of orders of a day?"),
    (r"^\W*(?:double|triple|quadruple|treble|twice|thrice|half) (?:the|our|as|that|of)\b(?! our| the)",
     "I can say by how much something changed, but I do not compute multiples of it."),
    (rf"\b(?:how many|which|who) (?:of|among) (?:(?:our|the|my) )*(?:top|best|biggest|first) \d+ (?:{PEOPLE})\b",
     "I can list these users, but not say what else is true of them."),
    (rf"\b(?:{PEOPLE}|who)\b.*\b(?:more than|at least|over) (?:one|two|three|\d+) (?:different )?"
     r"(?:categor(?:y|ies)|brands?|channels?|devices?|browsers?|campaigns?)\b",
     "I can count how often people did something, but not in how many different groups."),
    (r"\b(?:orders?|purchases?|baskets?)\b(?: \w+){0,2} (?:fewer than|less than|under|below|at most|up to) (?:\d+|one|"
     rf"two|three) (?!(?:items?|products?|pieces?|units?|articles?|things?|{_OTHER_WORDS})\b)[a-z]",
     "I can count orders of at least so many of one kind of goods, not of fewer."),
    (rf"\b(?:slowest|least (?:quickly|rapidly))[- ](?:{_MOVED})\b",
     "I can list what rose or fell, by how much, but not what changed least."),
    (r"\b(?:(?:more|less|fewer) than|over|under|at least|most) (?:(?:half|a third|a quarter|\d+ ?(?:%|percent)) )?of "
     r"(?:their|its)\b(?! (?:\w+ )?(?:revenue|orders?|purchases?|money)\W*$)",
     "I can show a share of each group, but not only the groups where it is more than a limit."),
)  # fmt: skip
_BY_NUMBER = re.compile(r"\bby (?:the |their )?(?:number|count|amount) of\b")
_OF_TIME = {"slowest": "how fast", "fastest": "how fast", "longest": "how long", "shortest": "how long"}
_TIMES = ("seconds", "days")  # units


def refuse_certain(query: Query) -> None:
    """Raise for the share of all buyers who ordered: "do customers who used a coupon buy more often?"."""
    ordered = [did for one in query.filters[:1] for did in one.did]
    if query.is_share and query.metric == "buyers" and ordered == [Did("purchases")]:
        raise NotRead("All customers have ordered: ask for orders per user, or about users instead of customers.")


def refuse_what_is_no_query(parts: Parts, filters: tuple[Filter, ...], by: list[str]) -> None:
    """Raise for what the words mean together, though each of them is understood."""
    if parts.problem:
        raise NotRead(parts.problem)
    if _OF_A_CHANGE.search(parts.text):
        raise NotRead("I cannot give a share of a change: ask why it changed to see the part of each group.")
    _refuse_groups_of_numbers(parts)
    _refuse_unknown_times(parts)
    ranked = parts.top or parts.judged or parts.has("high", "low", "judged")
    ranked = ranked or any(word.text.startswith(("best", "top")) for word in parts.words if word.kind == "metric")
    if ranked and len([name for name in by if DIMENSIONS[name].kind != "time"]) > 1 and _OF_EACH.search(parts.text):
        raise NotRead("I can find the first of all groups, but not the first within each.")
    named = [word for word in parts.words if word.kind == "metric"]
    before = {word.place + len(word.text.split()): word.text for word in parts.words}
    for word in parts.words:
        per = before.get(word.place) in ("per", "each", "every")
        is_second = word in named[1:] and word.name in ("users", "buyers", "sessions") and not parts.is_of_users
        is_second &= before.get(word.place) == "by" and word.name not in [one.name for one in named[:1]]
        if word.kind in ("metric", "value") and (per or is_second):
            raise NotRead(f"I cannot give this per {word.text}.")
    filters = tuple(one for one in filters if not one.did)
    several = [one for one in filters if len(one.values) > 1 and not one.is_excluded]
    if len(several) > 1 and not any(len(value.values) > 1 for word in parts.words for value in word.values):
        raise NotRead("I can compare the values of only one dimension at a time, such as channels or devices.")
    values = [word for word in parts.words if word.kind == "value"]
    texts = [word.text for word in values]
    once = [word for word in values if texts.count(word.text) == 1]
    apart = any(_are_joined(parts, one, other) for one, other in pairwise(values) if one in once and other in once)
    if len({one.dimension for one in filters} & {*SOURCES}) > 1 and (apart or _sides_differ(parts, once, filters)):
        said = [f"“{value}” is a {DIMENSIONS[name].label}" for name, value in _sources_named(once, filters)]
        which = f"{' and '.join(said)}, and both" if len(said) > 1 else "Channel, source, medium and campaign"
        raise NotRead(f"{which} describe the same visit: ask for one of them at a time.")
    than = "than" in parts.text.split() and not parts.has("rest")
    of_two = [one for one in filters if len(one.values) == 2 and not one.is_excluded]
    groups = [name for name in by if all(one.dimension != name for one in of_two)]
    if than and of_two and groups and re.search(r"\b(?:which|what|how many)\b", parts.text):
        raise NotRead("I can show two values in each group, but not only the groups where one is higher.")
    if than and any(one.dimension in by and len(one.values) == 1 for one in filters):
        raise NotRead("I cannot list all groups with more or less than one of them.")


def _refuse_groups_of_numbers(parts: Parts) -> None:
    """Raise for groups that are numbers: "users by number of sessions"."""
    found = _BY_NUMBER.search(parts.text)
    said = {word.kind for word in parts.words if found and re.search(word.pattern, parts.text[: found.start()])}
    if "metric" in said and "by" not in said and not parts.is_of_users:
        raise NotRead("I can sort groups by a number, but not count how many have each number.")


def _refuse_unknown_times(parts: Parts) -> None:
    """Raise for the slowest page, the longest article: how long they take is no measure of the question."""
    said = [word.text for word in parts.words if word.kind in ("high", "low") and word.text in _OF_TIME]
    said = [] if any(word.kind == "by" and DIMENSIONS[word.name].kind == "time" for word in parts.words) else said
    metrics = [METRICS[word.name] for word in parts.words if word.kind == "metric"]
    is_moving = parts.has("sell", "bought", "change", "trend")
    if not said or is_moving:
        return
    is_known = bool(metrics) if _OF_TIME[said[0]] == "how fast" else any(one.unit in _TIMES for one in metrics)
    if not is_known:
        raise NotRead(f"The data do not say {_OF_TIME[said[0]]} these are: “{said[0]}”.")


def _sources_named(words: list[Word], filters: tuple[Filter, ...]) -> list[tuple[str, str]]:
    """Two of channel, source, medium and campaign that became filters, each with a value of the words."""
    named = {value for word in words for value in word.values}
    found = {
        one.dimension: clean_text(value.values[0], limit=40)
        for one in filters
        for value in named
        if value.dimension == one.dimension and one.dimension in SOURCES and {*value.values} & {*one.values}
    }
    return [*found.items()][:2]


def _are_joined(parts: Parts, one: Word, other: Word) -> bool:
    """Whether "and", "or" or the like stands between two values that are not of the same dimension."""
    if one.dimensions & other.dimensions:
        return False
    is_side = rf"(?!\s*{other.pattern}\s+(?:vs|versus|against)\b)"  # from google, paid vs organic
    joined = rf"{one.pattern}(?:\s*,{is_side}|\s+(?:and|or|vs|versus|than|to)\b)"
    return re.search(joined, parts.text) is not None


def _sides_differ(parts: Parts, words: list[Word], filters: tuple[Filter, ...]) -> bool:
    """Whether the two sides of a comparison became filters of different dimensions: "x paid better than x organic"."""
    sides = re.split(r"\b(?:than|vs|versus|against)\b", parts.text, maxsplit=1)
    dimensions = [
        {
            one.dimension
            for word in words
            for value in word.values
            for one in filters
            if re.search(word.pattern, side) and value.dimension == one.dimension and {*value.values} & {*one.values}
        }
        for side in sides
    ]
    return len(sides) == 2 and bool(dimensions[0] - dimensions[1]) and bool(dimensions[1] - dimensions[0])


_LIMITED = re.compile(r" (?:on|from|in|via|using|who|that|with|without)\b")  # than users on mobile


def check_all_asked(parts: Parts, metrics: list[str]) -> None:
    """Raise where one of several measures would have no answer: "sessions up and revenue down"."""
    for one, other in pairwise(word for word in parts.words if word.kind == "metric"):
        is_joined = re.search(rf"\b(?:and|or)\s+(?:(?:the|our|is|are|did)\s+)*{other.pattern}", parts.text)
        two = {one.name, other.name}
        if is_joined and len(two) > 1 and not (two <= {*metrics} or two == {"new_users", "returning_users"}):
            raise NotRead(f"I cannot answer these together. Ask for one at a time: {one.text} and {other.text}.")
        is_than = re.search(rf"(\b(?:more|fewer|less) )?{one.pattern}\b.*\bthan (?:the )?{other.pattern}", parts.text)
        is_kind = other.name in ("new_users", "returning_users")  # of people, not a measure
        if is_than and other.name in PEOPLE_COUNTED:
            is_kind |= _LIMITED.match(parts.text, is_than.end()) is not None
        is_weak = METRICS[other.name].is_weak and not (is_than and is_than[1])
        if is_than and len(two) > 1 and not (two <= {*metrics} or is_kind or is_weak):
            raise NotRead(f"{one.text.capitalize()} and {other.text} are different measures: ask for each of them.")
        if is_share_of_buyers(one) and one.is_beside(other) and not is_joined and "," not in parts.text:
            raise NotRead(f"I have {METRICS[other.name].label} of all users and sessions only: “{other.text}”.")


def refuse_beside_charges(parts: Parts) -> None:
    """Raise where no amount of tax or shipping is asked for: people or orders with it, views of pages about it."""
    charges = "|".join(word.pattern for word in parts.words if word.name in CHARGES)
    if not charges:
        return
    beside = [word for word in parts.words if word.kind == "metric" and word.name not in (*CHARGES, *charged(parts))]
    counted = [word for word in beside if METRICS[word.name].unit != "money" and word.name != "orders"]
    is_condition = re.search(
        rf"\b(?:with|had|have|has|having|without|that|who|which|by) (?:any |no )?(?:{charges})\b", parts.text
    )
    is_of_people = counted and (parts.is_counted or any(word.name not in PEOPLE_COUNTED for word in counted))
    if is_of_people or (beside and is_condition):
        raise NotRead(
            "For tax and shipping I have the amounts that orders report, not who paid them or looked for them."
        )


def check_people(parts: Parts, metric: str, filters: tuple[Filter, ...], is_compared: bool, notes: list[str]) -> None:
    """Raise where what is asked of buyers is known of all users only, and where it is asked how they do it."""
    if metric == "engagement_time" and _IN_TOTAL.search(parts.text):
        raise NotRead("I have the engagement time per session, but not its total.")
    people = re.search(r"\b(?:users?|visitors?|people|customers?|shoppers?|buyers?)\b", parts.text)
    of_sessions = metric in (*OF_STEPS, *_OF_SESSIONS)
    of_sessions |= parts.has("share") and METRICS[metric].unit == "share" and METRICS[metric].n_of.startswith("session")
    if people and of_sessions:
        notes.append("Sessions are counted, not users.")
    named = next((word.text for word in parts.words if word.name == "buyers"), "")
    is_of_them = re.search(rf"\b(?:of|among|for|by) (?:(?:all|our|the) )*{loosely(named)}\b", parts.text) is not None
    both_asked = re.search(rf"\busers and {loosely(named)}\b", parts.text) is not None and metric == "users"
    is_of_all = not {"purchases", "items", "orders_in_turn"} & {*METRICS[metric].sql}
    if named and is_of_all and not both_asked and (is_of_them or metric not in _OF_BUYING):
        if not re.fullmatch(r"customers?|shoppers?", named):
            raise NotRead(f"I have {METRICS[metric].label} for all users only, not for {named}.")
        if metric != "sessions" and METRICS[metric].label.startswith("sessions") and not of_sessions:
            notes.append(f"Sessions are counted, not {named}.")
        elif not of_sessions:
            notes.append(f"“{named}” was read as all users, with or without an order.")
    if metric in PEOPLE_COUNTED and any(one.is_excluded and one.dimension == "order_number" for one in filters):
        raise NotRead("Ask for customers with exactly one order, or with at least two.")
    if metric in PEOPLE_COUNTED and any(one.is_excluded and not one.did for one in filters):
        notes.append("Sessions are left out, not users: those who also have other sessions are counted.")
    if _HOW.search(parts.text) and metric in PEOPLE_COUNTED and not is_compared:
        raise NotRead("The data show how many users do something, not how they do it.")


def refuse_what_moved_so_much(parts: Parts) -> None:
    """Refuse what is asked of groups that rose or fell besides which they are.

    Raises:
        NotRead: they are those that moved less than others, or by some number, or against a period that is not named.
    """
    if _IN_PERCENT.search(parts.text):
        raise NotRead("I can sort what rose or fell by the change in numbers, but not in percent.")
    if _MOVED_LESS.search(parts.text):
        raise NotRead("I can say by how much something rose or fell, but not whether that is more or less than before.")
    if _MOVED_SO_MUCH.search(parts.text):
        raise NotRead("I can list all groups that rose or fell, but not only those above a certain number or factor.")
    if parts.comparatives and _THAN_IN.search(parts.text) and not parts.times.periods[1:]:
        raise NotRead("Please name both periods that should be compared.")
