"""What a look-up gives, and what can be asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from beha2vec_core.chat.answers.measured import Measured
from beha2vec_core.chat.data.published import Fact
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.chat.events import Bars
from beha2vec_core.chat.reading.question import Reading

CAN_DO = """Without a language model, answers are looked up in the data. You can ask, for example:
  revenue last week? / conversion rate by channel in March / sessions on mobile, month by month
  is mobile worse than desktop? / orders last month vs the month before / top 5 landing pages
  why did revenue drop last week? / which channel grew most last month? / Safari against all other browsers
  how many bought within 7 days of their first visit? / best product per country / orders per user
  what is bought together with the wool hat? / what else do people who bought hats buy?
  what do people look at after the cart page? / how do buyers differ from non-buyers?
  show me the funnel on mobile / what share of those who add to cart buy?
  which clusters are there?                     their names and sizes
  build a persona for cluster 0                 its description and main facts
  compare 1 and 4                               the facts that differ most
  which cluster buys most? / uses mobile most?  clusters by purchases, errors, devices, channels, pages ...
  which cluster leaks at checkout, and where?   the funnel of each cluster
  errors in cluster 3                           the matching facts of a cluster
  where do users of cluster 2 move?             moves between clusters
  which paths does cluster 2 take?              steps that are more frequent than elsewhere
  who is likely to buy next week?               expected numbers by cluster, and the most likely users
  what do users do before they buy?             compared with matched users who did not
  who resembles user <user_key>?                the nearest users
  /sql select ...                               anything else, in SQL"""

MORE = "Type /help for more questions that I can answer."


@dataclass(frozen=True)
class Prediction:
    """What a prediction is of."""

    target: str
    days: int
    clusters: tuple[int, ...] = ()  # none: all
    revenue: bool = False  # whether revenue is asked for
    bought: bool | None = None  # only those who have bought before, or never have; None: all
    least: bool = False  # whether those who will not do it are asked for


@dataclass(frozen=True)
class LookupAnswer:
    """Text for the person, and where it comes from."""

    text: str
    facts: list[Fact] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    tool: tuple[str, dict[str, Any]] | None = None  # that gives a model the same, and its arguments
    lists_clusters: bool = False  # it is the list of all clusters
    cluster: int | None = None  # that it is about, or that is the first of a ranking
    predicted: Prediction | None = None  # that a question may continue
    understood: bool = True
    reading: Reading | None = None  # of a question about metrics
    table: SqlAnswer | None = None  # rows below the text
    bars: Bars | None = None  # the same as a chart
    more: tuple[Measured, ...] = ()  # answers to further queries: their tables stand below
