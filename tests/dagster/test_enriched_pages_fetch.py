"""The asset enriched_pages: with the fetcher on and off, and what it sends to a language model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from beha2vec_dagster.defs.pages import assets as pages
from beha2vec_dagster.lib.resources import ComputeResource, LlmResource
from tests.dagster.project import export_settings, metadata_of
from tests.llm.llm_server import completion, document, serving


def materialize(folder: Path, **given: Any) -> dict[str, Any]:
    """Materialize enriched_pages over three pages; gives its metadata."""
    warehouse = folder / "data" / "warehouse.duckdb"
    warehouse.parent.mkdir()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema ga4")
        connection.execute(
            """create table ga4.dim_ga4__pages as
            select * from (values
                ('127.0.0.1/cart', 'Cart', '/cart', '127.0.0.1', 60),
                ('elsewhere.example/', 'Elsewhere', '/', 'elsewhere.example', 39),
                ('screen:Home', 'Home', null, null, 1))
            as pages(page_key, page_title, page_path, hostname, page_views)"""
        )
        connection.execute(
            """create table ga4.fct_ga4__page_views as
            select '127.0.0.1/cart' as page_key, if(number < 20, 'Cart', 'Cart of Jane') as page_title,
                'user' || number as user_key
            from range(30) as numbers(number)
            union all select 'screen:Home', 'Home', 'user1'
            union all select 'elsewhere.example/', 'Elsewhere', 'user' || number % 19
            from range(40) as numbers(number)"""
        )
    settings = export_settings(data_dir=folder / "data", **given)
    resources = {"compute": ComputeResource(device="cpu"), "llm": LlmResource(settings)}
    return metadata_of("enriched_pages", pages.build_assets(settings), warehouse, resources)


def test_nothing_is_fetched_unless_asked_for(tmp_path: Path) -> None:
    metadata = materialize(tmp_path)
    assert metadata["dagster/row_count"] == 3
    assert "pages_fetched" not in metadata
    assert not (tmp_path / "data" / "page_cache").exists()


def test_every_page_that_was_not_fetched_is_counted(tmp_path: Path) -> None:
    metadata = materialize(tmp_path, fetch_pages=True, fetch_hosts=["127.0.0.1"])
    assert metadata["dagster/row_count"] == 3
    told = metadata["pages_fetched"].replace("\\", "")
    for outcome in (
        "refused: robots.txt could not be read (the host has a private",
        "refused: the host is not on the allow-list | 1 |",
        "refused: an app screen has no web address | 1 |",
    ):
        assert outcome in told


def test_a_language_model_sees_pages_of_which_20_users_saw_the_title(tmp_path: Path) -> None:
    with serving(lambda *_: completion('{"pages": []}')) as llm:
        materialize(tmp_path, page_classifiers="llm", llm_base_url=llm.url, llm_model="scripted")
    sent = [page for request in llm.requests for page in document(request)["pages"]]
    assert {page["title"] for page in sent} == {"Cart"}
