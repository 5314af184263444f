"""Forgetting a person removes no strangers: not by an id that many send, nor by one that is a word."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from beha2vec_core.privacy.forgetting.identities import resolve
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.privacy.rules import rules
from beha2vec_core.settings import Settings
from tests.ga4.ingest_world import event, write
from tests.privacy.privacy_world import DAYS, PrivacyWorld

ONE = "1999999.1700000001"
MANY = [ONE, *(f"{n}.1700000002" for n in range(2_000_000, 2_000_050))]
MEMBER = "5f0c1e9ab3d84c6f9e27"


def raw_world(folder: Path, rows: list[dict[str, object]]) -> PrivacyWorld:
    """A world of raw partitions of one day."""
    settings = Settings(source=str(folder / "export"), data_dir=folder / "data", property_id="p1")
    write(folder / "export" / f"events_{DAYS[0]:%Y%m%d}.json.gz", rows)
    world = PrivacyWorld(settings, folder / "home", folder / "exported")
    world.ingest()
    return world


def logged_in(login: str) -> list[dict[str, object]]:
    return [event(n, DAYS[0], user_pseudo_id=device, user_id=login) for n, device in enumerate(MANY)]


@pytest.mark.parametrize("placeholder", ["undefined", " NULL ", "(not set)"])
def test_a_placeholder_links_nobody(tmp_path: Path, placeholder: str) -> None:
    world = raw_world(tmp_path, logged_in(placeholder))
    people = resolve(world.settings, [ONE]).people
    assert (people.devices, people.logins) == ({ONE}, frozenset())
    with pytest.raises(PrivacyError, match="placeholder"):
        world.forget(placeholder)
    # an earlier release put it on the list
    Forgotten(world.settings.storage.data_dir).add([placeholder, ONE], DAYS[0])
    assert sum(day.forgotten for day in world.ingest().days) == 1


def test_dbt_has_the_placeholders_of_the_rules() -> None:
    project = Path(__file__).resolve().parents[2] / "dbt_ga4" / "dbt_project.yml"
    defaults = yaml.safe_load(project.read_text())["vars"]["placeholder_values"]
    assert {one.lower() for one in defaults} <= rules().placeholder_ids


def test_a_login_of_many_devices_needs_a_word(tmp_path: Path) -> None:
    world = raw_world(tmp_path, logged_in("guest"))
    for asked in (ONE, "guest"):
        with pytest.raises(PrivacyError, match=r"'guest'.* 51 devices.*--devices 51"):
            world.forget(asked)
    assert not Forgotten(world.settings.storage.data_dir).hashes() and len(world.raw_rows()) == 51
    assert world.forget(ONE, most_devices=51).left == [] and not world.raw_rows()


@pytest.mark.parametrize("login", ["iphone15", "20261129"])
def test_an_id_that_is_a_word_of_many_texts_is_only_looked_for_in_columns(tmp_path: Path, login: str) -> None:
    """Anyone can send such a login by the Measurement Protocol and ask for erasure."""
    case = {"key": "page_title", "value": {"string_value": f"New {login} case"}}
    rows = [event(n, DAYS[0], user_pseudo_id=device, event_params=[case]) for n, device in enumerate(MANY)]
    rows.append(event(99, DAYS[0], user_pseudo_id="9.9", user_id=login, event_params=[case]))
    world = raw_world(tmp_path, rows)
    certificate = world.forget(login)
    assert certificate.left == [] and "20 other people" in certificate.as_text()
    for forgotten in (0, 1):
        texts = [row for row in world.raw_rows() if f"New {login} case" in str(row)]
        assert len(texts) == len(world.raw_rows()) == len(MANY) and "[removed]" not in str(world.raw_rows())
        assert sum(day.forgotten for day in world.ingest().days) == 1, forgotten
    # a day on which few others say so
    write(tmp_path / "export" / f"events_{DAYS[0]:%Y%m%d}.json.gz", rows[:3])
    world.ingest()
    assert str(world.raw_rows()).count(f"New {login} case") == 3


@pytest.mark.parametrize(
    ("who", "in_link", "spelled"),
    [
        (ONE, "_ga=2.1.1.{}", ONE),
        (ONE, "_gl=1*1vq*_ga*{}*_ga_X*MTc", base64.b64encode(ONE.encode()).decode().rstrip("=")),
        (MEMBER, "member={}", MEMBER),
    ],
)
def test_an_id_that_is_no_word_leaves_the_link_that_many_opened(
    tmp_path: Path, who: str, in_link: str, spelled: str
) -> None:
    link = {"key": "page_location", "value": {"string_value": f"https://shop.example/?{in_link.format(spelled)}"}}
    rows = [event(n, DAYS[0], user_pseudo_id=device, event_params=[link]) for n, device in enumerate(MANY)]
    rows[0]["user_id"] = MEMBER
    world = raw_world(tmp_path, rows)
    assert sum(spelled in str(row) for row in world.raw_rows()) == len(MANY)
    certificate = world.forget(who)
    assert certificate.left == [] and "20 other people" not in certificate.as_text()
    for _ in range(2):
        kept = [str(row) for row in world.raw_rows()]
        assert len(kept) == len(MANY) - 1 and not any(spelled in row for row in kept)
        world.ingest()


def test_a_forgotten_id_that_becomes_a_word_stays_in_texts(tmp_path: Path) -> None:
    settings = Settings(source=str(tmp_path / "export"), data_dir=tmp_path / "data", property_id="p1")
    Forgotten(settings.storage.data_dir).add(["black-friday-2026"], DAYS[0])
    sale = {"key": "campaign", "value": {"string_value": "black-friday-2026"}}
    rows = [event(n, DAYS[0], user_pseudo_id=device, event_params=[sale]) for n, device in enumerate(MANY)]
    world = raw_world(tmp_path, rows)
    assert str(world.raw_rows()).count("black-friday-2026") == len(MANY)
