"""What a training step hands to the objectives: whole sequences and two cuts of each user, each computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from beha2vec_core.encoder.network import BehaviorNetwork


@dataclass(frozen=True)
class Batch:
    """One batch of B users, each of two events or more, as tensors.

    whole: ids of each user's sequence [B, T, F].
    cut_a, cut_b: ids of two disjoint slices of each user [B, Ta, F], [B, Tb, F].
    same: pairs of users (i, j), i != j, that share a slice [B, B]: j is no negative of i.
    """

    whole: Tensor
    cut_a: Tensor
    cut_b: Tensor
    same: Tensor


class Step:
    """A batch seen through the network; each forward pass runs once, and only if an objective asks for it."""

    def __init__(self, network: BehaviorNetwork, batch: Batch) -> None:
        """Nothing is computed yet."""
        self.network = network
        self.batch = batch

    @cached_property
    def states(self) -> Tensor:
        """States of the whole sequences [B, T, D]."""
        states: Tensor = self.network(self.batch.whole)[1]
        return states

    @cached_property
    def vectors_a(self) -> tuple[Tensor, Tensor]:
        """Behaviour and identity vectors of the first cuts, both [B, D]."""
        return self.network.vectors(self.batch.cut_a)

    @cached_property
    def vectors_b(self) -> tuple[Tensor, Tensor]:
        """Behaviour and identity vectors of the second cuts, both [B, D]."""
        return self.network.vectors(self.batch.cut_b)
