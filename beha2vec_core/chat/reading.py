"""Plain questions read as semantic queries, without a language model.

Every word has to be understood: a question with a word left over is not answered, as the answer would be to another
question. What was read, what was assumed and which words were not understood is part of the reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from beha2vec_core.chat.periods import MARK, Times, find_times
from beha2vec_core.chat.verify import NUMBER_WORDS
from beha2vec_core.semantic.compiler import NotAnswerable, dimensions_of, place
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Filter, Period, Query, add_months

_CAUSES = re.compile(
    r"\b(why|how come|reasons?|caus(?:e|es|ed|ing)|explain(?:s|ed)?|driv(?:e|es|ing|en)|due to|because|impact|effect|influence|"
    r"how (?:can|could|should|do) (?:we|i) (?:increase|improve|grow|reduce|lower|raise|get)|should (?:we|i)|"
    r"what (?:should|can|could) (?:we|i)|what (?:would|if)|what happens if|recommend\w*|advice|lead(?:s)? to|led to|makes? people)\b"
)
# verbs whose subject is a cause: "did the campaign increase conversion" is no question about numbers
_DID = re.compile(
    r"\b(?:did|does|do|has|have|will)\b.*\b(?:increase|decrease|improve|boost|raise|reduce|lower|hurt|help|affect)\b\s+\w"
)
_FILLERS = frozenset(
    """the a an of in on at for to and or is are was were be been being do does did have has had having we our us my i
    me you your it its they them their there this that these those with from by per each every all any some how many
    much what whats which who please show give tell list get see find let know want need can could would
    number count total overall amount sum website site shop webshop hello hi ok just really actually currently so
    far make made bring brought come came coming go went send sent sends happen something in terms breakdown broken
    breaking across among during within over via through using used use out as also into about data figure stat
    statistic report visited us & / - | + = ?"""
    .split()
)  # fmt: skip
_SOME = r"users?|customers?|buyers?|visitors?|people|shoppers?"
_RANKED_USERS = re.compile(rf"\b(?:which|top|biggest|largest|best)\s+(?:\u00a5\d+\s+)?(?:{_SOME})\b")
_HIGH, _LOW = (
    "most top highest biggest largest greatest busiest strongest".split(),
    "least lowest fewest smallest weakest bottom".split(),
)
_COMPARATIVES = re.compile(r"\b(more|less|better|worse|higher|lower|fewer|bigger|smaller)\b")
_JUDGED = re.compile(r"\b(better|worse|best|worst)\b")
_TOP = re.compile(
    rf"\b(?:(top|best|biggest|largest|highest|worst|bottom|first) (\d+|{'|'.join(NUMBER_WORDS)})"
    rf"|(?<!{MARK})(\d+|{'|'.join(NUMBER_WORDS)}) (most|best|top|biggest|largest|highest|worst|lowest|least))\b"
)
_MANY_VALUES = 87.0  # of 100: how alike a misspelled word must be
_LONGEST = 7  # words of a phrase
_DEFAULTS = {"landing_page": "sessions", "page": "page_views", "item": "items_sold"}  # of "top 5 landing pages"

_OPERATORS: dict[str, tuple[str, ...]] = {
    "compare": ("vs", "versus", "compare", "compared", "compare to", "compared to", "compared with", "comparison", "against",
                "than", "difference", "differ", "difference between", "instead of"),
    "share": ("share", "percentage", "percent", "%", "proportion", "fraction", "part of", "what part of", "share of",
              "percentage of", "proportion of", "% of", "split", "how many percent", "how much percent"),
    "trend": ("trend", "over time", "develop", "development", "developed", "evolve", "evolution", "evolved", "history",
              "time series", "timeline", "trending", "growing", "rising", "falling", "declining", "shrinking", "progress", "developing", "evolving", "doing over time"),
    "filler": ("broken down", "break down", "breakdown", "split by", "split up", "brought in", "as well as", "in terms of"),
    "change": ("drop", "dropped", "increase", "increased", "rise", "rose", "grow", "grew", "grown", "fall", "fell", "fallen",
               "decline", "declined", "decrease", "decreased", "change", "changed", "up", "down", "growth", "go up",
               "go down", "gone up", "gone down", "went up", "went down"),
    "judged": ("best", "worst", "bad", "good"),
    "sell": ("sell", "sold", "we sell", "we sold", "did we sell"),
    "average": ("average", "avg", "mean"),
    "high": (*_HIGH, "popular", "most popular"),
    "low": tuple(_LOW),
    # known, and not measured so: other words must not make a question of them
    "unknown": ("new customer", "returning customer", "repeat customer", "repeat buyer", "first time buyer", "loyal customer",
                "new buyer", "returning buyer", "customer lifetime value", "lifetime value", "time of day"),
}  # fmt: skip
_TOKEN = re.compile(r"[^\s,?!;:()\[\]\"“”]+")


@dataclass(frozen=True)
class _Word:
    """A phrase of the question, and what it stands for."""

    kind: str  # metric, by, value, filler, or a name of _OPERATORS
    names: tuple[str, ...]  # metric, dimension, or dimension=value for each candidate
    text: str
    place: int


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
    nearest: tuple[Query, ...] = ()


@dataclass
class _Parts:
    """What is found in a question on the way to its query."""

    times: Times
    words: list[_Word]
    unknown: list[str]
    notes: list[str]
    top: int | None = None
    comparatives: list[str] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)
    by: list[str] = field(default_factory=list)
    cluster: list[str] = field(default_factory=list)
    by_user: bool = False
    is_part: bool = False  # "how much of our revenue comes from"
    counts: bool = False  # "how many"

    def has(self, kind: str) -> bool:
        return any(word.kind == kind for word in self.words)


class _Problem(Exception):
    """Why a question cannot be answered."""


def read_question(question: str, contents: Contents, previous: Query | None = None) -> Reading:
    """The question as a semantic query over these contents; ``previous``: the query before, which it may continue."""
    parts = _parts(question, contents)
    metrics = _metrics(parts)
    filters = _filters(parts, next(iter(metrics), None))
    period = parts.times.periods[0] if parts.times.periods else None
    cause = bool(_CAUSES.search(question.lower()) or _DID.search(question.lower()))
    known = Reading(
        unknown=tuple(parts.unknown), notes=tuple(parts.notes), filters=filters, period=period, metrics=tuple(metrics),
        by=tuple(dict.fromkeys(word.names[0] for word in parts.words if word.kind == "by")), asks_cause=cause,
    )  # fmt: skip
    try:
        if cause:
            raise _Problem("The data show what happened, not why it happened or what would happen.")
        if parts.unknown:
            words = ", ".join(f"“{word}”" for word in parts.unknown)
            raise _Problem(f"I did not understand {words}, so an answer could be to another question.")
        if previous and (continued := _continued(question, parts, metrics, filters, previous)):
            query, notes = continued, list(parts.notes)
        else:
            query, notes = _query(parts, metrics, filters, contents)
        _check(query, contents)
        metric = place(query)[0]
        if metric.name != query.metric:
            notes.append(f"{METRICS[query.metric].label.capitalize()} of items: their {metric.label}.")
            query = replace(query, metric=metric.name)
    except (_Problem, NotAnswerable, ValueError) as error:
        problem = str(error)
        return replace(known, problem=problem, nearest=_nearest(known, contents))
    return replace(known, query=query, notes=tuple(notes))


# -- words --


def _parts(question: str, contents: Contents) -> _Parts:
    text = question.lower().replace("\u2019", "'").replace(MARK, " ").replace("\u00a5", " ")
    text = re.sub(r"'s\b|'(?=\s|$)", "", text)
    text = re.sub(r"%", " % ", text)
    text = re.sub(r"\be-mail", "email", text)
    text = re.sub(r"\b(the|in|from) us\b", r"\1 usa", text)  # elsewhere it is the pronoun
    text = re.sub(rf"\b({_SOME}|sessions?|visits?) (?:who|that|which) (?:viewed|visited|saw|opened)\b", r"\1", text)
    conversions = re.search(r"\bconversions\b", text)
    text = re.sub(r"\bconversions\b", "key events", text)
    times = find_times(text, contents.days)
    parts = _Parts(times, [], [], list(times.notes))
    if conversions:
        parts.notes.append("“conversions” was read as GA4's key events.")
    text = times.text
    if re.search(r"\bwhat (?:do|does|did)\b.*\bdo\b", text):
        parts.unknown.append("do")
    parts.judged = _JUDGED.findall(text)
    if top := _TOP.search(text):
        count = top[2] or top[3]
        parts.top = int(NUMBER_WORDS.get(count, count))
        text = text.replace(top.group(), f"{top[1] or top[4]} ", 1)
    parts.by_user = bool(_RANKED_USERS.search(text)) or "spender" in text
    parts.cluster = re.findall(r"\bcluster\s*#?\s*(-?\d+)", text)
    text = re.sub(r"\bcluster\s*#?\s*-?\d+", " ", text)
    parts.comparatives = _COMPARATIVES.findall(text)
    text = _COMPARATIVES.sub(" ", text)
    if found := re.search(r"\bwhere\b(.*\bcom(?:e|es|ing) from)\b", text):
        parts.by.append("channel")
        parts.notes.append("“where from” was read as: from which channel.")
        text = text.replace(found.group(), found[1], 1)
    elif found := re.search(r"\bwhere\b(.*)\b(?:from|live|located|based)\s*\??$", text):
        parts.by.append("country")
        text = text.replace(found.group(), found[1], 1)
    parts.is_part = bool(re.search(r"\bhow (?:much|many) of (?:our|the|all)\b", text)) and "come" in text
    parts.counts = bool(re.search(r"\b(?:how many|number of)\b(?! percent)", text))
    tokens = [token for token in _tokens(text) if token.strip(".'")]
    lexicon, values = _lexicon(), _values(contents)
    place_ = 0
    while place_ < len(tokens):
        word, size = _match(tokens, place_, lexicon, values, parts)
        if word is not None:
            parts.words.append(word)
        else:
            parts.unknown.append(" ".join(tokens[place_ : place_ + size]))
        place_ += size
    return parts


def _tokens(text: str) -> list[str]:
    """Words; those of a path or a domain in one piece, others apart at hyphens and underscores."""
    found: list[str] = []
    for token in _TOKEN.findall(text):
        token = token.rstrip(".'") if token != "." else token
        if token.startswith("/") and len(token) > 1 or re.fullmatch(r"[\w-]+(\.[\w-]+)+(/\S*)?", token):
            found.append(token)
        else:
            found += [part for part in re.split(r"[_'-]|(?<=\w)/(?=\w)", token) if part]
    return found


def _normal(token: str) -> str:
    """A word without the ending of its plural."""
    if len(token) > 4 and token.endswith("ies"):
        return token[:-3] + "y"
    return token[:-1] if len(token) > 3 and token.endswith("s") and not token.endswith("ss") else token


def _key(phrase: str) -> str:
    return " ".join(_normal(token) for token in _tokens(phrase.lower()))


@cache
def _lexicon() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Phrases that do not depend on the data: what kind each is, and the names it stands for."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {_key(word): ("filler", ()) for word in _FILLERS}
    for kind, phrases in _OPERATORS.items():
        found |= {_key(phrase): (kind, ()) for phrase in phrases}
    for dimension in DIMENSIONS.values():
        found |= {_key(phrase): ("by", (dimension.name,)) for phrase in dimension.words}
    for metric in METRICS.values():
        found |= {_key(phrase): ("metric", (metric.name,)) for phrase in metric.words}
    found |= {
        _key(phrase): ("value", ("new_or_returning=returning",))
        for phrase in ("returning one", "returning", "returning session")
    }
    return found | {_key("new one"): ("value", ("new_or_returning=new",))}


def _domain(value: str) -> list[str]:
    """A domain without its ending, as people call it: partner site, for partner-site.example."""
    found = re.fullmatch(r"(?:www\.)?([a-z0-9-]{4,})\.[a-z.]{2,}", value.lower())
    return [found[1]] if found else []


_VALUES: list[tuple[Contents, dict[str, tuple[str, ...]]]] = []


def _values(contents: Contents) -> dict[str, tuple[str, ...]]:
    """Phrases that stand for values of the data: dimension=value for each, the preferred dimension first."""
    if _VALUES and _VALUES[0][0] is contents:
        return _VALUES[0][1]
    found: dict[str, list[str]] = {}
    for name, values in contents.values.items():
        others = DIMENSIONS[name].values
        for value in values:
            if name in ("page", "landing_page"):
                path = "/" + value.partition("/")[2] if "/" in value else value
                phrases = [path, value] if path != "/" else ["home page", "homepage", "start page", "front page", value]
            else:
                phrases = [value, *_domain(value), *next((some for known, some in others.items() if known.lower() == value.lower()), ())]
            for phrase in phrases:
                if key := _key(phrase.strip("()")):
                    found.setdefault(key, []).append(f"{name}={value}")
    for value in contents.values.get("channel", []):  # "organic", "paid": a part of several names
        for part in _tokens(value.lower()):
            if _normal(part) not in found and part not in _FILLERS:
                partial = [v for v in contents.values["channel"] if part in _tokens(v.lower())]
                found[_normal(part)] = [f"channel={';'.join(partial)}"]
    _VALUES[:] = [(contents, {key: tuple(dict.fromkeys(some)) for key, some in found.items()})]
    return _VALUES[0][1]


def _match(
    tokens: list[str],
    start: int,
    lexicon: Mapping[str, tuple[str, tuple[str, ...]]],
    values: Mapping[str, tuple[str, ...]],
    parts: _Parts,
) -> tuple[_Word | None, int]:
    """What the longest phrase from a place on stands for, and how many words it has; None: not understood."""
    if tokens[start].startswith(MARK):
        return _Word("period", (tokens[start][1:],), tokens[start], start), 1
    for size in range(min(_LONGEST, len(tokens) - start), 0, -1):
        text = " ".join(tokens[start : start + size])
        key = " ".join(map(_normal, tokens[start : start + size]))
        if key in values and (size > 1 or key not in lexicon):
            return _Word("value", values[key], text, start), size
        if key in lexicon:
            kind, names = lexicon[key]
            if kind == "unknown":
                return None, size
            return _Word(kind, names, text, start), size
    return _similar(tokens, start, lexicon, values, parts)


def _similar(
    tokens: list[str],
    start: int,
    lexicon: Mapping[str, tuple[str, tuple[str, ...]]],
    values: Mapping[str, tuple[str, ...]],
    parts: _Parts,
) -> tuple[_Word | None, int]:
    """A misspelled phrase, if one known phrase is much alike."""
    from rapidfuzz import fuzz, process

    for size in (3, 2, 1):
        text = " ".join(tokens[start : start + size])
        key = " ".join(map(_normal, tokens[start : start + size]))
        if start + size > len(tokens) or len(key) < 5 or MARK in text or any(char.isdigit() for char in text):
            continue
        known = [key for key, (kind, _) in lexicon.items() if kind != "filler"]
        known += [value for value in values if not value.startswith("/")]
        near = process.extractOne(key, known, scorer=fuzz.ratio, score_cutoff=_MANY_VALUES)
        if near and near[0].count(" ") == size - 1 and near[0][0] == key[0]:
            kind, names = ("value", values[near[0]]) if near[0] in values else lexicon[near[0]]
            if kind == "unknown":
                return None, size
            parts.notes.append(f"“{text}” was read as “{near[0]}”.")
            return _Word(kind, names, text, start), size
    return None, 1


# -- from words to a query --


def _metrics(parts: _Parts) -> list[str]:
    """Metrics that the question asks for; words such as users stand beside another one without being asked for."""
    found = list(dict.fromkeys(word.names[0] for word in parts.words if word.kind == "metric"))
    strong = [name for name in found if not METRICS[name].is_weak]
    if len(strong) > 1:  # "conversion of returning visitors"
        strong = [name for name in strong if name not in ("new_users", "returning_users")] or strong
    if len(strong) > 1 and "buyers" in strong and {*strong} & {"revenue", "orders", "aov", "items_sold", "net_revenue"}:
        strong.remove("buyers")  # customers are those who have revenue and orders
    return strong or found


def _filters(parts: _Parts, metric: str | None) -> tuple[Filter, ...]:
    """Values of the question by dimension; of a value in several dimensions, the first that the metric has."""
    found: dict[str, list[str]] = {}
    for word in parts.words:
        if word.kind == "value":
            candidates = [candidate.split("=", 1) for candidate in word.names]
            beside = {w.names[0] for w in parts.words if w.kind == "by" and _beside(w, word)}
            candidates = [c for c in candidates if c[0] in beside] or candidates
            if metric:
                candidates = [c for c in candidates if _reaches(metric, c[0])] or candidates
            dimension, value = candidates[0]
            found.setdefault(dimension, []).extend(value.split(";") if dimension == "channel" else [value])
    specific = {word.names[0] for word in parts.words if word.kind == "metric"} & {"new_users", "returning_users"}
    if specific and (metric not in ("new_users", "returning_users") or parts.has("share")):
        kinds = [name.removesuffix("_users") for name in ("new_users", "returning_users") if name in specific]
        found["new_or_returning"] = [*kinds, *found.get("new_or_returning", [])]
    if parts.cluster:
        found["cluster"] = parts.cluster
    return tuple(Filter(name, tuple(dict.fromkeys(values))) for name, values in found.items())


def _beside(one: _Word, other: _Word) -> bool:
    """Whether one phrase follows the other at once."""
    first, second = sorted((one, other), key=lambda word: word.place)
    return first.place + len(first.text.split()) == second.place


def _reaches(metric: str, dimension: str) -> bool:
    try:
        place(Query(metric, filters=(Filter(dimension, ("0",)),)))
    except NotAnswerable:
        return False
    return True


def _breakdown(parts: _Parts, filters: Iterable[Filter]) -> list[str]:
    """Dimensions that the question asks a breakdown by; "campaign" beside the name of a campaign is none."""
    by = list(parts.by)
    for word in parts.words:
        if word.kind == "by":
            beside = [w for w in parts.words if w.kind == "value" and _beside(w, word)]
            named = any(candidate.startswith(f"{word.names[0]}=") for w in beside for candidate in w.names)
            counted = word.names[0] == "item" and parts.has("sell") and not _is_listed(parts, word)
            if not named and not counted:
                by.append(word.names[0])
    return list(dict.fromkeys(by))


def _is_listed(parts: _Parts, item: _Word) -> bool:
    """Whether "items ... sold" asks which, not how many."""
    before = [word for word in parts.words if word.place < item.place][-1:]
    asks = {"which", "what", "by", "per", "each", "every"}
    return bool(parts.top) or any(word.kind in ("high", "low", "judged") or word.text in asks for word in before)


def _query(
    parts: _Parts, metrics: list[str], filters: tuple[Filter, ...], contents: Contents
) -> tuple[Query, list[str]]:
    notes = list(parts.notes)
    by = _breakdown(parts, filters)
    pair = next((one for one in filters if len(one.values) > 1), None)
    compares = parts.has("compare") or bool(parts.comparatives) or parts.times.compares
    metric = _metric(parts, metrics, filters, by, pair, compares, notes)
    if parts.by_user and metric in ("buyers", "users"):
        if metric == "users":
            raise _Problem("I can list users by revenue, orders, items sold, sessions or page views.")
        notes.append("Customers are put in the order of their revenue.")
        metric = "revenue"
    unit = METRICS[metric].unit
    if parts.has("average") and unit in ("count", "money") and metric != "aov":
        raise _Problem(
            "An average has to be one of: revenue per order, per user or per session, page views per session."
        )
    if parts.by_user and metric in ("revenue", "orders", "sessions", "page_views", "items_sold", "net_revenue"):
        by = [*by, "user"]
    period, versus = _periods(parts, compares, notes)
    of_sessions = any(word.kind == "metric" and word.names[0] == "sessions" for word in parts.words)
    if parts.counts and METRICS[metric].n_of.startswith("session") and not of_sessions and not parts.has("share"):
        raise _Problem(f"I know the {METRICS[metric].label} as a rate, not as a number of its own.")
    if any(w.kind == "filler" and w.text == "per" and o.kind == "metric" and o.place == w.place + 1
           for w in parts.words for o in parts.words):  # fmt: skip
        raise _Problem("I know no such ratio.")
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
        if any(word in parts.times.text for word in ("since", "until")) or period.last < period.first:
            raise _Problem("A change needs a period to compare with.")
        versus = period.before()
    if parts.has("trend") and not any(DIMENSIONS[name].kind == "time" for name in by):
        if versus is not None:
            raise _Problem("I can show a trend or compare two periods, not both at once.")
        by = [_step(period or contents.days), *by]
    if compares and versus is None and not by and pair is None:
        raise _Problem("A comparison needs two values (mobile and desktop) or two periods.")
    if (compares or len(parts.judged) > 0) and pair and pair.dimension not in by:
        if pair.dimension == "channel" and any(
            word.kind == "value" and any(";" in name for name in word.names) for word in parts.words
        ):
            raise _Problem("One of these words stands for several channels: name the channels to compare.")
        by = [pair.dimension, *by]
    elif pair and pair.dimension not in by and len(pair.values) > 1 and not is_share:
        notes.append(f"{' and '.join(pair.values)} are counted together.")
    ascending = _ascending(parts, metric, compares)
    return (
        Query(
            metric, tuple(by), filters, period, versus, is_share, parts.top if by else None, ascending if by else None
        ),
        notes,
    )


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
    if metrics:
        if parts.has("sell") and metrics[0] in ("users", "sessions"):
            raise _Problem("Revenue, orders or items sold?")
        return metrics[0]
    about = {*by, *(one.dimension for one in filters)}
    if parts.has("sell"):
        return "items_sold" if about & {"item", "item_category"} else "revenue"
    if parts.by_user and "spender" in parts.times.text:
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
    used = {int(word.names[0]) for word in parts.words if word.kind == "period"}
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
    for period in (query.period, query.versus):
        if period and (
            period.last < contents.days.first or period.first > contents.days.last or period.last < period.first
        ):
            raise _Problem(f"The data cover {contents.days.in_words}, nothing of {period.in_words}.")


# -- follow-ups --


_CONTINUES = re.compile(r"^\s*(?:and|what about|how about|same|now|then|only|but|or)\b")
_LEADS = re.compile(r"^\s*(?:and|what about|how about|the same|same|now|then|only|but|or)\b[\s,]*")


def _continued(
    question: str, parts: _Parts, metrics: list[str], filters: tuple[Filter, ...], previous: Query
) -> Query | None:
    """The query before with what the question changes; None where it is a question of its own."""
    lead = _CONTINUES.search(question.lower())
    by = _breakdown(parts, filters)
    others = parts.has("compare") or parts.has("share") or parts.has("change") or parts.has("trend") or parts.judged
    if (metrics and not lead) or others or not (lead or len(parts.words) <= 4):
        return None
    if not (metrics or filters or by or parts.times.periods or parts.times.asks_before):
        return None
    kept = {one.dimension: one for one in previous.filters} | {one.dimension: one for one in filters}
    period = previous.period
    if parts.times.asks_before and not parts.times.periods:
        if period is None:
            raise _Problem("The period before which one? The question before named none.")
        period = period.before()
    elif parts.times.periods:
        if len(parts.times.periods) > 1:
            return None
        period = parts.times.periods[0]
    new_by = tuple(by) or tuple(name for name in previous.by if name not in {one.dimension for one in filters})
    metric = metrics[0] if len(metrics) == 1 else previous.metric
    return Query(
        metric, new_by, tuple(kept.values()), period, None,
        previous.is_share and METRICS[metric].unit in ("count", "money") and (bool(new_by) or len(kept) == 1),
        parts.top or (previous.top if new_by == previous.by else None), previous.ascending if new_by == previous.by else None,
    )  # fmt: skip


# -- questions that can be answered --


def _nearest(reading: Reading, contents: Contents) -> tuple[Query, ...]:
    """Up to three queries near to what was understood."""
    metrics = [name for name in reading.metrics if METRICS[name].words] or ["revenue", "sessions", "conversion_rate"]
    found: list[Query] = []
    for metric in metrics[:3]:
        filters = tuple(one for one in reading.filters if _reaches(metric, one.dimension))
        reachable = dimensions_of(metric)
        by = tuple(name for name in reading.by if name in reachable and name not in {f.dimension for f in filters})[:1]
        period = reading.period
        if period and (period.last < contents.days.first or period.first > contents.days.last):
            period = None
        found.append(Query(metric, by, filters, period))
        if len(metrics) < 3:
            more = [name for name in ("channel", "device", "country") if name in reachable and name not in by]
            chosen = {one.dimension for one in filters}
            found += [Query(metric, (name,), filters, period) for name in more if name not in chosen][:2]
        if period and len(metrics) == 1:
            found.append(Query(metric, (), filters, period, period.before()))
    return tuple(dict.fromkeys(found))[:3]


def as_question(query: Query) -> str:
    """A question that asks for the query: it is read as the same query again."""
    words = [query.metric.replace("_", " ")]
    if query.is_share:
        words.insert(0, "share of")
    if query.by:
        words.append(
            "by " + " and ".join(DIMENSIONS[name].words[0] if DIMENSIONS[name].words else name for name in query.by)
        )
    for one in query.filters:
        named = " and ".join(one.values)
        words.append(f"for cluster {named}" if one.dimension == "cluster" else f"for {named}")
    if query.period:
        words.append(_named(query.period))
    if query.versus:
        words.append(f"vs {_named(query.versus)}")
    return " ".join(words)


def _named(period: Period) -> str:
    return f"on {period.first}" if period.first == period.last else f"from {period.first} to {period.last}"
