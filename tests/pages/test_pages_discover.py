"""Theme discovery with the real model: groups that agree with a known shop, in a label file that works."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score
from typer.testing import CliRunner

from beha2vec_core.cli import app
from beha2vec_core.demo_shop.catalogue import PageKind, northfold
from beha2vec_core.pages import Label, Labels, Models, classify_pages, load_labels
from beha2vec_core.pages.discover import (
    EVERY_SITE_THEMES,
    MIN_PAGES,
    Discovery,
    DiscoveryError,
    Suggestion,
    _names,
    discover_themes,
    label_file,
)
from beha2vec_core.pages.text import clean_title
from beha2vec_core.store.warehouse import Warehouse
from tests.pages.test_pages_cascade import bundled_model

COLUMNS = ["page_key", "page_title", "page_path", "hostname", "page_views"]


def shop_pages(every: int) -> tuple[pd.DataFrame, pd.Series]:
    """Pages of the demo shop with every n-th product, and the catalogue's category of those that have one."""
    shop = northfold()
    kinds = {**shop.pages, PageKind.PRODUCT: shop.pages[PageKind.PRODUCT][::every]}
    found = [page for pages in kinds.values() for page in pages]
    rows = [
        (shop.host + page.path, page.title, page.path, shop.host, 1000 // (n + 1) + 1) for n, page in enumerate(found)
    ]
    pages = pd.DataFrame(rows, columns=COLUMNS)
    return pages, pd.Series([page.category for page in found], index=pages["page_key"])


@pytest.fixture(scope="module")
def shop() -> tuple[pd.DataFrame, pd.Series]:
    return shop_pages(every=3)


@pytest.fixture(scope="module")
def found(shop: tuple[pd.DataFrame, pd.Series]) -> Discovery:
    return discover_themes(shop[0], bundled_model())


def read(text: str, folder: Path) -> Labels:
    file = folder / "labels.yml"
    file.write_text(text, encoding="utf-8")
    return load_labels(file)


def agreement(groups: pd.Series, categories: pd.Series) -> float:
    known = categories.reindex(groups.index).dropna()
    return float(adjusted_rand_score(known, groups[known.index]))


def test_groups_agree_with_the_catalogue(found: Discovery, shop: tuple[pd.DataFrame, pd.Series]) -> None:
    ari = agreement(pd.Series(found.groups, index=list(found.page_keys)), shop[1])
    print(f"\ndemo shop: {len(found.themes)} themes of {len(found.page_keys)} pages, ARI with its categories {ari:.2f}")
    for theme in found.themes:
        print(
            f"  {theme.label.name:<32} {theme.pages:>3} pages  {theme.share_of_views:5.1%}  {theme.label.description}"
        )
    assert ari > 0.45
    assert 5 <= len(found.themes) <= 20
    assert sum(theme.pages for theme in found.themes) == len(found.page_keys) == len(found.groups)
    assert len(found.page_keys) + found.left_out == len(shop[0])


def test_names_are_readable_and_without_the_site(found: Discovery) -> None:
    names = [theme.label.name for theme in found.themes]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalpha() and name == name.lower() for name in names)
    words = {word for name in names for word in name.split("_")}
    assert words & {"backpacks", "bags", "daypacks"}
    assert words & {"boots", "hiking", "shoes", "footwear"}
    assert not words & {"northfold", "shop", "cart", "account"}
    shares = [theme.share_of_views for theme in found.themes]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1


def test_the_suggested_file_classifies_the_shop(
    found: Discovery, shop: tuple[pd.DataFrame, pd.Series], tmp_path: Path
) -> None:
    pages, categories = shop
    labels = read(label_file(found), tmp_path)
    defaults = {label.name: label for label in load_labels().themes}
    assert labels.themes == (*(t.label for t in found.themes), *(defaults[name] for name in EVERY_SITE_THEMES))
    assert labels.page_types == load_labels().page_types
    result = classify_pages(pages[::2], labels=labels, models=Models(embedder=bundled_model()), progress=False)
    themes = result.pages.set_index("page_key")["theme"]
    ari = agreement(themes, categories)
    print(
        f"\ndemo shop with the suggested labels: ARI {ari:.2f}, unknown theme {result.unknown_theme_share:.1%} of views"
    )
    assert ari > 0.4
    assert result.unknown_theme_share < 0.25
    assert set(themes[themes.index.str.contains("/checkout/")]) == {"purchase"}


def test_same_pages_and_seed_same_file(shop: tuple[pd.DataFrame, pd.Series]) -> None:
    some = shop[0][::3]
    first = discover_themes(some, bundled_model(), groups=5)
    second = discover_themes(some.sample(frac=1, random_state=5), bundled_model(), groups=5)
    assert len(first.themes) == 5
    assert label_file(first) == label_file(second)


def test_a_number_of_groups_that_cannot_be_is_reported(shop: tuple[pd.DataFrame, pd.Series]) -> None:
    with pytest.raises(DiscoveryError, match=r"500 groups of \d+ pages: give a number from 2 to"):
        discover_themes(shop[0], bundled_model(), groups=500)


def test_views_weigh_and_the_most_viewed_pages_are_looked_at(shop: tuple[pd.DataFrame, pd.Series]) -> None:
    pages = shop[0].sample(frac=1, random_state=1)
    found = discover_themes(pages, bundled_model(), max_pages=80, groups=4)
    assert len(found.page_keys) + found.left_out == 80
    views = pages.set_index("page_key")["page_views"]
    assert views[list(found.page_keys)].min() >= views.nlargest(80).min()


def test_too_few_pages_are_reported() -> None:
    pages = pd.DataFrame([(f"a.example/{n}", f"Page {n}", f"/{n}", "a.example", 1) for n in range(50)], columns=COLUMNS)
    for some in (pages, pages[:0]):
        with pytest.raises(DiscoveryError, match=f"{MIN_PAGES} are needed"):
            discover_themes(some, bundled_model())


HOSTILE = [
    "Mugs\nthemes:\n  evil: injected",
    "Mugs']}\n---\nevil: !!python/object/apply:os.system ['true']",
    "&mug *mug Mugs",
    "- Mugs # comment",
    "Mugs: {evil: yes}",
    "! % @ ` Mugs \u2028 evil: 1",
    "yes",
    "null Mugs",
    "Mugs \\x41 \\u0000 \"quoted\" 'single'",
    "x" * 5000,
    "Mugs by jane.doe@example.com 4711471147114711",
    "\x00\x1b[31mMugs\u202e",
]


def test_hostile_titles_stay_texts(tmp_path: Path) -> None:
    rows = [
        (f"a.example/p/{n}-{word}", f"{title} {word}", f"/p/{n}-{word}", "a.example", 5)
        for n, title in enumerate(HOSTILE)
        for word in ("coffee", "garden", "yes", "unknown")
    ]
    found = discover_themes(pd.DataFrame(rows, columns=COLUMNS), bundled_model(), groups=4)
    text = label_file(found)
    labels = read(text, tmp_path)
    assert len(labels.themes) == 4 + len(EVERY_SITE_THEMES)
    assert set(yaml.safe_load(text)) == {"themes", "page_types"}
    assert tuple(labels.themes[:4]) == tuple(theme.label for theme in found.themes)
    assert not any(mark in text for mark in ("jane.doe", "4711471147114711", "\x1b", "\u202e"))


@settings(max_examples=25)
@given(st.lists(st.text(min_size=1).map(clean_title).filter(bool), min_size=2, max_size=6))
def test_any_text_survives_the_file(texts: list[str]) -> None:
    import tempfile

    label = Label("mugs_and_cups", texts[0], tuple(texts[1:]))
    discovery = Discovery((Suggestion(label, 3, 0.25),), ("a/b",), np.zeros(1, dtype=np.int64), 0)
    with tempfile.TemporaryDirectory() as folder:
        read_back = read(label_file(discovery), Path(folder)).themes[0]
    assert read_back == replace(label, description=texts[0].strip(), examples=tuple(t.strip() for t in texts[1:]))


@given(
    st.lists(st.lists(st.sampled_from(["mug", "cup", "unknown", "legal", "pan"]), min_size=1, max_size=4), max_size=9)
)
def test_names_are_unique_and_free(terms: list[list[str]]) -> None:
    names = _names(terms)
    assert len(set(names)) == len(terms)
    assert not {"unknown", *EVERY_SITE_THEMES} & set(names)


# the command


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a warehouse that holds a part of the shop's pages."""
    bundled_model()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", "data")
    monkeypatch.setattr("beha2vec_core.cli.themes._BUSY_SECONDS", 0.2)
    (tmp_path / "data").mkdir()
    write_pages(tmp_path / "data" / "warehouse.duckdb", shop_pages(every=8)[0])
    return tmp_path


def write_pages(database: Path, pages: pd.DataFrame) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.register("pages", pages)
        connection.execute("create schema ga4")
        connection.execute("create table ga4.dim_ga4__pages as from pages")


def test_themes_suggest_writes_a_file_and_overwrites_none(project: Path) -> None:
    (project / "mine.yml").write_text("my own work")
    command = ["themes", "suggest", "--groups", "6", "--output", "mine.yml"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 2
    assert "--force to overwrite" in refused.output
    assert (project / "mine.yml").read_text() == "my own work"

    done = CliRunner().invoke(app, [*command, "--force"])
    assert done.exit_code == 0, done.output
    assert "6 themes of" in done.output
    assert "BEHA2VEC_LABELS_FILE=mine.yml" in done.output
    assert len(load_labels(project / "mine.yml").themes) == 6 + len(EVERY_SITE_THEMES)


def test_a_busy_warehouse_leaves_what_was_published(project: Path) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with Warehouse(project / "data" / "warehouse.duckdb").exclusive("test"):
            held.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    try:
        refused = CliRunner().invoke(app, ["themes", "suggest"])
        write_pages(project / "data" / "serving.duckdb", shop_pages(every=8)[0])
        served = CliRunner().invoke(app, ["themes", "suggest", "--pages", "60", "--groups", "3"])
    finally:
        done.set()
        holder.join()
    assert refused.exit_code == 1
    assert "stayed locked" in refused.output
    assert served.exit_code == 0, served.output
    assert "the pages are those of serving.duckdb" in served.output
    assert "3 themes of" in served.output


@pytest.mark.parametrize("tables", [False, None])
def test_without_pages_the_remedy_is_reported(
    tables: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", "data")
    if tables is False:
        (tmp_path / "data").mkdir()
        duckdb.connect(str(tmp_path / "data" / "warehouse.duckdb")).close()
    done = CliRunner().invoke(app, ["themes", "suggest"])
    assert done.exit_code == 1
    assert "beha2vec materialize" in done.output
    assert not (tmp_path / "labels.yml").exists()
    assert tables is False or not (tmp_path / "data" / "warehouse.duckdb").exists()
