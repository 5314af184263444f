"""Forgotten people leave the destinations that they were sent to, or the certificate says where they still are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from beha2vec_core.activation.config import build, load_destinations
from beha2vec_core.activation.destination import ActivationError, Change, Destination, NotReachable
from beha2vec_core.activation.ledger import open_ledger
from beha2vec_core.settings import Settings
from beha2vec_core.words import counted


class Departure(NamedTuple):
    """What became of people at a destination.

    Attributes:
        destination: its name.
        users: how many were there.
        problem: why they are still there; empty where they left.
        is_final: no later try can remove them.
    """

    destination: str
    users: int
    problem: str = ""
    is_final: bool = True


def leave_destinations(
    settings: Settings, ids: Iterable[str], build_one: Callable[..., Destination] = build
) -> list[Departure]:
    """Remove people from every destination that the ledger knows them at.

    Args:
        settings: where the ledger and the files are.
        ids: all ids of the people.
        build_one: makes a destination from its entry.

    Raises:
        ActivationError: another process sends.
    """
    if not settings.storage.ledger_path.exists():
        return []
    found: list[Departure] = []
    with open_ledger(settings.storage.ledger_path) as ledger:
        there = ledger.of_people(ids)
        for name in sorted({destination for destination, *_ in there}):
            of_it = [(audience, one) for destination, audience, one in there if destination == name]
            users = len({one.member.user_key for _, one in of_it})
            try:
                destination = _at(settings, name, build_one)
                if destination.counts:
                    raise NotReachable("what was sent cannot be taken back: delete the user there")
                of_it = [(audience, one) for audience, one in of_it if one.is_there or not one.is_certain]
                users = len({one.member.user_key for _, one in of_it})
                sends = ledger.last_sends(name)
                if any(sends[audience][1] != destination.place for audience, _ in of_it):
                    raise NotReachable("its address was changed since: delete the user there")
                by_place: dict[tuple[str, str], list[Change]] = {}
                lost: dict[str, str] = {}
                for audience, one in of_it:
                    called, _ = sends[audience]
                    try:
                        change = Change("leave", one.member, *destination.plan("leave", one.member, called))
                        by_place.setdefault((audience, called), []).append(change)
                    except NotReachable as problem:
                        lost[one.member.user_key] = f"{problem}: delete the user there"
                _send(destination, by_place)
                if len(lost) < users:
                    found.append(Departure(name, users - len(lost)))
                if lost:
                    found.append(Departure(name, len(lost), next(iter(lost.values()))))
            except NotReachable as problem:
                found.append(Departure(name, users, str(problem)))
            except ActivationError as problem:
                found.append(Departure(name, users, str(problem), is_final=False))
    return found


def in_words(departure: Departure) -> str:
    """For the certificate."""
    where = f"destination {departure.destination}: {counted(departure.users, 'user')}"
    return f"{where} removed" if not departure.problem else f"{where} still there: {departure.problem}"


def _at(settings: Settings, name: str, build_one: Callable[..., Destination]) -> Destination:
    for config in load_destinations(settings.activation.file):
        if config.name == name:
            return build_one(config, settings)
    raise NotReachable(f"it is no longer in {settings.activation.file.name}: delete the user there")


def _send(destination: Destination, by_place: dict[tuple[str, str], list[Change]]) -> None:
    for (audience, called), changes in by_place.items():
        if problems := destination.validate(called) + destination.missing():
            raise ActivationError("; ".join(problems))
        for start in range(0, len(changes), destination.batch):
            part = changes[start : start + destination.batch]
            outcomes = destination.send(part, called, f"forget-{audience}-{part[0].hash}-{len(part)}")
            for outcome in outcomes:
                if outcome.state != "accepted":
                    raise ActivationError(outcome.reason)
