"""Parts of questions without a verb, which go on from the answer before: "for email visitors", "in units"."""

from __future__ import annotations

import re

from beha2vec_core.semantic.definitions import METRICS

# a part of a question without a verb: "for instagram visitors", "in units", "more than in January?"
_FRAGMENT = re.compile(
    r"\W*(?:(?:for|in|by|from|with|among|without|exclud(?:e|ing)|except|leave out|minus)\b|(?:more|less|fewer|better|"
    r"worse|higher|lower|bigger|smaller) (?:than|in|on|for|from)\b)(?!.*(?:,|(?<!who )(?<!that )\b(?:is|are|was|were|"
    r"do|does|did|has|have|how|what|which|when|where|why|show|list|give)\b))"
)
AMONG = re.compile(r"\W*(?:(?:and|what about|how about) )?(?:among|within|for|of)\b")  # another whole of a share
_LONGEST = 8  # words of a part of a question


def with_lead(question: str, metrics: list[str], narrows: bool) -> str:
    """The question with "and" before it, where it is only a part of one.

    Args:
        metrics: that it names.
        narrows: whether it names values, groups or days: beside a measure, they make a question of their own.
    """
    is_part = _FRAGMENT.match(question.lower()) and len(question.split()) <= _LONGEST
    narrows &= not re.search(r"\b(?:who|that)\b", question.lower())  # what they did is no measure
    is_own = narrows and any(not METRICS[name].is_weak and name != "buyers" for name in metrics)
    return f"and {question}" if is_part and not is_own else question
