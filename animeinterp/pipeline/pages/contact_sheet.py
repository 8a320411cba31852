"""The contact sheet of a pair: every stage in one picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from animeinterp.configs.sections import MethodSection
from animeinterp.data.images import Frame, to_uint8, write_file
from animeinterp.data.not_frames import PICTURE_MARK
from animeinterp.data.truth import TRUTH_TIME
from animeinterp.pipeline.compute.registry import needed_for
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from animeinterp.pipeline.results.pictures import (
    Tile,
    arrange,
    draw_pieces,
    error_map,
    flow_to_color,
    match_colors,
    result_png,
    saturated_length,
)
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.pipeline.store.fingerprints import canonical_digest, resolved_method
from animeinterp.stages.inspection.splatted_frames import splat_frames
from animeinterp.stages.metrics import METRICS
from animeinterp.stages.pair_batch import hints_in
from animeinterp.stages.segmentation.contours import draw_contours

SHEET_VERSION = 1  # increased when sheets look different, so that old ones are redrawn
STATE_KEY = "animeinterp-state"  # PNG text that identifies the results of a sheet
SHOWN_SCORES = ("psnr", "ssim", "ie", "psnr_roi", "ssim_roi")


def contact_sheet(view: PairResults) -> Frame:
    """Draw every stage of a pair.

    Returns
    -------
    uint8 array (H, W, 3)
        Rows: frames and contours; pieces and matches; coarse and refined flows; splatted frames, result
        and ground truth; the error and the other times, if any. A missing picture is a grey tile with the
        reason.
    """
    frames = [view.frame(k) for k in (0, 1)]
    pieces = [view.arrays("segmentation", k) for k in (0, 1)]
    coarse, refined = view.arrays("coarse_flow"), view.arrays("refinement")
    made, scored = view.arrays("synthesis"), view.arrays("evaluation")
    rows = [
        [_picture(f"frame {k}", frames[k], "cannot be read") for k in (0, 1)]
        + [_contours(view, k, frames[k]) for k in (0, 1)],
        [_pieces(view, k, pieces[k]) for k in (0, 1)] + _matches(view, pieces),
        _flows(view, "coarse_flow", "coarse_flow", coarse)
        + _flows(view, "refinement", "refined_flow", refined),
        _splats(view, frames, refined) + _results(view, made),
    ]
    rows += _further(view, made)
    return arrange(_title(view, scored), rows)


def write_contact_sheet(session: Session, pair_id: str, path: Path) -> bool:
    """Draw a pair's contact sheet into a PNG file, unless the file shows the same results already.

    Returns
    -------
    bool
        Whether it was drawn.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    view = PairResults(session, pair_id)
    state = canonical_digest([SHEET_VERSION, view.state()])
    if _state_in(path) == state:
        return False
    sheet = contact_sheet(view)
    write_file(path, result_png(sheet, state if view.settled else ""))
    return True


def _state_in(path: Path) -> str | None:
    try:
        with Image.open(path) as sheet:
            return str(sheet.info.get(PICTURE_MARK))
    except (OSError, ValueError):
        return None


def _title(view: PairResults, scored: Mapping[str, Array] | None) -> str:
    config = view.session.config
    methods = [
        f"{stage} {resolved_method(stage, config)}"
        for stage in needed_for("evaluation", config)
        if isinstance(getattr(config, stage), MethodSection)
    ]
    note = view.pair.annotation
    about = "" if note is None else f"   level {note.level}, {note.general_motion_type}"
    if scored is None:
        scores = f"no scores: {view.why('evaluation')}"
    else:
        values: dict[str, Any] = dict(zip(METRICS, scored["scores"], strict=True))
        scores = "   ".join(
            f"{name} {values[name]:.4g}" for name in SHOWN_SCORES if not np.isnan(values[name])
        )
        scores = scores or f"no scores of a frame: no ground truth, or no frame at t = {TRUTH_TIME}"
    return f"{view.pair.id}{about}\n{', '.join(methods)}\n{scores}"


def _picture(caption: str, picture: Frame | None, note: str) -> Tile:
    return Tile(caption, picture, "" if picture is not None else note)


def _contours(view: PairResults, number: int, frame: Frame | None) -> Tile:
    caption = f"contours {number}"
    if frame is None:
        return Tile(caption, None, "frame cannot be read")
    section = view.session.config.segmentation
    contour = draw_contours(frame, section.anime if view.style() == "anime" else section.disney)
    return Tile(
        f"{caption} ({view.style()})", np.asarray(cv2.cvtColor(contour, cv2.COLOR_GRAY2RGB), np.uint8)
    )


def _pieces(view: PairResults, number: int, pieces: Mapping[str, Array] | None) -> Tile:
    if pieces is None:
        return Tile(f"pieces {number}", None, view.why("segmentation", number))
    return Tile(f"pieces {number}: {len(pieces['area'])}", draw_pieces(pieces["label_map"]))


def _matches(view: PairResults, pieces: list[Mapping[str, Array] | None]) -> list[Tile]:
    found = view.arrays("matching")
    first, second = pieces
    if found is None or first is None or second is None:
        note = view.why("matching") or view.why("segmentation", 0) or view.why("segmentation", 1)
        return [Tile(f"matches {k}", None, note) for k in (0, 1)]
    colors = match_colors(found["match01"], found["rank_sum01"], len(second["area"]))
    mutual = int((found["rank_sum01"] == 0).sum())
    return [
        Tile(f"matches {k}: {mutual} mutual (grey: none)", draw_pieces(both["label_map"], color))
        for k, both, color in zip((0, 1), (first, second), colors, strict=True)
    ]


def _flows(view: PairResults, stage: str, name: str, arrays: Mapping[str, Array] | None) -> list[Tile]:
    captions = {"01": "0 -> 1", "10": "1 -> 0"}
    title = name.replace("_", " ")
    if arrays is None:
        return [Tile(f"{title} {text}", None, view.why(stage)) for text in captions.values()]
    longest = saturated_length(*(arrays[f"{name}{direction}"] for direction in captions))
    tiles = []
    for direction, text in captions.items():
        flow = arrays[f"{name}{direction}"]
        length = np.hypot(*flow)
        caption = f"{title} {text}: up to {length.max():.0f} px, {(length > 0).mean():.0%} moves"
        tiles.append(Tile(caption, flow_to_color(flow, longest)))
    return tiles


def _splats(view: PairResults, frames: list[Frame | None], refined: Mapping[str, Array] | None) -> list[Tile]:
    time = view.times[0]
    first, second = frames
    if refined is None or first is None or second is None:
        note = view.why("refinement") or "frame cannot be read"
        return [Tile(f"splatted {k}", None, note) for k in (0, 1)]
    splats = splat_frames(
        first,
        second,
        refined["refined_flow01"],
        refined["refined_flow10"],
        time,
        view.session.config.synthesis,
        hints=hints_in(refined),
    )
    tiles = []
    shown = ((splats.frame0, splats.weight0), (splats.frame1, splats.weight1))
    for number, (picture, weight) in enumerate(shown):
        holes = float((weight <= 0).mean())
        tiles.append(Tile(f"frame {number} splatted to t = {time:g}, {holes:.1%} holes", to_uint8(picture)))
    return tiles


def _results(view: PairResults, made: Mapping[str, Array] | None) -> list[Tile]:
    truth = _picture("ground truth", view.truth(), "no ground truth: nothing to compare with")
    if made is None:
        return [Tile("result", None, view.why("synthesis")), truth]
    time = view.judged_time
    return [Tile(f"result, t = {time:g}", to_uint8(made["frames"][view.times.index(time)])), truth]


def _further(view: PairResults, made: Mapping[str, Array] | None) -> list[list[Tile]]:
    """Rows of four with the error and the frames at other times."""
    times = view.times
    if made is None:
        return []
    tiles = [
        Tile(f"t = {t:g}", to_uint8(frame))
        for t, frame in zip(times, made["frames"], strict=True)
        if len(times) > 1
    ]
    truth = view.truth()
    if truth is not None and TRUTH_TIME in times:
        result = to_uint8(made["frames"][times.index(TRUTH_TIME)])
        if truth.shape == result.shape:
            tiles.insert(0, Tile("error (white: 64 levels or more)", error_map(result, truth)))
    return [tiles[start : start + 4] for start in range(0, len(tiles), 4)]
