"""How fast users are learnt from and encoded: the prototype, CoLES and ours side by side; then a million users.

    make bench-encoder-speed
    python tests/benchmarks/encoder_speed.py --skip-million
    python tests/benchmarks/encoder_speed.py --users 100000
    python tests/benchmarks/encoder_speed.py --catalogue
    python tests/benchmarks/encoder_speed.py --budgets
    python tests/benchmarks/encoder_speed.py --profile
    python tests/benchmarks/encoder_speed.py --fit 200000

Side by side every method has one thread, since CoLES's process has one, and learns from the same users, those of two
events or more, of the merchandise store (of the demo shop where that is absent); only the prototype, being slow, gets a
part of them. A user-sequence is one user in one epoch. Training is timed with looking up ids, without loading
libraries and without held-out data; encoding from a table of events to vectors. Rounds are in turns and the best one
counts, so that other work on the machine disturbs the comparison little.

Users of three events in the median and the million are the demo shop's, repeated under other keys; each copy has other
pauses (half to double) and other times, and half of them a random part of the history only, so that copies differ as
real users do. The million goes from parquet to parquet in a process of its own with two threads.

``--budgets`` shows quality against minutes: how well the next page of users not learned from is predicted after parts
of the default's updates, each a training of its own. ``--catalogue`` shows how time grows with the number of pages:
users of 12 page views each, drawn at random from pages of which some are more popular. It counts the processor's time
on one thread, so that other work on the machine disturbs it little. ``--profile`` shows where that time goes.
``--fit`` times a whole fit of that many such changed copies of the demo shop's users.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.encoder.device import seeded
from beha2vec_core.encoder.encode import _batches
from beha2vec_core.encoder.encoder import data_window
from beha2vec_core.encoder.features import Fields, slice_hashes
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.next_step.features import PageTree, features
from beha2vec_core.encoder.next_step.model import _count
from beha2vec_core.encoder.next_step.moments import past_moments
from beha2vec_core.encoder.objectives import WeightedObjectives
from beha2vec_core.encoder.train import train
from beha2vec_core.evaluation.encoder import encoder_input
from beha2vec_core.events.sequences import build_sequences
from tests.benchmarks.data_sets import DataNotFoundError, load
from tests.benchmarks.encoder_training import (
    BUDGET_USERS,
    BUDGETS,
    CATALOGUE_USERS,
    CATALOGUES,
    CPU,
    FOLDERS,
    copies,
    print_budgets,
    print_fit,
    print_profile,
    resident,
    site,
    training_time,
)
from tests.benchmarks.rivals import coles, prototype
from tests.benchmarks.rivals.coles import MethodUnavailable

PROTOTYPE_USERS = 150  # learnt from, and four times as many encoded
COLES_EPOCHS = 15
CORES = 2
CHUNK = 32_768
MATMUL = 2_048
MEDIAN = 3
PREDICTED = 4_000
PREDICTED_SITES = ((500, FOLDERS), (20_000, FOLDERS), (20_000, 1))
PREDICTED_USERS = (4_000, 40_000)
# the processor's operators by what they do
OPERATORS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm"),
    "attention": ("_scaled_dot_product",),
    "drawing what dropout drops": ("aten::bernoulli_",),
    "optimizer": ("Optimizer.step", "aten::_fused_adamw_"),
}
TARGETS = {
    "training": "25 x the prototype and 2.5 x CoLES with the default",
    "encoding": "20 x the prototype",
    "median": 15_000,
    "seconds": 90,
    "memory": 2.0,
    "padding": 0.1,
}


@dataclass(frozen=True)
class Speed:
    """Users a second; NaN where a method is absent."""

    name: str
    parameters: int | None
    training: float
    encoding: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000, help="of the long run")
    parser.add_argument("--skip-million", action="store_true", help="without the long run")
    parser.add_argument("--epochs", type=int, default=COLES_EPOCHS, help="of each training of ours")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--catalogue", action="store_true", help="only how time grows with the number of pages")
    parser.add_argument(
        "--budgets", nargs="*", type=float, metavar="SHARE", help="only quality against minutes; shares of all updates"
    )
    parser.add_argument("--seeds", type=int, default=1, help="of --budgets")
    parser.add_argument("--budget-users", type=int, default=BUDGET_USERS, help="of --budgets")
    parser.add_argument("--profile", action="store_true", help="only where the time of a training step goes")
    parser.add_argument("--fit", type=int, metavar="USERS", help="only the time and memory of a whole fit")
    parser.add_argument("--updates", type=int, default=TrainConfig().max_updates, help="of --fit")
    parser.add_argument("--encode", nargs=3, type=Path, metavar=("MODEL", "IN", "OUT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.encode:
        print(json.dumps(encode_file(*asked.encode)))
        return
    torch.set_num_threads(1)
    if asked.budgets is not None:
        print_budgets(asked.budgets or BUDGETS, asked.budget_users, asked.seeds)
        return
    if asked.profile:
        print_profile()
        print_operators(read_events()[1])
        return
    if asked.fit:
        print_fit(asked.fit, asked.updates)
        return
    if asked.catalogue:
        print_catalogue(asked.rounds)
        return
    name, events = read_events()
    print(f"{events['user_key'].nunique():,} users, {len(events):,} events of {name}; one thread each\n")
    speeds = side_by_side(events, asked.epochs, asked.rounds)
    print_side_by_side(speeds)
    print_arithmetic(events, next(one.training for one in speeds if one.name == "prototype"))
    print_budgets(BUDGETS, asked.budget_users, asked.seeds)
    print_catalogue(asked.rounds)
    torch.set_num_threads(CORES)
    demo = encoder_input(load("demo_personas").events)
    encoder, _ = learn(demo, EncoderConfig(), epochs=2)
    base = pa.Table.from_pandas(demo.groupby("user_key", as_index=False).agg(list), preserve_index=False)
    print_median(encoder, base, asked.rounds)
    if not asked.skip_million:
        print_million(encoder, base, asked.users)


def print_catalogue(rounds: int) -> None:
    """How long an event takes to learn from, then how long predictions take."""
    print("| pages | training, CPU µs an event | x |\n|---|---|---|")
    first = 0.0
    for pages in CATALOGUES:
        training = training_time(site(pages, CATALOGUE_USERS), rounds)
        first = first or training
        print(f"| {pages:,} | {training:.0f} | {training / first:.2f} |", flush=True)
    print_predictions(rounds)


def print_predictions(rounds: int) -> None:
    """How long predictions take, in turns, so that other work disturbs all alike; the best time counts."""
    print("\n| pages | in folders | predict_next, 4,000 users, CPU s | x |\n|---|---|---|---|")
    sites = {(pages, folders): site(pages, PREDICTED, folders) for pages, folders in PREDICTED_SITES}
    encoders = {shape: unfitted(events) for shape, events in sites.items()}
    predict = dict.fromkeys(sites, float("inf"))
    for _ in range(1 + rounds):
        for shape, encoder in encoders.items():
            started = time.process_time()
            encoder.predict_next(sites[shape])
            predict[shape] = min(predict[shape], time.process_time() - started)
    for (pages, folders), seconds in predict.items():
        print(f"| {pages:,} | {folders} | {seconds:.2f} | {seconds / predict[PREDICTED_SITES[0]]:.1f} |", flush=True)
    print("\n| users, 20,000 pages | predict_next, CPU s | CPU µs a user |\n|---|---|---|")
    encoder = encoders[PREDICTED_SITES[1]]
    for users in PREDICTED_USERS:
        events = site(PREDICTED_SITES[1][0], users)
        started = time.process_time()
        encoder.predict_next(events)
        seconds = time.process_time() - started
        print(f"| {users:,} | {seconds:.2f} | {seconds / users * 1e6:.0f} |", flush=True)


def unfitted(events: pd.DataFrame) -> BehaviorEncoder:
    """An encoder of the next page that has counted, but whose weights are not fitted: its time is the same."""
    config = EncoderConfig(min_count=1)
    sequences = build_sequences(events, max_length=config.max_length)
    fields = Fields.fit(sequences, config)
    moments = past_moments(sequences, fields.vocabularies, "page")
    tree = PageTree.of(fields.vocabularies["page"].values)
    counted = _count(moments, tree)
    names = features(moments.select(np.arange(1)), counted.followers, counted.popularity, tree)
    with seeded(0, CPU):
        network = BehaviorNetwork(config, fields)
    following = replace(counted, weights=dict.fromkeys(names, 0.5))
    return BehaviorEncoder(network, fields, TrainConfig(), data_window(sequences), [], {"page": following}, {})


def read_events() -> tuple[str, pd.DataFrame]:
    try:
        return "merch_store", encoder_input(load("merch_store").events)
    except DataNotFoundError:
        return "demo_personas", encoder_input(load("demo_personas").events)


def side_by_side(events: pd.DataFrame, epochs: int, rounds: int) -> list[Speed]:
    several = of_two_events(events)
    few = several[several["user_key"].isin(several["user_key"].unique()[:PROTOTYPE_USERS])]
    some = events[events["user_key"].isin(events["user_key"].unique()[: 4 * PROTOTYPE_USERS])]
    size = prototype_size()
    same = same_size(several, size)
    configs = {
        f"ours at the prototype's size (dim 128, 2 layers, 4 heads, feed_forward {same.feed_forward})": same,
        "ours, default": EncoderConfig(),
    }
    fits: dict[str, Callable[[], tuple[Any, int | None]]] = {
        "prototype": lambda: (prototype.fit(few, 0), size),
        "CoLES": lambda: (coles.fit(several, 0), None),
    }
    fits |= {name: lambda config=config: learn(several, config, epochs) for name, config in configs.items()}
    work = {"prototype": (prototype.EPOCHS, few), "CoLES": (COLES_EPOCHS, several)}
    learn(few, EncoderConfig(), epochs=1)  # loads libraries
    training, encoding = dict.fromkeys(fits, float("nan")), dict.fromkeys(fits, float("nan"))
    fitted: dict[str, tuple[Any, int | None]] = {}
    try:
        coles.fit(few, 0).encode(few)  # so does this
    except MethodUnavailable as problem:
        print(f"CoLES is left out: {problem}\n")
        del fits["CoLES"]
    for turn in range(rounds):
        for name, fit in fits.items():
            times, users = work.get(name, (epochs, several))
            if turn == 0 or name != "CoLES":
                fitted[name], seconds = timed(fit)
                training[name] = np.fmax(training[name], times * users["user_key"].nunique() / seconds)
            users = some if name == "prototype" else events
            _, seconds = timed(lambda: fitted[name][0].encode(users))  # noqa: B023
            encoding[name] = np.fmax(encoding[name], users["user_key"].nunique() / seconds)
    return [
        Speed(name, fitted[name][1] if name in fitted else None, training[name], encoding[name]) for name in training
    ]


def of_two_events(events: pd.DataFrame) -> pd.DataFrame:
    return events[events.groupby("user_key")["page"].transform("size") > 1]


def prototype_size() -> int:
    return sum(weight.numel() for weight in prototype.PrototypeNetwork().parameters())


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def learn(events: pd.DataFrame, config: EncoderConfig, epochs: int) -> tuple[BehaviorEncoder, int]:
    """An encoder without the counts of what comes next, and how many parameters were trained, its objectives' too."""
    settings = TrainConfig(epochs=epochs, held_out=0.0, held_out_time=0.0, device="cpu", progress=False)
    sequences = build_sequences(events, max_length=config.max_length)
    fields = Fields.fit(sequences, config)
    with seeded(0, CPU):
        network = BehaviorNetwork(config, fields)
        curve, heads = train(network, fields, sequences, settings, CPU)
    encoder = BehaviorEncoder(network, fields, settings, data_window(sequences), curve, {}, heads)
    return encoder, parameters(network, fields, settings)


def parameters(network: BehaviorNetwork, fields: Fields, settings: TrainConfig) -> int:
    return sum(weight.numel() for weight in WeightedObjectives(network, fields, settings).parameters())


def same_size(events: pd.DataFrame, size: int) -> EncoderConfig:
    """The prototype's width, layers and heads, and the feed-forward width that comes nearest to its parameters."""
    choices = [EncoderConfig(dim=128, layers=2, heads=4, feed_forward=width) for width in range(1, 17)]
    fields = Fields.fit(build_sequences(events, max_length=choices[0].max_length), choices[0])
    sizes = [parameters(BehaviorNetwork(config, fields), fields, TrainConfig()) for config in choices]
    return choices[int(np.argmin(np.abs(np.array(sizes) - size)))]


def print_operators(events: pd.DataFrame) -> None:
    """Shares of the processor's time in torch's operators, in an epoch of the default."""
    several = of_two_events(events)
    learn(several, EncoderConfig(), epochs=1)  # loads libraries
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        learn(several, EncoderConfig(), epochs=1)
    spent = {event.key: event.self_cpu_time_total for event in profiled.key_averages()}
    shares = {
        kind: sum(time for key, time in spent.items() if any(name in key for name in names)) / sum(spent.values())
        for kind, names in OPERATORS.items()
    }
    shares["many small ones on vectors"] = 1 - sum(shares.values())
    print("\n" + ", ".join(f"{kind} {share:.0%}" for kind, share in shares.items()))


def print_side_by_side(speeds: list[Speed]) -> None:
    by_name = {speed.name: speed for speed in speeds}
    first, coles_speed = by_name["prototype"], by_name["CoLES"]
    print(
        "| method | parameters | training, user-sequences/s | x prototype | x CoLES | encoding, users/s | x prototype |"
    )
    print("|---|---|---|---|---|---|---|")
    for one in speeds:
        print(
            f"| {one.name} | {f'{one.parameters:,}' if one.parameters else ''} | {one.training:,.0f} "
            f"| {one.training / first.training:.1f} | {one.training / coles_speed.training:.2f} "
            f"| {one.encoding:,.0f} | {one.encoding / first.encoding:.1f} |"
        )
    print(f"\nTargets: training {TARGETS['training']}; encoding {TARGETS['encoding']}.\n")


def print_arithmetic(events: pd.DataFrame, prototype_speed: float) -> None:
    """What training 25 times as fast as the prototype asks of a core, beside what it can do."""
    several = of_two_events(events)
    a = torch.randn(MATMUL, MATMUL)
    peak = max(2 * MATMUL**3 / timed(lambda: a @ a)[1] for _ in range(10))
    for name, config in (
        ("ours at the prototype's size", same_size(several, prototype_size())),
        ("the default", EncoderConfig()),
    ):
        with FlopCounterMode(display=False) as counted:
            learn(several, config, epochs=1)
        flops = counted.get_total_flops() / several["user_key"].nunique()
        print(
            f"A user-sequence of {name} is {flops / 1e6:.0f} MFLOP of matrix products, so 25 x the "
            f"prototype is {25 * prototype_speed * flops / 1e9:.0f} GFLOP/s."
        )
    print(f"Large square matrix products reach {peak / 1e9:.0f} GFLOP/s on one thread here.\n")


def padding_and_distinct(encoder: BehaviorEncoder, table: pa.Table) -> tuple[float, float]:
    """Padded places of attention as a share of its tokens, and the share of users whose sequences differ."""
    tokens = encoder.fields.tokens(build_sequences(table, max_length=encoder.config.max_length))
    hashes = slice_hashes(np.stack((tokens.kind, tokens.gap), axis=1), tokens.offsets[:-1], tokens.lengths)
    lengths = np.sort(tokens.lengths[np.unique(hashes, return_index=True)[1]])
    batches = [lengths[part] + 1 for part in _batches(lengths)]  # a recency token each
    places = sum(len(batch) * int(batch.max()) for batch in batches)
    return places / sum(int(batch.sum()) for batch in batches) - 1, len(lengths) / len(tokens.lengths)


def print_median(encoder: BehaviorEncoder, base: pa.Table, rounds: int) -> None:
    table = copies(base, 20_000, seed=1, median=MEDIAN)
    seconds = min(timed(lambda: encoder.encode(table))[1] for _ in range(rounds + 1))
    events = np.diff(table["event_timestamp"].combine_chunks().offsets.to_numpy())
    print(
        f"Users of {np.median(events):.0f} events in the median ({events.mean():.1f} in the mean), {CORES} threads: "
        f"{table.num_rows / seconds:,.0f} users/s encoded (target {TARGETS['median']:,}).\n"
    )


def print_million(encoder: BehaviorEncoder, base: pa.Table, users: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        model, source, target = (Path(place) / name for name in ("model", "sequences.parquet", "vectors.parquet"))
        encoder.save(model)
        parts = [min(CHUNK, users - start) for start in range(0, users, CHUNK)]
        sample = copies(base, parts[0], seed=0)
        with pq.ParquetWriter(source, sample.schema) as writer:
            for seed, part in enumerate(parts):
                writer.write_table(copies(base, part, seed))
        command = [sys.executable, __file__, "--encode", str(model), str(source), str(target)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
    padding, distinct = padding_and_distinct(encoder, sample)
    print("| | measured | target |\n|---|---|---|")
    print(f"| users, {CORES} threads, parquet to parquet | {found['users']:,} | |")
    print(f"| events a user | {found['events'] / found['users']:.1f} | |")
    print(f"| users whose sequences differ (of {parts[0]:,}) | {distinct:.0%} | |")
    print(f"| seconds | {found['seconds']:.1f} | {TARGETS['seconds']} for a million |")
    print(f"| seconds of both cores in use | {found['cpu_seconds'] / CORES:.1f} | |")
    print(f"| users/s | {found['users'] / found['seconds']:,.0f} | |")
    print(f"| peak memory above the loaded model, GB | {found['memory'] / 1e9:.2f} | {TARGETS['memory']} |")
    print(f"| padding in attention | {padding:.1%} | {TARGETS['padding']:.0%} |")
    print("| padding in token-wise layers | 0 % (sequences lie end to end) | 10% |")


def encode_file(model: Path, source: Path, target: Path) -> dict[str, float]:
    """Encode a file of sequences into a file of vectors."""
    torch.set_num_threads(CORES)
    pa.set_cpu_count(CORES)
    encoder = BehaviorEncoder.load(model, device="cpu")
    loaded = resident()
    users = events = 0
    started, used = time.perf_counter(), time.process_time()
    with pq.ParquetFile(source) as file:
        reader = encoder.encode_stream(file.iter_batches(CHUNK))
        with pq.ParquetWriter(target, reader.schema, compression="none") as writer:
            for batch in reader:
                writer.write_batch(batch)
                users += batch.num_rows
                events += int(np.asarray(batch["n_events"]).sum())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "users": users,
        "events": events,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - used,
        "memory": peak - loaded,
    }


if __name__ == "__main__":
    main()
