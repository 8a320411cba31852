"""All-pairs correlation of two feature maps, looked up in windows on several scales.

A level of the pyramid holds, for every feature of one frame, its dot products with the features of the
other frame averaged over 2^level x 2^level cells. A look-up reads a window of `2 * radius + 1` by
`2 * radius + 1` values around one position in each level. Channels run level by level; within a level the
*x* offset is the slow axis and the y offset the fast one.

Both directions are served at once, as one batch: first frame 0 looking into frame 1, then frame 1 looking
into frame 0.

References
----------
.. [1] Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020,
   section 3.2. arXiv:2003.12039
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d

from animeinterp.models.compiled import compiled_sum, in_bands
from animeinterp.models.correlation_kernel import TOGETHER, look_up_by_kernel
from animeinterp.models.cuda_kernels import kernels_for, widened
from animeinterp.models.widths import FULL_REFINEMENT

LEVELS = FULL_REFINEMENT.levels
RADIUS = FULL_REFINEMENT.radius  # [1], section 4: the look-up reaches 4 cells in each level
CHANNELS = FULL_REFINEMENT.looked_up
SMALLEST_SIDE = 2 ** (LEVELS - 1)
"""Least side of a feature map for which no level is empty."""

# A position further out than this, in cells, sees nothing of any map; whole numbers stay far from overflow.
FAR = 1e6

VOLUME_SHARE = 0.25
"""Largest part of a GPU's memory that the volume may take at its peak; the rest is for the networks.

Of all memory, not of what is free: the two ways differ in the last bits, and a result must not depend on what
else runs on the device.
"""

PEAK_FLOATS = 11 / 3
"""Floats that making a volume needs at once, for each pair of cells: the finest level once by itself, and
both directions of all levels."""


class Correlation(Protocol):
    """What the network asks of a correlation; positions and cells are those of the feature maps."""

    def lookup(self, positions: Tensor) -> Tensor:
        """Windows of all levels around positions in the other frame.

        Parameters
        ----------
        positions
            `(2 * N, 2, h, w)`, x and y in cells of the other frame's feature map, one for each feature of
            frame 0, then one for each of frame 1.

        Returns
        -------
        Tensor
            `(2 * N, levels * (2 * radius + 1)^2, h, w)`, bilinear between cells, 0 outside of the map.
        """


class CorrelationVolume:
    """All correlations, computed once: memory `N * (h * w)^2 * 8/3` floats. For GPUs and gradients.

    Parameters
    ----------
    features0, features1
        `(N, C, h, w)`, both sides at least `2^(levels - 1)`.
    levels, radius
        Of the pyramid, and of the window looked at in each.

    Notes
    -----
    The coarser levels come from pooled *features* rather than by pooling correlations: the mean of dot
    products is the dot product with the mean. The other direction's finest level is this one's transpose.
    """

    def __init__(
        self, features0: Tensor, features1: Tensor, levels: int = LEVELS, radius: int = RADIUS
    ) -> None:
        self._radius = radius
        dtype = widened(features0, features1)
        features0, features1 = features0.to(dtype), features1.to(dtype)
        finest = _correlate(features0, features1)
        self._levels = [torch.cat([finest, finest.transpose(1, 2)])]
        self._sizes = [_size(features0)]
        queries = torch.cat([features0, features1])
        for level in list(_pooled(torch.cat([features1, features0]), levels))[1:]:
            self._levels.append(_correlate(queries, level))
            self._sizes.append(_size(level))

    def lookup(self, positions: Tensor) -> Tensor:
        """As `Correlation.lookup`."""
        windows = []
        for level, (correlations, (height, width)) in enumerate(zip(self._levels, self._sizes, strict=True)):
            window = _Window(positions.flatten(2) / 2**level, height, width, self._radius)
            values = correlations.gather(2, window.cells) * window.inside
            windows.append(window.interpolate(values))
        channels = torch.cat(windows, dim=2).transpose(1, 2)
        return channels.reshape(*channels.shape[:2], *positions.shape[2:])


class CorrelationOnDemand:
    """Correlates the windows looked at only: memory for the features and two look-ups.

    Compiled code on the CPU, where it also takes less time than the volume; a kernel on a GPU.

    Parameters
    ----------
    features0, features1
        `(N, C, h, w)`, on the CPU or where `models.cuda_kernels.kernels_for` has kernels, both sides at least
        `2^(levels - 1)`; no gradients.
    levels, radius
        Of the pyramid, at most 4, and of the window looked at in each.
    """

    def __init__(
        self, features0: Tensor, features1: Tensor, levels: int = LEVELS, radius: int = RADIUS
    ) -> None:
        self._radius = radius
        dtype = widened(features0, features1)
        features0, features1 = features0.detach().to(dtype), features1.detach().to(dtype)
        self._queries = _rows(torch.cat([features0, features1]) / features0.shape[1] ** 0.5)
        self._levels = [_rows(level) for level in _pooled(torch.cat([features1, features0]), levels)]
        self._kept: tuple[NDArray[Any], NDArray[Any]] | None = None

    def lookup(self, positions: Tensor) -> Tensor:
        """As `Correlation.lookup`; channels last in memory."""
        where = positions.detach().to(self._queries.dtype).clamp(-FAR, FAR)
        where = where.permute(0, 2, 3, 1).contiguous()
        batch, height, width, _ = where.shape
        count, radius = len(self._levels), self._radius
        found = where.new_empty(batch, height, width, count * (2 * radius + 1) ** 2)
        kernels = kernels_for(found.device)
        if kernels is not None:
            look_up_by_kernel(kernels, self._queries, self._levels, where, radius, found)
        else:
            # Compiled code takes a fixed number of levels; those that are not there are never looked at.
            levels = [self._levels[min(k, count - 1)].numpy() for k in range(LEVELS)]
            queries = self._queries.numpy()
            if self._kept is None:
                shape = batch, height, width, count
                corners = np.full((*shape, 2), np.iinfo(np.int64).max)  # where no window is
                self._kept = corners, np.empty((*shape, 2 * radius + 2, 2 * radius + 2), queries.dtype)
            arguments = queries, *levels, count, radius, where.numpy(), *self._kept, found.numpy()
            in_bands(_look_up, batch * height * count, *arguments)
        return found.permute(0, 3, 1, 2)


CorrelationFactory = Callable[[Tensor, Tensor], Correlation]


def correlate(
    features0: Tensor, features1: Tensor, levels: int = LEVELS, radius: int = RADIUS
) -> Correlation:
    """The correlation of two feature maps, the way that suits their device.

    Parameters
    ----------
    features0, features1
        `(N, C, h, w)`, float, of the same shape.
    levels, radius
        Of the pyramid, at most 4, and of the window looked at in each.

    Returns
    -------
    Correlation
        A `CorrelationVolume` for gradients, and on a GPU while it takes less than `VOLUME_SHARE` of the
        memory or where there are no kernels; otherwise a `CorrelationOnDemand`. Half precision is correlated
        in float32.

    Raises
    ------
    ValueError
        The shapes differ, or a side is below `2^(levels - 1)`: a level would be empty.
    """
    if features0.shape != features1.shape or features0.ndim != 4:
        raise ValueError(
            f"features0 has shape {tuple(features0.shape)} and features1 {tuple(features1.shape)}, "
            "expected (N, C, h, w) twice, the same"
        )
    height, width = _size(features0)
    least = 2 ** (levels - 1)
    if min(height, width) < least:
        raise ValueError(f"features0 is {height}x{width}, expected both sides at least {least}")
    learning = torch.is_grad_enabled() and (features0.requires_grad or features1.requires_grad)
    on_demand = not learning and _suits_on_demand(features0, radius)
    return (CorrelationOnDemand if on_demand else CorrelationVolume)(features0, features1, levels, radius)


def _suits_on_demand(features: Tensor, radius: int = RADIUS) -> bool:
    if features.device.type == "cpu":
        return True
    if kernels_for(features.device) is None or (2 * radius + 2) % TOGETHER:
        return False
    peak = PEAK_FLOATS * features.shape[0] * (features.shape[2] * features.shape[3]) ** 2 * 4  # bytes
    return peak > VOLUME_SHARE * torch.cuda.get_device_properties(features.device).total_memory


@compiled_sum
def _look_up(
    queries: NDArray[Any],  # (N, h, w, C)
    level0: NDArray[Any],  # (N, rows, columns, C): the finest cells
    level1: NDArray[Any],
    level2: NDArray[Any],
    level3: NDArray[Any],
    levels: int,  # of those, how many are looked at
    radius: int,
    positions: NDArray[Any],  # (N, h, w, 2)
    corners: NDArray[np.int64],  # (N, h, w, levels, 2): x, y of what `windows` holds
    windows: NDArray[Any],  # (N, h, w, levels, 2 * radius + 2, 2 * radius + 2): x, y; of the last look-up
    found: NDArray[Any],  # (N, h, w, levels * (2 * radius + 1)^2)
    start: int,  # of a count over images, levels and rows
    stop: int,
) -> None:
    # All offsets of a window are whole, so its positions share one fractional part: a grid of one cell more
    # along each axis is correlated and neighbours are blended. Where a flow has moved by less than a cell
    # since the last look-up, as most do, the grid is the same.
    side = 2 * radius + 1
    height = queries.shape[1]
    blended = np.empty(side + 1, queries.dtype)
    for part in range(start, stop):
        image, level, y = part // (levels * height), part // height % levels, part % height
        cells = (level0 if level == 0 else level1 if level == 1 else level2 if level == 2 else level3)[image]
        scale = 1 / 2**level
        for x in range(queries.shape[2]):
            position_x, position_y = positions[image, y, x, 0] * scale, positions[image, y, x, 1] * scale
            left, top = np.floor(position_x), np.floor(position_y)
            fraction_x = queries.dtype.type(position_x - left)
            fraction_y = queries.dtype.type(position_y - top)
            query = queries[image, y, x]
            window, corner = windows[image, y, x, level], corners[image, y, x, level]
            if corner[0] != int(left) or corner[1] != int(top):
                corner[0], corner[1] = int(left), int(top)
                for j in range(side + 1):
                    row = int(top) + j - radius
                    for i in range(side + 1):
                        column = int(left) + i - radius
                        product = queries.dtype.type(0)
                        if 0 <= row < cells.shape[0] and 0 <= column < cells.shape[1]:
                            for c in range(query.shape[0]):
                                product += query[c] * cells[row, column, c]
                        window[i, j] = product
            channel = level * side * side
            for i in range(side):
                for j in range(side + 1):
                    blended[j] = window[i, j] + fraction_x * (window[i + 1, j] - window[i, j])
                for j in range(side):
                    found[image, y, x, channel + j] = blended[j] + fraction_y * (blended[j + 1] - blended[j])
                channel += side


class _Window:
    """Cells under every position's window, and the interpolation between them.

    Taking whole and fractional parts, rather than normalising positions to -1..1, also holds on maps of a
    single row or column.
    """

    def __init__(self, positions: Tensor, height: int, width: int, radius: int) -> None:
        x, y = (
            _AxisWindow(position, length, radius)
            for position, length in zip(positions.unbind(1), (width, height), strict=True)
        )
        self.cells = (x.cells[..., :, None] + y.cells[..., None, :] * width).flatten(2)  # (N, Q, side * side)
        self.inside = (x.inside[..., :, None] & y.inside[..., None, :]).flatten(2)
        self._side = 2 * radius + 2
        self._fractions = x.fraction[..., None, None], y.fraction[..., None, None]

    def interpolate(self, values: Tensor) -> Tensor:
        """Values of cells, `(N, Q, (2r + 2)^2)`, to values at the offsets, `(N, Q, (2r + 1)^2)`, x slow."""
        fraction_x, fraction_y = self._fractions
        grid = values.view(*values.shape[:2], self._side, self._side)
        grid = (1 - fraction_x) * grid[:, :, :-1] + fraction_x * grid[:, :, 1:]
        blended: Tensor = (1 - fraction_y) * grid[..., :-1] + fraction_y * grid[..., 1:]
        return blended.flatten(2)


class _AxisWindow:
    """The part of `_Window` that concerns one axis: `2 * radius + 2` cells from `-radius` on."""

    def __init__(self, position: Tensor, length: int, radius: int) -> None:
        whole = position.floor()
        self.fraction = position - whole
        offsets = torch.arange(-radius, radius + 2, dtype=position.dtype, device=position.device)
        cells = whole[..., None] + offsets
        self.inside = (cells >= 0) & (cells < length)
        self.cells = torch.where(self.inside, cells, 0).long()


def _correlate(features0: Tensor, features1: Tensor) -> Tensor:
    """Dot products over sqrt(C), `(N, cells of features0, cells of features1)`."""
    scale = features0.shape[1] ** 0.5
    with _whole_float32(features0.device):
        correlations: Tensor = (features0.flatten(2).transpose(1, 2) / scale) @ features1.flatten(2)
    return correlations


@contextmanager
def _whole_float32(device: torch.device) -> Iterator[None]:
    """Context in which matrix products on a GPU use float32, regardless of global settings.

    TF32 would round features to 10 bits, and autocast to half precision.
    """
    matmul = torch.backends.cuda.matmul
    # Torch refuses to read the older switch, the only one before 2.9, once a program has set the newer one.
    switch, whole = ("fp32_precision", "ieee") if hasattr(matmul, "fp32_precision") else ("allow_tf32", False)
    before = getattr(matmul, switch)
    setattr(matmul, switch, whole)
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        setattr(matmul, switch, before)


def _rows(features: Tensor) -> Tensor:
    """`(N, C, h, w)` as `(N, h, w, C)`, each cell's channels side by side in memory."""
    return features.permute(0, 2, 3, 1).contiguous()


def _size(features: Tensor) -> tuple[int, int]:
    return features.shape[2], features.shape[3]


def _pooled(features: Tensor, levels: int) -> Iterator[Tensor]:
    yield features
    for _ in range(levels - 1):
        features = avg_pool2d(features, 2)
        yield features
