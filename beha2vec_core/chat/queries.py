"""The queries that the parts of a question ask for, and what was assumed."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from beha2vec_core.chat.compared import days_before, months_in_a_row, periods_of, step_of
from beha2vec_core.chat.measures import (
    IS_SO,
    OF_GROWTH,
    NotRead,
    as_rate,
    metric_of,
    overview_of,
    unnamed,
)
from beha2vec_core.chat.nearest import some_of
from beha2vec_core.chat.parts import (
    Parts,
    asks_either,
    breakdown_of,
    filters_of,
    group_counted,
    is_named_apart,
    is_one_group,
    is_ranking,
    loosely,
)
from beha2vec_core.chat.qualifiers import PEOPLE_COUNTED
from beha2vec_core.chat.refusals import check_all_asked, check_people, refuse_what_is_no_query
from beha2vec_core.chat.special import in_common, is_part, orders_worth, part_of
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, STEPS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Did, Filter, Period, Query

_EITHER = re.compile(r"\bor\b")
_GETS = re.compile(r"\b(?:get|gets|getting|got|become|becoming|usual|do we|are we|did we|have)\b")
_OF_A_USER = ("revenue", "orders", "sessions", "page_views", "items_sold", "net_revenue")  # what users are listed by
_SO_MUCH = re.compile(r"\b(?:so|much|that|far|way)\b")
_LEAVING = {"checkout_abandonment": 3, "cart_abandonment": 2, "conversion_rate": 1}  # why: the funnel from this step
_BETWEEN = (  # of two that are compared
    r"(?:(?:\s+\w+){0,2}\s+(?:better|worse|more|less|higher|lower|stronger|weaker)(?:\s+\w+){0,2})?\s*,?\s*"
    r"(?:vs\.?|versus|or|against|compared (?:to|with)|than|with|and)\s+(?:on |from |in )?"
)
_ARE_THERE = re.compile(r"\b(?:are|is) there\b.*\b(?:more|fewer|less)\b")
_ARE = re.compile(r"\b(?:are|is|were|was|comes?|came|use|using)\b")
_BUYERS = re.compile(r"\b(?:customer|buyer|shopper|purchaser)s?\b")
_IS_BEST = re.compile(r"^(?:is|are|was|were)\b.*\b(?:best|worst|top|biggest|largest|strongest|weakest|smallest)\b")
_WHICH_DAY = re.compile(r"\b(?:which|what) (?:day|week|month)\b")
_KEYS = {"users": "user", "sessions": "session"}  # what of these did something
_BOTH = re.compile(r"\bboth\b")
_LISTED = 10  # users of "who viewed shoes"
_NOT_WHY = "The data show where this is so, not its cause."


def sides_of(parts: Parts) -> list[Parts]:
    """The question with what its clauses say: once, or for each of two groups that are compared."""
    conditions = parts.conditions
    assert conditions is not None
    parts.notes += conditions.notes
    every = [one.filters() for one in conditions.clauses]
    sides: list[tuple[Filter, ...]] = [sum(every, ())]
    if conditions.has_not:
        *part, whole = sides[0]
        if len(whole.did) == 1:
            others = replace(whole, did=(replace(whole.did[0], is_excluded=not whole.did[0].is_excluded),))
        else:
            others = replace(whole, is_excluded=True)
        sides.append((*part, others))
    elif len(every) == 2 and (parts.has("compare") or parts.comparatives or parts.judged):
        sides = every
    more = [(clause, part) for clause in conditions.clauses for part in clause.more]
    sides += [replace(clause, part=part).filters() for clause, part in more] if len(every) == 1 else []
    if len(sides) == 1:
        return [replace(parts, done=sides[0], having=conditions.having)]
    words = [word for word in parts.words if word.kind not in ("compare", "judged")]
    return [replace(parts, words=words, judged=[], done=side, is_side=True) for side in sides]


def queries_of(parts: Parts, metrics: list[str], contents: Contents) -> tuple[list[Query], list[str]]:
    """A query for each measure, and what was assumed."""
    found, notes = [], list(parts.notes)
    if parts.is_worth:
        return [orders_worth(parts, metrics, contents)], notes
    if "funnel" in metrics[:-1] or "funnel" in metrics[1:]:
        *some, last = [label for _, label in STEPS.values()]
        raise NotRead(f"The funnel is of sessions, from one of these steps to another: {', '.join(some)} and {last}.")
    if parts.has("common"):
        return in_common(parts, metrics, contents), notes
    check_all_asked(parts, metrics)
    if groups := _two_groups(parts, metrics, contents):
        return groups
    if not metrics and _is_bare_pair(parts):
        metrics = overview_of(filters_of(parts, None))
        notes.append(unnamed(metrics))
    if not metrics and parts.has("cause") and parts.has("change") and parts.times.periods:
        metrics = list(OF_GROWTH)
        notes.append(unnamed(metrics))
    for asked in [[name] for name in metrics] or [metrics]:
        query, more = _query(parts, asked, filters_of(parts, next(iter(asked), None)), contents)
        found.append(query)
        notes += more
    if parts.done and parts.conditions and parts.conditions.asks_who and metrics == ["users"] and not found[0].by:
        found.append(replace(found[0], metric="sessions", by=("user",), is_share=False, top=_LISTED, ascending=False))
        notes.append("The users are listed in the order of their sessions.")
        return found, notes
    if len({(one.by, one.filters, one.period) for one in found}) > 1:
        labels = " and ".join(METRICS[name].label for name in metrics)
        raise NotRead(f"I cannot answer these in one go, ask for one of them: {labels}.")
    return found, notes


def _two_groups(parts: Parts, metrics: list[str], contents: Contents) -> tuple[list[Query], list[str]] | None:
    """Two values of different dimensions that are compared, as two queries; None where the question has no such two.

    Their groups may overlap: a source and a channel describe the same visit.
    """
    values = [word for word in parts.words if word.kind == "value"]
    for one, other in pairwise(values):
        between = rf"{loosely(one.text)}{_BETWEEN}"
        if not re.search(rf"{between}{loosely(other.text)}", parts.text):
            continue
        if sum(word.text in (one.text, other.text) for word in values) > 2:  # google organic vs google cpc
            continue
        shared = {value.dimension for value in one.values} & {value.dimension for value in other.values}
        if shared and not (shared <= {"country", "hour"} and any(len(w.values[0].values) > 1 for w in (one, other))):
            continue
        is_either = re.search(rf"{loosely(one.text)}\s*,?\s*(?:or|vs\.?|versus|against)\b", parts.text)
        if not (is_either or parts.has("compare") or parts.judged or parts.comparatives):
            continue
        if parts.has("share") or parts.has("cause") or parts.has("rest") or parts.has("without") or parts.limits:
            continue
        found, notes = [], list(parts.notes)
        if len(re.findall(r"\b(?:or|vs|versus|against)\b", parts.text)) > 1:
            raise NotRead("I compare two groups of different kinds at a time.")
        overview = overview_of(filters_of(parts, None))
        measures = metrics or (overview[1:2] if parts.judged and "sessions" in overview else overview)
        for left in (other, one):
            words = [word for word in parts.words if word is not left and word.kind not in ("compare", "judged")]
            text = re.sub(r"\bor\b", " ", parts.text)
            alone = replace(parts, words=words, judged=[], comparatives=[], notes=[], text=text)
            for name in measures:
                query, more = _query(alone, [name], filters_of(alone, name), contents)
                if any(is_named_apart(alone, chosen) for chosen in query.filters):
                    raise NotRead("I compare two groups that differ in one thing: ask for each of them alone.")
                found.append(query)
                notes += more
        notes += [] if metrics else [unnamed(measures)]
        notes += [] if shared else [f"“{one.text}” and “{other.text}” are of different kinds, and can overlap."]
        return found, notes
    return None


def _is_bare_pair(parts: Parts) -> bool:
    """Whether two values are compared and nothing else is said: "mobile vs desktop"."""
    kinds = {word.kind for word in parts.words} - {"filler", "value", "period"}
    if parts.judged or parts.comparatives:
        return False
    is_asked = kinds == {"compare"} or (not kinds and _EITHER.search(parts.text) is not None)
    of_two = any(len(one.values) > 1 and one.dimension != "cluster" for one in filters_of(parts, "sessions"))
    is_new = kinds == {"by"} and breakdown_of(parts) == ["new_or_returning"]
    return ((is_asked and of_two) or is_new) and len(parts.times.periods) < 2 and not parts.times.asks_before


def _query(
    parts: Parts, metrics: list[str], filters: tuple[Filter, ...], contents: Contents
) -> tuple[Query, list[str]]:
    notes = list(parts.notes)
    by = breakdown_of(parts)
    if months := months_in_a_row(parts.times.periods, contents.days.last):
        words = [word for word in parts.words if word.kind not in ("compare", "judged")]
        times = replace(parts.times, periods=[months], compares=False)
        parts, by = replace(parts, times=times, words=words, comparatives=[]), ["month", *by]
    groups = group_counted(parts)
    refuse_what_is_no_query(parts, filters, by)
    done = tuple(one for one in filters if one.did)
    has_part = any(one.part for one in parts.conditions.clauses) if done and parts.conditions else False
    included = tuple(one for one in filters if not (one.is_excluded or one.did or one.dimension == "step"))
    if _IS_BEST.search(parts.text) and len(by) == len(included) == 1:  # is email our best channel
        label = DIMENSIONS[by[0]].label
        if included[0].dimension != by[0]:
            raise NotRead(f"{included[0].values[0]} is no {label}: ask for all in order, the best first.")
        filters, included = tuple(one for one in filters if one.is_excluded or one.dimension != by[0]), ()
    pair = next((one for one in included if len(one.values) > 1 and not is_one_group(parts, one)), None)
    compares = (parts.has("compare") or bool(parts.comparatives) or parts.times.compares) and not parts.is_side
    if parts.having and {*metrics} <= {"users"}:  # months without orders, with at least 50 sessions
        metrics = [next((one.metric for one in parts.having if one.at_least), "sessions")]
    metric = metric_of(parts, metrics, filters, by, pair, compares, groups, notes)
    is_of_people = any(word.name in ("users", "buyers", "buyer_share") for word in parts.words)
    is_of_people |= "spen" in parts.text
    visits = parts.often == metric == "sessions" and is_of_people
    if parts.over is not None and not by and (metric == "orders" or (metric == "revenue" and is_of_people) or visits):
        by = ["user"]
        if metric == "orders" and any(word.name == "sessions" for word in parts.words):
            raise NotRead("More or less than a number is known of what users ordered, not of single sessions.")
    bought = as_rate(parts, metric, by, included, pair, notes)
    is_of_buyers = metric == "buyer_share" and bought == "buyers"
    metric = bought
    if parts.is_of_users and parts.over is None and metric not in ("buyers", *_OF_A_USER):
        raise NotRead("I can list users by revenue, orders, items sold, sessions or page views.")
    check_people(parts, metric, filters, bool(by or compares or parts.has("trend") or parts.has("change")), notes)
    if parts.is_of_users and metric == "buyers":
        notes.append("Customers are put in the order of their revenue.")
        metric = "revenue"
    named = next((word for word in parts.words if word.kind == "metric"), None)
    if metric == "items_sold" and not by and named and (parts.judged or is_ranking(parts, named)):
        by = ["item"]
    leaves = metric in _LEAVING and (metric != "conversion_rate" or metrics != ["conversion_rate"])
    narrowed = included or by or compares or parts.times.periods or parts.has("change")
    if parts.has("cause") and leaves and not narrowed:
        filters = (*filters, *_from_step(_LEAVING[metric]))
        metric = "funnel"
    if metric == "funnel":
        by = ["step", *(name for name in by if name != "step")]
    unit = METRICS[metric].unit
    same = named is not None and METRICS[metric].label.startswith(METRICS[named.name].label)
    is_beside = named is not None and METRICS[named.name].is_weak and not same and groups is None and parts.over is None
    alone = not re.search(r"\band (?:also )?how (?:many|much)\b", parts.text)
    if alone and parts.is_counted and named and is_beside and metric != "buyers" and unit in ("count", "money"):
        raise NotRead(f"I know no number of {METRICS[named.name].label} by their {METRICS[metric].label}.")
    if parts.has("average") and unit in ("count", "money") and metric != "aov":
        raise NotRead(
            "An average has to be one of: revenue per order, per user or per session, page views per session."
        )
    if parts.is_of_users and by and by != ["user"]:
        raise NotRead("I can list users, or break down by a dimension, not both.")
    if parts.is_of_users and "user" not in by:
        by = [*by, "user"]
    period, versus = periods_of(parts, compares, contents.days, notes)
    of_sessions = any(word.kind == "metric" and word.name == "sessions" for word in parts.words)
    if parts.is_counted and METRICS[metric].n_of.startswith("session") and not of_sessions and not parts.has("share"):
        if METRICS[metric].count is None and METRICS[metric].n_of == "sessions":
            raise NotRead(f"I know the {METRICS[metric].label} as a rate, not as a number of its own.")
        metric = METRICS[metric].count or metric
        notes += ["Sessions are counted, not users."] if named and named.name == "users" else []
        unit = METRICS[metric].unit
    if metric == "cart_sessions" and "add" in parts.text:
        notes.append("Sessions with something added to the cart are counted, not how often.")
    is_share = (
        (parts.has("share") or parts.is_part or is_of_buyers or has_part)
        and unit in ("count", "money")
        and metric != "funnel"
    )
    of_people = any(word.name in ("users", "buyers", "buyer_share") for word in parts.words)
    if parts.often and of_people and (metric != parts.often or by != ["user"]):
        raise NotRead("I know how many users ordered or visited so often, and no more of them.")
    if parts.often and of_people and (parts.has("share") or any(w.name == "buyer_share" for w in parts.words)):
        of_buyers = any(word.kind == "metric" and _BUYERS.search(word.text) for word in parts.words)
        if of_buyers == visits or (included and _ARE.search(parts.text)):
            raise NotRead("I know the share of buyers who ordered so often, and of users who visited so often.")
        is_share, parts = False, replace(parts, is_counted=True)
    if is_share and metric in ("new_users", "returning_users"):
        metric = "users"
    rate = next((one.name for one in METRICS.values() if one.count == metric), None)
    if is_share and not by and not included and not done and rate:
        metric, unit, is_share = rate, "share", False
    groups_of_part = [name for name in by if DIMENSIONS[name].kind != "time"]
    if (
        is_share
        and groups_of_part
        and not done
        and any(is_part(parts, one) for one in included if one.dimension not in by)
    ):
        raise NotRead(
            "A share of which whole? I know the share of one part, or the shares of all parts of a breakdown."
        )
    if is_share and not by and not done and len(filters) > 1 and metric in _KEYS and _BOTH.search(parts.text):
        did = Did("sessions", filters)  # the part is what is all of this
        filters, included = (Filter(_KEYS[metric], did=(did,)),), ()
    did_by = {inner.dimension for one in done for did in one.did for inner in did.filters}
    if is_share and {*by} & did_by:  # orders with a coupon, by coupon: of each all have it
        raise NotRead("A share of which whole? Ask for the numbers of the groups.")
    if is_share and any(measure.per for measure in METRICS[metric].sql.values()):
        raise NotRead(f"{METRICS[metric].label.capitalize()}: a mean has no share.")
    if is_share and not by and not included and not any(one.is_excluded or one.did for one in filters):
        raise NotRead("A share needs a part of a whole: the share of which device, channel, country ...?")
    if is_share and not by and len(included) > 1 and not done:
        filters = (part_of(parts, included), *(one for one in filters if one != part_of(parts, included)))
    if not by and any(word.text == "list" for word in parts.words):
        raise NotRead("I give numbers, not lists of single orders or sessions.")
    is_sum = unit in ("count", "money") and metric not in PEOPLE_COUNTED
    is_sum &= not any(measure.per for measure in METRICS[metric].sql.values())
    if parts.mean_of and (by or is_share or compares or not is_sum):
        raise NotRead(f"I know the mean of a {parts.mean_of} of sums, such as sessions, orders and revenue.")
    timed = any(DIMENSIONS[name].kind == "time" for name in by)
    if (
        timed
        and parts.has("change")
        and not parts.times.periods
        and _WHICH_DAY.search(parts.text)
        and not (parts.has("high") or parts.has("low") or parts.has("judged"))
    ):
        raise NotRead("I know no change from one to the next: ask for the highest or the lowest.")
    explains = parts.has("cause") and not pair
    extreme = parts.has("low") or parts.has("high") or parts.has("judged")
    changes = parts.has("change") or (explains and (parts.has("happened") or parts.goes_down is not None))
    is_rate = any(one.per for one in METRICS[metric].sql.values())
    is_state = explains and period is None and IS_SO.search(parts.text) is not None and not parts.has("change")
    is_state &= bool(included) and not by and _GETS.search(parts.text) is None
    is_state &= is_rate or _SO_MUCH.search(parts.text) is not None
    is_open = explains and included and not (by or pair or period or parts.has("change") or parts.has("rest"))
    if (is_state and len(included) > 1 and not parts.has("rest")) or (is_open and _ARE_THERE.search(parts.text)):
        raise NotRead("Compared with what: a period before, or all others of one of them?")
    changes &= not is_state
    changes |= explains and extreme and period is not None and not included
    if parts.comparatives and not (pair or by or parts.has("rest") or len(parts.times.periods) > 1):
        changes = changes or (period is not None and _GETS.search(parts.text) is not None)
    if changes and versus is None and not timed and not parts.has("rest"):
        if parts.times.is_open and not explains:
            by = [step_of(period or contents.days), *by]
            timed = True
        elif period is None and parts.has("trend"):
            pass
        elif period is None and contents.days.last - contents.days.first >= timedelta(days=55):
            period = Period(contents.days.last - timedelta(days=27), contents.days.last)
            versus = period.before()
            notes.append("No period is named: the last 28 days against the 28 before.")
        elif period is None:
            raise NotRead("A change needs a period: for example last week, or last month.")
        else:
            versus = days_before(period, contents)
    is_named = bool(metrics) or parts.has("bought") or parts.has("sell")
    is_judged = len(included) == 1 and is_named and not by and (parts.judged or extreme)
    is_peak = timed and extreme and period is None  # the day with the most, but not why
    if (
        explains
        and versus is None
        and not (parts.has("rest") or is_judged or is_peak or is_state or metric == "funnel")
    ):
        raise NotRead("The data show what happened, not why it happened or what would happen.")
    if parts.has("trend") and not timed and versus is None:
        by = [step_of(period or contents.days), *by]
        timed = True
    if parts.has("cause"):
        notes.append(_NOT_WHY)
    if "weekend" in {*by, *(one.dimension for one in included)} and unit in ("count", "money"):
        notes.append("A week has two days of weekend and five others.")
    is_single = not by and len(included) == 1 and not pair and versus is None
    implied = is_single and bool(parts.comparatives) and "than" not in parts.text.split() and not parts.has("compare")
    against_rest = is_single and (explains or implied)
    if parts.has("rest") and (not included or len(included) > 1):
        raise NotRead("Against the rest of what: of one channel, device, country ...?")
    if against_rest or parts.has("rest"):
        by, against_rest, pair = [included[0].dimension], True, None
    elif compares and versus is None and not by and pair is None:
        raise NotRead("A comparison needs two values (mobile and desktop) or two periods.")
    apart = compares or len(parts.judged) > 0 or (pair is not None and asks_either(parts, pair))
    if apart and pair and pair.dimension not in by:
        by = [*by, pair.dimension] if metric == "funnel" else [pair.dimension, *by]
    elif pair and pair.dimension not in by and len(pair.values) > 1 and not is_share:
        notes.append(f"{some_of(pair.values, ' and ')} are counted together.")
    if (parts.has("high") or parts.has("low") or parts.has("judged")) and not by and versus is None:
        raise NotRead("The highest or lowest of what: of channels, devices, countries, items, days ...?")
    if len(by) > 1 and _EITHER.search(parts.text) and not pair:
        raise NotRead("I break down by all of several dimensions at once, not by one or the other.")
    by_change = bool(versus and by and (explains or ((parts.has("high") or parts.has("low")) and changes)))
    ascending = None if metric == "funnel" or against_rest else ascending_of(parts, metric)
    if by_change:
        ascending = parts.goes_down
    if groups is not None and parts.over is None and not set(by) - {groups}:
        return Query(metric, (groups,), filters, period, counts_groups=True), notes
    if parts.under is not None and parts.under != parts.over:
        raise NotRead("Less than a number is known of the revenue of orders only: “orders under 50”.")
    if parts.is_money and unit != "money":
        raise NotRead(f"You name an amount of money, but {METRICS[metric].label} are not in money.")
    if parts.over is not None and (unit not in ("count", "money") or not by or versus or is_share):
        raise NotRead("More than a number: of orders, sessions or revenue, by channel, country, user ...")
    if parts.over is not None:
        counts = parts.is_counted and (by == ["user"] or groups is not None)
        return Query(metric, tuple(by), filters, period, counts_groups=counts, **parts.limits), notes
    return (
        Query(
            metric, tuple(by), filters, period, versus, is_share, parts.top if by else None, ascending if by else None,
            against_rest=against_rest, by_change=by_change, explains=bool(explains and versus and not by),
            having=parts.having,
        ),
        notes,
    )  # fmt: skip


def _from_step(first: int) -> tuple[Filter, ...]:
    """The filter of the funnel from a step on; none from the first."""
    steps = tuple(f"{number} {label}" for number, (_, label) in STEPS.items() if number >= first)
    return (Filter("step", steps),) if first > min(STEPS) else ()


def ascending_of(parts: Parts, metric: str) -> bool | None:
    """Whether the smallest comes first; None: nothing is said of order."""
    if parts.has("low") and parts.has("high"):
        raise NotRead("I can put the highest or the lowest first: ask for one of them.")
    if parts.has("low"):
        return True
    if parts.has("high"):
        return False
    judged = [word for word in parts.judged if word in ("best", "worst")]
    if judged:
        return (judged[0] == "worst") == (METRICS[metric].better > 0)
    return False if parts.top else None
