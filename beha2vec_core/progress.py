"""Progress bars, for people who watch: a log that output is redirected to gets none."""

import os
import sys
from collections.abc import Iterable
from typing import TextIO, TypeVar

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


def progress_bar(
    items: Iterable[T] = (), *, title: str, unit: str, total: int | None = None, shown: bool = True
) -> "tqdm[T]":
    """A bar over items, or one that is moved by hand (with ``total``); on a terminal only.

    Args:
        items: what is iterated over.
        title: what is done.
        unit: what is counted, in the singular.
        total: how many; default: the number of items.
        shown: False shows none on a terminal either.
    """
    disable = None if shown else True  # None: unless on a terminal
    return tqdm(items, desc=title, unit=unit, total=total, file=_kept, disable=disable)
