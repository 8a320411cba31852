"""Pictures of validation: what the networks make of held-out scenes, beside the truth."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from animeinterp.data.images import Frame
from animeinterp.pipeline.results.pictures import Tile, arrange, flow_to_color, saturated_length
from animeinterp.pipeline.training.batches import whole_scene
from animeinterp.pipeline.training.networks import Networks, draw, refine
from animeinterp.pipeline.training.starts import Starts

WIDTH = 192
"""Of a scene, px."""
QUALITY = 80


def picture_scenes(
    networks: Networks,
    held_out: Starts,
    count: int,
    autocast: Callable[[], torch.autocast],
    device: torch.device,
    shrink: float = 1.0,
) -> bytes:
    """Draw the first scenes of a held-out set, one a row.

    Parameters
    ----------
    networks
        In eval mode.
    held_out
        Scenes, and the flows that they start from.
    count
        How many.
    autocast, device, shrink
        As for `pipeline.training.validation.validate`.

    Returns
    -------
    bytes
        A JPEG file: frame made, true frame, refined flow 0 -> 1, true flow in the same colours.
    """
    rows = []
    for position in range(min(count, len(held_out.scenes))):
        scene = held_out.scenes.scene(position)
        batch = whole_scene(scene, position, held_out.flows(position, scene), shrink).to(device)
        with torch.inference_mode(), autocast():
            refined = refine(networks, batch)
            made = draw(networks, batch, refined)
        flow, truth = (found[0].float().cpu().numpy() for found in (refined.flows[-1], batch.truth))
        longest = saturated_length(truth)
        distance = float(np.hypot(*(flow - truth)).mean())
        rows.append(
            [
                Tile("frame made", _image(made)),
                Tile("true frame", _image(batch.middle)),
                Tile(f"flow, {distance:.1f} px off", flow_to_color(flow, longest)),
                Tile("true flow", flow_to_color(truth, longest)),
            ]
        )
    encoded = BytesIO()
    Image.fromarray(arrange("", rows, WIDTH)).save(encoded, "JPEG", quality=QUALITY)
    return encoded.getvalue()


def _image(frame: Tensor) -> Frame:
    values: NDArray[np.float32] = frame[0].float().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return np.rint(255 * values).astype(np.uint8)
