"""Where heavy work runs: in this process, or on the machines of a Ray cluster.

The same functions do the work either way: they take a :class:`Compute` and give it their parts. What belongs here: the
backends. What does not: the work itself.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from beha2vec_core.compute.device import Device

T = TypeVar("T")
R = TypeVar("R")
OnEpoch = Callable[[dict[str, float]], None]
Prepare = Callable[[Device], Callable[[T], R]]
Fit = Callable[[Device, OnEpoch | None], R]

# users of a part: enough for batches of like length, little beside what a network needs
LOCAL_ROWS = 32_768


class ComputeError(RuntimeError):
    """The backend cannot do the work; the message names the remedy."""


class SharedError(RuntimeError):
    """What all workers that train together raise alike: no loss of one of them, so trying again would not help."""


class Compute(Protocol):
    """A backend. ``rows_at_once`` is how many rows a part should have."""

    @property
    def rows_at_once(self) -> int: ...  # noqa: D102

    def map(self, prepare: Prepare[T, R], items: Iterable[T]) -> Iterator[R]:
        """The result of each item, in their order, while items are read as they are needed.

        prepare: called with a device where the work is done, once or a few times; gives what is called with each item.
            The result of an item must not depend on other items: one whose machine is lost is done again.
        """
        ...

    def train(self, fit: Fit[R], folder: Path | None, on_epoch: OnEpoch | None) -> R:
        """What ``fit`` returns, called by one process or by several that train together.

        fit: takes a device, and what to call with each row of the training curve.
        folder: for what the processes share. on_epoch: is called here with each row.
        """
        ...


@dataclass(frozen=True)
class LocalCompute:
    """Everything in this process, on one device."""

    device: Device = "auto"
    rows_at_once: int = LOCAL_ROWS

    def map(self, prepare: Prepare[T, R], items: Iterable[T]) -> Iterator[R]:
        """See :meth:`Compute.map`."""
        yield from map(prepare(self.device), items)

    def train(self, fit: Fit[R], folder: Path | None, on_epoch: OnEpoch | None) -> R:
        """See :meth:`Compute.train`."""
        return fit(self.device, on_epoch)
