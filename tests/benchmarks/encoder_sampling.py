"""Whether the sampled softmax predicts the next page as well as the exact one. Prints a Markdown table.

    python tests/benchmarks/encoder_sampling.py
    python tests/benchmarks/encoder_sampling.py --locked --data online_retail

Of each data set `--users` users outside the locked fifth are drawn by hash. The encoder learns from four fifths of them
and is evaluated on the others, or with `--locked` on the locked fifth. All variants have the same users, seeds and
epochs. `network` is the encoder's own prediction, `with counts` that of `predict_next`.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.encode import next_probabilities
from beha2vec_core.encoder.encoder import BehaviorEncoder
from beha2vec_core.encoder.next_step.moments import past_moments
from beha2vec_core.evaluation.encoder import encoder_input
from beha2vec_core.evaluation.splits import user_hash
from tests.benchmarks.data_sets import logs
from tests.benchmarks.next_step import figures, histories
from tests.benchmarks.splits import is_locked

# full_softmax, and softmax_sample
VARIANTS = {"exact": (10**9, 512), "sampled, 512 draws": (1, 512), "sampled, 128 draws": (1, 128)}
DATA = ("merch_store", "demo_personas", "demo_intent", *logs.READERS)
MOMENTS = 4_000


def main() -> None:
    parser = parser_of(__doc__, users=1_500, epochs=5)
    parser.add_argument("--variants", nargs="+", choices=tuple(VARIANTS), default=tuple(VARIANTS))
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print("| data | pages | softmax | network: MRR@10 | recall@10 | with counts: MRR@10 | recall@10 | fit, CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    for name in asked.data:
        fit, judged = part(name, asked.users, asked.locked)
        for variant in asked.variants:
            full, draws = VARIANTS[variant]
            rows = []
            for seed in range(asked.seeds):
                settings = TrainConfig(
                    epochs=asked.epochs,
                    seed=seed,
                    device="cpu",
                    progress=False,
                    full_softmax=full,
                    softmax_sample=draws,
                )
                started = time.process_time()
                encoder = BehaviorEncoder.fit(encoder_input(fit), EncoderConfig(), settings)
                seconds = time.process_time() - started
                rows.append([*judge(encoder, judged), seconds])
            means, deviations = np.mean(rows, axis=0), np.std(rows, axis=0)
            cells = [f"{mean:.3f} ± {deviation:.3f}" for mean, deviation in zip(means[:4], deviations[:4], strict=True)]
            pages = len(encoder.fields.vocabularies["page"].values)
            print(f"| {name} | {pages:,} | {variant} | {' | '.join(cells)} | {means[4]:.0f} |", flush=True)


def parser_of(description: str | None, *, users: int, epochs: int) -> argparse.ArgumentParser:
    """The options that benchmarks of parts of logs share, with these defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=DATA, default=("merch_store", "demo_personas"))
    parser.add_argument("--users", type=int, default=users, help="to learn from, at most")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--locked", action="store_true", help="evaluate on the locked fifth, for the final table only")
    return parser


def part(name: str, users: int, locked: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events to learn from and to judge by."""
    events = logs.read_events(name)
    hidden = is_locked(events["user_key"])
    rank = {user: user_hash(user, "sampling") for user in events["user_key"].unique()}
    tuning = pd.Series(rank)[events.loc[~hidden, "user_key"].unique()].sort_values().index[:users]
    judged = set(tuning[: len(tuning) // 5])
    learned = events["user_key"].isin(set(tuning) - judged)
    return events[learned], events[hidden if locked else events["user_key"].isin(judged)]


def judge(encoder: BehaviorEncoder, events: pd.DataFrame) -> list[float]:
    """MRR@10 and recall@10 of the network, then of the network with the counts."""
    sequences = histories(events, encoder)
    moments = past_moments(sequences, encoder.fields.vocabularies, "page")
    moments = moments.select(np.arange(len(moments))[:: max(1, len(moments) // MOMENTS)])
    network = next_probabilities(encoder.network, encoder.fields, sequences, moments.row, "page")
    found: list[float] = []
    for p in (network.astype(np.float64), encoder.next_steps["page"].probabilities(moments, network)):
        recall, mrr, _, _ = figures(p, moments.truth, moments.user.astype(object))
        found += [mrr, recall]
    return found


if __name__ == "__main__":
    main()
