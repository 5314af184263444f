"""The rule file: ordered regular expressions over URL and title; the first that matches gives the label."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from beha2vec_core.pages.classifier import opinions
from beha2vec_core.pages.labels import Labels, extends_default, read_mapping
from beha2vec_core.pages.text import path_segments, title_crumbs

DEFAULT_RULES_PATH = Path(__file__).with_name("rules.yml")

# what a rule can look at, and which of a page's texts it sees
SUBJECTS = {
    "path": "the path as in page_key: decoded, lower-case",
    "segments": "the path with separators as single spaces and without file extension: /men s/t shirts",
    "crumbs": "the segments, then the parts of the title in the same form: /men s/t shirts/hero tee/apparel",
    "title": "the page title",
    "hostname": "the host name",
    "page_type": "theme rules only: the type decided before",
}
ERROR_PAGE_TYPE = "error"


class RuleFileError(ValueError):
    """A rule file that cannot be used; the message names the file, the entry and the remedy."""


@dataclass(frozen=True)
class Rule:
    """A label for the pages in which every subject matches at least one of its patterns."""

    label: str
    patterns: tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]
    confidence: float
    source: str

    def matches(self, texts: dict[str, str]) -> bool:
        """Whether a page with these texts (one a subject) is meant."""
        return all(any(pattern.search(texts[subject]) for pattern in patterns) for subject, patterns in self.patterns)


@dataclass(frozen=True)
class Rules:
    """The ordered rules of one site. ``version`` is a hash of the contents."""

    page_types: tuple[Rule, ...]
    themes: tuple[Rule, ...]
    version: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive the version, so that it can never disagree with the rules."""
        contents = [[_contents(rule) for rule in section] for section in (self.page_types, self.themes)]
        object.__setattr__(self, "version", hashlib.sha256(repr(contents).encode()).hexdigest()[:12])

    def for_labels(self, labels: Labels) -> "Rules":
        """The rules whose labels exist. Default rules for labels a user dropped are left out silently.

        Raises:
            RuleFileError: a user's own rule names a label that the label file does not have.
        """
        return Rules(
            _known(self.page_types, {label.name for label in labels.page_types}),
            _known(self.themes, {label.name for label in labels.themes}),
        )


class RulesClassifier:
    """Gives the label of the first rule that matches; of an error page only the URL counts."""

    name = "rules"

    def __init__(self, rules: tuple[Rule, ...], version: str) -> None:
        """Take one section of a rule file, in order, and the file's version."""
        self.rules = rules
        self.version = version

    def classify(self, pages: pd.DataFrame) -> pd.DataFrame:
        """See `Classifier.classify`; the runner-up is the next other label that matches."""
        types = pages["page_type"] if "page_type" in pages else [""] * len(pages)
        columns = zip(pages["page_path"], pages["page_title"], pages["hostname"], types, strict=True)
        answers = [self._ask(*page) for page in columns]
        return opinions([a[0] for a in answers], [a[1] for a in answers], [a[2] for a in answers], pages.index)

    def _ask(self, path: str, title: str, hostname: str, page_type: str) -> tuple[str | None, float, str | None]:
        if page_type == ERROR_PAGE_TYPE:  # its title is the server's, not the page's
            title = ""
        segments = path_segments(path)
        texts = {
            "path": path,
            "segments": segments,
            "crumbs": "/".join([segments.rstrip("/"), *title_crumbs(title, hostname)]),
            "title": title,
            "hostname": hostname,
            "page_type": page_type,
        }
        matching = (rule for rule in self.rules if rule.matches(texts))
        first = next(matching, None)
        if first is None:
            return None, 0.0, None
        second = next((rule.label for rule in matching if rule.label != first.label), None)
        return first.label, first.confidence, second


def load_rules(path: Path | str | None = None) -> Rules:
    """Read a rule file and compile its expressions; without a path the default rules.

    A user's file replaces the default file, unless it says ``extends: default``: then its rules are asked first.

    Raises:
        RuleFileError: the file is missing or an entry in it is wrong.
    """
    file = Path(path) if path is not None else DEFAULT_RULES_PATH
    contents = read_mapping(file, {"extends", "page_types", "themes"}, RuleFileError)
    page_types, themes = _section(contents, "page_types", file), _section(contents, "themes", file)
    if extends_default(contents, file, RuleFileError):
        base = load_rules()
        page_types, themes = page_types + base.page_types, themes + base.themes
    return Rules(page_types, themes)


def _section(contents: dict[str, Any], section: str, file: Path) -> tuple[Rule, ...]:
    entries = contents.get(section) or []
    if not isinstance(entries, list):
        raise RuleFileError(f"{file}: '{section}' must be a list of rules")
    subjects = set(SUBJECTS) - ({"page_type"} if section == "page_types" else set())
    return tuple(
        _rule(entry, subjects, f"{file}: {section}[{number}]") for number, entry in enumerate(entries, start=1)
    )


def _rule(entry: Any, subjects: set[str], where: str) -> Rule:
    if not isinstance(entry, dict) or not isinstance(entry.get("label"), str):
        raise RuleFileError(
            f"{where}: a rule is a mapping with a 'label' and at least one of {', '.join(sorted(subjects))}"
        )
    label = entry["label"]
    where = f"{where} ({label})"
    if unknown := {str(key) for key in entry} - subjects - {"label", "confidence"}:
        raise RuleFileError(
            f"{where}: unknown key {', '.join(sorted(unknown))}; allowed are {', '.join(sorted(subjects))}"
        )
    confidence = entry.get("confidence", 0.95)
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 < confidence <= 1:
        raise RuleFileError(f"{where}: 'confidence' must be a number above 0 and up to 1, not {confidence!r}")
    patterns = tuple(
        (subject, _compile(entry[subject], f"{where}.{subject}")) for subject in SUBJECTS if subject in entry
    )
    if not patterns:
        raise RuleFileError(f"{where}: says nothing to match; give at least one of {', '.join(sorted(subjects))}")
    return Rule(label, patterns, float(confidence), where)


def _compile(value: Any, where: str) -> tuple[re.Pattern[str], ...]:
    """The compiled expression, or list of expressions."""
    compiled = []
    for expression in value if isinstance(value, list) else [value]:
        if not isinstance(expression, str) or not expression:
            raise RuleFileError(f"{where}: {expression!r} is not a regular expression; write a text in single quotes")
        try:
            compiled.append(re.compile(expression, re.IGNORECASE))
        except re.error as problem:
            raise RuleFileError(
                f"{where}: the regular expression {expression!r} does not compile: {problem}"
            ) from problem
    if not compiled:
        raise RuleFileError(f"{where}: the list of regular expressions is empty")
    return tuple(compiled)


def _contents(rule: Rule) -> tuple[str, list[tuple[str, list[str]]], float]:
    patterns = [(subject, [pattern.pattern for pattern in patterns]) for subject, patterns in rule.patterns]
    return rule.label, patterns, rule.confidence


def _known(rules: tuple[Rule, ...], names: set[str]) -> tuple[Rule, ...]:
    for rule in rules:
        if rule.label not in names and not rule.source.startswith(str(DEFAULT_RULES_PATH)):
            raise RuleFileError(
                f"{rule.source}: the label file has no label {rule.label!r}; it has {', '.join(sorted(names))}"
            )
    return tuple(rule for rule in rules if rule.label in names)
