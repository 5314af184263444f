"""Whether an encoder trained on other sites is a better start than none. Prints a Markdown table.

    python tests/benchmarks/encoder_travel.py
    python tests/benchmarks/encoder_travel.py --users 300 --seeds 1

Each site is left out in turn: an encoder learns from the others, and its weights are where the training on some users
of the left-out site begins (`warm_start`, with the settings of a training from scratch, and vectors centered and
whitened again). Both are evaluated on the users of a tuning split that neither was trained on. Differences are warm
less scratch, with their 95% intervals.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.encode import center_and_whiten
from beha2vec_core.encoder.encoder import BehaviorEncoder
from beha2vec_core.evaluation.encoder import Vectors, behavior_of, encoder_input
from beha2vec_core.evaluation.splits import Split, user_hash
from beha2vec_core.evaluation.statistics import paired_bootstrap
from beha2vec_core.evaluation.tasks import next_step, retrieval
from beha2vec_core.evaluation.tasks.base import Outcome, Trial
from tests.benchmarks.data_sets import load
from tests.benchmarks.next_step import histories
from tests.benchmarks.rivals import METHODS
from tests.benchmarks.splits import repeated_splits

SITES = ("merch_store", "demo_personas", "online_retail_2010_11")
METRICS = {"next page": "mrr@10", "retrieval": "mrr"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", nargs="+", type=int, default=(300, 1_000, 3_000), help="of the left-out site")
    parser.add_argument("--others", type=int, default=1_500, help="users of each other site, at most")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=TrainConfig().epochs)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    # users of two sites share no key: ids of visitors here, numbers of customers there
    sites = {name: repeated_splits(load(name).events, 1)[0] for name in SITES}
    titles = [f"{task}, {metric}: {start}" for task, metric in METRICS.items() for start in ("scratch", "warm", "less")]
    print(f"| left out | users | {' | '.join(titles)} |")
    print("|---" * (len(titles) + 2) + "|")
    for name, split in sites.items():
        others = pd.concat([some(of.fit, asked.others) for site, of in sites.items() if site != name])
        before = fit(others, TrainConfig(epochs=asked.epochs, device="cpu", progress=False))
        there = split.fit["user_key"].nunique()
        for users in sorted({min(users, there) for users in asked.users}):
            print_difference(name, split, users, before, asked.seeds, asked.epochs)


def print_difference(name: str, split: Split, users: int, before: BehaviorEncoder, seeds: int, epochs: int) -> None:
    found: dict[str, dict[str, list[Outcome]]] = {task: {"scratch": [], "warm": []} for task in METRICS}
    for seed in range(seeds):
        for start, warm in {"scratch": None, "warm": before}.items():
            settings = TrainConfig(epochs=epochs, seed=seed, device="cpu", progress=False)
            encoder = fit(some(split.fit, users), settings, warm)
            for task, outcome in outcomes(encoder, split).items():
                found[task][start].append(outcome)
    cells = []
    for starts in found.values():
        cells += [f"{sum(one.value for one in repeated) / seeds:.3f}" for repeated in starts.values()]
        difference, low, high = paired_bootstrap(starts["warm"], starts["scratch"])
        cells.append(f"{difference:+.3f} [{low:+.3f}, {high:+.3f}]")
    print(f"| {name} | {users:,} | {' | '.join(cells)} |", flush=True)


def some(events: pd.DataFrame, users: int) -> pd.DataFrame:
    """The events of that many users at most, chosen by hash."""
    chosen = sorted(events["user_key"].unique(), key=lambda user: user_hash(user, "travel"))[:users]
    return events[events["user_key"].isin(chosen)]


def fit(events: pd.DataFrame, settings: TrainConfig, before: BehaviorEncoder | None = None) -> BehaviorEncoder:
    encoder = BehaviorEncoder.fit(
        encoder_input(events), None if before else EncoderConfig(), settings, warm_start=before
    )
    if before:  # the shape of vectors is that of the other sites
        center_and_whiten(encoder.network, encoder.fields, histories(events, encoder), settings.seed)
    return encoder


def outcomes(encoder: BehaviorEncoder, split: Split) -> dict[str, Outcome]:
    trials = {next_step.NEXT_PAGE: behavior_of(encoder), retrieval.TASK: Vectors(encoder, "identity")}
    judged = [one for task, fitted in trials.items() for one in task.run(Trial(split, METHODS["ours"], fitted))]
    return {one.task: one for one in judged if METRICS[one.task] == one.metric}


if __name__ == "__main__":
    main()
