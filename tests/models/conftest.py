from __future__ import annotations

from pathlib import Path

import pytest
import torch

from animeinterp.models.rfr import RFR
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.models.vgg19 import convolution_shapes
from tests.models.states import State
from tests.released_results import NETWORK_CASES, GoldenPair, drawn_pair, real_pair


@pytest.fixture(scope="session", params=NETWORK_CASES)
def golden_pair(request: pytest.FixtureRequest, released_checkpoint: Path) -> GoldenPair:
    """A pair, and what the released program's networks made of it."""
    return drawn_pair(released_checkpoint) if request.param == "drawn" else real_pair()


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
