"""The coarse flow written plainly: whole frames, one piece and one pixel at a time."""

from __future__ import annotations

import cv2
import numpy as np


def coarse_flow(gray0, gray1, labels0, labels1, match, rank_sum) -> tuple[np.ndarray, np.ndarray]:
    """Flow from frame 0 to frame 1, (2, H, W), and whether each piece moves, with the released limits."""
    flow = np.zeros((2, *labels0.shape))
    moves = np.zeros(len(match), bool)
    for piece, other in enumerate(match):
        inside0, inside1 = labels0 == piece, labels1 == other
        if not _is_trusted(inside0, inside1, rank_sum[piece]):
            continue
        cut0, cut1 = _cut_out(gray0, inside0), _cut_out(gray1, inside1)
        size = [max(a, b, 16) + 10 for a, b in zip(cut0[0].shape, cut1[0].shape, strict=True)]
        picture0, mask0 = (_pad(array, size) for array in cut0)
        picture1, mask1 = (_pad(array, size) for array in cut1)
        bend = _search(picture0, picture1)
        if not _share_inside(mask0, mask1, bend) > 0.8:
            continue
        moves[piece] = True
        shift = _centre(inside1) - _centre(inside0)
        for axis in (0, 1):
            flow[axis][inside0] = shift[axis] + bend[..., axis][mask0]
    return flow, moves


def splat_mask(mask, flow) -> tuple[np.ndarray, np.ndarray]:
    """Values and weights of a 0/1 mask splatted bilinearly: each pixel's share in each pixel."""
    height, width = mask.shape
    values, weights = np.zeros((height, width)), np.zeros((height, width))
    rows, columns = np.indices((height, width))
    for y, x in np.ndindex(height, width):
        u, v = x + float(flow[y, x, 0]), y + float(flow[y, x, 1])
        share = np.maximum(0, 1 - np.abs(u - columns)) * np.maximum(0, 1 - np.abs(v - rows))
        weights += share
        values += share * mask[y, x]
    return values, weights


def _is_trusted(inside0, inside1, rank_sum) -> bool:
    area0, area1 = inside0.sum(), inside1.sum()
    return (
        rank_sum <= 0
        and np.hypot(*(np.argwhere(inside1).mean(axis=0) - np.argwhere(inside0).mean(axis=0))) <= 250
        and 50 < area0 < 0.12 * inside0.size
        and max(area0 / area1, area1 / area0) < 3
    )


def _cut_out(gray, inside) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(inside)
    picture = np.where(inside, gray, 0)
    if gray[inside].mean() < 20:
        picture[inside] = np.floor(0.8 * gray[inside] + 40)
    window = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return picture[window].astype(np.uint8), inside[window]


def _pad(array, size) -> np.ndarray:
    front = [(a - b) // 2 for a, b in zip(size, array.shape, strict=True)]
    back = [a - b - c for a, b, c in zip(size, array.shape, front, strict=True)]
    return np.pad(array, list(zip(front, back, strict=True)))


def _search(picture0, picture1) -> np.ndarray:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    search.setVariationalRefinementIterations(25)
    search.setGradientDescentIterations(50)
    return search.calc(picture0, picture1, None)


def _share_inside(mask0, mask1, bend) -> float:
    values, weights = splat_mask(mask0, bend)
    covered = np.zeros(mask0.shape, bool)
    for pixel in np.ndindex(mask0.shape):
        covered[pixel] = weights[pixel] > 0 and values[pixel] / weights[pixel] >= 0.05
    return (covered & mask1).sum() / covered.sum() if covered.any() else 0.0


def _centre(inside) -> np.ndarray:
    rows, columns = np.nonzero(inside)
    return np.array([columns.min() + columns.max(), rows.min() + rows.max()]) / 2
