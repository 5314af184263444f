"""Pages: their labels (themes and page types) and the classifiers that give them.

Belongs here: label files (``labels``), rule files and packs (``rules``, ``rule_packs/``), overrides, what a classifier
sees (``prepare``, ``text``, ``site``), the classifiers (``classifiers/``), the cascade that asks them in turn, which
pages are asked about (``enrich``) and what is kept (``store``). Does not: how a page is normalised to its ``page_key``
(the dbt project does that).
"""

from beha2vec_core.pages.classifiers import DEFAULT_STEPS, Classifier, Models, StepConfig, parse_steps
from beha2vec_core.pages.enrich import Enrichment, classify_pages
from beha2vec_core.pages.labels import Label, Labels, load_labels
from beha2vec_core.pages.overrides import (
    OverrideFileError,
    Overrides,
    load_overrides,
    overrides_of,
    overrides_path,
    save_overrides,
)
from beha2vec_core.pages.rules import Rules, load_rules, parse_packs
from beha2vec_core.pages.store import PageStore, read_pages
from beha2vec_core.settings import Settings, SettingsError

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
    "overrides_of",
    "overrides_path",
    "parse_steps",
    "read_pages",
    "require_valid_settings",
    "save_overrides",
]


def require_valid_settings(settings: Settings) -> None:
    """Refuse settings of pages that only this package can judge; called when the graph is built, before any work.

    Raises:
        SettingsError: there is no such classifier or rule pack; the message names the variable and the remedy.
    """
    for variable, value, parse in (
        ("BEHA2VEC_PAGE_CLASSIFIERS", settings.pages.classifiers, parse_steps),
        ("BEHA2VEC_PAGE_RULE_PACKS", settings.pages.rule_packs, parse_packs),
    ):
        try:
            parse(value)
        except ValueError as error:
            raise SettingsError(f"{variable} (is {value!r}): {error}") from None
