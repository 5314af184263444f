"""What a rule can use: columns of a user, and functions of what they did and are expected to do.

Columns are those of ``ga4.dim_ga4__users``, the newest features of ``ga4.ml_ga4__user_features`` and the cluster, with
the descriptions that the tables have. A new column of these tables can be used at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import duckdb

from beha2vec_core.predictions.targets import LABELS
from beha2vec_core.store.tables import IDENTIFIERS

USERS = "ga4.dim_ga4__users"
_FEATURES = "ga4.ml_ga4__user_features"
_EVENTS = "ga4.ml_ga4__sequence_events"
_PAGES = "beha2vec.enriched_pages"
_CLUSTERS = "beha2vec.user_clusters_current"
_PREDICTIONS = "beha2vec.user_predictions_current"
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
    """A column of a user.

    Attributes:
        name: as rules use it.
        table: that it comes from; "" where it is computed.
        source: its SQL expression, over the aliases of `joined`.
        description: what it holds.
        is_fraction: it has numbers that are not whole.
    """

    name: str
    table: str
    source: str
    description: str
    is_fraction: bool = False


class Function(NamedTuple):
    """A function of a user, with constant arguments.

    Attributes:
        arguments: their names: ``days`` and ``horizon`` are whole numbers, the others text.
        description: what it gives.
        table: that it reads.
        query: its SQL: ``user_key`` and ``value``; the arguments stand in braces, quoted.
        known: SQL of the values that an argument may have, by its name; others may have any.
        counts: users whom the query leaves out have 0, not null.
    """

    arguments: tuple[str, ...]
    description: str
    table: str
    query: str
    known: Mapping[str, str]
    counts: bool = False


def _predicted(value: str, where: str) -> str:
    return f"select user_key, max({value}) as value from {_PREDICTIONS} where {where} group by user_key"


def _counted(where: str, pages: str = "") -> str:
    return f"""select user_key, count(*) as value from {_EVENTS} join {_PROPERTIES} using (property_id) {pages}
        where {where} and event_date > last_day - {{days}} group by user_key"""


_TARGETS = {"target": f"select distinct target from {_PREDICTIONS}"}
_HORIZONS = {"horizon": f"select distinct horizon from {_PREDICTIONS}"}
_OF_PAGES = f"join {_PAGES} using (page_key)"
FUNCTIONS = {
    "probability": Function(
        ("target", "horizon"),
        "probability that the user does it within 7, 14 or 28 days",
        _PREDICTIONS,
        _predicted("probability", "target = {target} and horizon = {horizon}"),
        _TARGETS | _HORIZONS,
    ),
    "decile": Function(
        ("target", "horizon"),
        "tenth of the users by that probability; 1 is the highest",
        _PREDICTIONS,
        _predicted("decile", "target = {target} and horizon = {horizon}"),
        _TARGETS | _HORIZONS,
    ),
    "expected_revenue": Function(
        ("horizon",),
        "expected revenue within 7, 14 or 28 days, in the reporting currency",
        _PREDICTIONS,
        _predicted("value", "target = 'purchase' and horizon = {horizon}"),
        _HORIZONS,
    ),
    "events": Function(
        ("event_name", "days"),
        "events of this name in the last days; those without a page, and session_start, first_visit, first_open and "
        "user_engagement are not counted",
        _EVENTS,
        _counted("event_name = {event_name}"),
        {"event_name": f"select distinct event_name from {_EVENTS}"},
        counts=True,
    ),
    "views_of_pages": Function(
        ("pattern", "days"),
        "views of pages whose page_key is like the pattern (% stands for any text) in the last days",
        _EVENTS,
        _counted("is_page_view and page_key like {pattern}"),
        {},
        counts=True,
    ),
    "views_of_page_type": Function(
        ("page_type", "days"),
        "views of pages of this type in the last days",
        _EVENTS,
        _counted("is_page_view and page_type = {page_type}", _OF_PAGES),
        {"page_type": f"select distinct page_type from {_PAGES}"},
        counts=True,
    ),
    "views_of_theme": Function(
        ("theme", "days"),
        "views of pages of this theme in the last days",
        _EVENTS,
        _counted("is_page_view and theme = {theme}", _OF_PAGES),
        {"theme": f"select distinct theme from {_PAGES}"},
        counts=True,
    ),
}


def columns(connection: duckdb.DuckDBPyConnection) -> dict[str, Column]:
    """The columns that rules can use, by name: those that the open database has."""
    found: dict[str, Column] = {}
    never = {*IDENTIFIERS, *LABELS, "as_of", "exported_until"}
    for table, alias in ((USERS, "users"), (_FEATURES, "features")):
        for name, description, kind in _described(connection, table):
            if name not in never and name.lower() not in found:  # of two alike, that of the whole history
                is_fraction = kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL")
                found[name.lower()] = Column(name, table, f'{alias}."{name}"', description, is_fraction)
    if _described(connection, _CLUSTERS):
        for name, (source, description) in _CLUSTER_COLUMNS.items():
            found[name] = Column(name, _CLUSTERS, f"clusters.{source}", description, source == "probability")
    if found:
        for name, (source, description) in _DERIVED.items():
            found[name] = Column(name, "", source, description)
    return found


def _described(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str, str]]:
    """The columns of a table of the open database, their descriptions and types; none where there is no such table."""
    schema, name = table.split(".")
    return connection.execute(
        """select column_name, coalesce(comment, ''), data_type from duckdb_columns()
        where database_name = current_database() and schema_name = ? and table_name = ? order by column_index""",
        [schema, name],
    ).fetchall()


def has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the open database has a table or view."""
    return bool(_described(connection, table))


def joined(tables: set[str]) -> str:
    """SQL of all users, as ``users``, with the tables that are needed as ``features`` and ``clusters``."""
    features = f"""left join (from {_FEATURES} qualify as_of = max(as_of) over (partition by property_id)) as features
        on users.property_id = features.property_id and users.user_key = features.user_key"""
    clusters = f"left join {_CLUSTERS} as clusters on users.user_key = clusters.user_key"
    needed = [join for table, join in ((_FEATURES, features), (_CLUSTERS, clusters)) if table in tables]
    properties = f"left join {_PROPERTIES} as properties on users.property_id = properties.property_id"
    return f"{USERS} as users {properties} {' '.join(needed)}"
