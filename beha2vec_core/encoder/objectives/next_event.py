"""Next-event prediction: after every moment, the page of the next page view and the name of the next event."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import FIRST_GAP, Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives.batch import Step
from beha2vec_core.sequences import PAGE_VIEWS

SAME_SECOND = FIRST_GAP + 1


class NextEvent(nn.Module):
    """Mean over moments of ``-log p(page of the next page view) - log p(name of the next event)``, given what came.

    Inputs: states of the whole sequences. Other events between here and the next page view are looked over. Events of
    one second are one moment, and its last event speaks for it: their order is the log's, not the user's. Page classes
    are the known pages and the hash buckets of the others.
    Source: Radford et al. 2018 (generative pre-training); Kang & McAuley 2018, arXiv:1808.09781 (SASRec).
    """

    view_names: Tensor

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """The heads belong to the network, since predict_next uses them."""
        super().__init__()
        self.page, self.event_name, self.gap = (fields.names.index(name) for name in ("page", "event_name", "gap"))
        self.register_buffer("view_names", torch.from_numpy(fields.vocabularies["event_name"].ids(PAGE_VIEWS)))

    def forward(self, step: Step) -> Tensor | None:
        """The loss, in nats a moment; None where no moment is followed by another."""
        ids = step.batch.whole  # [B, T, F]
        following = ids[:, 1:]
        moment_ends = (following[..., self.page] != 0) & (following[..., self.gap] != SAME_SECOND)
        if not moment_ends.any():
            return None
        places = next_place(torch.isin(ids[..., self.event_name], self.view_names))[:, :-1]
        viewed = moment_ends & (places < ids.shape[1])
        pages = ids[..., self.page].gather(1, places.clamp(max=ids.shape[1] - 1))
        states = step.states[:, :-1]  # [B, T-1, D]
        name = F.cross_entropy(
            step.network.next_event_name(states[moment_ends]), following[..., self.event_name][moment_ends]
        )
        if not viewed.any():
            return name
        return name + F.cross_entropy(step.network.next_page_logits(states[viewed]), pages[viewed])


def next_place(there: Tensor) -> Tensor:
    """The place of the first True after each place, in each row [B, T]; T where none comes."""
    length = there.shape[1]
    here = torch.where(there, torch.arange(length, device=there.device), length)
    here_or_after = here.flip(1).cummin(1).values.flip(1)
    return F.pad(here_or_after[:, 1:], (0, 1), value=length)
