"""Features of a frame at three scales, which the synthesis network warps along with the frame itself.

Parameter names are those of the released checkpoint below `module.feat_ext.`.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.3.
   arXiv:2104.02495
"""

from __future__ import annotations

from torch import Tensor, nn

from animeinterp.models.activation import PReLU
from animeinterp.models.convolution import Convolution
from animeinterp.models.widths import FULL_SYNTHESIS

LEVEL_CHANNELS = FULL_SYNTHESIS.features
STRIDE = 4
"""Frame pixels to a feature of the coarsest level, along each axis."""


class FeatureExtractor(nn.Module):
    """Six 3x3 convolutions, each followed by a PReLU of one slope; the third and the fifth halve the size.

    Parameters
    ----------
    channels
        Of the features at full size, 1/2 and 1/4.
    """

    def __init__(self, channels: tuple[int, int, int] = LEVEL_CHANNELS) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.conv1 = Convolution(3, fine, 3, padding=1)
        self.prelu1 = PReLU(inplace=True)
        self.conv2 = Convolution(fine, fine, 3, padding=1)
        self.prelu2 = PReLU(inplace=True)
        self.conv3 = Convolution(fine, middle, 3, stride=2, padding=1)
        self.prelu3 = PReLU(inplace=True)
        self.conv4 = Convolution(middle, middle, 3, padding=1)
        self.prelu4 = PReLU(inplace=True)
        self.conv5 = Convolution(middle, coarse, 3, stride=2, padding=1)
        self.prelu5 = PReLU(inplace=True)
        self.conv6 = Convolution(coarse, coarse, 3, padding=1)
        self.prelu6 = PReLU(inplace=True)

    def forward(self, frames: Tensor) -> list[Tensor]:
        """Features, finest first.

        Parameters
        ----------
        frames
            RGB in -1..1, `(N, 3, H, W)`, sides divisible by 4.

        Returns
        -------
        list of Tensor
            `(N, 32, H, W)`, `(N, 64, H / 2, W / 2)` and `(N, 96, H / 4, W / 4)`.
        """
        fine: Tensor = self.prelu2(self.conv2(self.prelu1(self.conv1(frames))))
        middle: Tensor = self.prelu4(self.conv4(self.prelu3(self.conv3(fine))))
        coarse: Tensor = self.prelu6(self.conv6(self.prelu5(self.conv5(middle))))
        return [fine, middle, coarse]
