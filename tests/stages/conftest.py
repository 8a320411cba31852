from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from configs.sections import ContourPreset, SegmentationSection
from stages.segmentation import Pieces, measure_pieces

GOLDEN_CASES = ["clip_a.anime", "clip_b.anime", "clip_b.disney", "japan_v2_2_013471_s3.anime"]


@dataclass(frozen=True)
class GoldenCase:
    """A real pair and what the released program made of it."""

    folder: Path
    name: str
    frames: tuple[np.ndarray, np.ndarray]
    segmentation: dict[str, np.ndarray]

    @property
    def preset(self) -> ContourPreset:
        return getattr(SegmentationSection(), self.name.split(".")[1])

    @property
    def pieces(self) -> tuple[Pieces, Pieces]:
        return tuple(measure_pieces(self.segmentation[f"{frame}_labels"]) for frame in ("frame1", "frame3"))

    def load(self, what: str) -> dict[str, np.ndarray]:
        with np.load(self.folder / f"{self.name}.{what}.npz") as archive:
            return dict(archive)


@pytest.fixture(scope="session", params=GOLDEN_CASES)
def golden_case(request: pytest.FixtureRequest, golden: Path, shared_frames: Path) -> GoldenCase:
    pair = request.param.split(".")[0]
    frames = tuple(
        cv2.cvtColor(cv2.imread(str(shared_frames / pair / f"{name}.png")), cv2.COLOR_BGR2RGB)
        for name in ("frame1", "frame3")
    )
    with np.load(golden / f"{request.param}.segmentation.npz") as archive:
        return GoldenCase(golden, request.param, frames, dict(archive))


@pytest.fixture
def drawn_frame() -> np.ndarray:
    """Coloured shapes with black outlines on a pale ground, one outline with a gap."""
    frame = np.full((90, 120, 3), (235, 225, 210), np.uint8)
    cv2.rectangle(frame, (10, 12), (45, 50), (200, 60, 50), -1)
    cv2.rectangle(frame, (10, 12), (45, 50), (0, 0, 0), 1)
    cv2.circle(frame, (85, 35), 22, (60, 90, 200), -1)
    cv2.circle(frame, (85, 35), 22, (0, 0, 0), 2)
    cv2.rectangle(frame, (20, 62), (100, 82), (0, 0, 0), 1)
    frame[62, 50:53] = (235, 225, 210)
    return frame
