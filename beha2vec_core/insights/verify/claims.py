"""The words of a sentence that say how much, and the numbers they are about."""

import re
from dataclasses import dataclass

from beha2vec_core.insights.reading import Mention, Part, Sentence
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.vocabulary import claims as words
from beha2vec_core.insights.vocabulary import metrics
from beha2vec_core.insights.vocabulary.features import family


@dataclass(frozen=True)
class Claim:
    """A word that says how much, and where it stands."""

    kind: str
    word: str
    start: int
    is_negated: bool = False


_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("alike", words.ALIKE), ("nearly all", words.NEARLY_ALL), ("hardly any", words.HARDLY_ANY),
    ("majority", words.MAJORITY), ("minority", words.MINORITY), ("largest", words.LARGEST),
    ("smallest", words.SMALLEST), ("more", words.MORE), ("less", words.LESS), ("always", words.ALWAYS),
    ("never", words.NEVER), ("mostly", words.MOSTLY), ("many", words.MANY), ("rarely", words.RARELY),
    ("only", words.ONLY), ("often", words.OFTEN), ("different", words.DIFFERENT),
)  # fmt: skip
_NEGATED = re.compile(
    r"(?:\b(?:not|never)|n['’]t)\s+(?:\w+\s+)?$|\b(?:no|nor|neither|hardly|barely)\s+(?:(?:much|any|far|clearly)\s+)?$",
    re.IGNORECASE,
)
_OPPOSITE = {"more": "less", "less": "more", "largest": "smallest", "smallest": "largest"}


def claims_of(masked: str) -> list[Claim]:
    """The words of a sentence that say how much, in order; "less often" and "more rarely" count once."""
    taken: set[int] = set()
    found: list[tuple[int, int, str, str]] = []
    for kind, pattern in _KINDS:
        for match in pattern.finditer(masked):
            if taken.isdisjoint(range(*match.span())):
                taken.update(range(*match.span()))
                found.append((match.start(), match.end(), kind, match.group()))
    claims: list[Claim] = []
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
            claims.append(Claim(turned, f"{last.word} {word}", last.start, last.is_negated))
        elif kind in {"only", "rarely"} and masked[end:].lstrip().lower().startswith(("more", "less", "fewer")):
            pass  # "only slightly more", "little more": the direction is what is checked
        else:
            claims.append(Claim(kind, word, start, is_negated))
        end_of_last = end
    return claims


def bound_number(sentence: Sentence, claim: Claim, starts: list[int]) -> Mention | None:
    """The number that a word is about: in its own part, else described in its words, else the nearest in its clause."""
    part = sentence.parts[sentence.part_at(claim.start)]
    placed = [
        (at, m) for at, m in sentence.mentions.items() if m.fact is not None and m.fact.metric not in metrics.SIZES
    ]
    if not placed:
        return None
    later = [start for start in starts if start > claim.start]
    inside = [(at, m) for at, m in placed if part.start <= at < part.end]
    if inside:
        return _nearest(inside, claim.start, later)
    about = [(at, m) for at, m in placed if m.fact is not None and _mentions(sentence, part, m.fact)]
    if about and len({m.fact for _, m in about}) < len({m.fact for _, m in placed}):
        return _nearest(about, claim.start, later)
    in_clause = [(at, m) for at, m in placed if sentence.parts[sentence.part_at(at)].clause == part.clause]
    return _nearest(in_clause or placed, claim.start, later)


def _nearest(placed: list[tuple[int, Mention]], start: int, later: list[int]) -> Mention:
    """The next one before the next claim, else the last one before the word."""
    behind = [mention for at, mention in placed if start < at < min(later, default=10**9)]
    before = [mention for at, mention in placed if at < start]
    return behind[0] if behind else before[-1] if before else placed[0][1]


def _mentions(sentence: Sentence, part: Part, fact: Fact) -> bool:
    """Whether a part has the words of a fact: its feature, or where it has none its metric."""
    if fact.feature is not None:
        own = (family(fact), fact.feature)
        return any(own in mention.features for _, mention in sentence.inside(part))
    pattern = metrics.own(fact.metric)
    return bool(pattern and pattern.search(sentence.written(part)))
