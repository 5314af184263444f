"""From the files of audiences and destinations to a plan, and to a send: what the command line and the graph share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from beha2vec_core.activation.candidates import withdrawn
from beha2vec_core.activation.config import build, find_destination, load_destinations
from beha2vec_core.activation.destination import ActivationError, Destination
from beha2vec_core.activation.ledger import SentTo, open_ledger, read_ledger, sent_to, unsure
from beha2vec_core.activation.plan import Plan, make_plan
from beha2vec_core.activation.send import Report, confirm, send_plan
from beha2vec_core.activation.written_by import who_else_writes
from beha2vec_core.audiences.file import Audience, AudienceError, find_audience, load_audiences
from beha2vec_core.audiences.names import IDENTITIES
from beha2vec_core.privacy.key import PrivacyError, key_path
from beha2vec_core.privacy.key import key as privacy_key
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.settings import Settings
from beha2vec_core.store.catalog import has_table
from beha2vec_core.store.publish import hmac_sql, published_key_sql
from beha2vec_core.store.warehouse import Connect, Warehouse, WarehouseBusyError, WarehouseVersionError

# errors whose message says what to do
EXPECTED = (ActivationError, AudienceError, PrivacyError, WarehouseBusyError, WarehouseVersionError)


@dataclass(frozen=True)
class Options:
    """How to send."""

    empty: bool = False  # everybody leaves
    repeat: bool = False  # repeat requests whose answer was lost, though the destination may count them twice
    debug: bool = False  # let the service check the requests without using them; the ledger is not written
    stale: bool = False  # send members that are too old


def destination_of(settings: Settings, to: str, *, debug: bool = False) -> Destination:
    """The destination of a name in the file.

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
    return f"audience {audience.name} is not sent there: add activate: [{{to: {to}}}] to its entry first"


def how_to_send(plan: Plan, audience: Audience, to: str, *options: str) -> str:
    """What a plan says at its end: nothing was sent, and the command that sends it, if there is something to send."""
    if not plan.changes:
        return "There is nothing to send."
    command = " ".join(["beha2vec activate", audience.name, "--to", to, *options, "--send"])
    is_missing = unnamed(audience, to) and "--empty" not in options
    return f"Nothing was sent. {'Once that is added, send it' if is_missing else 'To send it'}: {command}"


def chosen_audience(settings: Settings, name: str, to: str, *, empty: bool = False) -> Audience:
    """The audience of a name. If everybody is to leave, it may have been taken out of the file.

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
            connection, audience, destination, ledger, settings, empty=options.empty, repeat=options.repeat
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
        say: called with the plan before anything is sent.
        wait_seconds: longest wait for another process that sends.

    Raises:
        ActivationError: nothing was sent, with the remedy. What goes wrong later is in the report.
    """
    options = options or Options()
    if missing := destination.missing():
        raise ActivationError(f"{destination.name}: {'; '.join(missing)}")
    with open_ledger(settings.storage.ledger_path, wait_seconds) as ledger:
        earlier = {} if options.debug else confirm(destination, ledger, audience.name)
        with (connect or _connect(settings))("activate") as connection:
            plan = make_plan(
                connection, audience, destination, ledger, settings, empty=options.empty, repeat=options.repeat
            )
        say(plan)
        if plan.stale and not options.stale:
            raise ActivationError(plan.stale)
        if not options.debug:
            report = send_plan(plan, ledger)
            report.earlier = earlier
            return plan, report
    with read_ledger(None) as scratch:
        return plan, send_plan(plan, scratch)


def sent_of(settings: Settings, user: str) -> list[SentTo]:
    """What was sent about a user, the newest change first; see `ledger.sent_to`.

    Args:
        user: their user key, a device id or a login id, as it is in the export, stored or published.

    Raises:
        ActivationError: there is no warehouse, or the file is not a ledger.
    """
    forms, asked = ["user_key", "user_pseudo_id", "user_id"], frozenset([user])
    if key_path(settings.storage.data_dir).exists():
        secret = privacy_key(settings.storage.data_dir)
        forms += [published_key_sql("user_key", secret), *(hmac_sql(one, secret) for one in forms[1:])]
        asked = LoginIds(settings.storage.data_dir).forms(user)
    with _connect(settings)("sent") as connection:
        known = has_table(connection, IDENTITIES)
        query = f"select user_key, user_pseudo_id from {IDENTITIES} where list_has_any([{', '.join(forms)}], ?)"
        rows = connection.execute(query, [list(asked)]).fetchall() if known else []
    return sent_to(settings.storage.ledger_path, asked.union(*rows))


def _connect(settings: Settings) -> Connect:
    if not settings.storage.warehouse_path.exists():
        raise ActivationError(f"there is no warehouse in {settings.storage.data_dir}: run beha2vec materialize")
    return Warehouse.of(settings.storage).connect


class Sending(NamedTuple):
    """What became of an audience at a destination in a run that nobody watches."""

    audience: str
    destination: str
    plan: Plan | None = None  # None where nothing could be planned
    report: Report | None = None
    problem: str = ""  # what is wrong, a sentence with the remedy; empty where all was accepted
    is_error: bool = False  # users were refused or not sent; without it, only the answer is not known


def send_marked(
    settings: Settings, connect: Connect, find: Callable[[Settings, str], Destination] = destination_of
) -> list[Sending]:
    """Send every audience to the destinations that its ``activate`` marks with ``send: true``, one after the other.

    What goes wrong with one of them stops no other. Nothing is sent while others may write the files that say what to
    send (`who_else_writes`). Users who have to leave a destination that nothing is sent to are reported: those who
    withdrew their consent, where it is not marked, and those whose audience the file no longer names there. Requests
    that a destination went on to work on are followed up.

    Raises:
        AudienceError: the file of audiences cannot be read.
    """
    found: list[Sending] = []
    not_ours = who_else_writes(settings)
    audiences = load_audiences(settings.audiences.file)
    for audience in audiences:
        for to in (one.to for one in audience.activate if one.send):
            if not_ours:
                found.append(Sending(audience.name, to, problem=not_ours, is_error=True))
                continue
            try:
                wait = settings.storage.lock_timeout_seconds
                plan, report = plan_and_send(settings, audience, find(settings, to), connect=connect, wait_seconds=wait)
            except Exception as error:
                found.append(Sending(audience.name, to, problem=_in_words(error), is_error=True))
                continue
            problems = [] if report.is_complete else [line.strip() for line in report.lines()]
            if plan.held_back:
                problems.append(plan.held_back)
            if plan.stuck:
                problems.append(
                    f"users who have to leave and cannot be addressed: {len(plan.stuck):,}. "
                    f"Remove them there, then write that down: {_close(audience.name, to)}"
                )
            if plan.unsure:
                problems.append(_lost(audience.name, to, len(plan.unsure)))
            is_error = report.has_failed or bool(plan.held_back)
            found.append(Sending(audience.name, to, plan, report, "; ".join(problems), is_error))
    tried = {(one.destination, one.audience) for one in found}
    found += _followed_up(settings, find, tried)
    found += _left_there(settings, audiences, connect, find, tried)
    return found


def _left_there(
    settings: Settings,
    audiences: Sequence[Audience],
    connect: Connect,
    find: Callable[[Settings, str], Destination],
    tried: set[tuple[str, str]],
) -> list[Sending]:
    """Users at destinations that are no longer sent to, or not at night, if that has to be reported."""
    named = {(one.to, audience.name): audience for audience in audiences for one in audience.activate}
    found = []
    with read_ledger(settings.storage.ledger_path) as ledger:
        present = ledger.present()
        lost = {(to, name): users for to, name, users in ledger.lost_removals()}
        try:
            vanished = {to for to, *_ in [*present, *lost]} - {
                one.name for one in load_destinations(settings.activation.file)
            }
        except ActivationError:  # the next send says so
            vanished = set()
        for to, name, users in present:
            problem = ""
            if (to, name) in tried:
                continue
            if to in vanished:
                problem = (
                    f"{settings.activation.file.name} no longer has the destination, and users are there: {users:,}. "
                    f"Remove them there, then write that down: {_close(name, to)}"
                )
            elif (to, name) not in named:
                problem = (
                    f"the file of audiences no longer names it, and users are there: {users:,}. "
                    f"beha2vec activate {name} --to {to} --empty --send removes them"
                )
            else:
                try:
                    with connect("activate") as connection:
                        due = withdrawn(connection, named[to, name], find(settings, to), ledger)
                    if due:
                        problem = (
                            f"users who withdrew their consent are still there: {due:,}. "
                            f"beha2vec activate {name} --to {to} --send removes them"
                        )
                except Exception as error:
                    problem = f"who withdrew their consent and is still there is not known: {_in_words(error)}"
            if problem:
                found.append(Sending(name, to, problem=problem))
        reported = {(one.destination, one.audience) for one in found} | tried
        found += [
            Sending(name, to, problem=_lost(name, to, users, gone=to in vanished, unnamed=(to, name) not in named))
            for (to, name), users in lost.items()
            if (to, name) not in reported
        ]
    return found


def _lost(audience: str, to: str, users: int, *, gone: bool = False, unnamed: bool = False) -> str:
    """What to do about users whose removal has no answer.

    Args:
        gone: the file no longer has the destination, so nothing can be sent.
        unnamed: the file of audiences no longer names it there, so only the end of the audience can be sent.
    """
    lost = f"removals without an answer: {users:,}"
    if gone:
        return f"{lost}. Remove them there if they did not arrive, then write that down: {_close(audience, to)}"
    return (
        f"{lost}. Look there whether they arrived; if so, write that down: {_close(audience, to)}. "
        f"If not, beha2vec activate {audience} --to {to}{' --empty' * unnamed} --send --repeat-unknown"
    )


def _in_words(error: Exception) -> str:
    """What went wrong; of what nobody expected, only its kind, as its words may hold a secret or an id."""
    return str(error) if isinstance(error, EXPECTED) else f"it failed unexpectedly ({type(error).__name__})"


def _close(audience: str, to: str) -> str:
    return f"beha2vec sent --audience {audience} --to {to} --close"


def _followed_up(
    settings: Settings, find: Callable[[Settings, str], Destination], tried: set[tuple[str, str]]
) -> list[Sending]:
    """What became of requests that a destination went on to work on, of those not asked for yet; only what failed."""
    found = []
    with read_ledger(settings.storage.ledger_path) as ledger:
        waiting = [one for one in ledger.waiting() if one not in tried]
    for to, name in waiting:
        try:
            destination = find(settings, to)
            with open_ledger(settings.storage.ledger_path, settings.storage.lock_timeout_seconds) as ledger:
                outcomes = confirm(destination, ledger, name)
        except Exception as error:
            found.append(Sending(name, to, problem=_in_words(error), is_error=True))
            continue
        failed = sum(requests for state, requests in outcomes.items() if state not in ("accepted", "pending"))
        if failed:
            problem = (
                f"requests that were accepted and failed later, in part or whole: {failed:,}. "
                f"beha2vec activate {name} --to {to} --send sends what is missing"
            )
            found.append(Sending(name, to, problem=problem, is_error=bool(outcomes.get("refused"))))
    return found


def close_users(
    settings: Settings, name: str, to: str, find: Callable[[Settings, str], Destination] = destination_of
) -> int:
    """Write down that users are at a destination no more, after somebody removed them there or looked; how many.

    Where the file has the destination, these are the users who have to leave and can no longer be addressed, and
    those whose removal has no answer; otherwise, all of the audience.

    Raises:
        ActivationError: there are none; others are removed by a send.
        AudienceError: there is no such audience.
    """
    path = settings.storage.ledger_path
    if to in {one.name for one in load_destinations(settings.activation.file)}:
        names = {one.name for one in load_audiences(settings.audiences.file)}
        chosen = chosen_audience(settings, name, to, empty=name not in names)
        is_empty = name not in names or bool(unnamed(chosen, to))
        plan = plan_only(settings, chosen, find(settings, to), Options(empty=is_empty))
        gone = (*plan.stuck, *plan.unsure)
        remedy = f"{to} can still be sent to: beha2vec activate {name} --to {to}{' --empty' * is_empty} --send"
    else:
        with read_ledger(path) as ledger:
            believed = ledger.believed(to, name)
        gone = (*(unit for unit, one in believed.items() if one.is_there), *unsure(believed))
        remedy = "the ledger knows no users of it there (beha2vec sent)"
    if not gone:
        raise ActivationError(f"no users of {name} at {to} have to be closed by hand; {remedy}")
    with open_ledger(path) as ledger:
        ledger.close(to, name, gone)
    return len(gone)
