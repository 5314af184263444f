"""Triplet: the loss of the original Beha2Vec prototype."""

import torch
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives.batch import Step


class Triplet(nn.Module):
    """Mean over users of ``max(0, |a - p| - |a - n| + margin)`` on behavior and identity vectors.

    a, p: vectors of two parts of one user; n: the second part of the next user in the batch that shares no
    part with the first.
    Source: Schroff et al. 2015, arXiv:1503.03832; the published Beha2Vec prototype (anchor and positive from one user,
    negative from another).
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """No weights of its own."""
        super().__init__()
        self.margin = train.margin

    def forward(self, step: Step) -> Tensor | None:
        """The loss; None where no two users of the batch differ."""
        same = step.batch.same
        n = len(same)
        if n < 2:
            return None
        # for each user, the first other user after it, in a circle, that may be a negative
        places = torch.arange(n, device=same.device)
        ahead = (places[:, None] + places[1:]) % n  # [B, B-1]
        allowed = ~same.gather(1, ahead)
        anchors = torch.nonzero(allowed.any(1)).squeeze(1)
        if not len(anchors):
            return None
        negatives = ahead.gather(1, allowed.int().argmax(1, keepdim=True)).squeeze(1)[anchors]
        losses = [self._loss(a, b, anchors, negatives) for a, b in step.vectors_of_parts]
        return torch.stack(losses).mean()

    def _loss(self, a: Tensor, b: Tensor, anchors: Tensor, negatives: Tensor) -> Tensor:
        positive = (a[anchors] - b[anchors]).norm(dim=-1)
        negative = (a[anchors] - b[negatives]).norm(dim=-1)
        return torch.relu(positive - negative + self.margin).mean()
