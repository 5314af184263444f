"""Clusters: names, sizes, words, facts, and how users move between them."""

import json
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.explorer.published import NothingYet, Published
from beha2vec_core.insights.placeholders import Piece
from beha2vec_core.insights.placeholders import pieces as filled_pieces
from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.wording import FULL_STOP
from beha2vec_core.profiles.counts import cluster_sizes, clustered_words
from beha2vec_core.words import counted, number

_NEVER_MORE = 1_000  # clusters; a choice of k ends far below

_LONG_AGO = 120  # days; further back, weeks are shown
_PATHS = 20
_PERIODS = 200
# the texts of an insight that are shown, in this order
INSIGHT_HEADINGS = {
    "summary": "",
    "persona": "Typical user",
    "differences": "Differences",
    "caveats": "Caveats",
    "interpretation": "The model's reading of these facts",
}
_SENTENCE = re.compile(rf"{FULL_STOP}\s+(?=[A-Z“\"\d])")
_SIZE_FIRST = re.compile(r"^(A group of )?[\d,]+ of [\d,]+ users")  # the cards show the size themselves


def sizes(published: Published) -> pd.DataFrame:
    """A row a cluster, the largest first, those of whom too little is known last.

    Columns: cluster_key, users, share (0 to 1) of all users in clusters, name, summary.

    Names and summaries are those of cluster_insights, null where they have not been written.
    """
    with published.cursor() as cursor:
        found = pd.DataFrame(cluster_sizes(cursor), columns=["cluster_key", "users"])
    if found.empty:
        raise NothingYet("users in clusters", "user_clusters")
    found["share"] = found["users"] / found["users"].sum()
    written = published.query(
        f"""select cluster_key, any_value(name) as name, any_value(summary) as summary
        from beha2vec.cluster_insights where cluster_key is not null group by all limit {_NEVER_MORE}"""
    )
    found = found.merge(written.astype({"cluster_key": found["cluster_key"].dtype}), on="cluster_key", how="left")
    default = found["cluster_key"].map(lambda key: "Too little evidence yet" if key < 0 else f"Cluster {key}")
    return found.assign(name=found["name"].where(found["name"].notna(), default))


def older_facts(published: Published) -> str:
    """That the facts are older than the sizes, as after a run of a part of the graph; empty where they are not."""
    facts = published.query(
        f"""select cluster_key, value::bigint as users from beha2vec.cluster_profiles where metric = 'users'
        limit {_NEVER_MORE}"""
    )
    now, then = (rows.set_index("cluster_key")["users"].to_dict() for rows in (published.ask(sizes), facts))
    if facts.empty or now == then:
        return ""
    return (
        "The facts and descriptions are older than the sizes: since they were made, users came, left or changed "
        f"cluster ({counted(sum(then.values()), 'user')} then, {sum(now.values()):,} now). Materialize "
        "cluster_profiles, cluster_insights and serving_database to renew them."
    )


def size_words(row: Mapping[Hashable, Any]) -> str:
    """The size of a cluster, of a row of `sizes`: 60 users, 21% of all users with a vector."""
    return f"{counted(int(row['users']), 'user')}, {number(row['share'], 'share')} of all users with a vector"


def in_words(found: pd.DataFrame) -> str:
    """How many clusters the rows of `sizes` are, in a sentence; those of whom too little is known are in none."""
    unknown = int(found.loc[found["cluster_key"] == TOO_LITTLE_EVIDENCE, "users"].sum())
    known = found[found["cluster_key"] != TOO_LITTLE_EVIDENCE]
    return f"{clustered_words(int(known['users'].sum()), len(known), unknown)}."


def names(published: Published) -> dict[int, str]:
    """The name of each cluster that has users, as it was written: make it safe for the place it is shown in."""
    found = published.ask(sizes)
    return {int(key): str(name) for key, name in zip(found["cluster_key"], found["name"], strict=True)}


def one_sentence(summary: object, limit: int = 240) -> str:
    """What a summary says first about the behavior; cut at a clause where that is long."""
    if not isinstance(summary, str):
        return ""
    sentences = [one for one in _SENTENCE.split(summary) if not _SIZE_FIRST.match(one)] or [summary]
    first = sentences[0].removeprefix("What is unusual: ")
    while len(first) > limit and ";" in first:
        first = first.rsplit(";", 1)[0].rstrip() + "."
    return first[:1].upper() + first[1:]


@dataclass(frozen=True)
class Insight:
    """What was written about a cluster, as it was written: make it safe for the place it is shown in."""

    texts: dict[str, str]  # by the names of `INSIGHT_HEADINGS`, where they are written
    actions: tuple[str, ...]
    evidence: tuple[str, ...]  # fact ids
    written_by: str
    drafts: dict[str, Any] = field(default_factory=dict)  # the texts and actions with placeholders, where known


def insight(published: Published, cluster_key: int) -> Insight | None:
    """The words of a cluster; None where none are written."""
    found = published.query(
        "from beha2vec.cluster_insights where cluster_key = $key limit 1", {"key": cluster_key}
    ).to_dict("records")
    if not found:
        return None
    row = found[0]
    texts = {name: row.get(name) for name in INSIGHT_HEADINGS}
    return Insight(
        {name: text for name, text in texts.items() if isinstance(text, str) and text},
        tuple(str(action) for action in _listed(row["actions"])),
        tuple(str(fact) for fact in _listed(row["evidence"])),
        str(row["written_by"]),
        json.loads(draft) if isinstance(draft := row.get("draft"), str) else {},
    )


def linked(text: str, draft: str | None, facts: Mapping[str, Fact]) -> list[Piece]:
    """The text in pieces, each number with its fact.

    In one piece if its draft is not known or gives another text, because the facts have changed since it was written.

    Args:
        text: as it is shown, cleaned.
        draft: the same with placeholders, cleaned in the same way.
        facts: at least those that the draft names, by fact_id.
    """
    pieces = filled_pieces(draft, facts) if draft else []
    return pieces if "".join(piece.text for piece in pieces) == text else [Piece(text, None)]


def size_over_time(published: Published) -> pd.DataFrame:
    """Users with events, by cluster and day, or by week where there are more than 120 days.

    Returns:
        period (the day, or the week's Monday), cluster_key, users, days: of how many days of the period there is data;
        fewer than 7 in a first or last week that is not whole.
    """
    return published.query(
        f"""with span as (
            select min(event_date) as first_day, max(event_date) as last_day,
                date_diff('day', first_day, last_day) > {_LONG_AGO} as is_long
            from beha2vec.cluster_history),
        periods as (
            select case when is_long then date_trunc('week', event_date)::date else event_date end as period,
                case when is_long then date_diff('day', greatest(period, first_day), least(period + 6, last_day)) + 1
                    else 1 end as days,
                cluster_key, user_key
            from beha2vec.cluster_history, span)
        select period, cluster_key, count(distinct user_key) as users, any_value(days)::integer as days
        from periods group by 1, 2
        qualify dense_rank() over (order by period desc) <= {_PERIODS}
        order by 1, 2"""
    )


def flows(published: Published, days: int) -> pd.DataFrame:
    """Moves of the last days: from_cluster, to_cluster, users, also of those who stayed; new users left out.

    A user who was active on three days counts twice, once from each to the next.
    """
    return published.query(
        f"""select from_cluster, to_cluster, sum(users)::bigint as users from beha2vec.cluster_flows
        where event_date > (select max(event_date) from beha2vec.cluster_flows) - $days::integer
            and from_cluster is not null
        group by 1, 2 order by users desc, 1, 2 limit {_NEVER_MORE}""",
        {"days": days},
    )


def paths(published: Published, cluster_key: int) -> pd.DataFrame:
    """The most frequent steps from one page type or event to the next: from_step, to_step, users, share, lift."""
    return published.query(
        f"""select from_step, to_step, users, share, population_share, lift from beha2vec.cluster_paths
        where cluster_key = $key order by share desc, from_step, to_step limit {_PATHS}""",
        {"key": cluster_key},
    )


def transitions(published: Published, cluster_key: int) -> pd.DataFrame:
    """Where users of a cluster are next: to_cluster, users, share, interval_low, interval_high."""
    return published.query(
        f"""select to_cluster, users, share, interval_low, interval_high from beha2vec.cluster_transitions
        where from_cluster = $key order by share desc, to_cluster limit {_NEVER_MORE}""",
        {"key": cluster_key},
    )


def members(published: Published, cluster_key: int) -> pd.DataFrame:
    """Users to look at: role (typical or edge), rank, user_key, other_key (the second-best cluster)."""
    return published.query(
        """select role, rank, user_key, other_key from beha2vec.cluster_members
        where cluster_key = $key order by role desc, rank limit 50""",
        {"key": cluster_key},
    )


def _listed(value: object) -> list[object]:
    """A list column's value; null is empty."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else []
