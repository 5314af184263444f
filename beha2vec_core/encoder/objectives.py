"""The losses, and what a training step hands to them: two parts of each user and what came after.

An objective is a ``torch.nn.Module`` built from the network, the fields and the training settings; called with a
:class:`Step` it gives a scalar loss, or None where the batch holds nothing for it. To add one: a class here, an entry
in :data:`OBJECTIVES`, its name in the config.
Weights of its own are trained with the network and saved in ``heads.safetensors``, with which a warm start goes on;
``encode`` and ``predict_next`` do not use them.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.device import mixed_precision
from beha2vec_core.encoder.features import GAP, GAP_BUCKETS, Fields
from beha2vec_core.encoder.network import FIELD_PREFIX, BehaviorNetwork, by_field
from beha2vec_core.encoder.packing import Packed
from beha2vec_core.encoder.sampling import Candidates, log_probabilities, log_probability, rows_of
from beha2vec_core.encoder.vocabulary import NULL


@dataclass(frozen=True)
class Batch:
    """One batch of B users, each of two events or more and cut in two at a random event, as tensors.

    packed: the first parts of all users, then their second parts, 2B sequences, each with a recency token at its end.
    same: pairs of users (i, j), i != j, that share a part [B, B]: j is no negative of i.
    next_page, next_event_name, next_gap: ids of what follows each token [N], over the cut too; 0 where nothing does.
    future: whether each action comes within the horizon after each token [N, actions].
    future_known: whether the data reach to the end of that horizon [N].
    candidates: for each field with many values, those in the batch and a sample of the others.
    """

    packed: Packed
    same: Tensor
    next_page: Tensor
    next_event_name: Tensor
    next_gap: Tensor
    future: Tensor
    future_known: Tensor
    candidates: Mapping[str, Candidates] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """A batch seen through the network; each forward pass runs once, and only if an objective asks for it."""

    network: BehaviorNetwork
    batch: Batch

    @cached_property
    def _seen(self) -> tuple[Tensor, Tensor]:
        seen: tuple[Tensor, Tensor] = self.network(self.batch.packed)
        return seen

    @property
    def states(self) -> Tensor:
        """States of the tokens of both parts [N, D]."""
        return self._seen[1]

    @cached_property
    def pages(self) -> Tensor:
        """Embeddings of the candidate pages [C, D]; if the softmax is exact, of all pages [page ids, D]."""
        kinds, candidates = self.network.page_kinds, self.batch.candidates.get("page")
        pages: Tensor = self.network.embed(kinds if candidates is None else kinds.index_select(0, candidates.ids))
        return pages

    @cached_property
    def vectors(self) -> tuple[Tensor, Tensor]:
        """Behavior and identity vectors of the parts, both [2B, D]."""
        return self.network.vectors(self.batch.packed, *self._seen)

    @property
    def vectors_of_parts(self) -> list[tuple[Tensor, ...]]:
        """Behavior vectors of the first and of the second parts, then identity vectors, all [B, D]."""
        return [both.chunk(2) for both in self.vectors]


class NextEvent(nn.Module):
    """At every event: the page viewed next, the name of the next event and the time until it.

    Mean over events of ``-log p(page of the next view) - log p(next event_name) - log p(gap to it)``.

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


class Content(nn.Module):
    """The behavior vector of one part of a history predicts the content of the other part.

    Mean over users and modalities, within one over its fields f, of ``-sum_v p_f(v) log softmax(W_f z)_v``.

    z: behavior vector of one part [D]. p_f: the shares of field f's values (and of the time gaps' buckets) among the
    events of the other part, where it is not null. Shares, not counts, and parts of differing length: so z must say
    what a user does and how fast, and not how much. Nothing predicts itself: users of one event, who could only do
    that, would be drawn apart from all others.
    For a field with many values the softmax is sampled, see :mod:`~beha2vec_core.encoder.sampling`.
    Source: Le & Mikolov 2014, arXiv:1405.4053 (PV-DBOW), with the vector computed by the network instead of looked up.
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, train: TrainConfig) -> None:
        """One linear layer a field, and one for the gaps."""
        super().__init__()
        sizes = {name: fields.sizes[name] for name in fields.columns} | {GAP: GAP_BUCKETS}
        self.columns = fields.columns
        self.heads = by_field({name: nn.Linear(network.config.dim, size) for name, size in sizes.items()})
        modality = {name: fields.modalities.get(name, name) for name in sizes}
        count = Counter(modality.values())
        self.weights = {name: 1 / count[modality[name]] / len(count) for name in sizes}
        self.scale = nn.Parameter(torch.tensor(8.0))  # z has length 1; the softmax needs a wider range

    def forward(self, step: Step) -> Tensor:
        """The loss, in nats a modality."""
        packed = step.batch.packed
        z = self.scale * step.vectors[0].roll(len(packed.lengths) // 2, dims=0)  # of the other part
        row, kind, gap = (x[packed.is_event] for x in (packed.row, packed.kind, packed.gap))
        values = {name: packed.kinds[kind, column] for column, name in enumerate(self.columns)} | {GAP: gap}
        losses = [
            self.weights[name] * self._loss(name, z, row, value, step.batch.candidates.get(name))
            for name, value in values.items()
        ]
        return torch.stack(losses).sum()

    def _loss(self, name: str, z: Tensor, row: Tensor, value: Tensor, candidates: Candidates | None) -> Tensor:
        is_known = value > NULL
        known = is_known.to(z.dtype)  # under autocast a lower precision
        share = known / z.new_zeros(len(z)).index_add(0, row, known).clamp(min=1)[row]
        head = self.heads[FIELD_PREFIX + name]
        if candidates is None:
            log_p = torch.log_softmax(head(z), dim=-1)[row, value]
        else:
            logits = F.linear(z, *(rows_of(tensor, candidates.ids) for tensor in head.parameters()))
            share = share[is_known]
            log_p = log_probabilities(logits, candidates, row[is_known], value[is_known])
        return -(log_p * share).sum() / len(z)


class Future(nn.Module):
    """At every event and moment: which actions come in the next N days.

    Mean over tokens of ``-sum_v (y_v log s_v + (1 - y_v) log (1 - s_v))``, over the number of fields.

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


class Contrastive(nn.Module):
    """Two parts of one user's history find each other among the parts of other users.

    InfoNCE over identity vectors: the mean of ``-log exp(a_i.b_i / t) / sum_j exp(a_i.b_j / t)``, both ways.

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


class Triplet(nn.Module):
    """The loss of the original Beha2Vec prototype.

    Mean over users of ``max(0, |a - p| - |a - n| + margin)`` on behavior and identity vectors.

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


class Masked(nn.Module):
    """From the events around it, a hidden event's page and name.

    Mean over hidden events of ``-log p(page | all others) - log p(event_name | all others)``.

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


OBJECTIVES: dict[str, Callable[[BehaviorNetwork, Fields, TrainConfig], nn.Module]] = {
    "next_event": NextEvent,
    "content": Content,
    "future": Future,
    "contrastive": Contrastive,
    "triplet": Triplet,
    "masked": Masked,
}


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
