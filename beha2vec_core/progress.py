"""Progress bars, for people who watch: a log that output is redirected to gets none."""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")
_kept: TextIO | None = None


def keep_terminal() -> TextIO | None:
    """Show bars on this process's terminal from now on, and return it; None if there is none.

    Dagster redirects standard error to a file while it runs a step.
    """
    global _kept
    if _kept is None and sys.stderr.isatty():
        _kept = os.fdopen(os.dup(sys.stderr.fileno()), "w")
    return _kept


def progress_bar(*, title: str, unit: str, total: int, shown: bool = True) -> "tqdm[Any]":
    """A bar that is moved by hand, on a terminal only.

    Args:
        title: what is done.
        unit: what is counted, in the singular.
        total: how many.
        shown: False shows none on a terminal either.
    """
    disable = None if shown else True  # None: unless on a terminal
    return tqdm(total=total, desc=title, unit=unit, file=_kept, disable=disable)


def with_progress(items: Sequence[T], *, title: str, unit: str, shown: bool = True) -> Iterator[T]:
    """Iterate over items and show a progress bar."""
    with progress_bar(title=title, unit=unit, total=len(items), shown=shown) as bar:
        for item in items:
            yield item
            bar.update()
