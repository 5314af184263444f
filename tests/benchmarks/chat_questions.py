"""How many plain questions the chat answers without a language model: `make bench-chat`.

Questions and what each asks for are in `chat_questions/questions.txt`, written before the parser. Odd questions of
each kind were for tuning, even ones are only scored. Right: the expected query or look-up, or a refusal where the data
cannot answer. Wrong without saying so: an answer to another question, or to one that has none.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from beha2vec_core.chat.answers.answer import LookupAnswer
from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.chat.queries.nearest import having_in_words, in_words
from beha2vec_core.semantic.query import Query
from tests.semantic.semantic_world import make_world

FOLDER = Path(__file__).parent / "chat_questions"
SETS = ("questions", "stranger", "unseen", "independent")
_TOOLS = {
    "checkout_funnel": "funnel", "predictions": "predictions", "similar_users": "similar",
    "paths_in_cluster": "paths", "moves_between_clusters": "moves", "before_buying": "before",
}  # fmt: skip
_OPENINGS = (  # of answers from clusters and facts
    (r"\d[\d,]* users in \d+ clusters", "clusters"), (r"Cluster -?\d+ \(.*\), next steps", "actions"),
    (r"Cluster -?\d+ \(.*\) and cluster", "compare"), (r"Cluster -?\d+ \(.*\):", "facts"),
    (r"Facts of cluster", "facts"), (r"Cluster -?\d+:", "cluster"), (r"All users: ", "ranking"),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A question, what it asks for (any of several), and whether it is for tuning."""

    kind: str
    question: str
    expected: tuple[str, ...]
    is_tuned: bool


def cases(name: str = "questions") -> list[Case]:
    """All questions of a set."""
    found: list[Case] = []
    seen: Counter[str] = Counter()
    for line in (FOLDER / f"{name}.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            kind, _, rest = line.partition(": ")
            question, _, expected = rest.rpartition(" -> ")
            found.append(Case(kind, question, tuple(expected.split(" || ")), seen[kind] % 2 == 0))
            seen[kind] += 1
    return found


def given(lookup: Lookup, question: str) -> tuple[str, LookupAnswer]:
    """What the chat did with the question (and those it follows, apart by >>), in the form of the expectations."""
    answer = LookupAnswer("")
    lookup.forget()
    for one in question.split(" >> "):
        answer = lookup.ask(one)
    if not answer.understood:
        return "no", answer
    if answer.reading is not None and answer.reading.query is not None:
        return " && ".join(map(canonical, (answer.reading.query, *answer.reading.more))), answer
    if answer.tool:
        return f"lookup:{_TOOLS[answer.tool[0]]}", answer
    return next((f"lookup:{name}" for opening, name in _OPENINGS if re.match(opening, answer.text)), "lookup"), answer


def canonical(query: Query) -> str:
    """One line, the same for equal questions: revenue | by channel | device=mobile | 2026-05-04..2026-05-10."""
    parts = [query.metric]
    parts += [f"by {','.join(query.by)}"] if query.by else []
    parts += [
        f"{f.dimension}{'!=' if f.is_excluded else '='}{in_words(f) if f.did else ';'.join(sorted(f.values))}"
        for f in sorted(query.filters, key=lambda f: f.dimension)
    ]
    parts += [str(query.period)] if query.period else []
    parts += [f"vs {query.versus}"] if query.versus else []
    parts += ["share" + " within each" * query.of_each] if query.is_share else []
    parts += [f"top {query.top}"] if query.top else []
    parts += ["rest"] if query.against_rest else []
    parts += ["change"] if query.by_change else []
    parts += ["asc"] if query.ascending else []
    limits = [
        f"{words.replace('more than', 'over').replace('less than', 'under')} {n:g}" for words, _, n in query.limits
    ]
    parts += [" ".join([*(["count"] if query.counts_groups else []), *limits])] if query.counts_groups or limits else []
    parts += [having_in_words(query)] if query.having else []
    parts += ["why"] if query.explains else []
    parts += [f"per {query.per}"] if query.per else []
    parts += [f"first {query.top_of_each} of each"] if query.top_of_each else []
    return " | ".join(parts)


def main() -> None:
    """Print a table for each set (of the first one, its halves) by kind, and with --misses what was not right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--misses", action="store_true", help="print what was not right")
    parser.add_argument("--users", type=int, help="print how long answers take with so many users, and no tables")
    parser.add_argument("--published", type=Path, help="the same of a serving.duckdb, such as explorer_speed.py makes")
    parser.add_argument("--every", type=int, default=1, help="with --users or --published: ask one question in so many")
    arguments = parser.parse_args()
    if arguments.published:
        _time(arguments.published, arguments.every)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = make_world(Path(folder) / "serving.duckdb")
        if arguments.users:
            _multiply(path, arguments.users)
            _time(path, arguments.every)
            return
        lookup = Lookup(Published(path), Aliases(path))
        for name in arguments.sets:
            halves = (True, False) if name == "questions" else (None,)
            for half in halves:
                asked = [case for case in cases(name) if half is None or case.is_tuned == half]
                title = name if half is None else f"{name}, {'tuned' if half else 'scored'} half"
                _score(lookup, asked, title, arguments.misses)


def _multiply(path: Path, users: int) -> None:
    """Take the world's users many times over, each with keys of their own."""
    with duckdb.connect(str(path)) as world:
        ((known,),) = world.execute("select count(*) from beha2vec.user_clusters_current").fetchall()
        columns = "user_key", "session_key", "purchase_key"
        for schema, table, names in world.execute(
            """select schema_name, table_name, list(column_name) from duckdb_columns() join duckdb_tables()
            using (schema_name, table_name) where schema_name = 'ga4' or table_name like 'user_clusters_current%'
            group by all having list_contains(list(column_name), 'user_key')"""
        ).fetchall():
            keys = ", ".join(f"{name} || '-' || copy as {name}" for name in columns if name in names)
            world.execute(
                f"""create or replace table {schema}.{table} as select * exclude (copy) replace ({keys})
                from {schema}.{table}, (select unnest(range({-(-users // known)})) as copy)"""
            )


def _time(path: Path, every: int) -> None:
    """Print how long first answers take."""
    lookup = Lookup(Published(path), Aliases(path))
    begun = time.process_time()
    given(lookup, "sessions")  # reads the values of dimensions, once a publication
    print(f"the first question of all: {time.process_time() - begun:.2f} s of CPU")
    taken, computed = [], []
    for case in cases("stranger")[::every]:
        begun, used = time.perf_counter(), time.process_time()
        given(lookup, case.question.partition(" >> ")[0])
        taken.append(time.perf_counter() - begun)
        computed.append(time.process_time() - used)
    ((users,),) = (
        duckdb.connect(str(path), read_only=True).execute("select count(*) from ga4.dim_ga4__users").fetchall()
    )
    print(f"{len(taken)} first answers with {users:,} users:")
    for name, seconds in (("on the clock", taken), ("of CPU", computed)):
        low, high = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        print(f"{name}: median {low:.2f} s, 95th percentile {high:.2f} s")


def _score(lookup: Lookup, asked: list[Case], title: str, shows_misses: bool) -> None:
    counts: dict[str, Counter[str]] = {}
    for case in asked:
        got, _ = given(lookup, case.question)
        verdict = "right" if got in case.expected else "not answered" if got == "no" else "wrong"
        for kind in (case.kind, "all"):
            counts.setdefault(kind, Counter())[verdict] += 1
        if shows_misses and verdict != "right":
            print(f"{verdict}: {case.question}\n    asked {' || '.join(case.expected)}\n    got   {got}")
    print(f"\n| {title} | questions | right | said not understood | wrong without saying so |")
    print("|---|---:|---:|---:|---:|")
    for kind, count in sorted(counts.items(), key=lambda pair: pair[0] == "all"):
        total = count.total()
        cells = [f"{count[name]} ({count[name] / total:.0%})" for name in ("right", "not answered", "wrong")]
        print(f"| {kind} | {total} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
