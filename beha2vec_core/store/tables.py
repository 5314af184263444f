"""Our tables in the warehouse, their columns in one place, and the ``*_current`` views that others may build on.

The views are a contract: columns are added, never changed, without raising ``SCHEMA_VERSION``. Tables behind them may
change. What only adds is done on each connection (`create_tables`); what renames, removes or converts is a step of
``migrate.py`` and raises the version, which is recorded in the file. (dbt's models live in schema ``ga4``, see
``dbt_ga4``.)
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import duckdb
import pyarrow as pa

from beha2vec_core.store import limits
from beha2vec_core.store.warehouse import WarehouseVersionError, transaction

SCHEMA_VERSION = 2
# of warehouses from before versions were recorded
_FIRST_VERSION = 1

_ENRICHED_PAGES = """
        page_key varchar primary key, theme varchar, theme_confidence double, theme_method varchar,
        page_type varchar, page_type_confidence double, page_type_method varchar, classifier_version varchar,
        content_hash varchar, classified_at timestamp, theme_runner_up varchar, page_type_runner_up varchar,
        theme_model_version varchar, page_type_model_version varchar, theme_hash varchar, page_type_hash varchar,
        review_rank integer"""

_TABLES = {
    # a row for each version that the file has had
    "beha2vec.schema_history": "version integer primary key, change varchar, applied_at timestamp",
    "raw.ga4_ingest_log": """
        property_id varchar, event_date date, status varchar, rows_in bigint, accepted bigint, quarantined bigint,
        users bigint, files varchar[], problem varchar, ingested_at timestamp, redacted bigint, forgotten bigint""",
    "raw.ga4_quarantine": """
        property_id varchar, event_date date, source_file varchar, source_line bigint, reason varchar,
        content varchar, privacy_rules integer""",
    "beha2vec.enriched_pages": _ENRICHED_PAGES,
    # what only the next run needs; not published
    "cache.text_vectors": """
        model_version varchar, text_hash varchar, vector blob, primary key (model_version, text_hash)""",
    "cache.enriched_pages_unpublished": _ENRICHED_PAGES,
    # assets that the next run has to build from all history, and why; see migrate.py
    "cache.pending_full_refresh": "asset varchar primary key, reason varchar",
    # the state of each day when it was last written to BigQuery; see bigquery.py
    "cache.written_to_bigquery": "data_set varchar, table_name varchar, event_date date, state varchar",
    # what a dbt build has finished so far, and what a dbt call has begun and not finished; see chunks.py
    "cache.dbt_chunks": "models varchar, build varchar, first_day date, last_day date, raw varchar",
    "cache.dbt_days_begun": "model varchar, event_date date",
    "beha2vec.encoders": """
        model_version varchar primary key, config json, train_config json, data_window json, training_curve json,
        trained_at timestamp, warm_start_from varchar, accepted_at timestamp, refused varchar""",
    "beha2vec.encoder_evaluation": """
        model_version varchar, data_until timestamp, method varchar, task varchar, metric varchar, value double,
        n bigint, less_best_floor double, low double, high double, judged bigint, evaluated_at timestamp,
        champion varchar, less_champion double, champion_low double, champion_high double""",
    "beha2vec.user_embeddings": """
        event_date date, model_version varchar, user_key varchar, as_of timestamp, n_events bigint,
        low_evidence boolean, behavior float[], identity float[], sequence_hash ubigint""",
    "beha2vec.cluster_models": """
        cluster_model_version varchar primary key, model_version varchar, k integer, users bigint, curve json,
        fitted_at timestamp, promoted_at timestamp""",
    # what became of each cluster of the model before, and where new ones come from; see clusters/keys.py
    "beha2vec.cluster_lineage": """
        cluster_model_version varchar, before_version varchar, cluster_key integer, change varchar, other_key integer,
        users bigint, shared_users bigint""",
    "beha2vec.user_clusters": """
        event_date date, cluster_model_version varchar, model_version varchar, user_key varchar, cluster_key integer,
        distance double, margin double, map_x double, map_y double, likely_cluster integer, probability double""",
    # of the clusters that readers see; see clusters/members.py
    "beha2vec.cluster_members": """
        cluster_key integer, role varchar, rank integer, user_key varchar, distance double, margin double,
        other_key integer""",
    "beha2vec.cluster_profiles": """
        cluster_key integer, fact_id varchar, metric varchar, feature varchar, value double, population_value double,
        lift double, z double, interval_low double, interval_high double, support bigint, unit varchar,
        effect_size double, q_value double, significant boolean, base bigint, contributors bigint""",
    # from the cluster of a user's active day to that of the next; from_cluster is null for a first day
    "beha2vec.cluster_transitions": """
        from_cluster integer, to_cluster integer, users bigint, share double, interval_low double,
        interval_high double""",
    # page type to page type within a session, by the users of a cluster
    "beha2vec.cluster_paths": """
        cluster_key integer, from_step varchar, to_step varchar, users bigint, share double, population_share double,
        lift double""",
    # what users had done before they became buyers, beside matched users who did not: association, never cause
    "beha2vec.buying_paths": """
        kind varchar, feature varchar, movers bigint, movers_share double, matched_share double, lift double, z double,
        q_value double, significant boolean, support bigint""",
    # the comparison of all clusters has cluster_key null, and no persona, differences and caveats; it alone has
    # similarities, key_differences and opportunities. evidence: fact ids of cluster_profiles; draft: JSON, see
    # insights/schema.stored; input_hash: null where no answer of a model is final
    "beha2vec.cluster_insights": """
        cluster_key integer, name varchar, summary varchar, persona varchar, evidence varchar[], actions varchar[],
        similarities varchar, key_differences varchar, written_by varchar, differences varchar, caveats varchar,
        opportunities varchar, input_hash varchar, reason varchar, draft varchar, interpretation varchar""",
    # the largest differences between segments and changes over time; see semantic/highlights/
    "beha2vec.highlights": """
        rank integer, highlight_id varchar, kind varchar, metric varchar, dimension varchar, segment varchar,
        first_day date, last_day date, before_first_day date, before_last_day date, value double, other_value double,
        effect double, interval_low double, interval_high double, n bigint, users bigint, fewest_users bigint,
        q_value double, headline varchar, sentence varchar""",
    # the users and dates that predictions are learned from; see predictions/
    "beha2vec.prediction_examples": """
        as_of date, property_id varchar, user_key varchar, encoder_version varchar, weight double""",
    # what each user did before a date, as the encoder of a prediction model reads it
    "beha2vec.prediction_vectors": """
        event_date date, as_of date, property_id varchar, user_key varchar, encoder_version varchar,
        behavior float[]""",
    "beha2vec.prediction_models": """
        prediction_version varchar primary key, fitted_as_of date, targets varchar[], horizons integer[], methods json,
        gains json, notes varchar[], fitted_at timestamp, promoted_at timestamp, refused varchar,
        encoder_version varchar""",
    "beha2vec.prediction_evaluation": """
        prediction_version varchar, tested_from date, tested_until date, target varchar, horizon integer,
        method varchar, metric varchar, value double, low double, high double, n bigint""",
    # by tenth of the users, the highest probability first
    "beha2vec.prediction_curves": """
        prediction_version varchar, target varchar, horizon integer, decile integer, predicted double, observed double,
        users bigint, positives bigint, revenue double, gain double, revenue_gain double""",
    "beha2vec.user_predictions": """
        event_date date, as_of date, property_id varchar, user_key varchar, target varchar, horizon integer,
        probability double, low double, high double, decile integer, value double, method varchar, reasons varchar[],
        prediction_version varchar""",
    # who is in an audience on each day, and whether they may be contacted; see audiences/
    "beha2vec.audience_members": """
        event_date date, audience varchar, property_id varchar, user_key varchar, state varchar, why varchar,
        step varchar, found_on date""",
}

# Columns that say whose a row is, in our tables, dbt's and parquet files, and which of a person's ids they hold (see
# privacy/people.py). A row with one of a person's ids is that person's: `beha2vec forget` removes it.
IDENTIFIERS = {
    "user_key": "keys",
    "client_key": "keys",
    "user_pseudo_id": "devices",
    "user_id": "logins",
    "session_key": "sessions",
    "event_key": "events",
}
# the day that a row counts from in tables that are not registered below: the first of these columns that is there
DAY_COLUMNS = ("event_date", "occurred_on", "session_date", "user_date", "as_of")
Layer = Literal["raw", "quarantine", "events", "sequences", "embeddings"]


class HoldsPeople(NamedTuple):
    """How a table of ours holds people.

    Attributes:
        columns: its identifier columns; where there is none, a row is a person's if a text in it names the person.
        layer: the retention layer (BEHA2VEC_RETENTION_DAYS_*) of its rows; None: rows of the present only.
        day: the column that the retention of the layer counts from.
        made_from_events: what a device that several people share did is in it; removed with any of them, made again
            by the job reembed_history.
    """

    columns: tuple[str, ...]
    layer: Layer | None = None
    day: str | None = None
    made_from_events: bool = False


# A new table with people is registered here, or a test fails. (dbt's tables are found by their columns.)
PEOPLE = {
    "raw.ga4_quarantine": HoldsPeople((), "quarantine", "event_date"),
    "beha2vec.user_embeddings": HoldsPeople(("user_key",), "embeddings", "event_date", made_from_events=True),
    "beha2vec.user_clusters": HoldsPeople(("user_key",), "embeddings", "event_date", made_from_events=True),
    "beha2vec.cluster_members": HoldsPeople(("user_key",), made_from_events=True),
    "beha2vec.prediction_examples": HoldsPeople(("user_key",), "embeddings", "as_of", made_from_events=True),
    "beha2vec.prediction_vectors": HoldsPeople(("user_key",), "embeddings", "event_date", made_from_events=True),
    "beha2vec.user_predictions": HoldsPeople(("user_key",), "embeddings", "event_date", made_from_events=True),
    "beha2vec.audience_members": HoldsPeople(("user_key",), "embeddings", "event_date", made_from_events=True),
}

_VIEWS = {
    "beha2vec.schema_version": "select max(version) as version from beha2vec.schema_history",
    # What was made last, and what readers see. They differ while a candidate is not accepted, or was refused.
    "beha2vec.encoder_newest": "select * from beha2vec.encoders order by trained_at desc limit 1",
    "beha2vec.cluster_model_newest": "select * from beha2vec.cluster_models order by fitted_at desc limit 1",
    "beha2vec.cluster_model_current": """
        select * from beha2vec.cluster_models where promoted_at is not null order by promoted_at desc limit 1""",
    "beha2vec.encoder_current": """
        select * from beha2vec.encoders
        where model_version = (select model_version from beha2vec.cluster_model_current)""",
    "beha2vec.user_embeddings_current": """
        select * from beha2vec.user_embeddings
        where model_version = (select model_version from beha2vec.cluster_model_current)
        qualify row_number() over (partition by user_key order by event_date desc) = 1""",
    "beha2vec.user_clusters_current": """
        select * from beha2vec.user_clusters
        where cluster_model_version = (select cluster_model_version from beha2vec.cluster_model_current)
        qualify row_number() over (partition by user_key order by event_date desc) = 1""",
    # The cluster of each user on each day they were active, all by the model that readers see; -1: too little evidence.
    "beha2vec.cluster_history": """
        select user_key, event_date, cluster_key from beha2vec.user_clusters
        where cluster_model_version = (select cluster_model_version from beha2vec.cluster_model_current)""",
    # Users who were active on a day, by the cluster of their day before that; from_cluster is null for new users.
    "beha2vec.cluster_flows": """
        select event_date, from_cluster, to_cluster, count(*) as users from (
            select event_date, cluster_key as to_cluster,
                lag(cluster_key) over (partition by user_key order by event_date) as from_cluster
            from beha2vec.cluster_history)
        group by all""",
    "beha2vec.prediction_model_newest": "select * from beha2vec.prediction_models order by fitted_at desc limit 1",
    "beha2vec.prediction_model_current": """
        select * from beha2vec.prediction_models where promoted_at is not null order by promoted_at desc limit 1""",
    # The predictions of the last date, by the model that readers see; without a CTE, which would hold all dates.
    "beha2vec.user_predictions_current": """
        select * from beha2vec.user_predictions
        where prediction_version = (select prediction_version from beha2vec.prediction_model_current)
            and event_date = (
                select max(event_date) from beha2vec.user_predictions
                where prediction_version = (select prediction_version from beha2vec.prediction_model_current))""",
    # The users of each audience on the last day.
    "beha2vec.audience_members_current": """
        select * from beha2vec.audience_members where state <> 'left'
            and event_date = (select max(event_date) from beha2vec.audience_members)""",
    # What the users of each cluster are expected to do, with a 95% interval of the number of users.
    "beha2vec.cluster_predictions": """
        select cluster_key, target, horizon, count(*) as users, sum(probability) as expected,
            greatest(sum(probability) - 1.96 * sqrt(sum(probability * (1 - probability))), 0) as low,
            least(sum(probability) + 1.96 * sqrt(sum(probability * (1 - probability))), count(*)) as high,
            sum(value) as value
        from beha2vec.user_predictions_current
        join (select user_key, cluster_key from beha2vec.user_clusters_current) using (user_key)
        group by all""",
    # The same of each tenth of the users by probability.
    "beha2vec.decile_predictions": """
        select target, horizon, decile, count(*) as users, sum(probability) as expected,
            sum(probability * (1 - probability)) as variance, sum(value) as value
        from beha2vec.user_predictions_current
        group by all""",
}

# What readers would have seen on a day, by the models they see now: `from beha2vec.user_clusters_as_of('2026-03-01')`.
_MACROS = {
    f"beha2vec.{table}_as_of": f"""
        select * from beha2vec.{table}
        where event_date <= day::date
            and {key} = (select {key} from beha2vec.cluster_model_current)
        qualify row_number() over (partition by user_key order by event_date desc) = 1"""
    for table, key in (("user_embeddings", "model_version"), ("user_clusters", "cluster_model_version"))
} | {
    "beha2vec.user_predictions_as_of": """
        select scores.* from beha2vec.user_predictions as scores
        join beha2vec.prediction_models as models using (prediction_version)
        where event_date <= day::date and promoted_at is not null
        qualify event_date = max(event_date) over ()
            and fitted_at = max(fitted_at) over (partition by event_date)"""
}


def as_table(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows with the columns of one of our tables and their types; null where a row lacks one, and no other keys."""
    return pa.Table.from_pylist(rows, schema=_arrow_schema(name))


@cache
def _arrow_schema(name: str) -> pa.Schema:
    with limits.connect() as connection:
        connection.execute(f"create table empty ({_TABLES[name]})")
        return connection.sql("from empty").to_arrow_table().schema


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make what is not there yet; leave what is. All or nothing, so that a new file has its version too.

    A file that was left as this release makes it costs two queries and no write.

    Raises:
        WarehouseVersionError: the file has another version, which additions alone do not bring to this one.
    """
    found = schema_version(connection)
    if found not in (None, SCHEMA_VERSION):
        refuse_newer(found)
        raise WarehouseVersionError(
            f"the warehouse has schema {found}, this release of beha2vec needs {SCHEMA_VERSION}. "
            "Run beha2vec migrate, which keeps a backup"
        )
    if found is not None and _recorded_state(connection) == _state(connection):
        return
    with transaction(connection):
        for schema in ("raw", "beha2vec", "cache"):
            connection.execute(f"create schema if not exists {schema}")
        for name, columns in _TABLES.items():
            connection.execute(f"create table if not exists {name} ({columns})")
        _add_columns(connection)
        for name, query in _VIEWS.items():
            connection.execute(f"create or replace view {name} as {query}")
        create_macros(connection)
        record_version(connection, SCHEMA_VERSION, "the tables as this release makes them")
        connection.execute(f"comment on table beha2vec.schema_history is '{_state(connection)}'")


def _add_columns(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the columns that a table of an earlier version lacks."""
    there = connection.execute(
        """select schema_name || '.' || table_name, column_name from duckdb_columns()
        where database_name = current_database()"""
    )
    known = {*there.fetchall()}
    for name, columns in _TABLES.items():
        for column in re.sub(r"primary key \(.*\)", "", columns).split(","):
            words = column.split()
            if words and (name, words[0]) not in known:
                connection.execute(f"alter table {name} add column {column}")


def _recorded_state(connection: duckdb.DuckDBPyConnection) -> str | None:
    ((comment,),) = connection.execute(
        """select max(comment) from duckdb_tables() where database_name = current_database()
            and schema_name = 'beha2vec' and table_name = 'schema_history'"""
    ).fetchall()
    return None if comment is None else str(comment)


def _state(connection: duckdb.DuckDBPyConnection) -> str:
    """A hash of what this release makes and of what is in the file, so that a change of either is seen."""
    ((state,),) = connection.execute(
        """select md5(? || string_agg(sql, ';' order by sql)) from (
            select database_name, schema_name, sql from duckdb_tables()
            union all select database_name, schema_name, sql from duckdb_views() where not internal)
        where database_name = current_database() and schema_name in ('raw', 'beha2vec', 'cache')""",
        [repr((_TABLES, _VIEWS, _MACROS))],
    ).fetchall()
    return str(state)


def schema_version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The version of the file's schema; None where none of our tables is there yet."""
    ours = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() and schema_name = 'beha2vec'"
    ).fetchall()
    if ("schema_history",) in ours:
        ((recorded,),) = connection.execute("select max(version) from beha2vec.schema_history").fetchall()
        return int(recorded) if recorded is not None else _FIRST_VERSION
    return _FIRST_VERSION if ours else None


def record_version(connection: duckdb.DuckDBPyConnection, version: int, change: str) -> None:
    """Write down that the file has this version now, unless it says so already."""
    connection.execute(f"create table if not exists beha2vec.schema_history ({_TABLES['beha2vec.schema_history']})")
    connection.execute(
        "insert or ignore into beha2vec.schema_history values (?, ?, now() at time zone 'UTC')", [version, change]
    )


def create_macros(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> None:
    """The table macros, in the open database or in an attached one that has the tables they read."""
    for name, query in _MACROS.items():
        qualified = f"{database}.{name}" if database else name
        connection.execute(f"create or replace macro {qualified}(day) as table {query}")


def refuse_newer(version: int | None) -> None:
    """Raise where a file's schema is newer than this release: it might read and write it wrongly."""
    if version is not None and version > SCHEMA_VERSION:
        raise WarehouseVersionError(
            f"the warehouse was written by a newer release of beha2vec: it has schema {version}, this one knows "
            f"{SCHEMA_VERSION}. Upgrade beha2vec to that release (docs/deployment.md), or restore the backup that "
            "beha2vec migrate kept"
        )


def pending_full_refresh(connection: duckdb.DuckDBPyConnection, asset: str) -> str | None:
    """Why the next run has to build an asset from all history; None where it has not."""
    found = connection.execute("select reason from cache.pending_full_refresh where asset = ?", [asset]).fetchall()
    return str(found[0][0]) if found else None


def require_full_refresh(connection: duckdb.DuckDBPyConnection, asset: str, reason: str) -> bool:
    """Let the next run build an asset from all history; False where that was required already, for another reason."""
    if pending_full_refresh(connection, asset):
        return False
    connection.execute("insert into cache.pending_full_refresh values (?, ?)", [asset, reason])
    return True


def full_refresh_done(connection: duckdb.DuckDBPyConnection, asset: str) -> None:
    """Say that an asset was built from all history."""
    connection.execute("delete from cache.pending_full_refresh where asset = ?", [asset])
