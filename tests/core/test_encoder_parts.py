"""The encoder's parts by themselves: vocabulary, token fields, cuts and batches, objectives against hand-made cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beha2vec_core.encoder.batches import random_cuts, split_by_tokens
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.device import DeviceError, resolve_device
from beha2vec_core.encoder.features import (
    FIRST_GAP,
    NUMBER_BUCKETS,
    gap_buckets,
    number_buckets,
    pad,
    path_prefix,
    slice_hashes,
)
from beha2vec_core.encoder.objectives.batch import Batch, Step
from beha2vec_core.encoder.objectives.contrastive import Contrastive
from beha2vec_core.encoder.objectives.triplet import Triplet
from beha2vec_core.encoder.train import seeded, warmup_then_cosine
from beha2vec_core.encoder.vocabulary import NULL, Vocabulary, stable_hash


def test_the_hash_never_changes() -> None:
    assert stable_hash("shop.example.com/apparel") == 2023241608742200839
    assert stable_hash("") == 13020603013274838756


def test_vocabulary_keeps_frequent_values_and_sends_the_others_to_buckets() -> None:
    vocabulary = Vocabulary.fit(["b", "a", "rare", "c"], np.array([5, 5, 1, 9]), min_count=2, max_values=9, buckets=4)
    assert vocabulary.values == ("c", "a", "b") and vocabulary.size == 2 + 4 + 3
    known, null, rare = vocabulary.ids(["c", None, "rare"]).tolist()
    assert (
        known == vocabulary.first_known and null == NULL and rare == vocabulary.bucket("rare") < vocabulary.first_known
    )
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    few = Vocabulary.fit(["b", "a", "c"], np.array([5, 5, 9]), min_count=1, max_values=2, buckets=4)
    assert few.values == ("c", "a")


@given(st.text())
def test_an_unknown_value_always_lands_in_a_bucket(text: str) -> None:
    vocabulary = Vocabulary((), 8)
    assert 2 <= vocabulary.ids([text])[0] < 10


@pytest.mark.parametrize(
    ("page", "levels"),
    [
        ("shop.example.com/apparel/hats/cap-1", ["/apparel", "/apparel/hats", "/apparel/hats/cap-1", None]),
        ("https://shop.example.com/apparel/?color=red/blue#top", ["/apparel", None, None, None]),
        ("shop.example.com/", ["/", None, None, None]),
        ("shop.example.com", ["/", None, None, None]),
        ("/a//b", ["/a", "/a/b", None, None]),
        ("screen:Cart / Step 2", ["screen:Cart / Step 2", None, None, None]),
    ],
)
def test_path_prefixes(page: str, levels: list[str | None]) -> None:
    assert [path_prefix(page, level) for level in range(1, 5)] == levels


def test_gaps_double_from_bucket_to_bucket_and_each_first_event_is_apart() -> None:
    seconds = [0, 0, 1, 3, 10, 10_000_000_000, 50, 51]
    got = gap_buckets(np.array(seconds, dtype=np.int64) * 1_000_000, np.array([0, 6, 8]))
    assert got.tolist() == [FIRST_GAP, 2, 3, 3, 5, 28, FIRST_GAP, 3]
    assert len(gap_buckets(np.empty(0, np.int64), np.array([0]))) == 0


def test_numbers_keep_order_and_sign_and_null_is_apart() -> None:
    got = number_buckets(np.array([-1e12, -2.0, 0.0, 2.0, 100.0, 1e12, math.nan]))
    assert np.all(np.diff(got[:-1]) > 0) and got[-1] == NULL and got[0] == 2 and got[-2] == NUMBER_BUCKETS - 1


def test_padding_is_zero_and_a_slice_begins_with_a_first_gap() -> None:
    ids = np.arange(1, 13, dtype=np.int32).reshape(6, 2)
    block = pad(ids, np.array([0, 4]), np.array([3, 1]))
    assert block.tolist() == [[[1, FIRST_GAP], [3, 4], [5, 6]], [[9, FIRST_GAP], [0, 0], [0, 0]]]


slices = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=4), min_size=1, max_size=8
)


@given(slices)
def test_slices_are_equal_exactly_where_their_hashes_are(parts: list[list[tuple[int, int]]]) -> None:
    ids = np.array([token for part in parts for token in part], dtype=np.int32)
    lengths = np.array([len(part) for part in parts])
    hashes = slice_hashes(ids, np.cumsum(lengths) - lengths, lengths).tolist()
    for i, part in enumerate(parts):
        alone = slice_hashes(np.array(part, dtype=np.int32), np.array([0]), np.array([len(part)])).tolist()[0]
        assert alone == hashes[i]
        assert [other == part for other in parts] == [h == hashes[i] for h in hashes]


@settings(max_examples=60)
@given(st.lists(st.integers(2, 40), min_size=1, max_size=30), st.integers(0, 5))
def test_cuts_are_disjoint_and_inside(lengths: list[int], seed: int) -> None:
    n = np.array(lengths)
    starts = np.cumsum(n) - n
    (a, length_a), (b, length_b) = random_cuts(starts, n, np.random.default_rng(seed))
    assert (length_a >= 1).all() and (length_b >= 1).all()
    for start, length in ((a, length_a), (b, length_b)):
        assert (start >= starts).all() and (start + length <= starts + n).all()
    assert ((a + length_a <= b) | (b + length_b <= a)).all()


def test_cuts_differ_in_length_and_every_event_gets_its_turn() -> None:
    n = np.full(4000, 8)
    (a, length_a), (b, length_b) = random_cuts(np.zeros(4000, np.int64), n, np.random.default_rng(0))
    assert (length_a != length_b).mean() > 0.5 and set(length_a) == set(range(1, 8))
    seen = np.bincount(np.concatenate([np.arange(s, s + m) for s, m in zip(a, length_a, strict=True)]), minlength=8)
    assert seen.min() > 0.4 * seen.max()
    assert abs((a < b).mean() - 0.5) < 0.05


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 100), st.integers(1, 7))
def test_batches_cover_all_and_keep_their_budget(lengths: list[int], tokens: int, users: int) -> None:
    n = np.array(lengths, dtype=np.int64)
    parts = split_by_tokens(n, tokens, users)
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(len(n)))
    for part in parts:
        size = part.stop - part.start
        assert 1 <= size <= users and (size == 1 or size * n[part].max() <= tokens)


def test_learning_rate_rises_then_falls() -> None:
    factor = warmup_then_cosine(100, 0.1)
    assert factor(0) == pytest.approx(0.1) and factor(9) == factor(10) == 1.0
    assert factor(50) > factor(80) > factor(100) == pytest.approx(0.05)


def test_seeding_leaves_torch_as_it_was() -> None:
    before = torch.get_rng_state()
    with seeded(3, torch.device("cpu")):
        first = torch.rand(2)
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(KeyError), seeded(3, torch.device("cpu")):
        assert torch.equal(torch.rand(2), first)
        raise KeyError
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_device_that_is_not_there_is_an_error_and_auto_falls_back() -> None:
    absent = [name for name in ("cuda", "mps") if not getattr(torch, name).is_available()]
    for name in absent:
        with pytest.raises(DeviceError, match="device='auto'"):
            resolve_device(name)  # type: ignore[arg-type]
    if len(absent) == 2:
        assert resolve_device("auto").type == "cpu"
    assert resolve_device("cpu").type == "cpu"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EncoderConfig(dim=20), "multiple of 2"),
        (lambda: EncoderConfig(max_length=0), "max_length"),
        (lambda: EncoderConfig(dropout=1.0), "dropout"),
        (lambda: EncoderConfig(extra_fields={"x": "text"}), "category"),  # type: ignore[dict-item]
        (lambda: TrainConfig(objectives={"magic": 1.0}), "magic"),
        (lambda: TrainConfig(objectives={"triplet": 0.0}), "above 0"),
        (lambda: TrainConfig(objectives={"triplet": 1.0, "content": -1.0}), "negative"),
        (lambda: TrainConfig(device="tpu"), "device"),  # type: ignore[arg-type]
        (lambda: TrainConfig(epochs=0), "epochs"),
        (lambda: TrainConfig(held_out=1.0), "held_out"),
        (lambda: TrainConfig(temperature=0.0), "temperature"),
    ],
)
def test_settings_that_cannot_work_are_refused(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        make()


class GivenVectors(Step):
    """A step whose vectors are given, so that a loss can be worked out by hand."""

    def __init__(self, a: list[list[float]], b: list[list[float]], same: list[list[bool]]) -> None:
        ids = torch.ones(len(a), 1, 1, dtype=torch.long)
        super().__init__(None, Batch(ids, ids, ids, torch.tensor(same)))  # type: ignore[arg-type]
        self.__dict__["vectors_a"] = (torch.tensor(a), torch.tensor(a))  # fills the cached properties
        self.__dict__["vectors_b"] = (torch.tensor(b), torch.tensor(b))


NOTHING_SAME = [[False, False], [False, False]]
ALL_SAME = [[False, True], [True, False]]
UNIT = [[1.0, 0.0], [0.0, 1.0]]


def test_contrastive_is_the_cross_entropy_of_finding_the_other_half() -> None:
    loss = Contrastive(None, None, TrainConfig(temperature=0.5))  # type: ignore[arg-type]
    assert loss(GivenVectors(UNIT, UNIT, NOTHING_SAME)).item() == pytest.approx(math.log(1 + math.exp(-2)))
    assert loss(GivenVectors(UNIT, UNIT[::-1], NOTHING_SAME)).item() == pytest.approx(math.log(1 + math.exp(2)))
    assert loss(GivenVectors(UNIT, UNIT[::-1], ALL_SAME)).item() == pytest.approx(0.0)  # no false negatives
    assert loss(GivenVectors(UNIT[:1], UNIT[:1], [[False]])) is None


def test_triplet_wants_the_other_user_farther_by_the_margin() -> None:
    loss = Triplet(None, None, TrainConfig(margin=0.5))  # type: ignore[arg-type]
    assert loss(GivenVectors(UNIT, UNIT, NOTHING_SAME)).item() == 0.0  # 0 - sqrt(2) + .5 < 0
    assert loss(GivenVectors(UNIT, UNIT[::-1], NOTHING_SAME)).item() == pytest.approx(math.sqrt(2) + 0.5)
    assert loss(GivenVectors(UNIT, UNIT, ALL_SAME)) is None
