"""Sums and squares of what users have, by group: what comparisons of rates and totals are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np

from beha2vec_core.semantic.highlights.rows import Floats, Ints


@dataclass(frozen=True)
class Moments:
    """What groups of users have in some columns."""

    sums: Floats  # [group, column]
    users: Ints  # with more than 0 [group, column]
    products: Floats  # the sum of the products of two columns [group, column, column]

    @classmethod
    def of(cls, columns: Sequence[Floats]) -> Self:
        """Of all users together."""
        return cls.by_group(columns, np.zeros(len(columns[0]), dtype=np.int64), 1)

    @classmethod
    def by_group(cls, columns: Sequence[Floats], group: Ints, groups: int) -> Self:
        """Of the users of each group. ``group``: of each row of the columns; a user has one row in a group."""
        order = np.argsort(group.astype(np.int16), kind="stable")  # as a radix sort
        ends = np.cumsum(np.bincount(group, minlength=groups))[:-1]
        sums, users, products = [], [], []
        for rows in np.split(order, ends):
            part = np.empty((len(columns), len(rows)))
            for column, of_group in zip(columns, part, strict=True):
                np.take(column, rows, out=of_group, mode="clip")  # with another mode there is one more copy
            sums.append(part @ np.ones(len(rows)))
            users.append(np.count_nonzero(part > 0, axis=1))
            products.append(part @ part.T)
        return cls(np.array(sums), np.array(users), np.array(products))

    def squares(self, weights: Mapping[int, Floats | float]) -> Floats:
        """The sum of the squares of users' weighted sums [group]. ``weights``: of columns, each a number or [group]."""
        pairs = product(weights.items(), repeat=2)
        return np.asarray(sum(one * other * self.products[:, a, b] for (a, one), (b, other) in pairs))
