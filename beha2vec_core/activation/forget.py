"""Forgotten people leave the destinations that they were sent to, or the certificate says where they still are."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from beha2vec_core.activation.config import build, load_destinations
from beha2vec_core.activation.destination import ActivationError, Change, Destination, NotReachable
from beha2vec_core.activation.ledger import Ledger, open_ledger
from beha2vec_core.activation.send import confirm, send_requests
from beha2vec_core.settings import Settings
from beha2vec_core.words import counted


class Departure(NamedTuple):
    """What became of people at a destination."""

    destination: str
    users: int
    problem: str = ""  # why they are still there; empty where they left
    is_final: bool = True  # no later try can remove them
    left_behind: str = ""  # what of them may still be there although they were removed; see `Destination`


def leave_destinations(
    settings: Settings, ids: Iterable[str], build_one: Callable[..., Destination] = build
) -> list[Departure]:
    """Remove people from every destination that the ledger knows them at.

    Each removal is written to the ledger before and after its request, as any other change.

    Raises:
        ActivationError: another process sends.
    """
    if not settings.storage.ledger_path.exists():
        return []
    wanted = frozenset(ids)
    found: list[Departure] = []
    with open_ledger(settings.storage.ledger_path) as ledger:
        known = {(name, one.member.user_key) for name, _, one in ledger.of_people(wanted)}
        for name, users in sorted(Counter(name for name, _ in known).items()):
            try:
                destination = _at(settings, name, build_one)
                for audience in {audience for to, audience in ledger.waiting() if to == name}:
                    confirm(destination, ledger, audience)
                found += _leave(destination, ledger, wanted)
            except NotReachable as problem:
                found.append(Departure(name, users, str(problem)))
            except ActivationError as problem:
                found.append(Departure(name, users, str(problem), is_final=False))
    return found


def _leave(destination: Destination, ledger: Ledger, wanted: frozenset[str]) -> list[Departure]:
    """Remove people from one destination.

    Raises:
        NotReachable: none of them can be removed.
        ActivationError: a later try may remove them.
    """
    name, sends = destination.name, ledger.last_sends(destination.name)
    # where sending twice counts twice, a removal without an answer is not repeated
    left = [
        (audience, one)
        for to, audience, one in ledger.of_people(wanted)
        if to == name and (one.is_there or not (one.is_certain or destination.counts))
    ]
    if any(sends[audience][1] != destination.place for audience, _ in left):
        raise NotReachable("its address was changed since: delete the user there")
    lost: dict[str, str] = {}
    for audience in dict.fromkeys(audience for audience, _ in left):
        changes = []
        for one in (one for its, one in left if its == audience):
            try:
                changes.append(destination.change("leave", one.member, sends[audience][0]))
            except NotReachable as problem:
                lost[one.member.user_key] = f"{problem}: delete the user there"
        if changes:
            _send(destination, ledger, audience, sends[audience], changes)
    after = [one for to, _, one in ledger.of_people(wanted) if to == name]
    if any(one.is_pending and not one.is_there for one in after):
        raise ActivationError("it works on the removal for hours: run this command again tomorrow to hear the result")
    # where something is left behind, also those who left before
    users = after if destination.left_behind else [one for _, one in left]
    removed = {one.member.user_key for one in users} - lost.keys()
    if destination.counts:
        unsure = {one.member.user_key for one in after if one.is_there or not one.is_certain}
        lost |= dict.fromkeys(
            unsure, "they may still be in the audience, and what was sent before stays: delete the user there"
        )
        removed, gone = set(), {one.member.user_key for one in after} - lost.keys()
        lost |= dict.fromkeys(
            gone, "they are out of the audience now, but what was sent before stays: delete the user there"
        )
    departures = [Departure(name, len(removed), left_behind=destination.left_behind)] if removed else []
    return [*departures, *(Departure(name, users, why) for why, users in Counter(lost.values()).items())]


def in_words(departure: Departure) -> str:
    """For the certificate."""
    where = f"destination {departure.destination}: {counted(departure.users, 'user')}"
    if departure.problem:
        return f"{where} still there: {departure.problem}"
    return f"{where} removed" + f"; {departure.left_behind}" * bool(departure.left_behind)


def _at(settings: Settings, name: str, build_one: Callable[..., Destination]) -> Destination:
    for config in load_destinations(settings.activation.file):
        if config.name == name:
            return build_one(config, settings)
    raise NotReachable(f"it is no longer in {settings.activation.file.name}: delete the user there")


def _send(
    destination: Destination, ledger: Ledger, audience: str, there: tuple[str, str], changes: list[Change]
) -> None:
    called, place = there
    if problems := destination.validate(called) + destination.missing():
        raise ActivationError("; ".join(problems))
    ids = ledger.begin(destination.name, audience, {}, changes, called=called, place=place)
    for _, outcomes, _ in send_requests(destination, ledger, audience, called, changes, ids):
        for outcome in outcomes:
            if outcome.state == "refused" or (outcome.state == "unknown" and not destination.counts):
                raise ActivationError(outcome.reason)
    ledger.finish(destination.name, audience)
