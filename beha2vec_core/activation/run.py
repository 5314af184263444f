"""From the files of audiences and destinations to a plan, and to a send: what the command line and the graph share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import duckdb

from beha2vec_core.activation.config import build, find_destination, load_destinations
from beha2vec_core.activation.destination import ActivationError, Destination
from beha2vec_core.activation.ledger import open_ledger, read_ledger
from beha2vec_core.activation.plan import Plan, make_plan
from beha2vec_core.activation.send import Report, confirm, send_plan
from beha2vec_core.audiences.file import Audience
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
) -> tuple[Plan, Report]:
    """Plan and send. The warehouse is open only while the plan is made.

    Args:
        settings: where everything is.
        audience: of the file.
        destination: from `destination_of`.
        options: how.
        say: called with the plan before anything is sent.
        connect: opens the warehouse; default: as the settings say.

    Raises:
        ActivationError: nothing was sent, with the remedy. What goes wrong later is in the report.
    """
    options = options or Options()
    with open_ledger(settings.storage.ledger_path) as ledger:
        if not options.debug:
            confirm(destination, ledger)
        with (connect or _connect(settings))("activate") as connection:
            plan = make_plan(
                connection, audience, destination, ledger, settings.storage, empty=options.empty, repeat=options.repeat
            )
        say(plan)
        if not options.debug:
            return plan, send_plan(plan, ledger)
    with read_ledger(None) as scratch:
        return plan, send_plan(plan, scratch)


def _connect(settings: Settings) -> Connect:
    if not settings.storage.warehouse_path.exists():
        raise ActivationError(f"there is no warehouse in {settings.storage.data_dir}: run beha2vec materialize")
    return Warehouse.of(settings.storage).connect
