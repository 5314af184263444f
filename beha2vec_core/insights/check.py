"""The check of what a language model answers about facts: its claims, the name it gives, its interpretation.

A claim names a fact and says how it compares; code writes the sentence and every number. So a claim is right or wrong
by the data alone. The name and the interpretation are the model's own words, and may have been dictated by a title or
a campaign that a stranger wrote. Therefore a name has only words that stand for facts of the cluster, or for people
who visit a site. An interpretation says what may be, sentence by sentence, with no number, no address, no markup, no
word to its reader, nothing of who people are, and no word of a stranger's text that is not also one of ours.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from beha2vec_core.insights.names import WORDS, mostly_bought
from beha2vec_core.insights.schema import MAX_NAME_WORDS, Claim, Contrast
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.wording import has_labels, has_pages, label_words, statement

Direction = Literal["more", "less", "no clear difference"]
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
_OVER = {  # words that are true of those who do more of it
    "purchase_rate": "purchasing converting",
    "return_share": "returning regular regulars repeat loyal frequent",
    "page_views_mean": "thorough active heavy deep intensive",
    "engagement_time_mean": "engaged attentive absorbed",
    "one_page_view_share": "one single bouncing bouncers passing",
    "no_engagement_time_share": "unengaged idle",
    "add_to_cart_share": "cart basket",
    "error_page_user_share": "error",
}
_UNDER = {
    "page_views_mean": "brief quick light casual",
    "engagement_time_mean": "brief quick fleeting",
    "return_share": "first time new occasional",
}
_ALSO = {"mobile": "phone smartphone", "desktop": "computer", "email": "newsletter mail", "cpc": "paid ad search"}

_NUMBER_WORDS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|"
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty|\w*hundreds?|thousands?|\w*[mb]illions?|dozens?|twice|thrice|doubl\w+|"
    r"tripl\w+|quadrupl\w+|\w+fold|zero|percent\w*|per cent|(?:a|one|two|three) (?:half|third|quarter|fifth|tenth|pair|"
    r"score|couple)s?|(?:half|third|quarter) of|halv\w+|one in|out of|majority|bulk|(?-i:[IVXLC]{2,}))\b",
    re.IGNORECASE,
)
# Latin letters, spaces and punctuation of prose, no quotes; a full stop or a colon only at the end of a word
_PROSE = re.compile(r"(?!.*\w{31})(?:[A-Za-zÀ-ÖØ-öø-ÿ]|[ ,;()'’–—-]|(?<=\w)[.:!?](?=[\s)]|$))*")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
# what is said as a possibility; "perhaps" needs a subject, otherwise it is advice
_POSSIBLE = re.compile(
    r"(?<!^)\b(?:may|might|could|would|can|seems?|appears?|suggests?|indicates?|tends?|likely|possible|"
    r"looks? (?:like|as)|points? to|(?:a|the) sign)\b|"
    r"\b(?:perhaps|possibly|probably) (?:they|it|this|that|these|those|the|their|some|such|many|most|others?|an?)\b",
    re.IGNORECASE,
)
_TO_THE_READER = re.compile(
    r"\b(?:you|your|yours|yourself|we|us|our|ours|i|my|let['’]?s?|please|must|required?|needs? to|have to|has to|"
    r"password\w*|pass ?phrase|passcode\w*|pin|codes?|credential\w*|credit card|card numbers?|account number|dot|slash|"
    r"attach\w*|links?|files?|funds?|bank\w*|(?:asked|instructed|advised|urged|invited|requested|encouraged) to|"
    r"https?|www|html?|javascript|script|ignore|instructions?|prompts?|assistant)\b|"
    r"(?:[,;:(–—]|\b(?:then|so|now|just))\s*(?:go to|visit|sign|log|enter|call|send|pay|transfer|wire|approve|"
    r"download|install|upload|register|subscribe|confirm|verify|disable|delete)\b",
    re.IGNORECASE,
)
# what facts about pages say nothing of
_PRIVATE = re.compile(
    r"\b(?:wom[ae]n|m[ae]n|females?|males?|girls?|boys?|mothers?|fathers?|parents?|pregnan\w+|teen\w+|elderly|wealthy|"
    r"poor|gays?|lesbians?|queer|trans\w{4,}|muslims?|christians?|jew\w*|hindus?|immigrants?|migrants?|refugees?|cancer|"
    r"disab\w+|ill|sick|diseases?|addict\w*|criminals?|thie\w+|steals?|stolen|liars?|stupid|idiots?)\b",
    re.IGNORECASE,
)


class Checked(NamedTuple):
    """What holds of an answer, and what is wrong with the rest, as sentences that the writer can act on."""

    kept: list[Claim]
    problems: list[str]


def direction(fact: Fact) -> Direction:
    """How a fact compares with all users, in the word that a claim has to use."""
    return _DIRECTIONS[fact.direction]


def contrast(first: Fact, second: Fact) -> Direction:
    """How a fact of one cluster compares with that of another: more or less only where the intervals are apart."""
    for one, other, word in ((first, second, "more"), (second, first, "less")):
        low = one.value if one.interval_low is None else one.interval_low
        high = other.value if other.interval_high is None else other.interval_high
        if one.value > other.value and low > high:
            return "more" if word == "more" else "less"
    return "no clear difference"


def check_claims(claims: Iterable[Claim], facts: Mapping[str, Fact], field: str) -> Checked:
    """The claims that the facts support."""
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
    return Checked(kept, problems)


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
            yield from _OVER.get(fact.metric, "").split() if fact.difference > 0 else ()
            yield from _UNDER.get(fact.metric, "").split() if fact.difference < 0 else ()
            if fact.metric == "purchase_rate" and mostly_bought(fact):
                yield from ("buyers", "purchasers")
        elif fact.difference > 0 and (
            has_labels(fact.metric) or fact.metric in ("device_share", "first_user_medium_share")
        ):
            label = fact.feature.lower()
            yield from re.split(r"[\s-]+", f"{label_words(label)} {WORDS.get(label, '')} {_ALSO.get(label, '')}")


def check_interpretation(text: str, facts: Iterable[Fact]) -> list[str]:
    """What is wrong with a free text about the facts; nothing is wrong with an empty one."""
    problems = []
    match = _NUMBER_WORDS.search(text)
    said = next((char for char in text if char.isnumeric()), "") or (match.group() if match else "")
    if said:
        problems.append(f"interpretation: {said!r} is a number: leave all of them to the claims")
    elif not _PROSE.fullmatch(text):
        problems.append("interpretation: write plain prose, without addresses, markup and signs")
    if unsure := [one for one in _SENTENCE_END.split(text) if one and not _POSSIBLE.search(one)]:
        problems.append(f"interpretation: {unsure[0][:80]!r} has to say what may be: may, might, could, seem, suggest")
    if match := _TO_THE_READER.search(text):
        problems.append(f"interpretation: {match.group().strip()!r} speaks to the reader: say what the facts may mean")
    if match := _PRIVATE.search(text):
        problems.append(f"interpretation: {match.group()!r}: the facts say nothing of who people are")
    if echoed := _echoes(text, list(facts)):
        problems.append(
            f"interpretation: {', '.join(map(repr, echoed[:5]))}: use no word of pages, titles or campaigns"
        )
    return problems


def _echoes(text: str, facts: list[Fact]) -> list[str]:
    """Words that the text shares with what strangers wrote, and that are not words of ours."""
    ours = _words(" ".join(WORDS.values()))
    theirs: set[str] = set()
    for fact in facts:
        ours |= _words(statement(fact.metric, None))
        if fact.feature is not None:
            written = fact.feature.partition("/")[2] if has_pages(fact.metric) else fact.feature  # the host is ours
            (ours if has_labels(fact.metric) else theirs).update(_words(label_words(written)))
        theirs |= _words(fact.title or "")
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    ours |= _PEOPLE | _SITE | _words(" ".join((*_OVER.values(), *_UNDER.values())))
    foreign, own = {word for word in theirs - ENGLISH_STOP_WORDS if not _is_form_of(word, ours)}, _words(text)
    # longer ones are found inside words and across spaces too: north wind, Northwinds; German in Germany
    joined = "".join(_WORD.findall(text.lower()))
    return sorted(
        word for word in foreign if (word in own if len(word) < 5 else word[: max(5, len(word) - 2)] in joined)
    )


def _is_form_of(word: str, others: set[str]) -> bool:
    stem = word[: max(4, len(word) - 1)]
    return word in others or any(other.startswith(stem) for other in others)


def _words(text: str) -> set[str]:
    return {word for match in _WORD.finditer(text.lower()) if len(word := match.group()) > 2}
