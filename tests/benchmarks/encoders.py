"""What user vectors are worth: every method on every data set by one protocol, see docs/evaluation.md.

    make bench-encoder                                    # all, printed as Markdown tables
    python tests/benchmarks/encoders.py --fast            # one repeat on some users of two data sets
    python tests/benchmarks/encoders.py --data own --source data/serving.duckdb
    python tests/benchmarks/encoders.py --locked          # the locked fifth: for the final table only

Each family of methods runs in a process of its own, so that its peak memory is its own, --jobs of them side by side;
each has an equal share of the cores, so speeds compare within one run. What was judged is kept in --folder, one file a
data set and family; --go-on leaves out what is there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from statistics import fmean

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.clusters.kmeans import kmeans
from beha2vec_core.evaluation.splits import Split
from beha2vec_core.evaluation.tasks import content
from beha2vec_core.evaluation.tasks.partition import CLUSTERS
from tests.benchmarks.data_sets import NAMES, OWN, DataNotFoundError, EvaluationData, load
from tests.benchmarks.data_sets.logs_export import LOGS
from tests.benchmarks.judgements import read_judgements, write_judgements
from tests.benchmarks.protocol import COSTLY_REPEATS, judge
from tests.benchmarks.results_page import markdown
from tests.benchmarks.rivals import METHODS
from tests.benchmarks.rivals.coles import MethodUnavailable
from tests.benchmarks.splits import REPEATS, repeated_splits
from tests.benchmarks.tasks import TASKS

CORES = os.cpu_count() or 1
# logs of orders and posts have up to half a million events, so they are judged only where they are named
PUBLIC = tuple(name for name in NAMES if name not in LOGS)
FAST_DATA = ("demo_personas", "demo_intent")
FAST_USERS = 300
NOT_HERE = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=(*NAMES, OWN), help=f"data sets; by default {', '.join(PUBLIC)}")
    parser.add_argument("--source", help="of your own data: an export, or a warehouse.duckdb or serving.duckdb")
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), metavar="METHOD", help="by default all")
    parser.add_argument(
        "--against", choices=tuple(METHODS), metavar="METHOD", help="by default the best floor and peer"
    )
    parser.add_argument(
        "--tasks", nargs="+", choices=[task.name for task in TASKS], metavar="TASK", help="by default all"
    )
    parser.add_argument("--repeats", type=int, default=REPEATS, help="splits by users")
    parser.add_argument("--costly-repeats", type=int, default=COSTLY_REPEATS, help="the same for methods slow to fit")
    parser.add_argument("--users", type=int, help="that many of a data set's users at most, chosen by hash")
    parser.add_argument(
        "--fast", action="store_true", help=f"one repeat on {FAST_USERS} users of {' and '.join(FAST_DATA)}"
    )
    parser.add_argument("--jobs", type=int, default=CORES, help="processes side by side; by default one a core")
    parser.add_argument("--locked", action="store_true", help="judge the locked fifth")
    parser.add_argument("--folder", type=Path, help="where judgements are kept; by default a new folder")
    parser.add_argument("--go-on", action="store_true", help="leave out what --folder has")
    parser.add_argument("--judge", type=Path, help=argparse.SUPPRESS)  # in the process of one family
    asked = parser.parse_args()
    if asked.fast:
        asked.repeats = asked.costly_repeats = 1
        asked.users = asked.users or FAST_USERS
    asked.data = asked.data or (FAST_DATA if asked.fast else PUBLIC)
    if asked.judge:
        sys.exit(judge_family(asked))
    print_tables(asked)


def families(names: list[str]) -> list[list[str]]:
    """Methods that share a fit, together."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[METHODS[name].shares_fit_with or name].append(name)
    return list(found.values())


def print_tables(asked: argparse.Namespace) -> None:
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="beha2vec_bench_encoder_"))
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in METHODS if not asked.methods or name in asked.methods]
    todo = [(data, family) for data in asked.data for family in families(names)]
    if asked.go_on:
        todo = [(data, family) for data, family in todo if not judgements_of(folder, data, family).exists()]
    # the slow ones first, so that no core waits for them at the end
    todo.sort(key=lambda pair: not METHODS[pair[1][0]].costly)
    left_out: dict[str, list[str]] = defaultdict(list)
    with tqdm(total=len(todo), unit="family") as bar, ThreadPoolExecutor(asked.jobs) as pool:
        running = {
            pool.submit(run_family, asked, data, family, judgements_of(folder, data, family)): (data, family)
            for data, family in todo
        }
        try:
            for done in as_completed(running):
                data, family = running[done]
                problem, seconds = done.result()
                tqdm.write(f"{data}, {', '.join(family)}: {problem or f'{seconds:.0f} s'}", sys.stderr)
                bar.update()
                if problem:
                    left_out[data].append(f"{', '.join(family)}: {problem}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    groups = {name: METHODS[name].group for name in names}
    for data in asked.data:
        files = [file for family in families(names) if (file := judgements_of(folder, data, family)).exists()]
        judgements = [judgement for file in files for judgement in read_judgements(file)]
        print(
            f"\n## {data}\n\n{markdown(judgements, groups, asked.against)}"
            if judgements
            else f"\n## {data}\n\nleft out"
        )
        if not asked.locked and any(one.outcome.task == "content" for one in judgements):
            print(f"\n{ceiling_of_content(asked, data)}")
        for line in dict.fromkeys(left_out[data]):
            print(f"\nLeft out: {line}")


def judgements_of(folder: Path, data: str, family: list[str]) -> Path:
    return folder / f"{data}.{family[0]}.parquet"


def run_family(asked: argparse.Namespace, data: str, family: list[str], file: Path) -> tuple[str | None, float]:
    """Judge a family in a process of its own; what hindered it, if it could not run, and the seconds it took."""
    command = [sys.executable, __file__, "--judge", str(file), "--data", data, "--methods", *family]
    command += ["--repeats", str(asked.repeats), "--costly-repeats", str(asked.costly_repeats)]
    command += ["--source", asked.source] if asked.source else []
    command += ["--tasks", *asked.tasks] if asked.tasks else []
    command += ["--users", str(asked.users)] if asked.users else []
    command += ["--locked"] if asked.locked else []
    threads = {"OMP_NUM_THREADS": str(max(1, CORES // asked.jobs))}
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | threads)
    if done.returncode == NOT_HERE:
        return done.stdout.strip().splitlines()[-1], 0.0
    if done.returncode:
        raise SystemExit(f"{data}, {family} failed:\n{done.stderr[-4000:]}")
    return None, time.perf_counter() - started


def read_data(asked: argparse.Namespace, name: str) -> EvaluationData:
    data = load(name, source=asked.source)
    return data.sample(asked.users) if asked.users else data


def ceiling_of_content(asked: argparse.Namespace, name: str) -> str:
    """What clusters made of the site's sections themselves reach, on the same splits."""
    found = [ceiling(split) for split in repeated_splits(read_data(asked, name).events, asked.repeats)]
    figures = ", ".join(f"{metric} {fmean([one[metric] for one in found]):.3f}" for metric in found[0])
    return f"K-Means straight on section proportions, the ceiling of content: {figures}"


def ceiling(split: Split) -> dict[str, float]:
    """The figures of content of K-Means on the section proportions: no clusters can explain much more of them."""
    views = split.judged[split.judged["is_page_view"]]
    proportions = content.section_proportions(views).astype(np.float32)
    return content.figures(kmeans(proportions, CLUSTERS, seed=split.repeat)[1], views)


def judge_family(asked: argparse.Namespace) -> int:
    try:
        data = read_data(asked, asked.data[0])
        found = [
            judgement
            for name in asked.methods
            for judgement in judge(
                data,
                METHODS[name],
                repeats=asked.repeats,
                costly_repeats=asked.costly_repeats,
                locked=asked.locked,
                tasks=[task for task in TASKS if not asked.tasks or task.name in asked.tasks],
                progress=False,
            )
        ]
    except (DataNotFoundError, MethodUnavailable) as problem:
        print(" ".join(str(problem).split()))
        return NOT_HERE
    write_judgements(found, asked.judge)
    return 0


if __name__ == "__main__":
    main()
