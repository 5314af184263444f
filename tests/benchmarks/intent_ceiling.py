"""What supervised models make of the intent task, given hand-made features and labels of journeys of every length.

    python tests/benchmarks/intent_ceiling.py --splits 20

The encoder knows no labels and its probe sees journeys of five page views only. Here a model is shown the labels of
the fitted users' journeys after 2 to 12 page views, eight times as many. What it reaches on the judged users is near
what a vector can be expected to know. Printed beside it: the same models shown journeys of five page views.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.evaluation.statistics import auroc
from beha2vec_core.evaluation.tasks import intent
from tests.benchmarks.data_sets import load
from tests.benchmarks.splits import repeated_splits

MODELS: dict[str, Callable[[], Any]] = {
    "logistic regression": lambda: make_pipeline(
        StandardScaler(), LogisticRegression(C=0.003, class_weight="balanced", max_iter=2000)
    ),
    "boosted trees": lambda: HistGradientBoostingClassifier(max_depth=3, max_iter=80, learning_rate=0.05),
    "random trees": lambda: ExtraTreesClassifier(400, min_samples_leaf=12, random_state=0),
}
LENGTHS = range(2, 13)
COLUMNS = ("page_type", "theme", "event_name", "section")
VALUES = 25

Labelled = tuple[pd.DataFrame, npt.NDArray[np.bool_]]


def features(events: pd.DataFrame, values: dict[str, list[str]]) -> pd.DataFrame:
    """Counts, the first and the last page view, the time between views, of each user in sorted order."""
    user, views = events["user_key"], events[events["is_page_view"]]
    by_user = views.groupby("user_key")
    first, last = (edge.set_index("user_key") for edge in (by_user.head(1), by_user.tail(1)))
    found: dict[str, pd.Series] = {}
    for column in COLUMNS:
        for value in values[column]:
            found[f"{column} {value}"] = (events[column] == value).groupby(user).sum()
            found[f"first {column} {value}"] = (first[column] == value).astype(float)
            found[f"last {column} {value}"] = (last[column] == value).astype(float)
    pause = np.log1p(by_user["event_timestamp"].diff() / 1e6).groupby(views["user_key"])
    found |= {f"{name} pause": pause.agg(name) for name in ("mean", "min", "max", "last")}
    found |= {"pages": by_user["page"].nunique(), "events": user.groupby(user).size()}
    return pd.DataFrame(found).fillna(0.0).sort_index()


def prefixes(events: pd.DataFrame, pages: int) -> Labelled:
    """As the task makes them, but after so many page views."""
    usual, intent.PAGES = intent.PAGES, pages
    try:
        return intent.prefixes(events)
    finally:
        intent.PAGES = usual


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="merch_store")
    parser.add_argument("--splits", type=int, default=20)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    events = load(asked.data).events
    values = {column: events[column].value_counts().index[:VALUES].tolist() for column in COLUMNS}
    reached: dict[tuple[str, str], list[float]] = {}
    for split in tqdm(repeated_splits(events, asked.splits), unit="split"):
        judged, label = intent.prefixes(split.judged)
        asked_of = features(judged, values).to_numpy(dtype=float)
        some = [prefixes(split.fit, pages) for pages in LENGTHS]
        shown = {
            "5 page views": [intent.prefixes(split.fit)],
            f"{LENGTHS[0]} to {LENGTHS[-1]} page views": [(log, labels) for log, labels in some if len(labels)],
        }
        for what, journeys in shown.items():
            known = np.concatenate([features(log, values).to_numpy(dtype=float) for log, _ in journeys])
            labels = np.concatenate([labels for _, labels in journeys])
            for name, make in MODELS.items():
                score = make().fit(known, labels).predict_proba(asked_of)[:, 1]
                reached.setdefault((name, what), []).append(auroc(score, label.astype(float)))
    print("| supervised model | shown | intent AUROC |\n|---|---|---|")
    for (name, what), figures in reached.items():
        print(f"| {name} | {what} | {np.mean(figures):.3f} ± {np.std(figures, ddof=1):.3f} |")


if __name__ == "__main__":
    main()
