"""Content: the behaviour vector of one part of a history tells what the other part consists of."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import GAP, Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives.batch import Step


class Content(nn.Module):
    """Mean over users and fields f of ``-sum_v p_f(v) log softmax(W_f z)_v``.

    z: behaviour vector of one cut [D]. p_f: the shares of field f's values among the events of the other cut, where it
    is not null. Shares, not counts, and cuts of differing length: so z must say what a user does and not how much.
    Nothing predicts itself: users of one event, who could only do that, would be drawn apart from all others.
    Source: Le & Mikolov 2014, arXiv:1405.4053 (PV-DBOW), with the vector computed by the network instead of looked up.
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """One linear layer a content field."""
        super().__init__()
        self.columns = {name: i for i, name in enumerate(fields.names) if name != GAP}
        self.heads = nn.ModuleDict({name: nn.Linear(network.config.dim, fields.sizes[name]) for name in self.columns})
        self.scale = nn.Parameter(torch.tensor(8.0))  # z has length 1; the softmax needs a wider range

    def forward(self, step: Step) -> Tensor:
        """The loss, in nats a field."""
        a, b = step.vectors_a[0], step.vectors_b[0]
        return (self._loss(a, step.batch.cut_b) + self._loss(b, step.batch.cut_a)) / 2

    def _loss(self, vector: Tensor, ids: Tensor) -> Tensor:
        losses = []
        for name, column in self.columns.items():
            values = ids[..., column]  # [B, T]
            weight = (values > 1).float()  # neither padding nor null
            weight = weight / weight.sum(1, keepdim=True).clamp(min=1)
            log_p = torch.log_softmax(self.heads[name](self.scale * vector), dim=-1)
            losses.append(-(log_p.gather(1, values) * weight).sum(1).mean())
        return torch.stack(losses).mean()
