"""The labelled pages are sound: labels that exist, keys that agree with their pages, hashes of real pages."""

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

import beha2vec_core
from beha2vec_core.pages import load_labels

LABELLED = Path(__file__).resolve().parents[1] / "benchmarks/labelled_pages"
STORE = Path(__file__).resolve().parents[2] / "../shared/data/merch_store_2016_2017/ga4_data.csv"
LABELS = yaml.safe_load((Path(beha2vec_core.__file__).parent / "pages/labels.yml").read_text(encoding="utf-8"))
SITES = ("fashion", "software", "news")
OWN = LABELLED / "own_labels"
OWN_SITES = yaml.safe_load((OWN / "sites.yml").read_text(encoding="utf-8"))
HALVES = ("tuned", "scored")
FIELDS = {
    "page_key": str,
    "hostname": str,
    "page_path": str,
    "page_title": str,
    "item_names": list,
    "item_categories": list,
    "theme": list,
    "page_type": list,
}


def pages_of(site: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (LABELLED / f"{site}.jsonl").read_text(encoding="utf-8").splitlines()]


def merch_store() -> list[dict[str, str]]:
    with (LABELLED / "merch_store.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def page_key(hostname: str, path: str) -> str:
    path = re.sub("/+", "/", "/" + unquote(path).lower())
    return hostname.lower().removeprefix("www.") + (path.rstrip("/") or "/")


def assert_accepted(themes: list[str], page_types: list[str], page: str) -> None:
    for accepted, kind in ((themes, "themes"), (page_types, "page_types")):
        assert accepted, f"{page}: no label among {kind}"
        assert len(accepted) == len(set(accepted)), f"{page}: a label twice among {kind}"
        assert set(accepted) <= {*LABELS[kind], "unknown"}, f"{page}: not in labels.yml: {accepted}"


@pytest.mark.parametrize("site", SITES)
def test_site_has_enough_distinct_pages(site: str) -> None:
    keys = [page["page_key"] for page in pages_of(site)]
    assert len(keys) == len(set(keys)) >= 60


@pytest.mark.parametrize("site", SITES)
def test_site_pages_are_whole(site: str) -> None:
    for page in pages_of(site):
        assert {name: type(value) for name, value in page.items()} == FIELDS
        assert page["page_title"].strip()
        assert page["page_key"] == page_key(page["hostname"], page["page_path"])
        assert_accepted(page["theme"], page["page_type"], page["page_key"])


def test_merch_store_has_labels_and_hashes_only() -> None:
    rows = merch_store()
    assert len(rows) == len({row["page_hash"] for row in rows}) >= 150
    for row in rows:
        assert list(row) == ["page_hash", "theme", "page_type"]
        assert re.fullmatch("[0-9a-f]{64}", row["page_hash"])
        assert_accepted(row["theme"].split("|"), row["page_type"].split("|"), row["page_hash"])


@pytest.mark.skipif(not STORE.is_file(), reason="the real data (../shared/data) is not on this machine")
def test_merch_store_pages_are_in_the_real_data() -> None:
    with STORE.open(encoding="utf-8", newline="") as file:
        addresses = {urlsplit(row["page_location"]) for row in csv.DictReader(file)}
    keys = {page_key(address.hostname, address.path) for address in addresses if address.hostname}
    real = {hashlib.sha256(key.encode()).hexdigest() for key in keys}
    assert {row["page_hash"] for row in merch_store()} <= real


@pytest.mark.parametrize("name", sorted(OWN_SITES))
def test_site_with_its_own_labels_is_whole(name: str) -> None:
    about = OWN_SITES[name]
    assert set(about) == {"hostname", "language", "half"} and about["half"] in (*HALVES, "independent")
    labels = load_labels(OWN / f"{name}.yml")
    themes, page_types = ({label.name for label in of} | {"unknown"} for of in (labels.themes, labels.page_types))
    first, second = (
        list(csv.DictReader((OWN / f"{name}{end}.csv").read_text(encoding="utf-8").splitlines()))
        for end in ("", ".second")
    )
    paths = [page["page_path"] for page in first]
    assert paths == [page["page_path"] for page in second]
    assert len({path.lower() for path in paths}) == len(paths) >= 60
    for page in (*first, *second):
        assert page["theme"] in themes and page["page_type"] in page_types, page


def test_half_of_the_sites_with_own_labels_are_only_scored() -> None:
    halves = {half: {about["language"] for about in OWN_SITES.values() if about["half"] == half} for half in HALVES}
    assert halves["tuned"] == halves["scored"] == {"de", "en", "fr"}
