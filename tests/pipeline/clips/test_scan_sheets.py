from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.changes import scan_clip
from animeinterp.data.clips.clip_scan import Change, ClipScan
from animeinterp.data.images import read_image, write_image
from animeinterp.pipeline.clips import scan_sheets as module
from animeinterp.pipeline.clips.scan_sheets import (
    BORDER,
    COLORS,
    COLUMNS,
    ROWS,
    THUMB_WIDTH,
    clip_summary,
    clock,
    shown_drawings,
    write_clip_sheets,
)
from animeinterp.pipeline.results.pictures import CAPTION_HEIGHT, MARGIN
from tests.data.memory_clip import MemoryClip
from tests.drawn_clips.clip import draw_clip
from tests.drawn_clips.shots import EVERYTHING


@pytest.fixture(scope="module")
def clip() -> MemoryClip:
    return MemoryClip([frame.picture for frame in draw_clip(EVERYTHING, (180, 320), letterbox=20)])


@pytest.fixture(scope="module")
def scan(clip: MemoryClip) -> ClipScan:
    return scan_clip(clip, ClipSection())


def made_of(changes: tuple[Change, ...], problems: tuple[str, ...] = ()) -> ClipScan:
    return ClipScan(
        size=(90, 160),
        starts=tuple(Fraction(index, 24) for index in range(len(changes))),
        end=Fraction(len(changes), 24),
        changes=changes,
        differences=(0.0,) * len(changes),
        bars=(0, 0, 0, 0),
        problems=problems,
    )


@pytest.mark.slow
def test_summary_of_a_drawn_clip(scan: ClipScan) -> None:
    first, shown, cuts, fades, bars = clip_summary(scan)
    assert first == "240 frames, 0:10.00, 320 x 180; 154 drawings, 86 repeats"
    assert shown == "frames shown on ones 39 %, on twos 37 %, on threes 19 %, pauses 5 %"
    assert cuts == "5 cuts at 0:01.50, 0:02.83, 0:05.50, 0:07.00, 0:08.67"
    assert fades.startswith("4 fades at 0:00.04 to 0:00.29, 0:00.83 to 0:00.92, 0:03.83 to 0:04.25, ")
    assert bars == "black bars: 20 above, 20 below (pixels)"


def test_summary_of_little_and_of_much() -> None:
    still = clip_summary(made_of(("first", "repeat", "repeat", "repeat"), ("frame 4: damaged",)))
    assert still == [
        "4 frames, 0:00.17, 160 x 90; 1 drawings, 3 repeats",
        "frames shown on fours 100 %",
        "0 cuts",
        "0 fades",
        "problem: frame 4: damaged",
    ]
    many = clip_summary(made_of(("first", *("cut",) * 30)))
    assert many[2].startswith("30 cuts at 0:00.04, ")
    assert many[2].endswith(", 0:00.83 and 10 more")


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (Fraction(0), "0:00.00"),
        (Fraction(5999, 100), "0:59.99"),
        (Fraction(59996, 1000), "1:00.00"),
        (Fraction(3723), "1:02:03.00"),
    ],
)
def test_clock(time: Fraction, text: str) -> None:
    assert clock(time) == text


def test_every_drawing_is_on_a_sheet(clip: MemoryClip, scan: ClipScan, tmp_path: Path) -> None:
    paths = write_clip_sheets(clip, scan, tmp_path)
    shutil.copy(paths[0], tmp_path / "drawings-009.png")  # of a longer scan
    write_clip_sheets(clip, scan, tmp_path)
    assert [path.name for path in paths] == ["drawings-001.png", "drawings-002.png"]
    assert sorted(tmp_path.iterdir()) == paths
    sheets = [read_image(path) for path in paths]
    height = round(THUMB_WIDTH * 180 / 320) + 2 * BORDER + 2 * CAPTION_HEIGHT
    width = THUMB_WIDTH + 2 * BORDER
    head = 2 * MARGIN + 3 * CAPTION_HEIGHT
    firsts = [first for first, _ in scan.holds()]
    for place, first in enumerate(firsts):
        page, rest = divmod(place, COLUMNS * ROWS)
        row, column = divmod(rest, COLUMNS)
        top = head + row * (height + MARGIN) + 2 * CAPTION_HEIGHT
        left = MARGIN + column * (width + MARGIN)
        border = tuple(int(v) for v in sheets[page][top + 1, left + 1])
        assert border == COLORS[scan.changes[first]]
        inside = sheets[page][top + BORDER + 3 :, left + BORDER + 3 :][: height // 2, : THUMB_WIDTH - 6]
        wanted = clip.pictures[first].mean()
        assert abs(float(inside.mean()) - wanted) < 40
    rows = -(-(len(firsts) - COLUMNS * ROWS) // COLUMNS)
    assert sheets[1].shape[0] == head + rows * (height + MARGIN)


def test_long_clips_are_shown_around_cuts_and_ends_of_fades() -> None:
    changes: list[Change] = ["first", *["motion"] * 9999]
    changes[500] = "cut"
    changes[700:720] = ["fade"] * 20
    scan = made_of(tuple(changes))
    assert list(shown_drawings(scan)) == [499, 500, 501, 699, 700, 701, 718, 719, 720]


def test_sheets_of_a_long_clip_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SHEETS", 0)
    pictures = [np.full((18, 32, 3), 20 * index, np.uint8) for index in range(6)]
    scan = made_of(("first", "motion", "motion", "cut", "motion", "motion"))
    (path,) = write_clip_sheets(MemoryClip(pictures), scan, tmp_path)
    sheet = read_image(path)
    tile = THUMB_WIDTH + 2 * BORDER + MARGIN
    row = 2 * MARGIN + 5 * CAPTION_HEIGHT + 40
    shown = [int(sheet[row, MARGIN + BORDER + 80 + tile * k, 0]) for k in range(3)]
    assert shown == [40, 60, 80]


def test_only_sheets_are_removed(clip: MemoryClip, scan: ClipScan, tmp_path: Path) -> None:
    write_image(tmp_path / "drawings-010.png", np.zeros((4, 4, 3), np.uint8))
    write_clip_sheets(clip, scan, tmp_path)
    assert (tmp_path / "drawings-010.png").is_file()
