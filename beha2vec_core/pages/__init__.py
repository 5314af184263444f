"""Pages: their labels (themes and page types) and the classifiers that give them.

Belongs here: words of a URL, label and rule files, classifiers, the cascade that asks them in turn. Does not: how a
page is normalised to its ``page_key`` (the dbt project does that) and where the result is stored.
"""

from beha2vec_core.pages.cascade import Enrichment, Thresholds, classify_pages
from beha2vec_core.pages.classifier import Classifier
from beha2vec_core.pages.labels import Label, Labels, load_labels
from beha2vec_core.pages.rules import Rules, load_rules

__all__ = [
    "Classifier",
    "Enrichment",
    "Label",
    "Labels",
    "Rules",
    "Thresholds",
    "classify_pages",
    "load_labels",
    "load_rules",
]
