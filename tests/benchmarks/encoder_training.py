"""How long training takes: by its stages, by the number of pages, and of a whole fit; and quality against minutes.

Printed by ``encoder_speed.py``, which says more.
"""

from __future__ import annotations

import cProfile
import pstats
import resource
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.encoder.batches import UserBatches
from beha2vec_core.encoder.curve import best_row
from beha2vec_core.encoder.device import seeded
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.train import train
from beha2vec_core.encoder.validation import training_and_validation
from beha2vec_core.evaluation.encoder import encoder_input
from beha2vec_core.events.sequences import build_sequences, ragged_range
from tests.benchmarks.data_sets import load
from tests.benchmarks.data_sets.demo import PERSONAS_EDITION, demo_personas
from tests.benchmarks.encoder_sampling import judge, part

CPU = torch.device("cpu")
BUDGETS = (1 / 9, 1 / 3, 1.0)
BUDGET_USERS = 3_000
CATALOGUES = (500, 20_000, 200_000)
CATALOGUE_USERS = 17_000
FOLDERS = 40
# of a training step, by the function in which it is done
STAGES = {
    "batches: cuts, targets, samples": ("batches.py", "make_batch"),
    "forward": ("weighted.py", "forward"),
    "backward": ("_tensor.py", "backward"),
    "clipping": ("optimizer.py", "clip_gradients"),
    "optimizer, dense and sparse": ("optimizer.py", "step"),
    "of which rows of large tables": ("optimizer.py", "_update_rows"),
}


def print_budgets(shares: Sequence[float], users: int, seeds: int) -> None:
    """Quality against minutes: the next page of users not learned from, after shares of the default's updates."""
    fit, judged = demo_part(users)
    sequences = build_sequences(encoder_input(fit), max_length=EncoderConfig().max_length)
    whole = TrainConfig(device="cpu", progress=False)
    plan = UserBatches(Fields.fit(sequences, EncoderConfig()), training_and_validation(sequences, whole)[0], whole, CPU)
    updates = whole.epochs * len(plan.plan(1))
    titles = ("updates", "seed", "CPU minutes", "held-out loss", "network: MRR@10", "recall@10")
    titles += ("with counts: MRR@10", "recall@10")
    print(f"| {' | '.join(titles)} |")
    print("|---" * len(titles) + "|")
    for share, seed in ((share, seed) for share in shares for seed in range(seeds)):
        settings = replace(whole, max_updates=max(whole.epochs, round(share * updates)), seed=seed)
        started = time.process_time()
        encoder = BehaviorEncoder.fit(encoder_input(fit), EncoderConfig(), settings)
        minutes = (time.process_time() - started) / 60
        lowest = best_row(encoder.training_curve)["held_out_loss"]
        found = " | ".join(f"{value:.3f}" for value in judge(encoder, judged))
        print(f"| {settings.max_updates:,} | {seed} | {minutes:.2f} | {lowest:.3f} | {found} |", flush=True)


def demo_part(users: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events of the demo shop to learn from and to judge by; of more users than its edition has, a larger shop's."""
    if users <= PERSONAS_EDITION.users:
        return part("demo_personas", users, locked=False)
    events = demo_personas(replace(PERSONAS_EDITION, users=users)).events
    judged = events["user_key"].isin(events["user_key"].unique()[::5])
    return events[~judged], events[judged]


def print_profile() -> None:
    """The processor's time of each stage of a training step, by the number of pages of the catalogue."""
    print(f"| pages | {' | '.join(STAGES)} | all, CPU µs an event |")
    print("|---" * (len(STAGES) + 2) + "|")
    for pages in CATALOGUES:
        events = site(pages, CATALOGUE_USERS)
        profile = cProfile.Profile(time.process_time)
        whole = training_time(events, 1, profile)
        spent = {
            (Path(file).name, function): values[3]
            for (file, _, function), values in pstats.Stats(profile).stats.items()  # type: ignore[attr-defined]
        }
        shares = [spent.get(place, 0.0) / (2 * len(events)) * 1e6 for place in STAGES.values()]
        print(f"| {pages:,} | {' | '.join(f'{share:.1f}' for share in shares)} | {whole:.1f} |", flush=True)


def print_fit(users: int, updates: int) -> None:
    """Time and memory of a whole fit, from sequences in memory; what comes before and after training grows with users.

    An epoch's time is that of its updates and of the held-out loss.
    """
    demo = encoder_input(load("demo_personas").events)
    base = pa.Table.from_pandas(demo.groupby("user_key", as_index=False).agg(list), preserve_index=False)
    table = copies(base, users, seed=0)
    settings = TrainConfig(max_updates=updates, patience=0, device="cpu", progress=False)
    before, clock = resident(), [time.process_time()]
    started = time.perf_counter()
    encoder = BehaviorEncoder.fit(table, EncoderConfig(), settings, lambda _: clock.append(time.process_time()))
    minutes, whole = (time.perf_counter() - started) / 60, (time.process_time() - clock[0]) / 60
    epoch = (clock[-1] - clock[1]) / (settings.epochs - 1) / 60
    fixed = whole - settings.epochs * epoch
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    titles = ("users", "events", "updates", "minutes", "CPU minutes", "before and after training", "1,000 updates")
    titles += ("memory above the table, GB",)
    print(f"| {' | '.join(titles)} |")
    print("|---" * len(titles) + "|")
    print(
        f"| {users:,} | {encoder.data_window['events']:,} | {updates:,} | {minutes:.1f} | {whole:.2f} | {fixed:.2f} "
        f"| {epoch * settings.epochs / updates * 1000:.2f} | {(peak - before) / 1e9:.1f} |"
    )


def training_time(events: pd.DataFrame, rounds: int, profile: cProfile.Profile | None = None) -> float:
    """Microseconds of the processor for an event, in the fastest epoch but the first, which loads libraries."""
    config = EncoderConfig(min_count=1)
    settings = TrainConfig(epochs=1 + rounds, held_out=0.0, held_out_time=0.0, device="cpu", progress=False)
    sequences = build_sequences(events, max_length=config.max_length)
    fields = Fields.fit(sequences, config)
    ends: list[float] = []
    with seeded(0, CPU):
        network = BehaviorNetwork(config, fields)
        with profile or nullcontext():
            train(network, fields, sequences, settings, CPU, lambda _: ends.append(time.process_time()))
    return float(min(np.diff(ends))) / len(events) * 1e6


def site(pages: int, users: int, folders: int = FOLDERS, views: int = 12) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    popularity = 1 / np.arange(1, pages + 1) ** 0.8
    seen = draw.choice(pages, (users, views), p=popularity / popularity.sum())
    seen = (seen // 20 * 20 + draw.integers(0, 20, users)[:, None]) % pages
    seen.ravel()[:pages] = np.arange(pages)  # each page at least once
    moments = 1_700_000_000_000_000 + np.cumsum(draw.integers(1, 3600, (users, views)), axis=1) * 1_000_000
    return pd.DataFrame(
        {
            "user_key": np.repeat([f"u{user:05d}" for user in range(users)], views),
            "event_timestamp": moments.ravel(),
            "event_name": "page_view",
            "page": [f"shop.example/c{page % folders}/p{page}" for page in seen.ravel()],
        }
    )


def copies(base: pa.Table, users: int, seed: int, *, median: float | None = None) -> pa.Table:
    """That many users like those of a table of sequences, every one changed; with ``median``, of so many events."""
    rng = np.random.default_rng(seed)
    lists = {name: base[name].combine_chunks() for name in base.column_names if name != "user_key"}
    offsets = lists["event_timestamp"].offsets.to_numpy()
    owner = rng.integers(0, base.num_rows, users)
    whole = np.diff(offsets)[owner]
    part = np.where(rng.random(users) < 0.5, whole, rng.integers(1, whole + 1))
    if median:
        part = np.minimum(whole, np.maximum(1, np.rint(rng.lognormal(np.log(median + 0.5), 0.8, users)))).astype(int)
    starts = offsets[owner] + rng.integers(0, whole - part + 1)
    rows, ends = ragged_range(starts, part), np.cumsum(part)
    time_of = lists["event_timestamp"].values.to_numpy()
    pause = np.diff(time_of[rows], prepend=0) * rng.uniform(0.5, 2.0, len(rows))
    pause[ends - part] = 0
    passed = np.cumsum(pause)
    begins = time_of[starts] + rng.integers(0, 86_400_000_000, users)
    moments = np.repeat(begins - passed[ends - part], part) + passed
    new_offsets = pa.array(np.append(0, ends), type=pa.int32())
    columns = {"user_key": pa.array([f"{seed:04d}-{number:06d}" for number in range(users)])}
    for name, column in lists.items():
        values = pa.array(moments.astype(np.int64)) if name == "event_timestamp" else column.values.take(pa.array(rows))
        columns[name] = pa.ListArray.from_arrays(new_offsets, values)
    return pa.table(columns)


def resident() -> int:
    """Bytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()
