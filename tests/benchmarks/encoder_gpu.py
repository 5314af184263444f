"""How much of a GPU the encoder uses: training steps and encoding at dim 256 and 128 events a user, bf16, compiled.

    python tests/benchmarks/encoder_gpu.py
    python tests/benchmarks/encoder_gpu.py --device cpu   # a tiny network, to see that it runs

First the card's matmul peak is measured: the best of large square bf16 matmuls. Then batches of sequences of full
length go through the network as training and encoding run it, and the share of that peak is printed. FLOPs a token:
6 N + 6 L T D forward and backward (2 N + 2 L T D forward), N being the parameters of the blocks and of the heads that
score every token, L layers, T tokens of a sequence, D the dimension; causal attention counts half of its square.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from beha2vec_core import EncoderConfig, TrainConfig
from beha2vec_core.encoder.batches import TrainingSet, make_batch
from beha2vec_core.encoder.features import Fields, gap_buckets
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives import WeightedObjectives
from beha2vec_core.encoder.packing import pack
from beha2vec_core.events.sequences import build_sequences

TARGET = 0.35
PAGES = 2000


@dataclass(frozen=True)
class Scale:
    """What is measured: network and batch, the side of the matmuls, and how often each is run."""

    config: EncoderConfig
    users: int
    side: int
    warm: int
    steps: int


GPU = Scale(
    EncoderConfig(dim=256, layers=4, heads=4, feed_forward=4, max_length=128), users=512, side=8192, warm=5, steps=20
)
TINY = Scale(EncoderConfig(dim=32, layers=1, heads=2, max_length=16), users=16, side=256, warm=1, steps=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--layers", type=int, help=f"by default {GPU.config.layers}")
    parser.add_argument("--batch-users", type=int, help=f"by default {GPU.users}")
    parser.add_argument("--no-compile", action="store_true")
    asked = parser.parse_args()
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA device here, so nothing was measured; --device cpu runs a tiny version.")
        return
    scale = GPU if asked.device == "cuda" else TINY
    layers, users = asked.layers or scale.config.layers, asked.batch_users or scale.users
    scale = Scale(replace(scale.config, layers=layers), users, scale.side, scale.warm, scale.steps)
    device = torch.device(asked.device)
    measure(scale, device, compiled=device.type == "cuda" and not asked.no_compile)


def measure(scale: Scale, device: torch.device, *, compiled: bool) -> None:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    peak = matmul_peak(scale, device)
    config, settings = scale.config, TrainConfig(device="cpu")
    sequences = build_sequences(full_histories(scale.users, config.max_length), max_length=config.max_length)
    fields = Fields.fit(sequences, config)
    torch.manual_seed(0)
    network = BehaviorNetwork(config, fields)
    objectives = WeightedObjectives(network, fields, settings).to(device)
    if compiled:
        network.compile(dynamic=True)
    everybody, tokens = np.arange(len(sequences)), fields.tokens(sequences)
    batch = make_batch(TrainingSet.of(fields, sequences), everybody, settings, np.random.default_rng(0), device)
    recency = gap_buckets(np.zeros(len(sequences)))
    packed = pack(tokens, tokens.offsets[:-1], tokens.lengths, device, recency)
    optimizer = torch.optim.AdamW(objectives.parameters(), lr=1e-4, fused=True)
    mixed = torch.autocast(device.type, dtype=torch.bfloat16)

    def train() -> None:
        objectives.train()
        with mixed:
            loss = objectives.total(objectives(batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def encode() -> None:
        network.eval()
        with mixed, torch.inference_mode():
            network.vectors(packed, *network(packed))

    blocks = sum(weight.numel() for weight in network.blocks.parameters())
    scored = fields.vocabularies["page"].size + fields.vocabularies["event_name"].size
    heads = config.dim * (config.dim + scored + network.next_gap.out_features)
    print(f"{name}: bf16 matmul peak {peak / 1e12:.2f} TFLOP/s; target {TARGET:.0%} of it")
    print(
        f"dim {config.dim}, {config.layers} layers, {config.max_length} events, {scale.users} users a batch, ", end=""
    )
    print(f"{'compiled' if compiled else 'not compiled'}, {blocks:,} parameters in blocks\n")
    print("| | tokens/s | users/s | model TFLOP/s | share of the peak |\n|---|---|---|---|---|")
    for what, work, seen, times, parameters in (
        ("training", train, batch.packed, 3, blocks + heads),
        ("encoding", encode, packed, 1, blocks),
    ):
        seconds = seconds_of(work, scale, device)
        flops = times * model_flops(seen.lengths.cpu().numpy(), parameters, config)
        n = len(seen.kind)
        print(
            f"| {what} | {n / seconds:,.0f} | {scale.users / seconds:,.0f} | {flops / seconds / 1e12:.3f} "
            f"| {flops / seconds / peak:.1%} |"
        )


def model_flops(lengths: np.ndarray, parameters: int, config: EncoderConfig) -> float:
    """Of a forward pass: two a parameter and token; attention reads half a square a layer, in two matmuls."""
    return float(2 * parameters * lengths.sum() + 2 * config.layers * config.dim * (lengths.astype(float) ** 2).sum())


def matmul_peak(scale: Scale, device: torch.device) -> float:
    """FLOP/s of the best of several sizes of square bf16 matmuls."""
    found = []
    for side in (scale.side // 2, scale.side, scale.side * 2):
        a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
        found.append(2 * side**3 / seconds_of(lambda a=a, b=b: a @ b, scale, device))
    return max(found)


def seconds_of(work: Callable[[], object], scale: Scale, device: torch.device) -> float:
    """Of one run, in the mean, once warm."""

    def run(times: int) -> None:
        for _ in range(times):
            work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    run(scale.warm)
    started = time.perf_counter()
    run(scale.steps)
    return (time.perf_counter() - started) / scale.steps


def full_histories(users: int, length: int) -> pd.DataFrame:
    """Users of so many page views each, pages by chance."""
    rng = np.random.default_rng(0)
    n = users * length
    return pd.DataFrame(
        {
            "user_key": np.repeat([f"u{user:06d}" for user in range(users)], length),
            "event_timestamp": rng.integers(1, 10**10, n).cumsum(),
            "event_name": "page_view",
            "page": [f"shop.example/{page % 40}/{page}" for page in rng.integers(0, PAGES, n)],
        }
    )


if __name__ == "__main__":
    main()
