"""How well the clusters of the demo export agree with its planted personas, beside K-Means over bags of pages.

Run after `make demo`:  make bench-demo
Prints, at the k of the cluster model and at 8 (the number of personas): the adjusted Rand index against the truth file,
the share of the variance of log page views that the labels explain (eta squared), and the largest cluster. First of all
users, where those with too little evidence are one cluster more (which differs from the others in page views by what it
is); then of the users with enough evidence, whom the clusters are about; then what it would be like if the others were
put into the nearest of these clusters, for all users and for those alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from beha2vec_core.clusters import ClusterModel, eta_squared
from beha2vec_core.settings import ExportSettings

SEEDS = range(5)


@dataclass
class Agreement:
    """One row of the table; K-Means over several seeds gives the mean."""

    method: str
    users: int
    k: int
    ari: float
    eta_squared: float
    largest_share: float


def measure(data_dir: Path, truth: Path) -> list[Agreement]:
    """The table for a materialized demo export."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.preprocessing import normalize

    with duckdb.connect(str(data_dir / "serving.duckdb"), read_only=True) as connection:
        version = _cluster_model(connection)
        table = connection.sql(
            f"""
            select persona, cluster_key, page_views, behavior, low_evidence, pages
            from beha2vec.user_clusters_current
            join beha2vec.user_embeddings_current using (user_key)
            join ga4.dim_ga4__users using (user_key)
            join read_parquet('{truth}') using (user_pseudo_id)
            join (
                select user_key, list(page_key) as pages from ga4.fct_ga4__page_views
                where page_key is not null group by user_key
            ) using (user_key)
            order by user_key
            """
        ).to_arrow_table()
    personas = np.asarray(table["persona"].to_pylist())
    log_views = np.log(np.maximum(np.asarray(table["page_views"], dtype=float), 1))
    clusters = np.asarray(table["cluster_key"])
    vectors = np.asarray(table["behavior"].to_pylist(), dtype=np.float32)
    bags = normalize(CountVectorizer(analyzer=lambda pages: pages).fit_transform(table["pages"].to_pylist()))
    model = ClusterModel.load(data_dir / "cluster_models" / f"{version}.npz")
    guessed, k = model.assign(vectors).cluster_key, model.k
    enough = ~np.asarray(table["low_evidence"])
    rows = []
    for which in (np.ones_like(enough), enough):
        of = (personas[which], log_views[which])
        rows.append(_row("user_clusters (as materialized)", k, [clusters[which]], *of))
        for size in sorted({k, len(set(personas))}):
            for name, points in (("K-Means over behavior vectors", vectors), ("K-Means over bags of pages", bags)):
                rows.append(_row(name, size, _kmeans(points[which], size), *of))
    for name, which in (("user_clusters, the rest guessed", enough | ~enough), ("the rest, guessed", ~enough)):
        rows.append(_row(name, k, [guessed[which]], personas[which], log_views[which]))
    return rows


def _kmeans(points: np.ndarray, k: int) -> Iterator[np.ndarray]:
    from sklearn.cluster import KMeans

    for seed in SEEDS:
        yield KMeans(k, n_init=10, random_state=seed).fit_predict(points)


def _row(
    method: str, k: int, labelings: Iterator[np.ndarray] | list[np.ndarray], personas: np.ndarray, log_views: np.ndarray
) -> Agreement:
    from sklearn.metrics import adjusted_rand_score

    found = [
        (adjusted_rand_score(personas, labels), eta_squared(labels, log_views), _largest(labels))
        for labels in labelings
    ]
    return Agreement(method, len(personas), k, *(float(value) for value in np.mean(found, axis=0)))


def _cluster_model(connection: duckdb.DuckDBPyConnection) -> str:
    ((version,),) = connection.execute("select cluster_model_version from beha2vec.cluster_model_current").fetchall()
    return str(version)


def _largest(labels: np.ndarray) -> float:
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def draw_map(data_dir: Path, out: Path) -> None:
    """The picture of the README: users by behavior vector, colored and named by cluster."""
    from beha2vec_dagster.lib.plots import user_map

    with duckdb.connect(str(data_dir / "serving.duckdb"), read_only=True) as connection:
        version = _cluster_model(connection)
        table = connection.sql(
            """select cluster_key, behavior from beha2vec.user_clusters_current
            join beha2vec.user_embeddings_current using (user_key) where cluster_key >= 0 order by user_key"""
        ).to_arrow_table()
        names = dict(connection.execute("select cluster_key, name from beha2vec.cluster_insights").fetchall())
    model = ClusterModel.load(data_dir / "cluster_models" / f"{version}.npz")
    positions = model.project_2d(np.asarray(table["behavior"].to_pylist(), dtype=np.float32))
    named = {key: name for key, name in names.items() if key in set(model.keys.tolist())}
    user_map(positions, np.asarray(table["cluster_key"]), named).savefig(out, dpi=110, bbox_inches="tight")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--map", type=Path, help="also draw the map of users to this file")
    asked = parser.parse_args()
    settings = ExportSettings.load()
    truth = Path(settings.export.source).with_name(Path(settings.export.source).name + "_truth.parquet")
    print(f"{'method':<32} {'users':>6} {'k':>3} {'ARI':>6} {'eta2 of log page views':>23} {'largest cluster':>16}")
    for row in measure(settings.storage.data_dir, truth):
        print(
            f"{row.method:<32} {row.users:>6,} {row.k:>3} {row.ari:>6.3f} {row.eta_squared:>23.3f} "
            f"{row.largest_share:>16.1%}"
        )
    if asked.map:
        draw_map(settings.storage.data_dir, asked.map)


if __name__ == "__main__":
    main()
