"""Training as its users see it: what learns and what measures, when it ends, and that a killed one goes on unharmed."""

from __future__ import annotations

import io
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from beha2vec_core import BehaviorEncoder, TrainConfig
from beha2vec_core.encoder.batches import UserBatches
from beha2vec_core.encoder.curve import DivergedError, EpochMetrics
from beha2vec_core.encoder.device import seeded
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.train import train
from beha2vec_core.encoder.validation import held_out_users, training_and_validation
from beha2vec_core.events.sequences import Sequences, TextColumn, build_sequences
from tests.encoder.training_world import CONFIG, TRAIN, make_events

pytestmark = pytest.mark.xdist_group("encoder_training")  # so that shared fits run once

KILLED_IN = 4  # epoch
KILLED = replace(TRAIN, checkpoint_every=4, patience=3)  # which ends it in the epoch after


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return make_events()


@pytest.fixture(scope="module")
def undisturbed(events: pd.DataFrame) -> BehaviorEncoder:
    return BehaviorEncoder.fit(events, CONFIG, KILLED)


def losses(curve: list[EpochMetrics]) -> list[EpochMetrics]:
    """The rows without what the clock says."""
    clock = ("seconds", "sequences_per_second", "tokens_per_second")
    return [{name: value for name, value in row.items() if name not in clock} for row in curve]


def assert_same(one: BehaviorEncoder, other: BehaviorEncoder) -> None:
    assert losses(one.training_curve) == losses(other.training_curve)
    for (name, a), b in zip(one.network.state_dict().items(), other.network.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


KILL = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from beha2vec_core.encoder.encoder import BehaviorEncoder
from tests.encoder.training_world import CONFIG, TRAIN, make_events
from dataclasses import replace
def kill(row):
    if row["epoch"] == {KILLED_IN}:
        assert "transformers" not in sys.modules, "training needs seconds to load it and does without"
        os.kill(os.getpid(), signal.SIGKILL)
config = replace(TRAIN, checkpoint_every=4, patience=3)
BehaviorEncoder.fit(make_events(), CONFIG, config, kill, checkpoints=sys.argv[1])
"""


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of checkpoints of a fit that was killed."""
    folder = tmp_path_factory.mktemp("killed") / "checkpoints"
    done = subprocess.run([sys.executable, "-c", KILL, str(folder)], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return folder


@pytest.fixture
def checkpoints(left_behind: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(left_behind, tmp_path / "checkpoints"))


@pytest.mark.slow
def test_a_killed_fit_goes_on_and_ends_as_if_undisturbed(
    events: pd.DataFrame, undisturbed: BehaviorEncoder, checkpoints: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held_out = [row["held_out_loss"] for row in undisturbed.training_curve]
    assert len(held_out) == KILLED_IN + 1 and np.argmin(held_out) < KILLED_IN - 1, "the best lies before the kill"
    heard: list[EpochMetrics] = []
    with caplog.at_level(logging.INFO, "beha2vec_core"):
        encoder = BehaviorEncoder.fit(events, CONFIG, KILLED, heard.append, checkpoints=checkpoints)
    assert "resumes from" in caplog.text
    assert [row["epoch"] for row in heard] == [KILLED_IN, KILLED_IN + 1], "only what was missing"
    assert_same(encoder, undisturbed)
    assert not list(checkpoints.iterdir())


@pytest.mark.slow
def test_a_fit_that_stops_as_an_epoch_ends_measures_it_again_and_ends_as_if_undisturbed(
    events: pd.DataFrame, undisturbed: BehaviorEncoder, tmp_path: Path
) -> None:
    """The checkpoint of an epoch's last step comes before the epoch is measured."""

    def stop(row: EpochMetrics) -> None:
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    config = replace(KILLED, checkpoint_every=1)
    with pytest.raises(KeyboardInterrupt):
        BehaviorEncoder.fit(events, CONFIG, config, stop, checkpoints=tmp_path)
    heard: list[EpochMetrics] = []
    assert_same(BehaviorEncoder.fit(events, CONFIG, config, heard.append, checkpoints=tmp_path), undisturbed)
    assert [row["epoch"] for row in heard] == [2, 3, 4, 5]


def test_checkpoints_are_two_safe_to_read_and_lie_within_an_epoch(left_behind: Path, events: pd.DataFrame) -> None:
    steps = sorted(int(path.name.partition("-")[2]) for path in left_behind.iterdir())
    assert len(steps) == 2 and steps[1] - steps[0] == 4
    names = {path.name for folder in left_behind.iterdir() for path in folder.iterdir()}
    assert names == {"tensors.safetensors", "record.json"}


def test_a_half_written_checkpoint_is_never_used(
    events: pd.DataFrame, undisturbed: BehaviorEncoder, checkpoints: Path, caplog: pytest.LogCaptureFixture
) -> None:
    older, newer = sorted(checkpoints.iterdir(), key=lambda path: int(path.name.partition("-")[2]))
    tensors = newer / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-100])
    shutil.copytree(newer, checkpoints / ".checkpoint-99.building")
    with caplog.at_level(logging.INFO, "beha2vec_core"):
        encoder = BehaviorEncoder.fit(events, CONFIG, KILLED, checkpoints=checkpoints)
    assert f"resumes from {older}" in caplog.text
    assert_same(encoder, undisturbed)
    assert not list(checkpoints.iterdir())


def test_a_fit_that_dies_after_its_training_does_not_begin_anew(
    events: pd.DataFrame,
    undisturbed: BehaviorEncoder,
    checkpoints: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("beha2vec_core.encoder.encode.center_and_whiten", die)
        with pytest.raises(KeyboardInterrupt):
            BehaviorEncoder.fit(events, CONFIG, KILLED, checkpoints=checkpoints)
    heard: list[EpochMetrics] = []
    assert_same(BehaviorEncoder.fit(events, CONFIG, KILLED, heard.append, checkpoints=checkpoints), undisturbed)
    assert len(heard) < KILLED_IN
    assert not list(checkpoints.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("other", ["settings", "data"])
def test_a_checkpoint_of_another_training_is_ignored_and_removed(
    events: pd.DataFrame, checkpoints: Path, other: str
) -> None:
    config = replace(KILLED, epochs=2, seed=1) if other == "settings" else replace(KILLED, epochs=2)
    table = events if other == "settings" else events.iloc[:-1]
    heard: list[list[Path]] = []
    encoder = BehaviorEncoder.fit(
        table, CONFIG, config, lambda _: heard.append(list(checkpoints.iterdir())), checkpoints=checkpoints
    )
    assert len(heard) == 2 and not {path.name for path in heard[0]} & {f"checkpoint-{step}" for step in (20, 24)}
    assert_same(encoder, BehaviorEncoder.fit(table, CONFIG, config))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_and_frequency_of_checkpoints_do_not_make_another_training(
    events: pd.DataFrame, undisturbed: BehaviorEncoder, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    heard: list[EpochMetrics] = []
    config = replace(KILLED, checkpoint_every=1000, progress=True)
    assert_same(BehaviorEncoder.fit(events, CONFIG, config, heard.append, checkpoints=checkpoints), undisturbed)
    assert len(heard) == 2
    shown = terminal.getvalue()
    assert "training" in shown and "update/s" in shown and "held_out_loss" in shown


def test_training_is_silent_without_progress(events: pd.DataFrame, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, epochs=1, patience=1))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("patience", [1, 2])
def test_patience_ends_training_and_the_best_weights_come_back(
    events: pd.DataFrame, undisturbed: BehaviorEncoder, patience: int
) -> None:
    encoder = BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, patience=patience))
    held_out = [row["held_out_loss"] for row in encoder.training_curve]
    assert len(held_out) == np.argmin(held_out) + 1 + patience < TRAIN.epochs
    for a, b in zip(encoder.network.parameters(), undisturbed.network.parameters(), strict=True):
        assert torch.equal(a, b), "the best epoch is the same however long training went on"


def trained(sequences: Sequences, fields: Fields, config: TrainConfig) -> tuple[BehaviorNetwork, list[EpochMetrics]]:
    device = torch.device("cpu")
    with seeded(config.seed, device):
        network = BehaviorNetwork(CONFIG, fields)
        return network, train(network, fields, sequences, config, device)[0]


def with_pages_moved(sequences: Sequences, events: np.ndarray) -> Sequences:
    page = sequences.text["page"]
    codes = np.where(events, (page.codes * 5 + 3) % len(page.values), page.codes).astype(np.int32)
    return replace(sequences, text={**sequences.text, "page": TextColumn(codes, page.values)})


def test_held_out_users_neither_train_nor_decide_when_it_ends(events: pd.DataFrame) -> None:
    sequences = build_sequences(events)
    fields = Fields.fit(sequences, CONFIG)
    held_out = np.repeat(held_out_users(sequences, 0.2), sequences.n_events)
    assert held_out.any()
    config = replace(TRAIN, held_out=0.2, epochs=2)
    one, two = (trained(s, fields, config) for s in (sequences, with_pages_moved(sequences, held_out)))
    assert losses(one[1]) == losses(two[1])
    assert all(torch.equal(a, b) for a, b in zip(one[0].parameters(), two[0].parameters(), strict=True))


def test_the_newest_events_measure_and_do_not_train(events: pd.DataFrame) -> None:
    sequences = build_sequences(events)
    fields = Fields.fit(sequences, CONFIG)
    newest = sequences.event_timestamp >= np.quantile(sequences.event_timestamp, 0.7, method="higher")
    config = replace(TRAIN, held_out=0.0, epochs=2)
    one, two = (trained(s, fields, config)[1] for s in (sequences, with_pages_moved(sequences, newest)))
    assert [row["loss"] for row in one] == [row["loss"] for row in two]
    assert one[0]["held_out_loss"] != two[0]["held_out_loss"]
    everything = trained(sequences, fields, replace(config, held_out_time=0.0))[1]
    assert everything[0]["loss"] != one[0]["loss"] and not any(name.startswith("held_out") for name in everything[0])


def test_too_few_new_users_measure_nothing_and_everything_trains(events: pd.DataFrame) -> None:
    few, none = (BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, epochs=2, held_out_time=s)) for s in (0.02, 0.0))
    assert_same(few, none)
    assert "held_out_loss" not in few.training_curve[0]


def test_newest_events_that_end_before_the_horizon_do_not_measure_the_future(events: pd.DataFrame) -> None:
    config = replace(TRAIN, objectives={"future": 1.0}, held_out=0.0)
    sequences = build_sequences(events)
    newest = sequences.event_timestamp.max() - np.quantile(sequences.event_timestamp, 0.7)
    for share in (0.5, 1.5):
        horizon = share * float(newest) / 86_400e6
        _, measuring = training_and_validation(sequences, replace(config, horizon_days=horizon))
        assert (measuring is None) == (share > 1)
        both = replace(config, objectives={"future": 1.0, "content": 1.0}, horizon_days=horizon)
        assert training_and_validation(sequences, both)[1] is not None


def test_the_learning_rate_falls_to_its_floor(events: pd.DataFrame) -> None:
    curve = BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, epochs=3)).training_curve
    rates = [row["learning_rate"] for row in curve]
    assert rates == sorted(rates, reverse=True) and rates[-1] == pytest.approx(0.05 * TRAIN.learning_rate)


def test_of_many_users_each_epoch_takes_others_and_updates_are_limited(events: pd.DataFrame, tmp_path: Path) -> None:
    sequences = build_sequences(events)
    config = replace(TRAIN, epochs=3, max_updates=7, checkpoint_every=1)
    batches = UserBatches(Fields.fit(sequences, CONFIG), sequences, config, torch.device("cpu"))
    drawn = [np.concatenate(batches.plan(epoch)).tolist() for epoch in (1, 2, 3)]
    assert all(len(set(users)) == len(users) <= 2 * config.batch_users < len(sequences) for users in drawn)
    assert len({tuple(sorted(users)) for users in drawn}) == 3

    def stop(row: EpochMetrics) -> None:
        assert (tmp_path / f"checkpoint-{2 * int(row['epoch'])}").exists()
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    undisturbed = BehaviorEncoder.fit(events, CONFIG, config)
    assert undisturbed.training_curve[-1]["learning_rate"] == pytest.approx(0.05 * TRAIN.learning_rate)
    with pytest.raises(KeyboardInterrupt):
        BehaviorEncoder.fit(events, CONFIG, config, stop, checkpoints=tmp_path)
    assert_same(BehaviorEncoder.fit(events, CONFIG, config, checkpoints=tmp_path), undisturbed)


def test_a_time_limit_ends_training_with_the_learning_rate_at_its_floor(events: pd.DataFrame) -> None:
    config = replace(TRAIN, epochs=1_000, max_minutes=0.005)
    started = time.perf_counter()
    curve = BehaviorEncoder.fit(events, CONFIG, config).training_curve
    assert time.perf_counter() - started >= 0.3 and len(curve) < config.epochs
    assert curve[-1]["learning_rate"] == pytest.approx(0.05 * TRAIN.learning_rate)


def test_the_time_limit_counts_what_ran_before_a_stop(events: pd.DataFrame, tmp_path: Path) -> None:
    def stop(row: EpochMetrics) -> None:
        raise KeyboardInterrupt

    config = replace(TRAIN, epochs=1_000, max_minutes=0.02, checkpoint_every=1)
    with pytest.raises(KeyboardInterrupt):
        BehaviorEncoder.fit(events, CONFIG, config, stop, checkpoints=tmp_path)
    record = max(tmp_path.glob("*/record.json"), key=lambda path: int(path.parent.name.partition("-")[2]))
    record.write_text(json.dumps(json.loads(record.read_text()) | {"minutes": 0.02}))
    curve = BehaviorEncoder.fit(events, CONFIG, config, checkpoints=tmp_path).training_curve
    assert len(curve) <= 2


def test_a_warm_start_takes_a_third() -> None:
    gently = replace(TrainConfig(), max_minutes=3.0).gently()
    assert (gently.epochs, gently.max_updates, gently.max_minutes) == (8, 2_666, 1.0)


def test_weight_decay_shrinks_matrices_and_leaves_norms_biases_and_scalars(events: pd.DataFrame) -> None:
    sequences = build_sequences(events)
    fields = Fields.fit(sequences, CONFIG)
    network, _ = trained(sequences, fields, replace(TRAIN, epochs=1, learning_rate=1e-6, weight_decay=2e5))
    with seeded(TRAIN.seed, torch.device("cpu")):
        untrained = BehaviorNetwork(CONFIG, fields)
    assert {weight.ndim for weight in network.parameters()} == {1, 2}
    for (name, after), before in zip(network.named_parameters(), untrained.parameters(), strict=True):
        if before.ndim == 1:
            torch.testing.assert_close(after, before, rtol=0, atol=1e-4, msg=name)
        else:
            assert after.norm() < 0.5 * before.norm() or not before.any(), name


def test_batches_that_hold_nothing_for_any_objective_move_nothing(events: pd.DataFrame) -> None:
    sequences = build_sequences(events)
    fields = Fields.fit(sequences, CONFIG)
    config = replace(TRAIN, objectives={"triplet": 1.0}, batch_users=1, epochs=1)  # no other user to be told from
    network, curve = trained(sequences, fields, config)
    with seeded(config.seed, torch.device("cpu")):
        untrained = BehaviorNetwork(CONFIG, fields)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), untrained.parameters(), strict=True))
    assert [row["loss"] for row in curve] == [0.0]


@pytest.mark.parametrize("held_out_time", [0.0, 0.3])
def test_a_loss_that_is_not_finite_is_an_error_that_names_the_remedy(
    events: pd.DataFrame, held_out_time: float
) -> None:
    config = replace(TRAIN, epochs=2, learning_rate=1e30, held_out_time=held_out_time)
    with pytest.raises(DivergedError, match="lower learning_rate"):
        BehaviorEncoder.fit(events, CONFIG, config)


def test_random_states_and_settings_outside_stay(events: pd.DataFrame) -> None:
    def outside() -> list[object]:
        state = np.random.get_state()
        return [random.getstate(), state[1].tolist(), state[2], torch.get_rng_state().tolist(),  # type: ignore[index]
                torch.are_deterministic_algorithms_enabled(),
                dict(os.environ), Path.cwd(), sorted(Path.cwd().iterdir())]  # fmt: skip

    random.seed(1), np.random.seed(2), torch.manual_seed(3)
    before = outside()
    BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, epochs=1))
    assert outside() == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_cpu_and_gpu_take_turns_in_one_process(events: pd.DataFrame, undisturbed: BehaviorEncoder) -> None:
    on_gpu = BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, device="cuda"))
    assert on_gpu.device.type == "cuda" and {weight.dtype for weight in on_gpu.network.parameters()} == {torch.float32}
    assert on_gpu.training_curve[0]["loss"] == pytest.approx(undisturbed.training_curve[0]["loss"], rel=0.1)
    assert_same(BehaviorEncoder.fit(events, CONFIG, KILLED), undisturbed)


@pytest.mark.slow
def test_mlflow_gets_every_row(events: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database takes it five seconds to make
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    mlflow = pytest.importorskip("mlflow")
    encoder = BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, epochs=3), mlflow=True)
    with pytest.raises(DivergedError):
        BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, epochs=3, learning_rate=1e30), mlflow=True)
    client = mlflow.MlflowClient()
    failed, run = client.search_runs(["0"])
    assert mlflow.active_run() is None and failed.info.run_id != run.info.run_id
    assert float(run.data.params["training.learning_rate"]) == TRAIN.learning_rate
    assert run.data.params["encoder.dim"] == str(CONFIG.dim) and run.data.params["training.clip"] == str(TRAIN.clip)
    assert (failed.info.status, run.info.status) == ("FAILED", "FINISHED")
    for name in encoder.training_curve[0]:
        history = client.get_metric_history(run.info.run_id, name)
        assert [metric.value for metric in history] == [row[name] for row in encoder.training_curve], name


def test_mlflow_that_is_absent_is_reported(events: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'beha2vec\[mlflow\]'"):
        BehaviorEncoder.fit(events, CONFIG, TRAIN, mlflow=True)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("held_out_time", 1.0),
        ("max_updates", 5),
        ("max_minutes", -1),
        ("patience", -1),
        ("checkpoint_every", 0),
        ("seed", -1),
        ("seed", 2**32),
    ],
)
def test_settings_that_cannot_train_are_refused(setting: str, value: float) -> None:
    with pytest.raises(ValueError, match=setting):
        replace(TRAIN, **{setting: value})
