"""Training: the loop, its schedule, and which weights decay."""

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from beha2vec_core.compute import OnEpoch
from beha2vec_core.compute.workers import Workers
from beha2vec_core.encoder.batches import UserBatches
from beha2vec_core.encoder.checkpoint import Checkpoints, Progress, fingerprint
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.curve import DivergedError, EpochMetrics, RunningLosses, best_row
from beha2vec_core.encoder.device import compiled, seeded
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives import WeightedObjectives
from beha2vec_core.encoder.optimizer import SparseAdamW, clip_gradients
from beha2vec_core.encoder.tracking import mlflow_run
from beha2vec_core.encoder.validation import training_and_validation
from beha2vec_core.encoder.warm_start import carry_over
from beha2vec_core.events.sequences import Sequences
from beha2vec_core.progress import ProgressBar


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

    Returns the curve, one row of metrics an epoch, and the weights of the objectives' own heads, with which training
    can go on.

    A row has ``epoch``, ``loss`` (weighted sum), one ``<objective>_loss`` each; where there is enough to measure after
    the newest moment trained on, ``held_out_loss`` and ``held_out_<objective>_loss``; ``learning_rate`` at the end of
    the epoch, ``seconds``, ``sequences_per_second``, ``tokens_per_second``. With a held-out loss the weights where it
    was lowest are those left in the network, and training ends after ``config.patience`` epochs without a lower one.
    With many users an epoch is a random part of them, so that all epochs have at most ``config.max_updates`` batches.

    heads, before: those of an earlier training, and the fields it had, to begin with.
    checkpoints: a folder. A training that was killed goes on from there when started again with the same data and
    settings, and ends with the weights it would have had. The caller removes them when what comes after is safe too.
    mlflow: log settings and rows to MLflow, to where MLFLOW_TRACKING_URI says.
    Several processes train together where they have joined a group, see :mod:`beha2vec_core.compute.workers`.
    Call inside :func:`seeded` for the same weights from the same seed.

    Raises ValueError where no user has two events, DivergedError where the loss or a weight stops being finite,
    ModuleNotFoundError where mlflow is asked for and absent.
    """
    learning, measuring = training_and_validation(sequences, config)
    if not (learning.n_events > 1).any():
        raise ValueError("the encoder learns from users of two events or more, and there is none; take more days")
    batches = UserBatches(fields, learning, config, device)
    validation = UserBatches(fields, measuring, config, device, batches.samplers) if measuring is not None else None
    # after how many steps each epoch begins; the last number is that of all steps
    begins = [0, *np.cumsum([len(batches.plan(epoch)) for epoch in range(1, config.epochs + 1)]).tolist()]
    steps = begins[-1]

    def done(at: Progress) -> float:
        """Progress in steps: updates, or the share of the time limit if that is larger."""
        return max(at.step, steps * workers.from_first(at.minutes) / config.max_minutes if config.max_minutes else 0)

    workers = Workers(device)
    shown = config.progress and workers.is_first
    network.to(device)
    large = fields.larger_than(config.full_softmax)
    network.sparse_gradients(large)
    objectives = WeightedObjectives(network, fields, config).to(device)
    if heads is not None and before is not None:
        carry_over(heads, objectives.losses, before, fields)
    groups = parameter_groups(objectives, config.weight_decay)
    optimizer = SparseAdamW(groups, lr=config.learning_rate, fused=True)
    factor = warmup_then_cosine(steps, config.warmup)
    if workers.size > 1:
        objectives.load_state_dict(workers.from_first(objectives.state_dict()))
    at = Progress(objectives, optimizer, RunningLosses(objectives.weights))
    saved = None
    if checkpoints is not None:
        weights = objectives.state_dict()
        saved = Checkpoints(checkpoints, fingerprint(network.config, config, fields, sequences, weights, device))

    with (
        seeded(config.seed, device),
        compiled(network, device, 0 if large else steps),  # compiled gradients cannot be sparse
        mlflow_run(mlflow and workers.is_first, network.config, config) as log,
        closing(ProgressBar(title="training", total=steps, unit="update", shown=shown)) as bar,
    ):
        if saved and saved.restore(at, workers):
            bar.begin_at(at.step)
        for epoch in range(len(at.curve) + 1, config.epochs + 1):
            objectives.train()
            for batch, lengths in batches.shares(epoch, workers, skip=at.step - begins[epoch - 1]):
                for group in optimizer.param_groups:
                    group["lr"] = config.learning_rate * factor(done(at))
                losses = objectives(batch) if batch else {}
                loss = objectives.total(losses)
                if not workers.every(bool(loss.isfinite())):
                    raise DivergedError(f"the loss in step {at.step + 1}", config.learning_rate)
                loss.backward()  # type: ignore[no-untyped-call]
                workers.average(objectives.parameters())
                clip_gradients(objectives.parameters(), config.clip)
                optimizer.step()
                optimizer.zero_grad()
                at.running.add(losses, lengths)
                at.step += 1
                bar.update()
                if saved and at.step % config.checkpoint_every == 0:
                    whole = replace(at, running=at.running.of_all(workers))
                    if workers.is_first:
                        saved.write(whole)
                if done(at) >= steps:
                    break

            running = at.running.of_all(workers)
            row = {"epoch": float(epoch), **running.means()}
            speed = running.speed()
            if validation:
                row |= held_out_losses(objectives, validation, config, workers)
            row |= {"learning_rate": config.learning_rate * factor(done(at)), **speed}
            row = workers.from_first(row)
            at.curve.append(row)
            best = best_row(at.curve)
            if validation and best is row:
                at.best = {name: tensor.clone() for name, tensor in objectives.state_dict().items()}
            log(row, step=at.step)
            bar.note({name: f"{row[name]:.3f}" for name in ("loss", "held_out_loss") if name in row})
            if on_epoch and workers.is_first:
                on_epoch(dict(row))
            if done(at) >= steps or (config.patience and epoch - best["epoch"] >= config.patience):
                break
            at.running = RunningLosses(objectives.weights)

    if at.best is not None:
        objectives.load_state_dict(at.best)
    if not all(bool(weight.isfinite().all()) for weight in objectives.parameters()):
        raise DivergedError("a weight", config.learning_rate)
    network.sparse_gradients(())
    network.eval()
    return at.curve, objectives.losses.state_dict()


@torch.no_grad()
def held_out_losses(
    objectives: WeightedObjectives, validation: UserBatches, config: TrainConfig, workers: Workers
) -> EpochMetrics:
    """``held_out_loss`` and ``held_out_<objective>_loss``, of the same batches and cuts at every call.

    Each worker measures some of the batches.

    Raises DivergedError where one is not finite.
    """
    objectives.eval()
    running = RunningLosses(objectives.weights)
    for batch, lengths in validation.of_epoch(0, skip=workers.rank, every=workers.size):
        running.add(objectives(batch), lengths)
    means = running.of_all(workers).means()
    if not all(map(math.isfinite, means.values())):
        raise DivergedError("the held-out loss", config.learning_rate)
    return {f"held_out_{name}": value for name, value in means.items()}


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups for an optimizer: matrices and embeddings decay; norms, biases and scalars do not.

    Decay pulls a weight towards 0. That keeps matrices small, but 0 is no natural value for the scale of a norm or for
    a bias.
    """
    weights = list(module.parameters())
    return [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]


def warmup_then_cosine(steps: int, warmup: float) -> Callable[[float], float]:
    """Learning-rate factor by step: linear from 0 to 1, then half a cosine down to a twentieth."""
    rise = max(1, round(steps * warmup))

    def factor(step: float) -> float:
        if step < rise:
            return (step + 1) / rise
        done = (step - rise) / max(1, steps - rise)
        return 0.05 + 0.95 * (1 + math.cos(math.pi * min(done, 1.0))) / 2

    return factor
