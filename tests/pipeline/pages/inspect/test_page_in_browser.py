"""The page in a real browser; skipped where Chromium or chromedriver is not installed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from animeinterp.pipeline.pages.inspect.page_data import page_data
from animeinterp.pipeline.results.pair_results import PairResults
from animeinterp.pipeline.results.pictures import flow_to_color, saturated_length
from animeinterp.stages.coarse_flow import PieceFate
from tests.browser import Browser
from tests.pipeline.page_driving import FIRST, SECOND, marked, visit
from tests.pipeline.small_runs import SIZE

OWN, MATCH = [255, 140, 0], [0, 170, 255]  # colours of the piece and of its match


def inside(view: PairResults, side: int, piece: int) -> tuple[float, float]:
    """A place well inside a piece, in shares of the frame."""
    mask = view.found("segmentation", side).arrays["label_map"] == piece
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(distance.argmax(), distance.shape)
    return (x + 0.5) / SIZE[1], (y + 0.5) / SIZE[0]


def largest(view: PairResults, fate: PieceFate) -> int:
    """The largest piece of frame 0 that had a fate."""
    return int(np.flatnonzero(view.found("coarse_flow").arrays["fate01"] == fate)[-1])


def pixel(browser: Browser, figure: str, canvas: str, place: tuple[float, float]) -> list[int]:
    """RGBA of a canvas of a view."""
    return list(
        browser.run(
            "const c = document.querySelector(arguments[0]); const [x, y] = arguments[1];"
            "return [...c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1).data]",
            f"{figure} {canvas}",
            place,
        )
    )


@pytest.mark.parametrize("fate", [PieceFate.MOVED, PieceFate.TOO_LARGE])
def test_hovering_a_piece_lights_its_match_and_tells_its_fate(
    browser: Browser, page: Path, view: PairResults, fate: PieceFate
) -> None:
    piece = largest(view, fate)
    match = int(view.found("matching").arrays["match01"][piece])
    visit(browser, page, "matching")
    browser.hover(f"{FIRST} .screen", *inside(view, 0, piece))
    browser.wait_until(lambda: marked(browser, FIRST) == str(piece) and marked(browser, SECOND) == str(match))
    for figure, side, number, color in ((FIRST, 0, piece, OWN), (SECOND, 1, match, MATCH)):
        found = pixel(browser, figure, "canvas[data-pieces]", inside(view, side, number))
        assert found[:3] == pytest.approx(color, abs=2)  # colours half transparent are rounded
        assert found[3] > 0
    assert browser.text("#piece-why").startswith(fate.name.lower().replace("_", " ") + ":")
    assert f"{match} of frame 1" in browser.text("#piece-content")
    rows = page_data(view)["pieces"][0]["candidates"]["rows"][piece]
    told = browser.run(
        "return [...document.querySelectorAll('.candidates tbody tr')]"
        ".map(row => [...row.cells].slice(0, 3).map(cell => cell.textContent))"
    )
    assert [row[0] for row in told] == [str(row[0]) for row in rows]
    for (_, affinity, features), (_, likeness, size, distance, *_) in zip(told, rows, strict=True):
        assert float(affinity.replace("−", "-")) == pytest.approx(likeness - size - distance, abs=6e-5)
        assert float(features) == pytest.approx(likeness, abs=6e-5)


def test_a_click_pins_a_piece_and_a_candidate_is_lit(browser: Browser, page: Path, view: PairResults) -> None:
    piece, other = largest(view, PieceFate.MOVED), largest(view, PieceFate.TOO_LARGE)
    visit(browser, page, "matching")
    browser.click_at(f"{FIRST} .screen", *inside(view, 0, piece))
    browser.wait_until(lambda: marked(browser, FIRST) == str(piece))
    browser.hover(f"{FIRST} .screen", *inside(view, 0, other))
    assert marked(browser, FIRST) == str(piece)
    candidate = page_data(view)["pieces"][0]["candidates"]["rows"][piece][3][0]
    match = view.found("matching").arrays["match01"][piece]
    browser.hover(".candidates tbody tr:nth-child(4)", 0.4, 0.5)
    browser.wait_until(lambda: marked(browser, SECOND) == f"{match} {candidate}")
    browser.click(f".candidates button[data-piece='{candidate}']")
    browser.wait_until(lambda: marked(browser, SECOND) == str(candidate))
    assert browser.text("#piece-number") == ""
    assert browser.run("return document.querySelector('#piece').dataset.side") == "1"


def test_hovering_reads_the_flow_and_its_colour_is_the_programs(
    browser: Browser, page: Path, view: PairResults
) -> None:
    piece = largest(view, PieceFate.MOVED)
    place = inside(view, 0, piece)
    flows = [view.found("coarse_flow").arrays[f"coarse_flow{d}"] for d in ("01", "10")]
    y, x = int(place[1] * SIZE[0]), int(place[0] * SIZE[1])
    dx, dy = flows[0][:, y, x]
    visit(browser, page, "coarse_flow")
    browser.hover(f"{FIRST} .screen", *place)
    browser.wait_until(lambda: "flow (" in browser.text(f"{FIRST} .reading"))
    reading = browser.text(f"{FIRST} .reading").replace("−", "-")
    assert reading.startswith(f"x {x}, y {y} · piece {piece} · flow (")
    read = [float(text) for text in reading.split("flow (")[1].split(")")[0].split(",")]
    assert read == pytest.approx([dx, dy], abs=0.03)
    expected = flow_to_color(flows[0], saturated_length(*flows))[y, x]
    assert pixel(browser, FIRST, "canvas", place)[:3] == pytest.approx([int(c) for c in expected], abs=4)
    browser.press("v")
    browser.wait_until(
        lambda: browser.run("return document.querySelectorAll('.vectors[data-count]').length") == 2
    )


def test_the_page_opens_on_the_result_beside_the_truth(browser: Browser, page: Path) -> None:
    visit(browser, page, "")
    assert browser.text(f"{FIRST} .layer-name") == "Result t=0.5"
    assert browser.text(f"{SECOND} figcaption") == "Ground truth"
    boxes = browser.run(
        "return [...document.querySelectorAll('.screen')].map(s => s.getBoundingClientRect().toJSON())"
    )
    assert len(boxes) == 2
    assert boxes[0]["y"] == boxes[1]["y"]
    assert all(box["bottom"] <= browser.run("return innerHeight") for box in boxes)  # without scrolling
    assert browser.text("header p").startswith("Frames made with light.safetensors: refinement by light (")


def test_a_failed_test_names_the_setting_that_decides(
    browser: Browser, page: Path, view: PairResults
) -> None:
    piece = largest(view, PieceFate.TOO_LARGE)
    visit(browser, page, f"coarse_flow/0/{piece}")
    browser.wait_until(lambda: "failed" in browser.text("#piece-content"))
    setting = "coarse_flow.max_area_share = 0.12"
    assert setting in browser.text("#piece-why")
    assert browser.text(".tests tr.bad + tr.setting") == setting
    assert browser.text(".parts-legend").startswith("affinity")


def test_every_scale_says_what_it_shows(browser: Browser, page: Path) -> None:
    for stage, key in (("coarse_flow", "2"), ("synthesis", "2"), ("evaluation", "1")):
        visit(browser, page, stage)
        browser.press(key)
        browser.wait_until(lambda: browser.text(".legend.bar + .legend") != "")


def test_all_views_zoom_and_move_together(browser: Browser, page: Path) -> None:
    visit(browser, page, "segmentation")
    shown = (
        "return [...document.querySelectorAll('#views .sheet')].filter(s => s.getClientRects().length)"
        ".map(s => getComputedStyle(s).transform)"
    )
    before = browser.run(shown)
    browser.wheel(f"{FIRST} .screen", -600)
    browser.wait_until(lambda: float(browser.text("#zoom-shown")[:-1]) > 2)
    zoomed = browser.run(shown)
    assert len(set(zoomed)) == 1
    assert zoomed != before
    browser.drag(f"{FIRST} .screen", (0.5, 0.5), (0.7, 0.6))
    browser.wait_until(lambda: browser.run(shown) != zoomed)
    assert len(set(browser.run(shown))) == 1
    assert "Pinned" not in browser.text("#piece-content")  # a drag is no click
    browser.press("0")
    browser.wait_until(lambda: browser.text("#zoom-shown") == "1.0×")


def test_everything_is_reached_by_keys_alone(browser: Browser, page: Path, view: PairResults) -> None:
    visit(browser, page, "frames")
    focused = "return document.activeElement.dataset.stage ?? document.activeElement.className"
    for _ in range(10):
        browser.press("Tab")
        if browser.run(focused) == "frames":
            break
    browser.press("Right", "Right")
    assert browser.run(focused) == "matching"
    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    browser.press("n", "n")
    order = view.found("segmentation").arrays["area"].size
    browser.wait_until(lambda: marked(browser, FIRST) == str(order - 2))
    browser.press("p", "m")
    match = view.found("matching").arrays["match01"][order - 1]
    browser.wait_until(lambda: marked(browser, SECOND) == str(match))
    browser.press("2")
    browser.wait_until(
        lambda: browser.run("return document.querySelector('.screen').dataset.layer") == "Frame"
    )
    for _ in range(20):
        browser.press("Tab")
        if browser.run(focused).startswith("screen"):
            break
    browser.press("+", "+")
    browser.wait_until(lambda: browser.text("#zoom-shown") == "2.3×")
    left = browser.run("return document.documentElement.style.getPropertyValue('--left')")
    browser.press("Right")
    assert browser.run("return document.documentElement.style.getPropertyValue('--left')") != left
    browser.press("z")
    browser.press("Escape", "]")
    assert browser.run("return document.querySelector('#stage').dataset.stage") == "coarse_flow"
    browser.press("?")
    assert browser.run("return document.querySelector('#help').open") is True
    browser.press("Escape")
    assert browser.run("return document.querySelector('#help').open") is False


def test_two_pictures_are_compared_by_a_slider(browser: Browser, page: Path) -> None:
    visit(browser, page, "frames")
    browser.press("c")
    browser.wait_until(lambda: browser.text(".layer-name") == "Result t=0.5 | Ground truth")
    split = "return getComputedStyle(document.querySelector('.pane')).clipPath"
    assert "50%" in browser.run(split)
    browser.run("document.querySelector('#divider').focus()")
    browser.press("Left", "Left")
    browser.wait_until(lambda: "48%" in browser.run(split))
    browser.run("document.querySelector('#stage').focus()")
    browser.press("c")
    browser.wait_until(lambda: browser.run("return document.querySelector('.pane').hidden"))


def test_two_pictures_flicker(browser: Browser, page: Path) -> None:
    visit(browser, page, "frames")
    browser.press("f")
    for name in ("Ground truth", "Result t=0.5", "Ground truth"):
        browser.wait_until(lambda name=name: browser.text(".layer-name") == name)
    browser.press("f")
    assert browser.run("return document.querySelector('.pane').hidden") is True


def test_where_motion_is_not_wanted_each_press_swaps(browser: Browser, page: Path) -> None:
    browser.prefer(prefers_reduced_motion="reduce")
    visit(browser, page, "frames")
    for name in ("Ground truth", "Result t=0.5", "Ground truth"):
        browser.press("f")
        browser.wait_until(lambda name=name: browser.text(".layer-name") == name)
    browser.run("return new Promise(done => setTimeout(done, 700))")
    assert browser.text(".layer-name") == "Ground truth"
