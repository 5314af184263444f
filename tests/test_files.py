"""A new name comes after the content has reached the disk."""

import os
from pathlib import Path

import pytest

from beha2vec_core.files import put_in_place, replacing


@pytest.mark.parametrize("is_folder", [False, True])
def test_all_content_is_on_disk_before_the_name(
    is_folder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    building, target = tmp_path / ".building", tmp_path / "final"
    files = [building / "a" / "1", building / "2"] if is_folder else [building]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("content")
    inodes = {path.stat().st_ino for path in [building, *files]}
    synced: list[tuple[int, bool]] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append((os.fstat(handle).st_ino, target.exists()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    put_in_place(building, target)
    assert {inode for inode, renamed in synced if not renamed} >= inodes
    assert synced[-1] == (tmp_path.stat().st_ino, True), "the name too"
    assert not building.exists() and target.exists()


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    put_in_place(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "new"


def test_a_file_that_could_not_be_written_leaves_the_older_one(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "file"
    with replacing(target) as temporary:
        temporary.write_text("old")
    with pytest.raises(OSError, match="full"), replacing(target) as temporary:
        temporary.write_text("half")
        raise OSError("the disk is full")
    assert target.read_text() == "old" and list(target.parent.iterdir()) == [target]
