"""Whether the words beside a number are words for what it measures."""

import re

from beha2vec_core.insights.reading import Mention, Part, Sentence
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.vocabulary import metrics
from beha2vec_core.insights.vocabulary.claims import LESS, MORE, OFTEN
from beha2vec_core.insights.vocabulary.features import family
from beha2vec_core.profiles.metrics import metric

Span = tuple[int, int]
_OF_THESE = re.compile(r"\s*of (?:them|these|the users|users|all users|visitors|those)\b")
_OF_VIEWS = re.compile(r"\bof (?:\w+ ){0,3}(?:page ?views|attention|browsing)\b", re.IGNORECASE)


def meaning_problems(sentence: Sentence, at: int, mention: Mention, part: Part) -> list[str]:
    """What is wrong with the words for what a number measures, its unit and its kind of average."""
    fact = mention.fact
    assert fact is not None
    problem = (
        _unit_problem(sentence, at, mention, fact, part)
        or _average_problem(sentence, fact, part)
        or _words_problem(sentence, at, mention, fact)
    )
    return [problem] if problem else []


def strange_words(written: str, fact: Fact) -> list[Span]:
    """Where words of metrics stand that are described in other words than this fact's."""
    return [
        match.span()
        for name, pattern in metrics.loud()
        if not metrics.shares_words(name, fact.metric)
        for match in pattern.finditer(written)
    ]


def distance(span: Span, place: int) -> int:
    """From a place in the text to the nearer end of a stretch of it."""
    return min(abs(span[0] - place), abs(span[1] - place))


def _unit_problem(sentence: Sentence, at: int, mention: Mention, fact: Fact, part: Part) -> str | None:
    """A share of users is not one of page views, and a number of a user is not one of a session or of all."""
    written, after = sentence.written(part), sentence.text[at + 1 : part.end]
    if fact.unit != "share":
        if _stands_outside(metrics.PER_SOMETHING_ELSE, written, _own_words(written, fact)):
            return f"{fact.fact_id} is per user, in {fact.unit}"
        if metrics.IN_TOTAL.search(written):
            return f"{fact.fact_id} is per user, not a total"
        is_of_users = mention.form != "all" and _OF_THESE.match(after)
        return f"{fact.fact_id} is no share of users" if is_of_users else None
    if _stands_outside(metrics.IN_A_SESSION, written, _own_words(written, fact)):
        return f"{fact.fact_id} is per user"
    what = metric(fact.metric).share_of
    if what != "users" and mention.form != "all" and metrics.OF_USERS.match(after):
        return f"{fact.fact_id} is a share of {what}, not of users"
    if what != "page views" and metrics.OF_VIEWS.match(after):
        return f"{fact.fact_id} is a share of {what}, not of page views"
    if fact.metric == "error_page_view_share" and not re.search(r"\b(?:views?|views of pages)\b", sentence.text, re.I):
        return f"{fact.fact_id} is a share of page views: say so"
    return None


def _average_problem(sentence: Sentence, fact: Fact, part: Part) -> str | None:
    if fact.metric.endswith("_mean") and metrics.MEDIAN.search(sentence.written(part)):
        return f"{fact.fact_id} is a mean, not a median"
    if fact.metric.endswith("_median") and not metrics.MEDIAN.search(sentence.text):
        return f"{fact.fact_id} is a median: say so"
    return None


def _words_problem(sentence: Sentence, at: int, mention: Mention, fact: Fact) -> str | None:
    """Whether the words nearest to a number, in its part or else in the next, are the metric's."""
    if metrics.own(fact.metric) is None:
        return None
    for number in sentence.around(sentence.part_at(at)):
        part = sentence.parts[number]
        written, place = sentence.written(part), at - part.start
        own = _own_words(written, fact)
        strange = strange_words(written, fact)
        # "came back" is not "came back within a week"; "returns" as a theme says nothing of users who return
        own = [span for span in own if not any(_is_inside(span, other) and span != other for other in strange)]
        taken = own + _names_of_features(sentence, part, fact)
        strange = [span for span in strange if not any(a <= span[0] < b for a, b in taken)]
        if not own and not strange:
            continue
        nearest = min((distance(span, place) for span in own), default=None)
        is_strange = any(nearest is not None and distance(span, place) < nearest for span in strange)
        if nearest is None or (is_strange and not metric(fact.metric).is_generic) or _is_a_deed(written, fact, taken):
            what = fact.metric.replace("_", " ")
            return f"the words beside {mention.text} are not about what it measures ({what})"
        return _deed_problem(written, min(own, key=lambda span: distance(span, place)), fact)
    return f"say what {mention.text} measures"


def _own_words(written: str, fact: Fact) -> list[Span]:
    pattern = metrics.own(fact.metric)
    return [match.span() for match in pattern.finditer(written)] if pattern else []


def _names_of_features(sentence: Sentence, part: Part, fact: Fact) -> list[Span]:
    """Where a part names this fact's feature, or surely one."""
    own = (family(fact), fact.feature)
    return [
        (where - part.start, where - part.start + len(named.text))
        for where, named in sentence.inside(part)
        if own in named.features or (named.features and named.is_restricting)
    ]


def _is_a_deed(written: str, fact: Fact, taken: list[Span]) -> bool:
    """Whether users did more than see something ("came as far as the cart"), where that is all the fact says."""
    deeds = metrics.DEEDS.finditer(written) if metric(fact.metric).is_generic else ()
    return any(not any(a <= match.start() < b for a, b in taken) for match in deeds)


def _deed_problem(written: str, own: Span, fact: Fact) -> str | None:
    """Shares of users who saw something, of those who did not, and of what they saw, have like words."""
    compares = MORE.search(written, own[1]) or LESS.search(written, own[1]) or OFTEN.search(written, own[1])
    if metrics.NEGATED_DEED.search(written, 0, own[0]) and not compares:
        return f"{fact.fact_id} is of those who do, not of those who do not"
    if not metric(fact.metric).of_buyers and metrics.BUYERS.search(written):
        return f"{fact.fact_id} is of all users of the group, not of buyers"
    if fact.metric == "page_share" and metrics.LANDED.search(written):
        return f"{fact.fact_id} is of users who viewed the page at any time"
    if metric(fact.metric).is_generic and _OF_VIEWS.search(written):
        return f"{fact.fact_id} is a share of users, not of page views"
    return None


def _stands_outside(pattern: re.Pattern[str], written: str, spans: list[Span]) -> bool:
    """Whether words stand elsewhere than in those of the metric itself ("within a week of their first day")."""
    return any(not any(_is_inside(match.span(), span) for span in spans) for match in pattern.finditer(written))


def _is_inside(span: Span, other: Span) -> bool:
    return other[0] <= span[0] and span[1] <= other[1]
