"""The feature network of the RFR: RAFT's basic encoder, 1/8 of the input's size.

References
----------
.. [1] Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020,
   section 3.1 and appendix A. arXiv:2003.12039
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from animeinterp.models.convolution import Convolution
from animeinterp.models.widths import FULL_REFINEMENT, RefinementWidths

STRIDE = 8
"""Input pixels to a feature, along each axis."""


def normalisation(channels: int, normalised: bool) -> nn.Module:
    """Instance normalisation with learned scale and shift, or nothing."""
    # One group a channel is the same, and keeps the channels last.
    return nn.GroupNorm(channels, channels) if normalised else nn.Identity()


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, `relu(x + relu(conv2(relu(conv1(x)))))`.

    Parameters
    ----------
    in_channels, out_channels
        Channels of input and output.
    stride
        Of the first convolution. Above 1 the shortcut is a 1x1 convolution with the same stride.
    normalised
        Whether an instance normalisation follows each 3x3 convolution.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, *, normalised: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = Convolution(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = Convolution(out_channels, out_channels, 3, padding=1)
        self.norm1 = normalisation(out_channels, normalised)
        self.norm2 = normalisation(out_channels, normalised)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1:
            # A Sequential of one, because checkpoints name its parameters `downsample.0`.
            self.downsample = nn.Sequential(Convolution(in_channels, out_channels, 1, stride=stride))

    def forward(self, x: Tensor) -> Tensor:
        """`(N, in_channels, H, W)` to `(N, out_channels, ceil(H / stride), ceil(W / stride))`."""
        y = self.norm1(self.conv1(x)).relu_()
        y = self.norm2(self.conv2(y)).relu_()
        joined: Tensor = self.downsample(x) + y
        return joined.relu_()


class BasicEncoder(nn.Module):
    """Image to feature map.

    Parameters
    ----------
    out_channels
        Channels of the feature map.
    widths
        Channels of the blocks at 1/2, 1/4 and 1/8, and whether all but the last convolution is normalised.
    """

    def __init__(self, out_channels: int = 256, widths: RefinementWidths = FULL_REFINEMENT) -> None:
        super().__init__()
        fine, middle, coarse = widths.encoder
        block = partial(ResidualBlock, normalised=widths.normalised)
        self.conv1 = Convolution(3, fine, 7, stride=2, padding=3)
        self.norm1 = normalisation(fine, widths.normalised)
        self.layer1 = nn.Sequential(block(fine, fine), block(fine, fine))
        self.layer2 = nn.Sequential(block(fine, middle, stride=2), block(middle, middle))
        self.layer3 = nn.Sequential(block(middle, coarse, stride=2), block(coarse, coarse))
        self.conv2 = Convolution(coarse, out_channels, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Features of `images`, `(N, 3, H, W)` in -1..1 with sides divisible by 8: `(N, C, H/8, W/8)`."""
        return self.maps(images)[1]

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` returns, and before it the maps at 1/2, `(N, fine, H/2, W/2)`."""
        fine: Tensor = self.layer1(self.norm1(self.conv1(images)).relu_())
        return fine, self.conv2(self.layer3(self.layer2(fine)))
