"""Contact sheets of a clip's scan: every drawing with its hold, cuts and fades in colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from animeinterp.configs.names import shown
from animeinterp.data.clips.clip import Clip
from animeinterp.data.clips.clip_scan import Change, ClipScan
from animeinterp.data.images import Frame, write_file
from animeinterp.data.not_frames import is_contact_sheet
from animeinterp.pipeline.results.pictures import Tile, arrange, result_png

COLUMNS, ROWS = 10, 12
"""Drawings on a sheet."""
THUMB_WIDTH = 184
BORDER = 4
COLORS: dict[Change, tuple[int, int, int]] = {
    "first": (90, 200, 120),
    "motion": (70, 70, 78),
    "fade": (240, 180, 60),
    "cut": (240, 80, 80),
}
HOLDS = {1: "on ones", 2: "on twos", 3: "on threes", 4: "on fours"}
PAUSE = 5
"""Smallest hold, in frames, that is called a pause."""
MOST_SHEETS = 40
"""Sheets of a clip; one that has more drawings is shown around its cuts and fades only."""
MOST_LISTED = 20
"""Cuts and fades whose times a summary gives."""


def clip_summary(scan: ClipScan) -> list[str]:
    """Summary of a scan, as lines of text."""
    holds = scan.holds()
    cuts, fades = scan.frames_of("cut"), _runs(scan.frames_of("fade"), scan.drawings())
    lines = [
        f"{len(scan.changes)} frames, {clock(scan.end)}, {scan.size[1]} x {scan.size[0]}; "
        f"{len(holds)} drawings, {len(scan.frames_of('repeat'))} repeats",
        "frames shown " + ", ".join(_shares([length for _, length in holds])),
        f"{len(cuts)} cuts" + _times([(cut, cut) for cut in cuts], scan),
        f"{len(fades)} fades" + _times(fades, scan),
        _bars(scan),
    ]
    return [line for line in lines if line] + [f"problem: {problem}" for problem in scan.problems]


def write_clip_sheets(clip: Clip, scan: ClipScan, folder: Path) -> list[Path]:
    """Draw the drawings of a clip, in order, into `drawings-001.png` and so on; other sheets are deleted.

    Parameters
    ----------
    clip
        Read once more, frame by frame.
    scan
        Its scan.
    folder
        Created if missing.

    Raises
    ------
    configs.errors.DataError
        The folder cannot be written.

    Notes
    -----
    A sheet holds 120 drawings, and only one sheet is in memory. Of a clip with more than 40 sheets only the
    drawings before, at and after cuts and the ends of fades are shown.
    """
    chosen = shown_drawings(scan)
    count = -(-len(chosen) // (COLUMNS * ROWS))
    about = "" if len(chosen) == len(scan.holds()) else ", around cuts and fades only"
    written: list[Path] = []
    for number, tiles in enumerate(_pages(clip, scan, chosen), 1):
        path = folder / f"drawings-{number:03d}.png"
        lines = clip_summary(scan)
        title = [f"{shown(clip.name)}, sheet {number} of {count}{about}: {lines[0]}", *lines[1:3]]
        rows = [tiles[start : start + COLUMNS] for start in range(0, len(tiles), COLUMNS)]
        sheet = arrange("\n".join(title), rows, THUMB_WIDTH + 2 * BORDER)
        write_file(path, result_png(sheet, ""))
        written.append(path)
    for left in set(folder.glob("drawings-*.png")) - set(written):
        if is_contact_sheet(left):
            left.unlink()
    return written


def shown_drawings(scan: ClipScan) -> dict[int, int]:
    """First frames of the drawings that are shown on sheets, and for how many frames each is held."""
    holds = scan.holds()
    if len(holds) <= MOST_SHEETS * COLUMNS * ROWS:
        return dict(holds)
    marks = [scan.changes[first] in ("cut", "fade") for first, _ in holds]
    near: set[int] = set()
    for place, marked in enumerate(marks):
        inside_fade = marked and all(marks[max(0, place - 1) : place + 2])
        if marked and not inside_fade:
            near |= {place - 1, place, place + 1}
    return {first: length for place, (first, length) in enumerate(holds) if place in near}


def clock(time: Fraction) -> str:
    """A time in seconds as `0:07.50` or `1:02:03.04`."""
    hundredths = round(time * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 100:02d}.{rest % 100:02d}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def _shares(lengths: list[int]) -> list[str]:
    frames: Counter[str] = Counter()
    for length in lengths:
        frames["pauses" if length >= PAUSE else HOLDS[length]] += length
    total = sum(lengths)
    return [
        f"{name} {100 * frames[name] / total:.0f} %" for name in (*HOLDS.values(), "pauses") if frames[name]
    ]


def _runs(frames: tuple[int, ...], drawings: tuple[int, ...]) -> list[tuple[int, int]]:
    """First and last drawing of each fade; its steps follow each other without other drawings between."""
    firsts = [index for index, first in enumerate(drawings) if index == first]
    rank = {first: number for number, first in enumerate(firsts)}
    runs: list[tuple[int, int]] = []
    for frame in frames:
        if runs and rank[frame] == rank[runs[-1][1]] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return runs


def _times(runs: list[tuple[int, int]], scan: ClipScan) -> str:
    if not runs:
        return ""
    texts = [
        clock(scan.starts[first]) + (f" to {clock(scan.starts[last])}" if last != first else "")
        for first, last in runs[:MOST_LISTED]
    ]
    more = f" and {len(runs) - MOST_LISTED} more" if len(runs) > MOST_LISTED else ""
    return " at " + ", ".join(texts) + more


def _bars(scan: ClipScan) -> str:
    names = ("above", "below", "left", "right")
    found = [f"{width} {name}" for width, name in zip(scan.bars, names, strict=True) if width]
    return "black bars: " + ", ".join(found) + " (pixels)" if found else ""


def _pages(clip: Clip, scan: ClipScan, shown: dict[int, int]) -> Iterator[list[Tile]]:
    tiles = (
        _tile(frame.rgb(), frame.index, shown[frame.index], scan)
        for frame in clip.frames()
        if frame.index in shown
    )
    while page := list(islice(tiles, COLUMNS * ROWS)):
        yield page


def _tile(picture: Frame, index: int, length: int, scan: ClipScan) -> Tile:
    """A drawing's thumbnail in a border, with its frame number and time, and its changes."""
    change = scan.changes[index]
    height = max(1, round(THUMB_WIDTH * picture.shape[0] / picture.shape[1]))
    small = cv2.resize(picture, (THUMB_WIDTH, height), interpolation=cv2.INTER_AREA)
    sides = BORDER, BORDER, BORDER, BORDER
    framed = cv2.copyMakeBorder(small, *sides, cv2.BORDER_CONSTANT, value=COLORS[change])
    held = f"pause x{length}" if length >= PAUSE else f"x{length}"
    kind = "" if change in ("motion", "first") else f"   {change.upper()}"
    caption = f"{index}  {clock(scan.starts[index])}  {held}\ndiffers by {scan.differences[index]:.1f}{kind}"
    return Tile(caption, np.asarray(framed, np.uint8))
