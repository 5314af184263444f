"""The latest sequence of each user: of days that two releases wrote, and of a long history."""

from __future__ import annotations

from hashlib import md5
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from beha2vec_core.events.sequences import build_sequences
from beha2vec_core.events.user_sequences import latest_sequences
from beha2vec_core.store import limits

_OLD = """'{user}' as user_key, now()::timestamp as as_of, 2 as n_events, [7, 7]::bigint[] as event_timestamp,
    ['view', 'add'] as event_name, ['/', '/'] as page, ['t', 't'] as theme, ['p', 'p'] as page_type"""
_NEW = _OLD + ", [1, 2]::int[] as event_index, [true, false] as is_page_view, ['s', 's'] as session_key"


def test_days_without_the_optional_lists_are_read_as_before(tmp_path: Path) -> None:
    for day, (user, columns) in enumerate((("a", _OLD), ("b", _NEW), ("c", _OLD)), start=1):
        folder = tmp_path / f"event_date=2026-01-0{day}"
        folder.mkdir()
        duckdb.execute(f"copy (select {columns.format(user=user)}) to '{folder}/sequences.parquet'")
    read = build_sequences(latest_sequences(tmp_path, 10))
    assert read.user_key == ["a", "b", "c"] and read.session is not None
    names = [read.text["event_name"].values[code] for code in read.text["event_name"].codes]
    assert names == ["add", "view", "view", "add", "add", "view"]
    assert read.session.tolist() == [-1, -1, 0, 0, -1, -1]
    assert read.is_page_view.tolist() == [False, False, True, False, False, False]


def test_a_long_history_is_read_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the rows of the chosen users are read whole: all together would take several times the memory."""
    users, days, length = 3_000, 25, 60
    duckdb.execute(
        f"""copy (
            select date '2026-01-01' + day::int as event_date, 'user' || lpad(n::varchar, 28, '0') as user_key,
                list_transform(range({length}), lambda x: 'shop.example.com/page/' || (x * n + day)) as page
            from range({users}) of_users(n), range({days}) of_days(day) where day % (n % 7 + 1) = 0)
        to '{tmp_path}' (format parquet, partition_by (event_date))"""
    )
    monkeypatch.setattr(limits, "_config", {"memory_limit": "40MB"})
    chosen = [f"user{n:028}" for n in range(0, users, 2)]
    found = latest_sequences(tmp_path, 50, pa.chunked_array([chosen])).to_pylist()
    assert [row["user_key"] for row in found] == sorted(chosen, key=lambda key: md5(key.encode()).hexdigest())[:50]
    for row in found:
        number = int(row["user_key"].removeprefix("user"))
        last = (days - 1) // (number % 7 + 1) * (number % 7 + 1)
        assert row["page"] == [f"shop.example.com/page/{x * number + last}" for x in range(length)]
