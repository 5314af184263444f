"""The training loop: ``transformers.Trainer`` over planned batches, with the curve, checkpoints and early stopping."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.utils import logging as transformers_logging

from beha2vec_core.encoder.checkpoint import Checkpoints, read
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.curve import DivergedError, EpochMetrics, OnEpoch, RunningLosses
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.loader import TrainingPlan, UserBatches, training_loader
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives import OBJECTIVES
from beha2vec_core.encoder.objectives.batch import Batch, Step

COMPILED_FROM = 2000  # steps; compiling takes about a minute

logger = logging.getLogger(__name__)


class WeightedObjectives(nn.Module):
    """The network and its objectives as one module: a batch goes in, losses come out.

    weights: of each objective; those of weight 0 are left out.
    """

    def __init__(self, network: BehaviorNetwork, fields: Fields, config: TrainConfig) -> None:
        """Make the objectives; their own weights come from torch's current random state."""
        super().__init__()
        self.weights = {name: weight for name, weight in config.objectives.items() if weight > 0}
        self.network = network
        self.losses = nn.ModuleDict({name: OBJECTIVES[name](network, fields, config) for name in self.weights})

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of each objective that finds something in the batch."""
        step = Step(self.network, batch)
        losses = {name: objective(step) for name, objective in self.losses.items()}
        return {name: loss for name, loss in losses.items() if loss is not None}

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum; where no objective found anything, a zero that moves no weight."""
        if not losses:
            return torch.zeros((), device=next(self.parameters()).device, requires_grad=True)
        return torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()


class EncoderTrainer(Trainer):
    """Trains :class:`WeightedObjectives` on a :class:`TrainingPlan`; an epoch's end evaluates and adds a curve row.

    To the Trainer all epochs are one, since it takes every epoch to have the same number of steps. The curve is its
    ``state.log_history``. ``best`` are the weights at the lowest held-out loss, kept in memory: the Trainer's own
    ``load_best_model_at_end`` would need a checkpoint an evaluation.
    """

    def __init__(
        self,
        objectives: WeightedObjectives,
        plan: TrainingPlan,
        validation: UserBatches | None,
        config: TrainConfig,
        device: torch.device,
        optimizers: tuple[torch.optim.Optimizer, LambdaLR],
        checkpoints: Checkpoints | None,
        *,
        mlflow: bool,
    ) -> None:
        """Seeds python, numpy and torch."""
        self.objectives, self.plan, self.validation, self.config = objectives, plan, validation, config
        self.adamw, self.schedule = optimizers  # Accelerate wraps the Trainer's own reference to the optimizer
        self.checkpoints = checkpoints
        self.best: dict[str, Tensor] | None = None
        self.running = RunningLosses(objectives.weights)
        callbacks: list[TrainerCallback] = [EpochEnds(plan.ends, config.checkpoint_every)]
        if validation is not None and config.patience:
            callbacks.append(EarlyStoppingCallback(config.patience))
        if mlflow:
            callbacks.append(SettingsToMLflow(objectives.network.config, config))
        arguments = training_arguments(
            config,
            len(plan),
            device,
            validates=validation is not None,
            folder=checkpoints.folder if checkpoints else None,
            mlflow=mlflow,
        )
        super().__init__(objectives, arguments, eval_dataset=validation, callbacks=callbacks, optimizers=optimizers)
        self.remove_callback(PrinterCallback)  # it prints what it hears to stdout

    def learn(self, on_epoch: OnEpoch | None) -> list[EpochMetrics]:
        """Train, from the newest checkpoint if there is one; leave the best weights in the network, give the curve.

        Raises DivergedError where the loss or a weight stops being finite.
        """
        checkpoint = self.checkpoints.newest() if self.checkpoints else None
        if checkpoint:
            logger.info("training goes on from %s", checkpoint)
        with tqdm(desc="training", total=len(self.plan), unit="batch", disable=not self.config.progress) as bar:
            self.add_callback(Telling(bar, on_epoch))
            try:
                self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            except BaseException:
                # else MLflow would take the next training for more of this one
                self.callback_handler.on_train_end(self.args, self.state, self.control)
                raise
        if self.best is not None:
            self.objectives.load_state_dict(self.best)
        if not all(bool(torch.isfinite(weight).all()) for weight in self.objectives.parameters()):
            raise DivergedError("a weight", self.config.learning_rate)
        return self.curve

    @property
    def curve(self) -> list[EpochMetrics]:
        """The rows so far."""
        rows: list[EpochMetrics] = self.state.log_history
        return rows

    def get_train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """The planned batches."""
        return training_loader(self.plan)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """The weighted loss of a batch, which is counted for the curve."""
        losses = model(inputs["batch"])
        total = self.objectives.total(losses)
        if not torch.isfinite(total):
            raise DivergedError(f"the loss in step {self.state.global_step + 1}", self.config.learning_rate)
        self.running.add(losses, inputs["sequences"], inputs["tokens"])
        return total

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """End an epoch: add its row to the curve, tell the callbacks, and keep the weights if they are the best."""
        row: EpochMetrics = {"epoch": float(len(self.curve) + 1), **self.running.means()}
        speed = self.running.speed()
        if self.validation is not None:
            row |= {f"held_out_{name}": value for name, value in self._held_out_losses(self.validation).items()}
            if self.state.best_metric is None or row["held_out_loss"] < self.state.best_metric:
                self.best = {name: tensor.clone() for name, tensor in self.objectives.state_dict().items()}
        row |= {"learning_rate": float(self.schedule.get_last_lr()[0]), **speed}
        self.curve.append(row)
        self.control = self.callback_handler.on_log(self.args, self.state, self.control, dict(row))
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in row.items()}
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        self.running = RunningLosses(self.objectives.weights)
        return metrics

    @torch.no_grad()
    def _held_out_losses(self, validation: UserBatches) -> EpochMetrics:
        """Always of the same batches and cuts."""
        self.objectives.eval()
        running = RunningLosses(self.objectives.weights)
        for planned in validation.plan(epoch=0):
            loaded = validation.__getitems__(planned)
            running.add(self.objectives(loaded["batch"]), loaded["sequences"], loaded["tokens"])
        means = running.means()
        if not all(torch.isfinite(torch.tensor(list(means.values())))):
            raise DivergedError("the held-out loss", self.config.learning_rate)
        return means

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Leave out the Trainer's own sums; :meth:`evaluate` tells all there is."""

    # The Trainer's own checkpoints can run code when read (torch.save), and it has no public hook for their form; the
    # next four methods are where it writes and reads them.

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        if self.checkpoints is None or self.control.should_training_stop:  # the end needs none
            return
        optimizer = self.adamw.state_dict()
        tensors = {f"model.{name}": tensor for name, tensor in self.objectives.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in (self.best or {}).items()}
        for place, values in optimizer["state"].items():
            tensors |= {f"optimizer.{place}.{name}": value for name, value in values.items()}
        record = {
            "param_groups": optimizer["param_groups"],
            "scheduler": self.schedule.state_dict(),
            "running": self.running.to_json(),
        }
        stopping = [c for c in self.callback_handler.callbacks if isinstance(c, EarlyStoppingCallback)]
        state = asdict(self.state) | {"stateful_callbacks": {type(c).__name__: c.state() for c in stopping}}
        self.checkpoints.write(self.state.global_step, tensors | _random_states(self.args.device), record, state)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        tensors, record = read(Path(resume_from_checkpoint))
        self.objectives.load_state_dict(_under("model.", tensors))
        self.best = _under("best.", tensors) or None
        self.running.restore(record["running"], self.args.device)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        tensors, record = read(Path(checkpoint))
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _under("optimizer.", tensors).items():
            place, _, name = key.partition(".")
            state.setdefault(int(place), {})[name] = value
        self.adamw.load_state_dict({"state": state, "param_groups": record["param_groups"]})
        self.schedule.load_state_dict(record["scheduler"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        states = _under("random.", read(Path(checkpoint))[0])
        torch.set_rng_state(states["cpu"])
        if self.args.device.type != "cpu":
            torch.get_device_module(self.args.device).set_rng_state(states[self.args.device.type])


class EpochEnds(TrainerCallback):
    """Says when to evaluate (as each epoch ends) and when to write a checkpoint."""

    def __init__(self, ends: list[int], checkpoint_every: int) -> None:
        """Both in steps."""
        self.ends, self.checkpoint_every = frozenset(ends), checkpoint_every

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> TrainerControl:
        """Set what is due."""
        control.should_evaluate = state.global_step in self.ends
        control.should_save = state.global_step % self.checkpoint_every == 0
        return control


class Telling(TrainerCallback):
    """Moves the progress bar and hands each row of the curve on."""

    def __init__(self, bar: tqdm[Any], on_epoch: OnEpoch | None) -> None:
        """The bar counts steps."""
        self.bar, self.on_epoch = bar, on_epoch

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        """Begin the bar where a resumed training begins, so that its speed is right."""
        self.bar.initial = self.bar.n = state.global_step

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """One step on."""
        self.bar.update()

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """A row of the curve has come."""
        row: EpochMetrics = rest["logs"]
        self.bar.set_postfix({name: f"{row[name]:.3f}" for name in ("loss", "held_out_loss") if name in row})
        if self.on_epoch:
            self.on_epoch(dict(row))


class SettingsToMLflow(TrainerCallback):
    """Adds the encoder's own settings to the run, as ``encoder.<name>`` and ``training.<name>``."""

    def __init__(self, encoder: EncoderConfig, training: TrainConfig) -> None:
        """The Trainer's MLflow callback, which knows the Trainer's settings only, comes before and begins the run."""
        self.settings = {f"encoder.{name}": value for name, value in asdict(encoder).items()}
        self.settings |= {f"training.{name}": value for name, value in asdict(training).items()}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        """The run has begun."""
        import mlflow

        mlflow.log_params(self.settings)


def training_arguments(
    config: TrainConfig, steps: int, device: torch.device, *, validates: bool, folder: Path | None, mlflow: bool
) -> TrainingArguments:
    """The Trainer's settings; when to evaluate and to save is said by :class:`EpochEnds`."""
    arguments = TrainingArguments(
        output_dir=str(folder or "."),  # made if absent; without checkpoints nothing is written there
        max_steps=steps,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        max_grad_norm=config.clip,
        seed=config.seed,
        eval_strategy="steps" if validates else "no",
        eval_steps=steps,
        metric_for_best_model="held_out_loss" if validates else None,
        greater_is_better=False,
        save_strategy="no",
        restore_callback_states_from_checkpoint=True,
        logging_strategy="no",
        logging_nan_inf_filter=False,
        use_cpu=device.type == "cpu",
        bf16=device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False),
        disable_tqdm=True,
        log_level="error",
        report_to=["mlflow"] if mlflow else "none",
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # several GPUs would otherwise share each batch (DataParallel)
    return arguments


@contextmanager
def compiled(network: nn.Module, device: torch.device, steps: int) -> Iterator[None]:
    """The network compiled in place, where a GPU and a training long enough to win that back; as it was afterwards.

    Not by the Trainer's ``torch_compile``, which switches TF32 on for the whole process and compiles the objectives,
    whose shapes depend on what is in a batch.
    """
    capable = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (7, 0) and _finds_triton()
    if capable and steps >= COMPILED_FROM:
        network.compile(dynamic=True)
    try:
        yield
    finally:
        network._compiled_call_impl = None


@contextmanager
def process_settings_kept() -> Iterator[None]:
    """What Trainer and Accelerate set for the whole process is as before: the log level, and no Accelerate state."""
    verbosity = transformers_logging.get_verbosity()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        AcceleratorState._reset_state(reset_partial_state=True)


def _finds_triton() -> bool:
    """torch.compile needs Triton for a GPU, and Triton a C compiler."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    return importlib.util.find_spec("triton") is not None and compiler is not None


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those whose name begins so, by the rest of it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _random_states(device: torch.device) -> dict[str, Tensor]:
    """What dropout draws from; cuts have generators of their own."""
    states = {"random.cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states[f"random.{device.type}"] = torch.get_device_module(device).get_rng_state()
    return states
