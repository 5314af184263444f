"""Zero-shot by similarity: a page gets the label whose description, or nearest example, its texts are closest to."""

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beha2vec_core.pages.classifiers.base import labels_version, opinions, records
from beha2vec_core.pages.labels import Label
from beha2vec_core.pages.site import SITE_KINDS
from beha2vec_core.pages.store import TextEncoder
from beha2vec_core.pages.text import page_text, section_text, title_words

# softens similarities (cosine, mostly 0 to 0.8 with MiniLM) to a confidence: a lead of 0.05 is odds of e
TEMPERATURE = 0.05
# what each text of a page counts, by kind; items say what a page shows, not what kind of page it is
WEIGHTS = {
    "theme": {"page": 1.0, "section": 0.5, "items": 0.5, "text": 0.5},
    "page_type": {"page": 1.0, "section": 0.3},
}
# of a page to the most similar label, or there is no opinion
MIN_SIMILARITY = 0.2
# a theme's lead, in cosine, for being likely on pages of the type, and on sites of the kind
TYPE_LEAD, SITE_LEAD = 0.08, 0.08
# a label's similarity is the mean of its nearest phrases
NEAREST = 2
# pages of a site that tell what is usual on it; of fewer than the second number, each would be compared with itself
SAMPLE, LEAST_SAMPLE = 300, 30
# how much likelier than by chance a theme of one's own must be
MIN_ODDS = 2.6
# article numbers and abbreviations resemble anything
_WORD = re.compile(r"[^\W\d_]{3}")


class EmbeddingClassifier:
    """Similarity of a page's texts to each label's description and examples.

    A page has up to four texts, each with its own vector: title and path words, the folders it is in, the items seen
    on it, its main text. A label's similarity to a text is that of its nearest phrase; to a page, the mean over the
    texts weighted by `WEIGHTS`. Confidence is the softmax over labels at `TEMPERATURE`. No opinion on pages without any
    word of three letters, or less similar than `MIN_SIMILARITY` to every label.

    Vectors are taken from the mean of the site's pages, and of the labels: every page of a shop for trips resembles
    `family trips`, and with some models every text resembles every other.

    Args:
        kind: ``theme`` or ``page_type``.
        site: all pages, of which `SAMPLE` tell what is usual; without them the labels do.
    """

    name = "embedding"

    def __init__(
        self, encoder: TextEncoder, labels: Sequence[Label], kind: str, *, site: pd.DataFrame | None = None
    ) -> None:
        self.encoder = encoder
        self.site = site
        self.labels = [label for label in labels if label.similarity]
        self.weights = WEIGHTS[kind]
        leads = f"l{TYPE_LEAD}+{SITE_LEAD}"
        self.version = f"{encoder.version}/{labels_version(labels)}/t{TEMPERATURE}/{leads}/s{MIN_SIMILARITY}/centered"

    def classify(self, pages: pd.DataFrame) -> pd.DataFrame:
        """See `Classifier.classify`."""
        similarity, readable = self.similarities(pages)
        confidence = np.exp((similarity - similarity.max(axis=1, keepdims=True)) / TEMPERATURE)
        confidence /= confidence.sum(axis=1, keepdims=True)
        order = np.argsort(-similarity, axis=1, kind="stable")
        names: list[str | None] = [label.name for label in self.labels]
        rows = range(len(pages))
        sure = [bool(readable[row]) and similarity[row, order[row, 0]] >= MIN_SIMILARITY for row in rows]
        return opinions(
            [names[order[row, 0]] if sure[row] else None for row in rows],
            [round(float(confidence[row, order[row, 0]]), 4) for row in rows],
            [names[order[row, 1]] if sure[row] and len(names) > 1 else None for row in rows],
            pages.index,
        )

    def similarities(self, pages: pd.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Weighted similarity of each page to each label, float32 [pages, labels]; and whether the page has words."""
        texts = [_texts(page) for page in records(pages)]
        wanted = sorted({text[name] for text in texts for name in self.weights if text.get(name)})
        vectors = self.encoder.encode(wanted) if wanted else np.zeros((0, 1), np.float32)
        place = {text: number for number, text in enumerate(wanted)}
        owner, phrases = self._phrases
        by_label = np.zeros((len(wanted), len(self.labels)), np.float32)
        if wanted:
            if len(self.labels) > 1:
                vectors, phrases = _centered(vectors, self._usual), _centered(phrases, phrases.mean(axis=0))
            cosine = vectors @ phrases.T
            by_label = np.stack([_nearest(cosine[:, owner == n]) for n in range(len(self.labels))], axis=1)
        total = np.zeros((len(texts), len(self.labels)), np.float32)
        weight = np.zeros((len(texts), 1), np.float32)
        for row, text in enumerate(texts):
            for name, counts in self.weights.items():
                if text.get(name):
                    total[row] += counts * by_label[place[text[name]]]
                    weight[row] += counts
        mean = (total / np.maximum(weight, 1e-9) + self._leads(pages)).astype(np.float32)
        return mean, weight[:, 0] > 0

    def _leads(self, pages: pd.DataFrame) -> NDArray[np.float32]:
        """How much each label is ahead for being likely on such pages, float32 [pages, labels]."""
        leads = np.zeros((len(pages), len(self.labels)), np.float32)
        if "page_type" not in pages:
            return leads
        for row, (page_type, shape) in enumerate(zip(pages["page_type"], pages["shape"], strict=True)):
            kinds = SITE_KINDS.intersection(shape.split())
            for column, label in enumerate(self.labels):
                leads[row, column] += TYPE_LEAD * (not label.found_on or page_type in label.found_on)
                leads[row, column] += SITE_LEAD * (not label.found_on or not kinds.isdisjoint(label.found_on))
        return leads

    @cached_property
    def _phrases(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """All labels' descriptions and examples: the label's number [phrases] and the vector [phrases, dim]."""
        phrases = [
            (n, phrase) for n, label in enumerate(self.labels) for phrase in (label.description, *label.examples)
        ]
        vectors = self.encoder.encode([phrase for _, phrase in phrases])
        return np.array([number for number, _ in phrases]), vectors

    @cached_property
    def _usual(self) -> NDArray[np.float32]:
        """The mean vector of the site's pages; of a site too small for one, that of the labels; float32 [dim]."""
        texts: set[str] = set()
        if self.site is not None:
            order = self.site["page_key"].map(lambda key: hashlib.sha256(key.encode()).hexdigest()).sort_values()
            texts = {_texts(page).get("page", "") for page in records(self.site.loc[order.index[:SAMPLE]])} - {""}
        vectors = self.encoder.encode(sorted(texts)) if len(texts) >= LEAST_SAMPLE else self._phrases[1]
        mean: NDArray[np.float32] = vectors.mean(axis=0)
        return mean


class SiteThemesClassifier(EmbeddingClassifier):
    """Similarity to themes of a team's own. The folders' words, which most pages share, do not count.

    Args:
        silent: page types whose pages have no theme that similarity could find, such as accounts.
    """

    def __init__(
        self, encoder: TextEncoder, labels: Sequence[Label], site: pd.DataFrame, silent: frozenset[str]
    ) -> None:
        super().__init__(encoder, labels, "theme", site=site)
        self.weights = {"page": 1.0, "items": 0.5, "text": 0.5}
        self.silent = silent
        self.version += f"/site{SAMPLE}/o{MIN_ODDS}/{'+'.join(sorted(silent))}"

    def similarities(self, pages: pd.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """See `EmbeddingClassifier.similarities`."""
        similarity, readable = super().similarities(pages)
        return similarity, readable & ~pages["page_type"].isin(self.silent).to_numpy()

    def classify(self, pages: pd.DataFrame) -> pd.DataFrame:
        """See `Classifier.classify`; no opinion where no label is much likelier than a guess."""
        answer = super().classify(pages)
        answer.loc[answer["confidence"] < min(MIN_ODDS / len(self.labels), 0.8), "label"] = None
        return answer


def _centered(vectors: NDArray[np.float32], center: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of length 1 from the center: whatever the model, those of unlike texts are at a cosine near 0."""
    away = vectors - center
    centered: NDArray[np.float32] = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    return centered


def _nearest(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the `NEAREST` highest similarities of each text, float32 [texts]; of one phrase just that."""
    count = min(NEAREST, cosine.shape[1])
    nearest: NDArray[np.float32] = np.sort(cosine, axis=1)[:, -count:].mean(axis=1)
    return nearest


def _texts(page: dict[str, Any]) -> dict[str, str]:
    """A page's texts by name; those without a word of three letters are left out."""
    texts = {
        "page": page_text(page["page_title"], page["page_path"], page["hostname"]),
        "section": section_text(page["page_path"]),
        "items": ", ".join(title_words(name) for name in (*page["item_categories"][:2], *page["item_names"][:3])),
        "text": title_words(" ".join(page["page_text"].split()[:48])),
    }
    return {name: text for name, text in texts.items() if _WORD.search(text)}
