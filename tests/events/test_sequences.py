"""Histories from tables: order, ties, cuts, both forms, errors, and equality with a plain Python reference."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beha2vec_core.events.sequences import SequenceError, Sequences, as_arrow, build_sequences, ragged_range

Row = dict[str, Any]


def events(*rows: tuple[str, int, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_key", "event_timestamp", "event_name", "page"]).astype(
        {"event_timestamp": "int64", "user_key": "str", "event_name": "str", "page": "str"}
    )


def texts(sequences: Sequences, name: str) -> list[list[str | None]]:
    column = sequences.text[name]
    flat = [None if code < 0 else column.values[code] for code in column.codes]
    return [flat[a:b] for a, b in zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True)]


TWO_USERS = events(
    ("b", 30, "page_view", "/x"), ("a", 20, "page_view", "/two"), ("a", 10, "page_view", "/one"), ("a", 30, "buy", "/c")
)


def test_users_and_events_come_in_order() -> None:
    got = build_sequences(TWO_USERS)
    assert got.user_key == ["a", "b"]
    assert texts(got, "page") == [["/one", "/two", "/c"], ["/x"]]
    assert got.event_timestamp.tolist() == [10, 20, 30, 30]
    assert got.as_of.tolist() == [30, 30]


def test_ties_go_by_event_index_then_event_name_then_page() -> None:
    table = events(("a", 1, "z", "/1"), ("a", 1, "y", "/2"), ("a", 1, "y", "/1"))
    assert texts(build_sequences(table), "page") == [["/1", "/2", "/1"]]
    assert texts(build_sequences(table.assign(event_index=[0, 1, 2])), "page") == [["/1", "/2", "/1"]]
    assert texts(build_sequences(table.assign(event_index=[2, 1, 0])), "event_name") == [["y", "y", "z"]]
    assert texts(build_sequences(table.assign(event_index=[0, 2, 1])), "event_name") == [["z", "y", "y"]]


def test_the_last_events_stay_not_the_first() -> None:
    assert texts(build_sequences(TWO_USERS, max_length=2), "page") == [["/two", "/c"], ["/x"]]


@pytest.mark.parametrize(
    "as_of", [20, datetime(1970, 1, 1, 0, 0, 0, 20), datetime(1970, 1, 1, microsecond=20, tzinfo=UTC)]
)
def test_events_after_as_of_do_not_count_and_users_without_events_are_left_out(as_of: datetime | int) -> None:
    got = build_sequences(TWO_USERS, as_of=as_of)
    assert got.user_key == ["a"] and texts(got, "page") == [["/one", "/two"]]
    assert got.as_of.tolist() == [20]


def test_sequences_form_equals_events_form_and_honours_its_own_as_of() -> None:
    lists = TWO_USERS.groupby("user_key").agg(list).reset_index()
    same = build_sequences(lists)
    assert texts(same, "page") == texts(build_sequences(TWO_USERS), "page")
    cut = build_sequences(lists.assign(as_of=pd.to_datetime([25, 99], unit="us")))
    assert texts(cut, "page") == [["/one", "/two"], ["/x"]] and cut.as_of.tolist() == [25, 99]


def test_every_kind_of_table_gives_the_same() -> None:
    arrow = pa.Table.from_pandas(TWO_USERS)
    chunked = pa.concat_tables([arrow.slice(0, 1), arrow.slice(1)])
    encoded = arrow.set_column(arrow.schema.get_field_index("page"), "page", arrow["page"].dictionary_encode())
    relation = duckdb.connect().from_arrow(arrow)
    expected = build_sequences(TWO_USERS)
    for table in (arrow, chunked, encoded, relation, arrow.to_reader(), arrow.to_batches()[0]):
        got = build_sequences(table)
        assert got.user_key == expected.user_key and texts(got, "page") == texts(expected, "page")


def test_nothing_in_nothing_out() -> None:
    assert len(build_sequences(TWO_USERS.iloc[:0])) == 0
    assert len(build_sequences(TWO_USERS, as_of=1)) == 0
    assert len(build_sequences(TWO_USERS.groupby("user_key").agg(list).reset_index().iloc[:0].astype(object))) == 0


def test_a_null_in_an_optional_column_is_kept_as_null() -> None:
    got = build_sequences(
        TWO_USERS.assign(theme=["t", None, "u", None], price=[1.0, None, 2.0, 3.0]), extra_number=["price"]
    )
    assert texts(got, "theme") == [["u", None, None], ["t"]]
    assert np.isnan(got.number["price"][1])


@pytest.mark.parametrize(
    ("table", "remedy"),
    [
        (TWO_USERS.drop(columns="page"), r"missing columns \['page'\].*Rename or add"),
        (TWO_USERS.assign(user_key=[1, 2, 3, 4]), "user_key must be text.*cast"),
        (TWO_USERS.assign(event_timestamp=pd.to_datetime([1, 2, 3, 4])), "event_timestamp must be int64.*epoch_us"),
        (TWO_USERS.assign(event_timestamp=[1.0, 2.0, 3.0, 4.0]), "event_timestamp must be int64.*cast"),
        (TWO_USERS.assign(user_key=["a", None, "b", "c"]), "user_key is null in 1 row; drop or fill"),
        (TWO_USERS.assign(page=["a", None, None, "c"]), "page is null in 2 rows; drop or fill"),
        (TWO_USERS.assign(user_key=["a", 1, "b", "c"]), "mixes types.*one type"),
        ([1, 2, 3], "cannot read events from list; give a pandas DataFrame"),
        (TWO_USERS.groupby("user_key").agg(list).reset_index().iloc[[0, 0]],
         "several rows of sequences; keep one"),
        (pd.DataFrame({"user_key": ["a"], "event_timestamp": [[1, 2]], "event_name": [["e"]], "page": [["p", "q"]]}),
         "of user a differ in length"),
        (pd.DataFrame({"user_key": ["a"], "event_timestamp": [[1, 2]], "event_name": ["e"], "page": [["p", "q"]]}),
         "give lists for both"),
        (TWO_USERS.assign(is_page_view=[1, 0, 1, 1]), "is_page_view must be boolean, not int64; cast it"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_reported_with_the_remedy(table: Any, remedy: str) -> None:
    with pytest.raises(SequenceError, match=remedy):
        build_sequences(table)


def test_a_declared_column_must_be_there_and_be_a_number() -> None:
    with pytest.raises(SequenceError, match="missing columns"):
        build_sequences(TWO_USERS, extra_text=["device"])
    with pytest.raises(SequenceError, match="declared a number"):
        build_sequences(TWO_USERS, extra_number=["page"])
    with pytest.raises(SequenceError, match="as_of must be"):
        build_sequences(TWO_USERS, as_of="2020-01-01")  # type: ignore[arg-type]


def test_page_views_and_sessions_come_from_their_columns_where_given() -> None:
    table = TWO_USERS.assign(is_page_view=[True, False, True, True], session_key=["s1", "s3", "s2", "s3"])
    bare, got = build_sequences(TWO_USERS), build_sequences(table)
    assert bare.is_page_view.tolist() == [True, True, False, True] and bare.session is None
    assert got.is_page_view.tolist() == [True, False, True, True]
    assert got.session is not None and got.session.tolist() == [1, 2, 2, 0]
    lists = build_sequences(table.groupby("user_key").agg(list).reset_index())
    assert lists.session is not None and lists.session.tolist() == [1, 2, 2, 0]
    assert lists.is_page_view.tolist() == got.is_page_view.tolist()
    for part in (got.select(np.array([1, 0])), got.split_at(30)[1]):
        assert part.session is not None and len(part.session) == len(part.is_page_view) == len(part.event_timestamp)
    assert got.select(np.array([1])).session == [0] and got.split_at(30)[1].is_page_view.tolist() == [True, True]


def test_a_user_whose_optional_list_is_null_is_read_as_without_it() -> None:
    """As files of an earlier release, read together with new ones, give them."""
    table = events(*((user, 1, name, "/1") for user in "ab" for name in ("page_view", "add")))
    table = table.assign(event_index=[1, 2, 1, 2], is_page_view=True, session_key=["s", "s", "t", "t"])
    lists = pa.Table.from_pandas(table.groupby("user_key").agg(list).reset_index(), preserve_index=False)
    for name in ("event_index", "is_page_view", "session_key"):
        values = [None, lists[name][1]]
        lists = lists.set_column(lists.schema.get_field_index(name), name, pa.array(values, lists[name].type))
    got = build_sequences(lists)
    assert texts(got, "event_name") == [["add", "page_view"], ["page_view", "add"]]
    assert got.is_page_view.tolist() == [False, True, True, True]
    assert got.session is not None and got.session.tolist() == [-1, -1, 0, 0]
    old = build_sequences(lists.slice(0, 1))
    assert texts(old, "event_name") == [["add", "page_view"]] and old.is_page_view.tolist() == [False, True]


@settings(max_examples=50)
@given(
    users=st.lists(st.lists(st.sampled_from(["page_view", "view_item", "cart"]), min_size=1), min_size=1, max_size=3),
    random=st.randoms(use_true_random=False),
)
def test_events_of_one_microsecond_keep_the_order_of_event_index(users: list[list[str]], random: Random) -> None:
    rows = [
        {"user_key": f"u{user}", "event_timestamp": 7, "event_index": place, "event_name": name, "page": "/",
         "is_page_view": name == "page_view", "session_key": f"s{place // 2:04}"}  # numbered in the order of their text
        for user, names in enumerate(users) for place, name in enumerate(names)
    ]  # fmt: skip
    random.shuffle(rows)
    table = pd.DataFrame(rows)
    for form in (table, table.groupby("user_key").agg(list).reset_index()):
        got = build_sequences(form)
        assert texts(got, "event_name") == users
        assert got.is_page_view.tolist() == [name == "page_view" for names in users for name in names]
        assert got.session is not None
        assert got.session.tolist() == [place // 2 for names in users for place in range(len(names))]


def test_select_takes_whole_histories() -> None:
    got = build_sequences(TWO_USERS).select(np.array([1, 0]))
    assert got.user_key == ["b", "a"] and texts(got, "page") == [["/x"], ["/one", "/two", "/c"]]


def test_ragged_range() -> None:
    assert ragged_range(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]


def reference(rows: list[Row], as_of: int | None, max_length: int) -> list[tuple[str, int, list[Row]]]:
    """What build_sequences should do, said in plain Python."""
    found = []
    for user in sorted({row["user_key"] for row in rows}):
        mine = [r for r in rows if r["user_key"] == user and (as_of is None or r["event_timestamp"] <= as_of)]
        mine.sort(key=lambda r: (r["event_timestamp"], r["event_index"], r["event_name"], r["page"], r["theme"] or ""))
        if mine:
            found.append((user, mine[-1]["event_timestamp"] if as_of is None else as_of, mine[-max_length:]))
    return found


row_strategy = st.fixed_dictionaries(
    {
        "user_key": st.sampled_from(["a", "b", "é", "Z", "user 10"]),
        "event_timestamp": st.integers(-3, 6) | st.integers(2**52, 2**52 + 2),
        "event_index": st.integers(0, 1),
        "event_name": st.sampled_from(["page_view", "purchase"]),
        "page": st.text(alphabet="a/é\U0001f600", max_size=2),
        "theme": st.sampled_from([None, "x", "y"]),
    }
)


SCHEMA = pa.schema(
    [("user_key", pa.string()), ("event_timestamp", pa.int64()), ("event_index", pa.int32()),
     ("event_name", pa.string()), ("page", pa.string()), ("theme", pa.string())]
)  # fmt: skip


@settings(max_examples=150)
@given(
    rows=st.lists(row_strategy, min_size=1, max_size=25),
    as_of=st.none() | st.integers(-4, 7),
    max_length=st.integers(1, 6),
)
def test_ragged_building_equals_a_plain_reference(rows: list[Row], as_of: int | None, max_length: int) -> None:
    expected = reference(rows, as_of, max_length)
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    got = build_sequences(table, as_of=as_of, max_length=max_length)
    assert got.user_key == [user for user, _, _ in expected]
    assert got.as_of.tolist() == [moment for _, moment, _ in expected]
    for name in ("event_name", "page", "theme"):
        assert texts(got, name) == [[row[name] for row in mine] for _, _, mine in expected]
    assert got.event_timestamp.tolist() == [row["event_timestamp"] for _, _, mine in expected for row in mine]

    lists = table.group_by("user_key", use_threads=False).aggregate(
        [(n, "list") for n in SCHEMA.names if n != "user_key"]
    )
    lists = lists.rename_columns([name.removesuffix("_list") for name in lists.column_names])
    again = build_sequences(lists, as_of=as_of, max_length=max_length)
    assert texts(again, "page") == texts(got, "page") and texts(again, "theme") == texts(got, "theme")
    assert as_arrow(lists) is lists


@settings(max_examples=100)
@given(rows=st.lists(row_strategy, min_size=1, max_size=25), moment=st.integers(-4, 7) | st.just(2**52 + 1))
def test_the_parts_before_and_from_a_moment_are_what_their_events_alone_would_be(rows: list[Row], moment: int) -> None:
    whole = build_sequences(pa.Table.from_pylist(rows, schema=SCHEMA))
    ends = dict(zip(whole.user_key, whole.as_of.tolist(), strict=True))
    before, after = whole.split_at(moment)
    for part, last, inside in ((before, moment - 1, moment.__gt__), (after, 2**53, moment.__le__)):
        events = [row for row in rows if inside(row["event_timestamp"])]
        alone = build_sequences(pa.Table.from_pylist(events, schema=SCHEMA))
        assert part.user_key == alone.user_key and part.offsets.tolist() == alone.offsets.tolist()
        assert part.event_timestamp.tolist() == alone.event_timestamp.tolist()
        for name in ("event_name", "page", "theme"):
            assert texts(part, name) == texts(alone, name)
        assert part.as_of.tolist() == [min(ends[user], last) for user in part.user_key]
