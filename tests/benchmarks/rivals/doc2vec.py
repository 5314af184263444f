"""Doc2Vec: a user is a document, its words the pages viewed and the names of other events (Le & Mikolov 2014,
arXiv:1405.4053; gensim's distributed bag of words).

One worker, so that the same seed gives the same vectors. Inference starts from a vector and draws of its own for each
user: gensim's start hangs on Python's ``hash``, which differs from process to process, and its draws go on from user to
user.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from gensim.models.doc2vec import Doc2Vec, TaggedDocument
from gensim.models.doc2vec_inner import train_document_dbow

from beha2vec_core.encoder.vocabulary import stable_hash
from beha2vec_core.evaluation.floors.histories import are_views, ordered

DIM = 64
EPOCHS = 20
RATES = (0.025, 0.0001)


@dataclass(frozen=True)
class Documents:
    """A fitted model."""

    model: Doc2Vec
    seed: int

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Inferred vectors; zero for a user without any known word."""
        return np.stack([self._infer(words) for words in _words(events)])

    def _infer(self, words: list[str]) -> npt.NDArray[np.float32]:
        known = [word for word in words if word in self.model.wv]
        if not known:
            return np.zeros(DIM, dtype=np.float32)
        start = np.random.default_rng(self.seed).random((1, DIM), dtype=np.float32)
        vector = (start - np.float32(0.5)) / np.float32(DIM)
        work, free = np.zeros(DIM, dtype=np.float32), np.ones(1, dtype=np.float32)
        self.model.random.seed(self.seed)
        for rate in np.linspace(*RATES, EPOCHS):
            train_document_dbow(
                self.model, known, [0], rate, work,
                learn_words=False, learn_hidden=False, doctag_vectors=vector, doctags_lockf=free,
            )  # fmt: skip
        found: npt.NDArray[np.float32] = vector[0]
        return found


def fit(events: pd.DataFrame, seed: int) -> Documents:
    """Learn words and documents."""
    documents = [TaggedDocument(words, [tag]) for tag, words in enumerate(_words(events))]
    model = Doc2Vec(
        documents, dm=0, vector_size=DIM, min_count=2, epochs=EPOCHS, alpha=RATES[0], min_alpha=RATES[1],
        seed=seed, workers=1, hashfxn=stable_hash,
    )  # fmt: skip
    return Documents(model, seed)


def _words(events: pd.DataFrame) -> list[list[str]]:
    """The words of each user in sorted order."""
    log = ordered(events)
    viewed = are_views(log) & log["page"].notna()
    log["word"] = log["page"].where(viewed, "event:" + log["event_name"])
    return log.groupby("user_key", sort=True)["word"].agg(list).tolist()
