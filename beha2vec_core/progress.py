"""How far long work is: a bar for people who watch, lines with the time left in the log of a run."""

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date
from typing import TextIO, TypeVar

from tqdm import tqdm

from beha2vec_core.words import counted, duration

T = TypeVar("T")
# Dagster adds what loggers below "beha2vec" report to the log of a run
PROGRESS_LOGGER = "beha2vec.progress"
_SECONDS_BETWEEN_LINES = 10.0
_kept: TextIO | None = None


def keep_terminal() -> TextIO | None:
    """Show bars on this process's terminal from now on, and return it; None if there is none.

    Dagster redirects standard error to a file while it runs a step.
    """
    global _kept
    if _kept is None and sys.stderr.isatty():
        _kept = os.fdopen(os.dup(sys.stderr.fileno()), "w")
    return _kept


class ProgressBar:
    """A bar on a terminal, and every ten seconds a line in the log: "training: 300 of 1,000 updates, 2 min left".

    Args:
        unit: what is counted, in the singular; its plural ends in an s.
        shown: False shows neither.
        has_bar: False where something else prints to the terminal meanwhile: the lines in the log are enough.
    """

    def __init__(self, *, title: str, unit: str, total: int, shown: bool = True, has_bar: bool = True) -> None:
        disable = None if shown and has_bar else True  # None: unless on a terminal
        self._bar = tqdm(total=total, desc=title, unit=unit, file=_kept, disable=disable)
        self._title, self._unit, self._total, self._shown = title, unit, total, shown
        self._first = self._done = 0
        self._begun = self._said = time.monotonic()
        self._log = logging.getLogger(PROGRESS_LOGGER)
        self._log.setLevel(logging.INFO)

    def begin_at(self, done: int) -> None:
        """Leave out what an earlier run did: it says nothing about the time left."""
        self._first = self._done = self._bar.initial = self._bar.n = done

    def update(self, by: int = 1, about: str = "") -> None:
        """Count what is done. ``about`` is added to the line in the log."""
        self._bar.update(by)
        self._done += by
        now = time.monotonic()
        if not self._shown or not self._first < self._done < self._total or now - self._said < _SECONDS_BETWEEN_LINES:
            return
        self._said = now
        left = (now - self._begun) * (self._total - self._done) / (self._done - self._first)
        self._log.info(
            "%s: %s of %s%s, %s left",
            self._title,
            f"{self._done:,}",
            counted(self._total, self._unit),
            about and f" ({about})",
            duration(left),
        )

    def note(self, figures: dict[str, str]) -> None:
        """Show figures beside the bar."""
        self._bar.set_postfix(figures)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def with_progress(items: Sequence[T], *, title: str, unit: str, shown: bool = True) -> Iterator[T]:
    """Iterate over items and show how far it is."""
    with closing(ProgressBar(title=title, unit=unit, total=len(items), shown=shown)) as bar:
        for item in items:
            yield item
            bar.update(about=str(item) if isinstance(item, date) else "")
