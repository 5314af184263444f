"""What user vectors are worth: every method on every data set by one protocol, see docs/evaluation.md.

    make bench-encoder                                    # all, printed as Markdown tables
    python tests/benchmarks/encoders.py --fast            # one repeat, fewer data sets
    python tests/benchmarks/encoders.py --data own --source data/serving.duckdb
    python tests/benchmarks/encoders.py --locked          # the locked fifth: for the final table only

Each family of methods runs in a process of its own, so that its peak memory is its own. What was judged is kept in
--folder, one file a data set and family; --go-on leaves out what is there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from tqdm import tqdm

from beha2vec_core.evaluation.data import NAMES, OWN, DataNotFoundError, load
from beha2vec_core.evaluation.methods import METHODS
from beha2vec_core.evaluation.methods.base import MethodUnavailable
from beha2vec_core.evaluation.protocol import COSTLY_REPEATS, judge
from beha2vec_core.evaluation.results import read_judgements, write_judgements
from beha2vec_core.evaluation.splits import REPEATS
from beha2vec_core.evaluation.table import markdown

FAST_DATA = ("merch_store", "demo_intent")
NOT_HERE = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=(*NAMES, OWN), help="data sets; by default all that are public")
    parser.add_argument("--source", help="of your own data: an export, or a warehouse.duckdb or serving.duckdb")
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), metavar="METHOD", help="by default all")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="splits by users")
    parser.add_argument("--costly-repeats", type=int, default=COSTLY_REPEATS, help="the same for methods slow to fit")
    parser.add_argument("--fast", action="store_true", help=f"one repeat of {' and '.join(FAST_DATA)}")
    parser.add_argument("--locked", action="store_true", help="judge the locked fifth")
    parser.add_argument("--folder", type=Path, help="where judgements are kept; by default a new folder")
    parser.add_argument("--go-on", action="store_true", help="leave out what --folder has")
    parser.add_argument("--judge", type=Path, help=argparse.SUPPRESS)  # in the process of one family
    asked = parser.parse_args()
    if asked.fast:
        asked.repeats = asked.costly_repeats = 1
    asked.data = asked.data or (FAST_DATA if asked.fast else NAMES)
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
    left_out: dict[str, list[str]] = defaultdict(list)
    with tqdm(todo, unit="family") as bar:
        for data, family in bar:
            bar.set_postfix_str(f"{data}: {family[0]}")
            file = folder / f"{data}.{family[0]}.parquet"
            if asked.go_on and file.exists():
                continue
            started = time.perf_counter()
            problem = run_family(asked, data, family, file)
            tqdm.write(
                f"{data}, {', '.join(family)}: {problem or f'{time.perf_counter() - started:.0f} s'}", sys.stderr
            )
            if problem:
                left_out[data].append(f"{', '.join(family)}: {problem}")
    groups = {name: METHODS[name].group for name in names}
    for data in asked.data:
        files = [file for family in families(names) if (file := folder / f"{data}.{family[0]}.parquet").exists()]
        judgements = [judgement for file in files for judgement in read_judgements(file)]
        print(f"\n## {data}\n\n{markdown(judgements, groups)}" if judgements else f"\n## {data}\n\nleft out")
        for line in dict.fromkeys(left_out[data]):
            print(f"\nLeft out: {line}")


def run_family(asked: argparse.Namespace, data: str, family: list[str], file: Path) -> str | None:
    """Judge a family in a process of its own; what hindered it, if it could not run."""
    command = [sys.executable, __file__, "--judge", str(file), "--data", data, "--methods", *family]
    command += ["--repeats", str(asked.repeats), "--costly-repeats", str(asked.costly_repeats)]
    command += ["--source", asked.source] if asked.source else []
    command += ["--locked"] if asked.locked else []
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == NOT_HERE:
        return done.stdout.strip().splitlines()[-1]
    if done.returncode:
        raise SystemExit(f"{data}, {family} failed:\n{done.stderr[-4000:]}")
    return None


def judge_family(asked: argparse.Namespace) -> int:
    try:
        data = load(asked.data[0], source=asked.source)
        found = [
            judgement
            for name in asked.methods
            for judgement in judge(
                data,
                METHODS[name],
                repeats=asked.repeats,
                costly_repeats=asked.costly_repeats,
                locked=asked.locked,
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
