"""GridNet: three rows of blocks at three scales, joined by columns that go down and columns that go up.

    x00 - x01 ------- x04 - x05 - frame      32 channels, full size
     |     |           |     |
    x10 - x11 ------- x14 - x15              64 channels, 1/2
     |     |           |     |
    x20 - x21 - x24 - x25                    96 channels, 1/4

Left of the middle the columns lead down, right of it they lead up. Every meeting point is a sum. Parameter
names are those of the released checkpoint below `module.synnet.`.

References
----------
.. [1] D. Fourure et al., "Residual Conv-Deconv Grid Network for Semantic Segmentation", BMVC 2017.
   arXiv:1707.07958
.. [2] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.3.
   arXiv:2104.02495
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from models.feature_extractor import LEVEL_CHANNELS, STRIDE


class GridNet(nn.Module):
    """Two warped frames and their warped features to the frame between them."""

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = LEVEL_CHANNELS
        self.residual_model_head = _lateral(2 * 3, fine)
        self.residual_model_head1 = _lateral(2 * fine, fine)
        self.residual_model_head2 = _lateral(2 * middle, middle)
        self.residual_model_head3 = _lateral(2 * coarse, coarse)
        self.residual_model_01 = _lateral(fine, fine)
        self.residual_model_04 = _lateral(fine, fine)
        self.residual_model_05 = _lateral(fine, fine)
        self.residual_model_tail = _lateral(fine, 3)
        self.residual_model_11 = _lateral(middle, middle)
        self.residual_model_14 = _lateral(middle, middle)
        self.residual_model_15 = _lateral(middle, middle)
        self.residual_model_21 = _lateral(coarse, coarse)
        self.residual_model_24 = _lateral(coarse, coarse)
        self.residual_model_25 = _lateral(coarse, coarse)
        self.downsample_model_10 = _lateral(fine, middle, stride=2)
        self.downsample_model_20 = _lateral(middle, coarse, stride=2)
        self.downsample_model_11 = _lateral(fine, middle, stride=2)
        self.downsample_model_21 = _lateral(middle, coarse, stride=2)
        self.upsample_model_04 = _upward(middle, fine)
        self.upsample_model_14 = _upward(coarse, middle)
        self.upsample_model_05 = _upward(middle, fine)
        self.upsample_model_15 = _upward(coarse, middle)

    def forward(self, frames: Tensor, levels: Sequence[Tensor]) -> Tensor:
        """Draw the frame.

        Parameters
        ----------
        frames
            Warped frame 0 and warped frame 1, joined: `(N, 6, H, W)`, RGB in 0..1, sides divisible by 4.
        levels
            Their warped features, joined the same way: `(N, 64, H, W)`, `(N, 128, H / 2, W / 2)` and
            `(N, 192, H / 4, W / 4)`.

        Returns
        -------
        Tensor
            `(N, 3, H, W)`, not clamped.

        Raises
        ------
        ValueError
            Sides that are not divisible by 4, or levels of other shapes.
        """
        _check(frames, levels)
        fine, middle, coarse = levels
        x0 = self.residual_model_head(frames) + self.residual_model_head1(fine)
        x1 = self.downsample_model_10(x0) + self.residual_model_head2(middle)
        x2 = self.downsample_model_20(x1) + self.residual_model_head3(coarse)
        # Second column, downwards.
        x0 = _residual(self.residual_model_01, x0)
        x1 = _residual(self.residual_model_11, x1) + self.downsample_model_11(x0)
        x2 = _residual(self.residual_model_21, x2) + self.downsample_model_21(x1)
        # Third column, upwards.
        x2 = _residual(self.residual_model_24, x2)
        x1 = _residual(self.residual_model_14, x1) + self.upsample_model_14(x2)
        x0 = _residual(self.residual_model_04, x0) + self.upsample_model_04(x1)
        # Fourth column, upwards.
        x2 = _residual(self.residual_model_25, x2)
        x1 = _residual(self.residual_model_15, x1) + self.upsample_model_15(x2)
        x0 = _residual(self.residual_model_05, x0) + self.upsample_model_05(x1)
        frame: Tensor = self.residual_model_tail(x0)
        return frame


def _lateral(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.PReLU(),
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1),
        nn.PReLU(),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
    )


def _upward(in_channels: int, out_channels: int) -> nn.Sequential:
    upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    return nn.Sequential(upsample, *_lateral(in_channels, out_channels))


def _residual(block: nn.Module, x: Tensor) -> Tensor:
    result: Tensor = block(x) + x
    return result


def _check(frames: Tensor, levels: Sequence[Tensor]) -> None:
    if frames.ndim != 4 or frames.shape[1] != 2 * 3 or frames.shape[2] % STRIDE or frames.shape[3] % STRIDE:
        raise ValueError(
            f"frames has shape {tuple(frames.shape)}, expected (N, 6, H, W) with sides divisible by {STRIDE}"
        )
    batch, _, height, width = frames.shape
    expected = [
        (batch, 2 * channels, height >> level, width >> level)
        for level, channels in enumerate(LEVEL_CHANNELS)
    ]
    found = [tuple(level.shape) for level in levels]
    if found != expected:
        raise ValueError(f"levels has shapes {found}, expected {expected} for frames {tuple(frames.shape)}")
