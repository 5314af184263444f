"""The ledger: what was sent to whom, when, and what became of it.

A SQLite file in the data folder, outside the warehouse: it cannot be made again from the export, so it has to survive
migrations, full refreshes and a restored warehouse. A change is written before its request (``sending``) and after it.
If the process dies in between, the next one finds it and calls it ``unknown``.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from beha2vec_core.activation.destination import ActivationError, Believed, Change, Member, Outcome

_LOST = "the process ended before the answer"
# of one destination and audience: a row a send, and a row for each change of a user that was planned
_SCHEMA = """
    create table if not exists sends (
        send_id integer primary key, destination text not null, audience text not null, started_at text not null,
        finished_at text, steps text not null, called text not null, place text not null);
    create table if not exists changes (
        change_id integer primary key, send_id integer not null, destination text not null, audience text not null,
        unit text not null, user_key text not null, user_pseudo_id text, user_id text, kind text not null,
        payload_hash text not null, state text not null, reason text not null default '',
        request text not null default '', receipt text not null default '', at text not null);
    create index if not exists changes_of_users on changes (destination, audience, unit, change_id);
    create index if not exists changes_by_request on changes (request);
    create index if not exists changes_by_state on changes (state, destination, audience);
"""


class Sent(NamedTuple):
    """A line of the ledger's summary; see `sent`."""

    destination: str
    audience: str
    day: date
    step: str
    outcome: str
    users: int


def sent(path: Path, destination: str | None = None, audience: str | None = None) -> list[Sent]:
    """What was sent: users by destination, audience, day, step and outcome, the newest day first.

    It only reads, also while something is sent, and names nobody. For pages and commands that show the ledger.

    - Steps of the plan: ``members``, ``consent``, ``exclude``, ``cap``, ``holdout``, ``forgotten``, ``exclude_file``,
      ``pause``, ``not_reachable``, ``unchanged``, with the outcome ``planned`` for ``members``, ``left_out`` for those
      that leave users out, and ``kept`` for ``unchanged``. They are of the last send of the day.
    - Changes: the steps ``enter``, ``update`` and ``leave``, with the outcomes ``accepted``, ``refused``, ``unknown``
      (the answer was lost), ``sending`` (under way, or the process was stopped) and ``planned`` (not sent yet). They
      are of all sends of the day.

    Args:
        path: of the ledger (``settings.storage.ledger_path``); it need not exist.

    Returns:
        Lines with more than 0 users; days are UTC.
    """
    if not path.exists():
        return []
    where = "(:destination is null or destination = :destination) and (:audience is null or audience = :audience)"
    values = {"destination": destination, "audience": audience}
    lines: list[Sent] = []
    with closing(_connect(path)) as connection:
        plans = connection.execute(
            f"""select destination, audience, substr(started_at, 1, 10) as day, steps, max(send_id) from sends
            where {where} and steps <> '{{}}' group by destination, audience, day""",
            values,
        ).fetchall()
        for to, name, day, steps, _ in plans:
            for step, users in json.loads(steps).items():
                outcome = {"members": "planned", "unchanged": "kept"}.get(step, "left_out")
                lines.append(Sent(to, name, date.fromisoformat(day), step, outcome, users))
        lines += [
            Sent(to, name, date.fromisoformat(day), kind, state, users)
            for to, name, day, kind, state, users in connection.execute(
                f"""select destination, audience, substr(at, 1, 10) as day, kind, state, count(*) from changes
                where {where} group by 1, 2, 3, 4, 5 order by 4, 5""",
                values,
            ).fetchall()
        ]
    found = [line for line in lines if line.users]
    return sorted(found, key=lambda line: (-line.day.toordinal(), line.destination, line.audience))


class SentTo(NamedTuple):
    """A change of one person; see `sent_to`."""

    at: datetime
    destination: str
    audience: str
    change: str
    outcome: str
    reason: str


def sent_to(path: Path, ids: Iterable[str]) -> list[SentTo]:
    """What was sent about one person, the newest change first, with its outcome as in `sent`. It only reads.

    Args:
        ids: of the person: their user keys, devices and login ids.
    """
    if not path.exists():
        return []
    with closing(_connect(path)) as connection:
        rows = connection.execute(
            """with ids as (select value from json_each(?))
            select at, destination, audience, kind, state, reason from changes
            where user_key in ids or user_pseudo_id in ids or user_id in ids order by change_id desc""",
            [json.dumps(sorted(ids))],
        ).fetchall()
    return [SentTo(datetime.fromisoformat(at), *more) for at, *more in rows]


class Ledger:
    """An open ledger; made by `open_ledger` and `read_ledger`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def recover(self) -> None:
        """Close what a process that died left open: requests under way become unknown, plans are dropped."""
        with self._connection:
            self._connection.execute(
                "update changes set state = 'unknown', reason = ? where state = 'sending'", [_LOST]
            )
            # the next plan makes them again: somebody may have withdrawn their consent since
            self._connection.execute("delete from changes where state = 'planned'")

    def believed(self, destination: str, audience: str) -> dict[str, Believed]:
        """What the destination has, or had, by `Destination.unit`: by the last change that may have had an effect."""
        rows = self._connection.execute(
            """select unit, user_key, user_pseudo_id, user_id, kind, payload_hash, state, receipt, max(change_id)
            from changes where destination = ? and audience = ? and state in ('accepted', 'unknown', 'sending')
            group by unit""",
            [destination, audience],
        ).fetchall()
        return {
            unit: Believed(Member(key, None, device, login), hashed, kind, state == "accepted", bool(receipt))
            for unit, key, device, login, kind, hashed, state, receipt, _ in rows
        }

    def entered_since(self, moment: datetime, destination: str, audience: str) -> frozenset[str]:
        """All ids of users who entered another audience anywhere since, or this one at this destination, or may have.

        The same audience at several destinations is one contact. A login gives a user another key: their device and
        login id tell who they are.
        """
        rows = self._connection.execute(
            """select distinct user_key, user_pseudo_id, user_id from changes
            where kind = 'enter' and state in ('accepted', 'unknown', 'sending') and at >= ?
            and (audience <> ? or destination = ?)""",
            [_text(moment), audience, destination],
        ).fetchall()
        return frozenset(one for row in rows for one in row if one)

    def begin(
        self,
        destination: str,
        audience: str,
        steps: Mapping[str, int],
        changes: Sequence[Change],
        *,
        called: str,
        place: str,
    ) -> list[int]:
        """Write down a plan, all of it or nothing; the ids of its changes, in order.

        Args:
            steps: the counts of the plan; empty where there was none.
            place: where the destination is (`Destination.place`).
        """
        now = _text(datetime.now(UTC))
        with self._connection:
            send_id = self._connection.execute(
                """insert into sends (destination, audience, started_at, steps, called, place)
                values (?, ?, ?, ?, ?, ?)""",
                [destination, audience, now, json.dumps(dict(steps)), called, place],
            ).lastrowid
            return [
                int(
                    self._connection.execute(
                        """insert into changes (send_id, destination, audience, unit, user_key, user_pseudo_id,
                            user_id, kind, payload_hash, state, at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', ?)""",
                        [
                            send_id, destination, audience, one.unit or one.member.user_key, one.member.user_key,
                            one.member.client_id, one.member.login_id, one.kind, one.hash, now,
                        ],
                    ).lastrowid
                    or 0
                )
                for one in changes
            ]  # fmt: skip

    def sending(self, ids: Sequence[int], request: str) -> None:
        """Write down that a request is about to be sent, on disk when this returns."""
        now = _text(datetime.now(UTC))
        with self._connection:
            self._connection.executemany(
                "update changes set state = 'sending', request = ?, at = ? where change_id = ?",
                [(request, now, one) for one in ids],
            )

    def answered(self, ids: Sequence[int], outcomes: Sequence[Outcome]) -> None:
        """Write down what became of a request, on disk when this returns."""
        now = _text(datetime.now(UTC))
        with self._connection:
            self._connection.executemany(
                "update changes set state = ?, reason = ?, receipt = ?, at = ? where change_id = ?",
                [
                    (outcome.state, outcome.reason, outcome.receipt, now, one)
                    for one, outcome in zip(ids, outcomes, strict=True)
                ],
            )

    def request_for(self, destination: str, audience: str, changes: Sequence[Change]) -> str:
        """The key of a request: a new one, unless it is the very same as the last one of all its users, which is lost.

        Then the destination may have it, and can tell by the key that it comes again.
        """
        said = [(one.unit or one.member.user_key, one.kind, one.hash, 1) for one in changes]
        rows = self._connection.execute(
            """select request, unit, kind, payload_hash, state = 'unknown' and not exists (
                select 1 from changes as later where later.destination = one.destination
                    and later.audience = one.audience and later.unit = one.unit and later.change_id > one.change_id
                    and later.state <> 'planned')
            from changes as one where destination = ?1 and audience = ?2 and request = (
                select request from changes where destination = ?1 and audience = ?2 and unit = ?3
                and state <> 'planned' order by change_id desc limit 1)
            order by change_id""",
            [destination, audience, said[0][0]],
        ).fetchall()
        is_again = [tuple(row) for _, *row in rows] == said
        return str(rows[0][0]) if is_again and rows[0][0] else uuid.uuid4().hex

    def finish(self, destination: str, audience: str) -> None:
        """Write down that the newest send of an audience has ended; what it did not send is planned no more."""
        with self._connection:
            self._connection.execute(
                "delete from changes where destination = ? and audience = ? and state = 'planned'",
                [destination, audience],
            )
            self._connection.execute(
                """update sends set finished_at = ? where send_id =
                    (select max(send_id) from sends where destination = ? and audience = ?)""",
                [_text(datetime.now(UTC)), destination, audience],
            )

    def receipts(self, destination: str, audience: str) -> list[tuple[str, datetime]]:
        """The requests that the destination accepted for later and has not finished as far as we know, and when."""
        rows = self._connection.execute(
            """select receipt, min(at) from changes where destination = ? and audience = ? and receipt <> ''
            and state = 'accepted' group by receipt""",
            [destination, audience],
        ).fetchall()
        return [(receipt, datetime.fromisoformat(at)) for receipt, at in rows]

    def waiting(self) -> list[tuple[str, str]]:
        """Each destination and audience that has such requests."""
        return self._connection.execute(
            """select distinct destination, audience from changes where receipt <> '' and state = 'accepted'
            order by 1, 2"""
        ).fetchall()

    def confirmed(self, destination: str, receipt: str, outcome: Outcome) -> None:
        """Write down what became of such a request. Users who were removed in part only are removed again."""
        with self._connection:
            self._connection.execute(
                """update changes set reason = :reason, receipt = '',
                    state = case when kind = 'leave' and :reason <> '' then 'refused' else :state end
                where destination = :destination and receipt = :receipt and state = 'accepted'""",
                {**outcome._asdict(), "destination": destination, "receipt": receipt},
            )

    def close(self, destination: str, audience: str, units: Iterable[str]) -> None:
        """Write down that users are at a destination no more: somebody removed them there."""
        believed = self.believed(destination, audience)
        called, place = self.last_sends(destination)[audience]
        leaves = [Change("leave", believed[unit].member, {}, believed[unit].hash, unit) for unit in units]
        ids = self.begin(destination, audience, {}, leaves, called=called, place=place)
        self.answered(ids, [Outcome("accepted", "closed by hand")] * len(ids))
        self.finish(destination, audience)

    def remove_before(self, day: date) -> int:
        """Remove changes before a day, except for those of users who are or may be at a destination; how many.

        Of these users, what follows the last change that is certain is kept, and that change itself unless they left:
        it is needed to remove them there. A removal is certain when the destination has finished it.
        """
        with self._connection:
            return self._connection.execute(
                """delete from changes where at < ? and (state not in ('accepted', 'unknown') or exists (
                    select 1 from changes as certain
                    where certain.destination = changes.destination and certain.audience = changes.audience
                        and certain.unit = changes.unit and certain.state = 'accepted' and certain.receipt = ''
                        and (certain.change_id > changes.change_id
                            or (certain.change_id = changes.change_id and changes.kind = 'leave'))))""",
                [day.isoformat()],
            ).rowcount

    def tally(self, ids: Sequence[int]) -> list[tuple[str, str, str, int]]:
        """Changes by kind, state and reason, the most frequent first."""
        return self._connection.execute(
            """select kind, state, reason, count(*) from changes where change_id in (select value from json_each(?))
            group by 1, 2, 3 order by 4 desc, 1, 2, 3""",
            [json.dumps(list(ids))],
        ).fetchall()

    def last_sends(self, destination: str) -> dict[str, tuple[str, str]]:
        """What each audience was called when it was last sent to a destination, and where that was, by audience."""
        rows = self._connection.execute(
            "select audience, called, place, max(send_id) from sends where destination = ? group by audience",
            [destination],
        ).fetchall()
        return {audience: (called, place) for audience, called, place, _ in rows}

    def others_at(self, destination: str, called: str, place: str) -> list[tuple[str, str]]:
        """The other destinations with this address, each with the audience that was last sent there by this name."""
        rows = self._connection.execute(
            """select destination, audience, called, place, max(send_id) from sends where destination <> ?
            group by destination, audience""",
            [destination],
        ).fetchall()
        return [(to, audience) for to, audience, *there, _ in rows if there == [called, place]]

    def _everything(self) -> Iterator[tuple[str, str, dict[str, Believed]]]:
        """Each destination and audience, and what is known of its users there."""
        pairs = self._connection.execute("select distinct destination, audience from changes order by 1, 2").fetchall()
        return ((*pair, self.believed(*pair)) for pair in pairs)

    def present(self) -> list[tuple[str, str, int]]:
        """Each destination and audience, with the users who are there as far as is known."""
        found = [
            (to, name, len({one.member.user_key for one in believed.values() if one.is_there}))
            for to, name, believed in self._everything()
        ]
        return [(to, name, users) for to, name, users in found if users]

    def lost_removals(self) -> list[tuple[str, str, int]]:
        """Each destination and audience with users whose removal has no answer, and how many."""
        return [(to, name, len(lost)) for to, name, believed in self._everything() if (lost := unsure(believed))]

    def of_people(self, ids: Iterable[str]) -> list[tuple[str, str, Believed]]:
        """Where people are or were, by any of their ids: destination, audience, and what is known of them there."""
        wanted: frozenset[str | None] = frozenset(ids)
        return [
            (to, name, one)
            for to, name, believed in self._everything()
            for one in believed.values()
            if wanted & {one.member.user_key, one.member.client_id, one.member.login_id}
        ]


def unsure(believed: Mapping[str, Believed]) -> tuple[str, ...]:
    """Those whose removal has no answer: they may still be there."""
    return tuple(unit for unit, one in believed.items() if not one.is_there and not one.is_certain)


@contextmanager
def read_ledger(path: Path | None) -> Iterator[Ledger]:
    """The ledger for reading, also while something is sent; without a file, an empty one in memory."""
    with closing(_connect(path if path and path.exists() else Path(":memory:"))) as connection:
        yield Ledger(connection)


@contextmanager
def open_ledger(path: Path, wait_seconds: float = 2) -> Iterator[Ledger]:
    """The ledger, for one process that sends at a time; what an earlier one left open is closed (`Ledger.recover`).

    Raises:
        ActivationError: another process sends, or the file is not a ledger.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{path}.lock", timeout=wait_seconds), closing(_connect(path)) as connection:
            mode = path.stat().st_mode
            path.chmod(mode & (0o600 if mode & 0o007 else 0o640))  # for a group only where the umask denies all others
            connection.execute("pragma synchronous = full")
            connection.execute("pragma secure_delete = on")
            ledger = Ledger(connection)
            ledger.recover()
            yield ledger
    except Timeout:
        raise ActivationError("another process is sending: wait until it ends, then try again") from None


def _connect(path: Path) -> sqlite3.Connection:
    """A connection, for readers too: after a kill, SQLite has to undo half a transaction first, or to make tables."""
    connection = sqlite3.connect(path, timeout=60)
    try:
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ActivationError(f"{path} cannot be used ({error}): restore it from your backup") from None
    return connection


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
