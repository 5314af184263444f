"""What the structure of a site says: shapes of pages, kinds of sites, and the part of titles that names the site."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beha2vec_core.pages.prepare import prepare


def site(*rows: tuple[str, str], host: str = "www.example.com", **columns: list[object]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "page_key": [host + path for path, _ in rows],
            "page_title": [title for _, title in rows],
            "page_path": [path for path, _ in rows],
            "hostname": host,
            "page_views": 1,
        }
    )
    return prepare(frame.assign(**columns)).set_index("page_path")


def shapes(*rows: tuple[str, str], **columns: list[object]) -> dict[str, set[str]]:
    return {path: set(shape.split()) for path, shape in site(*rows, **columns)["shape"].items()}


def test_folders_leaves_and_siblings() -> None:
    found = shapes(
        ("/", "Home"), ("/a", "A"), *((f"/a/{n}-long-slug-of-words", f"A story of five words {n}") for n in range(6))
    )
    assert {"depth-0", "leaf", "slug-short"} <= found["/"]
    assert {"depth-1", "folder", "siblings-few"} <= found["/a"], "the root is a leaf beside it"
    assert {"depth-2", "leaf", "siblings-many", "slug-long", "title-long"} <= found["/a/0-long-slug-of-words"]


def test_dates_and_ids() -> None:
    found = shapes(("/2024/05/x", "X"), ("/news/x-88412", "X"), ("/p/ab12cd34e", "X"), ("/top-10", "X"))
    assert "date" in found["/2024/05/x"]
    assert "id" in found["/news/x-88412"] and "id" in found["/p/ab12cd34e"]
    assert not {"date", "id"} & found["/top-10"]


def test_items_on_the_page() -> None:
    found = shapes(
        ("/a", "Oslo Lamp | Shop"),
        ("/b", "Lamps"),
        ("/c", "C"),
        item_names=[["Oslo lamp"], ["Oslo Lamp", "Bergen"], None],
    )
    assert {"items-one", "named-item"} <= found["/a"]
    assert "items-many" in found["/b"] and "named-item" not in found["/b"]
    assert "items-none" in found["/c"]


@pytest.mark.parametrize(
    ("paths", "kind"),
    [
        (["/", "/warenkorb", "/x"], "shop"),
        (["/", "/docs", "/x"], "software"),
        (["/", "/politics", "/business/x", "/sport", "/culture", "/2025/04/02/food/x"], "news"),
        (["/", "/research", "/news", "/sport", "/arts", "/education"], ""),
        (["/", "/docs", "/cart"], "shop"),
        (["/", "/about"], ""),
    ],
)
def test_kinds_of_sites(paths: list[str], kind: str) -> None:
    for shape in shapes(*((path, "T") for path in paths)).values():
        assert {"shop", "software", "news"} & shape == ({kind} if kind else set())


def test_documentation_on_a_host_of_its_own_makes_a_software_site() -> None:
    docs = site(("/x", "X"), host="docs.example.com").reset_index()
    blog = site(("/y", "Y"), host="blog.example.com").reset_index()
    columns = ["page_key", "page_title", "page_path", "hostname", "page_views"]
    both = prepare(pd.concat([docs[columns], blog[columns]]))
    assert all("software" in shape.split() for shape in both["shape"])


def test_the_name_of_the_site_leaves_its_titles() -> None:
    pages = [("/", "Flow: pipelines"), *((f"/{n}", f"Page {n} | Docs | The Flow Company") for n in range(6))]
    titles = site(*pages)["page_title"]
    assert titles["/3"] == "Page 3 | Docs"
    assert titles["/"] == "Flow: pipelines"
    few = site(*pages[:3])["page_title"]
    assert few["/1"] == "Page 1 | Docs | The Flow Company", "too few to tell"
    assert set(site(*((f"/{n}", "Flow") for n in range(9)))["page_title"]) == {"Flow"}, "a title is never emptied"


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), min_size=1, max_size=8, unique_by=lambda p: p[0])
)
def test_any_page_has_a_shape_whatever_the_order(pages: list[tuple[str, str]]) -> None:
    rows = [(f"/{path}", title) for path, title in pages]
    found = site(*rows).reset_index().set_index("page_key")["shape"]
    assert found.equals(site(*rows[::-1]).reset_index().set_index("page_key")["shape"])
    assert all(shape.split()[0].startswith("depth-") for shape in found)


def test_a_shops_folder_without_goods() -> None:
    rows = [("/cart", "Cart"), *((f"/p/{n}", f"Lamp {n}") for n in range(10)), ("/notes", "Notes"), ("/notes/a", "A")]
    items = [["Lamp"] if path.startswith("/p/") else [] for path, _ in rows]
    found = shapes(*rows, item_names=items)
    assert "no-goods" in found["/notes"] and "no-goods" in found["/notes/a"]
    assert "no-goods" not in found["/p/3"]
    assert not any("no-goods" in words for words in shapes(*rows, item_names=[[]] * len(rows)).values())
