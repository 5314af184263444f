"""What a check is, what it sees and what it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.warehouse import Connect

Severity = Literal["error", "warn"]


@dataclass(frozen=True)
class Look:
    """What a check sees: the warehouse, the days of the run, the settings.

    connect: opens the warehouse under its lock; the checks of an asset share one connection.
    first, last: the days that the run asked for, else the last day there is.
    """

    connect: Connect
    first: date
    last: date
    settings: ExportSettings


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found.

    figures: numbers (plotted over time) and samples of what is wrong. message: what is wrong, in a line.
    """

    passed: bool
    figures: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True)
class Check:
    """One check of one asset, and what to do where it fails.

    severity: an ``error`` is wrong data, a ``warn`` something to look into.
    blocking: what follows in the graph is not made where it fails.
    """

    name: str
    asset: str
    description: str
    look: Callable[[Look], CheckOutcome]
    severity: Severity
    remedy: str
    blocking: bool = False
