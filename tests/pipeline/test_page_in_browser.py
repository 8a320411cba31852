"""The page in a real browser; skipped where Chromium or chromedriver is not installed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from configs.loading import load_config
from data.images import write_image
from pipeline.drawing import flow_to_color, saturated_length
from pipeline.page_data import page_data
from pipeline.pages import write_pages
from pipeline.pair_view import PairView
from pipeline.session import Session
from stages.coarse_flow import PieceFate
from tests.browser import Browser, browser_running, find_browser
from tests.pipeline.conftest import SIZE, small_settings

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

OWN, MATCH = [255, 140, 0], [0, 170, 255]  # colours of the piece and of its match


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    programs = find_browser()
    if programs is None:
        pytest.skip("Chromium or chromedriver is not installed")
    with browser_running(programs, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(running: Browser) -> Iterator[Browser]:
    """A window of a desktop's size; afterwards the console must have stayed silent."""
    running.resize(1400, 1000)
    running.prefer(prefers_reduced_motion="no-preference", prefers_color_scheme="light")
    yield running
    assert running.complaints() == []


@pytest.fixture(scope="module")
def view(cartoons: Path, finished_cache: Path) -> PairView:
    """A finished pair."""
    session = Session.open(load_config("demo", small_settings(cartoons, finished_cache)), look_only=True)
    return PairView(session, session.manifest.pairs[0].id)


@pytest.fixture(scope="module")
def page(view: PairView, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = write_pages(view.session, [view.pair.id], tmp_path_factory.mktemp("pages"))
    return path


def visit(browser: Browser, page: Path, part: str) -> None:
    """Open the page at a stage, and wait until its pictures are painted."""
    browser.open(page, part)
    screens = "[...document.querySelectorAll('.screen')]"
    browser.wait_until(
        lambda: browser.run(
            f"return document.readyState === 'complete' && {screens}.every(s => s.dataset.layer)"
        )
    )


def inside(view: PairView, side: int, piece: int) -> tuple[float, float]:
    """A place well inside a piece, in shares of the frame."""
    mask = view.found("segmentation", side).arrays["label_map"] == piece
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(distance.argmax(), distance.shape)
    return (x + 0.5) / SIZE[1], (y + 0.5) / SIZE[0]


def largest(view: PairView, fate: PieceFate) -> int:
    """The largest piece of frame 0 that had a fate."""
    return int(np.flatnonzero(view.found("coarse_flow").arrays["fate01"] == fate)[-1])


def marked(browser: Browser, figure: str) -> str | None:
    found = browser.run(
        "return document.querySelector(arguments[0] + ' .sheet canvas[data-pieces]')?.dataset.pieces", figure
    )
    return None if found is None else str(found)


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
    browser: Browser, page: Path, view: PairView, fate: PieceFate
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


def test_a_click_pins_a_piece_and_a_candidate_is_lit(browser: Browser, page: Path, view: PairView) -> None:
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
    browser: Browser, page: Path, view: PairView
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


def test_everything_is_reached_by_keys_alone(browser: Browser, page: Path, view: PairView) -> None:
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
    browser.press("3", "c")
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
    for name in ("Ground truth", "Frame 0", "Ground truth"):
        browser.wait_until(lambda name=name: browser.text(".layer-name") == name)
    browser.press("f")
    assert browser.run("return document.querySelector('.pane').hidden") is True


def test_where_motion_is_not_wanted_each_press_swaps(browser: Browser, page: Path) -> None:
    browser.prefer(prefers_reduced_motion="reduce")
    visit(browser, page, "frames")
    for name in ("Ground truth", "Frame 0", "Ground truth"):
        browser.press("f")
        browser.wait_until(lambda name=name: browser.text(".layer-name") == name)
    browser.run("return new Promise(done => setTimeout(done, 700))")
    assert browser.text(".layer-name") == "Ground truth"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_stage_without_scrolling_sideways(
    browser: Browser, page: Path, scheme: str
) -> None:
    browser.prefer(prefers_color_scheme=scheme)
    browser.resize(390, 844)
    for tab in TABS:
        visit(browser, page, f"{tab}/0/5")
        width = browser.run(
            "return [document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
        )
        assert max(width[:2]) <= width[2] == 390, tab
        beyond = browser.run(
            "return [...document.querySelectorAll('#stage :is(button, select, input, canvas, dd, p)')]"
            ".filter(e => e.getClientRects().length && !e.closest('.scrolling, #candidates, .sheet'))"
            ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML)"
        )
        assert beyond == [], tab


def test_text_stands_out_from_its_ground(browser: Browser, page: Path) -> None:
    """WCAG's 4.5 to 1, for every text of every stage, in light and in dark."""
    for scheme in ("light", "dark"):
        browser.prefer(prefers_color_scheme=scheme)
        for tab in TABS:
            visit(browser, page, f"{tab}/0/5")
            assert browser.run(CONTRAST) == [], (scheme, tab)


CONTRAST = """
const parse = (color) => color.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
  .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const color = parse(getComputedStyle(e).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll('body *')].filter((e) => e.getClientRects().length
    && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
    && !e.closest('select, .skip, kbd'))
  .filter((e) => {
    const [a, b] = [luminance(parse(getComputedStyle(e).color)), luminance(ground(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  }).map((e) => e.outerHTML.slice(0, 200));
"""


def test_everything_has_a_name_for_those_who_cannot_see(browser: Browser, page: Path) -> None:
    for tab in TABS:
        visit(browser, page, f"{tab}/0/5")
        nameless = browser.run(
            "const named = e => e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length;"
            "const asked = 'button, input, select, [role=img], [role=group], section';"
            "return [...document.querySelectorAll(asked)]"
            ".filter(e => e.getClientRects().length && !named(e)).map(e => e.outerHTML)"
        )
        assert nameless == [], tab
    visit(browser, page, "coarse_flow")
    alt = browser.run("return document.querySelector('.screen [role=img]').getAttribute('aria-label')")
    assert alt.startswith("coarse flow 0 → 1: up to ")


def test_the_record_names_times_and_fingerprints(browser: Browser, page: Path, view: PairView) -> None:
    visit(browser, page, "record")
    browser.click("#record details:nth-of-type(3) summary")
    assert browser.run("return document.querySelector('#record details:nth-of-type(3) dl').offsetHeight") > 0
    text = browser.text("#record")
    for stage, fingerprint in view.session.fingerprints.items():
        assert stage in text
        assert fingerprint in text
    assert "distance_limit" in text


def test_an_address_leads_back_to_stage_and_piece(browser: Browser, page: Path) -> None:
    visit(browser, page, "coarse_flow/1/7")
    browser.wait_until(lambda: marked(browser, SECOND) == "7")
    assert browser.run("return location.hash") == "#coarse_flow/1/7"
    browser.press("[")
    assert browser.run("return location.hash") == "#matching/1/7"


def test_skipping_to_the_pictures_stays_on_the_stage(browser: Browser, page: Path) -> None:
    visit(browser, page, "matching")
    browser.press("Tab", "Enter")
    browser.wait_until(lambda: browser.run("return document.activeElement.id") == "stage")
    assert browser.run("return document.querySelector('#stage').dataset.stage") == "matching"


def test_a_pair_whose_frames_are_broken(browser: Browser, cartoons: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(cartoons, root)
    folder = sorted((root / "test_2k_540p").iterdir())[0]
    for name in ("frame1.png", "frame3.png"):
        (folder / name).write_bytes(b"")
    session = Session.open(load_config("demo", small_settings(root, tmp_path / "cache")), look_only=True)
    (path,) = write_pages(session, [folder.name], tmp_path / "pages")
    for tab in TABS:
        visit(browser, path, tab)
    visit(browser, path, "frames")
    browser.hover(f"{FIRST} .screen", 0.5, 0.5)
    browser.wait_until(lambda: "RGB" in browser.text(f"{FIRST} .reading"))
    assert "Frame 0: the frame cannot be read" in browser.text("#notes")


def test_nothing_computed_yet(browser: Browser, cartoons: Path, tmp_path: Path) -> None:
    session = Session.open(load_config("demo", small_settings(cartoons, tmp_path / "none")), look_only=True)
    name = session.manifest.pairs[0].id
    (path,) = write_pages(session, [name], tmp_path / "pages", ["animeinterp", "run", "demo"])
    visit(browser, path, "matching")
    assert browser.text("#notes code") == f"animeinterp run demo --id {name} --to matching"
    visit(browser, path, "synthesis")
    assert "not computed yet" in browser.text("#views")


def test_letters_of_any_kind_are_shown_as_they_are(browser: Browser, tmp_path: Path) -> None:
    name = '<b>"it\'s"& 世界'
    for frame in "ab":
        write_image(tmp_path / "frames" / name / f"{frame}.png", np.full((16, 24, 3), 90, np.uint8))
    session = Session.open(
        load_config(
            "demo",
            [f"data.root={json.dumps(str(tmp_path / 'frames'))}", f"store.cache='{tmp_path / 'cache'}'"],
        ),
        look_only=True,
    )
    (path,) = write_pages(session, [name], tmp_path / "pages", ["animeinterp", "run", "demo"])
    visit(browser, path, "segmentation")
    assert browser.text("h1") == name
    assert browser.run("return document.title") == name
    assert browser.text("#notes code").endswith("--to segmentation")
    assert browser.run("return document.querySelector('h1 *, #notes b')") is None
