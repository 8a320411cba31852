"""The synthesis network: frames and their features splatted to a time between them, then drawn by GridNet.

Frames are RGB in 0..1, `(N, 3, H, W)`; flows are `(N, 2, H, W)`, pixels. Parameter names are those of the
released checkpoint below `module.`.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.3.
   arXiv:2104.02495
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from models.feature_extractor import STRIDE, FeatureExtractor
from models.flow import check_pair, resize_flow
from models.gridnet import GridNet
from models.splatting import brightness_importance, splat

Splatting = Literal["average", "softmax"]


class Source(NamedTuple):
    """One frame of a pair, ready to be splatted to any time; all maps padded to sides divisible by 4."""

    frame: Tensor
    """`(N, 3, H, W)`, 0..1."""
    features: list[Tensor]
    """Three levels, finest first."""
    flow: Tensor
    """`(N, 2, H, W)`: the whole way to the other frame."""
    importance: Tensor | None
    """`(N, 1, H, W)` for softmax splatting, None for average splatting."""


class SynthesisNetwork(nn.Module):
    """Feature extractor and GridNet.

    Notes
    -----
    Frames whose sides are not divisible by 4, which the released program refuses, are padded at the right and
    at the bottom by repeating the edge; the result is cropped. Pixels added are not moved, so none of
    them lands inside the frame.
    """

    def __init__(self) -> None:
        super().__init__()
        self.feat_ext = FeatureExtractor()
        self.synnet = GridNet()

    def forward(
        self,
        frame0: Tensor,
        frame1: Tensor,
        flow01: Tensor,
        flow10: Tensor,
        t: float,
        *,
        splatting: Splatting = "softmax",
        alpha: float = -20.0,
    ) -> Tensor:
        """The frame at time t.

        Parameters
        ----------
        frame0, frame1
            `(N, 3, H, W)`, 0..1.
        flow01, flow10
            `(N, 2, H, W)`.
        t
            In 0..1; 0 = frame 0.
        splatting
            `softmax` lets pixels win that look like where their flow points; `average`, as in the
            released program, treats all alike.
        alpha
            Factor on the brightness difference of softmax splatting.

        Returns
        -------
        Tensor
            `(N, 3, H, W)`, not clamped.

        Raises
        ------
        ValueError
            Shapes that do not fit each other.
        """
        source0, source1 = self.prepare(frame0, frame1, flow01, flow10, splatting=splatting, alpha=alpha)
        height, width = frame0.shape[-2:]
        return self.draw(source0, source1, t)[..., :height, :width]

    def prepare(
        self,
        frame0: Tensor,
        frame1: Tensor,
        flow01: Tensor,
        flow10: Tensor,
        *,
        splatting: Splatting,
        alpha: float,
    ) -> tuple[Source, Source]:
        """What is the same for all times; parameters and errors as for `forward`."""
        if frame0.shape != frame1.shape:
            raise ValueError(
                f"frame1 has shape {tuple(frame1.shape)} and frame0 {tuple(frame0.shape)}, expected the same"
            )
        check_pair(frame0, flow01, "frame0")
        check_pair(frame1, flow10, "frame1")
        return (
            self._source(frame0, frame1, flow01, alpha if splatting == "softmax" else None),
            self._source(frame1, frame0, flow10, alpha if splatting == "softmax" else None),
        )

    def draw(self, source0: Source, source1: Source, t: float) -> Tensor:
        """The frame at time t from two sources, `(N, 3, H, W)` of their padded size, not clamped."""
        warped0 = splat_levels(source0, t)
        warped1 = splat_levels(source1, 1 - t)
        frames, *levels = (torch.cat(both, dim=1) for both in zip(warped0, warped1, strict=True))
        del warped0, warped1  # the joined copies are enough
        result: Tensor = self.synnet(frames, levels)
        return result

    def _source(self, frame: Tensor, other: Tensor, flow: Tensor, alpha: float | None) -> Source:
        importance = None if alpha is None else brightness_importance(frame, other, flow, alpha)
        height, width = frame.shape[-2:]
        margin = (0, -width % STRIDE, 0, -height % STRIDE)
        frame = pad(frame, margin, mode="replicate")
        features = self.feat_ext(2 * frame - 1)
        if importance is not None:
            importance = pad(importance, margin, mode="replicate")
        return Source(frame, features, pad(flow, margin), importance)


def splat_levels(source: Source, share: float) -> list[Tensor]:
    """The frame and its features, finest first, carried along `share` of the flow.

    Parameters
    ----------
    source
        From `SynthesisNetwork.prepare`.
    share
        0..1: t for frame 0, 1 - t for frame 1.

    Returns
    -------
    list of Tensor
        `(N, 3, H, W)`, then three levels of features; 0 in holes.
    """
    # Frame and finest features share one grid and one flow.
    fine = torch.cat([source.frame, source.features[0]], dim=1)
    warped = []
    for values in (fine, *source.features[1:]):
        size = (values.shape[2], values.shape[3])
        importance = source.importance
        if importance is not None:
            importance = interpolate(importance, size=size, mode="bilinear")
        warped.append(splat(values, resize_flow(share * source.flow, size, "nearest"), importance).values)
    return [warped[0][:, :3], warped[0][:, 3:], *warped[1:]]
