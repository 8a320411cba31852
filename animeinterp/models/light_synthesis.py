"""The light synthesis network: masks that blend the two splatted frames and the composite.

Frames are RGB in 0..1, `(N, 3, H, W)`, of any size; flows are `(N, 2, H, W)`, pixels. Frames and two levels
of features are splatted to the time wanted, each pixel weighed by its brightness difference and by the
importance that the light RFR has learned. A GridNet sees them, how much weight landed where, the holes, and
the composite: the frame that `stages.composite` makes of other flows, those that the RFR has started from.
Where flows are learned and where they are searched they fail at different places. Masks change little
between neighbours, so that those of all but small frames are drawn at a smaller size (`enlarge`).

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.3.
   arXiv:2104.02495
.. [2] S. Niklaus, F. Liu, "Softmax Splatting for Video Frame Interpolation", CVPR 2020. arXiv:2003.05534
.. [3] H. Jiang et al., "Super SloMo: High Quality Estimation of Multiple Intermediate Frames", CVPR 2018,
   equation 2: a mask for the frames carried from both sides. arXiv:1712.00080
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from animeinterp.models.feature_extractor import FeatureExtractor
from animeinterp.models.flow import check_pair
from animeinterp.models.gridnet import GridNet
from animeinterp.models.padding import pad_edge
from animeinterp.models.precision import channels_last
from animeinterp.models.splatting import Splatted, brightness_importance, splat
from animeinterp.models.synthesis_network import (
    Carried,
    Source,
    carry,
    check_inputs,
    pad_flow,
    pad_frame,
    splat_together,
)
from animeinterp.models.widths import LIGHT_SYNTHESIS

ALPHA = -20.0
"""Factor on the brightness difference in splatting, as `synthesis.softmax_alpha` has it."""

LEAST_SHARE = 0.5
"""Of the composite, where a network draws that is not in training: what is learned has half of a pixel at
most. On drawn cartoons and scenes, as it was trained on, more trust makes no difference; films are none."""
ROWS_TOGETHER = 256
"""Of frames that are blended at their full size, so that memory does not grow with all of it."""
NEARER_FRAME_0 = 0.5
"""Time up to which frame 0 is the nearer one."""


class Drawn(NamedTuple):
    """A frame, and how it was put together."""

    frame: Tensor
    """`(N, 3, H, W)`."""
    mask: Tensor
    """`(N, 1, H, W)`, 0..1: frame 0's share of what was splatted, where both frames cover a pixel."""
    share: Tensor
    """`(N, 1, H, W)`, 0..1: the composite's share of the frame; `LEAST_SHARE` or more but in training."""


class LightSynthesis(nn.Module):
    """Feature extractor and GridNet with the widths of `models.widths.LIGHT_SYNTHESIS`.

    Notes
    -----
    Until it is trained it returns the mean of the composite and the blend: the mean of the two splatted
    frames where both cover a pixel, the covering one where only one does, the nearer frame, unmoved, where
    none does (frame 0 at t = 0.5).
    """

    def __init__(self) -> None:
        super().__init__()
        self.feat_ext = FeatureExtractor(LIGHT_SYNTHESIS.features)
        self.synnet = GridNet(LIGHT_SYNTHESIS)
        for parameter in self.synnet.residual_model_tail[-1].parameters():
            nn.init.zeros_(parameter)

    def set_precision(self, dtype: torch.dtype) -> Self:
        """Convolve in another precision; frames, flows and splatting stay in float32."""
        return channels_last(self.to(dtype))

    def forward(
        self,
        frame0: Tensor,
        frame1: Tensor,
        flow01: Tensor,
        flow10: Tensor,
        t: float | Tensor,
        composite: Tensor,
        *,
        importance01: Tensor | None = None,
        importance10: Tensor | None = None,
        alpha: float = ALPHA,
    ) -> Drawn:
        """The frame at time t.

        Parameters
        ----------
        frame0, frame1
            `(N, 3, H, W)`, 0..1.
        flow01, flow10
            `(N, 2, H, W)`.
        t
            In (0, 1), 0 = frame 0; one for all, or `(N,)`.
        composite
            `(N, 3, H, W)`, 0..1: the frames at that time, made from other flows.
        importance01, importance10
            `(N, 1, H, W)`, importance of the pixels of frame 0 and frame 1 from `models.light_rfr.LightRFR`;
            None leaves it to brightness.
        alpha
            Factor on the brightness difference, see `models.splatting.brightness_importance`.

        Returns
        -------
        Drawn
            Frame and masks.

        Raises
        ------
        ValueError
            Shapes that do not fit each other, or a time outside of (0, 1).
        """
        source0, source1 = self.prepare(
            frame0, frame1, flow01, flow10, importance01=importance01, importance10=importance10, alpha=alpha
        )
        return self.draw(source0, source1, t, composite)

    def prepare(
        self,
        frame0: Tensor,
        frame1: Tensor,
        flow01: Tensor,
        flow10: Tensor,
        *,
        importance01: Tensor | None = None,
        importance10: Tensor | None = None,
        alpha: float = ALPHA,
    ) -> tuple[Source, Source]:
        """What is the same for all times; parameters and errors as for `forward`."""
        check_inputs(frame0, frame1, flow01, flow10)
        for importance, flow, name in ((importance01, flow01, "frame0"), (importance10, flow10, "frame1")):
            if importance is not None:
                check_pair(importance, flow, f"the importance of {name}")
        frames = torch.cat([frame0, frame1])
        weighed = (
            brightness_importance(frame0, frame1, flow01, alpha, importance01),
            brightness_importance(frame1, frame0, flow10, alpha, importance10),
        )
        frames = pad_frame(frames)
        # The finest features only lead to the others; the frame itself replaces them.
        levels = [frames, *(level.to(frames.dtype) for level in self.feat_ext(2 * frames - 1)[1:])]
        sources = []
        for half, (flow, importance) in enumerate(zip((flow01, flow10), weighed, strict=True)):
            own = [level.chunk(2)[half] for level in levels]
            sources.append(Source(own, pad_flow(flow), pad_edge(importance, *own[0].shape[2:])))
        return sources[0], sources[1]

    def draw(self, source0: Source, source1: Source, t: float | Tensor, composite: Tensor) -> Drawn:
        """The frame at time t from two sources, of the composite's size; as `forward` besides."""
        size = composite.shape[-2:]
        composite = pad_frame(composite)
        check_pair(composite, source0.flow, "the composite, padded,")
        share = _as_shares(t, source0.flow)
        carried = carry(source0, share), carry(source1, 1 - share)
        landed0, landed1 = (splat(*levels[0]) for levels in carried)
        nearer = torch.where(share <= NEARER_FRAME_0, source0.levels[0], source1.levels[0])
        seen = _without_holes(landed0, landed1, nearer)
        joined = _maps(carried, landed0, landed1, composite, share)
        drawn = self.synnet(torch.cat(seen, dim=1), joined).to(composite.dtype)
        mask, wanted = torch.sigmoid(drawn).chunk(2, dim=1)
        held = wanted if self.training else wanted.clamp(min=LEAST_SHARE)
        return Drawn(*(x[..., : size[0], : size[1]] for x in _blend(*seen, composite, mask, held)))


def enlarge(
    drawn: Drawn,
    frame0: Tensor,
    frame1: Tensor,
    flow01: Tensor,
    flow10: Tensor,
    t: float | Tensor,
    composite: Tensor,
    *,
    importance01: Tensor | None = None,
    importance10: Tensor | None = None,
) -> Drawn:
    """The frame at the size of these frames, by the masks of one that was drawn from smaller ones.

    Parameters
    ----------
    drawn
        By `LightSynthesis`.
    frame0, frame1, flow01, flow10, t, composite, importance01, importance10
        As for `LightSynthesis.forward`.
    """
    weights = (
        brightness_importance(frame0, frame1, flow01, ALPHA, importance01),
        brightness_importance(frame1, frame0, flow10, ALPHA, importance10),
    )
    height, size = frame0.shape[-2], frame0.shape[-2:]
    mask, share = (interpolate(each, size, mode="bilinear") for each in (drawn.mask, drawn.share))
    time = _as_shares(t, flow01)
    nearer = torch.where(time <= NEARER_FRAME_0, frame0, frame1)
    flow01, flow10 = time * flow01, (1 - time) * flow10
    frame = torch.empty_like(composite)
    for first in range(0, height, ROWS_TOGETHER):
        last = min(first + ROWS_TOGETHER, height)
        rows = slice(first, last)
        landed0 = splat(frame0, flow01, weights[0], rows=(first, last))
        landed1 = splat(frame1, flow10, weights[1], rows=(first, last))
        seen = _without_holes(landed0, landed1, nearer[:, :, rows])
        frame[:, :, rows] = _blend(*seen, composite[:, :, rows], mask[:, :, rows], share[:, :, rows]).frame
    return Drawn(frame, mask, share)


def _without_holes(landed0: Splatted, landed1: Splatted, nearer: Tensor) -> tuple[Tensor, Tensor]:
    """Both splatted frames; a hole shows what the other has there, so that any blend of them is right."""
    covered0, covered1 = landed0.weights > 0, landed1.weights > 0
    return (
        torch.where(covered0, landed0.values, torch.where(covered1, landed1.values, nearer)),
        torch.where(covered1, landed1.values, torch.where(covered0, landed0.values, nearer)),
    )


def _blend(seen0: Tensor, seen1: Tensor, composite: Tensor, mask: Tensor, share: Tensor) -> Drawn:
    return Drawn(torch.lerp(torch.lerp(seen1, seen0, mask), composite, share), mask, share)


def _maps(
    carried: tuple[list[Carried], list[Carried]],
    landed0: Splatted,
    landed1: Splatted,
    composite: Tensor,
    share: Tensor,
) -> Iterator[Tensor]:
    """What the rows of the GridNet take beside the frames, finest first; made when it comes to them."""
    weights = torch.cat([landed0.weights, landed1.weights], dim=1)
    time = share.expand(-1, 1, *weights.shape[2:])
    yield torch.cat([weights / (1 + weights), (weights == 0).to(weights.dtype), time, composite], dim=1)
    yield from splat_together(carried, 0, composite.shape[-2], start=1)


def _as_shares(t: float | Tensor, flow: Tensor) -> Tensor:
    """Times as `(N, 1, 1, 1)`."""
    times = torch.as_tensor(t, dtype=flow.dtype, device=flow.device).reshape(-1, 1, 1, 1)
    if times.shape[0] not in (1, flow.shape[0]) or not bool(((times > 0) & (times < 1)).all()):
        raise ValueError(f"t is {t}, expected a time between 0 and 1, or one for each of {flow.shape[0]}")
    return times.expand(flow.shape[0], 1, 1, 1)
