"""V-SkNN: what comes in past sessions like the current one (Ludewig & Jannach 2018, arXiv:1803.09587).

As in the authors' code (`session-rec`, ``VMContextKNN`` at its defaults): the current session s = s_1 .. s_l is a
vector with weight p / l for the value at place p (its last place where it repeats); the likeness of a past session n is
the dot product with its set of values over the number of distinct values of s, asked of the 1,000 most recent sessions
that share a value with s; the 100 likest score their values with likeness times 1 / (steps back from the end of s to
the first value that n has). Values of s itself may come again. A session ends with 30 minutes without event.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import pandas as pd

from beha2vec_core.evaluation.floors.histories import ordered, page_views, sessions
from beha2vec_core.evaluation.floors.ranking import TARGETS, Ranking, Scores, by_popularity
from beha2vec_core.evaluation.methods import Target

NEIGHBOURS = 100
SAMPLE = 1000


@dataclass(frozen=True)
class SessionNeighbours:
    """Past sessions as sets of values, oldest first, and the sessions of each value."""

    past: list[frozenset[str]]
    having: dict[str, list[int]]

    def __call__(self, session: list[str]) -> Scores:
        """The scores of values after this session."""
        weight = {value: (place + 1) / len(session) for place, value in enumerate(session)}
        candidates = sorted({number for value in weight for number in self.having.get(value, ())})[-SAMPLE:]
        likeness = {
            number: sum(weight[value] for value in sorted(weight.keys() & self.past[number])) / len(weight)
            for number in candidates
        }
        # of equally like ones the more recent
        nearest = sorted(candidates, key=lambda number: (-likeness[number], -number))[:NEIGHBOURS]
        scores: defaultdict[str, float] = defaultdict(float)
        for number in nearest:
            steps = next(step for step, value in enumerate(reversed(session), 1) if value in self.past[number])
            for value in self.past[number]:
                scores[value] += likeness[number] / steps
        return scores


@dataclass(frozen=True)
class VSkNN:
    """The neighbours of each user's last session."""

    ranking: Ranking

    def rank_next(self, events: pd.DataFrame, target: Target, k: int) -> list[list[str]]:
        """The k best scored values, then the popular, for each user in sorted order."""
        rows = _rows(events, target)
        current = pd.Series(sessions(rows), index=rows.index)
        last = rows[current == current.groupby(rows["user_key"]).transform("max")]
        silent = events[~events["user_key"].isin(last["user_key"])]  # nothing to go by, but a place in the answer
        return self.ranking.rank_next(pd.concat([last, silent]), target, k)


def fit_v_sknn(events: pd.DataFrame, seed: int) -> VSkNN:
    """Remember the sessions."""
    scorers, popular = {}, {}
    for target in TARGETS:
        rows = _rows(events, target)
        by_session = rows.groupby(sessions(rows), sort=True)
        recent_last = by_session["event_timestamp"].max().sort_values(kind="stable").index
        values = by_session[target].agg(list)
        past = [frozenset(values[number]) for number in recent_last]
        having: defaultdict[str, list[int]] = defaultdict(list)
        for number, session in enumerate(past):
            for value in session:
                having[value].append(number)
        scorers[target] = SessionNeighbours(past, dict(having))
        popular[target] = by_popularity({str(number): session for number, session in values.items()})
    return VSkNN(Ranking(dict(scorers), popular))


def _rows(events: pd.DataFrame, target: Target) -> pd.DataFrame:
    return page_views(events) if target == "page" else ordered(events)
