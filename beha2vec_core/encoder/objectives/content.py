"""Content: the behavior vector of one part of a history predicts the content of the other part."""

from collections import Counter

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import GAP, GAP_BUCKETS, Fields
from beha2vec_core.encoder.network import FIELD_PREFIX, BehaviorNetwork, by_field
from beha2vec_core.encoder.objectives.batch import Step
from beha2vec_core.encoder.sampling import Candidates, log_probabilities, rows_of
from beha2vec_core.encoder.vocabulary import NULL


class Content(nn.Module):
    """Mean over users and modalities, within one over its fields f, of ``-sum_v p_f(v) log softmax(W_f z)_v``.

    z: behavior vector of one part [D]. p_f: the shares of field f's values (and of the time gaps' buckets) among the
    events of the other part, where it is not null. Shares, not counts, and parts of differing length: so z must say
    what a user does and how fast, and not how much. Nothing predicts itself: users of one event, who could only do
    that, would be drawn apart from all others.
    For a field with many values the softmax is sampled, see :mod:`~beha2vec_core.encoder.sampling`.
    Source: Le & Mikolov 2014, arXiv:1405.4053 (PV-DBOW), with the vector computed by the network instead of looked up.
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """One linear layer a field, and one for the gaps."""
        super().__init__()
        sizes = {name: fields.sizes[name] for name in fields.columns} | {GAP: GAP_BUCKETS}
        self.columns = fields.columns
        self.heads = by_field({name: nn.Linear(network.config.dim, size) for name, size in sizes.items()})
        modality = {name: fields.modalities.get(name, name) for name in sizes}
        count = Counter(modality.values())
        self.weights = {name: 1 / count[modality[name]] / len(count) for name in sizes}
        self.scale = nn.Parameter(torch.tensor(8.0))  # z has length 1; the softmax needs a wider range

    def forward(self, step: Step) -> Tensor:
        """The loss, in nats a modality."""
        packed = step.batch.packed
        z = self.scale * step.vectors[0].roll(len(packed.lengths) // 2, dims=0)  # of the other part
        row, kind, gap = (x[packed.is_event] for x in (packed.row, packed.kind, packed.gap))
        values = {name: packed.kinds[kind, column] for column, name in enumerate(self.columns)} | {GAP: gap}
        losses = [
            self.weights[name] * self._loss(name, z, row, value, step.batch.candidates.get(name))
            for name, value in values.items()
        ]
        return torch.stack(losses).sum()

    def _loss(self, name: str, z: Tensor, row: Tensor, value: Tensor, candidates: Candidates | None) -> Tensor:
        is_known = value > NULL
        known = is_known.to(z.dtype)  # under autocast a lower precision
        share = known / z.new_zeros(len(z)).index_add(0, row, known).clamp(min=1)[row]
        head = self.heads[FIELD_PREFIX + name]
        if candidates is None:
            log_p = torch.log_softmax(head(z), dim=-1)[row, value]
        else:
            logits = F.linear(z, *(rows_of(tensor, candidates.ids) for tensor in head.parameters()))
            share = share[is_known]
            log_p = log_probabilities(logits, candidates, row[is_known], value[is_known])
        return -(log_p * share).sum() / len(z)
