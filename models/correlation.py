"""All-pairs correlation of two feature maps, looked up in windows on several scales.

A level of the pyramid holds, for every feature of frame 0, its dot products with the features of frame 1
averaged over 2^level x 2^level cells. A look-up reads a window of `2 * RADIUS + 1` by `2 * RADIUS + 1` values
around one position in each level. Channels run level by level; within a level the *x* offset is the
slow axis and the y offset the fast one.

References
----------
.. [1] Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020,
   section 3.2. arXiv:2003.12039
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, Self

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

LEVELS = 4
RADIUS = 4  # [1], section 4: the look-up reaches 4 cells in each level
WINDOW = 2 * RADIUS + 1
CHANNELS = LEVELS * WINDOW**2
SMALLEST_SIDE = 2 ** (LEVELS - 1)
"""Least side of a feature map for which no level is empty."""

# Most correlations kept as a volume: 2^29 float32 are 2 GiB, enough for 1100x1100 frames. Beyond, windows are
# correlated anew in each look-up, slower but with memory that grows with the frame, not with its square.
VOLUME_LIMIT = 2**29
# Floats that a look-up without a volume holds at once: 8 MiB, which caches hold; larger was slower on CPUs.
CHUNK_FLOATS = 2**21


class Correlation(Protocol):
    """What the network asks of a correlation; positions and cells are those of the feature maps."""

    def lookup(self, positions: Tensor) -> Tensor:
        """Windows of all levels around positions in frame 1.

        Parameters
        ----------
        positions
            `(N, 2, h, w)`, x and y in cells of frame 1's feature map, one for each feature of frame 0.

        Returns
        -------
        Tensor
            `(N, CHANNELS, h, w)`, bilinear between cells, 0 outside of the map.
        """

    def reversed(self) -> Correlation:
        """The correlation of frame 1 with frame 0."""


class CorrelationVolume:
    """All correlations, computed once: fast, memory `N * (h * w)^2 * 4/3` floats.

    Parameters
    ----------
    features0, features1
        `(N, C, h, w)`, both sides at least `SMALLEST_SIDE`.

    Notes
    -----
    The coarser levels come from pooled *features* rather than by pooling correlations: the mean of
    dot products is the dot product with the mean. The other direction's finest level is this one's transpose.
    """

    def __init__(self, features0: Tensor, features1: Tensor) -> None:
        self._build(features0, features1, _correlate(features0, features1))

    def _build(self, features0: Tensor, features1: Tensor, finest: Tensor) -> None:
        self._features = features0, features1
        coarser = list(_pooled(features1))[1:]
        self._levels = [finest, *(_correlate(features0, level) for level in coarser)]
        self._sizes = [(level.shape[2], level.shape[3]) for level in (features1, *coarser)]

    def reversed(self) -> Self:
        """As `Correlation.reversed`; shares the finest level with this object."""
        other = type(self).__new__(type(self))
        other._build(*self._features[::-1], self._levels[0].transpose(1, 2))
        return other

    def lookup(self, positions: Tensor) -> Tensor:
        """As `Correlation.lookup`."""
        windows = []
        for level, (correlations, (height, width)) in enumerate(zip(self._levels, self._sizes, strict=True)):
            window = _Window(positions.flatten(2) / 2**level, height, width)
            values = correlations.gather(2, window.cells) * window.inside
            windows.append(window.interpolate(values))
        return _as_channels(windows, positions)


class CorrelationOnDemand:
    """Correlates the windows looked at only: the same numbers as `CorrelationVolume` in little memory.

    Parameters
    ----------
    features0, features1
        `(N, C, h, w)`, both sides at least `SMALLEST_SIDE`.
    """

    def __init__(self, features0: Tensor, features1: Tensor) -> None:
        self._features = features0, features1
        self._queries = _rows(features0) / features0.shape[1] ** 0.5
        self._levels = [(_rows(level), (level.shape[2], level.shape[3])) for level in _pooled(features1)]

    def reversed(self) -> Self:
        """As `Correlation.reversed`."""
        return type(self)(*self._features[::-1])

    def lookup(self, positions: Tensor) -> Tensor:
        """As `Correlation.lookup`."""
        windows = []
        for level, (cells, (height, width)) in enumerate(self._levels):
            window = _Window(positions.flatten(2) / 2**level, height, width)
            windows.append(window.interpolate(self._dot_products(cells, window.cells) * window.inside))
        return _as_channels(windows, positions)

    def _dot_products(self, cells: Tensor, wanted: Tensor) -> Tensor:
        """Queries `(N, Q, C)` times those of the cells `(N, cells, C)` that `wanted`, `(N, Q, K)`, names."""
        per_query = wanted.shape[2]
        chunk = max(1, CHUNK_FLOATS // (per_query * cells.shape[2]))
        products = torch.empty_like(wanted, dtype=cells.dtype)
        for image, features in enumerate(cells):
            for start in range(0, wanted.shape[1], chunk):
                some = slice(start, start + chunk)
                rows = features.index_select(0, wanted[image, some].flatten())
                rows = rows.view(-1, per_query, cells.shape[2])
                products[image, some] = torch.bmm(rows, self._queries[image, some, :, None])[..., 0]
        return products


CorrelationFactory = Callable[[Tensor, Tensor], Correlation]


def correlate(features0: Tensor, features1: Tensor) -> Correlation:
    """The correlation of two feature maps, as a volume where that is not too large.

    Parameters
    ----------
    features0, features1
        `(N, C, h, w)`, float, of the same shape.

    Returns
    -------
    Correlation
        A `CorrelationVolume` up to `VOLUME_LIMIT` correlations, else a `CorrelationOnDemand`.

    Raises
    ------
    ValueError
        The shapes differ, or a side is below `SMALLEST_SIDE`.
    """
    if features0.shape != features1.shape or features0.ndim != 4:
        raise ValueError(
            f"features0 has shape {tuple(features0.shape)} and features1 {tuple(features1.shape)}, "
            "expected (N, C, h, w) twice, the same"
        )
    batch, _, height, width = features0.shape
    if min(height, width) < SMALLEST_SIDE:
        raise ValueError(f"features0 is {height}x{width}, expected both sides at least {SMALLEST_SIDE}")
    if batch * (height * width) ** 2 > VOLUME_LIMIT:
        return CorrelationOnDemand(features0, features1)
    return CorrelationVolume(features0, features1)


class _Window:
    """Cells under every position's window, and the interpolation between them.

    All offsets of a window are whole, so its positions share one fractional part: a grid of one cell more
    along each axis is read and neighbours are blended. Taking whole and fractional parts, rather than
    normalising positions to -1..1, also holds on maps of a single row or column.
    """

    def __init__(self, positions: Tensor, height: int, width: int) -> None:
        x, y = (
            _AxisWindow(position, length)
            for position, length in zip(positions.unbind(1), (width, height), strict=True)
        )
        self.cells = (x.cells[..., :, None] + y.cells[..., None, :] * width).flatten(2)  # (N, Q, 10 * 10)
        self.inside = (x.inside[..., :, None] & y.inside[..., None, :]).flatten(2)
        self._fractions = x.fraction[..., None, None], y.fraction[..., None, None]

    def interpolate(self, values: Tensor) -> Tensor:
        """`(N, Q, 10 * 10)` values of the cells to `(N, Q, 9 * 9)` values at the offsets, x slow."""
        fraction_x, fraction_y = self._fractions
        grid = values.view(*values.shape[:2], WINDOW + 1, WINDOW + 1)
        grid = (1 - fraction_x) * grid[:, :, :-1] + fraction_x * grid[:, :, 1:]
        blended: Tensor = (1 - fraction_y) * grid[..., :-1] + fraction_y * grid[..., 1:]
        return blended.flatten(2)


class _AxisWindow:
    """The part of `_Window` that concerns one axis: `WINDOW + 1` cells from `-RADIUS` on."""

    def __init__(self, position: Tensor, length: int) -> None:
        whole = position.floor()
        self.fraction = position - whole
        offsets = torch.arange(-RADIUS, RADIUS + 2, dtype=position.dtype, device=position.device)
        cells = whole[..., None] + offsets
        self.inside = (cells >= 0) & (cells < length)
        self.cells = torch.where(self.inside, cells, 0).long()


def _correlate(features0: Tensor, features1: Tensor) -> Tensor:
    """Dot products over sqrt(C), `(N, cells of features0, cells of features1)`."""
    scale = features0.shape[1] ** 0.5
    correlations: Tensor = (features0.flatten(2).transpose(1, 2) / scale) @ features1.flatten(2)
    return correlations


def _rows(features: Tensor) -> Tensor:
    """`(N, C, h, w)` as `(N, h * w, C)`, each cell's channels side by side in memory."""
    return features.flatten(2).transpose(1, 2).contiguous()


def _pooled(features: Tensor) -> Iterator[Tensor]:
    yield features
    for _ in range(LEVELS - 1):
        features = avg_pool2d(features, 2)
        yield features


def _as_channels(windows: list[Tensor], positions: Tensor) -> Tensor:
    channels = torch.cat(windows, dim=2).transpose(1, 2)
    return channels.reshape(channels.shape[0], CHANNELS, *positions.shape[2:])
