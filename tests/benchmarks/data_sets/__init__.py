"""The data sets of the evaluation, one module each. What belongs here: reading them. What does not: any judgement.

- ``export``: an export of GA4, any user's own or the merchandise store's; ``warehouse``: what dbt made of one
- ``demo``: the demo shop in two frozen editions; ``intent``: how the second one plants its signal
- ``customers``: the demo shop's customers with the true probability of what they do; ``customers_export`` writes them
- ``logs_export``: real logs of purchases and posts, as they are and written as exports
- ``movielens``, ``cdnow``: public sets, fetched on demand (``wheel``)
- ``base``: what all sets look like; ``addresses``: pages from addresses
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from tests.benchmarks.data_sets.base import DataNotFoundError, EvaluationData
from tests.benchmarks.data_sets.demo import demo_intent, demo_personas
from tests.benchmarks.data_sets.export import from_export, merch_store
from tests.benchmarks.data_sets.logs_export import LOGS, as_data
from tests.benchmarks.data_sets.movielens import movielens_100k
from tests.benchmarks.data_sets.warehouse import from_warehouse

__all__ = ["NAMES", "OWN", "DataNotFoundError", "EvaluationData", "load"]

# what anyone can load, and what a team brings
NAMES = ("merch_store", "demo_personas", "demo_intent", "movielens_100k", *LOGS)
OWN = "own"

_BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data"


def data_folder() -> Path:
    """Where real data lie: the variable BEHA2VEC_EVALUATION_DATA, else ``../shared/data`` beside the project."""
    return Path(os.environ.get("BEHA2VEC_EVALUATION_DATA") or _BESIDE)


def cache_folder() -> Path:
    """Where fetched data are kept: ``evaluation`` in the folder of the variable BEHA2VEC_DATA_DIR, else in ``data``."""
    return Path(os.environ.get("BEHA2VEC_DATA_DIR") or "data") / "evaluation"


def load(
    name: str,
    *,
    source: str | Path | None = None,
    below: Collection[str] = (),
    folder: Path | None = None,
    cache: Path | None = None,
) -> EvaluationData:
    """A data set by name.

    Args:
        name: one of `NAMES`, or ``own``.
        source: of ``own``: a ``.duckdb`` file (warehouse or serving database), or an export (file, folder or glob).
        below: of ``own``: first levels of paths that only wrap the site's sections (see `section`).
        folder: where real data lie; by default `data_folder`.
        cache: where what was fetched or read is kept; by default `cache_folder`.

    Raises:
        DataNotFoundError: the data are not on this machine; the message says what is missing and the remedy.
        ValueError: there is no such name, or ``own`` without a source.
    """
    folder, cache = folder or data_folder(), cache or cache_folder()
    match name:
        case "merch_store":
            return merch_store(folder, cache)
        case "demo_personas":
            return demo_personas()
        case "demo_intent":
            return demo_intent()
        case "movielens_100k":
            return movielens_100k(cache)
        case _ if name in LOGS:
            return as_data(name, folder=folder, cache=cache)
        case "own" if source is not None:
            if Path(source).suffix == ".duckdb":
                return from_warehouse(Path(source), below=below)
            return from_export(str(source), below=below, cache=cache)
        case "own":
            raise ValueError("name the source of your own data: a warehouse.duckdb or serving.duckdb, or an export")
    raise ValueError(f"there is no data set {name!r}; choose from {', '.join((*NAMES, OWN))}")
