"""Themes of one's own: found by the words of addresses and titles, and not on pages that every site has."""

from typing import cast

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from beha2vec_core.pages import Label, Labels, Models, Overrides, classify_pages, load_labels, parse_steps
from beha2vec_core.pages.embedder import Embedder
from beha2vec_core.pages.own_themes import OwnThemes
from beha2vec_core.pages.prepare import prepare
from beha2vec_core.pages.teach import taught_types
from tests.pages.test_pages_cascade import bundled_model

LABELS = Labels(
    (
        Label("wandern", "geführte Wanderreisen in den Bergen"),
        Label("kreuzfahrten", "Kreuzfahrten auf Meer und Fluss"),
        Label("mortgages", "mortgages and buying a home"),
        Label("student_loans", "money for students"),
    ),
    (
        Label("reise", "eine einzelne Reise"),
        Label("account", "the account of a student"),
        Label("article", "an article"),
    ),
)


@pytest.mark.parametrize(
    ("segments", "title", "theme"),
    [
        ("/kreuzfahrten", "Alle Routen", "kreuzfahrten"),
        ("/personal/mortgages/green", "Green homes", "mortgages"),
        ("/x/17", "Flusskreuzfahrten", "kreuzfahrten"),
        ("/reisen/rom", "Eine Reise nach Rom", None),  # a type's word
        ("/student/sport", "Students", None),
        ("/x/18", "Advent", None),
        ("/wandern-kreuzfahrten", "", None),  # two themes
    ],
)
def test_a_theme_that_the_address_or_title_names(segments: str, title: str, theme: str | None) -> None:
    found, confidence, _ = OwnThemes(LABELS).judge({"segments": segments, "title_parts": f"/{title}"})
    assert found == theme
    assert (confidence > 0) == (theme is not None)


def site(rows: list[tuple[str, str]]) -> pd.DataFrame:
    pages = pd.DataFrame(rows, columns=["page_path", "page_title"])
    return pages.assign(page_key="bank.example" + pages["page_path"], hostname="bank.example", page_views=1)


def test_an_account_has_no_theme_and_an_article_has_one() -> None:
    rows = [("/account/settings", "Money for your home"), ("/articles/x1", "Buying your first house with a mortgage")]
    rows += [(f"/articles/a{n}", title) for n, title in enumerate(["Rocks and cliffs", "The weather", "Cat food"])]
    labels = Labels(LABELS.themes, LABELS.page_types)
    result = classify_pages(site(rows), labels=labels, models=Models(bundled_model()), progress=False).pages
    themes = dict(zip(result["page_key"].str.removeprefix("bank.example"), result["theme"], strict=True))
    assert themes["/account/settings"] == "unknown"
    assert themes["/articles/x1"] == "mortgages"


def test_the_same_site_gives_the_same_themes_in_any_order() -> None:
    rows = [
        (f"/a/{n}", title) for n, title in enumerate(["Ships", "House prices", "Hills", "Fees for courses", "Rivers"])
    ]
    models = Models(bundled_model())
    first, second = (
        classify_pages(pages, labels=LABELS, models=models, progress=False).pages.drop(columns="classified_at")
        for pages in (site(rows), site(rows[::-1]))
    )
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("names", [("mortgages",), ("mortgages", "student_loans")])
def test_few_themes_are_found_by_similarity_too(names: tuple[str, ...]) -> None:
    labels = Labels(tuple(label for label in LABELS.themes if label.name in names), LABELS.page_types)
    rows = [("/x/1", "House prices rise again"), ("/x/2", "Rocks"), ("/x/3", "Cat food")]
    result = classify_pages(site(rows), labels=labels, models=Models(bundled_model()), progress=False).pages
    themes = dict(zip(result["page_key"], result["theme"], strict=True))
    assert themes["bank.example/x/1"] == "mortgages"


class AllAlike:
    """A model for which every text resembles every other, as for those of the family E5."""

    def __init__(self) -> None:
        self.embedder = bundled_model()
        self.version = f"{self.embedder.version} alike"

    def on(self, _: str) -> "AllAlike":
        return self

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        vectors = self.embedder.encode(texts) + 0.15
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_similarity_is_measured_from_what_all_texts_share() -> None:
    rows = [
        (f"/a/{n}", title) for n, title in enumerate(["Ships", "House prices", "Hills", "Courses and exams", "Rivers"])
    ]
    plain, alike = (
        classify_pages(site(rows), labels=LABELS, models=Models(model), progress=False).pages
        for model in (bundled_model(), cast(Embedder, AllAlike()))
    )
    assert set(alike["theme"]) > {"unknown"}
    assert alike["theme"].tolist() == plain["theme"].tolist()


def test_only_pages_that_an_override_teaches_are_asked_about_again() -> None:
    rows = [(f"/papers/x{n}", f"Text {n}") for n in range(5)] + [(f"/other/y{n}", "Text") for n in range(20)]
    ask = {"labels": LABELS, "steps": parse_steps("rules"), "progress": False}
    known = classify_pages(site(rows), **ask).pages
    overrides = Overrides({}, {"bank.example/papers/x0": "reise"})
    again = classify_pages(site(rows), known=known, overrides=overrides, **ask)
    assert again.classified == 5
    assert set(again.pages.set_index("page_key").loc[[f"bank.example/papers/x{n}" for n in range(5)], "page_type"]) == {
        "reise"
    }


def test_what_classifiers_say_of_an_override_is_not_what_it_teaches() -> None:
    rows = [(f"/papers/{n}", f"Text {n}") for n in range(100, 105)]
    overrides = Overrides({}, {"bank.example/papers/100": "account"})
    result = classify_pages(site(rows), labels=LABELS, overrides=overrides, steps=parse_steps("rules"), progress=False)
    assert set(result.pages["page_type"]) == {"account"}
    assert result.overruled["said"].tolist() == ["unknown"]


def test_types_of_a_teams_own_are_taught_and_bundled_ones_are_not() -> None:
    pages = prepare(site([("/a/b", "C"), ("/a/c", "D")]))
    given = pd.Series(["reise", None], dtype=object)
    assert taught_types(pages, given, LABELS).tolist() == ["reise"] * 2
    assert taught_types(pages, pd.Series([None, None], dtype=object), LABELS).tolist() == [""] * 2
    assert taught_types(pages, pd.Series(["article", None], dtype=object), load_labels()).tolist() == [""] * 2
