"""The names of next events, from the head that the encoder learns by but does not show in its API."""

from __future__ import annotations

import pandas as pd
import torch

from beha2vec_core.encoder.encoder import BehaviorEncoder
from beha2vec_core.encoder.features import pad
from beha2vec_core.sequences import build_sequences


@torch.no_grad()
def likeliest_event_names(encoder: BehaviorEncoder, events: pd.DataFrame, k: int) -> list[list[str]]:
    """The k likeliest known names of each user's next event, best first."""
    fields, network = encoder.fields, encoder.network.eval()
    sequences = build_sequences(events, optional_text=fields.text_columns, max_length=encoder.config.max_length)
    vocabulary = fields.vocabularies["event_name"]
    ids = fields.ids(sequences)
    found = []
    for user in range(len(sequences)):
        block = pad(ids, sequences.offsets[user : user + 1], sequences.n_events[user : user + 1])
        states = network(torch.from_numpy(block).long().to(encoder.device))[1]
        known = network.next_event_name(states[0, -1])[vocabulary.first_known :]
        order = known.sort(descending=True, stable=True).indices[:k].tolist()
        found.append([vocabulary.values[place] for place in order])
    return found
