"""Losses: errors of flows and of the matches they rest on, of frames and their lines.

References
----------
.. [1] Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020,
   section 3.4. arXiv:2003.12039
.. [2] P. Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for computed
   imaging", ICIP 1994. DOI 10.1109/ICIP.1994.413553
.. [3] S. Niklaus, F. Liu, "Context-aware Synthesis for Video Frame Interpolation", CVPR 2018, section 3.3:
   the Laplacian pyramid as a loss. arXiv:1803.10967
.. [4] H. Xu et al., "GMFlow: Learning Optical Flow via Global Matching", CVPR 2022, section 3.1: correlations
   as the logits of a match. arXiv:2111.13680
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from animeinterp.models.encoder import STRIDE

FLOW_EPSILON = 0.01
"""px; below, the flow loss turns from the distance into its square."""
FRAME_EPSILON = 1e-3
"""Of 1; a quarter of a grey level."""
PYRAMID_LEVELS = 5
LEAST_LEVEL = 4
"""Sides of the coarsest level, px, that smaller crops do not go below."""
BINOMIAL = (1.0, 4.0, 6.0, 4.0, 1.0)


def end_point_error(flow: Tensor, truth: Tensor) -> Tensor:
    """Distance between the end points of two flows, `(N, 2, H, W)` to `(N, 1, H, W)`, px."""
    return (flow - truth).square().sum(dim=1, keepdim=True).sqrt()


def flow_loss(
    flows: Sequence[Tensor], truth: Tensor, occluded: Tensor, *, gamma: float, occluded_weight: float
) -> Tensor:
    """Mean distance to the true flow, over pixels and iterations.

    Parameters
    ----------
    flows
        `(N, 2, H, W)` of each iteration, px, the best last.
    truth
        `(N, 2, H, W)`.
    occluded
        `(N, 1, H, W)`, bool: pixels hidden in the other frame.
    gamma
        Weight of an iteration relative to the next one, 0..1; weights add up to 1.
    occluded_weight
        Weight of an occluded pixel; others have 1.

    Returns
    -------
    Tensor
        A number, px.

    Notes
    -----
    The distance is `sqrt(dx^2 + dy^2 + eps^2) - eps`, so that it has a gradient at 0. If all weights are 0,
    the loss is 0.
    """
    weights = torch.where(occluded, occluded_weight, 1.0)
    total = weights.sum().clamp(min=1e-6)
    shares = [gamma ** (len(flows) - 1 - k) for k in range(len(flows))]
    loss = truth.new_zeros(())
    for share, flow in zip(shares, flows, strict=True):
        squares = (flow - truth).square().sum(dim=1, keepdim=True)
        distances = (squares + FLOW_EPSILON**2).sqrt() - FLOW_EPSILON
        loss = loss + share / sum(shares) * (weights * distances).sum() / total
    return loss


def matching_loss(matched: Tensor, truth: Tensor, occluded: Tensor) -> Tensor:
    """Cross-entropy of the correlations: how surely each cell finds where it has gone.

    The flow loss alone teaches features to match only after many thousands of steps: a refinement that starts
    from good flows gains little by looking far.

    Parameters
    ----------
    matched
        `(2 * N, C, h, w)`, features of cells of 8 px, of all first frames before all second ones.
    truth
        `(2 * N, 2, H, W)`, true flows of both directions, px.
    occluded
        `(2 * N, 1, H, W)`, bool: pixels hidden in the other frame.

    Returns
    -------
    Tensor
        A number, nats: the mean over cells whose middle is visible in both frames. The four cells around an
        end point share it. 0 without such cells.
    """
    half = STRIDE // 2
    flow, hidden = (
        truth[:, :, half::STRIDE, half::STRIDE] / STRIDE,
        occluded[:, 0, half::STRIDE, half::STRIDE],
    )
    rows, columns = flow.shape[-2:]
    matched = matched[:, :, :rows, :columns]
    other = torch.cat(matched.chunk(2)[::-1])
    correlation = matched.flatten(2).transpose(1, 2) @ other.flatten(2) / matched.shape[1] ** 0.5
    certainty = correlation.float().log_softmax(dim=-1)
    y, x = torch.meshgrid(
        torch.arange(rows, device=flow.device), torch.arange(columns, device=flow.device), indexing="ij"
    )
    end = torch.stack([x, y]) + flow
    last = end.new_tensor([columns - 1, rows - 1])[:, None, None]
    seen = (~hidden & (end >= 0).all(dim=1) & (end <= last).all(dim=1)).flatten(1)
    loss = truth.new_zeros(seen.shape)
    for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
        cell = end.floor() + end.new_tensor(corner)[:, None, None]
        share = (1 - (end - cell).abs()).prod(dim=1).flatten(1)
        cell = torch.minimum(cell.clamp(min=0), last).long()
        position = (cell[:, 1] * columns + cell[:, 0]).flatten(1)
        loss = loss - share * certainty.gather(-1, position[..., None])[..., 0]
    return (loss * seen).sum() / seen.sum().clamp(min=1)


def charbonnier(frame: Tensor, truth: Tensor) -> Tensor:
    """Mean of `sqrt(d^2 + eps^2) - eps` over pixels and channels: nearly the mean absolute difference."""
    return ((frame - truth).square() + FRAME_EPSILON**2).sqrt().mean() - FRAME_EPSILON


def pyramid_loss(frame: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of Laplacian pyramids; coarser levels count twice as much each.

    Parameters
    ----------
    frame, truth
        `(N, 3, H, W)`, 0..1.

    Returns
    -------
    Tensor
        A number: the weighted mean over the levels. What remains above the coarsest level, the mean colours,
        is part of it as one more level.
    """
    # The pyramid is linear: that of the difference is the difference of the pyramids.
    rest = frame - truth
    loss, weight, total = rest.new_zeros(()), 1.0, 0.0
    for _ in range(PYRAMID_LEVELS - 1):
        if min(rest.shape[-2:]) < 2 * LEAST_LEVEL:
            break
        smaller = _blurred(rest)[..., ::2, ::2]
        size = (rest.shape[2], rest.shape[3])
        detail = rest - interpolate(smaller, size=size, mode="bilinear", align_corners=False)
        loss, total = loss + weight * detail.abs().mean(), total + weight
        rest, weight = smaller, 2 * weight
    return (loss + weight * rest.abs().mean()) / (total + weight)


def frame_loss(frame: Tensor, truth: Tensor, pyramid_weight: float) -> Tensor:
    """Charbonnier loss of frames and, weighted, that of their Laplacian pyramids."""
    return charbonnier(frame, truth) + pyramid_weight * pyramid_loss(frame, truth)


def _blurred(image: Tensor) -> Tensor:
    """Blurred by the binomial filter of 5 x 5, edges repeated."""
    row = image.new_tensor(BINOMIAL) / sum(BINOMIAL)
    channels = image.shape[1]
    padded = pad(image, (2, 2, 2, 2), mode="replicate")
    along = conv2d(padded, row.view(1, 1, 1, 5).expand(channels, 1, 1, 5), groups=channels)
    return conv2d(along, row.view(1, 1, 5, 1).expand(channels, 1, 5, 1), groups=channels)
