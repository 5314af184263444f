"""Contrastive: two parts of one user's history find each other among the parts of other users."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives.batch import Step


class Contrastive(nn.Module):
    """InfoNCE over identity vectors: the mean of ``-log exp(a_i.b_i / t) / sum_j exp(a_i.b_j / t)``, both ways.

    a, b: identity vectors of two parts of user i, cut at a random event; j runs over the batch's users
    but for those that share a part with i, which would be false negatives.
    Source: van den Oord et al. 2018, arXiv:1807.03748 (InfoNCE); Babaev et al. 2022, arXiv:2002.08232 (CoLES: random
    slices of one user's events).
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """No weights of its own."""
        super().__init__()
        self.temperature = train.temperature

    def forward(self, step: Step) -> Tensor | None:
        """The loss, in nats; None for a single user."""
        _, (a, b) = step.vectors_of_parts
        if len(a) < 2:
            return None
        logits = (a @ b.T / self.temperature).masked_fill(step.batch.same, float("-inf"))
        target = torch.arange(len(a), device=a.device)
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
