"""The cascade: classifiers asked in turn, each only about the pages that none before was sure of."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from beha2vec_core.pages.classifiers.base import Classifier
from beha2vec_core.pages.labels import UNKNOWN

NO_METHOD = "none"
OVERRIDE = "override"
# raised when the code here gives the same page another answer although all classifiers are the same
_CODE_VERSION = 1


@dataclass(frozen=True)
class Step:
    """A classifier, from which confidence its label is taken, and how many users a page needs to be shown to it."""

    classifier: Classifier
    threshold: float
    least_users: int = 0


class Cascade:
    """The steps for one kind of label, and versions of what its answers rest on.

    A label that a step is not sure of is a guess. When a later step gives the same label, both count: the confidence is
    1 - (1 - a)(1 - b). A later step with another label must be surer than the guess. A guess that no step overruled is
    taken in the end if it reaches the lowest threshold of all steps.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        self.names = tuple(step.classifier.name for step in steps)

    def for_users(self, users: int) -> "Cascade":
        """The same with the steps that are asked about a page of so many users."""
        return Cascade([step for step in self.steps if users >= step.least_users])

    def version_through(self, method: str, confidence: float) -> str | None:
        """A hash of all steps that an answer rests on; None where there is no such method.

        That is all steps up to the one that decided: a page that rules decided does not depend on the model after them.
        A guess that no step overruled rests on all steps.
        """
        if method == OVERRIDE:
            asked = 0
        elif method == NO_METHOD:
            asked = len(self.steps)
        elif method in self.names:
            place = self.names.index(method)
            asked = place + 1 if confidence >= self.steps[place].threshold else len(self.steps)
        else:
            return None
        parts = [(step.classifier.name, step.classifier.version, step.threshold) for step in self.steps[:asked]]
        return hashlib.sha256(json.dumps([_CODE_VERSION, parts]).encode()).hexdigest()[:16]

    def without(self, *names: str) -> "Cascade":
        """The same without some of its steps."""
        return Cascade([step for step in self.steps if step.classifier.name not in names])

    def only(self, name: str) -> "Cascade":
        """One of its steps alone, which is believed however unsure it is."""
        return Cascade([replace(step, threshold=0.0) for step in self.steps if step.classifier.name == name])

    def classify(self, pages: pd.DataFrame, overrides: pd.Series) -> pd.DataFrame:
        """Label pages.

        Args:
            overrides: the label given by people, with the index of ``pages``, null where there is none.

        Returns:
            A frame with the index of ``pages``: ``label``, ``confidence``, ``runner_up``, ``method``,
            ``model_version`` and ``answered``. Where none was sure the label is ``unknown``, the method ``none``, and
            runner-up and confidence are the best guess. ``answered`` is false where a classifier failed to answer.
        """
        answer = pd.DataFrame(index=pages.index)
        answer["label"] = overrides.astype(object).where(overrides.notna(), UNKNOWN)
        answer["confidence"] = overrides.notna().astype(float)
        answer["runner_up"] = pd.Series([None] * len(pages), index=pages.index, dtype=object)
        answer["method"] = pd.Series(NO_METHOD, index=pages.index, dtype=object).mask(overrides.notna(), OVERRIDE)
        answer["model_version"] = pd.Series("", index=pages.index, dtype=object)
        answer["answered"] = True
        for column in ("guess", "guess_method", "guess_version"):
            answer[column] = pd.Series([None] * len(pages), index=pages.index, dtype=object)
        for step in self.steps:
            open_pages = answer.index[(answer["label"] == UNKNOWN) & (pages["users"] >= step.least_users)]
            if open_pages.empty:
                continue
            self._ask(step, pages.loc[open_pages], answer)
        settled = min((step.threshold for step in self.steps), default=1.0)
        held = (answer["label"] == UNKNOWN) & answer["guess"].notna() & (answer["confidence"] >= settled)
        answer.loc[held, "label"] = answer["guess"]
        answer.loc[held, "method"] = answer["guess_method"]
        answer.loc[held, "model_version"] = answer["guess_version"]
        unsure = (answer["label"] == UNKNOWN) & answer["guess"].notna()
        answer.loc[unsure, "runner_up"] = answer["guess"]
        return answer

    @staticmethod
    def _ask(step: Step, pages: pd.DataFrame, answer: pd.DataFrame) -> None:
        """One step's opinions, written into ``answer``."""
        opinion = step.classifier.classify(pages)
        answer.loc[opinion.index[opinion["confidence"].isna()], "answered"] = False
        opinion = opinion[opinion["label"].notna() & opinion["confidence"].notna()]
        before = answer.loc[opinion.index]
        agreed = opinion["label"] == before["guess"]
        both = 1 - (1 - opinion["confidence"]) * (1 - before["confidence"])
        opinion = opinion.assign(confidence=opinion["confidence"].mask(agreed, both).round(4))
        surer = opinion["confidence"] > before["confidence"]
        sure = opinion[surer & (opinion["confidence"] >= step.threshold)]
        guess = opinion[surer & (opinion["confidence"] < step.threshold)]
        for column in ("label", "confidence", "runner_up"):
            answer.loc[sure.index, column] = sure[column]
        answer.loc[sure.index, "method"] = step.classifier.name
        answer.loc[sure.index, "model_version"] = step.classifier.version
        answer.loc[guess.index, "guess"] = guess["label"]
        answer.loc[guess.index, ["confidence", "runner_up"]] = guess[["confidence", "runner_up"]]
        answer.loc[guess.index, "guess_method"] = step.classifier.name
        answer.loc[guess.index, "guess_version"] = step.classifier.version
        # the label that lost is the runner-up
        lost = opinion[~surer & ~agreed]
        answer.loc[lost.index, "runner_up"] = lost["label"]
        beaten = sure[before.loc[sure.index, "guess"].notna() & ~agreed[sure.index]]
        answer.loc[beaten.index, "runner_up"] = before.loc[beaten.index, "guess"]
