"""Our encoder, fine-tuned on who returned and who bought after earlier dates: its vectors are the six log odds.

A row is a user as of a date who was seen in the 28 days before it; dates lie a week apart. The last date, of which only
the next 7 days are known, is held out: training stops where its loss is lowest. A linear layer on recency, frequency,
money and the behavior vector gives the log odds of each label; it is trained together with the transformer and the
head of the vectors, while embeddings stay as they are (Howard & Ruder 2018, arXiv:1801.06146: later layers first).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from beha2vec_core.encoder.device import seeded
from beha2vec_core.encoder.encoder import BehaviorEncoder
from beha2vec_core.encoder.features import Fields, Tokens, gap_buckets
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.packing import pack
from beha2vec_core.evaluation.encoder import encoder_input
from beha2vec_core.evaluation.methods import EncodesAsOf
from beha2vec_core.evaluation.splits import DAY
from beha2vec_core.events.sequences import build_sequences
from tests.benchmarks.splits import HORIZONS
from tests.benchmarks.tasks.horizon import population

STEPS, EVERY, PATIENCE = 400, 20, 5
BATCH = 256
RATES = {"head": 3e-3, "network": 3e-4}
WEEK = 7 * DAY
MOST_DATES = 12
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Rows:
    """Users as of a date: their events, the time since the last one, counts and labels (NaN where not known)."""

    tokens: Tokens
    recency: npt.NDArray[np.int32]
    counts: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.recency)


class FineTunedNetwork(nn.Module):
    """The encoder's network with a linear layer on counts and behavior vector."""

    def __init__(self, network: BehaviorNetwork, counts: int, odds: Tensor) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        for name, weight in self.network.named_parameters():
            weight.requires_grad_(name.startswith(("blocks", "norm", "behavior_head")))
        self.head = nn.Linear(counts + network.config.dim, len(odds))
        nn.init.zeros_(self.head.weight)
        self.head.bias.data.copy_(odds)

    def forward(self, rows: Rows, chosen: npt.NDArray[np.int64]) -> Tensor:
        """The log odds of these rows [n, labels]."""
        starts, lengths = rows.tokens.offsets[:-1][chosen], rows.tokens.lengths[chosen]
        packed = pack(rows.tokens, starts, lengths, CPU, rows.recency[chosen])
        vectors = self.network.vectors(packed, *self.network(packed))[0]
        odds: Tensor = self.head(torch.cat((rows.counts[chosen], vectors * vectors.shape[1] ** 0.5), dim=1))
        return odds


@dataclass(frozen=True)
class FineTuned:
    """Log odds of each label as vectors."""

    network: FineTunedNetwork
    fields: Fields
    counts: EncodesAsOf

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        """As of each user's last event."""
        return self._odds(events, None)

    def encode_as_of(self, events: pd.DataFrame, moment: int) -> npt.NDArray[np.float32]:
        """As of a moment."""
        return self._odds(events, moment)

    @torch.inference_mode()
    def _odds(self, events: pd.DataFrame, moment: int | None) -> npt.NDArray[np.float32]:
        rows = read_rows(self.network.network, self.fields, self.counts, events, moment, np.empty((0, 0)))
        self.network.eval()
        parts = np.array_split(np.arange(len(rows)), -(-len(rows) // BATCH))
        return np.concatenate([self.network(rows, part).numpy() for part in parts])


def fine_tune(encoder: BehaviorEncoder, counts: EncodesAsOf, events: pd.DataFrame, seed: int) -> FineTuned:
    """The encoder fine-tuned on labels in these events; as it is where they reach back less than three weeks."""
    learned = [
        read_rows(encoder.network, encoder.fields, counts, before, date, labels)
        for date, before, labels in labelled(events)
    ]
    known = torch.cat([rows.labels for rows in learned[1:]] or [torch.full((1, 2 * len(HORIZONS)), torch.nan)])
    share = ((known == 1).sum(0) + 0.5) / ((known == 0).sum(0) + (known == 1).sum(0) + 1)
    width = counts.encode(events).shape[1]
    with seeded(seed, CPU):
        network = FineTunedNetwork(encoder.network, width, torch.logit(share))
        if len(learned) > 1:
            train(network, learned[1:], learned[0], np.random.default_rng(seed))
    return FineTuned(network, encoder.fields, counts)


def labelled(events: pd.DataFrame) -> list[tuple[int, pd.DataFrame, npt.NDArray[np.float64]]]:
    """Dates, the latest first, the events before each of users seen lately, and their labels, NaN where not known.

    Labels of all but the first are known by the date of the first: what is held out lies later than all else.
    """
    start, end = int(events["event_timestamp"].min()), int(events["event_timestamp"].max()) + 1
    marked = events.assign(is_purchase=events["event_name"] == "purchase")
    found = []
    for weeks in range(1, MOST_DATES + 2):
        date, known_until = end - weeks * WEEK, end if weeks == 1 else end - WEEK
        if date - WEEK < start:
            break
        before, labels = population(marked, date)
        known = [date + days * DAY <= known_until for _ in ("return", "purchase") for days in HORIZONS]
        table = np.stack(list(labels.values()), axis=1)
        if len(before):
            found.append((date, before, np.where(known, table, np.nan)))
    return found


def read_rows(
    network: BehaviorNetwork,
    fields: Fields,
    counts: EncodesAsOf,
    events: pd.DataFrame,
    moment: int | None,
    labels: npt.NDArray[np.float64],
) -> Rows:
    """The users of these events in sorted order, as of the moment or their last event."""
    sequences = build_sequences(
        encoder_input(events),
        optional_text=(),
        extra_text=fields.text_columns,
        as_of=moment,
        max_length=network.config.max_length,
    )
    tokens = fields.tokens(sequences)
    since = (sequences.as_of - sequences.event_timestamp[tokens.offsets[1:] - 1]) / 1_000_000
    columns = counts.encode(events) if moment is None else counts.encode_as_of(events, moment)
    return Rows(tokens, gap_buckets(since), torch.from_numpy(columns).float(), torch.from_numpy(labels).float())


def train(network: FineTunedNetwork, learned: Sequence[Rows], held_out: Rows, draw: np.random.Generator) -> None:
    """Train in place; the weights where the held-out loss was lowest stay."""
    tuned = [weight for weight in network.network.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": network.head.parameters(), "lr": RATES["head"]}, {"params": tuned, "lr": RATES["network"]}]
    )
    share = np.array([len(rows) for rows in learned]) / sum(map(len, learned))
    everyone = np.array_split(np.arange(len(held_out)), -(-len(held_out) // BATCH))
    best, lowest, best_step = copy.deepcopy(network.state_dict()), np.inf, 0
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            network.eval()
            with torch.no_grad():
                odds = torch.cat([network(held_out, part) for part in everyone])
            reached = float(loss(odds, held_out.labels))
            if reached < lowest:
                best, lowest, best_step = copy.deepcopy(network.state_dict()), reached, step
            elif step - best_step >= PATIENCE * EVERY:
                break
            network.train()
        rows = learned[draw.choice(len(learned), p=share)]
        chosen = draw.choice(len(rows), min(BATCH, len(rows)), replace=False)
        optimizer.zero_grad()
        loss(network(rows, chosen), rows.labels[chosen]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    network.load_state_dict(best)


def loss(odds: Tensor, labels: Tensor) -> Tensor:
    """The mean over known labels of ``-log p(label)``."""
    known = ~labels.isnan()
    return binary_cross_entropy_with_logits(odds[known], labels[known])
