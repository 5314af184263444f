"""What every page classifier offers: the interface, and the form of its answer."""

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np
import pandas as pd

from beha2vec_core.pages.labels import Label

NO_ANSWER = np.nan


class Classifier(Protocol):
    """Gives one label (a theme, or a page type) to pages, or abstains.

    ``name`` goes to the ``*_method`` column, ``version`` (``*_model_version``) changes whenever the same page may get
    another answer: with the weights, with the labels, with the code.
    """

    name: str
    version: str

    def classify(self, pages: pd.DataFrame) -> pd.DataFrame:
        """Label pages.

        Args:
            pages: the columns of `enrich.prepare`: all text, cleaned, never null, and two columns of lists of text.
                ``page_type`` is there where it was decided before.

        Returns:
            A frame with the same index: ``label`` (null: no opinion), ``confidence`` in [0, 1], ``runner_up`` or null.
            A confidence of NaN means that there was no answer, and the page is asked about again next time.
        """
        ...


def records(pages: pd.DataFrame) -> list[dict[str, Any]]:
    """The pages as one mapping each."""
    return cast(list[dict[str, Any]], pages.to_dict("records"))


def opinions(
    labels: list[str | None], confidence: list[float], runner_up: list[str | None], index: pd.Index
) -> pd.DataFrame:
    """A classifier's answer from three lists of one length and the index of the pages asked about."""
    answer = pd.DataFrame(index=index)
    answer["label"] = pd.Series(labels, index=index, dtype=object)
    answer["confidence"] = pd.Series(confidence, index=index, dtype=float)
    answer["runner_up"] = pd.Series(runner_up, index=index, dtype=object)
    return answer


def labels_version(labels: Sequence[Label]) -> str:
    """A hash of all that a model reads of the labels."""
    contents = [
        (label.name, label.description, label.examples, sorted(label.found_on), label.similarity) for label in labels
    ]
    return hashlib.sha256(repr(contents).encode()).hexdigest()[:8]
