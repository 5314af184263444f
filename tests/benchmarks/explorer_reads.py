"""What the explorer and the chat read, without a browser: ``python tests/benchmarks/explorer_reads.py --help``.

Each query of the pages, and each part of the chat's first answer, on a publication of many users (as
`explorer_speed.py` makes it): seconds and CPU seconds of the first time it is asked, which is what a person waits for.
CPU seconds say what it takes on a machine that has nothing else to do. Slow ones first.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from beha2vec_core.audiences.file import Audience
from beha2vec_core.chat.data.published import Published as Chat
from beha2vec_core.explorer.data import audiences, clusters, lookalikes, map, model, overview, pages, predictions, user
from beha2vec_core.explorer.published import Published
from beha2vec_core.progress import with_progress

FUNCTIONS = (
    overview.highlights, overview.totals, overview.funnel, overview.weekly_change, overview.weeks, overview.moves,
    overview.lineage, overview.users_by_day, clusters.sizes, clusters.size_over_time, map.points, map.users_on_map,
    map.themes, model.encoder, model.evaluation, model.gains, model.drift, model.quality, pages.coverage,
    pages.to_review, predictions.model, predictions.choices, predictions.currency, predictions.expected_purchases,
    audiences.last_night,
)  # fmt: skip
OF_CHAT = (Chat.overview, Chat.contents, Chat.sheets, Chat.funnels, Chat.predicted, Chat.rounding, Chat.how_many)
RULE = Audience(name="new", rule="sessions > 3 and probability('purchase', 28) < 0.5")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("published", type=Path, help="a serving.duckdb")
    parser.add_argument("--rounds", type=int, default=3, help="of each; the fastest counts (default: %(default)s)")
    asked = parser.parse_args()
    found = []
    for name, read in with_progress(list(reads(asked.published).items()), title="reads", unit="read"):
        of_rounds = []
        for _ in range(asked.rounds):
            published = Published(asked.published)
            began, used = time.perf_counter(), time.process_time()
            read(published)
            of_rounds.append((time.perf_counter() - began, time.process_time() - used))
        found.append((name, *np.min(of_rounds, axis=0)))
    print("| | seconds | CPU seconds |\n|---|---:|---:|")
    for name, seconds, cpu in sorted(found, key=lambda row: -row[2]):
        print(f"| {name} | {seconds:.2f} | {cpu:.2f} |")


def reads(path: Path) -> dict[str, Callable[[Published], object]]:
    """What is read, by its name."""
    published = Published(path)
    keys = published.query(
        """select user_key, map_x, map_y from beha2vec.user_clusters_current semi join
        (select user_key from beha2vec.user_embeddings_current where not low_evidence) using (user_key)
        order by hash(user_key) limit 300"""
    )
    key, seeds = str(keys["user_key"][0]), tuple(keys["user_key"].tolist())
    theme = map.themes(published)[0]
    target, (*_, horizon) = next(iter(predictions.choices(published).items()))
    x, y = keys[["map_x", "map_y"]].median().tolist()
    near = [(x - 2, y - 2), (x + 2, y - 2), (x + 2, y + 2), (x - 2, y + 2)]
    group = tuple(map.inside(published, near))
    found: dict[str, Callable[[Published], object]] = {
        f"{one.__module__.rpartition('.')[2]}: {one.__name__}": one for one in FUNCTIONS
    }
    for one in (user.about, user.sessions, user.events, user.cluster_days, user.nearest, predictions.of_user):
        found[f"user: {one.__name__}"] = partial(_with, one, key)
    for one in (predictions.totals, predictions.deciles, predictions.distribution, predictions.first_decile):
        found[f"predictions: {one.__name__}"] = partial(_with, one, target, horizon)
    found["map: theme_share"] = partial(_with, map.theme_share, theme)
    found["map: inside"] = partial(_with, map.inside, near)
    found[f"map: group_profile of {len(group):,} users"] = partial(_with, map.group_profile, group)
    found["look-alikes: find"] = partial(_with, lookalikes.find, seeds)
    found["look-alikes: estimate_holdout"] = lambda it: lookalikes.estimate_holdout(
        it, lookalikes.find(it, seeds), 500, False
    )
    found["look-alikes: best"] = lambda it: lookalikes.best(it, lookalikes.find(it, seeds), "centroid", 500, False)
    found["audiences: preview"] = partial(_with, audiences.preview, RULE, (), b"secret")
    for of_chat in OF_CHAT:
        found[f"chat: {of_chat.__name__}"] = partial(_of_chat, of_chat)
    return found


def _with(read: Callable[..., object], *arguments: object) -> object:
    *more, published = arguments
    return read(published, *more)


def _of_chat(read: Callable[[Chat], object], published: Published) -> object:
    return read(Chat(published.path))


if __name__ == "__main__":
    main()
