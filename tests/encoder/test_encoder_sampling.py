"""The sampled softmax beside the softmax itself, and AdamW that updates rows only where they have a gradient."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from beha2vec_core import BehaviorEncoder
from beha2vec_core.encoder.batches import TrainingSet, UserBatches, make_batch
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.curve import EpochMetrics
from beha2vec_core.encoder.device import seeded
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives import WeightedObjectives
from beha2vec_core.encoder.optimizer import SparseAdamW, clip_gradients
from beha2vec_core.encoder.sampling import Sampler, log_probabilities, log_probability
from beha2vec_core.encoder.train import train
from beha2vec_core.encoder.vocabulary import FIRST_BUCKET
from beha2vec_core.events.sequences import build_sequences
from tests.encoder.encoder_world import CPU
from tests.encoder.training_world import CONFIG, TRAIN, make_events

VALUES, ROWS, DIM = 60, 5, 4
SAMPLED = replace(TRAIN, full_softmax=1, softmax_sample=8)


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return make_events()


@pytest.fixture(scope="module")
def layer() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return tuple(torch.randn(*size, generator=random) / 2 for size in ((ROWS, DIM), (VALUES, DIM), (VALUES,)))  # type: ignore[return-value]


def one_value(layer: tuple[torch.Tensor, ...], draws: int, seed: int) -> torch.Tensor:
    vectors, weight, bias = layer
    ids = np.array([3, 7, 7, 50, 59], dtype=np.int32)
    sampler = Sampler(0, np.arange(VALUES)[::-1].copy(), draws)
    candidates = sampler.draw(ids, np.random.default_rng(seed), CPU)
    chosen = weight[candidates.ids], bias[candidates.ids]
    return log_probability(vectors, *chosen, candidates, torch.from_numpy(ids).long())


def several_values(layer: tuple[torch.Tensor, ...], draws: int, seed: int) -> torch.Tensor:
    vectors, weight, bias = layer
    row, ids = torch.tensor([0, 0, 0, 2, 4]), torch.tensor([3, 7, 7, 50, 59])
    sampler = Sampler(0, np.arange(VALUES)[::-1].copy(), draws)
    candidates = sampler.draw(ids.numpy().astype(np.int32), np.random.default_rng(seed), CPU)
    logits = vectors @ weight[candidates.ids].T + bias[candidates.ids]
    return log_probabilities(logits, candidates, row, ids)


def exact(layer: tuple[torch.Tensor, ...], row: list[int]) -> torch.Tensor:
    vectors, weight, bias = layer
    logits = vectors @ weight.T + bias
    logits[:, :FIRST_BUCKET] = float("-inf")  # padding and null are never drawn
    return logits.log_softmax(-1)[row, [3, 7, 7, 50, 59]]


@pytest.mark.parametrize(("estimate", "row"), [(one_value, [0, 1, 2, 3, 4]), (several_values, [0, 0, 0, 2, 4])])
def test_a_sample_of_all_values_gives_the_softmax_and_a_smaller_one_its_sum_on_average(
    layer: tuple[torch.Tensor, ...], estimate: object, row: list[int]
) -> None:
    truth = exact(layer, row)
    torch.testing.assert_close(estimate(layer, 100_000, 0), truth)  # type: ignore[operator]
    inverse = torch.stack([(-estimate(layer, 12, seed)).exp() for seed in range(2_000)])  # type: ignore[operator]
    assert inverse.std(0).min() > 0
    torch.testing.assert_close(inverse.mean(0), (-truth).exp(), rtol=0.1, atol=0)


def test_frequent_values_are_drawn_more_often_and_padding_never() -> None:
    sampler = Sampler(0, np.array([9, 9, 0, 9, 90]), 1)
    drawn = [int(sampler.draw(np.zeros(0, np.int32), np.random.default_rng(s), CPU).ids[0]) for s in range(2_000)]
    share = np.bincount(drawn, minlength=5) / len(drawn)
    np.testing.assert_allclose(share, np.array([0, 0, 1, 10, 91]) / 102, atol=0.03)


def test_a_row_that_comes_again_is_where_adamw_without_momentum_has_it() -> None:
    """The dense AdamW sees a gradient of zero where the sparse one sees none."""
    torch.manual_seed(0)
    start = torch.randn(6, 3)
    sparse, dense = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    settings = {"lr": 0.1, "weight_decay": 0.2, "eps": 1e-8}
    lazy = SparseAdamW([sparse], betas=(0.9, 0.99), **settings)  # type: ignore[arg-type]
    every = torch.optim.AdamW([dense], betas=(0.0, 0.99), **settings)  # type: ignore[arg-type]
    for rows in ([0, 1, 1], [2], [0, 2], [4], [0, 1]):
        values = torch.randn(len(rows), 3)
        gradient = torch.sparse_coo_tensor(torch.tensor([rows]), values, (6, 3))
        sparse.grad, dense.grad = gradient, gradient.to_dense()
        before = sparse.detach().clone()
        lazy.step()
        every.step()
        others = [row for row in range(6) if row not in rows]
        assert torch.equal(sparse[others], before[others])
        torch.testing.assert_close(sparse[rows], dense[rows])


def test_sparse_gradients_are_clipped_like_dense_ones() -> None:
    sparse, other = nn.Parameter(torch.zeros(4, 2)), nn.Parameter(torch.zeros(3))
    gradient = torch.sparse_coo_tensor(torch.tensor([[1, 1, 3]]), torch.randn(3, 2), (4, 2))
    dense = nn.Parameter(torch.zeros(4, 2))
    for norm in (0.5, 100.0):
        sparse.grad, dense.grad, other.grad = gradient.clone(), gradient.to_dense(), torch.ones(3)
        clip_gradients([sparse, other], norm)
        clipped = sparse.grad.to_dense(), other.grad.clone()
        other.grad = torch.ones(3)
        nn.utils.clip_grad_norm_([dense, other], norm)
        torch.testing.assert_close(clipped, (dense.grad, other.grad))


def test_a_sample_of_all_values_gives_the_losses_and_gradients_of_the_softmax(events: pd.DataFrame) -> None:
    sequences = build_sequences(events)
    config = replace(CONFIG, dropout=0.0, unknown_rate=0.0)
    fields = Fields.fit(sequences, config)
    losses, gradients = [], []
    for train_config in (
        TRAIN,
        replace(SAMPLED, softmax_sample=100_000),
    ):
        with seeded(0, CPU):
            network = BehaviorNetwork(config, fields)
            network.sparse_gradients(fields.larger_than(train_config.full_softmax))
            module = WeightedObjectives(network, fields, train_config)
            for head in module.losses["content"].heads.values():
                # the softmax itself counts padding and null, a sample does not
                nn.init.constant_(head.bias[:FIRST_BUCKET], -100.0)
            batches = UserBatches(fields, sequences, train_config, CPU)
            batch, _ = next(batches.of_epoch(1))
            assert bool(batch.candidates) == (train_config.full_softmax == 1)
            found = module(batch)
            module.total(found).backward()
        losses.append(found)
        gradients.append({name: w.grad.to_dense() for name, w in module.named_parameters() if w.grad is not None})
    torch.testing.assert_close(losses[1], losses[0])
    for name, gradient in gradients[1].items():
        torch.testing.assert_close(gradient, gradients[0][name], msg=name, rtol=1e-3, atol=1e-5)


def test_a_step_changes_no_row_of_a_value_outside_the_batch_and_its_sample(events: pd.DataFrame) -> None:
    sequences = build_sequences(events)
    fields = Fields.fit(sequences, CONFIG)
    batches = UserBatches(fields, sequences, replace(SAMPLED, softmax_sample=2), CPU)
    data = TrainingSet.of(fields, sequences)
    with seeded(0, CPU):
        network = BehaviorNetwork(CONFIG, fields)
        network.sparse_gradients(fields.larger_than(1))
        module = WeightedObjectives(network, fields, SAMPLED)
        batch = make_batch(data, np.arange(2), SAMPLED, np.random.default_rng(0), CPU, batches.samplers)
        module.total(module(batch)).backward()
    reached = set(batch.candidates["page"].ids.tolist())
    reached |= set(network.page_bucket[list(reached)].tolist())  # shown as unknown
    assert len(reached) < fields.sizes["page"] / 2
    of_pages = (network.embed.tables["of_page"].weight, network.next_page_bias, network.salience.weight)
    for weight in (*of_pages, module.losses["content"].heads["of_page"].weight):  # type: ignore[index, union-attr, operator]
        assert weight.grad.is_sparse and set(weight.grad.coalesce().indices()[0].tolist()) <= reached | {0}


def stopped_and_resumed(events: pd.DataFrame, config: TrainConfig, folder: Path, epoch: int) -> BehaviorEncoder:
    def stop(row: EpochMetrics) -> None:
        if row["epoch"] == epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        BehaviorEncoder.fit(events, CONFIG, config, stop, checkpoints=folder)
    assert list(folder.iterdir())
    return BehaviorEncoder.fit(events, CONFIG, config, checkpoints=folder)


@pytest.mark.slow
def test_sampled_training_is_the_same_every_time_after_a_stop_too(events: pd.DataFrame, tmp_path: Path) -> None:
    config = replace(SAMPLED, epochs=3, checkpoint_every=3)
    first = BehaviorEncoder.fit(events, CONFIG, config)
    for other in (BehaviorEncoder.fit(events, CONFIG, config), stopped_and_resumed(events, config, tmp_path, 2)):
        assert other.model_version == first.model_version
    assert first.model_version != BehaviorEncoder.fit(events, CONFIG, replace(config, seed=1)).model_version


@pytest.mark.slow
def test_sampled_training_learns_what_full_training_learns(events: pd.DataFrame) -> None:
    sequences = build_sequences(events)
    fields = Fields.fit(sequences, CONFIG)
    losses = {}
    for config in (replace(TRAIN, epochs=1, learning_rate=1e-12), TRAIN, SAMPLED):
        with seeded(0, CPU):
            network = BehaviorNetwork(CONFIG, fields)
            train(network, fields, sequences, replace(config, held_out=0.0, held_out_time=0.0), CPU)
            assert not network.salience.sparse
            module = WeightedObjectives(network, fields, replace(TRAIN, objectives={"next_event": 1.0})).eval()
            batch, _ = next(UserBatches(fields, sequences, TRAIN, CPU).of_epoch(0))
            losses[config.learning_rate, config.full_softmax] = float(module(batch)["next_event"])
    untrained, full, sampled = losses.values()
    assert abs(sampled - full) < 0.1 * (untrained - full)


def test_masked_events_are_told_by_a_sample_too(events: pd.DataFrame) -> None:
    config = replace(SAMPLED, objectives={"masked": 1.0}, held_out_time=0.0)
    curve = BehaviorEncoder.fit(events, CONFIG, config).training_curve
    assert curve[-1]["loss"] < 0.95 * curve[0]["loss"]


def test_a_warm_start_goes_on_with_new_pages(events: pd.DataFrame) -> None:
    encoder = BehaviorEncoder.fit(events, CONFIG, replace(SAMPLED, epochs=1))
    more = pd.concat([events, events.assign(page=events["page"] + "/new", user_key=events["user_key"] + "n")])
    warm = BehaviorEncoder.fit(more, None, replace(SAMPLED, epochs=1), warm_start=encoder)
    assert len(warm.fields.vocabularies["page"].values) == 2 * len(encoder.fields.vocabularies["page"].values)


def test_an_encoder_saved_before_settings_were_added_loads_and_keeps_its_version(
    events: pd.DataFrame, tmp_path: Path
) -> None:
    now = BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, epochs=1))
    settings = json.loads(json.dumps(now._settings))
    for added in ("softmax_sample", "full_softmax", "max_updates", "max_minutes"):
        del settings["training"][added]
    parts = (now.network, now.fields, now.train_config, now.data_window, now.training_curve, now.next_steps, now.heads)
    before = BehaviorEncoder(*parts, settings)
    before.save(tmp_path / "before")
    loaded = BehaviorEncoder.load(tmp_path / "before", device="cpu")
    assert loaded.model_version == before.model_version != now.model_version
    loaded.save(tmp_path / "again")
    assert BehaviorEncoder.load(tmp_path / "again", device="cpu").model_version == before.model_version
