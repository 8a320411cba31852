"""RFR, the recurrent flow refinement: a coarse flow between two frames in, a dense and sharper one out.

Inputs are RGB frames `(N, 3, H, W)` in 0..1 and flows `(N, 2, H, W)` in pixels. Both directions are refined
in one call because they share features and correlations. Parameter names are those of the released
checkpoint below `module.flownet.`.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.2.
   arXiv:2104.02495
.. [2] Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020.
   arXiv:2003.12039
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from animeinterp.models.confidence import ConfidenceNet, warping_error
from animeinterp.models.correlation import SMALLEST_SIDE, CorrelationFactory, correlate
from animeinterp.models.encoder import STRIDE, BasicEncoder
from animeinterp.models.flow import resize_flow
from animeinterp.models.padding import pad_edge
from animeinterp.models.update import CONTEXT_CHANNELS, HIDDEN_CHANNELS, UpdateBlock

SMALLEST_FRAME = STRIDE * SMALLEST_SIDE
"""Frames with a shorter side, px, are padded to it: below, a level of the correlation pyramid is empty."""


class Refined(NamedTuple):
    """Refined flows of both directions, `2 N` as one batch."""

    flows: list[Tensor]
    """`(2 * N, 2, H, W)` each, pixels, later ones better; the last alone unless all were asked for."""
    matched: Tensor
    """`(2 * N, 256, h, w)`: features of frame 0, then frame 1, whose products are the correlations."""


class InitialFlow(NamedTuple):
    """Where the recurrent updates of one direction start, on the grid of H // 8 by W // 8 cells."""

    flow: Tensor
    """`(N, 2, h, w)`, in cells; weighted by the confidence where the network is set to."""
    error: Tensor
    """`(N, 1, h, w)`, 0..6: difference of the frames after warping by the unweighted flow."""
    g: Tensor
    """`(N, 1, h, w)`: the confidence is `exp(-g^2)`."""


class RFR(nn.Module):
    """Recurrent flow refinement.

    Parameters
    ----------
    confidence_mask
        Weight the initial flow by the confidence. The paper does; the released program computes the
        confidence and never uses it.
    initial_flow_additions
        How often the initial flow is added. Once in the paper, twice in the released program.
    iterations
        Recurrent updates, at least 1; 12 in paper and released program.
    correlation
        Makes the correlation of two feature maps `(N, 256, h, w)`, see `models.correlation.Correlation`.

    Raises
    ------
    ValueError
        `iterations` below 1, or `initial_flow_additions` neither 1 nor 2.

    Notes
    -----
    Frames are resized, not padded, to sides divisible by 8, as in the released program. Frames with a side
    below 64, where that program fails or returns NaN, are padded at the right and at the bottom by
    repeating the edge, and the flow is cropped. From 64 to 127 px the released program returns NaN as well,
    because it divides by `side - 1` of a pyramid level of one cell; nothing is padded there.
    """

    def __init__(
        self,
        *,
        confidence_mask: bool = True,
        initial_flow_additions: Literal[1, 2] = 1,
        iterations: int = 12,
        correlation: CorrelationFactory = correlate,
    ) -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"iterations is {iterations}, expected at least 1")
        if initial_flow_additions not in (1, 2):
            raise ValueError(f"initial_flow_additions is {initial_flow_additions}, expected 1 or 2")
        self.confidence_mask = confidence_mask
        self.initial_flow_additions = initial_flow_additions
        self.iterations = iterations
        self._correlation = correlation
        self.attention2 = ConfidenceNet()
        self.fnet = BasicEncoder(HIDDEN_CHANNELS + CONTEXT_CHANNELS)
        self.update_block = UpdateBlock()

    def set_precision(self, dtype: torch.dtype) -> Self:
        """Convolve in another precision; flows, correlations and the confidence stay in float32.

        The confidence is a factor on flows of up to hundreds of pixels, and its network a small one.
        """
        self.fnet.to(dtype)
        self.update_block.to(dtype)
        return self

    def forward(
        self, frame0: Tensor, frame1: Tensor, coarse_flow01: Tensor, coarse_flow10: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Refine the flows between two frames.

        Parameters
        ----------
        frame0, frame1
            RGB in 0..1, `(N, 3, H, W)`.
        coarse_flow01, coarse_flow10
            `(N, 2, H, W)`, pixels.

        Returns
        -------
        refined_flow01, refined_flow10 : Tensor
            `(N, 2, H, W)`, pixels.

        Raises
        ------
        ValueError
            Shapes that do not fit each other.
        """
        refined = self.refine(frame0, frame1, coarse_flow01, coarse_flow10)
        refined01, refined10 = refined.flows[0].chunk(2)
        return refined01, refined10

    def refine(
        self,
        frame0: Tensor,
        frame1: Tensor,
        coarse_flow01: Tensor,
        coarse_flow10: Tensor,
        *,
        every: bool = False,
    ) -> Refined:
        """As `forward`, with both directions as one batch; `every` returns the flows of all iterations."""
        check_inputs(frame0, frame1, coarse_flow01, coarse_flow10)
        height, width = frame0.shape[-2:]
        frame0, frame1, coarse_flow01, coarse_flow10 = (
            pad_edge(x, max(height, SMALLEST_FRAME), max(width, SMALLEST_FRAME))
            for x in (frame0, frame1, coarse_flow01, coarse_flow10)
        )
        features0, features1 = self.features(frame0), self.features(frame1)
        correlation = self._correlation(features0, features1)
        initial = self.initial_flow(
            torch.cat([frame0, frame1]),
            torch.cat([frame1, frame0]),
            torch.cat([coarse_flow01, coarse_flow10]),
        ).flow
        features = torch.cat([features0, features1])
        fine, _ = self.update_block.iterate(
            features[:, :HIDDEN_CHANNELS],
            features[:, HIDDEN_CHANNELS:],
            correlation,
            self.initial_flow_additions * initial,
            self.iterations,
            every=every,
        )
        size = (frame0.shape[2], frame0.shape[3])
        flows = [resize_flow(flow, size, "bilinear")[..., :height, :width] for flow in fine]
        return Refined(flows, features)

    def initial_flow(self, frame0: Tensor, frame1: Tensor, coarse_flow01: Tensor) -> InitialFlow:
        """The coarse flow on the small grid, and how far it is trusted.

        Parameters
        ----------
        frame0, frame1
            RGB in 0..1, `(N, 3, H, W)`, both sides at least 8.
        coarse_flow01
            `(N, 2, H, W)`, pixels.

        Returns
        -------
        InitialFlow
            Flow, error and g. Without `confidence_mask` the flow is not weighted.
        """
        size = tuple(side // STRIDE for side in frame0.shape[-2:])
        flow = resize_flow(coarse_flow01, (size[0], size[1]), "nearest")
        small0, error = warping_error(_centred(frame0), _centred(frame1), flow)
        with torch.autocast(flow.device.type, enabled=False):  # see `set_precision`
            g: Tensor = self.attention2(small0, error, flow)
        if self.confidence_mask:
            flow = torch.exp(-(g**2)) * flow
        return InitialFlow(flow, error, g)

    def features(self, frame: Tensor) -> Tensor:
        """Features of a frame, `(N, 256, H // 8, W // 8)`: for matching, and as context of its own flow."""
        height, width = (side // STRIDE * STRIDE for side in frame.shape[-2:])
        resized = interpolate(_centred(frame), size=(height, width), mode="bilinear")
        # Convolutions on the CPU are fastest with channels last; the format is kept by all that follows.
        features: Tensor = self.fnet(resized.contiguous(memory_format=torch.channels_last))
        return features.to(frame.dtype)


def _centred(frame: Tensor) -> Tensor:
    return 2 * frame - 1


def check_inputs(frame0: Tensor, frame1: Tensor, flow01: Tensor, flow10: Tensor) -> None:
    """Refuse frames and coarse flows that do not fit each other.

    Raises
    ------
    ValueError
        They do not; the message names the argument.
    """
    shape = frame0.shape
    if frame0.ndim != 4 or shape[1] != 3 or min(shape[2:]) < 1:
        raise ValueError(f"frame0 has shape {tuple(shape)}, expected (N, 3, H, W) with at least one pixel")
    expected = (shape[0], 2, *shape[2:])
    for name, value, wanted in (
        ("frame1", frame1, tuple(shape)),
        ("coarse_flow01", flow01, expected),
        ("coarse_flow10", flow10, expected),
    ):
        if tuple(value.shape) != wanted:
            raise ValueError(
                f"{name} has shape {tuple(value.shape)}, expected {wanted} as frame0 {tuple(shape)}"
            )
