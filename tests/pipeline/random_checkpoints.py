"""Checkpoints in the format of the released program, with random weights."""

from __future__ import annotations

from pathlib import Path

import torch

from animeinterp.configs.loading import load_config
from animeinterp.configs.sections import Config
from animeinterp.models.rfr import RFR
from animeinterp.models.synthesis_network import SynthesisNetwork
from tests.pipeline.small_runs import SMALL_NETWORK


def make_checkpoint(path: Path, seed: int) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        flownet, synthesis = RFR().state_dict(), SynthesisNetwork().state_dict()
    torch.save({**{f"flownet.{name}": value for name, value in flownet.items()}, **synthesis}, path)
    return path


def config_with(path: Path, *settings: str) -> Config:
    weights = [f"refinement.weights='{path}'", f"synthesis.weights='{path}'"]
    return load_config("paper", [SMALL_NETWORK, *weights, *settings])
