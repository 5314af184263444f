"""The classifiers, one a file, and the cascade that is built from their names.

``rules``, ``embedding`` (similarity), ``nli`` (zero-shot classification by an entailment model), ``llm`` (any
OpenAI-compatible endpoint). Each gives the same form of answer (``base``).
"""

from beha2vec_core.pages.classifiers.base import Classifier
from beha2vec_core.pages.classifiers.build import DEFAULT_STEPS, Models, StepConfig, parse_steps

__all__ = ["DEFAULT_STEPS", "Classifier", "Models", "StepConfig", "parse_steps"]
