"""A correction is written to the overrides file whole, in its form, or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from beha2vec_core.pages.labels import Label, Labels
from beha2vec_core.pages.overrides import (
    OverrideFileError,
    Overrides,
    load_overrides,
    overrides_of,
    overrides_path,
    save_overrides,
)
from beha2vec_core.settings import Settings

LABELS = Labels(
    (Label("travel", "trips"), Label("offers", "deals")), (Label("product", "goods"), Label("home", "start"))
)


def save(file: Path, page_key: str, theme: str | None = None, page_type: str | None = None) -> Overrides:
    return save_overrides(file, LABELS, [{"page_key": page_key, "theme": theme, "page_type": page_type}])


HOSTILE = 'shop.example/a,"b"\'; <script>'


@pytest.mark.parametrize("name", ["overrides.csv", "overrides.yml"])
def test_corrections_are_added_changed_and_taken_back(tmp_path: Path, name: str) -> None:
    file = tmp_path / "config" / name
    assert save(file, "shop.example/", theme="travel") == Overrides({"shop.example/": "travel"}, {})
    save(file, HOSTILE, theme="offers", page_type="product")
    save(file, "shop.example/", page_type="home")
    expected = Overrides({HOSTILE: "offers"}, {"shop.example/": "home", HOSTILE: "product"})
    assert load_overrides(file, LABELS) == expected
    save(file, HOSTILE)
    save(file, "never/there")
    assert load_overrides(file, LABELS) == Overrides({}, {"shop.example/": "home"})
    assert sorted(path.name for path in file.parent.iterdir()) == sorted([name, f".{name}.lock"])


def test_a_csv_of_people_keeps_its_rows_order_and_mode(tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("\ufeffpage_key,theme\nb,travel\na,offers\n", encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real)
    save(link, "c", page_type="home")
    assert link.is_symlink() and stat.S_IMODE(real.stat().st_mode) == 0o640
    assert real.read_text() == "page_key,theme,page_type\nb,travel,\na,offers,\nc,,home\n"


@pytest.mark.parametrize(
    ("name", "content", "theme", "message"),
    [
        (
            "o.csv",
            "page_key,theme,page_type\na,offers,\n",
            "nonsense",
            "has no theme 'nonsense'; it has offers, travel",
        ),
        ("o.csv", "page_key,theme,page_type\na,gone,\n", "offers", "has no theme 'gone'"),
        ("o.csv", "page,label\na,offers\n", "offers", "the first line must be page_key,theme,page_type"),
        ("o.yml", "# ours\n- {page_key: a, theme: offers}\n", "travel", "has comments, which would be lost"),
        ("o.yml", "- {page_key: a, theme: [", "travel", "not valid YAML"),
    ],
)
def test_what_cannot_be_kept_or_read_back_is_refused_and_nothing_changes(
    tmp_path: Path, name: str, content: str, theme: str, message: str
) -> None:
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(OverrideFileError, match=message):
        save(file, "new", theme=theme)
    assert file.read_text() == content
    assert not [path for path in tmp_path.iterdir() if path.name not in (name, f".{name}.lock")]


def test_of_many_pages_all_are_written_or_none_and_wrong_rows_are_named(tmp_path: Path) -> None:
    file = tmp_path / "overrides.csv"
    rows = [{"page_key": f"shop.example/{n}", "theme": "travel", "page_type": None} for n in range(300)]
    assert len(save_overrides(file, LABELS, rows).themes) == 300
    content = file.read_text()
    with pytest.raises(OverrideFileError) as problem:
        save_overrides(file, LABELS, [row | {"theme": "golf"} for row in rows[:7]] + rows[7:9])
    lines = str(problem.value).splitlines()
    assert lines[0] == "overrides.csv: line 2: the label file has no theme 'golf'; it has offers, travel"
    assert lines[4].startswith("overrides.csv: line 6: ") and lines[5:] == ["and 2 more problems"]
    assert file.read_text() == content


def test_without_a_setting_the_file_of_the_data_folder_counts_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    settings = Settings.load()
    assert overrides_of(settings, LABELS) == Overrides()
    save(overrides_path(settings), "shop.example/", theme="travel")
    assert overrides_of(settings, LABELS).themes == {"shop.example/": "travel"}
    assert (tmp_path / "page_overrides.csv").exists()
    monkeypatch.setenv("BEHA2VEC_PAGE_OVERRIDES_FILE", str(tmp_path / "missing.csv"))
    with pytest.raises(OverrideFileError, match="check the path in the settings"):
        overrides_of(Settings.load(), LABELS)


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OverrideFileError, match="cannot be written"):
        save(blocked / "overrides.csv", "a", theme="travel")
