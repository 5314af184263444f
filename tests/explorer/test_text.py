"""Hostile text stays text, in each place by that place's own rules."""

import re
import unicodedata
from html.parser import HTMLParser

import pytest

from beha2vec_core.explorer.text import in_chart, in_html, in_markdown, shown
from tests.helpers.hostile_text import HOSTILE_TEXTS


class Tags(HTMLParser):
    """Collects what a browser would take for a tag, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_hostile_text_is_short_visible_and_does_nothing(text: str) -> None:
    plain = shown(text)
    assert len(plain) <= 80
    assert not [c for c in plain if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    for escape in (in_html, in_chart):
        parser = Tags()
        parser.feed(escape(text, 80))
        parser.close()
        assert parser.tags == [] and parser.text == plain, "what is read is what was written"
    quoted = in_html(text)
    assert '"' not in quoted and "'" not in quoted, "it cannot end an attribute"
    markdown = in_markdown(text)
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", markdown)
    assert not set(bare) & set("<>[]()*_`$:#|!&~"), "everything that Markdown knows is escaped"
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace("\u2060", "") == plain


def test_longer_text_ends_in_an_ellipsis() -> None:
    assert shown("A" * 10_000, 10) == "AAAAAAAAA…" and shown(None) == "" and shown(7) == "7"
