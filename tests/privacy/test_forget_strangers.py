"""Forgetting a person removes no strangers: not by an id that many send, nor by one that is a word."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.identities import resolve
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.privacy.rules import rules
from beha2vec_core.settings import Settings
from tests.ga4.ingest_world import event, write
from tests.privacy.privacy_world import DAYS, PrivacyWorld

ONE = "1999999.1700000001"
MANY = [ONE, *(f"{n}.1700000002" for n in range(2_000_000, 2_000_050))]


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
