"""Days read by several processes: the same partitions and the same report; nothing is left when they are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from beha2vec_core.ga4 import ingest
from tests.ga4.ingest_world import DAY, NEXT, World, event, world

__all__ = ["world"]
DAYS = [DAY + timedelta(days=n) for n in range(5)]
INGEST = """
import sys
from datetime import date
from pathlib import Path
from beha2vec_core.ga4 import ingest
from beha2vec_core.ga4.sources import find_source_files

ingest._PROCESS_FILE_BYTES = 1
days = [date.fromisoformat(day) for day in sys.argv[3:]]
ingest.ingest_days(find_source_files(sys.argv[1], "p1"), days, Path(sys.argv[2]), threads=2)
"""


def write(world: World, events: int) -> None:
    """Days that are fine, with bad rows, broken, missing, and of another property."""
    personal = event(1, user_properties=[{"key": "mail", "value": {"string_value": "a@example.com"}}])
    world.write("analytics_1/events_20240301.ndjson", [*(event(n, new=n) for n in range(events)), personal])
    rows = [event(n, NEXT) for n in range(events)]
    world.write("analytics_1/events_20240302.ndjson", [*rows, "not json", event(2, NEXT, event_timestamp="x")])
    broken = world.write("analytics_1/events_20240303.ndjson.gz", [event(n, DAYS[2]) for n in range(9)])
    broken.write_bytes(broken.read_bytes()[:40])
    world.write("analytics_2/events_20240305.ndjson", [event(n, DAYS[4]) for n in range(events)])


def descendants(pid: int) -> list[int]:
    """Processes that it started, and those that these started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    own = [int(child) for task in tasks for child in task.read_text().split()]
    return own + [one for child in own for one in descendants(child)]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_two_processes_give_the_partitions_and_the_report_of_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    write(world, 20)
    lines: list[str] = []
    alone = world.ingest(DAYS, max_bad_share=0.3)
    files = {path: path.read_bytes() for path in sorted(world.raw.rglob("*.parquet"))}
    assert len(files) == 3 and alone.redacted and alone.unknown_fields and alone.quarantined
    for path in files:
        path.unlink()
    monkeypatch.setattr(ingest, "_PROCESS_FILE_BYTES", 1)
    monkeypatch.setattr(ingest, "read_file", None)  # of this process: the others have their own
    assert world.ingest(DAYS, max_bad_share=0.3, threads=2, progress=lines.append) == alone
    assert {path: path.read_bytes() for path in sorted(world.raw.rglob("*.parquet"))} == files
    assert any(line.startswith("unreadable: ") for line in lines)
    assert "4 of 4 files: 61 events, 2 rows quarantined" in lines


@pytest.mark.slow
def test_where_no_process_can_be_started_this_one_reads(world: World) -> None:
    write(world, 5)
    command = [sys.executable, "-c", INGEST, str(world.export), str(world.raw), *map(str, DAYS)]
    subprocess.run(command, check=True, env=os.environ | {"JOBLIB_MULTIPROCESSING": "0"})
    assert len(list(world.raw.rglob("events.parquet"))) == 2, (
        "one day is missing, one broken, one has too many bad rows"
    )


@pytest.mark.slow
def test_processes_end_with_the_one_that_started_them(world: World) -> None:
    write(world, 5_000)
    command = [sys.executable, "-c", INGEST, str(world.export), str(world.raw), *map(str, DAYS)]
    with subprocess.Popen(command) as running:
        wait_until(lambda: len(list(world.raw.glob(".ingest-*"))) == 2)
        started = descendants(running.pid)
        running.send_signal(signal.SIGKILL)
    assert len(started) >= 2
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started))
    assert running.returncode == -signal.SIGKILL
    world.ingest(DAYS, max_bad_share=0.3)  # asserts that no scratch is left
