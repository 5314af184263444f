"""All clusters beside each other: what hardly differs, what differs most, and where to act first."""

from collections.abc import Mapping

from beha2vec_core.insights.names import page_type_focus, theme_focus
from beha2vec_core.insights.placeholders import written
from beha2vec_core.insights.schema import ClusterComparison, ComparisonAnswer
from beha2vec_core.insights.sheet import CLEAR_LIFT, Fact, FactSheet
from beha2vec_core.insights.template.advice import advice
from beha2vec_core.insights.template.clauses import DISCLAIMER, clause, lower, upper
from beha2vec_core.insights.wording import happening

_LEAST_DIFFERENCE = 0.02  # of a share
_MOST_ALIKE, _MOST_CHANCES = 4, 5
_COMPARED = (
    "page_views_mean", "sessions_mean", "engagement_time_mean", "return_share", "one_page_view_share",
    "first_user_direct_share", "purchase_rate", "churn_rate", "error_page_user_share", "hour_block_event_share",
)  # fmt: skip
_COMPARED_ENDS = ("purchase_rate", "return_share", "churn_rate", "engagement_time_mean", "error_page_user_share")
_BEHAVIOR = {
    "page_type_view_share", "theme_view_share", "purchase_rate", "return_share", "one_page_view_share",
    "page_views_mean", "no_engagement_time_share",
}  # fmt: skip


def compare(
    sheets: list[FactSheet], names: dict[int, str], answer: ComparisonAnswer | None = None
) -> ClusterComparison:
    """The comparison of all clusters; users of whom too little is known take no part.

    Args:
        answer: what a language model chose to say, checked: these differences in place of the template's.
    """
    behaving = [sheet for sheet in sheets if sheet.is_cluster]
    if len(behaving) < 2:
        return _nothing_to_compare(sheets)
    alike, alike_facts = _similarities(behaving)
    facts = {fact.fact_id: fact for sheet in behaving for fact in sheet.facts}
    differing, differing_facts = _contrasts(answer, facts, names) if answer else _differences(behaving, names)
    chances, chance_facts = _opportunities(behaving, names)
    if len(behaving) < len(sheets):
        alike.append("All users include those who are in no group yet.")
    ending = [] if answer else [DISCLAIMER]
    return ClusterComparison(
        similarities=" ".join([*alike, *ending]),
        key_differences=" ".join([*differing, *ending]),
        opportunities=" ".join([*chances, *ending]),
        interpretation=(answer.interpretation or None) if answer else None,
        evidence=list(dict.fromkeys(fact.fact_id for fact in [*alike_facts, *differing_facts, *chance_facts])),
    )


def _nothing_to_compare(sheets: list[FactSheet]) -> ClusterComparison:
    nothing = f"The users are not divided into clusters, so there is nothing to compare. {DISCLAIMER}"
    return ClusterComparison(
        similarities=nothing,
        key_differences=nothing,
        opportunities=nothing,
        evidence=[fact.fact_id for sheet in sheets if (fact := sheet.number("users"))],
    )


def clusters_alike(sheets: list[FactSheet]) -> dict[int, tuple[int, ...]]:
    """For each cluster, those that the facts do not distinguish from it: no number differs beyond its interval."""
    behaving = [sheet for sheet in sheets if sheet.is_cluster]
    return {
        sheet.cluster_key: tuple(
            other.cluster_key for other in behaving if other is not sheet and not _is_distinct(sheet, other)
        )
        for sheet in behaving
    }


def _is_distinct(one: FactSheet, other: FactSheet) -> bool:
    theirs = {(fact.metric, fact.feature): fact for fact in other.facts if fact.metric in _BEHAVIOR}
    pairs = ((fact, theirs.get((fact.metric, fact.feature))) for fact in one.facts if fact.metric in _BEHAVIOR)
    return any(mine is not None and _apart(fact, mine) for fact, mine in pairs)


def _apart(one: Fact, other: Fact) -> bool:
    low, high = sorted((one, other), key=lambda fact: fact.value)
    if high.value < CLEAR_LIFT * low.value or (high.unit == "share" and high.value - low.value < _LEAST_DIFFERENCE):
        return False
    return high.is_above(low)


def _similarities(sheets: list[FactSheet]) -> tuple[list[str], list[Fact]]:
    """Numbers whose lowest and highest hardly differ, the most alike first."""
    found: dict[tuple[str, str | None], list[Fact]] = {}
    for fact in (fact for sheet in sheets for fact in sheet.facts if fact.metric in _COMPARED):
        found.setdefault((fact.metric, fact.feature), []).append(fact)
    ends = [_ends(facts) for facts in found.values() if len(facts) == len(sheets) > 1]
    alike = [
        (low, high)
        for low, high in ends
        if low.population_value > (0.1 if low.unit == "share" else 0) and high.value <= CLEAR_LIFT * low.value
    ]
    alike.sort(key=lambda pair: (_COMPARED.index(pair[0].metric), -pair[0].value))
    alike = list({low.metric: (low, high) for low, high in reversed(alike)}.values())[::-1]  # one of each metric
    if not alike:
        return ["On every metric, at least one cluster stands apart."], []
    sentences = []
    for low, high in alike[:_MOST_ALIKE]:
        words = happening(low.metric, low.shown_feature, "users").replace(" their ", " a user's ")
        what = words.format(f"{written(low)} to {written(high)}")
        sentences.append(f"In every cluster {what} (all users {written(low, 'all')}).")
    return sentences, [fact for pair in alike[:_MOST_ALIKE] for fact in pair]


def _ends(facts: list[Fact]) -> tuple[Fact, Fact]:
    return min(facts, key=lambda fact: fact.value), max(facts, key=lambda fact: fact.value)


def _differences(sheets: list[FactSheet], names: dict[int, str]) -> tuple[list[str], list[Fact]]:
    """The ends of the main numbers, then what marks each cluster."""
    sentences: list[str] = []
    used: list[Fact] = []
    for metric in _COMPARED_ENDS:
        facts = [fact for sheet in sheets if (fact := sheet.number(metric))]
        if len(facts) < 2 or not _apart(*_ends(facts)):
            continue
        low, high = _ends(facts)
        used += [low, high]
        sentences.append(_against(high, low, names))
    for sheet in sheets:
        marks = sorted([*page_type_focus(sheet), *theme_focus(sheet)], key=lambda fact: -fact.strength)
        marks += [fact for metric in _COMPARED if (fact := sheet.number(metric)) and fact.is_over]
        used += marks[:1]
        sentences.append(f"{names[sheet.cluster_key]}: {clause(marks[0]) if marks else 'nothing stands out'}.")
    return sentences, used


def _contrasts(
    answer: ComparisonAnswer, facts: Mapping[str, Fact], names: dict[int, str]
) -> tuple[list[str], list[Fact]]:
    """The pairs of facts that were chosen."""
    pairs = [(facts[one.first], facts[one.second]) for one in answer.key_differences]
    return [_against(*pair, names) for pair in pairs], [fact for pair in pairs for fact in pair]


def _against(first: Fact, second: Fact, names: dict[int, str]) -> str:
    """Two clusters by the same fact, and all users."""
    own = happening(first.metric, first.shown_feature, names[first.cluster_key]).format(written(first))
    other = f"{written(second)} of {names[second.cluster_key]} (all users {written(second, 'all')})"
    return f"{upper(own)}, against {other}."


def _opportunities(sheets: list[FactSheet], names: dict[int, str]) -> tuple[list[str], list[Fact]]:
    """Where to act first: what each cluster's own facts ask for, the largest clusters first."""
    sentences: list[str] = []
    used: list[Fact] = []
    advised: set[str] = set()
    for sheet in sorted(sheets, key=lambda sheet: (-sheet.users, sheet.cluster_key)):
        fresh = [(text, fact) for text, fact in advice(sheet) if text not in advised]
        text, fact = fresh[0] if fresh else ("", None)
        if fact is not None and len(sentences) < _MOST_CHANCES:
            used.append(fact)
            advised.add(text)
            sentences.append(f"{names[sheet.cluster_key]}: {lower(text)}, because {clause(fact)}.")
    return sentences or ["No cluster needs an action of its own yet."], used
