"""How wide and how far-seeing the variants of the networks are: one row of numbers each, no copies of code.

The full networks are those of the paper and of the released checkpoint. The light ones have the same parts
with fewer channels, for a CPU, and are trained by `pipeline.training`.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, sections 3.2 and 3.3.
   arXiv:2104.02495
.. [2] Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020,
   appendix A (basic and small model). arXiv:2003.12039
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefinementWidths:
    """Channels of the RFR's maps, and how far its correlation look-up reaches."""

    encoder: tuple[int, int, int]
    """Of the feature network at 1/2, 1/4 and 1/8 of the frame."""
    normalised: bool
    """Whether its maps are normalised, channel by channel over the frame, as RAFT's are: without this the
    light network learns to match many times more slowly. The paper's network is without."""
    hidden: int
    """Of the recurrent state."""
    context: int
    """Of what the recurrent unit sees of the frame itself."""
    motion: int
    """Of what it sees of correlations and flow; the last two are the flow."""
    correlation_hidden: tuple[int, int]
    """Inside the motion encoder, on the way of the correlations."""
    flow_hidden: tuple[int, int]
    """Inside the motion encoder, on the way of the flow."""
    head: int
    """Inside the flow head."""
    mask: int
    """Inside the head that weighs the neighbours in upsampling."""
    likeness: int
    """Of the queries and keys that tell on which side of a line a pixel lies; 0 is without."""
    levels: int
    """Of the correlation pyramid."""
    radius: int
    """Of the look-up window, in cells of each level."""

    @property
    def looked_up(self) -> int:
        """Correlations that one look-up finds for a cell."""
        return self.levels * (2 * self.radius + 1) ** 2


FULL_REFINEMENT = RefinementWidths(
    encoder=(64, 96, 128),
    normalised=False,
    hidden=128,
    context=128,
    motion=128,
    correlation_hidden=(256, 192),
    flow_hidden=(128, 64),
    head=256,
    mask=256,
    likeness=0,
    levels=4,
    radius=4,
)
LIGHT_REFINEMENT = RefinementWidths(
    encoder=(32, 64, 96),
    normalised=True,
    hidden=64,
    context=64,
    motion=64,
    correlation_hidden=(64, 64),
    flow_hidden=(32, 32),
    head=64,
    mask=128,
    likeness=16,
    levels=3,
    radius=3,
)


@dataclass(frozen=True, slots=True)
class SynthesisWidths:
    """Channels of the synthesis network's maps at full size, 1/2 and 1/4, finest first."""

    features: tuple[int, int, int]
    """Of the feature extractor."""
    rows: tuple[int, int, int]
    """Of the GridNet's rows."""
    levels: tuple[int, int, int]
    """Of the maps that come into its rows besides the splatted frames."""
    before: int
    """Inside its last block."""
    drawn: int
    """Of what it returns."""


FULL_SYNTHESIS = SynthesisWidths(
    features=(32, 64, 96), rows=(32, 64, 96), levels=(64, 128, 192), before=3, drawn=3
)
LIGHT_GUIDES = 5 + 3
"""Maps that the light GridNet sees beside the splatted frames: two weights, two holes and the time, which
tell where those came from; and the composite."""
LIGHT_SYNTHESIS = SynthesisWidths(
    features=(16, 32, 64), rows=(16, 32, 64), levels=(LIGHT_GUIDES, 2 * 32, 2 * 64), before=5, drawn=2
)
