"""Pages get a theme and a type: only new or changed ones are asked about, in chunks that are kept one by one."""

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from beha2vec_core.pages.cascade import Cascade
from beha2vec_core.pages.classifiers import DEFAULT_STEPS, Models, StepConfig
from beha2vec_core.pages.labels import UNKNOWN, Labels, load_labels
from beha2vec_core.pages.overrides import Overrides
from beha2vec_core.pages.own_types import OwnTypes
from beha2vec_core.pages.prepare import prepare
from beha2vec_core.pages.rules import Rule, Rules, load_rules
from beha2vec_core.pages.store import PageStore
from beha2vec_core.pages.teach import MIN_VOTERS, VOTER, page_forms, pages_to_review, taught_types, voted_types
from beha2vec_core.progress import ProgressBar

ERROR_PAGE_TYPE = "error"
KINDS = ("theme", "page_type")
MAX_REVIEWED = 20
# of `prepare`; all of it but the views, which change every day, and the events, of which only what rules see counts
SEEN_COLUMNS = ["page_key", "page_title", "shape", "item_names", "item_categories", "page_text"]
OUTPUT_COLUMNS = [
    "page_key", "theme", "theme_confidence", "theme_method", "page_type", "page_type_confidence",
    "page_type_method", "classifier_version", "content_hash", "classified_at", "theme_runner_up",
    "page_type_runner_up", "theme_model_version", "page_type_model_version", "theme_hash", "page_type_hash",
]  # fmt: skip


@dataclass(frozen=True)
class Enrichment:
    """Enriched pages and how they came about."""

    # one row a distinct page_key, ordered by it, with `OUTPUT_COLUMNS` and ``review_rank``, 1 for the page whose
    # override would settle most, null where none is needed
    pages: pd.DataFrame
    classified: int  # pages of which the theme, the type or both were asked about
    reused: int  # pages whose earlier row was kept
    classified_by_kind: dict[str, int]  # pages asked about, for ``theme`` and for ``page_type``
    unknown_theme_share: float  # share of page views on pages of unknown theme, 0 to 1
    unknown_page_type_share: float  # the same for the page type
    methods: dict[str, str]  # each classifier's version, or why it could not be asked
    missing: list[str]  # classifiers that could not be asked
    usage: dict[str, Any] = field(default_factory=dict)  # what the language model cost, where one was asked
    # pages of the override file that are not among the pages
    unknown_overrides: list[str] = field(default_factory=list)
    # what the classifiers say of each page that people labelled: ``page_key``, ``kind``, ``override``, ``said``
    overruled: pd.DataFrame = field(default_factory=pd.DataFrame)
    # the pages whose override would settle most, see `teach.pages_to_review`
    to_review: pd.DataFrame = field(default_factory=pd.DataFrame)
    text_version: str | None = None  # version of the vectors in use, None without similarity


def classify_pages(
    pages: pd.DataFrame | pa.Table,
    *,
    known: pd.DataFrame | None = None,
    labels: Labels | None = None,
    rules: Rules | None = None,
    overrides: Overrides | None = None,
    steps: tuple[StepConfig, ...] = DEFAULT_STEPS,
    models: Models | None = None,
    store: PageStore | None = None,
    chunk_size: int = 2000,
    progress: bool = True,
) -> Enrichment:
    """Give every page a theme and a page type.

    Args:
        pages: columns `page_key`, `page_title`, `page_path`, `hostname`, `page_views`, and optionally `item_names` and
            `item_categories` (lists of text, most viewed first), `usual_events` and `frequent_events` (names of events,
            see `dim_ga4__pages`), `page_text`, and `users` (who saw the page under its
            title; without it no page is sent to a language model). A page_key may occur more than once (several
            properties): its most viewed title counts.
        known: rows of an earlier call; by default those of the store. What did not change is kept.
        labels: themes and page types; the default ones for shops, content sites and SaaS.
        steps: which classifiers are asked, in order, and from which confidence each is believed.
        models: what the classifiers run on; one that is found nowhere is left out, with a warning.
        store: keeps every chunk as soon as it is classified, and vectors of texts.
        chunk_size: pages classified and kept together.

    Raises:
        ValueError: a column is missing.
        RuleFileError: a user's rule names a label that does not exist.
        TamperedWeights: the bundled model's weights are not the reviewed ones.
    """
    labels = labels or load_labels()
    rules = rules or load_rules()
    overrides = overrides or Overrides()
    models = models or Models()
    if known is None and store:
        known = store.known_rows()
    prepared = prepare(pages)
    prepared["theme_events"] = _seen_events(prepared["events"], rules.themes)
    prepared["page_type_events"] = _seen_events(prepared["events"], rules.page_types)
    given = given_labels(prepared, overrides)
    prepared["taught_page_type"] = taught_types(prepared, given["page_type"], labels)
    built = models.cascades(steps, labels, rules, store, prepared)
    rows = _known_rows(known, prepared["page_key"])
    anywhere = OwnTypes(labels.page_types).anywhere()
    prepared["voted_page_type"] = _voted(prepared, rows, built.cascades["page_type"], given["page_type"], anywhere)
    stale = {kind: _differs(kind, rows, prepared, built.cascades[kind], given[kind]) for kind in KINDS}
    asked = prepared.index[stale["theme"] | stale["page_type"]]
    by_kind = dict.fromkeys(KINDS, 0)
    shown = progress and len(asked) > chunk_size
    with closing(ProgressBar(title="classifying pages", unit="page", total=len(asked), shown=shown)) as bar:
        for start in range(0, len(asked), chunk_size):
            chunk = asked[start : start + chunk_size]
            fresh = rows.loc[chunk]
            for kind, number in _classify(prepared.loc[chunk], fresh, built.cascades, given).items():
                by_kind[kind] += number
            fresh["classifier_version"] = built.version
            fresh["classified_at"] = pd.Timestamp(datetime.now(UTC)).tz_localize(None).as_unit("us")
            rows.loc[chunk] = fresh
            if store:
                store.keep_rows(_typed(fresh))
            bar.update(len(chunk))
    overruled = _overruled(prepared, rows, built.cascades, given)
    built.close()
    enriched = _typed(rows)
    to_review = pages_to_review(prepared, rows, labels)
    ranks = pd.Series(range(1, len(to_review) + 1), index=to_review["page_key"], dtype="Int32")
    enriched["review_rank"] = enriched["page_key"].map(ranks).astype("Int32")
    return Enrichment(
        pages=enriched,
        classified=len(asked),
        reused=len(prepared) - len(asked),
        classified_by_kind=by_kind,
        unknown_theme_share=_unknown_share(enriched["theme"], prepared["page_views"]),
        unknown_page_type_share=_unknown_share(enriched["page_type"], prepared["page_views"]),
        methods=built.methods,
        missing=built.missing,
        usage=built.usage(),
        unknown_overrides=sorted(overrides.page_keys - set(prepared["page_key"])),
        overruled=overruled,
        to_review=to_review.head(MAX_REVIEWED),
        text_version=built.text_version,
    )


def given_labels(pages: pd.DataFrame, overrides: Overrides) -> dict[str, pd.Series]:
    """For each kind the labels given by people, with the index of ``pages``, null where there is none."""
    return {
        "theme": pages["page_key"].map(dict(overrides.themes)).astype(object),
        "page_type": pages["page_key"].map(dict(overrides.page_types)).astype(object),
    }


def _known_rows(known: pd.DataFrame | None, page_keys: pd.Series) -> pd.DataFrame:
    """The known row of every page, empty where there is none, with the index of ``page_keys``."""
    if known is None or known.empty:
        known = pd.DataFrame(columns=OUTPUT_COLUMNS)
    known = known.reindex(columns=OUTPUT_COLUMNS).drop_duplicates("page_key", keep="last").set_index("page_key")
    rows = known.reindex(page_keys).reset_index().astype(object)
    return rows.set_axis(page_keys.index)[OUTPUT_COLUMNS]


def _voted(
    pages: pd.DataFrame, rows: pd.DataFrame, cascade: Cascade, given: pd.Series, anywhere: frozenset[str]
) -> pd.Series:
    """What pages that are sure of their type say of others: as known, or by rules where that no longer holds.

    A known answer is that of rules where these come first and every page that may vote is settled by them.
    """
    is_known = any(step.classifier.name == "rules" and step.threshold <= VOTER for step in cascade.steps[:1])
    answers = rows[["page_type", "page_type_confidence", "page_type_method"]]
    forms = page_forms(pages)
    pages = pages.assign(voted_page_type=voted_types(forms, answers, anywhere))
    of_template = forms.map(forms.value_counts()) > MIN_VOTERS
    stale = pages[of_template & (_differs("page_type", rows, pages, cascade, given) | (not is_known))]
    answers = pd.concat([answers.drop(stale.index), said_by_rules(stale, cascade, given)]).reindex(pages.index)
    return voted_types(forms, answers, anywhere)


def said_by_rules(pages: pd.DataFrame, cascade: Cascade, given: pd.Series) -> pd.DataFrame:
    """The types that overrides, else rules, give each page by itself, however sure, in the columns of a known row."""
    said = cascade.only("rules").classify(pages.assign(voted_page_type=""), given.loc[pages.index])
    return said.rename(columns={"label": "page_type"} | {c: f"page_type_{c}" for c in ("confidence", "method")})[
        ["page_type", "page_type_confidence", "page_type_method"]
    ]


def _classify(
    pages: pd.DataFrame, rows: pd.DataFrame, cascades: dict[str, Cascade], given: dict[str, pd.Series]
) -> dict[str, int]:
    """Bring the rows of one chunk up to date; how many pages were asked about, by kind.

    Types first: some themes follow from them, and the title of an error page says nothing about its theme.
    """
    asked = {}
    for kind in ("page_type", "theme"):
        stale = pages[_differs(kind, rows, pages, cascades[kind], given[kind])]
        asked[kind] = len(stale)
        if stale.empty:
            continue
        seen = stale
        if kind == "theme":
            page_type = rows.loc[stale.index, "page_type"]
            title = stale["page_title"].where(page_type != ERROR_PAGE_TYPE, "")
            seen = stale.assign(page_type=page_type, page_title=title)
        answer = cascades[kind].classify(seen, given[kind].loc[stale.index])
        rows.loc[stale.index, kind] = answer["label"]
        for column in ("confidence", "runner_up", "method", "model_version"):
            rows.loc[stale.index, f"{kind}_{column}"] = answer[column]
        hashes = _hashes(kind, rows.loc[stale.index], stale, cascades[kind], given[kind])
        # a page that a classifier failed to answer for is asked about again
        rows.loc[stale.index, f"{kind}_hash"] = hashes.where(answer["answered"], "")
    rows["content_hash"] = [_digest([a, b]) for a, b in zip(rows["theme_hash"], rows["page_type_hash"], strict=True)]
    return asked


def _overruled(
    pages: pd.DataFrame, rows: pd.DataFrame, cascades: dict[str, Cascade], given: dict[str, pd.Series]
) -> pd.DataFrame:
    """What the classifiers, but no language model, say of the pages that people labelled; asked each time."""
    parts = [pd.DataFrame(columns=["page_key", "kind", "override", "said"], dtype=object)]
    for kind in KINDS:
        override = given[kind].dropna()
        if override.empty:
            continue
        # without what the overrides themselves teach
        labelled = pages.loc[override.index].assign(
            page_type=rows["page_type"], taught_page_type="", voted_page_type=""
        )
        said = cascades[kind].without("llm").classify(labelled, pd.Series(None, index=override.index, dtype=object))
        parts.append(
            pd.DataFrame({"page_key": labelled["page_key"], "kind": kind, "override": override, "said": said["label"]})
        )
    return pd.concat(parts, ignore_index=True)


def _differs(kind: str, rows: pd.DataFrame, pages: pd.DataFrame, cascade: Cascade, given: pd.Series) -> pd.Series:
    """Whether the known answer of each page no longer holds."""
    return rows[f"{kind}_hash"].fillna("") != _hashes(kind, rows, pages, cascade, given)


def _hashes(kind: str, rows: pd.DataFrame, pages: pd.DataFrame, cascade: Cascade, given: pd.Series) -> pd.Series:
    """A hash of all that each page's answer rests on: what was seen, and the steps up to the one that decided.

    ``never`` where the page has no answer yet, or one by a classifier that is no longer asked.
    """
    methods, confidence = rows[f"{kind}_method"], rows[f"{kind}_confidence"]
    # a theme may follow from the type, and a type from other pages
    from_other = rows["page_type"] if kind == "theme" else pages["taught_page_type"] + "/" + pages["voted_page_type"]

    @cache
    def version(users: int, method: str, confidence: float) -> str | None:
        return cascade.for_users(users).version_through(method, confidence)

    hashes = []
    columns = (pages[column] for column in [*SEEN_COLUMNS, f"{kind}_events"])
    # of users, only whether they are enough for each step counts
    limits = sorted({0, *(step.least_users for step in cascade.steps)})
    users = [max(limit for limit in limits if limit <= number) for number in pages["users"]]
    for *seen, label, method, sure, number in zip(
        *columns, from_other, given.loc[pages.index], methods, confidence, users, strict=True
    ):
        rests_on = version(number, method, float(sure)) if isinstance(method, str) else None
        override = None if pd.isna(label) else label
        hashes.append(_digest([*seen, override, rests_on]) if rests_on else "never")
    return pd.Series(hashes, index=pages.index, dtype=object)


def _seen_events(events: pd.Series, rules: tuple[Rule, ...]) -> pd.Series:
    """What rules see of the events of each page: which of their patterns match."""
    patterns = {
        pattern for rule in rules for subject, found in rule.patterns if subject == "events" for pattern in found
    }
    return events.map(cache(lambda text: sorted(pattern.pattern for pattern in patterns if pattern.search(text))))


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the types of the table."""
    typed = rows.reset_index(drop=True)
    for kind in KINDS:
        typed[f"{kind}_confidence"] = typed[f"{kind}_confidence"].astype(float)
    typed["classified_at"] = pd.to_datetime(typed["classified_at"]).astype("datetime64[us]")
    return typed


def _unknown_share(labels: pd.Series, page_views: pd.Series) -> float:
    weights = page_views.to_numpy(dtype=np.float64)
    total = weights.sum()
    return float(weights[(labels == UNKNOWN).to_numpy()].sum() / total) if total else 0.0
