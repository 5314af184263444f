"""How well k is chosen where the groups are known, beside two simpler rules: python tests/benchmarks/choice_of_k.py.

Synthetic users: 4 to 10 groups of equal or unequal size and spread, some of them nested, some with noise users, in 8 to
48 dimensions. The rule was found on ``--part tune`` and scored once on ``--part score``. Prints for each rule the mean
adjusted Rand index with the groups, how far it is from that of the best k (mean and worst), and how often k is the
number of groups. A minute for five data sets.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from beha2vec_core.clusters.kmeans import kmeans
from beha2vec_core.clusters.stability import choose_k, stability_curve
from beha2vec_core.clusters.unit import normalise

FIRST_SEED = {"tune": 0, "score": 2000}
KS = range(4, 13)


def synthetic(seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Vectors [n, dim], the group of each (-1: a noise user) and the number of groups."""
    rng = np.random.default_rng([2024, seed])
    k, dim, n = (
        int(rng.choice([4, 5, 6, 7, 8, 9, 10])),
        int(rng.choice([8, 16, 48])),
        int(rng.choice([800, 1500, 2500])),
    )
    shares = np.maximum(rng.dirichlet(np.full(k, float(rng.choice([1.5, 4, 30])))), 0.04)
    shares /= shares.sum()
    kind = str(rng.choice(["flat", "nested", "unequal spread"]))
    centers = rng.normal(size=(k, dim))
    if kind == "nested":
        parents = rng.normal(size=(max(2, k // 2), dim))
        centers = 1.2 * parents[np.arange(k) % len(parents)] + 0.8 * centers
    spread = float(rng.choice([0.35, 0.55, 0.75]))
    spreads = spread * rng.uniform(0.5, 1.5, k) if kind == "unequal spread" else np.full(k, spread)
    group = rng.choice(k, n, p=shares)
    vectors = centers[group] + spreads[group][:, None] * rng.normal(size=(n, dim))
    noise_share = float(rng.choice([0, 0, 0.1, 0.2]))
    noise = rng.random(n) < noise_share
    vectors[noise] = rng.normal(size=(noise.sum(), dim)) * np.sqrt(1 + spread**2)
    return vectors.astype(np.float32), np.where(noise, -1, group), k


def measure(seed: int) -> pd.DataFrame:
    """One row a rule: the k it chooses, the agreement with the groups, that of the best k, and how many there are."""
    vectors, group, groups = synthetic(seed)
    points = normalise(vectors)
    curve = stability_curve(points, KS, seed=0, progress=False)
    agreement = {k: adjusted_rand_score(group, kmeans(points, k, seed=0)[1]) for k in curve["k"]}
    fitting = curve[(curve["largest_share"] <= 0.5) & (curve["smallest_share"] >= 0.01)]
    fitting = curve if fitting.empty else fitting
    chosen = {
        "largest stable k": choose_k(curve, min_share=0.01, max_share=0.5).k,
        "most stable k": int(fitting.loc[fitting["stability_ari"].idxmax(), "k"]),
        "largest silhouette": int(fitting.loc[fitting["silhouette"].idxmax(), "k"]),
    }
    return pd.DataFrame(
        {
            "rule": chosen.keys(),
            "k": chosen.values(),
            "ari": [agreement[k] for k in chosen.values()],
            "best": max(agreement.values()),
            "groups": groups,
        }
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=FIRST_SEED, default="tune")
    parser.add_argument("--sets", type=int, default=24, help="data sets")
    asked = parser.parse_args()
    first = FIRST_SEED[asked.part]
    found = pd.concat([measure(seed) for seed in range(first, first + asked.sets)])
    found = found.assign(short=found["best"] - found["ari"], hit=found["k"] == found["groups"])
    print(f"{'rule':<20} {'ARI':>6} {'short of the best k':>20} {'at worst':>9} {'k is the number of groups':>26}")
    for rule, part in found.groupby("rule", sort=False):
        print(
            f"{rule:<20} {part['ari'].mean():>6.3f} {part['short'].mean():>20.3f} {part['short'].max():>9.3f} "
            f"{part['hit'].mean():>26.0%}"
        )


if __name__ == "__main__":
    main()
