"""Look-alikes of the demo's planted personas: what the hold-out says of a list, and what is true.

For each persona, lists from 50 random users of it, several times. The truth file, which nothing else reads, says who of
a list is of the persona. ``make bench-lookalikes``; wants a materialized demo (``make demo``), or another folder with
``serving.duckdb`` and ``demo_export_truth.parquet``: ``--data``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from beha2vec_core.lookalikes import estimate_holdout, rank
from beha2vec_core.store.published import open_published

SEEDS = 50
LENGTHS = (100, 200, 400)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--draws", type=int, default=10, help="random seed lists of each persona")
    arguments = parser.parse_args()
    found = compare(arguments.data, arguments.draws)
    print(table(found))
    print()
    print(summary(found))


def compare(data: Path, draws: int) -> pd.DataFrame:
    """A row a persona, draw and length: method, share, share_true, precision, low, high, precision_true, found, ..."""
    connection = open_published(data / "serving.duckdb")
    truth = pd.read_parquet(data / "demo_export_truth.parquet")
    devices = connection.execute("select user_pseudo_id, user_key from ga4.int_ga4__identity_map").df()
    vectors = connection.execute(
        "select user_key from beha2vec.user_embeddings_current where not low_evidence"  # the others are never listed
    ).df()
    persona = devices.merge(truth, on="user_pseudo_id").drop_duplicates("user_key").set_index("user_key")["persona"]
    persona = persona.reindex(vectors["user_key"]).sort_index()
    rows = []
    for name in sorted(persona.dropna().unique()):
        of_persona = persona.index[persona == name].to_numpy()
        for draw in range(draws):
            seeds = np.random.default_rng(draw).choice(of_persona, min(SEEDS, len(of_persona) // 2), replace=False)
            holdout = estimate_holdout(connection, list(seeds), lengths=LENGTHS, seed=draw)
            best = rank(connection, list(seeds), holdout.method, limit=max(LENGTHS))
            right = (persona.reindex(best["user_key"]) == name).to_numpy()
            share = (len(of_persona) - len(seeds)) / holdout.candidates
            for estimate in holdout.estimates:
                true = float(right[: estimate.users].mean())
                rows.append(
                    {
                        "persona": name,
                        "method": holdout.method,
                        "users": estimate.users,
                        "share": holdout.share,
                        "share_true": share,
                        "precision": estimate.precision,
                        "low": estimate.precision_low,
                        "high": estimate.precision_high,
                        "true": true,
                        "lift": estimate.lift,
                        "lift_true": true / share,
                    }
                )
    return pd.DataFrame(rows)


def table(found: pd.DataFrame) -> str:
    """Means over the draws, as Markdown."""
    lines = ["| persona | share of candidates, estimated / true | " + " | ".join(f"best {n}" for n in LENGTHS) + " |"]
    lines.append("|---|---|" + "---|" * len(LENGTHS))
    for name, group in found.groupby("persona"):
        cells = [f"{group['share'].mean():.1%} / {group['share_true'].mean():.1%}"]
        for users in LENGTHS:
            part = group[group["users"] == users]
            cells.append(f"{part['precision'].mean():.0%} / {part['true'].mean():.0%}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(found: pd.DataFrame) -> str:
    """How far estimates are from the truth, and how often the interval has it (a point more or less allowed)."""
    lines = [
        "| length | mean error | mean absolute error | interval has the truth | mean width |",
        "|---|---|---|---|---|",
    ]
    for users, part in found.groupby("users"):
        error = part["precision"] - part["true"]
        inside = (part["low"] - 0.01 <= part["true"]) & (part["true"] <= part["high"] + 0.01)
        lines.append(
            f"| {users} | {error.mean():+.1%} | {error.abs().mean():.1%} | {inside.mean():.0%} of {len(part)} "
            f"| {(part['high'] - part['low']).mean():.0%} |"
        )
    share = (found["share"] - found["share_true"]).abs().mean()
    lift = (found["lift"] - found["lift_true"]).mean() / found["lift_true"].mean()
    methods = found.drop_duplicates(["persona", "share", "precision"])["method"].value_counts(normalize=True)
    lines += ["", f"share of candidates: mean absolute error {share:.1%}; lift: {lift:+.1%} on average"]
    lines += ["methods: " + ", ".join(f"{name} {part:.0%}" for name, part in methods.items())]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
