"""The segmentation written plainly: whole images, one fill and one pixel at a time."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage


def draw_contours(frame, preset) -> np.ndarray:
    """Contours, dark on white."""
    smooth = cv2.bilateralFilter(frame, preset.diameter, preset.sigma_color, preset.sigma_space)
    response = cv2.Laplacian(smooth, cv2.CV_32F, ksize=5)
    strongest = response.max()
    if strongest <= 0:
        return np.full(frame.shape[:2], 255, np.uint8)
    response = response * (np.float32(255) / strongest)
    kept = hysteresis(response, preset.low, preset.high)
    edges = np.where(kept, 20 * response, 0).max(axis=2)
    return np.clip(255 - edges, 0, 255).astype(np.uint8)


def hysteresis(volume, low, high) -> np.ndarray:
    """Where a volume is above `low` and connected, through faces, to where it is above `high`."""
    parts, _ = ndimage.label(volume > low)
    return (parts > 0) & np.isin(parts, parts[volume > high])


def fill_pieces(binary, most_fills=1000, most_components=20000) -> np.ndarray:
    """Trapped-ball fills, the whole image anew for each of them."""
    empty = (binary > 0).astype(np.uint8)
    fill_map = np.zeros(binary.shape, np.int32)
    count = 0
    for radius in (3, 2, 1, 0):
        fills = _roll_ball(empty, radius, most_fills if radius > 0 else most_components)
        if radius == 3 and fills:
            largest = max(fill.sum() for fill in fills)
            fills = [fill for fill in fills if fill.sum() == largest]
        for fill in fills:
            count += 1
            fill_map[fill] = count
            empty[fill] = 0
    return fill_map


def _roll_ball(empty, radius, most) -> list[np.ndarray]:
    ball = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    rest, fills = empty.copy(), []
    while len(fills) < most:
        centres = cv2.erode(rest, ball)
        if not centres.any():
            break
        labels = cv2.connectedComponents(centres, connectivity=4)[1]
        component = labels == labels.ravel()[np.flatnonzero(centres)[0]]
        fills.append(cv2.dilate(component.astype(np.uint8), ball) > 0)
        rest[fills[-1]] = 0
    return fills


def merge_fills(fill_map, frame, rounds=10) -> np.ndarray:
    """The merging rules one after the other."""
    current = fill_map.copy()
    for _ in range(rounds):
        ids = np.unique(current)
        masks = {fill: current == fill for fill in ids}
        histograms = {fill: _histogram(frame[mask]) for fill, mask in masks.items()}
        for fill in ids[ids > 0]:
            if masks[fill].sum() < 500:
                current[masks[fill]] = _new_id(fill, masks[fill], current, histograms)
        if len(np.unique(current)) == len(ids):
            break
    return current


def _new_id(fill, mask, current, histograms) -> int:
    area = mask.sum()
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    border = cv2.dilate(mask.astype(np.uint8), cross).astype(bool) & ~mask
    neighbours, contacts = np.unique(current[border & (current > 0)], return_counts=True)
    if len(neighbours) == 0:
        return 0 if area < 5 else fill
    likeness = [np.sum(np.minimum(histograms[fill], histograms[other])) for other in neighbours]
    best, last = int(np.argmax(likeness)), likeness[-1]
    lone = len(neighbours) == 1
    if (
        (area < 300 and lone)
        or (lone and contacts[best] > 2)
        or area < 50
        or (last > 0.2 and area < 150 and contacts[best] > 1)
        or (last > 0.25 and area < 250 and contacts[best] > 8)
    ):
        return neighbours[best]
    return fill


def _histogram(colours) -> np.ndarray:
    # Blue, green, red, as the released program reads frames: the order of adding up decides some ties.
    counts = np.concatenate([np.histogram(colours[:, c], bins=25)[0] for c in (2, 1, 0)])
    return counts / counts.sum()


def assign_lines(labels, passes=100) -> np.ndarray:
    """Lines given to the pieces, pixel after pixel, one map a pass."""
    height, width = labels.shape
    for _ in range(passes):
        before, labels = labels, labels.copy()
        for y, x in np.argwhere(before == 0):
            sides = [(y, x - 1), (y - 1, x), (y, x + 1), (y + 1, x)]
            if not any(0 <= v < height and 0 <= u < width and before[v, u] for v, u in sides):
                continue
            for dy, dx in ((0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1)):
                v, u = y + dy, x + dx
                if v >= height or u >= width or (dx < 0 and u <= 0) or (dy < 0 and v <= 0):
                    continue
                if before[v, u]:
                    labels[y, x] = before[v, u]
                    break
    return labels


def number_by_area(labels) -> np.ndarray:
    """Numbers from the smallest area to the largest, of equal ones by the id before."""
    order = sorted(np.unique(labels), key=lambda label: ((labels == label).sum(), label))
    numbers = np.zeros(labels.shape, np.int32)
    for number, label in enumerate(order):
        numbers[labels == label] = number
    return numbers


def segment(frame, preset) -> np.ndarray:
    """All steps: the label map."""
    inside = draw_contours(frame, preset) > 220
    return number_by_area(assign_lines(merge_fills(fill_pieces(inside), frame)))


def measure(label_map) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Area, centroid (x, y) and box (x_min, y_min, x_max, y_max) of each piece."""
    points = [np.argwhere(label_map == label)[:, ::-1] for label in range(label_map.max() + 1)]
    return (
        np.array([len(found) for found in points]),
        np.array([found.mean(axis=0) for found in points]),
        np.array([[*found.min(axis=0), *found.max(axis=0)] for found in points]),
    )
