from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.data.images import write_image
from animeinterp.data.not_frames import PICTURE_MARK
from animeinterp.pipeline.pages import contact_sheet as module
from animeinterp.pipeline.pages.contact_sheet import contact_sheet, write_contact_sheet
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from animeinterp.pipeline.results.pictures import CAPTION_HEIGHT, MARGIN, Tile, arrange
from animeinterp.pipeline.store.fingerprints import DIGEST_LENGTH
from tests.pipeline.small_runs import SIZE, Opener, Runner

WIDTH = 480  # of a tile


class Drawn:
    """Title and tiles of the sheet drawn last."""

    title: str
    rows: list[list[Tile]]

    def tiles(self, *captions: str) -> list[Tile]:
        """The one tile whose caption begins like this, for each of the captions."""
        found = []
        for caption in captions:
            (tile,) = [t for row in self.rows for t in row if t.caption.startswith(caption)]
            found.append(tile)
        return found

    @property
    def missing(self) -> dict[str, str]:
        """Notes of the tiles without a picture, by caption."""
        return {tile.caption: tile.note for row in self.rows for tile in row if tile.picture is None}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """Watches what is laid out; the real layout runs."""
    seen = Drawn()

    def watch(title: str, rows: list[list[Tile]]) -> object:
        seen.title, seen.rows = title, rows
        return arrange(title, rows)

    monkeypatch.setattr(module, "arrange", watch)
    return seen


def first_id(session: Session) -> str:
    return session.manifest.pairs[0].id


def test_a_finished_pair_shows_everything(finished: None, open_session: Opener, drawn: Drawn) -> None:
    session = open_session()
    sheet = contact_sheet(PairResults(session, first_id(session)))
    height = round(WIDTH * SIZE[0] / SIZE[1])
    assert sheet.shape == (
        MARGIN + 3 * CAPTION_HEIGHT + MARGIN + 5 * (height + CAPTION_HEIGHT + MARGIN),
        MARGIN + 4 * (WIDTH + MARGIN),
        3,
    )
    assert drawn.missing == {}
    assert [len(row) for row in drawn.rows] == [4, 4, 4, 4, 1]
    result, truth, error = drawn.tiles("result, t = 0.5", "ground truth", "error")
    assert result.picture is not None
    assert truth.picture is not None
    assert error.picture is not None
    assert result.picture.shape == truth.picture.shape == error.picture.shape == (*SIZE, 3)
    title, methods, scores = drawn.title.splitlines()
    assert title.startswith(first_id(session))
    assert ", level " not in title
    assert "level " in title
    assert methods == "features appearance, coarse_flow sgm, refinement light, synthesis light"
    assert scores.startswith("psnr ")


def test_an_empty_cache_shows_frames_and_says_what_to_run(open_session: Opener, drawn: Drawn) -> None:
    session = open_session()
    contact_sheet(PairResults(session, first_id(session)))
    (frame,) = drawn.tiles("frame 0")
    assert frame.picture is not None
    assert len(drawn.missing) == 11
    assert drawn.missing["pieces 1"] == "segmentation is not computed yet, or out of date; run it first"
    assert drawn.missing["matches 0"].startswith("matching is not computed yet")
    assert drawn.missing["coarse flow 1 -> 0"].startswith("coarse_flow is not computed yet")
    assert drawn.missing["result"].startswith("synthesis is not computed yet")
    assert "no scores: evaluation is not computed yet" in drawn.title


def test_stages_that_are_not_needed_say_so(run: Runner, drawn: Drawn) -> None:
    session = run("coarse_flow.method=zero", limit=1).session
    contact_sheet(PairResults(session, first_id(session)))
    assert drawn.missing == dict.fromkeys(
        ("pieces 0", "pieces 1", "matches 0", "matches 1"), "not needed: coarse_flow.method = 'zero'"
    )
    assert drawn.title.splitlines()[1] == "coarse_flow zero, refinement light, synthesis light"


def test_further_times_have_tiles_of_their_own(finished: None, run: Runner, drawn: Drawn) -> None:
    times = [0.2, 0.4, 0.5, 0.6, 0.8]
    session = run(f"synthesis.times={times}", limit=1).session
    contact_sheet(PairResults(session, first_id(session)))
    assert [tile.caption for row in drawn.rows[4:] for tile in row][1:] == [f"t = {t}" for t in times]
    assert [len(row) for row in drawn.rows] == [4, 4, 4, 4, 4, 2]
    assert drawn.tiles("result, t = 0.5")[0].picture is not None
    session = run("synthesis.times=[0.25, 0.75]", limit=1).session
    contact_sheet(PairResults(session, first_id(session)))
    assert "no frame at t = 0.5" in drawn.title
    assert drawn.tiles("result, t = 0.25")


def test_a_broken_frame_leaves_notes_in_its_place(
    cartoons: Path, run: Runner, drawn: Drawn, tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(cartoons, root)
    folder = sorted((root / "test_2k_540p").iterdir())[0]
    for number in (1, 3):
        (folder / f"frame{number}.png").write_bytes(b"")
        session = run(f"data.root='{root}'", limit=1).session
        contact_sheet(PairResults(session, folder.name))
        assert drawn.missing["frame 0"] == "cannot be read"
        assert drawn.missing["contours 0"] == "frame cannot be read"
        assert f"frame{number}.png: empty file" in drawn.missing[f"pieces {number // 2}"]
        assert drawn.missing["matches 0"] == f"skipped: segmentation of {folder.name}/frame1 failed"
        assert ("pieces 1" in drawn.missing) == (number == 3)
    assert "frame1.png: empty file" in drawn.missing["pieces 0"]
    assert drawn.tiles("ground truth")[0].picture is not None


def test_pairs_that_are_no_pairs(run: Runner, drawn: Drawn, tmp_path: Path) -> None:
    root = tmp_path / "frames"
    picture = np.full((32, 48, 3), 90, np.uint8)
    write_image(root / "alone" / "a.png", picture)
    (root / "void").mkdir()
    session = run(f"data.root='{root}'").session
    contact_sheet(PairResults(session, "alone"))
    assert "frame 0" not in drawn.missing
    assert "1 image (a); expected two frames" in drawn.missing["pieces 1"]
    assert "1 image (a)" in drawn.missing["matches 0"]
    contact_sheet(PairResults(session, "void"))
    assert "0 images" in drawn.missing["pieces 0"]
    assert all(tile.picture is None for row in drawn.rows for tile in row)


def test_two_frames_without_a_truth(run: Runner, drawn: Drawn, tmp_path: Path) -> None:
    for name in "ab":
        write_image(tmp_path / "frames" / "pair" / f"{name}.png", np.full((32, 48, 3), ord(name), np.uint8))
    session = run(f"data.root='{tmp_path / 'frames'}'", "synthesis.dtype=float16").session
    contact_sheet(PairResults(session, "pair"))
    assert drawn.missing == {"ground truth": "no ground truth: nothing to compare with"}
    assert "no scores: skipped: no ground truth" in drawn.title
    result = drawn.tiles("result, t = 0.5")[0].picture
    assert result is not None
    assert result.dtype == np.uint8


def test_damaged_results_are_said_to_be(finished: None, open_session: Opener, drawn: Drawn) -> None:
    session = open_session()
    for file in (session.shard_path("refinement", 0) / "refined_flow01" / "c").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\0" * file.stat().st_size)
    contact_sheet(PairResults(session, first_id(session)))
    assert "array 'refined_flow01'" in drawn.missing["refined flow 0 -> 1"]
    assert drawn.missing["splatted 0"] == drawn.missing["refined flow 0 -> 1"]
    assert "result" not in drawn.missing


def test_sheet_is_drawn_again_only_when_the_results_change(
    finished: None, run: Runner, open_session: Opener, tmp_path: Path
) -> None:
    path = tmp_path / "sheets" / "pair.png"
    session = open_session()
    assert write_contact_sheet(session, first_id(session), path)
    with Image.open(path) as sheet:
        assert len(sheet.info[PICTURE_MARK]) == DIGEST_LENGTH
        assert sheet.size[0] == MARGIN + 4 * (WIDTH + MARGIN)
    assert not write_contact_sheet(open_session(), first_id(session), path)
    changed = run("coarse_flow.max_shift=1", limit=1).session
    assert write_contact_sheet(changed, first_id(session), path)
    assert not write_contact_sheet(changed, first_id(session), path)
    assert write_contact_sheet(session, first_id(session), path)
    path.write_bytes(path.read_bytes()[:20])
    assert write_contact_sheet(session, first_id(session), path)


def test_a_sheet_that_shows_damage_is_drawn_again_when_it_is_mended(
    finished: None, open_session: Opener, tmp_path: Path
) -> None:
    session = open_session()
    shard = session.shard_path("refinement", 0)
    shutil.copytree(shard, tmp_path / "sound")
    for file in (shard / "refined_flow01" / "c").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\0" * file.stat().st_size)
    path = tmp_path / "sheet.png"
    assert write_contact_sheet(session, first_id(session), path)
    shutil.rmtree(shard)
    shutil.copytree(tmp_path / "sound", shard)
    assert write_contact_sheet(open_session(), first_id(session), path)
    assert not write_contact_sheet(open_session(), first_id(session), path)


def test_unknown_pair_is_refused_with_similar_ones(open_session: Opener) -> None:
    session = open_session()
    name = first_id(session)
    with pytest.raises(ConfigError, match=f"no pair '{name}x' .*did you mean {name}"):
        contact_sheet(PairResults(session, f"{name}x"))


def test_sheet_that_cannot_be_written(open_session: Opener, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    session = open_session()
    with pytest.raises(DataError, match="sheet.png: cannot be written"):
        write_contact_sheet(session, first_id(session), tmp_path / "file" / "sheet.png")
