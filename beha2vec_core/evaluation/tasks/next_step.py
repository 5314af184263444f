"""Next page and next event: what a user does next, by how much of them is known.

Population: judged users with two page views (events) or more; ten positions a user at most, drawn by hash. Target: the
page of the next page view, reloads included; or the name of the next instant's first event. Known: all events of
earlier instants. Metric: recall@10 and MRR@10, a mean over the user's positions, then over users, so that each user
counts once; over all positions, and by the number of page views (events) known.

Traps: `session_start` and its like carry the page of the page view of the same instant, and stand beside it in an order
that is the log's, not the user's: hence whatever happens at the target's instant is withheld, and events are asked for
once an instant; a few users with hundreds of page views, mostly of one page, would make the figure: hence ten positions
and a mean of users; own history and one step of memory (Markov) are strong floors, popularity is not; with ten event
names or so recall@10 is 1 for all users, so for events read the MRR. A log of one event name says nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.evaluation.data import inputs
from beha2vec_core.evaluation.methods import Target
from beha2vec_core.evaluation.splits import user_hash
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, Trial, user_mean
from beha2vec_core.events.sequences import ragged_range

K = 10
POSITIONS = 10
KNOWN = {"1": (1, 1), "2-4": (2, 4), "5-9": (5, 9), "10+": (10, np.inf)}


@dataclass(frozen=True)
class Positions:
    """The moments to be judged: each of another user, before anything that follows.

    ``events`` holds each history under the key ``user\\x1fposition``, which sorts as the users do; ``users``, ``known``
    (how many page views or events the history holds) and ``truth`` have an entry a moment, in the order of the keys.
    """

    events: pd.DataFrame
    users: npt.NDArray[np.object_]
    known: npt.NDArray[np.int64]
    truth: npt.NDArray[np.object_]


def positions(events: pd.DataFrame, target: Target) -> Positions:
    """The judged moments of all users."""
    events = events.reset_index(drop=True)
    rows = np.arange(len(events))
    start = rows - events.groupby("user_key").cumcount().to_numpy()
    end = rows - events.groupby(["user_key", "event_timestamp"]).cumcount().to_numpy()
    if target == "page":
        counted = np.r_[0, events["is_page_view"].to_numpy(dtype=int).cumsum()]
        wanted = (events["is_page_view"] & events["page"].notna()).to_numpy()
    else:
        counted = np.arange(len(events) + 1)
        wanted = end == rows
    known = counted[end] - counted[start]
    chosen = _drawn(events["user_key"], (rows - start), wanted & (known >= 1))
    start, end, known = start[chosen], end[chosen], known[chosen]
    users = events["user_key"].to_numpy(dtype=object)[chosen]
    keys = np.array([f"{user}\x1f{row:06d}" for user, row in zip(users, chosen - start, strict=True)], dtype=object)
    history = inputs(events).take(ragged_range(start, end - start)).reset_index(drop=True)
    return Positions(
        history.assign(user_key=np.repeat(keys, end - start)),
        users,
        known,
        events[target].to_numpy(dtype=object)[chosen],
    )


def _drawn(
    users: pd.Series, position: npt.NDArray[np.int64], candidate: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """The rows of at most `POSITIONS` candidates a user: those of the lowest hashes."""
    table = pd.DataFrame({"user": users, "position": position})[candidate]
    drawn = [user_hash(user, f"position {row}") for user, row in zip(table["user"], table["position"], strict=True)]
    place = table.assign(drawn=drawn).groupby("user")["drawn"].rank(method="first")
    return np.asarray(table.index[place <= POSITIONS], dtype=np.int64)


def reciprocal_ranks(ranked: list[list[str]], truth: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """1 / place of the truth among the first K, 0 where it is not there."""
    found = [best[:K].index(true) + 1 if true in best[:K] else np.inf for best, true in zip(ranked, truth, strict=True)]
    return 1 / np.array(found, dtype=float)


def _run(task: str, target: Target, trial: Trial) -> list[Outcome]:
    judged = positions(trial.split.judged, target)
    if len(set(judged.truth)) < 2:  # no users, or nothing to choose from
        return []
    ranked = trial.fitted.rank_next(judged.events, target, K)
    score = reciprocal_ranks(ranked, judged.truth)
    table = pd.DataFrame({"user": judged.users, "recall@10": score > 0, "mrr@10": score})
    outcomes = []
    for name, (low, high) in {"": (1, np.inf), **KNOWN}.items():
        means = table[(judged.known >= low) & (judged.known <= high)].groupby("user").mean()
        for metric in ("recall@10", "mrr@10"):
            if len(means):
                title = f"{metric}, {name} known" if name else metric
                outcomes.append(user_mean(task, title, means.index, means[metric]))
    return outcomes


def _task(name: str, target: Target) -> Task:
    run: Callable[[Trial], list[Outcome]] = partial(_run, name, target)
    return Task(name, "users", "rank_next", run)


NEXT_PAGE = _task("next page", "page")
NEXT_EVENT = _task("next event", "event_name")
