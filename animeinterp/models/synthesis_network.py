"""The synthesis network: frames and their features splatted to a time between them, then drawn by GridNet.

Frames are RGB in 0..1, `(N, 3, H, W)`; flows are `(N, 2, H, W)`, pixels. Parameter names are those of the
released checkpoint below `module.`.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.3.
   arXiv:2104.02495
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from animeinterp.models.feature_extractor import STRIDE, FeatureExtractor
from animeinterp.models.flow import check_pair, resize_flow
from animeinterp.models.gridnet import GridNet
from animeinterp.models.padding import pad_edge
from animeinterp.models.splatting import brightness_importance, splat

Splatting = Literal["average", "softmax"]

HALO = 64
"""Rows beyond which nothing reaches a pixel through the GridNet; tested."""
# Pixels that the GridNet draws at once; larger frames are drawn in strips of rows, each with a halo. Of very
# large frames, whose features take the most memory anyway, a strip is a quarter: halos stay a small part.
STRIP_PIXELS = 1 << 20
MOST_STRIPS = 4


class Source(NamedTuple):
    """One frame of a pair, ready to be splatted to any time; all maps padded to sides divisible by 4."""

    levels: list[Tensor]
    """The frame, 0..1, and its features, finest first: `(N, 3, H, W)`, `(N, 32, H, W)`,
    `(N, 64, H / 2, W / 2)` and `(N, 96, H / 4, W / 4)`."""
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

    def set_precision(self, dtype: torch.dtype) -> Self:
        """Convolve in another precision; frames, flows and splatting stay in float32."""
        return self.to(dtype)

    def forward(
        self,
        frame0: Tensor,
        frame1: Tensor,
        flow01: Tensor,
        flow10: Tensor,
        t: float | Tensor,
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
            In 0..1; 0 = frame 0. One for all, or `(N, 1, 1, 1)`.
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
        check_inputs(frame0, frame1, flow01, flow10)
        return (
            self._source(frame0, frame1, flow01, alpha if splatting == "softmax" else None),
            self._source(frame1, frame0, flow10, alpha if splatting == "softmax" else None),
        )

    def draw(self, source0: Source, source1: Source, t: float | Tensor) -> Tensor:
        """The frame at time t from two sources, `(N, 3, H, W)` of their padded size, not clamped."""
        height, width = source0.flow.shape[-2:]
        carried = carry(source0, t), carry(source1, 1 - t)
        drawn = [
            self._draw_rows(carried, first, last)[:, :, kept] for first, last, kept in strips(height, width)
        ]
        return torch.cat(drawn, dim=2)

    def _draw_rows(self, carried: tuple[list[Carried], list[Carried]], first: int, last: int) -> Tensor:
        # Each level is splatted when the GridNet reaches it, and freed after it has been read.
        joined = splat_together(carried, first, last)
        frames = next(joined)
        result: Tensor = self.synnet(frames, joined)
        return result.to(frames.dtype)

    def _source(self, frame: Tensor, other: Tensor, flow: Tensor, alpha: float | None) -> Source:
        importance = None if alpha is None else brightness_importance(frame, other, flow, alpha)
        frame = pad_frame(frame)
        features = [level.to(frame.dtype) for level in self.feat_ext(2 * frame - 1)]
        if importance is not None:
            importance = pad_edge(importance, *frame.shape[2:])
        return Source([frame, *features], pad_flow(flow), importance)


def check_inputs(frame0: Tensor, frame1: Tensor, flow01: Tensor, flow10: Tensor) -> None:
    """Refuse frames and flows that do not fit each other, by a ValueError that names the argument."""
    if frame0.shape != frame1.shape:
        raise ValueError(
            f"frame1 has shape {tuple(frame1.shape)} and frame0 {tuple(frame0.shape)}, expected the same"
        )
    check_pair(frame0, flow01, "frame0")
    check_pair(frame1, flow10, "frame1")


def strips(height: int, width: int) -> Iterator[tuple[int, int, slice]]:
    """The strips of rows in which a frame is drawn: `first`, `last`, and which of these rows are kept."""
    count = min(MOST_STRIPS, -(-height * width // STRIP_PIXELS))
    rows = -(-height // (count * STRIDE)) * STRIDE
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first, last = max(0, top - HALO), min(height, bottom + HALO)
        yield first, last, slice(top - first, bottom - first)


def pad_frame(frame: Tensor) -> Tensor:
    """Extend a frame to sides divisible by 4 by repeating its edge."""
    height, width = frame.shape[-2:]
    padded = pad_edge(frame, height + -height % STRIDE, width + -width % STRIDE)
    # Convolutions on the CPU are fastest with channels last; the format is kept by all that follows.
    return padded.contiguous(memory_format=torch.channels_last)


def pad_flow(flow: Tensor) -> Tensor:
    """Extend a flow to sides divisible by 4; pixels added are not moved."""
    height, width = flow.shape[-2:]
    margin = (0, -width % STRIDE, 0, -height % STRIDE)
    return pad(flow, margin) if any(margin) else flow


class Carried(NamedTuple):
    """A level of a source and where it goes: the arguments of `splat`."""

    values: Tensor
    flow: Tensor
    importance: Tensor | None


def carry(source: Source, share: float | Tensor) -> list[Carried]:
    """The levels of a source on their way along `share` of its flow, one for all or `(N, 1, 1, 1)`."""
    carried: list[Carried] = []
    for values in source.levels:
        if carried and carried[-1].values.shape[2:] == values.shape[2:]:  # frame and finest features
            carried.append(carried[-1]._replace(values=values))
            continue
        size = (values.shape[2], values.shape[3])
        importance = source.importance
        if importance is not None:
            importance = interpolate(importance, size=size, mode="bilinear")
        carried.append(Carried(values, resize_flow(share * source.flow, size, "nearest"), importance))
    return carried


def splat_together(
    carried: tuple[list[Carried], list[Carried]], first: int, last: int, start: int = 0
) -> Iterator[Tensor]:
    """The levels of both sources, from `start` on, where they land, joined; on rows `first` to `last`."""
    height = carried[0][0].values.shape[2]
    for both in islice(zip(*carried, strict=True), start, None):
        scale = height // both[0].values.shape[2]
        rows = first // scale, last // scale
        yield torch.cat([splat(*level, rows).values for level in both], dim=1)
