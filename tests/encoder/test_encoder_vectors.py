"""How vectors are brought into shape after training: centered, whitened, and behavior freed of length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from beha2vec_core.encoder.batches import random_split
from beha2vec_core.encoder.encode import center_and_whiten, encode_vectors
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.events.sequences import Sequences
from tests.encoder.encoder_world import CONFIG, Event, fresh, random_log, read

Floats = npt.NDArray[np.floating]


@pytest.fixture(scope="module")
def sequences() -> Sequences:
    return random_log(300)


@pytest.fixture(scope="module")
def shaped(sequences: Sequences) -> tuple[Fields, BehaviorNetwork]:
    fields, network = fresh(sequences)
    center_and_whiten(network, fields, sequences, seed=0)
    return fields, network


def halves(sequences: Sequences) -> tuple[Sequences, Sequences]:
    """Two parts of each user of two events or more, cut elsewhere than the fit cut."""
    several = sequences.select(np.flatnonzero(sequences.n_events > 1))
    first = random_split(several.n_events, np.random.default_rng(99))
    place = np.arange(len(several.event_timestamp)) - np.repeat(several.offsets[:-1], several.n_events)
    early = place < np.repeat(first, several.n_events)

    def part(rows: npt.NDArray[np.bool_], lengths: npt.NDArray[np.int64]) -> Sequences:
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        return Sequences(
            several.user_key,
            several.event_timestamp[rows][offsets[1:] - 1],
            offsets,
            several.event_timestamp[rows],
            {name: column.take(np.flatnonzero(rows)) for name, column in several.text.items()},
            {name: column[rows] for name, column in several.number.items()},
        )

    return part(early, first), part(~early, several.n_events - first)


def within_to_all(a: Floats, b: Floats) -> float:
    """Variance between two parts of a user, as a share of that between parts of any."""
    every = np.concatenate((a, b))
    return float(((a - b) ** 2).sum() / len(a) / 2 / ((every - every.mean(0)) ** 2).sum() * len(every))


def test_the_center_is_the_mean_of_the_vectors_before(
    sequences: Sequences, shaped: tuple[Fields, BehaviorNetwork]
) -> None:
    untouched = encode_vectors(fresh(sequences)[1], shaped[0], sequences)
    for vectors, center in zip(untouched, shaped[1].center.numpy(), strict=True):
        np.testing.assert_allclose(vectors.mean(axis=0), center, atol=1e-6)
        assert np.linalg.norm(center) > 0.1
    for vectors in encode_vectors(shaped[1], shaped[0], sequences):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
        assert np.linalg.norm(vectors.mean(axis=0)) < 0.35


def test_parts_of_one_user_come_closer(sequences: Sequences, shaped: tuple[Fields, BehaviorNetwork]) -> None:
    fields, network = shaped
    untouched = fresh(sequences)[1]
    one, two = halves(sequences)
    for which in (0, 1):
        before = within_to_all(*(encode_vectors(untouched, fields, part)[which] for part in (one, two)))
        after = within_to_all(*(encode_vectors(network, fields, part)[which] for part in (one, two)))
        assert after < 0.95 * before


def test_no_direction_grows_and_only_behavior_loses_one(shaped: tuple[Fields, BehaviorNetwork]) -> None:
    behavior, identity = shaped[1].whitening.numpy().astype(np.float64)
    np.testing.assert_allclose(identity, identity.T, atol=1e-6)
    variances = np.linalg.eigvalsh(identity)
    assert variances.max() == pytest.approx(1, abs=1e-5) and 0 < variances.min() < 0.9
    sizes = np.linalg.svd(behavior, compute_uv=False)
    assert sizes[-1] < 1e-6 < 0.1 < sizes[-2] and sizes[0] <= 1 + 1e-5


def test_length_is_no_direction_of_behavior(sequences: Sequences, shaped: tuple[Fields, BehaviorNetwork]) -> None:
    fields, network = shaped
    length = np.log(sequences.n_events)
    length = (length - length.mean()) / length.std()

    def with_length(vectors: Floats) -> float:
        return float(np.linalg.norm((vectors - vectors.mean(axis=0)).T @ length / len(length)))

    before, after = (encode_vectors(n, fields, sequences) for n in (fresh(sequences)[1], network))
    assert with_length(before[0]) > 0.05 and with_length(after[0]) < 0.2 * with_length(before[0])
    assert with_length(after[1]) > 0.05, "who somebody is may show in how much they do"


def test_what_was_in_shape_before_does_not_matter(sequences: Sequences, shaped: tuple[Fields, BehaviorNetwork]) -> None:
    fields, network = shaped
    center, whitening = network.center.clone(), network.whitening.clone()
    center_and_whiten(network, fields, sequences, seed=0)
    assert torch.equal(network.center, center) and torch.equal(network.whitening, whitening)


def of_length(user: str, length: int, page: str = "a.example/a") -> list[Event]:
    return [(user, 60.0 * event, "page_view", page, "hats", "desk", 1.0) for event in range(length)]


DEGENERATE: dict[str, list[Event]] = {
    "one user of one event": of_length("u", 1),
    "one user": of_length("u", 7),
    "users of one event": of_length("u", 1) + of_length("v", 1, "a.example/b") + of_length("w", 1, "a.example/c"),
    "users of one and the same event": of_length("u", 1) + of_length("v", 1),
    "all the same": of_length("u", 4) + of_length("v", 4) + of_length("w", 4),
    "two pages, one length": of_length("u", 4) + of_length("v", 4, "a.example/b"),
    "one page, two lengths": of_length("u", 4) + of_length("v", 9),
    "two pages, two lengths": of_length("u", 4) + of_length("v", 9, "a.example/b"),
}


@pytest.mark.parametrize("log", DEGENERATE.values(), ids=DEGENERATE)
@pytest.mark.parametrize("pooling", ["mean", "last", "mean+last"])
def test_whoever_was_there_to_learn_from_vectors_have_length_1(log: list[Event], pooling: str) -> None:
    learned = read(log)
    fields, network = fresh(learned, replace(CONFIG, pooling=pooling))  # type: ignore[arg-type]
    center_and_whiten(network, fields, learned, seed=0)
    for sequences in (learned, random_log(20)):
        for vectors in encode_vectors(network, fields, sequences):
            assert np.isfinite(vectors).all()
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_length_is_left_where_nothing_else_tells_users_apart() -> None:
    learned = read(DEGENERATE["two pages, two lengths"])
    fields, network = fresh(learned)
    center_and_whiten(network, fields, learned, seed=0)
    behavior, _ = encode_vectors(network, fields, learned)
    assert behavior[0] @ behavior[1] == pytest.approx(-1, abs=1e-3)
    assert torch.linalg.matrix_rank(network.whitening[0]) == CONFIG.dim
