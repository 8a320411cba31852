"""What the released program made of pairs of frames, step by step: the results that ours are compared with.

Those of drawn cartoons lie in `tests/released/`, whose README says how they were made. Those of real frames
are no part of the project; they are compared with as well where the folder `shared` is beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from animeinterp.configs.sections import ContourPreset, SegmentationSection
from animeinterp.models.arrays import flow_tensor, frame_tensor
from animeinterp.models.rfr import RFR
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.stages.segmentation import Pieces, measure_pieces
from tests.project import ROOT, SHARED

DRAWN, GOLDEN = ROOT / "tests" / "released", SHARED / "golden"
LAYERS = ("relu_1", "relu_last")
DRAWN_CASES = {"drawn_a.anime": LAYERS[1:], "drawn_b.disney": LAYERS[:1]}
GOLDEN_CASES = dict.fromkeys(
    ("clip_a.anime", "clip_b.anime", "clip_b.disney", "japan_v2_2_013471_s3.anime"), LAYERS
)
CASES = DRAWN_CASES | (GOLDEN_CASES if GOLDEN.is_dir() else {})
"""Pair and contour preset of each, and the choices of VGG-19's layers that it was matched with."""
NETWORK_CASES = ("drawn", "clip_b") if GOLDEN.is_dir() else ("drawn",)


@dataclass(frozen=True)
class GoldenCase:
    """A pair, and what the released program made of it up to the coarse flow."""

    name: str
    frames: tuple[np.ndarray, np.ndarray]
    segmentation: dict[str, np.ndarray]

    @classmethod
    def of(cls, name: str) -> GoldenCase:
        """Read the results of a case."""
        segmentation = _arrays(_folder(name) / f"{name}.segmentation.npz")
        if name in DRAWN_CASES:
            frames = segmentation["frame1"], segmentation["frame3"]
        else:
            frames = _real_frames(name.split(".")[0])
        return cls(name, frames, segmentation)

    @property
    def layers(self) -> tuple[str, ...]:
        return CASES[self.name]

    @property
    def preset(self) -> ContourPreset:
        return getattr(SegmentationSection(), self.name.split(".")[1])

    @property
    def pieces(self) -> tuple[Pieces, Pieces]:
        return tuple(measure_pieces(self.segmentation[f"{frame}_labels"]) for frame in ("frame1", "frame3"))

    def load(self, what: str) -> dict[str, np.ndarray]:
        return _arrays(_folder(self.name) / f"{self.name}.{what}.npz")


@dataclass(frozen=True)
class GoldenPair:
    """Frames and flows as the networks take them, and what the released program made of them.

    Attributes
    ----------
    frames, coarse_flows
        For the refinement, in both directions.
    flows
        For the synthesis.
    results
        Its results, of every `step`th row and column.
    checkpoint
        Its weights.
    """

    frames: tuple[Tensor, Tensor]
    coarse_flows: tuple[Tensor, Tensor]
    flows: tuple[Tensor, Tensor]
    results: dict[str, np.ndarray] = field(repr=False)
    checkpoint: Path
    step: int

    def kept(self, found: Tensor) -> np.ndarray:
        """What there is to compare of a result of ours."""
        return found.numpy()[..., :: self.step, :: self.step]


def drawn_pair(checkpoint: Path) -> GoldenPair:
    """The drawn pair, to which the networks came with `random_checkpoint`."""
    found = _arrays(DRAWN / "drawn.network.npz")
    frames = tuple(frame_tensor([found[name]], "cpu") for name in ("frame1", "frame3"))
    coarse, given = (
        tuple(flow_tensor([found[f"{what}_{way}"].astype(np.float32)], "cpu") for way in ("13", "31"))
        for what in ("coarse", "given")
    )
    return GoldenPair(frames, coarse, given, found, checkpoint, int(found["step"]))


def real_pair() -> GoldenPair:
    """The real pair, with random weights of its own."""
    found = _arrays(GOLDEN / "clip_b.crop.network.npz")
    y, x, height, width = found["crop_yxhw"]
    window = slice(y, y + height), slice(x, x + width)
    frames = tuple(frame_tensor([frame[window]], "cpu") for frame in _real_frames("clip_b"))
    flows = _arrays(GOLDEN / "clip_b.anime.relu_last.coarse_flow.npz")
    coarse = tuple(flow_tensor([flows[f"flow_{way}"][:, *window]], "cpu") for way in ("13", "31"))
    refined = tuple(flow_tensor([found[f"refined_{way}"]], "cpu") for way in ("13", "31"))
    return GoldenPair(frames, coarse, refined, found, GOLDEN / "random_full.ckpt", step=1)


def random_checkpoint() -> dict[str, Tensor]:
    """Random weights by the names of the released checkpoint, without `module.`.

    They come from NumPy's legacy generator, whose numbers stay the same.
    """
    with torch.device("meta"):
        flownet, synthesis = RFR().state_dict(), SynthesisNetwork().state_dict()
    shapes = {f"flownet.{name}": value.shape for name, value in flownet.items()}
    shapes |= {name: value.shape for name, value in synthesis.items()}
    random = np.random.RandomState(0)
    state = {}
    for name, shape in sorted(shapes.items()):
        # Sums of much the size of what goes into them; biases and PReLU slopes (one number) near 0.
        scale = np.prod(shape[1:]) ** -0.5 if len(shape) == 4 else 0.1
        state[name] = torch.from_numpy((scale * random.standard_normal(shape)).astype(np.float32))
    return state


def _folder(case: str) -> Path:
    return DRAWN if case in DRAWN_CASES else GOLDEN


def _real_frames(pair: str) -> tuple[np.ndarray, np.ndarray]:
    return tuple(
        cv2.cvtColor(cv2.imread(str(SHARED / "frames" / pair / f"{name}.png")), cv2.COLOR_BGR2RGB)
        for name in ("frame1", "frame3")
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)
