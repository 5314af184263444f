"""How often a user's later cluster is named after their first one, two or three events. Prints a Markdown table.

    python tests/benchmarks/likely_clusters.py
    python tests/benchmarks/likely_clusters.py --locked --data merch_store

Encoder, clusters and posterior learn from the users of a tuning split (of all users but the locked fifth with
`--locked`). The others are judged, those of more than three events: their later cluster is that of their whole history.
`base rate` names the largest cluster, `nearest centroid` that of the first events' vector, `posterior` the most likely
one. `named` is the share of users whose probability reaches the threshold, and how often the cluster is right for them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.clusters import ClusterModel, fit_clusters
from beha2vec_core.clusters.posterior import calibration_error, early_parts, fit_posterior, reliability_of
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.encoder import BehaviorEncoder
from beha2vec_core.store.vectors import as_matrix
from tests.benchmarks.data_sets import load, logs
from tests.benchmarks.next_step import told
from tests.benchmarks.splits import is_locked, locked_split, repeated_splits

LENGTHS = range(1, 4)
DATA = ("merch_store", "online_retail", "mathoverflow", "demo_personas", "demo_intent")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=DATA, default=("merch_store", "demo_personas", "demo_intent"))
    parser.add_argument("--users", type=int, default=3_000, help="to learn from, at most")
    parser.add_argument("--epochs", type=int, default=TrainConfig().epochs)
    parser.add_argument("--k", type=int, help="number of clusters; without it chosen by stability")
    parser.add_argument("--locked", action="store_true", help="judge the locked fifth, for the final table only")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print("| data, clusters | first events | users | base rate | nearest centroid | posterior | named | right | ECE |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in asked.data:
        events = logs.READERS[name]() if name in logs.READERS else load(name).events
        if len(users := events["user_key"].unique()) > asked.users * 2:
            kept = np.random.default_rng(0).choice(users, asked.users * 2, replace=False)
            events = events[events["user_key"].isin(set(kept) | set(users[is_locked(pd.Series(users))][: asked.users]))]
        split = locked_split(events) if asked.locked else repeated_splits(events, 1)[0]
        settings = TrainConfig(epochs=asked.epochs, device="cpu", progress=False)
        encoder = BehaviorEncoder.fit(told(split.fit), EncoderConfig(), settings)
        print_data(name, encoder, split.fit, split.judged, asked.k)


def print_data(name: str, encoder: BehaviorEncoder, fit: pd.DataFrame, judged: pd.DataFrame, k: int | None) -> None:
    whole = encoder.encode(told(fit)).filter(pa.compute.field("low_evidence") == False)  # noqa: E712
    vectors = as_matrix(whole["behavior"])
    model = fit_clusters(vectors, k=k, progress=False)
    later = rows_of(model, whole)
    parts, labels, users = [], [], []
    for _, keys, early in early_parts(encoder, listed(fit), LENGTHS):
        known = [key in later for key in keys.to_pylist()]
        parts.append(early[known])
        labels += [later[key] for key in keys.to_pylist() if key in later]
        users += [key for key in keys.to_pylist() if key in later]
    numbers = np.unique(users, return_inverse=True)[1]
    posterior = fit_posterior(np.concatenate(parts), np.array(labels), numbers, model.k)
    if posterior is None:
        print(f"| {name}, {model.k} | too few users or one cluster | | | | | | | |", flush=True)
        return
    truth_of = rows_of(model, encoder.encode(told(judged)))
    enough = judged.groupby("user_key")["page"].transform("size") > max(LENGTHS)
    largest = int(model.shares.argmax())
    found = [
        (length, early, np.array([truth_of[key] for key in keys.to_pylist()]))
        for length, keys, early in early_parts(encoder, listed(judged[enough]), LENGTHS)
    ]
    every = ("1 to 3", np.concatenate([early for _, early, _ in found]), np.concatenate([truth for *_, truth in found]))
    for length, early, truth in (*found, every):
        probabilities = posterior.probabilities(early)
        right = probabilities.argmax(1) == truth
        named = probabilities.max(1) >= posterior.threshold
        shown = (
            (truth == largest).mean(),
            (np.searchsorted(model.keys, model.assign(early).cluster_key) == truth).mean(),
            right.mean(),
            named.mean(),
            right[named].mean() if named.any() else float("nan"),
            calibration_error(reliability_of(probabilities, truth)),
        )
        cells = " | ".join(f"{value:.3f}" for value in shown)
        print(f"| {name}, {model.k} | {length} | {len(truth):,} | {cells} |", flush=True)
    print(
        f"\n{name}: learned from {posterior.parts:,} parts, threshold {posterior.threshold:.1f}, "
        f"ECE of the users left out in turn {posterior.calibration_error:.3f}\n",
        flush=True,
    )


def rows_of(model: ClusterModel, encoded: pa.Table) -> dict[str, int]:
    """The cluster of each user, as the row of its centroid."""
    rows = np.searchsorted(model.keys, model.assign(as_matrix(encoded["behavior"])).cluster_key)
    return dict(zip(encoded["user_key"].to_pylist(), rows.tolist(), strict=True))


def listed(events: pd.DataFrame) -> pa.Table:
    """Events as sequences, one row a user."""
    return pa.Table.from_pandas(told(events).groupby("user_key", as_index=False).agg(list), preserve_index=False)


if __name__ == "__main__":
    main()
