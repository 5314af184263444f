"""From tokens to batches: packed sequences, cuts in two, what comes after each event, and who shares a part."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pandas as pd
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from beha2vec_core.dbt_vars import PAGE_VIEW_EVENTS
from beha2vec_core.encoder.batches import TrainingSet, make_batch, random_split, split_by_tokens
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import (
    FIRST_GAP,
    SESSION_GAP_BUCKET,
    Fields,
    Tokens,
    gap_buckets,
    session_positions,
)
from beha2vec_core.encoder.objectives import Batch
from beha2vec_core.encoder.packing import Packed, pack
from beha2vec_core.events.sequences import Sequences, build_sequences
from tests.encoder.encoder_world import CONFIG, CPU, Event, fresh, logs, random_log, read

HORIZON = 84  # seconds
TRAIN = TrainConfig(horizon_days=2**-10)


def test_packed_by_hand() -> None:
    kinds = np.array([[10, 1], [20, 2], [30, 3]], dtype=np.int32)
    tokens = Tokens(kinds, np.array([0, 2, 2, 0, 1]), np.array([1, 5, 6, 1, 20]), np.array([0, 3, 5]))
    packed = pack(tokens, np.array([1, 3]), np.array([2, 1]), CPU, recency=np.array([7, 30]))
    assert packed.kinds.tolist() == [[10, 1], [30, 3]]
    assert packed.kind.tolist() == [1, 1, 2, 0, 2] and packed.is_event.tolist() == [True, True, False, True, False]
    assert packed.gap.tolist() == [FIRST_GAP, 6, 7, FIRST_GAP, 30]
    assert packed.row.tolist() == [0, 0, 0, 1, 1] and packed.column.tolist() == [0, 1, 2, 0, 1]
    assert packed.lengths.tolist() == [3, 2] and packed.longest == 3
    assert packed.last.tolist() == [2, 4] and packed.last_event.tolist() == [1, 3]
    bare = pack(tokens, np.array([3]), np.array([2]), CPU)
    assert bare.gap.tolist() == [FIRST_GAP, 20] and bare.position.tolist() == [1, 1]
    assert bare.last.tolist() == bare.last_event.tolist() == [1]


def test_sessions_go_by_their_key_where_given_and_by_pauses_where_not() -> None:
    seconds = [0, 1, 4000, 4001, 4002]
    table = pd.DataFrame(
        {"user_key": "u", "event_timestamp": [s * 1_000_000 for s in seconds], "event_name": "click", "page": "/"}
    )
    recency = np.array([SESSION_GAP_BUCKET], dtype=np.int32)

    def places(keys: list[str | None] | None) -> list[int]:
        sequences = build_sequences(table if keys is None else table.assign(session_key=keys))
        tokens = Fields.fit(sequences, CONFIG).tokens(sequences)
        return pack(tokens, np.array([0]), np.array([5]), CPU, recency).position.tolist()

    assert places(None) == [1, 2, 1, 2, 3, 1]
    assert places(["s", "s", "s", "s", "t"]) == [1, 2, 3, 4, 1, 1]
    assert places([None, None, "s", "s", None]) == [1, 2, 1, 2, 3, 1], "a null key: the pause tells"
    sequences = build_sequences(table.assign(session_key=["s", "s", "s", "s", "t"]))
    tokens = Fields.fit(sequences, CONFIG).tokens(sequences)
    assert pack(tokens, np.array([3]), np.array([2]), CPU).position.tolist() == [1, 1], "a slice begins a session"


@given(logs, st.booleans(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_packed_tokens_are_those_of_the_slices(log: list[Event], ends: bool, random: Random) -> None:
    sequences = read(log)
    tokens = Fields.fit(sequences, CONFIG).tokens(sequences)
    slices = []
    for _ in range(4):
        start = random.randrange(len(log))
        slices.append((start, random.randrange(1, len(log) - start + 1)))
    starts, lengths = (np.array(column) for column in zip(*slices, strict=True))
    recency = np.array([2, 8, 20, 30], dtype=np.int32) if ends else None
    packed = pack(tokens, starts, lengths, CPU, recency)
    at = 0
    for row, (start, length) in enumerate(slices):
        mine = slice(at, at + length)
        got = packed.kinds[packed.kind[mine]].numpy()
        np.testing.assert_array_equal(got, tokens.kinds[tokens.kind[start : start + length]])
        gaps = [FIRST_GAP, *tokens.gap[start + 1 : start + length].tolist()]
        assert packed.gap[mine].tolist() == gaps
        assert packed.position[mine].tolist() == session_positions(np.array(gaps)).tolist()
        total = length + ends
        assert packed.row[at : at + total].tolist() == [row] * total
        assert packed.column[at : at + total].tolist() == list(range(total))
        assert packed.last_event[row] == at + length - 1 and packed.last[row] == at + total - 1
        if recency is not None:
            assert not packed.is_event[at + length] and packed.gap[at + length] == recency[row]
        at += total
    assert packed.is_event.sum() == lengths.sum() and len(packed.kind) == at
    x = torch.rand(at, 3) + 1
    padded = packed.pad(x)
    assert padded.shape == (4, packed.longest, 3) and torch.equal(packed.unpad(padded), x)
    assert (padded > 0).any(-1).sum(1).tolist() == packed.lengths.tolist() and (padded > 0).sum() == 3 * at


def whole(tokens: Tokens, users: list[int]) -> Packed:
    recency = np.array([9 + user % 5 for user in users], dtype=np.int32)
    return pack(tokens, tokens.offsets[users], tokens.lengths[users], CPU, recency)


@torch.no_grad()
def test_neighbours_in_the_pack_do_not_matter() -> None:
    sequences = random_log(12)
    fields, network = fresh(sequences)
    tokens = fields.tokens(sequences)
    together = whole(tokens, list(range(12)))
    content, states = network(together)
    vectors = network.vectors(together, content, states)
    for user in range(12):
        alone = whole(tokens, [user])
        own_content, own_states = network(alone)
        mine = together.row == user
        torch.testing.assert_close(content[mine], own_content, atol=1e-6, rtol=0)
        torch.testing.assert_close(states[mine], own_states, atol=1e-6, rtol=0)
        for ours, own in zip(vectors, network.vectors(alone, own_content, own_states), strict=True):
            torch.testing.assert_close(ours[user], own[0], atol=1e-6, rtol=0)
    hidden = together.column % 3 == 1
    both_ways = network(together, hidden=hidden)[1]
    own_both_ways = network(whole(tokens, [5]), hidden=hidden[together.row == 5])[1]
    torch.testing.assert_close(both_ways[together.row == 5], own_both_ways, atol=1e-6, rtol=0)


@torch.no_grad()
def test_a_state_knows_nothing_of_what_comes_after() -> None:
    sequences = random_log(6)
    fields, network = fresh(sequences)
    packed = whole(fields.tokens(sequences), list(range(6)))
    states = network(packed)[1]
    for column in range(1, packed.longest):
        late = (packed.column >= column) & packed.is_event
        kind = torch.where(late, (packed.kind + 1) % len(packed.kinds), packed.kind)
        gap = torch.where(packed.column >= column, 25, packed.gap)
        other = network(replace(packed, kind=kind, gap=gap))[1]
        early = packed.column < column
        torch.testing.assert_close(other[early], states[early], atol=1e-6, rtol=0)
        assert (other[~early] - states[~early]).abs().max() > 1e-3


@settings(max_examples=60)
@given(st.lists(st.integers(2, 40), min_size=1, max_size=30), st.integers(0, 5))
def test_both_parts_hold_something_and_together_all(lengths: list[int], seed: int) -> None:
    n = np.array(lengths)
    first = random_split(n, np.random.default_rng(seed))
    assert ((first >= 1) & (first < n)).all()


def test_one_part_is_as_likely_short_as_the_other() -> None:
    first = random_split(np.full(4000, 8), np.random.default_rng(0))
    assert np.bincount(first, minlength=8)[1:].min() > 450 and abs(first.mean() - 4) < 0.1


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 100), st.integers(1, 7))
@settings(max_examples=60)
def test_batches_cover_all_and_keep_their_budget(lengths: list[int], tokens: int, users: int) -> None:
    n = np.array(lengths, dtype=np.int64)
    parts = split_by_tokens(n, tokens, users)
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(len(n)))
    for part in parts:
        size = part.stop - part.start
        assert 1 <= size <= users and (size == 1 or size * n[part].max() <= tokens)


def text(sequences: Sequences, name: str, event: int) -> str | None:
    column = sequences.text[name]
    return None if column.codes[event] < 0 else column.values[column.codes[event]]


def last_of(sequences: Sequences, event: int) -> int:
    return next(int(end) - 1 for end in sequences.offsets[1:] if event < end)


@given(logs)
@settings(max_examples=50)
def test_what_comes_next_is_what_a_plain_search_finds(log: list[Event]) -> None:
    sequences = read(log)
    fields = Fields.fit(sequences, CONFIG)
    data = TrainingSet.of(fields, sequences)
    pages, names = fields.vocabularies["page"], fields.vocabularies["event_name"]
    for event in range(len(log)):
        later = range(event + 1, last_of(sequences, event) + 1)
        views = [text(sequences, "page", e) for e in later if text(sequences, "event_name", e) in PAGE_VIEW_EVENTS]
        assert data.next_page[event] == (pages.ids(views[:1])[0] if views else 0)
        following = [text(sequences, "event_name", e) for e in later]
        assert data.next_event_name[event] == (names.ids(following[:1])[0] if later else 0)
        seconds = np.diff(sequences.event_timestamp[event : event + 2]) / 1e6
        assert data.next_gap[event] == (gap_buckets(seconds)[0] if later else 0)
        assert data.last[event] == last_of(sequences, event)


def test_the_next_page_is_that_of_the_next_view_over_other_events() -> None:
    sequences = read([
        ("u", 0, "page_view", "a.example/a", None, None, None), ("u", 1, "click", "a.example/b", None, None, None),
        ("u", 2, "screen_view", "screen:Cart", None, None, None), ("u", 3, "click", "a.example/b", None, None, None),
        ("v", 9, "page_view", "a.example/a", None, None, None),
    ])  # fmt: skip
    fields = Fields.fit(sequences, CONFIG)
    cart = int(fields.vocabularies["page"].ids(["screen:Cart"])[0])
    assert TrainingSet.of(fields, sequences).next_page.tolist() == [cart, cart, 0, 0, 0]


def actions(fields: Fields, sequences: Sequences, event: int) -> set[int]:
    """Which of the foretold values an event has."""
    found, before = set(), 0
    for name in ("event_name", "theme", "device"):
        known = fields.vocabularies[name].values
        if text(sequences, name, event) in known:
            found.add(before + known.index(str(text(sequences, name, event))))
        before += len(known)
    return found


def in_the_horizon(fields: Fields, sequences: Sequences, event: int, moment: float) -> tuple[set[int], bool]:
    """The actions after an event up to the horizon of a moment, and whether the data reach that far."""
    seconds = (sequences.event_timestamp - sequences.event_timestamp.min()) // 1_000_000
    later = range(event + 1, last_of(sequences, event) + 1)
    found = [actions(fields, sequences, e) for e in later if seconds[e] <= moment + HORIZON]
    return set().union(*found), bool(moment + HORIZON <= seconds.max())


def batch_of(log: list[Event], seed: int) -> tuple[Fields, Sequences, TrainingSet, Batch, list[list[int]]]:
    """A batch of all users of two events or more, and the events of each of its parts."""
    sequences = read(log)
    users = np.flatnonzero(sequences.n_events > 1)
    assume(len(users))
    fields = Fields.fit(sequences, CONFIG)
    data = TrainingSet.of(fields, sequences)
    batch = make_batch(data, users, TRAIN, np.random.default_rng(seed), CPU)
    sizes = (batch.packed.lengths - 1).tolist()
    parts: list[list[int]] = []
    for row, size in enumerate(sizes):
        user = users[row % len(users)]
        start = int(sequences.offsets[user]) + (sizes[row - len(users)] if row >= len(users) else 0)
        parts.append(list(range(start, start + size)))
    for user, (first, second) in zip(users, zip(parts[: len(users)], parts[len(users) :], strict=True), strict=True):
        assert first and second and first + second == list(range(*sequences.offsets[user : user + 2].tolist()))
    return fields, sequences, data, batch, parts


@given(logs, st.integers(0, 9))
@settings(max_examples=60)
def test_a_batch_is_labelled_as_a_plain_search_labels_it(log: list[Event], seed: int) -> None:
    fields, sequences, data, batch, parts = batch_of(log, seed)
    seconds = ((sequences.event_timestamp - sequences.event_timestamp.min()) // 1_000_000).tolist()
    token = 0
    for part in parts:
        for event in part:
            shown = batch.packed.kinds[batch.packed.kind[token]].tolist()
            assert shown == data.tokens.kinds[data.tokens.kind[event]].tolist()
            for target, source in (
                (batch.next_page, data.next_page),
                (batch.next_event_name, data.next_event_name),
                (batch.next_gap, data.next_gap),
            ):
                assert target[token] == source[event]
            happens = set(batch.future[token].nonzero().ravel().tolist())
            wanted = in_the_horizon(fields, sequences, event, seconds[event])
            assert (happens, bool(batch.future_known[token])) == wanted
            token += 1
        # the recency token: some moment after the last event, of this gap bucket, and before the next event
        assert not batch.packed.is_event[token]
        assert batch.next_page[token] == batch.next_event_name[token] == batch.next_gap[token] == 0
        event, happens = part[-1], set(batch.future[token].nonzero().ravel().tolist())
        until = seconds[event + 1] if event < last_of(sequences, event) else max(seconds)
        bucket = int(batch.packed.gap[token])
        assert any(
            (happens, bool(batch.future_known[token])) == in_the_horizon(fields, sequences, event, moment)
            for moment in range(seconds[event], max(until, seconds[event] + 1))
            if gap_buckets(np.array([moment - seconds[event]]))[0] == bucket
        )
        token += 1
    assert token == len(batch.packed.kind) == len(batch.future)


def test_moments_after_the_last_event_are_of_every_length() -> None:
    log: list[Event] = [("u", second, "click", "a.example/a", None, None, None) for second in (0.0, 1e6)]
    sequences = read(log)
    data = TrainingSet.of(Fields.fit(sequences, CONFIG), sequences)
    rng = np.random.default_rng(0)
    buckets = np.array([make_batch(data, np.array([0]), TRAIN, rng, CPU).packed.gap[1].item() for _ in range(400)])
    assert set(buckets) <= set(range(2, 24)) and all((buckets == bucket).any() for bucket in range(5, 23))
    assert np.bincount(buckets).max() < 60, "a doubling is as likely as another"


@given(st.lists(st.lists(st.sampled_from("ab"), min_size=2, max_size=4), min_size=1, max_size=6), st.integers(0, 9))
@settings(max_examples=60)
def test_who_shares_a_part_is_no_negative(histories: list[list[str]], seed: int) -> None:
    log: list[Event] = [
        (f"u{user}", 60.0 * place * (user + 1), "click", f"a.example/{page}", None, None, None)
        for user, pages in enumerate(histories)
        for place, page in enumerate(pages)
    ]
    *_, data, batch, parts = batch_of(log, seed)
    kinds = [data.tokens.kind[part].tolist() for part in parts]
    n = len(histories)
    for i in range(n):
        for j in range(n):
            shared = any(one == other for one in kinds[i::n] for other in kinds[j::n])
            assert batch.same[i, j] == (i != j and shared)
