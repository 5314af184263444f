"""Pages of the evaluation are dbt's pages: the same addresses through both."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest

from tests.benchmarks.data_sets.addresses import page_key
from tests.dbt.conftest import Warehouse, _shared_warehouse

__all__ = ["_shared_warehouse"]  # a fixture
STORE = Path(__file__).resolve().parents[2] / "../shared/data/merch_store_2016_2017/ga4_data.csv"
PIECES = [
    "/",
    "//",
    "Hats",
    "a%20b",
    "%C3%84",
    "a+b",
    ";jsessionid=1",
    "x.html",
    " ",
    "%2F",
    ".",
    "?q=1/2",
    "#top",
    "&",
]
STARTS = ["", "https://", "http://", "//", "HTTPS://user:pw@"]
HOSTS = ["www.Shop.example.com", "shop.example.com:443", "localhost", "shop.example.com.", ""]

PAGE = """
    select case when {{ is_web_address('url') }} then
        coalesce({{ without_www(url_host('url')) }}, '') || {{ normalised_path(url_raw_path('url')) }}
    end as page
    from (select {{ with_authority('address') }} as url from addresses)
"""


@pytest.mark.slow
def test_pages_are_those_of_dbt(_shared_warehouse: Warehouse) -> None:
    dice = random.Random(5)
    addresses = {
        dice.choice(STARTS) + dice.choice(HOSTS) + "/" * dice.randint(0, 1) + "".join(dice.choices(PIECES, k=4))
        for _ in range(2000)
    }
    connection = duckdb.connect()
    if STORE.exists():
        found = connection.execute(f"select distinct page_location from read_csv('{STORE}', all_varchar = true)")
        addresses |= {address for (address,) in found.fetchall()}
    asked = sorted(addresses)
    connection.execute("create table addresses as select unnest(?) as address", [asked])
    (compiled,) = _shared_warehouse.dbt("compile", "--inline", PAGE)
    theirs = [page for (page,) in connection.execute(compiled.node.compiled_code).fetchall()]
    different = [
        (address, page_key(address), page)
        for address, page in zip(asked, theirs, strict=True)
        if page_key(address) != page
    ]
    assert not different, f"{len(different)} of {len(asked)}: {different[:12]}"
