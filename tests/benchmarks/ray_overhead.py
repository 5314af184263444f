"""What Ray costs beside the work itself: users encoded by one worker of a cluster and by one process, by size.

    python tests/benchmarks/ray_overhead.py --users 1000 4000 16000

Both have one CPU and one thread. Prints seconds of each size (the best of some rounds), the overhead, and the size from
which it is below 10 %. The cluster is there before; connecting, the start of the worker and the transfer of encoder and
users count, in the row "first" alone with all that happens once.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import ray
import torch
from ray.cluster_utils import Cluster

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core import BehaviorEncoder, TrainConfig
from beha2vec_core.compute import Compute, LocalCompute
from beha2vec_core.compute.on_ray import RayCompute
from tests.benchmarks.data_sets.demo import demo_personas

LIMIT = 0.1


def sequences(users: int) -> pa.Table:
    """Users of the demo shop as often as needed, each copy with its pages in another order: equal users are encoded once."""
    events, rng, tables = demo_personas().events, np.random.default_rng(0), []
    each = events["user_key"].nunique()
    for copy in range(-(-users // each)):
        mixed = events.assign(page=rng.permutation(events["page"].to_numpy()))
        mixed["user_key"] += f"/{copy}"
        tables.append(pa.Table.from_pandas(mixed.groupby("user_key", as_index=False).agg(list), preserve_index=False))
    return pa.concat_tables(tables).slice(0, users).combine_chunks()


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def crossing(sizes: list[int], local: list[float], on_ray: list[float]) -> float | None:
    """The size from which the overhead is below the limit, by lines through the measured times; None: at none."""
    (rate, base), (ray_rate, ray_base) = (np.polyfit(sizes, times, 1) for times in (local, on_ray))
    slope = (1 + LIMIT) * rate - ray_rate
    return max(0.0, (ray_base - (1 + LIMIT) * base) / slope) if slope > 0 else None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, nargs="+", default=[1_000, 4_000, 16_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)  # as Ray gives a worker of one CPU
    encoder = BehaviorEncoder.fit(
        demo_personas().events, train_config=TrainConfig(epochs=1, max_updates=50, device="cpu", progress=False)
    )
    table = sequences(max(options.users))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    on_ray: Compute = RayCompute(cluster.address)
    # parts of one size for both: what is measured is Ray, not the batches
    alone: Compute = LocalCompute("cpu", rows_at_once=on_ray.rows_at_once)

    def encode(compute: Compute, users: int) -> Callable[[], object]:
        return lambda: encoder.encode_stream(table.slice(0, users), compute=compute).read_all()

    first = seconds(encode(on_ray, options.users[0]))
    encode(alone, options.users[0])()
    print("| users | one process, s | Ray, s | overhead |\n|---:|---:|---:|---:|")
    times: list[tuple[float, float]] = []
    for users in options.users:
        # in turn, so that other work on the machine meets both
        rounds = [[seconds(encode(compute, users)) for compute in (alone, on_ray)] for _ in range(options.rounds)]
        here, there = (min(column) for column in zip(*rounds, strict=True))
        times.append((here, there))
        print(f"| {users:,} | {here:.2f} | {there:.2f} | {there / here - 1:.0%} |", flush=True)
    local, clustered = ([time[place] for time in times] for place in (0, 1))
    once = first - times[0][1]
    print(f"\nOnce for each run: {once:.1f} s (connecting, starting a worker, importing torch).")
    for name, extra in (("a worker that is there", 0.0), ("all that happens once counted", once)):
        size = crossing(options.users, local, [seconds + extra for seconds in clustered])
        print(f"Below {LIMIT:.0%}, {name}: " + ("at no size" if size is None else f"from {size:,.0f} users"))
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main()
