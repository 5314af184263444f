"""Pages that are named by their titles, or as the page of something."""

from __future__ import annotations

import pytest

from beha2vec_core.chat.rewrites.named_pages import Pages


def test_titles_are_the_words_of_addresses_but_for_names_that_are_known() -> None:
    pages = Pages(["x.example/journal/how-to-pack", "x.example/journal/ten-hikes-in-the-alps", "x.example/p/wool-hat"])
    assert pages.as_addresses("who read “How to Pack”?", set()) == "who read /journal/how-to-pack?"
    assert pages.as_addresses("views of ten hikes in the alps", set()) == "views of /journal/ten-hikes-in-the-alps"
    assert pages.as_addresses('sales of "Wool Hat"', {"wool hat"}) == 'sales of "Wool Hat"'
    assert pages.as_addresses("how to pack", set()) == "how to pack"  # of few words, and not quoted


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("views of the returns page", "views of /help/returns-refunds"),
        ("what follows the contact us page?", "what follows /help/contact-us?"),
        ("views of the acme brand page", "views of the /brands/acme"),
        ("views of the cart page", "views of the cart page"),
        ("views of the acme page", "views of the acme page"),
        ("views of the careers page", "views of the careers page"),
        ("views of the size page", "views of the size page"),
    ],
)
def test_a_page_is_found_by_the_words_of_its_address(question: str, expected: str) -> None:
    pages = [f"x.com/{path}" for path in ("help/returns-refunds", "help/contact-us", "brands/acme", "cart",
                                          "p/acme-hat", "size-shoes", "size-hats")]  # fmt: skip
    assert Pages(pages).as_addresses(question, {"cart", "cart page", "acme", "brand"}) == expected


PAGES = [
    "x.example/outlet/hats",
    "x.example/brands/oak-pine",
    "x.example/c/hats",
    "x.example/p/oak-wool-3-person-hat-w1033",
    "x.example/p/elk-pine",
    "x.example/boots-guide",
]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("who viewed the Oak & Pine brand page in May", "who viewed the /brands/oak-pine in May"),
        ("views of the brand page of Oak & Pine in May", "views of the /brands/oak-pine in May"),
        ("the product page of the Oak Wool 3-Person Hat", "the /p/oak-wool-3-person-hat-w1033"),
        ("wool 3-person hat product page views", "/p/oak-wool-3-person-hat-w1033 views"),
        ("bounce rate of the hats category page", "bounce rate of the /c/hats"),
        ("bounce rate of the outlet hats category page", "bounce rate of the /outlet/hats"),
        ("bounce rate of the hats brand page", "bounce rate of the hats brand page"),
        ("views of the Elk Pine brand page", "views of the Elk Pine brand page"),  # below the folder of products
        ("views of the boots brand page", "views of the boots brand page"),
        ("views of the Elm brand page", "views of the Elm brand page"),
        ("product page views", "product page views"),
        ("the hats product pages", "the hats product pages"),
    ],
)
def test_the_page_of_a_thing_is_the_one_with_its_name(question: str, said: str) -> None:
    assert Pages(PAGES).as_addresses(question, set()) == said


def test_its_page_is_that_of_what_the_question_before_was_about() -> None:
    asked = "And how many viewed its product page?"
    pages = Pages(PAGES)
    assert pages.of_its(asked, ["Oak Wool 3-Person Hat"]) == "how many viewed /p/oak-wool-3-person-hat-w1033?"
    assert pages.of_its("and its brand page?", ["Oak Wool 3-Person Hat"]) == "and its brand page?"
    assert pages.of_its(asked, ["Elm Hat"]) == asked
