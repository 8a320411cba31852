from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from models.arrays import flow_tensor, frame_tensor
from models.rfr import RFR
from models.synthesis_network import SynthesisNetwork
from models.vgg19 import convolution_shapes
from tests.models.states import State


class GoldenPair(NamedTuple):
    """Real frames and coarse flows, as the networks take them, and what the released program made of them."""

    frame0: Tensor
    frame1: Tensor
    coarse_flow01: Tensor
    coarse_flow10: Tensor
    results: dict[str, np.ndarray]
    checkpoint: Path


@pytest.fixture(scope="session")
def golden_pair(golden: Path, shared_frames: Path) -> GoldenPair:
    import cv2

    with np.load(golden / "clip_b.crop.network.npz", allow_pickle=False) as file:
        results = dict(file)
    y, x, height, width = results["crop_yxhw"]
    window = slice(y, y + height), slice(x, x + width)
    frames = [
        frame_tensor([cv2.imread(str(shared_frames / "clip_b" / f"frame{n}.png"))[*window, ::-1]], "cpu")
        for n in (1, 3)
    ]
    with np.load(golden / "clip_b.anime.relu_last.coarse_flow.npz", allow_pickle=False) as file:
        flows = [flow_tensor([file[name][:, *window]], "cpu") for name in ("flow_13", "flow_31")]
    return GoldenPair(*frames, *flows, results, golden / "random_full.ckpt")


@pytest.fixture
def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def checkpoint() -> State:
    """The names of the released checkpoint, without `module.`, and random numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        flownet, synthesis = RFR().state_dict(), SynthesisNetwork().state_dict()
    return {**{f"flownet.{name}": value for name, value in flownet.items()}, **synthesis}


@pytest.fixture(scope="session")
def vgg_state() -> State:
    """All convolutions; most of them views of one number, so that the files stay small."""
    return {name: torch.tensor(0.01).expand(shape) for name, shape in convolution_shapes().items()}
