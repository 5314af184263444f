"""What comes next, part by part: what each adds, and whether the probabilities hold. Prints a Markdown table.

    python tests/benchmarks/next_step.py                               # the merchandise store, four splits
    python tests/benchmarks/next_step.py --data demo_personas --splits 2 --target event_name

Users and moments are those of the task `next page` (`next event`) on the tuning splits, see docs/evaluation.md. `-`
takes a group of features away from the counts, which then are weighed anew.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.clusters.posterior import calibration_error, reliability_of
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.encode import next_probabilities
from beha2vec_core.encoder.encoder import BehaviorEncoder
from beha2vec_core.encoder.next_step.model import fit_feature_weights
from beha2vec_core.encoder.next_step.moments import Target, last_moments, past_moments
from beha2vec_core.encoder.validation import held_out_users
from beha2vec_core.evaluation.encoder import encoder_input
from beha2vec_core.evaluation.splits import Split
from beha2vec_core.evaluation.tasks.next_step import K, positions
from beha2vec_core.events.sequences import Sequences, build_sequences
from tests.benchmarks.data_sets import NAMES, load
from tests.benchmarks.splits import repeated_splits

Array = npt.NDArray[np.float64]

GROUPS = {
    "one and two steps of memory": ("after last", "after last two", "after before last", "after last three"),
    "the last event": ("after event", "after event name", "after last and event", "is event's"),
    "the month": ("after month",),
    "own history": ("came before", "came lately", "is last", "is before last"),
    "the site's tree": ("below", "above", "beside", "same section"),
}
COLUMNS = ("recall@10", "MRR@10", "log p", "calibration error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=NAMES, default="merch_store")
    parser.add_argument("--target", choices=("page", "event_name"), default="page")
    parser.add_argument("--splits", type=int, default=4, help="tuning splits")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, list[Array]] = defaultdict(list)
    splits = repeated_splits(load(asked.data).events, asked.splits)
    for split in tqdm(splits, unit="split"):
        for name, figures in judge(split, asked.target).items():
            rows[name].append(figures)
    print(f"| {asked.data}, {asked.target} | {' | '.join(COLUMNS)} |\n|---|{'---|' * len(COLUMNS)}")
    for name, found in rows.items():
        means, deviations = np.mean(found, axis=0), np.std(found, axis=0)
        cells = (f"{mean:.3f} ± {deviation:.3f}" for mean, deviation in zip(means, deviations, strict=True))
        print(f"| {name} | {' | '.join(cells)} |")


def judge(split: Split, target: Target) -> dict[str, Array]:
    """The figures of the whole and of its parts on one split."""
    encoder = BehaviorEncoder.fit(
        encoder_input(split.fit), train_config=TrainConfig(seed=split.repeat, device="cpu", progress=False)
    )
    vocabularies, whole = encoder.fields.vocabularies, encoder.next_steps[target]
    judged = positions(split.judged, target)
    sequences = histories(judged.events, encoder)
    moments = last_moments(sequences, vocabularies, target)
    network = next_probabilities(encoder.network, encoder.fields, sequences, moments.row, target)
    place = {value: i for i, value in enumerate(vocabularies[target].values)}
    truth = np.array([place.get(value, moments.size) for value in judged.truth])

    parts = {
        "popularity": np.tile(whole.popularity, (len(moments), 1)),
        "network": network.astype(np.float64),
        "counts": whole.probabilities(moments),
        "counts and network": whole.probabilities(moments, network),
    }
    fitted = histories(split.fit, encoder)
    held_out = held_out_users(fitted, encoder.train_config.held_out)
    learned = past_moments(fitted.select(np.flatnonzero(~held_out)), vocabularies, target)
    for name, group in GROUPS.items():
        if set(group) & whole.weights.keys():
            weights = fit_feature_weights(learned, whole.tree, without=group)
            parts[f"counts - {name}"] = replace(whole, weights=weights).probabilities(moments)
    return {name: figures(p, truth, judged.users) for name, p in parts.items()}


def histories(events: pd.DataFrame, encoder: BehaviorEncoder) -> Sequences:
    """The events as the encoder reads them."""
    return build_sequences(
        encoder_input(events), optional_text=encoder.fields.text_columns, max_length=encoder.config.max_length
    )


def figures(p: Array, truth: npt.NDArray[np.int64], users: npt.NDArray[np.object_]) -> Array:
    """Recall@10, MRR@10 and log p, means over moments, then users; and the calibration error of the first guess."""
    n, known = len(truth), p[:, :-1]
    own = np.where(truth < known.shape[1], p[np.arange(n), truth], np.inf)
    place = np.where(np.isinf(own), np.inf, (known > own[:, None]).sum(1) + 1)
    table = pd.DataFrame({
        "recall": place <= K, "mrr": np.where(place <= K, 1 / place, 0), "log p": np.log(p[np.arange(n), truth]),
    })  # fmt: skip
    means = table.groupby(users).mean().mean().to_numpy()
    return np.append(means, calibration_error(reliability_of(p, truth)))


if __name__ == "__main__":
    main()
