"""How good networks are on scenes held back: flows against exact ones, frames against drawn ones."""

from __future__ import annotations

from collections import defaultdict

import torch

from models.light_weights import LightNetworks
from pipeline.training.batches import Scenes, whole_scene
from pipeline.training.learner import draw
from pipeline.training.losses import charbonnier, end_point_error, frame_loss


def validate(
    networks: LightNetworks, scenes: Scenes, count: int, autocast: torch.autocast, device: torch.device
) -> dict[str, float]:
    """Mean errors over whole scenes, each of which counts alike.

    Parameters
    ----------
    networks
        In eval mode.
    scenes
        Held back.
    count
        How many are looked at, from the first on.
    autocast
        Precision of convolutions.
    device
        Where.

    Returns
    -------
    dict
        `error` and `start_error`, px: mean end-point error of refined flows and of DIS's, which they start
        from; `visible` and `start_visible`: of pixels that both frames show. `difference`, 0..1, `psnr`, dB,
        and `frame`: of the frame between them, its loss with a pyramid of weight 1.
    """
    sums: dict[str, float] = defaultdict(float)
    count = min(count, len(scenes))
    for position in range(count):
        batch = whole_scene(scenes, position).to(device)
        with torch.inference_mode(), autocast:
            refined = networks.refinement(batch.frame0, batch.frame1, *batch.start.chunk(2))
            frame = draw(networks, batch, refined).clamp(0, 1)
        visible = ~batch.occluded
        pixels = visible.sum().clamp(min=1)
        for name, flow in (("", refined.flows[-1]), ("start_", batch.start)):
            errors = end_point_error(flow, batch.truth)
            sums[f"{name}error"] += float(errors.mean())
            sums[f"{name}visible"] += float((errors * visible).sum() / pixels)
        sums["difference"] += float(charbonnier(frame, batch.middle))
        sums["frame"] += float(frame_loss(frame, batch.middle, 1.0))
        squares = (frame - batch.middle).square().mean().clamp(min=1e-10)
        sums["psnr"] += float(-10 * torch.log10(squares))
    return {name: total / count for name, total in sums.items()}
