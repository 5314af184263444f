"""All objectives of a training as one module."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.device import mixed_precision
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives import OBJECTIVES
from beha2vec_core.encoder.objectives.batch import Batch, Step


class WeightedObjectives(nn.Module):
    """The network and its objectives as one module: a batch goes in, losses come out.

    weights: the weight of each objective. Objectives of weight 0 are left out.
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, config: TrainConfig) -> None:
        """Make the objectives; their own weights come from torch's current random state."""
        super().__init__()
        self.weights = {name: weight for name, weight in config.objectives.items() if weight > 0}
        self.network = network
        self.losses = nn.ModuleDict({name: OBJECTIVES[name](network, fields, config) for name in self.weights})

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of each objective, a float32 scalar. Objectives that find nothing in the batch are left out."""
        with mixed_precision(batch.next_page.device):
            step = Step(self.network, batch)
            losses = {name: objective(step) for name, objective in self.losses.items()}
        return {name: loss.float() for name, loss in losses.items() if loss is not None}

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum; where no objective found anything, a zero that moves no weight."""
        if not losses:
            return torch.zeros((), device=next(self.parameters()).device, requires_grad=True)
        return torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()
