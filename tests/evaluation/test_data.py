"""The loader, and logs of GA4 as evaluation data: by hand-worked cases."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from beha2vec_core.evaluation.data import CONVERSIONS, from_connection, section
from beha2vec_core.ga4.reading import UnreadableFileError
from beha2vec_core.settings import misspelt_variables
from tests.benchmarks.data_sets import NAMES, DataNotFoundError, export, load
from tests.benchmarks.data_sets.addresses import page_key
from tests.benchmarks.data_sets.base import as_log, comes_back
from tests.benchmarks.data_sets.export import TIE_ORDER, from_export

ROOT = Path(__file__).resolve().parents[2]
NOON = 1_709_294_400_000_000  # 2024-03-01 12:00 UTC
MINUTE = 60_000_000


def test_a_name_that_is_none_is_reported_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no data set 'merch'; choose from merch_store, .*movielens_100k, .*own"):
        load("merch")
    with pytest.raises(ValueError, match="name the source"):
        load("own")


def test_what_is_missing_is_reported_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="BEHA2VEC_EVALUATION_DATA"):
        load("merch_store", folder=tmp_path, cache=tmp_path)
    with pytest.raises(DataNotFoundError, match="no GA4 export"):
        load("own", source=tmp_path / "nothing", cache=tmp_path)
    with pytest.raises(DataNotFoundError, match=r"warehouse\.duckdb or serving\.duckdb"):
        load("own", source=tmp_path / "nothing.duckdb")
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    with pytest.raises(DataNotFoundError, match="run ml_ga4__sequence_events"):
        load("own", source=tmp_path / "empty.duckdb")


def test_the_folder_may_be_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_EVALUATION_DATA", str(tmp_path))
    with pytest.raises(DataNotFoundError, match=str(tmp_path)):
        load("merch_store", cache=tmp_path)
    assert "BEHA2VEC_EVALUATION_DATA" not in misspelt_variables()
    assert "merch_store" in NAMES


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://www.Shop.Example.com:443//Hats/%C3%84rmel//?utm_source=x#top", "shop.example.com/hats/ärmel"),
        ("https://user:secret@shop.example.com", "shop.example.com/"),
        ("shop.example.com/a/", "shop.example.com/a"),
        ("//cdn.example.com/x;jsessionid=ABC?y=1", "cdn.example.com/x"),
        ("https://shop.example.com/Google+Redesign/a%20b", "shop.example.com/google+redesign/a b"),
        ("/cart?step=2", "app.example.com/cart"),
        ("index.html", "app.example.com/index.html"),
        ("about:blank", None),
        ("", None),
        (None, None),
    ],
)
def test_addresses_become_pages_as_in_dbt(address: str | None, page: str | None) -> None:
    assert page_key(address, "www.app.example.com") == page


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("shop.example.com/", "home"),
        ("shop.example.com/basket.html/quickview", "basket"),
        ("shop.example.com/en/hats/red", "hats"),
        ("shop.example.com/en", "en"),
        ("screen:Main", "screen"),
        (None, "none"),
    ],
)
def test_a_section_is_the_first_level_that_does_not_wrap_others(page: str | None, expected: str) -> None:
    assert section(page, below=("en",)) == expected


def test_events_are_those_of_dbts_taxonomy() -> None:
    with (ROOT / "dbt_ga4/seeds/ga4_event_taxonomy.csv").open() as file:
        taxonomy = list(csv.DictReader(file))
    ordered = sorted((row for row in taxonomy if row["tie_order"]), key=lambda row: int(row["tie_order"]))
    assert tuple(row["event_name"] for row in ordered) == TIE_ORDER
    undone = {"remove_from_cart", "refund", "app_store_subscription_renew"}
    bought = {row["event_name"] for row in taxonomy if row["event_group"] in ("cart", "checkout", "purchase")}
    assert bought - undone == set(CONVERSIONS)


def rows(*events: tuple[str | None, int, str, str | None]) -> pd.DataFrame:
    """Events as (user, minute, name, page)."""
    frame = pd.DataFrame(events, columns=["user_key", "minute", "event_name", "page"])
    frame["event_timestamp"] = NOON + frame.pop("minute") * MINUTE
    return frame.assign(page_title="A page", session="1")


def test_what_is_left_out_of_a_log_is_counted() -> None:
    log = as_log(
        rows(
            ("b", 5, "page_view", "s.example/cart"),
            ("b", 1, "session_start", "s.example/"),
            ("b", 1, "page_view", "s.example/"),
            ("b", 1, "page_view", "s.example/"),
            ("b", 6, "purchase", "s.example/done"),
            ("a", 9, "page_view", "s.example/hats/x"),
            ("a", 9, "add_to_cart", "s.example/hats/x"),
            ("a", 9, "scroll", None),
            ("c", 2, "add_to_cart", "s.example/hats/x"),
            (None, 2, "page_view", "s.example/"),
        )
    )
    events = log.events
    assert events["user_key"].tolist() == ["a", "a", "b", "b", "b"]
    assert events["event_name"].tolist() == ["page_view", "add_to_cart", "page_view", "page_view", "purchase"]
    assert events["section"].tolist() == ["hats", "hats", "home", "cart", "done"]
    assert events["is_page_view"].tolist() == [True, False, True, True, False]
    # the page of the cart is seen by who has put nothing into it, too: an event counts, a page does not
    assert events["is_conversion"].tolist() == [False, True, False, False, True]
    assert events["is_purchase"].tolist() == [False, False, False, False, True]
    assert events["page_type"].tolist()[2:4] == ["home", "cart"]
    assert log.left_out == (
        "Of 10 events of 3 users 5 of 2 stay; left out: 1 session_start/first_visit/first_open/user_engagement, "
        "2 without user or page, 1 duplicates, 1 of users without a page view."
    )
    with pytest.raises(ValueError, match="no event is left"):
        as_log(rows(("c", 2, "add_to_cart", "s.example/")))


def test_a_split_in_time_needs_days_and_people_who_come_back() -> None:
    day = 24 * 60
    long = [("a", 0, "page_view", "p"), ("b", 56 * day, "page_view", "p")]
    assert not comes_back(rows(*long))
    assert comes_back(rows(*long, ("b", 55 * day, "page_view", "p")))
    assert not comes_back(rows(("a", 0, "page_view", "p"), ("a", 55 * day, "page_view", "p")))


def ga4_row(user: str, moment: int, name: str, session: int | None, address: str) -> dict[str, Any]:
    params: list[dict[str, Any]] = [{"key": "page_location", "value": {"string_value": address}}]
    if session is not None:
        params.append({"key": "ga_session_id", "value": {"int_value": str(session)}})
    return {
        "event_date": "20240301",
        "event_timestamp": str(moment),
        "event_name": name,
        "event_params": params,
        "user_pseudo_id": user,
    }


def write_export(folder: Path, events: list[dict[str, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(event) + "\n" for event in events)
    (folder / "events_20240301.ndjson.gz").write_bytes(gzip.compress(text.encode()))


def test_an_export_is_read_with_sessions_and_order(tmp_path: Path) -> None:
    hats, cart = "https://www.s.example/Hats/", "https://www.s.example/cart?x=1"
    events = [
        ga4_row("a", NOON + 40 * MINUTE, "page_view", None, cart),
        ga4_row("a", NOON, "add_to_cart", None, hats),
        ga4_row("a", NOON, "page_view", None, hats),
        ga4_row("a", NOON + 9 * MINUTE, "scroll", None, hats),
        ga4_row("b", NOON, "page_view", 7, hats),
        ga4_row("b", NOON + 40 * MINUTE, "page_view", 7, cart),
    ]
    write_export(tmp_path / "export", events)
    data = load("own", source=tmp_path / "export", cache=tmp_path / "cache")
    read = data.events[["user_key", "event_name", "page", "session"]].to_numpy().tolist()
    assert read == [
        ["a", "page_view", "s.example/hats", "a/gap0"],
        ["a", "add_to_cart", "s.example/hats", "a/gap0"],
        ["a", "scroll", "s.example/hats", "a/gap0"],
        ["a", "page_view", "s.example/cart", "a/gap1"],
        ["b", "page_view", "s.example/hats", "b/7"],
        ["b", "page_view", "s.example/cart", "b/7"],
    ]
    assert not data.temporal

    # what was read is kept, until the files change
    (kept,) = (tmp_path / "cache").iterdir()
    again = from_export(str(tmp_path / "export"), cache=tmp_path / "cache")
    pd.testing.assert_frame_equal(again.events, data.events)
    write_export(tmp_path / "export", events[:-1])
    assert len(from_export(str(tmp_path / "export"), cache=tmp_path / "cache").events) == 5
    assert len(list((tmp_path / "cache").iterdir())) == 2 and kept.exists()


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    good = [ga4_row(user, NOON, "page_view", 7, "https://s.example/") for user in "ab"]
    write_export(tmp_path, [*good, {"event_date": "20240301", "event_name": "page_view"}])
    assert from_export(str(tmp_path)).about.endswith(" 1 rows could not be read.")
    # a file that is cut short is an error, not a part of the truth
    whole = (tmp_path / "events_20240301.ndjson.gz").read_bytes()
    for day, content in (("0302", whole[:-20]), ("0303", whole)):
        (tmp_path / f"events_2024{day}.ndjson.gz").write_bytes(content)
    with pytest.raises(UnreadableFileError, match="events_20240302"):
        from_export(str(tmp_path))


def test_small_files_are_read_at_once_and_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("01", "02", "03"):
        row = ga4_row("a", NOON + (int(day) - 1) * 86_400_000_000, "page_view", 7, "https://s.example/x")
        text = json.dumps(row | {"event_date": f"202403{day}"}) + "\n" * (day != "03")
        (tmp_path / f"events_202403{day}.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    joined = from_export(str(tmp_path)).events
    monkeypatch.setattr(export, "_SMALL_BYTES", 0)
    pd.testing.assert_frame_equal(from_export(str(tmp_path)).events, joined)
    assert len(joined) == 3


def test_a_warehouse_is_read_with_its_labels_and_its_taxonomy(tmp_path: Path) -> None:
    path = tmp_path / "serving.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"""
            create schema ga4;
            create schema beha2vec;
            create table ga4.ml_ga4__sequence_events as
            select * from (values
                ('b', date '2024-03-01', {NOON}, 2, 'ask_for_offer', 's.example/sofas', 'Sofas', 's1', false),
                ('b', date '2024-03-01', {NOON}, 1, 'page_view', 's.example/sofas', 'Sofas', 's1', true),
                ('a', date '2024-03-01', {NOON}, 1, 'page_view', 's.example/new', 'New', 's2', true),
                ('a', date '2024-03-01', {NOON + 1}, 1, 'deposit_paid', 's.example/new', 'New', 's2', false)
            ) as t(user_key, event_date, event_timestamp, event_index, event_name, page_key, page_title, session_key,
                is_page_view);
            create table beha2vec.enriched_pages as
            select 's.example/sofas' as page_key, 'furniture' as theme, 'product' as page_type;
            create table ga4.ga4_event_taxonomy as
            select * from (values ('ask_for_offer', 2), ('deposit_paid', 6), ('view_item', 1))
                as t(event_name, funnel_step)
        """)
    with duckdb.connect(str(path)) as connection:
        connection.execute("alter table ga4.ga4_event_taxonomy rename to kept")
        assert not from_connection(connection).events["is_conversion"].any()
        connection.execute("alter table ga4.kept rename to ga4_event_taxonomy")
    events = load("own", source=path).events
    columns = ["user_key", "event_name", "theme", "page_type", "session", "is_conversion", "is_purchase"]
    assert events[columns].to_numpy().tolist() == [
        ["a", "page_view", "unknown", "unknown", "s2", False, False],
        ["a", "deposit_paid", "unknown", "unknown", "s2", True, True],
        ["b", "page_view", "furniture", "product", "s1", False, False],
        ["b", "ask_for_offer", "furniture", "product", "s1", True, False],
    ]
