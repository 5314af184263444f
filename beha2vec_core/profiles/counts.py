"""How many there are of what: the counts that people read, each defined once, and where users are lost on the way.

Explorer, report, chat, command line and Dagster's metadata all ask here, so that a count is the same number wherever
it stands. It reads an open database, the warehouse or the published copy, and writes to none. A count whose table is
not there is None; a step whose table is not there is left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import duckdb

from beha2vec_core.clusters.model import TOO_LITTLE_EVIDENCE
from beha2vec_core.store.catalog import columns_of, has_table
from beha2vec_core.store.sample import numbers_of_all
from beha2vec_core.words import counted, days

_QUALITY, _USERS, _PAGE_VIEWS = "ga4.ga4_quality__daily", "ga4.dim_ga4__users", "ga4.fct_ga4__page_views"
_SEQUENCES = "ga4.ml_ga4__sequence_events"
_VECTORS, _CLUSTERED = "beha2vec.user_embeddings_current", "beha2vec.user_clusters_current"
_OF_READERS = "beha2vec.user_embeddings semi join beha2vec.cluster_model_current using (model_version)"


@dataclass(frozen=True)
class Totals:
    """How much there is.

    Attributes:
        users: people with a device id, whether or not they have a vector (rows of dim_ga4__users; where that table is
            not there, users with a cluster or -1).
        clustered_users: those in a cluster; who is in -1, of whom too little is known, is in none.
        with_too_few_events: those in -1.
        clusters: with users; -1 is no cluster.
        sessions: of all users.
        page_views: views of pages and screens, including those without a user (no device id, no consent).
        buyers: users with a purchase.
        first_day: first export day with events.
        last_day: last export day with events.
        days: export days with events.
    """

    users: int
    clustered_users: int
    with_too_few_events: int
    clusters: int
    sessions: int | None
    page_views: int | None
    buyers: int | None
    first_day: date | None
    last_day: date | None
    days: int


@dataclass(frozen=True)
class Loss:
    """Why some do not come to a step, in words that follow their number: '48 users had no page view'."""

    count: int
    of: str  # event, user
    why: str

    @property
    def words(self) -> str:
        """48 users: only events that are not read."""
        return f"{counted(self.count, self.of)}: {self.why}"


@dataclass(frozen=True)
class Step:
    """A step on the way from events to clusters: how many come to it, and why others do not."""

    name: str
    count: int
    losses: tuple[Loss, ...] = ()

    @property
    def why(self) -> str:
        """All losses in words; empty where nothing is lost."""
        return "; ".join(loss.words for loss in self.losses)


def clustered_words(clustered: int, clusters: int, too_little: int) -> str:
    """How many users are in how many clusters: 260 users in 3 clusters, and 20 of whom too little is known."""
    text = f"{counted(clustered, 'user')} in {counted(clusters, 'cluster')}"
    return text + (f", and {too_little:,} with too few events" if too_little else "")


def of_all_users(connection: duckdb.DuckDBPyConnection) -> str:
    """`totals`, `funnel` and `cluster_sizes` as JSON, to be published with the tables."""
    steps = [asdict(step) for step in funnel(connection)]
    numbers = {"totals": asdict(totals(connection)), "funnel": steps, "clusters": cluster_sizes(connection)}
    return json.dumps(numbers, default=str)


def totals(connection: duckdb.DuckDBPyConnection) -> Totals:
    """How much there is of everything; of all users, also where only a sample is published.

    The published copy has these numbers, as it has those of `funnel`: to count them again takes seconds.
    """
    if kept := numbers_of_all(connection):
        found = kept["totals"]
        days_ = {name: date.fromisoformat(found[name]) if found[name] else None for name in ("first_day", "last_day")}
        return Totals(**found | days_)
    sessions = buyers = page_views = None
    users = clustered = too_few = clusters = 0
    if has_table(connection, _USERS):
        users, sessions, buyers = _row(
            connection,
            f"""select count(*), coalesce(sum(sessions), 0)::bigint, count(*) filter (purchases > 0) from {_USERS}""",
        )
    if has_table(connection, _PAGE_VIEWS):
        (page_views,) = _row(connection, f"select count(*) from {_PAGE_VIEWS}")
    if has_table(connection, _CLUSTERED):
        known = f"filter (cluster_key <> {TOO_LITTLE_EVIDENCE})"
        with_row, clustered, clusters = _row(
            connection, f"select count(*), count(*) {known}, count(distinct cluster_key) {known} from {_CLUSTERED}"
        )
        users, too_few = users or with_row, with_row - clustered
    first, last, number = exported_days(connection)
    return Totals(users, clustered, too_few, clusters, sessions, page_views, buyers, first, last, number)


def cluster_sizes(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    """The users of each cluster, the largest first, and last those of whom too little is known.

    Of all users, also where only a sample is published.
    """
    if (kept := numbers_of_all(connection)) and "clusters" in kept:  # not of an earlier release
        return [(int(key), int(users)) for key, users in kept["clusters"]]
    if not has_table(connection, _CLUSTERED):
        return []
    return connection.execute(
        f"""select cluster_key, count(*) from {_CLUSTERED} group by 1
        order by cluster_key = {TOO_LITTLE_EVIDENCE}, 2 desc, 1"""
    ).fetchall()


def exported_days(connection: duckdb.DuckDBPyConnection) -> tuple[date | None, date | None, int]:
    """The first and the last export day with events, None if there is none; and how many there are."""
    source = f"{_QUALITY} where events > 0" if has_table(connection, _QUALITY) else None
    if source is None and has_table(connection, "beha2vec.user_clusters"):
        source = "beha2vec.user_clusters"
    if source is None:
        return None, None, 0
    first, last, number = _row(
        connection, f"select min(event_date), max(event_date), count(distinct event_date) from {source}"
    )
    return first, last, number


def funnel(connection: duckdb.DuckDBPyConnection) -> tuple[Step, ...]:
    """Events, users, users with page views, users with a vector, clustered users; and why there are fewer at each.

    Users who are lost add up: the count of a step is that of the step before less its losses. Events belong to users,
    so the losses of the first two steps are events. They are those of all users, also where only a sample is published.
    """
    if kept := numbers_of_all(connection):
        return tuple(
            Step(step["name"], step["count"], tuple(Loss(**loss) for loss in step["losses"])) for step in kept["funnel"]
        )
    return tuple(_events(connection) + _users(connection))


def _events(connection: duckdb.DuckDBPyConnection) -> list[Step]:
    if not has_table(connection, _QUALITY):
        return []
    rows, events, twice = _row(
        connection,
        f"select coalesce(sum(raw_events), 0)::bigint, coalesce(sum(events), 0)::bigint, "
        f"coalesce(sum(duplicates_dropped), 0)::bigint from {_QUALITY}",
    )
    losses = _some(
        Loss(twice, "event", "exact duplicates"),
        Loss(rows - events - twice, "event", "from replaced tables, synthetic bundles or excluded hosts"),
    )
    return [Step("Events", events, losses)]


def _users(connection: duckdb.DuckDBPyConnection) -> list[Step]:
    people = [
        f"select user_key, {marks} from {source}"
        for table, marks, source in (
            (_USERS, _marks(), _USERS),
            (_SEQUENCES, _marks("true", "bool_or(is_page_view)", _late(connection)), f"{_SEQUENCES} group by user_key"),
            # a user with a vector had page views on the day it was made
            (_VECTORS, _marks("true", "true", embedded="true"), _VECTORS),
            (_CLUSTERED, _marks("true", "true", embedded="true", cluster_key="cluster_key"), _CLUSTERED),
        )
        if has_table(connection, table)
    ]
    if not people:
        return []
    users, not_read, no_view, late, outside, unassigned, too_little, clustered = _row(
        connection,
        f"""with people as (
            select bool_or(is_read) as is_read, bool_or(viewed) as viewed, bool_or(is_late) as is_late,
                bool_or(embedded) as embedded, max(cluster_key) as cluster_key
            from ({" union all ".join(people)}) group by user_key)
        select count(*), count(*) filter (not is_read), count(*) filter (is_read and not viewed),
            count(*) filter (viewed and not embedded and is_late),
            count(*) filter (viewed and not embedded and not is_late),
            count(*) filter (embedded and cluster_key is null),
            count(*) filter (cluster_key = {TOO_LITTLE_EVIDENCE}),
            count(*) filter (cluster_key <> {TOO_LITTLE_EVIDENCE})
        from people""",
    )
    steps = []
    if has_table(connection, _USERS):
        steps.append(Step("Users", users, _of_nobody(connection)))
    if has_table(connection, _SEQUENCES):
        losses: tuple[Loss, ...] = (
            Loss(not_read, "user", "only events without a page or not read (session_start, first_visit ...)"),
            Loss(no_view, "user", "other events, but no page or screen view"),
        )
        steps.append(Step("Users with page views", users - not_read - no_view, _some(*losses)))
        losses = (
            Loss(outside, "user", f"page views only on days without vectors{_window(connection)}"),
            Loss(late, "user", "page views only after the end of their export day: check BEHA2VEC_TIMEZONE"),
        )
    else:
        losses = (Loss(not_read + no_view + late + outside, "user", "no vector"),)
    if has_table(connection, _VECTORS) or has_table(connection, _CLUSTERED):
        steps.append(Step("Users with a vector", unassigned + too_little + clustered, _some(*losses)))
    if has_table(connection, _CLUSTERED):
        losses = (
            Loss(too_little, "user", f"too little evidence{_least_events(connection)}"),
            Loss(unassigned, "user", "not assigned to clusters yet"),
        )
        steps.append(Step("Users in clusters", clustered, _some(*losses)))
    return steps


def _marks(
    read: str = "false",
    viewed: str = "false",
    late: str = "false",
    embedded: str = "false",
    cluster_key: str = "null::integer",
) -> str:
    """What a source knows about a user, as columns."""
    return f"""{read} as is_read, {viewed} as viewed, {late} as is_late, {embedded} as embedded,
        {cluster_key} as cluster_key"""


def _late(connection: duckdb.DuckDBPyConnection) -> str:
    """Whether a user viewed a page on an export day that has vectors, so that the moment, not the day, is at fault."""
    if "event_date" not in columns_of(connection, _SEQUENCES) or not has_table(connection, "beha2vec.user_embeddings"):
        return "false"
    return f"bool_or(is_page_view and event_date in (select event_date from {_OF_READERS}))"


def _of_nobody(connection: duckdb.DuckDBPyConnection) -> tuple[Loss, ...]:
    if not has_table(connection, _QUALITY):
        return ()
    (events,) = _row(connection, f"select coalesce(sum(events_without_user), 0)::bigint from {_QUALITY}")
    return _some(Loss(events, "event", "no device id or no consent"))


def _window(connection: duckdb.DuckDBPyConnection) -> str:
    if not has_table(connection, "beha2vec.user_embeddings"):
        return ""
    first, last = _row(connection, f"select min(event_date), max(event_date) from {_OF_READERS}")
    return f" (vectors: {days(first, last)})" if first and last else ""


def _least_events(connection: duckdb.DuckDBPyConnection) -> str:
    if not has_table(connection, "beha2vec.encoder_current"):
        return ""
    (least,) = _row(connection, "select max((config->>'min_events')::integer) from beha2vec.encoder_current")
    return f", fewer than {least} events" if least else ""


def _some(*losses: Loss) -> tuple[Loss, ...]:
    return tuple(loss for loss in losses if loss.count > 0)


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> Sequence[Any]:
    (row,) = connection.execute(sql).fetchall()
    return tuple(row)
