"""Whether the name of a cluster holds: no number, and nothing that the facts speak against."""

import re

from beha2vec_core.insights.names import mostly_bought
from beha2vec_core.insights.reading import Reader
from beha2vec_core.insights.verify.made_up import made_up
from beha2vec_core.insights.vocabulary.features import family

_BUYER_NAME = re.compile(r"\b(?:buyers?|purchasers?|orderers?|converters?|spenders?)\b", re.IGNORECASE)
_RETURNER_NAME = re.compile(r"\b(?:returning|returners?|loyal|repeat)\b", re.IGNORECASE)
_NEGATING_NAME = re.compile(r"\b(?:non|not|never|no|un|rarely|seldom)\b", re.IGNORECASE)


def name_problems(reader: Reader, name: str) -> list[str]:
    """What is wrong with a name."""
    problems = made_up(name)
    if "{" in name:
        problems.append("a name has no placeholders")
    for pattern, metric in ((_BUYER_NAME, "purchase_rate"), (_RETURNER_NAME, "return_share")):
        fact = next((fact for fact in reader.facts.values() if fact.metric == metric), None)
        if fact and pattern.search(name):
            wrong = fact.difference == (1 if _NEGATING_NAME.search(name) else -1)
            if wrong:
                problems.append(f"the facts speak against it, see {fact.fact_id}")
            elif pattern is _BUYER_NAME and not mostly_bought(fact) and not _NEGATING_NAME.search(name):
                problems.append(f"most of them did not buy, see {fact.fact_id}")
    sentences, _ = reader.read(name)
    for sentence in sentences:
        for mention in sentence.mentions.values():
            shares = [f for f in reader.facts.values() if (family(f), f.feature) in mention.features]
            if shares and mention.is_restricting and all(fact.difference < 0 for fact in shares):
                problems.append(f"{mention.text!r} is what these users do less, see {shares[0].fact_id}")
    return [f"name {name!r}: {problem}" for problem in problems]
