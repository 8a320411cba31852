"""Coarse flow made elsewhere: checked, and brought onto the grid of the frames.

Such are ATD-12K's pre-computed flows, and any others in their layout.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from animeinterp.models.flow import resize_flow
from animeinterp.stages.coarse_flow import CoarseFlow

FLOAT_SIZES = (2, 4, 8)  # bytes: float16, float32, float64


def import_coarse_flow(
    flow01: NDArray[np.generic],
    flow10: NDArray[np.generic],
    size: tuple[int, int],
    names: tuple[str, str] = ("flow01", "flow10"),
) -> CoarseFlow:
    """Take two flows of a pair as its coarse flow.

    Parameters
    ----------
    flow01, flow10 : (2, h, w) float16, float32 or float64
        dx, dy in pixels of their own grid, from frame 0 to frame 1 and back. Both of one size.
    size
        Height and width of the frames, (H, W): of the flows' proportions, up to rounding.
    names
        What messages call the two.

    Returns
    -------
    CoarseFlow
        float32, (2, H, W). Its fates are empty: no pieces are known.

    Raises
    ------
    ValueError
        An array is not a flow (see `check_flow`), or does not fit the other one or the frames.

    Notes
    -----
    Values are rounded to float32 first, which is how training code reads these files; float16 and float32
    are kept exactly. Flows of the frames' size are not touched otherwise. Others take the nearest vector,
    scaled by the ratios of widths and heights: between two pieces, or a piece and a still ground, the flow
    jumps, and interpolating would invent vectors that no piece has. The released program's loader does the
    same (PyTorch's `nearest`).
    """
    for flow, name in zip((flow01, flow10), names, strict=True):
        check_flow(flow, name)
    if flow01.shape != flow10.shape:
        raise ValueError(
            f"{names[0]} is {_width_x_height(flow01.shape[1:])} and {names[1]} "
            f"{_width_x_height(flow10.shape[1:])}; both flows of a pair must have one size"
        )
    if not _alike(flow01.shape[1:], size):
        raise ValueError(
            f"{names[0]} is {_width_x_height(flow01.shape[1:])} and the frames {_width_x_height(size)}: "
            "their proportions differ; make the flow from these frames, uncropped"
        )
    fate = np.zeros(0, np.uint8)
    return CoarseFlow(_fit(flow01, size), _fit(flow10, size), fate, fate.copy())


def check_flow(flow: NDArray[np.generic], name: str = "flow") -> None:
    """Refuse an array that is not a flow.

    Parameters
    ----------
    flow
        Expected: float16, float32 or float64, (2, h, w), finite, no vector longer than the diagonal
        hypot(h, w), beyond which everything leaves the frame.
    name
        What messages call it.

    Raises
    ------
    ValueError
        Anything else; the message says what was found, where, and what to do.
    """
    if flow.dtype.kind != "f" or flow.dtype.itemsize not in FLOAT_SIZES:
        raise ValueError(
            f"{name} holds {flow.dtype}; expected float16, float32 or float64 (dx, dy in pixels); convert it"
        )
    if flow.ndim != 3 or flow.shape[0] != 2 or flow.size == 0:
        turned = flow.ndim == 3 and flow.shape[2] == 2 and flow.size > 0
        hint = "its axes are in another order: save flow.transpose(2, 0, 1)" if turned else "replace it"
        raise ValueError(f"{name} has shape {flow.shape}; expected (2, height, width), dx first; {hint}")
    values = flow.astype(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        channel, y, x = np.unravel_index(int(bad.argmax()), bad.shape)
        raise ValueError(
            f"{name} is not finite in {np.count_nonzero(bad)} of {bad.size} values, the first is "
            f"{'dx' if channel == 0 else 'dy'} at x = {x}, y = {y}; expected 0 where nothing is known"
        )
    length, diagonal = np.hypot(*values), float(np.hypot(*flow.shape[1:]))
    if length.max() > diagonal:
        y, x = np.unravel_index(int(length.argmax()), length.shape)
        raise ValueError(
            f"{name} has a vector of {length.max():.6g} px at x = {x}, y = {y}, longer than its diagonal of "
            f"{diagonal:.6g} px; expected pixels of its own {_width_x_height(flow.shape[1:])} grid"
        )


def _fit(flow: NDArray[np.generic], size: tuple[int, int]) -> NDArray[np.float32]:
    values = np.ascontiguousarray(flow, np.float32)
    if flow.shape[1:] == size:
        return values
    resized: NDArray[np.float32] = resize_flow(torch.tensor(values)[None], size, "nearest")[0].numpy()
    return resized


def _alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether the smaller size may be the larger one scaled, each side rounded up or down."""
    small, large = sorted((one, other), key=lambda size: size[0] * size[1])
    least = max((a - 1) / b for a, b in zip(small, large, strict=True))
    most = min((a + 1) / b for a, b in zip(small, large, strict=True))
    return least < most


def _width_x_height(size: tuple[int, ...]) -> str:
    return f"{size[1]}x{size[0]}"
