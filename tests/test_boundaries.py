"""The core knows neither Dagster nor tests, and importing it costs no torch."""

import ast
import subprocess
import sys
from pathlib import Path

CORE = Path(__file__).resolve().parents[1] / "beha2vec_core"
FORBIDDEN = ("dagster", "dagster_dbt", "dagster_duckdb", "beha2vec_dagster", "tests")


def test_core_never_imports_dagster_or_tests() -> None:
    files = list(CORE.rglob("*.py"))
    assert len(files) > 40
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            wrong = [name for name in names if name.split(".")[0] in FORBIDDEN]
            assert not wrong, f"{file.name} imports {wrong}"


def test_settings_import_nothing_of_ours() -> None:
    assert "beha2vec" not in "".join(
        ast.unparse(node)
        for node in ast.walk(ast.parse((CORE / "settings.py").read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    )


def test_command_line_and_graph_load_without_heavy_libraries(tmp_path: Path) -> None:
    heavy = "torch transformers sklearn sentence_transformers"
    for module in ("beha2vec_core", "beha2vec_core.cli", "beha2vec_dagster.definitions"):
        code = f"import sys, {module}; print([m for m in '{heavy}'.split() if m in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.strip().splitlines()[-1] == "[]", module
