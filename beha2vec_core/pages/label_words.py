"""Labels by the words of their own name and description, as they are in addresses and titles of pages."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache

from beha2vec_core.pages.labels import Label

MIN_STEM = 4
# what words of these languages end with
_ENDINGS = re.compile(r"(s|es?|ies?|en?|n|er?|r|y|as?|i|os?|x|ung(en)?)?\Z")
_NOT_WORD = re.compile(r"[\W_]+")
_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "œ": "oe", "æ": "ae", "ø": "o", "ł": "l"})
# words that say nothing about a label
STOP_WORDS = frozenset(
    word
    for line in (
        "a an and as at by can for from in is it of on or our the their to up what where which with you your page",
        "pages site der die das den dem des ein eine einen einer eines und oder im in zu zur zum von vom mit auf aus",
        "fuer nach seite le la les l un une des du de d et ou a au aux en sur pour par qui que son sa ses avec el los",
        "las una y o con por para il lo gli e di da del della het een van voor met os um uma do i w na z html php htm",
        "aspx durch ohne bei bis ueber unter sans sous chez dans entre into through about without sin sobre senza",
    )
    for word in line.split()
)


class LabelWords:
    """How much a word on a page speaks for each label.

    Args:
        words: the words of each label with their weights. A word of several labels counts less for each.
    """

    def __init__(self, words: Mapping[str, Mapping[str, float]]) -> None:
        labels_with = Counter(word for of_label in words.values() for word in of_label)
        self._words = {
            name: {word: weight / labels_with[word] ** 0.5 for word, weight in of_label.items()}
            for name, of_label in words.items()
        }
        self.labels_named = cache(self._labels_named)

    def in_texts(self, texts: list[tuple[str, float]]) -> dict[str, tuple[str, float]]:
        """For each label that texts name: the word that counts most, and how much; each text has a weight."""
        best: dict[str, tuple[str, float]] = {}
        for text, counts in texts:
            for token in fold(text).split():
                for name, weight in self.labels_named(token).items():
                    if counts * weight > best.get(name, ("", 0.0))[1]:
                        best[name] = (token, counts * weight)
        return best

    def _labels_named(self, token: str) -> dict[str, float]:
        named = {
            name: max((weight * alike(token, word) for word, weight in words.items()), default=0.0)
            for name, words in self._words.items()
        }
        return {name: weight for name, weight in named.items() if weight}


def own_version(labels: Sequence[Label]) -> str:
    """A hash of all that is read of labels here."""
    # words that a file does not have leave its hash as it was
    read = [(label.name, label.description, label.like, *filter(None, [label.words])) for label in labels]
    return hashlib.sha256(repr(read).encode()).hexdigest()[:8]


def fold(text: str) -> str:
    """Lower-case words without accents, separated by single spaces; German umlauts as two letters."""
    letters = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter)).lower()
    return _NOT_WORD.sub(" ", plain).strip()


def telling_words(text: str) -> list[str]:
    """The words of three and more letters that say something."""
    return [word for word in fold(text).split() if len(word) > 2 and word not in STOP_WORDS]


def alike(token: str, word: str) -> float:
    """Whether two words are the same but for their ending, 1 or 0.9, or one ends with the other, 0.7; else 0."""
    if token == word:
        return 1.0
    common = next((n for n, (a, b) in enumerate(zip(token, word, strict=False)) if a != b), min(len(token), len(word)))
    if common >= MIN_STEM and _ENDINGS.match(token, common) and _ENDINGS.match(word, common):
        return 0.9
    stem = word[: max(5, len(word) - 2)]
    if len(word) >= 5 and len(token) > len(word) + 2 and stem in token[2:]:
        return 0.7
    return 0.0
