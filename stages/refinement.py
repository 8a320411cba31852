"""Refinement: the coarse flows of a pair to dense flows, by the recurrent network RFR or not at all.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.2.
   arXiv:2104.02495
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from models.arrays import Flow, Frame, check_pair, flow_tensor, frame_tensor
from models.rfr import RFR

STAGE_VERSION = 2
"""Raised whenever results change, so that cached ones of earlier versions are not taken for these."""


class RefinedFlow(NamedTuple):
    """The refined flows of a pair."""

    flow01: Flow
    """`(2, H, W)`, pixels, on the grid of frame 0."""
    flow10: Flow
    """`(2, H, W)`, pixels, on the grid of frame 1."""


def refine(
    frame0: Frame,
    frame1: Frame,
    coarse_flow01: Flow,
    coarse_flow10: Flow,
    network: RFR | None,
    device: str | torch.device = "cpu",
) -> RefinedFlow:
    """Refine the flows between two frames.

    Parameters
    ----------
    frame0, frame1
        RGB, uint8, `(H, W, 3)`.
    coarse_flow01, coarse_flow10
        float32, `(2, H, W)`, x before y, pixels; finite.
    network
        The RFR with its weights; None returns the coarse flows as they are, the same arrays.
    device
        Where the network runs; it is moved there.

    Returns
    -------
    RefinedFlow
        Both directions.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, another dtype, a flow that is not finite; the message names
        the argument.
    """
    check_pair(frame0, frame1, coarse_flow01=coarse_flow01, coarse_flow10=coarse_flow10)
    if network is None:
        return RefinedFlow(coarse_flow01, coarse_flow10)
    with torch.inference_mode():
        refined = network.to(device)(
            frame_tensor(frame0, device),
            frame_tensor(frame1, device),
            flow_tensor(coarse_flow01, device),
            flow_tensor(coarse_flow10, device),
        )
        flow01, flow10 = (flow[0].cpu().numpy() for flow in refined)
    return RefinedFlow(flow01, flow10)
