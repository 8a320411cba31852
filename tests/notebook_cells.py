"""docs/notebook.md as a notebook: `python -m tests.notebook_cells` writes docs/notebook.ipynb."""

from __future__ import annotations

import re

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.project import ROOT

PAGE = ROOT / "docs" / "notebook.md"
NOTEBOOK = PAGE.with_suffix(".ipynb")
BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def notebook() -> NotebookNode:
    """Its blocks of Python as cells, and the text between them."""
    cells = []
    for position, part in enumerate(BLOCK.split(PAGE.read_text(encoding="utf-8"))):
        make = new_code_cell if position % 2 else new_markdown_cell
        if part.strip():
            cells.append(make(part.strip(), id=f"cell-{position}"))
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


if __name__ == "__main__":
    nbformat.write(notebook(), NOTEBOOK)
