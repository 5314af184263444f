"""From the names in the settings to the two cascades, one for themes and one for page types."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

from beha2vec_core.compute import Compute, LocalCompute
from beha2vec_core.compute.device import Device
from beha2vec_core.llm import LlmClient, LlmSettings
from beha2vec_core.pages.cascade import NO_METHOD, Cascade, Step
from beha2vec_core.pages.classifiers.base import Classifier
from beha2vec_core.pages.classifiers.embedding import EmbeddingClassifier, SiteThemesClassifier
from beha2vec_core.pages.classifiers.llm import LlmClassifier
from beha2vec_core.pages.classifiers.nli import DEFAULT_NLI_MODEL, NliClassifier, NliModel
from beha2vec_core.pages.classifiers.rules import (
    OwnThemesClassifier,
    OwnTypesClassifier,
    ThemesClassifier,
    TypesClassifier,
)
from beha2vec_core.pages.embedder import DEFAULT_MODEL, ComputedEmbedder, Embedder
from beha2vec_core.pages.labels import Label, Labels, bundled_page_types
from beha2vec_core.pages.own_themes import OwnThemes
from beha2vec_core.pages.own_types import OwnTypes
from beha2vec_core.pages.rules import Rules
from beha2vec_core.pages.store import CachedEmbedder, PageStore
from beha2vec_core.pages.weights import ModelUnavailable
from beha2vec_core.store.anonymous import MIN_USERS

logger = logging.getLogger(__name__)

# from which confidence a method's label is taken: (theme, page type)
DEFAULT_THRESHOLDS = {"rules": (0.7, 0.7), "embedding": (0.2, 0.5), "nli": (0.5, 0.5), "llm": (0.5, 0.5)}


@dataclass(frozen=True)
class StepConfig:
    """A classifier by name, and from which confidence its themes and types are believed."""

    name: str
    theme: float
    page_type: float


def parse_steps(text: str) -> tuple[StepConfig, ...]:
    """Read ``rules, embedding:0.35/0.5, llm``: names in order, each optionally with thresholds theme/type.

    Raises:
        ValueError: no such classifier, one named twice, or a threshold that is no number from 0 to 1.
    """
    steps: list[StepConfig] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, thresholds = (piece.strip() for piece in part.partition(":"))
        if name not in DEFAULT_THRESHOLDS:
            raise ValueError(f"there is no classifier {name!r}; choose from {', '.join(DEFAULT_THRESHOLDS)}")
        if name in (step.name for step in steps):
            raise ValueError(f"{name} is there twice; name each classifier once")
        steps.append(StepConfig(name, *(_thresholds(part, thresholds) if thresholds else DEFAULT_THRESHOLDS[name])))
    if not steps:
        raise ValueError(f"name at least one classifier of {', '.join(DEFAULT_THRESHOLDS)}")
    return tuple(steps)


DEFAULT_STEPS = parse_steps("rules, embedding")


@dataclass(frozen=True)
class Built:
    """The cascades, and what became of each classifier named."""

    cascades: dict[str, Cascade]
    methods: dict[str, str]
    missing: list[str]
    llm: LlmClient | None
    text_version: str | None

    @property
    def version(self) -> str:
        """Readable method names and a hash of all that answers depend on besides the pages."""
        parts = {kind: cascade.version_through(NO_METHOD, 0.0) for kind, cascade in self.cascades.items()}
        names = "+".join(self.cascades["theme"].names)
        return f"{names}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]}"

    def usage(self) -> dict[str, Any]:
        """Requests, tokens and problems of the language model; empty where none was asked."""
        return vars(self.llm.usage) if self.llm else {}

    def close(self) -> None:
        """Close connections."""
        if self.llm:
            self.llm.close()


@dataclass
class Models:
    """What the classifiers run on."""

    embedder: Embedder | str = DEFAULT_MODEL
    nli_model: NliModel | str = DEFAULT_NLI_MODEL
    llm: LlmSettings | None = None  # how to reach a language model; None: none is configured
    device: str = "cpu"  # ``cpu``, ``cuda``, ``mps``
    progress: bool = False
    compute: Compute | None = None  # where texts are embedded; None: in this process, on the device

    def cascades(
        self,
        steps: tuple[StepConfig, ...],
        labels: Labels,
        rules: Rules,
        store: PageStore | None = None,
        site: pd.DataFrame | None = None,
    ) -> Built:
        """The cascades of the classifiers that can be asked; the others are reported, with the remedy.

        Args:
            rules: all rules; those without a label are left out.
            site: all pages, as `prepare.prepare` gives them, to compare a page with.

        Raises:
            TamperedWeights: the bundled model's weights are not the reviewed ones.
        """
        makers: dict[str, Callable[[], Callable[[str, tuple[Label, ...]], Classifier]]] = {
            "rules": lambda: _rules_maker(rules, labels),
            "embedding": lambda: self._embedding_maker(store, labels, site),
            "nli": self._nli_maker,
            "llm": self._llm_maker,
        }
        kinds = {"theme": labels.themes, "page_type": labels.page_types}
        cascades: dict[str, list[Step]] = {kind: [] for kind in kinds}
        methods: dict[str, str] = {}
        missing = []
        client = None
        for config in steps:
            try:
                make = makers[config.name]()
            except ModelUnavailable as problem:
                logger.warning("pages are classified without %s: %s", config.name, problem)
                methods[config.name] = str(problem)
                missing.append(config.name)
                continue
            for kind, of_kind in kinds.items():
                classifier = make(kind, of_kind)
                least_users = MIN_USERS if isinstance(classifier, LlmClassifier) else 0
                cascades[kind].append(Step(classifier, getattr(config, kind), least_users))
                methods[config.name] = classifier.version
                client = classifier.client if isinstance(classifier, LlmClassifier) else client
        text_version = None if isinstance(self.embedder, str) or "embedding" not in methods else self.embedder.version
        return Built(
            {kind: Cascade(of_kind) for kind, of_kind in cascades.items()}, methods, missing, client, text_version
        )

    def _embedding_maker(
        self, store: PageStore | None, labels: Labels, site: pd.DataFrame | None
    ) -> Callable[[str, tuple[Label, ...]], Classifier]:
        if isinstance(self.embedder, str):  # found once in the life of this object
            self.embedder = Embedder.find(self.embedder, device=self.device, progress=self.progress)
        compute = self.compute or LocalCompute(cast(Device, self.device))
        cached = CachedEmbedder(ComputedEmbedder(self.embedder, compute), store)
        if not labels.own_themes:
            return lambda kind, of_kind: EmbeddingClassifier(cached, of_kind, kind)
        silent = OwnTypes(labels.page_types).functional()
        return lambda kind, of_kind: (
            SiteThemesClassifier(cached, of_kind, site, silent)
            if kind == "theme" and site is not None
            else EmbeddingClassifier(cached, of_kind, kind, site=site)
        )

    def _nli_maker(self) -> Callable[[str, tuple[Label, ...]], Classifier]:
        if isinstance(self.nli_model, str):
            self.nli_model = NliModel(self.nli_model, device=self.device)
        model = self.nli_model
        return lambda kind, labels: NliClassifier(model, labels, kind)

    def _llm_maker(self) -> Callable[[str, tuple[Label, ...]], Classifier]:
        if self.llm is None or not self.llm.is_configured:
            raise ModelUnavailable(
                "no endpoint is configured; set BEHA2VEC_LLM_BASE_URL, BEHA2VEC_LLM_API_KEY or both, "
                "or leave llm out of BEHA2VEC_PAGE_CLASSIFIERS"
            )
        client = LlmClient(self.llm)
        return lambda kind, labels: LlmClassifier(client, labels, kind)


def _rules_maker(rules: Rules, labels: Labels) -> Callable[[str, tuple[Label, ...]], Classifier]:
    known = rules.for_labels(labels)
    own = OwnTypes(labels.page_types)
    classifiers: dict[str, Classifier] = {
        "theme": ThemesClassifier(known.themes, known.themes_version),
        "page_type": TypesClassifier(known.page_types, known.page_types_version),
    }
    if labels.own_page_types:
        bundled = tuple(rule for rule in rules.page_types if rule.pack is not None)
        names = {label.name for label in labels.page_types}
        extends = names >= bundled_page_types()
        classifiers["page_type"] = OwnTypesClassifier(known.page_types, rules.page_types_version, bundled, own, extends)
    if labels.own_themes:
        classifiers["theme"] = OwnThemesClassifier(
            known.themes, known.themes_version, OwnThemes(labels), own.functional()
        )
    return lambda kind, _: classifiers[kind]


def _thresholds(part: str, text: str) -> tuple[float, float]:
    try:
        numbers = [float(number) for number in text.split("/")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(0 <= number <= 1 for number in numbers):
        raise ValueError(f"{part!r}: thresholds are one or two numbers from 0 to 1, such as embedding:0.35/0.5")
    return numbers[0], numbers[-1]
