"""The check of a language model's free interpretation: what can be said at all is limited, not what may not be.

The model may repeat what a stranger wrote into a title or a campaign. So an interpretation has only words of a closed
list (``interpretation_words.txt``) and of our own labels. The list has no names, numbers and addresses, no words for
who people are, and next to none that ask for anything. Besides, every sentence says what may be, none begins as a
request, and none compares users with others: code writes comparisons.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.wording import has_labels, label_words

# spaces and punctuation of prose, no quotes and digits; a full stop or a colon only at the end of a word
_PROSE = re.compile(r"(?:[A-Za-z]|[ ,;()–—]|(?<=[a-z])[-'’](?=[a-z])|(?<=[a-z)])[.:!?](?=[\s)]|$))*")
_WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
_MODAL = r"may|might|could|would|can|seems?|appears?|suggests?|indicates?|tends?|likely|possible"
# what is said as a possibility; "perhaps" needs a subject, otherwise it is advice
_POSSIBLE = re.compile(
    rf"(?<!^)\b(?:{_MODAL}|looks? (?:like|as)|(?:hints?|points?) (?:to|at)|(?:a|the) sign)\b|"
    r"\b(?:perhaps|possibly|probably|likely|maybe) (?:they|it|this|that|these|those|the|their|some|such|an?)\b",
    re.IGNORECASE,
)
# a sentence may begin with "Search seems ...", not with "Search for ..."
_OF_SUBJECT = re.compile(
    rf"[a-z]+(?: (?!(?:as|because|since|so|and|or|then|that|which|who|if|when|where|while|to|the|an?)\b)[a-z'’-]+)"
    rf"{{0,3}}? (?:{_MODAL}|looks?|hints?|points?|drives?)\b",
    re.IGNORECASE,
)
_ENDINGS = (("ies", "y"), ("ied", "y"), ("s", ""), ("es", ""), ("d", ""), ("ed", ""), ("ing", ""), ("ing", "e"))
_PEOPLE = r"people|users?|visitors?|groups?|shoppers?|customers?|buyers?|clients?|guests?|readers?|viewers?|audiences?"
_REFUSED = {
    "compares users with others: leave comparisons to the claims": re.compile(
        rf"\b(?:than|compared|comparison)\b[^.;:]*\b(?:{_PEOPLE}|others?|usual|those)\b|"
        r"(?<!matter )(?<!matters )\bmore\b(?! (?:information|time|help|details?|choice|guidance|clarity|support|"
        r"advice|options?|about|direct|relevant|convincing|visible)\b)|"
        r"\b(?:better|longer|shorter|faster|quicker|stronger|closer|easier|simpler|broader|nearer)(?=\W*$|[.,;:!?)])",
        re.IGNORECASE | re.MULTILINE,
    ),
    "asks for something: say what the facts may mean": re.compile(
        r"(?:\b(?:to|then|so|now|just|by)|[,;:(–—])\s+(?:contact|type|open|visit|share|link|load|pay|give|tell)(?:ing)?\b|"
        r"\bsign(?:s|ed|ing)? (?:in|up|on|out|off)\b",
        re.IGNORECASE,
    ),
    "says who people are, which no fact does": re.compile(
        # what words of the list, or labels, could be made to say
        r"\bstraight\b(?! (?:to|for|away|into))|\b(?:to|on|from|far) the (?:right|left)\b|\bright\b(?=\W*$|[.,;:])|"
        r"\bexpecting\b(?=\W*$|[.,;:])|\b(?:health\w*|medic\w*|politic\w*|relig\w*|sex\w*|ethnic\w*|bab(?:y|ies)|wom[ae]n|"
        r"m[ae]n|kids?|child\w*|famil\w+|parent\w*|mother\w*|father\w*|pregnan\w*|dating|disab\w*|senior\w*)\b",
        re.IGNORECASE | re.MULTILINE,
    ),
}


class _Words(NamedTuple):
    as_they_are: frozenset[str]
    verbs: frozenset[str]
    inflected: frozenset[str]  # the verbs and nouns


def check_interpretation(text: str, facts: Iterable[Fact]) -> list[str]:
    """What is wrong with a free text about the facts; nothing is wrong with an empty one."""
    if not _PROSE.fullmatch(text):
        return ["interpretation: write plain prose, without numbers, addresses, markup, quotes and signs"]
    problems = []
    labels = {word for fact in facts for word in _label(fact)}
    if unknown := [word for word in _WORD.findall(text) if not _is_known(word.lower(), labels)]:
        words = ", ".join(map(repr, dict.fromkeys(unknown[:5])))
        problems.append(f"interpretation: {words}: use simple words for what visitors do, and no names")
    for sentence in filter(None, _SENTENCE_END.split(text)):
        if not _POSSIBLE.search(sentence):
            problems.append(
                f"interpretation: {sentence[:80]!r} has to say what may be: may, might, could, seem, suggest"
            )
        first = _WORD.match(sentence)
        if first is None or (first.group().lower() in _words().verbs and not _OF_SUBJECT.match(sentence)):
            problems.append(f"interpretation: {sentence[:80]!r} begins as a request: begin with its subject")
    for reason, refused in _REFUSED.items():
        if match := refused.search(text):
            problems.append(f"interpretation: {match.group().strip()[:80]!r} {reason}")
    return problems


def _label(fact: Fact) -> list[str]:
    """The words of a label of ours."""
    return label_words(fact.feature).lower().split() if fact.feature is not None and has_labels(fact.metric) else []


def _is_known(word: str, labels: set[str]) -> bool:
    words = _words()
    plain = re.sub(r"['’]s?$", "", word.replace("’", "'"))
    if {word.replace("’", "'"), plain} & (words.as_they_are | labels):
        return True
    return any(stem in words.inflected for stem in _stems(plain))


def _stems(word: str) -> Iterable[str]:
    """The words that this one may be a form of: visits, tries, planned, browsing."""
    yield word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word.removesuffix(ending) + instead
            yield stem
            if ending in ("ed", "ing") and stem[-1] == stem[-2:-1]:  # stopped
                yield stem[:-1]


@cache
def _words() -> _Words:
    sections: dict[str, set[str]] = {}
    for line in Path(__file__).with_name("interpretation_words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            found = sections.setdefault(line.strip("[]"), set())
        elif line and not line.startswith("#"):
            found.update(line.split())
    verbs = frozenset(sections["verbs"])
    return _Words(frozenset(sections["as they are"]), verbs, verbs | sections["nouns"])
