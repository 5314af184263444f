"""Which days of an export are new or have changed, by names, sizes and times of their files; which are due."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from beha2vec_core.ga4.source_files import SourceFile

# a file that was written to more lately may still be growing
SETTLE_SECONDS = 60.0

Fingerprints = dict[date, str]


def fingerprints(files: Iterable[SourceFile], *, now: float) -> Fingerprints:
    """By day, a hash over name, size and modification time of its files.

    Left out are days with a file that is still being written to, or gone since it was listed; files whose name gives no
    day are passed by.
    """
    states: dict[date, list[str]] = defaultdict(list)
    growing: set[date] = set()
    for file in sorted(files):
        if file.day is None:
            continue
        try:
            size, modified_ns = file.size, file.modified_ns
        except OSError:
            growing.add(file.day)
            continue
        if now - modified_ns / 1e9 < SETTLE_SECONDS:
            growing.add(file.day)
        states[file.day].append(f"{file.property_id}\t{file.name}\t{size}\t{modified_ns}")
    return {
        day: hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
        for day, lines in states.items()
        if day not in growing
    }


def changed_days(before: Mapping[date, str], now: Mapping[date, str]) -> list[date]:
    """The days that are new or have changed, in order. A day whose files are gone is not among them: it is kept."""
    return sorted(day for day, state in now.items() if before.get(day) != state)


def due_day(now: datetime, deadline_hour: int) -> date:
    """The last day whose export must have arrived: yesterday's is due at that hour, in the time zone of ``now``."""
    return now.date() - timedelta(days=1 if now.hour >= deadline_hour else 2)
