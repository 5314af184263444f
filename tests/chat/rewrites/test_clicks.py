"""Clicks of campaigns, which are not in the data."""

from __future__ import annotations

import pytest

from beha2vec_core.chat.rewrites.clicks import in_sessions


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("which campaigns got clicks but no sales", "which campaigns got sessions but no sales"),
        ("how many clicks did spring_sale get", "how many sessions did spring_sale get"),
        ("campaigns with a click but no order", "campaigns with a sessions but no order"),
        ("how many clicks on the buy button", "how many clicks on the buy button"),
        ("cost per click by campaign", "cost per click by campaign"),
        ("campaign clicks and opens", "campaign clicks and opens"),
        ("click rate of our campaigns", "click rate of our campaigns"),
        ("clicks by country", "clicks by country"),
    ],
)
def test_clicks_of_campaigns_are_their_sessions(text: str, said: str) -> None:
    assert in_sessions(text, ["spring_sale"]) == said
