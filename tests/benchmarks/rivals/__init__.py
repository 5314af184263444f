"""What the encoder is compared with beyond the floors: V-SkNN, Doc2Vec, the prototype, CoLES; and our own variants.

`METHODS` has all methods by name, floors and ours too, in the order of the table. Doc2Vec, the prototype and CoLES are
imported when they are fitted: a process that judges another method shows its own peak memory, without gensim and torch.
"""

from __future__ import annotations

import pandas as pd

from beha2vec_core.evaluation.floors import FLOORS
from beha2vec_core.evaluation.methods import Fitted
from tests.benchmarks.methods import TimedMethod
from tests.benchmarks.rivals.ours import ours, untrained
from tests.benchmarks.rivals.v_sknn import fit_v_sknn

__all__ = ["METHODS", "ours"]


def _doc2vec(events: pd.DataFrame, seed: int) -> Fitted:
    from tests.benchmarks.rivals import doc2vec

    return doc2vec.fit(events, seed)


def _untrained_prototype(events: pd.DataFrame, seed: int) -> Fitted:
    from tests.benchmarks.rivals import prototype

    return prototype.fit_untrained(events, seed)


def _prototype(events: pd.DataFrame, seed: int) -> Fitted:
    from tests.benchmarks.rivals import prototype

    return prototype.fit(events, seed)


def _coles(events: pd.DataFrame, seed: int) -> Fitted:
    from tests.benchmarks.rivals import coles

    return coles.fit(events, seed)


_PEERS = (
    TimedMethod("V-SkNN", "peer", fit_v_sknn, costly=True),
    TimedMethod("Doc2Vec", "peer", _doc2vec, epochs=20),
    TimedMethod("prototype, untrained", "peer", _untrained_prototype, costly=True, epochs=0),
    TimedMethod("prototype", "peer", _prototype, costly=True, epochs=5),
    TimedMethod("CoLES", "peer", _coles, costly=True, epochs=15),
)

_FLOORS = (TimedMethod(one.name, one.group, one.fit) for one in FLOORS)
METHODS = {method.name: method for method in (*_FLOORS, *_PEERS, untrained(), *ours().values())}
