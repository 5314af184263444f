"""The override file: CSV or YAML, and errors that name the line and the remedy."""

from pathlib import Path

import pytest

from beha2vec_core.pages import load_labels, load_overrides
from beha2vec_core.pages.overrides import OverrideFileError


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_csv_and_yaml_say_the_same(tmp_path: Path) -> None:
    csv = write(
        tmp_path,
        "o.csv",
        '\ufeffpage_key,theme,page_type\nh.example/a,travel,\nh.example/b,,cart\n"h/x,y",pets,product\n',
    )
    yml = write(
        tmp_path,
        "o.yml",
        "- {page_key: h.example/a, theme: travel}\n- {page_key: h.example/b, page_type: cart, theme: }\n"
        "- {page_key: 'h/x,y', theme: pets, page_type: product}\n",
    )
    labels = load_labels()
    for overrides in (load_overrides(csv, labels), load_overrides(yml, labels)):
        assert overrides.themes == {"h.example/a": "travel", "h/x,y": "pets"}
        assert overrides.page_types == {"h.example/b": "cart", "h/x,y": "product"}
        assert overrides.page_keys == {"h.example/a", "h.example/b", "h/x,y"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("o.csv", "page,theme\na,travel\n", "the first line must be page_key,theme,page_type"),
        ("o.csv", "", "the first line must be"),
        (
            "o.csv",
            "page_key,theme\na,travel\nb,travels\n",
            r"line 3: the label file has no theme 'travels'; it has .*travel",
        ),
        ("o.csv", "page_key,theme\na,travel\na,pets\n", r"line 3: 'a' is there twice"),
        ("o.csv", "page_key,theme\n,travel\n", "line 2: needs a page_key"),
        ("o.csv", "page_key,theme\na,travel,cart,more\n", "line 2: needs a page_key"),
        ("o.yml", "- {page_key: a, page_type: unknown}\n", r"\[1\]: the label file has no page_type 'unknown'"),
        ("o.yml", "a: b\n", "must be a list"),
        ("o.yml", "- a\n", r"\[1\]: needs a page_key"),
        ("o.yml", "- [", "is not valid YAML"),
    ],
)
def test_errors_name_file_line_and_remedy(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(OverrideFileError, match=message) as caught:
        load_overrides(write(tmp_path, name, text), load_labels())
    assert name in str(caught.value)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OverrideFileError, match=r"no\.csv: cannot be read.*check the path"):
        load_overrides(tmp_path / "no.csv", load_labels())
