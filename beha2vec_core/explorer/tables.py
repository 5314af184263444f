"""Short tables of the pages and the report as HTML: the cells of each column by its heading. Texts are escaped here."""

from collections.abc import Iterable, Mapping
from typing import Any

from beha2vec_core.explorer.text import in_html
from beha2vec_core.words import between, number

Columns = Mapping[str, Iterable[object]]  # the cells of each column, by its heading

_LONGEST = 1_000  # characters of a cell


class Numbers(list[str]):
    """The cells of a column that is aligned to the right."""


class Markup(str):
    """A cell that is HTML: every text of others in it went through `text.in_html`."""


def numbers(values: Iterable[Any], form: str = "{:,}") -> Numbers:
    """Numbers in a format; with thousands separated, unless another one is given."""
    return Numbers(form.format(value) for value in values)


def shares(values: Iterable[float]) -> Numbers:
    """Shares (0 to 1) in percent."""
    return Numbers(number(value, "share") for value in values)


def intervals(low: Iterable[float], high: Iterable[float], unit: str = "share") -> Numbers:
    """Intervals: 4% to 6%."""
    return Numbers(between(number(a, unit), number(b, unit)) for a, b in zip(low, high, strict=True))


def table_html(columns: Columns, ids: Iterable[str] | None = None) -> str:
    """The table; ``ids`` are our own ids of its rows, for links that lead to them."""
    kinds = ["number" if isinstance(cells, Numbers) else "" for cells in columns.values()]
    heads = [f'<th class="{kind}">{in_html(name)}</th>' for kind, name in zip(kinds, columns, strict=True)]
    rows = [
        "".join(f'<td class="{kind}">{_cell(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]
    begins = [f'<tr id="{in_html(one)}">' for one in ids] if ids is not None else ["<tr>"] * len(rows)
    body = "".join(f"{begin}{row}</tr>" for begin, row in zip(begins, rows, strict=True))
    return f"<table><thead><tr>{''.join(heads)}</tr></thead><tbody>{body}</tbody></table>"


def _cell(cell: object) -> str:
    return cell if isinstance(cell, Markup) else in_html(cell, _LONGEST)
