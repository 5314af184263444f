"""Pages of the documentation site that come from elsewhere: the READMEs, and references made from the code."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

REPOSITORY = Path(__file__).resolve().parent.parent
# files outside docs/ and the pages they become; other links out of docs/ are shown as text
PAGES = {
    "README.md": "index.md",
    "dbt_ga4/README.md": "dbt_ga4.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security_policy.md",
    "CHANGELOG.md": "changelog.md",
}
# "{{ 'float64' if target.type == 'bigquery' else 'double' }}": the type on DuckDB
_JINJA = re.compile(r"\{\{.* else '([^']*)' \}\}")
_LINK = re.compile(r"(!?)\[([^\]]+)\]\(([^)#]*)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(REPOSITORY / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, "cli.md", content=_command_line()))
    files.append(File.generated(config, "tables.md", content=_tables()))
    return files


def on_page_markdown(markdown: str, page: object, config: MkDocsConfig, files: Files) -> str:
    """Point links between the repository's files at the pages of the site."""
    name = page.file.src_uri  # type: ignore[attr-defined]
    source = next((source for source, made in PAGES.items() if made == name), f"docs/{name}")
    folder = (REPOSITORY / source).parent

    def linked(match: re.Match[str]) -> str:
        image, text, target, anchor = match[1], match[2], match[3], match[4] or ""
        if not target or "://" in target or target.startswith("mailto:"):
            return match[0]
        path = (folder / target).resolve()
        inside = str(path.relative_to(REPOSITORY)) if path.is_relative_to(REPOSITORY) else ""
        if inside in PAGES:
            return f"{image}[{text}]({PAGES[inside]}{anchor})"
        if inside.startswith("docs/"):
            return f"{image}[{text}]({inside.removeprefix('docs/')}{anchor})"
        if not path.exists():
            raise FileNotFoundError(f"{source} links to {target}, which does not exist")
        return text

    return _LINK.sub(linked, markdown)


def _command_line() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "typer", "beha2vec_core.cli", "utils", "docs", "--name", "beha2vec"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _tables() -> str:
    """Every table and view with its columns: ours as `create_tables` makes them, dbt's as its YAML describes them."""
    from beha2vec_core.store.columns import column_descriptions
    from beha2vec_core.store.tables import create_tables

    lines = ["# Tables and columns", "\n## Results (`beha2vec`)"]
    with duckdb.connect() as connection:
        create_tables(connection)
        columns = connection.execute(
            """select table_name, column_name, data_type from duckdb_columns() where schema_name = 'beha2vec'
            order by table_name, column_index"""
        ).fetchall()
    for table in sorted({table for table, _, _ in columns}):
        known = column_descriptions(f"beha2vec.{table}")
        rows = [(name, kind.lower(), known.get(name, "")) for owner, name, kind in columns if owner == table]
        lines += _table(table, "", rows)
    lines.append("\n## GA4 models (`ga4`)")
    for path in sorted((REPOSITORY / "dbt_ga4").glob("models/**/*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            rows = [
                (column["name"], _JINJA.sub(r"\1", column.get("data_type", "")), column.get("description", ""))
                for column in model.get("columns", [])
            ]
            lines += _table(model["name"], model.get("description", ""), rows)
    return "\n".join(lines)


def _table(name: str, description: str, rows: list[tuple[str, str, str]]) -> list[str]:
    cells = [
        " | ".join(" ".join(html.escape(cell, quote=False).split()).replace("|", "\\|") for cell in row) for row in rows
    ]
    return [
        f"\n### {name}\n\n{description}\n",
        "| column | type | description |",
        "|---|---|---|",
        *(f"| {c} |" for c in cells),
    ]
