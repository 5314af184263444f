"""Questions that continue the one before: "and on mobile?", "and the week before?"."""

from __future__ import annotations

import re
from dataclasses import replace

from beha2vec_core.chat.parts.grammar import OF_ITEMS, OF_PAGES
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.queries.asked import asks_either, both_ends, breakdown_of, filters_of
from beha2vec_core.chat.queries.compared import has_steps, step_of, step_since
from beha2vec_core.chat.queries.one_query import ascending_of
from beha2vec_core.chat.queries.ratios import divided
from beha2vec_core.chat.reading.fragments import AMONG
from beha2vec_core.chat.reading.grew_most import GREW_MOST
from beha2vec_core.chat.reading.of_those_before import asks_of_first, is_in_people, is_shown_by
from beha2vec_core.chat.reading.other_groups import (
    CANNOT,
    KINDS,
    NotContinued,
    beside_others,
    compares,
    is_split,
    of_other_pages,
    of_other_rest,
)
from beha2vec_core.chat.reading.sentences import OF_THEM
from beha2vec_core.chat.rewrites.named_pages import ITS
from beha2vec_core.chat.rewrites.paraphrases import SAME
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, PEOPLE_COUNTED, SOURCES
from beha2vec_core.semantic.query import Filter, Period, Query

LEADS = re.compile(
    rf"^\W*(?:(?:ok|okay|yes|no|good|great|right|thanks?|hm+)\b\W*)*(?:(?:and|what about|how about|but|or)\b|"
    rf"(?:versus|vs|compared (?:to|with))\b(?!.*,)|how (?:many|much)\W*$)|{SAME}"
)
_CONTINUES = re.compile(rf"{LEADS.pattern}|^\W*(?:now|then|only|just)\b")
# "and for visitors from Germany": a filter in the words of people, no measure
_OF_THOSE = re.compile(
    rf"\b(?:(?:for|from|of|among|by|with|in)\s+(?:(?:the|our|all|new|returning)\s+)*|(?:for|among)\s+(?:[\w-]+\s+)"
    rf"{{1,3}})(?:{PEOPLE}|sessions?|visits?)\b"
)
# words that stand for what was asked before, unless the question itself names it first
_PERIODS = r"week|month|year|quarter|period|day|days|time|many|much|true|right|correct"
_POINTS = re.compile(
    r"\b(?:is|was|does|did|has|have|are|were|do|break|split|show|compare|plot|sort|rank|of|to|in|about|by|with|for|than|"
    r"behind|from|among|like|why|how|and|but|so|now|drove|drives|caused|explains?|without|lose|losing)\s+(?:me\s+|all\s+)?"
    rf"(?:(it|that|this)\b(?!\s+(?:who|that|which|whose|{_PERIODS})\b)|"
    rf"(they|them|these|those)\b(?!\s+(?:who|that|which|(?:from|with)(?=\W+\w)|whose|{_PERIODS})\b))|"
    r"\bwhich\s+(ones?)\b|\b(?:is|was|are|were)\s+(that|it|those|these)\W*$|"
    r"(?:\b(?:is|was|are|were|about|and|what'?s)\s+|^\W*)"
    rf"(its|their|(?:these|those)(?=\s+(?:{PEOPLE})\b(?!\s+(?:who|that|whose|from|with|in|on)\b)))\b"
)
# "who bought it": whatever else the question is about, unless it names a thing first
_OBJECT = re.compile(
    r"\b(?:buys?|bought|orders?|ordered|sees?|saw|views?|viewed|uses?|used|visits?|visited|reads?|opened)\s+"
    r"(it|them|those|these)\b(?!\s+(?:who|that|which|whose|pages?|products?|items?))"
)
_ALWAYS = re.compile(
    r"\b(?:is|was|are|were)\s+(?:that|it|those|these)\W*$|"
    r"\b(?:of|from|by|for|to|with|on|in|via|through)\s+(?:that|it|those|these|them)(?:\W*$| (?:by|per)\b)|"
    r"\b(?:show|plot|give|express|put|split|break)\s+(?:me\s+|us\s+)?(?:that|it|this|those|these|them)\s+(?:down\s+)?"
    r"(?:as|in|by|per)\b|"
    rf"\b(?:did|do|does|are|were)\s+(?:those|these)\s+(?:{PEOPLE})\b(?!\s+(?:who|that|from|with|in|on|via)\b)|"
    r"\b(?:did|do|does)\s+(?:they|it|those|these)\s+(?:\w+\W*){1,2}$"
)
# "how much revenue did they make", but not "how many people ... and do they"
_DID_IT = re.compile(
    rf"^\W*(?:and )?how (?:much |many (?!(?:\w+ )?(?:{PEOPLE})\b)[\w-]+ )(?:[\w-]+ ){{0,2}}?"
    r"(?:did|do|does|have|has|is|are|was|were) (it|they|these|those|that)\b"
)
_IT = re.compile(r"\bits?\b", re.IGNORECASE)
_WHICH_ONE = re.compile(r"^\W*(?:and |so |but )?(?:is|was|are|were) (?:it|that|this)\b.*\bor\b")
_DIRECTION = re.compile(r"\b(?:up|down|growing|rising|falling|declining|increasing|decreasing|improving|dropping)\b")
_BUYING_OF = {"users": ("buyers", "buyer_share")} | {
    sessions: (rate, rate)
    for sessions, rate in (
        ("sessions", "conversion_rate"), ("cart_sessions", "cart_to_order"),
        ("checkout_sessions", "checkout_completion"),
    )
}  # fmt: skip
_ARE_THERE = re.compile(r"\b(?:is|are|were|was) there\b|\bdo we have\b")  # which clusters are there
_ANYTHING = re.compile("")
OF_LIMITED = "I can count those above a limit, but not say what else is true of them."
_ALONE = re.compile(r"\W*(?:(?:and|but|now|then) )*(?:only|just|what about|how about)\b")  # not beside those before
_NARROWS = re.compile(r"\W*(?:and |but )?(?:only|just)\b")
_IN_ORDER = re.compile(
    r"\b(?:highest|lowest|best|worst) first(?: please)?\W*$"
)  # as `rewrites/sort_orders.py` writes it
_OF_THEM = re.compile(
    rf"\W*(?:(?:and|but|so) )?{OF_THEM}(?!.*\b(?:more|less|better|worse|higher|lower|bigger|smaller|fewer|same|similar|"
    r"true|case)\b)"
)
_DROVE = re.compile(r"\b(?:drove|drives|caused|explains?) (?:it|that|this)\b")  # by which groups something changed
_ONLY_ORDERS = re.compile(
    r"\W*(?:and |but |now |then |what about |how about |or )*(?:only|just|for|of|among|in|the)\b"
    r"(?: (?:only|just|the|those|all))* (?:orders?|purchases?)\b"
)
_OF_TIME = {"hour", "weekday", "weekend", *(one.name for one in DIMENSIONS.values() if one.kind == "time")}
_GOODS = {"item_category", "item_subcategory", "item"}  # the same of what is sold; brands have items of several
_LISTED = {"user", "one_order"}  # of which only the first are shown
OF_REVENUE = ("sessions", "conversion_rate", "aov")  # which it is the product of
_OF_KINDS = {"new_users", "returning_users"}
_OF_WHOM = re.compile(rf"\b(?:{PEOPLE})\W*$")  # mobile users: users on mobile may be their number
_BY_KINDS = re.compile(rf"\b(?:by|into|for) new (?:and|vs\.?|versus|or) (?:returning|old) (?:{PEOPLE})\b")
_OWN_KINDS = ("share", "change", "trend", "bought", "sell", "average", "cause", "rest")


def about_leader(question: str, vocabulary: Vocabulary, leader: str) -> str:
    """The question with the first of a ranking in place of "it": "how many orders did it have?"."""
    if leader and ITS.search(question):
        return vocabulary.pages.of_its(question, [leader])
    found = _IT.search(question)
    if not (leader and found) or pointer(question, vocabulary, names_metric=False) != found[0].lower():
        return question
    return f"and {_IT.sub(lambda _: leader, question, count=1)}"


_PER = re.compile(r"\W*(?:and|or|what about|how about|\s)*per \w+\W*$")
_THEY_AND_IT = re.compile(r"\b(?:they|them|these|those)\b.*\b(?:it|one)\b")


def pointer(question: str, vocabulary: Vocabulary, names_metric: bool) -> str:
    """The word that stands for something of the question before: "is it worse on mobile?"; none: empty."""
    text = question.lower().replace("\u2019", "'")
    if asked := _DID_IT.search(text):
        return str(asked[1])
    if thing := _OBJECT.search(text):
        read = vocabulary.read(text[: thing.start()])
        return "" if any(word and word.kind == "value" for word, *_ in read) else str(thing[1])
    for found in _POINTS.finditer(text):
        pointed: str = next(filter(None, found.groups()))
        is_one = pointed in ("it", "that", "this")
        if is_one and names_metric and not _ALWAYS.match(text, found.start()):
            continue
        kinds = ("metric", "value") if is_one or pointed == "they" else ("metric", "value", "by")
        named = any(w and w.kind in kinds and w.name != "step" for w, *_ in vocabulary.read(text[: found.start()]))
        if not named or _ALWAYS.match(text, found.start()):
            return pointed
    return ""


def continued(
    question: str, parts: Parts, metrics: list[str], previous: Query, pointed: str, days: Period
) -> Query | None:
    """The query before with what the question changes; None where it is a question of its own.

    Args:
        pointed: the word of the question that stands for something of the one before.
        days: of the data.

    Raises:
        NotContinued: it could mean several queries.
    """
    lead_of_orders = _ONLY_ORDERS.match(question.lower())
    bought = re.search(r"\b(?:buy|bought|ordered)\s+(?:it|them|those|these)\b", question.lower())
    if pointed and (bought or _THEY_AND_IT.search(question.lower())):  # did they buy it
        raise NotContinued(CANNOT)
    if parts.is_worth and lead_of_orders and (previous.by or previous.metric not in ("orders", "revenue")):
        raise NotContinued(CANNOT)
    if pointed and _LISTED & {*previous.by} and not previous.limits:  # of those that are shown, or of all
        raise NotContinued(CANNOT)
    if previous.by and GREW_MOST.match(question):  # between which days
        raise NotContinued(CANNOT)
    if both_ends(parts):  # two answers
        if breakdown_of(parts):
            return None
        raise NotContinued(CANNOT)
    asked = [word for word in parts.words if word.kind not in ("filler", "judged", "high", "low")]
    if previous.by and not (asked or parts.unknown or previous.versus) and _IN_ORDER.search(parts.text):
        return replace(previous, ascending=ascending_of(parts, previous.metric))
    lead = _CONTINUES.search(question.lower()) or lead_of_orders
    are_two = any(compares(previous, name) for name in previous.by)
    if (previous.versus or are_two) and (named := due_to(question, parts, previous)):
        return Query(named[0], previous.by * are_two, previous.filters, previous.period, previous.versus)
    if len(metrics) == 1 and metrics[0] != previous.metric and _PER.match(question.lower()):
        if previous.per or METRICS[previous.metric].unit not in ("count", "money"):
            raise NotContinued(CANNOT)
        return divided(previous, metrics[0])
    asks_part = bool(pointed) and len(metrics) == 1 and (parts.is_part or parts.has("share"))
    asks_part &= len(previous.filters) == 1 and not (previous.by or breakdown_of(parts) or parts.times.periods)
    if asks_part and METRICS[metrics[0]].unit in ("count", "money") and not filters_of(parts, metrics[0]):
        return Query(metrics[0], (), previous.filters, previous.period, is_share=True)  # how much of revenue is theirs
    if previous.is_share and pointed and parts.has("bought", "majority"):  # of the part, or of the whole
        raise NotContinued(CANNOT)
    if pointed and not metrics and parts.has("bought") and previous.metric in _BUYING_OF:  # how many of them bought
        metrics = [_BUYING_OF[previous.metric][parts.has("share")]]
        words = [word for word in parts.words if word.kind not in ("bought", "share")]
        parts = replace(parts, words=words)
    if pointed and parts.has("sell") and previous.by:  # which of those sells best, how many of those did we sell
        metrics = metrics or ["items_sold" if {*previous.by} & OF_ITEMS else "revenue"]
        parts = replace(parts, words=[word for word in parts.words if word.kind != "sell"])
    if pointed and _BY_KINDS.search(question.lower()):  # split it by new and returning users
        metrics = [name for name in metrics if name not in ("users", "buyers")]
    if {*metrics} & _OF_KINDS and previous.metric not in PEOPLE_COUNTED and not parts.is_counted:
        metrics = [name for name in metrics if name not in _OF_KINDS]  # and only for returning visitors
    times, by, filters = parts.times, breakdown_of(parts), filters_of(parts, next(iter(metrics), None))
    is_ranked = previous.ascending is not None or bool(previous.top)
    is_other_list = pointed == "they" and {*previous.by} <= _OF_TIME  # when do they order: no days or hours do
    if pointed in ("it", "that", "this") and not (previous.top or {*by} & _OF_TIME):  # over time: the first one
        is_other_list |= is_shown_by(question)
    if pointed and previous.by and is_ranked and by and {*by} != {*previous.by} and not (filters or is_other_list):
        raise NotContinued(CANNOT)  # of the first of the list, or of all of it
    if (
        (pointed in ("it", "its") or asks_of_first(question, previous))
        and metrics
        and previous.by
        and not filters
        and (previous.ascending is not None or {*previous.by} & OF_ITEMS)
    ):
        raise NotContinued(CANNOT)  # the first of the list, whose name no question can have
    in_people = metrics == ["users"] and is_in_people(question, previous)
    if pointed and metrics and not in_people:
        is_lost = not filters or (previous.metric not in PEOPLE_COUNTED and all(one.did for one in filters))
        if previous.metric not in ("users", "sessions") and {*metrics} & {*PEOPLE_COUNTED} and not by and is_lost:
            raise NotContinued(CANNOT)  # how many of those buyers are new, or of those carts were bought
        if previous.top and (metrics != [previous.metric] or filters):
            raise NotContinued(CANNOT)  # the top five by another measure are others
    if pointed and metrics:
        lead = _ANYTHING.match(question)
    elif (
        pointed
        or (parts.has("cause") and by and previous.versus and not metrics)
        or (lead and parts.has("compare") and times.periods and not (metrics or filters or by))  # and compared to May
    ) and (query := _of_it(parts, by, previous, days)):
        return query
    is_compared = (parts.has("compare") or times.compares) and times.asks_before
    turned = _turned(parts, by, previous)
    is_part = bool(pointed and filters and (parts.is_part or parts.has("share")))
    if previous.by and pointed and parts.has("majority"):
        raise NotContinued(CANNOT)
    is_part |= is_asked_of_them(question) and _is_divisible(previous, metrics, filters, by)
    picks = len(metrics) == 1 and bool(previous.by) and not previous.explains and {*parts.judged} <= {"best", "worst"}
    is_of_two = bool(pointed) and len(metrics) == 1 and are_two
    is_group = len(filters) == 1 and not (metrics or by or times.periods or times.asks_before)
    more = beside_others(previous, filters[0]) if is_group else None
    if more and lead and parts.has("compare"):  # and compared to email?
        return more
    is_pair = (
        lead
        and parts.has("compare")
        and [len(one.values) for one in filters] == [2]
        and not (metrics or by or times.periods or previous.is_share)
    )
    if is_pair:  # and first orders against later ones: in place of the groups before
        by = [filters[0].dimension]
    of_its_own = [
        *(kind for kind in _OWN_KINDS if parts.has(kind) and not ((is_part or previous.is_share) and kind == "share")),
        *([] if turned or picks or is_of_two else parts.judged), *([] if is_of_two else parts.comparatives),
        *(["users"] if parts.is_of_users else []), *metrics[1:], *times.periods[1:],
        *(["over"] if parts.limits else []),
    ]  # fmt: skip
    if parts.has("compare") and not is_compared and not is_pair:
        of_its_own.append("compare")
    is_short = len(parts.words) <= 4 and not _ARE_THERE.search(question.lower())
    is_own = of_its_own or (metrics and not lead) or not (lead or pointed or is_short)
    if turned and not is_own:
        return replace(previous, ascending=not previous.ascending)
    if is_own or not (metrics or filters or by or times.periods or times.asks_before):
        if pointed:
            raise NotContinued(CANNOT)
        return None
    if previous.against_rest and len(filters) == 1 and not (metrics or by or times.periods or times.asks_before):
        return of_other_rest(previous, filters[0])
    if more and not _ALONE.match(question.lower()):
        return more
    is_of_them = in_people or (pointed in ("they", "them", "these", "those") and metrics == ["users"])
    is_of_orders = previous.metric == "orders" or METRICS[previous.metric].n_of == "orders"
    if is_of_them and (previous.metric in PEOPLE_COUNTED or is_of_orders):
        metric = previous.metric if previous.metric in PEOPLE_COUNTED else "buyers"  # how many of those buyers
    else:
        metric = _metric(question, parts, metrics, filters, by, previous)
    if previous.limits and (pointed or parts.is_counted) and filters:
        raise NotContinued(OF_LIMITED)
    filters = filters_of(parts, metric)
    sources = {one.dimension for one in filters} & {*SOURCES}  # of instagram paid, now organic: still of instagram
    replaced = sources if sources <= {one.dimension for one in previous.filters} else {*SOURCES}
    if times.periods and times.periods[0].first == times.periods[0].last:  # last Sunday, after Mondays
        replaced |= {"weekday", "weekend"}
    for kinds in (KINDS, _GOODS):
        replaced |= kinds if {one.dimension for one in filters} & kinds else set()
    others = previous.filters
    if not _NARROWS.match(question.lower()):
        filters, others = of_other_pages(filters, previous.filters)
    old = [one for one in others if one.dimension not in replaced and not is_split(one, by, previous)]
    kept = {(one.dimension, one.did): one for one in filters} | {
        (one.dimension, one.did): one for one in old if one.did or one.dimension not in {f.dimension for f in filters}
    }
    if {"previous_page", "next_page"} & {*by} and not any(name in OF_PAGES and not did for name, did in kept):
        raise NotContinued(CANNOT)  # of which page
    is_number = METRICS[metric].unit in ("count", "money")
    is_one = len(filters) < 2 and len(kept) - len(filters) == len(others)
    if is_part and (by or not (is_number and is_one)):
        raise NotContinued(CANNOT)
    period = times.periods[0] if times.periods else previous.period
    timed = any(DIMENSIONS[name].kind == "time" for name in by)
    versus = None if times.periods or timed else previous.versus
    explains = previous.explains or previous.by_change
    if times.asks_before:
        if period is None:
            raise NotContinued("Before which period? Your previous question named none.")
        before = times.before(period)
        period, versus = (period, before) if is_compared or times.periods else (before, None)
    elif times.periods and explains:
        versus = times.periods[0].before()
    if any(one.is_excluded and one.dimension in {old.dimension for old in previous.filters} for one in filters):
        raise NotContinued(CANNOT)
    chosen = {one.dimension for one in filters if not one.is_excluded}
    chosen |= {inner.dimension for one in filters for did in one.did for inner in did.filters}
    steps = tuple(name for name in previous.by if name == "step" and metric == previous.metric)
    is_each = previous.is_share and previous.filters and (previous.of_each or not previous.by)  # now by channel
    is_each = bool(is_each) and any(DIMENSIONS[name].kind != "time" for name in by or previous.by)
    either = tuple(one.dimension for one in filters if len(one.values) > 1 and asks_either(parts, one))
    apart = tuple(name for name in previous.by if name not in (*steps, *by) and compares(previous, name))
    new_by = (*steps, *apart, *by) if by else (*either, *(name for name in previous.by if name not in chosen))
    is_same = new_by == previous.by
    ascending = ascending_of(parts, metric) if new_by and not explains else None
    if ascending is None and (is_same or explains):
        ascending = previous.ascending
    is_other = metric != previous.metric
    if (previous.per and is_other) or (previous.having and (is_other or not is_same)):
        raise NotContinued(CANNOT)
    limits = {}
    if previous.limits:
        if metric != previous.metric or not is_same or times.asks_before:
            raise NotContinued(CANNOT)
        limits = {name: getattr(previous, name) for name in ("over", "under", "at_least", "at_most", "counts_groups")}
    named = [one.dimension for one in previous.filters]  # the part comes first
    is_same_whole = previous.is_share and not new_by and {one.dimension for one in filters} <= {*named}
    is_share = previous.is_share and not in_people and is_number and (bool(new_by) or len(kept) == 1 or is_same_whole)
    is_sorted = is_same_whole or is_each
    chosen_filters = sorted(kept.values(), key=lambda one: is_sorted and (*named, one.dimension).index(one.dimension))
    is_whole = not {*previous.by} - chosen and previous.filters  # of one of its groups, or of none
    narrows = AMONG.match(question.lower()) or _NARROWS.match(question.lower())
    is_new = metrics and (is_other or not narrows)  # "among journal readers" is another whole
    if previous.is_share and is_whole and not (new_by or is_part or is_share or is_new) and is_number:
        part = previous.filters[0]  # the share of mobile, and in Germany: of those from Germany
        is_share = part in kept.values()
        chosen_filters = [part, *(one for one in kept.values() if one != part)] if is_share else chosen_filters
    against_rest = previous.against_rest and is_same and {*new_by} <= {one.dimension for one in kept.values()}
    return Query(
        metric, new_by, tuple(chosen_filters), period, versus, is_share or (is_part and not new_by),
        parts.top or (previous.top if is_same else None), ascending,
        by_change=bool(explains and new_by and versus), moved=bool(previous.moved and new_by and versus),
        explains=bool(explains and not new_by and versus), having=previous.having, per=previous.per,
        against_rest=against_rest, of_each=is_each and is_share and bool(new_by), **limits,
    )  # fmt: skip


def is_asked_of_them(question: str) -> bool:
    """Whether it is asked what they are, of what was counted before: "did they come from email?"."""
    return _OF_THEM.match(question.lower()) is not None


def _is_divisible(previous: Query, metrics: list[str], filters: tuple[Filter, ...], by: list[str]) -> bool:
    """Whether the share of a part answers what is asked of them; not of the groups of a list.

    Raises:
        NotContinued: what else is true of those above a limit is not known.
    """
    if filters and previous.is_share:  # of the part, or of the whole
        raise NotContinued(CANNOT)
    if previous.limits and filters:
        raise NotContinued(OF_LIMITED)
    is_number = METRICS[previous.metric].unit in ("count", "money")
    return bool(filters) and is_number and not (metrics or by or previous.by or previous.versus or previous.is_share)


def due_to(question: str, parts: Parts, previous: Query) -> list[str]:
    """The measures of which it asks for the one that a change is due to: "is it the traffic or the conversion?"."""
    named = list(dict.fromkeys(word.name for word in parts.words if word.kind == "metric"))
    others = len(named) < 2 or breakdown_of(parts) or parts.times.periods
    if others or not _WHICH_ONE.match(question.lower()):
        return []
    return [*dict.fromkeys((*named, *(OF_REVENUE if previous.metric == "revenue" else ())))]


def _of_it(parts: Parts, by: list[str], previous: Query, days: Period) -> Query | None:
    """What is asked of the measure of the question before, beyond other filters or another breakdown.

    None: no more than these.
    """
    filters, times = filters_of(parts, previous.metric), parts.times
    compared = bool(parts.comparatives or parts.judged or parts.has("compare", "change"))
    ranked = parts.has("high", "low", "judged") or bool(parts.judged)
    plain = {"metric": previous.metric, "period": previous.period}
    moves = compared or parts.has("trend") or _DIRECTION.search(parts.text) is not None
    is_one = not (filters or by or previous.by or previous.limits or times.periods[1:])
    is_in_steps = [DIMENSIONS[name].kind for name in by] == ["time"] and not (filters or previous.limits)
    is_in_steps &= all(DIMENSIONS[name].kind == "time" for name in previous.by)
    if parts.has("trend") and (is_one or is_in_steps) and not (times.periods or times.asks_before or previous.is_share):
        period, step = previous.period, by[0] if by else step_of(previous.period or days)
        if period and not has_steps(period, step):  # of March by month
            parts.notes.append(f"All days are shown: {period.in_words} is too short for a trend by {step}.")
            period, step = None, step if by else step_of(days)
        return replace(previous, by=(step,), period=period, versus=None, explains=False)
    if moves and times.is_open and times.periods and is_one:  # has it gone up since May
        since = times.periods[0]
        return replace(previous, by=(step_since(since, days),), period=since, versus=None, explains=False)
    if previous.is_share and compared and len(filters) == 1 and not (by or previous.by or parts.words[4:]):
        (group,) = filters  # is it higher on mobile: the same share, of these
        named = {one.dimension for one in previous.filters}
        if not (group.did or group.is_excluded or group.dimension in named or times.periods or times.asks_before):
            return replace(previous, filters=(*previous.filters, group))
    if previous.limits or previous.is_share or parts.has("share") or parts.is_part:
        return None
    if len(times.periods) == 2 and compared and not (filters or by or ranked or parts.has("cause")):
        earlier, later = sorted(times.periods, key=lambda one: one.first)  # how did that change from May to June
        if earlier.last >= later.first or any(DIMENSIONS[name].kind == "time" for name in previous.by):
            raise NotContinued(CANNOT)
        return Query(filters=previous.filters, by=previous.by, metric=previous.metric, period=later, versus=earlier)
    if len(times.periods) > 1:
        return None
    is_said = times.back or (times.unit and times.asks_before and not previous.versus)
    versus = times.before(previous.period) if previous.period and is_said else previous.versus
    versus = versus or (previous.period.before() if previous.period else None)
    asks_change = parts.has("change") or _DROVE.search(parts.text) is not None
    if parts.has("cause") or (by and previous.versus and (ranked or asks_change)):
        if filters or times.periods or not versus or (by and len(by) > 1):
            raise NotContinued(CANNOT)
        kept = Query(filters=previous.filters, versus=versus, **plain)  # type: ignore[arg-type]
        return replace(kept, by=tuple(by), by_change=True) if by else replace(kept, explains=True)
    if ranked and not (filters or times.periods or times.asks_before) and {*by} <= {*previous.by}:
        if not previous.by:
            raise NotContinued(f"Which of what? You asked for one number before: {METRICS[previous.metric].label}.")
        judged = [word for word in parts.judged if word in ("best", "worst")]
        ascending = (judged[0] == "worst") == (METRICS[previous.metric].better > 0) if judged else parts.has("low")
        sold = ("items_sold" if {*previous.by} & OF_ITEMS else "revenue") if parts.has("sell") else previous.metric
        return replace(previous, metric=sold, ascending=ascending)
    if compared and (times.periods or times.asks_before) and not filters and not by:
        other = times.periods[0] if times.periods else versus
        if previous.period is None or other is None or previous.by:
            raise NotContinued(CANNOT)
        later, earlier = sorted((previous.period, other), key=lambda one: one.first, reverse=True)
        return Query(filters=previous.filters, metric=previous.metric, period=later, versus=earlier)
    if compared and filters and not (by or times.periods or times.asks_before):
        chosen, *others = filters
        kept_filters = tuple(one for one in previous.filters if one.dimension != chosen.dimension)
        same = next((one for one in previous.filters if one.dimension == chosen.dimension), None)
        if same and compared and not same.is_excluded:  # email, and how it compares with paid search
            chosen = Filter(chosen.dimension, tuple(dict.fromkeys((*same.values, *chosen.values))))
        of_visit = {one.dimension for one in kept_filters} & {*SOURCES} and chosen.dimension in SOURCES
        if others or chosen.is_excluded or previous.versus or of_visit:
            raise NotContinued(CANNOT)
        one = Query(filters=(*kept_filters, chosen), by=(chosen.dimension,), **plain)  # type: ignore[arg-type]
        return one if len(chosen.values) > 1 else replace(one, against_rest=True)
    if _DIRECTION.search(parts.text) and previous.period and versus and not (by or previous.by or times.periods):
        return replace(previous, versus=versus)  # is that up or down
    if parts.has("trend") and not by:
        step = step_of(times.periods[0] if times.periods else previous.period or days)
        return replace(
            previous, by=(step,), versus=None, ascending=None, top=None, explains=False, by_change=False, moved=False,
            period=times.periods[0] if times.periods else previous.period, against_rest=False,
        )  # fmt: skip
    if compared and by and not (filters or times.periods):  # does it differ by device
        return Query(by=tuple(by), filters=previous.filters, **plain)  # type: ignore[arg-type]
    return None


def _turned(parts: Parts, by: list[str], previous: Query) -> bool:
    """Whether it asks for the other end of the same order: "and the worst?"."""
    others = [word for word in parts.words if word.kind not in ("filler", "judged", "high", "low")]
    low, high = ("worst", "best") if METRICS[previous.metric].better > 0 else ("best", "worst")
    asks = parts.has("low") or low in parts.judged
    asks_high = parts.has("high") or high in parts.judged
    is_other = asks if not previous.ascending else asks_high
    return bool(previous.by) and previous.ascending is not None and not others and not by and is_other


def _metric(
    question: str, parts: Parts, metrics: list[str], filters: tuple[Filter, ...], by: list[str], previous: Query
) -> str:
    """The metric of a follow-up: its own, unless its words for users or sessions only stand beside a filter."""
    narrows = bool(filters or by)
    groups = {one.dimension for one in filters} & {*previous.by, *(one.dimension for one in previous.filters)}
    is_group = groups and metrics == ["users"] and ("cluster" in groups or _OF_WHOM.search(question.lower()))
    if not metrics or (is_group and not parts.is_counted):  # and mobile users, after revenue by device
        return previous.metric
    before, asked = METRICS[previous.metric], METRICS[metrics[0]]
    if narrows and asked.name == "orders" != before.name and _ONLY_ORDERS.match(question.lower()):
        if before.n_of.startswith("order"):  # the order value, of only those with a coupon
            return before.name
        raise NotContinued(f"Orders, or {before.label} of orders?")
    is_weak = asked.is_weak or asked.name == "buyers"
    if not (is_weak and narrows) or parts.is_counted or before.name == asked.name:
        return asked.name
    if _OF_THOSE.search(question.lower()) or (before.n_of.startswith(("session", "user")) and before.unit != "money"):
        return before.name
    if before.is_weak:
        return asked.name
    raise NotContinued(f"{asked.label.capitalize()}, or {before.label} of {asked.label}?")
