"""Encoding a stream gives what encoding a table gives, in memory that does not grow; little of the work is padding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.encoder import encode
from beha2vec_core.events.sequences import SequenceError
from tests.encoder.training_world import make_events

USERS = 160


@pytest.fixture(scope="module")
def encoder() -> BehaviorEncoder:
    train = TrainConfig(epochs=1, device="cpu", progress=False, objectives={"content": 1.0}, patience=0)
    return BehaviorEncoder.fit(make_events(USERS), EncoderConfig(dim=16, layers=2, heads=2, max_length=16), train)


@pytest.fixture(scope="module")
def sequences() -> pa.Table:
    """One row a user, in order of user_key."""
    lists = make_events(USERS).groupby("user_key", as_index=False).agg(list)
    return pa.Table.from_pandas(lists, preserve_index=False)


def vectors(table: pa.Table, column: str) -> npt.NDArray[np.float32]:
    return np.stack(table[column].to_numpy())


def assert_alike(a: pa.Table, b: pa.Table, *, tolerance: float) -> None:
    others = ["user_key", "as_of", "n_events", "low_evidence"]
    assert a.schema == b.schema and a.select(others).equals(b.select(others))
    for column in ("behavior", "identity"):
        np.testing.assert_allclose(vectors(a, column), vectors(b, column), rtol=0, atol=tolerance)


def test_one_batch_is_bit_for_bit_what_encode_gives(encoder: BehaviorEncoder, sequences: pa.Table) -> None:
    streamed = encoder.encode_stream(sequences.combine_chunks().to_batches()).read_all()
    assert streamed.equals(encoder.encode(sequences))
    assert streamed.equals(encoder.encode(make_events(USERS)))  # in whichever form


@pytest.mark.parametrize("incoming", [1, 7, 64, 1000])
def test_batches_of_any_size_give_the_same(encoder: BehaviorEncoder, sequences: pa.Table, incoming: int) -> None:
    reader = encoder.encode_stream(iter(sequences.to_batches(max_chunksize=incoming)), batch_users=50)
    batches = list(reader)
    assert [batch.num_rows for batch in batches] == [50, 50, 50, 10]
    assert_alike(pa.Table.from_batches(batches), encoder.encode(sequences), tolerance=1e-5)


def test_files_are_streamed(encoder: BehaviorEncoder, sequences: pa.Table, tmp_path: Path) -> None:
    pq.write_table(sequences, tmp_path / "part.parquet", row_group_size=30)
    dataset, expected = ds.dataset(tmp_path), encoder.encode(sequences)
    for source in (dataset, dataset.scanner(batch_size=16), dataset.scanner().to_reader(), sequences):
        assert_alike(encoder.encode_stream(source).read_all(), expected, tolerance=1e-5)


def test_no_batch_is_read_before_it_is_needed(encoder: BehaviorEncoder, sequences: pa.Table) -> None:
    read = 0

    def endless() -> Iterator[pa.RecordBatch]:
        nonlocal read
        while True:
            yield from sequences.slice(read * 10 % USERS, 10).to_batches()
            read += 1

    reader = encoder.encode_stream(endless(), batch_users=40)
    assert read == 0
    for turn in range(1, 20):
        assert reader.read_next_batch().num_rows == 40
        assert read <= 4 * turn


def test_a_stream_may_be_empty_or_hold_nobody(encoder: BehaviorEncoder, sequences: pa.Table) -> None:
    schema = encoder.encode(sequences).schema
    for source in (
        iter(()),
        sequences.slice(0, 0),
        sequences.slice(0, 0).to_batches(),
        [sequences.to_batches()[0][:0]],
    ):
        found = encoder.encode_stream(source).read_all()
        assert found.num_rows == 0 and found.schema == schema
    assert encoder.encode_stream(sequences, as_of=-1).read_all().num_rows == 0  # all events come later


def test_users_without_events_are_in_no_batch(encoder: BehaviorEncoder, sequences: pa.Table) -> None:
    moment = int(sequences["event_timestamp"][30][0].as_py())  # later users begin after it
    batches = list(encoder.encode_stream(sequences, as_of=moment, batch_users=20))
    assert [batch.num_rows for batch in batches] == [20, 11]
    assert_alike(pa.Table.from_batches(batches), encoder.encode(sequences, as_of=moment), tolerance=1e-5)


def test_what_is_no_stream_of_sequences_is_refused(encoder: BehaviorEncoder, sequences: pa.Table) -> None:
    with pytest.raises(SequenceError, match="cannot read a stream from int"):
        encoder.encode_stream(1).read_all()
    with pytest.raises(SequenceError, match="not of str"):
        encoder.encode_stream(["batch"]).read_all()
    with pytest.raises(SequenceError, match="events in lists"):
        encoder.encode_stream(pa.Table.from_pandas(make_events(USERS))).read_all()
    with pytest.raises(SequenceError, match="differ in schema"):
        encoder.encode_stream([sequences, sequences.drop_columns("page")]).read_all()


def test_a_vector_does_not_depend_on_its_batch(encoder: BehaviorEncoder, sequences: pa.Table) -> None:
    alone = [encoder.encode(sequences.slice(user, 1)) for user in range(0, USERS, 8)]
    together = encoder.encode(sequences).take(list(range(0, USERS, 8)))
    assert_alike(pa.concat_tables(alone), together.combine_chunks(), tolerance=1e-5)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), median=st.sampled_from([2, 3, 5, 10]))
def test_a_tenth_of_the_places_is_padding_at_most(seed: int, median: int) -> None:
    """Attention's places, the only ones padded, for lengths as sites have them: log-normal, cut at 128."""
    lengths = np.random.default_rng(seed).lognormal(np.log(median), 1.0, 2000).clip(1, 128).astype(np.int64) + 1
    lengths.sort()
    batches = [lengths[part] for part in encode._batches(lengths)]
    places = sum(len(batch) * batch.max() for batch in batches)
    assert places <= 1.1 * lengths.sum()
