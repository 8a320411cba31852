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

from typing import NamedTuple

import torch
from torch import Tensor

from models.flow import backwarp, bilinear_corners, check_pair

# exp(+-20) keeps weights 17 orders of magnitude apart and both far inside float32's range.
IMPORTANCE_LIMIT = 20.0


class Splatted(NamedTuple):
    """What landed on every pixel."""

    values: Tensor
    """`(N, C, H, W)`: weighted mean of what landed there, 0 in holes."""
    weights: Tensor
    """`(N, 1, H, W)`: sum of the weights that landed there, exactly 0 in holes."""


def splat(values: Tensor, flow: Tensor, importance: Tensor | None = None) -> Splatted:
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

    Returns
    -------
    Splatted
        Means and weight sums on the target grid.

    Raises
    ------
    ValueError
        Shapes that do not fit each other.

    Notes
    -----
    A pixel is a hole where the weight sum is 0 exactly; any weight, however small, makes it covered.
    Differentiable in all three arguments. On the CPU the result is the same in every run; on a GPU the
    order of additions, and with it the last bits, is not fixed. Vectors that are not finite land nowhere.
    """
    check_pair(values, flow, "values")
    if importance is not None and importance.shape != flow[:, :1].shape:
        raise ValueError(
            f"importance has shape {tuple(importance.shape)}, expected {tuple(flow[:, :1].shape)}"
        )
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


def brightness_importance(frame0: Tensor, frame1: Tensor, flow01: Tensor, alpha: float) -> Tensor:
    """Importance of frame 0's pixels: how well frame 1 looks the same where the flow points.

    Parameters
    ----------
    frame0, frame1
        `(N, 3, H, W)`, 0..1.
    flow01
        `(N, 2, H, W)`, from frame 0 to frame 1.
    alpha
        Factor on the difference; negative makes consistent pixels win.

    Returns
    -------
    Tensor
        `(N, 1, H, W)`, `alpha` times the mean absolute difference over the channels, clipped to
        +-`IMPORTANCE_LIMIT`.

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
    return (alpha * difference).clamp(-IMPORTANCE_LIMIT, IMPORTANCE_LIMIT)
