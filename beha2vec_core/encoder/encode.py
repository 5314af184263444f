"""From a trained network to arrays: vectors of users, next-page probabilities. Equal sequences are computed once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from beha2vec_core.encoder.batches import split_by_tokens
from beha2vec_core.encoder.features import Fields, gap_buckets, slice_hashes
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.packing import Packed, pack
from beha2vec_core.sequences import Sequences

FloatArray = npt.NDArray[np.float32]

BATCH_TOKENS = 8192
BATCH_USERS = 2048
CENTER_USERS = 100_000


def encode_vectors(network: BehaviorNetwork, fields: Fields, sequences: Sequences) -> tuple[FloatArray, FloatArray]:
    """Behaviour and identity vectors of the users, in their order, each [n, dim] of length 1."""

    def vectors(packed: Packed) -> Tensor:
        return torch.cat(network.vectors(packed, *network(packed)), dim=-1)

    dim = network.config.dim
    both = _for_distinct(network, fields, sequences, vectors, 2 * dim)
    return both[:, :dim], both[:, dim:]


def center_vectors(network: BehaviorNetwork, fields: Fields, sequences: Sequences) -> None:
    """Set the network's center to the mean vectors of these users, or of an even sample where they are many."""
    sample = sequences.select(np.arange(0, len(sequences), -(-len(sequences) // CENTER_USERS)))
    network.center.zero_()
    means = [vectors.mean(axis=0, dtype=np.float64) for vectors in encode_vectors(network, fields, sample)]
    network.center.copy_(torch.from_numpy(np.stack(means)))


def next_page_probabilities(network: BehaviorNetwork, fields: Fields, sequences: Sequences, k: int) -> FloatArray:
    """The k likeliest known pages as [n, 2, k]: position in the page vocabulary, probability; likeliest first.

    Probabilities are over all page classes, so what falls to unknown pages is missing from the sum.
    """
    first = fields.vocabularies["page"].first_known

    def likeliest(packed: Packed) -> Tensor:
        states = network(packed)[1].index_select(0, packed.last_event)
        known = network.next_page_logits(states).softmax(-1)[:, first:]
        ranked = known.sort(dim=-1, descending=True, stable=True)
        return torch.stack((ranked.indices[:, :k].to(known.dtype), ranked.values[:, :k]), dim=1)

    return _for_distinct(network, fields, sequences, likeliest, 2 * k).reshape(len(sequences), 2, k)


@torch.no_grad()
def _for_distinct(
    network: BehaviorNetwork,
    fields: Fields,
    sequences: Sequences,
    compute: Callable[[Packed], Tensor],
    width: int,
) -> FloatArray:
    """``compute`` of each distinct sequence, in batches of like length, given back to every user [n, width]."""
    if not len(sequences):
        return np.zeros((0, width), dtype=np.float32)
    tokens = fields.tokens(sequences)
    starts, lengths = tokens.offsets[:-1], tokens.lengths
    since = sequences.as_of - sequences.event_timestamp[tokens.offsets[1:] - 1]
    recency = gap_buckets(since / 1_000_000)
    keys = np.zeros(len(lengths), dtype=[("events", "V16"), ("recency", np.int32)])
    keys["events"] = slice_hashes(np.stack((tokens.kind, tokens.gap), axis=1), starts, lengths)
    keys["recency"] = recency
    _, chosen, inverse = np.unique(keys, return_index=True, return_inverse=True)
    by_length = np.argsort(lengths[chosen], kind="stable")
    chosen = chosen[by_length]
    device = next(network.parameters()).device
    network.eval()
    results = np.empty((len(chosen), width), dtype=np.float32)
    for part in split_by_tokens(lengths[chosen], BATCH_TOKENS, BATCH_USERS):
        users = chosen[part]
        packed = pack(tokens, starts[users], lengths[users], device, recency[users])
        results[part] = compute(packed).reshape(len(users), width).cpu().numpy()
    place = np.empty(len(chosen), dtype=np.int64)
    place[by_length] = np.arange(len(chosen))
    return results[place[inverse]]
