"""The label file: the themes and page types a page can have, each with a description a model can read."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from beha2vec_core.pages.ontology import kinds

DEFAULT_LABELS_PATH = Path(__file__).with_name("labels.yml")
SETS_PATH = Path(__file__).with_name("label_sets")
# bundled labels that a file can extend: the default ones, and those of industries
SETS = (
    "default", "books_media", "finance", "jobs", "marketplace", "public_services", "real_estate", "saas_docs", "travel",
    "university", "common",
)  # fmt: skip
UNKNOWN = "unknown"
_KEYS = {"description", "examples", "found_on", "like", "similarity", "words"}


class LabelFileError(ValueError):
    """A label file that cannot be used; the message names the file, the entry and the remedy."""


@dataclass(frozen=True)
class Label:
    """One theme or page type."""

    name: str
    description: str  # what it means, in the words of such pages
    examples: tuple[str, ...] = ()  # texts (prototypes) of such pages
    # for themes, the page types and kinds of site where it is likely; empty: anywhere
    found_on: frozenset[str] = frozenset()
    similarity: bool = True  # whether similarity may give it
    # for page types, the kind of page that rules know: a key of ``ontology.yml``, ``article_list`` or ``category``;
    # None: found from name and description
    like: str | None = None
    words: tuple[str, ...] = ()  # other words for it in addresses and titles, in any language; models do not read them


@dataclass(frozen=True)
class Labels:
    """All labels of one site."""

    themes: tuple[Label, ...]
    page_types: tuple[Label, ...]

    @property
    def own_themes(self) -> bool:
        """Whether the themes replace the bundled ones, which have some for pages that every site has."""
        return "general" not in (label.name for label in self.themes)

    @property
    def own_page_types(self) -> bool:
        """Whether there are page types that are not among the bundled ones."""
        return not bundled_page_types().issuperset(label.name for label in self.page_types)


def load_labels(path: Path | str | None = None) -> Labels:
    """Read a label file; without a path the default one for shops, content sites and SaaS.

    A user's file replaces the default file, unless it says ``extends:`` with one of `SETS`: then its labels are added
    to those, and a label of the same name is replaced.

    Raises:
        LabelFileError: the file is missing or an entry in it is wrong.
    """
    file = Path(path) if path is not None else DEFAULT_LABELS_PATH
    sections = _sections(file)
    for name, section in sections.items():
        if not section:
            raise LabelFileError(f"{file}: '{name}' has no label; name at least one, or write 'extends: default'")
    return Labels(tuple(sections["themes"].values()), tuple(sections["page_types"].values()))


@cache
def bundled_page_types() -> frozenset[str]:
    """The names of the default page types."""
    return frozenset(label.name for label in load_labels().page_types)


# libyaml's, ten times as fast, where PyYAML was built with it
_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_mapping(file: Path, allowed: set[str], error: type[ValueError]) -> dict[str, Any]:
    """The mapping in a YAML file; ``error`` with the file's name when it is missing, broken or has unknown keys."""
    try:
        contents = yaml.load(file.read_text(encoding="utf-8"), _SAFE_LOADER)
    except (OSError, UnicodeDecodeError) as problem:
        raise error(f"{file}: cannot be read ({problem}); check the path in the settings") from problem
    except yaml.YAMLError as problem:
        raise error(f"{file}: is not valid YAML: {problem}") from problem
    if not isinstance(contents, dict):
        raise error(f"{file}: must be a mapping with the keys {', '.join(sorted(allowed))}")
    if unknown := {str(key) for key in contents} - allowed:
        raise error(f"{file}: unknown key {', '.join(sorted(unknown))}; allowed are {', '.join(sorted(allowed))}")
    return contents


def extended(contents: dict[str, Any], file: Path, error: type[ValueError], known: tuple[str, ...]) -> str | None:
    """The name of what the file builds on, one of ``known``; None: it stands by itself."""
    extends = contents.get("extends")
    if extends is not None and extends not in known:
        raise error(f"{file}: 'extends' can only be {' or '.join(map(repr, known))}, not {extends!r}")
    return extends


def _sections(file: Path) -> dict[str, dict[str, Label]]:
    """The labels of a file and of what it extends, by section and name."""
    contents = read_mapping(file, {"extends", "themes", "page_types"}, LabelFileError)
    own = {section: _section(contents, section, file) for section in ("themes", "page_types")}
    base = extended(contents, file, LabelFileError, SETS)
    if base is None:
        return own
    bundled = _sections(DEFAULT_LABELS_PATH if base == "default" else SETS_PATH / f"{base}.yml")
    return {section: bundled[section] | labels for section, labels in own.items()}


def _section(contents: dict[str, Any], section: str, file: Path) -> dict[str, Label]:
    entries = contents.get(section) or {}
    if not isinstance(entries, dict):
        raise LabelFileError(f"{file}: '{section}' must be a mapping of label name to description")
    labels = {str(name): _label(str(name), entry, f"{file}: {section}.{name}") for name, entry in entries.items()}
    known = (*kinds(), "article_list", "category") if section == "page_types" else ()
    for label in labels.values():
        if label.like is not None and label.like not in known:
            remedy = f"choose from {', '.join(known)}" if known else "only page types can have it"
            raise LabelFileError(f"{file}: {section}.{label.name}: 'like' is {label.like!r}; {remedy}")
    return labels


def _label(name: str, entry: Any, where: str) -> Label:
    if name == UNKNOWN:
        raise LabelFileError(f"{where}: '{UNKNOWN}' is what a page without a label is called; choose another name")
    if isinstance(entry, str):
        entry = {"description": entry}
    if not isinstance(entry, dict) or (unknown := set(entry) - _KEYS):
        what = f"unknown key {', '.join(map(str, unknown))}" if isinstance(entry, dict) else f"is {entry!r}"
        raise LabelFileError(f"{where}: {what}; write a description, or a mapping with 'description' and 'examples'")
    description = entry.get("description")
    if not isinstance(description, str) or not description.strip():
        raise LabelFileError(f"{where}: needs a 'description', a phrase that says what such pages are about")
    found_on = frozenset(_texts(entry, "found_on", where))
    similarity = entry.get("similarity", True)
    if not isinstance(similarity, bool):
        raise LabelFileError(f"{where}: 'similarity' must be true or false, not {similarity!r}")
    like = entry.get("like")
    return Label(
        name,
        description.strip(),
        _texts(entry, "examples", where),
        found_on,
        similarity,
        None if like is None else str(like),
        _texts(entry, "words", where),
    )


def _texts(entry: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    texts = entry.get(key) or []
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise LabelFileError(f"{where}: '{key}' must be a list of texts")
    return tuple(text.strip() for text in texts)
