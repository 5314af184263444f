"""Whether words for a direction, likeness or quantity agree with the facts."""

from collections.abc import Collection
from dataclasses import replace

from beha2vec_core.insights.reading import Mention, Sentence
from beha2vec_core.insights.sheet import CLEAR_LIFT, Fact
from beha2vec_core.insights.verify.claims import Claim, bound_number
from beha2vec_core.insights.verify.clusters import across, compared_pair
from beha2vec_core.insights.vocabulary import metrics
from beha2vec_core.insights.vocabulary.claims import PERHAPS_CHANCE
from beha2vec_core.insights.vocabulary.everybody import EVERYBODY, GROUP_WORDS, VERSUS


def claim_problems(
    sentence: Sentence, claim: Claim, starts: list[int], facts: Collection[Fact], *, is_comparison: bool
) -> list[str]:
    """What is wrong with a word that says how much.

    Args:
        sentence: where it stands.
        claim: the word.
        starts: where the words of this kind begin in the sentence.
        facts: all facts the writer was given.
        is_comparison: whether clusters are compared with each other.
    """
    bound = bound_number(sentence, claim, starts)
    if bound is None or bound.fact is None:
        return []
    fact = bound.fact
    if claim.kind in {"never", "only", "rarely"} and _is_part_of_metric(sentence, claim, fact):
        return []
    pair = compared_pair(sentence, claim, fact, facts) if is_comparison else None
    if pair and claim.kind in {"more", "less", "alike"}:
        holds = _pair_holds(claim, *pair)
    elif claim.kind in {"largest", "smallest"}:
        holds = _is_extreme(fact, claim.kind, facts, is_comparison)
    elif claim.kind == "alike" and is_comparison:
        holds = all(other.difference == 0 for other in across(fact, facts)) != claim.is_negated
    elif claim.kind == "different" and (is_comparison or PERHAPS_CHANCE.search(sentence.text)):
        holds = True
    elif _is_of_everybody(sentence, claim, bound):
        holds = _holds_of_everybody(claim, fact)
    else:
        holds = _holds(claim, fact, _is_top(fact, facts))
    return [] if holds else [f"{claim.word!r} does not agree with {fact.fact_id} ({_in_words(fact)})"]


def _is_extreme(fact: Fact, kind: str, facts: Collection[Fact], is_comparison: bool) -> bool:
    if is_comparison:
        values = [other.value for other in across(fact, facts)]
        return fact.value == (max(values) if kind == "largest" else min(values)) and len(values) > 1
    return kind == "largest" and _is_top(fact, facts)


def _is_top(fact: Fact, facts: Collection[Fact]) -> bool:
    """Whether no other feature of the metric has more, in the same cluster."""
    rivals = [other.value for other in facts if other.metric == fact.metric and other.cluster_key == fact.cluster_key]
    return fact.feature is not None and fact.value >= max(rivals)


def _holds(claim: Claim, fact: Fact, is_top: bool) -> bool:
    """Whether a fact bears a word that is said of it."""
    if claim.kind in {"more", "less"}:
        wanted = 1 if claim.kind == "more" else -1
        return fact.direction != wanted if claim.is_negated else fact.direction == wanted
    if claim.kind == "alike":
        differs = fact.difference != 0 or (fact.z is None and _is_far(fact))
        return differs if claim.is_negated else not differs
    if claim.kind == "different":
        return fact.difference == 0 if claim.is_negated else fact.direction != 0
    share = fact.value if fact.unit == "share" else None
    often = fact.direction >= 0 and (fact.direction > 0 or is_top or (share is not None and share >= 0.5))
    rarely = fact.direction <= 0 and (fact.direction < 0 or (share is not None and share <= 0.3 and not is_top))
    if claim.kind in {"often", "rarely"}:
        return often if (claim.kind == "often") != claim.is_negated else rarely
    if claim.kind == "only":
        return fact.direction <= 0 and not is_top
    if share is None:
        return False
    return {
        "nearly all": share >= 0.9,
        "hardly any": share <= 0.1 and fact.direction <= 0,
        "majority": share >= 0.5,
        "minority": share < 0.5,
        "always": fact.shown_value == "100%",
        "never": fact.shown_value == "0%",
        "mostly": share >= 0.5 or is_top,
        "many": (share >= 0.25 and fact.direction >= 0) != claim.is_negated,
    }[claim.kind]


def _is_part_of_metric(sentence: Sentence, claim: Claim, fact: Fact) -> bool:
    """Whether a word is part of what is measured: "users who never engaged"."""
    own = metrics.own(fact.metric)
    return own is not None and any(m.start() <= claim.start < m.end() for m in own.finditer(sentence.text))


def _is_of_everybody(sentence: Sentence, claim: Claim, bound: Mention) -> bool:
    """Whether a word is said of all users: "just {x|all} of all users", "all users buy less"."""
    part = sentence.parts[sentence.part_at(claim.start)]
    if claim.kind in {"more", "less"}:
        subject = EVERYBODY.search(sentence.text, part.start, claim.start)
        return bool(subject) and part.after not in VERSUS and not GROUP_WORDS.search(sentence.written(part))
    if claim.kind in {"alike", "different"}:
        return False
    return bound.form == "all" and any(mention is bound for _, mention in sentence.inside(part))


def _holds_of_everybody(claim: Claim, fact: Fact) -> bool:
    if claim.kind in {"more", "less"}:
        wanted = -1 if claim.kind == "more" else 1
        return fact.direction != wanted if claim.is_negated else fact.direction == wanted
    if claim.kind in {"only", "rarely", "hardly any"}:
        return fact.direction >= 0
    if claim.kind in {"often", "many"}:
        return fact.direction <= 0
    population = replace(fact, value=fact.population_value, z=None)
    return claim.kind in {"majority", "minority", "nearly all", "mostly"} and _holds(claim, population, False)


def _pair_holds(claim: Claim, subject: Fact, other: Fact) -> bool:
    """Whether what is said of one cluster beside another is so, beyond their intervals."""
    above, below = _is_beyond(subject, other), _is_beyond(other, subject)
    if claim.kind == "alike":
        return (not above and not below) != claim.is_negated
    wanted = above if claim.kind == "more" else below
    return not wanted if claim.is_negated else wanted


def _is_beyond(high: Fact, low: Fact) -> bool:
    bottom = high.value if high.interval_low is None else high.interval_low
    top = low.value if low.interval_high is None else low.interval_high
    return high.value > low.value and bottom >= top


def _is_far(fact: Fact) -> bool:
    return fact.lift is not None and not 1 / CLEAR_LIFT < fact.lift < CLEAR_LIFT


def _in_words(fact: Fact) -> str:
    if fact.direction == 0:
        return "no clear difference from all users"
    size = "" if fact.lift is None or _is_far(fact) else "a little "
    return f"{size}{'more' if fact.direction > 0 else 'less'} than all users"
