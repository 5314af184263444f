"""Counts of pages, and of the words of their paths: what a user saw, in no order.

Bag of pages: raw counts. Tf-idf: counts times log((1 + n) / (1 + users with the term)) + 1 (Spärck Jones 1972, smoothed
as scikit-learn does), rows not scaled to one length. The vocabulary holds the most widespread terms only; a user
without any has zeros.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.evaluation.floors.histories import histories

MAX_TERMS = 2000

TermsOfPage = Callable[[str], list[str]]


def page_only(page: str) -> list[str]:
    """The page as its only term."""
    return [page]


def page_and_words(page: str) -> list[str]:
    """The page, then the words of its path, each once.

    >>> page_and_words("shop.example.com/mens/mens+shirts.html?x=1")
    ['shop.example.com/mens/mens+shirts.html?x=1', 'word:html', 'word:mens', 'word:shirts']
    """
    path = page.split("://", 1)[-1].split("#", 1)[0].split("?", 1)[0].partition("/")[2]
    return [page, *sorted({f"word:{word}" for word in re.findall(r"[^\W_]+", path.lower())})]


@dataclass(frozen=True)
class Bag:
    """A fitted vocabulary with the weight of each term."""

    terms_of_page: TermsOfPage
    places: dict[str, int]
    weights: npt.NDArray[np.float64]

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Weighted counts [users, terms]."""
        seen = histories(events, "page")
        places_of = cache(lambda page: [self.places[term] for term in self.terms_of_page(page) if term in self.places])
        table = np.zeros((len(seen), len(self.places)))
        for row, pages in zip(table, seen.values(), strict=True):
            for page in pages:
                row[places_of(page)] += 1  # each of its terms once
        return (table * self.weights).astype(np.float32)


def fit_bag(events: pd.DataFrame, seed: int, *, terms_of_page: TermsOfPage = page_only, idf: bool = False) -> Bag:
    """Learn the vocabulary: terms by the number of users who saw them, equal ones in order of the text."""
    seen, terms_of = histories(events, "page"), cache(terms_of_page)
    users_with = Counter(
        term for pages in seen.values() for term in {term for page in pages for term in terms_of(page)}
    )
    terms = sorted(users_with, key=lambda term: (-users_with[term], term))[:MAX_TERMS]
    counts = np.array([users_with[term] for term in terms], dtype=np.float64)
    weights = np.log((1 + len(seen)) / (1 + counts)) + 1 if idf else np.ones(len(terms))
    return Bag(terms_of_page, {term: place for place, term in enumerate(terms)}, weights)


fit_tfidf = partial(fit_bag, idf=True)
fit_tfidf_words = partial(fit_bag, idf=True, terms_of_page=page_and_words)
