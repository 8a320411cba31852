"""The page of a pair as tests drive it in a browser."""

from __future__ import annotations

from pathlib import Path

from tests.browser import Browser

FIRST, SECOND = "#views .view:nth-child(1)", "#views .view:nth-child(2)"
TABS = (
    "frames",
    "segmentation",
    "matching",
    "coarse_flow",
    "refinement",
    "synthesis",
    "evaluation",
    "record",
)


def visit(browser: Browser, page: Path, part: str) -> None:
    """Open the page at a stage, and wait until its pictures are painted."""
    browser.open(page, part)
    screens = "[...document.querySelectorAll('.screen')]"
    browser.wait_until(
        lambda: browser.run(
            f"return document.readyState === 'complete' && {screens}.every(s => s.dataset.layer)"
        )
    )


def marked(browser: Browser, figure: str) -> str | None:
    found = browser.run(
        "return document.querySelector(arguments[0] + ' .sheet canvas[data-pieces]')?.dataset.pieces", figure
    )
    return None if found is None else str(found)
