"""Which facts answer a question: those with its words, those that distinguish two clusters, the most distinctive."""

from __future__ import annotations

from collections import Counter

from beha2vec_core.chat.clusters.questions import content_words, hits, metrics_named
from beha2vec_core.chat.data.published import Fact, FactSheet
from beha2vec_core.insights.check import SIZES

_OF_ONE_METRIC = 3
ENOUGH = 20
MAIN = ("users", "purchase_rate", "return_share", "page_views_mean", "sessions_mean")


def search_facts(sheet: FactSheet, words: str) -> list[Fact]:
    """Facts with the words, those with most of them first, then the surest."""
    wanted = content_words(words) or [words.lower()]
    metrics = {metric for metric, _ in metrics_named(words)}
    scored = [
        (len(hits(fact, wanted)) + (fact.metric in metrics and fact.feature is None), abs(fact.z or 0), fact)
        for fact in sheet.facts
    ]
    return [fact for score, _, fact in sorted(scored, key=lambda item: (-item[0], -item[1])) if score]


def differences(first: FactSheet, second: FactSheet) -> list[tuple[Fact, Fact]]:
    """Pairs of facts whose 95% intervals do not overlap, the largest differences first; a few of each metric."""
    twins = {_twin(fact): fact for fact in second.facts}
    pairs = [
        (fact, twins[_twin(fact)])
        for fact in first.facts
        if _twin(fact) in twins
        and fact.metric not in (*SIZES, "page_share", "theme_share", "page_type_share")
        and fact.feature != "(direct) / (none)"  # `first_user_direct_share` says it
    ]
    pairs = [pair for pair in pairs if pair[0].feature not in ("unknown", "general")]  # of no label: says nothing
    apart = sorted(
        ((a, b) for a, b in pairs if _apart(_interval(first, a), _interval(second, b))), key=lambda pair: -_gap(*pair)
    )
    taken: Counter[str] = Counter()
    varied = []
    for pair in apart:  # not the landing pages alone
        taken[pair[0].metric] += 1
        if taken[pair[0].metric] <= _OF_ONE_METRIC:
            varied.append(pair)
    return varied


def _twin(fact: Fact) -> tuple[str, str | None]:
    return fact.metric, fact.feature


def _apart(a: tuple[float, float] | None, b: tuple[float, float] | None) -> bool:
    return a is not None and b is not None and (a[0] > b[1] or b[0] > a[1])


def _interval(sheet: FactSheet, fact: Fact) -> tuple[float, float] | None:
    """The fact's interval; a mean of zeros has none, and of enough users is 0."""
    if fact.interval_low is not None and fact.interval_high is not None:
        return fact.interval_low, fact.interval_high
    return (0.0, 0.0) if fact.value == 0 and sheet.users >= ENOUGH else None


def _gap(a: Fact, b: Fact) -> float:
    """Size of a difference: of shares in points, of other numbers beside the population's value."""
    difference = abs(a.value - b.value)
    return (
        difference if a.unit == "share" else difference / (abs(a.population_value) + abs(a.value) + abs(b.value) or 1.0)
    )


def most_telling(sheet: FactSheet, limit: int) -> list[Fact]:
    """What is clearly more or less than elsewhere, the strongest first; views of types and themes before pages."""
    found = [fact for fact in sheet.facts if fact.is_over or fact.is_under]
    found = [
        fact for fact in found if fact.metric not in ("theme_share", "page_type_share") and fact.metric not in MAIN
    ]
    return sorted(found, key=lambda fact: (-fact.strength, fact.fact_id))[:limit]


def of_metric(sheet: FactSheet, metric: str, feature: str | None) -> list[Fact]:
    """The fact of a metric, or its facts with a feature (None: any), most users first."""
    if (plain := sheet.number(metric)) is not None:
        return [plain]
    return [fact for fact in sheet.features(metric) if feature is None or (fact.feature or "").lower() == feature]
