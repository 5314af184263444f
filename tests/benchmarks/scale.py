"""What each asset takes as the export grows: make bench-scale, or with EVENTS="100000 1000000 4300000 20000000".

For each size: a demo export of 90 days, then the whole graph in one run, as `beha2vec materialize` starts it, with a
memory limit. A table for each: seconds, CPU seconds, the most memory of the run's processes, the most scratch on the
disk, bytes read and written; the step that broke says so. Then how they grow, as the exponent between the smallest size
and the largest (1: in proportion). Only the exports and what the runs
printed are kept.
"""

from __future__ import annotations

import argparse
import gzip
import math
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TextIO

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.demo_shop import write_demo_export
from tests.dagster.project import Project, make_project
from tests.simulation.graph import seconds_by_step

START, DAYS = date(2026, 1, 5), 90
EVENTS_PER_USER = 22.5
# Larger exports are copies of one of this size with other users: simulating each user takes longer than all steps here.
SIMULATED_EVENTS = 1_000_000
SECONDS_BETWEEN_SAMPLES = 0.05
STARTED = re.compile(r"  (\w+): Started execution of step ")
_USER = re.compile(rb'"(user_pseudo_id|user_id)":"')


@dataclass
class Peak:
    """What a step took: its seconds (0: it broke), CPU seconds, the most bytes of memory and of scratch, and how many
    bytes its processes read and wrote, of files in the page cache too.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    scratch: int = 0
    read: int = 0
    written: int = 0


def demo_export(folder: Path, events: int) -> Path:
    """A demo export of about so many events, made where it is not there yet."""
    export = folder / f"export_{events}"
    if export.exists():
        return export
    copies = math.ceil(events / SIMULATED_EVENTS)
    if copies > 1:
        simulated = demo_export(folder, round(events / copies))
        part = folder / f"{export.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        with ThreadPoolExecutor() as pool:  # zlib works outside the interpreter's lock
            list(pool.map(lambda file: _write_copies(file, part / file.name, copies), sorted(simulated.glob("*.gz"))))
    else:
        part = folder / f"{export.name}.part"
        write_demo_export(
            part,
            users=round(events / EVENTS_PER_USER),
            days=DAYS,
            seed=7,
            start_date=START,
            truth=folder / f"truth_{events}.parquet",
        )
    part.rename(export)
    return export


def _write_copies(source: Path, target: Path, copies: int) -> None:
    """The lines of a day, again for each copy with other users."""
    with gzip.open(target, "wb", compresslevel=1) as out:
        for number in range(copies):
            with gzip.open(source) as lines:
                for line in lines:
                    out.write(_USER.sub(rb'"\g<1>":"%d-' % number, line) if number else line)


def measure(
    export: Path,
    folder: Path,
    select: str,
    limit: str,
    config: str,
    log: TextIO,
    nights: Sequence[str] = (),
) -> tuple[int, list[dict[str, Peak]]]:
    """Run the steps on an export; the number of events, and what each step took, all checks together.

    The last day is left to `nights`, each a run of what `nightly_refresh` starts, with this many users published.
    """
    last = START + timedelta(days=DAYS - 1)
    project = make_project(
        folder,
        source=str(export),
        property_id="northfold",
        start_date=str(START),
        end_date=str(last),
        memory_limit=limit,
    )
    selected = ("beha2vec", "materialize", "--select", select, "--config", config)
    first_run_to = last - timedelta(days=1) if nights else last
    refresh = ("beha2vec", "materialize", "--job", "refresh_last_days", "--start", str(last), "--end", str(last))
    runs = [_run(project, log, *selected, "--start", str(START), "--end", str(first_run_to))]
    for users in nights:
        published = "" if users == "all" else users
        runs.append(_run(project, log, *refresh, BEHA2VEC_PUBLISH_USERS=published))
    files = str(folder / "data" / "raw_ga4_events" / "*" / "*" / "*.parquet")
    ((events,),) = duckdb.execute("select count(*) from read_parquet(?)", [files]).fetchall()
    return int(events), runs


def _run(project: Project, log: TextIO, *command: str, **environment: str) -> dict[str, Peak]:
    running = project.start(*command, **environment)
    peaks: dict[str, Peak] = {}
    step = "start"
    done = threading.Event()

    def sample() -> None:
        used = 0.0
        transferred: dict[int, tuple[int, int]] = {}
        while not done.wait(SECONDS_BETWEEN_SAMPLES):
            peak = peaks.setdefault(step, Peak())
            now = max(cpu_seconds(running.pid), used)  # a process that ends is not counted for a moment
            peak.cpu, used = peak.cpu + now - used, now
            peak.memory = max(peak.memory, _memory(running.pid))
            peak.scratch = max(peak.scratch, _scratch(project.folder))
            for pid in _processes(running.pid):
                before = transferred.get(pid, (0, 0))
                read, written = transferred[pid] = _transferred(pid) or before
                peak.read, peak.written = peak.read + read - before[0], peak.written + written - before[1]

    watch = threading.Thread(target=sample)
    watch.start()
    said = []
    started = time.monotonic()
    try:
        for line in running.stdout or ():
            said.append(line)
            log.write(line)
            if found := STARTED.search(line):
                if step == "start":
                    peaks.setdefault(step, Peak()).seconds = time.monotonic() - started
                step = _name(found[1])
    finally:
        done.set()
        watch.join()
    for finished, seconds in seconds_by_step("".join(said)).items():
        peaks.setdefault(_name(finished), Peak()).seconds += seconds
    if running.wait():  # the steps before the one that failed are measured all the same
        print("".join(said)[-3000:], file=sys.stderr)
    return peaks


def _name(step: str) -> str:
    return "checks" if step.startswith("checks_of_") else step


def _processes(pid: int) -> Iterator[int]:
    """A process and those that it has started."""
    yield pid
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            for child in tasks.read_text().split():
                yield from _processes(int(child))


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and those it started, also of those that have ended."""
    ticks = 0
    for one in _processes(pid):
        with suppress(OSError):  # it has ended
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _transferred(pid: int) -> tuple[int, int] | None:
    """Bytes that a process has read and written so far; None where it has ended."""
    try:
        fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    except OSError:
        return None
    return int(fields["rchar"]), int(fields["wchar"])


def _memory(pid: int) -> int:
    """Resident bytes of a process and those it started; shared pages count in each."""
    pages = 0
    for one in _processes(pid):
        try:
            pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue  # it has ended
    return pages * os.sysconf("SC_PAGE_SIZE")


def _scratch(folder: Path) -> int:
    """Bytes on the disk of what is deleted again: DuckDB's spilled pages, and files that are not in their place yet."""
    size = 0
    for place, _, files in os.walk(folder):
        for name in files:
            path = Path(place, name)
            if any(part.startswith(".") or part.endswith(".tmp") for part in path.relative_to(folder).parts):
                with suppress(OSError):  # it has gone
                    size += path.stat().st_blocks * 512
    return size


def main() -> None:
    """Measure each size, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[100_000, 1_000_000], help="about how many")
    parser.add_argument("--limit", default="512MB", help="BEHA2VEC_MEMORY_LIMIT (default: %(default)s)")
    parser.add_argument("--select", default="*", help="assets to measure (default: all)")
    parser.add_argument("--config", default="{}", help="run config, such as a shorter training")
    parser.add_argument(
        "--night",
        nargs="+",
        default=[],
        metavar="USERS",
        help="run the last day by the job of nightly_refresh, once for each BEHA2VEC_PUBLISH_USERS (or all)",
    )
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "beha2vec_bench_scale")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    found: dict[int, dict[str, Peak]] = {}
    for events in sorted(asked.events):
        export = demo_export(asked.folder, events)
        log = asked.folder / f"run_{events}.log"
        print(f"{events:,} events: follow the run with tail -f {log}", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=asked.folder) as place, log.open("w", buffering=1) as lines:
            number, runs = measure(
                export,
                Path(place) / "p",
                asked.select,
                asked.limit,
                asked.config,
                lines,
                asked.night,
            )
        found[number] = runs[0]
        nights = (f"the night of the last day, users published: {users}" for users in asked.night)
        for peaks, what in zip(runs, (f"{number:,} events", *nights), strict=True):
            _print_steps(peaks, f"{what}, memory limit {asked.limit}")
    if len(found) > 1:
        _print_growth(found)


def _print_steps(peaks: dict[str, Peak], title: str) -> None:
    print(f"\n{title}\n\n| step | seconds | CPU seconds | memory, MB | scratch, MB | read, MB | written, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for step, peak in [*peaks.items(), ("**all**", _all(peaks))]:
        seconds = f"{peak.seconds:.1f}" if peak.seconds else "broke"
        sizes = (f"{size / 1e6:,.0f}" for size in (peak.memory, peak.scratch, peak.read, peak.written))
        print(f"| {step} | {seconds} | {peak.cpu:.1f} | {' | '.join(sizes)} |", flush=True)


def _all(peaks: dict[str, Peak]) -> Peak:
    return Peak(
        sum(peak.seconds for peak in peaks.values()),
        sum(peak.cpu for peak in peaks.values()),
        max((peak.memory for peak in peaks.values()), default=0),
        max((peak.scratch for peak in peaks.values()), default=0),
        sum(peak.read for peak in peaks.values()),
        sum(peak.written for peak in peaks.values()),
    )


def _print_growth(found: dict[int, dict[str, Peak]]) -> None:
    least, most = min(found), max(found)
    print(f"\nGrowth exponent from {least:,} to {most:,} events (1: in proportion)\n")
    print("| step | seconds | CPU seconds | memory | scratch | read | written |\n|---|---:|---:|---:|---:|---:|---:|")
    for step, small in [*found[least].items(), ("**all**", _all(found[least]))]:
        large = _all(found[most]) if step == "**all**" else found[most].get(step)
        if large is None:  # a step before it broke
            continue
        growth = [
            f"{math.log(b / a) / math.log(most / least):.2f}" if a and b else ""  # no scratch, or it broke
            for a, b in zip(vars(small).values(), vars(large).values(), strict=True)
        ]
        print(f"| {step} | {' | '.join(growth)} |")


if __name__ == "__main__":
    main()
