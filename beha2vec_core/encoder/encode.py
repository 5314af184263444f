"""From a trained network to arrays: vectors of users, probabilities of what comes next."""

import copy

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn.functional import linear

from beha2vec_core.encoder.batches import random_split, split_by_tokens
from beha2vec_core.encoder.features import Fields, IdArray, IntArray, Tokens, gap_buckets, slice_hashes
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.next_step.model import Head
from beha2vec_core.encoder.next_step.moments import Target
from beha2vec_core.encoder.packing import pack
from beha2vec_core.encoder.vocabulary import FIRST_BUCKET
from beha2vec_core.events.sequences import Sequences

FloatArray = npt.NDArray[np.float32]

BATCH_TOKENS = 4096  # larger ones cost page faults on a CPU
BATCH_USERS = 2048
PADDING = 0.1  # of a batch's tokens, at most
# users by whom vectors are centered and whitened, at most
SAMPLE = 100_000
# of the mean variance within users, added to that of each direction, as it is measured on few events
SHRINKAGE = 0.5
# differences between vectors of length 1 that are but rounding
NEGLIGIBLE = 1e-5


def encode_vectors(network: BehaviorNetwork, fields: Fields, sequences: Sequences) -> tuple[FloatArray, FloatArray]:
    """Behavior and identity vectors of the users, in their order, each [n, dim] of length 1."""
    tokens = fields.tokens(sequences)
    since = sequences.as_of - sequences.event_timestamp[tokens.offsets[1:] - 1]
    recency = gap_buckets(since / 1_000_000)
    return _vectors(network, tokens, tokens.offsets[:-1], tokens.lengths, recency)


def reset_shape(network: BehaviorNetwork) -> None:
    """Vectors as they come from the heads, as training sees them."""
    network.center.zero_()
    network.whitening.copy_(torch.eye(network.config.dim).expand_as(network.whitening))


def center_and_whiten(network: BehaviorNetwork, fields: Fields, sequences: Sequences, seed: int) -> None:
    """Set what :meth:`BehaviorNetwork.vectors` brings vectors into shape by, from these users or an even sample.

    The center is their mean vector. The whitening is the inverse square root of the covariance within users, measured
    between two parts of each (Hatch et al. 2006, within-class covariance normalisation), shrunk towards a sphere. Of
    behavior vectors the direction that goes with the length of a history is taken out: clusters are to say what users
    do, and how much they do is known anyway.
    """
    sample = sequences.select(np.arange(0, len(sequences), -(-len(sequences) // SAMPLE)))
    tokens = fields.tokens(sample)
    reset_shape(network)
    whole = _vectors(network, tokens, tokens.offsets[:-1], tokens.lengths)
    center = np.stack([_center(vectors) for vectors in whole])
    several = tokens.lengths > 1
    start, length = tokens.offsets[:-1][several], tokens.lengths[several]
    if not len(start):
        network.center.copy_(torch.from_numpy(center))
        return
    first = random_split(length, np.random.default_rng(seed))
    parts = _vectors(network, tokens, start, first), _vectors(network, tokens, start + first, length - first)
    whitening = np.stack([_whitening(a, b) for a, b in zip(*parts, strict=True)])
    behavior = (whole[0] - center[0]) @ whitening[0]
    behavior /= np.linalg.norm(behavior, axis=1, keepdims=True).clip(min=1e-12)
    whitening[0] = _without(whitening[0], behavior, np.log(tokens.lengths))
    network.center.copy_(torch.from_numpy(center))
    network.whitening.copy_(torch.from_numpy(whitening))


def keep_shape(
    network: BehaviorNetwork, fields: Fields, earlier: BehaviorNetwork, earlier_fields: Fields, sequences: Sequences
) -> None:
    """Bring vectors into the shape that an earlier network's had, of which this one was trained on.

    Its whitening holds. Its center moves along by as much as training has moved the mean of these users, or of an even
    sample: else all vectors would drift to one side, and users at a cluster's border over it, a little more each time.
    """
    sample = sequences.select(np.arange(0, len(sequences), -(-len(sequences) // SAMPLE)))
    means = []
    for of, its_fields in ((network, fields), (earlier, earlier_fields)):
        shapeless = copy.deepcopy(of)
        reset_shape(shapeless)
        tokens = its_fields.tokens(sample)
        both = _vectors(shapeless, tokens, tokens.offsets[:-1], tokens.lengths)
        means.append(np.stack([vectors.mean(axis=0, dtype=np.float64) for vectors in both]))
    moved = torch.from_numpy(means[0] - means[1]).to(earlier.center)
    network.center.copy_(earlier.center + moved)
    network.whitening.copy_(earlier.whitening)


def _center(vectors: FloatArray) -> npt.NDArray[np.float64]:
    """The mean [dim] of vectors [n, dim]; zero where they are all the same, as nothing would be left of them."""
    center: npt.NDArray[np.float64] = vectors.mean(axis=0, dtype=np.float64)
    return center if np.abs(vectors - center).max() > NEGLIGIBLE else np.zeros_like(center)


def _whitening(a: FloatArray, b: FloatArray) -> npt.NDArray[np.float64]:
    """[dim, dim], from the vectors of two parts of each user [n, dim]."""
    difference = (a.astype(np.float64) - b) / np.sqrt(2)
    variance, directions = np.linalg.eigh(difference.T @ difference / len(difference))
    shrunk = variance + SHRINKAGE * variance.mean() + np.finfo(np.float32).eps
    no_growth = np.sqrt(shrunk.min())
    whitening: npt.NDArray[np.float64] = no_growth * (directions / np.sqrt(shrunk)) @ directions.T
    return whitening


def _without(
    whitening: npt.NDArray[np.float64], vectors: npt.NDArray[np.float64], value: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The whitening [dim, dim] without the direction in which vectors [n, dim] go with a value [n].

    As it is where they do not go with it, or in no other direction.
    """
    covariance = (vectors - vectors.mean(axis=0)).T @ (value - value.mean()) / len(value)
    size = np.linalg.norm(covariance)
    direction = covariance / size.clip(min=NEGLIGIBLE)
    rest = vectors - np.outer(vectors @ direction, direction)
    if size < NEGLIGIBLE or np.abs(rest).max() < NEGLIGIBLE:
        return whitening
    return whitening - np.outer(whitening @ direction, direction)


@torch.inference_mode()
def next_states(network: BehaviorNetwork, fields: Fields, sequences: Sequences, rows: npt.NDArray[np.int64]) -> Tensor:
    """The network's state [n, dim] at each of these events of the sequences, given all up to it."""
    tokens = fields.tokens(sequences)
    starts, lengths = tokens.offsets[:-1], tokens.lengths
    device = next(network.parameters()).device
    network.eval()
    by_length = np.argsort(lengths, kind="stable")
    place = np.empty(len(lengths), dtype=np.int64)
    place[by_length] = np.arange(len(lengths))
    user = np.searchsorted(sequences.offsets, rows, side="right") - 1
    asked = np.argsort(place[user], kind="stable")  # rows in the order in which their users' turns come
    found = torch.empty((len(rows), network.config.dim), device=device)
    for part in _batches(lengths[by_length]):
        users = by_length[part]
        these = asked[slice(*np.searchsorted(place[user[asked]], (part.start, part.stop)))]
        begins = np.cumsum(lengths[users]) - lengths[users]
        tokens_asked = begins[place[user[these]] - part.start] + rows[these] - starts[user[these]]
        states = network(pack(tokens, starts[users], lengths[users], device))[1]
        found[torch.from_numpy(these).to(device)] = states.index_select(0, torch.from_numpy(tokens_asked).to(device))
    return found


@torch.inference_mode()
def next_head(network: BehaviorNetwork, fields: Fields, target: Target) -> Head:
    """What turns states into logits of the page of the next page view, or of the name of the next event."""
    first = fields.vocabularies[target].first_known
    if target == "event_name":
        return Head(lambda states: states, network.next_event_name.weight, network.next_event_name.bias, first)
    pages, bias = network.embed(network.page_kinds[FIRST_BUCKET:]), network.next_page_bias[FIRST_BUCKET:]
    return Head(network.next_page, pages, bias, first - FIRST_BUCKET)


@torch.inference_mode()
def next_probabilities(
    network: BehaviorNetwork, fields: Fields, sequences: Sequences, rows: npt.NDArray[np.int64], target: Target
) -> FloatArray:
    """The network's probability of each known value and, last, of any other at each of these events [n, known + 1]."""
    states, head = next_states(network, fields, sequences, rows), next_head(network, fields, target)
    found = np.empty((len(rows), len(head.weight) - head.others + 1), dtype=np.float32)
    for start in range(0, len(rows), BATCH_USERS):
        block = slice(start, start + BATCH_USERS)
        p = linear(head.project(states[block]), head.weight, head.bias).softmax(1)
        found[block, :-1], found[block, -1] = p[:, head.others :].cpu(), p[:, : head.others].sum(1).cpu()
    return found


def _batches(lengths: IntArray) -> list[slice]:
    """Slices of sequences whose lengths ascend."""
    return split_by_tokens(lengths, BATCH_TOKENS, BATCH_USERS, PADDING)


@torch.inference_mode()
def _vectors(
    network: BehaviorNetwork, tokens: Tokens, starts: IntArray, lengths: IntArray, recency: IdArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Behavior and identity vectors of slices of the events, as of the last one where no recency is given.

    Each distinct slice is encoded once, in batches of like length.
    """
    dim = network.config.dim
    recency = gap_buckets(np.zeros(len(starts))) if recency is None else recency
    if not len(starts):
        return np.zeros((0, dim), dtype=np.float32), np.zeros((0, dim), dtype=np.float32)
    keys = np.zeros(len(starts), dtype=[("events", "V16"), ("recency", np.int32)])
    gap = tokens.gap.copy()
    gap[starts] = 0  # whatever came before the slice, its first token does not know it
    ids = [tokens.kind, gap]
    if tokens.begins is not None:
        begins = tokens.begins.copy()
        begins[starts] = True
        ids.append(begins.astype(np.int32))
    keys["events"] = slice_hashes(np.stack(ids, axis=1), starts, lengths)
    keys["recency"] = recency
    _, chosen, inverse = np.unique(keys, return_index=True, return_inverse=True)
    by_length = np.argsort(lengths[chosen], kind="stable")
    chosen = chosen[by_length]
    device = next(network.parameters()).device
    network.eval()
    both = np.empty((len(chosen), 2 * dim), dtype=np.float32)
    for part in _batches(lengths[chosen]):
        these = chosen[part]
        packed = pack(tokens, starts[these], lengths[these], device, recency[these])
        both[part] = torch.cat(network.vectors(packed, *network(packed)), dim=-1).cpu().numpy()
    place = np.empty(len(chosen), dtype=np.int64)
    place[by_length] = np.arange(len(chosen))
    both = both[place[inverse]]
    return both[:, :dim], both[:, dim:]


def encoded_schema(dim: int) -> pa.Schema:
    """Columns of encoded users; both vectors have ``dim`` numbers."""
    vector = pa.list_(pa.float32(), dim)
    return pa.schema(
        {
            "user_key": pa.string(),
            "as_of": pa.timestamp("us"),
            "n_events": pa.int64(),
            "low_evidence": pa.bool_(),
            "behavior": vector,
            "identity": vector,
        }
    )


def fixed_size_list(vectors: npt.NDArray[np.float32]) -> pa.Array:
    """Vectors [n, dim] as an Arrow array of lists."""
    flat = pa.array(np.ascontiguousarray(vectors).ravel(), type=pa.float32())
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
