"""What each part of the encoder is worth: the default with one thing changed at a time, see docs/encoder.md.

    make bench-ablation
    python tests/benchmarks/encoder_ablation.py --only objectives pooling --repeats 4

Judged by the protocol of `make bench-encoder` on its tuning splits; the locked fifth is not looked at. A cell is the
mean over repeats; the last column of a variant tells how long it took, beside whatever else ran.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.encoder.config import DEFAULT_TOKEN_FIELDS, EncoderConfig, TrainConfig
from beha2vec_core.evaluation.tasks import content, intent, next_step, retrieval
from beha2vec_core.evaluation.tasks.base import Task
from tests.benchmarks.data_sets import DataNotFoundError, load
from tests.benchmarks.protocol import judge
from tests.benchmarks.rivals import ours
from tests.benchmarks.tasks import personas


class Variant(NamedTuple):
    about: str
    config: EncoderConfig
    train: TrainConfig


class Column(NamedTuple):
    title: str
    data: str
    task: Task
    metric: str
    vector: str  # of ours


COLUMNS = (
    Column("shop: intent AUROC", "merch_store", intent.TASK, "auroc", "ours"),
    Column("halves MRR, identity", "merch_store", retrieval.TASK, "mrr", "ours, identity"),
    Column("next page MRR@10", "merch_store", next_step.NEXT_PAGE, "mrr@10", "ours"),
    Column("eta² of length", "merch_store", content.TASK, "eta2 of length", "ours"),
    Column("of content", "merch_store", content.TASK, "eta2 of content", "ours"),
    Column("largest", "merch_store", content.TASK, "largest cluster", "ours"),
    Column("demo: personas ARI", "demo_personas", personas.TASK, "ari", "ours"),
    Column("planted order: intent AUROC", "demo_intent", intent.TASK, "auroc", "ours"),
)
BASE, TRAIN = EncoderConfig(), TrainConfig(progress=False)


def variants() -> dict[str, list[Variant]]:
    """By group; the default comes first, by itself."""
    weights = dict(TRAIN.objectives)

    def objectives(**changed: float) -> TrainConfig:
        return replace(TRAIN, objectives={name: w for name, w in (weights | changed).items() if w > 0})

    def alone(name: str) -> TrainConfig:
        return replace(TRAIN, objectives={name: 1.0})

    fields = DEFAULT_TOKEN_FIELDS
    without = {name: tuple(field for field in fields if field != name) for name in fields}
    return {
        "default": [Variant("the default", BASE, TRAIN)],
        "objectives": [
            *(Variant(f"without {name}", BASE, objectives(**{name: 0.0})) for name in weights),
            *(Variant(f"with {name}", BASE, objectives(**{name: 1.0})) for name in ("triplet", "masked")),
            *(Variant(f"{name} alone", BASE, alone(name)) for name in (*weights, "triplet", "masked")),
        ],
        "fields": [
            *(Variant(f"without {name}", replace(BASE, token_fields=kept), TRAIN) for name, kept in without.items()),
            Variant("with title", replace(BASE, token_fields=(*fields, "title")), TRAIN),
            Variant("without theme and page type", replace(BASE, optional_fields=()), TRAIN),
            Variant("page id, event name, gap only", replace(BASE, token_fields=("gap",), optional_fields=()), TRAIN),
            Variant(
                "page 0.5, theme 0.3, page type 0.2",
                replace(BASE, modality_weights={"page": 0.5, "theme": 0.3, "page_type": 0.2}),
                TRAIN,
            ),
        ],
        "pooling": [Variant(f"pooling {name}", replace(BASE, pooling=name), TRAIN) for name in ("mean", "last")],  # type: ignore[arg-type]
        "size": [
            *(Variant(f"dim {dim}", replace(BASE, dim=dim), TRAIN) for dim in (32, 64, 128)),
            *(Variant(f"{layers} layers", replace(BASE, layers=layers), TRAIN) for layers in (2, 3)),
            Variant("feed-forward 4", replace(BASE, feed_forward=4), TRAIN),
            Variant("2 layers, dim 64, feed-forward 4", replace(BASE, layers=2, dim=64, feed_forward=4), TRAIN),
            *(Variant(f"dropout {rate}", replace(BASE, dropout=rate), TRAIN) for rate in (0.1, 0.3)),
            Variant("batches of 128 users", BASE, replace(TRAIN, batch_users=128, batch_tokens=8192)),
        ],
    }


def figures(variant: Variant, data: str, repeats: int) -> tuple[dict[str, float], float]:
    """The mean of each column of a data set, by title, and the seconds it took; nothing where the data are absent."""
    started = time.perf_counter()
    columns = [column for column in COLUMNS if column.data == data]
    methods = ours(variant.config, variant.train)
    try:
        events = load(data)
    except DataNotFoundError:
        return {}, 0.0
    found = {}
    for vector in dict.fromkeys(column.vector for column in columns):
        tasks = list({column.task.name: column.task for column in columns if column.vector == vector}.values())
        judged = judge(
            replace(events, temporal=False), methods[vector], costly_repeats=repeats, tasks=tasks, progress=False
        )
        for column in columns:
            values = [
                one.outcome.value
                for one in judged
                if column.vector == vector
                and (one.outcome.task, one.outcome.metric) == (column.task.name, column.metric)
            ]
            if values:
                found[column.title] = sum(values) / len(values)
    return found, time.perf_counter() - started


def row(about: str, found: Mapping[str, float], seconds: float) -> str:
    cells = [f"{found[column.title]:.3f}" if column.title in found else "-" for column in COLUMNS]
    return f"| {about} | {' | '.join(cells)} | {seconds:.0f} |"


def main() -> None:
    groups = variants()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=[name for name in groups if name != "default"], help="of the groups"
    )
    parser.add_argument("--repeats", type=int, default=2, help="splits of each data set")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side, one thread each")
    asked = parser.parse_args()
    chosen = [
        variant for name, some in groups.items() if name in ("default", *(asked.only or groups)) for variant in some
    ]
    datasets = tuple(dict.fromkeys(column.data for column in COLUMNS))
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        running = [[pool.submit(figures, variant, data, asked.repeats) for data in datasets] for variant in chosen]
        print(f"| variant | {' | '.join(column.title for column in COLUMNS)} | seconds |")
        print("|---" * (len(COLUMNS) + 2) + "|")
        for variant, parts in zip(chosen, tqdm(running, unit="variant"), strict=True):
            done = [part.result() for part in parts]
            found = {title: value for values, _ in done for title, value in values.items()}
            print(row(variant.about, found, sum(seconds for _, seconds in done)), flush=True)


if __name__ == "__main__":
    main()
