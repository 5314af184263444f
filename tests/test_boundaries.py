"""The core knows neither Dagster nor tests, and no file imports upward."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = ("dagster", "dagster_dbt", "dagster_duckdb", "beha2vec_dagster", "tests")
# Parts of the core, each line above those it may import; parts of one line do not import each other. Two parts of a
# folder have lines of their own: `privacy` cleans what ingest stores, `privacy.forgetting` finds and removes people in
# all that was stored since.
LAYERS = """
__main__
cli
mcp
explorer
chat quality demo_shop estimate
chat.model
chat.clusters
chat.answers
chat.reading
chat.queries
chat.parts
chat.rewrites
chat.days
chat.words chat.events
chat.data
privacy.forgetting
activation
audiences
lookalikes
semantic insights
profiles
predictions
evaluation
clusters
encoder
pages events
compute bigquery
ga4
privacy
store
llm alerts dbt_process progress
settings words files buckets dbt_vars spreadsheets
"""


def modules(package: str) -> dict[str, Path]:
    """The files of a package by the name that imports them."""
    files = (ROOT / package).rglob("*.py")
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


@cache
def import_statements(file: Path) -> list[tuple[ast.Import | ast.ImportFrom, bool]]:
    """All of a file, also those in functions, and whether only types need them."""
    found = []
    nodes: list[tuple[ast.AST, bool]] = [(ast.parse(file.read_text()), False)]
    while nodes:
        node, of_types = nodes.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append((node, of_types))
        elif not isinstance(node, ast.expr):
            of_types |= isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            nodes += ((child, of_types) for child in ast.iter_child_nodes(node))
    return found


def imports(file: Path, known: dict[str, Path], *, types: bool = True) -> Iterator[str]:
    """The modules that a file imports; `types`: and those that only types need."""
    for node, of_types in import_statements(file):
        if of_types and not types:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        else:
            whole = [f"{node.module}.{name.name}" for name in node.names]
            yield from (name if name in known else node.module or "" for name in whole)


def test_core_never_imports_dagster_or_tests() -> None:
    files = modules("beha2vec_core")
    assert len(files) > 40
    wrong = {
        (file.name, name) for file in files.values() for name in imports(file, files) if name.split(".")[0] in FORBIDDEN
    }
    assert not wrong


def test_no_file_of_the_core_imports_upward() -> None:
    height = {part: -row for row, line in enumerate(LAYERS.split("\n")) for part in line.split()}

    def part_of(module: str) -> str:
        names = module.split(".")[1:]
        return max((part for part in height if names[: part.count(".") + 1] == part.split(".")), key=len, default="")

    known = modules("beha2vec_core")
    wrong = []
    for module, file in known.items():
        assert module == "beha2vec_core" or part_of(module), f"{module} has no line in LAYERS"
        for name in imports(file, known):
            here, there = part_of(module), part_of(name)
            if name in known and here and there and here != there and height[here] <= height[there]:
                wrong.append(f"{module} imports {name}")
    assert not wrong


@pytest.mark.parametrize("package", ["beha2vec_core", "beha2vec_dagster"])
def test_no_imports_go_in_a_circle(package: str) -> None:
    known = modules(package)
    graph = {module: {*imports(file, known, types=False)} & {*known} - {module} for module, file in known.items()}
    assert len([*TopologicalSorter(graph).static_order()]) >= len(known), "a circle raises CycleError"


def test_no_imports_between_domains_of_the_graph_go_in_a_circle() -> None:
    known = modules("beha2vec_dagster/defs")
    graph: dict[str, set[str]] = {}
    for module, file in known.items():
        domains = {name.split(".")[2] for name in imports(file, known) if name.startswith("beha2vec_dagster.defs.")}
        graph.setdefault(".".join(module.split(".")[2:3]), set()).update(domains)
    order = TopologicalSorter({domain: others - {domain} for domain, others in graph.items()}).static_order()
    assert {*order} >= {*graph}, "a circle raises CycleError"


def test_settings_import_nothing_of_ours() -> None:
    for file in modules("beha2vec_core/settings").values():
        assert {name.split(".")[1] for name in imports(file, {}) if name.startswith("beha2vec")} <= {"settings"}
