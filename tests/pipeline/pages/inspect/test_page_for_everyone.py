"""The page for every screen, eye and state, in a browser; skipped where Chromium is not installed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.loading import load_config
from animeinterp.data.images import write_image
from animeinterp.pipeline.pages.inspect.pair_pages import write_pages
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from tests.browser import Browser
from tests.pipeline.page_driving import FIRST, SECOND, TABS, marked, visit
from tests.pipeline.small_runs import small_settings


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


@pytest.mark.slow
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


def test_the_record_names_times_and_fingerprints(browser: Browser, page: Path, view: PairResults) -> None:
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
    assert "not computed yet" in browser.text("#notes")
    assert browser.run("return document.querySelector('#tools').hidden") is True
    visit(browser, path, "")
    assert browser.text("#notes code").endswith("--to synthesis")


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
