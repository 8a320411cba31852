"""Padding of maps by their own edge."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import pad


def pad_edge(x: Tensor, height: int, width: int) -> Tensor:
    """Extend maps `(N, C, H, W)` to a size by repeating the last column and row; larger sides stay."""
    more_rows, more_columns = max(0, height - x.shape[2]), max(0, width - x.shape[3])
    return pad(x, (0, more_columns, 0, more_rows), mode="replicate") if more_rows or more_columns else x
