"""Killed in the middle, and two at once: partitions stay whole, scratch is cleaned, and nobody cleans a neighbour's."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beha2vec_core.files import remove_stale_scratch
from beha2vec_core.ga4.ingest import ingest_days, partition_file
from beha2vec_core.ga4.sources import find_source_files
from tests.ga4.ingest_world import DAY, NEXT, World, event, world

__all__ = ["world"]

# Ingests a day; waits at the given moment, as an operating system may let it wait, until it is killed or told to go on.
INGEST = """
import sys, time
from datetime import date
from pathlib import Path
from beha2vec_core.ga4 import ingest
from beha2vec_core.ga4.sources import find_source_files

source, raw, day, moment, signal = sys.argv[1:]
def wait(*arguments):
    Path(signal + ".reached").touch()
    while not Path(signal + ".go").exists():
        time.sleep(0.02)

if moment == "before the move":
    move = Path.replace
    def slow(self, target):
        wait()
        return move(self, target)
    Path.replace = slow
progress = wait if moment == "after reading" else None
report = ingest.ingest_days(find_source_files(source, "p1"), [date.fromisoformat(day)], Path(raw), progress=progress)
print([(d.status, d.accepted) for d in report.days])
"""


@contextmanager
def paused_ingest(world: World, day: str, moment: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    signal_file = world.export.parent / f"signal-{day}"
    command = [sys.executable, "-c", INGEST, str(world.export), str(world.raw), day, moment, str(signal_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            while not Path(f"{signal_file}.reached").exists():
                assert other.poll() is None
                time.sleep(0.02)
            yield other, Path(f"{signal_file}.go")
        finally:
            other.kill()


@pytest.mark.parametrize("moment", ["after reading", "before the move"])
def test_a_kill_leaves_the_old_partition_whole_and_the_next_run_cleans_up(moment: str, world: World) -> None:
    world.write("events_20240301.ndjson", [event(n) for n in range(5)])
    world.ingest()
    before = world.rows()
    world.write("events_20240301.ndjson", [event(n) for n in range(50)])
    with paused_ingest(world, "2024-03-01", moment) as (other, _):
        (scratch,) = world.raw.glob(".ingest-*")
        assert f"-{other.pid}-" in scratch.name
        assert (scratch / "events.parquet.part").exists() == (moment == "before the move")
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert scratch.exists()
    assert world.rows() == before
    assert [path.name for path in partition_file(world.raw, "p1", DAY).parent.iterdir()] == ["events.parquet"]
    world.ingest()  # asserts that no scratch is left
    assert len(world.rows()) == 50


def test_two_ingests_of_different_days_do_not_meet(world: World) -> None:
    world.write("events_20240301.ndjson", [event(n) for n in range(5)])
    world.write("events_20240302.ndjson", [event(n, NEXT) for n in range(7)])
    with paused_ingest(world, "2024-03-01", "before the move") as (other, go):
        (scratch,) = world.raw.glob(".ingest-*")
        report = ingest_days(find_source_files(str(world.export), "p1"), [NEXT], world.raw)
        assert [day.accepted for day in report.days] == [7]
        assert list(world.raw.glob(".ingest-*")) == [scratch]  # the neighbour's is left alone
        go.touch()
        output, _ = other.communicate(timeout=30)
        assert output == "[('ingested', 5)]\n"
    assert (len(world.rows(DAY)), len(world.rows(NEXT))) == (5, 7)
    assert not list(world.raw.glob(".ingest-*"))


def test_whose_scratch_is_removed(tmp_path: Path) -> None:
    host = socket.gethostname()
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    ours = tmp_path / f".ingest-{host}-{os.getpid()}-x"
    dead = tmp_path / f".ingest-{host}-{gone.pid}-x"
    foreign = tmp_path / ".ingest-pod-7-1-x"
    old_foreign = tmp_path / ".ingest-pod-6-1-x"
    for folder in (ours, dead, foreign, old_foreign):
        folder.mkdir()
        (folder / "rows.tmp").write_bytes(b"x")
    long_ago = time.time() - 2 * 24 * 3600
    for path in (old_foreign / "rows.tmp", old_foreign):
        os.utime(path, (long_ago, long_ago))
    remove_stale_scratch(tmp_path, "ingest")
    assert sorted(tmp_path.iterdir()) == sorted([ours, foreign])
