"""The encoder in use, judged on the team's own data: on the users it never learned from, beside cheap floors.

The tasks are the protocol's. Left out is what would fit the encoder again, since that would judge another one; the
horizon, since it has seen all dates; the planted personas, since there are none. Its vocabulary and its center were
made of all users, held-out ones too: they know that these exist, not what they do.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from beha2vec_core.encoder.card import gain
from beha2vec_core.encoder.encoder import BehaviorEncoder
from beha2vec_core.encoder.validation import is_held_out
from beha2vec_core.evaluation.data import INPUT_COLUMNS, TASK_COLUMNS, NoEventsError, from_connection
from beha2vec_core.evaluation.encoder import Vectors, behavior_of
from beha2vec_core.evaluation.floors import FLOORS
from beha2vec_core.evaluation.methods import Method
from beha2vec_core.evaluation.splits import Split, user_hash
from beha2vec_core.evaluation.statistics import Interval, Outcome, paired_bootstrap
from beha2vec_core.evaluation.tasks import (
    COMPARED,
    content,
    determinism,
    geometry,
    intent,
    next_step,
    retrieval,
    stability,
)
from beha2vec_core.evaluation.tasks.base import Task, Trial, run_tasks
from beha2vec_core.evaluation.tasks.inputs import fit
from beha2vec_core.progress import with_progress
from beha2vec_core.store.sample import in_sample, one_in_for
from beha2vec_core.store.tables import as_table

ENCODER, CHAMPION = "encoder", "champion"
# at most this many users are evaluated: the encoder is asked up to ten times about each
JUDGED_SHARE = 0.2
_READ_PER_CHOSEN = 4  # users whose keys are read at most, for each that is needed: half of them are enough, too
# a figure made of fewer says nothing
FEWEST = 10

# each with what it cannot do without, beside `FEWEST` users
TASKS: dict[Task, str] = {
    intent.TASK: "users of five page views, some of whom convert after them and some do not, on both sides",
    next_step.NEXT_PAGE: "users who view a page after another one, not always the same",
    next_step.NEXT_EVENT: "users with an event after another one, of different names",
    retrieval.TASK: "users of six page views or more",
    content.TASK: "users",
    stability.TASK: "users",
    geometry.TASK: "users",
    determinism.TASK: "users",
}
Key = tuple[str, str, str]  # method, task, metric
Figures = dict[Key, Outcome]
Gains = dict[Key, Interval]


@dataclass(frozen=True)
class Evaluation:
    """What came out: the rows of ``beha2vec.encoder_evaluation``, users judged and learned from, and notes.

    Rows hold each figure of the encoder (its behavior vector and what it says comes next), of ``encoder, identity``
    (its other vector), of the floors, and of the champion, the encoder in use, where that is another. Given for the
    encoder's compared metrics (see `COMPARED`): ``less_best_floor`` and ``less_champion``, each with its 95%
    interval.
    """

    rows: pa.Table
    judged: int
    learned_from: int
    data_until: datetime | None
    notes: list[str]


def read_own(connection: duckdb.DuckDBPyConnection, held_out: float, max_users: int) -> pd.DataFrame:
    """The events of the warehouse's users, or of as many, chosen by hash, where there are more (see `choose`).

    Of a large site the keys of a share of the users are read, enough to choose among.
    """
    viewers = "from ga4.ml_ga4__sequence_events where is_page_view"
    ((number,),) = connection.execute(f"select count(distinct user_key) {viewers}").fetchall()
    needed = max(max_users, JUDGED_SHARE * max_users / held_out if held_out else 0)
    share = in_sample("user_key", one_in_for(number, _READ_PER_CHOSEN * round(needed)))
    users = connection.execute(f"select distinct user_key {viewers} and {share}")
    chosen = choose([str(user) for (user,) in users.fetchall()], held_out, max_users)
    try:
        return from_connection(connection, users=chosen).events
    except NoEventsError:
        return pd.DataFrame(columns=[*INPUT_COLUMNS, *TASK_COLUMNS])


def choose(users: Collection[str], held_out: float, at_most: int) -> list[str]:
    """So many users at most, the same ones every time: held-out ones up to `JUDGED_SHARE` of them, then others."""
    drawn = sorted(users, key=lambda user: user_hash(user, "sample"))
    held = [user for user in drawn if is_held_out(user, held_out)][: round(JUDGED_SHARE * at_most)]
    others = [user for user in drawn if not is_held_out(user, held_out)]
    return held + others[: at_most - len(held)]


def evaluate(encoder: BehaviorEncoder, events: pd.DataFrame, champion: BehaviorEncoder | None = None) -> Evaluation:
    """Judge the encoder on its held-out users, and floors that learn from the others, as it did; and the one in use.

    The champion has not learned from these users either: they are held out by a hash of their key.

    Nothing is raised where users are too few: what cannot be judged has no rows, and a note says why.
    """
    split = held_out_split(events, encoder.train_config.held_out)
    judged, learned = (part["user_key"].nunique() for part in (split.judged, split.fit))
    figures: Figures = {}
    if min(judged, learned) < FEWEST:
        notes = [
            f"nothing is evaluated: of {judged + learned} users with page views {judged} are held out of training and "
            f"{learned} are not, and {FEWEST} of either are needed. Take more days or more users"
        ]
    else:
        in_use = _methods(champion, CHAMPION) if champion else ()
        methods = (*_methods(encoder, ENCODER), *in_use, *FLOORS)
        for method in with_progress(methods, title="evaluating", unit="method"):
            trial = Trial(split, fit(method, split.fit, split.repeat))
            outcomes = [outcome for outcome in run_tasks(trial, tuple(TASKS)) if outcome.n >= FEWEST]
            figures |= {(method.name, outcome.task, outcome.metric): outcome for outcome in outcomes}
        seen = {task for _, task, _ in figures}
        missing = {task.name: need for task, need in TASKS.items() if task.name not in seen}
        notes = [f"{name} is not evaluated: it needs {need}" for name, need in missing.items()]
    until = pd.Timestamp(events["event_timestamp"].max(), unit="us").to_pydatetime() if len(events) else None
    about = {
        "model_version": encoder.model_version,
        "data_until": until,
        "judged": judged,
        "evaluated_at": datetime.now(UTC).replace(tzinfo=None),
        "champion": champion.model_version if champion else None,
    }
    rows = as_table("beha2vec.encoder_evaluation", [row | about for row in _rows(figures)])
    return Evaluation(rows, judged, learned, until, notes)


def held_out_split(events: pd.DataFrame, share: float) -> Split:
    """Fit on the users that the encoder learned from, judge those it did not."""
    users = events["user_key"]
    held = users.map({user: is_held_out(user, share) for user in users.unique()}).astype(bool)
    return Split("held out", 0, events[~held], events[held])


def headline(rows: pa.Table) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The compared figures as a table, a row a method; what the encoder gains on the best floor stands below."""
    found = {(row["method"], row["task"], row["metric"]): row for row in rows.to_pylist()}
    methods = list(dict.fromkeys(method for method, _, _ in found))
    lines: list[tuple[Any, ...]] = []
    for method in methods:
        cells = [found.get((method, column.task, column.metric)) for column in COMPARED]
        if any(cells):
            lines.append((method, *(round(cell["value"], 3) if cell else None for cell in cells)))
    for method in methods:
        gains = [gain(found.get((method, column.task, column.metric))) for column in COMPARED]
        if any(gains):
            lines.append((f"{method}, less the best floor", *gains))
    return ["method", *(column.title for column in COMPARED)], lines


def over_versions() -> str:
    """A query of the encoders judged so far, in the order in which they were trained, with their compared figures."""
    figures = ", ".join(
        f"""round(max(value) filter (task = '{column.task}' and metric = '{column.metric}'), 3) as "{column.title}\""""
        for column in COMPARED
    )
    return f"""
        select model_version, trained_at, data_until, judged, {figures}
        from beha2vec.encoder_evaluation left join beha2vec.encoders using (model_version)
        where method = '{ENCODER}' group by model_version, trained_at, data_until, judged
        order by trained_at, model_version"""


def _methods(encoder: BehaviorEncoder, name: str) -> tuple[Method, ...]:
    """The encoder's two vectors; fitting is done."""
    behavior, identity = behavior_of(encoder), Vectors(encoder, "identity")
    return (
        Method(name, "ours", lambda events, seed: behavior),
        Method(f"{name}, identity", "ours", lambda events, seed: identity),
    )


def _rows(figures: Figures) -> list[dict[str, Any]]:
    on_floors, on_champion = _gains(figures)
    rows = []
    for key, outcome in figures.items():
        row = {"method": key[0]} | {name: getattr(outcome, name) for name in ("task", "metric", "value", "n")}
        if gain := on_floors.get(key):
            row |= {"less_best_floor": gain.difference, "low": gain.low, "high": gain.high}
        if gain := on_champion.get(key):
            row |= {"less_champion": gain.difference, "champion_low": gain.low, "champion_high": gain.high}
        rows.append(row)
    return rows


def _gains(figures: Figures) -> tuple[Gains, Gains]:
    """What the encoder's vectors gain in the compared columns: on the best floor, and on the champion's same vector."""
    on_floors, on_champion = Gains(), Gains()
    for _, task, metric in COMPARED:
        floors = [floor for method in FLOORS if (floor := figures.get((method.name, task, metric)))]
        best = max(floors, key=lambda floor: floor.value, default=None)
        for method in (ENCODER, f"{ENCODER}, identity"):
            champion = figures.get((method.replace(ENCODER, CHAMPION), task, metric))
            ours = figures.get((method, task, metric))
            for rival, gains in ((best, on_floors), (champion, on_champion)):
                if ours and rival:
                    gains[method, task, metric] = paired_bootstrap([ours], [rival])
    return on_floors, on_champion
