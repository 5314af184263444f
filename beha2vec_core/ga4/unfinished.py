"""Days that a run ingested before it was ended, so that the next run does not fetch them again.

Fetching takes time and money, so this is for sources that are not on this machine. The note is next to the
partitions until a run ends. It has reports only: a day with quarantined rows is read again.
"""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from beha2vec_core.ga4.arrivals import fingerprints
from beha2vec_core.ga4.source_files import SourceFile
from beha2vec_core.privacy.rules import rules


class Unfinished:
    """The note of a run.

    Args:
        files: what the source has; days of files of this machine are not noted.
        options: settings of the run; with others, days are read again.
    """

    def __init__(self, raw_path: Path, files: Sequence[SourceFile], options: Sequence[object]) -> None:
        self._path = raw_path / ".unfinished.jsonl"
        self._raw_path = raw_path
        elsewhere = all(file.origin is not None and file.day is not None for file in files)
        states = fingerprints(files, now=float("inf")) if elsewhere else {}
        self._states = {day: f"{state} {rules().version} {list(options)}" for day, state in states.items()}
        self._noted: dict[str, Any] = {}
        if elsewhere and self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                try:
                    note = json.loads(line)
                except ValueError:  # the end of a run that was killed
                    continue
                self._noted[note["day"]] = note

    def of(self, day: date) -> dict[str, Any] | None:
        """What was noted of a day; None if it must be read: its tables or its partitions are others than then."""
        note = self._noted.get(day.isoformat())
        if note is None or note["state"] != self._states.get(day) or note["partitions"] != self._partitions(day):
            return None
        found: dict[str, Any] = note["what"]
        return found

    def add(self, day: date, what: dict[str, Any]) -> None:
        """Note a day, whose partitions are written."""
        if day in self._states:
            note = {"day": day.isoformat(), "state": self._states[day], "partitions": self._partitions(day)}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(note | {"what": what}) + "\n")

    def end(self) -> None:
        """Forget the note: the run was not stopped."""
        self._path.unlink(missing_ok=True)

    def _partitions(self, day: date) -> list[list[Any]]:
        found = sorted(self._raw_path.glob(f"property_id=*/event_date={day}/events.parquet"))
        return [[path.parent.parent.name, path.stat().st_size, path.stat().st_mtime_ns] for path in found]
