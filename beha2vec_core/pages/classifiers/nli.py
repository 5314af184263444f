"""Zero-shot classification by an entailment model: does the page's text entail "This page is about shoes"?"""

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pandas as pd

from beha2vec_core.pages.classifiers.base import labels_version, opinions, records
from beha2vec_core.pages.labels import Label
from beha2vec_core.pages.text import described_page
from beha2vec_core.pages.weights import find_model, weights_sha256

DEFAULT_NLI_MODEL = "facebook/bart-large-mnli"
_BATCH = 32  # pairs of page and label
HYPOTHESES = {"theme": "This page is about {}.", "page_type": "This page is {}."}


class NliModel:
    """Any sequence-classification model trained on entailment, behind transformers' `zero-shot-classification`.

    Args:
        model: a folder, or a name as on the Hugging Face hub, of which the local cache is looked at first.
        device: ``cpu``, ``cuda``, ``mps``.

    Raises:
        ModelUnavailable: found nowhere, or without ``*.safetensors``.
    """

    def __init__(self, model: str = DEFAULT_NLI_MODEL, *, device: str = "cpu") -> None:
        """Hash the weights; they are read into memory with the first text."""
        self.folder = find_model(model)
        self.device = device
        self.version = f"{model}@{weights_sha256(self.folder)[:12]}"

    def scores(self, texts: list[str], phrases: list[str], hypothesis: str) -> list[dict[str, float]]:
        """For each text the probability of each phrase; those of one text sum to 1."""
        # texts of similar length share a batch
        order = sorted(range(len(texts)), key=lambda number: (len(texts[number]), texts[number]))
        answers = self._pipeline(
            [texts[number] for number in order],
            candidate_labels=phrases,
            hypothesis_template=hypothesis,
            batch_size=_BATCH,
        )
        by_text: dict[int, dict[str, float]] = {
            number: dict(zip(answer["labels"], answer["scores"], strict=True))
            for number, answer in zip(order, answers, strict=True)
        }
        return [by_text[number] for number in range(len(texts))]

    @cached_property
    def _pipeline(self) -> Any:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

        network = AutoModelForSequenceClassification.from_pretrained(
            self.folder, use_safetensors=True, local_files_only=True, trust_remote_code=False
        )
        tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)
        return pipeline("zero-shot-classification", model=network.eval(), tokenizer=tokenizer, device=self.device)


class NliClassifier:
    """The label, of one kind, whose description the page's text entails most. No opinion on pages without text."""

    name = "nli"

    def __init__(self, model: NliModel, labels: Sequence[Label], kind: str) -> None:
        self.model = model
        self.labels = labels
        self.hypothesis = HYPOTHESES[kind]
        self.version = f"{model.version}/{labels_version(labels)}"

    def classify(self, pages: pd.DataFrame) -> pd.DataFrame:
        """See `Classifier.classify`."""
        texts = [described_page(page) for page in records(pages)]
        distinct = sorted({text for text in texts if text})
        # a comma would part the phrases
        names = {label.description.replace(",", ";"): label.name for label in self.labels}
        scored = self.model.scores(distinct, list(names), self.hypothesis) if distinct else []
        ranked = {
            text: sorted(((-score, names[phrase]) for phrase, score in scores.items()))
            for text, scores in zip(distinct, scored, strict=True)
        }
        best = [ranked[text][0] if text else None for text in texts]
        return opinions(
            [top[1] if top else None for top in best],
            [round(-top[0], 4) if top else 0.0 for top in best],
            [ranked[text][1][1] if text and len(ranked[text]) > 1 else None for text in texts],
            pages.index,
        )
