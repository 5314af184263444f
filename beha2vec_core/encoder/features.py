"""Token fields: each event becomes ids, one a field; the network embeds each field and adds them up.

What an event is (page and what follows from it, event name, theme, extra fields) recurs: :class:`Tokens` keeps each
distinct combination once, as a *kind*, and of each event only which kind it is and how long after the one before.
A new text field is one more entry in :meth:`Fields.grow`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.encoder.config import EncoderConfig
from beha2vec_core.encoder.titles import TITLE_COLUMN
from beha2vec_core.encoder.vocabulary import NULL, PADDING, Vocabulary
from beha2vec_core.events.sequences import Sequences, TextColumn, ragged_range
from beha2vec_core.pages.text import path_words

IdArray = npt.NDArray[np.int32]
IntArray = npt.NDArray[np.int64]

WORD = "word"
WORDS = 8  # of a page; further ones are left out
GAP = "gap"
SESSION_POSITION = "session_position"
SESSION_SECONDS = 1800
# 0 padding, 1 no event before it in the sequence, 2 up to .88 seconds, then one bucket a doubling of the time, up to
# 3.7 years, so laid that half an hour, the pause which ends a session, is a border
FIRST_GAP = 1
SHORTEST_GAP = 2
SESSION_GAP_BUCKET = SHORTEST_GAP + 12
GAP_BUCKETS = SESSION_GAP_BUCKET + 17
# 0 padding, then the place in the session: one each up to 8, then one a doubling, up to 128 and more
POSITION_BUCKETS = 14
# 0 padding, 1 null, then half a doubling each, from -2**20 to 2**20
NUMBER_REACH = 40
NUMBER_BUCKETS = 2 + 2 * NUMBER_REACH + 1

# numbers, and letters with digits long enough to be an id: what differs from one product page to the next
_ID = re.compile(r"(?=[a-z]*\d)[a-z\d]{8,}|\d+", re.IGNORECASE)


def path_prefix(page: str, level: int) -> str | None:
    """The first ``level`` path levels of a page, None where the path is shorter; level 1 of a home page is "/".

    The host is left out, so that the same path on two hosts shares its embedding. An app screen (``screen:name``) has
    its name as its only level.

    >>> path_prefix("shop.example.com/apparel/hats", 1), path_prefix("https://shop.example.com/apparel?x=1", 2)
    ('/apparel', None)
    """
    if page.startswith("screen:"):
        return page if level == 1 else None
    parts = [part for part in _path(page).split("/") if part]
    if not parts:
        return "/" if level == 1 else None
    return "/" + "/".join(parts[:level]) if len(parts) >= level else None


def template(page: str) -> str:
    """The path with whatever looks like an id replaced by ``#``, so that pages of one build share an embedding.

    >>> template("shop.example.com/p/10023-blue-hat"), template("https://a.example/order/7f3a9c21b/thanks?x=1")
    ('/p/#-blue-hat', '/order/#/thanks')
    """
    return page if page.startswith("screen:") else "/" + _ID.sub("#", _path(page)).strip("/")


def _path(page: str) -> str:
    return page.split("://", 1)[-1].split("#", 1)[0].split("?", 1)[0].partition("/")[2]


def gap_buckets(seconds: npt.NDArray[Any]) -> IdArray:
    """The bucket of a time in seconds: one a doubling, half an hour being a border; times below zero are zero."""
    doublings = np.frexp(np.maximum(seconds, 0) / SESSION_SECONDS)[1] - 1  # floor(log2), exact
    doublings = np.where(seconds > 0, doublings, SHORTEST_GAP - SESSION_GAP_BUCKET)
    buckets: IdArray = np.clip(SESSION_GAP_BUCKET + doublings, SHORTEST_GAP, GAP_BUCKETS - 1).astype(np.int32)
    return buckets


def session_positions(gap: IdArray, begins: npt.NDArray[np.bool_] | None = None) -> IdArray:
    """The bucket of each token's place in its session.

    ``begins`` says which tokens begin one; without it a first event or a pause of half an hour does.
    """
    place = np.arange(len(gap), dtype=np.int64)
    if begins is None:
        begins = (gap == FIRST_GAP) | (gap >= SESSION_GAP_BUCKET)
    within = place - np.maximum.accumulate(np.where(begins, place, 0))
    doubled = 5 + np.frexp(within + 1.0)[1]  # 9 for the ninth to the fifteenth, then one a doubling
    buckets: IdArray = np.minimum(np.where(within < 8, within + 1, doubled), POSITION_BUCKETS - 1).astype(np.int32)
    return buckets


def number_buckets(values: npt.NDArray[np.float64]) -> IdArray:
    """The bucket of a number by sign and half doublings of its size; null (NaN) has one of its own."""
    size = np.sign(values) * 2 * np.log2(1 + np.abs(values))
    bucket = np.clip(np.round(np.nan_to_num(size)), -NUMBER_REACH, NUMBER_REACH).astype(np.int32) + NUMBER_REACH + 2
    return np.where(np.isnan(values), NULL, bucket).astype(np.int32)


@dataclass(frozen=True)
class Tokens:
    """The m events of n sequences as the network reads them.

    kinds: ids of each distinct combination of fields [K, fields + words], in the order of :attr:`Fields.columns`.
    kind: which one each event is [m]. gap: bucket of the time since the user's event before [m].
    offsets: sequence i owns events ``offsets[i]:offsets[i + 1]`` [n + 1].
    begins: whether each event begins a session [m]; None where no session key says it, but pauses do.
    """

    kinds: IdArray
    kind: IdArray
    gap: IdArray
    offsets: IntArray
    begins: npt.NDArray[np.bool_] | None = None

    @property
    def lengths(self) -> IntArray:
        """Events of each sequence [n]."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Fields:
    """The token fields of a fitted encoder.

    vocabularies: of the text fields: ``page``, what follows from it (``path_1`` ..., ``template``, ``word``),
    ``event_name``, then optional and extra categories. numbers: extra numeric fields.
    """

    path_levels: int
    vocabularies: dict[str, Vocabulary]
    numbers: tuple[str, ...]

    @classmethod
    def fit(cls, sequences: Sequences, config: EncoderConfig) -> Fields:
        """Count the values of each field in the sequences; rare ones are left to the buckets."""
        return cls(config.path_levels, {}, tuple(sequences.number)).grow(sequences, config)

    def grow(self, sequences: Sequences, config: EncoderConfig) -> Fields:
        """The same fields knowing the frequent values of these sequences too, behind those known before."""
        pages = sequences.text["page"]
        vocabularies: dict[str, Vocabulary] = {}

        def learn(name: str, column: TextColumn) -> None:
            known = self.vocabularies.get(name, Vocabulary((), config.hash_buckets))
            counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.values))
            vocabularies[name] = known.grow(
                column.values, counts, min_count=config.min_count, max_values=config.max_values
            )

        learn("page", pages)
        if "path" in config.token_fields:
            for level in range(1, self.path_levels + 1):
                learn(f"path_{level}", _derived(pages, f"path_{level}"))
        if "template" in config.token_fields:
            learn("template", _derived(pages, "template"))
        if "words" in config.token_fields:
            learn(WORD, _words(pages))
        for name in sequences.text:
            if name not in ("page", TITLE_COLUMN):
                learn(name, sequences.text[name])
        return Fields(self.path_levels, vocabularies, self.numbers)

    @property
    def columns(self) -> list[str]:
        """The fields in the order of the columns of :attr:`Tokens.kinds`; words come behind them."""
        return [*(name for name in self.vocabularies if name != WORD), *self.numbers]

    @property
    def modalities(self) -> dict[str, str]:
        """Of which modality each field is, words last: what follows from the page is one, others by name."""
        pages = (*self.page_columns, WORD)
        return {name: "page" if name in pages else name for name in self.sizes}

    @property
    def sizes(self) -> dict[str, int]:
        """How many ids each field has, that of words last."""
        sizes = {name: self.vocabularies[name].size for name in self.columns if name in self.vocabularies}
        sizes |= dict.fromkeys(self.numbers, NUMBER_BUCKETS)
        return sizes | ({WORD: self.vocabularies[WORD].size} if WORD in self.vocabularies else {})

    def larger_than(self, size: int) -> list[str]:
        """The fields, words included, with more ids than ``size``."""
        return [name for name, ids in self.sizes.items() if ids > size]

    @property
    def page_columns(self) -> list[str]:
        """The fields, but for words, that follow from the page alone."""
        return [name for name in self.columns if name in ("page", "template") or name.startswith("path_")]

    @property
    def text_columns(self) -> list[str]:
        """The table columns the text fields read, besides ``page`` and ``event_name``."""
        return [name for name in self.columns if name not in (*self.page_columns, *self.numbers, "event_name")]

    @property
    def action_columns(self) -> list[str]:
        """The text fields that say what a user does: few values each, so that each may be predicted by itself."""
        return ["event_name", *self.text_columns]

    def page_kinds(self, pages: Sequence[str]) -> IdArray:
        """Ids of what follows from a page, for distinct pages [n, page columns + words]."""
        vocabulary = self.vocabularies["page"]
        place = vocabulary.ids(pages) - vocabulary.first_known
        found = self._known_pages[np.maximum(place, 0)] if len(self._known_pages) else self._page_kinds(pages)
        new = np.flatnonzero(place < 0)
        found[new] = self._page_kinds([pages[i] for i in new.tolist()])
        return found

    @cached_property
    def _known_pages(self) -> IdArray:
        """:meth:`page_kinds` of the known pages: read once, since most pages come in every call."""
        return self._page_kinds(self.vocabularies["page"].values)

    def _page_kinds(self, pages: Sequence[str]) -> IdArray:
        columns = [self.vocabularies[name].ids([_of_page(name, page) for page in pages]) for name in self.page_columns]
        return np.concatenate([np.stack(columns, axis=1), self._word_ids(pages)], axis=1)

    def tokens(self, sequences: Sequences) -> Tokens:
        """The sequences as tokens; vocabularies are asked once a distinct value, not once an event."""
        page, event_name = sequences.text["page"], sequences.text["event_name"]
        texts = [sequences.text[name] for name in self.text_columns]
        numbers = [number_buckets(sequences.number[name]) for name in self.numbers]
        codes = [page.codes, event_name.codes, *(text.codes for text in texts), *numbers]
        kind, first = _distinct(
            codes, [len(c.values) for c in (page, event_name, *texts)] + [NUMBER_BUCKETS] * len(numbers)
        )
        page_kinds = self.page_kinds(page.values)
        width = len(self.page_columns)
        columns = [page_kinds[page.codes[first], :width]]
        for name, text in zip(["event_name", *self.text_columns], [event_name, *texts], strict=True):
            by_code = np.append(self.vocabularies[name].ids(text.values), np.int32(NULL))  # code -1 is null
            columns.append(by_code[text.codes[first]][:, None])
        columns += [number[first][:, None] for number in numbers]
        columns.append(page_kinds[page.codes[first], width:])
        seconds = np.diff(sequences.event_timestamp, prepend=sequences.event_timestamp[:1]) / 1_000_000
        gap = gap_buckets(seconds)
        gap[sequences.offsets[:-1]] = FIRST_GAP
        begins = None if sequences.session is None else _begins(sequences.session, gap)
        return Tokens(np.concatenate(columns, axis=1).astype(np.int32), kind, gap, sequences.offsets, begins)

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

    def _word_ids(self, pages: Sequence[str]) -> IdArray:
        """Ids of the first words of each page [n, WORDS], 0 where it has fewer; no column without words."""
        if WORD not in self.vocabularies:
            return np.zeros((len(pages), 0), dtype=np.int32)
        words = [page_words(page) for page in pages]
        ids = np.full((len(pages), WORDS), PADDING, dtype=np.int32)
        for place in range(WORDS):
            longer = [i for i, found in enumerate(words) if len(found) > place]
            ids[longer, place] = self.vocabularies[WORD].ids([words[i][place] for i in longer])
        return ids


@lru_cache(maxsize=65_536)  # the pages of a site come in every batch of a stream
def page_words(page: str) -> tuple[str, ...]:
    """The first distinct words of a page's path, or of a screen's name, without what could be a person's."""
    path = page.removeprefix("screen:") if page.startswith("screen:") else _path(page)
    return tuple(dict.fromkeys(path_words("/" + path).split()))[:WORDS]


def _begins(session: IdArray, gap: IdArray) -> npt.NDArray[np.bool_]:
    """Where another session than that of the event before begins; where either is not known, the pause says it."""
    before = np.append(np.int32(-1), session[:-1])
    known = (session >= 0) & (before >= 0)
    begins: npt.NDArray[np.bool_] = np.where(known, session != before, gap >= SESSION_GAP_BUCKET)
    begins |= gap == FIRST_GAP
    return begins


def _of_page(name: str, page: str) -> str | None:
    """What the page column ``name`` holds of a page."""
    if name.startswith("path_"):
        return path_prefix(page, int(name.removeprefix("path_")))
    return template(page) if name == "template" else page


def _derived(pages: TextColumn, name: str) -> TextColumn:
    """The page column ``name`` of each event."""
    codes, distinct = _coded([_of_page(name, page) for page in pages.values])
    return TextColumn(codes[pages.codes], distinct)


def _words(pages: TextColumn) -> TextColumn:
    """The column of all words of all events, one after the other."""
    times = np.bincount(pages.codes, minlength=len(pages.values))
    words = [page_words(page) for page in pages.values]
    codes, distinct = _coded([word for of_page in words for word in of_page])
    return TextColumn(np.repeat(codes, np.repeat(times, [len(of_page) for of_page in words])), distinct)


def _coded(values: list[Any]) -> tuple[IdArray, list[str]]:
    """The place of each value among the distinct ones in order, -1 for None; and these."""
    codes, distinct = pd.factorize(np.array(values, dtype=object), sort=True)
    return codes.astype(np.int32), distinct.tolist()


def _distinct(codes: Sequence[npt.NDArray[Any]], sizes: Sequence[int]) -> tuple[IdArray, IntArray]:
    """Which distinct combination of codes (-1 and up) each row is, and the first row of each combination."""
    combined = np.zeros(len(codes[0]), dtype=np.int64)
    for column, size in zip(codes, sizes, strict=True):
        combined, _ = pd.factorize(combined * (size + 1) + column + 1)
    kind, kinds = pd.factorize(combined)
    first = np.full(len(kinds), len(kind), dtype=np.int64)
    np.minimum.at(first, kind, np.arange(len(kind)))
    return kind.astype(np.int32), first


def slice_hashes(ids: IdArray, starts: IntArray, lengths: IntArray) -> npt.NDArray[np.void]:
    """A 128-bit hash [n] of the ids [m, columns] in each slice.

    Equal slices have equal hashes, others practically never.
    Each token is mixed with its place (SplitMix64: Steele, Lea & Flood 2014) and the tokens of a slice are added up.
    """
    if not len(starts):
        return np.zeros(0, dtype="V16")
    rows = ragged_range(starts, lengths)
    first = np.cumsum(lengths) - lengths
    place = (np.arange(len(rows)) - np.repeat(first, lengths)).astype(np.uint64)
    hashes = []
    for seed in (1, 2):
        token = _splitmix64(place + np.uint64(seed << 32))
        for column in range(ids.shape[1]):
            token = _splitmix64(token ^ ids[rows, column].astype(np.uint64))
        hashes.append(np.add.reduceat(token, first))
    return np.stack(hashes, axis=1).view("V16").ravel()


def _splitmix64(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
