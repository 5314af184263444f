"""Words of titles and paths: what they are, and what never is in them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.pages.text import (
    MAX_TITLE_CHARS,
    clean_path,
    clean_title,
    page_text,
    path_segments,
    path_words,
    title_crumbs,
    title_words,
)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/google+redesign/men++s/hats.axd", "google redesign men s hats"),
        ("/google redesign/apparel/men s", "google redesign apparel men s"),
        ("/c/Fleece%20%26%20Knitwear/", "c fleece knitwear"),
        ("/a%2520b", "a b"),
        ("/men/hats?email=jane@example.com#top", "men hats"),
        ("/unsubscribe/jane.doe%40example.com/done", "unsubscribe done"),
        ("/order/4711234567/track", "order track"),
        ("/s/9f86d081884c7d659a2feaa0c55ad015/view", "s view"),
        ("/caf%C3%A9/größen.html", "café größen"),
        ("/", ""),
        ("", ""),
        (None, ""),
        (float("nan"), ""),
    ],
)
def test_path_words(path: object, words: str) -> None:
    assert path_words(path) == words


def test_segments_keep_the_slashes() -> None:
    assert path_segments("/Google+Redesign//men++s/hats.axd/") == "/google redesign/men s/hats"
    assert path_segments("/") == path_segments(None) == "/"


def test_title_loses_the_name_of_the_site() -> None:
    host = "shop.googlemerchandisestore.com"
    assert title_words("Mugs & Cups | Drinkware | Google Merchandise Store", host) == "Mugs & Cups Drinkware"
    assert title_words("The Google Merchandise Store/Maze Pen", host) == "Maze Pen"
    assert title_words("Google Merchandise Store", host) == "Google Merchandise Store"  # nothing else is left
    assert title_crumbs("Mugs & Cups | Drinkware | Google Merchandise Store", host) == ["mugs cups", "drinkware"]
    assert title_crumbs("Caring for Wax | Journal", "shop.example") == ["caring for wax"]


def test_page_text_says_each_thing_once() -> None:
    text = page_text("Red Mug | Acme", "/drinkware/red-mug-4711234/quickview", "acme.example")
    assert text == "Red Mug drinkware"
    assert page_text("Order 987654321 of jane@example.com", "/", "") == "Order of"


def test_titles_that_are_no_text() -> None:
    assert clean_title("a\ud800b\x00\n c\u202e\u200b") == "ab c"
    assert clean_title(None) == clean_title(float("nan")) == clean_title(404) == ""
    assert clean_title("x" * 10_000) == "x" * MAX_TITLE_CHARS


@given(st.text(max_size=2000))
def test_clean_title_has_no_control_characters(title: str) -> None:
    cleaned = clean_title(title)
    assert len(cleaned) <= MAX_TITLE_CHARS
    assert not [character for character in cleaned if unicodedata.category(character).startswith("C")]
    assert cleaned == " ".join(cleaned.split()) == clean_title(cleaned)


@given(st.text(max_size=600))
def test_path_words_are_plain_words(path: str) -> None:
    words = path_words(path)
    assert words == words.lower()
    assert all(word.isalnum() for word in words.replace("_", "").split()) or not words.isascii()
    assert not set(words) & set("/?#@%+&=\n\t\x00")
    assert path_words("/" + words.replace(" ", "/")) == words or not words.isascii()


@given(
    st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), max_size=6),
    st.sampled_from(["+", "-", "_", "%20", "++", "/"]),
)
def test_separators_do_not_matter(words: list[str], separator: str) -> None:
    assert path_words("/" + separator.join(words)) == " ".join(words)


@given(st.emails(), st.text(alphabet="abc /-", max_size=20))
def test_no_email_reaches_a_model(email: str, around: str) -> None:
    for text in (
        page_text(f"{around} {email} {around}", f"/x/{email.replace('/', '')}/y", ""),
        clean_path(f"/x/{email}"),
    ):
        assert "@" not in text
