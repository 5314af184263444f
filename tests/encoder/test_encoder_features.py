"""What a token is made of: path fields, buckets of times and numbers, and the fields of whole logs."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beha2vec_core.encoder.features import (
    FIRST_GAP,
    GAP_BUCKETS,
    NUMBER_BUCKETS,
    POSITION_BUCKETS,
    SESSION_GAP_BUCKET,
    SHORTEST_GAP,
    WORD,
    WORDS,
    Fields,
    gap_buckets,
    number_buckets,
    page_words,
    path_prefix,
    session_positions,
    slice_hashes,
    template,
)
from beha2vec_core.encoder.vocabulary import NULL, PADDING
from beha2vec_core.events.sequences import Sequences
from tests.encoder.encoder_world import CONFIG, Event, logs, read


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


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("shop.example/p/10023-blue-hat", "/p/#-blue-hat"),
        ("https://shop2.example/p/7/?id=3#top", "/p/#"),
        ("a.example/order/7f3a9c21b/thanks", "/order/#/thanks"),
        ("a.example/u/A1B2C3D4E5", "/u/#"),
        ("a.example/v2/hats", "/v#/hats"),  # too short for an id as a whole
        ("a.example/wunderschoen", "/wunderschoen"),
        ("a.example", "/"),
        ("screen:Step 2", "screen:Step 2"),
    ],
)
def test_templates(page: str, expected: str) -> None:
    assert template(page) == expected


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("shop.example/google+redesign/men++s/Hats.axd?q=secret", ["google", "redesign", "men", "s", "hats"]),
        ("https://a.example/hats/10023/hats-for-ann@mail.example", ["hats"]),
        ("a.example/" + "/".join("abcdefghij"), list("abcdefgh")),
        ("a.example", []),
        ("screen:Cart", ["cart"]),
        ("screen:Cart / Step 2", ["cart", "step", "2"]),
    ],
)
def test_words_of_pages(page: str, words: list[str]) -> None:
    assert list(page_words(page)) == words


words = st.text("abcdefg", min_size=1, max_size=9)
ids = st.integers(0, 10**12).map(str) | st.text("abc123", min_size=8, max_size=20).filter(
    lambda text: any(c.isdigit() for c in text)
)


@given(st.lists(words, min_size=1, max_size=3), ids, ids, st.sampled_from(["", "a.example", "https://b.example"]))
@settings(max_examples=60)
def test_pages_that_differ_in_an_id_alone_share_a_template(parts: list[str], one: str, two: str, host: str) -> None:
    found = {template("/".join([host, *parts, each, "end?x=1"])) for each in (one, two)}
    assert found == {"/" + "/".join([*parts, "#", "end"])}


@given(st.text() | st.text("ab1/:#?%@. "), st.integers(1, 4))
@example("screen:", 1)
@example("://", 1)
@settings(max_examples=150)
def test_any_text_has_path_fields_that_are_paths(page: str, level: int) -> None:
    found = template(page)
    if page.startswith("screen:"):
        assert found == page
    else:
        assert found.startswith("/") and not re.search(r"\d", found)
        if "#" not in found:
            assert template("a.example" + found) == found
    prefix = path_prefix(page, level)
    if prefix is None:
        assert path_prefix(page, level + 1) is None
    elif not page.startswith("screen:"):
        assert path_prefix("a.example" + prefix, level) == prefix
        assert level == 1 or prefix.startswith(str(path_prefix(page, level - 1)))
    got = page_words(page)
    assert len(got) == len(set(got)) <= WORDS and not any("@" in word or " " in word for word in got)


def test_gaps_double_from_bucket_to_bucket() -> None:
    seconds = [-5, 0, 0.5, 1, 1.7, 1.8, 449, 450, 900, 1799.999999, 1800, 3599.999999, 3600, 10**12]
    buckets = [2, 2, 2, 3, 3, 4, 11, 12, 13, 13, 14, 14, 15, 30]
    assert gap_buckets(np.array(seconds)).tolist() == buckets
    assert SESSION_GAP_BUCKET == 14 and GAP_BUCKETS == 31 and gap_buckets(np.array([10])).dtype == np.int32
    assert len(gap_buckets(np.empty(0))) == 0


@given(st.integers(0, 10**17), st.integers(0, 10**17))
@example(1_799_999_999, 1_800_000_000)
def test_gap_buckets_rise_with_time_and_half_an_hour_is_a_border(a: int, b: int) -> None:
    one, two = gap_buckets(np.array(sorted([a, b])) / 1_000_000).tolist()
    assert SHORTEST_GAP <= one <= two < GAP_BUCKETS
    assert (one >= SESSION_GAP_BUCKET) == (min(a, b) >= 1_800_000_000)


def test_a_pause_of_half_an_hour_begins_a_session() -> None:
    half_an_hour = int(gap_buckets(np.array([1800]))[0])
    gap = np.array([FIRST_GAP, 5, 5, half_an_hour, 13, FIRST_GAP, FIRST_GAP, 20, 2], dtype=np.int32)
    assert session_positions(gap).tolist() == [1, 2, 3, 1, 2, 1, 1, 1, 2]
    places = session_positions(np.array([FIRST_GAP] + [5] * 299, dtype=np.int32))
    assert places[:9].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    changes = (np.flatnonzero(np.diff(places)) + 2).tolist()  # the places, from 1, that begin a bucket
    assert changes == [2, 3, 4, 5, 6, 7, 8, 9, 16, 32, 64, 128] and places[-1] == POSITION_BUCKETS - 1


@given(st.lists(st.integers(FIRST_GAP, GAP_BUCKETS - 1), max_size=40))
def test_session_positions_count_from_each_beginning(gaps: list[int]) -> None:
    expected, place = [], 0
    for gap in [FIRST_GAP, *gaps]:
        place = 1 if gap == FIRST_GAP or gap >= SESSION_GAP_BUCKET else place + 1
        expected.append(place if place <= 8 else 6 + int(math.log2(place)))
    assert session_positions(np.array([FIRST_GAP, *gaps], dtype=np.int32)).tolist() == expected


def test_numbers_keep_order_and_sign_and_null_is_apart() -> None:
    got = number_buckets(np.array([-math.inf, -1e12, -2.0, 0.0, 2.0, 100.0, 1e12, math.inf, math.nan]))
    assert np.all(np.diff(got[1:-2]) > 0) and got[-1] == NULL
    assert got[0] == got[1] == 2 and got[-2] == got[-3] == NUMBER_BUCKETS - 1


slices = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=4), min_size=1, max_size=8
)


@given(slices)
@settings(max_examples=60)
def test_slices_are_equal_exactly_where_their_hashes_are(parts: list[list[tuple[int, int]]]) -> None:
    ids = np.array([token for part in parts for token in part], dtype=np.int32)
    lengths = np.array([len(part) for part in parts])
    hashes = slice_hashes(ids, np.cumsum(lengths) - lengths, lengths).tolist()
    for i, part in enumerate(parts):
        alone = slice_hashes(np.array(part, dtype=np.int32), np.array([0]), np.array([len(part)])).tolist()[0]
        assert alone == hashes[i]
        assert [other == part for other in parts] == [h == hashes[i] for h in hashes]


def values(sequences: Sequences, event: int) -> dict[str, str | None]:
    columns = sequences.text.items()
    return {name: None if c.codes[event] < 0 else c.values[c.codes[event]] for name, c in columns}


def looked_up(fields: Fields, sequences: Sequences, event: int) -> list[int]:
    """The ids of an event, one value at a time."""
    texts = values(sequences, event)
    page = str(texts["page"])
    texts |= {"path_1": path_prefix(page, 1), "path_2": path_prefix(page, 2), "template": template(page)}
    row = [int(fields.vocabularies[name].ids([texts[name]])[0]) for name in fields.columns if name != "price"]
    words = fields.vocabularies[WORD].ids(page_words(page)).tolist()
    price = int(number_buckets(sequences.number["price"][[event]])[0])
    return [*row, price, *words, *[PADDING] * (WORDS - len(words))]


@given(logs, logs)
@settings(max_examples=40)
def test_tokens_are_what_a_lookup_of_each_event_gives(learned: list[Event], log: list[Event]) -> None:
    fields, sequences = Fields.fit(read(learned), CONFIG), read(log)
    tokens = fields.tokens(sequences)
    assert fields.columns == ["page", "path_1", "path_2", "template", "event_name", "theme", "device", "price"]
    assert list(fields.sizes) == [*fields.columns, WORD]
    assert tokens.lengths.tolist() == sequences.n_events.tolist()
    keys = []
    for event, kind in enumerate(tokens.kind):
        row = looked_up(fields, sequences, event)
        assert tokens.kinds[kind].tolist() == row
        assert all(i < size for i, size in zip(row, fields.sizes.values(), strict=False))
        keys.append((*values(sequences, event).values(), row[len(fields.columns) - 1]))
        first = event in tokens.offsets
        seconds = np.diff(sequences.event_timestamp[event - 1 : event + 1]) / 1e6
        assert tokens.gap[event] == (FIRST_GAP if first else gap_buckets(seconds)[0])
    assert len(tokens.kinds) == len(set(keys))
    assert len(set(zip(keys, tokens.kind.tolist(), strict=True))) == len(set(keys)), "one kind a combination"


def test_fields_left_out_leave_no_column() -> None:
    sequences = read([("u", 0, "page_view", "a.example/b/c", "hats", "phone", 1.0)])
    bare = Fields.fit(sequences, type(CONFIG)(token_fields=(), extra_fields=CONFIG.extra_fields, min_count=1))
    assert bare.columns == ["page", "event_name", "theme", "device", "price"] and WORD not in bare.sizes
    assert bare.tokens(sequences).kinds.shape == (1, 5)
    assert set(bare.modalities.values()) == {"page", "event_name", "theme", "device", "price"}


@given(logs, logs)
@settings(max_examples=40)
def test_fields_grow_at_their_ends(log: list[Event], more: list[Event]) -> None:
    fields = Fields.fit(read(log), CONFIG)
    grown = fields.grow(read(more), CONFIG)
    assert grown.columns == fields.columns and grown.numbers == fields.numbers
    for name, vocabulary in fields.vocabularies.items():
        longer = grown.vocabularies[name]
        assert longer.values[: len(vocabulary.values)] == vocabulary.values and longer.buckets == vocabulary.buckets
        assert longer.ids(vocabulary.values).tolist() == vocabulary.ids(vocabulary.values).tolist()
    before, after = fields.tokens(read(log)), grown.tokens(read(log))
    np.testing.assert_array_equal(before.kinds[before.kind], after.kinds[after.kind])
    assert {str(v) for v in read(more).text["page"].values} <= set(grown.vocabularies["page"].values)
    assert grown.grow(read(log + more), CONFIG) == grown == Fields.from_json(grown.to_json())
