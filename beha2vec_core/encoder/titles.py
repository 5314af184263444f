"""The words of a page's title (and path) as a MiniLM vector: what a page is about, before it was seen in training."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from beha2vec_core.events.sequences import Sequences
from beha2vec_core.pages.embedder import Embedder
from beha2vec_core.pages.text import page_text

TITLE_COLUMN = "page_title"
TITLE_SIZE = 384  # of a MiniLM vector


def title_vectors(pages: Sequence[str], titles: Mapping[str, str], device: str) -> npt.NDArray[np.float32]:
    """The vectors [n, TITLE_SIZE] of length 1 of pages by their title, where there is one, and their path.

    Raises ModelUnavailable where MiniLM is not available; the message names the remedy.
    """
    parts = [page.split("://", 1)[-1].partition("/") for page in pages]
    texts = [
        page_text(titles.get(page, ""), f"/{path}", host) for page, (host, _, path) in zip(pages, parts, strict=True)
    ]
    return Embedder.find(device=device, progress=False).encode(texts)


def most_frequent_titles(sequences: Sequences) -> dict[str, str]:
    """The most frequent title of each page, the first in order of the text among equals; none without the column."""
    if TITLE_COLUMN not in sequences.text:
        return {}
    page, title = sequences.text["page"], sequences.text[TITLE_COLUMN]
    has_title = title.codes >= 0
    pairs = page.codes[has_title].astype(np.int64) * len(title.values) + title.codes[has_title]
    distinct, counts = np.unique(pairs, return_counts=True)
    found: dict[str, str] = {}
    for pair in distinct[np.argsort(-counts, kind="stable")].tolist():
        found.setdefault(page.values[pair // len(title.values)], title.values[pair % len(title.values)])
    return found
