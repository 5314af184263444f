"""What speaks for a value at a moment: features, all of which a saved model finds again in its counts.

To add a context: its states in `moments.py`. To add a feature: an entry in `features`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from beha2vec_core.encoder.next_step.counts import Followers, Lists
from beha2vec_core.encoder.next_step.loglinear import Feature, FloatArray, Sparse
from beha2vec_core.encoder.next_step.moments import IntArray, Moments
from beha2vec_core.events.sequences import ragged_range


@dataclass(frozen=True)
class PageTree:
    """Where pages are: numbers of each page's path, of the path above it, and of its section, the first two levels."""

    page: IntArray
    parent: IntArray
    section: IntArray

    @classmethod
    def of(cls, pages: Sequence[str]) -> PageTree:
        """Read the paths: ``host/a/b`` is below ``host/a``."""
        paths = [tuple(part for part in page.split("?", 1)[0].split("/") if part) for page in pages]
        numbers: dict[tuple[str, ...], int] = {}

        def number(path: tuple[str, ...]) -> int:
            return numbers.setdefault(path, len(numbers))

        return cls(*(np.array([number(path[slice(end)]) for path in paths], dtype=np.int64) for end in (None, -1, 3)))

    @cached_property
    def _in_order(self) -> dict[str, tuple[IntArray, IntArray]]:
        """The pages in the order of their numbers, and these."""
        orders = {name: np.argsort(getattr(self, name), kind="stable") for name in ("page", "parent", "section")}
        return {name: (order, getattr(self, name)[order]) for name, order in orders.items()}

    def relations(self, pages: IntArray) -> dict[str, Lists]:
        """The pages below, above, beside and in the section of these; a page that is not known is alone."""

        def where(theirs: str, its: IntArray) -> Lists:
            values, numbers = self._in_order[theirs]
            number = np.append(its, -1)[np.minimum(pages, len(its))]
            first = np.searchsorted(numbers, number, side="left")
            last = np.searchsorted(numbers, number, side="right")
            return Lists(first, last - first, values, lambda places: np.ones(len(places)))

        return {
            "below": where("parent", self.page),
            "above": where("page", self.parent),
            "beside": where("parent", self.parent),
            "same section": where("section", self.section),
        }


def features(
    moments: Moments, followers: Mapping[str, Followers], popularity: FloatArray, tree: PageTree | None
) -> dict[str, Feature]:
    """The features by name, each over moments and values [n, size + 1]."""
    lists = of_states(moments, followers, popularity, tree)
    return {
        **of_values(popularity),
        **{name: listed.written_out() for name, listed in lists.items()},
        **of_history(moments, tree),
    }


def of_values(popularity: FloatArray) -> dict[str, FloatArray]:
    """What speaks for a value at any moment."""
    other = np.zeros(len(popularity))
    other[-1] = 1
    return {"popularity": np.log(popularity), "other": other}


def of_states(
    moments: Moments, followers: Mapping[str, Followers], popularity: FloatArray, tree: PageTree | None
) -> dict[str, Lists]:
    """What followed the states the moments are in, and the pages near the last one."""
    found = {f"after {name}": of.lift(moments.states[name], popularity) for name, of in followers.items()}
    return found | (tree.relations(moments.back(1)) if tree else {})


def of_history(moments: Moments, tree: PageTree | None) -> dict[str, Sparse]:
    """What speaks for the values the user has seen."""
    found = _own(moments)
    found |= {"is last": _only(moments, moments.back(1)), "is before last": _only(moments, moments.back(2))}
    if tree:
        found["is event's"] = _only(moments, moments.event_page)
    return found


def _own(moments: Moments) -> dict[str, Sparse]:
    """The values of the user's own history: that they came, and how often and how lately (sum of 1 / steps back)."""
    lengths = moments.ends - moments.starts
    places = ragged_range(moments.starts, lengths)
    rows = np.repeat(np.arange(len(moments)), lengths)
    cells, inverse = np.unique(rows * (moments.size + 1) + moments.values[places], return_inverse=True)
    lately = np.zeros(len(cells))
    np.add.at(lately, inverse, 1 / (moments.ends[rows] - places))
    rows, values = cells // (moments.size + 1), cells % (moments.size + 1)
    return {"came before": (rows, values, np.ones(len(rows))), "came lately": (rows, values, lately)}


def _only(moments: Moments, values: IntArray) -> Sparse:
    """1 for one known value a moment."""
    rows = np.flatnonzero(values < moments.size)
    return rows, values[rows], np.ones(len(rows))
