"""How often the likely cluster after one, two or three events is a user's later one. Prints a Markdown table.

    python tests/benchmarks/likely_clusters.py
    python tests/benchmarks/likely_clusters.py --locked --data merch_store

Encoder, clusters and posterior learn from the users of a tuning split (with `--locked`, from all users outside the
locked fifth). The others are evaluated if they have more than three events: their later cluster is that of all their
events. `base rate` guesses the largest cluster, `nearest centroid` that of the vector of the first events, `posterior`
the most likely one. `named` is the share of users whose probability reaches the threshold, `right` how often the
cluster is the later one for them. `if calibrated` is the calibration error (ECE) that so many users would show if every
probability were exactly right: the mean and the 95% range of drawing later clusters by the model's own probabilities.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.clusters import ClusterModel, fit_clusters
from beha2vec_core.clusters.kmeans import nearest
from beha2vec_core.clusters.posterior import calibration_error, fit_posterior, reliability_of
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.encoder import BehaviorEncoder
from beha2vec_core.evaluation.encoder import encoder_input
from beha2vec_core.store.vectors import as_matrix
from tests.benchmarks.data_sets import logs
from tests.benchmarks.encoder_sampling import parser_of
from tests.benchmarks.splits import is_locked, locked_split, repeated_splits

LENGTHS = (1, 2, 3)
DRAWS = 1_000


def main() -> None:
    parser = parser_of(__doc__, users=3_000, epochs=TrainConfig().epochs)
    parser.add_argument("--k", type=int, help="number of clusters; by default chosen by stability")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    titles = ("users", "base rate", "nearest centroid", "posterior", "named", "right", "ECE", "if calibrated")
    print(f"| data, clusters | first events | {' | '.join(titles)} |")
    print("|---" * (len(titles) + 2) + "|")
    for name in asked.data:
        events = logs.read_events(name)
        if len(users := events["user_key"].unique()) > asked.users * 2:
            kept = np.random.default_rng(0).choice(users, asked.users * 2, replace=False)
            events = events[events["user_key"].isin(set(kept) | set(users[is_locked(pd.Series(users))][: asked.users]))]
        split = locked_split(events) if asked.locked else repeated_splits(events, 1)[0]
        fit, judged = encoder_input(split.fit), encoder_input(split.judged)
        settings = TrainConfig(epochs=asked.epochs, device="cpu", progress=False)
        print_data(name, BehaviorEncoder.fit(fit, EncoderConfig(), settings), fit, judged, asked.k)


def print_data(name: str, encoder: BehaviorEncoder, fit: pd.DataFrame, judged: pd.DataFrame, k: int | None) -> None:
    whole = encoder.encode(fit).filter(~pa.compute.field("low_evidence"))
    model = fit_clusters(as_matrix(whole["behavior"]), k=k, progress=False)
    early = pa.concat_tables([encoder.encode(fit, first=n) for n in LENGTHS])
    early = early.filter(pa.compute.is_in(early["user_key"], whole["user_key"]))
    posterior = fit_posterior(
        as_matrix(early["behavior"]), later_clusters(model, whole, early), early["user_key"].to_pylist(), model.k
    )
    if posterior is None:
        print(f"| {name}, {model.k} | too few users or one cluster | | | | | | | | |", flush=True)
        return
    enough = judged[judged.groupby("user_key")["page"].transform("size") > max(LENGTHS)]
    whole = encoder.encode(enough)
    firsts = {str(n): encoder.encode(enough, first=n) for n in LENGTHS}
    for length, early in (firsts | {"1 to 3": pa.concat_tables(firsts.values())}).items():
        vectors, truth = as_matrix(early["behavior"]), later_clusters(model, whole, early)
        probabilities = posterior.probabilities(vectors)
        right = probabilities.argmax(1) == truth
        named = probabilities.max(1) >= posterior.threshold
        shown = (
            (truth == model.shares.argmax()).mean(),
            (nearest(vectors, model.centroids) == truth).mean(),
            right.mean(),
            named.mean(),
            right[named].mean() if named.any() else float("nan"),
            calibration_error(reliability_of(probabilities, truth)),
        )
        cells = " | ".join(f"{value:.3f}" for value in shown)
        mean, low, high = calibrated_error(probabilities, early["user_key"].to_pylist())
        cells += f" | {mean:.3f} [{low:.3f}, {high:.3f}]"
        print(f"| {name}, {model.k} | {length} | {len(truth):,} | {cells} |", flush=True)
    print(
        f"\n{name}: {sum(one.parts for one in posterior.reliability):,} vectors to learn from, threshold "
        f"{posterior.threshold:.1f}, ECE of held-out users {calibration_error(posterior.reliability):.3f}\n",
        flush=True,
    )


def calibrated_error(probabilities: NDArray[np.float64], user: list[str]) -> tuple[float, float, float]:
    """Mean and 95% range of the calibration error if the probabilities are right: by luck alone it is above 0.

    All rows of a user are right or wrong together, as they share the later cluster, by one draw a user.
    """
    _, owner = np.unique(user, return_inverse=True)
    rng = np.random.default_rng(0)
    best = probabilities.argmax(1)
    wrong = (best + 1) % probabilities.shape[1]
    errors = []
    for _ in range(DRAWS):
        is_right = rng.random(owner.max() + 1)[owner] < probabilities.max(1)
        errors.append(calibration_error(reliability_of(probabilities, np.where(is_right, best, wrong))))
    low, high = np.quantile(errors, (0.025, 0.975))
    return float(np.mean(errors)), float(low), float(high)


def later_clusters(model: ClusterModel, whole: pa.Table, early: pa.Table) -> NDArray[np.int64]:
    """The row of the centroid that each early vector's user is nearest to with all events."""
    rows = nearest(as_matrix(whole["behavior"]), model.centroids)
    return rows[np.asarray(pa.compute.index_in(early["user_key"], whole["user_key"]))]


if __name__ == "__main__":
    main()
