"""Token fields: each event becomes a row of integer ids, one a field; the network embeds each field and adds them up.

A field is text with a vocabulary (the page, what is derived from the page, event name, theme, extra categories) or a
number in fixed buckets (time gap, extra numbers). A new field is one more entry in :meth:`Fields.fit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from beha2vec_core.encoder.config import EncoderConfig
from beha2vec_core.encoder.vocabulary import NULL, Vocabulary
from beha2vec_core.sequences import Sequences, ragged_range

IdArray = npt.NDArray[np.int32]

GAP = "gap"
# 0 padding, 1 no event before it in the sequence, 2 the same second, then one bucket a doubling, up to about two years
FIRST_GAP = 1
GAP_BUCKETS = 29
# 0 padding, 1 null, then half a doubling each, from -2**20 to 2**20
NUMBER_REACH = 40
NUMBER_BUCKETS = 2 + 2 * NUMBER_REACH + 1


def path_prefix(page: str, level: int) -> str | None:
    """The first ``level`` path levels of a page, None where the path is shorter; level 1 of a home page is "/".

    The host is left out, so that the same path on two hosts shares its embedding. An app screen (``screen:name``) has
    its name as its only level.

    >>> path_prefix("shop.example.com/apparel/hats", 1), path_prefix("https://shop.example.com/apparel?x=1", 2)
    ('/apparel', None)
    """
    if page.startswith("screen:"):
        return page if level == 1 else None
    path = page.split("://", 1)[-1].split("#", 1)[0].split("?", 1)[0].partition("/")[2]
    parts = [part for part in path.split("/") if part]
    if not parts:
        return "/" if level == 1 else None
    return "/" + "/".join(parts[:level]) if len(parts) >= level else None


def gap_buckets(event_timestamp: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> IdArray:
    """The bucket of the time since the user's previous event: floor(log2(seconds + 1)), the first event apart."""
    seconds = np.diff(event_timestamp, prepend=event_timestamp[:1]) // 1_000_000
    doublings = np.frexp(np.maximum(seconds, 0) + 1.0)[1] - 1  # floor(log2), exact
    buckets: IdArray = np.minimum(2 + doublings, GAP_BUCKETS - 1).astype(np.int32)
    buckets[offsets[:-1]] = FIRST_GAP
    return buckets


def number_buckets(values: npt.NDArray[np.float64]) -> IdArray:
    """The bucket of a number by sign and half doublings of its size; null (NaN) has one of its own."""
    size = np.sign(values) * 2 * np.log2(1 + np.abs(values))
    bucket = np.clip(np.round(np.nan_to_num(size)), -NUMBER_REACH, NUMBER_REACH).astype(np.int32) + NUMBER_REACH + 2
    return np.where(np.isnan(values), NULL, bucket).astype(np.int32)


@dataclass(frozen=True)
class Fields:
    """The token fields of a fitted encoder, in the order of the columns of :meth:`ids`.

    vocabularies: of the text fields ``page``, ``path_1`` ..., ``event_name``, then optional and extra categories.
    numbers: extra numeric fields. The time gap comes last.
    """

    path_levels: int
    vocabularies: dict[str, Vocabulary]
    numbers: tuple[str, ...]

    @classmethod
    def fit(cls, sequences: Sequences, config: EncoderConfig) -> Fields:
        """Count the values of each field in the sequences; rare ones are left to the buckets."""
        vocabularies: dict[str, Vocabulary] = {}

        def learn(name: str, values: Sequence[str | None], counts: npt.NDArray[np.int64]) -> None:
            kept = [i for i, value in enumerate(values) if value is not None]
            distinct, inverse = np.unique(np.array([values[i] for i in kept], dtype=object), return_inverse=True)
            totals = np.zeros(len(distinct), dtype=np.int64)
            np.add.at(totals, inverse, counts[kept])
            vocabularies[name] = Vocabulary.fit(
                distinct.tolist(),
                totals,
                min_count=config.min_count,
                max_values=config.max_values,
                buckets=config.hash_buckets,
            )

        def count(name: str) -> npt.NDArray[np.int64]:
            column = sequences.text[name]
            return np.bincount(column.codes[column.codes >= 0], minlength=len(column.values))

        pages, page_counts = sequences.text["page"].values, count("page")
        learn("page", pages, page_counts)
        for level in range(1, config.path_levels + 1):
            learn(f"path_{level}", [path_prefix(page, level) for page in pages], page_counts)
        for name in sequences.text:
            if name != "page":
                learn(name, sequences.text[name].values, count(name))
        return cls(config.path_levels, vocabularies, tuple(sequences.number))

    @property
    def names(self) -> list[str]:
        """The fields in order."""
        return [*self.vocabularies, *self.numbers, GAP]

    @property
    def sizes(self) -> dict[str, int]:
        """How many ids each field has."""
        numbers = dict.fromkeys(self.numbers, NUMBER_BUCKETS)
        return {name: v.size for name, v in self.vocabularies.items()} | numbers | {GAP: GAP_BUCKETS}

    @property
    def page_fields(self) -> list[str]:
        """The fields that follow from the page alone: its id and its path levels."""
        return ["page", *(f"path_{level}" for level in range(1, self.path_levels + 1))]

    @property
    def text_columns(self) -> list[str]:
        """The table columns the text fields read, besides ``page`` and ``event_name``."""
        return [name for name in self.vocabularies if name not in (*self.page_fields, "event_name")]

    def page_ids(self, pages: Sequence[str]) -> IdArray:
        """Ids of the page fields of distinct pages [n, 1 + path_levels]."""
        columns = [self.vocabularies["page"].ids(pages)]
        for level in range(1, self.path_levels + 1):
            columns.append(self.vocabularies[f"path_{level}"].ids([path_prefix(page, level) for page in pages]))
        return np.stack(columns, axis=1)

    def ids(self, sequences: Sequences) -> IdArray:
        """The token ids [n_events, n_fields]; vocabularies are asked once a distinct value, not once an event."""
        page = sequences.text["page"]
        columns = [self.page_ids(page.values)[page.codes]]
        for name in ["event_name", *self.text_columns]:
            column = sequences.text[name]
            by_code = np.append(self.vocabularies[name].ids(column.values), np.int32(NULL))  # code -1 is null
            columns.append(by_code[column.codes][:, None])
        columns += [number_buckets(sequences.number[name])[:, None] for name in self.numbers]
        columns.append(gap_buckets(sequences.event_timestamp, sequences.offsets)[:, None])
        return np.concatenate(columns, axis=1).astype(np.int32)

    def to_json(self) -> dict[str, Any]:
        """For ``vocabulary.json``."""
        return {
            "path_levels": self.path_levels,
            "numbers": list(self.numbers),
            "vocabularies": {name: v.to_json() for name, v in self.vocabularies.items()},
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Fields:
        """The fields that :meth:`to_json` described."""
        vocabularies = {name: Vocabulary.from_json(v) for name, v in saved["vocabularies"].items()}
        return cls(int(saved["path_levels"]), vocabularies, tuple(saved["numbers"]))


def pad(ids: IdArray, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> IdArray:
    """Slices of the events as one padded block [n, longest, n_fields]; padding is 0, on the right.

    The first token of each slice has the gap bucket of a first event: a slice does not know what came before it.
    """
    places = np.arange(int(lengths.max(initial=1)))
    inside = places < lengths[:, None]
    block = ids[np.where(inside, starts[:, None] + places, 0)]
    block[~inside] = 0
    block[:, 0, -1] = FIRST_GAP
    return block


def slice_hashes(ids: IdArray, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """A 128-bit hash [n, 2] of the ids in each slice: equal slices have equal hashes, others practically never.

    Each token is mixed with its place (SplitMix64: Steele, Lea & Flood 2014) and the tokens of a slice are added up.
    """
    if not len(starts):
        return np.zeros((0, 2), dtype=np.uint64)
    rows = ragged_range(starts, lengths)
    first = np.cumsum(lengths) - lengths
    place = (np.arange(len(rows)) - np.repeat(first, lengths)).astype(np.uint64)
    hashes = []
    for seed in (1, 2):
        token = _splitmix64(place + np.uint64(seed << 32))
        for column in range(ids.shape[1]):
            token = _splitmix64(token ^ ids[rows, column].astype(np.uint64))
        hashes.append(np.add.reduceat(token, first))
    return np.stack(hashes, axis=1)


def _splitmix64(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
