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

from collections.abc import Iterable, Iterator

from torch import Tensor, nn

from animeinterp.models.activation import PReLU
from animeinterp.models.convolution import Convolution
from animeinterp.models.feature_extractor import STRIDE
from animeinterp.models.widths import FULL_SYNTHESIS, SynthesisWidths


class GridNet(nn.Module):
    """Two warped frames and their warped features to the frame between them.

    Parameters
    ----------
    widths
        Channels of the rows, of the maps that come into them and of the result. What is said of `forward` is
        for the full network, as in the drawing above.
    """

    def __init__(self, widths: SynthesisWidths = FULL_SYNTHESIS) -> None:
        super().__init__()
        self._widths = widths
        fine, middle, coarse = widths.rows
        self.residual_model_head = _lateral(2 * 3, fine)
        self.residual_model_head1 = _lateral(widths.levels[0], fine)
        self.residual_model_head2 = _lateral(widths.levels[1], middle)
        self.residual_model_head3 = _lateral(widths.levels[2], coarse)
        self.residual_model_01 = _lateral(fine, fine)
        self.residual_model_04 = _lateral(fine, fine)
        self.residual_model_05 = _lateral(fine, fine)
        self.residual_model_tail = _lateral(fine, widths.drawn, between=widths.before)
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

    def forward(self, frames: Tensor, levels: Iterable[Tensor]) -> Tensor:
        """Draw the frame.

        Parameters
        ----------
        frames
            Warped frame 0 and warped frame 1, joined: `(N, 6, H, W)`, RGB in 0..1, sides divisible by 4.
        levels
            Their warped features, joined the same way: `(N, 64, H, W)`, `(N, 128, H / 2, W / 2)` and
            `(N, 192, H / 4, W / 4)`. Each is asked for when its turn comes and not kept, so that an
            iterator that makes them one after the other keeps memory low.

        Returns
        -------
        Tensor
            `(N, 3, H, W)`, not clamped.

        Raises
        ------
        ValueError
            Sides that are not divisible by 4, or levels of other shapes.
        """
        _check_frames(frames)
        dtype = next(self.parameters()).dtype
        checked = (level.to(dtype) for level in _check_levels(frames, levels, self._widths.levels))
        # First column, downwards. Sums are made in place, in what a block has just returned.
        x0 = self.residual_model_head1(next(checked)).add_(self.residual_model_head(frames.to(dtype)))
        x1 = self.residual_model_head2(next(checked)).add_(self.downsample_model_10(x0))
        x2 = self.residual_model_head3(next(checked)).add_(self.downsample_model_20(x1))
        # Second column, downwards.
        x0 = _residual(self.residual_model_01, x0)
        x1 = _residual(self.residual_model_11, x1).add_(self.downsample_model_11(x0))
        x2 = _residual(self.residual_model_21, x2).add_(self.downsample_model_21(x1))
        # Third column, upwards. What comes from below is made first, while there are fewest maps beside it.
        x2 = _residual(self.residual_model_24, x2)
        x1 = self.upsample_model_14(x2).add_(_residual(self.residual_model_14, x1))
        x0 = self.upsample_model_04(x1).add_(_residual(self.residual_model_04, x0))
        # Fourth column, upwards.
        x2 = _residual(self.residual_model_25, x2)
        x1 = self.upsample_model_15(x2).add_(_residual(self.residual_model_15, x1))
        x0 = self.upsample_model_05(x1).add_(_residual(self.residual_model_05, x0))
        frame: Tensor = self.residual_model_tail(x0)
        return frame


def _lateral(
    in_channels: int, out_channels: int, stride: int = 1, *, own_input: bool = False, between: int = 0
) -> nn.Sequential:
    """A block; `own_input` says that nobody else reads what it is given, `between` are channels inside."""
    between = between or out_channels
    return nn.Sequential(
        PReLU(inplace=own_input),
        Convolution(in_channels, between, 3, stride=stride, padding=1),
        PReLU(inplace=True),
        Convolution(between, out_channels, 3, padding=1),
    )


def _upward(in_channels: int, out_channels: int) -> nn.Sequential:
    upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    return nn.Sequential(upsample, *_lateral(in_channels, out_channels, own_input=True))


def _residual(block: nn.Module, x: Tensor) -> Tensor:
    result: Tensor = block(x)
    return result.add_(x)


def _check_frames(frames: Tensor) -> None:
    if frames.ndim != 4 or frames.shape[1] != 2 * 3 or frames.shape[2] % STRIDE or frames.shape[3] % STRIDE:
        raise ValueError(
            f"frames has shape {tuple(frames.shape)}, expected (N, 6, H, W) with sides divisible by {STRIDE}"
        )


def _check_levels(frames: Tensor, levels: Iterable[Tensor], widths: tuple[int, int, int]) -> Iterator[Tensor]:
    batch, _, height, width = frames.shape
    remaining = iter(levels)
    for number, channels in enumerate(widths):
        expected = (batch, channels, height >> number, width >> number)
        level = next(remaining, None)
        if level is None or level.shape != expected:
            found = "is missing" if level is None else f"has shape {tuple(level.shape)}"
            raise ValueError(
                f"levels[{number}] {found}, expected {expected} for frames {tuple(frames.shape)}"
            )
        yield level
        del level
