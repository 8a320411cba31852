"""A page of HTML as tests look at it: tables by id, links, pictures, text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "img", "input", "br", "link"}
BLOCKS = {"p", "h1", "h2", "h3", "td", "th", "li", "dt", "dd", "figcaption", "span", "title"}


@dataclass
class Cell:
    """A cell of a table."""

    text: str = ""
    value: str | None = None
    """What it is sorted by, where that is not the text."""
    link: str | None = None


@dataclass
class Page(HTMLParser):
    """A page, read whole."""

    content: str
    tables: dict[str, list[list[Cell]]] = field(default_factory=dict)
    """Rows by a table's id, the head first."""
    links: list[str] = field(default_factory=list)
    pictures: list[dict[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    """Names of all elements, in order."""
    text: str = ""
    """Outside style and script; white space as one space."""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._rows: list[list[Cell]] | None = None
        self._cell: Cell | None = None
        self.feed(self.content)
        self.close()
        assert self._open == []  # every element is closed
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._rows = self.tables.setdefault(values.get("id", ""), [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows is not None:
            self._cell = Cell(value=values.get("data-value"))
            self._rows[-1].append(self._cell)
        elif tag == "a":
            self.links.append(values["href"])
            if self._cell is not None:
                self._cell.link = values["href"]
        elif tag == "img":
            self.pictures.append(values)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)  # of a drawing

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag in ("td", "th") and self._cell is not None:
            self._cell.text = " ".join(self._cell.text.split())
            self._cell = None
        if tag in BLOCKS:
            self.text += " "

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self.text += data
            if self._cell is not None:
                self._cell.text += data
