"""Frames that fall into very many pieces: seconds and memory of a pair without the feature network.

Features are drawn at random, which also makes chance matches that the coarse flow then has to look at.
Each case runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import CoarseFlowSection, MatchingSection, SegmentationSection
from animeinterp.pipeline.compute.warm_up import prepare_process
from animeinterp.stages.coarse_flow import generate_coarse_flow
from animeinterp.stages.matching import match_pieces
from animeinterp.stages.segmentation import segment
from benchmarks.measuring import Pair

HEIGHT, WIDTH = 540, 960
CHANNELS = 960  # of four VGG-19 layers

Frame = NDArray[np.uint8]


def noise(rng: np.random.Generator) -> Frame:
    return rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def dither(rng: np.random.Generator) -> Frame:
    shade = np.linspace(0, 1, WIDTH)[None, :, None]
    return np.uint8(255) * (rng.random((HEIGHT, WIDTH, 1)) < shade).repeat(3, axis=2)


def tiles(rng: np.random.Generator) -> Frame:
    colours = rng.integers(0, 256, (-(-HEIGHT // 8), WIDTH // 8, 3), dtype=np.uint8)
    return np.ascontiguousarray(colours.repeat(8, axis=0).repeat(8, axis=1)[:HEIGHT])


def grid(rng: np.random.Generator) -> Frame:  # noqa: ARG001 - there is nothing random about it
    frame = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    frame[::6] = frame[:, ::6] = 0
    return frame


CASES: dict[str, Callable[[np.random.Generator], Frame]] = {
    case.__name__: case for case in (noise, dither, tiles, grid)
}


def measure(name: str) -> str:
    prepare_process(1)
    rng = np.random.default_rng(0)
    frames = CASES[name](rng), CASES[name](rng)
    times = [time.perf_counter()]
    pieces = [segment(frame, SegmentationSection().anime) for frame in frames]
    times.append(time.perf_counter())
    features = [rng.random((found.count, CHANNELS), np.float32) for found in pieces]
    for rows in features:
        rows /= rows.sum(axis=1, keepdims=True)
    times.append(time.perf_counter())
    matching = match_pieces(*features, *pieces, MatchingSection())
    times.append(time.perf_counter())
    generate_coarse_flow(*frames, *pieces, matching, CoarseFlowSection())
    times.append(time.perf_counter())
    segmentation, _, match, flow = np.diff(times)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"{name:8} {pieces[0].count:6,} x {pieces[1].count:6,} pieces: {segmentation + match + flow:5.1f} s "
        f"(segmentation {segmentation:.1f}, matching {match:.1f}, coarse flow {flow:.1f}), peak {peak:.2f} GB"
    )


def main(_pairs: list[Pair]) -> None:
    for name in CASES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            print(process.submit(measure, name).result())
