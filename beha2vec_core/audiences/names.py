"""What a rule can use: columns of a user, and functions of what they did and are expected to do.

Columns are those of ``ga4.dim_ga4__users``, the newest features of ``ga4.ml_ga4__user_features`` and the cluster, with
the descriptions that the tables have. A new column of these tables can be used at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

import duckdb

from beha2vec_core.lookalikes.nearest import VECTORS, nearest_sql, seeds_sql
from beha2vec_core.predictions.targets import LABELS
from beha2vec_core.profiles import WAREHOUSE
from beha2vec_core.profiles.measures import users_sql
from beha2vec_core.profiles.metric import Number, Share
from beha2vec_core.profiles.metrics import measured_as
from beha2vec_core.semantic.compiler import compile_last_days, compile_values, dimensions_of
from beha2vec_core.semantic.definitions import DIMENSIONS
from beha2vec_core.store.tables import IDENTIFIERS
from beha2vec_core.words import UNKNOWN_CURRENCY

USERS = "ga4.dim_ga4__users"
IDENTITIES = "ga4.int_ga4__identity_map"
# the hold-out is drawn by it: the user keys of one login id share it, and a user keeps it when they log in
FIRST_DEVICES = f"""select user_key, min(device) as device from (
    select user_key, first_value(user_pseudo_id) over (
        partition by property_id, coalesce(user_id, user_key) order by first_seen, user_pseudo_id) as device
    from {IDENTITIES}) group by user_key"""
_FEATURES = "ga4.ml_ga4__user_features"
_EVENTS = "ga4.ml_ga4__sequence_events"
_PAGES = "beha2vec.enriched_pages"
_CLUSTERS = "beha2vec.user_clusters_current"
_PREDICTIONS = "beha2vec.user_predictions_current"
_PROFILES = "beha2vec.cluster_profiles"
# its last_day: days count back from it, and it is the first of them
_PROPERTIES = "ga4.dim_ga4__properties"
_CLUSTER_COLUMNS = {
    "cluster": ("cluster_key", "cluster of the user; -1: too little is known"),
    "likely_cluster": ("likely_cluster", "of a user in cluster -1: the cluster they are most likely to join"),
    "likely_cluster_probability": ("probability", "how likely that is"),
}
_DERIVED = {
    "days_since_last_seen": (
        "date_diff('day', (users.last_seen_at at time zone 'UTC' at time zone properties.timezone)::date, "
        "properties.last_day)",
        "days from the user's last event to the last day of the export",
    )
}


class Column(NamedTuple):
    """A column of a user."""

    name: str  # as rules use it
    table: str  # that it comes from; "" where it is computed
    source: str  # its SQL expression, over the aliases of `joined`
    description: str
    kind: str = "BIGINT"  # DuckDB's name of its type

    @property
    def is_fraction(self) -> bool:
        """Whether it has numbers that are not whole."""
        return self.kind in ("DOUBLE", "FLOAT") or self.kind.startswith("DECIMAL")


# SQL with the arguments in braces, or a function that makes it of them; the arguments are SQL
Sql = str | Callable[..., str]


class Function(NamedTuple):
    """A function of a user, with constant arguments.

    Attributes:
        arguments: their names: those of `WHOLE` are whole numbers, the others text.
        query: its SQL: ``user_key`` and ``value``; the arguments are in braces, as SQL (see `rule`).
        known: SQL of the values that an argument may have, by its name, with the arguments before it in braces; others
            may have any.
        gives: users whom the query leaves out have null (``number``), 0 (``count``) or false (``condition``). At night,
            what no longer occurs counts 0.
        seeds: SQL that has to give rows: the users whom others are similar to.
    """

    arguments: tuple[str, ...]
    description: str
    tables: tuple[str, ...]
    query: Sql
    known: Mapping[str, Sql] = {}
    gives: Literal["number", "count", "condition"] = "number"
    seeds: str = ""

    def sql(self, values: Mapping[str, str]) -> str:
        """The query with the values of the arguments, which are SQL."""
        return _made(self.query, values)

    def known_sql(self, argument: str, before: Mapping[str, str]) -> str:
        """SQL of the values that an argument may have, after those before it."""
        return _made(self.known[argument], before)


def _made(template: Sql, values: Mapping[str, str]) -> str:
    return template.format(**values) if isinstance(template, str) else template(**values)


def _counted_with(metric: str, what: str, table: str) -> Function:
    """A metric of the semantic layer, of the rows in which a dimension of it has a value."""

    def query(dimension: str, value: str, days: str) -> str:
        name = dimension.strip("'")
        rows = compile_last_days(metric, name, int(days))
        return f"select user_key, part as value from ({rows}) where {name} = {value}"

    def dimensions() -> str:
        return f"select unnest({[name for name in dimensions_of(metric) if DIMENSIONS[name].kind == 'text']})"

    def values(dimension: str) -> str:
        return compile_values(metric, dimension.strip("'"))

    return Function(
        ("dimension", "value", "days"),
        f"{what} in the last days, such as ('channel', 'Organic Search', 28); dimensions are those of the semantic "
        "layer",
        (table,),
        query,
        {"dimension": dimensions, "value": values},
        gives="count",
    )


def _predicted(value: str, where: str) -> str:
    return f"select user_key, max({value}) as value from {_PREDICTIONS} where {where} group by user_key"


def _counted(where: str, pages: str = "") -> str:
    return f"""select user_key, count(*) as value from {_EVENTS} join {_PROPERTIES} using (property_id) {pages}
        where {where} and event_date > last_day - {{days}} group by user_key"""


WHOLE = ("days", "horizon", "cluster", "users")
_MEASURED = [metric for metric, _ in [*measured_as(Number), *measured_as(Share)]]
_USER_FACTS = [metric.name.removesuffix("_mean") for metric in _MEASURED if metric.unit != UNKNOWN_CURRENCY]
_EVERYBODY = replace(WAREHOUSE, users_in_clusters=f"(select user_key, 0 as cluster_key from {USERS})")
# tables that functions of a rule share
SHARED = {"user_facts": users_sql(_EVERYBODY)}
_OF_AUDIENCE = "select user_key from {audience}"
_OF_CLUSTER = f"select user_key from {_CLUSTERS} where cluster_key = {{cluster}}"
_TARGETS = {"target": f"select distinct target from {_PREDICTIONS}"}
_HORIZONS = {"horizon": f"select distinct horizon from {_PREDICTIONS}"}
_OF_PAGES = f"join {_PAGES} using (page_key)"
FUNCTIONS = {
    "probability": Function(
        ("target", "horizon"),
        "probability that the user does it within 7, 14 or 28 days",
        (_PREDICTIONS,),
        _predicted("probability", "target = {target} and horizon = {horizon}"),
        _TARGETS | _HORIZONS,
    ),
    "decile": Function(
        ("target", "horizon"),
        "tenth of the users by that probability; 1 is the highest",
        (_PREDICTIONS,),
        _predicted("decile", "target = {target} and horizon = {horizon}"),
        _TARGETS | _HORIZONS,
    ),
    "expected_revenue": Function(
        ("horizon",),
        "expected revenue within 7, 14 or 28 days, in the reporting currency",
        (_PREDICTIONS,),
        _predicted("value", "target = 'purchase' and horizon = {horizon}"),
        _HORIZONS,
    ),
    "events": Function(
        ("event_name", "days"),
        "events of this name in the last days; those without a page, and session_start, first_visit, first_open and "
        "user_engagement are not counted",
        (_EVENTS,),
        _counted("event_name = {event_name}"),
        {"event_name": f"select distinct event_name from {_EVENTS}"},
        gives="count",
    ),
    "views_of_pages": Function(
        ("pattern", "days"),
        "views of pages whose page_key is like the pattern (% stands for any text) in the last days",
        (_EVENTS,),
        _counted("is_page_view and page_key like {pattern}"),
        gives="count",
    ),
    "views_of_page_type": Function(
        ("page_type", "days"),
        "views of pages of this type in the last days",
        (_EVENTS,),
        _counted("is_page_view and page_type = {page_type}", _OF_PAGES),
        {"page_type": f"select distinct page_type from {_PAGES}"},
        gives="count",
    ),
    "views_of_theme": Function(
        ("theme", "days"),
        "views of pages of this theme in the last days",
        (_EVENTS,),
        _counted("is_page_view and theme = {theme}", _OF_PAGES),
        {"theme": f"select distinct theme from {_PAGES}"},
        gives="count",
    ),
    "sessions_with": _counted_with("sessions", "sessions in which a dimension has a value", WAREHOUSE.sessions),
    "orders_with": _counted_with("orders", "orders in which a dimension has a value", "ga4.fct_ga4__purchases"),
    "user_fact": Function(
        ("fact",),
        f"a number that profiles measure, of the user; 1 or 0 where users do it or not: {', '.join(_USER_FACTS)}",
        (WAREHOUSE.sessions, WAREHOUSE.events, WAREHOUSE.funnel_sessions),
        "select user_key, struct_extract(user_facts, {fact})::double as value from user_facts",
        {"fact": f"select unnest({_USER_FACTS})"},
    ),
    "cluster_fact": Function(
        ("metric",),
        "a fact of the user's cluster, such as purchase_rate",
        (_PROFILES, _CLUSTERS),
        f"""select user_key, facts.value from {_CLUSTERS} join {_PROFILES} as facts using (cluster_key)
            where metric = {{metric}} and feature is null""",
        {"metric": f"select distinct metric from {_PROFILES} where feature is null"},
    ),
    "cluster_share": Function(
        ("metric", "feature"),
        "a share of the user's cluster, such as that of the theme 'travel' in theme_view_share",
        (_PROFILES, _CLUSTERS),
        f"""select user_key, facts.value from {_CLUSTERS} join {_PROFILES} as facts using (cluster_key)
            where metric = {{metric}} and feature = {{feature}}""",
        {
            "metric": f"select distinct metric from {_PROFILES} where feature is not null",
            "feature": f"select distinct feature from {_PROFILES} where metric = {{metric}}",
        },
    ),
    "in_audience": Function(
        ("audience",),
        "whether the user is in another audience of the file",
        (),
        "select user_key, true as value from {audience}",
        gives="condition",
    ),
    "similar_to_audience": Function(
        ("audience", "users"),
        "whether the user is one of this many users most similar to an audience of the file, and not in it",
        (VECTORS,),
        f"select user_key, true as value from ({nearest_sql(_OF_AUDIENCE, '{users}')})",
        gives="condition",
        seeds=seeds_sql(_OF_AUDIENCE),
    ),
    "similar_to_cluster": Function(
        ("cluster", "users"),
        "whether the user is one of this many users most similar to a cluster, and not in it",
        (VECTORS, _CLUSTERS),
        f"select user_key, true as value from ({nearest_sql(_OF_CLUSTER, '{users}')})",
        {"cluster": f"select distinct cluster_key from {_CLUSTERS} where cluster_key >= 0"},
        gives="condition",
        seeds=seeds_sql(_OF_CLUSTER),
    ),
    "on_map": Function(
        ("map", "area"),
        "whether the user is in an area of the explorer's map; made by drawing it",
        (_CLUSTERS,),
        f"select user_key, true as value from {_CLUSTERS} where cluster_model_version = {{map}} and {{area}}",
        {"map": f"select distinct cluster_model_version from {_CLUSTERS}"},
        gives="condition",
    ),
}


def columns(connection: duckdb.DuckDBPyConnection) -> dict[str, Column]:
    """The columns that rules can use, by name: those that the open database has."""
    found: dict[str, Column] = {}
    never = {*IDENTIFIERS, *LABELS, "as_of", "exported_until", "sampling_weight"}
    for table, alias in ((USERS, "users"), (_FEATURES, "features")):
        for name, description, kind in _described(connection, table):
            if name not in never and name.lower() not in found:  # of two alike, that of the whole history
                found[name.lower()] = Column(name, table, f'{alias}."{name}"', description, kind)
    if _described(connection, _CLUSTERS):
        for name, (source, description) in _CLUSTER_COLUMNS.items():
            kind = "DOUBLE" if source == "probability" else "BIGINT"
            found[name] = Column(name, _CLUSTERS, f"clusters.{source}", description, kind)
    if found:
        for name, (source, description) in _DERIVED.items():
            found[name] = Column(name, "", source, description)
    return found


def described(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What rules can use, as they write it, with descriptions: columns, then functions."""
    found = {one.name: one.description for one in columns(connection).values()}
    return found | {f"{name}({', '.join(one.arguments)})": one.description for name, one in FUNCTIONS.items()}


def _described(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str, str]]:
    """The columns of a table of the open database, their descriptions and types; none where there is no such table."""
    schema, name = table.split(".")
    return connection.execute(
        """select column_name, coalesce(comment, ''), data_type from duckdb_columns()
        where database_name = current_database() and schema_name = ? and table_name = ? order by column_index""",
        [schema, name],
    ).fetchall()


def joined(tables: set[str]) -> str:
    """SQL of all users, as ``users``, with the tables that are needed as ``features`` and ``clusters``."""
    features = f"""left join (from {_FEATURES} qualify as_of = max(as_of) over (partition by property_id)) as features
        on users.property_id = features.property_id and users.user_key = features.user_key"""
    clusters = f"left join {_CLUSTERS} as clusters on users.user_key = clusters.user_key"
    needed = [join for table, join in ((_FEATURES, features), (_CLUSTERS, clusters)) if table in tables]
    properties = f"left join {_PROPERTIES} as properties on users.property_id = properties.property_id"
    return f"{USERS} as users {properties} {' '.join(needed)}"
