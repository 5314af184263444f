"""The label of the first rule that matches."""

from typing import Any

import pandas as pd

from beha2vec_core.pages.classifiers.base import opinions, records
from beha2vec_core.pages.rules import Rule
from beha2vec_core.pages.text import path_segments, title_crumbs, title_parts


class RulesClassifier:
    """Asks the rules of one section in order; the runner-up is the next other label that matches."""

    name = "rules"

    def __init__(self, rules: tuple[Rule, ...], version: str) -> None:
        """Take the rules and their version."""
        self.rules = rules
        self.version = f"rules@{version}"

    def classify(self, pages: pd.DataFrame) -> pd.DataFrame:
        """See `Classifier.classify`."""
        answers = [self._ask(page) for page in records(pages)]
        return opinions([a[0] for a in answers], [a[1] for a in answers], [a[2] for a in answers], pages.index)

    def _ask(self, page: dict[str, Any]) -> tuple[str | None, float, str | None]:
        path, title, hostname = page["page_path"], page["page_title"], page["hostname"]
        segments = path_segments(path)
        texts = {
            "path": path,
            "segments": segments,
            "crumbs": "/".join([segments.rstrip("/"), *title_crumbs(title, hostname)]),
            "title": title,
            "title_parts": "/" + "/".join(title_parts(title, hostname)),
            "hostname": hostname,
            "shape": page["shape"],
            "page_type": page.get("page_type", ""),
        }
        matching = (rule for rule in self.rules if rule.matches(texts))
        first = next(matching, None)
        if first is None:
            return None, 0.0, None
        second = next((rule.label for rule in matching if rule.label != first.label), None)
        return first.label, first.confidence, second
