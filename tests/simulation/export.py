"""An export as it really comes: late events, a day that is missing for a while, corrections, copies, broken files."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from beha2vec_core.demo_shop import write_demo_export

_LATE_SHARE = 0.1
_CORRECTED_SHARE = 0.2


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a night's file when it comes, and after how many nights it is mended."""

    kind: str  # late, missing, corrected, duplicated, broken; unreadable: the encoders, during that night
    nights: int


# the shortest script: a training (the first night is a Sunday), a run that fails, a night that mends all
SCRIPT = {0: Trouble("late", 3), 1: Trouble("missing", 1), 2: Trouble("broken", 1)}


def troubles(night: int) -> Trouble | None:
    """The trouble of a night, by its number: each kind comes once within the first ten."""
    if night % 30 == 5:
        return Trouble("unreadable", 1)
    if night % 40 == 2:
        return Trouble("missing", 5)
    if night % 30 == 4:
        return Trouble("duplicated", 1)
    if night % 40 == 6:
        return Trouble("broken", 1)
    if night % 20 == 1:
        return Trouble("corrected", 7)
    if night % 3 == 0:
        return Trouble("late", 1 + night // 3 % 3)
    return None


class Export:
    """The true export of ``history + nights`` days, and the folder into which it is delivered night by night.

    Args:
        folder: both lie in it, as ``truth`` and ``export``.
        history: days that are there from the start.
        nights: how many come one by one.
        users: of the demo shop.
        first_day: of the history.
        timezone: of the shop.
        seed: of everything that is drawn.
        trouble_of: the trouble of a night, by its number.
    """

    def __init__(
        self,
        folder: Path,
        *,
        history: int,
        nights: int,
        users: int,
        first_day: date,
        timezone: str,
        seed: int,
        trouble_of: Callable[[int], Trouble | None] = troubles,
    ) -> None:
        self.truth, self.delivered = folder / "truth", folder / "export"
        self.history, self.nights, self.first_day, self.seed = history, nights, first_day, seed
        self.trouble_of = trouble_of
        days = history + nights
        write_demo_export(self.truth, users=users, days=days, seed=seed, start_date=first_day, timezone=timezone)
        self.delivered.mkdir()
        self._state: dict[date, str] = {}
        for number in range(history):
            self._write(self._file(self.day(number - history)), self._lines(self.day(number - history)))

    def day(self, night: int) -> date:
        """The day whose export comes in a night; before night 0 those of the history."""
        return self.first_day + timedelta(days=self.history + night)

    def deliver(self, night: int) -> dict[date, str]:
        """Bring the folder to what there is in a night. Returns what came, by day: new, or what was mended."""
        came: dict[date, str] = {}
        for earlier in range(night + 1):
            day, trouble = self.day(earlier), self.trouble_of(earlier)
            # all is mended in the end
            if trouble is None or trouble.kind == "unreadable" or earlier + trouble.nights >= self.nights:
                trouble = Trouble("whole", 0)
            state = trouble.kind if night < earlier + trouble.nights else "whole"
            if self._state.get(day) == state:
                continue
            self._put(day, state)
            came[day] = state if earlier == night else f"{trouble.kind}, mended"
            self._state[day] = state
        return came

    def _put(self, day: date, state: str) -> None:
        lines = self._lines(day)
        draw = random.Random(f"{self.seed} {day}")
        copy = self._file(day).with_name(f"events_{day:%Y%m%d}_copy.ndjson.gz")
        copy.unlink(missing_ok=True)
        if state == "missing":
            return
        if state == "late":
            lines = [line for line in lines if draw.random() > _LATE_SHARE]
        elif state == "corrected":
            lines = [_wrong(line, draw) for line in lines]
        elif state == "broken":
            lines = [line[: len(line) // 2] if draw.random() < 0.5 else line for line in lines]
        elif state == "duplicated":
            self._write(copy, lines)
        self._write(self._file(day), lines)

    def _lines(self, day: date) -> list[str]:
        return gzip.decompress((self.truth / self._file(day).name).read_bytes()).decode().splitlines()

    def _file(self, day: date) -> Path:
        return self.delivered / f"events_{day:%Y%m%d}.ndjson.gz"

    def _write(self, path: Path, lines: Iterable[str]) -> None:
        path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))
        settled = time.time() - 3600  # nobody waits in a simulation
        os.utime(path, (settled, settled))


def _wrong(line: str, draw: random.Random) -> str:
    """An event as it may be told at first: another moment, no campaign."""
    if draw.random() > _CORRECTED_SHARE:
        return line
    event = json.loads(line)
    event["event_timestamp"] = str(int(event["event_timestamp"]) + 1_000_000)
    event.pop("collected_traffic_source", None)
    return json.dumps(event)
