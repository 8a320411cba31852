from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from urllib.parse import unquote

import cv2
import numpy as np
import pytest

from animeinterp.configs.loading import load_config
from animeinterp.data.images import Frame, read_image, write_image
from animeinterp.pipeline.pages.report.pairs import (
    THUMBNAIL_SIDE,
    Thumbnail,
    inspect_folder,
    page_finder,
    thumbnails,
)
from tests.pipeline.small_runs import SIZE, Opener, Runner


def picture(found: Thumbnail) -> Frame:
    """A small picture as a browser decodes it."""
    kind, _, text = found.source.partition(",")
    assert kind == "data:image/webp;base64"
    decoded = cv2.imdecode(np.frombuffer(b64decode(text), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (found.height, found.width, 3)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def test_pictures_are_those_of_the_pair(finished: None, open_session: Opener) -> None:
    session = open_session()
    pair = session.manifest.pairs[1]
    found = thumbnails(session, pair.id)
    assert [each.caption for each in found] == ["frame 0", "result, t = 0.5", "ground truth", "error"]
    assert all((each.height, each.width) == SIZE for each in found)  # as small as they are
    assert pair.truth is not None
    location = session.current.locate("synthesis", 1)
    assert location is not None
    wanted = (
        read_image(session.manifest.frames[pair.frames[0]].path),
        location.read()["frames"][0],
        read_image(pair.truth.path),
    )
    for each, frame in zip(found, wanted, strict=False):
        assert np.abs(picture(each).astype(int) - frame).mean() < 10  # WebP loses some
    off = np.abs(wanted[1].astype(int) - wanted[2]).max(axis=2)
    bright = picture(found[3]).astype(int).sum(axis=2)
    assert bright[off >= 64].mean() > 5 * bright[off < 2].mean()


def test_large_pictures_are_made_small(run: Runner, tmp_path: Path) -> None:
    for name in "ab":
        write_image(tmp_path / "frames" / "tall" / f"{name}.png", np.full((1000, 40, 3), ord(name), np.uint8))
    found = thumbnails(run(f"data.root='{tmp_path / 'frames'}'").session, "tall")
    assert [each.caption for each in found] == ["frame 0", "result, t = 0.5", "frame 1"]
    assert {(each.height, each.width) for each in found} == {(THUMBNAIL_SIDE, 16)}


def test_what_is_not_there_says_why(open_session: Opener) -> None:
    session = open_session()
    first, result, truth, error = thumbnails(session, session.manifest.pairs[0].id)
    assert first.source
    assert truth.source
    assert result.source == error.source == ""
    assert result.note == "synthesis is not computed yet, or out of date; run it first"
    assert error.note.startswith("no frame")


def test_a_frame_at_another_time_is_not_compared(finished: None, run: Runner) -> None:
    session = run("synthesis.times=[0.25]", limit=1).session
    _, result, _, error = thumbnails(session, session.manifest.pairs[0].id)
    assert (result.caption, result.source != "") == ("result, t = 0.25", True)
    assert error.source == ""


def test_pages_are_where_inspect_writes_them() -> None:
    with_results = load_config("paper", ["store.results=there/results", "store.cache=here/cache"])
    assert inspect_folder(with_results) == Path("there/inspect")
    assert inspect_folder(load_config("paper", ["store.cache=here/cache"])) == Path("here/inspect")
    home = inspect_folder(load_config("paper", ["store.cache=~/cache"]))
    assert home == Path.home() / "inspect"


@pytest.mark.parametrize("name", ["plain", "sp ace#?%41&é", "in/folders"])
def test_links_lead_to_the_page_or_else_the_picture(tmp_path: Path, name: str) -> None:
    pages, report = tmp_path / "inspect", tmp_path / "deeper" / "report"
    assert page_finder(pages, report)(name) == ""
    for suffix in (".png", ".html"):
        (pages / f"{name}{suffix}").parent.mkdir(parents=True, exist_ok=True)
        (pages / f"{name}{suffix}").touch()
        address = page_finder(pages, report)(name)
        assert not {"#", "?", " ", ":"} & set(address)
        assert (report / unquote(address)).resolve() == pages / f"{name}{suffix}"
