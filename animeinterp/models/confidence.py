"""Confidence in the coarse flow: a small network that detects where the flow fails to explain the frames.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.2.
   arXiv:2104.02495
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from animeinterp.models.convolution import Convolution
from animeinterp.models.flow import backwarp

INPUT_CHANNELS = 3 + 1 + 2  # frame 0, error, flow


class ConfidenceNet(nn.Module):
    """Frame 0, error and flow to one map g; the flow's weight is `exp(-g^2)`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Convolution(INPUT_CHANNELS, 32, 5, padding=2)
        self.prelu1 = nn.PReLU()
        self.conv2 = Convolution(32, 32, 3, padding=1)
        self.prelu2 = nn.PReLU()
        self.conv3 = Convolution(32 + INPUT_CHANNELS, 1, 3, padding=1)

    def forward(self, frame0: Tensor, error: Tensor, flow: Tensor) -> Tensor:
        """g, `(N, 1, h, w)`, any real number.

        Parameters
        ----------
        frame0
            `(N, 3, h, w)`, -1..1.
        error
            `(N, 1, h, w)`, from `warping_error`.
        flow
            `(N, 2, h, w)`, in cells of this grid.
        """
        x = torch.cat([frame0, error, flow], dim=1)
        hidden = self.conv2(self.prelu1(self.conv1(x)))
        g: Tensor = self.conv3(self.prelu2(torch.cat([hidden, x], dim=1)))
        return g


def warping_error(frame0: Tensor, frame1: Tensor, flow01: Tensor) -> tuple[Tensor, Tensor]:
    """Difference between frame 0 and frame 1 warped back onto it, on the grid of the flow.

    Parameters
    ----------
    frame0, frame1
        `(N, 3, H, W)`, -1..1; resized bilinearly.
    flow01
        `(N, 2, h, w)`, in cells of its own grid.

    Returns
    -------
    small_frame0 : Tensor
        Frame 0 on the flow's grid, `(N, 3, h, w)`.
    error : Tensor
        `(N, 1, h, w)`: sum over the channels of the absolute difference, 0..6.
    """
    size = (flow01.shape[2], flow01.shape[3])
    small0 = interpolate(frame0, size=size, mode="bilinear")
    small1 = interpolate(frame1, size=size, mode="bilinear")
    error = (backwarp(small1, flow01) - small0).abs().sum(dim=1, keepdim=True)
    return small0, error
