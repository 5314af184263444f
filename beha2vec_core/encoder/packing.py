"""Sequences of differing length end to end: no layer but attention sees any padding."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from beha2vec_core.encoder.features import FIRST_GAP, SESSION_GAP_BUCKET, IdArray, IntArray, Tokens, session_positions
from beha2vec_core.events.sequences import ragged_range


@dataclass(frozen=True)
class Packed:
    """B sequences with N tokens in all, end to end.

    kinds: ids of the distinct kinds among them [K, F]. kind: which one each token is [N]; K for a recency token.
    gap, position: buckets [N]. row, column: the sequence of each token and its place in it [N].
    lengths: tokens of each sequence [B], recency token included. longest: the greatest of them.
    """

    kinds: Tensor
    kind: Tensor
    gap: Tensor
    position: Tensor
    row: Tensor
    column: Tensor
    lengths: Tensor
    longest: int

    def pad(self, x: Tensor) -> Tensor:
        """[N, ...] -> [B, longest, ...], zero where there is no token."""
        if len(x) == len(self.lengths) * self.longest:
            return x.view(len(self.lengths), self.longest, *x.shape[1:])
        flat = x.new_zeros(len(self.lengths) * self.longest, *x.shape[1:])
        return flat.index_copy(0, self._place, x).view(len(self.lengths), self.longest, *x.shape[1:])

    def unpad(self, x: Tensor) -> Tensor:
        """[B, longest, ...] -> [N, ...]."""
        if len(self.row) == len(self.lengths) * self.longest:
            return x.flatten(0, 1)
        return x.flatten(0, 1).index_select(0, self._place)

    @property
    def _place(self) -> Tensor:
        return self.row * self.longest + self.column

    @property
    def is_event(self) -> Tensor:
        """Whether each token is an event and no recency token [N]."""
        return self.kind < len(self.kinds)

    @property
    def last(self) -> Tensor:
        """The place of the last token of each sequence [B]."""
        return self.lengths.cumsum(0) - 1

    @property
    def last_event(self) -> Tensor:
        """The place of the last event of each sequence [B]."""
        return self.last - (~self.is_event[self.last]).long()


def pack(
    tokens: Tokens, starts: IntArray, lengths: IntArray, device: torch.device, recency: IdArray | None = None
) -> Packed:
    """Slices of the events, end to end; with ``recency``, a token with this gap bucket ends each.

    The first token of a slice has the gap bucket of a first event: a slice does not know what came before it.
    """
    total = lengths if recency is None else lengths + 1
    ends = np.cumsum(total)
    rows = ragged_range(starts, total)
    is_event = np.ones(len(rows), dtype=bool)
    if recency is not None:
        is_event[ends - 1] = False
        rows[ends - 1] = starts + lengths - 1
    gap = tokens.gap[rows]
    gap[ends - total] = FIRST_GAP
    begins = None if tokens.begins is None else tokens.begins[rows]
    if recency is not None:
        gap[ends - 1] = recency
    if begins is not None:
        begins[ends - total] = True
        if recency is not None:
            begins[ends - 1] = recency >= SESSION_GAP_BUCKET
    found, place = np.unique(tokens.kind[rows], return_inverse=True)
    kind = np.where(is_event, place, len(found))

    def tensor(array: npt.NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64)).to(device)

    row = np.repeat(np.arange(len(total)), total)
    return Packed(
        kinds=tensor(tokens.kinds[found]),
        kind=tensor(kind),
        gap=tensor(gap),
        position=tensor(session_positions(gap, begins)),
        row=tensor(row),
        column=tensor(np.arange(len(rows)) - np.repeat(ends - total, total)),
        lengths=tensor(total),
        longest=int(total.max(initial=1)),
    )
