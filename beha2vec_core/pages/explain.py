"""Why a page has its theme and type: what each classifier says of it, and what speaks for the type."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import pyarrow as pa

from beha2vec_core.pages.cascade import Cascade
from beha2vec_core.pages.classifiers import Classifier, Models, StepConfig
from beha2vec_core.pages.enrich import ERROR_PAGE_TYPE, given_labels, said_by_rules
from beha2vec_core.pages.labels import UNKNOWN, Labels
from beha2vec_core.pages.overrides import Overrides
from beha2vec_core.pages.own_types import OwnTypes
from beha2vec_core.pages.prepare import prepare
from beha2vec_core.pages.rules import Rules
from beha2vec_core.pages.teach import page_forms, taught_types, voted_types

_TEXT = 200  # characters that are shown


def explain_page(
    page_key: str,
    pages: pd.DataFrame | pa.Table,
    *,
    labels: Labels,
    rules: Rules,
    overrides: Overrides,
    steps: tuple[StepConfig, ...],
    models: Models,
) -> list[str]:
    """Lines of text on one page, classified again with the arguments of `classify_pages`; nothing is stored.

    Raises:
        KeyError: there is no such page.
    """
    prepared = prepare(pages)
    given = given_labels(prepared, overrides)
    prepared["taught_page_type"] = taught_types(prepared, given["page_type"], labels)
    page = prepared[prepared["page_key"] == page_key]
    if page.empty:
        raise KeyError(page_key)
    built = models.cascades(steps, labels, rules, site=prepared)
    forms = page_forms(prepared)
    beside = prepared[forms == forms.loc[page.index[0]]]
    answers = said_by_rules(beside, built.cascades["page_type"], given["page_type"])
    votes = voted_types(forms.loc[beside.index], answers, OwnTypes(labels.page_types).anywhere())
    page = page.assign(voted_page_type=votes.reindex(page.index).fillna(""))
    lines = [f"title      {page['page_title'].iloc[0]}", f"place      {page['shape'].iloc[0]}"]
    lines += [f"events     {page['events'].iloc[0]}"] if page["events"].iloc[0] else []
    lines += [f"text       {page['page_text'].iloc[0][:_TEXT]}"] if page["page_text"].iloc[0] else []
    for kind in ("page_type", "theme"):
        cascade = built.cascades[kind].for_users(int(page["users"].iloc[0]))
        said = [_Said(step.classifier, step.classifier.classify(page)) for step in cascade.steps]
        asked = [replace(step, classifier=one) for step, one in zip(cascade.steps, said, strict=True)]
        answer = Cascade(asked).classify(page, given[kind].loc[page.index]).iloc[0]
        lines += ["", _answer(kind, answer, answer["method"])]
        for step, one in zip(cascade.steps, said, strict=True):
            opinion = _answer("", one.opinions.iloc[0], f"counts from {step.threshold}").strip()
            lines.append(f"  {step.classifier.name:10} {opinion}")
            if hasattr(step.classifier, "evidence"):
                lines += [f"             because {reason}" for reason in step.classifier.evidence(page)]
        if kind == "page_type":
            # the theme may follow from the type, and an error page's title says nothing about it
            page = page.assign(page_type=answer["label"])
            page = page.assign(page_title="") if answer["label"] == ERROR_PAGE_TYPE else page
        too_few = set(built.cascades[kind].names) - set(cascade.names)
        lines += [f"  {name:10} not asked: too few users saw this page" for name in sorted(too_few)]
    lines += [f"\n{name} could not be asked: {built.methods[name]}" for name in built.missing]
    built.close()
    return lines


class _Said:
    """A classifier that was asked already, so that no model is asked twice."""

    def __init__(self, classifier: Classifier, opinions: pd.DataFrame) -> None:
        self.name, self.version, self.opinions = classifier.name, classifier.version, opinions

    def classify(self, pages: pd.DataFrame) -> pd.DataFrame:
        return self.opinions.loc[pages.index]


def explain_mapping(labels: Labels) -> Iterator[str]:
    """What each page type is taken for, one a line; ``like:`` in the label file changes it."""
    for mapped in OwnTypes(labels.page_types).mapped.values():
        kind = mapped.like or "no kind that rules know"
        yield f"  {mapped.label:24} {kind:24} {mapped.role:7} (from its {mapped.why})"


def _answer(kind: str, answer: pd.Series, note: str) -> str:
    label = answer["label"] if isinstance(answer["label"], str) else UNKNOWN
    runner_up = f", then {answer['runner_up']}" if isinstance(answer["runner_up"], str) else ""
    return f"{kind.replace('_', ' '):10} {label} {answer['confidence']:.2f}{runner_up} ({note})"
