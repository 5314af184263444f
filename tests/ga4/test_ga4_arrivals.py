"""Which days of an export changed, and which are due."""

import os
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.ga4.arrivals import changed_days, due_day, fingerprints
from beha2vec_core.ga4.sources import find_source_files

NOW = 2_000_000_000.0
FIRST, SECOND = date(2026, 1, 5), date(2026, 1, 6)


def _write(folder: Path, name: str, text: str = "{}", age: float = 3600) -> Path:
    file = folder / name
    file.write_text(text)
    os.utime(file, (NOW - age, NOW - age))
    return file


def _seen(folder: Path) -> dict[date, str]:
    return fingerprints(find_source_files(str(folder), "1"), now=NOW)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    for name in ("events_20260105.json", "events_20260106_0.json", "events_20260106_1.json"):
        _write(tmp_path, name)
    return tmp_path


def test_nothing_changed_is_no_change(export: Path) -> None:
    assert set(_seen(export)) == {FIRST, SECOND}
    assert changed_days(_seen(export), _seen(export)) == []
    assert changed_days({}, _seen(export)) == [FIRST, SECOND]


@pytest.mark.parametrize("how", ["size", "time", "another file", "a file less", "another name"])
def test_a_day_delivered_again_has_changed(export: Path, how: str) -> None:
    before = _seen(export)
    if how == "size":
        _write(export, "events_20260106_0.json", "{} ")
    elif how == "time":
        _write(export, "events_20260106_0.json", age=1800)
    elif how == "another file":
        _write(export, "events_20260106_2.json")
    elif how == "a file less":
        (export / "events_20260106_1.json").unlink()
    else:
        (export / "events_20260106_1.json").rename(export / "events_20260106_9.json")
    assert changed_days(before, _seen(export)) == [SECOND]


def test_a_day_whose_files_are_gone_is_left_as_it_was_read(export: Path) -> None:
    before = _seen(export)
    (export / "events_20260105.json").unlink()
    assert changed_days(before, _seen(export)) == []


def test_a_day_is_waited_for_while_a_file_grows_or_is_taken_away(export: Path) -> None:
    before = _seen(export)
    _write(export, "events_20260106_2.json", age=5)
    assert set(_seen(export)) == {FIRST} and changed_days(before, _seen(export)) == []
    _write(export, "events_20260106_2.json", age=65)
    assert changed_days(before, _seen(export)) == [SECOND]
    listed = find_source_files(str(export), "1")
    (export / "events_20260106_2.json").unlink()
    assert set(fingerprints(listed, now=NOW)) == {FIRST}


def test_files_that_name_no_day_and_intraday_of_a_finished_day_do_not_count(export: Path) -> None:
    before = _seen(export)
    _write(export, "history.json")
    _write(export, "events_intraday_20260106.json")
    assert _seen(export) == before


@given(st.integers(0, 23), st.datetimes(datetime(2020, 1, 3), datetime(2030, 1, 1)))
def test_a_day_is_due_at_the_hour_of_the_next_day(hour: int, now: datetime) -> None:
    due = due_day(now, hour)
    assert (now.date() - due).days == (1 if now.hour >= hour else 2)
