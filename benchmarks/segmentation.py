"""Segmentation, step by step, beside the bilateral filter in it, which it cannot do without."""

from __future__ import annotations

import time
from collections.abc import Callable
from unittest import mock

import cv2

from animeinterp.configs.sections import ContourPreset, SegmentationSection
from animeinterp.stages.segmentation import measure_pieces, segment, segmentation_steps
from animeinterp.stages.segmentation.contours import draw_contours, find_inside
from animeinterp.stages.segmentation.line_assignment import assign_lines
from animeinterp.stages.segmentation.piece_merging import merge_fills
from animeinterp.stages.segmentation.piece_table import number_by_area
from animeinterp.stages.segmentation.trapped_ball import fill_pieces
from benchmarks.measuring import Frame, Pair, compare
from tests.plain import segmentation as plain


def main(pairs: list[Pair]) -> None:
    presets = SegmentationSection()
    for pair in pairs:
        _measure(pair, "anime", presets.anime, repeats=25)
        _measure(pair, "disney", presets.disney, repeats=5)
    _compare_fills(pairs[0], presets.anime)


def _measure(pair: Pair, name: str, preset: ContourPreset, repeats: int) -> None:
    seconds = compare(_steps(pair.frame0, preset), repeats)
    whole, smooth, beyond = (seconds.pop(key) for key in ("whole", "filter", "beyond the filter"))
    print(
        f"{pair.name:24} {pair.size} {name}: {whole:.3f} s, {whole / smooth:.2f} x the bilateral filter "
        f"alone ({smooth:.3f} s), {beyond:.3f} s beyond it"
    )
    print("    ms beyond it: " + ", ".join(f"{step} {1000 * spent:.1f}" for step, spent in seconds.items()))


def _steps(frame: Frame, preset: ContourPreset) -> dict[str, Callable[[], object]]:
    steps = segmentation_steps(frame, preset)

    def smooth() -> object:
        return cv2.bilateralFilter(frame, preset.diameter, preset.sigma_color, preset.sigma_space)

    filtered = smooth()

    def without_filter(function: Callable[[Frame, ContourPreset], object]) -> Callable[[], object]:
        def run() -> object:
            with mock.patch.object(cv2, "bilateralFilter", return_value=filtered):
                return function(frame, preset)

        return run

    return {
        "whole": lambda: segment(frame, preset),
        "filter": smooth,
        "beyond the filter": without_filter(segment),
        "contours": without_filter(draw_contours),
        "inside": lambda: find_inside(steps.contour),
        "fills": lambda: fill_pieces(steps.binary),
        "merging": lambda: merge_fills(steps.fill_map, frame),
        "lines": lambda: assign_lines(steps.merged),
        "numbers": lambda: number_by_area(steps.thinned),
        "measures": lambda: measure_pieces(steps.label_map),
    }


def _compare_fills(pair: Pair, preset: ContourPreset) -> None:
    binary = find_inside(draw_contours(pair.frame0, preset))
    started = time.perf_counter()
    fill_map = plain.fill_pieces(binary)
    slow = time.perf_counter() - started
    fast = compare({"fills": lambda: fill_pieces(binary)}, repeats=25)["fills"]
    if (fill_map != fill_pieces(binary)).any():
        raise AssertionError(f"{pair.name}: fills differ from those of the plain version")
    print(
        f"{pair.name:24} {pair.size}, {fill_map.max():,} fills: {fast:.4f} s, {slow / fast:.0f} times faster "
        f"than the whole image anew for each fill ({slow:.1f} s), the same fills"
    )
