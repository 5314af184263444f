"""Zero-shot by similarity: a page gets the label whose description, or nearest example, its text is closest to."""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beha2vec_core.pages.classifier import opinions
from beha2vec_core.pages.embedder import Embedder
from beha2vec_core.pages.labels import Label
from beha2vec_core.pages.text import page_text

# softens similarities (cosine, mostly 0 to 0.8 with MiniLM) to a confidence: a lead of 0.05 is odds of e
TEMPERATURE = 0.05
# article numbers and abbreviations resemble anything
_WORD = re.compile(r"[^\W\d_]{3}")


class EmbeddingClassifier:
    """Similarity of the page's words to each label's description and examples.

    Confidence is the softmax over the labels' best similarities at `TEMPERATURE`. No opinion on
    pages without any word of three letters, or less similar than ``min_similarity`` to every label.
    """

    name = "embedding"

    def __init__(self, embedder: Embedder, labels: Sequence[Label], *, min_similarity: float = 0.25) -> None:
        """Take the model and the labels of one kind (themes, or page types)."""
        self.embedder = embedder
        self.labels = labels
        self.min_similarity = min_similarity
        self.version = f"{embedder.version}/t{TEMPERATURE}/s{min_similarity}"

    def classify(self, pages: pd.DataFrame) -> pd.DataFrame:
        """See `Classifier.classify`."""
        columns = zip(pages["page_title"], pages["page_path"], pages["hostname"], strict=True)
        texts = [page_text(*page) for page in columns]
        similarity = self._similarity(texts)
        confidence = np.exp((similarity - similarity.max(axis=1, keepdims=True)) / TEMPERATURE)
        confidence /= confidence.sum(axis=1, keepdims=True)
        order = np.argsort(-similarity, axis=1, kind="stable")
        names: list[str | None] = [label.name for label in self.labels]
        labels: list[str | None] = []
        for row, text in enumerate(texts):
            sure = bool(_WORD.search(text)) and similarity[row, order[row, 0]] >= self.min_similarity
            labels.append(names[order[row, 0]] if sure else None)
        scores = [round(float(confidence[row, order[row, 0]]), 4) for row in range(len(texts))]
        runners_up = [names[order[row, 1]] if len(names) > 1 else None for row in range(len(texts))]
        return opinions(labels, scores, runners_up, pages.index)

    def _similarity(self, texts: list[str]) -> NDArray[np.float32]:
        """Best cosine of each text with any of a label's phrases, float32 [texts, labels]."""
        owner, phrases = self._phrases
        cosine = self.embedder.encode(texts) @ phrases.T
        return np.stack([cosine[:, owner == number].max(axis=1) for number in range(len(self.labels))], axis=1)

    @cached_property
    def _phrases(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """All labels' descriptions and examples: the label's number [phrases] and the vector [phrases, dim]."""
        phrases = [
            (n, phrase) for n, label in enumerate(self.labels) for phrase in (label.description, *label.examples)
        ]
        return np.array([number for number, _ in phrases]), self.embedder.encode_phrases(
            [phrase for _, phrase in phrases]
        )
