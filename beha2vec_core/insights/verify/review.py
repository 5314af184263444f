"""A draft checked sentence by sentence: what of it holds, what is wrong, and what is left out."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from beha2vec_core.insights.placeholders import fill
from beha2vec_core.insights.reading import Reader, Sentence
from beha2vec_core.insights.schema import ClusterComparison, ClusterInsight
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.verify.claims import Claim, claims_of
from beha2vec_core.insights.verify.clusters import cluster_problems
from beha2vec_core.insights.verify.directions import claim_problems
from beha2vec_core.insights.verify.features import feature_problems
from beha2vec_core.insights.verify.made_up import made_up, unsupported
from beha2vec_core.insights.verify.meaning import meaning_problems
from beha2vec_core.insights.verify.names import name_problems
from beha2vec_core.insights.verify.numbers import form_problems, pairing_problems, population_problems, size_problems
from beha2vec_core.insights.vocabulary.metrics import SIZES, loud
from beha2vec_core.insights.vocabulary.unsupported import CHANGE, PEOPLE
from beha2vec_core.profiles.metrics import metric

Text = TypeVar("Text", ClusterInsight, ClusterComparison)

_ADVICE = {"actions", "opportunities"}
_SUBJECT = re.compile(r"\b(?:they|these|this|users|visitors|people|customers|shoppers|it|clusters?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Review(Generic[Text]):
    """What came of a draft."""

    draft: Text | None  # what holds, with placeholders; None where there are problems
    text: Text | None  # the same as readers see it, numbers in place
    problems: list[str]  # what is wrong, as sentences that the writer can act on
    dropped: list[str]  # claims without evidence that were left out


def review(
    draft: Text, facts: Iterable[Fact], *, clusters: Mapping[int, str], other_names: Iterable[str] = ()
) -> Review[Text]:
    """Check a draft, leave out what has no evidence, and put its numbers in.

    Args:
        draft: what a writer wrote, with placeholders.
        facts: all facts it was given.
        clusters: the clusters it may name, by number or by this name.
        other_names: names of clusters whose facts it was not given.
    """
    is_comparison = isinstance(draft, ClusterComparison)
    reader = Reader(facts, clusters if is_comparison else dict.fromkeys(clusters, ""))
    checker: _Checker = _Checker(reader, is_comparison, list(other_names))
    written: dict[str, Any] = {}
    for name, value in draft.model_dump().items():
        if name == "name":
            checker.problems += name_problems(reader, value)
        elif isinstance(value, str):
            written[name] = checker.prose(name, value)
        elif name != "evidence":
            written[name] = [kept for one in value if (kept := checker.prose(name, one))]
        if name in written and not written[name]:
            checker.problems.append(f"{name}: nothing is left once claims without a fact are out")
    invented = [one for one in draft.evidence if one not in reader.facts]
    checker.problems += [f"evidence names {one[:80]!r}, which is not a fact id of the data" for one in invented]
    evidence = list(dict.fromkeys([*checker.used, *draft.evidence]))
    if not evidence:
        checker.problems.append("no fact is cited: use placeholders, and list the ids in evidence")
    problems = list(dict.fromkeys(checker.problems))
    if problems:
        return Review(None, None, problems, checker.dropped)
    kept_draft = draft.model_copy(update=written | {"evidence": evidence})
    return Review(kept_draft, filled(kept_draft, reader.facts.values()), [], checker.dropped)


def filled(draft: Text, facts: Iterable[Fact]) -> Text:
    """A draft with its numbers in, unchecked: for a writer whose sentences are known."""
    by_id = {fact.fact_id: fact for fact in facts}
    written = {
        name: fill(value, by_id) if isinstance(value, str) else [fill(one, by_id) for one in value]
        for name, value in draft.model_dump().items()
        if name not in {"name", "evidence"}
    }
    return draft.model_copy(update=written)


class _Checker:
    """Checks prose against the facts of one reader, and gathers what is wrong."""

    def __init__(self, reader: Reader, is_comparison: bool, other_names: list[str]) -> None:
        self.reader, self.is_comparison = reader, is_comparison
        self.other_names = [name.lower() for name in other_names if len(name.split()) > 1]
        self.problems: list[str] = []
        self.dropped: list[str] = []
        self.used: list[str] = []

    def prose(self, field: str, prose: str) -> str:
        """The prose without sentences that claim something without a fact, and without citations."""
        sentences, wrong = self.reader.read(prose)
        self.problems += [f"{field}: {problem}" for problem in wrong]
        if wrong:
            return ""
        kept = []
        for sentence in sentences:
            plain = fill(sentence.unmasked, self.reader.facts)
            if not sentence.facts and _claims_something(field, sentence):
                self.dropped.append(plain)
                self.problems += [f"{field}: {problem}" for problem in made_up(sentence.text)]
                continue
            problems = self._wrong(field, sentence)
            self.problems += [f"{field}: {problem}, in {_short(plain)!r}" for problem in problems]
            self.used += [fact.fact_id for fact in sentence.facts]
            kept.append(sentence.unmasked)
        return " ".join(kept)

    def _wrong(self, field: str, sentence: Sentence) -> list[str]:
        """What is wrong with a sentence."""
        found = made_up(sentence.text)
        if not sentence.facts:
            return found
        if any(name in sentence.text.lower() for name in self.other_names):
            found.append("it names a cluster whose facts are not here")
        if field not in _ADVICE:
            is_over_time = any(metric(fact.metric).over_time for fact in sentence.facts)
            found += unsupported(sentence.text, is_over_time=is_over_time)
        return found + self._wrong_numbers(sentence) + self._wrong_words(field, sentence)

    def _wrong_numbers(self, sentence: Sentence) -> list[str]:
        numbers = [(at, mention) for at, mention in sentence.mentions.items() if mention.is_number]
        mentions = [(mention.fact, mention.form) for _, mention in numbers]
        found = ["it has the same placeholder twice"] if len(set(mentions)) < len(mentions) else []
        found += pairing_problems(sentence)
        for at, mention in numbers:
            fact = mention.fact
            assert fact is not None
            part = sentence.parts[sentence.part_at(at)]
            found += form_problems(sentence, at, mention)
            if fact.metric in SIZES:
                found += size_problems(sentence, at, mention)
                continue
            found += population_problems(sentence, at, mention, self.is_comparison)
            found += meaning_problems(sentence, at, mention, part)
            found += feature_problems(sentence, at, fact, part)
        if self.is_comparison:
            found += cluster_problems(sentence, numbers, self.reader.facts.values())
        return found

    def _wrong_words(self, field: str, sentence: Sentence) -> list[str]:
        claims = claims_of(sentence.text)
        starts = [claim.start for claim in claims]
        facts = self.reader.facts.values()
        return [
            problem
            for claim in claims
            if not _is_advice(field, sentence, claim)
            for problem in claim_problems(sentence, claim, starts, facts, is_comparison=self.is_comparison)
        ]


def _claims_something(field: str, sentence: Sentence) -> bool:
    """Whether a sentence says what only a fact could bear."""
    claims = [claim for claim in claims_of(sentence.text) if not _is_advice(field, sentence, claim)]
    if claims or field in _ADVICE | {"caveats"}:
        return bool(claims)
    return bool(
        PEOPLE.search(sentence.text)
        or CHANGE.search(sentence.text)
        or any(pattern.search(sentence.text) for _, pattern in loud())
        or any(mention.features and mention.is_restricting for mention in sentence.mentions.values())
    )


def _is_advice(field: str, sentence: Sentence, claim: Claim) -> bool:
    """Whether a word says what to do ("show more reviews"), not what is."""
    if field not in _ADVICE:
        return False
    clause = [part for part in sentence.parts if part.clause == sentence.parts[sentence.part_at(claim.start)].clause]
    has_fact = any(mention.fact for part in clause for _, mention in sentence.inside(part))
    return not has_fact and not _SUBJECT.search(sentence.text[clause[0].start : claim.start])


def _short(text: str) -> str:
    return text if len(text) <= 90 else text[:89] + "…"
