"""Training: what learns and what measures, the schedule, where to go on after a kill; and the curve it leaves."""

from __future__ import annotations

import importlib.util
import logging
import math
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from beha2vec_core.encoder.checkpoint import Checkpoints, fingerprint
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.curve import DivergedError, EpochMetrics, OnEpoch
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.loader import TrainingPlan, UserBatches
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.validation import held_out_users, is_held_out, training_and_validation
from beha2vec_core.encoder.warm_start import carry_over
from beha2vec_core.events.sequences import Sequences

__all__ = [
    "DivergedError",
    "EpochMetrics",
    "OnEpoch",
    "held_out_users",
    "is_held_out",
    "seeded",
    "train",
    "warmup_then_cosine",
]

logger = logging.getLogger(__name__)


def train(
    network: BehaviorNetwork,
    fields: Fields,
    sequences: Sequences,
    config: TrainConfig,
    device: torch.device,
    on_epoch: OnEpoch | None = None,
    *,
    heads: dict[str, Tensor] | None = None,
    before: Fields | None = None,
    checkpoints: Path | None = None,
    mlflow: bool = False,
) -> tuple[list[EpochMetrics], dict[str, Tensor]]:
    """Train the network in place on the users of two events or more.

    Gives one row of metrics an epoch, and the weights of the objectives' own heads, with which training can go on.

    A row has ``epoch``, ``loss`` (weighted sum), one ``<objective>_loss`` each; where there is enough to measure after
    the newest moment trained on, ``held_out_loss`` and ``held_out_<objective>_loss``; ``learning_rate`` at the end of
    the epoch, ``seconds``, ``sequences_per_second``, ``tokens_per_second``. With a held-out loss the weights where it
    was lowest are those left in the network.

    heads, before: those of an earlier training, and the fields it had, to begin with.
    checkpoints: a folder; a training killed goes on from there when started again with the same data and settings,
    and ends with the weights it would have had. Who calls removes them when what comes after is safe too.
    mlflow: log settings and rows to MLflow, to where MLFLOW_TRACKING_URI says.
    Call inside :func:`seeded` for the same weights from the same seed.

    Raises ValueError where no user has two events, DivergedError where the loss stops being finite,
    ModuleNotFoundError where mlflow is asked for and absent.
    """
    if mlflow and importlib.util.find_spec("mlflow") is None:
        raise ModuleNotFoundError("mlflow=True needs MLflow, which is not installed: pip install -e '.[mlflow]'")
    learning, measuring = training_and_validation(sequences, config)
    if not (learning.n_events > 1).any():
        raise ValueError("the encoder learns from users of two events or more, and there is none; take more days")
    # late, since loading transformers takes seconds
    from beha2vec_core.encoder import trainer as trainers

    network.to(device)
    objectives = trainers.WeightedObjectives(network, fields, config).to(device)
    if heads is not None and before is not None:
        carry_over(heads, objectives.losses, before, fields)
    plan = TrainingPlan(UserBatches(fields, learning, config, device), config.epochs)
    validation = UserBatches(fields, measuring, config, device) if measuring is not None else None
    optimizer = torch.optim.AdamW(
        objectives.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, warmup_then_cosine(len(plan), config.warmup))
    kept = None
    if checkpoints is not None:
        weights = objectives.state_dict()
        kept = Checkpoints(checkpoints, fingerprint(network.config, config, fields, sequences, weights, device))

    compiled = trainers.compiled(network, device, len(plan))
    with seeded(config.seed, device), trainers.process_settings_kept(), compiled:
        trainer = trainers.EncoderTrainer(
            objectives, plan, validation, config, device, (optimizer, schedule), kept, mlflow=mlflow
        )
        curve = trainer.learn(on_epoch)
    network.eval()
    return curve, objectives.losses.state_dict()


def warmup_then_cosine(steps: int, warmup: float) -> Callable[[int], float]:
    """Learning-rate factor by step: linear from 0 to 1, then half a cosine down to a twentieth."""
    rise = max(1, round(steps * warmup))

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        done = (step - rise) / max(1, steps - rise)
        return 0.05 + 0.95 * (1 + math.cos(math.pi * min(done, 1.0))) / 2

    return factor


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch and ask for deterministic algorithms.

    On leaving, the random states of torch, numpy and python and torch's settings are as before.
    """
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    filling = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    devices = range(torch.cuda.device_count()) if device.type == "cuda" else []
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=devices), warnings.catch_warnings():
        # outside the CPU some have no deterministic form, which torch tells at each
        warnings.filterwarnings("ignore", message=".*deterministic")
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a tenth of the time
        try:
            yield
        finally:
            torch.utils.deterministic.fill_uninitialized_memory = filling  # type: ignore[attr-defined]
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            random.setstate(python_state)
            np.random.set_state(numpy_state)
