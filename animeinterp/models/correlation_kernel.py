"""Looking correlations up on demand by CUDA kernels; their contract is in `models/kernels/correlate.cu`."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from animeinterp.models.cuda_kernels import Launch

TOGETHER = 5
"""Cells of a row that one thread takes, as in the source; `2 * radius + 2` is a multiple of it."""


def look_up_by_kernel(
    launch: Launch, queries: Tensor, levels: Sequence[Tensor], positions: Tensor, radius: int, found: Tensor
) -> None:
    """Fill in the windows of all levels.

    Parameters
    ----------
    launch
        Runs the kernels.
    queries
        `(N, h, w, C)`, dense, already divided by sqrt(C).
    levels
        `(N, rows, columns, C)` each, dense, of the type of `queries`.
    positions
        `(N, h, w, 2)`, dense, x and y in cells of the first level, within a range that int64 holds.
    radius
        Cells on each side of a window's middle.
    found
        `(N, h, w, len(levels) * (2 * radius + 1)^2)`, dense; overwritten.

    Notes
    -----
    One level's dot products, `(2 * radius + 2)^2` for each query, are kept at a time: 0.1 GB for a pair of
    3840 x 2160, looked up both ways.
    """
    batch, height, width, channels = queries.shape
    side, count = 2 * radius + 2, height * width
    if side % TOGETHER:
        raise ValueError(f"radius is {radius}, expected 2 * radius + 2 to be a multiple of {TOGETHER}")
    products = queries.new_empty(batch * count, side, side)
    for level, cells in enumerate(levels):
        scale = 1 / 2**level
        launch(
            "correlate_cells",
            queries.dtype,
            products.numel() // TOGETHER,
            (
                queries,
                cells,
                positions,
                batch,
                count,
                channels,
                *cells.shape[1:3],
                side,
                radius,
                scale,
                products,
            ),
        )
        window = (side - 1) ** 2
        launch(
            "correlate_windows",
            queries.dtype,
            batch * count * window,
            (products, positions, batch * count, side, scale, found.shape[3], level * window, found),
        )
