"""CSV for people who open it in a spreadsheet: what a name says stays text, and is never a formula."""

from __future__ import annotations

import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which spreadsheets take a cell for a formula."""
TEXT = "'"
"""Written before them, it makes the cell text."""


def as_csv(table: pd.DataFrame, *, index: bool = False) -> bytes:
    """A table as CSV; text that would be a formula begins with an apostrophe."""
    if index:
        table = table.set_axis(table.index.map(_plain_cell), axis=0)
    table = table.copy()
    for name in table.select_dtypes(exclude="number"):
        table[name] = table[name].map(_plain_cell)
    return table.to_csv(index=index).encode(errors="backslashreplace")


def _plain_cell(value: object) -> object:
    """A cell that a spreadsheet shows as it is; numbers are left alone."""
    return f"{TEXT}{value}" if isinstance(value, str) and _is_formula(value) else value


def cell_text(cell: str) -> str:
    """Text of a cell written by `as_csv`."""
    return cell[1:] if cell.startswith(TEXT) and _is_formula(cell) else cell


def _is_formula(text: str) -> bool:
    """Whether it is one but for apostrophes, of which there is always one more than in the name."""
    return text.lstrip(TEXT).startswith(FORMULA)
