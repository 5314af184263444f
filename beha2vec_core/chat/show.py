"""Text for a terminal or a page: what others or a model wrote shows itself, and does nothing."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence

from beha2vec_core.spreadsheets import unrun

# what begins like a formula and is none: -2.5 points
_NUMBER = re.compile(r"[+-]?<?[\d.,]+(%| points)?")


def plain(text: str) -> str:
    """Text without control and format characters, ANSI escapes among them; line breaks and tabs stay."""
    text = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?", "", text)
    return "".join(
        char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )


def table(columns: list[str], rows: list[list[object]], *, width: int = 120, cell: int = 40) -> str:
    """Rows as aligned text; where they do not fit, long cells are cut, and the last columns are named instead."""
    whole = [
        max([len(name), *(len(_cell(row[place], width)) for row in rows)]) + 2 for place, name in enumerate(columns)
    ]
    cell = width if sum(whole) <= width + 2 else cell
    shown = [[_cell(value, cell) for value in row] for row in rows]
    names = [_cell(name, cell) for name in columns]
    widths = [max([len(name), *(len(row[place]) for row in shown)]) for place, name in enumerate(names)]
    fitting, used = 0, 0
    for size in widths:
        used += size + 2
        if fitting and used > width:
            break
        fitting += 1
    right = [all(isinstance(row[place], int | float | None) for row in rows) and bool(rows) for place in range(fitting)]

    def line(cells: list[str]) -> str:
        parts = zip(cells[:fitting], widths, right, strict=False)
        return "  ".join(text.rjust(size) if flush else text.ljust(size) for text, size, flush in parts).rstrip()

    lines = [line(names), "  ".join("-" * size for size in widths[:fitting]), *map(line, shown)]
    if fitting < len(names):
        lines.append(f"(columns that did not fit: {', '.join(names[fitting:])})")
    return "\n".join(lines)


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as CSV, with an apostrophe before text that a spreadsheet would run as a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([[_unrun(cell) for cell in row] for row in (columns, *rows)])
    return text.getvalue().encode()


def _unrun(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    text = plain(str(value))
    return text if _NUMBER.fullmatch(text) else unrun(text)


def _cell(value: object, limit: int) -> str:
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else plain(str(value)).replace("\n", " ").replace("\t", " ")
    return text if len(text) <= limit else text[: limit - 1] + "…"
