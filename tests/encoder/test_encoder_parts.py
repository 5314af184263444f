"""The encoder's small parts by themselves: vocabulary, schedule, seeding, devices, settings that are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beha2vec_core.compute.device import DeviceError, resolve_device
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.device import seeded
from beha2vec_core.encoder.train import warmup_then_cosine
from beha2vec_core.encoder.vocabulary import NULL, Vocabulary, stable_hash


def test_the_hash_never_changes() -> None:
    assert stable_hash("shop.example.com/apparel") == 2023241608742200839
    assert stable_hash("") == 13020603013274838756


def test_vocabulary_keeps_frequent_values_and_sends_the_others_to_buckets() -> None:
    nothing = Vocabulary((), 4)
    vocabulary = nothing.grow(["b", "a", "rare", "c"], np.array([5, 5, 1, 9]), min_count=2, max_values=9)
    assert vocabulary.values == ("c", "a", "b") and vocabulary.size == 2 + 4 + 3
    known, null, rare = vocabulary.ids(["c", None, "rare"]).tolist()
    assert known == vocabulary.first_known and null == NULL
    assert 2 <= rare == vocabulary.bucket("rare") == nothing.ids(["rare"])[0] < vocabulary.first_known
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    few = nothing.grow(["b", "a", "c"], np.array([5, 5, 9]), min_count=1, max_values=2)
    assert few.values == ("c", "a")


counts = st.dictionaries(st.text("abc", max_size=2), st.integers(1, 5), max_size=8)


@given(counts, counts, st.integers(1, 3), st.integers(1, 8))
@settings(max_examples=80)
def test_a_vocabulary_grows_at_its_end(
    before: dict[str, int], after: dict[str, int], min_count: int, max_values: int
) -> None:
    def grown(vocabulary: Vocabulary, seen: dict[str, int], room: int) -> Vocabulary:
        return vocabulary.grow(list(seen), np.array(list(seen.values())), min_count=min_count, max_values=room)

    old = grown(Vocabulary((), 4), before, 4)
    new = grown(old, after, max_values)
    assert new.ids(old.values).tolist() == old.ids(old.values).tolist()
    added = new.values[len(old.values) :]
    frequent = {value for value, n in after.items() if n >= min_count} - set(old.values)
    assert set(added) <= frequent and len(added) == min(len(frequent), max(0, max_values - len(old.values)))
    assert [after[value] for value in added] == sorted((after[value] for value in frequent), reverse=True)[: len(added)]
    for value in set(before) | set(after):
        assert new.ids([value])[0] == old.ids([value])[0] or value in added


@given(st.text())
@settings(max_examples=60)
def test_an_unknown_value_always_lands_in_a_bucket(text: str) -> None:
    vocabulary = Vocabulary((), 8)
    assert 2 <= vocabulary.ids([text])[0] < 10


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
        (lambda: EncoderConfig(modality_weights={"thema": 0.3}), "thema"),
        (lambda: EncoderConfig(extra_fields={"x": "text"}), "category"),  # type: ignore[dict-item]
        (lambda: EncoderConfig(extra_fields={"path_length": "number"}), "path_length"),
        (lambda: EncoderConfig(extra_fields={"template": "category"}), "template"),
        (lambda: EncoderConfig(extra_fields={"theme": "category"}), "theme"),
        (lambda: EncoderConfig(extra_fields={"device.category": "category"}), "dot"),
        (lambda: EncoderConfig(optional_fields=("page",)), "page"),
        (lambda: EncoderConfig(pooling="max"), "pooling"),  # type: ignore[arg-type]
        (lambda: EncoderConfig(token_fields=("clock",)), "token_fields"),
        (lambda: EncoderConfig(modality_weights={"page": -0.1}), "modality_weights"),
        (lambda: EncoderConfig(unknown_rate=1.0), "unknown_rate"),
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
