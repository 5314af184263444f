"""Tables as text."""

from __future__ import annotations

from beha2vec_core.chat.show import table

PAGE = "shop.northfold.example/journal/how-to-choose-a-sleeping-bag"


def test_long_names_are_whole_where_the_table_is_wide_enough() -> None:
    assert PAGE in table(["page", "views"], [[PAGE, 12]], width=110)


def test_they_are_cut_where_it_is_not() -> None:
    text = table(["page", "next page", "views"], [[PAGE, PAGE, 12]], width=110)
    assert PAGE not in text and max(map(len, text.splitlines())) <= 110
