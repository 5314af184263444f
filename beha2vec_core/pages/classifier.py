"""What every page classifier offers: the interface, and the form of its answer."""

from typing import Protocol

import pandas as pd

OPINION_COLUMNS = ["label", "confidence", "runner_up"]


class Classifier(Protocol):
    """Gives one label (a theme, or a page type) to pages, or abstains.

    ``name`` goes to the ``*_method`` column, ``version`` changes whenever the same page may get another answer.
    """

    name: str
    version: str

    def classify(self, pages: pd.DataFrame) -> pd.DataFrame:
        """Label pages.

        Args:
            pages: columns ``page_key``, ``page_title``, ``page_path``, ``hostname`` (all text, cleaned, never null)
                and, where it was decided before, ``page_type``.

        Returns:
            A frame with the same index: ``label`` (null: no opinion), ``confidence`` in [0, 1], ``runner_up`` or null.
        """
        ...


def opinions(
    labels: list[str | None], confidence: list[float], runner_up: list[str | None], index: pd.Index
) -> pd.DataFrame:
    """A classifier's answer from three lists of one length and the index of the pages asked about."""
    answer = pd.DataFrame(index=index)
    answer["label"] = pd.Series(labels, index=index, dtype=object)
    answer["confidence"] = pd.Series(confidence, index=index, dtype=float)
    answer["runner_up"] = pd.Series(runner_up, index=index, dtype=object)
    return answer
