"""Next-event prediction: at every event, the page viewed next, the name of the next event and the time until it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives.batch import Step
from beha2vec_core.encoder.sampling import log_probability, rows_of


class NextEvent(nn.Module):
    """Mean over events of ``-log p(page of the next view) - log p(next event_name) - log p(gap to it)``.

    Each given the events up to now. The page is that of the next page view, over other events, which would mostly
    repeat the current page. Page classes are the known pages and the hash buckets of the others. Source: Radford et al.
    2018 (generative pre-training); Kang & McAuley 2018, arXiv:1808.09781 (SASRec); the gap as classes of its logarithm:
    Shchur et al. 2020, arXiv:1909.12127. With many pages
    the softmax is sampled, see :mod:`~beha2vec_core.encoder.sampling`.
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """The heads belong to the network, since predict_next uses them."""
        super().__init__()

    def forward(self, step: Step) -> Tensor | None:
        """The loss, in nats an event; None where nothing follows anything."""
        batch, network = step.batch, step.network
        losses = [_page_loss(step)] if (batch.next_page > 0).any() else []
        losses += [
            F.cross_entropy(head(step.states[target > 0]), target[target > 0])
            for head, target in ((network.next_event_name, batch.next_event_name), (network.next_gap, batch.next_gap))
            if (target > 0).any()
        ]
        return torch.stack(losses).sum() if losses else None


def _page_loss(step: Step) -> Tensor:
    network, candidates = step.network, step.batch.candidates.get("page")
    comes = step.batch.next_page > 0
    states, pages = step.states[comes], step.batch.next_page[comes]
    if candidates is None:
        return F.cross_entropy(network.next_page_logits(states, step.pages), pages)
    bias = rows_of(network.next_page_bias, candidates.ids)
    return -log_probability(network.next_page(states), step.pages, bias, candidates, pages).mean()
