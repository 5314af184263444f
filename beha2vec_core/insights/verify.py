"""The check of what a language model writes: no number of its own, no claim that the facts do not bear.

Prose is written with placeholders (see ``placeholders``). Of each sentence it is asked, in this order: whether anything
in it is made up (digits, number words, fact ids), whether each number stands beside words for what it measures, the
right feature, the right cluster, and for all users where it is theirs, and whether words for a direction, likeness or
quantity agree with the facts. A sentence that claims something without a fact is left out. The check is strict: it
refuses some true sentences, and a writer who is told why can say them more plainly.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from beha2vec_core.insights import vocabulary as v
from beha2vec_core.insights.placeholders import fill
from beha2vec_core.insights.reading import Mention, Part, Reader, Sentence
from beha2vec_core.insights.schema import ClusterComparison, ClusterInsight
from beha2vec_core.insights.sheet import CLEAR_LIFT, Fact

Text = TypeVar("Text", ClusterInsight, ClusterComparison)

_SIZES = {"users", "user_share"}
_ADVICE = {"actions", "opportunities"}
_MARKUP = re.compile(r"https?:|www\.|[<>`]|\]\(|javascript:|^\s*#", re.IGNORECASE)
_GROUP_WORDS = re.compile(r"\b(?:they|them|their|these|this|here|its?|the group|the cluster)\b", re.IGNORECASE)
_SUBJECT = re.compile(r"\b(?:they|these|this|users|visitors|people|customers|shoppers|it|clusters?)\b", re.IGNORECASE)
_EVERY_CLUSTER = re.compile(r"\b(?:every|all|each|across|any)(?: of)?(?: the)? (?:clusters?|groups?)\b", re.IGNORECASE)
_RANGE = re.compile(r"\b(?:between|from|ranges?|to|–)\b", re.IGNORECASE)
_VERSUS = {
    "versus", "vs", "against", "compared with", "compared to", "than", "up from", "down from", "unlike", "beside",
    "rather than", "instead of", "as opposed to",
}  # fmt: skip
_ABOUT = re.compile(r"\b(?:about|on|topic|theme|subject)\s+(?:the\s+)?$", re.IGNORECASE)
_BUYER_NAME = re.compile(r"\b(?:buyers?|purchasers?|orderers?|converters?|spenders?)\b", re.IGNORECASE)
_RETURNER_NAME = re.compile(r"\b(?:returning|returners?|loyal|repeat)\b", re.IGNORECASE)
_NEGATING_NAME = re.compile(r"\b(?:non|not|never|no|un|rarely|seldom)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Review(Generic[Text]):
    """What came of a draft."""

    text: Text | None  # as readers see it, numbers in place; None where there are problems
    problems: list[str]  # what is wrong, as sentences that the writer can act on
    dropped: list[str]  # claims without evidence that were left out


@dataclass(frozen=True)
class _Claim:
    """A word that says how much, and where it stands."""

    kind: str
    word: str
    start: int
    is_negated: bool = False


def review(
    draft: Text, facts: Iterable[Fact], *, clusters: Mapping[int, str], other_names: Iterable[str] = ()
) -> Review[Text]:
    """Check a draft and put its numbers in.

    Args:
        draft: what a writer wrote, with placeholders.
        facts: all facts it was given.
        clusters: the clusters it may name, by number or by this name.
        other_names: names of clusters whose facts it was not given.
    """
    known = list(facts)
    reader = Reader(known, clusters if isinstance(draft, ClusterComparison) else dict.fromkeys(clusters, ""))
    checker: _Checker = _Checker(reader, isinstance(draft, ClusterComparison), list(other_names))
    written: dict[str, Any] = {}
    for name, value in draft.model_dump().items():
        if name == "name":
            checker.name(value)
        elif isinstance(value, str):
            written[name] = checker.prose(name, value)
        elif name != "evidence":
            written[name] = [kept for one in value if (kept := checker.prose(name, one))]
        if name in written and not written[name]:
            checker.problems.append(f"{name}: nothing is left once claims without a fact are out")
    invented = [one for one in draft.evidence if one not in reader.facts]
    checker.problems += [f"evidence names {one[:80]!r}, which is no fact id of the data" for one in invented]
    evidence = list(dict.fromkeys([*checker.used, *draft.evidence]))
    if not evidence:
        checker.problems.append("no fact is cited: use placeholders, and list the ids in evidence")
    problems = list(dict.fromkeys(checker.problems))
    text = None if problems else draft.model_copy(update=written | {"evidence": evidence})
    return Review(text, problems, checker.dropped)


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

    def name(self, name: str) -> None:
        """A name: no number, and nothing that the facts speak against."""
        problems = _made_up(name)
        if "{" in name:
            problems.append("a name has no placeholders")
        for pattern, metric in ((_BUYER_NAME, "purchase_rate"), (_RETURNER_NAME, "return_share")):
            fact = next((fact for fact in self.reader.facts.values() if fact.metric == metric), None)
            if fact and pattern.search(name):
                wrong = fact.is_over if _NEGATING_NAME.search(name) else fact.is_under
                if wrong:
                    problems.append(f"the facts speak against it, see {fact.fact_id}")
        sentences, _ = self.reader.read(name)
        for sentence in sentences:
            for mention in sentence.mentions.values():
                shares = [f for f in self.reader.facts.values() if (v.family(f), f.feature) in mention.features]
                if shares and mention.is_restricting and all(fact.is_under for fact in shares):
                    problems.append(f"{mention.text!r} is what these users do less, see {shares[0].fact_id}")
        self.problems += [f"name {name!r}: {problem}" for problem in problems]

    def prose(self, field: str, prose: str) -> str:
        """The prose as readers see it, without sentences that claim something without a fact."""
        sentences, wrong = self.reader.read(prose)
        self.problems += [f"{field}: {problem}" for problem in wrong]
        if wrong:
            return ""
        kept = []
        for sentence in sentences:
            plain = sentence.unmasked(self.reader.facts)
            if not sentence.facts and self._claims_something(field, sentence):
                self.dropped.append(plain)
                self.problems += [f"{field}: {problem}" for problem in _made_up(sentence.text)]
                continue
            problems = self._wrong(field, sentence)
            self.problems += [f"{field}: {problem}, in {_short(plain)!r}" for problem in problems]
            self.used += [fact.fact_id for fact in sentence.facts]
            kept.append(plain)
        return " ".join(kept)

    def _claims_something(self, field: str, sentence: Sentence) -> bool:
        claims = [claim for claim in _claims(sentence.text) if not self._is_advice(field, sentence, claim)]
        if claims or field in _ADVICE | {"caveats"}:
            return bool(claims)
        return bool(
            v.PEOPLE.search(sentence.text)
            or v.CHANGE.search(sentence.text)
            or any(pattern.search(sentence.text) for pattern in v.LOUD.values())
            or any(mention.features and mention.is_restricting for mention in sentence.mentions.values())
        )

    def _is_advice(self, field: str, sentence: Sentence, claim: _Claim) -> bool:
        """Whether a word says what to do ("show more reviews"), not what is."""
        if field not in _ADVICE:
            return False
        clause = [
            part for part in sentence.parts if part.clause == sentence.parts[sentence.part_at(claim.start)].clause
        ]
        has_fact = any(mention.fact for part in clause for _, mention in sentence.inside(part))
        return not has_fact and not _SUBJECT.search(sentence.text[clause[0].start : claim.start])

    def _wrong(self, field: str, sentence: Sentence) -> list[str]:
        found = _made_up(sentence.text)
        if any(name in sentence.text.lower() for name in self.other_names) and sentence.facts:
            found.append("it names a cluster whose facts are not here")
        if sentence.facts and field not in _ADVICE:
            found += _untold(sentence.text)
        numbers = [(at, mention) for at, mention in sentence.mentions.items() if mention.is_number]
        told = [(mention.fact, mention.form) for _, mention in numbers]
        if len(set(told)) < len(told):
            found.append("it has the same placeholder twice")
        for at, mention in numbers:
            fact = mention.fact
            assert fact is not None
            part = sentence.parts[sentence.part_at(at)]
            found += _form_problems(sentence, at, mention)
            if fact.metric in _SIZES:
                found += _size_problems(sentence, at, mention)
                continue
            found += _population_problems(sentence, at, mention, self.is_comparison)
            found += _meaning_problems(sentence, at, mention, part)
            found += _feature_problems(sentence, at, fact, part)
        if self.is_comparison:
            found += self._cluster_problems(sentence, numbers)
        for claim in (claims := _claims(sentence.text)):
            if self._is_advice(field, sentence, claim) or not sentence.facts:
                continue
            found += self._claim_problems(sentence, claim, [other.start for other in claims])
        return found

    # -- which cluster --

    def _cluster_problems(self, sentence: Sentence, numbers: list[tuple[int, Mention]]) -> list[str]:
        own = [(at, mention.fact) for at, mention in numbers if mention.fact and mention.form != "all"]
        named = [(at, mention.clusters) for at, mention in sentence.mentions.items() if mention.clusters]
        if _EVERY_CLUSTER.search(sentence.text) and own:
            return self._range_problems(sentence, [fact for _, fact in own])
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
                numbers_here = [
                    m for _, m in sentence.inside(sentence.parts[number]) if m.is_number and m.form != "all"
                ]
                if not here:
                    continue
                is_shared = len(everyone) > 1 and number != sentence.part_at(at) and not numbers_here
                if not is_shared and fact.cluster_key not in here[-1] | here[0]:
                    found.append(f"the number of {fact.fact_id} stands beside the name of another cluster")
                break
        if not found and len({fact.cluster_key for _, fact in own}) > 1:
            found += self._order_problems(own, named)
        return found

    @staticmethod
    def _order_problems(own: list[tuple[int, Fact]], named: list[tuple[int, frozenset[int]]]) -> list[str]:
        """Where several clusters are named, numbers come in the order of the names."""
        first_named = list(dict.fromkeys(key for _, keys in named for key in keys))
        of_numbers = list(dict.fromkeys(fact.cluster_key for _, fact in own))
        expected = [key for key in first_named if key in of_numbers]
        return [] if of_numbers == expected else ["numbers of clusters do not come in the order of their names"]

    def _range_problems(self, sentence: Sentence, facts: list[Fact]) -> list[str]:
        first = facts[0]
        everywhere = [f.value for f in self._across(first)]
        values = [fact.value for fact in facts]
        if any((fact.metric, fact.feature) != (first.metric, first.feature) for fact in facts):
            return ["a range over the clusters is of one metric"]
        if len(facts) != 2 or not _RANGE.search(sentence.text):
            return ["of every cluster only a range can be told: from the lowest to the highest"]
        return (
            [] if values == [min(everywhere), max(everywhere)] else ["the range is not from the lowest to the highest"]
        )

    def _across(self, fact: Fact) -> list[Fact]:
        """The same fact of every cluster."""
        return [f for f in self.reader.facts.values() if (f.metric, f.feature) == (fact.metric, fact.feature)]

    # -- directions, likeness, quantities --

    def _claim_problems(self, sentence: Sentence, claim: _Claim, starts: list[int]) -> list[str]:
        bound = _bound(sentence, claim, starts)
        if bound is None or bound.fact is None:
            return []
        fact = bound.fact
        if claim.kind in {"never", "only", "rarely"} and _is_part_of_metric(sentence, claim, fact):
            return []
        pair = self._pair(sentence, claim, fact) if self.is_comparison else None
        if pair and claim.kind in {"more", "less", "alike"}:
            holds = _pair_holds(claim, *pair)
        elif claim.kind in {"largest", "smallest"}:
            holds = self._is_extreme(fact, claim.kind)
        elif claim.kind == "alike" and self.is_comparison:
            holds = all(not (other.is_over or other.is_under) for other in self._across(fact)) != claim.is_negated
        elif claim.kind == "different" and (self.is_comparison or v.PERHAPS_CHANCE.search(sentence.text)):
            holds = True
        elif _is_of_everybody(sentence, claim, bound):
            holds = _holds_of_everybody(claim, fact)
        else:
            holds = _holds(claim, fact, self._is_top(fact))
        return [] if holds else [f"{claim.word!r} does not agree with {fact.fact_id} ({_in_words(fact)})"]

    def _pair(self, sentence: Sentence, claim: _Claim, fact: Fact) -> tuple[Fact, Fact] | None:
        """The facts of the two clusters that a sentence compares ("A buys more than B")."""
        named = [(at, min(m.clusters)) for at, m in sentence.mentions.items() if len(m.clusters) == 1]
        split = next(
            (part.start for part in sentence.parts if part.start > claim.start and part.after in _VERSUS), None
        )
        if claim.kind == "alike":  # "as often as B" needs no "than"
            split = claim.start
        if split is None:
            return None
        subject = [key for at, key in named if at < split]
        other = [key for at, key in named if at >= split]
        by_cluster = {one.cluster_key: one for one in self._across(fact)}
        if not subject or not other or subject[-1] not in by_cluster or other[0] not in by_cluster:
            return None
        return by_cluster[subject[-1]], by_cluster[other[0]]

    def _is_extreme(self, fact: Fact, kind: str) -> bool:
        if self.is_comparison:
            values = [other.value for other in self._across(fact)]
            return fact.value == (max(values) if kind == "largest" else min(values)) and len(values) > 1
        return kind == "largest" and self._is_top(fact)

    def _is_top(self, fact: Fact) -> bool:
        """Whether no other feature of the metric has more, in the same cluster."""
        rivals = [
            other.value
            for other in self.reader.facts.values()
            if other.metric == fact.metric and other.cluster_key == fact.cluster_key
        ]
        return fact.feature is not None and fact.value >= max(rivals)


# -- what is made up --


def _made_up(masked: str) -> list[str]:
    found = [f"the number {one!r} is written out: use a placeholder" for one in _digits(masked)]
    found += [f"the number word {match.group()!r}: use a placeholder" for match in v.NUMBER_WORDS.finditer(masked)]
    if "{" in masked or "}" in masked:
        found.append("a placeholder is malformed: write {fact id} or {fact id|all}")
    if _MARKUP.search(masked):
        found.append("it holds a link or markup: write plain text")
    return found


def _digits(masked: str) -> list[str]:
    return [word[:20] for word in masked.split() if any(char.isnumeric() or char.isdigit() for char in word)]


def _untold(masked: str) -> list[str]:
    """Words for what the facts do not tell."""
    wrong = {"no change over time": v.CHANGE, "no causes": v.CAUSE, "nothing of who users are": v.PEOPLE}
    return [
        f"{match.group()!r}: the facts tell {what}"
        for what, pattern in wrong.items()
        if (match := pattern.search(masked))
    ]


# -- what a number is of --


def _form_problems(sentence: Sentence, at: int, mention: Mention) -> list[str]:
    after, before = sentence.text[at + 1 :], sentence.text[:at]
    follows_times = re.match(r"\s*(?:times\b|x\b|×)", after)
    if mention.form == "times":
        if not follows_times:
            return ["{id|times} is followed by the word 'times'"]
        is_less = re.match(r"\s*(?:times|x|×)\s+(?:less|fewer|lower|smaller|rarer)\b", after)
        return ["'times less' says nothing: give both values"] if is_less else []
    if mention.form in {"low", "high"}:
        return [] if _is_interval(sentence, at, mention) else ["an interval has both ends: {id|low} to {id|high}"]
    if v.A_DIFFERENCE.match(after):
        return [f"{mention.text} is a value, not a difference"]
    if follows_times:
        return [f"only {{id|times}} is followed by 'times', not {mention.text}"]
    if re.match(r"\s*(?:%|percent)", after):
        return [f"{mention.text} is no percentage"]
    if mention.form == "" and v.BOUNDED.search(before) and not _is_of_other(sentence, at):
        return [f"{mention.text} is the number itself: no 'more than', 'under' or 'almost' before it"]
    return []


def _is_interval(sentence: Sentence, at: int, mention: Mention) -> bool:
    """Whether both ends stand side by side, the lower one first."""
    forward = mention.form == "low"
    near = range(at + 1, at + 8) if forward else range(at - 1, at - 8, -1)
    other = next((sentence.mentions[where] for where in near if where in sentence.mentions), None)
    return other is not None and other.form == ("high" if forward else "low") and other.fact == mention.fact


def _is_of_other(sentence: Sentence, at: int) -> bool:
    """Whether a number follows the name of a cluster: 'more than cluster 4 ({...})'."""
    return any(mention.clusters for where, mention in sentence.mentions.items() if where < at)


def _size_problems(sentence: Sentence, at: int, mention: Mention) -> list[str]:
    fact, part = mention.fact, sentence.parts[sentence.part_at(at)]
    assert fact is not None
    before, after = sentence.text[:at], sentence.text[at + 1 : part.end]
    if fact.metric == "user_share":
        if mention.form == "all":
            return ["the share of all users in all users says nothing"]
        is_other = bool(
            _loud(sentence.written(part), fact)
            or re.match(r"\s*of (?:them|these|this)\b", after)
            or any(m.features for _, m in sentence.inside(part))
        )
        is_size = re.search(
            r"\b(?:of|users|visitors|group|cluster|share|audience|base|traffic)\b", sentence.written(part)
        )
        return [f"{fact.fact_id} is the size of the group"] if is_other or not is_size else []
    numbers = [m for _, m in sentence.inside(part) if m.is_number and m.fact and m.fact.metric == "users"]
    if mention.form == "all":
        is_total = re.search(r"\b(?:of|out of|among|all)(?: the| all| a total of| our)* ?$", before)
        is_total = is_total or v.EVERYBODY.search(sentence.written(part)) or re.search(r"\btotal\b", after)
        return [] if is_total and numbers[0].form != "all" else [f"{mention.text} is the number of all users"]
    if len(numbers) > 1 and numbers[0].form == "all":
        return ["the number of the group comes before the number of all users"]
    if re.match(r"\s*of (?:them|these|their|users|visitors)\b", after) or (
        _loud(sentence.written(part), fact) and not v.COUNTED.search(sentence.text[part.start : at])
    ):
        return [f"{fact.fact_id} is the number of users of the group, not of those who do something"]
    return []


def _population_problems(sentence: Sentence, at: int, mention: Mention, is_comparison: bool) -> list[str]:
    number = sentence.part_at(at)
    part = sentence.parts[number]
    here = sentence.written(part)
    beside = [
        sentence.written(sentence.parts[n])
        for n in (number - 1, number + 1)
        if 0 <= n < len(sentence.parts) and not any(m.is_number for _, m in sentence.inside(sentence.parts[n]))
    ]
    if mention.form == "all":
        if v.THE_REST.search(here) and not v.EVERYBODY.search(here):
            return [f"{mention.text} is of all users, this group among them: write 'all users'"]
        if _GROUP_WORDS.search(here) and not v.EVERYBODY.search(here):
            return [f"{mention.text} is the value of all users, not of this group"]
        follows_value = any(
            other.fact == mention.fact and other.form == "" and where < at for where, other in sentence.mentions.items()
        )
        if v.EVERYBODY.search(here) or v.WEAK_EVERYBODY.search(here) or any(map(v.EVERYBODY.search, beside)):
            return []
        if follows_value and (part.after in _VERSUS or part.is_bracketed):
            return []
        return [f"say that {mention.text} is the value of all users"]
    if mention.form != "":
        return []
    if _is_nearer_to_everybody(sentence, at, part):
        return [f"{mention.text} is the value of this group, not of all users"]
    has_all = any(m.form == "all" for _, m in sentence.inside(part))
    if v.EVERYBODY.search(here) and not has_all:
        return [f"{mention.text} is the value of this group, not of all users"]
    before = sentence.parts[number - 1] if number else None
    if before and not _GROUP_WORDS.search(here) and not any(m.is_number for _, m in sentence.inside(before)):
        introduces = v.EVERYBODY.search(sentence.written(before)) and before.after not in _VERSUS
        opens = re.match(
            r"^\s*(?:for|among|of|across|in|with|all|the|overall|everyone)\b", sentence.written(before), re.I
        )
        if introduces and opens and part.after in {",", ":", "–", "—"}:
            return [f"{mention.text} is the value of this group, not of all users"]
    if part.after in _VERSUS and not is_comparison and not _GROUP_WORDS.search(here):
        return [f"{mention.text} is the value of this group: say so, and compare it with {{id|all}}"]
    return []


def _is_nearer_to_everybody(sentence: Sentence, at: int, part: Part) -> bool:
    """Whether "all users" stands nearer to this number than to theirs, where a part has both."""
    others = [where for where, m in sentence.inside(part) if m.form == "all"]
    phrases = [(m.start() + part.start, m.end() + part.start) for m in v.EVERYBODY.finditer(sentence.written(part))]
    return bool(others and phrases) and any(
        _distance(span, at) < min(_distance(span, where) for where in others) for span in phrases
    )


def _meaning_problems(sentence: Sentence, at: int, mention: Mention, part: Part) -> list[str]:
    """Whether the words nearest to a number are words for its metric."""
    fact = mention.fact
    assert fact is not None
    after = sentence.text[at + 1 : part.end]
    per_another = v.IN_A_SESSION if fact.unit == "share" else v.PER_SOMETHING_ELSE
    if per_another.search(sentence.written(part)):
        return [f"{fact.fact_id} is per user" + ("" if fact.unit == "share" else f", in {fact.unit}")]
    if fact.unit != "share" and v.IN_TOTAL.search(sentence.written(part)):
        return [f"{fact.fact_id} is per user, not a total"]
    is_of_views = fact.metric.endswith("view_share") or fact.metric == "error_page_share"
    if fact.unit == "share" and is_of_views and mention.form != "all" and v.OF_USERS.match(after):
        return [f"{fact.fact_id} is a share of page views, not of users"]
    if fact.unit == "share" and not is_of_views and v.OF_VIEWS.match(after):
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
    own = v.OWN.get(fact.metric)
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
            if (v.family(fact), fact.feature) in named.features or (named.features and named.is_restricting)
        ]
        strange = [match.span() for match in _loud(written, fact) if not any(a <= match.start() < b for a, b in taken)]
        if not own_words and not strange:
            continue
        place = at - candidate.start
        nearest_own = min((_distance(span, place) for span in own_words), default=None)
        nearest_strange = min((_distance(span, place) for span in strange), default=None)
        if nearest_own is None or (
            nearest_strange is not None and nearest_strange < nearest_own and not _is_generic(fact.metric)
        ):
            return [f"the words beside {mention.text} are not about what it measures ({fact.metric.replace('_', ' ')})"]
        near = min(own_words, key=lambda span: _distance(span, place))
        compares = (
            v.MORE.search(written, near[1]) or v.LESS.search(written, near[1]) or v.OFTEN.search(written, near[1])
        )
        if v.NEGATED_DEED.search(written, 0, near[0]) and not compares:
            return [f"{fact.fact_id} is of those who do, not of those who do not"]
        if fact.metric not in {"purchase_rate", "item_bought_share"} and v.BUYERS.search(written):
            return [f"{fact.fact_id} is of all users of the group, not of buyers"]
        return _wrong_unit(sentence, candidate, fact)
    return [f"say what {mention.text} measures"]


def _distance(span: tuple[int, int], place: int) -> int:
    return min(abs(span[0] - place), abs(span[1] - place))


def _is_generic(metric: str) -> bool:
    return metric in {"page_share", "theme_share", "page_type_share"}


def _wrong_unit(sentence: Sentence, part: Part, fact: Fact) -> list[str]:
    """Shares of users who saw something, and shares of what they saw, have like words."""
    written = sentence.written(part)
    if fact.metric == "page_share" and v.LANDED.search(written):
        return [f"{fact.fact_id} is of users who viewed the page at any time"]
    if _is_generic(fact.metric) and re.search(r"\bof (?:\w+ ){0,3}(?:page ?views|attention|browsing)\b", written, re.I):
        return [f"{fact.fact_id} is a share of users, not of page views"]
    return []


def _loud(written: str, fact: Fact) -> list[re.Match[str]]:
    """Words of metrics that are told in other words than this fact's."""
    return [
        match
        for metric, pattern in v.LOUD.items()
        if not v.shares_words(metric, fact.metric)
        for match in pattern.finditer(written)
    ]


def _feature_problems(sentence: Sentence, at: int, fact: Fact, part: Part) -> list[str]:
    """Whether the feature that is named beside a number is the number's."""
    if fact.feature is None:
        if fact.metric in {"error_page_user_share", "error_page_share", "direct_share", "landing_page_share"}:
            return []
        named = [m for _, m in sentence.inside(part) if m.features and m.is_restricting]
        return [f"{fact.fact_id} is not of {named[0].text!r}"] if named else []
    kind = v.family(fact)
    own = (kind, fact.feature)
    for number in sentence.around(sentence.part_at(at)):
        named_at = [
            (where, m)
            for where, m in sentence.inside(sentence.parts[number])
            if m.features and (m.is_restricting or any(family == kind for family, _ in m.features))
        ]
        if not named_at:
            continue
        if any(own in m.features for _, m in named_at):
            same = [(where, m) for where, m in named_at if any(family == kind for family, _ in m.features)]
            where, nearest = min(same, key=lambda pair: abs(pair[0] - at))
            if own not in nearest.features:
                return [f"{fact.fact_id} stands beside {nearest.text!r}"]
            if {"theme", "page type"} <= {family for family, _ in nearest.features} and kind != (
                "theme" if _ABOUT.search(sentence.text, 0, where) else "page type"
            ):  # a word for both: "about account" is the theme, "account pages" the page type
                return [
                    f"{fact.fact_id} is of the {kind} {fact.feature!r}: write 'about {fact.feature}' for a theme only"
                ]
            return []
        return [f"{fact.fact_id} is of {fact.feature!r}, not of {named_at[0][1].text!r}"]
    return [f"name {fact.feature!r} beside {fact.fact_id}"]


# -- words that claim --

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("alike", v.ALIKE), ("nearly all", v.NEARLY_ALL), ("hardly any", v.HARDLY_ANY), ("majority", v.MAJORITY),
    ("minority", v.MINORITY), ("largest", v.LARGEST), ("smallest", v.SMALLEST), ("more", v.MORE), ("less", v.LESS),
    ("always", v.ALWAYS), ("never", v.NEVER), ("mostly", v.MOSTLY), ("many", v.MANY), ("rarely", v.RARELY),
    ("only", v.ONLY),
    ("often", v.OFTEN), ("different", v.DIFFERENT),
)  # fmt: skip
_NEGATED = re.compile(
    r"(?:\b(?:not|never)|n['’]t)\s+(?:\w+\s+)?$|\b(?:no|nor|neither|hardly|barely)\s+(?:(?:much|any|far|clearly)\s+)?$",
    re.IGNORECASE,
)
_OPPOSITE = {"more": "less", "less": "more", "largest": "smallest", "smallest": "largest"}


def _claims(masked: str) -> list[_Claim]:
    """The words of a sentence that say how much, in order; "less often" and "more rarely" count once."""
    taken: set[int] = set()
    found: list[tuple[int, int, str, str]] = []
    for kind, pattern in _KINDS:
        for match in pattern.finditer(masked):
            if taken.isdisjoint(range(*match.span())):
                taken.update(range(*match.span()))
                found.append((match.start(), match.end(), kind, match.group()))
    claims: list[_Claim] = []
    end_of_last = -2
    for start, end, kind, word in sorted(found):
        is_negated = kind in {"more", "less", "alike", "often", "rarely", "many", "different"} and bool(
            _NEGATED.search(masked[:start])
        )
        if kind == "alike" and is_negated and word.lower().startswith("as "):  # "not as often as" is less often
            kind, is_negated = ("more" if re.search(r"few|rare|low|little", word, re.I) else "less"), False
        if claims and start - end_of_last <= 1 and claims[-1].kind in _OPPOSITE and kind in {"often", "rarely"}:
            last = claims.pop()
            turned = _OPPOSITE[last.kind] if kind == "rarely" else last.kind
            claims.append(_Claim(turned, f"{last.word} {word}", last.start, last.is_negated))
        elif kind in {"only", "rarely"} and masked[end:].lstrip().lower().startswith(("more", "less", "fewer")):
            pass  # "only slightly more", "little more": the direction is what is checked
        else:
            claims.append(_Claim(kind, word, start, is_negated))
        end_of_last = end
    return claims


def _bound(sentence: Sentence, claim: _Claim, starts: list[int]) -> Mention | None:
    """The number that a word is about: in its own part, else told in its words, else the nearest in its clause."""
    part = sentence.parts[sentence.part_at(claim.start)]
    placed = [(at, m) for at, m in sentence.mentions.items() if m.fact is not None and m.fact.metric not in _SIZES]
    if not placed:
        return None
    later = [start for start in starts if start > claim.start]
    inside = [(at, m) for at, m in placed if part.start <= at < part.end]
    if inside:
        return _nearest(inside, claim.start, later)
    told = [(at, m) for at, m in placed if m.fact is not None and _tells(sentence, part, m.fact)]
    if told and len({m.fact for _, m in told}) < len({m.fact for _, m in placed}):
        return _nearest(told, claim.start, later)
    in_clause = [(at, m) for at, m in placed if sentence.parts[sentence.part_at(at)].clause == part.clause]
    return _nearest(in_clause or placed, claim.start, later)


def _nearest(placed: list[tuple[int, Mention]], start: int, later: list[int]) -> Mention:
    """The next one before the next claim, else the last one before the word."""
    behind = [mention for at, mention in placed if start < at < min(later, default=10**9)]
    before = [mention for at, mention in placed if at < start]
    return behind[0] if behind else before[-1] if before else placed[0][1]


def _tells(sentence: Sentence, part: Part, fact: Fact) -> bool:
    """Whether a part has the words of a fact: its feature, or where it has none its metric."""
    if fact.feature is not None:
        own = (v.family(fact), fact.feature)
        return any(own in mention.features for _, mention in sentence.inside(part))
    pattern = v.OWN.get(fact.metric)
    return bool(pattern and pattern.search(sentence.written(part)))


def _holds(claim: _Claim, fact: Fact, is_top: bool) -> bool:
    """Whether a fact bears a word that is said of it."""
    if claim.kind in {"more", "less"}:
        wanted = 1 if claim.kind == "more" else -1
        return fact.direction != wanted if claim.is_negated else fact.direction == wanted
    if claim.kind == "alike":
        differs = fact.is_over or fact.is_under
        return differs if claim.is_negated else not differs
    if claim.kind == "different":
        return not (fact.is_over or fact.is_under) if claim.is_negated else fact.direction != 0
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


def _is_part_of_metric(sentence: Sentence, claim: _Claim, fact: Fact) -> bool:
    """Whether a word is part of what is measured: "users who never engaged"."""
    own = v.OWN.get(fact.metric)
    return own is not None and any(m.start() <= claim.start < m.end() for m in own.finditer(sentence.text))


def _is_of_everybody(sentence: Sentence, claim: _Claim, bound: Mention) -> bool:
    """Whether a word is said of all users: "just {x|all} of all users", "all users buy less"."""
    part = sentence.parts[sentence.part_at(claim.start)]
    if claim.kind in {"more", "less"}:
        subject = v.EVERYBODY.search(sentence.text, part.start, claim.start)
        return bool(subject) and part.after not in _VERSUS and not _GROUP_WORDS.search(sentence.written(part))
    if claim.kind in {"alike", "different"}:
        return False
    return bound.form == "all" and any(mention is bound for _, mention in sentence.inside(part))


def _holds_of_everybody(claim: _Claim, fact: Fact) -> bool:
    if claim.kind in {"more", "less"}:
        wanted = -1 if claim.kind == "more" else 1
        return fact.direction != wanted if claim.is_negated else fact.direction == wanted
    if claim.kind in {"only", "rarely", "hardly any"}:
        return fact.direction >= 0
    if claim.kind in {"often", "many"}:
        return fact.direction <= 0
    population = replace(fact, value=fact.population_value, z=None)
    return claim.kind in {"majority", "minority", "nearly all", "mostly"} and _holds(claim, population, False)


def _pair_holds(claim: _Claim, subject: Fact, other: Fact) -> bool:
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


def _in_words(fact: Fact) -> str:
    if fact.direction == 0:
        return "no clear difference from all users"
    size = "" if fact.lift is None or not 1 / CLEAR_LIFT < fact.lift < CLEAR_LIFT else "a little "
    return f"{size}{'more' if fact.direction > 0 else 'less'} than all users"


def _short(text: str) -> str:
    return text if len(text) <= 90 else text[:89] + "…"
