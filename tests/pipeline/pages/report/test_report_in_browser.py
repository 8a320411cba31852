"""The report in a real browser; skipped where Chromium or chromedriver is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from animeinterp.configs.loading import load_config
from animeinterp.pipeline.pages.report.report_page import write_report
from animeinterp.pipeline.planning.session import Session
from tests.browser import Browser
from tests.pipeline.small_runs import PAIRS, small_settings

IDS = """
return [...document.querySelectorAll("#all-pairs tbody tr")]
  .filter((row) => !row.hidden).map((row) => row.cells[0].innerText)
"""
WIDTHS = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.fixture(scope="module")
def folder(cartoons: Path, finished_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the report of a finished run."""
    session = Session.open(load_config("demo", small_settings(cartoons, finished_cache)), look_only=True)
    folder = tmp_path_factory.mktemp("report")
    write_report(session, folder, command=["animeinterp", "run"])
    return folder


@pytest.fixture
def browser(running: Browser, folder: Path) -> Iterator[Browser]:
    """A window that shows the report; afterwards the console must have stayed silent."""
    running.resize(1400, 1000)
    running.prefer(prefers_color_scheme="light")
    running.open(folder / "report.html")
    yield running
    assert running.complaints() == []


def test_tables_are_sorted_by_their_heads(browser: Browser, folder: Path) -> None:
    scores = pd.read_csv(folder / "scores.csv")
    browser.click("#pairs summary")
    assert browser.run(IDS) == list(scores.sort_values("psnr")["id"])
    head = "#all-pairs th:nth-child(8)"  # IE
    for direction in ("ascending", "descending"):
        browser.click(f"{head} button")
        assert browser.run(IDS) == list(scores.sort_values("ie", ascending=direction == "ascending")["id"])
        assert browser.run(f"return document.querySelector('{head}').getAttribute('aria-sort')") == direction
    browser.run("document.querySelector('#all-pairs th:nth-child(1) button').focus()")
    browser.press("Enter")
    assert browser.run(IDS) == sorted(scores["id"])
    assert browser.run("return document.querySelectorAll('#all-pairs [aria-sort]').length") == 1


def test_unknown_values_come_last_and_infinite_ones_at_their_end(browser: Browser) -> None:
    browser.run(
        "const rows = document.querySelectorAll('#all-pairs tbody tr');"
        "['', 'inf', '9', '10'].forEach((v, k) => { rows[k].cells[5].dataset.value = v; });"
    )
    values = "return [...document.querySelectorAll('#all-pairs td:nth-child(6)')].map(c => c.dataset.value)"
    button = "document.querySelector('#all-pairs th:nth-child(6) button').click();"
    assert browser.run(button + values) == ["9", "10", "inf", ""]
    assert browser.run(button + values) == ["inf", "10", "9", ""]


def test_a_word_leaves_the_pairs_that_have_it(browser: Browser, folder: Path) -> None:
    wanted = pd.read_csv(folder / "scores.csv").loc[0, "id"]
    browser.click("#pairs summary")
    browser.run("document.querySelector('input').focus()")
    browser.press(*wanted)
    assert browser.run(IDS) == [wanted]
    assert browser.text("#filtered") == f"1 of {PAIRS}"
    browser.run(
        "const i = document.querySelector('input'); i.value = ''; i.dispatchEvent(new Event('input'))"
    )
    assert len(browser.run(IDS)) == PAIRS
    assert browser.text("#filtered") == ""


@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_is_wider_than_the_screen(browser: Browser, width: int) -> None:
    browser.resize(width, 800)
    whole, seen = browser.run(WIDTHS)
    assert whole == seen


def test_pictures_are_shown(browser: Browser) -> None:
    sizes = browser.run("return [...document.images].map(i => i.naturalWidth)")
    assert len(sizes) == 4 * PAIRS
    assert min(sizes) > 0


def test_the_dark_is_dark(browser: Browser) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(ground)
    browser.prefer(prefers_color_scheme="dark")
    dark = browser.run(ground)
    brightness = [sum(map(int, color.strip("rgb()").split(","))) for color in (light, dark)]
    assert brightness[0] > 600 > 150 > brightness[1]
