"""Future: the behaviour vector as of a moment tells which actions come in the next N days."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives.batch import Step
from beha2vec_core.encoder.vocabulary import NULL


class Future(nn.Module):
    """Mean over cuts, fields f and values v of ``-y_fv log s(W_f z)_v - (1 - y_fv) log (1 - s(W_f z)_v)``, s a sigmoid.

    z: behaviour vector of a cut as of a random moment after its last event [D]. y_fv: whether an event with value v of
    field f (event name, theme, page type) comes in the N days after the moment. Cuts of whose N days the data miss a
    part do not count.
    Source: Pancha et al. 2022, arXiv:2205.04507 (PinnerFormer: all actions of a horizon instead of the next one).
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """One linear layer a field."""
        super().__init__()
        names = ["event_name", *fields.text_columns]
        self.heads = nn.ModuleDict({name: nn.Linear(network.config.dim, fields.sizes[name]) for name in names})
        self.scale = nn.Parameter(torch.tensor(8.0))

    def forward(self, step: Step) -> Tensor | None:
        """The loss, in nats a cut, summed over values, a mean over fields; None where no horizon is known."""
        known = step.batch.future_known
        if not known.any():
            return None
        z = self.scale * step.vectors[0][known]
        losses = [
            F.binary_cross_entropy_with_logits(head(z), step.batch.future[name][known], reduction="none")[:, NULL + 1 :]
            for name, head in self.heads.items()
        ]
        return torch.stack([loss.sum(1).mean() for loss in losses]).mean()
