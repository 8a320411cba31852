"""Large frames worked on at a smaller size: frames and pieces made smaller, flows and frames larger again.

The thresholds of segment-guided matching are px of frames of about 540 rows, and its time grows with the
pixels, so large frames are better segmented, described and matched at such a height.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.stages.segmentation import Pieces, measure_pieces

FLOW_PIXELS = 340_000
"""Of frames as the light refinement sees them. It has learned motions of a few dozen px, so that frames of
1920x1080 gain more from it at 777x437 than at their own size (docs/training.md)."""
MASK_PIXELS = 120_000
"""Of frames as the light synthesis sees them: its masks change little between neighbours."""

Size = tuple[int, int]
FloatMap = TypeVar("FloatMap", NDArray[np.float16], NDArray[np.float32])


def working_size(size: Size, height: int) -> Size:
    """Height and width at which frames of a size are worked on: never larger, the same proportions.

    Parameters
    ----------
    size
        Height and width of the frames, px.
    height
        Greatest height wanted, px; 0 = that of the frames.
    """
    if height == 0 or size[0] <= height:
        return size
    return height, max(1, round(size[1] * height / size[0]))


def light_size(size: Size, most: int) -> Size:
    """Height and width at which a light network works on frames of a size: of `most` pixels, or their own."""
    share = min(1.0, (most / (size[0] * size[1])) ** 0.5)
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def shrink_frame(frame: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """A frame `(H, W, 3)` at a smaller size, each pixel the mean of those it covers."""
    if frame.shape[:2] == size:
        return frame
    return np.ascontiguousarray(cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def shrink_colours(frame: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """The same of a frame in float32."""
    if frame.shape[:2] == size:
        return frame
    return np.ascontiguousarray(cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA), np.float32)


def resize_labels(label_map: NDArray[np.int32], size: Size) -> NDArray[np.int32]:
    """A label map at another size, each pixel the label at its middle.

    Making a map larger and then as small as it was gives the same map.
    """
    if label_map.shape == size:
        return label_map
    rows, columns = (_middles(old, new) for old, new in zip(label_map.shape, size, strict=True))
    return np.ascontiguousarray(label_map[np.ix_(rows, columns)], np.int32)


def pieces_at(pieces: Pieces, size: Size) -> Pieces:
    """Pieces of a frame as they are at another size, measured there."""
    if pieces.label_map.shape == size:
        return pieces
    return measure_pieces(resize_labels(pieces.label_map, size))


def resize_flow(flow: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """A flow `(2, H, W)`, px, at another size: interpolated linearly, and in px of that size."""
    if flow.shape[1:] == size:
        return flow
    smaller = size[0] < flow.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    planes = [
        cv2.resize(plane, size[::-1], interpolation=how) * np.float32(new / old)
        for plane, old, new in zip(flow, flow.shape[:0:-1], size[::-1], strict=True)
    ]
    return np.stack(planes).astype(np.float32)


def resize_map(values: FloatMap, size: Size) -> FloatMap:
    """A map `(H, W)` at another size, of the same type."""
    if values.shape == size:
        return values
    how = cv2.INTER_AREA if size[0] < values.shape[0] else cv2.INTER_LINEAR
    resized = cv2.resize(values.astype(np.float32), size[::-1], interpolation=how)
    return np.asarray(resized, values.dtype)


def enlarge_frames(frames: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """Frames `(T, H, W, 3)`, 0..1, at a larger size, by cubic interpolation."""
    if frames.shape[1:3] == size:
        return frames
    larger = [cv2.resize(frame, size[::-1], interpolation=cv2.INTER_CUBIC) for frame in frames]
    return np.ascontiguousarray(np.clip(np.stack(larger), 0, 1), np.float32)


def _middles(old: int, new: int) -> NDArray[np.intp]:
    """For each of `new` cells in a row the one of `old` cells in which its middle lies; exact."""
    return (2 * np.arange(new) + 1) * old // (2 * new)
