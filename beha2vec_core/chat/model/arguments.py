"""What the language model can ask for: the arguments of each tool, with the descriptions that the model reads."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS

_METRICS = [name for name, one in METRICS.items() if "median(" not in next(iter(one.sql.values())).value]
_BY = [name for name, dimension in DIMENSIONS.items() if dimension.kind != "user"]


class Arguments(BaseModel):
    """Arguments of a tool; the docstring of each subclass is the description of the tool."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def definition(cls, name: str) -> dict[str, Any]:
        """The tool as ``chat.completions`` takes it, its JSON schema without what some servers refuse."""
        schema = cls.model_json_schema()
        about = " ".join(schema.pop("description").split())
        schema.pop("title", None)
        schema.setdefault("properties", {})
        for value in schema["properties"].values():
            value.pop("title", None)
            value.pop("maxLength", None)
        return {"type": "function", "function": {"name": name, "description": about, "parameters": schema}}


class Metric(Arguments):
    """One number of the users, or a number by a dimension, in a period: revenue, conversion rate, sessions ... by
    channel, device, week ... Ask this first. Numbers are rounded at random; those of few users are null, and groups of
    few users are (other) or missing."""

    metric: str = Field(max_length=60, description=f"one of: {', '.join(_METRICS)}")
    by: str | None = Field(None, max_length=60, description=f"one of: {', '.join(_BY)}")
    where: str | None = Field(None, max_length=60, description="only rows in which this dimension has the value is_")
    is_: str | None = Field(None, max_length=300, description="the value, as it stands in the data")
    period: str = Field(
        "all", max_length=20, description="all, last 7 days, last 28 days, last 90 days, 2026-04 or 2026-W18"
    )
    compare: bool = Field(False, description="also give the value of the period before")


class ListClusters(Arguments):
    """All clusters: key, name, users, share of users; and of all users the totals (sessions, page views, buyers), how
    many come from events to clusters, why others do not, and the currency of money."""


class Highlights(Arguments):
    """What to know first: the largest differences between segments of users, and changes over time, that are not
    chance, with their intervals."""


class ClusterFacts(Arguments):
    """Facts of one cluster with ids. Without search: the main and the most unusual ones."""

    cluster: int = Field(description="cluster key")
    search: str = Field("", max_length=200, description="words of a metric, page, theme, channel, device, country ...")


class CompareClusters(Arguments):
    """The facts in which two clusters differ by more than chance, the largest differences first."""

    first: int
    second: int


class CheckoutFunnel(Arguments):
    """How far sessions of each cluster get in buying, where checkouts without an order end."""


class SampleJourneys(Arguments):
    """Show the person the steps of a few typical or edge members of a cluster. You do not see them."""

    cluster: int
    role: Literal["typical", "edge"] = "typical"


class SimilarUsers(Arguments):
    """Show the person the users most like one user (given by alias, such as user_1). You do not see them."""

    user: str = Field(max_length=200)


class Moves(Arguments):
    """Users who moved from one cluster to another."""

    cluster: int | None = Field(None, description="only moves from or to this cluster")


class Paths(Arguments):
    """Steps within a cluster that are more frequent than elsewhere (page types and events)."""

    cluster: int


class BeforeBuying(Arguments):
    """What users did before they became buyers more often than matched users who did not: association, never cause."""


class Predictions(Arguments):
    """How many users are expected to buy, come back or trigger an event in the next days, by cluster and by decile
    of probability (1: highest), and the expected revenue."""

    target: str = Field("purchase", max_length=60, description="purchase, return, or the name of a predicted event")
    days: int | None = Field(
        None, description="days ahead; the nearest horizon predicted is taken. null: the longest one that was tested"
    )


class Tables(Arguments):
    """Tables and columns that sql can read: anonymous.<what is counted>_by_<what it is grouped by>."""

    search: str = Field("", max_length=100, description="part of a table's or column's name")


class Sql(Arguments):
    """One DuckDB SELECT over tables of the schema anonymous: numbers of groups of users, already counted, one table for
    each way to group, such as anonymous.sessions_by_device_category (device_category, users, sessions, ...),
    anonymous.sessions_by_cluster_and_country, anonymous.page_views_by_page and anonymous.users_by_cluster. See the tool
    tables for all. Numbers are rounded at random to multiples of what some users contribute, so add up few of them, and
    say that they are rounded. Groups of few users are missing, numbers of few users are null."""

    statement: str = Field(max_length=10_000)
