from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from animeinterp.pipeline.pages.diff.diff_pages import render_pair, write_page
from animeinterp.pipeline.results.diff_summary import COLUMNS, summaries, verdict
from animeinterp.pipeline.results.reading import Results, open_results
from animeinterp.pipeline.results.result_diff import compare_results, most_changed, open_side
from tests.browser import Browser
from tests.html_page import Page
from tests.pipeline.page_driving import FIRST, SECOND, marked
from tests.pipeline.small_runs import PAIRS, SIZE, Command, Runner, set_options

CHANGE = "coarse_flow.rank_sum_limit=3"
PAINTED = (
    "const all = [...document.querySelectorAll('.screen')];"
    "return all.length > 0 && all.every(s => s.dataset.layer)"
)
PLACE = "return document.documentElement.style.getPropertyValue('--zoom')"
LOOKED_AT = "return document.querySelector('#stage').dataset.stage"
DONE = "#tabs [data-stage={}]"


@pytest.fixture
def sides(finished: None, settings: list[str], run: Runner) -> tuple[Results, Results]:
    """A finished run, and one with a setting that lets more pieces move."""
    run(CHANGE)
    return open_results("demo", settings), open_results("demo", [*settings, CHANGE])


@pytest.fixture
def written(sides: tuple[Results, Results], tmp_path: Path) -> tuple[Path, list[str]]:
    """The overview of two pairs, and their ids."""
    comparisons = compare_results(*sides)
    pairs = most_changed(comparisons, 2)
    return write_page(tmp_path / "out", ("first", "second"), sides, comparisons, pairs), pairs


def test_the_overview_tells_everything_and_leads_to_the_pairs(written: tuple[Path, list[str]]) -> None:
    overview, pairs = written
    page = Page(overview.read_text(encoding="utf-8"))
    assert "coarse_flow.rank_sum_limit: 0 -> 3" in page.text
    assert page.text.count("made with light.safetensors: refinement by light (") == 2
    assert page.text.count("; without weights: features by appearance, coarse_flow by sgm") == 2
    assert f"frames: {2 * PAIRS} identical, 0 differ" in page.text
    assert "made from different results of coarse_flow" in page.text
    for pair in pairs:
        assert f"pairs/{pair}.html" in page.links
    assert len(page.pictures) == 2 * 2 * 4
    for address in page.links:
        assert (overview.parent / address).is_file()


def test_the_overview_says_which_side_is_better_and_what_its_columns_are(
    sides: tuple[Results, Results], written: tuple[Path, list[str]]
) -> None:
    overview, pairs = written
    comparisons = compare_results(*sides)
    text = " ".join(Page(overview.read_text(encoding="utf-8")).text.split())
    for line in verdict(comparisons):
        assert line in text
    (evaluated,) = (compared for compared in comparisons if compared.stage == "evaluation")
    found = summaries(evaluated)
    for column, meaning in COLUMNS.items():
        assert f"{column} {meaning}" in text
    for summary in found:
        cells = " ".join(summary.cells().values()).replace("-", "−")
        assert f"{summary.measure.meaning} {cells} {summary.item}" in text
    change = evaluated.table.loc[pairs[0], "psnr"]
    better = "B" if change > 0 else "A"
    assert f"PSNR {change:+#.3g} dB ({better} is better)".replace("-", "−") in text


def test_a_pair_page_shows_both_sides_and_leads_on(written: tuple[Path, list[str]]) -> None:
    overview, pairs = written
    path = overview.parent / "pairs" / f"{pairs[0]}.html"
    text = path.read_text(encoding="utf-8")
    addresses = re.findall(r'<iframe src="(.*?)"', text)
    assert addresses == [f"../{side}/{pairs[0]}.html" for side in "ab"]
    for address in (*addresses, *Page(text).links):
        assert (path.parent / address).resolve().is_file()
    assert Page(text).links == ["../index.html", f"../pairs/{pairs[1]}.html"]


def test_names_of_any_letters_are_only_text() -> None:
    name = '<b>"it\'s"& #世界/deep'
    text = render_pair(name, ("<i>a", "b")).decode()
    assert Page(text).text.startswith(name)
    assert "<b>&lt;" not in text
    assert [unescape(found) for found in re.findall(r'<iframe src="(.*?)"', text)] == [
        f"../../{side}/%3Cb%3E%22it%27s%22%26%20%23%E4%B8%96%E7%95%8C/deep.html" for side in "ab"
    ]


def test_nothing_is_fetched_but_the_pages_beside_it() -> None:
    text = render_pair("x", ("a", "b")).decode()
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in unescape(policy[1]).split("; "))
    assert (rules["default-src"], rules["frame-src"], rules["img-src"]) == ("'none'", "'self'", "data:")
    assert rules["script-src"].startswith("'sha256-")


def test_a_run_is_shown_with_what_it_worked_with(
    finished: None, settings: list[str], run: Runner, tmp_path: Path
) -> None:
    record = run(CHANGE).record
    assert record is not None
    sides = (open_results("demo", settings), open_side(str(record), ()))
    comparisons = compare_results(*sides)
    (pair,) = most_changed(comparisons, 1)
    write_page(tmp_path, ("a", "b"), sides, comparisons, [pair])
    for folder in ("a", "b", "pairs"):
        assert (tmp_path / folder / f"{pair}.html").is_file()


def test_a_run_whose_frames_have_gone_is_said_to_have_no_pictures(
    finished: None, settings: list[str], run: Runner, tmp_path: Path
) -> None:
    record = run(CHANGE).record
    assert record is not None
    info = json.loads((record / "run.json").read_text())
    info["config"]["data"]["root"] = str(tmp_path / "gone")
    (record / "run.json").write_text(json.dumps(info))
    sides = (open_results("demo", settings), open_side(str(record), ()))
    comparisons = compare_results(*sides)
    pairs = most_changed(comparisons, 1)
    page = Page(write_page(tmp_path, ("a", "b"), sides, comparisons, pairs).read_text(encoding="utf-8"))
    assert "has no config, so its frames are unknown" in page.text
    assert not (tmp_path / "pairs").exists()
    assert (tmp_path / "a" / f"{pairs[0]}.html").is_file()
    assert not any(link.startswith("pairs/") for link in page.links)


def test_the_command_writes_pages_and_tables(
    finished: None, settings: list[str], run: Runner, command: Command, tmp_path: Path
) -> None:
    run(CHANGE)
    out = tmp_path / "out"
    code, said = command(
        "diff", "demo", "demo", *set_options(settings), "--set-b", CHANGE, "-o", str(out), "--pairs", "1"
    )
    assert code == 0, said
    assert f"page: {out / 'index.html'}" in said
    assert [len(list((out / folder).iterdir())) for folder in ("a", "b", "pairs")] == [1, 1, 1]
    table = pd.read_csv(out / "coarse_flow.csv", index_col="id")
    assert list(table.columns) == ["mean", "far", "largest"]


def open_pair(browser: Browser, written: tuple[Path, list[str]]) -> None:
    """Open the page of the first pair, and wait until both sides are painted."""
    overview, pairs = written
    browser.open(overview.parent / "pairs" / f"{pairs[0]}.html")
    for side in "ab":
        within(browser, side)
        browser.wait_until(lambda: browser.run(PAINTED))


def within(browser: Browser, side: str | None) -> None:
    """Turn to the page of a side."""
    browser.enter(None)
    if side is not None:
        browser.enter(f"#{side} iframe")


@pytest.mark.slow
def test_what_is_looked_at_in_one_is_looked_at_in_the_other(
    browser: Browser, written: tuple[Path, list[str]]
) -> None:
    browser.resize(1600, 1000)
    open_pair(browser, written)
    for here, there in ("ab", "ba"):
        for stage in ("coarse_flow", "record", "synthesis"):
            within(browser, here)
            browser.click(DONE.format(stage))
            within(browser, there)
            browser.wait_until(lambda stage=stage: browser.run(LOOKED_AT) == stage)
    browser.click(DONE.format("coarse_flow"))
    browser.wait_until(lambda: browser.run(PAINTED))
    browser.click("#zoom button:nth-of-type(2)")
    browser.click("#layers button:nth-of-type(3)")
    browser.click("#vectors")
    within(browser, "b")
    browser.wait_until(lambda: browser.run(PLACE) == "1.5")
    browser.wait_until(lambda: browser.run("return document.querySelector('.screen').dataset.layer") == "Why")
    assert browser.run("return document.querySelector('#vectors').getAttribute('aria-pressed')") == "true"


@pytest.mark.slow
def test_a_piece_pinned_in_one_is_pinned_in_the_other(
    browser: Browser, sides: tuple[Results, Results], written: tuple[Path, list[str]]
) -> None:
    browser.resize(1600, 1000)
    label_map = sides[0]["segmentation"].arrays(f"{written[1][0]}/frame1")["label_map"]
    y, x = SIZE[0] // 2, SIZE[1] // 2
    piece = str(label_map[y, x])
    open_pair(browser, written)
    within(browser, "a")
    browser.click(DONE.format("matching"))
    browser.wait_until(lambda: browser.run(PAINTED))
    browser.hover(f"{FIRST} .screen", (x + 0.5) / SIZE[1], (y + 0.5) / SIZE[0])
    browser.wait_until(lambda: marked(browser, FIRST) == piece)
    within(browser, "b")
    browser.wait_until(lambda: marked(browser, FIRST) == piece)
    assert browser.text(f"{FIRST} .reading").startswith(f"x {x}, y {y} · piece {piece}")
    assert browser.run(f"return document.querySelector('{SECOND} .cursor').hidden") is False
    within(browser, "a")
    browser.click_at(f"{FIRST} .screen", (x + 0.5) / SIZE[1], (y + 0.5) / SIZE[0])
    within(browser, "b")
    browser.wait_until(lambda: "Pinned" in browser.text("#piece-content"))
    browser.run("document.querySelector('#stage').focus()")
    browser.press("Escape")
    within(browser, "a")
    browser.wait_until(lambda: "Pinned" not in browser.text("#piece-content"))


@pytest.mark.slow
def test_a_page_that_comes_late_joins_where_the_other_is(
    browser: Browser, written: tuple[Path, list[str]]
) -> None:
    browser.resize(1600, 1000)
    open_pair(browser, written)
    within(browser, "a")
    browser.click(DONE.format("refinement"))
    browser.wait_until(lambda: browser.run(PAINTED))
    browser.click("#zoom button:nth-of-type(2)")
    within(browser, None)
    browser.run("const b = document.querySelector('#b iframe'); b.src = b.src")
    within(browser, "b")
    browser.wait_until(lambda: browser.run(f"{LOOKED_AT}") == "refinement")
    browser.wait_until(lambda: browser.run(PLACE) == "1.5")
    within(browser, "a")
    assert browser.run(LOOKED_AT) == "refinement"


@pytest.mark.slow
def test_one_side_at_a_time_where_there_is_no_room_for_two(
    browser: Browser, written: tuple[Path, list[str]]
) -> None:
    browser.resize(390, 844)
    open_pair(browser, written)
    within(browser, None)
    visible = (
        "const seen = (frame) => getComputedStyle(frame).visibility === 'visible';"
        "return [...document.querySelectorAll('iframe')].map(seen)"
    )
    assert browser.run(visible) == [True, False]
    browser.click("#shown button[value=b]")
    assert browser.run(visible) == [False, True]
    boxes = "return [...document.querySelectorAll('iframe')].map(f => f.getBoundingClientRect().toJSON())"
    first, second = browser.run(boxes)
    assert first == second  # so that switching shows what differs
    assert first["width"] == 390
    browser.click("#shown button[value=both]")
    assert browser.run(visible) == [True, True]
    assert browser.run("return document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("width", [390, 1400])
def test_the_overview_does_not_scroll_sideways(
    browser: Browser, written: tuple[Path, list[str]], width: int
) -> None:
    browser.resize(width, 900)
    browser.open(written[0])
    assert browser.run("return document.documentElement.scrollWidth") <= width
