"""Themes of one's own that a page's address or title names: `/wanderreisen/alpen` is of the theme `wandern`."""

from beha2vec_core.pages.label_words import LabelWords, own_version, telling_words
from beha2vec_core.pages.labels import Label

# raised when the code here gives the same page another answer
CODE_VERSION = 1
# what a word counts in the address and in the title, and that of a description beside that of a name
IN_ADDRESS, IN_TITLE, IN_DESCRIPTION = 1.0, 0.8, 0.7
# the least that must speak for a theme, and its lead over the next
MIN_WEIGHT, MIN_LEAD = 0.45, 0.15


class OwnThemes:
    """Finds themes by the words of their names and descriptions.

    Args:
        labels: the themes of the label file.
    """

    def __init__(self, labels: tuple[Label, ...]) -> None:
        """Take the words of each theme."""
        self.version = f"{own_version(labels)}.{CODE_VERSION}"
        self._words = LabelWords({
            label.name: dict.fromkeys(telling_words(label.description), IN_DESCRIPTION)
            | dict.fromkeys(telling_words(label.name), 1.0)
            for label in labels
        })  # fmt: skip

    def judge(self, page: dict[str, str]) -> tuple[str | None, float, str | None]:
        """Theme (None: no theme is named), confidence and runner-up of a page with ``segments`` and ``title_parts``."""
        texts = [(segment, IN_ADDRESS) for segment in page["segments"].split("/")]
        texts += [(part, IN_TITLE) for part in page["title_parts"].split("/")]
        named = self._words.in_texts(texts)
        order = sorted(named, key=lambda name: -named[name][1])
        if not order:
            return None, 0.0, None
        second = order[1] if len(order) > 1 else None
        weight = named[order[0]][1]
        lead = weight - (named[second][1] if second else 0.0)
        if weight < MIN_WEIGHT or lead < MIN_LEAD:
            return None, 0.0, None
        return order[0], round(0.6 + 0.35 * min(weight, 1.0), 4), second
