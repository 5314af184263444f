"""The training loop: batches of users of like length, two random cuts each, AdamW; and the curve it leaves."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from tqdm import tqdm

from beha2vec_core.encoder.batches import TrainingSet, make_batch, plan_batches
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.features import Fields, IntArray
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives import OBJECTIVES
from beha2vec_core.encoder.objectives.batch import Step
from beha2vec_core.encoder.vocabulary import stable_hash
from beha2vec_core.sequences import Sequences

EpochMetrics = dict[str, float]
OnEpoch = Callable[[EpochMetrics], None]


def train(
    network: BehaviorNetwork,
    fields: Fields,
    sequences: Sequences,
    config: TrainConfig,
    device: torch.device,
    on_epoch: OnEpoch | None = None,
) -> list[EpochMetrics]:
    """Train the network in place on the users of two events or more; give one row of metrics an epoch.

    A row has ``epoch``, ``loss`` (weighted sum), one ``<objective>_loss`` each, ``held_out_loss`` and
    ``held_out_<objective>_loss`` where users are held out, ``seconds``, ``sequences_per_second``.
    Call inside :func:`seeded` for the same weights from the same seed.
    """
    network.to(device)
    losses = nn.ModuleDict(
        {name: OBJECTIVES[name](network, fields, config) for name, weight in config.objectives.items() if weight > 0}
    ).to(device)
    data = TrainingSet.of(fields, sequences)
    held_out, telling = held_out_users(sequences, config.held_out), sequences.n_events > 1
    learn, judge = np.flatnonzero(~held_out & telling), np.flatnonzero(held_out & telling)
    if not len(learn):
        raise ValueError("the encoder learns from users of two events or more, and there is none; take more days")

    rng = np.random.default_rng(config.seed)
    plans = [plan_batches(data.tokens.lengths, learn, config, rng) for _ in range(config.epochs)]
    weights = {id(p): p for module in (network, losses) for p in module.parameters()}
    optimizer = torch.optim.AdamW(weights.values(), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, warmup_then_cosine(sum(map(len, plans)), config.warmup))

    curve: list[EpochMetrics] = []
    with tqdm(total=sum(map(len, plans)), desc="training", unit="batch", disable=not config.progress) as bar:
        for epoch, plan in enumerate(plans, start=1):
            started = time.perf_counter()
            network.train()
            totals = _Totals(config.objectives)
            for users in plan:
                step = Step(network, make_batch(data, users, config, rng, device))
                loss = totals.add(losses, step, len(users))
                if loss is not None:
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()  # type: ignore[no-untyped-call]
                    nn.utils.clip_grad_norm_(weights.values(), config.clip)
                    optimizer.step()
                schedule.step()
                bar.update()
            seconds = time.perf_counter() - started
            row: EpochMetrics = {"epoch": epoch, **totals.means()}
            if len(judge):
                held = _held_out_losses(network, losses, data, judge, config, device)
                row |= {f"held_out_{name}": value for name, value in held.items()}
            row |= {"seconds": seconds, "sequences_per_second": len(learn) / seconds}
            curve.append(row)
            bar.set_postfix({name: f"{row[name]:.3f}" for name in ("loss", "held_out_loss") if name in row})
            if on_epoch:
                on_epoch(row)
    network.eval()
    return curve


def held_out_users(sequences: Sequences, share: float) -> npt.NDArray[np.bool_]:
    """Which users only measure the loss: by a stable hash of user_key, so the same ones every time."""
    return np.array([is_held_out(key, share) for key in sequences.user_key], dtype=bool)


def is_held_out(user_key: str, share: float) -> bool:
    """Whether a user belongs to the share that no encoder learns from, whatever the data it is trained on."""
    return stable_hash("held out|" + user_key) % 10_000 < share * 10_000


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
    """Seed torch and ask for deterministic algorithms; on leaving, torch's random state and settings are as before."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    filling = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    devices = [torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a tenth of the time
        try:
            yield
        finally:
            torch.utils.deterministic.fill_uninitialized_memory = filling  # type: ignore[attr-defined]
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)


class _Totals:
    """Running means of each loss over the users of an epoch."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = weights
        self.sums: defaultdict[str, Tensor | float] = defaultdict(float)
        self.counts: defaultdict[str, int] = defaultdict(int)

    def add(self, losses: nn.ModuleDict, step: Step, users: int) -> Tensor | None:
        """Compute the losses of a step, remember them, give their weighted sum."""
        total: Tensor | None = None
        for name, objective in losses.items():
            loss = objective(step)
            if loss is None:
                continue
            self.sums[name] += loss.detach() * users
            self.counts[name] += users
            total = self.weights[name] * loss if total is None else total + self.weights[name] * loss
        return total

    def means(self) -> EpochMetrics:
        """``loss`` and one ``<objective>_loss`` each."""
        means = {name: float(self.sums[name]) / self.counts[name] for name in self.counts}
        total = sum(self.weights[name] * mean for name, mean in means.items())
        return {"loss": total} | {f"{name}_loss": mean for name, mean in means.items()}


@torch.no_grad()
def _held_out_losses(
    network: BehaviorNetwork,
    losses: nn.ModuleDict,
    data: TrainingSet,
    users: IntArray,
    config: TrainConfig,
    device: torch.device,
) -> EpochMetrics:
    """The losses of the held-out users, on the same batches and cuts every time."""
    rng = np.random.default_rng(config.seed + 1)
    network.eval()
    totals = _Totals(config.objectives)
    for batch in plan_batches(data.tokens.lengths, users, config, rng):
        totals.add(losses, Step(network, make_batch(data, batch, config, rng, device)), len(batch))
    return totals.means()
