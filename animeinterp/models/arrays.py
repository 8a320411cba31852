"""Between arrays at rest and tensors in networks, and the checks at that border.

At rest a frame is uint8 `(H, W, 3)`, RGB, and a flow float32 `(2, H, W)`, x before y, in pixels. In networks
both are float32 batches, `(N, 3, H, W)` in 0..1 and `(N, 2, H, W)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Frame = npt.NDArray[np.uint8]
Flow = npt.NDArray[np.float32]


def check_pair(frame0: Frame, frame1: Frame, **flows: Flow) -> None:
    """Refuse frames that are not RGB images of one size, and flows that do not fit them.

    Parameters
    ----------
    frame0, frame1
        Expected: uint8, `(H, W, 3)`, at least one pixel, of one size.
    **flows
        Expected: float32, `(2, H, W)`, finite, with one end point inside the frame at least. Messages call
        each by its keyword.

    Raises
    ------
    ValueError
        Anything else.
    """
    if frame0.ndim != 3 or frame0.shape[2] != 3 or frame0.size == 0:
        raise ValueError(f"frame0 has shape {frame0.shape}, expected (H, W, 3) with at least one pixel")
    if frame1.shape != frame0.shape:
        raise ValueError(f"frame1 has shape {frame1.shape} and frame0 {frame0.shape}, expected the same")
    for name, frame in (("frame0", frame0), ("frame1", frame1)):
        if frame.dtype != np.uint8:
            raise ValueError(f"{name} is of dtype {frame.dtype}, expected uint8")
    for name, flow in flows.items():
        if flow.shape != (2, *frame0.shape[:2]):
            raise ValueError(
                f"{name} has shape {flow.shape} and frame0 {frame0.shape}, expected {(2, *frame0.shape[:2])}"
            )
        if flow.dtype != np.float32:
            raise ValueError(f"{name} is of dtype {flow.dtype}, expected float32")
        if not np.isfinite(flow).all():
            raise ValueError(
                f"{name} holds {np.count_nonzero(~np.isfinite(flow))} values that are not finite"
            )
        if not _lands(flow):
            raise ValueError(
                f"{name} carries every pixel out of the frame of {frame0.shape[1]}x{frame0.shape[0]}; "
                "expected pixels of that grid, x before y"
            )


def check_one_size(frames: Sequence[Frame]) -> None:
    """Refuse an empty batch, and frames of several sizes, which no batch can hold."""
    sizes = sorted({frame.shape[:2] for frame in frames})
    if len(sizes) != 1:
        raise ValueError(f"the batch holds frames of sizes {sizes}, expected one size (height, width)")


def frame_tensor(frames: Sequence[Frame], device: str | torch.device) -> Tensor:
    """Frames of one size as `(N, 3, H, W)`, float32, 0..1; channels last in memory, as they are at rest."""
    # Copied to the device as bytes, a quarter of the floats.
    tensor = torch.from_numpy(np.stack(frames)).to(device).permute(0, 3, 1, 2)
    return tensor.float().div_(255)


def colour_tensor(colours: Sequence[npt.NDArray[np.float32]], device: str | torch.device) -> Tensor:
    """Frames in float32, 0..1, as `frame_tensor` gives those of 8 bits."""
    return torch.from_numpy(np.stack(colours)).to(device).permute(0, 3, 1, 2)


def flow_tensor(flows: Sequence[Flow], device: str | torch.device) -> Tensor:
    """Flows of one size as `(N, 2, H, W)`, float32, copied."""
    return torch.from_numpy(np.stack(flows)).to(device)


def _lands(flow: Flow) -> bool:
    """Whether any end point lies less than a pixel away from the frame."""
    height, width = flow.shape[1:]
    x, y = (
        np.arange(width, dtype=np.float32) + flow[0],
        np.arange(height, dtype=np.float32)[:, None] + flow[1],
    )
    return bool(((x > -1) & (x < width) & (y > -1) & (y < height)).any())
