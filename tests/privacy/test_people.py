"""Identifiers are recognized in texts, bytes and columns however they are written, and nothing like them is."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beha2vec_core.privacy import people as people_module
from beha2vec_core.privacy.people import People, long_enough
from beha2vec_core.settings import Settings
from tests.ga4.ingest_world import event, write
from tests.privacy.privacy_world import (
    DAYS,
    PrivacyWorld,
)


@pytest.mark.parametrize(
    "text",
    [
        "?uid=ann-4711&x=1", "redirect=https%3A%2F%2Fshop%2F%3Fu%3Dann-4711", r"{\"id\": \"ann-4711\"}", "ANN-4711",
        "(ann-4711)", "ann-4711", r"| ann\-4711 |", r"{\"md\": \"| ann\\\\-4711 |\"}",
        "%253Dann-4711", "u%253Dann%252D4711",
    ],
)  # fmt: skip
def test_a_text_names_a_person(text: str) -> None:
    people = People(logins=frozenset(["ann-4711"]))
    assert people.named_in(text) and people.named_in_bytes(text.encode())
    assert "4711" not in people.taken_out_of(text)
    with duckdb.connect() as connection:
        named = people_module.named_in_sql("t", people)
        taken_out = people_module.taken_out_sql("t", "VARCHAR", people)
        ((found, left),) = connection.execute(f"select {named}, {taken_out} from (select ? as t)", [text]).fetchall()
    assert found and left == people.taken_out_of(text)


@pytest.mark.parametrize(
    ("login", "text"),
    [
        ("ann@shop.example", "?u=ann%40shop.example"), ("ann@shop.example", r"\"ann\\@shop\\.example\""),
        ("änn 4711", "u=%C3%A4nn+4711"), ("änn 4711", r'{"u": "\u00e4nn 4711"}'), ('a"b<4711', "a&quot;b&lt;4711"),
        ("a\\4711", r"a\\4711"), ("a.b+4711", "A.B%2B4711"),
    ],
)  # fmt: skip
def test_an_id_with_marks_is_known_however_it_is_escaped(login: str, text: str) -> None:
    people = People(logins=frozenset([login]))
    assert people.named_in(text)
    with duckdb.connect() as connection:
        query = f"select {people_module.named_in_sql('t', people)} from (select ? as t)"
        assert connection.execute(query, [text]).fetchall() == [(True,)]


DEVICE = "1087360520.1767818244"


@settings(max_examples=100, deadline=None)
@given(one=st.text('aİKſßäk7.@ +%\\"', min_size=10, max_size=12).filter(long_enough))
@example(one="DALİRAN7@x.y.com")
def test_any_id_is_found_in_text_and_bytes(one: str) -> None:
    people = People(logins=frozenset([one]))
    for text in (f"?u={one}&", f"?u={quote(one)}&", json.dumps({"u": one})):
        assert people.named_in(text) and people.named_in_bytes(text.encode())


def in_base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


LINKED = [
    f"https://shop.example/?_gl=1*1abc*_ga*{in_base64(DEVICE)}.*_ga_XXXX*MTcx",
    f"/?_gl=1%2A1abc%2A_ga%2A{in_base64(DEVICE)}",
    f"/?_ga=2.123456789.987654321.{DEVICE}", "/?cid=1087360520_1767818244", "/?cid=GA1.2.1087360520-1767818244",
    *(
        f"/?d={in_base64(before + DEVICE + after)}"
        for before in ("", "x", "xy", "xyz")
        for after in ("", '"}', "-more")
    ),
]  # fmt: skip


@pytest.mark.parametrize("text", LINKED)
def test_a_link_with_a_client_id_names_a_person(text: str) -> None:
    people = People(devices=frozenset([DEVICE]))
    assert people.named_in(text) and people.named_in_bytes(text.encode())
    left = people.taken_out_of(text)
    assert not people.named_in(left) and "[removed]" in left
    with duckdb.connect() as connection:
        taken_out = people_module.taken_out_sql("t", "VARCHAR", people)
        assert connection.execute(f"select {taken_out} from (select ? as t)", [text]).fetchall() == [(left,)]


def test_a_client_id_in_others_links_is_found_removed_and_kept_out(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", source=str(tmp_path / "export"), property_id="p1")
    world = PrivacyWorld(settings, tmp_path / "home", tmp_path / "exported")
    links = [
        {"key": "page_location", "value": {"string_value": f"https://shop.example{link[link.index('/?') :]}"}}
        for link in LINKED[:5]
    ]
    other = "2222222222.1767818245"
    rows = [event(n, DAYS[0], user_pseudo_id=other, event_params=[link]) for n, link in enumerate(links)]
    rows.append(event(9, DAYS[0], user_pseudo_id=DEVICE))
    write(tmp_path / "export" / f"events_{DAYS[0]:%Y%m%d}.json.gz", rows)
    world.ingest()
    assert [one.rows for one in world.find(DEVICE) if one.column == "event_params"] == [5]
    assert world.forget(DEVICE).left == []
    world.ingest()
    left = str(world.raw_rows())
    assert len(world.raw_rows()) == 5
    for hidden in (in_base64(DEVICE), DEVICE, DEVICE.replace(".", "_"), DEVICE.replace(".", "-")):
        assert hidden not in left


@pytest.mark.parametrize("text", ["joann-4711", "ann-47110", "4711", "ann"])
def test_a_text_like_it_does_not(text: str) -> None:
    assert not People(logins=frozenset(["ann-4711"])).named_in(text)


def test_a_word_or_short_number_is_only_looked_for_in_columns_of_ids() -> None:
    people = People(logins=frozenset(["samsung", "4711", "123456"]))
    assert not any(map(people.named_in, ("buy samsung", "/p/4711", "123456 items")))
    assert people.named_in('{"user_id": "samsung"}')
