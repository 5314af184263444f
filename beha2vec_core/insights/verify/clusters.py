"""Whether each number of a comparison is of the cluster it is attributed to."""

import re
from collections.abc import Iterable

from beha2vec_core.insights.reading import Mention, Sentence
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.verify.claims import Claim
from beha2vec_core.insights.vocabulary.everybody import VERSUS

_EVERY_CLUSTER = re.compile(r"\b(?:every|all|each|across|any)(?: of)?(?: the)? (?:clusters?|groups?)\b", re.IGNORECASE)
_RANGE = re.compile(r"\b(?:between|from|ranges?|to|–)\b", re.IGNORECASE)


def cluster_problems(sentence: Sentence, numbers: list[tuple[int, Mention]], facts: Iterable[Fact]) -> list[str]:
    """What is wrong with the clusters of a sentence that compares them.

    Args:
        sentence: it.
        numbers: its placeholders, by where they stand.
        facts: all facts of all clusters.
    """
    own = [(at, mention.fact) for at, mention in numbers if mention.fact and mention.form != "all"]
    named = [(at, mention.clusters) for at, mention in sentence.mentions.items() if mention.clusters]
    if _EVERY_CLUSTER.search(sentence.text) and own:
        return _range_problems(sentence, [fact for _, fact in own], facts)
    if not named:
        return ["say by name whose number it is"] if own else []
    everyone = {key for _, keys in named for key in keys}
    found = []
    for at, fact in own:
        if fact.cluster_key not in everyone:
            found.append(f"the number of {fact.fact_id} is not of the cluster it names")
            continue
        for number in sentence.around(sentence.part_at(at)):
            here = [keys for _, mention in sentence.inside(sentence.parts[number]) if (keys := mention.clusters)]
            numbers_here = [m for _, m in sentence.inside(sentence.parts[number]) if m.is_number and m.form != "all"]
            if not here:
                continue
            is_shared = len(everyone) > 1 and number != sentence.part_at(at) and not numbers_here
            if not is_shared and fact.cluster_key not in here[-1] | here[0]:
                found.append(f"the number of {fact.fact_id} stands beside the name of another cluster")
            break
    if not found and len({fact.cluster_key for _, fact in own}) > 1:
        found += _order_problems(own, named)
    return found


def _order_problems(own: list[tuple[int, Fact]], named: list[tuple[int, frozenset[int]]]) -> list[str]:
    """Where several clusters are named, numbers come in the order of the names."""
    first_named = list(dict.fromkeys(key for _, keys in named for key in keys))
    of_numbers = list(dict.fromkeys(fact.cluster_key for _, fact in own))
    expected = [key for key in first_named if key in of_numbers]
    return [] if of_numbers == expected else ["numbers of clusters do not come in the order of their names"]


def _range_problems(sentence: Sentence, mentioned: list[Fact], facts: Iterable[Fact]) -> list[str]:
    first = mentioned[0]
    everywhere = [f.value for f in across(first, facts)]
    values = [fact.value for fact in mentioned]
    if any((fact.metric, fact.feature) != (first.metric, first.feature) for fact in mentioned):
        return ["a range over the clusters is of one metric"]
    if len(mentioned) != 2 or not _RANGE.search(sentence.text):
        return ["for all clusters, give a range only: from the lowest to the highest"]
    return [] if values == [min(everywhere), max(everywhere)] else ["the range is not from the lowest to the highest"]


def across(fact: Fact, facts: Iterable[Fact]) -> list[Fact]:
    """The same fact of every cluster."""
    return [f for f in facts if (f.metric, f.feature) == (fact.metric, fact.feature)]


def compared_pair(sentence: Sentence, claim: Claim, fact: Fact, facts: Iterable[Fact]) -> tuple[Fact, Fact] | None:
    """The facts of the two clusters that a sentence compares ("A buys more than B")."""
    named = [(at, min(m.clusters)) for at, m in sentence.mentions.items() if len(m.clusters) == 1]
    split = next((part.start for part in sentence.parts if part.start > claim.start and part.after in VERSUS), None)
    if claim.kind == "alike":  # "as often as B" needs no "than"
        split = claim.start
    if split is None:
        return None
    subject = [key for at, key in named if at < split]
    other = [key for at, key in named if at >= split]
    by_cluster = {one.cluster_key: one for one in across(fact, facts)}
    if not subject or not other or subject[-1] not in by_cluster or other[0] not in by_cluster:
        return None
    return by_cluster[subject[-1]], by_cluster[other[0]]
