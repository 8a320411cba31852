"""Arrays as pictures: flows, label maps and matches in colours; tiles with captions."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from animeinterp.data.images import Frame
from animeinterp.data.not_frames import PICTURE_MARK

# Steps of hue between the wheel's six corners, red -> yellow -> green -> cyan -> blue -> magenta -> red,
# chosen so that equal angles look equally far apart (Baker et al. 2011, doi:10.1007/s11263-010-0390-2).
WHEEL_STEPS = (15, 6, 4, 11, 13, 6)
WHEEL_CORNERS = ((255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255))
BEYOND_RANGE = 0.75  # brightness of flows longer than the largest length shown
LONGEST_SHOWN = 0.99  # quantile of the moving pixels' lengths that is drawn fully saturated
ERROR_SHOWN = 64.0  # grey levels from which an error is drawn white
GOLDEN_RATIO = 0.618033988749895
UNMATCHED_GRAY = 70
STILL = 255  # white: pieces without flow, like no motion in a picture of a flow
BACKGROUND = (24, 24, 28)
INK = (235, 235, 235)
CAPTION_HEIGHT = 24
MARGIN = 6


def result_png(picture: Frame, state: str) -> bytes:
    """A picture of results as a PNG file that says so: it is no frame, wherever it may lie.

    Parameters
    ----------
    picture
        uint8 (H, W, 3), RGB.
    state
        Digest of what it shows; empty where that may change.
    """
    note = PngInfo()
    note.add_text(PICTURE_MARK, state)
    encoded = BytesIO()
    Image.fromarray(picture).save(encoded, "PNG", pnginfo=note)
    return encoded.getvalue()


def _color_wheel() -> npt.NDArray[np.float64]:
    """Colours around the wheel, RGB 0..1: angle 0 (to the right) is red."""
    corners = np.array((*WHEEL_CORNERS, WHEEL_CORNERS[0]), np.float64) / 255
    arcs = [
        start + (end - start) * (np.arange(steps) / steps)[:, None]
        for steps, start, end in zip(WHEEL_STEPS, corners[:-1], corners[1:], strict=True)
    ]
    return np.concatenate(arcs)


COLOR_WHEEL = _color_wheel()


def flow_to_color(flow: npt.NDArray[np.float32], longest: float | None = None) -> Frame:
    """Draw a flow with the usual colour wheel: hue = direction, saturation = length.

    Parameters
    ----------
    flow
        (2, H, W), px.
    longest
        Length drawn fully saturated, px; the longest in the flow by default. Longer ones are darkened.

    Returns
    -------
    uint8 array (H, W, 3)
        RGB; no motion is white. Non-finite flow is black.
    """
    finite = np.isfinite(flow).all(axis=0)
    dx, dy = np.where(finite, flow, 0).astype(np.float64)
    length = np.hypot(dx, dy)
    longest = float(length.max()) if longest is None else longest
    length = length / max(longest, 1e-9)
    turn = np.arctan2(-dy, -dx) / np.pi  # -1 .. 1; the wheel of the literature starts at the left
    place = (turn + 1) / 2 * (len(COLOR_WHEEL) - 1)
    lower = np.floor(place).astype(np.int64)
    share = (place - lower)[..., None]
    hue = COLOR_WHEEL[lower] * (1 - share) + COLOR_WHEEL[(lower + 1) % len(COLOR_WHEEL)] * share
    within = (length <= 1)[..., None]
    color = np.where(within, 1 - length[..., None] * (1 - hue), hue * BEYOND_RANGE)
    color[~finite] = 0
    drawn: Frame = np.floor(255 * color).astype(np.uint8)
    return drawn


def saturated_length(*flows: npt.NDArray[np.float32]) -> float:
    """Length, px, from which these flows are best drawn fully saturated; 1 where nothing moves.

    Not the maximum, because a single wrong piece would make all others pale.
    """
    lengths = np.concatenate([np.hypot(*flow).ravel() for flow in flows])
    moving = lengths[lengths > 0]
    return float(np.quantile(moving, LONGEST_SHOWN)) if moving.size else 1.0


def heat_colors() -> Frame:
    """The 256 colours of errors, from dark to bright: (256, 3), RGB."""
    ramp = np.arange(256, dtype=np.uint8)[None]
    mapped = cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.cvtColor(mapped, cv2.COLOR_BGR2RGB)[0], np.uint8)


def piece_colors(count: int) -> Frame:
    """One colour per piece, (count, 3): always the same for the same number, neighbours far apart in hue."""
    colors = [
        colorsys.hsv_to_rgb((k * GOLDEN_RATIO) % 1, (0.45, 0.65, 0.85)[k % 3], (0.95, 0.75)[k // 3 % 2])
        for k in range(count)
    ]
    rounded: Frame = np.rint(np.array(colors).reshape(-1, 3) * 255).astype(np.uint8)
    return rounded


def draw_pieces(label_map: npt.NDArray[np.int32], colors: Frame | None = None) -> Frame:
    """Draw a label map (H, W) in the colours of its pieces (n, 3)."""
    colors = piece_colors(int(label_map.max()) + 1) if colors is None else colors
    return colors[label_map]


def match_colors(
    match01: npt.NDArray[np.int32], rank_sum01: npt.NDArray[np.int32], count1: int
) -> tuple[Frame, Frame]:
    """Colours in which mutually matched pieces of both frames look alike and the others are grey.

    Returns
    -------
    tuple of uint8 arrays
        (n0, 3) and (n1, 3).
    """
    colors0 = piece_colors(len(match01))
    mutual = rank_sum01 == 0
    colors0[~mutual] = UNMATCHED_GRAY
    colors1 = np.full((count1, 3), UNMATCHED_GRAY, np.uint8)
    colors1[match01[mutual]] = colors0[mutual]
    return colors0, colors1


def draw_moves(
    label_map0: npt.NDArray[np.int32],
    label_map1: npt.NDArray[np.int32],
    match01: npt.NDArray[np.int32],
    moved0: npt.NDArray[np.bool_],
) -> Frame:
    """Draw the match of each moving piece of frame 0, as the released program does.

    Parameters
    ----------
    label_map0, label_map1
        (H, W).
    match01
        (n0,), best piece of frame 1 for each piece of frame 0.
    moved0
        (n0,), whether the piece moves.

    Returns
    -------
    uint8 array (H, 2 W, 3)
        Left frame 0, its moving pieces in the colours of their matches, the others white; right frame 1,
        every piece in its own colour.
    """
    colors1 = piece_colors(int(label_map1.max()) + 1)
    colors0 = np.where(moved0[:, None], colors1[match01], np.uint8(STILL))
    return np.hstack((colors0[label_map0], colors1[label_map1]))


def error_map(frame: Frame, truth: Frame, full: float = ERROR_SHOWN) -> Frame:
    """Largest channel difference as heat, black = none, white = `full` grey levels or more: (H, W, 3)."""
    difference = np.abs(frame.astype(np.int16) - truth).max(axis=2)
    drawn: Frame = heat_colors()[np.clip(difference * (255 / full), 0, 255).astype(np.uint8)]
    return drawn


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture with a caption; without a picture, `note` says why there is none."""

    caption: str
    """May hold several lines."""
    picture: Frame | None = None
    note: str = ""


def arrange(title: str, rows: Sequence[Sequence[Tile]], width: int = 480) -> Frame:
    """Lay tiles out in rows under a title.

    Parameters
    ----------
    title
        May hold several lines.
    rows
        Tiles from left to right; rows may differ in length.
    width
        Width of a tile, px; heights follow from the pictures.

    Returns
    -------
    uint8 array (H, W, 3)
    """
    shapes = [t.picture.shape for row in rows for t in row if t.picture is not None]
    height = max(1, round(width * shapes[0][0] / shapes[0][1])) if shapes else width * 9 // 16
    note_lines = max(1, (height - 2 * MARGIN) // CAPTION_HEIGHT)
    columns = max(len(row) for row in rows)
    head = MARGIN + CAPTION_HEIGHT * len(title.splitlines())
    above = CAPTION_HEIGHT * max(1, *(len(t.caption.splitlines()) for row in rows for t in row))
    step = (width + MARGIN, height + above + MARGIN)
    sheet = Image.new("RGB", (MARGIN + columns * step[0], head + MARGIN + len(rows) * step[1]), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)

    def write(left: int, top: int, lines: Sequence[str]) -> None:
        for number, line in enumerate(lines):
            draw.text((left, top + number * CAPTION_HEIGHT), line, INK, font)

    write(MARGIN, MARGIN, title.splitlines())
    for r, row in enumerate(rows):
        for c, tile in enumerate(row):
            left, top = MARGIN + c * step[0], head + MARGIN + r * step[1]
            write(left, top, [_fitting(draw, line, width, font) for line in tile.caption.splitlines()])
            top += above
            if tile.picture is None:
                draw.rectangle((left, top, left + width - 1, top + height - 1), (48, 48, 54))
                wrapped = _wrapped(draw, tile.note, width - 4 * MARGIN, font)
                write(left + 2 * MARGIN, top + 2 * MARGIN, wrapped[:note_lines])
                continue
            smaller = tile.picture.shape[1] >= width
            method = cv2.INTER_AREA if smaller else cv2.INTER_NEAREST
            fitted = cv2.resize(tile.picture, (width, height), interpolation=method)
            sheet.paste(Image.fromarray(np.asarray(fitted, np.uint8)), (left, top))
    return np.asarray(sheet, np.uint8).copy()


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _fitting(draw: ImageDraw.ImageDraw, text: str, width: int, font: Font) -> str:
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(text + "...", font) > width:
        text = text[:-1]
    return text + "..."


def _wrapped(draw: ImageDraw.ImageDraw, text: str, width: int, font: Font) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font) <= width:
            lines[-1] = longer
        else:
            lines.append(_fitting(draw, word, width, font))
    return lines
