"""What a question's words stand for: clusters, metrics, and what is asked about them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from beha2vec_core.chat.published import Fact, Overview

_KEYS = r"(-?\d+)"
CLUSTER = re.compile(rf"\bcluster\s*#?\s*{_KEYS}", re.IGNORECASE)
TWO = re.compile(
    rf"(?:\bclusters?\s*#?\s*)?{_KEYS}\s*(?:and|with|to|vs\.?|versus|against|or|,|&)\s*(?:cluster\s*#?\s*)?{_KEYS}(?!\d)",
    re.IGNORECASE,
)
COMPARE = re.compile(r"\b(compare|comparison|differ\w*|vs\.?|versus|against)\b", re.IGNORECASE)
FUNNEL = re.compile(r"\b(leak\w*|checkouts?|funnel|abandon\w*|drop\w*|(?:lose|lost) (?:at|in|before))\b", re.IGNORECASE)
SIMILAR = re.compile(r"\b(resembl\w*|similar|look-?alikes?|like user|nearest|closest)\b", re.IGNORECASE)
MOVES = re.compile(r"\b(move\w*|transition\w*|migrat\w*|flow\w*|becomes?|became)\b", re.IGNORECASE)
PATHS = re.compile(r"\b(paths?|steps?|journeys?|walk)\b", re.IGNORECASE)
BEFORE = re.compile(
    r"\b(before|lead\w* to|precede\w*|on the way to)\b.*\b(buy\w*|purchas\w*|order\w*|active)\b", re.IGNORECASE
)
LIST = re.compile(
    r"\bclusters\b|\b(overview|summary|everything)\b|\bwhich (groups|clusters)\b|\bwho are (our|the|my)\b",
    re.IGNORECASE,
)
LEAST = re.compile(r"\b(least|fewest|lowest|smallest|worst|less|never)\b", re.IGNORECASE)
SUPERLATIVE = re.compile(r"\b(most|least|\w+est)\b", re.IGNORECASE)
NEXT = re.compile(r"\b(should|next|actions?|recommend\w*|advi[cs]e|ideas?)\b", re.IGNORECASE)
PERSONA = re.compile(
    r"\b(persona|describe|who|tell|about|profile|what (is|are)|explain|summar\w*|show|build)\b", re.IGNORECASE
)
# words of a question: (metric, feature or None for any)
_METRICS: tuple[tuple[str, tuple[str, ...], str | None], ...] = (
    (r"buy\w*|bought|purchas\w*|convert\w*|conver\w*|orders?|customers?", ("purchase_rate", "revenue_mean"), None),
    (r"carts?|baskets?", ("add_to_cart_share", "reached_cart_share"), None),
    (r"revenue|spend\w*|spent|money|value", ("revenue_mean", "purchase_rate"), None),
    (
        r"return(?!s)\w*|come back|came back|comes back|loyal\w*|retention|again",
        ("return_share", "sessions_mean"),
        None,
    ),
    (r"errors?|broken|404|technical|problems?", ("error_page_user_share", "error_page_view_share"), None),
    (r"mobile|phones?|smartphones?", ("device_share",), "mobile"),
    (r"desktop|computers?", ("device_share",), "desktop"),
    (r"tablets?", ("device_share",), "tablet"),
    (r"devices?", ("device_share",), None),
    (r"browsers?", ("browser_share",), None),
    (r"countr\w*|geograph\w*|where from|live", ("country_share",), None),
    (
        r"channels?|sources?|traffic|com(?:e|es|ing) from|came from|campaigns?|acqui\w*|arriv\w*|referr\w*",
        ("first_user_source_share", "first_user_direct_share"),
        None,
    ),
    (r"direct\w*", ("first_user_direct_share",), None),
    (r"land\w*|entrance\w*|entry", ("landing_page_share",), None),
    (r"page types?", ("page_type_view_share", "page_type_share"), None),
    (r"themes?|topics?|interest\w*|products?|categor\w*", ("theme_view_share", "theme_share"), None),
    (r"churn\w*|leav(?:e|es|ing)|stay(?:s|ed)? away", ("churn_rate", "recency_median"), None),
    (r"hours?|time of (?:the )?day|mornings?|evenings?|nights?", ("hour_block_event_share",), None),
    (r"events?|actions?", ("event_share",), None),
    (r"items?", ("item_viewed_share", "item_category_viewed_share"), None),
    (r"engage\w*|time|seconds|minutes|long", ("engagement_time_mean", "no_engagement_time_share"), None),
    (r"bounc\w*|one page|single page", ("one_page_view_share",), None),
    (r"sessions?|visits?", ("sessions_mean",), None),
    (r"page views?|views?|active|activity", ("page_views_mean", "page_views_median"), None),
    (r"pages?|urls?", ("page_share",), None),
    (r"big\w*|large\w*|size\w*|small\w*|users|many|share", ("users", "user_share"), None),
)
_NO_CONTENT = """
    the a an of in on at for to and or is are was were do does did which who what where when how cluster
    clusters most least more less than with by from user users show me tell about many much their they it its
    this that compare give list all get my our us we i any there
"""
EMPTY_WORDS = frozenset(_NO_CONTENT.split())


def without_names(question: str, overview: Overview) -> str:
    """The question without names of clusters: "apparel buyers" asks for no purchases."""
    for cluster in overview.clusters:
        question = re.sub(re.escape(cluster.name), " ", question, flags=re.IGNORECASE)
    return question


def metrics_named(question: str) -> list[tuple[str, str | None]]:
    """Metrics that the question's words stand for, in the order of our list."""
    found = [
        (metric, feature)
        for pattern, metrics, feature in _METRICS
        if re.search(rf"\b(?:{pattern})\b", question, re.IGNORECASE)
        for metric in metrics
    ]
    # "where do buyers come from": of the two, the channel is what is asked for
    return sorted(dict.fromkeys(found), key=lambda metric: metric[0] in ("purchase_rate", "revenue_mean"))


def content_words(text: str) -> list[str]:
    """Words that say something, in small letters."""
    return [word for word in re.findall(r"[\w-]{3,}", text.lower()) if word not in EMPTY_WORDS]


def hits(fact: Fact, words: Iterable[str]) -> list[str]:
    """The words that the fact has, in its metric, feature or title."""
    text = f"{fact.metric.replace('_', ' ')} {(fact.feature or '').replace('_', ' ')} {fact.title or ''}".lower()
    return [word for word in words if re.search(rf"(?<![a-z0-9]){re.escape(_stem(word))}", text)]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") else word
