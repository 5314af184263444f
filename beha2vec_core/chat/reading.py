"""Plain questions read as semantic queries, without a language model.

Every word has to be understood: a question with a word left over is not answered, as the answer would be to another
question. What was read, what was assumed and which words were not understood is part of the reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from beha2vec_core.chat.nearest import SOURCES, nearest_queries, reaches
from beha2vec_core.chat.periods import COUNT, MARK, Times, find_times
from beha2vec_core.chat.verify import NUMBER_WORDS
from beha2vec_core.chat.vocabulary import Vocabulary, Word
from beha2vec_core.semantic.compiler import MAX_ROWS, NotAnswerable, place
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Filter, Period, Query, add_months

_CAUSES = re.compile(
    r"\b(why|how come|reasons?|caus(?:e|es|ed|ing)|explain(?:s|ed)?|what(?: is| are|s)? driv\w+|due to|because|impact|"
    r"effect|influence|how (?:can|could|should|do) (?:we|i) (?:increase|improve|grow|reduce|lower|raise|get)|"
    r"should (?:we|i)|what (?:should|can|could) (?:we|i)|what (?:would|if)|what happens if|recommend\w*|advice|"
    r"leads? to|led to|makes? people|makes? \w+ (?:more |less )?(?:un)?likely)\b"
)
# verbs whose subject is a cause: "did the campaign increase conversion" is no question about numbers
_DID = re.compile(
    r"\b(?:did|does|do|has|have|will)\b.*\b(?:increase|decrease|improve|boost|raise|reduce|lower|hurt|help|affect)\b\s+"
    r"(?!in|on|last|this|since|from|for|over|during|compared|vs|versus|by|at|after|between|to|week|month|yesterday)\w"
)
_SOME = r"users?|customers?|buyers?|visitors?|people|shoppers?"
_RANKED_USERS = re.compile(rf"\b(?:which|top|biggest|largest|best)\s+(?:{_SOME})\b|\bspenders?\b")
_VALUED = re.compile(rf"\b(?:highest|top|biggest|most)[\s-]+(?:spending|valuable)\s+({_SOME})\b")
_EITHER = re.compile(r"\bor\b")
_WHO_SAW = re.compile(rf"\b({_SOME}|sessions?|visits?) (?:who|that|which) (?:viewed|visited|saw|opened)\b")
_WHAT_THEY_DO = re.compile(r"\bwhat (?:do|does|did)\b.*\bdo\b")
_FROM_WHERE = re.compile(r"\bwhere\b(.*\bcom(?:e|es|ing) from)\b")
_LIVE_WHERE = re.compile(r"\bwhere\b(.*)\b(?:from|live|located|based)\s*\??$")
_PART = re.compile(r"\bhow (?:much|many) of (?:our|the|all)\b.*\bcom(?:e|es|ing)\b")
_HOW_MANY = re.compile(r"\b(?:how many|number of)\b(?! percent)")
_CLUSTER = re.compile(r"\bcluster\s*#?\s*(-?\d+)")
_COMPARATIVES = re.compile(r"\b(more|less|better|worse|higher|lower|fewer|bigger|smaller)\b")
_JUDGED = re.compile(r"\b(better|worse|best|worst)\b")
_TOP = re.compile(
    rf"\b(?:(top|best|biggest|largest|highest|worst|bottom|first) ({COUNT})"
    rf"|(?<!{MARK})({COUNT}) (most|best|top|biggest|largest|highest|worst|lowest|least))\b"
)
# ways to say "cart abandonment"
_ABANDONED = re.compile(
    r"\b(cart|basket|checkout)s?\s+(?:(?:that|which|is|are|was|were|gets?|got|being|been)\s+)*abandoned\b"
)
_ABANDON = re.compile(
    r"\babandon(?:s|ed|ing)?\s+(?:(?:the|a|an|my|our|their|there|they're)\s+)?(cart|basket|checkout)s?\b"
)
_ARTICLES = ("the", "a", "an", "our")
_KINDS_OF_PAGES = ("page_type", "theme")
_OF_A_USER = ("revenue", "orders", "sessions", "page_views", "items_sold", "net_revenue")  # what users are listed by
_DEFAULTS = {"landing_page": "sessions", "page": "page_views", "item": "items_sold"}  # of "top 5 landing pages"


@dataclass(frozen=True)
class Reading:
    """A question as it was read.

    Attributes:
        query: None where the question cannot be answered.
        problem: why not, in a sentence.
        unknown: words that were not understood.
        notes: what was assumed, in sentences.
        filters: what was understood of filters, also without a query.
        period: the same of the period.
        metrics: names of metrics in the question.
        by: names of dimensions that the question asks a breakdown by.
        asks_cause: whether it asks for causes or advice.
        is_follow_up: whether it begins as a follow-up ("and ...") that continues no question.
        top: how many are asked for ("top 20").
        kinds: of its words: share, compare, trend ...
        nearest: queries that can be answered.
    """

    query: Query | None = None
    problem: str = ""
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    period: Period | None = None
    metrics: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    asks_cause: bool = False
    is_follow_up: bool = False
    top: int | None = None
    kinds: tuple[str, ...] = ()
    nearest: tuple[Query, ...] = ()


@dataclass
class _Parts:
    """What is found in a question on the way to its query."""

    times: Times
    words: list[Word] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    top: int | None = None
    comparatives: list[str] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)  # better, worst ...
    by: list[str] = field(default_factory=list)  # dimensions that no word of their own names
    clusters: list[str] = field(default_factory=list)
    is_of_users: bool = False  # "which customers"
    is_part: bool = False  # "how much of our revenue comes from"
    is_counted: bool = False  # "how many"

    def has(self, kind: str) -> bool:
        return any(word.kind == kind for word in self.words)

    def are_beside(self, one: Word, other: Word) -> bool:
        """Whether nothing stands between two phrases but an article: "landing on the home page"."""
        first, second = sorted((one, other), key=lambda word: word.place)
        between = [word for word in self.words if first.place < word.place < second.place]
        return all(word.text in _ARTICLES for word in between)


class _Problem(Exception):
    """Why a question cannot be answered."""


def read_question(question: str, vocabulary: Vocabulary, previous: Query | None = None) -> Reading:
    """The question as a semantic query; ``previous``: the query before, which it may continue."""
    contents = vocabulary.contents
    parts = _parts(question, vocabulary)
    metrics = _metrics(parts)
    filters = _filters(parts, next(iter(metrics), None))
    period = parts.times.periods[0] if parts.times.periods else None
    cause = bool(_CAUSES.search(question.lower()) or _DID.search(question.lower()))
    leads = _LEADS.search(question.lower()) is not None
    known = Reading(
        unknown=tuple(parts.unknown), notes=tuple(parts.notes), filters=filters, period=period, metrics=tuple(metrics),
        by=tuple(dict.fromkeys(word.name for word in parts.words if word.kind == "by")), asks_cause=cause,
        is_follow_up=leads, top=parts.top, kinds=tuple(dict.fromkeys(word.kind for word in parts.words)),
    )  # fmt: skip
    try:
        if cause:
            raise _Problem("The data show what happened, not why it happened or what would happen.")
        if parts.unknown:
            words = ", ".join(f"“{word}”" for word in parts.unknown)
            raise _Problem(f"I did not understand {words}, so an answer could be to another question.")
        if leads and previous is None:
            raise _Problem("There is nothing to continue, as no question about numbers was answered before this one.")
        if previous and (continued := _continued(question, parts, metrics, filters, previous)):
            query, notes = continued, [*dict.fromkeys(parts.notes), "This continues the question before."]
        elif leads:
            raise _Problem("I cannot continue the question before with this: ask the whole question.")
        else:
            query, notes = _query(parts, metrics, filters, contents)
        _check(query, contents)
        metric = place(query)[0]
        if metric.name != query.metric:
            notes.append(f"{METRICS[query.metric].label.capitalize()} of items: their {metric.label}.")
            query = replace(query, metric=metric.name)
    except (_Problem, NotAnswerable, ValueError) as error:
        problem = str(error)
        problem = f"{problem[:1].upper()}{problem[1:]}" + ("" if problem.endswith((".", "?")) else ".")
        return replace(
            known,
            problem=problem,
            nearest=nearest_queries(known.metrics, known.by, known.filters, known.period, contents),
        )
    return replace(known, query=query, notes=tuple(notes), is_follow_up=False)


# -- words --


def _parts(question: str, vocabulary: Vocabulary) -> _Parts:
    text = question.lower().replace("\u2019", "'").replace(MARK, " ")
    text = re.sub(r"'s\b|'(?=\s|$)", "", text).replace("%", " % ").replace("e-mail", "email").lstrip("-*\u2022 ")
    text = re.sub(r"\s*[&+]\s*|(?<=\w) / (?=\w)", " and ", text)
    text = re.sub(r"\b(the|in|from) us\b", r"\1 usa", text)  # elsewhere it is the pronoun
    text = _ABANDON.sub(r"\1 abandonment", _ABANDONED.sub(r"\1 abandonment", text))
    text = _VALUED.sub(r"top \1", _WHO_SAW.sub(r"\1", text))
    conversions = re.sub(r"\bconversions\b", "key events", text)
    times = find_times(conversions, vocabulary.contents.days)
    parts = _Parts(times, notes=list(times.notes))
    if conversions != text:
        parts.notes.append("“conversions” was read as GA4's key events.")
    text = times.text
    if _WHAT_THEY_DO.search(text):
        parts.unknown.append("do")
    parts.judged = _JUDGED.findall(text)
    if top := _TOP.search(text):
        parts.top = min(int(NUMBER_WORDS.get(top[2] or top[3], top[2] or top[3])), MAX_ROWS)
        text = text.replace(top.group(), f"{top[1] or top[4]} ", 1)
    parts.is_of_users = _RANKED_USERS.search(text) is not None
    parts.is_part = _PART.search(text) is not None
    parts.is_counted = _HOW_MANY.search(text) is not None
    parts.clusters = _CLUSTER.findall(text)
    parts.comparatives = _COMPARATIVES.findall(text)
    text = _COMPARATIVES.sub(" ", _CLUSTER.sub(" ", text))
    if found := _FROM_WHERE.search(text):
        parts.by.append("channel")
        parts.notes.append("“where from” was read as: from which channel.")
        text = text.replace(found.group(), found[1], 1)
    elif found := _LIVE_WHERE.search(text):
        parts.by.append("country")
        text = text.replace(found.group(), found[1], 1)
    for word, phrase, note in vocabulary.read(text):
        if word is None:
            parts.unknown.append(phrase)
        else:
            parts.words.append(word)
        if note:
            parts.notes.append(note)
            if word is not None and word.name in ("users", "buyers"):  # "which custmers"
                before = [one for one in parts.words if one.is_beside(word) and one.place < word.place]
                parts.is_of_users |= any(one.text in ("which", "top", "biggest", "largest", "best") for one in before)
    return parts


# -- from words to a query --


def _metrics(parts: _Parts) -> list[str]:
    """Metrics that the question asks for; words such as users stand beside another one without being asked for."""
    found = list(dict.fromkeys(word.name for word in parts.words if word.kind == "metric"))
    if together := _listed_together(parts):
        return together
    strong = [name for name in found if not METRICS[name].is_weak]
    if {*strong} == {"new_users", "returning_users"}:  # a comparison of both
        return [name for name in found if name not in strong] or ["users"]
    if len(strong) > 1 and any(
        word.text.startswith(("best", "top")) for word in parts.words if word.name == "items_sold"
    ):
        strong.remove("items_sold")  # best sellers by revenue
    if len(strong) > 1:  # "conversion of returning visitors"
        strong = [name for name in strong if name not in ("new_users", "returning_users")] or strong
    if len(strong) > 1 and "buyers" in strong and {*strong} & {"revenue", "orders", "aov", "items_sold", "net_revenue"}:
        strong.remove("buyers")  # customers are those who have revenue and orders
    return strong or found


def _listed_together(parts: _Parts) -> list[str]:
    """Metrics with nothing but "and", a comma or the like between them: all of them are asked for."""
    named = [word for word in parts.words if word.kind == "metric"]
    for one, other in pairwise(named):
        both = rf"{_loosely(one.text)}\s*(?:,|\band\b|\bor\b|\bvs\b|\bversus\b|\s)+\s*{_loosely(other.text)}"
        separated = not one.is_beside(other) or re.search(rf"{_loosely(one.text)}\s*,", parts.times.text)
        of_users = {one.name, other.name} == {"new_users", "returning_users"}
        if one.name != other.name and separated and not of_users and re.search(both, parts.times.text):
            return [one.name, other.name]
    return []


def _loosely(text: str) -> str:
    """A pattern of a phrase, whatever stood between its words."""
    return r"\W+".join(map(re.escape, text.split()))


def _filters(parts: _Parts, metric: str | None) -> tuple[Filter, ...]:
    """Values of the question by dimension; of a value in several dimensions, the first that the metric has."""
    found: dict[str, list[str]] = {}
    for word in parts.words:
        if word.kind == "value":
            beside = {other.name for other in parts.words if other.kind == "by" and parts.are_beside(other, word)}
            some = [value for value in word.values if value.dimension in beside] or list(word.values)
            if metric:
                some = [value for value in some if reaches(metric, value.dimension)] or some
            if len({one.dimension for one in some}) > 1 and (len(some[0].values) > 1 or some[0].dimension in SOURCES):
                label = DIMENSIONS[some[0].dimension].label
                parts.notes.append(f"“{word.text}” was read as {label}: {' or '.join(some[0].values)}.")
            found.setdefault(some[0].dimension, []).extend(some[0].values)
    specific = {word.name for word in parts.words if word.kind == "metric"} & {"new_users", "returning_users"}
    if specific and (metric not in ("new_users", "returning_users") or parts.has("share")):
        kinds = [name.removesuffix("_users") for name in ("new_users", "returning_users") if name in specific]
        found["new_or_returning"] = [*kinds, *found.get("new_or_returning", [])]
    if parts.clusters:
        found["cluster"] = parts.clusters
    return tuple(Filter(name, tuple(dict.fromkeys(values))) for name, values in found.items())


def _breakdown(parts: _Parts) -> list[str]:
    """Dimensions that the question asks a breakdown by; "campaign" beside the name of a campaign is none."""
    by = list(parts.by)
    for word in parts.words:
        if word.kind == "by":
            beside = [other for other in parts.words if other.kind == "value" and parts.are_beside(other, word)]
            is_named = any(value.dimension == word.name for other in beside for value in other.values)
            is_named |= word.name == "device" and any(
                v.dimension in ("os", "browser") for o in beside for v in o.values
            )
            in_all = word.name == "campaign" and parts.is_counted  # how many from email campaigns
            is_named |= in_all and any(v.dimension == "channel" for o in beside for v in o.values)
            is_named |= word.name == "page" and any(v.dimension in _KINDS_OF_PAGES for o in beside for v in o.values)
            is_counted = word.name == "item" and parts.has("sell") and not _is_listed(parts, word)
            if not is_named and not is_counted:
                by.append(word.name)
    return list(dict.fromkeys(by))


def _is_ranking(parts: _Parts, named: Word) -> bool:
    """Whether the words for items sold ask which: "best sellers", "what items sold"."""
    before = [word.text for word in parts.words if word.place == named.place - 1]
    return named.text.startswith(("best", "top", "most")) or bool({"which", "what"} & set(before)) or parts.has("high")


def _is_listed(parts: _Parts, item: Word) -> bool:
    """Whether "items ... sold" asks which, not how many."""
    before = [word for word in parts.words if word.place < item.place][-1:]
    asks = {"which", "what", "by", "per", "each", "every"}
    return bool(parts.top) or any(word.kind in ("high", "low", "judged") or word.text in asks for word in before)


def _query(
    parts: _Parts, metrics: list[str], filters: tuple[Filter, ...], contents: Contents
) -> tuple[Query, list[str]]:
    notes = list(parts.notes)
    by = _breakdown(parts)
    _refuse_what_is_no_query(parts, filters, by)
    pair = next((one for one in filters if len(one.values) > 1), None)
    compares = parts.has("compare") or bool(parts.comparatives) or parts.times.compares
    metric = _metric(parts, metrics, filters, by, pair, compares, notes)
    if parts.is_of_users and metric not in ("buyers", *_OF_A_USER):
        raise _Problem("I can list users by revenue, orders, items sold, sessions or page views.")
    if parts.is_of_users and metric == "buyers":
        notes.append("Customers are put in the order of their revenue.")
        metric = "revenue"
    named = next((word for word in parts.words if word.kind == "metric"), None)
    if metric == "items_sold" and not by and named and (parts.judged or _is_ranking(parts, named)):
        by = ["item"]
    unit = METRICS[metric].unit
    if (
        parts.is_counted
        and named
        and METRICS[named.name].is_weak
        and metric != named.name
        and unit in ("count", "money")
    ):
        raise _Problem(f"I know no number of {METRICS[named.name].label} by their {METRICS[metric].label}.")
    if parts.has("average") and unit in ("count", "money") and metric != "aov":
        raise _Problem(
            "An average has to be one of: revenue per order, per user or per session, page views per session."
        )
    if parts.is_of_users:
        by = [*by, "user"]
    period, versus = _periods(parts, compares, notes)
    of_sessions = any(word.kind == "metric" and word.name == "sessions" for word in parts.words)
    if parts.is_counted and METRICS[metric].n_of.startswith("session") and not of_sessions and not parts.has("share"):
        raise _Problem(f"I know the {METRICS[metric].label} as a rate, not as a number of its own.")
    is_share = (parts.has("share") or parts.is_part) and unit in ("count", "money")
    if is_share and metric in ("new_users", "returning_users"):
        metric = "users"
    if is_share and not by and len(filters) != 1:
        what = "one part" if filters else "a part"
        raise _Problem(f"A share needs {what} of a whole: the share of which device, channel, country ...?")
    if not by and any(word.text == "list" for word in parts.words):
        raise _Problem("I give numbers, not lists of single orders or sessions.")
    if parts.has("change") and versus is None:
        if period is None:
            raise _Problem("A change needs a period: for example last week, or last month.")
        if parts.times.is_open:
            raise _Problem("A change needs two periods to compare: for example last month against the month before.")
        versus = period.before()
    if parts.has("trend") and not any(DIMENSIONS[name].kind == "time" for name in by):
        if versus is not None:
            raise _Problem("I can show a trend or compare two periods, not both at once.")
        by = [_step(period or contents.days), *by]
    if compares and versus is None and not by and pair is None:
        raise _Problem("A comparison needs two values (mobile and desktop) or two periods.")
    if (compares or len(parts.judged) > 0) and pair and pair.dimension not in by:
        if any(len(value.values) > 1 for word in parts.words for value in word.values):
            raise _Problem("One of these words stands for several channels: name the channels to compare.")
        by = [pair.dimension, *by]
    elif pair and pair.dimension not in by and len(pair.values) > 1 and not is_share:
        notes.append(f"{' and '.join(pair.values)} are counted together.")
    if (parts.has("high") or parts.has("low") or parts.has("judged")) and not by:
        raise _Problem("The highest or lowest of what: of channels, devices, countries, items, days ...?")
    if len(by) > 1 and _EITHER.search(parts.times.text):
        raise _Problem("I break down by all of several dimensions at once, not by one or the other.")
    ascending = _ascending(parts, metric, compares)
    return (
        Query(
            metric, tuple(by), filters, period, versus, is_share, parts.top if by else None, ascending if by else None
        ),
        notes,
    )


def _refuse_what_is_no_query(parts: _Parts, filters: tuple[Filter, ...], by: list[str]) -> None:
    """Raise for what the words mean together, though each of them is understood."""
    named = [word for word in parts.words if word.kind == "metric"]
    before = {word.place + len(word.text.split()): word.text for word in parts.words}
    for word in parts.words:
        per = before.get(word.place) in ("per", "each", "every")
        is_second = (
            before.get(word.place) == "by" and word in named[1:] and word.name in ("users", "buyers", "sessions")
        )
        if word.kind in ("metric", "value") and (per or is_second):
            raise _Problem(f"I know no such ratio: nothing per {word.text}.")
        of_groups = word.kind == "by" and not (word.name == "item" and (parts.has("sell") or named))
        if of_groups and re.search(rf"\b(?:how many|number of) {_loosely(word.text)}", parts.times.text):
            raise _Problem(f"I give numbers by {DIMENSIONS[word.name].label}, not how many of them there are.")
    several = [one for one in filters if len(one.values) > 1]
    if len(several) > 1 and not any(len(value.values) > 1 for word in parts.words for value in word.values):
        raise _Problem("I compare the values of one dimension at a time.")
    values = [word for word in parts.words if word.kind == "value"]
    apart = any(not one.is_beside(other) for one, other in pairwise(values))
    if len({one.dimension for one in filters} & {*SOURCES}) > 1 and apart:
        raise _Problem("Channel, source, medium and campaign describe the same visit: ask for one of them at a time.")
    if "than" in parts.times.text.split() and any(one.dimension in by and len(one.values) == 1 for one in filters):
        raise _Problem("I cannot ask for all that have more or less than one of them.")
    if parts.has("change") and (parts.has("high") or parts.has("low") or parts.top):
        raise _Problem("I can put groups in the order of a value, not of its change.")


def _metric(
    parts: _Parts,
    metrics: list[str],
    filters: tuple[Filter, ...],
    by: list[str],
    pair: Filter | None,
    compares: bool,
    notes: list[str],
) -> str:
    if len(metrics) > 1:
        labels = " and ".join(METRICS[name].label for name in metrics)
        raise _Problem(f"I answer one measure at a time, and these are several: {labels}.")
    about = {*by, *(one.dimension for one in filters)}
    about |= {word.name for word in parts.words if word.kind == "by"}  # also "how many items"
    if parts.has("bought"):
        if metrics or parts.is_counted or not about & {"item", "item_category"}:
            raise _Problem("Buyers, orders or items sold?")
        return "items_sold"
    if metrics:
        if parts.has("sell") and metrics[0] in ("users", "sessions"):
            raise _Problem("Revenue, orders or items sold?")
        return metrics[0]
    if parts.has("sell"):
        return "items_sold" if about & {"item", "item_category"} else "revenue"
    if parts.is_of_users and "spender" in parts.times.text:
        return "revenue"
    timed = any(DIMENSIONS[name].kind == "time" for name in by)
    if parts.judged and (by or pair) and not timed and not about & {"item", "item_category"}:
        notes.append(f"“{parts.judged[0]}” was read as a question about the conversion rate, as no measure is named.")
        return "conversion_rate"
    ranked = parts.top or parts.has("high")
    if ranked and len(by) == 1 and by[0] in _DEFAULTS:
        notes.append(f"No measure is named: by {METRICS[_DEFAULTS[by[0]]].label}.")
        return _DEFAULTS[by[0]]
    raise _Problem("I found no measure in the question, such as revenue, sessions or conversion rate.")


def _periods(parts: _Parts, compares: bool, notes: list[str]) -> tuple[Period | None, Period | None]:
    """The period that is asked for, and the one to compare it with."""
    used = {int(word.name) for word in parts.words if word.kind == "period"}
    periods = [period for number, period in enumerate(parts.times.periods) if number in used]
    asks_before = parts.times.asks_before
    if len(periods) > 2 or (len(periods) == 2 and asks_before):
        raise _Problem("I compare two periods at most.")
    if len(periods) == 2:
        if not compares and not parts.has("change") and not parts.judged:
            raise _Problem("Two periods: I can compare them (“versus”), or answer for one.")
        first, second = sorted(periods, key=lambda one: one.first, reverse=True)
        if second.last >= first.first:
            second = first.before()
        return first, _as_far(first, second, notes)
    if len(periods) == 1 and not asks_before and _follows(parts, "compare", "period"):
        raise _Problem(f"Which period should I compare {periods[0].in_words} with?")
    if not periods:
        if asks_before:
            raise _Problem("The period before which one?")
        return None, None
    if not asks_before:
        return periods[0], None
    one = periods[0]
    if parts.times.years_back:
        return one, Period(add_months(one.first, -12), add_months(one.last, -12))
    return one, one.before()


def _follows(parts: _Parts, first: str, second: str) -> bool:
    """Whether a phrase of one kind stands right before one of another kind."""
    pairs = [(one, other) for one in parts.words for other in parts.words if one.kind == first and other.kind == second]
    return any(one.place < other.place and one.is_beside(other) for one, other in pairs)


def _as_far(now: Period, earlier: Period, notes: list[str]) -> Period:
    """The earlier period, or of its days those that the later one has already, where that is not over."""
    same = now.before()
    if same.first != earlier.first or same.last >= earlier.last:
        return earlier
    notes.append("The later period is not over: the same days of both are compared.")
    return same


def _step(period: Period) -> Literal["day", "week", "month"]:
    """How fine a trend over a period is shown."""
    length = (period.last - period.first).days + 1
    return "day" if length <= 31 else "week" if length <= 182 else "month"


def _ascending(parts: _Parts, metric: str, compares: bool) -> bool | None:
    """Whether the smallest comes first; None: nothing is said of order."""
    if parts.has("low"):
        return True
    if parts.has("high"):
        return False
    judged = [word for word in parts.judged if word in ("best", "worst")]
    if judged:
        return (judged[0] == "worst") == (METRICS[metric].better > 0)
    return False if parts.top else None


def _check(query: Query, contents: Contents) -> None:
    """Raise where the data cannot answer."""
    place(query)
    if query.is_share and any(DIMENSIONS[name].kind == "time" for name in query.by):
        raise _Problem("I know shares of one period at a time, not day by day, by week or by month.")
    for period in (query.period, query.versus):
        if period and (
            period.last < contents.days.first or period.first > contents.days.last or period.last < period.first
        ):
            raise _Problem(f"The data cover {contents.days.in_words}, nothing of {period.in_words}.")


# -- follow-ups --


_LEADS = re.compile(r"^\W*(?:and|what about|how about|same|but|or)\b")
_CONTINUES = re.compile(rf"{_LEADS.pattern}|^\W*(?:now|then|only)\b")
# "and for visitors from Germany": a filter in the words of people, no measure
_OF_THOSE = re.compile(rf"\b(?:for|from|of|among|by|with|in)\s+(?:(?:the|our|all)\s+)?(?:{_SOME}|sessions?|visits?)\b")


def _continued(
    question: str, parts: _Parts, metrics: list[str], filters: tuple[Filter, ...], previous: Query
) -> Query | None:
    """The query before with what the question changes; None where it is a question of its own."""
    lead = _CONTINUES.search(question.lower())
    times, by = parts.times, _breakdown(parts)
    compares = (parts.has("compare") or times.compares) and times.asks_before
    of_its_own = [
        *(kind for kind in ("share", "change", "trend", "bought", "sell", "average", "judged") if parts.has(kind)),
        *parts.judged, *parts.comparatives, *(["users"] if parts.is_of_users else []), *metrics[1:], *times.periods[1:],
    ]  # fmt: skip
    if parts.has("compare") and not compares:
        of_its_own.append("compare")
    if of_its_own or (metrics and not lead) or not (lead or len(parts.words) <= 4):
        return None
    if not (metrics or filters or by or times.periods or times.asks_before):
        return None
    metric = _metric_continued(question, parts, metrics, bool(filters or by), previous)
    filters = _filters(parts, metric)
    replaced = {*SOURCES} if {one.dimension for one in filters} & {*SOURCES} else set()
    kept = {one.dimension: one for one in previous.filters if one.dimension not in replaced}
    kept |= {one.dimension: one for one in filters}
    period = times.periods[0] if times.periods else previous.period
    timed = any(DIMENSIONS[name].kind == "time" for name in by)
    versus = None if times.periods or timed else previous.versus
    if times.asks_before:
        if period is None:
            raise _Problem("The period before which one? The question before named none.")
        period, versus = (period, period.before()) if compares or times.periods else (period.before(), None)
    new_by = tuple(by) or tuple(name for name in previous.by if name not in {one.dimension for one in filters})
    is_same = new_by == previous.by
    return Query(
        metric,
        new_by,
        tuple(kept.values()),
        period,
        versus,
        previous.is_share and METRICS[metric].unit in ("count", "money") and (bool(new_by) or len(kept) == 1),
        parts.top or (previous.top if is_same else None),
        previous.ascending if is_same else None,
    )


def _metric_continued(question: str, parts: _Parts, metrics: list[str], narrows: bool, previous: Query) -> str:
    """The metric of a follow-up: its own, unless its words for users or sessions only stand beside a filter."""
    if not metrics:
        return previous.metric
    before, asked = METRICS[previous.metric], METRICS[metrics[0]]
    if not (asked.is_weak and narrows) or parts.is_counted or before.name == asked.name:
        return asked.name
    if _OF_THOSE.search(question.lower()) or (before.n_of.startswith(("session", "user")) and before.unit != "money"):
        return before.name
    if before.is_weak:
        return asked.name
    raise _Problem(f"{asked.label.capitalize()}, or {before.label} of {asked.label}?")
