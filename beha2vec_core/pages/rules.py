"""Rule files: ordered regular expressions over a page's address, title and shape; the first that matches wins.

A *pack* is the rule file of one platform, ``rule_packs/<name>.yml``. Packs are asked in the order of `PACKS`, or as the
settings name them; a user's own file is asked before all of them.
"""

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from beha2vec_core.pages.labels import Labels, extended, read_mapping

PACKS_PATH = Path(__file__).with_name("rule_packs")
# errors first, since an error page answers any address; then the platforms, which know their own paths; then the rest
PACKS = ("errors", "merchandise_store", "shopify", "woocommerce", "magento", "wordpress", "languages", "generic")

# what a rule can look at, and which of a page's texts it sees
SUBJECTS = {
    "path": "the path as in page_key: decoded, lower-case",
    "segments": "the path with separators as single spaces and without file extension: /men s/t shirts",
    "crumbs": "the segments, then the parts of the title in the same form: /men s/t shirts/hero tee/apparel",
    "title": "the page title",
    "title_parts": "all parts of the title but the site's name, in the form of segments: /webhooks/docs",
    "hostname": "the host name",
    "shape": "what the site's structure says, see `site.page_shapes`: depth-2 leaf siblings-many slug-long shop",
    "events": "what people do there: usually:view_item (in most sessions), often:add_to_cart (in a quarter and more)",
    "page_type": "theme rules only: the type decided before",
}


class RuleFileError(ValueError):
    """A rule file that cannot be used; the message names the file, the entry and the remedy."""


@dataclass(frozen=True)
class Rule:
    """A label for the pages in which every subject matches at least one of its patterns."""

    label: str
    patterns: tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]
    confidence: float
    source: str
    pack: str | None = None

    def matches(self, texts: dict[str, str]) -> bool:
        """Whether a page with these texts (one a subject) is meant."""
        for subject, patterns in self.patterns:
            text = texts[subject]
            for pattern in patterns:
                if pattern.search(text):
                    break
            else:
                return False
        return True


@dataclass(frozen=True)
class Rules:
    """The ordered rules of one site. Each section's version is a hash of its contents."""

    page_types: tuple[Rule, ...]
    themes: tuple[Rule, ...]
    page_types_version: str = field(init=False)
    themes_version: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive the versions, so that they can never disagree with the rules."""
        object.__setattr__(self, "page_types_version", _version(self.page_types))
        object.__setattr__(self, "themes_version", _version(self.themes))

    def for_labels(self, labels: Labels) -> "Rules":
        """The rules whose labels exist. Default rules for labels a user dropped are left out silently.

        Raises:
            RuleFileError: a user's own rule names a label that the label file does not have.
        """
        return Rules(
            _known(self.page_types, {label.name for label in labels.page_types}),
            _known(self.themes, {label.name for label in labels.themes}),
        )


def load_rules(path: Path | str | None = None, packs: str = "all") -> Rules:
    """Read rule files and compile their expressions.

    Args:
        path: a user's own file. It replaces the packs, unless it says ``extends: default``: then its rules are asked
            before theirs.
        packs: which packs, in the order in which they are asked: ``all``, or names between commas.

    Raises:
        RuleFileError: a file is missing, an entry in it is wrong, or there is no such pack.
    """
    page_types: tuple[Rule, ...] = ()
    themes: tuple[Rule, ...] = ()
    extends = True
    if path is not None:
        contents = read_mapping(Path(path), {"extends", "page_types", "themes"}, RuleFileError)
        page_types, themes = _sections(contents, Path(path), pack=None)
        extends = extended(contents, Path(path), RuleFileError, ("default",)) is not None
    for pack in parse_packs(packs) if extends else ():
        file = PACKS_PATH / f"{pack}.yml"
        of_pack = _sections(read_mapping(file, {"page_types", "themes"}, RuleFileError), file, pack)
        page_types, themes = page_types + of_pack[0], themes + of_pack[1]
    return Rules(page_types, themes)


def parse_packs(text: str) -> tuple[str, ...]:
    """The packs named in a setting: ``all``, or names between commas.

    Raises:
        RuleFileError: there is no such pack.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip()) or ("all",)
    if wrong := [name for name in names if name not in PACKS and names != ("all",)]:
        raise RuleFileError(f"there is no rule pack {wrong[0]!r}; choose from all, {', '.join(PACKS)}")
    return PACKS if names == ("all",) else names


def _sections(contents: dict[str, Any], file: Path, pack: str | None) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    return _section(contents, "page_types", file, pack), _section(contents, "themes", file, pack)


def _section(contents: dict[str, Any], section: str, file: Path, pack: str | None) -> tuple[Rule, ...]:
    entries = contents.get(section) or []
    if not isinstance(entries, list):
        raise RuleFileError(f"{file}: '{section}' must be a list of rules")
    subjects = set(SUBJECTS) - ({"page_type"} if section == "page_types" else set())
    return tuple(
        _rule(entry, subjects, f"{file}: {section}[{number}]", pack) for number, entry in enumerate(entries, start=1)
    )


def _rule(entry: Any, subjects: set[str], where: str, pack: str | None) -> Rule:
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
    return Rule(label, patterns, float(confidence), where, pack)


def _compile(value: Any, where: str) -> tuple[re.Pattern[str], ...]:
    """The compiled expression, or list of expressions."""
    compiled = []
    for expression in value if isinstance(value, list) else [value]:
        if not isinstance(expression, str) or not expression:
            raise RuleFileError(f"{where}: {expression!r} is not a regular expression; write a text in single quotes")
        try:
            compiled.append(_pattern(expression))
        except re.error as problem:
            raise RuleFileError(
                f"{where}: the regular expression {expression!r} does not compile: {problem}"
            ) from problem
    if not compiled:
        raise RuleFileError(f"{where}: the list of regular expressions is empty")
    return tuple(compiled)


@lru_cache(maxsize=5000)  # of what Python itself keeps, other modules have pushed it out by the next run
def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)


def _version(rules: tuple[Rule, ...]) -> str:
    contents = [
        (rule.label, [(subject, [p.pattern for p in patterns]) for subject, patterns in rule.patterns], rule.confidence)
        for rule in rules
    ]
    return hashlib.sha256(repr(contents).encode()).hexdigest()[:12]


def _known(rules: tuple[Rule, ...], names: set[str]) -> tuple[Rule, ...]:
    for rule in rules:
        if rule.label not in names and rule.pack is None:
            raise RuleFileError(
                f"{rule.source}: the label file has no label {rule.label!r}; it has {', '.join(sorted(names))}"
            )
    return tuple(rule for rule in rules if rule.label in names)
