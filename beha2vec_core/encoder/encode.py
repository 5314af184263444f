"""From a trained network to arrays: vectors of users, probabilities of what comes next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from beha2vec_core.encoder.batches import split_by_tokens
from beha2vec_core.encoder.features import Fields, IdArray, pad, slice_hashes
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.next_step.moments import Target
from beha2vec_core.sequences import Sequences

FloatArray = npt.NDArray[np.float32]

BATCH_TOKENS = 8192
BATCH_USERS = 2048
CENTER_USERS = 100_000


def encode_vectors(network: BehaviorNetwork, fields: Fields, sequences: Sequences) -> tuple[FloatArray, FloatArray]:
    """Behaviour and identity vectors of the users, in their order, each [n, dim] of length 1."""

    def vectors(ids: Tensor) -> Tensor:
        return torch.cat(network.vectors(ids), dim=-1)

    dim = network.config.dim
    both = _for_distinct(network, fields.ids(sequences), sequences, vectors, 2 * dim)
    return both[:, :dim], both[:, dim:]


def center_vectors(network: BehaviorNetwork, fields: Fields, sequences: Sequences) -> None:
    """Set the network's center to the mean vectors of these users, or of an even sample where they are many."""
    sample = sequences.select(np.arange(0, len(sequences), -(-len(sequences) // CENTER_USERS)))
    network.center.zero_()
    means = [vectors.mean(axis=0, dtype=np.float64) for vectors in encode_vectors(network, fields, sample)]
    network.center.copy_(torch.from_numpy(np.stack(means)))


@torch.no_grad()
def next_probabilities(
    network: BehaviorNetwork, fields: Fields, sequences: Sequences, rows: npt.NDArray[np.int64], target: Target
) -> FloatArray:
    """The network's probability of each known value and, last, of any other, given all up to each row [n, known + 1].

    ``rows`` are events of the sequences. What comes is the page of the next page view, or the name of the next event.
    """
    first = fields.vocabularies[target].first_known
    head = network.next_page_logits if target == "page" else network.next_event_name
    ids, starts, lengths = fields.ids(sequences), sequences.offsets[:-1], sequences.n_events
    device = next(network.parameters()).device
    network.eval()
    by_length = np.argsort(lengths, kind="stable")
    place = np.empty(len(lengths), dtype=np.int64)
    place[by_length] = np.arange(len(lengths))
    user = np.searchsorted(sequences.offsets, rows, side="right") - 1
    asked = np.argsort(place[user], kind="stable")  # rows in the order in which their users' turns come
    results = np.empty((len(rows), len(fields.vocabularies[target].values) + 1), dtype=np.float32)
    for part in split_by_tokens(lengths[by_length], BATCH_TOKENS, BATCH_USERS):
        users = by_length[part]
        these = asked[slice(*np.searchsorted(place[user[asked]], (part.start, part.stop)))]
        block = torch.from_numpy(pad(ids, starts[users], lengths[users]).astype(np.int64)).to(device)
        where = (place[user[these]] - part.start, rows[these] - starts[user[these]])
        states = network(block)[1][tuple(torch.from_numpy(index).to(device) for index in where)]
        probabilities = head(states).softmax(-1)
        other = probabilities[:, :first].sum(-1, keepdim=True)
        results[these] = torch.cat((probabilities[:, first:], other), dim=-1).cpu().numpy()
    return results


@torch.no_grad()
def _for_distinct(
    network: BehaviorNetwork, ids: IdArray, sequences: Sequences, compute: Callable[[Tensor], Tensor], width: int
) -> FloatArray:
    """``compute`` of each distinct sequence, in batches of like length, given back to every user [n, width]."""
    if not len(sequences):
        return np.zeros((0, width), dtype=np.float32)
    starts, lengths = sequences.offsets[:-1], sequences.n_events
    hashes = np.ascontiguousarray(slice_hashes(ids, starts, lengths)).view("V16").ravel()
    _, chosen, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    by_length = np.argsort(lengths[chosen], kind="stable")
    chosen = chosen[by_length]
    device = next(network.parameters()).device
    network.eval()
    results = np.empty((len(chosen), width), dtype=np.float32)
    for part in split_by_tokens(lengths[chosen], BATCH_TOKENS, BATCH_USERS):
        users = chosen[part]
        block = torch.from_numpy(pad(ids, starts[users], lengths[users]).astype(np.int64)).to(device)
        results[part] = compute(block).reshape(len(users), width).cpu().numpy()
    place = np.empty(len(chosen), dtype=np.int64)
    place[by_length] = np.arange(len(chosen))
    return results[place[inverse]]
