"""Whether the words beside a number are words for what it measures."""

import re

from beha2vec_core.insights.reading import Mention, Part, Sentence
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.vocabulary import metrics
from beha2vec_core.insights.vocabulary.claims import LESS, MORE, OFTEN
from beha2vec_core.insights.vocabulary.features import family


def meaning_problems(sentence: Sentence, at: int, mention: Mention, part: Part) -> list[str]:
    """Whether the words nearest to a number are words for its metric."""
    fact = mention.fact
    assert fact is not None
    after = sentence.text[at + 1 : part.end]
    per_another = metrics.IN_A_SESSION if fact.unit == "share" else metrics.PER_SOMETHING_ELSE
    if per_another.search(sentence.written(part)):
        return [f"{fact.fact_id} is per user" + ("" if fact.unit == "share" else f", in {fact.unit}")]
    if fact.unit != "share" and metrics.IN_TOTAL.search(sentence.written(part)):
        return [f"{fact.fact_id} is per user, not a total"]
    is_of_views = fact.metric.endswith("view_share") or fact.metric == "error_page_share"
    if fact.unit == "share" and is_of_views and mention.form != "all" and metrics.OF_USERS.match(after):
        return [f"{fact.fact_id} is a share of page views, not of users"]
    if fact.unit == "share" and not is_of_views and metrics.OF_VIEWS.match(after):
        return [f"{fact.fact_id} is a share of users, not of page views"]
    if (
        fact.unit != "share"
        and mention.form != "all"
        and re.match(r"\s*of (?:them|these|the users|users|all users|visitors|those)\b", after)
    ):
        return [f"{fact.fact_id} is no share of users"]
    if fact.metric == "error_page_share" and not re.search(r"\b(?:views?|views of pages)\b", sentence.text, re.I):
        return [f"{fact.fact_id} is a share of page views: say so"]
    if fact.metric == "page_views_mean" and re.search(r"\b(?:median|middle user)\b", sentence.written(part), re.I):
        return [f"{fact.fact_id} is a mean, not a median"]
    if fact.metric == "page_views_median" and not re.search(r"\b(?:median|middle|typical)\b", sentence.text, re.I):
        return [f"{fact.fact_id} is a median: say so"]
    own = metrics.OWN.get(fact.metric)
    if own is None:
        return []
    for number in sentence.around(sentence.part_at(at)):
        candidate = sentence.parts[number]
        written = sentence.written(candidate)
        own_words = [match.span() for match in own.finditer(written)]
        # "returns" as a theme says nothing of users who return
        taken = own_words + [
            (where - candidate.start, where - candidate.start + len(named.text))
            for where, named in sentence.inside(candidate)
            if (family(fact), fact.feature) in named.features or (named.features and named.is_restricting)
        ]
        strange = [
            match.span() for match in strange_words(written, fact) if not any(a <= match.start() < b for a, b in taken)
        ]
        if not own_words and not strange:
            continue
        place = at - candidate.start
        nearest_own = min((distance(span, place) for span in own_words), default=None)
        nearest_strange = min((distance(span, place) for span in strange), default=None)
        if nearest_own is None or (
            nearest_strange is not None and nearest_strange < nearest_own and not _is_generic(fact.metric)
        ):
            return [f"the words beside {mention.text} are not about what it measures ({fact.metric.replace('_', ' ')})"]
        near = min(own_words, key=lambda span: distance(span, place))
        compares = MORE.search(written, near[1]) or LESS.search(written, near[1]) or OFTEN.search(written, near[1])
        if metrics.NEGATED_DEED.search(written, 0, near[0]) and not compares:
            return [f"{fact.fact_id} is of those who do, not of those who do not"]
        if fact.metric not in {"purchase_rate", "item_bought_share"} and metrics.BUYERS.search(written):
            return [f"{fact.fact_id} is of all users of the group, not of buyers"]
        return _wrong_unit(sentence, candidate, fact)
    return [f"say what {mention.text} measures"]


def distance(span: tuple[int, int], place: int) -> int:
    """From a place in the text to the nearer end of a stretch of it."""
    return min(abs(span[0] - place), abs(span[1] - place))


def _is_generic(metric: str) -> bool:
    return metric in {"page_share", "theme_share", "page_type_share"}


def _wrong_unit(sentence: Sentence, part: Part, fact: Fact) -> list[str]:
    """Shares of users who saw something, and shares of what they saw, have like words."""
    written = sentence.written(part)
    if fact.metric == "page_share" and metrics.LANDED.search(written):
        return [f"{fact.fact_id} is of users who viewed the page at any time"]
    if _is_generic(fact.metric) and re.search(r"\bof (?:\w+ ){0,3}(?:page ?views|attention|browsing)\b", written, re.I):
        return [f"{fact.fact_id} is a share of users, not of page views"]
    return []


def strange_words(written: str, fact: Fact) -> list[re.Match[str]]:
    """Words of metrics that are told in other words than this fact's."""
    return [
        match
        for metric, pattern in metrics.LOUD.items()
        if not metrics.shares_words(metric, fact.metric)
        for match in pattern.finditer(written)
    ]
