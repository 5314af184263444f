"""The label of the first rule that matches; for labels of one's own, the label that the rule's kind of page maps to."""

from typing import Any

import pandas as pd

from beha2vec_core.pages.classifiers.base import opinions, records
from beha2vec_core.pages.own_themes import OwnThemes
from beha2vec_core.pages.own_types import ANYWHERE, OwnTypes, Verdict
from beha2vec_core.pages.rules import Rule
from beha2vec_core.pages.teach import VOTED
from beha2vec_core.pages.text import category_path, path_segments, title_crumbs, title_parts

Answer = tuple[str | None, float, str | None]
# what an override is worth for the pages beside it
TAUGHT = 0.85
# from which confidence of a rule nothing else is asked
_SURE = 0.7
# the confidence of a theme whose own name is there
_NAMED = 0.75
_NOTHING: Answer = (None, 0.0, None)


class RulesClassifier:
    """Asks the rules of one section in order; the runner-up is the next other label that matches.

    Args:
        rules: in their order; their labels exist.
    """

    name = "rules"

    def __init__(self, rules: tuple[Rule, ...], version: str) -> None:
        self.rules = rules
        self.version = f"rules@{version}"

    def classify(self, pages: pd.DataFrame) -> pd.DataFrame:
        """See `Classifier.classify`."""
        answers = [self.ask(page, rule_texts(page)) for page in records(pages)]
        return opinions([a[0] for a in answers], [a[1] for a in answers], [a[2] for a in answers], pages.index)

    def ask(self, page: dict[str, Any], texts: dict[str, str]) -> Answer:
        """Label, confidence and runner-up of one page."""
        matching = (rule for rule in self.rules if rule.matches(texts))
        first = next(matching, None)
        if first is None:
            return _NOTHING
        second = next((rule.label for rule in matching if rule.label != first.label), None)
        return first.label, first.confidence, second


class ThemesClassifier(RulesClassifier):
    """Rules for themes, of the page and of the category of its items; on a product's page the category is first."""

    def __init__(self, rules: tuple[Rule, ...], version: str) -> None:
        super().__init__(rules, f"{version}/categories")

    def ask(self, page: dict[str, Any], texts: dict[str, str]) -> Answer:
        """See `RulesClassifier.ask`."""
        ruled = super().ask(page, texts)
        category = category_path(page["item_categories"])
        if not category or (ruled[1] >= _SURE and page["page_type"] != "product"):
            return ruled
        of_category = dict.fromkeys(("path", "segments", "crumbs", "title_parts"), category) | {"title": ""}
        filed = super().ask(page, texts | of_category)
        return filed if filed[1] >= _SURE or filed[1] > ruled[1] else ruled


class TypesClassifier(RulesClassifier):
    """Rules for page types; where none is sure, what the pages of the same form in the same folder are."""

    def ask(self, page: dict[str, Any], texts: dict[str, str]) -> Answer:
        """See `RulesClassifier.ask`."""
        ruled = super().ask(page, texts)
        if ruled[1] < _SURE and page.get("voted_page_type"):
            return page["voted_page_type"], VOTED, ruled[0]
        return ruled

    def evidence(self, pages: pd.DataFrame) -> list[str]:
        """What speaks for the type of the first of the pages."""
        return _votes(records(pages)[0])


class OwnTypesClassifier(RulesClassifier):
    """Rules for page types where labels are a team's own: see `OwnTypes`.

    Args:
        rules: those whose labels exist; a user's own come before everything.
        bundled: all bundled rules, whatever their labels.
        own: the mapping of labels.
        extends: whether all bundled page types are there besides, so that their rules come first.
    """

    def __init__(
        self, rules: tuple[Rule, ...], version: str, bundled: tuple[Rule, ...], own: OwnTypes, extends: bool
    ) -> None:
        mine = tuple(rule for rule in rules if rule.pack is None)
        super().__init__(rules if extends else mine, f"{version}/{own.version}")
        self.bundled = RulesClassifier(bundled, version)
        self.own = own
        self.extends = extends

    def ask(self, page: dict[str, Any], texts: dict[str, str]) -> Answer:
        """See `RulesClassifier.ask`."""
        ruled = super().ask(page, texts)
        if ruled[1] >= _SURE:
            return ruled
        verdict = self._verdict(page, texts)
        if page.get("taught_page_type") and verdict.kind not in ANYWHERE and verdict.confidence < TAUGHT:
            return page["taught_page_type"], TAUGHT, verdict.label
        if page.get("voted_page_type") and verdict.kind not in ANYWHERE and verdict.confidence < VOTED:
            return page["voted_page_type"], VOTED, verdict.label
        if self.extends and verdict.label not in self.own.own_names:
            return ruled
        return verdict.label, verdict.confidence, verdict.runner_up

    def evidence(self, pages: pd.DataFrame) -> list[str]:
        """What speaks for the type of the first of the pages, and what its label is mapped to."""
        page = records(pages)[0]
        verdict = self._verdict(page, rule_texts(page))
        said = list(verdict.evidence)
        if verdict.label is not None:
            mapped = self.own.mapped[verdict.label]
            said.append(f"{verdict.label} is taken for {mapped.like or 'no kind'} (from its {mapped.why})")
        if page["taught_page_type"]:
            said.append(f"overrides of pages like it say {page['taught_page_type']}")
        return said + _votes(page)

    def _verdict(self, page: dict[str, Any], texts: dict[str, str]) -> Verdict:
        kind, sure, _ = self.bundled.ask(page, texts)
        return self.own.judge(texts, (kind, sure) if kind else None)


class OwnThemesClassifier(ThemesClassifier):
    """Rules for themes where labels are a team's own: then the themes that address or title name.

    Args:
        rules: those whose labels exist.
        own: the words of the themes.
        silent: page types whose pages have no theme, unless the theme's own name is there.
    """

    def __init__(self, rules: tuple[Rule, ...], version: str, own: OwnThemes, silent: frozenset[str]) -> None:
        super().__init__(rules, f"{version}/{own.version}/{'+'.join(sorted(silent))}")
        self.own = own
        self.silent = silent

    def ask(self, page: dict[str, Any], texts: dict[str, str]) -> Answer:
        """See `RulesClassifier.ask`."""
        ruled = super().ask(page, texts)
        if ruled[1] >= _SURE:
            return ruled
        named = self.own.judge(texts | {"segments": category_path(page["item_categories"]) + texts["segments"]})
        if page["page_type"] in self.silent and named[1] < _NAMED:
            return ruled
        return ruled if named[0] is None else named


def _votes(page: dict[str, Any]) -> list[str]:
    voted = page["voted_page_type"]
    return [f"pages like it, which are sure of their type, are {voted}"] if voted else []


def rule_texts(page: dict[str, Any]) -> dict[str, str]:
    """What rules see of a page (a row of `prepare.prepare`), by subject."""
    path, title, hostname = page["page_path"], page["page_title"], page["hostname"]
    segments = path_segments(path)
    return {
        "path": path,
        "segments": segments,
        "crumbs": "/".join([segments.rstrip("/"), *title_crumbs(title, hostname)]),
        "title": title,
        "title_parts": "/" + "/".join(title_parts(title, hostname)),
        "hostname": hostname,
        "shape": page["shape"],
        "events": page["events"],
        "page_type": page.get("page_type", ""),
    }
