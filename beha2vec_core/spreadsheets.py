"""Text that a spreadsheet would run as a formula, in CSV files that people open."""

import re

# For Python and DuckDB, whose \s differ. A cell that begins like this, after blanks and quotes, is a formula. Where the
# list separator is a semicolon, as in much of Europe, a cell begins after each semicolon, tab and line end of a text
# too, whatever quotes the file has.
_BLANKS = " \f\v\x1c-\x1f\x85\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
FORMULA = rf"(^|[;\t\r\n])([{_BLANKS}\"]*[=+\-@＝＋－＠])"
UNRUN = r"\1'\2"
_FORMULA = re.compile(FORMULA)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run the text, or a part of it.

    >>> is_formula("-20 %"), is_formula("coats; =1+1"), is_formula("a-b; c=d")
    (True, True, False)
    """
    return _FORMULA.search(text) is not None


def unrun(text: str) -> str:
    """The text with an apostrophe before what a spreadsheet would run.

    >>> unrun("=1+1"), unrun("coats; =1+1"), unrun("coats")
    ("'=1+1", "coats;' =1+1", 'coats')
    """
    return _FORMULA.sub(UNRUN, text)
