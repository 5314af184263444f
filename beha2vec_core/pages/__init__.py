"""Pages: their labels (themes and page types) and the classifiers that give them.

Belongs here: label files (``labels``), rule files and packs (``rules``, ``rule_packs/``), overrides, what a classifier
sees (``prepare``, ``text``, ``site``), the classifiers (``classifiers/``), the cascade that asks them in turn, which
pages are asked about (``enrich``) and what is kept (``store``). Does not: how a page is normalised to its ``page_key``
(the dbt project does that).
"""

from beha2vec_core.pages.classifiers import DEFAULT_STEPS, Classifier, Models, StepConfig, parse_steps
from beha2vec_core.pages.enrich import Enrichment, classify_pages
from beha2vec_core.pages.labels import Label, Labels, load_labels
from beha2vec_core.pages.overrides import OverrideFileError, Overrides, load_overrides, save_override
from beha2vec_core.pages.rules import Rules, load_rules, parse_packs
from beha2vec_core.pages.store import PageStore

__all__ = [
    "DEFAULT_STEPS",
    "Classifier",
    "Enrichment",
    "Label",
    "Labels",
    "Models",
    "OverrideFileError",
    "Overrides",
    "PageStore",
    "Rules",
    "StepConfig",
    "classify_pages",
    "load_labels",
    "load_overrides",
    "load_rules",
    "parse_packs",
    "parse_steps",
    "save_override",
]
