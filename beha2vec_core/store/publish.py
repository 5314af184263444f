"""Publish what people read: a copy of the warehouse's results as plain tables, swapped in by one rename."""

import hmac
import os
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal

import duckdb

from beha2vec_core.files import put_in_place
from beha2vec_core.progress import ProgressBar
from beha2vec_core.store.anonymous import create_anonymous_tables, rounding_key
from beha2vec_core.store.catalog import current_database
from beha2vec_core.store.columns import comment_columns
from beha2vec_core.store.sample import note_share, sample_of
from beha2vec_core.store.sql import identifier, quote
from beha2vec_core.store.tables import IDENTIFIERS, create_macros

# Tables and views of the warehouse that people ask about; raw events stay where they are.
_PUBLISHED = ("beha2vec", "ga4")
# dbt's working tables are left out: marts have their rows, with persons. But these two have what no mart has:
_WORKING = ("base_", "stg_", "int_")
_READ = {
    "stg_ga4__event_items",  # items that were viewed or put into a cart
    "int_ga4__identity_map",  # all devices and logins of a user
}
_GA4_IDS = {name for name, kind in IDENTIFIERS.items() if kind in ("devices", "logins")}
_KEY_LENGTH = 32  # letters of our keys
# what GA4 passes from site to site in links, and client ids wherever a text has them
_LINKER = r"(_g(?:l|a|ac|cl)(?:_\w+)?(?:=|%(?:25)*3D))[^&#\s]+"
_CLIENT_ID = r"(\b|_|%(?:25)*[0-9A-Fa-f]{2})\d{5,10}(?:[._-]|%(?:25)*2[Ee])1\d{9}(\b|[A-Za-z_])"
Identifiers = Literal["plain", "keyed", "none"]
# of these only what readers see: the versions kept to go back to are as large again, and features of past dates are
# what predictions learn from
_OF_READERS = {
    "ga4.ml_ga4__user_features": """
        semi join (
            select property_id, max(as_of) as as_of from {warehouse}.ga4.ml_ga4__user_features group by property_id
            union select distinct property_id, as_of from {warehouse}.beha2vec.user_predictions_current
        ) using (property_id, as_of)""",
    "beha2vec.user_embeddings": "semi join {warehouse}.beha2vec.cluster_model_current using (model_version)",
    "beha2vec.user_clusters": "semi join {warehouse}.beha2vec.cluster_model_current using (cluster_model_version)",
    "beha2vec.prediction_vectors": """
        semi join {warehouse}.beha2vec.prediction_model_current using (encoder_version)
        semi join {warehouse}.beha2vec.user_predictions_current using (as_of)""",
    "beha2vec.user_predictions": "semi join {warehouse}.beha2vec.prediction_model_current using (prediction_version)",
}


def publish(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    dbt_descriptions: Mapping[str, Mapping[str, str]] | None = None,
    *,
    secret: bytes,
    identifiers: Identifiers = "plain",
    most_users: int | None = None,
    numbers: Callable[[duckdb.DuckDBPyConnection], str] = lambda _: "null",
) -> dict[str, int]:
    """Write the serving database beside ``path`` and rename it over; readers of the old file keep what they have.

    Views become tables, so that no reader needs the warehouse or its files, and every column says what it holds. What
    language models may read is in the schema ``anonymous``; in a sample, its numbers are estimates of all users.
    Returns the rows of each table.

    Args:
        dbt_descriptions: of dbt's tables, as ga4.<model>: the description of each column.
        secret: of the installation, for keyed identifiers and `create_anonymous_tables`.
        identifiers: what becomes of GA4's device and login ids. Unless it is ``plain``, our own keys are published as
            keyed hashes, because they are hashes of those ids that anyone can try, and texts without client ids.
        most_users: of more, a sample is published: the same users in all tables. Readers show `sample_notice`.
        numbers: counts of all users, as JSON, which readers need not count again (`profiles.counts.of_all_users`).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    for leftover in path.parent.glob(f".{path.name}.*"):  # of killed runs: publishing holds the warehouse's lock
        leftover.unlink(missing_ok=True)
    names = connection.execute(
        """select table_schema, table_name from information_schema.tables
        where table_catalog = current_database() and list_contains(?::varchar[], table_schema) order by all""",
        [list(_PUBLISHED)],
    ).fetchall()
    # no log, which would wait for the disk at each statement: a file that was not finished is thrown away
    connection.execute(f"attach {quote(temporary)} as serving (recovery_mode no_wal_writes)")
    counts: dict[str, int] = {}
    try:
        for schema in _PUBLISHED:
            connection.execute(f"create schema serving.{schema}")
        published = [(schema, table) for schema, table in names if not table.startswith(_WORKING) or table in _READ]
        warehouse = identifier(current_database(connection))
        sources = {
            f"{schema}.{table}": f"from {warehouse}.{schema}.{identifier(table)} "
            + _OF_READERS.get(f"{schema}.{table}", "").format(warehouse=warehouse)
            for schema, table in published
        }
        selects = {
            name: f"select {_published_columns(connection, name, identifiers, secret)} {source}"
            for name, source in sources.items()
        }
        sample = sample_of(connection, sources, most_users)
        if sample:
            selects = {name: f"{select} {sample.join(connection, name)}" for name, select in selects.items()}
        expected = _expected_rows(connection, selects)
        with closing(ProgressBar(title="publishing", unit="row", total=sum(expected.values()))) as bar:
            for name, select in selects.items():
                ((counts[name],),) = connection.execute(f"create table serving.{name} as {select}").fetchall()
                bar.update(expected[name])
        create_macros(connection, "serving")
        comment_columns(connection, "serving", dbt_descriptions or {})
        note_share(connection, sample, numbers(connection))
        counts |= _anonymous_tables(connection, secret, sample.one_in if sample else 1)
        # what other numbers for models are rounded with; models cannot read this schema
        connection.execute(f"create table serving.beha2vec.rounding as select '{rounding_key(secret)}' as key")
        connection.execute(
            "comment on column serving.beha2vec.rounding.key is 'secret that numbers for models depend on'"
        )
        connection.execute("detach serving")
        put_in_place(temporary, path)
    except BaseException:
        if connection.execute("select 1 from duckdb_databases() where database_name = 'serving'").fetchone():
            connection.execute("detach serving")
        temporary.unlink(missing_ok=True)
        raise
    return counts


def _expected_rows(connection: duckdb.DuckDBPyConnection, selects: Mapping[str, str]) -> dict[str, int]:
    """About how many rows each table's query handles: those of the table, or of the largest step of a view's plan."""
    found = dict(
        connection.execute(
            """select schema_name || '.' || table_name, estimated_size from duckdb_tables()
            where database_name = current_database()"""
        ).fetchall()
    )
    for name in selects.keys() - found.keys():
        ((_, plan),) = connection.execute(f"explain (format json) {selects[name]}").fetchall()
        found[name] = max(map(int, re.findall(r'"Estimated Cardinality": "(\d+)"', plan)), default=0)
    return {name: int(found[name]) for name in selects}


def _anonymous_tables(connection: duckdb.DuckDBPyConnection, secret: bytes, one_in: int) -> dict[str, int]:
    """Make what language models may read, of what is in the serving database now."""
    warehouse = current_database(connection)
    connection.execute("use serving")
    try:
        return create_anonymous_tables(connection, secret=secret, one_in=one_in)
    finally:
        connection.execute(f"use {identifier(warehouse)}")


def _published_columns(
    connection: duckdb.DuckDBPyConnection, table: str, identifiers: Identifiers, secret: bytes
) -> str:
    """SQL: the columns of a table, identifiers as they are published."""
    if identifiers == "plain":
        return "*"
    replaced = []
    for name, kind, *_ in connection.execute(f"describe {table}").fetchall():
        column = identifier(name)
        if name in _GA4_IDS:
            replaced.append(f"{hmac_sql(column, secret) if identifiers == 'keyed' else 'null::varchar'} as {column}")
        elif kind == "VARCHAR" and name.endswith("_key"):
            # an address is no key of a person; it stays, and so do joins over it
            if not name.endswith("page_key"):
                replaced.append(f"{published_key_sql(column, secret)} as {column}")
        elif kind == "VARCHAR" and not name.endswith("_id"):  # ids of orders and items may look like client ids
            without = f"regexp_replace({column}, {quote(_LINKER)}, '\\1[removed]', 'gi')"
            replaced.append(f"regexp_replace({without}, {quote(_CLIENT_ID)}, '\\1[removed]\\2', 'g') as {column}")
    return f"* replace ({', '.join(replaced)})" if replaced else "*"


def published_key_sql(column: str, secret: bytes) -> str:
    """SQL: a key of ours (``user_key``, ``session_key``) as it is published unless identifiers are plain."""
    return f"left({hmac_sql(column, secret)}, {_KEY_LENGTH})"


def published_id(plain: str, secret: bytes) -> str:
    """A device or login id as it is published where identifiers are keyed."""
    return hmac.digest(secret, plain.encode(), "sha256").hex()


def published_key(plain: str, secret: bytes) -> str:
    """A key as `published_key_sql` publishes it."""
    return published_id(plain, secret)[:_KEY_LENGTH]


def hmac_sql(column: str, secret: bytes) -> str:
    """SQL: the HMAC-SHA256 of a text expression (RFC 2104), which DuckDB has no function for."""
    padded = secret.ljust(64, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in padded).hex() for pad in (0x36, 0x5C))
    return f"sha256(from_hex('{outer}') || from_hex(sha256(from_hex('{inner}') || encode({column}))))"
