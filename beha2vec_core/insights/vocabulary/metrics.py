"""How metrics are spoken of; the words of each are in its entry of `profiles.metrics`."""

import re
from collections.abc import Iterator

from beha2vec_core.insights.vocabulary.pattern import words
from beha2vec_core.profiles.metrics import METRICS, metric

SIZES = {"users", "user_share"}
# what users do beyond that: such words are never of a generic metric
DEEDS = words(
    "(?:c[ao]me|g[eo]ts?|went) as far as", "made it to", "reach(?:es|ed)? at least", "triggered",
    "items? (?:of|from|in)", "within a session",
    *METRICS["add_to_cart_share"].prose, *METRICS["begin_checkout_share"].prose,
)  # fmt: skip
MEDIAN = re.compile(r"\b(?:medians?|middle user|typical user)\b", re.IGNORECASE)
PER_SOMETHING_ELSE = re.compile(
    r"\b(?:per|a|each|every|in a) (?:session|visit|day|week|month|hour|minute|year)\b|"
    r"\b(?:daily|weekly|monthly|hourly)\b|"
    r"\bminutes?\b|\bhours?\b",
    re.IGNORECASE,
)
OF_USERS = re.compile(
    r"^\W*of (?:(?:these|those|the|its|all|our|this group['’]s) )?(?:users|visitors|them|people|shoppers|customers|"
    r"members|this (?:group|cluster))(?!['’]s?\b)\b",
    re.IGNORECASE,
)
OF_VIEWS = re.compile(
    r"^\W*of (?:(?:all|their|the|its|a user['’]s|these users['’]) )*"
    r"(?:page ?views?|views|sessions|visits|purchases|orders|revenue|sales)\b",
    re.IGNORECASE,
)
IN_A_SESSION = re.compile(r"\b(?:per|in an?|in each|in every|a) (?:session|visit|day|week|month)\b", re.IGNORECASE)
IN_TOTAL = re.compile(r"\btotals?\b|\bsums?\b|\baltogether\b", re.IGNORECASE)
A_DIFFERENCE = re.compile(  # "{x} more": the number is a value, not a difference
    r"\s*(?:points?\s+)?(?:more|higher|less|fewer|lower|greater|larger|smaller|likelier|shorter|longer|points?)\b",
    re.IGNORECASE,
)
LANDED = words(
    "land(?:s|ed|ing)?(?: first)?", "first page", "start(?:s|ed)?", "ent(?:er|ers|ered|ry)", "began", "begins?"
)
COUNTED = re.compile(
    r"(?:\b(?:of|the|these|those|all|with|includes?|contains?|comprises?|has|counts?|numbers?|are|is|about|around|"
    r"roughly|size|some|group|cluster|its|holds?|covers?))\W*$",
    re.IGNORECASE,
)
NEGATED_DEED = re.compile(
    r"(?:\b(?:not|never|without|no longer)|n['’]t|\bfail(?:s|ed|ing)? to|\brefus(?:e|es|ed|ing) to)\s+(?:\w+\s+){0,2}$",
    re.I,
)
BUYERS = words("buyers?", "purchasers?", "paying (?:users|customers)")


def own(name: str) -> re.Pattern[str] | None:
    """What prose may call the metric; None where that is not known."""
    prose = metric(name).prose
    return words(*prose) if prose else None


def loud() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Metrics, and their words that no other number may stand beside."""
    for one in METRICS.values():
        if one.loud:
            yield one.name, words(*(one.prose if isinstance(one.loud, bool) else one.loud))


def is_checked(name: str) -> bool:
    """Whether the checks can recognize prose about the metric."""
    return bool(metric(name).prose) or name in SIZES


def shares_words(name: str, other: str) -> bool:
    """Whether both metrics have the same words, so that those of one do not speak against the other."""
    return name == other or not set(metric(name).same_words).isdisjoint(metric(other).same_words)
