"""The light networks in one file: float16 safetensors whose header says what they were trained on.

Names are those of the networks below `refinement.` and `synthesis.`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from safetensors.torch import save
from torch import Tensor, nn

from configs.errors import WeightsError
from configs.files import replace_file
from models.light_rfr import ITERATIONS, LightRFR
from models.light_synthesis import LightSynthesis
from models.weights.files import HEADER, VERSION, Wanted, read_header, read_state
from models.weights.layouts import misfit, on_meta

LIGHT = "light"
"""The variant, as headers name it."""
LIGHT_FILE = Wanted(
    "light networks as 'animeinterp train' writes them",
    "Give the best.safetensors or last.safetensors of a training, or a file shipped with animeinterp.",
)
NAMES_SHOWN = 3

Network = TypeVar("Network", bound=nn.Module)


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
    header: dict[str, Any] = {
        "version": VERSION,
        "variant": LIGHT,
        "networks": list(networks._fields),
        "iterations": networks.refinement.iterations,
        **asdict(origin),
    }
    try:
        replace_file(path, save(tensors, metadata={HEADER: json.dumps(header)}), flush=True)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be written ({error})") from None


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
    shapes = {
        f"{part}.{name}": tuple(value.shape)
        for part, network in networks._asdict().items()
        for name, value in network.state_dict().items()
    }
    wrong = misfit(state, shapes)
    problems = [*wrong.missing, *wrong.surplus, *wrong.reshaped]
    if problems:
        raise WeightsError(
            f"{path}: its {len(state)} entries do not fit ({', '.join(problems[:NAMES_SHOWN])}); expected "
            f"{LIGHT_FILE.file}, with {len(shapes)} entries. {LIGHT_FILE.advice}"
        )
    return LightNetworks(
        _filled(path, networks.refinement, "refinement.", state),
        _filled(path, networks.synthesis, "synthesis.", state),
    )


def _filled(path: Path, network: Network, prefix: str, state: dict[str, Tensor]) -> Network:
    own = {
        name.removeprefix(prefix): value.to(torch.float32, copy=True).contiguous()
        for name, value in state.items()
        if name.startswith(prefix)
    }
    for name, value in own.items():
        if not value.isfinite().all():
            raise WeightsError(
                f"{path}: {prefix}{name} holds values that are not finite: the file is damaged. "
                f"{LIGHT_FILE.advice}"
            )
    network.load_state_dict(own, strict=True, assign=True)
    return network.eval().requires_grad_(False)
