"""How like each pixel is to the cells around it: outlines for maps that a network makes at 1/8 of a frame.

A vector of the upsampled flow is a convex combination of those of nine cells. The recurrent state, one
vector for 64 pixels, hardly says on which side of a line a pixel lies. So each pixel asks the cells: its
query, made from features at 1/2, times a key of each cell, made from the cell's state, is added to the logit
of the cell's weight.

References
----------
.. [1] Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020,
   appendix B: the convex combination. arXiv:2003.12039
.. [2] A. Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section 3.2: products of queries and keys
   as logits. arXiv:1706.03762
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from animeinterp.models.convolution import Convolution
from animeinterp.models.encoder import STRIDE

NEIGHBOURS = 3 * 3
"""Cells that a vector of the upsampled flow is a convex combination of."""
FINE = 2
"""Pixels to a feature that queries are made from, along each axis."""


class Likeness(nn.Module):
    """Queries of pixels, and two keys for each cell: one for its neighbours, one for its own pixels.

    Parameters
    ----------
    fine
        Channels of the features at 1/2.
    hidden
        Channels of the recurrent state, at 1/8.
    width
        Channels of queries and keys.
    """

    def __init__(self, fine: int, hidden: int, width: int) -> None:
        super().__init__()
        self.query = Convolution(fine, width * FINE**2, 3, padding=1)
        self.key = Convolution(hidden, width, 1)
        self.own = Convolution(hidden, width, 1)
        for keys in (self.key, self.own):  # nothing is added until it is trained
            nn.init.zeros_(keys.weight)
            nn.init.zeros_(keys.bias)  # type: ignore[arg-type]

    def queries(self, features: Tensor) -> Tensor:
        """Features at 1/2, `(N, C, 4h, 4w)`, to `(N * h * w, 64, width)`, a cell's pixels in raster order.

        Float32, as `logits` and `within` multiply them.
        """
        x: Tensor = self.query(features).float()
        batch, channels, rows, columns = x.shape
        across = STRIDE // FINE
        height, width = rows // across, columns // across
        x = x.view(batch, channels // FINE**2, FINE, FINE, height, across, width, across)
        return x.permute(0, 4, 6, 5, 2, 7, 3, 1).reshape(batch * height * width, STRIDE**2, -1)

    def logits(self, queries: Tensor, state: Tensor) -> Tensor:
        """What to add to the logits of `update.upsample_convex`, `(N, 576, h, w)`, float32.

        Parameters
        ----------
        queries
            From `queries`.
        state
            `(N, hidden, h, w)`.
        """
        keys = self.key(state).permute(0, 2, 3, 1).float()
        batch, rows, columns, width = keys.shape
        padded = pad(keys, (0, 0, 1, 1, 1, 1))
        around = torch.stack(
            [padded[:, y : y + rows, x : x + columns] for y in range(3) for x in range(3)], dim=3
        )
        with torch.autocast(keys.device.type, enabled=False):
            likeness = torch.bmm(around.view(-1, NEIGHBOURS, width), queries.transpose(1, 2))
        return likeness.view(batch, rows, columns, NEIGHBOURS * STRIDE**2).permute(0, 3, 1, 2)

    def within(self, queries: Tensor, state: Tensor) -> Tensor:
        """What a cell's own key says of its pixels, `(N, 64, h, w)`, float32."""
        keys = self.own(state).permute(0, 2, 3, 1).float()
        batch, rows, columns, width = keys.shape
        with torch.autocast(keys.device.type, enabled=False):
            # In this order: where the first matrix has a single row, Torch takes them one by one.
            likeness = torch.bmm(queries, keys.reshape(-1, width, 1))
        return likeness.view(batch, rows, columns, STRIDE**2).permute(0, 3, 1, 2)
