"""From the files of audiences and destinations to a plan, and to a send: what the command line and the graph share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

import duckdb

from beha2vec_core.activation.config import build, find_destination, load_destinations
from beha2vec_core.activation.destination import ActivationError, Destination
from beha2vec_core.activation.ledger import open_ledger, read_ledger
from beha2vec_core.activation.plan import Plan, make_plan
from beha2vec_core.activation.send import Report, confirm, send_plan
from beha2vec_core.audiences.file import Audience, find_audience, load_audiences
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.settings import Settings
from beha2vec_core.store.warehouse import Warehouse

Connect = Callable[[str], AbstractContextManager[duckdb.DuckDBPyConnection]]


@dataclass(frozen=True)
class Options:
    """How to send.

    Attributes:
        empty: everybody leaves.
        repeat: repeat requests whose answer was lost, though the destination may count them twice.
        debug: let the service check the requests without using them; the ledger is not written.
    """

    empty: bool = False
    repeat: bool = False
    debug: bool = False


def destination_of(settings: Settings, to: str, *, debug: bool = False) -> Destination:
    """The destination of a name in the file.

    Args:
        settings: where the file is.
        to: the name.
        debug: the service only checks requests.

    Raises:
        ActivationError: there is none, or it has nothing that only checks requests.
    """
    path = settings.activation.file
    destination = build(find_destination(load_destinations(path), to, path), settings, debug=debug)
    if debug and not destination.has_debug:
        raise ActivationError(f"{to}: its type {destination.kind} has nothing that checks requests without using them")
    return destination


def unnamed(audience: Audience, to: str) -> str:
    """What is missing in the file before an audience is sent to a destination; empty: nothing."""
    if to in {one.to for one in audience.activate}:
        return ""
    return f"audience {audience.name} does not name it: write activate: [{{to: {to}}}] in its entry before you send it"


def chosen_audience(settings: Settings, name: str, to: str, *, empty: bool = False) -> Audience:
    """The audience of a name. If everybody is to leave, it may have been taken out of the file.

    Args:
        settings: where the files are.
        name: of the audience.
        to: the name of the destination.
        empty: everybody is to leave.

    Raises:
        AudienceError: there is none of this name.
    """
    audiences = load_audiences(settings.audiences.file)
    if empty:
        with read_ledger(settings.storage.ledger_path) as ledger:
            if name in ledger.last_sends(to) and name not in {one.name for one in audiences}:
                return Audience(name=name, rule="false")
    return find_audience(audiences, name)


def plan_only(settings: Settings, audience: Audience, destination: Destination, options: Options | None = None) -> Plan:
    """What a send would do; nothing is written, and no service is asked.

    Raises:
        ActivationError: it cannot be planned, with the remedy.
    """
    options = options or Options()
    with read_ledger(settings.storage.ledger_path) as ledger, _connect(settings)("activate") as connection:
        return make_plan(
            connection, audience, destination, ledger, settings.storage, empty=options.empty, repeat=options.repeat
        )


def plan_and_send(
    settings: Settings,
    audience: Audience,
    destination: Destination,
    options: Options | None = None,
    *,
    say: Callable[[Plan], None] = lambda plan: None,
    connect: Connect | None = None,
    wait_seconds: float = 2,
) -> tuple[Plan, Report]:
    """Plan and send. The warehouse is open only while the plan is made.

    Args:
        settings: where everything is.
        audience: of the file.
        destination: from `destination_of`.
        options: how.
        say: called with the plan before anything is sent.
        connect: opens the warehouse; default: as the settings say.
        wait_seconds: longest wait for another process that sends.

    Raises:
        ActivationError: nothing was sent, with the remedy. What goes wrong later is in the report.
    """
    options = options or Options()
    if missing := destination.missing():
        raise ActivationError(f"{destination.name}: {'; '.join(missing)}")
    with open_ledger(settings.storage.ledger_path, wait_seconds) as ledger:
        earlier = {} if options.debug else dict(confirm(destination, ledger))
        with (connect or _connect(settings))("activate") as connection:
            plan = make_plan(
                connection, audience, destination, ledger, settings.storage, empty=options.empty, repeat=options.repeat
            )
        say(plan)
        if not options.debug:
            report = send_plan(plan, ledger)
            report.earlier = earlier
            return plan, report
    with read_ledger(None) as scratch:
        return plan, send_plan(plan, scratch)


def _connect(settings: Settings) -> Connect:
    if not settings.storage.warehouse_path.exists():
        raise ActivationError(f"there is no warehouse in {settings.storage.data_dir}: run beha2vec materialize")
    return Warehouse.of(settings.storage).connect


class Sending(NamedTuple):
    """What became of an audience at a destination in a run that nobody watches.

    Attributes:
        audience: of whom.
        destination: where to.
        plan: what was to be sent; None where nothing could be planned.
        report: what was sent.
        problem: what is wrong, a sentence with the remedy; empty where all was accepted.
        is_error: users were refused or not sent; without it, only the answer is not known.
    """

    audience: str
    destination: str
    plan: Plan | None = None
    report: Report | None = None
    problem: str = ""
    is_error: bool = False


def send_marked(
    settings: Settings,
    connect: Connect,
    find: Callable[[Settings, str], Destination] = destination_of,
) -> list[Sending]:
    """Send every audience to the destinations that its ``activate`` marks with ``send: true``, one after the other.

    What goes wrong with one of them stops no other. Audiences that have users where the file no longer sends
    them are reported.

    Args:
        settings: where everything is.
        connect: opens the warehouse.
        find: gives the destination of a name.

    Raises:
        AudienceError: the file of audiences cannot be read.
    """
    found: list[Sending] = []
    audiences = load_audiences(settings.audiences.file)
    for audience in audiences:
        for to in (one.to for one in audience.activate if one.send):
            try:
                wait = settings.storage.lock_timeout_seconds
                plan, report = plan_and_send(settings, audience, find(settings, to), connect=connect, wait_seconds=wait)
            except (ActivationError, PrivacyError) as error:
                found.append(Sending(audience.name, to, problem=str(error), is_error=True))
                continue
            problems = [] if report.is_complete else [line.strip() for line in report.lines()]
            if plan.stuck:
                problems.append(f"users who have to leave and cannot be addressed: {plan.stuck:,}; remove them there")
            found.append(Sending(audience.name, to, plan, report, "; ".join(problems), report.has_failed))
    named = {(one.to, audience.name) for audience in audiences for one in audience.activate}
    with read_ledger(settings.storage.ledger_path) as ledger:
        for to, name, users in ledger.present():
            if (to, name) not in named:
                problem = (
                    f"the file of audiences no longer names it, and users are there: {users:,}. "
                    f"beha2vec activate {name} --to {to} --empty --send removes them"
                )
                found.append(Sending(name, to, problem=problem))
    return found
