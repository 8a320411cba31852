"""README.md and docs/: the files, pages and sections that they mention exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
SOURCE = re.compile(r"(?<![\w/.<>-])(?:\w+/)+(?:\w+\.(?:py|toml|md|css|js))?(?![\w/<*.])")
WRITTEN = re.compile(r"^### \d\. .+: `(.+)`$", re.MULTILINE)
"""Files that the reader of docs/contributing.md writes or changes: `test_contributing.py` follows it."""
MADE = "demo/"
"""The folder that `make demo` makes: its files exist only afterwards."""
HOMES = (ROOT, ROOT / "animeinterp", ROOT / "animeinterp" / "pipeline")
"""Folders that paths of source files start from: docs/architecture.md names rooms without `pipeline/`."""


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def sources(text: str) -> Iterator[str]:
    """Paths of source files, and folders that begin with one of the project's, named in a text."""
    for path in SOURCE.findall(text):
        ours = any((home / path.split("/")[0]).is_dir() for home in HOMES)
        if not path.startswith(MADE) and (not path.endswith("/") or ours):
            yield path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name}: no file {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: no section {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_source_files_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in set(sources(text)) - set(WRITTEN.findall(text)):
        assert any((home / path).exists() for home in HOMES), f"{page.name}: no file {path}"


def test_index_lists_every_page() -> None:
    index = DOCS / "README.md"
    listed = set(LINK.findall(index.read_text(encoding="utf-8")))
    assert not {page.name for page in DOCS.glob("*.md")} - {index.name} - listed
