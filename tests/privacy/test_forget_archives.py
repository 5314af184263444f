"""A person is found in compressed copies too; what cannot be searched is named."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import random
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest

from beha2vec_core.privacy.forgetting import archives
from beha2vec_core.privacy.forgetting.find import find_person
from beha2vec_core.privacy.people import People
from beha2vec_core.settings import Settings
from tests.privacy.privacy_world import DAN, LAPTOP


def packed(*contents: tuple[str, bytes]) -> bytes:
    with warnings.catch_warnings(), zipfile.ZipFile(made := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # two of one name
        for name, content in contents:
            archive.writestr(name, content)
    return made.getvalue()


def in_tar(content: bytes) -> bytes:
    with tarfile.open(fileobj=(made := io.BytesIO()), mode="w") as archive:
        entry = tarfile.TarInfo("users.csv.gz")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


TEXT = f"user_pseudo_id,sessions\n{LAPTOP},3\n{DAN},1\n".encode() * 99
OTHERS = TEXT.replace(LAPTOP.encode(), DAN.encode())
NOISE = random.Random(1).randbytes(9_000)  # does not get smaller, so that a cut file breaks off in the middle


@pytest.mark.parametrize(
    "name_and_content",
    [
        ("users.zip", packed(("users.csv", TEXT))), ("users.csv.xz", lzma.compress(TEXT)),
        ("users.csv.bz2", bz2.compress(TEXT)), ("two of one name.zip", packed(("users", TEXT), ("users", OTHERS))),
        ("users.csv.gz.zip", packed(("others", OTHERS), ("users.csv.gz", gzip.compress(TEXT)))),
        ("users.zip.zip", packed(("users.zip", packed(("users.csv", TEXT))))),
        ("users.tar.xz", lzma.compress(in_tar(gzip.compress(TEXT)))), ("users.tgz", gzip.compress(in_tar(TEXT))),
        ("users.csv.gz.gz", gzip.compress(gzip.compress(TEXT))), ("users.tar", in_tar(gzip.compress(TEXT))),
    ],
    ids=lambda one: one[0],
)  # fmt: skip
@pytest.mark.parametrize("block", [300, 4 << 20])
def test_compressed_copies_are_searched(
    tmp_path: Path, name_and_content: tuple[str, bytes], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_BLOCK", block)
    monkeypatch.setattr(archives, "_OVERLAP", 60)
    name, content = name_and_content
    (tmp_path / name).write_bytes(content)
    settings, people = Settings(data_dir=tmp_path), People(devices=frozenset([LAPTOP]))
    assert [(one.file.name, one.problem) for one in find_person(settings, people)] == [(name, None)]
    assert find_person(settings, People(devices=frozenset(["999999999.1767818244"]))) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("users.csv.zst", b"\x28\xb5\x2f\xfd" + bytes(99)), ("cut.zip", packed(("users.csv", TEXT))[:80]),
        ("cut.bz2", bz2.compress(NOISE)[:5_000]), ("cut.xz", lzma.compress(NOISE)[:5_000]),
        ("cut.gz", gzip.compress(NOISE)[:5_000]), ("cut.bz2.zip", packed(("cut.bz2", bz2.compress(NOISE)[:5_000]))),
        ("users.zst.zip", packed(("users.zst", b"\x28\xb5\x2f\xfd" + bytes(99)))),
        ("users.parquet.gz", gzip.compress(b"PAR1" + bytes(99))), ("bomb.zip", packed(("zeros", bytes(70_000)))),
        ("deep.gz", functools.reduce(lambda made, _: gzip.compress(made), range(9), TEXT)),
    ],
    ids=lambda one: one if isinstance(one, str) else "",  # gzip writes the time: workers would collect other tests
)  # fmt: skip
def test_what_cannot_be_searched_is_named(
    tmp_path: Path, name: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate may not say that nothing is left where nobody looked."""
    monkeypatch.setattr(archives, "_MOST", 60_000)
    (tmp_path / name).write_bytes(content)
    (found,) = find_person(Settings(data_dir=tmp_path), People(devices=frozenset([LAPTOP])))
    assert found.file.name == name and found.problem and found.rows == 0
