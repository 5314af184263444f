"""Count-based vocabularies: text value -> id, saved with the model, the same in every process.

Ids: 0 padding, 1 null, then ``buckets`` hash buckets for values outside the vocabulary, then the known values. The
buckets come first so that a grown vocabulary only appends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

PADDING = 0
NULL = 1
FIRST_BUCKET = 2


def stable_hash(text: str) -> int:
    """A 64-bit hash of the text that is the same in every process and on every machine (BLAKE2b)."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


@dataclass(frozen=True)
class Vocabulary:
    """The known values of one field, most frequent first, and the number of hash buckets for all others."""

    values: tuple[str, ...]
    buckets: int

    def grow(self, values: Sequence[str], counts: npt.NDArray[Any], *, min_count: int, max_values: int) -> Vocabulary:
        """Append the values not known yet that were seen ``min_count`` times, most frequent first, equal ones by text.

        There are ``max_values`` at most in all; known values keep their ids.
        """
        known = self._known
        new = sorted((-int(n), v) for n, v in zip(counts, values, strict=True) if n >= min_count and v not in known)
        room = max(0, max_values - len(self.values))
        return Vocabulary((*self.values, *(value for _, value in new[:room])), self.buckets)

    @property
    def first_known(self) -> int:
        """The id of the first known value."""
        return FIRST_BUCKET + self.buckets

    @property
    def size(self) -> int:
        """Number of ids, padding and null included."""
        return self.first_known + len(self.values)

    @cached_property
    def _known(self) -> dict[str, int]:
        return {value: self.first_known + i for i, value in enumerate(self.values)}

    def bucket(self, value: str) -> int:
        """The id of the hash bucket of a value, known or not."""
        return FIRST_BUCKET + stable_hash(value) % self.buckets

    def ids(self, values: Sequence[str | None]) -> npt.NDArray[np.int32]:
        """The id of each value; None is null. Meant for distinct values: events then index into the result."""
        known = self._known
        found = [NULL if v is None else known[v] if v in known else self.bucket(v) for v in values]
        return np.array(found, dtype=np.int32)

    def to_json(self) -> dict[str, Any]:
        """For the saved vocabulary."""
        return {"buckets": self.buckets, "values": list(self.values)}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Vocabulary:
        """The vocabulary that :meth:`to_json` described."""
        return cls(tuple(saved["values"]), int(saved["buckets"]))
