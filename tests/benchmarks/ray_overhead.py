"""What Ray costs beside the work itself: users encoded by one worker of a cluster and by one process, by size.

    python tests/benchmarks/ray_overhead.py --users 2000 8000 32000

Both have one CPU and one thread. Prints seconds and CPU seconds of each size (the least of some rounds), the overhead
in CPU seconds, and the size from which it is below 10 %. CPU seconds are those of all processes, also of Ray's own;
other work on the machine changes them less than seconds. The cluster is there before. What happens once, such as
connecting and the start of a worker, is measured by itself.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

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
    """Users of the demo shop as often as needed, each copy with its pages in another order: equal users count once."""
    events, rng, tables = demo_personas().events, np.random.default_rng(0), []
    each = events["user_key"].nunique()
    for copy in range(-(-users // each)):
        mixed = events.assign(page=rng.permutation(events["page"].to_numpy()))
        mixed["user_key"] += f"/{copy}"
        tables.append(pa.Table.from_pandas(mixed.groupby("user_key", as_index=False).agg(list), preserve_index=False))
    return pa.concat_tables(tables).slice(0, users).combine_chunks()


class Cost(NamedTuple):
    """Of a piece of work: how long it took, and the CPU time of this process and all that it has started."""

    seconds: float
    cpu: float


def cost(work: Callable[[], object]) -> Cost:
    """Do the work."""
    begun, used = time.perf_counter(), cpu_seconds()
    work()
    return Cost(time.perf_counter() - begun, cpu_seconds() - used)


def cpu_seconds() -> float:
    """Of this process and its descendants, Ray's processes among them."""
    parents, used = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        pid = int(stat.parent.name)
        parents[pid], used[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
    ours, found = {os.getpid()}, 0
    while len(ours) > found:
        found = len(ours)
        ours |= {pid for pid, parent in parents.items() if parent in ours}
    return sum(used[pid] for pid in ours if pid in used) / os.sysconf("SC_CLK_TCK")


def crossing(sizes: list[int], local: list[float], on_ray: list[float]) -> float | None:
    """The size from which the overhead is below the limit, by lines through the measured times; None: at none."""
    (rate, base), (ray_rate, ray_base) = (np.polyfit(sizes, times, 1) for times in (local, on_ray))
    slope = (1 + LIMIT) * rate - ray_rate
    return max(0.0, (ray_base - (1 + LIMIT) * base) / slope) if slope > 0 else None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, nargs="+", default=[2_000, 8_000, 32_000])
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

    first = cost(encode(on_ray, options.users[0]))
    encode(alone, options.users[0])()
    print("| users | one process, s | Ray, s | one process, CPU s | Ray, CPU s | overhead |")
    print("|---:|---:|---:|---:|---:|---:|")
    cpu: list[tuple[float, float]] = []
    for users in options.users:
        # in turn, so that other work on the machine meets both
        rounds = [[cost(encode(compute, users)) for compute in (alone, on_ray)] for _ in range(options.rounds)]
        here, there = (Cost(*map(min, zip(*costs, strict=True))) for costs in zip(*rounds, strict=True))
        cpu.append((here.cpu, there.cpu))
        numbers = f"{here.seconds:.2f} | {there.seconds:.2f} | {here.cpu:.2f} | {there.cpu:.2f}"
        print(f"| {users:,} | {numbers} | {there.cpu / here.cpu - 1:.0%} |", flush=True)
    local, clustered = ([pair[place] for pair in cpu] for place in (0, 1))
    once = first.cpu - clustered[0]
    print(f"\nOnce for each run: {first.seconds:.1f} s, {once:.1f} CPU s (connecting, starting a worker, imports).")
    for name, extra in (("without it", 0.0), ("with it", once)):
        size = crossing(options.users, local, [used + extra for used in clustered])
        print(f"Below {LIMIT:.0%} {name}: " + ("at no size" if size is None else f"from {size:,.0f} users"))
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main()
