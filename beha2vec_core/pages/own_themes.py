"""Themes of one's own that a page's address or title names: `/wanderreisen/alpen` is of the theme `wandern`."""

from beha2vec_core.pages.label_words import LabelWords, alike, own_version, telling_words
from beha2vec_core.pages.labels import Label, Labels

# raised when the code here gives the same page another answer
CODE_VERSION = 1
# what a word counts in the folders of an address, and elsewhere; and that of a description beside that of a name
IN_FOLDER, ELSEWHERE, IN_DESCRIPTION = 1.0, 0.8, 0.5
# the least that must speak for a theme, and its lead over the next
MIN_WEIGHT, MIN_LEAD = 0.3, 0.1


class OwnThemes:
    """Finds themes by the words of their names and descriptions, without those that page types have."""

    def __init__(self, labels: Labels) -> None:
        self.version = f"{own_version((*labels.themes, *labels.page_types))}.{CODE_VERSION}"
        # where a page type is `recipe`, recipes are no theme
        general = {word for label in labels.page_types for word in telling_words(f"{label.name} {label.description}")}
        self._words = LabelWords({label.name: _words_of(label, general) for label in labels.themes})

    def judge(self, page: dict[str, str]) -> tuple[str | None, float, str | None]:
        """Theme (None: no theme is named), confidence and runner-up of a page with ``segments`` and ``title_parts``."""
        *folders, last = page["segments"].strip("/").split("/")
        texts = [(folder, IN_FOLDER) for folder in folders]
        texts += [(part, ELSEWHERE) for part in (last, *page["title_parts"].split("/"))]
        named = self._words.in_texts(texts)
        order = sorted(named, key=lambda name: -named[name][1])
        if not order:
            return None, 0.0, None
        second = order[1] if len(order) > 1 else None
        weight = named[order[0]][1]
        lead = weight - (named[second][1] if second else 0.0)
        if weight < MIN_WEIGHT or lead < MIN_LEAD:
            return None, 0.0, None
        return order[0], round(0.4 + 0.55 * min(weight, 1.0), 4), second


def _words_of(label: Label, general: set[str]) -> dict[str, float]:
    described, named = (
        [word for word in telling_words(text) if not any(alike(word, other) for other in general)]
        for text in (label.description, " ".join((label.name, *label.words)))
    )
    named = named or telling_words(label.name)
    return dict.fromkeys(described, IN_DESCRIPTION) | dict.fromkeys(named, 1.0)
