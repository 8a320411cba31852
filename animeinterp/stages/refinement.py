"""Refinement: the coarse flows of a pair to dense flows, by the recurrent network RFR or not at all.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.2.
   arXiv:2104.02495
.. [2] D. Sun, S. Roth, M. J. Black, "Secrets of Optical Flow Estimation and Their Principles", CVPR 2010,
   section 4: a median of 5 x 5 after estimation. doi:10.1109/CVPR.2010.5539939
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from animeinterp.models.arrays import Flow, Frame, check_one_size, check_pair, flow_tensor, frame_tensor
from animeinterp.models.encoder import STRIDE
from animeinterp.models.light_rfr import LightRFR
from animeinterp.models.padding import pad_edge
from animeinterp.models.reproducible import reproducible
from animeinterp.models.rfr import RFR, SMALLEST_FRAME
from animeinterp.stages.working_size import (
    FLOW_PIXELS,
    Size,
    light_size,
    resize_flow,
    resize_map,
    shrink_frame,
)

MEDIAN_SIDE = 5
"""Px, of the median that the flows of the light network go through."""
IMPORTANCE_STEPS = 16
"""Importance is rounded to multiples of 1/16."""

Importance = npt.NDArray[np.float16]
"""`(H, W)`, what is added to the logarithm of the pixels' weights in splatting."""


class RefinedFlow(NamedTuple):
    """The refined flows of a pair."""

    flow01: Flow
    """`(2, H, W)`, pixels, on the grid of frame 0."""
    flow10: Flow
    """`(2, H, W)`, pixels, on the grid of frame 1."""


class WeighedFlow(NamedTuple):
    """The refined flows of a pair, and what its pixels count in splatting, by the light network."""

    flows: RefinedFlow
    importance01: Importance
    """Of the pixels of frame 0."""
    importance10: Importance
    """Of the pixels of frame 1."""


class Confidence(NamedTuple):
    """How far the network trusts the coarse flows, on grids of cells of 8 px."""

    confidence01: npt.NDArray[np.float32]
    """`(h, w)`, 0..1: the weight of the coarse flow of frame 0."""
    confidence10: npt.NDArray[np.float32]
    """`(h, w)`, 0..1: of frame 1."""
    error01: npt.NDArray[np.float32]
    """`(h, w)`, 0..6: what the coarse flow of frame 0 leaves unexplained, as the network sees it."""
    error10: npt.NDArray[np.float32]
    """`(h, w)`, 0..6: of frame 1."""


class CoarsePair(NamedTuple):
    """A pair of frames and the coarse flows between them."""

    frame0: Frame
    """RGB, uint8, `(H, W, 3)`."""
    frame1: Frame
    """RGB, uint8, `(H, W, 3)`."""
    flow01: Flow
    """float32, `(2, H, W)`, x before y, pixels; finite."""
    flow10: Flow
    """float32, `(2, H, W)`, x before y, pixels; finite."""


def refine(
    frame0: Frame,
    frame1: Frame,
    coarse_flow01: Flow,
    coarse_flow10: Flow,
    network: RFR | None,
    device: str | torch.device = "cpu",
    fraction_bits: int = 0,
) -> RefinedFlow:
    """Refine the flows between two frames.

    Parameters
    ----------
    frame0, frame1
        RGB, uint8, `(H, W, 3)`.
    coarse_flow01, coarse_flow10
        float32, `(2, H, W)`, x before y, pixels; finite.
    network
        The RFR with its weights; None returns the coarse flows unchanged, the same arrays.
    device
        Where the network runs; it is moved there.
    fraction_bits
        The network's flows are rounded to multiples of 2^-n pixels; 0 = not at all.

    Returns
    -------
    RefinedFlow
        Both directions.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, another dtype, a flow that is not finite or carries every pixel
        out of the frame; the message names the argument, or the refined flow.
    """
    pair = CoarsePair(frame0, frame1, coarse_flow01, coarse_flow10)
    return refine_together([pair], network, device, fraction_bits)[0]


def refine_together(
    pairs: Sequence[CoarsePair],
    network: RFR | None,
    device: str | torch.device = "cpu",
    fraction_bits: int = 0,
) -> list[RefinedFlow]:
    """Refine the flows of several pairs as one batch.

    Parameters
    ----------
    pairs
        At least one, all of one size.
    network, device, fraction_bits
        As for `refine`.

    Returns
    -------
    list of RefinedFlow
        One for each pair, in their order.

    Raises
    ------
    ValueError
        As for `refine`, pairs of several sizes, or a network whose flows are of no use: not finite, or out of
        the frame everywhere.

    Notes
    -----
    The size of the batch may change the last bits of the result, its other pairs do not.
    """
    if network is None:
        for pair in pairs:
            _check(pair)
        return [RefinedFlow(pair.flow01, pair.flow10) for pair in pairs]
    with torch.inference_mode(), reproducible():
        flows = network.to(device)(*_batch(pairs, device))
    return _rounded_flows(pairs, [each.cpu().numpy() for each in flows], fraction_bits)


def refine_lightly(
    pairs: Sequence[CoarsePair],
    network: LightRFR,
    device: str | torch.device = "cpu",
    fraction_bits: int = 0,
) -> list[WeighedFlow]:
    """Refine the flows of several pairs as one batch, and weigh their pixels, by the light network.

    Parameters
    ----------
    pairs, network, device, fraction_bits
        As for `refine_together`; the flows are what the network starts from. Frames of more than
        `working_size.FLOW_PIXELS` are made smaller for it, and their flows larger again.

    Returns
    -------
    list of WeighedFlow
        One for each pair, in their order.

    Raises
    ------
    ValueError
        As for `refine_together`.

    Notes
    -----
    Between two frames that are the same, nothing moves.
    """
    _check_all(pairs)
    size: Size = pairs[0].frame0.shape[:2]
    worked_on = [_resized(pair, light_size(size, FLOW_PIXELS)) for pair in pairs]
    with torch.inference_mode(), reproducible():
        found = network.to(device)(*_batch(worked_on, device))
    importances = [
        _stored(resize_map(importance, size)) for importance in found.importance[:, 0].cpu().numpy()
    ]
    steady = [
        np.zeros((2, *size), np.float32)
        if np.array_equal(pair.frame0, pair.frame1)
        else resize_flow(_without_strays(flow), size)
        for pair, flow in zip([*pairs, *pairs], found.flows[-1].cpu().numpy(), strict=True)
    ]
    half = len(pairs)
    flows = _rounded_flows(pairs, [steady[:half], steady[half:]], fraction_bits)
    return [WeighedFlow(*each) for each in zip(flows, importances[:half], importances[half:], strict=True)]


def _resized(pair: CoarsePair, size: Size) -> CoarsePair:
    frame0, frame1 = shrink_frame(pair.frame0, size), shrink_frame(pair.frame1, size)
    return CoarsePair(frame0, frame1, resize_flow(pair.flow01, size), resize_flow(pair.flow10, size))


def _stored(importance: npt.NDArray[np.float32]) -> Importance:
    stored: Importance = (np.rint(importance * IMPORTANCE_STEPS) / IMPORTANCE_STEPS).astype(np.float16)
    return stored


def _without_strays(flow: Flow) -> Flow:
    """A flow whose single vectors agree with those around them, by the median in each axis [2]_."""
    return np.stack([cv2.medianBlur(component, MEDIAN_SIDE) for component in flow])


def _check(pair: CoarsePair) -> None:
    check_pair(pair.frame0, pair.frame1, coarse_flow01=pair.flow01, coarse_flow10=pair.flow10)


def _check_all(pairs: Sequence[CoarsePair]) -> None:
    for pair in pairs:
        _check(pair)
    check_one_size([pair.frame0 for pair in pairs])


def _batch(pairs: Sequence[CoarsePair], device: str | torch.device) -> tuple[Tensor, ...]:
    """Frames and flows as networks take them."""
    _check_all(pairs)
    frames0, frames1, flows01, flows10 = zip(*pairs, strict=True)
    return (
        frame_tensor(frames0, device),
        frame_tensor(frames1, device),
        flow_tensor(flows01, device),
        flow_tensor(flows10, device),
    )


def _rounded_flows(
    pairs: Sequence[CoarsePair], batch: Sequence[Iterable[Flow]], fraction_bits: int
) -> list[RefinedFlow]:
    """Flows of each pair from those of both directions."""
    refined = [
        RefinedFlow(*(_rounded(flow, fraction_bits) for flow in flows)) for flows in zip(*batch, strict=True)
    ]
    for pair, flows in zip(pairs, refined, strict=True):
        check_pair(pair.frame0, pair.frame1, refined_flow01=flows.flow01, refined_flow10=flows.flow10)
    return refined


def _rounded(flow: Flow, fraction_bits: int) -> Flow:
    if not fraction_bits:
        return flow
    steps = np.float32(2**fraction_bits)  # a power of two: multiplying and dividing by it is exact
    rounded: Flow = np.rint(flow * steps) / steps
    return rounded


def confidence(pair: CoarsePair, network: RFR, device: str | torch.device = "cpu") -> Confidence:
    """How far the network trusts the coarse flows of a pair; for looking at.

    Parameters
    ----------
    pair
        Frames and coarse flows.
    network, device
        As for `refine`. Whether the network uses the confidence is its setting `confidence_mask`.

    Returns
    -------
    Confidence
        `exp(-g^2)` and the warping error. Cells lie over the whole frame evenly, `H // 8` by `W // 8`; of
        frames with a side below 64 px, which the network pads, those that touch the frame.

    Raises
    ------
    ValueError
        As for `refine`.
    """
    check_pair(pair.frame0, pair.frame1, coarse_flow01=pair.flow01, coarse_flow10=pair.flow10)
    height, width = pair.frame0.shape[:2]
    padded = max(height, SMALLEST_FRAME), max(width, SMALLEST_FRAME)
    with torch.inference_mode(), reproducible():
        frames = pad_edge(frame_tensor([pair.frame0, pair.frame1], device), *padded)
        flows = pad_edge(flow_tensor([pair.flow01, pair.flow10], device), *padded)
        initial = network.to(device).initial_flow(frames, frames.flip(0), flows)
        rows, columns = (
            side // STRIDE if side >= SMALLEST_FRAME else -(-side // STRIDE) for side in (height, width)
        )
        trusted, error = (
            x[:, 0, :rows, :columns].cpu().numpy() for x in (torch.exp(-(initial.g**2)), initial.error)
        )
    return Confidence(trusted[0], trusted[1], error[0], error[1])
