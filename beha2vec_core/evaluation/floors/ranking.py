"""What comes next, from counts alone: the popular, the user's own, what follows what.

Each model gives scores to values; whatever it leaves unsaid is filled with the popular. Equal scores lie in order of
popularity, then of the text.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice

import pandas as pd

from beha2vec_core.evaluation.floors.histories import histories
from beha2vec_core.evaluation.methods import Target

TARGETS: tuple[Target, ...] = ("page", "event_name")

Scores = Mapping[str, float]
# what came so far, oldest first -> score by value
Scorer = Callable[[list[str]], Scores]


@dataclass(frozen=True)
class Ranking:
    """A scorer for each target, with the order of popularity to fall back on."""

    scorers: dict[Target, Scorer]
    popular: dict[Target, list[str]]

    def rank_next(self, events: pd.DataFrame, target: Target, k: int) -> list[list[str]]:
        """The k best scored values, then the popular, for each user in sorted order."""
        popular, scorer = self.popular[target], self.scorers[target]
        rank = {value: place for place, value in enumerate(popular)}
        found = []
        for history in histories(events, target).values():
            scores = scorer(history)
            best = sorted(scores, key=lambda value: (-scores[value], rank.get(value, len(rank)), value))[:k]
            found.append(best + list(islice((value for value in popular if value not in best), k - len(best))))
        return found


def by_popularity(past: dict[str, list[str]]) -> list[str]:
    """All values, most frequent first."""
    counts = Counter(value for history in past.values() for value in history)
    return sorted(counts, key=lambda value: (-counts[value], value))


def own_history(history: list[str]) -> Scores:
    """The user's own values, each coming counting 1 / (steps back from the end): often and of late is best."""
    scores: defaultdict[str, float] = defaultdict(float)
    for steps, value in enumerate(reversed(history), 1):
        scores[value] += 1 / steps
    return scores


class Markov:
    """Shares of what followed the last ``order`` values, where anything did."""

    def __init__(self, past: dict[str, list[str]], order: int) -> None:
        """Count what followed each run of ``order`` values."""
        self.order = order
        followers: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for history in past.values():
            for end in range(order, len(history)):
                followers[tuple(history[end - order : end])][history[end]] += 1
        self.shares = {
            state: {value: count / counts.total() for value, count in counts.items()}
            for state, counts in followers.items()
        }

    def __call__(self, history: list[str]) -> Scores:
        """The shares after this history; none where its end was never followed."""
        return self.shares.get(tuple(history[-self.order :]), {}) if len(history) >= self.order else {}


def mix(*scorers: Scorer) -> Scorer:
    """The sum of the scorers' shares (scores made to add up to 1), each weighing the same: nothing is tuned."""

    def mixed(history: list[str]) -> Scores:
        total: defaultdict[str, float] = defaultdict(float)
        for scorer in scorers:
            scores = scorer(history)
            weight = sum(scores.values())
            for value, score in scores.items():
                total[value] += score / weight
        return total

    return mixed


def _fit(make: Callable[[dict[str, list[str]]], Scorer], events: pd.DataFrame, seed: int) -> Ranking:
    past = {target: histories(events, target) for target in TARGETS}
    return Ranking(
        {target: make(past[target]) for target in TARGETS}, {target: by_popularity(past[target]) for target in TARGETS}
    )


fit_popular = partial(_fit, lambda past: lambda history: {})  # no score: the popular come
fit_own_history = partial(_fit, lambda past: own_history)
fit_markov = partial(_fit, lambda past: Markov(past, 1))
# the last value, the last two, and the user's own, in equal shares
fit_markov_mix = partial(_fit, lambda past: mix(Markov(past, 1), Markov(past, 2), own_history))
