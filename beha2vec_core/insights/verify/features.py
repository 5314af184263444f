"""Whether the feature that is named beside a number is the number's."""

import re

from beha2vec_core.insights.reading import Part, Sentence
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.vocabulary.features import family
from beha2vec_core.profiles.metrics import metric

_ABOUT = re.compile(r"\b(?:about|on|topic|theme|subject)\s+(?:the\s+)?$", re.IGNORECASE)


def feature_problems(sentence: Sentence, at: int, fact: Fact, part: Part) -> list[str]:
    """Whether the feature that is named beside a number is the number's."""
    if fact.feature is None:
        if metric(fact.metric).names_feature:
            return []
        named = [m for _, m in sentence.inside(part) if m.features and m.is_restricting]
        return [f"{fact.fact_id} is not of {named[0].text!r}"] if named else []
    kind = family(fact)
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
