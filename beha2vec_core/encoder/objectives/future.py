"""Future: at every event and moment, which actions come in the next N days."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork, by_field
from beha2vec_core.encoder.objectives.batch import Step


class Future(nn.Module):
    """Mean over tokens of ``-sum_v (y_v log s_v + (1 - y_v) log (1 - s_v))``, over the number of fields.

    s = sigmoid(W h). h: state of an event, or of a recency token, which stands for a random moment after the last event
    and before the next one [D]. y_v: whether an event with value v (of event name, theme, page type or extra category)
    comes in the N days after that moment. Tokens of whose N days the data miss a part do not count.
    Source: Pancha et al. 2022, arXiv:2205.04507 (PinnerFormer: all actions of a horizon instead of the next one).
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """One linear layer a field that has known values, in the order of :attr:`Batch.future`."""
        super().__init__()
        known = {name: len(fields.vocabularies[name].values) for name in fields.action_columns}
        self.heads = by_field({name: nn.Linear(network.config.dim, size) for name, size in known.items() if size})

    def forward(self, step: Step) -> Tensor | None:
        """The loss, in nats a token and field; None where no horizon is known."""
        known = step.batch.future_known
        if not self.heads or not known.any():
            return None
        happens = step.batch.future[known]
        logits = torch.cat([head(step.states[known]) for head in self.heads.values()], dim=-1)
        loss = F.binary_cross_entropy_with_logits(logits, happens, reduction="none")
        return loss.sum(1).mean() / len(self.heads)
