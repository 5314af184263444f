"""Counts of pages, and of the words of their paths: what a user saw, in no order.

Bag of pages: raw counts. Tf-idf: counts times log((1 + n) / (1 + users with the term)) + 1 (Spärck Jones 1972, smoothed
as scikit-learn does), rows not scaled to one length. The vocabulary holds the most widespread terms only; a user
without any has zeros.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.evaluation.floors.histories import count_table, page_views, user_codes, users

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
        names = users(events)
        rows, terms = _occurrences(page_views(events), names, self.terms_of_page)
        columns = np.array([self.places.get(term, -1) for term in terms], dtype=np.int64)
        table = count_table(rows, columns, (len(names), len(self.places))) * self.weights
        return table.astype(np.float32)


def fit_bag(events: pd.DataFrame, seed: int, *, terms_of_page: TermsOfPage = page_only, idf: bool = False) -> Bag:
    """Learn the vocabulary: terms by the number of users who saw them, equal ones in order of the text."""
    views = page_views(events)
    names = users(events)
    rows, terms = _occurrences(views, names, terms_of_page)
    spread = pd.DataFrame({"user": rows, "term": terms}).drop_duplicates()["term"].value_counts()
    ranked = sorted(zip((-spread).tolist(), spread.index.tolist(), strict=True))[:MAX_TERMS]
    users_with = np.array([-count for count, _ in ranked], dtype=np.float64)
    weights = np.log((1 + len(names)) / (1 + users_with)) + 1 if idf else np.ones(len(ranked))
    return Bag(terms_of_page, {term: place for place, (_, term) in enumerate(ranked)}, weights)


fit_tfidf = partial(fit_bag, idf=True)
fit_tfidf_words = partial(fit_bag, idf=True, terms_of_page=page_and_words)


def _occurrences(
    views: pd.DataFrame, names: list[str], terms_of_page: TermsOfPage
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The user's place and the term of each occurrence."""
    by_page = {page: terms_of_page(page) for page in views["page"].unique()}
    found = [by_page[page] for page in views["page"].tolist()]
    rows = np.repeat(user_codes(views, names), [len(terms) for terms in found])
    return rows, [term for terms in found for term in terms]
