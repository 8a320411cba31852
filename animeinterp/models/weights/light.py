"""The light networks in one file: float16 safetensors whose header says what they were trained on.

Names are those of the networks below `refinement.` and `synthesis.`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.weights_header import LIGHT
from animeinterp.models.light_rfr import ITERATIONS, LightRFR
from animeinterp.models.light_synthesis import LightSynthesis
from animeinterp.models.weights.files import Wanted, read_header
from animeinterp.models.weights.layouts import on_meta, shapes_of
from animeinterp.models.weights.loading import check_layout, fill
from animeinterp.models.weights.tensors import read_state, write_tensors

LIGHT_FILE = Wanted(
    "light networks as 'animeinterp train' writes them",
    "Give the best.safetensors or last.safetensors of a training, or a file shipped with animeinterp.",
)


class LightNetworks(NamedTuple):
    """Both networks of the light variant."""

    refinement: LightRFR
    synthesis: LightSynthesis


@dataclass(frozen=True, slots=True)
class Origin:
    """Where weights come from, for whoever uses or distributes them."""

    data: str
    """What they were trained on."""
    licence: str
    """Of the weights."""
    seed: int
    commit: str
    """Of the program that trained them; empty where it is not known."""
    training: str = ""
    """Fingerprint of the training."""
    step: int = 0
    """Steps of it that were done."""


def new_networks(seed: int, iterations: int = ITERATIONS) -> LightNetworks:
    """Untrained networks, the same for the same seed; the state of Torch's generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LightNetworks(LightRFR(iterations), LightSynthesis())


def save_light(path: Path, networks: LightNetworks, origin: Origin) -> None:
    """Write both networks to one file, which appears whole or not at all.

    Parameters
    ----------
    path
        `*.safetensors`; replaced where it exists.
    networks
        Kept as float16.
    origin
        Goes into the header.

    Raises
    ------
    WeightsError
        A weight is not finite in float16, or the file cannot be written.
    """
    tensors = {
        f"{part}.{name}": value.detach().to("cpu", torch.float16).contiguous().clone()
        for part, network in networks._asdict().items()
        for name, value in network.state_dict().items()
    }
    for name, value in tensors.items():
        if not value.isfinite().all():
            raise WeightsError(f"{path}: {name} holds values that are not finite; nothing was written")
    header = {
        "variant": LIGHT,
        "networks": list(networks._fields),
        "iterations": networks.refinement.iterations,
        **asdict(origin),
    }
    write_tensors(path, tensors, header)


def load_light(path: Path, iterations: int | None = None) -> LightNetworks:
    """Read both networks.

    Parameters
    ----------
    path
        Written by `save_light`.
    iterations
        Recurrent updates of the refinement; None takes those of the training.

    Returns
    -------
    LightNetworks
        In float32 on the CPU, in eval mode, gradients off.

    Raises
    ------
    WeightsError
        No readable weights file, one of another variant or layout, or values that are not finite.
    """
    header = read_header(path)
    if header.get("variant") != LIGHT:
        found = f"variant {header['variant']!r}" if header.get("variant") else "a file without a variant"
        raise WeightsError(f"{path}: {found}, expected {LIGHT_FILE.file}. {LIGHT_FILE.advice}")
    state = read_state(path, LIGHT_FILE)
    trained = iterations or int(header.get("iterations", ITERATIONS))
    networks = LightNetworks(on_meta(lambda: LightRFR(trained)), on_meta(LightSynthesis))
    check_layout(path, state, shapes_of("light"), LIGHT_FILE)
    return LightNetworks(
        fill(path, networks.refinement, state, "refinement.", LIGHT_FILE),
        fill(path, networks.synthesis, state, "synthesis.", LIGHT_FILE),
    )
