"""Tables that fit the terminal: they leave out columns, and never cut a number or a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

Last = Literal["number", "text", "room"]
TEXT_LEAST = 20  # columns of a terminal that wrapped text needs
NAME_MOST = 32  # longer names are folded rather than a number left out for them
BROAD = 10_000  # columns: any table fits
MORE = " …"


class FittingTable:
    """A table whose first columns hold names, and the others numbers.

    Where the terminal is too narrow, the last columns of numbers are left out, and a line below names them.

    Parameters
    ----------
    names
        How many columns hold names or words.
    columns
        Their headings, the most important first.
    last
        What the last column holds: a number; text, which is wrapped; or words that get the room that is left,
        cut between two words.
    **looks
        As for `rich.table.Table`.
    """

    def __init__(self, names: int, columns: Sequence[str], last: Last = "number", **looks: Any) -> None:
        self._names = names
        self._headings = columns
        self._last = last
        self._looks = looks
        self._rows: list[tuple[str, ...]] = []
        self._sections: set[int] = set()

    @property
    def row_count(self) -> int:
        """How many rows it has."""
        return len(self._rows)

    def add_row(self, *cells: str) -> None:
        """Add a row, a cell for each column."""
        self._rows.append(cells)

    def add_section(self) -> None:
        """Draw a line below the last row."""
        self._sections.add(len(self._rows))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        kept = list(range(len(self._headings)))
        left_out: list[str] = []
        while (width := self._needed(kept, console, options)) > options.max_width:
            number = self._least_important(kept)
            if number is None:
                break  # names are folded
            kept.remove(number)
            left_out.insert(0, self._headings[number])
        yield self._made(kept, **self._room(options.max_width - width))
        if left_out:
            named = ", ".join(left_out)
            yield Text(f"  not shown in {options.max_width} columns: {named}", "dim")

    def _room(self, spare: int) -> dict[str, int]:
        """The width of a last column that holds no numbers: the least that it needs, and what is left."""
        if self._last == "number":
            return {}
        least = TEXT_LEAST
        if self._last == "room":
            shortest = [self._headings[-1], *(_cut(row[-1], TEXT_LEAST) for row in self._rows)]
            least = max(map(cell_len, shortest))
        return {"room": spare + least}

    def _least_important(self, kept: Sequence[int]) -> int | None:
        """The column to leave out next; None if only one of numbers is left."""
        end = len(self._headings) - 1
        if self._last == "room" and end in kept:
            return end
        numbers = [at for at in kept if at >= self._names and (at < end or self._last == "number")]
        return numbers[-1] if len(numbers) > 1 else None

    def _needed(self, kept: Sequence[int], console: Console, options: ConsoleOptions) -> int:
        broad = options.update(width=BROAD)
        return Measurement.get(console, broad, self._made(kept, longest=NAME_MOST)).maximum

    def _made(self, kept: Sequence[int], room: int | None = None, longest: int | None = None) -> Table:
        """The table of some of its columns.

        `room` is the width of the last column, where that does not hold numbers; by default the least that it
        needs. `longest` is the largest width of a name.
        """
        made = Table(**self._looks)
        for at in kept:
            name, end = at < self._names, self._last != "number" and at == len(self._headings) - 1
            made.add_column(
                self._headings[at],
                justify="left" if name or end else "right",
                no_wrap=not (name or end),
                overflow="fold",
                max_width=(room or TEXT_LEAST) if end else longest if name else None,
            )
        for number, row in enumerate(self._rows):
            if number in self._sections:
                made.add_section()
            cells = [row[at] for at in kept]
            if self._last == "room" and kept[-1] == len(row) - 1:
                cells[-1] = _cut(cells[-1], room or TEXT_LEAST)
            made.add_row(*cells)
        return made


def _cut(text: str, room: int) -> str:
    """As many whole words as there is room for."""
    if cell_len(text) <= room:
        return text
    while text and cell_len(text) > room - len(MORE):
        text = text.rpartition(" ")[0]
    return text + MORE
