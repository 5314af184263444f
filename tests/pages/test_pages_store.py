"""What runs leave behind: vectors computed once, chunks that outlive a killed run."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from beha2vec_core.pages import Models, PageStore, classify_pages, load_labels
from beha2vec_core.pages.store import CachedEmbedder
from beha2vec_core.store.tables import SCHEMA_VERSION, create_tables, record_version
from beha2vec_core.store.warehouse import Warehouse
from tests.pages.test_pages_cascade import bundled_model, described


class TableWarehouse(Warehouse):
    """The real warehouse, with our tables in it as the graph makes them."""

    def connect(self, purpose: str) -> Any:
        with super().connect(purpose) as connection:
            create_tables(connection)
        return super().connect(purpose)


@pytest.fixture
def store(tmp_path: Path) -> PageStore:
    return PageStore(TableWarehouse(tmp_path / "warehouse.duckdb").connect)


PAGES = pd.DataFrame(
    [
        (f"h.example/{kind}/{number}", f"{name} {number}", f"/{kind}/{number}", "h.example", number)
        for kind, name in (("a", "Wool sweater"), ("b", "Vegetable soup recipe"), ("c", "Shopping cart"))
        for number in range(4)
    ],
    columns=["page_key", "page_title", "page_path", "hostname", "page_views"],
)


def test_texts_are_embedded_once_in_the_life_of_a_store(store: PageStore) -> None:
    first = CachedEmbedder(bundled_model(), store)
    vectors = first.encode(["red mug", "blue tent", "red mug"])
    second = CachedEmbedder(bundled_model(), store)
    assert (second.encode(["blue tent", "red mug", "checkout"])[:2] == vectors[[1, 0]]).all()
    assert (first.computed, second.computed) == (2, 1)
    without = CachedEmbedder(bundled_model(), None)
    assert (without.encode(["red mug"]) == vectors[:1]).all(), "kept or not, the same vector"


def test_changed_labels_need_no_new_vectors_of_pages(store: PageStore, tmp_path: Path) -> None:
    first = classify_pages(PAGES, models=Models(bundled_model()), store=store)
    store.publish(first.pages, first.text_version)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        ((before,),) = connection.execute("select count(*) from cache.text_vectors").fetchall()
    labels = described(load_labels(), "apparel", "gowns and robes")
    second = classify_pages(PAGES, models=Models(bundled_model()), labels=labels, store=store)
    assert second.classified_by_kind["theme"] > 0
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        ((after,),) = connection.execute("select count(*) from cache.text_vectors").fetchall()
    assert after == before + 1, "that of the new description"


def test_published_rows_are_known_and_gone_pages_leave(store: PageStore, tmp_path: Path) -> None:
    first = classify_pages(PAGES, models=Models(bundled_model()), store=store)
    store.publish(first.pages, first.text_version)
    second = classify_pages(PAGES[2:], models=Models(bundled_model()), store=store)
    assert (second.classified, second.reused) == (0, 10)
    store.publish(second.pages, second.text_version)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        assert connection.execute("select count(*) from beha2vec.enriched_pages").fetchone() == (10,)
        assert connection.execute("select count(*) from cache.enriched_pages_unpublished").fetchone() == (0,)
    known = store.known_rows().sort_values("page_key", ignore_index=True)
    pd.testing.assert_frame_equal(known, second.pages, check_dtype=False)


def test_vectors_of_another_model_are_dropped_when_published(store: PageStore, tmp_path: Path) -> None:
    store.keep_vectors("old@1", {"a": b"\0\0"})
    store.keep_vectors("new@1", {"a": b"\0\0"})
    store.publish(classify_pages(PAGES, models=Models(bundled_model())).pages, "new@1")
    assert (store.vectors("old@1", ["a"]), store.vectors("new@1", ["a", "b"])) == ({}, {"a": b"\0\0"})


def test_a_table_of_an_earlier_version_gets_the_new_columns(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute("create schema beha2vec")
        connection.execute("create table beha2vec.enriched_pages (page_key varchar primary key, theme varchar)")
        connection.execute("insert into beha2vec.enriched_pages values ('h/', 'pets')")
        record_version(connection, SCHEMA_VERSION, "before it had them")
        create_tables(connection)
        found = connection.execute("select theme, theme_hash from beha2vec.enriched_pages").fetchone()
    assert found == ("pets", None)


RUN = """
import sys, time
from pathlib import Path
import pandas as pd
sys.path[:0] = [{here!r}]
from tests.pages.test_pages_store import PAGES, TableWarehouse
from beha2vec_core.pages import PageStore, classify_pages, parse_steps
from beha2vec_core.pages.classifiers.rules import RulesClassifier
real = RulesClassifier.classify
def slow(self, pages):
    time.sleep(0.15)
    return real(self, pages)
RulesClassifier.classify = slow
store = PageStore(TableWarehouse(Path({file!r})).connect)
result = classify_pages(PAGES, steps=parse_steps("rules"), store=store, chunk_size=2)
store.publish(result.pages, None)
print("PUBLISHED", result.classified, result.reused)
"""


@pytest.mark.slow
def test_a_killed_run_keeps_what_it_had_classified(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    code = RUN.format(here=str(Path(__file__).parents[2]), file=str(file))
    running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    kept = 0
    store = PageStore(TableWarehouse(file).connect)
    deadline = time.monotonic() + 60
    while not kept and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.1)
        kept = len(store.known_rows())
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = len(store.known_rows())
    assert 0 < kept < len(PAGES), "killed in the middle"
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("select count(*) from beha2vec.enriched_pages").fetchone() == (0,), "all or nothing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert f"PUBLISHED {len(PAGES) - kept} {kept}" in done.stdout, done.stderr
