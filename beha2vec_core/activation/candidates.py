"""Who of an audience could be sent: its members with their devices and consent, and who must not be sent."""

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb

from beha2vec_core.activation.destination import ActivationError, Destination, Member, Value
from beha2vec_core.activation.ledger import Ledger
from beha2vec_core.audiences.file import Audience, AudienceError, load_audiences
from beha2vec_core.audiences.names import IDENTITIES, USERS
from beha2vec_core.audiences.rule import attributes_sql
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.key import key as privacy_key
from beha2vec_core.privacy.key import key_path
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.settings import Settings
from beha2vec_core.settings.groups import Storage
from beha2vec_core.store.catalog import has_table
from beha2vec_core.store.publish import published_id, published_key

_MEMBERS = "beha2vec.audience_members_current"


class Candidate(NamedTuple):
    """A member as each of their devices, the one they used last first, and what leaves them out."""

    devices: tuple[Member, ...]
    step: str | None

    @property
    def member(self) -> Member:
        """The member as the device they used last."""
        return self.devices[0]

    @property
    def ids(self) -> frozenset[str]:
        """All ids of theirs."""
        devices = (one.client_id for one in self.devices)
        return frozenset(filter(None, (self.member.user_key, self.member.login_id, *devices)))


def candidates_of(
    connection: duckdb.DuckDBPyConnection, audience: Audience
) -> tuple[dict[str, Candidate], date | None, date]:
    """The members, each with what leaves them out by the night's selection or by their consent of now.

    With their day (None: there are none), and the last day of all audiences.
    """
    for table in (_MEMBERS, USERS, IDENTITIES):
        if not has_table(connection, table):
            raise ActivationError(f"{table} is not there yet: run beha2vec materialize")
    ((newest,),) = connection.execute("select max(event_date) from beha2vec.audience_members").fetchall()
    if newest is None:  # unknown, which is not the same as empty: with no members, everybody would leave
        raise ActivationError(
            "no members of any audience are known yet: run beha2vec materialize --select "
            "audience_members,serving_database"
        )
    is_for_ads = audience.purpose == "ads"
    rows = connection.execute(
        f"""with devices as (
            select property_id, user_key,
                list((user_pseudo_id, last_seen::date) order by last_seen desc, user_pseudo_id) as seen
            from {IDENTITIES} group by all)
        select members.user_key, members.property_id, users.user_id, coalesce(users.is_ads_consented, false),
            coalesce(devices.seen, [(null, null::date)]), members.event_date,
            case when users.user_key is null then 'consent' when members.step is not null then members.step
                when {is_for_ads} and not coalesce(users.is_ads_consented, false) then 'consent' end
        from {_MEMBERS} as members
        left join {USERS} as users using (property_id, user_key)
        left join devices using (property_id, user_key)
        where audience = ? order by members.user_key""",
        [audience.name],
    ).fetchall()
    found = {
        key: Candidate(tuple(Member(key, of, device, login, consent, day) for device, day in seen), step)
        for key, of, login, consent, seen, _, step in rows
    }
    return found, rows[0][-2] if rows else None, newest


def withdrawn(
    connection: duckdb.DuckDBPyConnection, audience: Audience, destination: Destination, ledger: Ledger
) -> int:
    """How many users are at a destination who no longer consent, or are no longer users.

    Raises:
        ActivationError: it cannot be known, as the contacts cannot be read.
    """
    there = [one.member for one in ledger.believed(destination.name, audience.name).values() if one.is_there]
    if not there or not has_table(connection, USERS):
        return 0
    refused = without_consent(connection, destination)
    gone = {one.user_key for one in there if destination.person(one) in refused}
    consented = "coalesce(is_ads_consented, false)" if audience.purpose == "ads" else "true"
    # a login gives a user another key: then their device or login id belongs to somebody else
    rows = connection.execute(
        f"""with there as (select unnest($keys) as user_key, unnest($devices) as device, unnest($logins) as login),
        consenting as (from {USERS} where {consented})
        select user_key from there anti join consenting using (user_key)
        where user_key in (select user_key from {USERS}) or not (
            coalesce(device in (select user_pseudo_id from {IDENTITIES} semi join consenting using (user_key)), false)
            or coalesce(login in (select user_id from consenting), false))""",
        {
            "keys": [one.user_key for one in there],
            "devices": [one.client_id for one in there],
            "logins": [one.login_id for one in there],
        },
    ).fetchall()
    return len(gone | {key for (key,) in rows})


def without_consent(connection: duckdb.DuckDBPyConnection, destination: Destination) -> set[str]:
    """The persons of whom a user did not consent, members or not, where the destination knows persons by their login.

    Raises:
        ActivationError: it cannot be known, as the contacts cannot be read.
    """
    if not destination.for_ads or not has_table(connection, USERS):
        return set()
    rows = connection.execute(
        f"""select user_key, property_id, user_id from {USERS}
        where user_id is not null and not coalesce(is_ads_consented, false)"""
    ).fetchall()
    return {destination.person(Member(key, of, login_id=login)) for key, of, login in rows}


def values_of(
    connection: duckdb.DuckDBPyConnection, audience: Audience, attributes: Mapping[str, str], settings: Settings
) -> dict[str, dict[str, Value]]:
    """The attributes of the members, by user key.

    Raises:
        ActivationError: an expression cannot be used.
    """
    try:
        query = attributes_sql(connection, audience, attributes, load_audiences(settings.audiences.file))
        rows = connection.execute(
            f"""select user_key, columns(* exclude (property_id, user_key)) from ({query})
            semi join (from {_MEMBERS} where audience = ?) using (property_id, user_key)""",
            [audience.name],
        ).fetchall()
    except (AudienceError, duckdb.Error) as error:
        raise ActivationError(str(error).splitlines()[0]) from None
    return {key: {name: _sent_as(one) for name, one in zip(attributes, values, strict=True)} for key, *values in rows}


def _sent_as(value: object) -> Value:
    """A value as it is sent. Numbers have four decimals, so that a smaller change sends nothing."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return round(float(value), 4) if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else str(value)


def listed_in(
    listed: Path | None, candidates: Mapping[str, Candidate], settings: Settings
) -> tuple[frozenset[str], list[str]]:
    """The ids of the members in a file of users who are not sent, and a note on lines that match no member.

    The file is next to that of audiences. A line may have an id as the export has it, as it is stored, or as it is
    published where ``BEHA2VEC_PUBLISH_IDENTIFIERS`` is ``keyed``.

    Raises:
        ActivationError: the file cannot be read: without it, somebody would be sent who must not be.
    """
    if listed is None:
        return frozenset(), []
    path = settings.audiences.file.parent / listed
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ActivationError(f"exclude_file {path} cannot be read ({type(error).__name__})") from None
    data_dir = settings.storage.data_dir
    entries = frozenset(entry for line in lines if (entry := line.strip().strip('"')))
    ids = frozenset(one for candidate in candidates.values() for one in candidate.ids)
    published: dict[str, str] = {}
    if key_path(data_dir).exists():
        secret = privacy_key(data_dir)
        forms = ((form(one, secret), one) for one in ids for form in (published_key, published_id))
        published = {form: one for form, one in forms if form in entries}
    login_ids = LoginIds(data_dir)
    found = {
        entry: (login_ids.forms(entry) & ids) or frozenset(filter(None, [published.get(entry)])) for entry in entries
    }
    unmatched = sum(not of_entry for of_entry in found.values())
    notes = [f"lines of {path.name} that match no member: {unmatched:,} of {len(entries):,}"] if unmatched else []
    return frozenset().union(*found.values()), notes


def forgotten_of(candidates: Mapping[str, Candidate], storage: Storage) -> frozenset[str]:
    """The ids of forgotten people among the members: after a backup was restored."""
    forgotten = Forgotten(storage.data_dir)
    hashes = forgotten.hashes()
    if not hashes:
        return frozenset()
    return forgotten.those_of(frozenset().union(*(one.ids for one in candidates.values())), hashes)
