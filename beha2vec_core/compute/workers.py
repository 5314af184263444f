"""Training by several processes: each takes its share of every batch, and all take the same steps.

The plan of batches and the learning rate do not depend on how many they are, so a training may go on with more or fewer
of them. They are those of the group of ``torch.distributed`` that this process has joined; a process that has joined
none is alone, and then nothing here does anything.
"""

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")
_NONE, _DENSE, _SPARSE = 0, 1, 2


class Workers:
    """The processes that train together; ``rank`` is this one's place among ``size``."""

    def __init__(self, device: torch.device) -> None:
        """device: where this one's tensors are."""
        self.device = device
        joined = dist.is_available() and dist.is_initialized()
        self.rank, self.size = (dist.get_rank(), dist.get_world_size()) if joined else (0, 1)

    @property
    def is_first(self) -> bool:
        """Whether this one writes and reports for all."""
        return self.rank == 0

    def share(self, users: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """This one's users of a batch; none where there are fewer than workers."""
        return users[self.rank :: self.size]

    def every(self, holds: bool) -> bool:
        """Whether it holds for each of them."""
        return holds if self.size == 1 else all(self.gather(holds))

    def gather(self, value: T) -> list[T]:
        """Each one's value, by rank."""
        if self.size == 1:
            return [value]
        values: list[T] = [value] * self.size
        dist.all_gather_object(values, value)
        return values

    def from_first(self, value: T) -> T:
        """The first one's value."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def average(self, weights: Iterable[nn.Parameter]) -> None:
        """Put the mean of all gradients in place of each one's; a weight that one has no gradient for counts as 0."""
        if self.size == 1:
            return
        learning = [weight for weight in weights if weight.requires_grad]
        forms = torch.tensor([_form(weight.grad) for weight in learning], device=self.device)
        dist.all_reduce(forms, dist.ReduceOp.MAX)
        by_form = list(zip(learning, forms.tolist(), strict=True))
        for weight in (weight for weight, form in by_form if form == _SPARSE):
            weight.grad = self._mean_of_rows(weight)
        dense = [weight for weight, form in by_form if form == _DENSE]
        if not dense:
            return
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in dense]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for weight, mean in zip(dense, torch.split(flat, [weight.numel() for weight in dense]), strict=True):
            weight.grad = mean.view_as(weight)

    def _mean_of_rows(self, weight: nn.Parameter) -> Tensor:
        """The mean of sparse gradients, which not all backends of ``torch.distributed`` reduce themselves."""
        own = torch.zeros_like(weight).to_sparse(1) if weight.grad is None else weight.grad.coalesce()
        lengths = self.gather(int(own.indices().shape[1]))
        most = max(lengths)
        rows = own.indices().new_zeros(most)
        values = own.values().new_zeros((most, *own.values().shape[1:]))
        rows[: lengths[self.rank]], values[: lengths[self.rank]] = own.indices()[0], own.values()
        all_rows, all_values = ([torch.empty_like(part) for _ in lengths] for part in (rows, values))
        dist.all_gather(all_rows, rows)
        dist.all_gather(all_values, values)
        indices = torch.cat([part[:n] for part, n in zip(all_rows, lengths, strict=True)])[None]
        summed = torch.cat([part[:n] for part, n in zip(all_values, lengths, strict=True)])
        return torch.sparse_coo_tensor(indices, summed / self.size, weight.shape).coalesce()


def _form(gradient: Tensor | None) -> int:
    return _NONE if gradient is None else _SPARSE if gradient.is_sparse else _DENSE
