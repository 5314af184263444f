"""What is compared, one module a method (or a family). What belongs here: fitting and encoding. No judgement.

``METHODS`` holds them by name, in the order of the table. A module is imported when its method is fitted, so that
naming the methods loads neither torch nor gensim. A new method is a module with a fit, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pandas as pd

from beha2vec_core.evaluation.methods.base import Fitted, Group, Method
from beha2vec_core.evaluation.methods.ours import ours, untrained

__all__ = ["METHODS", "ours"]


def _late(name: str, group: Group, fit: str, about: str, *, costly: bool = False, epochs: int = 1) -> Method:
    """A method whose fit is ``module.function`` of this package."""
    module, _, function = fit.partition(".")

    def run(events: pd.DataFrame, seed: int) -> Fitted:
        found: Callable[[pd.DataFrame, int], Fitted] = getattr(import_module(f"{__name__}.{module}"), function)
        return found(events, seed)

    return Method(name, group, about, run, costly, epochs)


_FLOORS_AND_PEERS = (
    _late("length", "floor", "counts.fit_length", "The number of page views, nothing else."),
    _late("bag of pages", "floor", "bags.fit_bag", "How often each page was viewed."),
    _late("tf-idf of pages", "floor", "bags.fit_tfidf", "Page counts, rare pages weighing more."),
    _late("tf-idf of pages and words", "floor", "bags.fit_tfidf_words", "The same with the words of the paths."),
    _late("recency-frequency-monetary", "floor", "counts.fit_rfm", "Days since the last event, sessions, purchases."),
    _late("rich counts", "floor", "counts.fit_rich_counts", "Events, page types, themes, sections, sessions, times."),
    _late("popular", "floor", "ranking.fit_popular", "The most frequent values, the same for all."),
    _late("own history", "floor", "ranking.fit_own_history", "The user's own values, then the popular."),
    _late("Markov", "floor", "ranking.fit_markov", "What followed the last value, then the popular."),
    _late("Markov mix", "floor", "ranking.fit_markov_mix", "Markov of order 1 and 2 and own history, untuned."),
    _late("V-SkNN", "peer", "v_sknn.fit_v_sknn", "What came in past sessions like the current one.", costly=True),
    _late("Doc2Vec", "peer", "doc2vec.fit", "gensim's document vectors of pages and events.", epochs=20),
    _late(
        "prototype, untrained",
        "peer",
        "prototype.fit_untrained",
        "The published prototype untrained.",
        costly=True,
        epochs=0,
    ),
    _late(
        "prototype",
        "peer",
        "prototype.fit",
        "The published prototype's design, faults included.",
        costly=True,
        epochs=5,
    ),
    _late(
        "CoLES",
        "peer",
        "coles.fit",
        "Contrastive GRU of pytorch-lifestream, in its own environment.",
        costly=True,
        epochs=15,
    ),
)

METHODS: dict[str, Method] = {
    **{method.name: method for method in _FLOORS_AND_PEERS},
    **{method.name: method for method in (untrained(), *ours().values())},
}
