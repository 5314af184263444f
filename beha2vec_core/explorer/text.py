"""Text of others (titles, addresses, campaigns, names a model wrote) made safe for each place that shows it.

Such text is data: nothing in it is a link, a formula, an icon, a tag or a line of its own. Which characters do
something differs from place to place, so there is a function a place; each cleans and cuts first.
"""

import html
import re

from beha2vec_core.profiles.text import clean_text
from beha2vec_core.spreadsheets import unrun

_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")  # ASCII punctuation: what CommonMark lets a backslash escape
# Streamlit looks for icons, emoji and addresses in text that Markdown is done with; a word joiner, which takes no
# room, keeps it from finding them
_JOINER = "\u2060"
_FOUND_LATER = re.compile(r"([:@]|www)", re.IGNORECASE)


def shown(text: object, limit: int = 80) -> str:
    """The text on one line, without what cannot be seen; longer text ends in an ellipsis. For tables and options."""
    return clean_text("" if text is None else str(text), limit=limit)


def in_cell(text: object, limit: int = 80) -> str:
    """The text for a table that people save as CSV: a spreadsheet takes it for no formula."""
    return unrun(shown(text, limit))


def in_html(text: object, limit: int = 80) -> str:
    """The text for HTML that we write (``st.html``, the report), inside an element or a quoted attribute."""
    return html.escape(shown(text, limit))


def in_markdown(text: object, limit: int = 80) -> str:
    """The text for whatever Streamlit reads as Markdown: labels, captions, metrics, ``st.markdown``."""
    return _MARKDOWN.sub(r"\\\1", _FOUND_LATER.sub(rf"\1{_JOINER}", shown(text, limit)))


def in_chart(text: object, limit: int = 40) -> str:
    """The text for labels, names and hover text of a Plotly figure, which reads tags and entities."""
    return html.escape(shown(text, limit), quote=False)
