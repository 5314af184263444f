"""The losses, one module each. To add one: a module here, its class in :data:`OBJECTIVES`, its name in the config.

An objective is a ``torch.nn.Module`` built from the network, the fields and the training settings; called with a
:class:`~beha2vec_core.encoder.objectives.batch.Step` it gives a scalar loss, or None where the batch holds nothing
for it.
Weights of its own are trained with the network and saved in ``heads.safetensors``, with which a warm start goes on;
``encode`` and ``predict_next`` do not use them.
:mod:`~beha2vec_core.encoder.objectives.weighted` puts all objectives of a training together.
"""

from collections.abc import Callable

from torch import nn

from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives.content import Content
from beha2vec_core.encoder.objectives.contrastive import Contrastive
from beha2vec_core.encoder.objectives.future import Future
from beha2vec_core.encoder.objectives.masked import Masked
from beha2vec_core.encoder.objectives.next_event import NextEvent
from beha2vec_core.encoder.objectives.triplet import Triplet

OBJECTIVES: dict[str, Callable[[BehaviorNetwork, Fields, TrainConfig], nn.Module]] = {
    "next_event": NextEvent,
    "content": Content,
    "future": Future,
    "contrastive": Contrastive,
    "triplet": Triplet,
    "masked": Masked,
}
