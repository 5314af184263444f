"""Masked events: from the events around it, a hidden event's page and name."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives.batch import Step
from beha2vec_core.encoder.sampling import log_probability


class Masked(nn.Module):
    """Mean over hidden events of ``-log p(page | all others) - log p(event_name | all others)``.

    A share of the tokens (``masked_rate``) keeps its time but not its content, and attention looks both ways.
    Source: Devlin et al. 2019, arXiv:1810.04805 (BERT); Sun et al. 2019, arXiv:1904.06690 (BERT4Rec).
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """The page is scored as a next page is, after a layer of its own."""
        super().__init__()
        self.columns = [fields.columns.index(name) for name in ("page", "event_name")]
        self.rate = train.masked_rate
        self.page = nn.Linear(network.config.dim, network.config.dim)
        self.event_name = nn.Linear(network.config.dim, fields.sizes["event_name"])

    def forward(self, step: Step) -> Tensor | None:
        """The loss, in nats an event; None where chance hides none."""
        packed = step.batch.packed
        hidden = (torch.rand(len(packed.kind), device=packed.kind.device) < self.rate) & packed.is_event
        if not hidden.any():
            return None
        states = step.network(packed, hidden=hidden)[1][hidden]
        page, event_name = (packed.kinds[packed.kind[hidden], column] for column in self.columns)
        candidates = step.batch.candidates.get("page")
        if candidates is None:
            loss = F.cross_entropy(self.page(states) @ step.pages.T, page)
        else:
            bias = step.pages.new_zeros(len(step.pages))
            loss = -log_probability(self.page(states), step.pages, bias, candidates, page).mean()
        return loss + F.cross_entropy(self.event_name(states), event_name)
