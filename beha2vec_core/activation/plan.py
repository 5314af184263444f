"""Which users to send to a destination, step by step, and what differs from what was sent before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb

from beha2vec_core.activation.destination import (
    ActivationError,
    Believed,
    Change,
    Destination,
    Kind,
    Member,
    NotReachable,
    Value,
)
from beha2vec_core.activation.ledger import Ledger, unsure
from beha2vec_core.audiences.file import Audience, AudienceError, load_audiences, name_of_attribute
from beha2vec_core.audiences.names import IDENTITIES, USERS, has_table
from beha2vec_core.audiences.rule import attributes_sql
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.key import key as privacy_key
from beha2vec_core.privacy.key import key_path
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.settings import Settings
from beha2vec_core.settings.groups import Storage
from beha2vec_core.store.publish import published_id, published_key

_MEMBERS = "beha2vec.audience_members_current"
# GA4 exports a day up to three days late
_OLDEST_DAYS = 4
# steps of the plan, in their order, and what they leave out
STEPS = {
    "consent": "no consent",
    "exclude": "excluded by the audience",
    "cap": "above the cap",
    "holdout": "hold-out, never contacted",
    "forgotten": "forgotten people",
    "exclude_file": "in the file of users who are not sent",
    "pause": "entered another audience lately",
    "not_reachable": "not reachable there",
}


class _Candidate(NamedTuple):
    """A member, all their devices, the one they used last first, and what leaves them out."""

    member: Member
    devices: tuple[str, ...]
    step: str | None

    @property
    def ids(self) -> frozenset[str]:
        """All ids of theirs."""
        return frozenset(filter(None, (self.member.user_key, self.member.login_id, *self.devices)))


@dataclass(frozen=True)
class Plan:
    """What a send would do.

    Attributes:
        destination: where to.
        audience: of whom.
        called: the name of the audience there.
        day: the day of the members; None: there are no members.
        left_out: users by step, those of `STEPS` that left somebody out, and consent of an audience for ads.
        reasons: of ``not_reachable``: users by reason.
        members: users of the audience.
        unchanged: users who are there already, or whose answer was lost and is not sent again.
        changes: what to send.
        stuck: who has to leave and cannot be addressed any more, by `Destination.unit`.
        unsure: whose removal has no answer and is not sent again, as that would count twice; by `Destination.unit`.
        stale: why the members are too old to be sent; empty: they are not.
        attributes: names of what is sent of each member beside their ids.
        notes: what people should know, a sentence each.
    """

    destination: Destination
    audience: str
    called: str
    day: date | None
    members: int
    left_out: Mapping[str, int]
    reasons: Mapping[str, int]
    unchanged: int
    changes: tuple[Change, ...]
    stuck: tuple[str, ...]
    unsure: tuple[str, ...] = ()
    stale: str = ""
    attributes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def of_kind(self, kind: Kind) -> int:
        """The number of changes of a kind."""
        return sum(change.kind == kind for change in self.changes)

    @property
    def steps(self) -> dict[str, int]:
        """The counts for the ledger; see `ledger.sent`."""
        return {"members": self.members, **self.left_out, "unchanged": self.unchanged}

    def lines(self) -> list[str]:
        """For people: the steps, and what would be sent."""
        users = self.members
        rows = [(f"members of {self.audience}" + (f" on {self.day}" if self.day else ""), users, 0)]
        for step, left_out in self.left_out.items():
            users -= left_out
            rows.append((STEPS[step], users, left_out))
        lines = [f"{what:<46}{left:>10,}" + (f"  (-{out:,})" if out else "") for what, left, out in rows]
        lines += [f"  {reason:<44}{number:>10,}" for reason, number in self.reasons.items()]
        kinds: tuple[tuple[Kind, str], ...] = (("enter", "enter"), ("update", "update"), ("leave", "leave"))
        lines += [f"{word:<46}{self.of_kind(kind):>10,}" for kind, word in kinds]
        lines.append(f"{'unchanged':<46}{self.unchanged:>10,}")
        if self.attributes:
            lines.append(f"sent of each: {', '.join(self.attributes)}")
        if self.stuck:
            lines.append(f"{'have to leave, but cannot be addressed':<46}{len(self.stuck):>10,}")
        if self.unsure:
            lines.append(f"{'have left, or may still be there: no answer':<46}{len(self.unsure):>10,}")
        lines += self.notes
        return lines


def make_plan(
    connection: duckdb.DuckDBPyConnection,
    audience: Audience,
    destination: Destination,
    ledger: Ledger,
    settings: Settings,
    *,
    empty: bool = False,
    repeat: bool = False,
    now: datetime | None = None,
) -> Plan:
    """What a send would do now. Nothing is written, and no one is asked, except where the destination is a file.

    Members, exclusions, cap and hold-out are those of the night (``beha2vec.audience_members``). Consent is read again:
    it may have been withdrawn since.

    Args:
        connection: the warehouse.
        audience: of the file.
        destination: where to.
        ledger: what was sent before.
        settings: where the list of the forgotten is, and how long the ledger is kept.
        empty: everybody leaves.
        repeat: send again what has no answer, although the destination may count it twice.
        now: the moment that days count back from; default: now.

    Raises:
        ActivationError: the audience cannot be sent there, with the remedy.
    """
    called = _name_at(audience, destination, ledger, empty=empty)
    problems = destination.validate(called) + _conflicts(audience, called, destination, ledger, empty=empty)
    if destination.for_ads and audience.purpose != "ads" and not empty:
        problems.append(f"audience {audience.name} is not for ads: set purpose: ads, so that consent is asked for")
    kept = settings.privacy.retention_days_embeddings
    if audience.pause and kept is not None and kept < audience.pause and not empty:
        problems.append(
            f"the pause of {audience.pause} days is longer than the ledger is kept "
            f"(BEHA2VEC_RETENTION_DAYS_EMBEDDINGS={kept}): give the longer one to both"
        )
    attributes = _attributes(audience, destination)
    if attributes and not destination.takes_attributes and not empty:
        problems.append(f"its type {destination.kind} takes no attributes: remove them from activate:")
    if problems:
        raise ActivationError(f"{destination.name}: {'; '.join(problems)}")
    candidates, day, newest = ({}, None, None) if empty else _candidates(connection, audience)
    if destination.by_device:
        ledger.know_devices(destination.name)
    known = ledger.believed(destination.name, audience.name)
    believed = destination.reconcile(known, called)
    moment = now or datetime.now(UTC)
    paused: frozenset[str] = frozenset()
    if audience.pause:
        since = moment - timedelta(days=audience.pause)
        paused = ledger.entered_since(since, destination.name, audience.name)
    listed, unmatched = _listed(audience.exclude_file, candidates, settings)
    forgotten = _forgotten(candidates, settings.storage)
    values = _values(connection, audience, attributes, settings) if attributes and not empty else {}
    # also those that a file lost: they are put right, which is no new contact
    there = {unit for found in (known, believed) for unit, one in found.items() if one.is_there}
    persons_there = {destination.person(one.member) for unit, one in known.items() if unit in there}
    persons = {key: destination.person(one.member) for key, one in candidates.items()}
    members = {
        key: [one.member, *(other for other in _on_other_devices(destination, one) if destination.unit(other) in there)]
        for key, one in candidates.items()
    }
    held: dict[str, str] = dict.fromkeys(_without_consent(connection, destination), "consent")
    are_there = {
        key for key, of_user in members.items()
        if persons[key] in persons_there or any(destination.unit(one) in there for one in of_user)
    }  # fmt: skip
    for key, one in candidates.items():
        step = one.step
        if step is None and one.ids & forgotten:
            step = "forgotten"
        elif step is None and one.ids & listed:
            step = "exclude_file"
        elif step is None and one.ids & paused and key not in are_there:
            step = "pause"
        if step is not None:
            held.setdefault(persons[key], step)
            candidates[key] = one._replace(step=step)
    left_out = dict.fromkeys(STEPS, 0)
    reasons: dict[str, int] = {}
    wanted: dict[str, Change] = {}
    for key, one in candidates.items():
        step = one.step or held.get(persons[key])
        if step is None:
            kind: Kind = "update" if key in are_there else "enter"
            known_of_user = values.get(key, {})
            try:
                changes_of_user = [
                    destination.change(kind, member._replace(attributes=known_of_user), called)
                    for member in members[key]
                ]
                wanted |= {change.unit: change for change in changes_of_user}
                continue
            except NotReachable as problem:
                step = "not_reachable"
                reasons[str(problem)] = reasons.get(str(problem), 0) + 1
        left_out[step] += 1
    changes, unchanged, stuck = _difference(
        destination, called, wanted, believed, repeat=repeat or not destination.counts, attributes=attributes
    )
    lost = unsure(believed) if destination.counts and not repeat else ()
    return Plan(
        destination, audience.name, called, day, len(candidates),
        {step: users for step, users in left_out.items() if users or (step == "consent" and audience.purpose == "ads")},
        reasons, unchanged, tuple(changes), tuple(stuck), tuple(unit for unit in lost if unit not in wanted),
        _stale(newest, moment), tuple(attributes), tuple(() if empty else [*destination.notes(), *unmatched]),
    )  # fmt: skip


def withdrawn(
    connection: duckdb.DuckDBPyConnection, audience: Audience, destination: Destination, ledger: Ledger
) -> int:
    """How many users are at a destination who no longer consent, or are no users any more.

    Raises:
        ActivationError: it cannot be known, as the contacts cannot be read.
    """
    there = [one.member for one in ledger.believed(destination.name, audience.name).values() if one.is_there]
    if not there or not has_table(connection, USERS):
        return 0
    refused = _without_consent(connection, destination)
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


def _stale(newest: date | None, moment: datetime) -> str:
    days = (moment.date() - newest).days if newest else 0
    if days <= _OLDEST_DAYS:
        return ""
    return (
        f"the members are of {newest}, {days:,} days ago, and so is what is known of consent: run beha2vec "
        "materialize, or send them anyway with --stale"
    )


def _name_at(audience: Audience, destination: Destination, ledger: Ledger, *, empty: bool) -> str:
    """What the audience is called at the destination; to end it, what it was called when it was sent."""
    last = ledger.last_sends(destination.name).get(audience.name)
    if empty and last is not None:
        return last[0]
    for one in audience.activate:
        if one.to == destination.name:
            return one.called or audience.name
    return audience.name


def _conflicts(audience: Audience, called: str, destination: Destination, ledger: Ledger, *, empty: bool) -> list[str]:
    """Why users of earlier sends would stay where they are for ever, or members of another audience be removed."""
    end = f"beha2vec activate {{}} --to {destination.name} --empty --send"
    found = []
    for name, (its_called, place) in ledger.last_sends(destination.name).items():
        if not any(one.is_there for one in ledger.believed(destination.name, name).values()):
            continue
        if name == audience.name and place != destination.place:
            found.append(
                "users were sent there when the destination had another address: change it back and end the audience "
                f"({end.format(name)}), or give the new address a destination of its own"
            )
        elif name == audience.name and its_called != called:
            found.append(f"users are there as {its_called}: end that first ({end.format(name)}), then send as {called}")
        elif name != audience.name and its_called == called and place == destination.place and not empty:
            found.append(
                f"audience {name} is there as {called}: give this one another name with as:, or end that one first "
                f"({end.format(name)})"
            )
    for other, name in ledger.others_at(destination.name, called, destination.place):
        if not empty and any(one.is_there for one in ledger.believed(other, name).values()):
            found.append(
                f"destination {other} has the same address and users there as {called}: give this one another name "
                f"with as:, or end that one first (beha2vec activate {name} --to {other} --empty --send)"
            )
    return found


def _difference(
    destination: Destination,
    called: str,
    wanted: Mapping[str, Change],
    believed: Mapping[str, Believed],
    *,
    repeat: bool,
    attributes: Iterable[str],
) -> tuple[list[Change], int, list[str]]:
    """The changes from what is there to what is wanted; how many users stay as they are; who cannot leave.

    Args:
        destination: where to.
        called: the name of the audience there.
        wanted: what each unit is to receive, unless it has it.
        believed: what is there, by unit.
        repeat: send again what has no answer.
        attributes: their names; they are not known of users who leave.
    """
    unknown: Mapping[str, Value] = dict.fromkeys(attributes)
    persons = {destination.person(change.member) for change in wanted.values()}
    changes: list[Change] = []
    leaves: list[Change] = []
    unchanged = 0
    stuck: list[str] = []
    for unit, change in wanted.items():
        before = believed.get(unit)
        if before is None or not before.is_there or before.hash != change.hash:
            changes.append(change)
        elif before.is_certain or not repeat:
            unchanged += 1
        else:
            changes.append(change._replace(kind=before.kind))  # the very same again
    for unit, before in believed.items():
        if unit in wanted or not (before.is_there or (repeat and not before.is_certain)):
            continue
        if destination.person(before.member) in persons:  # they are there by another key of theirs
            unchanged += before.is_there
            continue
        try:
            leaves.append(destination.change("leave", before.member._replace(attributes=unknown), called))
        except NotReachable:
            stuck.append(unit)
    # a send that stops half-way has removed those who withdrew their consent
    return [*leaves, *changes], unchanged, stuck


def _candidates(
    connection: duckdb.DuckDBPyConnection, audience: Audience
) -> tuple[dict[str, _Candidate], date | None, date]:
    """The members, each with what leaves them out by the night's selection or by their consent of now.

    With their day (None: there are none), and the last day of all audiences.
    """
    for table in (_MEMBERS, USERS, IDENTITIES):
        if not has_table(connection, table):
            raise ActivationError(f"{table} is not there yet: run beha2vec materialize")
    ((newest,),) = connection.execute("select max(event_date) from beha2vec.audience_members").fetchall()
    if newest is None:  # unknown, which is not the same as empty: with no members, everybody would leave
        raise ActivationError("no members of any audience are known yet: run beha2vec materialize")
    is_for_ads = audience.purpose == "ads"
    rows = connection.execute(
        f"""with devices as (
            select property_id, user_key, list(user_pseudo_id order by last_seen desc, user_pseudo_id) as ids
            from {IDENTITIES} group by all)
        select members.user_key, members.property_id, devices.ids[1], users.user_id,
            coalesce(users.is_ads_consented, false), users.last_seen_at::date, members.event_date, devices.ids,
            case when users.user_key is null then 'consent' when members.step is not null then members.step
                when {is_for_ads} and not coalesce(users.is_ads_consented, false) then 'consent' end
        from {_MEMBERS} as members
        left join {USERS} as users using (property_id, user_key)
        left join devices using (property_id, user_key)
        where audience = ? order by members.user_key""",
        [audience.name],
    ).fetchall()
    found = {
        key: _Candidate(Member(key, *of_user), tuple(devices or ()), step) for key, *of_user, _, devices, step in rows
    }
    return found, rows[0][-3] if rows else None, newest


def _attributes(audience: Audience, destination: Destination) -> dict[str, str]:
    """The expressions of what is sent of each member beside their ids, by name."""
    return dict(
        name_of_attribute(one) for to in audience.activate if to.to == destination.name for one in to.attributes
    )


def _on_other_devices(destination: Destination, candidate: _Candidate) -> list[Member]:
    """The user as each device of theirs but the last, where the destination knows devices."""
    others = candidate.devices[1:] if destination.by_device else ()
    return [candidate.member._replace(client_id=device) for device in others]


def _without_consent(connection: duckdb.DuckDBPyConnection, destination: Destination) -> set[str]:
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


def _values(
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


def _listed(
    listed: Path | None, candidates: Mapping[str, _Candidate], settings: Settings
) -> tuple[frozenset[str], list[str]]:
    """The ids of the members in a file of users who are not sent, and a note on lines that match no member.

    The file lies beside that of audiences. A line may have an id as the export has it, as it is stored, or as it is
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


def _forgotten(candidates: Mapping[str, _Candidate], storage: Storage) -> frozenset[str]:
    """The ids of forgotten people among the members: after a backup was restored."""
    forgotten = Forgotten(storage.data_dir)
    hashes = forgotten.hashes()
    if not hashes:
        return frozenset()
    return forgotten.those_of(frozenset().union(*(one.ids for one in candidates.values())), hashes)
