"""The full networks as they are trained: both in one file, laid out as the released checkpoint.

The file is safetensors of float32; its header says what the networks were trained with and on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.weights_header import LIGHT
from animeinterp.models.rfr import RFR
from animeinterp.models.synthesis_network import Splatting, SynthesisNetwork
from animeinterp.models.weights.files import read_header
from animeinterp.models.weights.layouts import RFR_PREFIX
from animeinterp.models.weights.light import Origin
from animeinterp.models.weights.loading import load_rfr, load_synthesis
from animeinterp.models.weights.records import VARIANTS, SettingValue
from animeinterp.models.weights.tensors import write_tensors


@dataclass(frozen=True, slots=True)
class FullSettings:
    """What full networks are trained with."""

    confidence_mask: bool
    initial_flow_additions: Literal[1, 2]
    iterations: int
    """Recurrent updates."""
    splatting: Splatting
    alpha: float
    """Factor on the brightness difference of softmax splatting."""

    @property
    def recorded(self) -> Mapping[str, SettingValue]:
        """What a weights file says of them, by setting."""
        return {
            "refinement.confidence_mask": self.confidence_mask,
            "refinement.initial_flow_additions": self.initial_flow_additions,
            "synthesis.splatting": self.splatting,
        }


@dataclass(frozen=True, slots=True)
class FullNetworks:
    """Both networks of the paper, or of the released program, by their settings."""

    refinement: RFR
    synthesis: SynthesisNetwork
    settings: FullSettings


def new_full(seed: int, settings: FullSettings) -> FullNetworks:
    """Untrained networks, the same for the same seed; the state of Torch's generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        refinement = RFR(
            confidence_mask=settings.confidence_mask,
            initial_flow_additions=settings.initial_flow_additions,
            iterations=settings.iterations,
        )
        return FullNetworks(refinement, SynthesisNetwork(), settings)


def save_full(path: Path, networks: FullNetworks, origin: Origin) -> None:
    """Write both networks to one file, which appears whole or not at all.

    Parameters
    ----------
    path
        `*.safetensors`; replaced where it exists.
    networks
        Kept as float32.
    origin
        Goes into the header.

    Raises
    ------
    WeightsError
        A weight is not finite, or the file cannot be written.
    """
    named = {RFR_PREFIX + name: value for name, value in networks.refinement.state_dict().items()}
    named |= networks.synthesis.state_dict()
    for name, value in named.items():
        if not value.isfinite().all():
            raise WeightsError(f"{path}: {name} holds values that are not finite; nothing was written")
    recorded = dict(networks.settings.recorded)
    header = {"networks": ["rfr", "synthesis"], "trained_with": recorded, **asdict(origin)}
    variant = next((name for name, settings in VARIANTS.items() if settings == recorded), None)
    write_tensors(
        path,
        {name: value.detach().to("cpu", torch.float32).contiguous().clone() for name, value in named.items()},
        header if variant is None else {"variant": variant, **header},
    )


def load_full(path: Path, settings: FullSettings) -> FullNetworks:
    """Read both networks, from a file of `save_full` or any whole checkpoint.

    Returns
    -------
    FullNetworks
        In float32 on the CPU, in eval mode, gradients off.

    Raises
    ------
    WeightsError
        No readable weights file, one of another layout, of light networks or trained with other settings, or
        values that are not finite.
    """
    header = read_header(path)
    if header.get("variant") == LIGHT:
        raise WeightsError(
            f"{path}: holds light networks, expected RFR and GridNet; set training.networks = 'light', or "
            "give training.weights of the full networks"
        )
    for name, trained in header.get("trained_with", {}).items():
        chosen = settings.recorded.get(name, trained)
        if chosen != trained:
            raise WeightsError(
                f"{path}: trained with {name} = {trained!r}, and the config has {chosen!r}; change the "
                "setting, or start from other weights"
            )
    refinement = load_rfr(
        path,
        confidence_mask=settings.confidence_mask,
        initial_flow_additions=settings.initial_flow_additions,
        iterations=settings.iterations,
    )
    return FullNetworks(refinement, load_synthesis(path), settings)
