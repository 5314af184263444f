"""What each part of the encoder is worth: the default with one thing changed at a time, see docs/encoder.md.

    make bench-ablation
    python tests/benchmarks/encoder_ablation.py --only objectives pooling --repeats 4
    python tests/benchmarks/encoder_ablation.py --only "other parts" "3 layers" --data merch_store

Judged by the protocol of `make bench-encoder` on its tuning splits; the locked fifth is not looked at. A cell is the
mean over repeats; the last column of a variant tells how long it took, beside whatever else ran. The second table has
the differences to the default with their 95% intervals, made as those of the results are.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.encoder.config import DEFAULT_TOKEN_FIELDS, EncoderConfig, TrainConfig
from beha2vec_core.evaluation.tasks import Column as ResultColumn
from beha2vec_core.evaluation.tasks import content, intent, next_step, retrieval
from beha2vec_core.evaluation.tasks.base import Task
from tests.benchmarks import other_parts
from tests.benchmarks.data_sets import DataNotFoundError, load
from tests.benchmarks.protocol import judge
from tests.benchmarks.results_page import Repeats, compare, of_column
from tests.benchmarks.rivals import ours
from tests.benchmarks.tasks import personas


class Variant(NamedTuple):
    about: str
    config: EncoderConfig
    train: TrainConfig
    part: other_parts.Part = nullcontext


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
DATA = tuple(dict.fromkeys(column.data for column in COLUMNS))
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
        "other parts": [
            Variant("a GRU instead of attention", BASE, TRAIN, other_parts.gru_trunk),
            Variant("hashed page table, dim 128", replace(BASE, dim=128), TRAIN, other_parts.hashed_pages),
            Variant("factorized page table, dim 128", replace(BASE, dim=128), TRAIN, other_parts.factorized_pages),
            Variant("percentiles of time", BASE, TRAIN, other_parts.percentile_gaps),
            Variant("hazards instead of future", BASE, TRAIN, other_parts.hazards),
            Variant(
                "with device, country, channel",
                replace(BASE, extra_fields=dict.fromkeys(other_parts.PROFILE, "category")),
                TRAIN,
                other_parts.profile_fields,
            ),
        ],
    }


def figures(variant: Variant, data: str, repeats: int, users: int | None) -> tuple[dict[str, Repeats], float]:
    """The outcomes of each column of a data set, by title, and the seconds it took; none where the data are absent."""
    started = time.perf_counter()
    columns = [column for column in COLUMNS if column.data == data]
    methods = ours(variant.config, variant.train)
    try:
        events = load(data)
    except DataNotFoundError:
        return {}, 0.0
    found: dict[str, Repeats] = {}
    events = replace(events.sample(users) if users else events, temporal=False)
    with variant.part(events) as given:
        for vector in dict.fromkeys(column.vector for column in columns):
            own = [column for column in columns if column.vector == vector]
            tasks = list({column.task.name: column.task for column in own}.values())
            judged = judge(given, methods[vector], costly_repeats=repeats, tasks=tasks, progress=False)
            for column in own:
                outcomes = of_column(judged, ResultColumn(column.title, column.task.name, column.metric))
                found.update((column.title, repeated) for repeated in outcomes.values())
    return found, time.perf_counter() - started


def row(about: str, found: Mapping[str, Repeats], columns: list[Column], seconds: float) -> str:
    means = {title: fmean(one.value for one in repeated.values()) for title, repeated in found.items()}
    cells = [f"{means[column.title]:.3f}" if column.title in means else "-" for column in columns]
    return f"| {about} | {' | '.join(cells)} | {seconds:.0f} |"


def differences(about: str, found: Mapping[str, Repeats], default: Mapping[str, Repeats], columns: list[Column]) -> str:
    cells = []
    for title in (column.title for column in columns):
        interval = compare(found[title], default[title]) if title in found and title in default else None
        known = interval is not None and math.isfinite(interval.low)
        cells.append(f"{interval.difference:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]" if known else "-")
    return f"| {about} | {' | '.join(cells)} |"


def main() -> None:
    groups = variants()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [variant.about for some in groups.values() for variant in some]
    parser.add_argument(
        "--only", nargs="+", choices=[*groups, *names][1:], metavar="NAME", help="of the groups and variants"
    )
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--repeats", type=int, default=2, help="splits of each data set")
    parser.add_argument("--users", type=int, help="that many of a data set's users at most, chosen by hash")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side, one thread each")
    asked = parser.parse_args()
    chosen = [
        variant
        for name, some in groups.items()
        for variant in some
        if name == "default" or not asked.only or {name, variant.about} & set(asked.only)
    ]
    columns = [column for column in COLUMNS if column.data in asked.data]
    titles = " | ".join(column.title for column in columns)
    os.environ["OMP_NUM_THREADS"] = "1"
    # a process a task, as fits are kept by their settings, which a part of another kind does not change
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        running = [
            [pool.submit(figures, variant, data, asked.repeats, asked.users) for data in asked.data]
            for variant in chosen
        ]
        print(f"| variant | {titles} | seconds |")
        print("|---" * (len(columns) + 2) + "|")
        judged: list[dict[str, Repeats]] = []
        for variant, parts in zip(chosen, tqdm(running, unit="variant"), strict=True):
            done = [part.result() for part in parts]
            judged.append({title: repeated for found, _ in done for title, repeated in found.items()})
            print(row(variant.about, judged[-1], columns, sum(seconds for _, seconds in done)), flush=True)
    print(f"\n| less the default | {titles} |")
    print("|---" * (len(columns) + 1) + "|")
    for variant, found in zip(chosen[1:], judged[1:], strict=True):
        print(differences(variant.about, found, judged[0], columns))


if __name__ == "__main__":
    main()
