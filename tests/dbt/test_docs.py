"""Everything of dbt_ga4 is described, and the page of `make dbt-docs` shows it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.dbt.conftest import PROJECT, Warehouse

VARIABLES_TABLE = re.compile(r"^## Variables\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def undescribed(manifest: Any) -> list[str]:
    """Names of what has no description: models, seeds, sources, and their columns."""
    resources = [
        *(node for node in manifest.nodes.values() if str(node.resource_type) in ("model", "seed")),
        *manifest.sources.values(),
    ]
    missing = [resource.name for resource in resources if not resource.description.strip()]
    for resource in resources:
        columns = resource.columns.items()
        missing += [f"{resource.name}.{name}" for name, column in columns if not column.description.strip()]
    return sorted(missing)


def macros_without_comment() -> list[str]:
    """Macros that a model may call and no comment introduces; an engine's own are introduced where they dispatch."""
    missing = []
    for file in PROJECT.glob("macros/**/*.sql"):
        before = ""
        for piece in re.split(r"(?={% macro )", file.read_text()):
            found = re.match(r"{% macro (\w+)", piece)
            if found and "__" not in found[1] and not re.search(r"#}\s*$", before):
                missing.append(f"{file.name}: {found[1]}")
            before = piece
    return missing


def test_all_is_described(manifest: Any) -> None:
    assert undescribed(manifest) == []


def test_a_missing_description_is_named(manifest: Any) -> None:
    column = manifest.nodes["model.dbt_ga4.ml_ga4__user_features"].columns["tenure_days"]
    description, column.description = column.description, " "
    try:
        assert undescribed(manifest) == ["ml_ga4__user_features.tenure_days"]
    finally:
        column.description = description


def test_macros_are_introduced() -> None:
    assert macros_without_comment() == []


def test_variables_are_in_the_readme_and_the_reverse() -> None:
    declared = set(yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"])
    table = VARIABLES_TABLE.search((PROJECT / "README.md").read_text())
    assert table
    told = {
        name for row in re.findall(r"^\| (`[^|]+) \|", table[0], re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert declared - told == set(), "not in the README"
    assert told - declared == set(), "not in dbt_project.yml"


def test_the_readme_counts_the_models(warehouse: Warehouse) -> None:
    assert f"\n| models | {len(warehouse.models())} |" in (PROJECT / "README.md").read_text()


def test_models_and_columns_are_on_the_page(warehouse: Warehouse) -> None:
    warehouse.write_day("2024-01-01", [])
    warehouse.dbt("docs", "generate", "--static")
    page = (warehouse.target / "static_index.html").read_text()
    assert len(warehouse.models()) > 10
    for model in warehouse.models():
        assert f"model.dbt_ga4.{model}" in page
    assert "Days from the first day with a session, within the lookback, to as_of." in page
