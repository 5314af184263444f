"""Which users to send to a destination, step by step, and what differs from what was sent before."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import duckdb

from beha2vec_core.activation.candidates import candidates_of, forgotten_of, listed_in, values_of, without_consent
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
from beha2vec_core.settings import Settings

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


@dataclass(frozen=True)
class Plan:
    """What a send would do."""

    destination: Destination
    audience: str
    called: str  # the name of the audience there
    day: date | None  # the day of the members; None: there are no members
    members: int
    # users by step, those of `STEPS` that left somebody out, and those that the audience asks for: consent, hold-out
    left_out: Mapping[str, int]
    reasons: Mapping[str, int]  # of ``not_reachable``: users by reason
    unchanged: int  # users who are there already, or whose answer was lost and is not sent again
    changes: tuple[Change, ...]
    stuck: tuple[str, ...]  # who has to leave and can no longer be addressed, by `Destination.unit`
    # whose removal has no answer and is not sent again, as that would count twice; by `Destination.unit`
    unsure: tuple[str, ...] = ()
    stale: str = ""  # why the members are too old to be sent; empty: they are not
    attributes: tuple[str, ...] = ()  # names of what is sent of each member beside their ids
    held_back: str = ""  # why users only leave and nothing else is sent; empty: all is sent
    notes: tuple[str, ...] = ()  # what people should know, a sentence each

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
        lines = [
            f"{'':<46}{'remain':>10}{'left out':>10}",
            f"{f'members of {self.audience}' + (f' on {self.day}' if self.day else ''):<46}{users:>10,}",
        ]
        for step, left_out in self.left_out.items():
            users -= left_out
            lines.append(f"{STEPS[step]:<46}{users:>10,}{left_out:>10,}")
        lines += [f"  {reason:<44}{number:>10,}" for reason, number in self.reasons.items()]
        lines += [f"{kind:<46}{self.of_kind(kind):>10,}" for kind in get_args(Kind)]
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
) -> Plan:
    """What a send would do now. Nothing is written, and no one is asked, except where the destination is a file.

    Members, exclusions, cap and hold-out are those of the night (``beha2vec.audience_members``). Consent is read again:
    it may have been withdrawn since.

    Args:
        settings: where the list of the forgotten is, and how long the ledger is kept.
        repeat: send again what has no answer, although the destination may count it twice.

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
    candidates, day, newest = ({}, None, None) if empty else candidates_of(connection, audience)
    known = ledger.believed(destination.name, audience.name)
    believed = destination.reconcile(known, called)
    moment = datetime.now(UTC)
    paused: frozenset[str] = frozenset()
    if audience.pause:
        since = moment - timedelta(days=audience.pause)
        paused = ledger.entered_since(since, destination.name, audience.name)
    listed, unmatched = listed_in(audience.exclude_file, candidates, settings)
    forgotten = forgotten_of(candidates, settings.storage)
    values = values_of(connection, audience, attributes, settings) if attributes and not empty else {}
    # also those that a file lost: they are put right, which is no new contact
    there = {unit for found in (known, believed) for unit, one in found.items() if one.is_there}
    persons_there = {destination.person(one.member) for unit, one in known.items() if unit in there}
    persons = {key: destination.person(one.member) for key, one in candidates.items()}
    held: dict[str, str] = dict.fromkeys(without_consent(connection, destination), "consent")
    are_there = {
        key for key, one in candidates.items()
        if persons[key] in persons_there or any(destination.unit(device) in there for device in one.devices)
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
            devices = [device._replace(attributes=values.get(key, {})) for device in one.devices]
            try:
                wanted |= {change.unit: change for change in _of_devices(destination, kind, devices, called, there)}
                continue
            except NotReachable as problem:
                step = "not_reachable"
                reasons[str(problem)] = reasons.get(str(problem), 0) + 1
        left_out[step] += 1
    changes, unchanged, stuck = _difference(
        destination, called, wanted, believed, repeat=repeat or not destination.counts, attributes=attributes
    )
    held_back = "; ".join([] if empty else destination.validate_all(_sent_there(audience, destination, settings)))
    if held_back:  # users who withdrew their consent still leave
        leaves = [change for change in changes if change.kind == "leave"]
        held_back += f". Until then users only leave; changes that are not sent: {len(changes) - len(leaves):,}"
        changes = leaves
    lost = unsure(believed) if destination.counts and not repeat else ()
    users = len({destination.person(change.member) for change in wanted.values()})
    asked_for = {"consent": audience.purpose == "ads", "holdout": audience.holdout > 0}
    return Plan(
        destination, audience.name, called, day, len(candidates),
        {step: users for step, users in left_out.items() if users or asked_for.get(step)},
        reasons, unchanged, tuple(changes), tuple(stuck), tuple(unit for unit in lost if unit not in wanted),
        _stale(newest, moment), tuple(attributes), held_back,
        tuple(filter(None, () if empty else (held_back, *destination.notes(users), *unmatched))),
    )  # fmt: skip


def _sent_there(audience: Audience, destination: Destination, settings: Settings) -> list[tuple[str, list[str]]]:
    """What each audience of the file is called at the destination, with the names of its attributes."""
    try:
        of_file = {one.name: one for one in load_audiences(settings.audiences.file)}
    except AudienceError as error:
        raise ActivationError(str(error)) from None
    return [
        (to.called or one.name, [*_attributes(one, destination)])
        for one in (of_file | {audience.name: audience}).values()
        for to in one.activate
        if to.to == destination.name
    ]


def _stale(newest: date | None, moment: datetime) -> str:
    days = (moment.date() - newest).days if newest else 0
    if days <= _OLDEST_DAYS:
        return ""
    return (
        f"members and consent are those of {newest}, {days:,} days ago: run beha2vec materialize --job "
        "refresh_last_days, or send them anyway with --stale"
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

    ``wanted``: what each unit is to receive, unless it has it. ``attributes``: their names; they are not known of users
    who leave.
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


def _attributes(audience: Audience, destination: Destination) -> dict[str, str]:
    """The expressions of what is sent of each member beside their ids, by name."""
    return dict(
        name_of_attribute(one) for to in audience.activate if to.to == destination.name for one in to.attributes
    )


def _of_devices(
    destination: Destination, kind: Kind, devices: Sequence[Member], called: str, there: Container[str]
) -> list[Change]:
    """What to send of a user who stays or enters.

    Where the destination knows devices: of the one they used last among those that it can take, and of each older one
    that is there.

    Args:
        devices: the user as each device of theirs, the one they used last first.

    Raises:
        NotReachable: the destination can take none of them.
    """
    found: list[Change] = []
    problems: list[NotReachable] = []
    for device in devices if destination.by_device else devices[:1]:
        if not found or destination.unit(device) in there:
            try:
                found.append(destination.change(kind, device, called))
            except NotReachable as problem:
                problems.append(problem)
    if not found:
        raise problems[0]
    return found
