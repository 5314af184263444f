"""``beha2vec themes``: the labels of the label file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import duckdb
import typer

from beha2vec_core.cli.app import app, ended_by, fail, read_settings
from beha2vec_core.compute.device import DeviceError, resolve_device
from beha2vec_core.settings import Settings
from beha2vec_core.store.published import open_published
from beha2vec_core.store.warehouse import Warehouse, WarehouseBusyError
from beha2vec_core.words import counted

if TYPE_CHECKING:
    import pandas as pd

themes = typer.Typer(help="The themes of the label file.", no_args_is_help=True)
app.add_typer(themes, name="themes")

_BUSY_SECONDS = 3.0
_PAGES = "select page_key, page_title, page_path, hostname, page_views from ga4.dim_ga4__pages"


@themes.command("suggest")
def suggest_themes(
    pages: Annotated[int, typer.Option(help="How many pages to look at, the most viewed first.", min=1)] = 5000,
    groups: Annotated[
        int | None, typer.Option(help="Number of themes; default: chosen by how well they separate the pages.", min=2)
    ] = None,
    output: Annotated[Path, typer.Option(help="The label file to write.")] = Path("labels.yml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    seed: Annotated[int, typer.Option(help="Same pages, same seed: same file.")] = 0,
) -> None:
    """Group pages by topic and write a label file to edit, for a site without labels."""
    from beha2vec_core.pages.discover import DiscoveryError, discover_themes, label_file
    from beha2vec_core.pages.embedder import Embedder
    from beha2vec_core.pages.weights import ModelUnavailable

    settings = read_settings()
    if output.exists() and not force:
        fail(f"{output} already exists: choose another --output, or --force to overwrite it", 2)
    with ended_by(DiscoveryError, ModelUnavailable, DeviceError):
        device = str(resolve_device(settings.encoder.device))
        found = discover_themes(
            _pages(settings, lambda connection: connection.execute(_PAGES).df()),
            Embedder.find(settings.pages.embedding_model, device=device),
            groups=groups,
            max_pages=pages,
            seed=seed,
        )
    output.write_text(label_file(found), encoding="utf-8")
    for theme in found.themes:
        typer.echo(f"  {theme.label.name:<40} {theme.pages:>6,} pages  {theme.share_of_views:6.1%} of page views")
    typer.echo(
        f"{counted(len(found.themes), 'theme')} of {counted(len(found.page_keys), 'page')} in {output}; "
        f"{found.left_out:,} more are common to every site, or have no words.\n"
        f"Edit it, then set BEHA2VEC_LABELS_FILE={output} and run beha2vec materialize --select "
        "enriched_pages,serving_database."
    )


@themes.command("explain")
def explain_theme(
    page: Annotated[str, typer.Argument(help="The page_key: host and path, such as shop.example.com/hats.")],
    mapping: Annotated[bool, typer.Option("--mapping", help="Also show what each page type is taken for.")] = False,
) -> None:
    """Show why a page has its theme and type: what each classifier says, the evidence and the runner-up."""
    from beha2vec_core.llm import LlmSettings
    from beha2vec_core.pages import Models, load_labels, load_rules, overrides_of, parse_steps, read_pages
    from beha2vec_core.pages.explain import explain_mapping, explain_page

    settings = read_settings()
    pages = _pages(settings, read_pages)
    try:
        if settings.fetch.pages:
            from beha2vec_core.pages.fetch import add_page_text

            pages, _ = add_page_text(pages, settings, progress=False, asks=False)
        labels = load_labels(settings.pages.labels_file)
        lines = explain_page(
            page,
            pages,
            labels=labels,
            rules=load_rules(settings.pages.rules_file, settings.pages.rule_packs),
            overrides=overrides_of(settings, labels),
            steps=parse_steps(settings.pages.classifiers),
            models=Models(
                settings.pages.embedding_model,
                settings.pages.nli_model,
                LlmSettings.of(settings),
                device=str(resolve_device(settings.encoder.device)),
            ),
        )
    except KeyError:
        fail(f"no page is called {page!r}: a page_key is host and path in lower case, without www. and query")
    except (ValueError, DeviceError) as error:
        fail(str(error))
    for line in lines:
        typer.echo(line)
    if mapping:
        typer.echo("\npage types of the label file, and what they are taken for (change it with like:)")
        for line in explain_mapping(labels):
            typer.echo(line)


def _pages(settings: Settings, read: Callable[[duckdb.DuckDBPyConnection], pd.DataFrame]) -> pd.DataFrame:
    """The distinct pages: from the warehouse, or from the published database while another process holds it."""
    warehouse, serving = settings.storage.warehouse_path, settings.storage.serving_path
    try:
        if warehouse.exists():
            with Warehouse(warehouse, lock_timeout=_BUSY_SECONDS).connect("themes") as connection:
                return read(connection)
    except WarehouseBusyError as error:
        if not serving.exists():
            fail(str(error))
        typer.echo(f"the warehouse is busy: the pages are those of {serving.name}", err=True)
        with open_published(serving) as connection:
            return read(connection)
    except duckdb.CatalogException:
        pass
    fail("there are no pages yet: run beha2vec materialize --select '*dim_ga4__pages' first")
