"""The cascade: rules first, then similarity, else `unknown`; only new or changed pages are asked about."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from beha2vec_core.pages.classifier import Classifier
from beha2vec_core.pages.embedder import DEFAULT_MODEL, Embedder, EmbedderUnavailable
from beha2vec_core.pages.embedding import EmbeddingClassifier
from beha2vec_core.pages.labels import UNKNOWN, Labels, load_labels
from beha2vec_core.pages.rules import ERROR_PAGE_TYPE, Rules, RulesClassifier, load_rules
from beha2vec_core.pages.text import clean_path, clean_title

logger = logging.getLogger(__name__)

NO_METHOD = "none"
INPUT_COLUMNS = ["page_key", "page_title", "page_path", "hostname", "page_views"]
OUTPUT_COLUMNS = [
    "page_key",
    "theme",
    "theme_confidence",
    "theme_method",
    "page_type",
    "page_type_confidence",
    "page_type_method",
    "classifier_version",
    "content_hash",
    "classified_at",
    "theme_runner_up",
    "page_type_runner_up",
]
# raised when the code here gives the same page another answer although labels, rules and weights are the same
_CODE_VERSION = 1


@dataclass(frozen=True)
class Thresholds:
    """From which confidence an answer of the similarity model is taken; below, the page is `unknown`."""

    theme: float = 0.35
    page_type: float = 0.5


@dataclass(frozen=True)
class Enrichment:
    """Enriched pages and how they came about.

    Attributes:
        pages: one row a distinct page_key, ordered by it, with `OUTPUT_COLUMNS`.
        classified: pages that were new or changed.
        reused: pages whose earlier row was kept.
        unknown_theme_share: share of page views on pages of unknown theme, 0 to 1.
        unknown_page_type_share: the same for the page type.
        embedding_available: whether the similarity model could be used.
        reason: which model, or why none.
    """

    pages: pd.DataFrame
    classified: int
    reused: int
    unknown_theme_share: float
    unknown_page_type_share: float
    embedding_available: bool
    reason: str


def classify_pages(
    pages: pd.DataFrame | pa.Table,
    *,
    known: pd.DataFrame | None = None,
    labels: Labels | None = None,
    rules: Rules | None = None,
    embedder: Embedder | str | None = DEFAULT_MODEL,
    thresholds: Thresholds | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> Enrichment:
    """Give every page a theme and a page type.

    Args:
        pages: columns `page_key`, `page_title`, `page_path`, `hostname`, `page_views`; a page_key may occur more than
            once (several properties): its most viewed title counts.
        known: rows of an earlier call; a page with the same `content_hash` keeps its row.
        labels: themes and page types; the default ones for shops, content sites and SaaS.
        rules: the default ones.
        embedder: a model, or the name of one; a name that is found nowhere leaves the rules alone, with a warning. None
            means rules only.
        thresholds: from which confidence the similarity is believed.
        device: where a model given by name runs: `cpu`, `cuda`, `mps`.
        progress: whether a model given by name shows a bar.

    Raises:
        ValueError: a column is missing.
        RuleFileError: a user's rule names a label that does not exist.
        TamperedWeights: the bundled model's weights are not the reviewed ones.
    """
    labels = labels or load_labels()
    rules = (rules or load_rules()).for_labels(labels)
    thresholds = thresholds or Thresholds()
    model, reason = _find(embedder, device, progress)

    by_rules = f"{rules.version}/c{_CODE_VERSION}"
    page_type_cascade: list[tuple[Classifier, float]] = [(RulesClassifier(rules.page_types, by_rules), 0.0)]
    theme_cascade: list[tuple[Classifier, float]] = [(RulesClassifier(rules.themes, by_rules), 0.0)]
    if model:
        page_type_cascade.append((EmbeddingClassifier(model, labels.page_types), thresholds.page_type))
        theme_cascade.append((EmbeddingClassifier(model, labels.themes), thresholds.theme))
    version = _version(labels, [*page_type_cascade, *theme_cascade])

    cleaned = _distinct_pages(pages)
    cleaned["content_hash"] = [
        _hash(key, title, version) for key, title in zip(cleaned["page_key"], cleaned["page_title"], strict=True)
    ]
    kept = _unchanged(known, cleaned)
    asked = cleaned[~cleaned["page_key"].isin(kept["page_key"])].reset_index(drop=True)
    fresh = _classify(asked, page_type_cascade, theme_cascade)
    fresh["classifier_version"] = version
    fresh["classified_at"] = pd.Timestamp(datetime.now(UTC)).tz_localize(None).as_unit("us")

    parts = [part[OUTPUT_COLUMNS] for part in (kept, fresh) if len(part)] or [fresh[OUTPUT_COLUMNS]]
    enriched = pd.concat(parts, ignore_index=True).sort_values("page_key", ignore_index=True)
    return Enrichment(
        pages=enriched,
        classified=len(fresh),
        reused=len(kept),
        unknown_theme_share=_unknown_share(enriched["theme"], cleaned["page_views"]),
        unknown_page_type_share=_unknown_share(enriched["page_type"], cleaned["page_views"]),
        embedding_available=model is not None,
        reason=reason,
    )


def cascade(pages: pd.DataFrame, classifiers: Sequence[tuple[Classifier, float]]) -> pd.DataFrame:
    """Ask classifiers in turn, each only about the pages that none before was sure of.

    Args:
        pages: as in `Classifier.classify`.
        classifiers: each with the confidence from which its label is taken.

    Returns:
        A frame with the index of ``pages``: ``label``, ``confidence``, ``method``, ``runner_up``. Where none was sure
        the label is ``unknown``, the method ``none``, and runner-up and confidence are the last best guess.
    """
    answer = pd.DataFrame(index=pages.index)
    answer["label"] = pd.Series(UNKNOWN, index=pages.index, dtype=object)
    answer["confidence"] = 0.0
    answer["method"] = pd.Series(NO_METHOD, index=pages.index, dtype=object)
    answer["runner_up"] = pd.Series([None] * len(pages), index=pages.index, dtype=object)
    for classifier, threshold in classifiers:
        open_pages = answer.index[answer["label"] == UNKNOWN]
        if open_pages.empty:
            break
        opinion = classifier.classify(pages.loc[open_pages])
        given = opinion["label"].notna()
        sure = opinion[given & (opinion["confidence"] >= threshold)]
        guess = opinion[given & (opinion["confidence"] < threshold)]
        answer.loc[guess.index, "confidence"] = guess["confidence"]
        answer.loc[guess.index, "runner_up"] = guess["label"]
        for column in ("label", "confidence", "runner_up"):
            answer.loc[sure.index, column] = sure[column]
        answer.loc[sure.index, "method"] = classifier.name
    return answer


def _classify(
    pages: pd.DataFrame,
    page_type_cascade: Sequence[tuple[Classifier, float]],
    theme_cascade: Sequence[tuple[Classifier, float]],
) -> pd.DataFrame:
    """Types first: some themes follow from them, and the title of an error page says nothing about its theme."""
    page_type = cascade(pages, page_type_cascade)
    typed = pages.assign(
        page_type=page_type["label"],
        page_title=pages["page_title"].where(page_type["label"] != ERROR_PAGE_TYPE, ""),
    )
    theme = cascade(typed, theme_cascade)
    columns = {"label": "", "confidence": "_confidence", "method": "_method", "runner_up": "_runner_up"}
    return pd.concat(
        [
            pages,
            theme.rename(columns={column: f"theme{suffix}" for column, suffix in columns.items()}),
            page_type.rename(columns={column: f"page_type{suffix}" for column, suffix in columns.items()}),
        ],
        axis=1,
    )


def _find(embedder: Embedder | str | None, device: str, progress: bool) -> tuple[Embedder | None, str]:
    if embedder is None:
        return None, "rules only, as asked"
    if isinstance(embedder, Embedder):
        return embedder, embedder.version
    try:
        model = Embedder.find(embedder, device=device, progress=progress)
    except EmbedderUnavailable as problem:
        logger.warning("pages are classified by rules only: %s", problem)
        return None, str(problem)
    return model, model.version


def _distinct_pages(pages: pd.DataFrame | pa.Table) -> pd.DataFrame:
    """One cleaned row a page_key, ordered by it: all texts are free of control characters and never null."""
    frame: pd.DataFrame = pages.to_pandas() if isinstance(pages, pa.Table) else pages
    if missing := [column for column in INPUT_COLUMNS if column not in frame]:
        raise ValueError(f"the pages lack the column {', '.join(missing)}; give the rows of dim_ga4__pages")
    screen = frame["page_key"].str.removeprefix("screen:")
    cleaned = pd.DataFrame(
        {
            "page_key": frame["page_key"].astype(object),
            "page_title": pd.Series(map(clean_title, frame["page_title"]), index=frame.index, dtype=object),
            # an app screen has a name in place of a path
            "page_path": pd.Series(map(clean_path, frame["page_path"].fillna(screen)), index=frame.index, dtype=object),
            "hostname": pd.Series(map(clean_title, frame["hostname"]), index=frame.index, dtype=object),
            "page_views": frame["page_views"].fillna(0).astype("int64"),
        }
    )
    views = cleaned.groupby("page_key")["page_views"].sum()
    order = cleaned.sort_values(["page_key", "page_views", "page_title"], ascending=[True, False, True])
    distinct = order.drop_duplicates("page_key").reset_index(drop=True)
    return distinct.assign(page_views=distinct["page_key"].map(views))


def _unchanged(known: pd.DataFrame | None, pages: pd.DataFrame) -> pd.DataFrame:
    """The known rows that still hold, with every output column."""
    if known is None or known.empty:
        return pd.DataFrame(columns=OUTPUT_COLUMNS)
    known = known.reindex(columns=OUTPUT_COLUMNS).drop_duplicates("page_key", keep="last")
    current = pd.MultiIndex.from_frame(pages[["page_key", "content_hash"]])
    return known[pd.MultiIndex.from_frame(known[["page_key", "content_hash"]]).isin(current)]


def _version(labels: Labels, cascade: Sequence[tuple[Classifier, float]]) -> str:
    """Readable method names and a hash of all that an answer depends on besides the page."""
    parts = [(classifier.name, classifier.version, threshold) for classifier, threshold in cascade]
    names = "+".join(dict.fromkeys(classifier.name for classifier, _ in cascade))
    return f"{names}-{hashlib.sha256(json.dumps([labels.version, parts]).encode()).hexdigest()[:12]}"


def _hash(page_key: str, title: str, version: str) -> str:
    return hashlib.sha256(json.dumps([page_key, title, version]).encode()).hexdigest()[:32]


def _unknown_share(labels: pd.Series, page_views: pd.Series) -> float:
    weights = page_views.to_numpy(dtype=np.float64)
    total = weights.sum()
    return float(weights[(labels == UNKNOWN).to_numpy()].sum() / total) if total else 0.0
