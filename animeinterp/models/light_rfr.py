"""The light RFR: recurrent flow refinement with fewer channels, which also estimates importance of pixels.

Inputs are RGB frames `(N, 3, H, W)` in 0..1 and flows `(N, 2, H, W)` in pixels, of any size. Both directions
are one batch of 2 N throughout: first frame 0 looking into frame 1, then frame 1 looking into frame 0. What
the full network gets from a confidence, how far to trust the flow that it starts from, this one has to see
in the correlations there: it is trained with starts of several kinds, zero among them.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.2.
   arXiv:2104.02495
.. [2] Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020.
   arXiv:2003.12039
.. [3] S. Niklaus, F. Liu, "Softmax Splatting for Video Frame Interpolation", CVPR 2020, section 3.2: an
   importance that is learned. arXiv:2003.05534
"""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pixel_shuffle

from animeinterp.models.convolution import Convolution
from animeinterp.models.correlation import correlate
from animeinterp.models.encoder import STRIDE, BasicEncoder
from animeinterp.models.padding import pad_edge
from animeinterp.models.rfr import check_inputs
from animeinterp.models.update import UpdateBlock
from animeinterp.models.widths import LIGHT_REFINEMENT

ITERATIONS = 6
"""Default number of recurrent updates."""
MATCHED_CHANNELS = LIGHT_REFINEMENT.encoder[-1]
"""Features that are correlated; as many more as the recurrent unit's state and context have are not."""
SMALLEST_FRAME = STRIDE * 2 ** (LIGHT_REFINEMENT.levels - 1)
"""Frames with a shorter side, px, are padded to it: below, a level of the correlation pyramid is empty."""
STRONGEST = 10.0
"""Largest learned importance, plus and minus: half of what splatting allows, so that brightness still counts
beside it."""


class LightRefined(NamedTuple):
    """Refined flows of both directions, `2 N` as one batch, and what the pixels count in splatting."""

    flows: list[Tensor]
    """`(2 * N, 2, H, W)` each, pixels, later ones better; the last alone unless all were asked for."""
    importance: Tensor
    """`(2 * N, 1, H, W)`, within +-`STRONGEST`: what is added to the logarithm of a pixel's weight."""
    matched: Tensor
    """`(2 * N, 96, h, w)`: features of frame 0, then frame 1, whose products are the correlations."""


class LightRFR(nn.Module):
    """Recurrent flow refinement with the widths of `models.widths.LIGHT_REFINEMENT`.

    Parameters
    ----------
    iterations
        Recurrent updates, at least 1.

    Raises
    ------
    ValueError
        `iterations` below 1.

    Notes
    -----
    Frames are padded at the right and at the bottom, by repeating the edge, to sides that are multiples of 8
    and at least 32; flows are cropped. The flow to start from is averaged over cells of 8 x 8.
    """

    def __init__(self, iterations: int = ITERATIONS) -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"iterations is {iterations}, expected at least 1")
        self.iterations = iterations
        widths = LIGHT_REFINEMENT
        self.fnet = BasicEncoder(MATCHED_CHANNELS + widths.hidden + widths.context, widths)
        self.update_block = UpdateBlock(widths)
        self.importance = nn.Sequential(
            Convolution(widths.hidden, widths.hidden, 3, padding=1),
            nn.ReLU(inplace=True),
            Convolution(widths.hidden, STRIDE**2, 1),
        )
        _start_at_zero(self.importance[-1])

    def set_precision(self, dtype: torch.dtype) -> Self:
        """Convolve in another precision; flows and correlations stay in float32."""
        return self.to(dtype)

    def forward(
        self,
        frame0: Tensor,
        frame1: Tensor,
        coarse_flow01: Tensor,
        coarse_flow10: Tensor,
        *,
        every: bool = False,
    ) -> LightRefined:
        """Refine the flows between two frames.

        Parameters
        ----------
        frame0, frame1
            RGB in 0..1, `(N, 3, H, W)`.
        coarse_flow01, coarse_flow10
            `(N, 2, H, W)`, pixels: where the updates start; zero will do.
        every
            Return the flows of all iterations, for a loss on each, instead of the last.

        Returns
        -------
        LightRefined
            Flows and importance of both directions.

        Raises
        ------
        ValueError
            Shapes that do not fit each other.
        """
        check_inputs(frame0, frame1, coarse_flow01, coarse_flow10)
        height, width = frame0.shape[-2:]
        padded = tuple(max(SMALLEST_FRAME, side + -side % STRIDE) for side in (height, width))
        frames = pad_edge(torch.cat([frame0, frame1]), *padded)
        coarse = pad_edge(torch.cat([coarse_flow01, coarse_flow10]), *padded)
        fine, features = self.maps(frames)
        matched0, matched1 = features[:, :MATCHED_CHANNELS].chunk(2)
        correlation = correlate(matched0, matched1, LIGHT_REFINEMENT.levels, LIGHT_REFINEMENT.radius)
        hidden, context = features[:, MATCHED_CHANNELS:].chunk(2, dim=1)
        queries = self.update_block.likeness.queries(fine)
        start = avg_pool2d(coarse, STRIDE) / STRIDE
        flows, hidden_state = self.update_block.iterate(
            hidden, context, correlation, start, self.iterations, every=every, queries=queries
        )
        strengths = self.importance(hidden_state) + self.update_block.likeness.within(queries, hidden_state)
        strength = pixel_shuffle(strengths.to(frame0.dtype), STRIDE)
        importance = STRONGEST * torch.tanh(strength / STRONGEST)
        return LightRefined(
            [flow[..., :height, :width] for flow in flows],
            importance[..., :height, :width],
            features[:, :MATCHED_CHANNELS],
        )

    def maps(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features of frames with sides divisible by 8.

        Returns
        -------
        fine, features : Tensor
            `(N, 32, H // 2, W // 2)` and `(N, 224, H // 8, W // 8)`, whose first 96 match.
        """
        # Convolutions on the CPU are fastest with channels last; the format is kept by all that follows.
        centred = (2 * frames - 1).contiguous(memory_format=torch.channels_last)
        fine, features = self.fnet.maps(centred)
        return fine, features.to(frames.dtype)


def _start_at_zero(layer: nn.Module) -> None:
    """Let a layer return zeros until it is trained."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
