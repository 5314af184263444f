"""Audiences: who was in them last night, whom a rule selects now, and how they differ."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb
import pandas as pd

from beha2vec_core.activation.config import build, find_destination, load_destinations
from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.activation.ledger import Sent, read_ledger
from beha2vec_core.activation.ledger import sent as read_sent
from beha2vec_core.activation.plan import STEPS as PLAN_STEPS
from beha2vec_core.activation.plan import Plan, make_plan
from beha2vec_core.audiences import members as core
from beha2vec_core.audiences import names
from beha2vec_core.audiences.file import Audience, AudienceError
from beha2vec_core.audiences.rule import audience_table
from beha2vec_core.audiences.selection import Step, selection_sql, steps
from beha2vec_core.explorer.data import groups
from beha2vec_core.explorer.published import Published
from beha2vec_core.settings import Settings
from beha2vec_core.words import day as day_words

Audiences = tuple[Audience, ...]

# the steps of a selection, as `last_night` names them
STEPS = {
    "consent": "No consent", "exclude": "Excluded", "cap": "Above cap", "holdout": "Hold-out",
}  # fmt: skip
_CHANGES: dict[str, str] = {"enter": "to add", "update": "to update", "leave": "to remove"}
_MOST_AUDIENCES = 1_000
_MOST_VALUES = 200


class Comparison(NamedTuple):
    """An audience beside all users, or beside another."""

    # of the audience; those it is compared with are in population_value. Empty where one of them has no users
    facts: pd.DataFrame
    users: int  # compared, of the audience: with a vector, and not in the other one
    others: int  # compared, of the other one
    both: int  # users in both
    without_vector: int  # members who are left out for that


def rules_of(audiences: Audiences) -> Audiences:
    """The audiences without what does not change their members, so that answers are remembered longer."""
    return tuple(Audience(name=one.name, rule=one.rule) for one in audiences)


def last_night(published: Published) -> pd.DataFrame:
    """A row an audience, on the last day that was written.

    Columns: event_date, audience, members, those of `STEPS` (members who are not contacted for that), contacted,
    entered, left.
    """
    left_out = ", ".join(f"count(*) filter (is_member and step = '{step}') as {step}" for step in STEPS)
    return published.query(
        f"""select event_date, audience, count(*) filter (is_member) as members, {left_out},
            count(*) filter (is_member and step is null) as contacted,
            count(*) filter (state = 'entered') as entered, count(*) filter (not is_member) as "left"
        from (select *, state <> 'left' as is_member from beha2vec.audience_members
            where event_date = (select max(event_date) from beha2vec.audience_members))
        group by all order by audience limit {_MOST_AUDIENCES}"""
    )


def problems(published: Published, audiences: Audiences) -> list[str]:
    """What is wrong with rules of the file, a sentence each."""
    with published.cursor() as cursor:
        return core.usable(cursor, audiences, strict=True)[1]


def preview(published: Published, audience: Audience, audiences: Audiences, secret: bytes) -> list[Step]:
    """How many users the rule selects now, and how many of them may be contacted, step by step.

    Raises:
        AudienceError: the rule cannot be used.
    """
    with published.cursor() as cursor:
        return steps(cursor, audience, selection_sql(audience, audience_table(cursor, audience, audiences), secret))


def overlaps(published: Published, audience: Audience, audiences: Audiences) -> pd.DataFrame:
    """The members of an audience in each other one: audience, users, both, share (of the members), share_of_other."""
    rows = []
    with _chosen(published, audience, audiences) as cursor:
        ((members,),) = cursor.execute("select count(*) from chosen").fetchall()
        for other in audiences:
            if other.name == audience.name:
                continue
            try:
                table = audience_table(cursor, other, audiences, strict=False)
            except AudienceError:  # `problems` names it
                continue
            ((users, both),) = cursor.execute(
                f"select count(*), count(*) filter (user_key in (from chosen)) from {table}"
            ).fetchall()
            rows.append((other.name, users, both, both / members if members else 0.0, both / users if users else 0.0))
    return pd.DataFrame(rows, columns=["audience", "users", "both", "share", "share_of_other"])


def beside(published: Published, audience: Audience, other: Audience | None, audiences: Audiences) -> Comparison:
    """The facts that distinguish an audience from all users or from another one; users in both are in neither group."""
    with _chosen(published, audience, audiences) as cursor:
        both, two = 0, groups.BESIDE_OTHERS
        if other is not None:
            table = audience_table(cursor, other, audiences, strict=False)
            cursor.execute(f"create temp table others as select user_key from {table}")
            ((both,),) = cursor.execute("select count(*) from chosen semi join others using (user_key)").fetchall()
            two = f"""from ({groups.BESIDE_OTHERS}) left join others using (user_key)
                where (cluster_key = {groups.FIRST}) <> (others.user_key is not null)"""
        ((without_vector,),) = cursor.execute(
            "select count(*) from chosen anti join beha2vec.user_clusters_current using (user_key)"
        ).fetchall()
        ((users, others),) = cursor.execute(
            f"select count(*) filter (cluster_key = {groups.FIRST}), count(*) filter (cluster_key = {groups.SECOND}) "
            f"from ({two})"
        ).fetchall()
        if not users or not others:
            return Comparison(pd.DataFrame(), users, others, both, without_vector)
        facts = groups.facts_of_groups(published, cursor, two)
    is_sample = max(users, others) > groups.MOST_COMPARED
    facts = groups.beside_second(facts) if other else groups.beside_all(published, facts, is_sample=is_sample)
    return Comparison(facts, users, others, both, without_vector)


def described(published: Published) -> dict[str, str]:
    """What rules can use, by name, with descriptions: columns, then functions with their arguments."""
    with published.cursor() as cursor:
        return names.described(cursor)


def column(published: Published, name: str) -> names.Column | None:
    """A column that rules can use."""
    with published.cursor() as cursor:
        return names.columns(cursor).get(name.lower())


def values(published: Published, name: str) -> list[str]:
    """The most frequent values of a column, at most 200."""
    with published.cursor() as cursor:
        one = names.columns(cursor)[name.lower()]
        rows = cursor.execute(
            f"""select ({one.source})::varchar as value from {names.joined({one.table})}
            where value is not null group by 1 order by count(*) desc, 1 limit {_MOST_VALUES}"""
        ).fetchall()
    return [str(value) for (value,) in rows]


def known(published: Published, function: str, argument: str, before: tuple[tuple[str, str], ...]) -> list[str] | None:
    """The values that an argument of a function can have; None: any.

    Args:
        before: the arguments before it, by name, as SQL.
    """
    one = names.FUNCTIONS[function]
    if argument not in one.known or not all(published.has(table) for table in one.tables):
        return None
    found = published.query(one.known_sql(argument, dict(before)))
    texts = [str(value) for value in found.iloc[:, 0].dropna()]
    return sorted(texts, key=lambda text: (int(text), "") if text.isdecimal() else (0, text))


def sent(published: Published, ledger: Path, changed: int) -> pd.DataFrame:
    """What was sent: a row a day, audience and destination, the newest first; it names nobody.

    Columns: day, audience, destination, members, left_out and sent (users by step and outcome, in words).

    Args:
        published: it is remembered as long as the publication.
        ledger: its file; it need not exist.
        changed: when, so that a later version is read again.

    Raises:
        ActivationError: the file is not a ledger.
    """
    of_sends: dict[tuple[date, str, str], list[Sent]] = {}
    for line in read_sent(ledger):
        of_sends.setdefault((line.day, line.audience, line.destination), []).append(line)
    rows = []
    for (day, audience, destination), lines in of_sends.items():
        members = sum(line.users for line in lines if line.step == "members")
        left_out = [
            f"{line.users:,} {PLAN_STEPS.get(line.step, line.step)}" for line in lines if line.outcome == "left_out"
        ]
        left_out += [f"{line.users:,} unchanged" for line in lines if line.outcome == "kept"]
        changes = [
            f"{line.users:,} {_CHANGES[line.step]}: {line.outcome.replace('_', ' ')}"
            for line in lines
            if line.step in _CHANGES
        ]
        words = ("; ".join(left_out), "; ".join(changes) or "nothing to send")
        rows.append((day, audience, destination, members, *words))
    return pd.DataFrame(rows, columns=["day", "audience", "destination", "members", "left_out", "sent"])


def present(settings: Settings, name: str) -> list[str]:
    """The destinations that have users of an audience, as far as is known.

    Raises:
        ActivationError: the file is not a ledger.
    """
    with read_ledger(settings.storage.ledger_path) as ledger:
        return [to for to, audience, _ in ledger.present() if audience == name]


def plan(published: Published, settings: Settings, audience: Audience, to: str) -> Plan:
    """What a send would do, by the published tables; nothing is sent or written, and no secret is read.

    Raises:
        ActivationError: it cannot be planned; the message has the remedy.
    """
    if settings.privacy.publish_identifiers != "plain":
        raise ActivationError(
            "with BEHA2VEC_PUBLISH_IDENTIFIERS other than plain, the published tables do not have the keys by which "
            f"the ledger knows users. For the plan: beha2vec activate {audience.name} --to {to}"
        )
    path = settings.activation.file
    config = find_destination(load_destinations(path), to, path)
    destination = build(config, settings, secret=lambda name: None)
    with read_ledger(settings.storage.ledger_path) as ledger, published.cursor() as cursor:
        return make_plan(cursor, audience, destination, ledger, settings)


def plan_rows(found: Plan) -> list[tuple[str, str, int]]:
    """A plan for a table: step, users left out, users."""
    users = found.members
    rows = [("members" + (f" on {day_words(found.day)}" if found.day else ""), "", users)]
    for step, left_out in found.left_out.items():
        users -= left_out
        rows.append((PLAN_STEPS[step], f"-{left_out:,}" if left_out else "", users))
    rows += [(f"not reachable: {reason}", "", number) for reason, number in found.reasons.items()]
    rows += [(words, "", sum(change.kind == kind for change in found.changes)) for kind, words in _CHANGES.items()]
    rows.append(("unchanged", "", found.unchanged))
    last = (
        ("have to leave, but cannot be addressed", "", len(found.stuck)),
        ("have left, or may still be there: no answer", "", len(found.unsure)),
    )
    return [*rows, *(row for row in last if row[2])]


@contextmanager
def _chosen(published: Published, audience: Audience, audiences: Audiences) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with a table ``chosen``: the user_key of the members by the rule."""
    with published.cursor() as cursor:
        table = audience_table(cursor, audience, audiences, strict=False)
        cursor.execute(f"create temp table chosen as select user_key from {table}")
        yield cursor
