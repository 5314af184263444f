"""What a training step hands to the objectives: two parts of each user and what came after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.packing import Packed
from beha2vec_core.encoder.sampling import Candidates


@dataclass(frozen=True)
class Batch:
    """One batch of B users, each of two events or more and cut in two at a random event, as tensors.

    packed: the first parts of all users, then their second parts, 2B sequences, each with a recency token at its end.
    same: pairs of users (i, j), i != j, that share a part [B, B]: j is no negative of i.
    next_page, next_event_name, next_gap: ids of what follows each token [N], over the cut too; 0 where nothing does.
    future: whether each action comes within the horizon after each token [N, actions].
    future_known: whether the data reach to the end of that horizon [N].
    candidates: for each field with many values, those in the batch and a sample of the others.
    """

    packed: Packed
    same: Tensor
    next_page: Tensor
    next_event_name: Tensor
    next_gap: Tensor
    future: Tensor
    future_known: Tensor
    candidates: Mapping[str, Candidates] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """A batch seen through the network; each forward pass runs once, and only if an objective asks for it."""

    network: BehaviorNetwork
    batch: Batch

    @cached_property
    def _seen(self) -> tuple[Tensor, Tensor]:
        seen: tuple[Tensor, Tensor] = self.network(self.batch.packed)
        return seen

    @property
    def states(self) -> Tensor:
        """States of the tokens of both parts [N, D]."""
        return self._seen[1]

    @cached_property
    def pages(self) -> Tensor:
        """Embeddings of the candidate pages [C, D]; if the softmax is exact, of all pages [page ids, D]."""
        kinds, candidates = self.network.page_kinds, self.batch.candidates.get("page")
        pages: Tensor = self.network.embed(kinds if candidates is None else kinds.index_select(0, candidates.ids))
        return pages

    @cached_property
    def vectors(self) -> tuple[Tensor, Tensor]:
        """Behavior and identity vectors of the parts, both [2B, D]."""
        return self.network.vectors(self.batch.packed, *self._seen)

    @property
    def vectors_of_parts(self) -> list[tuple[Tensor, ...]]:
        """Behavior vectors of the first and of the second parts, then identity vectors, all [B, D]."""
        return [both.chunk(2) for both in self.vectors]
