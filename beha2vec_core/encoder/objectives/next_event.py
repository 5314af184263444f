"""Next-event prediction: at every event, the page and the name of the one that follows."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives.batch import Step


class NextEvent(nn.Module):
    """Mean over all events but the last of ``-log p(page[t+1] | events <= t) - log p(event_name[t+1] | events <= t)``.

    Inputs: states of the whole sequences. Page classes are the known pages and the hash buckets of the others.
    Source: Radford et al. 2018 (generative pre-training); Kang & McAuley 2018, arXiv:1808.09781 (SASRec).
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """The heads belong to the network, since predict_next uses them."""
        super().__init__()
        self.page, self.event_name = fields.names.index("page"), fields.names.index("event_name")

    def forward(self, step: Step) -> Tensor:
        """The loss, in nats an event."""
        following = step.batch.whole[:, 1:]  # [B, T-1, F]
        real = following[..., self.page] != 0
        states = step.states[:, :-1][real]  # [n, D]
        page = F.cross_entropy(step.network.next_page_logits(states), following[..., self.page][real])
        name = F.cross_entropy(step.network.next_event_name(states), following[..., self.event_name][real])
        return page + name
