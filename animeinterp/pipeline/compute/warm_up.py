"""Prepare a process for work: threads, and the stages' compiled code, before the first item is timed."""

from __future__ import annotations

from functools import cache

import cv2
import numba
import numpy as np
import torch

from animeinterp.configs.sections import (
    CoarseFlowSection,
    MatchingSection,
    SegmentationSection,
    SynthesisSection,
)
from animeinterp.models.correlation import SMALLEST_SIDE, correlate
from animeinterp.models.flow import backwarp
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.stages.coarse_flow import generate_coarse_flow
from animeinterp.stages.features import describe_pieces
from animeinterp.stages.matching import match_pieces
from animeinterp.stages.segmentation import segment
from animeinterp.stages.synthesis import synthesise

SIDE = 64  # px; the square in the middle is large enough to move


def prepare_process(threads: int) -> None:
    """Set the number of threads of the libraries, and load the compiled code."""
    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    warm_up()


@cache
def warm_up() -> None:
    """Import the stages, and run every compiled function of theirs once in this process.

    Notes
    -----
    The first process on a machine compiles for some seconds; later ones load the code from Numba's cache,
    in a fraction of a second. Without this the first item of every worker would be charged with it.
    """
    for entry in STAGES.values():
        for method in entry.methods.values():
            method.work()
    frame = np.full((SIDE, SIDE, 3), 255, np.uint8)
    frame[24:40, 24:40] = (200, 40, 40)
    sections = SegmentationSection(), MatchingSection(), CoarseFlowSection()
    pieces = segment(frame, sections[0].anime)
    features = describe_pieces(frame, pieces.label_map, pieces.count, _colours)
    matching = match_pieces(features, features, pieces, pieces, sections[1])
    flow = generate_coarse_flow(frame, frame, pieces, pieces, matching, sections[2])
    synthesise(frame, frame, flow.flow01, flow.flow10, (0.5,), None, SynthesisSection())
    maps = torch.zeros(1, 1, SMALLEST_SIDE, SMALLEST_SIDE)
    correlate(maps, maps).lookup(torch.zeros(2, 2, SMALLEST_SIDE, SMALLEST_SIDE))
    backwarp(maps, torch.zeros(1, 2, SMALLEST_SIDE, SMALLEST_SIDE))


def _colours(image: torch.Tensor) -> list[torch.Tensor]:
    # A network that returns its input, in the memory format of the real one.
    return [image]
