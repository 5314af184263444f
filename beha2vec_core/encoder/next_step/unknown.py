"""Values that the vocabulary does not know, such as pages new since the fit: they come from the user's own history."""

from typing import NamedTuple

import numpy as np

from beha2vec_core.encoder.next_step.loglinear import FloatArray
from beha2vec_core.encoder.next_step.moments import IntArray, Target, is_counted, users_of
from beha2vec_core.encoder.vocabulary import Vocabulary
from beha2vec_core.events.sequences import Sequences


class Unknown(NamedTuple):
    """The unknown values of each user's history: user, code in the table's column, and share, all [m].

    A share is that of the sums of 1 / steps back. A user's shares add up to 1.
    """

    user: IntArray
    code: IntArray
    share: FloatArray


def unknown_values(sequences: Sequences, vocabulary: Vocabulary, target: Target) -> Unknown:
    """The unknown values that users have seen, each once."""
    text = sequences.text[target]
    counted = is_counted(sequences, target)
    is_unknown = np.append(vocabulary.ids(text.values) < vocabulary.first_known, False)  # code -1 is null
    rows = np.flatnonzero(counted & is_unknown[text.codes])
    user = users_of(sequences)[rows]
    before = np.append(0, np.cumsum(counted))
    steps = before[sequences.offsets[1:][user]] - before[rows]
    cells, inverse = np.unique(user * len(text.values) + text.codes[rows], return_inverse=True)
    weight = np.bincount(inverse, 1 / steps, minlength=len(cells))
    user, code = np.divmod(cells, len(text.values)) if len(cells) else (cells, cells)
    return Unknown(user, code, weight / np.bincount(user, weight, minlength=len(sequences))[user])


def share_seen_before(sequences: Sequences, target: Target) -> float:
    """How often an unknown value is one that the user has seen before, if they have seen unknown ones before.

    Counted as unknown are values that only one user has seen: to the fit without that user they would be.
    """
    text = sequences.text[target]
    rows = np.flatnonzero(is_counted(sequences, target) & (text.codes >= 0))
    user, code = users_of(sequences)[rows], text.codes[rows].astype(np.int64)
    cells, first = np.unique(user * len(text.values) + code, return_index=True)
    of_one = np.bincount(cells % len(text.values), minlength=len(text.values)) == 1
    is_first = np.zeros(len(rows), dtype=bool)
    is_first[first] = True
    came = np.flatnonzero(of_one[code])
    has_seen = np.diff(user[came], prepend=-1) == 0
    return float((np.sum(~is_first[came]) + 1) / (has_seen.sum() + 2))


def with_unknown(
    places: IntArray, likely: FloatArray, other: FloatArray, unknown: Unknown, size: int
) -> tuple[IntArray, FloatArray]:
    """The k most likely values, those from the user's history that are not known among them, both [n, k].

    Args:
        places, likely: the k most likely known values and their probabilities [n, k].
        other: the probability of the user's unknown values together [n].
        unknown: these values.
        size: the place of an unknown value is this plus its code.
    """
    n, k = places.shape
    user = np.concatenate((np.repeat(np.arange(n), k), unknown.user))
    place = np.concatenate((places.ravel(), size + unknown.code))
    p = np.concatenate((likely.ravel(), other[unknown.user] * unknown.share))
    order = np.lexsort((place, -p, user))
    user, place, p = user[order], place[order], p[order]
    best = np.arange(len(user)) - np.searchsorted(user, np.arange(n))[user] < k
    return place[best].reshape(n, k), p[best].reshape(n, k)
