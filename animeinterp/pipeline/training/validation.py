"""Validation on held-out scenes: flows against exact ones, frames against drawn ones."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

from animeinterp.data.cutouts import KeptScene
from animeinterp.pipeline.training.batches import Batch, whole_scene
from animeinterp.pipeline.training.losses import charbonnier, end_point_error, frame_loss
from animeinterp.pipeline.training.networks import Networks, draw, refine
from animeinterp.pipeline.training.starts import Starts


def validate(
    networks: Networks,
    held_out: Starts,
    count: int,
    autocast: Callable[[], torch.autocast],
    device: torch.device,
    threads: int = 1,
    shrink: float = 1.0,
) -> dict[str, float]:
    """Mean errors over whole scenes, each with the same weight.

    Parameters
    ----------
    networks
        In eval mode.
    held_out
        Scenes, and the flows that they start from.
    count
        How many are looked at, from the first on.
    autocast
        Makes the context that sets the precision of convolutions.
    device
        Where.
    threads
        Scenes processed at the same time.
    shrink
        As of a batch.

    Returns
    -------
    dict
        `error` and `start_error`, px: mean end-point error of refined flows and of those which they start
        from; `visible` and `start_visible`: of pixels that both frames show. `difference`, 0..1, `psnr`, dB,
        and `frame`: of the frame between them, its loss with a pyramid of weight 1.
    """

    def errors_of(position: int, scene: KeptScene) -> dict[str, float]:
        batch = whole_scene(scene, position, held_out.flows(position, scene), shrink).to(device)
        with torch.inference_mode(), autocast():
            return scene_errors(networks, batch)

    scenes = held_out.scenes
    count = min(count, len(scenes))
    # Read by one thread: a set keeps files open and knows where in each it is.
    kept = [scenes.scene(position) for position in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(errors_of, range(count), kept))
    return {name: sum(errors[name] for errors in found) / count for name in found[0]}


def scene_errors(networks: Networks, batch: Batch) -> dict[str, float]:
    """Errors of one scene, as `validate` names them; its `start` may be any flow."""
    refined = refine(networks, batch)
    frame = draw(networks, batch, refined).clamp(0, 1)
    visible = ~batch.occluded
    pixels = visible.sum().clamp(min=1)
    result: dict[str, float] = {}
    for name, flow in (("", refined.flows[-1]), ("start_", batch.start)):
        distances = end_point_error(flow, batch.truth)
        result[f"{name}error"] = float(distances.mean())
        result[f"{name}visible"] = float((distances * visible).sum() / pixels)
    with torch.autocast(batch.frame0.device.type, enabled=False):  # the loss's blur is a convolution, too
        result["difference"] = float(charbonnier(frame, batch.middle))
        result["frame"] = float(frame_loss(frame, batch.middle, 1.0))
    squares = (frame - batch.middle).square().mean().clamp(min=1e-10)
    result["psnr"] = float(-10 * torch.log10(squares))
    return result
