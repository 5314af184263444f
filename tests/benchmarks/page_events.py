"""What events on pages tell about their types, and items about their themes, where addresses and titles say nothing.

    python tests/benchmarks/page_events.py [--folder FOLDER] [--users 1500]

The pages come from GA4 exports through dbt: the demo shop and, where ../shared/data has it, the Merchandise Store.
``as they are`` has the sites' own addresses and titles; in ``codes`` each folder, file name and title is a code of
letters, the home page's path too. Types are scored without and with events, by the bundled labels and by German ones;
themes of pages with a category of items, without and with the items. A demo product's right theme is its category's.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.demo_shop.catalogue import northfold
from beha2vec_core.pages import Label, Labels, Models, classify_pages, load_labels
from tests.dagster.project import make_project
from tests.pages.test_labelled_pages import merch_store
from tests.pages.test_pages_sites import PAGE_TYPES, THEMES

MERCH = Path(__file__).resolve().parents[2] / "../shared/data/merch_store_2016_2017/export"
FOLDER = Path(tempfile.gettempdir()) / "beha2vec_page_events"
START, DAYS = date(2026, 1, 5), 30
# a team's own types, and the bundled ones that they stand for
GERMAN = {
    "startseite": ("die Startseite", {"home"}),
    "ware": ("ein einzelnes Produkt", {"product"}),
    "sortiment": ("eine Liste von Produkten", {"category", "comparison"}),
    "warenkorb": ("der Warenkorb", {"cart"}),
    "kasse": ("Lieferung und Zahlung", {"checkout"}),
    "danke": ("die Bestätigung nach der Bestellung", {"confirmation"}),
    "konto": ("Anmelden und das eigene Konto", {"account", "login", "signup", "wishlist"}),
    "suche": ("die Suche mit ihren Treffern", {"search"}),
    "hilfe": ("Fragen, Versand und Kontakt", {"support"}),
    "ratgeber": ("ein Artikel", {"article"}),
    "magazin": ("eine Liste von Artikeln", {"article_list"}),
    "filialen": ("unsere Filialen", {"store_finder"}),
    "recht": ("Datenschutz und AGB", {"policy"}),
    "fehler": ("Seite nicht gefunden", {"error"}),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, default=FOLDER, help="keeps exports and warehouses")
    options.add_argument("--users", type=int, default=1500, help="of the demo shop")
    chosen = options.parse_args()
    sites = {"demo shop": demo_pages(chosen.folder.resolve(), chosen.users)}
    if MERCH.exists():
        sites["Merchandise Store"] = merch_pages(chosen.folder.resolve())
    bundled = load_labels()
    german = Labels(bundled.themes, tuple(Label(name, text) for name, (text, _) in GERMAN.items()))
    models = Models(progress=False)
    print(f"{'':36}{'pages':>7}{'right without':>15}{'right with':>12}{'of views':>18}{'right, now wrong':>18}")
    for site, pages in sites.items():
        for how in ("as they are", "codes"):
            for name, labels in (("bundled", bundled), ("German", german)):
                seen = pages if how == "as they are" else in_codes(pages)
                without = right(seen.drop(columns=["usual_events", "frequent_events"]), labels, models, name)
                with_events = right(seen, labels, models, name)
                views = pages["page_views"][with_events.index] / pages["page_views"][with_events.index].sum()
                print(
                    f"{f'{site}, {how}, {name}':36}{len(with_events):7}{without.mean():15.1%}{with_events.mean():12.1%}"
                    f"{f'{(without * views).sum():.1%} > {(with_events * views).sum():.1%}':>18}"
                    f"{(without & ~with_events).sum():18}"
                )
            filed = seen[(seen["item_categories"].map(len) == 1) & seen["true_theme"].notna()].index
            answers = [
                classify_pages(frame, labels=bundled, models=models, progress=False).pages.set_index("page_key")[
                    "theme"
                ]
                for frame in (seen.drop(columns=["item_names", "item_categories"]), seen)
            ]
            shares = [
                sum(answer[seen["page_key"][row]] in seen["true_theme"][row] for row in filed) / len(filed)
                for answer in answers
            ]
            print(
                f"{f'{site}, {how}':36}{len(filed):7} themes right without items {shares[0]:.1%}, with {shares[1]:.1%}"
            )


def demo_pages(folder: Path, users: int) -> pd.DataFrame:
    export = folder / f"demo_{users}"
    if not export.exists():
        write_demo_export(export, users=users, days=DAYS, seed=0, start_date=START)
    shop = northfold()
    truth = {
        shop.host + page.path: PAGE_TYPES.get(kind, {kind.value})
        for kind, of_kind in shop.pages.items()
        for page in of_kind
    }
    pages = built(folder / f"demo_{users}_project", export, START, START + timedelta(days=DAYS - 1))
    themes = [THEMES.get(categories[0]) if len(categories) else None for categories in pages["item_categories"]]
    return pages.assign(truth=pages["page_key"].map(truth), true_theme=themes).dropna(subset="truth")


def merch_pages(folder: Path) -> pd.DataFrame:
    """The labelled pages; the others stay, unscored, because they tell what the site is like."""
    pages = built(folder / "merch_project", MERCH.resolve(), date(2016, 8, 1), date(2017, 8, 1))
    hashes = pages["page_key"].map(lambda key: hashlib.sha256(key.encode()).hexdigest())
    truth = {row["page_hash"]: set(row["page_type"].split("|")) for row in merch_store()}
    themes = {row["page_hash"]: set(row["theme"].split("|")) for row in merch_store()}
    return pages.assign(truth=hashes.map(truth), true_theme=hashes.map(themes))


def built(folder: Path, export: Path, start: date, end: date) -> pd.DataFrame:
    """The table of pages that dbt makes of an export."""
    if not folder.exists():
        project = make_project(folder, source=str(export), start_date=str(start), end_date=str(end), property_id="p")
        project.run("beha2vec", "materialize", "--select", "*dim_ga4__pages")
    with duckdb.connect(str(folder / "data/warehouse.duckdb"), read_only=True) as connection:
        return connection.execute("from ga4.dim_ga4__pages order by page_key").df()


def in_codes(pages: pd.DataFrame) -> pd.DataFrame:
    """The pages with a code for each folder, file name and title, the same where these are the same."""
    paths = ["/" + "/".join(map(code, path.strip("/").split("/"))) for path in pages["page_path"]]
    return pages.assign(page_path=paths, page_key=pages["hostname"] + paths, page_title=pages["page_title"].map(code))


def code(text: str | None) -> str:
    digest = hashlib.sha256((text or "home").encode()).hexdigest()
    return "".join("bcdfghjklmnpqrst"[int(digit, 16)] for digit in digest[:9])


def right(pages: pd.DataFrame, labels: Labels, models: Models, name: str) -> pd.Series:
    """Whether each scored page gets a right type."""
    answers = classify_pages(pages, labels=labels, models=models, progress=False).pages
    said = pages["page_key"].map(answers.set_index("page_key")["page_type"])
    meant = {label: accepted for label, (_, accepted) in GERMAN.items()} if name == "German" else {}
    scored = pages["truth"].notna()
    both = zip(said[scored], pages["truth"][scored], strict=True)
    return pd.Series([bool(meant.get(label, {label}) & truth) for label, truth in both], index=pages.index[scored])


if __name__ == "__main__":
    main()
