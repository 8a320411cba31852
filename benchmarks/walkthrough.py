"""Draws the pictures of docs/walkthrough.md: `python -m benchmarks.walkthrough`, some twenty seconds.

One pair is drawn, run through all stages as the demo runs it, and read back from the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console

from animeinterp.data.cartoon import write_dataset
from animeinterp.data.images import Frame, read_image, to_uint8
from animeinterp.data.truth import read_truth
from animeinterp.pipeline.pages.inspect.pieces import FATES
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from animeinterp.pipeline.results.pictures import (
    INK,
    Tile,
    arrange,
    draw_pieces,
    error_map,
    flow_to_color,
    heat_colors,
    match_colors,
    saturated_length,
)
from animeinterp.pipeline.running.execute import execute
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages.inspection.splatted_frames import splat_frames
from animeinterp.stages.pair_batch import hints_in
from animeinterp.stages.segmentation import segmentation_steps
from animeinterp.stages.segmentation.contours import INSIDE_ABOVE

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "walkthrough"
TILE_WIDTH = 471  # px; two of them and their margins are 960
QUALITY = 76  # of JPEG: the whole set stays below 800 kB
LONGEST_ERROR = 32.0  # px from which an end-point error is drawn white
LINES_DRAWN = 40  # matches joined by lines, those of the largest pieces
HOLE = np.array([235, 30, 60], np.uint8)
BORDER = (20, 20, 24)
SHOWN_PIECE = 0.985
"""The piece whose likenesses are drawn: this share of frame 0's pieces is smaller."""


class Walk(NamedTuple):
    """Everything that is known of the pair."""

    view: PairResults
    frames: tuple[Frame, Frame]
    truth: Frame
    pieces: tuple[Mapping[str, Array], Mapping[str, Array]]
    features: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
    matching: Mapping[str, Array]
    coarse: Mapping[str, Array]
    refined: Mapping[str, Array]
    result: Frame
    motion: Mapping[str, npt.NDArray[Any]]
    """What is exactly true of a drawn pair."""


def read_walk(session: Session, pair_id: str) -> Walk:
    """Read a finished drawn pair."""
    view = PairResults(session, pair_id)
    pair, frames = view.pair, [session.manifest.frames[index] for index in view.pair.frames]
    assert pair.truth is not None
    assert pair.motion_truth is not None
    segmented = [view.found("segmentation", k).arrays for k in (0, 1)]
    described = [view.found("features", k).arrays["piece_features"] for k in (0, 1)]
    return Walk(
        view=view,
        frames=(read_image(frames[0].path), read_image(frames[1].path)),
        truth=read_image(pair.truth.path),
        pieces=(segmented[0], segmented[1]),
        features=(described[0], described[1]),
        matching=view.found("matching").arrays,
        coarse=view.found("coarse_flow").arrays,
        refined=view.found("refinement").arrays,
        result=to_uint8(view.found("synthesis").arrays["frames"][0]),
        motion=read_truth(pair.motion_truth.path),
    )


def figures(walk: Walk) -> Iterator[tuple[str, Frame]]:
    """Every picture of the page, by its name."""
    for name, tiles in (
        ("frames", [Tile(f"frame {k}", frame) for k, frame in enumerate(walk.frames)]),
        ("segmentation", segmentation(walk)),
        ("likeness", likeness(walk)),
        ("fates", fates(walk)),
        ("coarse_flow", flows(walk)),
        ("refined_flow", refinement(walk)),
        ("splats", splats(walk)),
        ("result", result(walk)),
    ):
        yield name, arrange("", [tiles[start : start + 2] for start in range(0, len(tiles), 2)], TILE_WIDTH)
    yield "matches", matches(walk)


def segmentation(walk: Walk) -> list[Tile]:
    """The steps from frame 0 to its pieces."""
    section = walk.view.session.config.segmentation
    preset = section.anime if walk.view.style() == "anime" else section.disney
    steps = segmentation_steps(walk.frames[0], preset, merge_rounds=section.merge_rounds)
    contours = np.asarray(cv2.cvtColor(steps.contour, cv2.COLOR_GRAY2RGB), np.uint8)
    return [
        Tile(f"contours: above {INSIDE_ABOVE} is inside a piece", contours),
        Tile(f"trapped-ball filling: {steps.fill_map.max()} fills", with_lines(steps.fill_map)),
        Tile(f"small fills merged: {len(np.unique(steps.merged)) - 1} left", with_lines(steps.merged)),
        Tile(f"lines given away: {steps.label_map.max() + 1} pieces", with_borders(steps.label_map)),
    ]


def with_lines(fill_map: npt.NDArray[np.int32]) -> Frame:
    """Fills in colours, lines dark."""
    drawn = draw_pieces(fill_map)
    drawn[fill_map == 0] = BORDER
    return drawn


def with_borders(label_map: npt.NDArray[np.int32], drawn: Frame | None = None) -> Frame:
    """Pieces in colours, or a picture, with dark borders between the pieces."""
    drawn = draw_pieces(label_map) if drawn is None else drawn.copy()
    border = np.zeros(label_map.shape, bool)
    border[:, 1:] |= label_map[:, 1:] != label_map[:, :-1]
    border[1:] |= label_map[1:] != label_map[:-1]
    drawn[border] = BORDER
    return drawn


def likeness(walk: Walk) -> list[Tile]:
    """One piece of frame 0, and how alike every piece of frame 1 is."""
    piece = int(SHOWN_PIECE * len(walk.features[0]))
    alike = np.minimum(walk.features[0][piece], walk.features[1]).sum(axis=1)
    low, high = float(np.median(alike)), float(alike.max())
    shown = heat_colors()[np.rint(255 * np.clip((alike - low) / (high - low), 0, 1)).astype(np.int64)]
    match = int(walk.matching["match01"][piece])
    labels = [pieces["label_map"] for pieces in walk.pieces]
    caption = f"likeness of frame 1's pieces, {low:.2f} or less (dark) to {high:.2f}; outlined: match"
    return [
        Tile(f"piece {piece} of frame 0", outlined(walk.frames[0], labels[0] == piece)),
        Tile(caption, outlined(shown[labels[1]], labels[1] == match)),
    ]


def outlined(picture: Frame, mask: npt.NDArray[np.bool_]) -> Frame:
    """A picture with the outline of a mask."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(picture.copy(), found, -1, (0, 220, 255), 4), np.uint8)


def matches(walk: Walk) -> Frame:
    """Both frames, matched pieces in the same colours, the largest joined by lines."""
    found = walk.matching
    colors = match_colors(found["match01"], found["rank_sum01"], len(walk.pieces[1]["area"]))
    mutual = np.flatnonzero(found["rank_sum01"] == 0)
    tiles = [
        Tile(
            f"matches of frame {k}: {len(mutual)} mutual (grey: none)",
            with_borders(pieces["label_map"], draw_pieces(pieces["label_map"], color)),
        )
        for k, pieces, color in zip((0, 1), walk.pieces, colors, strict=True)
    ]
    sheet = arrange("", [tiles], TILE_WIDTH)
    # The pictures are at the bottom, with a margin around each.
    scale = TILE_WIDTH / walk.frames[0].shape[1]
    margin = (sheet.shape[1] - 2 * TILE_WIDTH) // 3
    top = sheet.shape[0] - margin - round(walk.frames[0].shape[0] * scale)
    image = Image.fromarray(sheet)
    draw = ImageDraw.Draw(image)
    for piece in mutual[-LINES_DRAWN:]:
        ends = walk.pieces[0]["centroid"][piece], walk.pieces[1]["centroid"][found["match01"][piece]]
        (x0, y0), (x1, y1) = (scale * end for end in ends)
        line = [(margin + x0, top + y0), (2 * margin + TILE_WIDTH + x1, top + y1)]
        draw.line(line, (255, 255, 255), 1)
    return np.asarray(image, np.uint8)


def fates(walk: Walk) -> list[Tile]:
    """Why pieces moved or not, the fates' colours as the page of `inspect` has them."""
    tiles = []
    for k, direction in enumerate(("01", "10")):
        fate = walk.coarse[f"fate{direction}"]
        label_map = walk.pieces[k]["label_map"]
        colors = np.array([FATES[each][1] for each in sorted(FATES)], np.uint8)[fate]
        moved = int((fate == 0).sum())
        drawn = with_borders(label_map, draw_pieces(label_map, colors))
        tiles.append(Tile(f"frame {k}: {moved} of {len(fate)} pieces move", with_key(drawn, fate)))
    return tiles


def with_key(drawn: Frame, fate: npt.NDArray[np.uint8]) -> Frame:
    """A picture with the fates' names in their colours below it."""
    height, width = drawn.shape[:2]
    size = width // 40
    image = Image.new("RGB", (width, height + 4 * size), BORDER)
    image.paste(Image.fromarray(drawn))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    for number, (each, look) in enumerate(FATES.items()):
        x, y = (number % 4) * width // 4 + size // 2, height + (number // 4) * 2 * size + size // 3
        draw.rectangle((x, y, x + size, y + size), look.color)
        draw.text((x + 1.5 * size, y - size // 8), f"{look.name} {(fate == each).sum()}", INK, font)
    return np.asarray(image, np.uint8)


def flows(walk: Walk) -> list[Tile]:
    """The coarse flow, both ways."""
    both = [walk.coarse["coarse_flow01"], walk.coarse["coarse_flow10"]]
    longest = saturated_length(*both)
    return [
        Tile(f"coarse flow {way}, at the rim of the wheel {longest:.0f} px", with_wheel(flow, longest))
        for way, flow in zip(("0 -> 1", "1 -> 0"), both, strict=True)
    ]


def with_wheel(flow: npt.NDArray[np.float32], longest: float) -> Frame:
    """A flow in colours, with the colour wheel in a corner."""
    drawn = flow_to_color(flow, longest)
    radius = drawn.shape[0] // 10
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32) / radius
    wheel = flow_to_color(np.stack([x, y]), 1.0)
    inside = np.hypot(x, y) <= 1
    corner = drawn[-2 * radius - 11 : -10, 10 : 2 * radius + 11]
    corner[inside] = wheel[inside]
    cv2.circle(drawn, (10 + radius, drawn.shape[0] - 11 - radius), radius, BORDER, 2)
    return drawn


def refinement(walk: Walk) -> list[Tile]:
    """The refined flow beside what is true."""
    found, wanted = walk.refined["refined_flow01"], walk.motion["flow01"]
    longest = saturated_length(wanted)
    error = np.hypot(*(found - wanted))
    shown = heat_colors()[np.clip(error * (255 / LONGEST_ERROR), 0, 255).astype(np.uint8)]
    hidden = np.where(walk.motion["occluded01"][..., None], HOLE, walk.frames[0])
    return [
        Tile(f"refined flow 0 -> 1, at the rim of the wheel {longest:.0f} px", with_wheel(found, longest)),
        Tile("the true flow 0 -> 1", with_wheel(wanted, longest)),
        Tile(f"end-point error, mean {error.mean():.1f} px (white: {LONGEST_ERROR:.0f} or more)", shown),
        Tile("hidden or outside in frame 1 (red)", hidden),
    ]


def splats(walk: Walk) -> list[Tile]:
    """Both frames carried to the middle, holes red."""
    flow = (walk.refined["refined_flow01"], walk.refined["refined_flow10"])
    section, hints = walk.view.session.config.synthesis, hints_in(walk.refined)
    found = splat_frames(*walk.frames, *flow, 0.5, section, hints=hints)
    tiles = []
    for k, (picture, weight) in enumerate(((found.frame0, found.weight0), (found.frame1, found.weight1))):
        hole = weight <= 0
        drawn = np.where(hole[..., None], HOLE, to_uint8(picture))
        tiles.append(Tile(f"frame {k} splatted to t = 0.5: {hole.mean():.1%} holes (red)", drawn))
    return tiles


def result(walk: Walk) -> list[Tile]:
    """The in-between frame, the truth, and the error, beside that of taking the mean of both frames."""
    mean = to_uint8((walk.frames[0].astype(np.float32) + walk.frames[1]) / 510)
    return [
        Tile("in-between frame, t = 0.5", walk.result),
        Tile("ground truth", walk.truth),
        Tile("its error (white: 64 levels or more)", error_map(walk.result, walk.truth)),
        Tile("error of the mean of frames 0 and 1", error_map(mean, walk.truth)),
    ]


def draw(folder: Path, size: tuple[int, int] = (540, 960)) -> None:
    """Draw and run the pair, and write every picture."""
    with TemporaryDirectory() as work:
        (pair_id,) = write_dataset(Path(work) / "cartoons", 1, seed=0, size=size)
        settings = [f"data.root='{work}/cartoons'", f"store.cache='{work}/cache'", "store.results="]
        settings.append("executor.kind=inline")
        report = execute("demo", settings, Selection(), Console(quiet=True))
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in figures(read_walk(report.session, pair_id)):
            Image.fromarray(picture).save(folder / f"{name}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    draw(FOLDER)
