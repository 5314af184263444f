"""Content: the behaviour vector of one part of a history tells what the other part consists of."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields
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
        self.columns = {name: i for i, name in enumerate(fields.columns)}
        self.heads = nn.ModuleDict({name: nn.Linear(network.config.dim, fields.sizes[name]) for name in self.columns})
        self.scale = nn.Parameter(torch.tensor(8.0))  # z has length 1; the softmax needs a wider range

    def forward(self, step: Step) -> Tensor:
        """The loss, in nats a field."""
        packed = step.batch.packed
        rows = len(packed.lengths)
        z = self.scale * step.vectors[0].roll(rows // 2, dims=0)  # of the other cut
        row, kind = packed.row[packed.is_event], packed.kind[packed.is_event]
        losses = []
        for name, column in self.columns.items():
            values = packed.kinds[kind, column]  # [events]
            weight = (values > 1).float()  # not null
            weight = weight / weight.new_zeros(rows).index_add(0, row, weight).clamp(min=1)[row]
            log_p = torch.log_softmax(self.heads[name](z), dim=-1)
            losses.append(-(log_p[row, values] * weight).sum() / rows)
        return torch.stack(losses).mean()
