"""From one identifier of a person to all of them, by the identity map and by rows that have both ids.

A device on which one login was seen belongs to that login's person, and so do the person's other devices. A device of
several logins is a person of its own: asked for by its device id, all of its rows are meant; asked for by a login, only
that login's rows are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import duckdb

from beha2vec_core.privacy.key import key, key_path
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.privacy.people import KINDS_THAT_NAME, People, load, owned_by
from beha2vec_core.settings import Settings
from beha2vec_core.store import limits
from beha2vec_core.store.publish import hmac_sql, published_id, published_key, published_key_sql
from beha2vec_core.store.sql import identifier, quote
from beha2vec_core.store.tables import IDENTIFIERS


class Resolved(NamedTuple):
    """The people asked for, and identifiers that no table or partition has."""

    people: People
    unknown: frozenset[str]


def resolve(settings: Settings, asked: Iterable[str]) -> Resolved:
    """All identifiers of the people asked for. The caller holds the warehouse's lock.

    Args:
        settings: where the data are.
        asked: device ids, login ids or user keys, also as they are published.
    """
    login_ids = LoginIds(settings.storage.data_dir)
    with limits.connect() as connection:
        tables = _attach(connection, settings)
        _collect(connection, settings, tables, login_ids)
        wanted = _as_stored(connection, settings, frozenset(asked))
        devices = _column(connection, "select distinct device from pairs where device in (select unnest($ids))", wanted)
        forms = frozenset(form for one in wanted for form in login_ids.forms(one))
        logins = _column(
            connection, "select distinct canonical from pairs where canonical in (select unnest($ids))", forms
        )
        by_key = "from keys where key in (select unnest($ids))"
        devices |= _column(connection, f"select distinct device {by_key} and device is not null", wanted)
        logins |= _column(connection, f"select distinct canonical {by_key} and device is null", wanted)
        while True:
            more_logins = _column(
                connection,
                """select distinct canonical from pairs semi join own using (device)
                where canonical is not null and device in (select unnest($ids))""",
                devices,
            )
            more_devices = _column(
                connection,
                """select distinct device from pairs semi join own using (device)
                where canonical in (select unnest($ids))""",
                logins | more_logins,
            )
            if more_logins <= logins and more_devices <= devices:
                break
            logins, devices = logins | more_logins, devices | more_devices
        also_on = _column(
            connection,
            "select distinct device from pairs where device is not null and canonical in (select unnest($ids))",
            logins,
        )
        spelled = _column(
            connection, "select distinct login from pairs where canonical in (select unnest($ids))", logins
        )
        by_device = "select distinct key from keys where device in (select unnest($ids))"
        by_login = "select distinct key from keys where device is null and canonical in (select unnest($ids))"
        people = People(
            devices=devices,
            logins=frozenset(form for one in spelled for form in login_ids.forms(one)) | logins,
            keys=_column(connection, by_device, devices) | _column(connection, by_login, logins),
            shared=_column(connection, by_device, also_on - devices),
        )
        known = people.devices | spelled | people.keys
        unknown = frozenset(one for one in wanted if not login_ids.forms(one) & (known | logins))
        # it may be of any kind, so every kind of column is searched for it
        people |= People(unknown, frozenset(form for one in unknown for form in login_ids.forms(one)), unknown)
        load(connection, people)
        people |= People(
            sessions=_linked(connection, tables, "session_key"), events=_linked(connection, tables, "event_key")
        )
    return Resolved(people, unknown)


def published_forms(settings: Settings, people: People) -> People:
    """The people, also with the identifiers that copies have of them which are published as keyed hashes."""
    if not key_path(settings.storage.data_dir).exists():
        return people
    secret = key(settings.storage.data_dir)

    def keys(ids: frozenset[str]) -> frozenset[str]:
        return frozenset(published_key(one, secret) for one in ids)

    return people | People(
        devices=frozenset(published_id(one, secret) for one in people.devices),
        logins=frozenset(published_id(one, secret) for one in people.logins),
        keys=keys(people.keys),
        sessions=keys(people.sessions),
        events=keys(people.events),
        shared=keys(people.shared),
    )


def _as_stored(connection: duckdb.DuckDBPyConnection, settings: Settings, asked: frozenset[str]) -> frozenset[str]:
    """What was asked for, with stored identifiers in place of published ones: someone may have copied those."""
    if not key_path(settings.storage.data_dir).exists():
        return asked
    secret = key(settings.storage.data_dir)
    stored = dict(
        connection.execute(
            f"""from (
                select {published_key_sql("key", secret)} as published, key from keys
                union select {hmac_sql("device", secret)}, device from pairs
                union select {hmac_sql("canonical", secret)}, canonical from pairs)
            where published in (select unnest($ids))""",
            {"ids": sorted(asked)},
        ).fetchall()
    )
    return frozenset(stored.get(one, one) for one in asked)


def _attach(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, dict[str, str]]:
    """Open the warehouse for reading; the identifier columns of its tables, with their types."""
    tables: dict[str, dict[str, str]] = {}
    if settings.storage.warehouse_path.exists():
        connection.execute(f"attach {quote(settings.storage.warehouse_path)} as warehouse (read_only)")
        for schema, table, column, kind in connection.execute(
            """select schema_name, table_name, column_name, data_type
            from duckdb_columns() join duckdb_tables() using (database_name, schema_name, table_name)
            where database_name = 'warehouse' and list_contains(?::varchar[], column_name)""",
            [list(IDENTIFIERS)],
        ).fetchall():
            tables.setdefault(f"warehouse.{identifier(schema)}.{identifier(table)}", {})[column] = kind
    return tables


def _collect(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    tables: dict[str, dict[str, str]],
    login_ids: LoginIds,
) -> None:
    """Make ``pairs`` (device and login that a row has both of), ``own`` (devices of one login at most) and ``keys``.

    ``canonical`` is the login as it is stored today: data of an earlier release may have it in plain text.
    """
    both = [
        f"select user_pseudo_id as device, user_id as login from {table}"
        for table, columns in tables.items()
        if {"user_pseudo_id", "user_id"} <= columns.keys()
    ]
    if any(settings.storage.raw_path.glob("*/*/*.parquet")):
        files = quote(f"{settings.storage.raw_path}/*/*/*.parquet")
        both.append(
            "select user_pseudo_id, user_id from "
            f"read_parquet({files}, hive_partitioning = false, union_by_name = true)"
        )
    union = " union ".join(both) or "select null::varchar as device, null::varchar as login where false"
    connection.execute(f"create temp table both_ids as select * from ({union}) t(device, login)")
    connection.execute("create temp table logins (login varchar, canonical varchar)")
    found = connection.execute("select distinct login from both_ids where login is not null").fetchall()
    for start in range(0, len(found), 10_000):
        part = [login for (login,) in found[start : start + 10_000]]
        connection.execute(
            "insert into logins select unnest(?::varchar[]), unnest(?::varchar[])",
            [part, [login_ids.judged(login) for login in part]],
        )
    connection.execute("create temp table pairs as from both_ids left join logins using (login)")
    connection.execute(
        "create temp table own as select device from pairs where device is not null "
        "group by device having count(distinct canonical) <= 1"
    )
    keyed = [
        f"select {column} as key, user_pseudo_id as device, user_id as login from {table}"
        for table, columns in tables.items()
        if {"user_pseudo_id", "user_id"} <= columns.keys()
        for column in ("user_key", "client_key")
        if column in columns
    ]
    # without a device the key is the login's; with one it is the device's, or that of its only login
    keys = (
        " union ".join(keyed)
        or "select null::varchar as key, null::varchar as device, null::varchar as login where false"
    )
    connection.execute(
        f"create temp table keys as select distinct key, device, canonical from ({keys}) left join logins using (login)"
    )


def _linked(connection: duckdb.DuckDBPyConnection, tables: dict[str, dict[str, str]], link: str) -> frozenset[str]:
    """Keys of the people's sessions, or events, from tables that have both."""
    queries = []
    for table, columns in tables.items():
        owners = [
            owned_by(identifier(column), kind, IDENTIFIERS[column])
            for column, kind in columns.items()
            if IDENTIFIERS[column] in KINDS_THAT_NAME
        ]
        if link in columns and owners and not columns[link].endswith("[]"):
            queries.append(f"select {link} from {table} where {link} is not null and ({' or '.join(owners)})")
    if not queries:
        return frozenset()
    return frozenset(str(one) for (one,) in connection.execute(" union ".join(queries)).fetchall())


def _column(connection: duckdb.DuckDBPyConnection, query: str, ids: frozenset[str]) -> frozenset[str]:
    return frozenset(str(one) for (one,) in connection.execute(query, {"ids": sorted(ids)}).fetchall())
