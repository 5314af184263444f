"""Days of sequences that two releases wrote, read together for training."""

from __future__ import annotations

from pathlib import Path

import duckdb

from beha2vec_core.events.sequences import build_sequences
from beha2vec_core.events.user_sequences import latest_sequences

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
