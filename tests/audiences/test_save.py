"""An audience is written to the reviewed file, and nothing else in it changes."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beha2vec_core.audiences.file import Audience, AudienceError, load_audiences
from beha2vec_core.audiences.save import as_yaml, save_audience
from tests.helpers.hostile_text import HOSTILE_TEXTS

FILE = """# the team looks at this file on Mondays

- name: buyers  # they have bought
  rule: purchases > 0
  holdout: 0.10

# those of the newsletter
- name: readers
  description: |
    two lines:
    - of text
  rule: "sessions > 3"
  purpose: ads
  activate: [{to: ga4, as: readers_of_b2v, send: true}]
  pause: 7
  exclude_file: lists/never.csv

# the end
"""
NEW = Audience(name="new", rule="country = 'AT' and\nnot purchases > 3", description="ä: # {x}", cap=7, holdout=0.2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "audiences.yml"
    path.write_text(FILE)
    return path


def test_a_new_audience_stands_at_the_end_and_all_else_stays(path: Path) -> None:
    path.chmod(0o640)
    found = save_audience(path, NEW, None)
    assert path.read_text().startswith(FILE + "- name: new\n")
    assert found[:2] == load_audiences(path)[:2] and found[2] == NEW
    assert "purpose" not in path.read_text().removeprefix(FILE), "defaults are left out"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.name for one in path.parent.iterdir() if "lock" not in one.name] == ["audiences.yml"]


def test_an_audience_is_replaced_where_it_stands(path: Path) -> None:
    before = load_audiences(path)
    changed = before[1].model_copy(update={"rule": "sessions > 4", "cap": 9})
    assert save_audience(path, changed, before[1]) == [before[0], changed]
    text = path.read_text()
    assert text.startswith(FILE[: FILE.index("- name: readers")] + "- name: readers\n")
    assert text.endswith("exclude_file: lists/never.csv\n\n# the end\n") and "sessions > 3" not in text


@pytest.mark.parametrize(
    "text", ["", "# nothing yet", "[]\n", "---\n[]", "# a\n[]\n# b\n", "  - name: a\n    rule: 'true'\n"]
)
def test_any_form_of_a_file_takes_an_audience(tmp_path: Path, text: str) -> None:
    path = tmp_path / "folder" / "audiences.yml"
    path.parent.mkdir()
    path.write_text(text)
    before = load_audiences(path)
    assert save_audience(path, NEW, None) == [*before, NEW]
    assert all(line in path.read_text() for line in text.splitlines() if line.startswith("#"))


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    assert save_audience(tmp_path / "new" / "audiences.yml", NEW, None) == [NEW]


def test_what_would_be_lost_or_was_changed_meanwhile_is_refused(path: Path) -> None:
    buyers, readers = load_audiences(path)
    for audience, replaces, message in (
        (buyers.model_copy(update={"cap": 5}), buyers, "has comments, which would be lost; change it by hand"),
        (readers, readers.model_copy(update={"cap": 5}), "was changed meanwhile"),
        (NEW, NEW, "was changed meanwhile"),
        (readers, None, "there is an audience readers already"),
    ):
        with pytest.raises(AudienceError, match=message):
            save_audience(path, audience, replaces)
        assert path.read_text() == FILE
    path.write_text("[{name: a, rule: 'true'}]")
    with pytest.raises(AudienceError, match="stand in brackets"):
        save_audience(path, NEW, None)
    path.write_text("- name: [")
    with pytest.raises(AudienceError, match="cannot be read"):
        save_audience(path, NEW, None)


def test_an_audience_gets_another_name_where_it_stands(path: Path) -> None:
    before = load_audiences(path)
    renamed = before[1].model_copy(update={"name": "subscribers"})
    assert save_audience(path, renamed, before[1]) == [before[0], renamed]
    assert path.read_text().startswith(FILE[: FILE.index("- name: readers")] + "- name: subscribers\n")
    with pytest.raises(AudienceError, match="there is an audience buyers already; choose another name"):
        save_audience(path, renamed.model_copy(update={"name": "buyers"}), renamed)
    with pytest.raises(AudienceError, match="readers was changed meanwhile"):
        save_audience(path, before[1], before[1])


def test_an_audience_is_removed_and_all_else_stays(path: Path) -> None:
    buyers, readers = load_audiences(path)
    with pytest.raises(AudienceError, match="has comments, which would be lost; change it by hand"):
        save_audience(path, None, buyers)
    with pytest.raises(AudienceError, match="readers was changed meanwhile"):
        save_audience(path, None, readers.model_copy(update={"cap": 5}))
    assert path.read_text() == FILE
    assert save_audience(path, None, readers) == [buyers]
    start = FILE.index("- name: readers")
    assert path.read_text() == FILE[:start] + "\n# the end\n"
    only = Audience(name="only", rule="true")
    path.write_text(as_yaml(only))
    assert save_audience(path, None, only) == [] == load_audiences(path)


def test_an_entry_that_others_refer_to_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "audiences.yml"
    path.write_text("- &first\n  name: a\n  rule: 'true'\n- <<: *first\n  name: b\n")
    a, _ = load_audiences(path)
    text = path.read_text()
    with pytest.raises(AudienceError):
        save_audience(path, a.model_copy(update={"cap": 5}), a)
    assert path.read_text() == text


def test_a_folder_that_cannot_be_written_is_named_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        AudienceError, match=r"^audiences.yml: cannot be written \(NotADirectoryError|FileExistsError\)"
    ):
        save_audience(tmp_path / "file" / "audiences.yml", NEW, None)


def test_of_many_who_save_at_once_none_is_lost(path: Path) -> None:
    names = [f"a{number}" for number in range(12)]
    threads = [
        threading.Thread(target=save_audience, args=(path, Audience(name=name, rule="true"), None)) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.name for one in load_audiences(path)} == {"buyers", "readers", *names}
    assert path.read_text().startswith(FILE)


_texts = st.one_of(st.sampled_from(HOSTILE_TEXTS), st.text(max_size=60)).filter(lambda text: "\ud800" not in text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(_texts, _texts)
@example("\x85", "a\u2028b\x85")
def test_any_text_comes_back_as_it_was(path: Path, description: str, rule: str) -> None:
    path.write_text(FILE)
    audience = Audience(name="new", description=description, rule=rule)
    assert save_audience(path, audience, None)[2] == audience
    assert path.read_text().startswith(FILE) and yaml.safe_load(path.read_text())[2]["rule"] == rule
