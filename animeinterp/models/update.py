"""The recurrent update of the RFR, as in RAFT's basic model, and the convex upsampling of its flow.

Throughout, maps are `(N, C, h, w)` at 1/8 of the frame's size and flows are in cells of that grid.

References
----------
.. [1] Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020,
   section 3.3 and appendices A, B. arXiv:2003.12039
.. [2] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.2.
   arXiv:2104.02495
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import unfold

from animeinterp.models.convolution import Convolution, convolve
from animeinterp.models.correlation import Correlation
from animeinterp.models.encoder import STRIDE
from animeinterp.models.likeness import NEIGHBOURS, Likeness
from animeinterp.models.widths import FULL_REFINEMENT, RefinementWidths

HIDDEN_CHANNELS = FULL_REFINEMENT.hidden
CONTEXT_CHANNELS = FULL_REFINEMENT.context
# RAFT scales the mask's logits to balance gradients (princeton-vl/RAFT, core/update.py); weights rely on it.
MASK_SCALE = 0.25


class Gate(NamedTuple):
    """One convolution of the GRU, or several joined, made ready for one context."""

    weight: Tensor
    """`(K, 256, rows, columns)`: kernels for the join [hidden state, motion]."""
    term: Tensor
    """`(N, K, h, w)`: what context and bias add."""

    def __call__(self, hidden_state: Tensor, motion: Tensor) -> Tensor:
        """`(N, K, h, w)`, before the gate's sigmoid or tanh."""
        joined = torch.cat([hidden_state, motion], dim=1)
        return convolve(joined, self.weight, None, padding=_padding(self.weight)).add_(self.term)


class GatePass(NamedTuple):
    """A pass of the GRU, along rows or along columns, made ready for one context."""

    update_and_reset: Gate
    """Both at once, as they see the same input: K = 256."""
    candidate: Gate
    """K = 128."""


class MotionEncoder(nn.Module):
    """Correlations and flow to motion features, the flow itself being the last two of them."""

    def __init__(self, widths: RefinementWidths = FULL_REFINEMENT) -> None:
        super().__init__()
        (c1, c2), (f1, f2) = widths.correlation_hidden, widths.flow_hidden
        self.convc1 = Convolution(widths.looked_up, c1, 1)
        self.convc2 = Convolution(c1, c2, 3, padding=1)
        self.convf1 = Convolution(2, f1, 7, padding=3)
        self.convf2 = Convolution(f1, f2, 3, padding=1)
        self.conv = Convolution(c2 + f2, widths.motion - 2, 3, padding=1)

    def forward(self, flow: Tensor, correlations: Tensor) -> Tensor:
        """`(N, 2, h, w)` and `(N, 324, h, w)` to `(N, 128, h, w)`."""
        c = self.convc2(self.convc1(correlations).relu_()).relu_()
        f = self.convf2(self.convf1(flow).relu_()).relu_()
        joined = self.conv(torch.cat([c, f], dim=1)).relu_()
        return torch.cat([joined, flow.to(joined.dtype)], dim=1)


class SepConvGRU(nn.Module):
    """Gated recurrent unit with separable convolutions: a pass along rows, then one along columns.

    With the hidden state h, the context c and the motion m, a pass is

        z = sigmoid(Wz * [h, c, m] + bz)      the update gate
        r = sigmoid(Wr * [h, c, m] + br)      the reset gate
        q = tanh(Wq * [r h, c, m] + bq)       the candidate
        h' = (1 - z) h + z q

    The context is the same in all iterations, and W * [h, c, m] + b = W' * [h, m] + (Wc * c + b) with the
    kernels W' for h and m and Wc for c. So `prepare` computes the term in brackets once, for every call of
    `forward`.
    """

    def __init__(self, widths: RefinementWidths = FULL_REFINEMENT) -> None:
        super().__init__()
        self._widths, hidden = widths, widths.hidden
        channels = widths.hidden + widths.context + widths.motion
        self.convz1 = Convolution(channels, hidden, (1, 5), padding=(0, 2))
        self.convr1 = Convolution(channels, hidden, (1, 5), padding=(0, 2))
        self.convq1 = Convolution(channels, hidden, (1, 5), padding=(0, 2))
        self.convz2 = Convolution(channels, hidden, (5, 1), padding=(2, 0))
        self.convr2 = Convolution(channels, hidden, (5, 1), padding=(2, 0))
        self.convq2 = Convolution(channels, hidden, (5, 1), padding=(2, 0))

    def prepare(self, context: Tensor) -> list[GatePass]:
        """The two passes made ready for a context, `(N, 128, h, w)`."""
        return [
            GatePass(self._gate(context, z, r), self._gate(context, q))
            for z, r, q in ((self.convz1, self.convr1, self.convq1), (self.convz2, self.convr2, self.convq2))
        ]

    def _gate(self, context: Tensor, *convolutions: Convolution) -> Gate:
        weight = torch.cat([convolution.weight for convolution in convolutions])
        bias = torch.cat([convolution.bias for convolution in convolutions if convolution.bias is not None])
        channels = [self._widths.hidden, self._widths.context, self._widths.motion]
        of_hidden, of_context, of_motion = torch.split(weight, channels, dim=1)
        term = convolve(context, of_context, bias, padding=_padding(weight))
        return Gate(torch.cat([of_hidden, of_motion], dim=1), term)

    def forward(self, hidden_state: Tensor, motion: Tensor, passes: list[GatePass]) -> Tensor:
        """The next hidden state, `(N, 128, h, w)` in -1..1.

        Parameters
        ----------
        hidden_state, motion
            `(N, 128, h, w)` each.
        passes
            From `prepare`.
        """
        kept = hidden_state.dtype
        for update_and_reset, candidate in passes:
            # The state gathers over the iterations, in float32; the gates compute in the weights' precision.
            h = hidden_state.to(motion.dtype)
            z, r = update_and_reset(h, motion).sigmoid_().chunk(2, dim=1)
            q = candidate(r * h, motion).tanh_()
            hidden_state = torch.lerp(hidden_state, q.to(kept), z.to(kept))
        return hidden_state


def _padding(weight: Tensor) -> tuple[int, int]:
    """What keeps the size of a map that is convolved with these kernels."""
    return weight.shape[2] // 2, weight.shape[3] // 2


class FlowHead(nn.Module):
    """Hidden state to the change of the flow."""

    def __init__(self, widths: RefinementWidths = FULL_REFINEMENT) -> None:
        super().__init__()
        self.conv1 = Convolution(widths.hidden, widths.head, 3, padding=1)
        self.conv2 = Convolution(widths.head, 2, 3, padding=1)

    def forward(self, hidden_state: Tensor) -> Tensor:
        """`(N, 128, h, w)` to `(N, 2, h, w)`."""
        change: Tensor = self.conv2(self.conv1(hidden_state).relu_())
        return change


class UpdateBlock(nn.Module):
    """One recurrent update: motion encoder, GRU, flow head; and the mask for upsampling the last flow."""

    def __init__(self, widths: RefinementWidths = FULL_REFINEMENT) -> None:
        super().__init__()
        self.encoder = MotionEncoder(widths)
        self.gru = SepConvGRU(widths)
        self.flow_head = FlowHead(widths)
        self.mask = nn.Sequential(
            Convolution(widths.hidden, widths.mask, 3, padding=1),
            nn.ReLU(inplace=True),
            Convolution(widths.mask, NEIGHBOURS * STRIDE**2, 1),
        )
        if widths.likeness:
            self.likeness = Likeness(widths.encoder[0], widths.hidden, widths.likeness)

    def iterate(
        self,
        hidden: Tensor,
        context: Tensor,
        correlation: Correlation,
        flow: Tensor,
        iterations: int,
        *,
        every: bool = False,
        queries: Tensor | None = None,
    ) -> tuple[list[Tensor], Tensor]:
        """The flows after the last iteration or after `every`, upsampled, and the last hidden state.

        Parameters
        ----------
        hidden, context
            `(N, 128, h, w)` each: features of the frames, to which tanh and relu are applied here. N is even:
            both directions are one batch.
        correlation
            Of the frames with those that the flows lead to.
        flow
            `(N, 2, h, w)`, where the updates start; those returned are `(N, 2, 8h, 8w)`, in fine pixels.
        queries
            `(N * h * w, 64, width)`, what the pixels ask of cells, for a block with `likeness`.
        """
        hidden_state, passes = torch.tanh(hidden), self.gru.prepare(torch.relu(context))
        grid = own_positions(flow)
        start = flow
        flow = flow.contiguous(memory_format=torch.channels_last)
        flows = []
        for k in range(iterations):
            # As in RAFT no gradient goes from an iteration to the flow that it started from.
            flow = flow.detach()
            hidden_state, change = self(hidden_state, passes, correlation.lookup(grid + flow), flow)
            flow = flow + change
            if start.requires_grad:
                # The sum begins with the initial flow, whose confidence is learned [2]_: its gradient, and 0.
                flow = flow + (start - start.detach())
            if every or k == iterations - 1:
                flows.append(self._upsample(flow, hidden_state, queries))
        return flows, hidden_state

    def forward(
        self, hidden_state: Tensor, passes: list[GatePass], correlations: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The next hidden state, `(N, 128, h, w)`, and the change of the flow, `(N, 2, h, w)`.

        Parameters
        ----------
        hidden_state
            `(N, 128, h, w)`, -1..1.
        passes
            From the GRU's `prepare`.
        correlations
            `(N, 324, h, w)`, looked up at the end points of `flow`.
        flow
            `(N, 2, h, w)`.
        """
        hidden_state = self.gru(hidden_state, self.encoder(flow, correlations), passes)
        return hidden_state, self.flow_head(hidden_state).to(flow.dtype)

    def mask_logits(self, hidden_state: Tensor) -> Tensor:
        """Logits for `upsample_convex`, `(N, 576, h, w)`; only the last iteration's are needed."""
        logits: Tensor = self.mask(hidden_state)
        return logits.mul_(MASK_SCALE)

    def _upsample(self, flow: Tensor, hidden_state: Tensor, queries: Tensor | None) -> Tensor:
        upsampled = []
        asked = (None, None) if queries is None else queries.chunk(2)
        # One direction at a time: the weights are 144 times as many as the coarse flow's values.
        for part, state, pixels in zip(flow.chunk(2), hidden_state.chunk(2), asked, strict=True):
            logits = self.mask_logits(state)
            if pixels is not None:
                logits = logits + self.likeness.logits(pixels, state)
            with torch.autocast(flow.device.type, enabled=False):  # flows stay in float32
                upsampled.append(upsample_convex(part, logits))
        return torch.cat(upsampled)


def own_positions(flow: Tensor) -> Tensor:
    """Each cell's own position, `(1, 2, h, w)`, x before y."""
    rows, columns = (torch.arange(n, dtype=flow.dtype, device=flow.device) for n in flow.shape[-2:])
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y])[None]


def upsample_convex(flow: Tensor, logits: Tensor) -> Tensor:
    """Upsample a flow by 8: each fine vector is a convex combination of the 3x3 coarse ones around it.

    Parameters
    ----------
    flow
        `(N, 2, h, w)`, in coarse cells; cells outside count as zero flow.
    logits
        `(N, 9 * 8 * 8, h, w)`: for the neighbours in raster order, for the 8x8 fine pixels of the cell
        in raster order, the logarithm of the weight.

    Returns
    -------
    Tensor
        `(N, 2, 8h, 8w)`, in fine pixels.

    References
    ----------
    .. [1] Teed & Deng 2020, appendix B. arXiv:2003.12039
    """
    batch, _, height, width = flow.shape
    cells = batch * height * width
    # Logits with channels last are read as they lie.
    logits = logits.to(flow.dtype).permute(0, 2, 3, 1).reshape(cells, NEIGHBOURS, STRIDE * STRIDE)
    neighbours = unfold(STRIDE * flow.contiguous(), 3, padding=1).view(batch, 2 * NEIGHBOURS, -1)
    vectors = neighbours.transpose(1, 2).reshape(cells, 2, NEIGHBOURS)
    weights = logits.softmax(dim=1)
    # For every cell a product of small matrices. As products of many at once these take five times as long,
    # and their threads wait for each other spinning, which other programs on the same cores make far worse.
    both = torch.stack([(weights * vectors[:, axis, :, None]).sum(dim=1) for axis in (0, 1)], dim=1)
    fine = both.view(batch, height, width, 2, STRIDE, STRIDE)
    return fine.permute(0, 3, 1, 4, 2, 5).reshape(batch, 2, STRIDE * height, STRIDE * width)
