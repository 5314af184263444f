"""What the chat reads of the published database: each question a method, each answer plain Python.

The file stays open until a new publication has replaced it and the next question is asked: to open one takes DuckDB
longer than most questions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.insights.sheet import Fact, FactSheet, fact_sheets
from beha2vec_core.lookalikes import NoVectorError, Similar, similar_users
from beha2vec_core.predictions.wording import NONE_YET
from beha2vec_core.profiles import counts
from beha2vec_core.profiles.counts import Step, Totals, clustered_words
from beha2vec_core.profiles.currency import currency_note, reporting_currencies
from beha2vec_core.profiles.statistics import wilson_interval
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.anonymous import run_anonymous
from beha2vec_core.semantic.layer import Contents, Result, contents, run_query, run_rates
from beha2vec_core.semantic.parts import run_parts
from beha2vec_core.semantic.query import Query
from beha2vec_core.store.anonymous import PUBLISHED_TITLES, Rounding
from beha2vec_core.store.published import NotPublishedError, open_published
from beha2vec_core.store.sample import sample_notice

_JOURNEY_STEPS = 25
T = TypeVar("T")


class NotInData(LookupError):
    """The database cannot answer; the message says what is missing."""


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

    until: str  # last day with data
    users: int  # with a vector
    clusters: list[Cluster]  # and those of whom too little is known, under their key -1
    compared: dict[str, str]  # similarities, key_differences, opportunities; where they are written

    @property
    def in_words(self) -> str:
        """How many users are in how many clusters, and until when: 260 users in 3 clusters, data until 2026-01-18."""
        known = [cluster for cluster in self.clusters if cluster.key != TOO_LITTLE_EVIDENCE]
        clustered = sum(cluster.users for cluster in known)
        return f"{clustered_words(clustered, len(known), self.users - clustered)}, data until {self.until}"


@dataclass(frozen=True)
class FunnelStep:
    """Sessions of a cluster that came to a step of buying (or further), and how many of them went on."""

    name: str
    sessions: int
    users: int
    stopped_users: int  # those of them with a session that did not go further
    contributors: int  # the users by the weight of their sessions
    went_on: int | None  # to the next step that the site records; None at the last

    @property
    def lost(self) -> float | None:
        """Share of sessions that did not go on."""
        return None if self.went_on is None or not self.sessions else 1 - self.went_on / self.sessions


@dataclass(frozen=True)
class Funnel:
    """The steps of buying of one cluster."""

    cluster_key: int
    steps: list[FunnelStep]
    checkouts: int  # sessions that began checkout or went further
    checkout_users: int
    bought: int  # of these
    bought_users: int
    lost_users: int  # with a checkout that was not bought; some of them bought another one

    @property
    def lost(self) -> float | None:
        """Share of checkouts without a purchase."""
        return 1 - self.bought / self.checkouts if self.checkouts else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of `lost`, sessions taken as independent."""
        if not self.checkouts:
            return None
        low, high = wilson_interval([self.checkouts - self.bought], [self.checkouts])
        return float(low[0]), float(high[0])


@dataclass(frozen=True)
class Expected:
    """How many of some users are expected to do something, with a 95 % interval, and their expected revenue."""

    users: int
    expected: float
    low: float
    high: float
    value: float | None  # purchases only


class Published:
    """The published database, as it is when a question is asked."""

    def __init__(self, path: Path) -> None:
        """Remember the file; nothing is opened yet."""
        self.path = path
        self._kept: tuple[object, dict[str, Any]] = None, {}

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self.path.exists():
            raise NotInData("there are no results yet: run beha2vec materialize first")
        try:
            kept = self._of_this_publication()
            if "connection" not in kept:
                kept["connection"] = open_published(self.path)
            with kept["connection"].cursor() as cursor:
                cursor.execute("use published")
                yield cursor
        except NotPublishedError as error:
            raise NotInData(f"{self.path.name} cannot be read: see beha2vec doctor") from error
        except duckdb.CatalogException as error:
            name = re.search(r"name (\S+) does not exist", str(error))
            raise NotInData(
                f"the published database has no {name[1] if name else 'such table'}: materialize serving_database with "
                "this release"
            ) from error

    def overview(self) -> Overview:
        """Date, users, clusters (largest first) and their comparison, read once per publication."""
        return self._once("overview", _overview)

    def how_many(self) -> tuple[Totals, tuple[Step, ...]]:
        """How much there is of everything, and the steps from events to clusters."""
        with self._connection() as connection:
            return counts.totals(connection), counts.funnel(connection)

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

    def _of_this_publication(self) -> dict[str, Any]:
        """What is kept of the file that is there now: its connection, and what was read once."""
        stat = self.path.stat() if self.path.exists() else None
        identity = stat and (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if identity is None or self._kept[0] != identity:
            self._kept = identity, {}
        return self._kept[1]

    def _once(self, name: str, read: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """What is read once per publication."""
        kept = self._of_this_publication()
        if name not in kept:
            with self._connection() as connection:
                kept[name] = read(connection)
        found: T = kept[name]
        return found

    def sample(self) -> str | None:
        """What to say beside numbers where not all users are published, read once per publication."""
        return self._once("sample", sample_notice)

    def measure(self, query: Query) -> Result:
        """The rows of a semantic query.

        Raises:
            NotInData: the database has not all that the query reads.
        """
        return self._measured(lambda connection: run_query(connection, query))

    def rates(self, query: Query, metrics: tuple[str, ...]) -> list[Result]:
        """Several rates by the query's breakdown.

        Raises:
            NotInData: the database has not all that the query reads.
        """
        return self._measured(lambda connection: run_rates(connection, query, metrics))

    def measure_parts(self, query: Query, dimensions: Iterable[str]) -> list[Result]:
        """Where the change of a query lies, by each of the dimensions that it can be broken down by.

        Raises:
            NotInData: the database has not all that the query reads.
        """
        return self._measured(lambda connection: run_parts(connection, query, dimensions))

    def _measured(self, run: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        with self._connection() as connection:
            try:
                return run(connection)
            except duckdb.BinderException as error:
                raise NotInData("it was published by an earlier release: materialize serving_database") from error

    def anonymous_measure(self, query: Query) -> list[dict[str, Any]]:
        """The rows of a semantic query as a language model may see them.

        Raises:
            NotInData: the database has not all that the query reads.
        """
        with self._connection() as connection:
            try:
                return run_anonymous(connection, query)
            except (duckdb.BinderException, duckdb.CatalogException) as error:
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

    def funnels(self) -> list[Funnel]:
        """How far sessions of each cluster get in buying."""
        with self._connection() as connection:
            names = dict(
                connection.execute(
                    """select funnel_step, arg_min(event_name, coalesce(tie_order, 1000)) from ga4.ga4_event_taxonomy
                    where funnel_step is not null group by 1 order by 1"""
                ).fetchall()
            )
            rows = connection.execute(FUNNEL_SQL).fetchall()
        recorded = {step for _, step, _, _, stopped, *_ in rows if stopped}
        steps = [step for step in names if step in recorded]
        begins = next((step for step, name in names.items() if "checkout" in name), None)
        funnels = []
        for key in sorted({row[0] for row in rows}):
            of_cluster = {step: list(map(int, counts)) for cluster, step, *counts in rows if cluster == key}
            sessions = {step: counts[0] for step, counts in of_cluster.items()}
            following = dict(pairwise(steps))
            listed = [
                FunnelStep(
                    clean_text(str(names[step]), limit=40),
                    sessions.get(step, 0),
                    users,
                    stopped_users,
                    contributors,
                    sessions.get(following[step], 0) if step in following else None,
                )
                for step in steps
                for _, users, stopped_users, contributors, _ in [of_cluster.get(step, [0] * 5)]
            ]
            last = max(names, default=0)
            checkouts, _, _, checkout_users, lost_users = of_cluster.get(begins, [0] * 5)
            bought, _, _, bought_users, _ = of_cluster.get(last, [0] * 5)
            funnels.append(Funnel(int(key), listed, checkouts, checkout_users, bought, bought_users, lost_users))
        if not funnels:
            raise NotInData("no session of a clustered user has a funnel step (view_item, add_to_cart, ...)")
        return funnels

    def checkout_exits(self, cluster_key: int, *, limit: int = 5) -> list[tuple[str, int, int]]:
        """Where checkouts without a purchase end: last page, sessions, users by weight; the most frequent first."""
        with self._connection() as connection:
            rows = connection.execute(EXITS_SQL, [cluster_key, limit]).fetchall()
        return [(clean_text(str(page)), int(sessions), int(users)) for page, sessions, users in rows]

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

    def predicted(self) -> dict[str, list[int]]:
        """The horizons (days, ascending) of each target that is predicted; empty where nothing is."""
        with self._connection() as connection:
            try:
                rows = connection.execute(
                    """select target, list(distinct horizon order by horizon) from beha2vec.user_predictions_current
                    group by 1 order by 1"""
                ).fetchall()
            except duckdb.CatalogException:  # published by an earlier release
                rows = []
        return {str(target): [int(days) for days in horizons] for target, horizons in rows}

    def horizons(self, target: str) -> list[int]:
        """The horizons (days, ascending) of a target.

        Raises:
            NotInData: it is not predicted.
        """
        known = self.predicted()
        if not known:
            raise NotInData(NONE_YET)
        if target not in known:
            raise NotInData(f"{target[:60]} is not predicted, but {' and '.join(known)}")
        return known[target]

    def expected(self, target: str, horizon: int) -> dict[int, Expected]:
        """What the users of each cluster are expected to do, the largest number first."""
        with self._connection() as connection:
            rows = _records(
                connection,
                """select cluster_key, users, expected, low, high, value from beha2vec.cluster_predictions
                where target = ? and horizon = ? order by expected desc, cluster_key""",
                [target, horizon],
            )
        return {int(row.pop("cluster_key")): Expected(**row) for row in rows}

    def anonymous_predictions(self, target: str, horizon: int, by: str) -> list[dict[str, Any]]:
        """The same as models may read it: by "cluster" or "decile", or "" for all users; numbers rounded at random."""
        table = {"cluster": "cluster_and_target_and_horizon", "decile": "target_and_horizon_and_decile"}.get(
            by, "target_and_horizon"
        )
        query = f"""select * exclude (target, horizon) from anonymous.predictions_by_{table}
            where target = ? and horizon = ? order by all"""
        with self._connection() as connection:
            return _records(connection, query, [target, horizon])

    def likely_users(
        self, target: str, horizon: int, *, cluster: int | None = None, least: bool = False, limit: int = 10
    ) -> list[dict[str, Any]]:
        """The users with the highest probability (``least``: the lowest). For the person's screen only."""
        with self._connection() as connection:
            rows = _records(
                connection,
                f"""select user_key, cluster_key, probability, low, high, value, reasons, as_of
                from beha2vec.user_predictions_current
                left join (select user_key, cluster_key from beha2vec.user_clusters_current) using (user_key)
                where target = $target and horizon = $horizon and ($cluster is null or cluster_key = $cluster)
                order by probability {"" if least else "desc"}, user_key limit $limit""",
                {"target": target, "horizon": horizon, "cluster": cluster, "limit": limit},
            )
        return [row | {"reasons": [clean_text(str(one), limit=80) for one in row["reasons"] or ()]} for row in rows]

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
            return _records(connection, f"from beha2vec.{name} where {where} order by {order}", parameters)


_BY_WEIGHT = "floor(coalesce(pow(sum({n}), 2) / nullif(sum(pow({n}, 2)), 0), 0))::bigint"  # `effective_number`
# Shown as the source of an answer, so it is to be run as it stands.
FUNNEL_SQL = f"""select cluster_key, step, sum(reached)::bigint as sessions, count_if(reached > 0) as users,
    count_if(is_stopped) as users_stopped, {_BY_WEIGHT.format(n="reached")} as users_by_weight,
    {_BY_WEIGHT.format(n="lost")} as users_without_order_by_weight
from (
    select c.cluster_key, s.step, user_key, count_if(f.furthest_step >= s.step) as reached,
        bool_or(f.furthest_step = s.step) as is_stopped, count_if(f.dropped_after >= s.step) as lost
    from ga4.fct_ga4__funnel_sessions f
    join beha2vec.user_clusters_current c using (user_key)
    cross join (select distinct funnel_step as step from ga4.ga4_event_taxonomy where funnel_step is not null) s
    group by all)
group by all order by all"""

EXITS_SQL = f"""
    select page_key, sum(sessions)::bigint, {_BY_WEIGHT.format(n="sessions")} as users_by_weight from (
        select user_key, page_key, count(*) as sessions from (
            select e.session_key, any_value(e.user_key) as user_key,
                last(e.page_key order by e.event_timestamp, e.event_index) as page_key
            from ga4.ml_ga4__sequence_events e
            join ga4.fct_ga4__funnel_sessions f using (session_key)
            join beha2vec.user_clusters_current c on c.user_key = e.user_key
            where c.cluster_key = ? and f.dropped_after >= (
                select min(funnel_step) from ga4.ga4_event_taxonomy where contains(event_name, 'checkout'))
            group by e.session_key)
        where page_key is not null group by all)
    group by 1 order by 2 desc, 1 limit ?"""

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
    sizes = connection.execute(
        "select cluster_key, count(*) from beha2vec.user_clusters_current group by 1 order by 2 desc, 1"
    ).fetchall()
    until = counts.totals(connection).last_day
    insights = _records(connection, "from beha2vec.cluster_insights")
    if not sizes:
        raise NotInData("no user is in a cluster yet: run beha2vec materialize")
    total = sum(users for _, users in sizes)
    by_key = {row["cluster_key"]: row for row in insights}
    clusters = [_cluster(int(key), int(users), users / total, by_key.get(key, {})) for key, users in sizes]
    compared = {
        name: clean_text(text, limit=3000)
        for name in ("similarities", "key_differences", "opportunities")
        if (text := by_key.get(None, {}).get(name))
    }
    return Overview(str(until), total, clusters, compared)


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


def _records(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list[object] | dict[str, object] | None = None
) -> list[dict[str, Any]]:
    """Rows as dictionaries, so that columns of later releases may be missing."""
    cursor = connection.execute(query, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


__all__ = ["Cluster", "Fact", "FactSheet", "Funnel", "NotInData", "Overview", "Published", "Similar"]
