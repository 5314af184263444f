"""Facts as clauses and sentences, with placeholders for their numbers."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from beha2vec_core.insights.placeholders import written
from beha2vec_core.insights.schema import Claim
from beha2vec_core.insights.sheet import Fact, FactSheet
from beha2vec_core.insights.wording import happening
from beha2vec_core.profiles.metrics import NOT_SET

WRITTEN_BY = "template"
_JOINED = 2  # claims that a sentence takes up besides its first
_AS_SOURCE = " as first user source"
DISCLAIMER = "(Written by a template from the facts, without a language model.)"


def sentence(fact: Fact) -> str:
    """A fact on its own: 'Search pages take {...} of their page views (all users {...}).'"""
    return f"{upper(clause(fact))}."


def sentences(facts: Iterable[Fact]) -> list[str]:
    """A sentence each."""
    return [sentence(fact) for fact in facts]


def clause(fact: Fact) -> str:
    """A fact as a clause; only, where it is less; none, where it is 0; and whether the difference may be chance."""
    words = happening(fact.metric, fact.shown_feature).format(_value(fact))
    return f"{words} (all users {written(fact, 'all')}{_chance(fact)})"


def listed(facts: list[Fact]) -> str:
    """Facts in one sentence, what they share said once; '' of none."""
    if not facts:
        return ""
    clauses = [clause(facts[0]), *(_clause_after(before, fact) for before, fact in pairwise(facts))]
    return f"{upper(joined(clauses))}."


def claimed(claims: Iterable[Claim], facts: Mapping[str, Fact]) -> list[str]:
    """The sentences of claims, joined as they say."""
    found: list[str] = []
    joined_to = 0
    for claim in claims:
        words = clause(facts[claim.fact])
        if found and claim.link != "new" and joined_to < _JOINED:
            found[-1] += f" and {words}" if claim.link == "and" else f", but {words}"
            joined_to += 1
        else:
            found.append(upper(words))
            joined_to = 0
    return [f"{words}." for words in found]


def joined(clauses: Iterable[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    *first, last = clauses
    return f"{', '.join(first)} and {last}" if first else last


def numbers(sheet: FactSheet, *metrics: str) -> list[Fact]:
    """The facts of metrics without features, where there are any."""
    return [fact for metric in metrics if (fact := sheet.number(metric))]


def upper(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def lower(text: str) -> str:
    """With a small first letter."""
    return text[:1].lower() + text[1:]


def is_known_source(fact: Fact) -> bool:
    """Whether a first user source is a place to be found: not direct, nor unknown."""
    return NOT_SET not in (fact.feature or "") and "(none)" not in (fact.feature or "")


def _value(fact: Fact) -> str:
    if fact.value == 0 and fact.unit == "share":
        return "none"
    is_bound = fact.shown_value.startswith("less than")
    return f"only {written(fact)}" if fact.is_under and not is_bound else written(fact)


def _clause_after(before: Fact, fact: Fact) -> str:
    """A fact after another: without what was just said, and without "all users"."""
    clause = happening(fact.metric, fact.shown_feature)
    earlier, _, ending = happening(before.metric, before.shown_feature).partition(" take {}")
    words, _, own_ending = clause.partition(" take {}")
    if ending and ending == own_ending:  # "login pages {...}"
        clause = f"{words} {{}}"
    elif earlier.startswith("{} of them "):
        # "{...} at least the checkout", but "none reached at least the checkout"
        said = "reached " if earlier.startswith("{} of them reached ") and fact.value else ""
        if earlier.endswith(_AS_SOURCE) and clause.endswith(_AS_SOURCE):  # "{...} a direct visit"
            said, clause = "have ", clause.removesuffix(_AS_SOURCE)
        clause = clause.replace(f"{{}} of them {said}", "{} ", 1).replace("{} of them ", "{} ", 1)
    value = written(fact) if fact.value and before.is_under else _value(fact)  # "only" is said once
    everybody = written(fact, "all") if value != "none" else f"all users {written(fact, 'all')}"
    return f"{clause.format(value)} ({everybody}{_chance(fact)})"


def _chance(fact: Fact) -> str:
    """What is said after a difference that may be chance."""
    return "; may be chance" if fact.is_sure is False and fact.shown_value != fact.shown_population else ""
