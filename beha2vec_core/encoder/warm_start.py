"""Training on: what an earlier encoder learned, carried into a network whose vocabulary has grown by appending.

A value that is new gets the weights of the hash bucket it fell into before, so that nothing changes for it until
training says so.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from beha2vec_core.encoder.features import Fields, IntArray
from beha2vec_core.encoder.network import FIELD_PREFIX
from beha2vec_core.encoder.vocabulary import Vocabulary

# tensors with a row a page (event name) that do not say so in their name
_BY_PAGE = ("salience.weight", "next_page_bias")
# not learned, but computed from the data
_COMPUTED = ("embed.page_title",)
_BY_EVENT_NAME = ("next_event_name.weight", "next_event_name.bias")


@torch.no_grad()
def carry_over(learned: Mapping[str, Tensor], module: nn.Module, before: Fields, after: Fields) -> None:
    """Copy the tensors of a state dict into a module; where a field of ``before`` has grown, row by row.

    Tensors that were not there, and rows of new values that were in no bucket, stay as they are.
    """
    for name, tensor in module.state_dict().items():
        source = learned.get(name)
        if source is None or name in _COMPUTED:
            continue
        source = source.to(tensor.device)
        if source.shape == tensor.shape:
            tensor.copy_(source)
            continue
        field = _field(name, after)
        rows = torch.from_numpy(_rows(len(source), before.vocabularies[field], after.vocabularies[field]))
        there = (rows >= 0).to(tensor.device)
        tensor[there] = source[rows[rows >= 0].to(tensor.device)]


def _field(name: str, fields: Fields) -> str:
    """The field that a tensor has a row a value of."""
    if name in _BY_PAGE:
        return "page"
    if name in _BY_EVENT_NAME:
        return "event_name"
    parts = [part.removeprefix(FIELD_PREFIX) for part in name.split(".")]
    return next(part for part in parts if part in fields.vocabularies)


def _rows(size: int, before: Vocabulary, after: Vocabulary) -> IntArray:
    """For each row after, the row it had before; -1 where it had none.

    There are as many rows as ids, or as known values: then a new one had none.
    """
    new = after.values[len(before.values) :]
    if size == before.size:
        return np.concatenate((np.arange(size), [after.bucket(value) for value in new])).astype(np.int64)
    return np.concatenate((np.arange(size), np.full(len(new), -1))).astype(np.int64)
