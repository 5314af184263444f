"""From one identifier of a person to all of them, by the identity map and by rows that have both ids.

A device on which one login was seen belongs to that login's person, and so do the person's other devices. A device of
several logins is a person of its own: asked for by its device id, all of its rows are meant; asked for by a login, only
that login's rows are.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import duckdb

from beha2vec_core.privacy.common import common_words
from beha2vec_core.privacy.forgetting.find import columns_of
from beha2vec_core.privacy.key import PrivacyError, key, key_path
from beha2vec_core.privacy.login import LoginIds, is_placeholder
from beha2vec_core.privacy.people import KINDS_THAT_NAME, People, load, owned_by
from beha2vec_core.privacy.rules import rules
from beha2vec_core.settings import Settings
from beha2vec_core.store import limits
from beha2vec_core.store.publish import hmac_sql, published_id, published_key, published_key_sql
from beha2vec_core.store.sql import identifier, quote
from beha2vec_core.store.tables import IDENTIFIERS


class Resolved(NamedTuple):
    """The people asked for, identifiers that no table or partition has, and the number of devices of each login."""

    people: People
    unknown: frozenset[str]
    devices_of: dict[str, int]


def resolve(settings: Settings, asked: Iterable[str]) -> Resolved:
    """All identifiers of the people asked for. The caller holds the warehouse's lock.

    Args:
        asked: device ids, login ids or user keys, also as they are published.

    Raises:
        PrivacyError: one of them is a placeholder.
    """
    asked = frozenset(asked)
    if placeholders := sorted(filter(is_placeholder, asked)):
        raise PrivacyError(f"{placeholders[0]!r} is a placeholder that sites send instead of an id: it is no one's id")
    login_ids = LoginIds(settings.storage.data_dir)
    with limits.connect() as connection:
        tables = _attach(connection, settings)
        _collect(connection, settings, tables, login_ids)
        wanted = _as_stored(connection, settings, asked)
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
        people |= People(common=_common(connection, settings, tables, people))
        devices_of = connection.execute(
            """select canonical, count(distinct device) from pairs semi join own using (device)
            where canonical in (select unnest($ids)) group by canonical""",
            {"ids": sorted(logins)},
        ).fetchall()
    return Resolved(people, unknown, dict(devices_of))


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


def _raw(settings: Settings) -> list[str]:
    """SQL of the raw partitions; none if there are none."""
    if not any(settings.storage.raw_path.glob("*/*/*.parquet")):
        return []
    files = quote(f"{settings.storage.raw_path}/*/*/*.parquet")
    return [f"read_parquet({files}, hive_partitioning = false, union_by_name = true)"]


def _collect(
    connection: duckdb.DuckDBPyConnection, settings: Settings, tables: dict[str, dict[str, str]], login_ids: LoginIds
) -> None:
    """Make ``pairs`` (device and login that a row has both of), ``own`` (devices of one login at most) and ``keys``.

    ``canonical`` is the login as it is stored today: data of an earlier release may have it in plain text. It is null
    for a placeholder, as dbt_ga4 has it, which links nobody.
    """
    both = [
        f"select user_pseudo_id as device, user_id as login from {table}"
        for table, columns in tables.items()
        if {"user_pseudo_id", "user_id"} <= columns.keys()
    ]
    both += [f"select user_pseudo_id, user_id from {raw}" for raw in _raw(settings)]
    union = " union ".join(both) or "select null::varchar as device, null::varchar as login where false"
    connection.execute(
        f"""create temp table both_ids as
        select case when lower(trim(device)) not in (select unnest(?)) then device end as device, login
        from ({union}) t(device, login)""",
        [sorted(rules().placeholder_ids)],
    )
    connection.execute("create temp table logins (login varchar, canonical varchar)")
    found = connection.execute("select distinct login from both_ids where login is not null").fetchall()
    logins = [login for (login,) in found if not is_placeholder(login)]
    for start in range(0, len(logins), 10_000):
        part = logins[start : start + 10_000]
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
        theirs = _theirs(columns)
        if link in columns and theirs and not columns[link].endswith("[]"):
            queries.append(f"select {link} from {table} where {link} is not null and ({theirs})")
    if not queries:
        return frozenset()
    return frozenset(str(one) for (one,) in connection.execute(" union ".join(queries)).fetchall())


def _theirs(columns: Mapping[str, str]) -> str:
    """SQL: whether an identifier column that names people has one of them; empty without such a column."""
    return " or ".join(
        owned_by(identifier(column), kind, IDENTIFIERS[column])
        for column, kind in columns.items()
        if IDENTIFIERS.get(column) in KINDS_THAT_NAME
    )


def _common(
    connection: duckdb.DuckDBPyConnection, settings: Settings, tables: Iterable[str], people: People
) -> frozenset[str]:
    found: set[str] = set()
    for table in [*tables, *_raw(settings)]:
        columns = columns_of(connection, table)
        if theirs := _theirs(columns):
            found |= common_words(connection, f"(from {table} where not ({theirs}))", columns, people)
    return frozenset(found)


def _column(connection: duckdb.DuckDBPyConnection, query: str, ids: frozenset[str]) -> frozenset[str]:
    return frozenset(str(one) for (one,) in connection.execute(query, {"ids": sorted(ids)}).fetchall())
