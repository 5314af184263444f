"""Clicks of campaigns: the data have the sessions that came of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CLICKS = re.compile(
    r"\b(?<!per )(?<!cost of )(?<!cost for )(?<!button )(?<!email )(?<!newsletter )(?:clicks|(?<=\ba )click)\b"
    r"(?![\s-]*(?:through|thru|rates?|paths?|events?|per|to)\b)(?! on (?!(?:(?:the|our|each) )*campaigns?\b))"
)
_COSTS = re.compile(r"\b(?:cpc|ctr|costs?|impressions?|opens?|opened|spend|spent|pay|paid for)\b")
NOTE = "Clicks of campaigns are not in the data: the sessions that came of them are counted."


def in_sessions(text: str, campaigns: Iterable[str]) -> str:
    """A text in small letters with "sessions" for the clicks of campaigns.

    Args:
        campaigns: their names.
    """
    if not _CLICKS.search(text) or _COSTS.search(text):
        return text
    named = (re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", text) for name in campaigns if len(name) > 2)
    is_of_campaign = re.search(r"\bcampaigns?\b", text) is not None or any(named)
    return _CLICKS.sub("sessions", text) if is_of_campaign else text
