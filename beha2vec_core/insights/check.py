"""The check of what a language model answers about facts: its claims, and the name it gives.

A claim names a fact and says how it compares; code writes the sentence and every number. So a claim is right or wrong
by the data alone. The name is the model's own words, and may have been dictated by a title or a campaign that a
stranger wrote. Therefore it has only words that stand for facts of the cluster, or for people who visit a site. Its
other own words, the interpretation, are checked in ``interpretation``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from beha2vec_core.insights.names import WORDS, mostly_bought
from beha2vec_core.insights.schema import MAX_NAME_WORDS, Claim, Contrast, Direction
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.wording import has_labels, label_words
from beha2vec_core.profiles.metrics import metric as metric_of

_DIRECTIONS: dict[int, Direction] = {1: "more", -1: "less", 0: "no clear difference"}
SIZES = {"users", "user_share", "expected_buyers"}  # code states them by itself

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# who may be named, whatever the facts
_PEOPLE = {
    "visitors", "users", "people", "browsers", "viewers", "readers", "searchers", "seekers", "explorers", "shoppers",
    "customers", "guests", "members", "fans", "followers", "audience", "group", "crowd", "lookers", "hunters",
    "comparers", "researchers", "planners", "watchers",
}  # fmt: skip
_BETWEEN = {"of", "the", "and", "with", "from", "for", "on", "in", "who", "by", "via"}
_SITE = {"page", "pages", "site"}
_ALSO = {"mobile": "phone smartphone", "desktop": "computer", "email": "newsletter mail", "cpc": "paid ad search"}


def direction(fact: Fact) -> Direction:
    """How a fact compares with all users, in the word that a claim has to use."""
    return _DIRECTIONS[fact.direction]


def contrast(first: Fact, second: Fact) -> Direction:
    """How a fact of one cluster compares with that of another: more or less only where the intervals are apart."""
    return "more" if first.is_above(second) else "less" if second.is_above(first) else "no clear difference"


def check_claims(claims: Iterable[Claim], facts: Mapping[str, Fact], field: str) -> tuple[list[Claim], list[str]]:
    """The claims that the facts support, and what is wrong with the others, as sentences that the writer can act on."""
    kept: list[Claim] = []
    problems: list[str] = []
    for claim in claims:
        fact = facts.get(claim.fact)
        if fact is None:
            problems.append(f"{field}: {claim.fact[:80]!r} is not a fact id of the data")
        elif fact.metric in SIZES:
            problems.append(f"{field}: {claim.fact!r} is stated by code: choose another fact")
        elif claim.fact in {other.fact for other in kept}:
            problems.append(f"{field}: {claim.fact!r} is claimed twice")
        elif claim.direction != direction(fact):
            problems.append(
                f"{field}: {claim.fact!r} is {direction(fact)!r} compared with all users, not {claim.direction!r}"
            )
        else:
            kept.append(claim)
    return kept, problems


def check_contrasts(contrasts: Iterable[Contrast], facts: Mapping[str, Fact]) -> tuple[list[Contrast], list[str]]:
    """The contrasts that the facts support, and what is wrong with the others."""
    kept: list[Contrast] = []
    problems: list[str] = []
    for one in contrasts:
        pair = facts.get(one.first), facts.get(one.second)
        first, second = pair
        if first is None or second is None:
            unknown = one.first if first is None else one.second
            problems.append(f"key_differences: {unknown[:80]!r} is not a fact id of the data")
        elif first.metric in SIZES or (first.metric, first.feature) != (second.metric, second.feature):
            problems.append(f"key_differences: {one.first!r} and {one.second!r} are not the same fact of two clusters")
        elif first.cluster_key == second.cluster_key:
            problems.append(f"key_differences: {one.first!r} and {one.second!r} are of the same cluster")
        elif {one.first, one.second} in [{other.first, other.second} for other in kept]:
            problems.append(f"key_differences: {one.first!r} and {one.second!r} are compared twice")
        elif one.direction != contrast(first, second):
            right = contrast(first, second)
            problems.append(f"key_differences: {one.first!r} is {right!r} beside {one.second!r}, not {one.direction!r}")
        else:
            kept.append(one)
    return kept, problems


def check_name(name: str, facts: Iterable[Fact], taken: Iterable[str]) -> list[str]:
    """What is wrong with the name of a cluster."""
    if name.strip().lower() in {other.lower() for other in taken}:
        return [f"the name {name[:60]!r} is taken"]
    words = re.split(r"[\s-]+", name.strip())
    if not 1 <= len(name.split()) <= MAX_NAME_WORDS or len(name) > 60:
        return [f"a name has one to {MAX_NAME_WORDS} words"]
    lower = [word.lower() for word in words]
    if len(set(lower)) < len(lower) or lower[0] in _BETWEEN or lower[-1] in _BETWEEN:
        return ["a name has no word twice, and neither begins nor ends with a word such as of"]
    allowed = _PEOPLE | _BETWEEN | _SITE | set(_words_of_facts(list(facts)))
    if wrong := [word for word in words if word.lower() not in allowed or not _WORD.fullmatch(word)]:
        return [f"in a name, {word[:40]!r} is no word for what these users do more than others" for word in wrong[:3]]
    return []


def _words_of_facts(facts: list[Fact]) -> Iterator[str]:
    """The words that are true of these users, by the labels and metrics in which they differ."""
    for fact in facts:
        if fact.feature is None:
            words = metric_of(fact.metric)
            yield from words.over.split() if fact.difference > 0 else ()
            yield from words.under.split() if fact.difference < 0 else ()
            if fact.metric == "purchase_rate" and mostly_bought(fact):
                yield from ("buyers", "purchasers")
        elif fact.difference > 0 and (
            has_labels(fact.metric) or fact.metric in ("device_share", "first_user_medium_share")
        ):
            label = fact.feature.lower()
            yield from re.split(r"[\s-]+", f"{label_words(label)} {WORDS.get(label, '')} {_ALSO.get(label, '')}")
