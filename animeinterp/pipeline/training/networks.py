"""The networks in training, light or full, behind one interface."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from torch import Tensor, nn
from torch.nn.functional import interpolate

from animeinterp.configs.sections import Config
from animeinterp.models.flow import resize_flow
from animeinterp.models.light_rfr import LightRefined
from animeinterp.models.light_synthesis import Drawn, LightSynthesis, enlarge
from animeinterp.models.rfr import Refined
from animeinterp.models.weights.full import FullNetworks, FullSettings, load_full, new_full, save_full
from animeinterp.models.weights.light import LightNetworks, Origin, load_light, new_networks, save_light
from animeinterp.pipeline.training.batches import Batch

Networks = LightNetworks | FullNetworks


def full_settings(config: Config) -> FullSettings | None:
    """What full networks are trained with under a config; None for light ones."""
    if config.training.networks == "light":
        return None
    return FullSettings(
        config.refinement.confidence_mask,
        config.refinement.initial_flow_additions,
        config.training.iterations,
        config.synthesis.splatting,
        config.synthesis.softmax_alpha,
    )


def first_networks(weights: Path | None, seed: int, iterations: int, full: FullSettings | None) -> Networks:
    """Networks to be trained: those of a file, or new ones.

    Raises
    ------
    WeightsError
        The file holds none, or others.
    """
    if weights is None:
        return new_networks(seed, iterations) if full is None else new_full(seed, full)
    networks = load_light(weights, iterations) if full is None else load_full(weights, full)
    for network in parts_of(networks).values():
        network.requires_grad_(True)
    return networks


def parts_of(networks: Networks) -> dict[str, nn.Module]:
    """Both networks, by stage."""
    return {"refinement": networks.refinement, "synthesis": networks.synthesis}


def save(path: Path, networks: Networks, origin: Origin) -> None:
    """Write networks to a file that appears whole or not at all.

    Raises
    ------
    WeightsError
        A weight is not finite, or the file cannot be written.
    """
    if isinstance(networks, LightNetworks):
        save_light(path, networks, origin)
    else:
        save_full(path, networks, origin)


def refine(networks: Networks, batch: Batch, *, every: bool = False) -> Refined | LightRefined:
    """Refined flows of a batch; `every` returns those of all iterations."""
    inputs = batch.frame0, batch.frame1, *batch.start.chunk(2)
    if isinstance(networks, LightNetworks):
        light: LightRefined = networks.refinement(*inputs, every=every)
        return light
    return networks.refinement.refine(*inputs, every=every)


def draw(networks: Networks, batch: Batch, refined: Refined | LightRefined) -> Tensor:
    """Frames at the batch's times, `(N, 3, H, W)`, from refined flows."""
    if isinstance(networks, LightNetworks):
        return _draw_lightly(networks.synthesis, batch, cast(LightRefined, refined))
    inputs = batch.frame0, batch.frame1, *refined.flows[-1].chunk(2)
    settings, times = networks.settings, batch.t.view(-1, 1, 1, 1)
    frame: Tensor = networks.synthesis(*inputs, times, splatting=settings.splatting, alpha=settings.alpha)
    return frame


def _draw_lightly(network: LightSynthesis, batch: Batch, refined: LightRefined) -> Tensor:
    """Frames, by masks drawn for smaller ones as in runs."""
    flows = refined.flows[-1]
    importance01, importance10 = refined.importance.chunk(2)
    height, width = (max(1, round(side / batch.shrink)) for side in flows.shape[-2:])
    frame0, frame1, composite, small01, small10 = (
        interpolate(x, size=(height, width), mode="area")
        for x in (batch.frame0, batch.frame1, batch.composite, importance01, importance10)
    )
    smaller = resize_flow(flows, (height, width), "area").chunk(2)
    drawn: Drawn = network(
        frame0, frame1, *smaller, batch.t, composite, importance01=small01, importance10=small10
    )
    if batch.shrink > 1:
        whole = batch.frame0, batch.frame1, *flows.chunk(2), batch.t, batch.composite
        drawn = enlarge(drawn, *whole, importance01=importance01, importance10=importance10)
    return drawn.frame
