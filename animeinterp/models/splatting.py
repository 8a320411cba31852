"""Forward splatting: every pixel is carried along its flow and spread over the four pixels it lands between.

Average splatting divides what a pixel received by the weights it received. Softmax splatting weighs
each source pixel by `exp(importance)` as well, so that of several pixels landing on one place the important
one wins. The importance used here is the brightness difference to where the flow points: a pixel that
looks like its end point is trusted.

References
----------
.. [1] S. Niklaus, F. Liu, "Softmax Splatting for Video Frame Interpolation", CVPR 2020, equations 4-7, 12-15.
   arXiv:2003.05534
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from animeinterp.models.compiled import compiled, in_bands
from animeinterp.models.cuda_kernels import kernels_for, widened
from animeinterp.models.flow import backwarp, bilinear_corners, check_pair
from animeinterp.models.splatting_kernel import splat_by_kernel

# exp(+-20) keeps weights 17 orders of magnitude apart and both far inside float32's range.
IMPORTANCE_LIMIT = 20.0


class Splatted(NamedTuple):
    """What landed on every pixel."""

    values: Tensor
    """`(N, C, rows, W)`: weighted mean of what landed there, 0 in holes."""
    weights: Tensor
    """`(N, 1, rows, W)`: sum of the weights that landed there, exactly 0 in holes."""


def splat(
    values: Tensor, flow: Tensor, importance: Tensor | None = None, rows: tuple[int, int] | None = None
) -> Splatted:
    """Carry values along a flow.

    Parameters
    ----------
    values
        `(N, C, H, W)`, such as a frame or a level of features.
    flow
        `(N, 2, H, W)`, pixels, on the grid of `values`.
    importance
        `(N, 1, H, W)`: logarithm of every source pixel's weight (softmax splatting); None weighs all
        alike (average splatting). See `brightness_importance`.
    rows
        First row of the target grid that is wanted, and the one behind the last; None = all.

    Returns
    -------
    Splatted
        Means and weight sums on those rows of the target grid.

    Raises
    ------
    ValueError
        Shapes that do not fit each other.

    Notes
    -----
    A pixel is a hole where the weight sum is 0 exactly; any weight, however small, makes it covered.
    Differentiable in the three tensors. On the CPU the result is the same in every run and with any number
    of threads; on a GPU the order of additions, and with it the last bits, is fixed only under
    `torch.use_deterministic_algorithms(True)`. Vectors that are not finite land nowhere. Half precision is
    splatted, and returned, in float32.
    """
    check_pair(values, flow, "values")
    if importance is not None and importance.shape != flow[:, :1].shape:
        raise ValueError(
            f"importance has shape {tuple(importance.shape)}, expected {tuple(flow[:, :1].shape)}"
        )
    first, last = rows or (0, values.shape[2])
    tensors = [x for x in (values, flow, importance) if x is not None]
    learning = torch.is_grad_enabled() and any(x.requires_grad for x in tensors)
    kernels = kernels_for(values.device)
    if kernels is not None:
        return Splatted(*splat_by_kernel(kernels, values, flow, importance, first, last))
    dtype = widened(*tensors)
    values, flow = values.to(dtype), flow.to(dtype)
    importance = None if importance is None else importance.to(dtype)
    if learning or any(x.device.type != "cpu" for x in tensors):
        splatted = _splat_by_scatter(values, flow, importance)
        return Splatted(splatted.values[:, :, first:last], splatted.weights[:, :, first:last])
    return _splat_compiled(values, flow, importance, first, last)


def _splat_by_scatter(values: Tensor, flow: Tensor, importance: Tensor | None) -> Splatted:
    """In Torch's operators: on any device, with gradients; without CuPy or a GPU."""
    ones = torch.ones_like(values[:, :1])
    sources = torch.cat([values, ones], dim=1).flatten(2)
    if importance is not None:
        sources = sources * importance.flatten(2).exp()
    sums = torch.zeros_like(sources)
    for pixel, weight in bilinear_corners(flow):
        sums.scatter_add_(2, pixel.unsqueeze(1).expand_as(sources), sources * weight)
    total = sums[:, -1:]
    means = sums[:, :-1] / torch.where(total > 0, total, 1)
    return Splatted(means.view_as(values), total.view_as(ones))


def _splat_compiled(
    values: Tensor, flow: Tensor, importance: Tensor | None, first: int, last: int
) -> Splatted:
    """In compiled code on the CPU, channels last; every thread fills a band of target rows of its own."""
    batch, channels, _, width = values.shape
    factors = torch.ones_like(flow[:, 0]) if importance is None else importance[:, 0].exp()
    sources = values.permute(0, 2, 3, 1).contiguous().numpy()
    means = np.zeros((batch, last - first, width, channels), sources.dtype)
    weights = np.zeros((batch, last - first, width), sources.dtype)
    for image in range(batch):
        in_bands(
            _splat_rows,
            last - first,
            sources[image],
            flow[image].contiguous().numpy(),
            factors[image].contiguous().numpy(),
            first,
            means[image],
            weights[image],
        )
    return Splatted(torch.from_numpy(means).permute(0, 3, 1, 2), torch.from_numpy(weights)[:, None])


@compiled
def _splat_rows(
    sources: NDArray[Any],  # (H, W, C)
    flow: NDArray[Any],  # (2, H, W)
    factors: NDArray[Any],  # (H, W)
    first: int,  # row of the target grid that is row 0 of means and weights
    means: NDArray[Any],  # (rows, W, C)
    weights: NDArray[Any],  # (rows, W)
    start: int,
    stop: int,
) -> None:
    height, width, channels = sources.shape
    far = 2.0 * (height + width)  # nothing further away lands inside; infinities and nan fail the comparison
    for y in range(height):
        for x in range(width):
            dx, dy = flow[0, y, x], flow[1, y, x]
            if not (abs(dx) < far and abs(dy) < far):
                continue
            left, top = np.floor(dx), np.floor(dy)
            row = y + int(top) - first
            if row + 1 < start or row >= stop:
                continue
            column = x + int(left)
            # Fractions of the flow, not of position + flow: see `models.flow.bilinear_corners`.
            right_share, lower_share = dx - left, dy - top
            for down in range(2):
                v = row + down
                if v < start or v >= stop:
                    continue
                share_y = factors[y, x] * (lower_share if down else 1 - lower_share)
                for right in range(2):
                    u = column + right
                    if 0 <= u < width:
                        weight = share_y * (right_share if right else 1 - right_share)
                        weights[v, u] += weight
                        for c in range(channels):
                            means[v, u, c] += weight * sources[y, x, c]
    for v in range(start, stop):
        for u in range(width):
            if weights[v, u] > 0:
                for c in range(channels):
                    means[v, u, c] /= weights[v, u]


def brightness_importance(
    frame0: Tensor, frame1: Tensor, flow01: Tensor, alpha: float, learned: Tensor | None = None
) -> Tensor:
    """Importance of frame 0's pixels: how well frame 1 looks the same where the flow points.

    Parameters
    ----------
    frame0, frame1
        `(N, 3, H, W)`, 0..1.
    flow01
        `(N, 2, H, W)`, from frame 0 to frame 1.
    alpha
        Factor on the difference; negative makes consistent pixels win.
    learned
        `(N, 1, H, W)`: what a network adds to it; None = nothing.

    Returns
    -------
    Tensor
        `(N, 1, H, W)`, `alpha` times the mean absolute difference over the channels, with what is learned,
        clipped to +-`IMPORTANCE_LIMIT` before and after.

    Raises
    ------
    ValueError
        Shapes that do not fit each other.
    """
    if frame0.shape != frame1.shape:
        raise ValueError(
            f"frame0 has shape {tuple(frame0.shape)} and frame1 {tuple(frame1.shape)}, expected the same"
        )
    difference = (frame0 - backwarp(frame1, flow01)).abs().mean(dim=1, keepdim=True)
    importance = (alpha * difference).clamp(-IMPORTANCE_LIMIT, IMPORTANCE_LIMIT)
    return (
        importance if learned is None else (importance + learned).clamp(-IMPORTANCE_LIMIT, IMPORTANCE_LIMIT)
    )
