"""Whether a question about clusters asks for numbers and sums, which the semantic layer has, not for their facts."""

from __future__ import annotations

import re

from beha2vec_core.chat.reading.question import Reading
from beha2vec_core.semantic.query import Query

_TOTAL = re.compile(
    r"(?i)\b(?:most|fewest|least|highest|lowest|total) (?:of )?(?:the |our )?(?:[\w-]+ )?(?:revenue|money|sales|income|"
    r"turnover|orders?|purchases?|sessions?|visits?|buyers?|customers?|page ?views?|items?|pieces?)\b(?! (?:per|an?)\b)"
)


_OF_A_USER = re.compile(r"(?i)\b(?:spen[dt]s?|spending|worth)\b")  # which cluster spends most


def is_plain(question: str, query: Query | None, reading: Reading) -> bool:
    """Whether a measure of clusters is asked for: "orders per segment". Facts are shares, or means of a user."""
    if query is None or query.counts_groups or query.metric == "users" or not reading.metrics or reading.asks_cause:
        return False
    if _OF_A_USER.search(question):
        return False
    is_of_one = not query.by and [one.dimension for one in query.filters] == ["cluster"]
    is_by = query.by == ("cluster",) and not query.filters
    return (is_of_one or is_by) and not {"judged", "bought", "compare"} & {*reading.kinds}


def asks_total(question: str, query: Query) -> bool:
    """Whether the cluster with the largest sum is asked for: "most revenue". "Buys most" is a share of its users."""
    return query.by == ("cluster",) and query.metric != "users" and _TOTAL.search(question) is not None
