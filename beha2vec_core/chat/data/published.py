"""What the chat reads of the published database: each question a method, each answer plain Python."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import duckdb

from beha2vec_core.chat.data.database import NotInData, T, records
from beha2vec_core.chat.data.funnels import Funnels
from beha2vec_core.chat.data.predictions import Predictions
from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.insights.sheet import Fact, FactSheet, fact_sheets
from beha2vec_core.lookalikes import NoVectorError, Similar, similar_users
from beha2vec_core.profiles import counts
from beha2vec_core.profiles.counts import Step, Totals, clustered_words
from beha2vec_core.profiles.currency import currency_note, reporting_currencies
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.anonymous import run_anonymous
from beha2vec_core.semantic.layer import Contents, Result, contents, run_query, run_rates
from beha2vec_core.semantic.parts import run_parts
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.store.anonymous import MIN_USERS, PUBLISHED_TITLES, Rounding
from beha2vec_core.store.sample import about_estimates
from beha2vec_core.words import day

_JOURNEY_STEPS = 25
_Errors = tuple[type[duckdb.Error], ...]


@dataclass(frozen=True)
class Cluster:
    """A cluster with its words."""

    key: int
    name: str
    users: int
    share: float
    summary: str = ""
    persona: str = ""
    actions: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)  # differences, caveats; where they are written
    written_by: str = ""


@dataclass(frozen=True)
class Overview:
    """What was published."""

    until: str  # last day with data, in words
    users: int  # with a vector
    clusters: list[Cluster]  # and those of whom too little is known, under their key -1
    compared: dict[str, str]  # similarities, key_differences, opportunities; where they are written

    @property
    def names(self) -> dict[int, str]:
        """The names of the clusters, by key."""
        return {cluster.key: cluster.name for cluster in self.clusters}

    @property
    def in_words(self) -> str:
        """How many users are in how many clusters, and until when: 260 users in 3 clusters, data until 18 Jan 2026."""
        known = [cluster for cluster in self.clusters if cluster.key != TOO_LITTLE_EVIDENCE]
        clustered = sum(cluster.users for cluster in known)
        return f"{clustered_words(clustered, len(known), self.users - clustered)}, data until {self.until}"


DAILY_EVENTS = "from ga4.ga4_quality__daily order by event_date, property_id"
HIGHLIGHTS = "select * from beha2vec.highlights order by rank"


class Published(Funnels, Predictions):
    """The published database, as it is when a question is asked."""

    def overview(self) -> Overview:
        """Date, users, clusters and their comparison, read once per publication.

        The largest cluster is first, and the users of whom too little is known are last.
        """
        return self._once("overview", _overview)

    def how_many(self) -> tuple[Totals, tuple[Step, ...]]:
        """How much there is of everything, and the steps from events to clusters."""
        with self._connection() as connection:
            return counts.totals(connection), counts.funnel(connection)

    def highlights(self) -> list[dict[str, Any]]:
        """What to know first, the largest first: headline, sentence, kind (difference or change), group and days."""
        with self._connection() as connection:
            return records(connection, HIGHLIGHTS)

    def daily_events(self, period: Period) -> list[dict[str, Any]]:
        """The events of each day of a period, what is usual, and why the tracking is said to break."""
        with self._connection() as connection:
            rows = records(connection, DAILY_EVENTS)
        return [row for row in rows if period.first <= row["event_date"] <= period.last]

    def money(self) -> str:
        """The currency of money, in a sentence; empty where the database does not say it."""
        with self._connection() as connection:
            return currency_note(reporting_currencies(connection))

    def has_one_currency(self) -> bool:
        """Whether all money is in one known currency, or the database (of an earlier release) knows of none."""
        with self._connection() as connection:
            currencies = reporting_currencies(connection)
        return currencies is None or (len(currencies) == 1 and currencies[0] is not None)

    def contents(self) -> Contents | None:
        """The days of the data and the values of dimensions, read once per publication; None without a day."""
        return self._once("contents", contents)

    def words(self) -> frozenset[str]:
        """The words of all values, in small letters. Not of pages: an address may hold a user's id."""
        return self._once("words", _words)

    def estimates(self) -> dict[str, Any] | None:
        """What to send beside a model's numbers where not all users are published, read once per publication."""
        return self._once("estimates", lambda connection: about_estimates(connection, MIN_USERS))

    def measure(self, query: Query) -> Result:
        """The rows of a semantic query. Here and below NotInData: the database has not all that the query reads."""
        return self._measured(lambda connection: run_query(connection, query))

    def rates(self, query: Query, metrics: tuple[str, ...]) -> list[Result]:
        """Several rates by the query's breakdown."""
        return self._measured(lambda connection: run_rates(connection, query, metrics))

    def measure_parts(self, query: Query, dimensions: Iterable[str]) -> list[Result]:
        """Where the change of a query lies, by each of the dimensions that it can be broken down by."""
        return self._measured(lambda connection: run_parts(connection, query, dimensions))

    def anonymous_measure(self, query: Query) -> list[dict[str, Any]]:
        """The rows of a semantic query as a language model may see them."""
        return self._measured(
            lambda connection: run_anonymous(connection, query), (duckdb.BinderException, duckdb.CatalogException)
        )

    def _measured(
        self, run: Callable[[duckdb.DuckDBPyConnection], T], missing: _Errors = (duckdb.BinderException,)
    ) -> T:
        with self._connection() as connection:
            try:
                return run(connection)
            except missing as error:
                raise NotInData("it was published by an earlier release: materialize serving_database") from error

    def rounding(self) -> Rounding:
        """What numbers that a model gets are rounded with."""

        def read(connection: duckdb.DuckDBPyConnection) -> Rounding:
            ((key,),) = connection.execute("select key from beha2vec.rounding").fetchall()
            return Rounding.read(connection, key)

        return self._once("rounding", read)

    def sheets(self) -> dict[int, FactSheet]:
        """The facts of each cluster, read once per publication."""
        sheets = self._once("sheets", _sheets)
        if not sheets:
            raise NotInData("there are no facts yet: materialize cluster_profiles")
        return dict(sheets)

    def sheet(self, cluster_key: int) -> FactSheet:
        """The facts of one cluster."""
        sheets = self.sheets()
        if cluster_key not in sheets:
            raise NotInData(f"there is no cluster {cluster_key}; there are {', '.join(map(str, sorted(sheets)))}")
        return sheets[cluster_key]

    def journeys(self, cluster_key: int, role: str, *, limit: int = 3) -> list[list[str]]:
        """Latest steps of typical or edge members: page types, other events by name. No ids, pages or times."""
        with self._connection() as connection:
            chosen = _MEMBERS if _has_members(connection, cluster_key) else _NEAREST
            rows = connection.execute(
                _JOURNEYS.format(members=chosen.format(order="desc" if role == "typical" else "asc")),
                {"cluster": cluster_key, "role": role, "limit": limit, "steps": _JOURNEY_STEPS},
            ).fetchall()
        return [[clean_text(str(step), limit=40) for step in steps] for (steps,) in rows]

    def similar_users(self, user_key: str, *, limit: int = 5) -> list[Similar]:
        """The users whose identity vectors are nearest, users with too little evidence left out."""
        with self._connection() as connection:
            try:
                return similar_users(connection, user_key, limit)
            except NoVectorError as error:
                raise NotInData(str(error)) from error

    def identities(self, words: list[str]) -> dict[str, str]:
        """Which of the words (small letters) are a user's key, device id or login id, with the user_key of each."""
        if not words:
            return {}
        with self._connection() as connection:
            try:
                rows = connection.execute(_IDENTITIES.format(more=_MORE_IDENTITIES), [words]).fetchall()
            except duckdb.CatalogException:  # published without the GA4 models
                rows = connection.execute(_IDENTITIES.format(more=""), [words]).fetchall()
        return {str(found): str(user_key) for found, user_key in rows}

    def likely_cluster_of(self, user_key: str) -> tuple[int, float] | None:
        """The likely cluster of a user with too little evidence, and its probability; None where there is none."""
        with self._connection() as connection:
            try:
                rows = connection.execute(
                    """select likely_cluster, probability from beha2vec.user_clusters_current
                    where user_key = ? and likely_cluster <> ?""",
                    [user_key, TOO_LITTLE_EVIDENCE],
                ).fetchall()
            except duckdb.BinderException:  # published by an earlier release
                rows = []
        return (int(rows[0][0]), float(rows[0][1])) if rows else None

    def cluster_of(self, user_key: str) -> tuple[int, float | None] | None:
        """Cluster and margin of a user (near 0: between two clusters; None: too little is known of them)."""
        with self._connection() as connection:
            rows = connection.execute(
                "select cluster_key, margin from beha2vec.user_clusters_current where user_key = ?", [user_key]
            ).fetchall()
        if not rows:
            return None
        key, margin = rows[0]
        return int(key), margin if margin is not None and math.isfinite(margin) else None

    def columns(self, schemas: Collection[str]) -> dict[str, list[str]]:
        """The tables of some schemas, with their columns."""
        with self._connection() as connection:
            rows = connection.execute(
                """select schema_name || '.' || table_name, list(column_name order by column_index)
                from duckdb_columns() where list_contains(?::varchar[], schema_name) group by 1 order by 1""",
                [list(schemas)],
            ).fetchall()
        return dict(rows)

    def table(self, name: str, where: str, parameters: list[object], order: str) -> list[dict[str, Any]]:
        """Rows of one of our tables; empty where the table is empty.

        Raises:
            NotInData: the database has no such table.
        """
        with self._connection() as connection:
            return records(connection, f"from beha2vec.{name} where {where} order by {order}", parameters)


_MEMBERS = """
    select user_key, rank from beha2vec.cluster_members where cluster_key = $cluster and role = $role
    order by rank limit $limit"""
# without medoids: those who stand nearest to the centroid, or nearest to another cluster
_NEAREST = """
    select user_key,
        row_number() over (order by case when $role = 'typical' then distance else margin end, user_key) as rank
    from beha2vec.user_clusters_current where cluster_key = $cluster order by 2 limit $limit"""
_JOURNEYS = """
    with members as ({members}),
    steps as (
        select m.rank, e.event_timestamp, e.event_index, e.event_name,
            coalesce(case when e.is_page_view then p.page_type end, e.event_name) as step
        from ga4.ml_ga4__sequence_events e join members m using (user_key)
        left join beha2vec.enriched_pages p using (page_key))
    select list(step order by event_timestamp, event_index)[-$steps:] from steps group by rank order by rank"""
_IDENTITIES = """
    select distinct found, user_key from (
        select user_key as found, user_key from beha2vec.user_clusters_current
        {more}
    ) where list_contains(?::varchar[], lower(found))"""
_MORE_IDENTITIES = """
        union all select user_pseudo_id, user_key from ga4.dim_ga4__users
        union all select user_id, user_key from ga4.dim_ga4__users"""


def _sheets(connection: duckdb.DuckDBPyConnection) -> dict[int, FactSheet]:
    profiles = connection.execute("from beha2vec.cluster_profiles").df()
    try:
        titles = dict(connection.execute(PUBLISHED_TITLES).fetchall())
    except duckdb.CatalogException:  # published without the GA4 models
        titles = {}
    return {sheet.cluster_key: sheet for sheet in fact_sheets(profiles, titles)}


def _overview(connection: duckdb.DuckDBPyConnection) -> Overview:
    sizes = counts.cluster_sizes(connection)
    until = counts.totals(connection).last_day
    insights = records(connection, "from beha2vec.cluster_insights")
    if not sizes:
        raise NotInData("no user is in a cluster yet: run beha2vec materialize")
    total = sum(users for _, users in sizes)
    by_key = {row["cluster_key"]: row for row in insights}
    clusters = [_cluster(key, users, users / total, by_key.get(key, {})) for key, users in sizes]
    compared = {
        name: clean_text(text, limit=3000)
        for name in ("similarities", "key_differences", "opportunities")
        if (text := by_key.get(None, {}).get(name))
    }
    return Overview(day(until) if until else "a day that is not known", total, clusters, compared)


def _cluster(key: int, users: int, share: float, insight: dict[str, Any]) -> Cluster:
    default = "Too little evidence yet" if key == TOO_LITTLE_EVIDENCE else f"Cluster {key}"
    return Cluster(
        key=key,
        name=clean_text(insight.get("name") or "", limit=80) or default,
        users=users,
        share=share,
        summary=clean_text(insight.get("summary") or "", limit=3000),
        persona=clean_text(insight.get("persona") or "", limit=2000),
        actions=tuple(clean_text(action, limit=500) for action in insight.get("actions") or ()),
        evidence=tuple(insight.get("evidence") or ()),
        more={
            name: clean_text(insight[name], limit=2000)
            for name in ("differences", "caveats", "interpretation")
            if insight.get(name)
        },
        written_by=clean_text(insight.get("written_by") or "", limit=80),
    )


def _words(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    found = contents(connection)
    values = {name: values for name, values in found.values.items() if "page" not in name} if found else {}
    texts = (value.lower() for some in values.values() for value in some)
    return frozenset(word for text in texts for word in (*re.findall(r"[\w-]+", text), *re.findall(r"[^\W_]+", text)))


def _has_members(connection: duckdb.DuckDBPyConnection, cluster_key: int) -> bool:
    try:
        found = connection.execute("select 1 from beha2vec.cluster_members where cluster_key = ?", [cluster_key])
    except duckdb.CatalogException:  # published by an earlier release
        return False
    return found.fetchone() is not None


__all__ = ["Cluster", "Fact", "FactSheet", "Overview", "Published", "Similar"]
